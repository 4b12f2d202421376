"""Types, changes of a schema and names: what fits goes on, what does not stops that table alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from simplyload.catalog import (
    _SQL,
    DIALECTS,
    TARGET_METADATA,
    arrow_type,
    choose_name,
    name_columns,
    sql_type,
    types_table,
    widen,
)
from simplyload.changes import Changes, Table
from simplyload.errors import DestinationError, TableStoppedError
from tests.core.conftest import BIGQUERY, SNOWFLAKE, Target
from tests.core.scripted import ScriptedSource, changes, delete, upsert

INT32, INT64, TEXT = pa.int32(), pa.int64(), pa.string()
MONEY = pa.decimal128(12, 2)


def table(name: str = "orders", key: Sequence[str] = ("id",), **columns: Any) -> Table:
    """Give a table with these columns and a key."""
    kinds = {**dict.fromkeys(key, INT64), **columns}
    return Table(name=name, key=tuple(key), schema=pa.schema(list(kinds.items())))


def whole(shape: Table, seq: int, **row: object) -> Changes:
    """Give one upsert of a whole row."""
    return changes(upsert(seq, row), table=shape)


def column(target: Target, name: str) -> list[Any]:
    """Read one column in the order of the keys."""
    return [row[name] for row in target.rows()]


def test_the_table_of_types_in_the_documents_is_generated() -> None:
    """docs/types.md shows the types that the catalog has."""
    document = Path(__file__).parents[2] / "docs" / "types.md"
    assert types_table() in document.read_text()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_type_is_known_again_by_what_a_catalog_prints(dialect: str) -> None:
    """A column that a load made is no foreign one for the next: also of bytes in a warehouse."""
    printed = {"snowflake": {"VARBINARY": "BINARY"}}.get(dialect, {})
    for kind in _SQL:
        name = sql_type(kind, dialect).sql(dialect)
        assert arrow_type(printed.get(name, name), dialect) is not None, name


def test_a_table_of_every_type_is_loaded_again(sql_target: Target) -> None:
    """A second run finds its own columns, whatever their types, and goes on."""
    kinds: dict[str, Any] = {f"c{number}": kind for number, kind in enumerate(_SQL)}
    steps = [whole(table(**kinds), seq, id=seq) for seq in (1, 2)]
    for count in (1, 2):
        assert sql_target.pipeline(ScriptedSource(steps[:count])).run_once().stopped == {}
    assert column(sql_target, "id") == [1, 2]


@pytest.mark.parametrize(
    ("old", "new", "wide"),
    [
        (INT32, INT64, INT64),
        (INT64, INT32, INT64),
        (INT64, MONEY, pa.decimal128(21, 2)),
        (MONEY, pa.decimal128(14, 4), pa.decimal128(14, 4)),
        (pa.decimal128(38, 0), MONEY, TEXT),
        (INT32, TEXT, TEXT),
        (pa.float32(), pa.float64(), pa.float64()),
        (pa.bool_(), INT32, None),
        (INT64, pa.float64(), None),
        (pa.timestamp("us"), pa.timestamp("us", "UTC"), None),
        (pa.date32(), TEXT, None),
    ],
)
def test_widening_is_exact_or_refused(
    old: pa.DataType, new: pa.DataType, wide: pa.DataType | None
) -> None:
    """A wider type holds every value of both exactly; where there is none, there is none."""
    assert widen(old, new) == wide


def test_r11_columns_widen_from_int_to_text(sql_target: Target) -> None:
    """A column goes from int to bigint, decimal and text, with every value kept."""
    kinds = [INT32, INT64, pa.decimal128(21, 2), TEXT]
    values = [1, 2**40, pa.scalar("3.25").cast(pa.decimal128(21, 2)).as_py(), "four"]
    steps = [
        whole(table(x=kind), n, id=n, x=value)
        for n, (kind, value) in enumerate(zip(kinds, values, strict=True))
    ]
    sql_target.pipeline(ScriptedSource(steps), max_changes=1).run_once()
    assert column(sql_target, "x") == ["1.00", f"{2**40}.00", "3.25", "four"]


def test_r11_a_narrower_column_is_held_by_the_wider_one(sql_target: Target) -> None:
    """A bigint that becomes an int, or a text that becomes a number, changes no column."""
    steps = [whole(table(x=TEXT), 1, id=1, x="a"), whole(table(x=INT32), 2, id=2, x=5)]
    sql_target.pipeline(ScriptedSource(steps), max_changes=1).run_once()
    assert column(sql_target, "x") == ["a", "5"]


def test_r11_a_narrower_key_is_held_by_the_wider_one(sql_target: Target) -> None:
    """A text key that becomes a number replaces the row of its text, beside any other text."""
    wide, narrow = table(id=TEXT, x=TEXT), table(id=INT32, x=TEXT)
    steps = [
        whole(wide, 1, id="a", x="kept"),
        whole(wide, 2, id="5", x="old"),
        whole(narrow, 3, id=5, x="new"),
    ]
    sql_target.pipeline(ScriptedSource(steps), max_changes=1).run_once()
    assert {row["id"]: row["x"] for row in sql_target.rows()} == {"5": "new", "a": "kept"}


def test_r11_a_dropped_column_stays_and_a_renamed_one_is_added(target: Target) -> None:
    """The old column keeps its values and is no longer carried; in one load or in several."""
    old, new = table(x=INT64), table(y=INT64)
    rows = [whole(old, 1, id=1, x=10), whole(new, 2, id=1, y=20), whole(new, 3, id=2, y=30)]
    target.pipeline(ScriptedSource(rows)).run_once()
    both = table(x=INT64, y=INT64)
    assert target.live(both) == {
        (1,): {"id": 1, "x": 10, "y": 20},
        (2,): {"id": 2, "x": None, "y": 30},
    }


@pytest.mark.parametrize("max_changes", [1, 100])
def test_a49_a_row_inserted_again_shows_no_dropped_column(target: Target, max_changes: int) -> None:
    """A column that the source dropped is NULL in a row that was inserted again since then."""
    old, new = table(x=INT64), table(y=INT64)
    gone = changes(delete(2, 1), table=old)
    steps = [whole(old, 1, id=1, x=10), gone, whole(new, 3, id=1, y=20)]
    target.pipeline(ScriptedSource(steps), max_changes=max_changes).run_once()
    assert target.live(table(x=INT64, y=INT64)) == {(1,): {"id": 1, "x": None, "y": 20}}


def test_a_column_of_the_user_keeps_its_default(sql_target: Target) -> None:
    """Rows that are new have the default of a column that the user added, others their value."""
    pipeline = sql_target.pipeline(ScriptedSource([whole(table(), 1, id=1)]))
    pipeline.run_once()
    sql_target.execute("alter table shop.orders add note text default 'mine'")
    sql_target.execute("update shop.orders set note = 'by hand'")
    both = changes(upsert(2, {"id": 1}), upsert(2, {"id": 2}), table=table())
    steps = [whole(table(), 1, id=1), both]
    sql_target.pipeline(ScriptedSource(steps)).run_once()
    assert column(sql_target, "note") == ["by hand", "mine"]


def test_a_unique_index_of_the_user_lets_rows_be_replaced(sql_target: Target) -> None:
    """On the key it does no harm; where it refuses a row the error names the remedy."""
    shape = table(x=INT64)
    steps = [whole(shape, 1, id=1, x=10)]
    sql_target.pipeline(ScriptedSource(steps)).run_once()
    sql_target.execute("create unique index on_key on shop.orders (id)")
    sql_target.execute("create unique index on_x on shop.orders (x)")
    steps += [whole(shape, 2, id=1, x=20)]
    sql_target.pipeline(ScriptedSource(steps)).run_once()
    assert column(sql_target, "x") == [20]
    with pytest.raises(DestinationError, match="drop it, then run again"):
        sql_target.pipeline(ScriptedSource([*steps, whole(shape, 3, id=2, x=20)])).run_once()
    assert column(sql_target, "x") == [20]


def test_the_error_of_a_constraint_has_no_value_of_a_row(sql_target: Target) -> None:
    """Messages go to logs, alerts and `/healthz`: they name the constraint, and no value."""
    shape = table(x=TEXT)
    steps = [whole(shape, 1, id=1, x="canary")]
    sql_target.pipeline(ScriptedSource(steps)).run_once()
    sql_target.execute("create unique index on_x on shop.orders (x)")
    steps += [whole(shape, 2, id=2, x="canary")]
    with pytest.raises(DestinationError, match=r"(?i)duplicate key .*drop it") as caught:
        sql_target.pipeline(ScriptedSource(steps)).run_once()
    assert "canary" not in str(caught.value)


def test_a_decimal_in_a_text_column_keeps_its_zeros(sql_target: Target) -> None:
    """The same number is the same text in every destination, in a column and in a key."""
    first = whole(table(id=TEXT, x=TEXT), 1, id="a", x="b")
    number = pa.scalar("5.00").cast(MONEY).as_py()
    second = whole(table(id=MONEY, x=MONEY), 2, id=number, x=number)
    sql_target.pipeline(ScriptedSource([first, second]), max_changes=1).run_once()
    assert (column(sql_target, "id"), column(sql_target, "x")) == (["5.00", "a"], ["5.00", "b"])


def test_a_column_that_cannot_be_widened_stops_its_table_alone(sql_target: Target) -> None:
    """The other tables go on, the exit code is 1, the sentence names column and remedy."""
    other = table("customers", x=INT64)
    first = [whole(table(x=pa.bool_()), 1, id=1, x=True), whole(other, 1, id=1)]
    second = [whole(table(x=INT64), 2, id=2, x=7), whole(other, 2, id=2)]
    result = sql_target.pipeline(ScriptedSource([first, second]), max_changes=1).run_once()
    assert (result.exit_code, list(result.stopped)) == (1, ["orders"])
    assert "x of orders is bool" in result.stopped["orders"].lower()
    assert "simplyload backfill orders" in result.stopped["orders"]
    assert len(sql_target.rows("customers")) == 2


def test_a43_a_view_on_the_column_stops_the_table_until_it_is_gone(postgres_target: Target) -> None:
    """The view is named and never dropped; afterwards the table has what it missed, in order."""
    small, large, other = table(x=INT32), table(x=INT64), table("customers", x=INT64)
    steps = [
        [whole(small, 1, id=1, x=1)],
        [whole(large, 2, id=2, x=2**40), whole(other, 2, id=1)],
        [whole(large, 3, id=2, x=2**41)],
        [whole(other, 4, id=2)],
    ]
    postgres_target.pipeline(ScriptedSource(steps[:1])).run_once()
    postgres_target.query("CREATE VIEW shop.report AS SELECT x FROM shop.orders; COMMIT; SELECT 1")
    for number in (2, 3):
        result = postgres_target.pipeline(ScriptedSource(steps[:number])).run_once()
        assert result.exit_code == 1
        assert "view shop.report" in result.stopped["orders"].replace(
            "view report", "view shop.report"
        )
    assert column(postgres_target, "x") == [1]
    assert postgres_target.query("SELECT x FROM shop.report") == [{"x": 1}]
    postgres_target.query("DROP VIEW shop.report; COMMIT; SELECT 1")
    assert postgres_target.pipeline(ScriptedSource(steps)).run_once().exit_code == 0
    assert column(postgres_target, "x") == [1, 2**41]
    assert len(postgres_target.rows("customers")) == 2


@pytest.mark.parametrize("change", ["added", "dropped", "widened"])
def test_a44_freeze_stops_at_any_drift_and_loses_nothing(sql_target: Target, change: str) -> None:
    """With `schema: freeze` a changed table stops visibly; `evolve` then loads what it missed."""
    shapes = {"added": table(x=INT32, y=TEXT), "dropped": table(), "widened": table(x=INT64)}
    steps = [whole(table(x=INT32), 1, id=1, x=1), whole(shapes[change], 2, id=2)]
    third = whole(shapes[change], 3, id=3)
    result = sql_target.pipeline(ScriptedSource(steps), max_changes=1, schema="freeze").run_once()
    assert result.exit_code == 1
    assert "schema: freeze" in result.stopped["orders"]
    assert column(sql_target, "id") == [1]
    assert sql_target.pipeline(ScriptedSource([*steps, third])).run_once().exit_code == 0
    assert column(sql_target, "id") == [1, 2, 3]


def test_a_key_that_changed_stops_the_table(sql_target: Target) -> None:
    """Rows are never merged by another key than theirs."""
    steps = [whole(table(), 1, id=1), whole(table(key=("id", "part")), 2, id=1, part=1)]
    result = sql_target.pipeline(ScriptedSource(steps), max_changes=1).run_once()
    assert "key of orders changed" in result.stopped["orders"]
    assert "`simplyload backfill shop.orders`" in result.stopped["orders"]


def test_a_table_with_another_key_goes_on_once_the_old_one_is_renamed(
    duckdb_target: Target,
) -> None:
    """The remedy that the message names works, and the renamed table keeps its rows."""
    steps = [whole(table(), 1, id=1), whole(table(key=("id", "part")), 2, id=1, part=1)]
    duckdb_target.pipeline(ScriptedSource(steps), max_changes=1).run_once()
    import duckdb  # noqa: PLC0415 - a connection that may write

    with duckdb.connect(duckdb_target.settings.path) as connection:
        connection.execute("ALTER TABLE shop.orders RENAME TO old_orders")
    again = whole(table(key=("id", "part")), 3, id=2, part=1)
    # What is copied again has the key of today.
    result = duckdb_target.pipeline(ScriptedSource([steps[1], again]), max_changes=1).run_once()
    assert result.exit_code == 0
    assert duckdb_target.query("SELECT id, part FROM shop.orders ORDER BY id") == [
        {"id": 1, "part": 1},
        {"id": 2, "part": 1},
    ]
    assert duckdb_target.query("SELECT id FROM shop.old_orders") == [{"id": 1}]


def test_a_table_that_is_not_ours_is_left_alone(sql_target: Target) -> None:
    """A table of that name that SimplyLoad did not create is named, and no row of it changes."""
    sql_target.pipeline(ScriptedSource([whole(table("customers"), 1, id=1)])).run_once()
    sql_target.execute("CREATE TABLE shop.orders AS SELECT 5 AS id")
    result = sql_target.pipeline(
        ScriptedSource([whole(table("customers"), 1, id=1), whole(table(), 2, id=1)])
    ).run_once()
    assert "did not create it" in result.stopped["orders"]
    assert sql_target.query("SELECT * FROM shop.orders") == [{"id": 5}]


# DuckDB plans the fold of 260 columns in files for a quarter of a minute.
@pytest.mark.slow
@pytest.mark.parametrize(
    "target",
    ["duckdb", "postgres", pytest.param("parquet", marks=pytest.mark.chaos), SNOWFLAKE, BIGQUERY],
    indirect=True,
)
def test_r21_strange_names_keep_their_values(target: Target) -> None:
    """Reserved, mixed-case, unicode and odd names, and 260 columns, arrive as they are."""
    odd = ["select", "Mixed Case", "größe", "名", "a.b", "%s", "${x}", "1a", 'quo"te', "dt", "h"]
    names = [*odd, *(f"c{n}" for n in range(260 - len(odd)))]
    columns: dict[str, Any] = dict.fromkeys(names, TEXT)
    shape = table("order", **columns)
    row = {"id": 1, **{name: f"value of {name}" for name in names}}
    target.pipeline(ScriptedSource([whole(shape, 1, **row)])).run_once()
    partial = changes(upsert(2, {"id": 1, "%s": "new"}, ["id", "%s"]), table=shape)
    target.pipeline(ScriptedSource([whole(shape, 1, **row), partial])).run_once()
    assert target.live(shape) == {(1,): row | {"%s": "new"}}


@pytest.mark.parametrize("max_changes", [1, 100])
def test_r21_columns_of_one_letter_keep_their_values(target: Target, max_changes: int) -> None:
    """No alias in our statements hides a column: GoogleSQL takes `t` for the whole row of a `t`."""
    letters: dict[str, Any] = dict.fromkeys("cdghkrst", INT64)
    shape = table(key=["n"], **letters)
    first = {"n": 1, **{name: n for n, name in enumerate(letters)}}
    steps = [
        whole(shape, 1, **first),
        whole(shape, 2, **{**first, "n": 2}),
        changes(upsert(3, {"n": 1, "t": 70, "s": None}, ["n", "t", "s"]), table=shape),
        changes({**delete(4, 0), "n": 2, "id": None}, table=shape),
        changes(upsert(5, {"n": 1, "g": 80}, ["n", "g"]), table=shape),
    ]
    target.pipeline(ScriptedSource(steps), max_changes=max_changes).run_once()
    assert target.live(shape) == {(1,): {**first, "t": 70, "s": None, "g": 80}}


def test_a45_names_that_differ_in_case_alone_stay_apart_for_ever(target: Target) -> None:
    """Of `id` and `ID` the second gets a suffix made of its name, also when the first is gone."""
    odd: dict[str, Any] = {"ID": TEXT, "Id ": TEXT}
    both = table(**odd)
    steps = [whole(both, 1, id=1, ID="upper", **{"Id ": "blank"})]
    target.pipeline(ScriptedSource(steps)).run_once()
    assert target.live(both) == {(1,): {"id": 1, "ID": "upper", "Id ": "blank"}}
    for dialect in DIALECTS:
        names = name_columns("t", ["id", "ID"], (), dialect)
        assert len({name.casefold() for name in names.values()}) == 2
        assert name_columns("t", ["ID"], names.values(), dialect)["ID"] == names["ID"]


def test_a45_tables_whose_names_differ_in_case_alone_stay_apart(sql_target: Target) -> None:
    """`Orders` and `orders` are two tables in the destination."""
    steps = [whole(table("orders"), 1, id=1), whole(table("Orders"), 2, id=2)]
    sql_target.pipeline(ScriptedSource(steps)).run_once()
    assert set(sql_target.live(table("orders"))) == {(1,)}
    assert set(sql_target.live(table("Orders"))) == {(2,)}


@pytest.mark.parametrize("name", ["_op", "_SEQ", "_deleted", "_synced_at", "_simplyload_rank"])
def test_a_name_of_ours_is_refused(name: str) -> None:
    """A business column with a name that SimplyLoad uses is named, with the remedy."""
    with pytest.raises(TableStoppedError, match="rename it"):
        name_columns("t", ["id", name], (), "duckdb")


def test_a46_limits_of_a_warehouse_are_named() -> None:
    """As many columns as BigQuery holds beside those of the metadata; one more is refused."""
    most = 10_000 - len(TARGET_METADATA)
    assert len(name_columns("t", [f"c{n}" for n in range(most)], (), "bigquery")) == most
    with pytest.raises(TableStoppedError, match=r"9998 columns, and bigquery holds 10000"):
        name_columns("t", [f"c{n}" for n in range(most + 1)], (), "bigquery")


def test_a46_a_key_of_five_columns_merges(target: Target) -> None:
    """Rows are matched by all columns of their key."""
    key = ("k1", "k2", "k3", "k4", "k5")
    shape = table(key=key, x=TEXT)
    rows: list[Any] = [{**dict.fromkeys(key, 1), "k5": n, "x": str(n)} for n in (1, 2)]
    again = rows[0] | {"x": "new"}
    steps = [whole(shape, n, **row) for n, row in enumerate([*rows, again])]
    target.pipeline(ScriptedSource(steps), max_changes=1).run_once()
    assert {keys[-1]: row["x"] for keys, row in target.live(shape).items()} == {1: "new", 2: "2"}


def test_a_name_that_is_too_long_is_cut_and_stays_unique() -> None:
    """Postgres would cut both names to the same 63 bytes."""
    names = [choose_name("é" * 40 + end, (), "postgres") for end in "xy"]
    assert len(set(names)) == 2
    assert all(len(name.encode()) <= 63 for name in names)
