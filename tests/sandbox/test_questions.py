"""The POST endpoints of the sandbox: reports and metric aggregates."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from klaviyo_sandbox.api.documents import Url
from klaviyo_sandbox.api.request_body import page
from klaviyo_sandbox.api.timeframes import named_timeframes
from tests.sandbox.reading import WEEKS, at, refusal
from tests.sandbox_server import Sandbox, body


@pytest.fixture
def question(metric_ids: dict[str, str]) -> dict[str, Any]:
    """A campaign report that is answered."""
    return {
        "statistics": ["recipients", "opens_unique"],
        "timeframe": WEEKS,
        "conversion_metric_id": metric_ids["Placed Order"],
    }


def refused(sandbox: Sandbox, kind: str, attributes: dict[str, Any]) -> str:
    """The pointer, below the attributes, of the refusal of a question."""
    error = refusal(sandbox, f"/api/{kind}s", method="POST", json=body(kind, attributes))
    pointer: str = error["source"]["pointer"]
    return pointer.removeprefix("/data/attributes").removeprefix("/")


@pytest.mark.parametrize(
    ("wrong", "value"),
    [
        ("statistics", ["opens", "colours"]),
        ("statistics", []),
        ("timeframe", None),
        ("timeframe/key", {"key": "last_never"}),
        ("timeframe", {"start": "2025-01-01T00:00:00", "end": "2026-01-03T00:00:00"}),
        ("timeframe", {"start": "2026-01-02T00:00:00", "end": "2026-01-01T00:00:00"}),
        ("timeframe/start", {"start": "soon", "end": "2026-01-01T00:00:00"}),
        ("conversion_metric_id", None),
        ("group_by", ["campaign_id"]),
        ("group_by", ["campaign_id", "campaign_message_id", "colour"]),
        ("filter", "greater-than(campaign_id,'x')"),
        ("filter", "equals(campaign_id,'x'),equals(campaign_id,'y')"),
        ("filter", f"contains-any(campaign_id,{['x'] * 101})"),
        ("colour", "red"),
    ],
)
def test_report_names_what_is_wrong(
    sandbox: Sandbox, question: dict[str, Any], wrong: str, value: Any
) -> None:
    """Each attribute that a report cannot take is refused by its name."""
    asked = question | {wrong.partition("/")[0]: value}
    assert refused(sandbox, "campaign-values-report", asked) == wrong


def test_both_ends_are_inclusive(sandbox: Sandbox, question: dict[str, Any]) -> None:
    """Days follow each other without gap when each ends at its last hour, and the end's hour
    counts to its last second.
    """
    kind, day = "campaign-values-report", "2026-{}T{}:00:00+09:00"

    def recipients(start: tuple[str, str], end: tuple[str, str]) -> int:
        timeframe = {"start": day.format(*start), "end": day.format(*end)}
        answer = sandbox.report(kind, **question | {"timeframe": timeframe})
        results = answer["data"]["attributes"]["results"]
        return sum(each["statistics"]["recipients"] for each in results)

    months = ["08-01", "09-01", "10-01"]
    whole = recipients((months[0], "00"), ("10-31", "23"))
    lasts = ["08-31", "09-30", "10-31"]
    parts = [
        recipients((first, "00"), (last, "23")) for first, last in zip(months, lasts, strict=True)
    ]
    assert whole == sum(parts) > 0


def test_filter_and_groups(sandbox: Sandbox, question: dict[str, Any]) -> None:
    """A filter keeps the groups it names; groupings are those asked for."""
    kind = "campaign-values-report"
    groups = ["campaign_id", "campaign_message_id", "send_channel", "variation"]
    everything = sandbox.report(kind, **question, group_by=groups)
    results = everything["data"]["attributes"]["results"]
    channels = {each["groupings"]["send_channel"] for each in results}
    assert {"email", "sms"} <= channels
    only = sandbox.report(
        kind, **question, group_by=groups, filter='contains-any(send_channel,["sms"])'
    )
    kept = only["data"]["attributes"]["results"]
    assert kept == [each for each in results if each["groupings"]["send_channel"] == "sms"]
    assert all(set(each["groupings"]) == set(groups) for each in results)
    named = {each["id"] for each in everything["data"]["relationships"]["campaigns"]["data"]}
    assert named == {each["groupings"]["campaign_id"] for each in results}


@pytest.mark.parametrize(
    ("interval", "days", "allowed"),
    [
        ("hourly", 7, True),
        ("hourly", 8, False),
        ("daily", 60, True),
        ("daily", 61, False),
        ("weekly", 364, True),
        ("monthly", 365, False),
    ],
)
def test_series_are_not_too_long(
    sandbox: Sandbox, question: dict[str, Any], interval: str, days: int, *, allowed: bool
) -> None:
    """Hourly series take 7 days, daily ones 60, monthly ones 52 weeks."""
    key = {7: "last_7_days", 365: "last_365_days"}.get(days)
    timeframe = (
        {"key": key}
        if key
        else {
            "start": f"{date(2026, 11, 21) - timedelta(days)}T00:00:00",
            "end": "2026-11-20T23:00:00",
        }
    )
    asked = question | {"timeframe": timeframe, "interval": interval}
    if not allowed:
        assert refused(sandbox, "flow-series-report", asked) == "interval"
        return
    attributes = sandbox.report("flow-series-report", **asked)["data"]["attributes"]
    for each in attributes["results"]:
        assert len(each["statistics"]["recipients"]) == len(attributes["date_times"])
    steps = [at(later) - at(earlier) for earlier, later in pairwise(attributes["date_times"])]
    assert steps


@pytest.mark.parametrize(
    ("wrong", "value"),
    [
        ("metric_id", ""),
        ("measurements", ["median"]),
        ("by", ["colour"]),
        ("interval", "year"),
        ("timezone", "Mars/Olympus"),
        ("filter", ["less-than(datetime,2026-11-17)"]),
        ("filter", "less-than(datetime,2026-11-17)"),
        ("filter", ["greater-or-equal(datetime,2025-01-01)", "less-than(datetime,2026-11-17)"]),
        ("page_size", 501),
        ("sort", "unique"),
        ("colour", "red"),
    ],
)
def test_aggregate_names_what_is_wrong(
    sandbox: Sandbox, metric_ids: dict[str, str], wrong: str, value: Any
) -> None:
    """Each attribute that an aggregate cannot take is refused by its name."""
    asked = {
        "metric_id": metric_ids["Opened Email"],
        "measurements": ["count"],
        "filter": ["greater-or-equal(datetime,2026-11-01)", "less-than(datetime,2026-11-17)"],
    }
    assert refused(sandbox, "metric-aggregate", asked | {wrong: value}) == wrong


def test_aggregate_in_pages(sandbox: Sandbox, metric_ids: dict[str, str]) -> None:
    """The cursor in links.next leads over all rows, once each."""
    asked = {
        "metric_id": metric_ids["Opened Email"],
        "measurements": ["count"],
        "by": ["$message"],
        "filter": ["greater-or-equal(datetime,2026-08-01)", "less-than(datetime,2026-11-17)"],
    }
    whole = sandbox.report("metric-aggregate", **asked)["data"]["attributes"]["data"]
    rows: list[Any] = []
    cursor = None
    while cursor is not None or not rows:
        shown = sandbox.report("metric-aggregate", **asked, page_size=4, page_cursor=cursor)
        rows += shown["data"]["attributes"]["data"]
        cursor = cursor_of(shown["links"]["next"])
    assert rows == whole
    assert len(whole) > 4


def test_question_is_json_api(sandbox: Sandbox) -> None:
    """A body of another media type, of another kind, or no JSON, is refused."""
    path = "/api/campaign-values-reports"
    headers = {"Content-Type": "application/json"}
    assert refusal(sandbox, path, 415, method="POST", headers=headers, data=b"{}")
    assert refusal(sandbox, path, method="POST", data=b"{")["source"] == {"pointer": "/"}
    other = body("flow-values-report", {})
    error = refusal(sandbox, path, method="POST", json=other)
    assert error["source"] == {"pointer": "/data/type"}


def test_results_in_pages() -> None:
    """Cursors lead over all results and back, a thousand at a time."""
    rows, url = list(range(2_500)), Url("http://127.0.0.1", "/api/x", {})
    seen: list[Any] = []
    cursor = None
    while cursor is not None or not seen:
        part, links = page(rows, cursor, 1_000, url)
        seen.append(part)
        cursor = cursor_of(links["next"])
    assert [len(part) for part in seen] == [1_000, 1_000, 500]
    assert [row for part in seen for row in part] == rows
    assert page(rows, cursor_of(links["prev"]), 1_000, url)[0] == seen[1]


def cursor_of(link: str | None) -> str | None:
    """The cursor in a link to another page."""
    return parse_qs(urlsplit(link).query)["page_cursor"][0] if link else None


@pytest.mark.parametrize(
    ("key", "first", "after"),
    [
        ("today", "2026-11-21", "2026-11-22"),
        ("last_7_days", "2026-11-15", "2026-11-22"),
        ("this_week", "2026-11-16", "2026-11-22"),
        ("last_week", "2026-11-09", "2026-11-16"),
        ("last_month", "2026-10-01", "2026-11-01"),
        ("last_3_months", "2026-08-01", "2026-11-01"),
        ("last_12_months", "2025-11-01", "2026-11-01"),
        ("last_year", "2025-01-01", "2026-01-01"),
    ],
)
def test_named_timeframes(key: str, first: str, after: str) -> None:
    """A time frame's name stands for whole days of the company."""
    saturday = datetime(2026, 11, 21)  # noqa: DTZ001 - a day of the company's calendar
    assert named_timeframes(saturday)[key] == (at(first), at(after))
