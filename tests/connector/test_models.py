"""How Klaviyo's JSON becomes rows, and how the connector knows which rows are news."""

import json
from collections import Counter
from typing import Any

import models
import pytest
import streams
from hypothesis import given
from hypothesis import strategies as st
from models import Ledger, Table, UnstorableError, digest
from tables.converters import CONVERTERS

from tests.connector.anything import JSON, storable

SHOE = models.make_table(
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


def planted(table: Table, values: dict[str, Any]) -> Any:
    """A document with a value at the path of each named column, where no longer path goes on."""
    source: dict[str, Any] = {}
    for name in sorted(values, key=lambda name: -len(table.columns[name].path)):
        *way, last = table.columns[name].path
        place = source
        for step in way:
            place = place.setdefault(step, {})
        place.setdefault(last, values[name])
    return source


class TestRow:
    """A table makes complete rows of storable values."""

    def test_a_row_is_filled_from_the_places_its_columns_name(self) -> None:
        """Each column holds what stands at its path, in a list too; a broken path is NULL."""
        document = {
            "id": "s1",
            "attributes": {"side": "left", "size": "42", "laces": ["red", "blue"]},
            "related": {"maker": None},
        }
        assert SHOE.row("A1", document) == {
            "account_id": "A1", "id": "s1", "side": "left", "size": 42,
            "maker": None, "first": "red",
        }  # fmt: skip

    @pytest.mark.parametrize("table", streams.TABLES.values(), ids=streams.TABLES)
    @given(value=JSON, key=JSON | st.text(min_size=1))
    def test_any_document_becomes_a_complete_row_or_is_refused(
        self, table: Table, value: Any, key: Any
    ) -> None:
        """S1, V1: any JSON in all places makes a row of storable columns, or is refused."""
        document = planted(
            table, dict.fromkeys(table.columns, value) | dict.fromkeys(table.key, key)
        )
        try:
            row = table.row("A1", document)
        except UnstorableError:
            assert any(CONVERTERS[table.types[name]](key) is None for name in table.key)
            return
        assert [*table.types] == [*row, "synced_at"]
        assert all(row[name] is not None for name in table.primary_key)
        assert all(storable(kind, row.get(name)) for name, kind in table.types.items())

    def test_values_of_another_type_are_counted(self) -> None:
        """S1: what its column cannot hold is NULL and counted; nothing at all, or "", is not."""
        unfit: Counter[str] = Counter()
        for size in ("large", {"eu": 42}, "", None, "42"):
            SHOE.row("A1", planted(SHOE, {"id": "s1", "side": "left", "size": size}), unfit)
        assert unfit == {"size": 2}

    @pytest.mark.parametrize("key", SHOE.key)
    @pytest.mark.parametrize("value", [None, {}, ["x"]])
    def test_a_record_without_its_key_is_refused(self, key: str, value: Any) -> None:
        """S3: no row has a NULL in its key, since the loader would fail the whole sync."""
        document = planted(SHOE, {"id": "s1", "side": "left", key: value})
        with pytest.raises(UnstorableError, match=f"shoe without {key}"):
            SHOE.row("A1", document)

    @given(st.lists(st.tuples(st.text(), st.text()), min_size=2, max_size=2, unique=True))
    def test_different_keys_never_look_the_same(self, keys: list[tuple[str, str]]) -> None:
        """Two rows with different keys have different key texts, whatever the ids hold."""
        first, second = ({"id": one, "side": other} for one, other in keys)
        assert SHOE.key_of(first) != SHOE.key_of(second)
        assert list(keys[0]) == json.loads(SHOE.key_of(first))


PAGE: Any = {
    "data": [
        {
            "type": "campaign",
            "id": "c1",
            "relationships": {
                "tags": {"data": [{"type": "tag", "id": "t1"}, {"type": "tag", "id": "t2"}]},
                "maker": {"data": {"type": "tag", "id": "t1"}},
                "nobody": {"data": None},
                "unloaded": {"links": {"self": "…"}},
                "null": None,
            },
        },
        {"type": "campaign", "id": "c2"},
    ],
    "included": [{"type": "tag", "id": "t1", "attributes": {"name": "spring"}}],
}


class TestResolved:
    """Relationships point into `included`; a resolved document holds what they point to."""

    def test_pointers_become_the_included_resources(self) -> None:
        """To-one and to-many pointers are filled; one that leads nowhere stays a pointer."""
        campaign, bare = models.resolved(PAGE)
        assert campaign["related"]["maker"]["attributes"] == {"name": "spring"}
        assert [one["id"] for one in campaign["related"]["tags"]] == ["t1", "t2"]
        assert campaign["related"]["nobody"] is campaign["related"]["unloaded"] is None
        assert bare["related"] == {}

    def test_each_related_resource_knows_its_owner(self) -> None:
        """A child row can name its parent; a missing relationship has no children."""
        campaign, bare = models.resolved(PAGE)
        tags = list(models.related(campaign, "tags"))
        assert [(one["owner"]["id"], one["id"]) for one in tags] == [("c1", "t1"), ("c1", "t2")]
        assert [one["id"] for one in models.related(campaign, "maker")] == ["t1"]
        assert list(models.related(bare, "tags")) == []

    @given(junk=JSON)
    def test_a_malformed_record_raises_nothing(self, junk: Any) -> None:
        """S3: whatever stands where a record, a relationship or an inclusion should."""
        good = {"type": "campaign", "id": "c1", "relationships": {"tags": {"data": [junk]}}}
        odd = {**good, "relationships": junk}
        linked = {**good, "relationships": {"tags": junk}}
        page = {"data": [good, odd, linked, junk], "included": [junk]}
        for document in models.resolved(page):
            list(models.related(document, "tags"))


class TestLedger:
    """A row is written when it is news, and deleted when a full listing no longer shows it."""

    def test_an_unchanged_row_is_no_news(self) -> None:
        """A row is news once, and again each time any column changes."""
        ledger = Ledger({})
        assert ledger.news("k", {"a": 1, "b": None})
        assert not ledger.news("k", {"b": None, "a": 1})
        assert ledger.news("k", {"a": 1, "b": 0})
        assert not Ledger(ledger.known).news("k", {"a": 1, "b": 0})

    def test_a_partial_row_does_not_replace_a_whole_one(self) -> None:
        """The greatest row of one sync stands; an earlier sync's only against a part."""
        ledger = Ledger({})
        assert ledger.news("k", {"opens": 50}, 100)
        assert not ledger.news("k", {"opens": 10}, 30)
        assert ledger.news("k", {"opens": 51}, 100)
        assert ledger.news("k", {"opens": 90}, 200)
        assert not Ledger(ledger.known).news("k", {"opens": 51}, 100, whole=False)
        assert Ledger(ledger.known).news("k", {"opens": 51}, 100)

    def test_only_unseen_keys_are_gone(self) -> None:
        """What was known and is not seen is named once; what is seen stays."""
        ledger = Ledger({"old": digest("x"), "kept": digest("y")})
        ledger.news("kept", {})
        ledger.news("new", {})
        assert ledger.forget_unseen(lambda key: key != "old") == []
        assert ledger.forget_unseen() == ["old"]
        assert ledger.forget_unseen() == []
        assert set(ledger.known) == {"kept", "new"}

    def test_what_it_was_given_stays_unchanged(self) -> None:
        """The state of the last checkpoint is not altered under the loader's feet."""
        known = {"k": digest("x")}
        Ledger(known).news("k", {"a": 1})
        assert known == {"k": digest("x")}
