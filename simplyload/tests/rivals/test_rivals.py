"""The faults of other tools in the rows where SimplyLoad claims to be better, each shown in them.

Every test asserts what the other tool does wrong. When one fails, the tool has improved: then the
claim in docs/faults.md goes.
"""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import psycopg2
import pytest
from psycopg2.extensions import parse_dsn

from bench.environments import find_program
from bench.tools import PROGRAMS as BENCH_PROGRAMS
from bench.tools import describe_debezium

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]
PROGRAMS = Path(__file__).parent / "programs"
Rows = list[tuple[Any, ...]]
Run = Callable[..., None]


@pytest.fixture
def source(database: str) -> Iterator[Callable[..., None]]:
    """Yield a function that commits statements in a database with a table of four items."""
    with closing(psycopg2.connect(database)) as connection:

        def commit(*statements: str) -> None:
            for statement in statements:
                connection.cursor().execute(statement)
                connection.commit()

        commit(
            "create table items (id int primary key, note text, updated_at timestamptz)",
            "insert into items select n, 'n' || n, '2026-01-01' from generate_series(1, 4) n",
        )
        yield commit


@pytest.fixture
def poll(database: str, tmp_path: Path) -> Run:
    """Give a function that polls the table with dlt."""
    address = parse_dsn(database)
    host = f"{address['user']}@{address['host']}:{address['port']}"
    url = f"postgresql+psycopg2://{host}/{address['dbname']}"

    def run(*options: str) -> None:
        _run_dlt("dlt_poll.py", url, "items", str(tmp_path), *options)

    return run


def _run_dlt(program: str, *arguments: str) -> None:
    subprocess.run([find_program("dlt"), str(PROGRAMS / program), *arguments], check=True)


def _read(folder: Path, query: str) -> Rows:
    with closing(duckdb.connect(folder / "dlt.duckdb", read_only=True)) as connection:
        return connection.execute(query).fetchall()


def test_r6_dlt_keeps_a_row_that_is_deleted_during_the_copy(
    source: Run, poll: Run, tmp_path: Path
) -> None:
    """dlt: a row deleted while the copy reads, and an old key, stay for ever."""
    poll("--during", "delete from items where id = 1")
    source("update items set id = 9, updated_at = now() where id = 2")
    poll()
    assert _read(tmp_path, "select id from shop.items order by 1") == [(1,), (2,), (3,), (4,), (9,)]


@pytest.mark.parametrize("strategy", ["delete-insert", "upsert"])
def test_r7_dlt_empties_columns_that_a_change_does_not_carry(tmp_path: Path, strategy: str) -> None:
    """dlt: a change without the unsent TOAST column sets that column NULL under both strategies."""
    whole = [{"id": 1, "note": "a", "large": "kept at the source"}]
    _run_dlt("dlt_merge.py", str(tmp_path), strategy, json.dumps(whole), '[{"id": 1, "note": "b"}]')
    assert _read(tmp_path, "select id, note, large from shop.items") == [(1, "b", None)]


def test_r8_dlt_loses_the_unsent_column_of_a_row_whose_key_changes(tmp_path: Path) -> None:
    """dlt: a key change with an unsent TOAST column leaves that column NULL under the new key."""
    whole = [{"id": 1, "note": "a", "large": "kept at the source"}]
    change = [{"id": 1, "removed": True}, {"id": 2, "note": "a"}]
    _run_dlt("dlt_merge.py", str(tmp_path), "upsert", json.dumps(whole), json.dumps(change))
    assert _read(tmp_path, "select id, note, large from shop.items") == [(2, "a", None)]


def test_r10_dlt_leaves_old_rows_without_the_default_of_a_new_column(
    source: Run, poll: Run, tmp_path: Path
) -> None:
    """dlt: after ADD COLUMN with a default, rows that did not change since are NULL."""
    poll()
    source(
        "alter table items add state text default 'open'",
        "update items set updated_at = now() where id = 4",
    )
    poll()
    rows = _read(tmp_path, "select id, state from shop.items order by 1")
    assert rows == [(1, None), (2, None), (3, None), (4, "open")]


def test_r14_debezium_breaks_the_application_of_a_table_without_identity(
    database: str, source: Run, tmp_path: Path
) -> None:
    """Debezium: its default publication makes UPDATE of a table without replica identity fail."""
    source("create table keyless (a int)", "insert into keyless values (1)")
    source("update keyless set a = 2", "create table judge_end (id int primary key)")
    properties = describe_debezium(database, "debezium", "debezium")
    del properties["publication.autocreate.mode"], properties["snapshot.mode"]
    (tmp_path / "debezium.json").write_text(json.dumps(properties))
    program = BENCH_PROGRAMS / "debezium_stream.py"
    source("insert into judge_end values (1)")
    subprocess.run(
        [find_program("debezium"), program, tmp_path / "debezium.json", tmp_path / "events"],
        check=True,
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
    )
    with pytest.raises(psycopg2.Error, match="does not have a replica identity"):
        source("update keyless set a = 3")


def test_r16_dlt_never_reads_what_commits_below_its_watermark(
    database: str, source: Run, poll: Run, tmp_path: Path
) -> None:
    """dlt: a row stamped by a transaction that commits after a later one is never read."""
    with closing(psycopg2.connect(database)) as late:
        late.cursor().execute("insert into items values (5, 'late', now())")
        source("insert into items values (6, 'soon', clock_timestamp())")
        poll()
        late.commit()
    poll()
    rows = _read(tmp_path, "select id from shop.items order by 1")
    assert rows == [(1,), (2,), (3,), (4,), (6,)]


def test_r17_dlt_loses_equal_cursor_values_when_its_range_is_open(
    source: Run, poll: Run, tmp_path: Path
) -> None:
    """dlt: rows that get an updated_at already seen are lost with an open range, not by default."""
    poll("--range-start", "open")
    source("insert into items select n, 'same', '2026-01-01' from generate_series(5, 5004) n")
    poll("--range-start", "open")
    assert _read(tmp_path, "select count(*) from shop.items") == [(4,)]
    poll("--range-start", "closed")
    assert _read(tmp_path, "select count(*) from shop.items") == [(5004,)]


def test_r19_dlt_keeps_hard_deleted_rows(source: Run, poll: Run, tmp_path: Path) -> None:
    """dlt: a row deleted at the source stays in the destination."""
    poll()
    source("delete from items where id = 2")
    poll()
    assert _read(tmp_path, "select id from shop.items order by 1") == [(1,), (2,), (3,), (4,)]
