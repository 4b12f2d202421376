"""A page makes the same rows whether it is decoded fast or parsed and converted value by value."""

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api import _parse_json
from models import Table, UnstorableError
from streams.catalog import EVENT, EVENTS, LIST_MEMBERS, PROFILES
from streams.declarations import WindowedStream
from tables.typed_pages import (
    TypedPage,
    documents,
    record_mapper,
    related_resources,
    typed_decoder,
    values_at,
)
from tests.connector.json_strategies import JSON
from tests.sandbox_server import run_sandbox

NUMBERS = st.integers(-(2**65), 2**65) | st.floats() | st.floats(width=16)
TIMES = st.from_regex(r"\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-6]\d:[0-6]\d(\+00:00|Z|)", fullmatch=True)
PLAIN = st.text(max_size=5) | st.integers(0, 2**31) | st.booleans() | st.none() | TIMES
VALUES = PLAIN | PLAIN | NUMBERS | JSON  # mostly what Klaviyo sends
EXAMPLES = settings.get_profile(settings.get_current_profile_name()).max_examples
IDS = st.text("ab1", min_size=1, max_size=2)
RESOURCE = st.sampled_from(["attribution", "event"])
MEMBERS_OF_LIST = replace(
    PROFILES, table=LIST_MEMBERS.page_table, cursor_field=LIST_MEMBERS.joined_column
)
STREAMS = {"event": EVENTS, "profile": PROFILES, "list_profile": MEMBERS_OF_LIST}
KEYS = [column.path[-1] for stream in STREAMS.values() for column in stream.table.columns.values()]
MEMBERS = st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), VALUES, max_size=6)


@st.composite
def pages(draw: st.DrawFn) -> Any:
    """A page of a listing, in the main as Klaviyo would send it, with any JSON in some places."""

    def strange(usual: st.SearchStrategy[Any]) -> Any:
        return draw(JSON) if draw(st.integers(0, 40)) == 0 else draw(usual)

    def pointer() -> Any:
        return strange(st.fixed_dictionaries({"type": RESOURCE, "id": IDS}) | st.none())

    def relationships(names: list[str]) -> Any:
        present = [name for name in names if draw(st.booleans())]
        made: dict[str, Any] = {name: strange(st.just({"data": pointer()})) for name in present}
        if draw(st.booleans()):
            pointers = [pointer() or {"type": "attribution", "id": "a"} for _ in range(2)]
            made["attributions"] = strange(st.just({"data": strange(st.just(pointers))}))
        return strange(st.just(made))

    def document() -> Any:
        attributes = {
            **draw(MEMBERS),
            "datetime": strange(TIMES),
            "event_properties": strange(MEMBERS),
            "properties": strange(MEMBERS),
            "subscriptions": strange(
                st.fixed_dictionaries({"email": st.fixed_dictionaries({"marketing": MEMBERS})})
            ),
            "location": strange(MEMBERS),
        }
        links = relationships(["metric", "profile"])
        return {
            "id": strange(IDS),
            "attributes": strange(st.just(attributes)),
            "relationships": links,
        }

    def included_resource() -> Any:
        names = ["campaign", "campaign-message", "flow", "attributed-event"]
        return {"type": draw(RESOURCE), "id": draw(IDS), "relationships": relationships(names)}

    page: dict[str, Any] = {"data": [document() for _ in range(draw(st.integers(0, 3)))]}
    page["links"] = strange(st.just({"self": "https://example.test", "next": None}))
    page["included"] = strange(st.just([included_resource() for _ in range(2)]))
    return page


def make_rows(table: Table, sources: Any) -> Any:
    """The rows of a page, and how many values do not fit their columns."""
    mismatches: Counter[str] = Counter()
    if sources and not isinstance(sources[0], dict):
        rows = record_mapper(table).rows(sources, {"account_id": "A1"}, mismatches)
        return rows, sorted(mismatches.items())
    rows = []
    for source in sources:
        try:
            rows.append(table.row("A1", source, mismatches))
        except UnstorableError:
            rows.append({"rejected": source["id"]})
    return rows, sorted(mismatches.items())


def content_of(page: Any, stream: WindowedStream) -> str:
    """Everything that is made of a page, as a text in which 1 and 1.0 differ."""
    sources = documents(page)
    made = [make_rows(stream.table, sources)]
    for name, table in stream.related:
        made.append(make_rows(table, [*related_resources(sources, name)]))
    made.append(values_at(page, ("attributes", stream.cursor_field)))
    return repr(made)


def decode_both(content: bytes, stream: WindowedStream) -> tuple[TypedPage | None, Any]:
    """A page decoded fast, or None, and parsed."""
    return typed_decoder(stream.table, stream.related)(content), _parse_json(content)


class TestEquality:
    """A clean page makes what the same page makes when each value is converted."""

    @pytest.mark.slow
    @given(page=pages(), name=st.sampled_from(sorted(STREAMS)), is_ascii=st.booleans())
    @settings(max_examples=4 * EXAMPLES)
    def test_both_ways_make_the_same_rows(self, page: Any, name: str, *, is_ascii: bool) -> None:
        """Rows, missing values and times are equal for any page that is decoded fast."""
        text = json.dumps(page, ensure_ascii=is_ascii)
        clean, parsed = decode_both(text.encode(errors="surrogatepass"), STREAMS[name])
        if clean is not None:
            assert content_of(clean, STREAMS[name]) == content_of(parsed, STREAMS[name])
            assert clean["links"] == parsed["links"]

    @given(st.binary(max_size=3), st.integers(0, 400), st.integers(0, 3))
    def test_a_broken_page_is_never_clean(self, junk: bytes, at: int, cut: int) -> None:
        """What does not parse is not decoded fast either, wherever it breaks."""
        whole = json.dumps(usual_page()).encode()
        clean, parsed = decode_both(whole[:at] + junk + whole[at + cut :], EVENTS)
        assert clean is None or content_of(clean, EVENTS) == content_of(parsed, EVENTS)

    def test_what_needs_a_conversion_is_not_clean(self, subtests: pytest.Subtests) -> None:
        """A value that the warehouse cannot store as it is takes the page to the converters."""
        numbers: list[Any] = ["7" * 5_000, 2**63, -(2**63) - 1, float("nan"), float("inf")]
        deep: list[Any] = [[[1]] * 2, {"a": {"b": {"c": {"d": {"e": {"f": {}}}}}}}]
        for value in ["a\0b", "\ud800", *numbers, *deep]:
            with subtests.test(value=value):
                clean, parsed = decode_both(json.dumps(usual_page(value)).encode(), EVENTS)
                assert clean is None
                assert len(make_rows(EVENT, documents(parsed))[0]) == 1

    def test_what_klaviyo_sends_is_clean(self, subtests: pytest.Subtests) -> None:
        """The usual page is decoded fast; otherwise the equality above would prove nothing."""
        cases: list[Any] = ["text", 2**63 - 1, 0.1, True, None, [], {"a": [{"b": {}}]}]
        for value in cases:
            with subtests.test(value=value):
                clean, parsed = decode_both(json.dumps(usual_page(value)).encode(), EVENTS)
                assert clean is not None
                assert content_of(clean, EVENTS) == content_of(parsed, EVENTS)

    def test_invalid_utf8_in_what_no_column_reads_is_not_clean(self) -> None:
        """Msgspec skips the links of a page without a look at their encoding."""
        content = json.dumps(usual_page()).encode().replace(b"skipped", b"skip\xffed")
        assert decode_both(content, EVENTS) == (None, None)

    def test_a_null_relationship_is_not_clean(self) -> None:
        """An event whose relationship to its attributions is null has its row."""
        page = usual_page()
        page["data"][0]["relationships"]["attributions"] = None
        clean, parsed = decode_both(json.dumps(page).encode(), EVENTS)
        assert clean is None
        assert len(make_rows(EVENT, documents(parsed))[0]) == 1


def usual_page(value: Any = 1) -> Any:
    """A page with one event, one attribution, and a value among the event's properties."""
    credit = {"type": "attribution", "id": "a1"}
    event = {
        "type": "event",
        "id": "e1",
        "attributes": {
            "datetime": "2026-11-20T12:00:00+00:00",
            "timestamp": 1795176000,
            "event_properties": {"$value": 9.5, "Subject": "Zoë", "x": value},
        },
        "relationships": {"metric": {"data": None}, "attributions": {"data": [credit]}},
        "links": {"self": "skipped"},
    }
    included = {**credit, "relationships": {"flow": {"links": {}}}}
    return {"data": [event], "included": [included], "links": {"self": "", "next": None}}


def test_every_page_of_the_sandbox_is_clean() -> None:
    """All of a company's events and people take the fast way, and make the same rows by both."""
    queries = {
        "event": {"include": "attributions", "page[size]": 1000},
        "profile": {"additional-fields[profile]": "subscriptions", "page[size]": 100},
        "list_profile": {"fields[profile]": "joined_group_at", "page[size]": 100},
    }
    credited = 0
    with run_sandbox(campaigns=8, profiles=60, seed=5, no_limits=True) as sandbox:
        lists = [record["id"] for page in sandbox.pages("/api/lists") for record in page["data"]]
        paths = {name: stream.path for name, stream in STREAMS.items()}
        paths["list_profile"] = f"/api/lists/{lists[0]}/profiles"
        for name, query in queries.items():
            for page in sandbox.pages(paths[name], **query):
                clean, parsed = decode_both(json.dumps(page).encode(), STREAMS[name])
                assert clean is not None
                assert content_of(clean, STREAMS[name]) == content_of(parsed, STREAMS[name])
                credited += len(page.get("included", ()))
    assert credited > 0
