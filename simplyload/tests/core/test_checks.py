"""`check` on what it cannot compare: it names the column, and ends without a traceback."""

import os
from collections.abc import Sequence
from contextlib import closing
from decimal import Decimal

import pyarrow as pa
import pytest

from simplyload.changes import Changes, Table
from simplyload.checks import TableCheck, check_table
from simplyload.errors import SimplyLoadError
from simplyload.sources.source import Kept
from tests.conftest import full_disk
from tests.core.conftest import Target
from tests.core.scripted import ORDERS, ScriptedSource, changes, upsert

MORE = Table(name="orders", key=("id",), schema=ORDERS.schema.append(pa.field("c", pa.date32())))


def check(target: Target, table: Table, *rows: dict[str, object]) -> TableCheck:
    """Load one row of ORDERS, then compare with a source that has these rows."""
    target.pipeline(ScriptedSource([changes(upsert(1, {"id": 1, "a": "x"}))])).run_once()
    source = ScriptedSource([changes(*(upsert(2, row) for row in rows), table=table)])
    with closing(target.destination()) as destination:
        found = check_table(source, destination, "shop", table)
    assert found is not None
    return found


def test_a_column_that_the_destination_lacks_is_drift(target: Target) -> None:
    """The column is named, and the others are compared."""
    found = check(target, MORE, {"id": 1, "a": "y"})
    assert found.drift == ["c is not in the destination"]
    assert (found.different, found.missing, found.is_equal) == (1, 0, False)


def test_a_key_column_that_the_destination_lacks_is_drift(target: Target) -> None:
    """Without the column no row has its key: the source's are missing, the others extra."""
    keyed = Table(name="orders", key=("id", "c"), schema=MORE.schema)
    found = check(target, keyed, {"id": 1, "a": "x"})
    assert "c is not in the destination" in found.drift
    assert not found.is_equal


def test_a_value_that_the_source_no_longer_can_have_is_drift(sql_target: Target) -> None:
    """A text that became a number at the source, while the destination keeps a word."""
    schema = pa.schema([("id", pa.int64()), ("a", pa.int32())])
    found = check(sql_target, Table(name="orders", key=("id",), schema=schema), {"id": 1, "a": 5})
    assert "Column a holds a value in the destination that is no int32" in found.drift[0]


class ForgettingSource(ScriptedSource):
    """A source of the accounts x, y that gives rows of `a` from some day `b` on."""

    def find_kept(self, _: Table) -> Kept | None:
        """Return the days before."""
        return Kept(series=["a"], day="b", owner="a", owners=["x", "y"])


def test_rows_that_a_source_gives_once_are_kept(target: Target) -> None:
    """Rows of earlier days than the source gives are counted; later ones are compared."""
    rows = [{"id": n, "a": series, "b": n} for n, series in enumerate(["x", "x", "y", "x"])]
    target.pipeline(ScriptedSource([changes(*(upsert(1, row) for row in rows))])).run_once()
    source = ForgettingSource([changes(upsert(2, rows[1]))])
    with closing(target.destination()) as destination:
        found = check_table(source, destination, "shop", ORDERS)
    assert found is not None
    assert (found.kept, found.missing, found.examples) == (2, 0, ["extra: 3"])


def test_rows_that_no_source_gave_are_never_kept(duckdb_target: Target) -> None:
    """A foreign account, a row that is there twice and one without a key are differences."""
    row = {"id": 1, "a": "x", "b": 1}
    duckdb_target.pipeline(ScriptedSource([changes(upsert(1, row))])).run_once()
    bogus = "(2, 'foreign'), (3, 'y'), (3, 'y'), (null, 'y'), (4, null), (5, 'y')"
    values = f"select col0, col1, 0, false from (values {bogus})"
    duckdb_target.execute(f"insert into shop.orders (id, a, b, _deleted) {values}")
    source = ForgettingSource([changes(upsert(2, row))])
    with closing(duckdb_target.destination()) as destination:
        found = check_table(source, destination, "shop", ORDERS)
    assert found is not None
    assert (found.kept, found.extra, found.duplicates, found.null_keys) == (1, 5, 1, 1)


def test_an_integer_equals_the_decimal_that_holds_it(sql_target: Target) -> None:
    """A decimal that became an integer at the source stays one in the destination: 8.00 is 8."""
    old, new = (
        Table(name="orders", key=("id",), schema=pa.schema([("id", pa.int64()), ("a", kind)]))
        for kind in (pa.decimal128(12, 2), pa.int32())
    )
    later = changes(upsert(2, {"id": 2, "a": 9}), table=new)
    steps = [changes(upsert(1, {"id": 1, "a": Decimal(8)}), table=old), later]
    sql_target.pipeline(ScriptedSource(steps), max_changes=1).run_once()
    source = ScriptedSource([changes(upsert(1, {"id": 1, "a": 8}), table=new), later])
    with closing(sql_target.destination()) as destination:
        found = check_table(source, destination, "shop", new)
    assert found is not None
    assert (found.drift, found.is_equal) == ([], True)


def test_a_table_gets_its_columns_also_without_rows(target: Target) -> None:
    """Changes without rows give the destination the columns, with the load that follows them."""
    first = changes(upsert(1, {"id": 1, "a": "x"}))
    other = Table(name="customers", key=("id",), schema=ORDERS.schema)
    rows = changes(upsert(2, {"id": 1}), table=other)
    steps: list[Sequence[Changes]] = [[first], [changes(table=MORE), rows]]
    target.pipeline(ScriptedSource(steps), max_changes=1).run_once()
    assert target.live(MORE) == {(1,): {"id": 1, "a": "x", "b": None, "c": None}}
    with closing(target.destination()) as destination:
        found = check_table(ScriptedSource([first]), destination, "shop", MORE)
    assert found is not None
    assert found.is_equal


def test_a_full_disk_is_named(duckdb_target: Target) -> None:
    """Where this machine has no room for the rows of both sides, the error says what to do."""
    rows = [{"id": n, "a": os.urandom(5_000).hex()} for n in range(500)]
    message = r"check cannot keep the rows of orders on this machine meanwhile .*set TMPDIR"
    with full_disk(1_000_000), pytest.raises(SimplyLoadError, match=message):
        check(duckdb_target, ORDERS, *rows)
