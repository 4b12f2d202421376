"""A scan of all keys, as poll makes one: which rows are still there, without their values."""

import pytest

from tests.core.conftest import Target
from tests.core.scripted import ScriptedSource, changes, truncate, upsert


@pytest.mark.parametrize("loads", [1, 2])
def test_a_key_scan_keeps_the_values_of_the_rows_that_it_names(target: Target, loads: int) -> None:
    """A row that a key scan names keeps its values; one that it does not name is gone."""
    rows = [upsert(1, {"id": 1, "a": "x", "b": 7}), upsert(1, {"id": 2, "a": "y"})]
    scan = [upsert(2, {"id": 1}, []), truncate(2)]
    parts = [changes(*rows, *scan)] if loads == 1 else [changes(*rows), changes(*scan)]
    target.pipeline(ScriptedSource(parts), max_changes=1).run_once()
    assert target.live() == {(1,): {"id": 1, "a": "x", "b": 7}}
