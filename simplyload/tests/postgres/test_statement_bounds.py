"""How long the longest statement at the source takes at 2,000,000 rows, by the server's log."""

import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from simplyload.changes import State
from simplyload.sources.postgres.settings import PostgresSettings
from simplyload.sources.postgres.source import PostgresSource

Run = Callable[[str], list[Any]]
Settings = Callable[..., PostgresSettings]

# log_statement_stats: `0.012 s user, 0.004 s system, 0.034 s elapsed`.
STATISTICS = re.compile(r"!\t([\d.]+) s user, ([\d.]+) s system, ([\d.]+) s elapsed")


@pytest.mark.bench
@pytest.mark.timeout(1800)
def test_no_statement_takes_a_second_at_two_million_rows(
    run: Run, settings: Settings, reader_role: str
) -> None:
    """Copy, poll of 1,000 changes and the scan of keys: the server's CPU time of each statement."""
    run(
        """create table big (id bigint primary key, a int, b int, name text, mail text, note text,
        price numeric(12, 2), rate float8, ok bool, day date, created_at timestamptz,
        updated_at timestamptz)"""
    )
    run(
        """insert into big select i, i % 7, i % 1000, 'name ' || i, i || '@example.org',
        md5(i::text), i / 100.0, i / 7.0, i % 2 = 0, '2024-01-01', now() - interval '1 day',
        now() - interval '1 day' from generate_series(1, 2000000) i"""
    )
    run("create index on big (updated_at)")
    run("vacuum analyze big")
    run(f"alter role {reader_role} set log_statement_stats = on")
    [(data,)] = run("select current_setting('data_directory')")
    log = Path(data) / "log"
    state: State = {}

    def measure(what: str, **options: Any) -> None:
        nonlocal state
        before = log.stat().st_size
        with closing(PostgresSource(settings(**options), "shop")) as source:
            for batch in source.read(state):
                state = batch.state or state
        found = STATISTICS.findall(log.read_bytes()[before:].decode())
        cpu = [float(user) + float(system) for user, system, _ in found]
        elapsed = max(float(elapsed) for _, _, elapsed in found)
        print(
            f"{what}: {len(found)} statements, {sum(cpu):.1f} CPU s,"
            f" longest {max(cpu):.2f} CPU s, {elapsed:.2f} s elapsed"
        )
        assert max(cpu) < 1

    measure("copy")
    measure("idle poll")
    run("update big set b = 0, updated_at = now() where id % 2000 = 0")
    measure("poll of 1,000 changes")
    run("delete from big where id % 1000 = 1")
    measure("scan of keys", delete_scan=0)
