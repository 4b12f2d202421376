"""How the documents of a page become one document each, with what it points to."""

from typing import Any

from hypothesis import given

from tables.jsonapi import documents, get_path, related_resources
from tests.connector.json_strategies import JSON

PAGE: Any = {
    "data": [
        {
            "type": "campaign",
            "id": "c1",
            "relationships": {
                "tags": {"data": [{"type": "tag", "id": "t1"}, {"type": "tag", "id": "t2"}]},
                "maker": {"data": {"type": "tag", "id": "t1"}},
                "empty": {"data": None},
                "not-included": {"links": {"self": "…"}},
                "null": None,
            },
        },
        {"type": "campaign", "id": "c2"},
    ],
    "included": [{"type": "tag", "id": "t1", "attributes": {"name": "spring"}}],
}


def test_pointers_become_the_included_resources() -> None:
    """To-one and to-many pointers are resolved; one that is not included stays a pointer."""
    campaign, bare = documents(PAGE)
    assert campaign["related"]["maker"]["attributes"] == {"name": "spring"}
    assert [tag["id"] for tag in campaign["related"]["tags"]] == ["t1", "t2"]
    assert campaign["related"]["empty"] is campaign["related"]["not-included"] is None
    assert bare["related"] == {}


def test_each_related_resource_knows_its_owner() -> None:
    """A child row can name its parent; a missing relationship has no children."""
    campaign, bare = documents(PAGE)
    tags = list(related_resources(campaign, "tags"))
    assert [(tag["owner"]["id"], tag["id"]) for tag in tags] == [("c1", "t1"), ("c1", "t2")]
    assert [resource["id"] for resource in related_resources(campaign, "maker")] == ["t1"]
    assert list(related_resources(bare, "tags")) == []


@given(junk=JSON)
def test_a_malformed_record_raises_nothing(junk: Any) -> None:
    """Any JSON in place of a record, a relationship or an inclusion."""
    good = {"type": "campaign", "id": "c1", "relationships": {"tags": {"data": [junk]}}}
    odd = {**good, "relationships": junk}
    linked = {**good, "relationships": {"tags": junk}}
    page = {"data": [good, odd, linked, junk], "included": [junk]}
    for document in documents(page):
        list(related_resources(document, "tags"))


def test_a_path_leads_through_objects_and_lists() -> None:
    """A path that breaks off leads to None, whatever is in its way."""
    source = {"a": [{"b": 1}, None], "c": "text"}
    paths = {"a/0/b": 1, "a/1/b": None, "a/2": None, "a/x": None, "c/0": None, "": None}
    assert {path: get_path(source, path.split("/")) for path in paths} == paths
