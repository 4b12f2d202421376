"""A scan of all keys, as poll makes one: which rows are still there, without their values."""

from dataclasses import replace

import pyarrow as pa
import pytest

from tests.core.conftest import Target
from tests.core.scripted import ORDERS, ScriptedSource, changes, truncate, upsert


@pytest.mark.parametrize("loads", [1, 2])
def test_a_key_scan_keeps_the_values_of_the_rows_that_it_names(target: Target, loads: int) -> None:
    """A row that a key scan names keeps its values; one that it does not name is gone."""
    rows = [upsert(1, {"id": 1, "a": "x", "b": 7}), upsert(1, {"id": 2, "a": "y"})]
    scan = [upsert(2, {"id": 1}, []), truncate(2)]
    parts = [changes(*rows, *scan)] if loads == 1 else [changes(*rows), changes(*scan)]
    target.pipeline(ScriptedSource(parts), max_changes=1).run_once()
    assert target.live() == {(1,): {"id": 1, "a": "x", "b": 7}}


@pytest.mark.parametrize("loads", [1, 2])
def test_r6_a_change_after_a_copy_keeps_what_the_copy_brought(target: Target, loads: int) -> None:
    """A partial change that follows a completed copy in one load loses no column."""
    old = [upsert(1, {"id": 1, "a": "x", "b": 7}), upsert(1, {"id": 2, "a": "y"})]
    copy = [upsert(2, {"id": 1, "a": "x", "b": 8}), truncate(2)]
    later = [upsert(3, {"id": 1, "a": "z"}, ["id", "a"])]
    parts = [changes(*old), changes(*copy, *later)]
    if loads == 2:
        parts = [changes(*old), changes(*copy), changes(*later)]
    target.pipeline(ScriptedSource(parts), max_changes=1).run_once()
    assert target.live() == {(1,): {"id": 1, "a": "z", "b": 8}}


def test_r11_a_copy_keeps_its_rows_where_a_column_is_added_in_the_same_load(
    target: Target,
) -> None:
    """Whole rows of a copy stay whole beside the values of a column that is added later."""
    wide = replace(ORDERS, schema=ORDERS.schema.append(pa.field("x", pa.int64())))
    copy = changes(upsert(2, {"id": 1, "a": "x", "b": 7}), truncate(2))
    later = changes(upsert(3, {"id": 1, "x": 1}, ["id", "x"]), table=wide)
    target.pipeline(ScriptedSource([[copy, later]]), max_changes=1).run_once()
    assert target.live(wide) == {(1,): {"id": 1, "a": "x", "b": 7, "x": 1}}


@pytest.mark.parametrize("loads", [1, 2])
def test_r19_a_key_without_values_is_no_row(target: Target, loads: int) -> None:
    """A scan may name a key whose row was never read: it becomes no row of NULLs."""
    rows = [upsert(1, {"id": 1, "a": "x", "b": 7})]
    scan = [upsert(2, {"id": 1}, []), upsert(2, {"id": 9}, []), truncate(2)]
    parts = [changes(*rows, *scan)] if loads == 1 else [changes(*rows), changes(*scan)]
    target.pipeline(ScriptedSource(parts), max_changes=1).run_once()
    assert target.live() == {(1,): {"id": 1, "a": "x", "b": 7}}


@pytest.mark.parametrize("repeated", [False, True])
def test_a_whole_row_of_a_key_alone_is_a_row(sql_target: Target, *, repeated: bool) -> None:
    """A row from before the table's first other column is loaded, also with a later one's load."""
    narrow = replace(ORDERS, schema=pa.schema([ORDERS.schema.field("id")]))
    first = changes(*(upsert(1, {"id": 1}) for _ in range(1 + repeated)), table=narrow)
    sql_target.pipeline(
        ScriptedSource([[first, changes(upsert(2, {"id": 2, "a": "x"}))]])
    ).run_once()
    assert {key: row["a"] for key, row in sql_target.live().items()} == {(1,): None, (2,): "x"}
