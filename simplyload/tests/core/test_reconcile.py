"""`check --reconcile`: hashes by range on both sides, and the exact keys where they differ."""

import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from psycopg2.extensions import parse_dsn

from simplyload.checks import TableCheck, reconcile_table
from simplyload.cli import main
from simplyload.digest import DIGITS
from simplyload.sources.postgres.settings import PostgresSettings
from simplyload.sources.postgres.source import PostgresSource
from tests.core.conftest import BIGQUERY, Target
from tests.core.scripted import ORDERS, ScriptedSource, changes, upsert
from tests.postgres.test_types import VALUES

MADE_HERE = ("money_domain", "domain_of_domain", "mood", "pair")  # types that test_types.py creates
ROWS = 3000


# Rows with a value whose text differs there, so that its range is read, and found equal.
PRINTED_OTHERWISE = {"bigquery": 2}


@pytest.fixture
def source(database: str) -> Iterator[PostgresSource]:
    """Yield a source with a table of some thousand rows and one of every type."""
    execute(
        database,
        "create table orders (id int primary key, t text, n numeric(12, 2), at timestamptz)",
        f"""insert into orders select g, 'order ' || g, g / 7.0, now() - g * interval '1 hour'
            from generate_series(1, {ROWS}) g""",
        "create table pairs (a text, b int, x bytea, primary key (a, b))",
        r"insert into pairs values ('ä', 1, '\x00ff'), ('ä', 2, null), ('b', 1, ''), ('b', 11, '')",
    )
    opened = PostgresSource(make_settings(database), "shop")
    with closing(opened):
        yield opened


def make_settings(database: str) -> PostgresSettings:
    """Give the settings of a source that polls, as the owner of the database."""
    dsn = parse_dsn(database)
    options = {"host": dsn["host"], "port": dsn["port"], "database": dsn["dbname"]}
    base = {"type": "postgres", "user": dsn["user"], "mode": "poll", "tables": ["public.*"]}
    return PostgresSettings.model_validate(base | options)


def execute(database: str, *statements: str) -> None:
    """Run statements as the owner of the database."""
    with closing(psycopg2.connect(database)) as connection:
        connection.autocommit = True
        for statement in statements:
            connection.cursor().execute(statement)


def reconcile(source: PostgresSource, target: Target, name: str) -> tuple[TableCheck, int]:
    """Compare a table; give what was found, and how many rows of the source were read for it."""
    [table] = [table for table in source.tables() if table.name == name]
    read = 0

    class Counted(PostgresSource):
        def _scan(self, *arguments: Any) -> Iterator[Any]:
            nonlocal read
            for part in super()._scan(*arguments):
                read += part.num_rows
                yield part

    counted = Counted(source._settings, "shop")  # noqa: SLF001
    with closing(target.destination()) as destination, closing(counted):
        found = reconcile_table(counted, destination, "shop", table)
    assert found is not None
    return found, read


def test_equal_tables_are_compared_by_hashes_alone(
    source: PostgresSource, sql_target: Target
) -> None:
    """Text and composite keys, bytes, decimals, times and NULLs: no row leaves its database."""
    sql_target.pipeline(source).run_once()
    for name, rows in (("orders", ROWS), ("pairs", 4)):
        found, read = reconcile(source, sql_target, name)
        assert (found.is_equal, found.ranges, read) == (True, [], 0)
        assert (found.source_rows, found.destination_rows) == (rows, rows)


def test_the_keys_that_differ_are_named_and_few_rows_are_read(
    source: PostgresSource, sql_target: Target, database: str
) -> None:
    """A changed, a missing and an additional row are found by key, in the ranges that have them."""
    sql_target.pipeline(source).run_once()
    execute(
        database,
        "update orders set n = n + 0.01 where id = 17",
        "delete from orders where id = 99",
        "insert into orders values (5000, null, null, null)",
    )
    found, read = reconcile(source, sql_target, "orders")
    assert (found.different, found.missing, found.extra) == (1, 1, 1)
    assert found.examples == ["missing: 5000", "extra: 99", "different: 17"]
    assert 1 <= len(found.ranges) <= 3
    assert all(len(name.partition(":")[0]) == DIGITS for name in found.ranges)
    assert read < 20
    assert (found.source_rows, found.destination_rows) == (ROWS, ROWS)


def test_every_key_is_named_where_many_differ(
    source: PostgresSource, duckdb_target: Target, database: str
) -> None:
    """A table of which a third changed has them all in the list, not a sample."""
    duckdb_target.pipeline(source).run_once()
    keys = sorted(random.Random(1).sample(range(1, ROWS), 900))
    execute(database, f"update orders set t = t || ' ' where id in ({str(keys)[1:-1]})")
    found, _ = reconcile(source, duckdb_target, "orders")
    named = {int(example.removeprefix("different: ")) for example in found.examples}
    assert named == set(keys)


@pytest.mark.parametrize("kind", ["duckdb", "postgres", BIGQUERY])
def test_a_value_of_each_type_has_the_same_hash_on_both_sides(
    database: str, request: pytest.FixtureRequest, kind: str
) -> None:
    """Every type that a source has is hashed, and a value that differs is found."""
    target: Target = request.getfixturevalue(f"{kind}_target")
    kinds = {
        sql_type: values
        for sql_type, values in VALUES.items()
        if not sql_type.startswith(MADE_HERE)
    }
    columns = [f"c{n} {sql_type}" for n, sql_type in enumerate(kinds)]
    execute(database, f"create table cells (id int primary key, {', '.join(columns)})")
    longest = max(map(len, kinds.values()))
    for number in range(longest):
        values = [[*cells, "null"][min(number, len(cells))] for cells in kinds.values()]
        execute(database, f"insert into cells values ({number}, {', '.join(values)})")
    for number, sql_type in enumerate(kinds):
        row = f"{100 + number}, {next(iter(kinds[sql_type]))}"
        execute(database, f"insert into cells (id, c{number}) values ({row})")
    with closing(PostgresSource(make_settings(database), "shop")) as source:
        target.pipeline(source).run_once()
        found, read = reconcile(source, target, "cells")
        assert found.is_equal, found
        assert read <= PRINTED_OTHERWISE.get(kind, 0)
        for number in range(len(kinds)):
            execute(database, f"update cells set c{number} = null where id = {100 + number}")
        found, _ = reconcile(source, target, "cells")
    assert found.different == len(kinds)


def test_a_source_without_hashes_is_compared_cell_by_cell(sql_target: Target) -> None:
    """The result is that of `check`: an API cannot hash its rows."""
    source = ScriptedSource([changes(upsert(1, {"id": 1, "a": "x"}))])
    sql_target.pipeline(source).run_once()
    with closing(sql_target.destination()) as destination:
        found = reconcile_table(source, destination, "shop", ORDERS)
    assert found is not None
    assert (found.is_equal, found.source_rows) == (True, 1)


def test_a_column_that_the_destination_lacks_is_named(
    source: PostgresSource, duckdb_target: Target, database: str
) -> None:
    """Where hashes would be of other columns, the table is compared as `check` does."""
    duckdb_target.pipeline(source).run_once()
    execute(database, "alter table pairs add more int default 5")
    with closing(PostgresSource(make_settings(database), "shop")) as later:
        found, _ = reconcile(later, duckdb_target, "pairs")
    assert found.drift == ["more is not in the destination"]


@pytest.mark.parametrize(
    ("kind", "value"),
    [("decimal(14, 4)", "1.2345"), ("varchar", "'no number'")],
    ids=["finer", "text"],
)
@pytest.mark.parametrize("name", ["duckdb", "postgres"])
def test_a_column_of_another_type_is_not_cast_before_it_is_compared(
    source: PostgresSource, request: pytest.FixtureRequest, name: str, kind: str, value: str
) -> None:
    """A value that a cast would round, or make NULL as the source has it, is a difference."""
    target: Target = request.getfixturevalue(f"{name}_target")
    statement = "update orders set n = case when id = 5 then null else 1.23 end"
    execute(request.getfixturevalue("database"), statement)
    target.pipeline(source).run_once()
    target.execute(f"alter table shop.orders alter column n type {kind}")
    target.execute(f"update shop.orders set n = {value} where id = {5 if kind == 'varchar' else 6}")
    found, _ = reconcile(source, target, "orders")
    assert "Column n holds a value in the destination that is no decimal" in str(found.drift)


@pytest.mark.parametrize("name", ["duckdb", "postgres"])
def test_a_time_that_is_text_in_the_destination_is_compared(
    source: PostgresSource, request: pytest.FixtureRequest, name: str
) -> None:
    """A user's own type has no hash like the source's: the table is compared as `check` does."""
    target: Target = request.getfixturevalue(f"{name}_target")
    target.pipeline(source).run_once()
    target.execute('alter table shop.orders alter column "at" type varchar')
    found, read = reconcile(source, target, "orders")
    assert (found.drift, read) == ([], ROWS)


def test_the_command_ends_with_1_where_a_key_differs(
    source: PostgresSource,
    duckdb_target: Target,
    database: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`check --reconcile` is 0 for equal tables, and 1 with the key otherwise."""
    duckdb_target.pipeline(source).run_once()
    settings = make_settings(database).model_dump(mode="json", by_alias=True, exclude_none=True)
    file = tmp_path / "simplyload.yml"
    file.write_text(
        f"""
sources: {{shop: {settings}}}
destination: {{type: duckdb, path: {duckdb_target.settings.path}}}
log: {tmp_path / "log"}
""".replace("True", "true").replace("False", "false")
    )
    assert main(["check", "--reconcile", "--config", str(file)]) == 0
    execute(database, "delete from orders where id = 5")
    assert main(["check", "--reconcile", "--config", str(file)]) == 1
    assert "extra: 5" in capsys.readouterr().out
