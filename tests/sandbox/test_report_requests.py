"""The POST endpoints of the sandbox, reports and metric aggregates, check their requests."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from klaviyo_sandbox.api.documents import Url
from klaviyo_sandbox.api.request_body import paginate
from klaviyo_sandbox.api.timeframes import named_timeframes
from tests.sandbox.endpoint_samples import WEEKS, get_error
from tests.sandbox_server import Sandbox, build_body


@pytest.fixture
def request_attributes(metric_ids: dict[str, str]) -> dict[str, Any]:
    """The attributes of a valid campaign report."""
    return {
        "statistics": ["recipients", "opens_unique"],
        "timeframe": WEEKS,
        "conversion_metric_id": metric_ids["Placed Order"],
    }


def get_error_pointer(sandbox: Sandbox, report_type: str, attributes: dict[str, Any]) -> str:
    """Return the pointer, below the attributes, of the error that a request gets."""
    body = build_body(report_type, attributes)
    error = get_error(sandbox, f"/api/{report_type}s", method="POST", json=body)
    pointer: str = error["source"]["pointer"]
    return pointer.removeprefix("/data/attributes").removeprefix("/")


def test_report_error_names_the_attribute(
    sandbox: Sandbox, request_attributes: dict[str, Any]
) -> None:
    """A wrong attribute of a report is refused by its name."""
    wrong_values = [
        ("statistics", ["opens", "colours"]),
        ("statistics", []),
        ("timeframe", None),
        ("timeframe/key", {"key": "last_never"}),
        ("timeframe", {"start": "2025-01-01T00:00:00Z", "end": "2026-01-03T00:00:00Z"}),
        ("timeframe", {"start": "2026-01-02T00:00:00Z", "end": "2026-01-01T00:00:00Z"}),
        ("timeframe/start", {"start": "2026-01-01T00:00:00", "end": "2026-01-02T00:00:00Z"}),
        ("timeframe/start", {"start": "soon", "end": "2026-01-01T00:00:00Z"}),
        ("conversion_metric_id", None),
        ("group_by", ["campaign_id"]),
        ("group_by", ["campaign_id", "campaign_message_id", "colour"]),
        ("filter", "greater-than(campaign_id,'x')"),
        ("filter", "equals(campaign_id,'x'),equals(campaign_id,'y')"),
        ("filter", f"contains-any(campaign_id,{['x'] * 101})"),
        ("colour", "red"),
    ]
    for pointer, value in wrong_values:
        attributes = request_attributes | {pointer.partition("/")[0]: value}
        found = get_error_pointer(sandbox, "campaign-values-report", attributes)
        assert found == pointer, value


def test_both_ends_of_a_timeframe_are_inclusive(
    sandbox: Sandbox, request_attributes: dict[str, Any]
) -> None:
    """A timeframe includes the whole hour of its end, so months that end at 23:00 leave no gap."""
    kind, day = "campaign-values-report", "2026-{}T{}:00:00+09:00"

    def recipients(start: tuple[str, str], end: tuple[str, str]) -> int:
        timeframe = {"start": day.format(*start), "end": day.format(*end)}
        response = sandbox.report(kind, **request_attributes | {"timeframe": timeframe})
        results = response["data"]["attributes"]["results"]
        return sum(result["statistics"]["recipients"] for result in results)

    months = ["08-01", "09-01", "10-01"]
    whole = recipients((months[0], "00"), ("10-31", "23"))
    lasts = ["08-31", "09-30", "10-31"]
    parts = [
        recipients((first, "00"), (last, "23")) for first, last in zip(months, lasts, strict=True)
    ]
    assert whole == sum(parts) > 0


def test_filter_and_groups(sandbox: Sandbox, request_attributes: dict[str, Any]) -> None:
    """A filter keeps the groups it names; the groupings are those of ``group_by``."""
    kind = "campaign-values-report"
    groups = ["campaign_id", "campaign_message_id", "send_channel", "variation"]
    everything = sandbox.report(kind, **request_attributes, group_by=groups)
    results = everything["data"]["attributes"]["results"]
    channels = {result["groupings"]["send_channel"] for result in results}
    assert {"email", "sms"} <= channels
    only = sandbox.report(
        kind, **request_attributes, group_by=groups, filter='contains-any(send_channel,["sms"])'
    )
    kept = only["data"]["attributes"]["results"]
    assert kept == [result for result in results if result["groupings"]["send_channel"] == "sms"]
    assert all(set(result["groupings"]) == set(groups) for result in results)
    named = {pointer["id"] for pointer in everything["data"]["relationships"]["campaigns"]["data"]}
    assert named == {result["groupings"]["campaign_id"] for result in results}


@pytest.mark.parametrize(
    ("interval", "longest", "too_long"),
    [("hourly", 7, 8), ("daily", 60, 61), ("weekly", 364, None), ("monthly", 364, 365)],
)
def test_series_have_a_maximum_timeframe(
    sandbox: Sandbox,
    request_attributes: dict[str, Any],
    interval: str,
    longest: int,
    too_long: int | None,
) -> None:
    """Hourly series cover at most 7 days, daily ones 60 days, monthly ones 52 weeks."""

    def days(count: int) -> dict[str, Any]:
        start = date(2026, 11, 21) - timedelta(count)
        timeframe = {"start": f"{start}T00:00:00Z", "end": "2026-11-20T23:00:00Z"}
        return request_attributes | {"timeframe": timeframe, "interval": interval}

    series = sandbox.report("flow-series-report", **days(longest))["data"]["attributes"]
    assert len(series["date_times"]) > 1
    assert series["date_times"] == sorted(set(series["date_times"]))
    for result in series["results"]:
        assert len(result["statistics"]["recipients"]) == len(series["date_times"])
    if too_long is not None:
        assert get_error_pointer(sandbox, "flow-series-report", days(too_long)) == "interval"


def test_series_take_named_timeframes(sandbox: Sandbox, request_attributes: dict[str, Any]) -> None:
    """The key last_7_days means 8 days, as recorded; last_365_days is beyond a series' limit."""
    week, year = (
        request_attributes | {"timeframe": {"key": key}, "interval": interval}
        for key, interval in (("last_7_days", "daily"), ("last_365_days", "monthly"))
    )
    series = sandbox.report("flow-series-report", **week)["data"]["attributes"]
    assert len(series["date_times"]) == 8
    assert get_error_pointer(sandbox, "flow-series-report", year) == "interval"


def test_aggregate_error_names_the_attribute(sandbox: Sandbox, metric_ids: dict[str, str]) -> None:
    """A wrong attribute of a metric aggregate is refused by its name."""
    valid = {
        "metric_id": metric_ids["Opened Email"],
        "measurements": ["count"],
        "filter": ["greater-or-equal(datetime,2026-11-01)", "less-than(datetime,2026-11-17)"],
    }
    wrong_values = [
        ("metric_id", ""),
        ("measurements", ["median"]),
        ("by", ["colour"]),
        ("interval", "year"),
        ("timezone", "Mars/Olympus"),
        ("filter", ["less-than(datetime,2026-11-17)"]),
        ("filter", "less-than(datetime,2026-11-17)"),
        ("filter", ["greater-or-equal(datetime,2025-01-01)", "less-than(datetime,2026-11-17)"]),
        ("page_size", 499),
        ("sort", "unique"),
        ("colour", "red"),
    ]
    for pointer, value in wrong_values:
        attributes = valid | {pointer: value}
        found = get_error_pointer(sandbox, "metric-aggregate", attributes)
        assert found == pointer, value


def test_aggregate_bounds_without_offset_are_utc(
    sandbox: Sandbox, metric_ids: dict[str, str]
) -> None:
    """Whatever the time zone of the aggregate is; a day is named by its midnight there."""
    answer = sandbox.report(
        "metric-aggregate",
        metric_id=metric_ids["Opened Email"],
        measurements=["count"],
        timezone="America/New_York",
        filter=["greater-or-equal(datetime,2026-11-10)", "less-than(datetime,2026-11-11T00:00:00)"],
    )
    dates = answer["data"]["attributes"]["dates"]
    assert dates == ["2026-11-09T05:00:00+00:00", "2026-11-10T05:00:00+00:00"]


def test_aggregate_pages(sandbox: Sandbox, metric_ids: dict[str, str]) -> None:
    """The cursors in links.next lead over all rows, once each."""
    attributes = {
        "metric_id": metric_ids["Opened Email"],
        "measurements": ["count"],
        "by": ["$message", "Client Name", "Client Type", "Email Domain"],
        "filter": ["greater-or-equal(datetime,2025-11-20)", "less-than(datetime,2026-11-17)"],
    }
    whole = sandbox.report("metric-aggregate", **attributes, page_size=9_999)
    rows: list[Any] = []
    cursor = None
    while cursor is not None or not rows:
        shown = sandbox.report("metric-aggregate", **attributes, page_size=500, page_cursor=cursor)
        rows += shown["data"]["attributes"]["data"]
        cursor = get_cursor(shown["links"]["next"])
    assert rows == whole["data"]["attributes"]["data"]
    assert len(rows) > 500


def test_body_is_json_api(sandbox: Sandbox) -> None:
    """A body of another media type or resource type, or without JSON, is refused."""
    path = "/api/campaign-values-reports"
    headers = {"Content-Type": "application/json"}
    assert get_error(sandbox, path, 415, method="POST", headers=headers, data=b"{}")
    assert get_error(sandbox, path, method="POST", data=b"{")["source"] == {"pointer": "/"}
    other = build_body("flow-values-report", {})
    error = get_error(sandbox, path, method="POST", json=other)
    assert error["source"] == {"pointer": "/data/type"}


def test_result_pages() -> None:
    """Cursors lead over all results and back, a thousand per page."""
    rows, url = list(range(2_500)), Url("http://127.0.0.1", "/api/x", {})
    seen: list[Any] = []
    cursor = None
    while cursor is not None or not seen:
        part, links = paginate(rows, cursor, 1_000, url)
        seen.append(part)
        cursor = get_cursor(links["next"])
    assert [len(part) for part in seen] == [1_000, 1_000, 500]
    assert [row for part in seen for row in part] == rows
    assert paginate(rows, get_cursor(links["prev"]), 1_000, url)[0] == seen[1]


def get_cursor(link: str | None) -> str | None:
    """Return the cursor in a link to another page."""
    return parse_qs(urlsplit(link).query)["page_cursor"][0] if link else None


def test_named_timeframes() -> None:
    """The key of a timeframe means whole days of the company's calendar."""
    saturday = datetime(2026, 11, 21)  # noqa: DTZ001 - a day of the company's calendar
    expected = {
        "today": ("2026-11-21", "2026-11-22"),
        "last_7_days": ("2026-11-14", "2026-11-22"),
        "this_week": ("2026-11-16", "2026-11-22"),
        "last_week": ("2026-11-09", "2026-11-16"),
        "last_month": ("2026-10-01", "2026-11-01"),
        "last_3_months": ("2026-08-01", "2026-11-01"),
        "last_12_months": ("2025-11-01", "2026-11-01"),
        "last_year": ("2025-01-01", "2026-01-01"),
    }
    spans = named_timeframes(saturday)
    found = {key: tuple(f"{moment:%Y-%m-%d}" for moment in spans[key]) for key in expected}
    assert found == expected
    assert all(moment.hour == 0 for span in spans.values() for moment in span)
