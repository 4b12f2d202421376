"""Every event arrives, late and future-dated ones too; the watermark never runs ahead."""

import json
import re
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from werkzeug import Request, Response

from api import ConfigurationError, ContractError, TransientError
from tests.connector.scripted import (
    DAY,
    KEY,
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


def written_ids(sync: ScriptedRun) -> set[str]:
    """The events that a sync wrote."""
    return {row["id"] for row in sync.rows("event")}


class TestComplete:
    """Promise 1: every event arrives."""

    def test_all_of_history_arrives(self, account: ScriptedAccount) -> None:
        """Whenever the first event happened, and however many share a second or a page."""
        account.page_size = 3
        times = [NOON - n * 9 * DAY for n in range(200)] + [NOON - HOUR] * 10
        account.documents[EVENTS] = sorted(
            (event(str(n), time) for n, time in enumerate(times)),
            key=lambda record: str(record["attributes"]["datetime"]),
        )
        assert written_ids(run(tables=TABLES)) == {str(n) for n in range(210)}

    def test_a_late_event_arrives_within_a_day(self, account: ScriptedAccount) -> None:
        """The lookback finds events that Klaviyo lists hours or days after they happened."""
        account.documents[EVENTS] = [event("a", NOON - HOUR)]
        first = run(tables=TABLES)
        late = {
            str(ago): event(str(ago), NOON - ago) for ago in (HOUR, 3 * HOUR, 4 * DAY, 6.9 * DAY)
        }
        account.documents[EVENTS] += late.values()
        account.now += DAY - HOUR
        second = run(first.state, tables=TABLES)
        account.now += HOUR
        third = run(second.state, tables=TABLES)
        assert late.keys() <= written_ids(second) | written_ids(third)

    def test_a_future_event_does_not_move_the_watermark(self, account: ScriptedAccount) -> None:
        """Dated a year ahead, it is written; what happens meanwhile is not missed."""
        account.documents[EVENTS] = [event("a", NOON - HOUR), event("future", NOON + 365 * DAY)]
        first = run(tables=TABLES)
        assert {row["id"]: row["is_future"] for row in first.rows("event")} == {
            "a": False,
            "future": True,
        }
        account.now += DAY
        account.documents[EVENTS].append(event("b", NOON + 23 * HOUR))
        assert "b" in written_ids(run(first.state, tables=TABLES))

    def test_an_event_before_klaviyo_does_not_end_the_sync(self, account: ScriptedAccount) -> None:
        """An event of the year 1 has no window; those of this century arrive."""
        ancient = event("ancient", NOON)
        ancient["attributes"]["datetime"] = "0001-01-01T00:00:00+00:00"
        account.documents[EVENTS] = [ancient, event("a", NOON - DAY)]
        first = run(tables=TABLES)
        account.now += DAY
        second = run(first.state, tables=TABLES)
        assert (first.error, second.error) == (None, None)
        assert "a" in written_ids(first)

    def test_a_sync_without_events_succeeds(self, account: ScriptedAccount) -> None:
        """An account may have no event, or none that is new."""
        first = run(tables=TABLES)
        assert first.error is None
        account.now += DAY
        second = run(first.state, tables=TABLES)
        assert second.error is None
        assert second.rows("event") == []

    def test_two_syncs_leave_no_gap(self, account: ScriptedAccount) -> None:
        """Windows touch: an event between two syncs is in the second one."""
        done = run(tables=TABLES)
        for n in range(1, 30):
            account.now += timedelta(minutes=17)
            account.documents[EVENTS] = [event(str(n), account.now - timedelta(seconds=n))]
            done = run(done.state, tables=TABLES)
            account.now += timedelta(minutes=1)
            again = run(done.state, tables=TABLES)
            assert str(n) in written_ids(done) | written_ids(again)

    def test_a_sync_resumes_after_the_last_complete_window(self, account: ScriptedAccount) -> None:
        """Klaviyo goes down between windows: the next sync reads on from there."""
        account.documents[EVENTS] = [event(str(n), NOON - n * DAY) for n in range(100, 0, -1)]
        calls = count()

        def fail_after_four(_: Request) -> Response | None:
            return Response("", 503) if next(calls) > 4 else None

        account.responses[EVENTS] = fail_after_four
        first = run(tables=TABLES, concurrency="1")
        assert isinstance(first.error, TransientError)
        account.responses.clear()
        second = run(first.state, tables=TABLES)
        assert written_ids(first) | written_ids(second) == {str(n) for n in range(1, 101)}
        assert "100" in written_ids(first) - written_ids(second)


class TestSyncReport:
    """The times in `sync_report`, by which dbt refreshes the affected days."""

    def test_it_spans_the_written_events(self, account: ScriptedAccount) -> None:
        """The least and the greatest time of this sync's events; NULL without any."""
        account.documents[EVENTS] = [event("a", NOON - 9 * DAY), event("b", NOON - HOUR)]
        first = run(tables=TABLES)
        assert reported_span(first) == (
            "2026-11-11T17:00:00.000000Z",
            "2026-11-20T16:00:00.000000Z",
        )
        account.documents[EVENTS] = []
        assert reported_span(run(first.state, tables=TABLES)) == (None, None)

    def test_it_spans_the_events_of_a_failed_sync_too(self, account: ScriptedAccount) -> None:
        """A failed sync writes events but no report: they are in the next one's."""
        account.page_size = 1
        account.documents[EVENTS] = [event("a", NOON - 9 * DAY), event("b", NOON - 2 * DAY)]
        calls = count()
        account.responses[EVENTS] = lambda _: Response("", 401) if next(calls) > 2 else None
        failed = run(tables=TABLES, concurrency="1")
        assert (written_ids(failed), failed.rows("sync_report")) == ({"a"}, [])
        account.responses.clear()
        account.documents[EVENTS] = []
        resumed = run(failed.state, tables=TABLES)
        assert reported_span(resumed) == ("2026-11-11T17:00:00.000000Z",) * 2
        assert reported_span(run(resumed.state, tables=TABLES)) == (None, None)


def reported_span(sync: ScriptedRun) -> tuple[str | None, str | None]:
    """The span of event times that a sync reports."""
    (row,) = (row for row in sync.rows("sync_report") if row["table_name"] == "event")
    return row["min_event_at"], row["max_event_at"]


class TestRequests:
    """What is requested of Klaviyo."""

    def test_windows_include_their_start_and_end_in_the_past(
        self, account: ScriptedAccount
    ) -> None:
        """Each window begins with its first instant; the last one has no end."""
        account.documents[EVENTS] = [event("a", NOON - 100 * DAY)]
        run(tables=TABLES, concurrency="1")
        filters = [request.params.get("filter", "") for request in account.requests_to(EVENTS)][1:]
        assert all("greater-or-equal(datetime," in condition for condition in filters)
        assert "less-than" not in filters[-1]
        for condition in filters[:-1]:
            assert condition.split("less-than(datetime,")[1] < NOON.strftime("%Y-%m-%dT%H:%M:%S")

    def test_the_lookback_is_4_hours_and_once_a_day_7_days(self, account: ScriptedAccount) -> None:
        """Klaviyo writes credits up to 3 hours late.

        The lookback is measured from 10 seconds before the last sync, up to which all is read.
        """
        done = run(tables=TABLES)
        since = []
        for later in (HOUR, DAY, DAY + HOUR):
            account.now, account.requests = NOON + later, []
            done = run(done.state, tables=TABLES, concurrency="1")
            since.append(
                account.requests_to(EVENTS)[0].params["filter"].partition("),")[0].strip(")")
            )
        assert since == [
            "greater-or-equal(datetime,2026-11-20T12:59:50.000000Z",
            "greater-or-equal(datetime,2026-11-13T16:59:50.000000Z",
            "greater-or-equal(datetime,2026-11-21T12:59:50.000000Z",
        ]

    def test_the_cohort_of_an_event_is_that_of_its_message(self, account: ScriptedAccount) -> None:
        """Klaviyo names it after the property that it groups by."""
        cohort = {"$_cohort$message_send_cohort": "1763683200:M", "$message_send_cohort": "no"}
        account.documents[EVENTS] = [event("a", NOON - DAY, **cohort)]
        (row,) = run(tables="event").rows("event")
        assert row["send_cohort"] == "1763683200:M"

    def test_every_bound_ends_in_z(self, account: ScriptedAccount) -> None:
        """The + of an offset would become a space in the query."""
        account.documents[EVENTS] = [event("a", NOON - 100 * DAY)]
        run(tables=TABLES)
        filters = [request.params.get("filter", "") for request in account.requests_to(EVENTS)]
        bounds = [bound for condition in filters for *_, bound in TIME_CONDITION.findall(condition)]
        assert len(bounds) > 2
        assert all(
            re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.0{6}Z", bound) for bound in bounds
        )

    @pytest.mark.parametrize("tables", ["event", "event_attribution", TABLES])
    def test_attributions_are_included_where_they_are_chosen(
        self, account: ScriptedAccount, tables: str
    ) -> None:
        """Klaviyo includes them only where the request names them."""
        run(tables=tables, start_date="2026-11-01")
        wanted = "attributions" if "event_attribution" in tables else None
        assert {request.params.get("include") for request in account.requests_to(EVENTS)} == {
            wanted
        }

    def test_no_window_ends_within_seconds_of_now(self, account: ScriptedAccount) -> None:
        """Klaviyo refuses such a bound: that window is the last, without end."""
        account.documents[EVENTS] = [event("a", NOON - 3 * HOUR - timedelta(seconds=5))]
        run(tables=TABLES)
        (_, window) = account.requests_to(EVENTS)
        assert "less-than" not in window.params["filter"]

    def test_only_chosen_metrics_are_requested(self, account: ScriptedAccount) -> None:
        """`event_metrics` names them; an unknown one fails the sync, a secret is masked."""
        account.documents["/api/metrics"] = [
            resource("metric", "M1", name="Opened Email"),
            resource("metric", "M2", name="Active on Site"),
        ]
        run(tables=TABLES, event_metrics="Opened Email")
        filters = [request.params["filter"] for request in account.requests_to(EVENTS)]
        assert all('equals(metric_id,"M1")' in condition for condition in filters)
        done = run(tables=TABLES, event_metrics="Opened Emial")
        assert isinstance(done.error, ConfigurationError)
        assert "event_metrics: the account has no metric 'Opened Emial'" in str(done.error)
        with_secret = run(tables=TABLES, event_metrics=KEY)
        assert "event_metrics: the account has no metric '***'" in str(with_secret.error)

    def test_a_metric_whose_events_are_refused_does_not_block_the_others(
        self, account: ScriptedAccount
    ) -> None:
        """Klaviyo lists a metric and answers 400 for its events: it is named with its remedy."""
        account.documents["/api/metrics"] = [
            resource("metric", "M1", name="Viewed Form"),
            resource("metric", "M2", name="Opened Email"),
        ]
        account.documents[EVENTS] = [event("a", NOON - DAY)]
        detail = json.dumps({"errors": [{"detail": "Metric IDs ['M1'] do not exist."}]})
        account.responses[EVENTS] = lambda request: (
            Response(detail, 400) if "M1" in request.args["filter"] else None
        )
        done = run(tables=TABLES, event_metrics="Viewed Form,Opened Email,Gone")
        assert written_ids(done) == {"a"}
        assert isinstance(done.error, ContractError)
        assert re.search(r"do not exist\..*'Viewed Form' of event_metrics", str(done.error))
        assert any("no metric 'Gone'" in warning for warning in done.warnings)

    def test_a_refused_page_size_is_replaced_by_a_smaller_one(
        self, account: ScriptedAccount
    ) -> None:
        """OpenAPI allows 1,000 events on a page, the documentation 200: either works."""
        account.documents[EVENTS] = [event("a", NOON - 100 * DAY), event("b", NOON - DAY)]
        detail = "Page size must be an integer between 1 and 200."

        def strict(request: Request) -> Response | None:
            if int(request.args["page[size]"]) <= 200:
                return None
            return Response(json.dumps({"errors": [{"detail": detail}]}), 400)

        account.responses[EVENTS] = strict
        done = run(tables=TABLES, concurrency="1")
        assert done.error is None
        assert written_ids(done) == {"a", "b"}
        sizes = [request.params["page[size]"] for request in account.requests_to(EVENTS)][1:]
        assert sizes[:3] == ["1000", "200", "200"]

    def test_a_page_that_is_too_large_is_read_in_smaller_ones(
        self, account: ScriptedAccount, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """1,000 events of 70 kB exceed the limit of a response, 200 of them do not."""
        monkeypatch.setattr("api.BODY_LIMIT", 2**20)
        account.documents[EVENTS] = [event("a", NOON - 100 * DAY), event("b", NOON - DAY)]
        account.responses[EVENTS] = lambda request: (
            Response(bytes(2**20 + 1)) if int(request.args["page[size]"]) > 200 else None
        )
        done = run(tables=TABLES, concurrency="1")
        assert done.error is None
        assert written_ids(done) == {"a", "b"}
        sizes = [request.params["page[size]"] for request in account.requests_to(EVENTS)][1:]
        assert sizes[:3] == ["1000", "200", "200"]

    def test_history_begins_at_start_date(self, account: ScriptedAccount) -> None:
        """At midnight of the account's zone; an earlier start_date later is backfilled."""
        account.documents[EVENTS] = [event("old", NOON - 6 * DAY), event("new", NOON - DAY)]
        first = run(tables=TABLES, start_date="2026-11-15", concurrency="1")
        assert (
            "greater-or-equal(datetime,2026-11-15T05:00:00"
            in (account.requests_to(EVENTS)[0].params["filter"])
        )
        account.now += DAY
        again = run(first.state, tables=TABLES, start_date="2026-11-15")
        assert written_ids(again) == {"new"}, "the lookback reads before start_date"
        earlier = run(again.state, tables=TABLES, start_date="2026-10-01")
        assert (written_ids(first), written_ids(earlier)) == ({"new"}, {"old", "new"})


class TestRows:
    """The rows of an event."""

    def test_an_event_and_its_attributions_become_rows(self, account: ScriptedAccount) -> None:
        """Known properties are columns; all of them are in one JSON column."""
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
        assert credited["event_datetime"] == row["datetime"]
        assert credited["flow_id"] == "f"

    def test_campaign_id_is_set_where_klaviyo_names_a_campaign(
        self, account: ScriptedAccount
    ) -> None:
        """Events of flows and of deleted campaigns have none; odd properties end nothing."""
        cases: list[tuple[Any, str | None]] = [
            ({"$message": "c", "Campaign Name": "Sale"}, "c"),
            ({"$message": "m", "$flow": "f", "Campaign Name": "x"}, None),
            ({"Campaign Name": "deleted"}, None),
            ({}, None),
            (None, None),
            ([], None),
            ("text", None),
        ]
        for properties, _ in cases:
            document = event(str(properties), NOON - HOUR)
            document["attributes"]["event_properties"] = properties
            account.documents[EVENTS].append(document)
        done = run(tables=TABLES)
        assert done.error is None
        assert {row["id"]: row["campaign_id"] for row in done.rows("event")} == {
            str(properties): campaign for properties, campaign in cases
        }

    def test_a_value_has_the_currency_that_its_integration_names(
        self, account: ScriptedAccount
    ) -> None:
        """Shopify writes `$currency_code`, Stripe `Currency`, the API `$value_currency`."""
        cases: list[tuple[dict[str, Any], str | None]] = [
            ({"$value": 9.5, "$currency_code": "CAD"}, "CAD"),
            ({"$value": 9.5, "$value_currency": "EUR", "$currency_code": "CAD"}, "EUR"),
            ({"$value": 9.5, "Currency": "usd"}, "usd"),
            ({"$value": 9.5, "$currency_code": "", "Currency": "€"}, None),
            ({"$currency_code": "CAD"}, None),
            ({"$value": 9.5, "$currency_code": ["CAD"]}, None),
            ({"$value": 9.5}, None),
        ]
        account.documents[EVENTS] = [event(str(given), NOON - HOUR, **given) for given, _ in cases]
        found = {row["id"]: row["value_currency"] for row in run(tables=TABLES).rows("event")}
        assert found == {str(given): currency for given, currency in cases}

    def test_odd_events_are_accepted(self, account: ScriptedAccount) -> None:
        """An event without metric and profile, a time with a space, a time that is none."""
        orphan, spaced = event("orphan", NOON - HOUR), event("spaced", NOON - HOUR)
        orphan["relationships"] = {"metric": {"data": None}, "profile": {"data": None}}
        spaced["attributes"]["datetime"] = "2026-11-20 16:00:00.918411+00:00"
        undated = event("undated", NOON - HOUR)
        undated["attributes"]["datetime"] = "yesterday"
        page = {"data": [orphan, spaced, undated], "links": {"next": None}}
        account.responses[EVENTS] = lambda _: Response(json.dumps(page))
        done = run(tables=TABLES)
        assert done.error is None
        times = {row["id"]: row["datetime"] for row in done.rows("event")}
        assert times["spaced"] == "2026-11-20T16:00:00.918411Z"
        assert times["undated"] is None
        assert reported_span(done)[1] == "2026-11-20T16:00:00.918411Z"
        assert {(row["metric_id"], row["profile_id"]) for row in done.rows("event")} == {
            (None,) * 2
        }

    def test_an_event_without_an_id_is_rejected(self, account: ScriptedAccount) -> None:
        """It is a row of sync_error, and the others arrive."""
        nameless = event("x", NOON - HOUR)
        del nameless["id"]
        account.documents[EVENTS] = [event("a", NOON - 2 * HOUR), nameless, event("b", NOON - HOUR)]
        done = run(tables=TABLES)
        assert done.error is None
        assert written_ids(done) == {"a", "b"}
        assert {row["reason"] for row in done.rows("sync_error")} == {"event without id"}

    def test_only_the_chosen_table_is_written(self, account: ScriptedAccount) -> None:
        """Choosing the attributions alone writes, and bills, no row per event."""
        account.documents[EVENTS] = [event("e", NOON - HOUR)]
        assert run(tables="event_attribution").rows("event") == []
