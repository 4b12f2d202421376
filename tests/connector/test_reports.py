"""Reports and aggregates: within the quota, restated when Klaviyo restates them, never lost."""

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from werkzeug import Request, Response

from api import ConfigurationError, ContractError, TransientError
from models import Checkpoint
from streams import quota
from streams.catalog import STATISTICS
from streams.conversions import CONVERSION_STATISTICS, MAX_FALLBACK_METRICS
from tests.connector.scripted import (
    DAY,
    NOON,
    ReceivedRequest,
    ScriptedAccount,
    ScriptedRun,
    resource,
    run,
)

CAMPAIGNS = "/api/campaign-values-reports"
FLOWS = "/api/flow-values-reports"
FLOW_DAYS = "/api/flow-series-reports"
SEGMENT_DAYS, FORM_DAYS = "/api/segment-series-reports", "/api/form-series-reports"
AGGREGATES = "/api/metric-aggregates"
TODAY = NOON.date()


@pytest.fixture(name="report_account")
def _report_account(account: ScriptedAccount) -> ScriptedAccount:
    """An account with a metric mapped to revenue and a campaign of 20 days ago."""
    account.documents["/api/metrics"] = [
        resource("metric", "PO", name="Placed Order"),
        resource("metric", "RO", name="Refunded Order"),
        resource("metric", "OE", name="Opened Email"),
    ]
    account.documents["/api/mapped-metrics"] = [
        resource("mapped-metric", "revenue", {"metric": "PO"})
    ]
    put_campaign(account, 20)
    return account


def put_campaign(account: ScriptedAccount, days: int) -> None:
    """Let the account's first campaign be of some days ago."""
    created = (NOON - days * DAY).isoformat()
    account.documents["/api/campaigns"] = [
        resource("campaign", "c", definition={"archived": False}, created_at=created)
    ]


def one_result(**statistics: float) -> dict[str, Any]:
    """A report of one campaign message."""
    groupings = {"campaign_id": "c", "campaign_message_id": "m", "send_channel": "email"}
    return {"results": [{"groupings": groupings | {"variation": None}, "statistics": statistics}]}


def report_of_send(recipients: dict[date, int]) -> Callable[[Any], Any]:
    """A report of one message with recipients on some days, as a window shows it."""

    def report(body: Any) -> Any:
        frame = body["timeframe"]
        shown = [
            n for day, n in recipients.items() if frame["start"] <= f"{day}T12" <= frame["end"]
        ]
        return one_result(recipients=sum(shown), opens=len(shown)) if shown else {}

    return report


def windows(requests: list[ReceivedRequest]) -> list[tuple[date, date]]:
    """The days of requests for reports: first and last."""
    frames = [request.body["timeframe"] for request in requests]
    return [(_day(frame["start"]), _day(frame["end"])) for frame in frames]


def _day(time: str) -> date:
    return datetime.fromisoformat(time).date()


def days(requests: list[ReceivedRequest]) -> set[date]:
    """Every day that requests for reports cover."""
    return {a + n * DAY for a, b in windows(requests) for n in range((b - a).days + 1)}


def days_between(first: date, last: date) -> set[date]:
    """Every day from `first` to `last`."""
    return {first + n * DAY for n in range((last - first).days + 1)}


def refuse_refunds(request: Request, name: str) -> Response | None:
    """A 400 for requests about Refunded Order, whose id is the attribute `name`."""
    metric_id = json.loads(request.get_data())["data"]["attributes"][name]
    return Response('{"errors": [{"detail": "unsupported"}]}', 400) if metric_id == "RO" else None


def error_body(*details: str) -> str:
    """The body of an error response with several errors."""
    return json.dumps({"errors": [{"detail": detail} for detail in details]})


def forget_metrics(*ids: str) -> Callable[[Request], Response | None]:
    """A response that knows none of these metrics: reports 404, aggregates 400, as recorded."""

    def respond(request: Request) -> Response | None:
        attributes = json.loads(request.get_data())["data"]["attributes"]
        if attributes.get("conversion_metric_id") in ids:
            return Response(error_body("A metric with id X does not exist."), 404)
        if attributes.get("metric_id") in ids:
            return Response(error_body(f"Metric IDs {[*ids]} do not exist."), 400)
        return None

    return respond


NO_VALUES = "Passed in conversion metric does not support querying for values data"


def refuse_metrics(*ids: str) -> Callable[[Request], Response | None]:
    """A response that refuses reports naming one of these metrics, whatever they ask of it."""

    def refuse(request: Request) -> Response | None:
        named = json.loads(request.get_data())["data"]["attributes"]["conversion_metric_id"]
        body = error_body("'conversion_value' needs values.", NO_VALUES)  # any of the errors
        return Response(body, 400) if named in ids else None

    return refuse


def kill_after(done: ScriptedRun, checkpoints: int, text: str) -> ScriptedRun:
    """What the loader has of a sync that is killed after some checkpoints that hold a text."""
    places = [
        place
        for place, operation in enumerate(done.operations)
        if isinstance(operation, Checkpoint) and text in json.dumps(operation.state)
    ]
    return ScriptedRun(done.operations[: places[checkpoints] + 1])


def quota_spent(_: Request) -> Response:
    """The response when the day's reports are used up."""
    return Response("{}", 429, {"Retry-After": "40000"})


class TestRequests:
    """What is requested of Klaviyo."""

    def test_a_report_covers_whole_days_of_the_account(
        self, report_account: ScriptedAccount
    ) -> None:
        """All statistics, by message, channel and variation; both days included."""
        run(tables="campaign_performance")
        (request,) = report_account.requests_to(CAMPAIGNS)
        assert request.body["timeframe"] == {
            "start": "2026-10-31T00:00:00+00:00",
            "end": "2026-11-20T23:59:59+00:00",
        }
        assert request.body["statistics"] == [*STATISTICS]
        assert request.body["conversion_metric_id"] == "PO"
        assert {"campaign_id", "campaign_message_id", "send_channel", "variation"} <= {
            *request.body["group_by"]
        }

    def test_every_conversion_metric_is_requested(
        self, report_account: ScriptedAccount, subtests: pytest.Subtests
    ) -> None:
        """By name or id; without a choice the metric that the account maps to revenue."""
        cases: list[tuple[str, list[str]]] = [
            ("", ["PO"]),
            ("Refunded Order", ["RO"]),
            ("RO", ["RO"]),
            ("Placed Order,RO", ["PO", "RO"]),
        ]
        for chosen, ids in cases:
            with subtests.test(chosen=chosen):
                report_account.requests.clear()
                run(tables="campaign_performance", conversion_metrics=chosen)
                assert [
                    request.body["conversion_metric_id"]
                    for request in report_account.requests_to(CAMPAIGNS)
                ] == ids

    def test_metrics_of_one_name_are_all_requested(self, report_account: ScriptedAccount) -> None:
        """Two shops of one account both call theirs Placed Order."""
        report_account.documents["/api/metrics"].append(
            resource("metric", "PO2", name="Placed Order")
        )
        run(tables="campaign_performance", conversion_metrics="Placed Order")
        metric_ids = {
            request.body["conversion_metric_id"]
            for request in report_account.requests_to(CAMPAIGNS)
        }
        assert metric_ids == {"PO", "PO2"}

    def test_an_unknown_conversion_metric_fails_only_what_needs_it(
        self, report_account: ScriptedAccount
    ) -> None:
        """A misspelt name is no silent gap: the sync fails by name, after everything else."""
        tables = "campaign_performance,message_metric_daily,segment_daily,event,profile"
        done = run(tables=tables, conversion_metrics="Placed Ordr")
        assert isinstance(done.error, ConfigurationError)
        assert "conversion_metrics: the account has no metric 'Placed Ordr'" in str(done.error)
        assert report_account.requests_to(CAMPAIGNS) == []
        for path in (AGGREGATES, SEGMENT_DAYS, "/api/events", "/api/profiles"):
            assert report_account.requests_to(path), path
        both = run(tables="campaign_performance", conversion_metrics="Placed Ordr,RO")
        assert isinstance(both.error, ConfigurationError)
        (request,) = report_account.requests_to(CAMPAIGNS)
        assert request.body["conversion_metric_id"] == "RO"

    def test_a_failed_listing_of_metrics_chooses_nothing(
        self, report_account: ScriptedAccount
    ) -> None:
        """No conversions are those of a metric that an incomplete listing suggests."""
        report_account.fail_with("/api/mapped-metrics", 400)
        done = run(tables="campaign_performance,segment_daily")
        assert isinstance(done.error, ContractError)
        assert report_account.requests_to(CAMPAIGNS) == []
        assert report_account.requests_to(SEGMENT_DAYS)

    def test_revenue_mapped_to_a_custom_metric_is_a_warning(
        self, report_account: ScriptedAccount
    ) -> None:
        """Reports count another metric; conversion_metrics settles it."""
        mapped = resource("mapped-metric", "revenue", {"custom-metric": "CM"})
        report_account.documents["/api/mapped-metrics"] = [mapped]
        (warning,) = run(tables="campaign_performance").warnings
        assert "custom metric: the conversions are those of Placed Order" in warning
        assert run(tables="campaign_performance", conversion_metrics="RO").warnings == []

    def test_revenue_mapped_to_a_custom_metric_counts_the_one_it_is_made_of(
        self, report_account: ScriptedAccount, subtests: pytest.Subtests
    ) -> None:
        """Klaviyo answers for a custom metric the numbers of its part, without the filters.

        A shop saw both reports agree to the cent (its probes of 2026-09-02, revision 2026-07-15),
        and aggregates refuse the id.
        """
        cases: list[tuple[list[str], str]] = [
            (["RO"], "RO"),
            (["RO", "RO"], "RO"),
            (["RO", "OE"], "PO"),
            (["gone"], "PO"),
            ([], "PO"),
        ]
        for parts, taken in cases:
            with subtests.test(parts=parts):
                report_account.requests.clear()
                groups = [{"metric_id": part, "metric_filters": None} for part in parts]
                report_account.documents["/api/mapped-metrics"] = [
                    resource("mapped-metric", "revenue", {"custom-metric": "CM"})
                ]
                report_account.included["/api/mapped-metrics"] = [
                    resource(
                        "custom-metric", "CM", name="Net", definition={"metric_groups": groups}
                    )
                ]
                (warning,) = run(tables="campaign_performance").warnings
                (request,) = report_account.requests_to(CAMPAIGNS)
                assert request.body["conversion_metric_id"] == taken
                assert "revenue is mapped to a custom metric: the conversions are" in warning

    @staticmethod
    def put_two_stores(account: ScriptedAccount, sums: dict[str, float]) -> None:
        """Let two integrations have a metric called Placed Order, and none be mapped."""
        account.documents["/api/mapped-metrics"] = []
        account.documents["/api/metrics"] = [
            resource("metric", id_, name="Placed Order", integration={"name": name})
            for id_, name in (("WOO", "WooCommerce"), ("SHOP", "Shopify"))
        ]
        account.reports[AGGREGATES] = lambda body: {
            "data": [
                {
                    "dimensions": ["" for _ in body.get("by", [])],
                    "measurements": {"sum_value": [sums[body["metric_id"]]]},
                }
            ]
        }

    @pytest.mark.parametrize(
        ("woo", "shop", "taken"),
        [(0.0, 9.5, "SHOP"), (9.5, 0.0, "WOO"), (0.0, 0.0, "SHOP"), (9.5, 1.0, "SHOP")],
    )
    def test_of_several_metrics_the_one_with_recent_sums_is_taken(
        self, report_account: ScriptedAccount, woo: float, shop: float, taken: str
    ) -> None:
        """Else Shopify's; one warning says which is taken, which is not, and names the setting."""
        self.put_two_stores(report_account, {"WOO": woo, "SHOP": shop})
        done = run(tables="campaign_performance")
        (request,) = report_account.requests_to(CAMPAIGNS)
        assert request.body["conversion_metric_id"] == taken
        stores = {
            "WOO": f"WOO (WooCommerce, {woo:.2f} in the last 30 days)",
            "SHOP": f"SHOP (Shopify, {shop:.2f} in the last 30 days)",
        }
        other = ({"WOO", "SHOP"} - {taken}).pop()
        (warning,) = done.warnings
        assert f"those of {stores[taken]}, not of {stores[other]}; name metrics in" in warning
        assert sum(row["requests"] for row in done.rows("sync_report")) == len(
            report_account.requests
        )
        bounds = report_account.requests_to(AGGREGATES)[0].body["filter"]
        assert bounds == [
            "greater-or-equal(datetime,2026-10-21T04:00:00.000000Z)",
            "less-than(datetime,2026-11-21T05:00:00.000000Z)",
        ]

    def test_a_configured_or_mapped_metric_needs_no_sums(
        self, report_account: ScriptedAccount
    ) -> None:
        """The user's choice comes first, then Klaviyo's; neither costs a request or a warning."""
        self.put_two_stores(report_account, {})
        assert run(tables="campaign_performance", conversion_metrics="WOO").warnings == []
        mapped = resource("mapped-metric", "revenue", {"metric": "WOO"})
        report_account.documents["/api/mapped-metrics"] = [mapped]
        assert run(tables="campaign_performance").warnings == []
        asked = {o.body["conversion_metric_id"] for o in report_account.requests_to(CAMPAIGNS)}
        assert asked == {"WOO"}
        assert report_account.requests_to(AGGREGATES) == []

    @pytest.mark.parametrize("chosen", ["", "Placed Order"])
    def test_a_metric_that_klaviyo_lists_and_does_not_know_yields_to_its_namesake(
        self, report_account: ScriptedAccount, chosen: str
    ) -> None:
        """The reports of the live one arrive, and one warning names the dead one and the remedy."""
        self.put_two_stores(report_account, {"WOO": 9.5})
        report_account.reports[CAMPAIGNS] = lambda _: one_result(recipients=9, conversions=2)
        for path in (CAMPAIGNS, FLOWS, AGGREGATES):
            report_account.responses[path] = forget_metrics("SHOP")
        tables = "campaign_performance,flow_performance,message_metric_daily"
        done = run(tables=tables, conversion_metrics=chosen)
        assert done.error is None
        (row,) = done.rows("campaign_performance")
        assert (row["conversion_metric_id"], row["conversions"]) == ("WOO", 2)
        (warning,) = done.warnings
        assert "SHOP" in warning
        assert re.search("name (another metric|metrics) in conversion_metrics", warning)

    @pytest.mark.parametrize("conversion_metrics", ["", "PO", "PO,RO"])
    def test_without_a_metric_that_klaviyo_knows_only_conversions_are_missing(
        self, report_account: ScriptedAccount, conversion_metrics: str
    ) -> None:
        """Klaviyo forgot each chosen or mapped metric: opens and clicks arrive, and one warning."""
        report_account.reports[CAMPAIGNS] = lambda _: one_result(recipients=9, opens_unique=4)
        for path in (CAMPAIGNS, FLOWS, FLOW_DAYS, AGGREGATES):
            report_account.responses[path] = forget_metrics("PO", "RO")
        done = run(conversion_metrics=conversion_metrics)
        assert done.error is None
        (row,) = done.rows("campaign_performance")
        assert (row["recipients"], row["opens_unique"]) == (9, 4)
        assert {row[name] for name in CONVERSION_STATISTICS} == {None}
        warned = [warning for warning in done.warnings if "conversion metric PO" in warning]
        assert len(warned) == 1
        assert "message_metric_daily: no rows of it" in warned[0]
        assert warned[0].endswith("name another metric in conversion_metrics")

    def test_a_report_that_is_gone_fails_by_name(self, report_account: ScriptedAccount) -> None:
        """A 404 for every metric is no metric's: nothing is left out in silence."""
        report_account.fail_with(CAMPAIGNS, 404, "Not found.")
        done = run(tables="campaign_performance,flow_performance", conversion_metrics="PO,RO")
        assert isinstance(done.error, ContractError)
        assert f"{CAMPAIGNS}: Klaviyo answered 404" in str(done.error)
        assert report_account.requests_to(FLOWS)

    def test_failing_sums_choose_nothing(self, report_account: ScriptedAccount) -> None:
        """A guess would request the whole history of a metric that may be the wrong one."""
        self.put_two_stores(report_account, {})
        report_account.fail_with(AGGREGATES, 503)
        done = run(tables="campaign_performance,segment_daily")
        assert isinstance(done.error, TransientError)
        assert report_account.requests_to(CAMPAIGNS) == []
        assert report_account.requests_to(SEGMENT_DAYS)

    @pytest.mark.parametrize("mapped", [[], ["custom-metric"]])
    def test_without_a_revenue_metric_only_conversions_are_missing(
        self, report_account: ScriptedAccount, mapped: list[str]
    ) -> None:
        """Reports name any metric, as they must; what they say of it is neither asked nor kept."""
        report_account.documents["/api/mapped-metrics"] = [
            resource("mapped-metric", "revenue", {name: "CM"}) for name in mapped
        ]
        del report_account.documents["/api/metrics"][0]
        report_account.reports[CAMPAIGNS] = lambda _: one_result(recipients=9, opens_unique=4)
        done = run(tables="campaign_performance,flow_performance")
        assert done.error is None
        (request,) = report_account.requests_to(CAMPAIGNS)
        assert request.body["conversion_metric_id"] == "OE"
        assert set(STATISTICS) - set(request.body["statistics"]) == CONVERSION_STATISTICS
        (row,) = done.rows("campaign_performance")
        assert (row["recipients"], row["opens_unique"], row["conversion_metric_id"]) == (9, 4, "")
        assert {row[name] for name in CONVERSION_STATISTICS} == {None}
        (warning,) = done.warnings
        assert "are empty in campaign_performance, flow_performance" in warning
        assert ("custom metric" in warning) == bool(mapped)

    @pytest.mark.parametrize(("revenue", "written"), [("PO", "PO"), ("", "")])
    def test_a_metric_that_a_report_refuses_entirely_has_a_stand_in(
        self, report_account: ScriptedAccount, revenue: str, written: str
    ) -> None:
        """Opens and clicks arrive, named by a metric that Klaviyo takes, and nothing of that one.

        PostHog names system metrics among the ineligible ones (klaviyo.py,
        CONVERSION_METRIC_INELIGIBLE_DETAIL); others probe metrics by report until one is taken.
        """
        if not revenue:
            del report_account.documents["/api/metrics"][0]
            report_account.documents["/api/mapped-metrics"] = []
        report_account.documents["/api/metrics"].append(
            resource("metric", "CE", name="Clicked Email")
        )
        report_account.reports[CAMPAIGNS] = lambda _: one_result(recipients=9, opens_unique=4)
        report_account.responses[CAMPAIGNS] = refuse_metrics(revenue, "OE")
        done = run(tables="campaign_performance")
        assert done.error is None
        answered = report_account.requests_to(CAMPAIGNS)[-1].body
        assert answered["conversion_metric_id"] == "CE"
        assert set(STATISTICS) - set(answered["statistics"]) == CONVERSION_STATISTICS
        (row,) = done.rows("campaign_performance")
        assert (row["recipients"], row["opens_unique"]) == (9, 4)
        assert row["conversion_metric_id"] == written
        assert {row[name] for name in CONVERSION_STATISTICS} == {None}
        assert any("conversion_metrics" in warning for warning in done.warnings)

    def test_only_a_few_stand_ins_are_tried(self, report_account: ScriptedAccount) -> None:
        """Klaviyo answers 225 requests a day: the report fails by name where it refuses all."""
        report_account.documents["/api/metrics"] += [
            resource("metric", f"M{number}", name=f"Custom {number}") for number in range(50)
        ]
        report_account.fail_with(CAMPAIGNS, 400, NO_VALUES)
        done = run(tables="campaign_performance")
        assert isinstance(done.error, ContractError)
        assert 2 < len(report_account.requests_to(CAMPAIGNS)) <= 2 + MAX_FALLBACK_METRICS

    def test_an_account_without_metrics_has_no_reports(
        self, report_account: ScriptedAccount
    ) -> None:
        """Klaviyo's reports must name a metric."""
        report_account.documents["/api/metrics"] = []
        report_account.documents["/api/mapped-metrics"] = []
        (warning,) = run(tables="campaign_performance").warnings
        assert "skipped campaign_performance" in warning

    def test_a_metric_with_a_comma_is_chosen_by_name_or_id(
        self, report_account: ScriptedAccount, subtests: pytest.Subtests
    ) -> None:
        """A comma also separates names: of the parts, the longest run that is a name counts."""
        report_account.documents["/api/metrics"] += [
            resource("metric", "OTP", name="Ordered, then paid"),
            resource("metric", "O", name="Ordered"),
            resource("metric", "SP", name="Shipped , then paid"),
        ]
        cases = {
            "OTP,OE": {"OTP", "OE"},
            "Ordered, then paid": {"OTP"},
            "Ordered,then paid,Shipped,then paid, Opened Email": {"OTP", "SP", "OE"},
            "Opened Email,Ordered": {"OE", "O"},
        }
        for chosen, ids in cases.items():
            with subtests.test(chosen=chosen):
                report_account.requests.clear()
                settings = {"conversion_metrics": chosen, "event_metrics": chosen}
                done = run(tables="campaign_performance,event", **settings)
                assert done.error is None
                requests = report_account.requests_to(CAMPAIGNS)
                assert {request.body["conversion_metric_id"] for request in requests} == ids
                events = report_account.requests_to("/api/events")
                filters = " ".join(request.params["filter"] for request in events)
                assert set(re.findall(r'metric_id,"(\w+)"', filters)) == ids

    def test_an_unknown_metric_is_answered_with_the_names_near_it(
        self, report_account: ScriptedAccount
    ) -> None:
        """In any case of letters, and by a part of a name with a comma; no name where none is."""
        report_account.documents["/api/metrics"].append(
            resource("metric", "OTP", name="Ordered, then paid")
        )
        nearest = {
            "placed order": "; did you mean 'Placed Order'",
            "Opnd Email": "; did you mean 'Opened Email'? ",
            "then payd": "; did you mean 'Ordered, then paid'? ",
            "Gone": "the account has no metric 'Gone'; Klaviyo lists",
        }
        errors = {
            name: str(run(tables="campaign_performance", conversion_metrics=name).error)
            for name in nearest
        }
        assert [name for name, near in nearest.items() if near not in errors[name]] == []

    @pytest.mark.parametrize("tables", ["reporting", "segment_daily,form_daily"])
    @pytest.mark.parametrize("campaigns", [0, 1])
    def test_history_begins_with_the_oldest_segment_or_form(
        self, report_account: ScriptedAccount, tables: str, campaigns: int
    ) -> None:
        """Also where they are older than any campaign, whatever tables are chosen."""
        del report_account.documents["/api/campaigns"][campaigns:]
        first = TODAY - 700 * DAY
        report_account.documents["/api/segments"] = [
            resource("segment", "s", created=f"{first}T05:00:00Z", updated=f"{TODAY}T00:00:00Z")
        ]
        report_account.documents["/api/forms"] = [
            resource("form", "f", created_at=f"{first}T05:00:00Z", updated_at=f"{TODAY}T00:00:00Z")
        ]
        run(tables=tables)
        for path in (SEGMENT_DAYS, FORM_DAYS):
            assert days(report_account.requests_to(path)) == days_between(first, TODAY)

    def test_history_begins_on_the_accounts_day_of_the_oldest_record(
        self, report_account: ScriptedAccount
    ) -> None:
        """A campaign that was created in the evening in New York, where it is tomorrow in UTC."""
        report_account.documents["/api/campaigns"][0]["attributes"]["created_at"] = (
            "2026-10-02T02:00:00Z"
        )
        run(tables="campaign_performance")
        assert min(days(report_account.requests_to(CAMPAIGNS))) == date(2026, 10, 1)

    def test_days_are_those_of_the_accounts_zone(self, report_account: ScriptedAccount) -> None:
        """At half past eleven in New York it is not yet tomorrow."""
        report_account.now = datetime(2026, 11, 21, 4, 30, tzinfo=UTC)
        done = run(tables="campaign_performance,campaign_performance_daily")
        assert done.error is None
        assert max(days(report_account.requests_to(CAMPAIGNS))) == date(2026, 11, 20)


class TestRestatement:
    """Klaviyo restates its numbers for a long time; the rows follow."""

    TABLES = "campaign_performance,campaign_performance_daily"

    def test_restated_numbers_replace_the_old_ones(self, report_account: ScriptedAccount) -> None:
        """The same key gets the new numbers, as one complete row."""
        report_account.reports[CAMPAIGNS] = lambda _: one_result(
            recipients=100, opens=40, open_rate=0.4
        )
        first = run(tables=self.TABLES)
        report_account.reports[CAMPAIGNS] = lambda _: one_result(
            recipients=100, opens=41, open_rate=0.41
        )
        second = run(first.state, tables=self.TABLES)
        (old,) = first.rows("campaign_performance")
        (new,) = second.rows("campaign_performance")
        assert (old["opens"], new["opens"], new["open_rate"]) == (40, 41, 0.41)
        assert new["variation"] == ""
        assert new["clicks"] is None

    def test_amounts_of_another_currency_replace_all_of_history(
        self, report_account: ScriptedAccount
    ) -> None:
        """No row keeps an amount of the account's former currency, however old it is."""

        def use(currency: str, value: float) -> None:
            attributes = {"timezone": "America/New_York", "preferred_currency": currency}
            data = [{"type": "account", "id": "A", "attributes": attributes}]
            body = json.dumps({"data": data, "links": {"next": None}})
            report_account.responses["/api/accounts"] = lambda _: Response(body)
            report_account.reports[FLOW_DAYS] = TestSeries.flow_days(conversion_value=[value])

        put_campaign(report_account, 500)
        use("USD", 10.0)
        first = run(tables="flow_performance_daily")
        use("EUR", 9.0)
        second = run(first.state, tables="flow_performance_daily")
        old, new = ({r["date"]: r["conversion_value"] for r in done.rows("flow_performance_daily")}
                    for done in (first, second))  # fmt: skip
        assert old.keys() == new.keys()
        assert (set(old.values()), set(new.values())) == ({10.0}, {9.0})
        assert len(old) == 9  # one window of 60 days each
        (warning,) = second.warnings
        assert "no longer America/New_York, USD but America/New_York, EUR" in warning

    def test_unchanged_numbers_are_not_written_again(self, report_account: ScriptedAccount) -> None:
        """Fivetran bills written rows: only changes are written."""
        report_account.reports[CAMPAIGNS] = lambda _: one_result(recipients=100, opens=40)
        first = run(tables=self.TABLES)
        report_account.now += DAY
        second = run(first.state, tables=self.TABLES)
        assert len(report_account.requests_to(CAMPAIGNS)) == 2
        assert second.rows("campaign_performance") == []
        assert second.rows("campaign_performance_daily") == []

    def test_a_window_that_cuts_a_send_does_not_overwrite_it(
        self, report_account: ScriptedAccount
    ) -> None:
        """A send over several days, half of it outside the window, keeps its complete numbers."""
        put_campaign(report_account, 400)
        parts: dict[bool, Any] = {
            True: one_result(recipients=1_000, opens=400),  # the window has the day of the send
            False: one_result(recipients=300, opens=150),
        }
        sent = TODAY - 35 * DAY
        report_account.reports[CAMPAIGNS] = lambda body: parts[
            _day(body["timeframe"]["start"]) <= sent
        ]
        first = run(tables=self.TABLES)
        same_day = run(first.state, tables=self.TABLES)
        assert same_day.rows("campaign_performance") == []
        assert first.rows("campaign_performance")[-1]["opens"] == 400

    def test_a_send_at_the_edge_of_the_daily_lookback_stays_whole(
        self, report_account: ScriptedAccount
    ) -> None:
        """A send over several days keeps its numbers while its days leave the lookback."""
        put_campaign(report_account, 1_000)
        day = TODAY - 359 * DAY
        report_account.reports[CAMPAIGNS] = report_of_send(
            {day: 600, day + DAY: 300, day + 2 * DAY: 100}
        )
        done = ScriptedRun()
        recipients = []
        for _ in range(20):  # three weeks of daily syncs, and what each left standing
            done = run(done.state, tables=self.TABLES)
            recipients += [row["recipients"] for row in done.rows("campaign_performance")[-1:]]
            report_account.now += DAY
        assert set(recipients) == {1_000}

    @pytest.mark.parametrize("age", [20, 1_000])
    def test_fewer_recipients_replace_more_the_next_day(
        self, report_account: ScriptedAccount, age: int
    ) -> None:
        """Klaviyo restates recipients too, of an old account as of a new one."""
        put_campaign(report_account, age)
        report_account.reports[CAMPAIGNS] = lambda _: one_result(recipients=1_000, opens=400)
        first = run(tables=self.TABLES)
        report_account.reports[CAMPAIGNS] = lambda _: one_result(recipients=999, opens=700)
        report_account.now += DAY
        second = run(first.state, tables=self.TABLES)
        (new,) = second.rows("campaign_performance")
        assert (new["recipients"], new["opens"]) == (999, 700)

    def test_a_snapshot_is_written_on_each_day_of_change(
        self, report_account: ScriptedAccount
    ) -> None:
        """One row a day with its last numbers, none on an unchanged day, and no more requests."""
        opens = iter([40, 41, 42, 42, 42, 42])  # two or three syncs a day, the last ones unchanged
        report_account.reports[CAMPAIGNS] = lambda _: one_result(recipients=100, opens=next(opens))
        done = ScriptedRun()
        snapshots: dict[str, int] = {}
        for _ in range(6):
            done = run(done.state, tables=self.TABLES)
            rows = done.rows("campaign_performance_daily")
            snapshots |= {row["snapshot_date"]: row["opens"] for row in rows}
            report_account.now += timedelta(hours=8)
        assert snapshots == {"2026-11-20": 41, "2026-11-21": 42}
        assert len(report_account.requests_to(CAMPAIGNS)) == 6

    def test_the_snapshots_alone_can_be_chosen(self, report_account: ScriptedAccount) -> None:
        """A chosen table is filled whether or not its neighbour is chosen."""
        report_account.reports[CAMPAIGNS] = lambda _: one_result(recipients=100)
        done = run(tables="campaign_performance_daily")
        assert len(done.rows("campaign_performance_daily")) == 1
        assert done.rows("campaign_performance") == []


class TestQuota:
    """A spent quota never loses a window."""

    TABLES = "flow_performance_daily"

    def test_two_hundred_reports_a_day_and_the_rest_the_day_after(
        self, report_account: ScriptedAccount
    ) -> None:
        """Fifteen years of three metrics take two days, each of any 24 hours."""
        put_campaign(report_account, 15 * 365)
        metrics = "PO,RO,OE"
        first = run(tables=self.TABLES, conversion_metrics=metrics)
        assert first.error is None
        assert len(report_account.requests_to(FLOW_DAYS)) == 200
        assert any("quota" in warning for warning in first.warnings)
        report_account.now += DAY + timedelta(hours=1)
        run(first.state, tables=self.TABLES, conversion_metrics=metrics)
        whole = days_between(TODAY - 15 * 365 * DAY, TODAY + DAY)
        for metric in metrics.split(","):
            requests = report_account.requests_to(FLOW_DAYS)
            mine = [
                request for request in requests if request.body["conversion_metric_id"] == metric
            ]
            assert days(mine) == whole

    def test_syncs_of_one_day_share_the_quota(
        self, report_account: ScriptedAccount, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The second sync has what the first left over; a day and an hour later all is free."""
        monkeypatch.setattr(quota, "DAILY_QUOTA", 4)
        put_campaign(report_account, 300)  # five windows of 60 days
        first = run(tables=self.TABLES)
        second = run(first.state, tables=self.TABLES)
        assert len(report_account.requests_to(FLOW_DAYS)) == 3
        report_account.now += DAY + timedelta(hours=1)
        run(second.state, tables=self.TABLES)
        assert len(report_account.requests_to(FLOW_DAYS)) == 6

    def test_a_warning_says_which_limit_is_used_up(
        self, report_account: ScriptedAccount, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Our own share has its size and the time until the oldest request no longer counts."""
        monkeypatch.setattr(quota, "DAILY_QUOTA", 4)
        put_campaign(report_account, 300)
        report_account.now += timedelta(minutes=20)
        first = run(tables=self.TABLES)
        report_account.now += timedelta(hours=3)
        second = run(first.state, tables=self.TABLES)
        share = f"{FLOW_DAYS}: our share of Klaviyo's quota (3 of 4 requests a day) is used up"
        for done, minutes in ((first, 24 * 60 + 40), (second, 21 * 60 + 40)):
            (warning,) = done.warnings
            assert warning.startswith(f"{share}; retry in {minutes} minutes or later;")
        report_account.now += DAY
        report_account.responses[FLOW_DAYS] = quota_spent
        (warning,) = run(second.state, tables=self.TABLES).warnings
        assert warning.startswith(f"{FLOW_DAYS}: Klaviyo's quota is used up; retry in ")

    def test_a_failed_sync_counts_its_requests(
        self, report_account: ScriptedAccount, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """However the sync ends."""
        monkeypatch.setattr(quota, "DAILY_QUOTA", 5)
        put_campaign(report_account, 150)
        report_account.fail_with("/api/events", 401)
        chosen = f"{self.TABLES},event"
        first = run(tables=chosen)
        assert first.error
        run(first.state, tables=chosen)
        assert len(report_account.requests_to(FLOW_DAYS)) <= 4

    def test_a_quota_that_klaviyo_closes_stays_closed(
        self, report_account: ScriptedAccount
    ) -> None:
        """Other keys may have spent it: no request of that report until Klaviyo allows it."""
        report_account.responses[FLOW_DAYS] = quota_spent
        chosen = f"{self.TABLES},flow_performance"
        first = run(tables=chosen)
        assert first.error is None
        assert any("quota" in warning for warning in first.warnings)
        assert len(report_account.requests_to(FLOWS)) == 1
        second = run(first.state, tables=chosen)
        assert len(report_account.requests_to(FLOW_DAYS)) == 1
        report_account.now += DAY
        del report_account.responses[FLOW_DAYS]
        run(second.state, tables=chosen)
        assert days_between(TODAY - 20 * DAY, TODAY) <= days(
            report_account.requests_to(FLOW_DAYS)[1:]
        )

    def test_an_endless_retry_after_is_a_spent_quota(self, report_account: ScriptedAccount) -> None:
        """A Retry-After of a billion years does not crash the sync."""
        report_account.fail_with(FLOW_DAYS, 429, Retry_After="99999999999999999")
        done = run(tables=self.TABLES)
        assert done.error is None
        assert any("quota" in warning for warning in done.warnings)


class TestSeries:
    """Reports by day."""

    @staticmethod
    def flow_days(**statistics: list[float]) -> Callable[[Any], Any]:
        """A daily series of one flow message, from the window's first day on."""

        def report(body: Any) -> Any:
            start = _day(body["timeframe"]["start"])
            length = len(next(iter(statistics.values())))
            groupings = {"flow_id": "f", "flow_message_id": "m", "send_channel": "email"}
            return {
                "results": [{"groupings": groupings, "statistics": statistics}],
                "date_times": [f"{start + n * DAY}T00:00:00+00:00" for n in range(length)],
            }

        return report

    def test_a_series_makes_a_row_per_day(self, report_account: ScriptedAccount) -> None:
        """Each with its own numbers; days on which nothing happened make no row."""
        put_campaign(report_account, 2)
        report_account.reports[FLOW_DAYS] = self.flow_days(recipients=[5, 0, 7], opens=[2, 0, 3])
        done = run(tables="flow_performance_daily")
        rows = [
            (r["date"], r["recipients"], r["opens"]) for r in done.rows("flow_performance_daily")
        ]
        assert rows == [("2026-11-18", 5, 2), ("2026-11-20", 7, 3)]

    def test_a_day_restated_to_zero_is_deleted(self, report_account: ScriptedAccount) -> None:
        """As a day on which nothing happened has no row."""
        put_campaign(report_account, 2)
        report_account.reports[FLOW_DAYS] = self.flow_days(recipients=[5, 0, 7])
        first = run(tables="flow_performance_daily")
        report_account.reports[FLOW_DAYS] = self.flow_days(recipients=[5, 0, 0])
        second = run(first.state, tables="flow_performance_daily")
        (gone,) = second.deleted_keys("flow_performance_daily")
        (row,) = [r for r in first.rows("flow_performance_daily") if r["date"] == "2026-11-20"]
        assert gone.items() <= row.items()
        assert second.rows("flow_performance_daily") == []

    @staticmethod
    def credit(message: str, *days: date) -> Callable[[Any], Any]:
        """A daily series in which a flow's message has one order on each of some days."""

        def report(body: Any) -> Any:
            start, end = (_day(body["timeframe"][name]) for name in ("start", "end"))
            shown = [day for day in days if start <= day <= end]
            groupings = {"flow_id": "f", "flow_message_id": message, "send_channel": "email"}
            row = {"groupings": groupings, "statistics": {"conversions": [1] * len(shown)}}
            times = [f"{day}T00:00:00+00:00" for day in shown]
            return {"results": [row], "date_times": times} if shown else {}

        return report

    @pytest.mark.parametrize("pauses", [[1] * 9, [100, 1], [300, 1]], ids=str)
    @pytest.mark.parametrize("kill_at", [None, 1, 3, 5])
    def test_credits_that_move_are_never_counted_twice(
        self,
        report_account: ScriptedAccount,
        monkeypatch: pytest.MonkeyPatch,
        pauses: list[int],
        kill_at: int | None,
    ) -> None:
        """However old they are, however long no sync ran, and wherever the one after is killed.

        Days that were over a year old at the last sync keep their credits.
        """
        monkeypatch.setattr("sync.SECONDS_BETWEEN_CHECKPOINTS", 0)
        table, days = "flow_performance_daily", [TODAY - age * DAY for age in (400, 350, 200, 20)]
        put_campaign(report_account, 500)
        report_account.reports[FLOW_DAYS] = self.credit("A", *days)
        state = run(tables=table).state
        report_account.reports[FLOW_DAYS] = self.credit("B", *days)
        rows = {(f"{day}", "A") for day in days}
        for number, pause in enumerate(pauses):
            report_account.now += pause * DAY
            done = run(state, tables=table)
            if number == 0 and kill_at is not None:
                done = kill_after(done, kill_at, '"pending"')
            rows -= {(keys["date"], keys["flow_message_id"]) for keys in done.deleted_keys(table)}
            rows |= {(row["date"], row["flow_message_id"]) for row in done.rows(table)}
            state = done.state
        old, *others = map(str, days)
        assert rows == {(old, "A"), *((day, "B") for day in others)}

    @pytest.mark.parametrize(("age", "warns"), [(400, True), (350, False)])
    def test_a_change_of_units_warns_of_days_that_the_state_no_longer_holds(
        self, report_account: ScriptedAccount, age: int, *, warns: bool
    ) -> None:
        """They are requested again for their units, so a credit that moved counts twice there."""
        table, day = "flow_performance_daily", TODAY - age * DAY
        put_campaign(report_account, age)
        report_account.reports[FLOW_DAYS] = self.credit("A", day)
        first = run(tables=table)
        report_account.reports[FLOW_DAYS] = self.credit("B", day)
        report_account.timezone = "Asia/Tokyo"
        report_account.now += DAY
        done = run(first.state, tables=table)
        (warning,) = done.warnings
        assert (f"in {table} a credit that moved to another message" in warning) == warns
        assert [row["flow_message_id"] for row in done.rows(table)] == ["B"]
        assert [keys["flow_message_id"] for keys in done.deleted_keys(table)] == (
            [] if warns else ["A"]
        )

    def test_a_campaign_that_vanishes_from_the_report_keeps_its_numbers(
        self, report_account: ScriptedAccount
    ) -> None:
        """Neither a lookback nor a full refresh that lacks its row deletes or rewrites it."""
        report_account.reports[CAMPAIGNS] = lambda _: one_result(recipients=7)
        first = run(tables="campaign_performance")
        assert [row["recipients"] for row in first.rows("campaign_performance")] == [7]
        del report_account.reports[CAMPAIGNS]
        state = first.state
        for days in (1, 8):
            report_account.now += days * DAY
            later = run(state, tables="campaign_performance")
            assert report_account.requests_to(CAMPAIGNS)
            assert (
                later.rows("campaign_performance")
                == later.deleted_keys("campaign_performance")
                == []
            )
            state = later.state

    def test_a_row_that_leaves_a_rolling_report_is_deleted(
        self, report_account: ScriptedAccount
    ) -> None:
        """A variation without sends for a year has no numbers of that year."""
        both = [one_result(recipients=9)["results"][0] for _ in "AB"]
        for variation, result in zip("AB", both, strict=True):
            groupings = {"flow_id": "f", "flow_message_id": "m", "send_channel": "email"}
            result["groupings"] = groupings | {"variation": variation}
        report_account.reports[FLOWS] = lambda _: {"results": both}
        first = run(tables="flow_performance")
        report_account.reports[FLOWS] = lambda _: {"results": both[:1]}
        second = run(first.state, tables="flow_performance")
        assert [keys["variation"] for keys in second.deleted_keys("flow_performance")] == ["B"]

    def test_every_page_of_a_report_is_read(self, report_account: ScriptedAccount) -> None:
        """A report of two pages makes the rows of both."""
        page = '{{"data": {{"attributes": {{"results": [{}]}}}}, "links": {{"next": {}}}}}'
        result = '{{"groupings": {{"campaign_id": "{}", "campaign_message_id": "m",'
        result += ' "send_channel": "sms"}}, "statistics": {{"clicks": 1}}}}'

        def respond(request: Request) -> Response:
            if "page_cursor" in request.args:
                return Response(page.format(result.format("two"), "null"))
            return Response(page.format(result.format("one"), '"https://x/?page_cursor=2"'))

        report_account.responses[CAMPAIGNS] = respond
        done = run(tables="campaign_performance")
        assert [row["campaign_id"] for row in done.rows("campaign_performance")] == ["one", "two"]


class TestSharedKeys:
    """Results of one key are one row, and none of them is dropped."""

    @staticmethod
    def renamed_report(shares: Callable[[Any], bool]) -> Callable[[Any], Any]:
        """A report of a flow message that was renamed, under each name where it `shares` a key."""

        def report(body: Any) -> Any:
            groupings = {"flow_id": "f", "flow_message_id": "m", "send_channel": "email"}

            def result(name: str, recipients: int, opens_unique: int) -> Any:
                named = (
                    {"flow_message_name": name} if "flow_message_name" in body["group_by"] else {}
                )
                statistics: dict[str, Any] = {
                    "recipients": recipients,
                    "opens_unique": opens_unique,
                }
                if "interval" in body:
                    statistics = {key: [value] for key, value in statistics.items()}
                return {"groupings": groupings | named, "statistics": statistics}

            both = [result("old", 100, 40), result("new", 3, 2)]
            merged = [result("old", 103, 41)]  # one person opened under both names
            return {
                "results": both if shares(body) else merged,
                "date_times": ["2026-11-19T00:00:00+00:00"],
            }

        return report

    @pytest.mark.parametrize(
        ("path", "table"), [(FLOWS, "flow_performance"), (FLOW_DAYS, "flow_performance_daily")]
    )
    def test_a_renamed_message_is_requested_without_its_names(
        self, report_account: ScriptedAccount, path: str, table: str
    ) -> None:
        """Klaviyo itself counts people once; the row keeps a name."""
        report_account.reports[path] = self.renamed_report(
            lambda body: "flow_message_name" in body["group_by"]
        )
        done = run(tables=table)
        assert done.error is None
        (row,) = done.rows(table)
        assert (row["recipients"], row["opens_unique"]) == (103, 41)
        assert row["flow_message_name"] == "old"

    def test_results_that_share_a_key_in_any_case_fail_by_name(
        self, report_account: ScriptedAccount
    ) -> None:
        """Uniques cannot be added up, and no result is dropped in silence."""
        report_account.reports[FLOWS] = self.renamed_report(lambda _: True)
        done = run(tables="flow_performance,segment_daily")
        assert isinstance(done.error, ContractError)
        assert f"{FLOWS}: two results have the same flow_id, flow_message_id" in str(done.error)
        assert done.rows("flow_performance") == []
        assert report_account.requests_to(SEGMENT_DAYS)

    def test_a_result_that_comes_twice_as_it_is_counts_once(
        self, report_account: ScriptedAccount
    ) -> None:
        """Klaviyo's paging may repeat a page: that is no second result."""
        once = {"dimensions": [""], "measurements": {"count": [5]}}
        report_account.reports[AGGREGATES] = lambda _: {
            "dates": ["2026-11-19T05:00:00+00:00"],
            "data": [once, once],
        }
        twice = one_result(recipients=9)["results"] * 2
        report_account.reports[CAMPAIGNS] = lambda _: {"results": twice}
        done = run(tables="inbox_provider_daily,campaign_performance")
        assert done.error is None
        assert [row["recipients"] for row in done.rows("campaign_performance")] == [9]
        assert {row["count"] for row in done.rows("inbox_provider_daily")} == {5}
        assert len(report_account.requests_to(CAMPAIGNS)) == 1

    def test_groups_of_an_aggregate_that_share_a_key_fail_by_name(
        self, report_account: ScriptedAccount
    ) -> None:
        """A group under null and one under empty text would be one row."""
        group = {"measurements": {"count": [1]}}
        report_account.reports[AGGREGATES] = lambda body: {
            "dates": ["2026-11-19T05:00:00+00:00"],
            "data": [{"dimensions": [value] * len(body["by"]), **group} for value in (None, "")],
        }
        done = run(tables="inbox_provider_daily")
        assert isinstance(done.error, ContractError)
        assert f"{AGGREGATES}: two results have the same inbox_provider" in str(done.error)


class TestPeriods:
    """Counts of people over whole periods, which are not the sums of their days."""

    TABLES = "flow_performance_period"

    @staticmethod
    def live_rows(done: ScriptedRun, rows: dict[Any, Any]) -> dict[Any, Any]:
        """The rows that stand in the warehouse after a sync: kind and first day to the row."""
        for keys in done.deleted_keys("flow_performance_period"):
            del rows[keys["period_kind"], keys["period_start"]]
        new = done.rows("flow_performance_period")
        return rows | {(row["period_kind"], row["period_start"]): row for row in new}

    @staticmethod
    def one_flow(body: Any) -> Any:
        """One flow message with as many recipients as the timeframe has days."""
        frame = body["timeframe"]
        groupings = {"flow_id": "f", "flow_message_id": "m", "send_channel": "email"}
        recipients = (_day(frame["end"]) - _day(frame["start"])).days + 1
        return {"results": [{"groupings": groupings, "statistics": {"recipients": recipients}}]}

    def test_a_rolling_period_has_one_row_which_moves_with_the_day(
        self, report_account: ScriptedAccount
    ) -> None:
        """Yesterday's row is deleted; a month keeps its row, which is written on changes only."""
        put_campaign(report_account, 100)
        report_account.reports[FLOWS] = self.one_flow
        done = ScriptedRun()
        rows: dict[Any, Any] = {}
        for _ in range(3):
            done = run(done.state, tables=self.TABLES)
            assert done.error is None
            rows = self.live_rows(done, rows)
            report_account.now += DAY
        today = TODAY + 2 * DAY
        assert {(kind, start): row["recipients"] for (kind, start), row in rows.items()} == {
            **{(f"last_{n}_days", f"{today - (n - 1) * DAY}"): n for n in (7, 30, 90, 365)},
            ("month", "2026-08-01"): 31,
            ("month", "2026-09-01"): 30,
            ("month", "2026-10-01"): 31,
            ("month", "2026-11-01"): 22,
        }
        assert {row["period_end"] for (kind, _), row in rows.items() if kind != "month"} == {
            f"{today}"
        }
        assert [row["period_start"] for row in done.rows(self.TABLES)].count("2026-10-01") == 0

    def test_periods_are_requested_once_a_day_and_old_months_in_turn(
        self, report_account: ScriptedAccount
    ) -> None:
        """Twelve old months a day, each weekly; a second sync of the day requests no period."""
        put_campaign(report_account, 600)  # 19 months before October
        done, requests = ScriptedRun(), []
        for hours in (1, 23, 24, 24):
            done = run(done.state, tables=self.TABLES)
            requests.append(len(report_account.requests_to(FLOWS)))
            report_account.now += timedelta(hours=hours)
        daily = 4 + 2  # rolling periods, and October and November
        assert requests == [daily + 12, daily + 12, 2 * daily + 19, 3 * daily + 19]
        assert len(set(windows(report_account.requests_to(FLOWS)))) == 3 * (4 + 1) + 1 + 19

    @pytest.mark.parametrize("days", [7, 30, 90, 365])
    def test_a_rolling_period_has_one_row_after_a_pause(
        self, report_account: ScriptedAccount, monkeypatch: pytest.MonkeyPatch, days: int
    ) -> None:
        """Also where the sync after it is killed when one of the periods is requested."""
        monkeypatch.setattr("sync.SECONDS_BETWEEN_CHECKPOINTS", 0)
        put_campaign(report_account, 500)
        report_account.reports[FLOWS] = self.one_flow
        first = run(tables=self.TABLES)
        report_account.now += 40 * DAY
        today = TODAY + 40 * DAY
        killed = kill_after(
            run(first.state, tables=self.TABLES), 0, f'"last_{days}_days": "{today}"'
        )
        rows: dict[Any, Any] = {}
        for done in (first, killed, run(killed.state, tables=self.TABLES)):
            rows = self.live_rows(done, rows)
        assert {row for row in rows if row[0] != "month"} == {
            (f"last_{n}_days", f"{today - (n - 1) * DAY}") for n in (7, 30, 90, 365)
        }

    def test_a_month_that_left_the_state_is_final(self, report_account: ScriptedAccount) -> None:
        """Its counts may move to another message, whose row would add to the one that stays."""
        put_campaign(report_account, 700)
        report_account.reports[FLOWS] = self.one_flow
        done = ScriptedRun()
        for _ in range(2):
            done = run(done.state, tables=self.TABLES)
            report_account.now += DAY
        for _ in range(2):
            report_account.requests.clear()
            report_account.now += 7 * DAY
            done = run(done.state, tables=self.TABLES)
            requested = windows(report_account.requests_to(FLOWS))
            oldest = min(start for start, end in requested if start.day == 1 and end.day >= 28)
            assert oldest == date(2025, 12, 1)

    def test_a_spent_quota_loses_no_period(
        self, report_account: ScriptedAccount, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The year's totals go first; what is left out is requested on the following days."""
        monkeypatch.setattr(quota, "OUR_SHARE", 9 / 225)
        put_campaign(report_account, 400)
        report_account.reports[FLOWS] = self.one_flow
        done = ScriptedRun()
        rows: dict[Any, Any] = {}
        for day in range(8):
            done = run(done.state, tables=f"{self.TABLES},flow_performance")
            assert done.error is None
            assert any("quota" in warning for warning in done.warnings) == (day < 5)
            assert done.rows("flow_performance")
            rows = self.live_rows(done, rows)
            report_account.now += DAY + timedelta(hours=1)
        assert len([kind for kind, _ in rows if kind == "month"]) == 14
        assert len(rows) == 14 + 4


class TestAggregates:
    """Counts by event date."""

    @staticmethod
    def counts(body: Any) -> Any:
        """Three opens and two of one message on one day, by whatever it is grouped."""
        return {
            "dates": ["2026-11-19T05:00:00+00:00", "2026-11-20T05:00:00+00:00"],  # midnights there
            "data": [
                {
                    "dimensions": ["m", *[""] * (len(body["by"]) - 1)],
                    "measurements": {"count": [0, 3], "unique": [0, 2], "sum_value": [0.0, 9.5]},
                }
            ],
        }

    def test_a_count_has_its_day_message_and_channel(self, report_account: ScriptedAccount) -> None:
        """The account's day, the metric and its channel; a day without events makes no row."""
        report_account.reports[AGGREGATES] = self.counts
        done = run(tables="message_metric_daily", conversion_metrics="PO")
        opened = [r for r in done.rows("message_metric_daily") if r["metric_id"] == "OE"]
        assert len(opened) == 1
        assert {k: v for k, v in opened[0].items() if k not in ("account_id", "synced_at")} == {
            "metric_id": "OE", "date": "2026-11-20", "message_id": "m", "flow_id": "",
            "channel": "email", "count": 3, "unique_count": 2, "sum_value": 9.5,
        }  # fmt: skip

    def test_bounds_are_days_of_the_account(self, report_account: ScriptedAccount) -> None:
        """Half-open, from midnight of the first day to that after today, in the account's zone."""
        run(tables="inbox_provider_daily")
        (request,) = report_account.requests_to(AGGREGATES)
        assert request.body["timezone"] == "America/New_York"
        assert request.body["filter"] == [
            "greater-or-equal(datetime,2026-10-31T04:00:00.000000Z)",
            "less-than(datetime,2026-11-21T05:00:00.000000Z)",
        ]

    @pytest.mark.parametrize(
        ("answered", "written"),
        [
            ("$email_channel", "email"),
            ("$sms_channel", "sms"),
            ("$mobile_push_channel", "push-notification"),
            ("$whatsapp_channel", "whatsapp"),
            ("email", "email"),
            ("", ""),
        ],
    )
    def test_an_attributed_channel_has_the_name_that_reports_give_it(
        self, report_account: ScriptedAccount, answered: str, written: str
    ) -> None:
        """Public clients look for `$email_channel` in aggregates, and for `email` in reports."""

        def counts(body: Any) -> Any:
            named = {"$attributed_message": "m", "$attributed_channel": answered}
            group = {
                "dimensions": [named.get(dimension, "") for dimension in body["by"]],
                "measurements": {"count": [1], "unique": [1], "sum_value": [9.5]},
            }
            return {"dates": ["2026-11-20T05:00:00+00:00"], "data": [group]}

        report_account.reports[AGGREGATES] = counts
        done = run(tables="message_metric_daily", conversion_metrics="PO")
        rows = [row for row in done.rows("message_metric_daily") if row["metric_id"] == "PO"]
        assert [(row["message_id"], row["channel"]) for row in rows] == [("m", written)]

    def test_days_beside_the_requested_ones_are_not_written(
        self, report_account: ScriptedAccount
    ) -> None:
        """Klaviyo counts only some hours of them, as it did for naive bounds (seen live)."""
        first, today = date(2026, 10, 31), date(2026, 11, 20)
        days = [first - timedelta(days=1), first, today, today + timedelta(days=1)]
        report_account.reports[AGGREGATES] = self.credits_to("m", *days)
        done = run(tables="message_metric_daily", conversion_metrics="PO")
        written = {row["date"] for row in done.rows("message_metric_daily")}
        assert written == {"2026-10-31", "2026-11-20"}

    @staticmethod
    def credits_to(message: str, *days: date) -> Callable[[Any], Any]:
        """One order on each of some days, credited to a message."""
        ones = [1] * len(days)

        def counts(body: Any) -> Any:
            group = {
                "dimensions": [message, *[""] * (len(body["by"]) - 1)],
                "measurements": {"count": ones, "unique": ones, "sum_value": ones},
            }
            return {"dates": [f"{day}T05:00:00+00:00" for day in days], "data": [group]}

        return counts

    def test_counts_that_move_to_another_message_are_deleted(
        self, report_account: ScriptedAccount
    ) -> None:
        """A group that Klaviyo no longer shows is deleted on the requested days."""
        put_campaign(report_account, 100)
        earlier, recent = TODAY - 20 * DAY, TODAY - DAY
        report_account.reports[AGGREGATES] = self.credits_to("A", earlier, recent)
        first = run(tables="message_metric_daily", conversion_metrics="PO")
        report_account.reports[AGGREGATES] = self.credits_to("B", recent)
        second = run(first.state, tables="message_metric_daily", conversion_metrics="PO")
        gone = second.deleted_keys("message_metric_daily")
        assert {(keys["message_id"], keys["date"]) for keys in gone} == {("A", str(recent))}
        assert {keys["metric_id"] for keys in gone} == {"PO", "OE"}
        assert {row["message_id"] for row in second.rows("message_metric_daily")} == {"B"}

    def test_days_beyond_the_lookback_leave_the_state(
        self, report_account: ScriptedAccount
    ) -> None:
        """The state does not grow with the years."""
        put_campaign(report_account, 100)
        old, recent = TODAY - 60 * DAY, TODAY - DAY
        report_account.reports[AGGREGATES] = self.credits_to("A", old, recent)
        state = json.dumps(run(tables="message_metric_daily").state)
        assert str(recent) in state
        assert str(old) not in state

    def test_a_broken_response_deletes_nothing(self, report_account: ScriptedAccount) -> None:
        """What it does not show may well exist."""
        report_account.reports[AGGREGATES] = self.credits_to("A", TODAY)
        first = run(tables="message_metric_daily")
        report_account.responses[AGGREGATES] = lambda _: Response(
            '{"data": {"attributes": {"dates": [], "data": [null]}}, "links": {}}'
        )
        second = run(first.state, tables="message_metric_daily")
        assert isinstance(second.error, ContractError)
        assert second.deleted_keys("message_metric_daily") == []

    def test_no_row_is_written_from_two_requests(self, report_account: ScriptedAccount) -> None:
        """A message metric that also counts as a conversion is requested once."""
        report_account.reports[AGGREGATES] = self.counts
        done = run(tables="message_metric_daily", conversion_metrics="Opened Email")
        rows = done.rows("message_metric_daily")
        keys = [(r["metric_id"], r["date"], r["message_id"], r["flow_id"]) for r in rows]
        assert len(keys) == len(set(keys))


class TestBroken:
    """A response that breaks the contract is not an empty one."""

    @pytest.mark.parametrize(
        ("path", "table"),
        [(CAMPAIGNS, "campaign_performance"), (AGGREGATES, "message_metric_daily")],
    )
    def test_a_window_without_results_stays_pending(
        self, report_account: ScriptedAccount, path: str, table: str
    ) -> None:
        """The sync says what is wrong, and the next one requests the window again."""
        report_account.responses[path] = lambda _: Response(
            '{"data": {"attributes": {}}, "links": {}}'
        )
        first = run(tables=table)
        assert isinstance(first.error, ContractError)
        del report_account.responses[path]
        before = len(report_account.requests_to(path))
        run(first.state, tables=table)
        assert len(report_account.requests_to(path)) > before

    @pytest.mark.parametrize(
        "results",
        [
            {"results": [None]},
            {"results": [{"groupings": None, "statistics": {}}]},
            {"results": [{"statistics": {"opens": 1}}]},
            {"results": [{"groupings": {"campaign_id": "c"}}]},
            {"results": {"a": 1}},
            {"results": [{"groupings": {"campaign_id": "c"}, "statistics": None}]},
            {"results": [{"groupings": {"campaign_id": "c"}, "statistics": []}]},
            {"results": [{"groupings": {"campaign_id": "c"}, "statistics": "x"}]},
        ],
    )
    def test_malformed_results_are_a_contract_error(
        self, report_account: ScriptedAccount, results: Any
    ) -> None:
        """One line that names the endpoint."""
        report_account.reports[CAMPAIGNS] = lambda _: results
        done = run(tables="campaign_performance")
        assert isinstance(done.error, ContractError)
        assert CAMPAIGNS in str(done.error)

    @pytest.mark.parametrize(
        "changes",
        [
            {"dates": [], "data": [{"dimensions": ["m"], "measurements": {"count": []}}]},
            {"dates": [], "data": [{"dimensions": "m", "measurements": {"count": []}}]},
            {"dates": [], "data": [{"dimensions": ["m", ""], "measurements": None}]},
        ],
    )
    def test_malformed_aggregates_are_a_contract_error(
        self, report_account: ScriptedAccount, changes: Any
    ) -> None:
        """A group without each requested dimension is ambiguous."""
        report_account.reports[AGGREGATES] = lambda _: changes
        done = run(tables="message_metric_daily")
        assert isinstance(done.error, ContractError)
        assert f"{AGGREGATES}: a result does not have the documented form" in str(done.error)

    @pytest.mark.parametrize("missing", ["campaign_id", "campaign_message_id", "send_channel"])
    def test_a_result_without_its_key_is_rejected(
        self, report_account: ScriptedAccount, missing: str
    ) -> None:
        """As any record is: it is a row of sync_error, and the results around it arrive."""
        whole, *lacking = [one_result(recipients=count)["results"][0] for count in (9, 5, 7)]
        for result in lacking:
            result["groupings"][missing] = None
        report_account.reports[CAMPAIGNS] = lambda _: {"results": [*lacking, whole]}
        done = run(tables="campaign_performance,campaign_performance_daily")
        assert done.error is None
        for table in ("campaign_performance", "campaign_performance_daily"):
            assert [row["recipients"] for row in done.rows(table)] == [9]
        reasons = [row["reason"] for row in done.rows("sync_error")]
        assert reasons == [f"campaign_performance without {missing}"] * 2
        assert len(report_account.requests_to(CAMPAIGNS)) == 1

    def test_a_series_without_dates_is_a_contract_error(
        self, report_account: ScriptedAccount
    ) -> None:
        """Its numbers belong to no day."""
        report_account.reports[FLOW_DAYS] = lambda _: {**one_result(opens=1), "date_times": None}
        done = run(tables="flow_performance_daily")
        assert isinstance(done.error, ContractError)
        assert FLOW_DAYS in str(done.error)

    def test_a_refused_report_does_not_block_the_others(
        self, report_account: ScriptedAccount
    ) -> None:
        """Some metrics cannot be reported: the other reports arrive, then the sync fails."""
        report_account.fail_with(
            CAMPAIGNS, 400, "This metric does not support querying for values data."
        )
        done = run(tables="campaign_performance,flow_performance,flow_performance_daily")
        assert isinstance(done.error, ContractError)
        assert report_account.requests_to(FLOWS)
        assert report_account.requests_to(FLOW_DAYS)

    @pytest.mark.parametrize("chosen", ["Placed Order,RO", "RO,Placed Order"])
    def test_a_refused_metric_does_not_block_the_others(
        self, report_account: ScriptedAccount, chosen: str
    ) -> None:
        """All history of the other metrics arrives; the error names the refused one."""
        put_campaign(report_account, 1_000)
        report_account.responses[CAMPAIGNS] = lambda request: refuse_refunds(
            request, "conversion_metric_id"
        )
        done = run(tables="campaign_performance", conversion_metrics=chosen)
        requests = report_account.requests_to(CAMPAIGNS)
        assert days_between(TODAY - 1_000 * DAY, TODAY) == days(
            [request for request in requests if request.body["conversion_metric_id"] == "PO"]
        )
        assert isinstance(done.error, ContractError)
        assert str(done.error).endswith("metric RO")

    def test_a_fault_of_several_metrics_names_all_of_them(
        self, report_account: ScriptedAccount
    ) -> None:
        """One error says which metrics it affects."""
        put_campaign(report_account, 20)
        report_account.fail_with(CAMPAIGNS, 400, "No.")
        done = run(tables="campaign_performance", conversion_metrics="Placed Order,RO")
        assert isinstance(done.error, ContractError)
        assert str(done.error).endswith("metric PO, RO")

    def test_a_refused_message_metric_does_not_block_the_others(
        self, report_account: ScriptedAccount
    ) -> None:
        """Aggregates of all metrics share one path, without a quota."""
        report_account.responses[AGGREGATES] = lambda request: refuse_refunds(request, "metric_id")
        run(tables="message_metric_daily", conversion_metrics="RO,PO")
        metric_ids = [
            request.body["metric_id"] for request in report_account.requests_to(AGGREGATES)
        ]
        assert set(metric_ids) == {"OE", "RO", "PO"}

    def test_a_report_that_is_down_does_not_block_the_others(
        self, report_account: ScriptedAccount
    ) -> None:
        """The sync fails in the end and names the path that never answers."""
        put_campaign(report_account, 20)
        report_account.fail_with(CAMPAIGNS, 503)
        done = run()
        assert isinstance(done.error, TransientError)
        assert CAMPAIGNS in str(done.error)
        for path in (FLOWS, FLOW_DAYS, AGGREGATES):
            assert report_account.requests_to(path), path

    def test_the_rows_of_a_failed_window_are_tracked(self, report_account: ScriptedAccount) -> None:
        """They are in the warehouse: where Klaviyo does not show them again, they are deleted."""
        put_campaign(report_account, 20)
        (result,) = one_result()["results"]
        result["groupings"] |= {"flow_id": "f", "flow_message_id": "m"}
        whole = {"results": [result], "date_times": []}
        body = json.dumps({"data": {"attributes": whole}, "links": {"next": "?page_cursor=2"}})
        report_account.responses[FLOWS] = lambda request: Response(
            body, 400 if request.query_string else 200
        )
        first = run(tables="flow_performance")
        assert first.rows("flow_performance")
        report_account.responses.clear()
        report_account.now += DAY
        second = run(first.state, tables="flow_performance")
        assert len(second.deleted_keys("flow_performance")) == 1

    def test_when_two_reports_are_down_no_more_is_requested(
        self, report_account: ScriptedAccount
    ) -> None:
        """Two consecutive unanswered windows mean that Klaviyo is down."""
        for path in (CAMPAIGNS, FLOWS):
            report_account.fail_with(path, 503)
        done = run(tables="campaign_performance,flow_performance,flow_performance_daily")
        assert isinstance(done.error, TransientError)
        assert report_account.requests_to(FLOW_DAYS) == []

    def test_a_failed_window_is_requested_again(self, report_account: ScriptedAccount) -> None:
        """Klaviyo was down: the next sync of the same day requests the whole window."""
        put_campaign(report_account, 300)
        report_account.fail_with(CAMPAIGNS, 503)
        first = run(tables="campaign_performance")
        assert isinstance(first.error, TransientError)
        report_account.responses.clear()
        before = len(report_account.requests_to(CAMPAIGNS))
        run(first.state, tables="campaign_performance")
        assert days(report_account.requests_to(CAMPAIGNS)[before:]) == days_between(
            TODAY - 300 * DAY, TODAY
        )
