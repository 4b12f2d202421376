"""How a table makes rows of Klaviyo's JSON."""

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models import Table, UnstorableError, parse_table
from streams import TABLES
from tables.converters import CONVERTERS
from tests.connector.json_strategies import JSON, is_storable

SHOE = parse_table(
    "shoe",
    "one row per shoe",
    "id side",
    """
    id      STRING  id
    side    STRING  attributes/side
    size    LONG    attributes/size
    maker   STRING  related/maker/attributes/name
    first   STRING  attributes/laces/0
    """,
)


def document_with(table: Table, values: dict[str, Any]) -> Any:
    """A document with a value at the path of each column, unless a longer path goes through it."""
    source: dict[str, Any] = {}
    for name in sorted(values, key=lambda name: -len(table.columns[name].path)):
        *way, last = table.columns[name].path
        container = source
        for step in way:
            container = container.setdefault(step, {})
        container.setdefault(last, values[name])
    return source


def shoe(**values: Any) -> Any:
    """The document of a shoe."""
    return document_with(SHOE, {"id": "s1", "side": "left", **values})


class TestRow:
    """A table makes complete rows of storable values."""

    def test_a_column_is_filled_from_its_path(self) -> None:
        """Each column holds the value at its path, in a list too; a broken path is NULL."""
        document = {
            "id": "s1",
            "attributes": {"side": "left", "size": "42", "laces": ["red", "blue"]},
            "related": {"maker": None},
        }
        assert SHOE.row("A1", document, Counter()) == {
            "account_id": "A1", "id": "s1", "side": "left", "size": 42,
            "maker": None, "first": "red",
        }  # fmt: skip

    @given(value=JSON, key=JSON | st.text(min_size=1))
    @example(value="x", key="k")
    def test_any_document_becomes_a_complete_row_or_is_rejected(self, value: Any, key: Any) -> None:
        """Any JSON in all places makes a row of storable columns, or is rejected."""
        for table in TABLES.values():
            values = dict.fromkeys(table.columns, value) | dict.fromkeys(table.key, key)
            try:
                row = table.row("A1", document_with(table, values), Counter())
            except UnstorableError:
                assert any(CONVERTERS[table.types[name]](key) is None for name in table.key)
                continue
            assert [*table.types] == [*row, "synced_at"], table.name
            assert all(row[name] is not None for name in table.primary_key), table.name
            assert all(is_storable(kind, row.get(name)) for name, kind in table.types.items())

    def test_values_of_another_type_are_counted(self) -> None:
        """A value that does not fit its column is NULL and counted; null and "" are not."""
        type_mismatches: Counter[str] = Counter()
        for size in ("large", {"eu": 42}, "", None, "42"):
            SHOE.row("A1", shoe(size=size), type_mismatches)
        assert type_mismatches == {"size": 2}

    @pytest.mark.parametrize("key", SHOE.key)
    def test_a_record_without_its_key_is_rejected(self, key: str) -> None:
        """No row has a NULL in its key, since the loader would fail the whole sync."""
        values: list[Any] = [None, {}, ["x"]]
        for value in values:
            with pytest.raises(UnstorableError, match=f"shoe without {key}"):
                SHOE.row("A1", shoe(**{key: value}), Counter())

    def test_a_resource_without_any_key_value_has_no_key(self) -> None:
        """A flow's delay holds no message, so it makes no row of `flow_message`."""
        assert SHOE.has_key({"id": "s1"})
        assert not SHOE.has_key({"attributes": {"size": 42}})


class TestKey:
    """The text of a row's key in the state."""

    @given(st.lists(st.tuples(st.text(), st.text()), min_size=2, max_size=2, unique=True))
    def test_different_keys_never_look_the_same(self, keys: list[tuple[str, str]]) -> None:
        """Two rows with different keys have different key texts, whatever the ids hold."""
        first, second = ({"id": id_, "side": side} for id_, side in keys)
        assert SHOE.key_of(first) != SHOE.key_of(second)
        assert list(keys[0]) == json.loads(SHOE.key_of(first))
        assert SHOE.parse_key(SHOE.key_of(first)) == first

    def test_a_text_that_is_no_key_is_refused(self) -> None:
        """The state is damaged where a key lacks a column or is no list of texts."""
        for text in ("x", "[1, 2]", '["s1"]', '["s1","left","x"]', '{"a": "b"}'):
            with pytest.raises(ValueError):  # noqa: PT011 - of json, of zip or ours
                SHOE.parse_key(text)
