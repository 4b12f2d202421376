"""What the registry derives from the declarations: which streams run, and what each needs."""

from streams import STREAMS, TABLES
from streams.catalog import LISTS, METRICS, SEGMENTS
from streams.registry import dependents, required_tables, scopes, select_streams


def names(tables: set[str]) -> list[str]:
    """The names of the streams that run for some tables."""
    return [stream.name for stream in select_streams(tables)]


def test_only_needed_streams_run() -> None:
    """A chosen table runs its stream and those that it requires or uses, in the catalog's order."""
    assert names({"form"}) == ["form"]
    assert names({"list_profile"}) == ["list", "list_profile"]
    assert names({"event_attribution"}) == ["metric", "event"]
    assert names({"flow_message"}) == ["flow"]
    assert names({"segment_daily"}) == ["campaign", "flow", "segment", "segment_daily"]
    assert names(set()) == []
    assert select_streams(TABLES) == list(STREAMS)


def test_dependents_cannot_run_without_a_stream() -> None:
    """A missing scope skips the streams that require its records too."""
    assert {stream.name for stream in dependents(LISTS)} == {
        "list_profile",
        "list_profile_count_daily",
    }
    assert {stream.name for stream in dependents(SEGMENTS)} == {
        "segment_daily",
        "segment_profile",
        "segment_profile_count_daily",
    }
    assert "campaign_performance" in [stream.name for stream in dependents(METRICS)]


def test_a_listing_of_each_record_brings_the_table_of_these_records() -> None:
    """The rows of lists and segments tell which members to request, coupons which codes."""
    assert dict(required_tables()) == {
        "list_profile": "list",
        "segment_profile": "segment",
        "list_profile_count_daily": "list",
        "segment_profile_count_daily": "segment",
        "form_version": "form",
        "custom_object_record": "custom_object_type",
        "coupon_code": "coupon",
        "catalog_category_item": "catalog_category",
    }


def test_every_stream_is_covered_by_a_scope() -> None:
    """Each scope has a path that needs it, and together they open every table of a stream."""
    opened = {table.name for _, tables in scopes().values() for table in tables}
    assert opened == {table.name for stream in STREAMS for table in stream.tables}
    assert {path.partition("?")[0] for path, _ in scopes().values()} <= {
        stream.path for stream in STREAMS
    }
    path, tables = scopes()["lists:read"]
    assert path == "/api/lists"
    assert {table.name for table in tables} == {"list", "list_tag", "list_profile_count_daily"}
    assert [path for path, _ in scopes().values() if "{" in path] == []
