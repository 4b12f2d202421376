"""Events: every one arrives, late and future-dated ones too, and the watermark never runs ahead."""

import json
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from werkzeug import Request, Response

from api import ConfigurationError, TransientError
from tests.connector.scripted import (
    DAY,
    NOON,
    TIME_CONDITION,
    ScriptedAccount,
    ScriptedRun,
    resource,
    run,
)

EVENTS = "/api/events"
TABLES = "event,event_attribution"
HOUR = timedelta(hours=1)


def event(id_: str, happened: datetime, **properties: Any) -> Any:
    """One event."""
    time = happened.isoformat()
    return resource("event", id_, datetime=time, event_properties=properties)


def ids(sync: ScriptedRun) -> set[str]:
    """The events a sync wrote."""
    return {row["id"] for row in sync.rows("event")}


class TestComplete:
    """Promise 1."""

    def test_all_of_history_arrives(self, account: ScriptedAccount) -> None:
        """Whenever the first one happened, and however many share a second or a page."""
        account.page_size = 3
        times = [NOON - n * 9 * DAY for n in range(200)] + [NOON - HOUR] * 10
        account.documents[EVENTS] = sorted(
            (event(str(n), time) for n, time in enumerate(times)),
            key=lambda one: str(one["attributes"]["datetime"]),
        )
        assert ids(run(tables=TABLES)) == {str(n) for n in range(210)}

    @pytest.mark.parametrize("ago", [HOUR, 3 * HOUR, 4 * DAY, 6.9 * DAY])
    def test_an_event_that_shows_up_late_arrives_within_a_day(
        self, account: ScriptedAccount, ago: timedelta
    ) -> None:
        """D5: Klaviyo shows some events hours or days after they happened."""
        account.documents[EVENTS] = [event("a", NOON - HOUR)]
        first = run(tables=TABLES)
        account.documents[EVENTS].append(event("late", NOON - ago))
        account.now += DAY - HOUR
        second = run(first.state, tables=TABLES)
        account.now += HOUR
        assert "late" in ids(second) | ids(run(second.state, tables=TABLES))

    def test_a_future_event_is_kept_and_moves_nothing(self, account: ScriptedAccount) -> None:
        """D6: dated a year ahead, it is written; what happens meanwhile is not missed."""
        account.documents[EVENTS] = [event("a", NOON - HOUR), event("future", NOON + 365 * DAY)]
        first = run(tables=TABLES)
        assert {row["id"]: row["is_future"] for row in first.rows("event")} == {
            "a": False,
            "future": True,
        }
        account.now += DAY
        account.documents[EVENTS].append(event("b", NOON + 23 * HOUR))
        assert "b" in ids(run(first.state, tables=TABLES))

    def test_an_event_before_klaviyo_does_not_end_the_sync(self, account: ScriptedAccount) -> None:
        """V4: an event of the year 1 has no window; those of this century arrive."""
        ancient = event("ancient", NOON)
        ancient["attributes"]["datetime"] = "0001-01-01T00:00:00+00:00"
        account.documents[EVENTS] = [ancient, event("a", NOON - DAY)]
        first = run(tables=TABLES)
        account.now += DAY
        second = run(first.state, tables=TABLES)
        assert (first.error, second.error) == (None, None)
        assert "a" in ids(first)

    def test_a_sync_without_any_event_succeeds(self, account: ScriptedAccount) -> None:
        """An account may have no event, or none that is new."""
        first = run(tables=TABLES)
        assert first.error is None
        account.now += DAY
        second = run(first.state, tables=TABLES)
        assert second.error is None
        assert second.rows("event") == []

    def test_klaviyos_lag_is_no_gap(self, account: ScriptedAccount) -> None:
        """Windows touch: an event between two syncs is in the second, whenever it happened."""
        done = run(tables=TABLES)
        for n in range(1, 30):
            account.now += timedelta(minutes=17)
            account.documents[EVENTS] = [event(str(n), account.now - timedelta(seconds=n))]
            done = run(done.state, tables=TABLES)
            account.now += timedelta(minutes=1)
            again = run(done.state, tables=TABLES)
            assert str(n) in ids(done) | ids(again)

    def test_a_failure_midway_leaves_no_hole(self, account: ScriptedAccount) -> None:
        """Klaviyo goes down between windows: the next sync goes on from the last whole one."""
        account.documents[EVENTS] = [event(str(n), NOON - n * DAY) for n in range(100, 0, -1)]
        calls = iter(range(1_000))

        def failing(_: Request) -> Response | None:
            return Response("", 503) if next(calls) > 4 else None

        account.responses[EVENTS] = failing
        first = run(tables=TABLES, concurrency="1")
        assert isinstance(first.error, TransientError)
        account.responses.clear()
        second = run(first.state, tables=TABLES)
        assert ids(first) | ids(second) == {str(n) for n in range(1, 101)}
        assert "100" in ids(first) - ids(second)


class TestReport:
    """What `sync_report` says of events, so that dbt can refresh the affected days."""

    def test_it_spans_the_events_that_were_written(self, account: ScriptedAccount) -> None:
        """Least and greatest time of this sync's events; none where there was none."""
        account.documents[EVENTS] = [event("a", NOON - 9 * DAY), event("b", NOON - HOUR)]
        first = run(tables=TABLES)
        assert reported(first) == ("2026-11-11T17:00:00.000000Z", "2026-11-20T16:00:00.000000Z")
        account.documents[EVENTS] = []
        assert reported(run(first.state, tables=TABLES)) == (None, None)

    def test_it_spans_those_of_a_sync_that_never_reported(self, account: ScriptedAccount) -> None:
        """A killed sync has written events, too: they are in the next one's report."""
        account.page_size = 1
        account.documents[EVENTS] = [event("a", NOON - 9 * DAY), event("b", NOON - 2 * DAY)]
        calls = iter(range(1_000))
        account.responses[EVENTS] = lambda _: Response("", 401) if next(calls) > 2 else None
        failed = run(tables=TABLES, concurrency="1")
        assert (ids(failed), failed.rows("sync_report")) == ({"a"}, [])
        account.responses.clear()
        account.documents[EVENTS] = []
        resumed = run(failed.state, tables=TABLES)
        assert reported(resumed) == ("2026-11-11T17:00:00.000000Z",) * 2
        assert reported(run(resumed.state, tables=TABLES)) == (None, None)


def reported(sync: ScriptedRun) -> tuple[str | None, str | None]:
    """The span of event times that a sync reports."""
    (row,) = (row for row in sync.rows("sync_report") if row["table_name"] == "event")
    return row["min_event_at"], row["max_event_at"]


class TestQuestion:
    """What is asked of Klaviyo."""

    def test_bounds_are_inclusive_and_never_in_the_future(self, account: ScriptedAccount) -> None:
        """Each window begins with its first instant; the last one has no end."""
        account.documents[EVENTS] = [event("a", NOON - 100 * DAY)]
        run(tables=TABLES, concurrency="1")
        filters = [one.params.get("filter", "") for one in account.requests_to(EVENTS)][1:]
        assert all("greater-or-equal(datetime," in one for one in filters)
        assert "less-than" not in filters[-1]
        for one in filters[:-1]:
            assert one.split("less-than(datetime,")[1] < NOON.strftime("%Y-%m-%dT%H:%M:%S")

    def test_each_sync_looks_back_2_hours_and_one_a_day_7_days(
        self, account: ScriptedAccount
    ) -> None:
        """From as far as was read, 10 seconds before the last sync; written with Z."""
        done = run(tables=TABLES)
        since = []
        for later in (HOUR, DAY, DAY + HOUR):
            account.now, account.requests = NOON + later, []
            done = run(done.state, tables=TABLES, concurrency="1")
            since.append(
                account.requests_to(EVENTS)[0].params["filter"].partition("),")[0].strip(")")
            )
        assert since == [
            "greater-or-equal(datetime,2026-11-20T14:59:50.000000Z",
            "greater-or-equal(datetime,2026-11-13T16:59:50.000000Z",
            "greater-or-equal(datetime,2026-11-21T14:59:50.000000Z",
        ]

    def test_every_bound_is_written_with_z(self, account: ScriptedAccount) -> None:
        """The + of another offset would become a space."""
        account.documents[EVENTS] = [event("a", NOON - 100 * DAY)]
        run(tables=TABLES)
        asked = [one.params.get("filter", "") for one in account.requests_to(EVENTS)]
        bounds = [bound for one in asked for *_, bound in TIME_CONDITION.findall(one)]
        assert len(bounds) > 2
        assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.0{6}Z", one) for one in bounds)

    @pytest.mark.parametrize("tables", ["event", "event_attribution", TABLES])
    def test_credits_are_asked_for_where_they_are_chosen(
        self, account: ScriptedAccount, tables: str
    ) -> None:
        """Klaviyo includes them on request alone."""
        run(tables=tables, start_date="2026-11-01")
        wanted = "attributions" if "event_attribution" in tables else None
        assert {one.params.get("include") for one in account.requests_to(EVENTS)} == {wanted}

    def test_no_bound_lies_within_seconds_of_now(self, account: ScriptedAccount) -> None:
        """Klaviyo refuses such a bound: a window that would end there is the last, without end."""
        account.documents[EVENTS] = [event("a", NOON - 3 * HOUR - timedelta(seconds=5))]
        run(tables=TABLES)
        (_, window) = account.requests_to(EVENTS)
        assert "less-than" not in window.params["filter"]

    def test_only_chosen_metrics_are_asked_for(self, account: ScriptedAccount) -> None:
        """`event_metrics` names them; an unknown name ends the sync."""
        account.documents["/api/metrics"] = [
            resource("metric", "M1", name="Opened Email"),
            resource("metric", "M2", name="Active on Site"),
        ]
        run(tables=TABLES, event_metrics="Opened Email")
        filters = [one.params["filter"] for one in account.requests_to(EVENTS)]
        assert all('equals(metric_id,"M1")' in one for one in filters)
        done = run(tables=TABLES, event_metrics="Opened Emial")
        assert isinstance(done.error, ConfigurationError)
        assert "event_metrics" in str(done.error)

    def test_a_page_size_that_is_refused_is_not_insisted_on(self, account: ScriptedAccount) -> None:
        """The specification allows 1,000 events a page, the documentation 200: either will do."""
        account.documents[EVENTS] = [event("a", NOON - 100 * DAY), event("b", NOON - DAY)]
        detail = "Page size must be an integer between 1 and 200."

        def strict(request: Request) -> Response | None:
            if int(request.args["page[size]"]) <= 200:
                return None
            return Response(json.dumps({"errors": [{"detail": detail}]}), 400)

        account.responses[EVENTS] = strict
        done = run(tables=TABLES, concurrency="1")
        assert done.error is None
        assert ids(done) == {"a", "b"}
        sizes = [one.params["page[size]"] for one in account.requests_to(EVENTS)][1:]
        assert sizes[:3] == ["1000", "200", "200"]

    def test_start_date_is_where_history_begins(self, account: ScriptedAccount) -> None:
        """Midnight of that day in the account's zone; an earlier date later is caught up with."""
        account.documents[EVENTS] = [event("old", NOON - 6 * DAY), event("new", NOON - DAY)]
        first = run(tables=TABLES, start_date="2026-11-15", concurrency="1")
        assert (
            "greater-or-equal(datetime,2026-11-15T05:00:00"
            in (account.requests_to(EVENTS)[0].params["filter"])
        )
        account.now += DAY
        again = run(first.state, tables=TABLES, start_date="2026-11-15")
        assert ids(again) == {"new"}, "looked back further than history begins"
        earlier = run(again.state, tables=TABLES, start_date="2026-10-01")
        assert (ids(first), ids(earlier)) == ({"new"}, {"old", "new"})


class TestRows:
    """What an event becomes."""

    def test_an_event_and_its_credits_become_rows(self, account: ScriptedAccount) -> None:
        """Known properties are columns, all of them stand in one JSON column."""
        order = event("e", NOON - HOUR, **{"$value": "19.90", "Odd Name": {"a": [1]}, "URL": "/x"})
        order["relationships"] = {"attributions": {"data": [{"type": "attribution", "id": "at"}]}}
        flow = {"data": {"type": "flow", "id": "f"}}
        credit = {"type": "attribution", "id": "at", "relationships": {"flow": flow}}
        account.documents[EVENTS] = [order]
        account.included[EVENTS] = [credit]
        done = run(tables=TABLES)
        (row,) = done.rows("event")
        (credited,) = done.rows("event_attribution")
        assert (row["value"], row["url"]) == (19.9, "/x")
        assert row["properties"] == {"$value": "19.90", "Odd Name": {"a": [1]}, "URL": "/x"}
        assert (credited["event_id"], credited["attribution_id"]) == ("e", "at")
        assert credited["flow_id"] == "f"

    @pytest.mark.parametrize(
        ("properties", "campaign"),
        [
            ({"$message": "c", "Campaign Name": "Sale"}, "c"),
            ({"$message": "m", "$flow": "f", "Campaign Name": "x"}, None),
            ({"Campaign Name": "deleted"}, None),
            ({}, None),
            (None, None),
            ([], None),
            ("text", None),
        ],
    )
    def test_a_campaign_is_named_where_klaviyo_names_one(
        self, account: ScriptedAccount, properties: Any, campaign: str | None
    ) -> None:
        """Events of deleted campaigns lack it, and odd properties end nothing."""
        one = event("e", NOON - HOUR)
        one["attributes"]["event_properties"] = properties
        account.documents[EVENTS] = [one]
        done = run(tables=TABLES)
        assert done.error is None
        assert [row["campaign_id"] for row in done.rows("event")] == [campaign]

    def test_klaviyos_oddities_are_accepted(self, account: ScriptedAccount) -> None:
        """An event whose metric and profile are gone, and a time with a space in it."""
        orphan, spaced = event("orphan", NOON - HOUR), event("spaced", NOON - HOUR)
        orphan["relationships"] = {"metric": {"data": None}, "profile": {"data": None}}
        spaced["attributes"]["datetime"] = "2026-11-20 16:00:00.918411+00:00"
        account.documents[EVENTS] = [orphan, spaced]
        done = run(tables=TABLES)
        assert done.error is None
        times = {row["id"]: row["datetime"] for row in done.rows("event")}
        assert times["spaced"] == "2026-11-20T16:00:00.918411Z"
        assert {(row["metric_id"], row["profile_id"]) for row in done.rows("event")} == {
            (None,) * 2
        }

    def test_an_event_without_an_id_is_noted_and_skipped(self, account: ScriptedAccount) -> None:
        """S3: the others arrive."""
        nameless = event("x", NOON - HOUR)
        del nameless["id"]
        account.documents[EVENTS] = [event("a", NOON - 2 * HOUR), nameless, event("b", NOON - HOUR)]
        done = run(tables=TABLES)
        assert done.error is None
        assert ids(done) == {"a", "b"}
        assert {row["reason"] for row in done.rows("sync_error")} == {"event without id"}

    def test_only_the_chosen_table_is_written(self, account: ScriptedAccount) -> None:
        """Choosing the credits alone does not write, and bill, a row per event."""
        account.documents[EVENTS] = [event("e", NOON - HOUR)]
        assert run(tables="event_attribution").rows("event") == []
