"""Fixtures for the connector's parts."""

from collections.abc import Callable
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug.serving import WSGIRequestHandler

from tests.connector import scripted
from tests.connector.scripted import ScriptedAccount, resource
from tests.fake_clock import FakeClock


@pytest.fixture
def server(httpserver_ipv4: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> HTTPServer:
    """A real HTTP server in Klaviyo's place."""
    monkeypatch.setenv("KLAVIYO_BASE_URL", httpserver_ipv4.url_for("").rstrip("/"))
    return httpserver_ipv4


@pytest.fixture
def account(server: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> ScriptedAccount:
    """An empty account at noon in New York; waits take no time."""
    account = ScriptedAccount()
    scripted.serve(server, account)
    monkeypatch.setattr(
        WSGIRequestHandler, "date_time_string", lambda *_: scripted.http_time(account)
    )
    monkeypatch.setattr("session.Clock", FakeClock)
    return account


def _report_of(groupings: Any, name: str) -> Callable[[Any], Any]:
    """A report of one group: five of something, on one day where it is a series."""

    def report(body: Any) -> Any:
        five = [5] if "interval" in body else 5
        return {
            "results": [{"groupings": groupings, "statistics": {name: five}}],
            "date_times": ["2026-11-19T00:00:00+00:00"],
        }

    return report


FLOW_MESSAGE = {"id": "fm", "custom_tracking_params": [{"param": "utm_id", "value": "1"}]}
# Listings whose rows need nothing but an id and times.
OTHER_LISTINGS = """
    /api/forms/fo/form-versions /api/images /api/web-feeds /api/template-universal-content
    /api/tracking-settings /api/webhooks /api/push-tokens /api/data-sources /api/object-types
    /api/object-types/x/object-records /api/text-messaging-senders /api/billing-usage
    /api/brand-colors /api/coupons /api/coupon-codes /api/catalog-items
    /api/catalog-categories /api/catalog-categories/x/relationships/items /api/reviews
""".split()


@pytest.fixture
def full_account(account: ScriptedAccount) -> ScriptedAccount:
    """An account with something in every kind of table."""
    made: dict[str, Any] = {
        "created": "2026-11-01T00:00:00+00:00",
        "updated": "2026-11-02T00:00:00+00:00",
    }
    made_at = {f"{name}_at": time for name, time in made.items()}
    add = account.documents
    add["/api/metrics"] = [resource("metric", "PO", name="Placed Order", **made)]
    add["/api/mapped-metrics"] = [resource("mapped-metric", "revenue", {"metric": "PO"})]
    add["/api/custom-metrics"] = [resource("custom-metric", "CM", name="Net", **made)]
    related = {"tags": ["t"], "campaign-audiences": ["au"]}
    add["/api/campaigns"] = [resource("campaign", "c", related, definition={}, **made_at)]
    add["/api/campaign-messages"] = [resource("campaign-message", "m", {"campaign": "c"}, **made)]
    add["/api/campaign-messages/m/campaign-variations"] = [resource("campaign-variation", "v")]
    add["/api/flows"] = [resource("flow", "f", {"tags": ["t"], "flow-actions": ["fa"]}, **made)]
    account.included["/api/flows"] = [
        resource("flow-action", "fa", definition={"data": {"message": FLOW_MESSAGE}}, **made)
    ]
    for path in ("lists", "segments"):
        add[f"/api/{path}"] = [
            resource(path.removesuffix("s"), "x", {"tags": ["t"]}, name="All", **made)
        ]
        member = resource("profile", "p", joined_group_at=made["created"])
        add[f"/api/{path}/x/profiles"] = [member]
        counted = resource(path.removesuffix("s"), "x", profile_count=1)
        account.answer_record(f"/api/{path}/x", counted)
    for path in OTHER_LISTINGS:
        add[path] = [resource(path.rpartition("/")[2], "x", as_of=made["created"], **made)]
    add["/api/catalog-items"] = [resource("catalog-item", "x", {"variants": ["x-s"]})]
    barred = {"suppression": [{"reason": "UNSUBSCRIBE", "timestamp": made["updated"]}]}
    add["/api/profiles"] = [
        resource("profile", "p", subscriptions={"email": {"marketing": barred}}, **made)
    ]
    add["/api/tags"] = [resource("tag", "t", {"tag-group": "g"}, name="sale")]
    add["/api/tag-groups"] = [resource("tag-group", "g", name="Default")]
    add["/api/templates"] = [resource("template", "te", name="Plain", **made)]
    add["/api/forms"] = [resource("form", "fo", name="Pop-up", **made_at)]
    add["/api/events"] = [
        resource("event", "e", {"attributions": ["a"]}, datetime="2026-11-19T12:00:00+00:00")
    ]
    groupings = {"campaign_id": "c", "campaign_message_id": "m", "flow_id": "f",
                 "flow_message_id": "fm", "send_channel": "email", "segment_id": "x",
                 "form_id": "fo", "form_version_id": "fv"}  # fmt: skip
    account.reports |= {
        f"/api/{kind}-reports": _report_of(groupings, name)
        for kind, name in (
            ("campaign-values", "recipients"),
            ("flow-values", "recipients"),
            ("flow-series", "opens"),
            ("segment-series", "total_members"),
            ("form-series", "submits"),
        )
    }
    account.reports["/api/metric-aggregates"] = lambda body: {
        "dates": ["2026-11-19T05:00:00+00:00"],
        "data": [{"dimensions": ["x"] * len(body["by"]), "measurements": {"count": [5]}}],
    }
    return account
