"""The command line on a simulated Klaviyo account: exit codes, output, signals, commands."""

import fcntl
import json
import os
import pty
import re
import signal
import subprocess
import uuid
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import duckdb
import pytest
from psycopg2.extensions import parse_dsn

from simplyload.cli import combine_exit_codes
from tests.cli.conftest import Workspace, command, klaviyo_configuration
from tests.conftest import connect


@pytest.mark.parametrize(
    ("codes", "combined"), [([0, 0], 0), ([69, 0], 69), ([75, 69], 75), ([75, 1], 1), ([69, 2], 2)]
)
def test_a_failure_is_not_hidden_by_a_stream_that_goes_on_later(
    codes: list[int], combined: int
) -> None:
    """An orchestrator that skips 69 and 75 still sees that another stream failed."""
    assert combine_exit_codes(codes) == combined


def test_help_states_the_exit_codes(workspace: Workspace) -> None:
    """`--help` has every exit code with its meaning."""
    helped = workspace.run("--help")
    assert helped.code == 0
    assert all(f"\n  {code}" in helped.out for code in ("0 ", "1 ", "2 ", "69 ", "75 "))


@pytest.mark.parametrize(
    "arguments",
    [["sync", "--evry", "5m"], ["sync", "--once", "--every", "5m"], ["sync", "--select", "no"]],
    ids=" ".join,
)
def test_a_wrong_command_line_ends_with_two(account: Workspace, arguments: list[str]) -> None:
    """A wrong option ends with exit code 2 and a sentence, without a traceback or a file."""
    ran = account.run(*arguments)
    assert ran.code == 2
    assert ran.err
    assert "Traceback" not in ran.err
    assert not (account.folder / "warehouse.duckdb").exists()


def test_a_missing_file_ends_with_two(workspace: Workspace) -> None:
    """Without simplyload.yml the error says how to name or make one."""
    ran = workspace.run("sync")
    assert (ran.code, "Traceback" in ran.err) == (2, False)
    assert "simplyload.yml cannot be read" in ran.err
    assert "--config" in ran.err


def test_config_masks_the_key(account: Workspace) -> None:
    """`config` prints the values that count, and not the key."""
    shown = account.run("config")
    assert shown.code == 0
    assert "warehouse.duckdb" in shown.out
    assert account.environment["KLAVIYO_API_KEY"] not in shown.out


@pytest.mark.slow
def test_r33_a_life_of_a_stream(account: Workspace) -> None:
    """Sync, check, replay and reset give equal tables and lines of JSON; the key is in no file."""
    first = account.run("sync")
    assert first.code == 0
    assert first.rows[0]["changes"] > 100
    events = [json.loads(line) for line in first.err.splitlines()]
    assert {event["event"] for event in events} == {"loaded", "done"}
    metrics = ("loads", "changes", "rows", "rejected", "lag_seconds")
    assert {name: events[-1][name] for name in metrics} == {
        name: first.rows[0][name] for name in metrics
    }
    checked = account.run("check")
    assert (checked.code, {row["equal"] for row in checked.rows}) == (0, {"yes"})
    assert {row["table"] for row in checked.rows} == {"account", "campaign", "event", "list"}
    assert account.run("replay", "--set", "destination.path=again.duckdb").code == 0
    assert _contents(account, "again.duckdb") == _contents(account, "warehouse.duckdb")
    before = _contents(account, "warehouse.duckdb")
    assert account.run("checkpoint", "reset", "klaviyo").code == 0
    assert account.run("sync").rows[0]["changes"] > 100
    assert _contents(account, "warehouse.duckdb") == before
    key = account.environment["KLAVIYO_API_KEY"].encode()
    files = [file for file in account.folder.rglob("*") if file.is_file()]
    assert files
    assert [file for file in files if key in file.read_bytes()] == []


def test_a48_a_second_run_ends_with_its_own_code(account: Workspace) -> None:
    """While another run holds the stream, `sync` does nothing and ends with 75 and one line."""
    lock = account.folder / "log" / "klaviyo" / ".lock"
    lock.parent.mkdir(parents=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        ran = account.run("sync")
    assert ran.code == 75
    assert "Another run of klaviyo is active" in ran.err
    assert not (account.folder / "warehouse.duckdb").exists()


@pytest.mark.slow
def test_r30_sigterm_ends_a_sync_that_stays(shop_workspace: Workspace) -> None:
    """`sync --every` ends with 0 after SIGTERM, and the next run continues from its commit."""
    with shop_workspace.start("sync", "--every", "1h") as process:
        for line in process.read_errors():
            if '"done"' in line:
                break
        process.send_signal(signal.SIGTERM)
        assert process.wait(60).code == 0
    assert shop_workspace.run("check").code == 0


@pytest.mark.slow
def test_r30_sigterm_within_a_read_ends_at_a_commit(account: Workspace) -> None:
    """A signal while the first sync reads ends with 0; what follows completes the tables."""
    tables = klaviyo_configuration(tables=["campaign", "list"])
    account.write(tables | {"pipeline": {"max_changes": 1}})
    with account.start("sync") as process:
        for line in process.read_errors():
            if '"loaded"' in line:
                break
        process.send_signal(signal.SIGTERM)
        assert process.wait(60).code == 0
    account.run("sync")
    assert account.run("check").code == 0


def test_a_failing_source_is_one_line(account: Workspace) -> None:
    """A Klaviyo that cannot be reached ends with 1 and the remedy, without a traceback."""
    account.environment["KLAVIYO_BASE_URL"] = "http://127.0.0.1:9"
    ran = account.run("sync")
    assert ran.code == 1
    assert "Traceback" not in ran.err
    assert "is the sandbox running?" in ran.err


def test_a_log_that_cannot_be_written_is_one_line(account: Workspace) -> None:
    """Each command that writes it names the setting, and ends with 2 without a traceback."""
    for words in (["sync"], ["clean"], ["checkpoint", "reset", "klaviyo"]):
        ran = account.run(*words, "--set", "log=/proc/x")
        assert (ran.code, "Traceback" in ran.err) == (2, False)
        assert "log: /proc/x cannot be written" in ran.err


def test_discover_and_validate_describe_the_source(account: Workspace) -> None:
    """`discover` lists every table of the connector, `validate` the scopes of the key."""
    listed = account.run("discover").rows
    assert {"campaign", "event", "profile"} <= {row["table"] for row in listed}
    validated = account.run("validate")
    assert validated.code == 0
    assert {row["level"] for row in validated.rows} == {"ok"}


def _contents(workspace: Workspace, name: str) -> dict[str, list[tuple[object, ...]]]:
    """Give the live rows of every table but those about the syncs."""
    path = Path(workspace.folder, name)
    with duckdb.connect(str(path), read_only=True) as warehouse:
        tables = warehouse.sql(
            "select schema_name, table_name from duckdb_tables() where schema_name[1] <> '_'"
        ).fetchall()
        return {
            table: warehouse.sql(
                f"select columns(lambda name: name not in ('synced_at', '_synced_at', '_seq'))"
                f" from {schema}.{table} where not _deleted order by all"
            ).fetchall()
            for schema, table in tables
            if not table.startswith("sync_")
        }


@pytest.fixture
def shop(workspace: Workspace, database: str) -> dict[str, Any]:
    """Give the settings of a database with a table, and one that has no key."""
    with closing(connect(database)) as owner:
        owner.cursor().execute("create table orders (id int primary key, note text)")
        owner.cursor().execute("create table no_key (id int)")
        owner.cursor().execute("insert into orders select n, 'a note' from generate_series(1, 7) n")
    workspace.environment["SHOP_PASSWORD"] = f"canary{uuid.uuid4().hex}"
    parts = parse_dsn(database)
    place = {"host": parts["host"], "port": int(parts["port"]), "database": parts["dbname"]}
    return {"type": "postgres", "user": parts["user"], "password": "${SHOP_PASSWORD}", **place}


@pytest.fixture
def shop_workspace(workspace: Workspace, shop: dict[str, Any], database: str) -> Workspace:
    """Give a folder whose configuration copies a shop of four tables into DuckDB."""
    with closing(connect(database)) as owner:
        owner.cursor().execute("drop table no_key")
        for table in ("payments", "people", "visits"):
            owner.cursor().execute(f"create table {table} as table orders")
            owner.cursor().execute(f"alter table {table} add primary key (id)")
    target = {"type": "duckdb", "path": "warehouse.duckdb"}
    source = {**shop, "mode": "copy"}
    workspace.write({"sources": {"shop": source}, "destination": target, "log": "log"})
    return workspace


@pytest.mark.slow
def test_backfill_takes_a_table_alone_where_there_is_one_stream(shop_workspace: Workspace) -> None:
    """Both forms read the table again, and change no row."""
    shop_workspace.run("sync")
    before = _contents(shop_workspace, "warehouse.duckdb")
    for table in ("public.orders", "shop.public.orders"):
        again = shop_workspace.run("backfill", table)
        assert (again.code, again.rows[0]["changes"] > 5) == (0, True), again
    assert _contents(shop_workspace, "warehouse.duckdb") == before


@pytest.mark.slow
def test_check_finds_each_kind_of_difference(shop_workspace: Workspace) -> None:
    """A row lost, added, changed, doubled or without a key fails `check`, which counts each."""
    shop_workspace.run("sync")
    with duckdb.connect(str(shop_workspace.folder / "warehouse.duckdb")) as warehouse:
        warehouse.sql("delete from shop.orders where id = 1")
        warehouse.sql("insert into shop.orders by name select 'x' as note, false as _deleted")
        warehouse.sql("update shop.payments set note = note || ' ' where id = 1")
        warehouse.sql("insert into shop.visits from shop.visits limit 1")
    checked = shop_workspace.run("check")
    found = {row["table"]: row for row in checked.rows}
    assert checked.code == 1
    orders = found["orders"]
    assert (orders["missing"], orders["extra"], orders["null_keys"]) == (1, 1, 1)
    assert found["payments"]["different"] == 1
    assert found["visits"]["duplicates"] == 1
    assert found["people"]["equal"] == "yes"


@pytest.mark.timeout(600)
def test_r33_the_password_of_postgres_is_nowhere(
    workspace: Workspace, shop: dict[str, Any], database: str
) -> None:
    """No command prints it, in success or failure; no file and no table of a destination has it."""
    source = shop | {"mode": "cdc", "slot": shop["database"], "tables": ["public.orders"]}
    document = {"sources": {"shop": source}, "destination": shop, "log": "log"}
    workspace.write(document)
    commands = ("sync", "validate", "check", "discover", "config", "checkpoint show")
    ran = [workspace.run(*words.split()) for words in commands]
    assert ran[0].code == 0, ran[0].err
    failed = [
        workspace.run("sync", "--set", f"{side}.{wrong}")
        for side in ("sources.shop", "destination")
        for wrong in ("port=1", "sslmode=require")
    ]
    assert {outcome.code for outcome in failed} == {1}
    password = workspace.environment["SHOP_PASSWORD"]
    assert [outcome for outcome in [*ran, *failed] if password in outcome.out + outcome.err] == []
    files = [file for file in workspace.folder.rglob("*") if file.is_file()]
    assert any(file.suffix == ".parquet" for file in files)
    assert [file for file in files if password.encode() in file.read_bytes()] == []
    with closing(connect(database)) as owner, owner.cursor() as cursor:
        cursor.execute(
            "select schemaname || '.' || tablename from pg_tables"
            " where schemaname in ('_simplyload', 'shop')"
        )
        tables = [name for (name,) in cursor.fetchall()]
        assert {"_simplyload.loads", "shop.orders"} <= set(tables)
        for name in tables:
            cursor.execute(
                f"select count(*) from {name} t where t::text like %s", [f"%{password}%"]
            )
            assert cursor.fetchone() == (0,)


@pytest.mark.slow
def test_a_terminal_shows_a_table_of_progress(workspace: Workspace, shop: dict[str, Any]) -> None:
    """On a terminal: what needs attention above, then a row with changes, rows, rate and lag."""
    source = shop | {"mode": "copy"}
    workspace.write({"sources": {"shop": source}, "destination": {"type": "duckdb"}, "log": "log"})
    screen, terminal = pty.openpty()
    environment = workspace.environment | {"COLUMNS": "120", "TERM": "xterm"}
    with subprocess.Popen(
        command("sync"),
        cwd=workspace.folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=terminal,
    ) as process:
        os.close(terminal)
        shown = read_screen(screen)
    assert process.returncode == 1
    assert "stopped: shop: no_key: " in shown
    *_, header, row = filter(str.strip, shown.splitlines())
    assert header.split("  ")[0].strip() == "stream"
    # The copy's end is a change too: rows with a smaller _seq are gone.
    pattern = r"\s*shop +up to date but no_key +8 +7 +[\d,]+ +\d+\.\d s\s*"
    assert re.fullmatch(pattern, row), row


def read_screen(screen: int) -> str:
    """Read all that was written to a pseudo-terminal, without its control sequences."""
    shown = b""
    with suppress(OSError):  # Linux says so at the end
        while part := os.read(screen, 65536):
            shown += part
    os.close(screen)
    return re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", shown.decode()).replace("\r", "\n")
