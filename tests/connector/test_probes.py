"""A re-sync truncates no table that it could not fill again, whatever of it Klaviyo refuses."""

import json
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from werkzeug import Request, Response

from api import KlaviyoError
from models import Truncate
from tests.connector.scripted import DAY, KEY, ScriptedAccount, resource, run
from tests.loader import Loader

LONG_AGO = "2026-01-01T00:00:00+00:00"
TIMES: dict[str, Any] = {"created": LONG_AGO, "updated": LONG_AGO}
TIMES_AT: dict[str, Any] = {"created_at": LONG_AGO, "updated_at": LONG_AGO}
MESSAGES = "/api/campaign-messages"
VARIATIONS = f"{MESSAGES}/S{{}}/campaign-variations"
VERSIONS, MEMBERS = "/api/forms/F{}/form-versions", "/api/lists/L{}/profiles"
Break = Callable[[ScriptedAccount], None]


@pytest.fixture(name="shop")
def _shop(account: ScriptedAccount) -> ScriptedAccount:
    """An account with four records of each kind that a case breaks."""
    add, numbers = account.documents, range(4)
    add["/api/metrics"] = [metric("M0", "Opened Email"), metric("M1", "Placed Order")]
    add["/api/events"] = [
        resource("event", f"E{n}", {"metric": f"M{n % 2}"}, datetime=LONG_AGO) for n in numbers
    ]
    suppression = {"suppression": [{"reason": "HARD_BOUNCE", "timestamp": LONG_AGO}]}
    marketing: dict[str, Any] = {"subscriptions": {"email": {"marketing": suppression}}}
    add["/api/profiles"] = [resource("profile", f"P{n}", **marketing, **TIMES) for n in numbers]
    add["/api/images"] = [resource("image", f"I{n}", **TIMES_AT) for n in numbers]
    add["/api/campaigns"] = [campaign(f"C{n}", definition={}) for n in numbers]
    add["/api/campaign-messages"] = [
        resource("campaign-message", f"S{n}", **TIMES) for n in numbers
    ]
    add["/api/forms"] = [resource("form", f"F{n}", **TIMES_AT) for n in numbers]
    add["/api/lists"] = [resource("list", f"L{n}", **TIMES) for n in numbers]
    for n in numbers:
        variation, version = (
            f"/api/campaign-messages/S{n}/campaign-variations",
            f"F{n}/form-versions",
        )
        add[variation] = [resource("campaign-variation", f"V{n}", **TIMES)]
        add[f"/api/forms/{version}"] = [resource("form-version", f"W{n}", **TIMES_AT)]
        add[f"/api/lists/L{n}/profiles"] = [resource("profile", "P0", joined_group_at=LONG_AGO)]
    return account


def metric(id_: str, name: str) -> Any:
    """A metric, as the account lists it."""
    return resource("metric", id_, name=name, **TIMES)


def campaign(id_: str, **attributes: Any) -> Any:
    """A campaign, as the account lists it."""
    return resource("campaign", id_, **attributes, **TIMES_AT)


def refuse(path: str, status: int, member: str, text: str = "") -> Break:
    """Let the account refuse requests of a path whose parameter holds a text."""

    def respond(request: Request) -> Response | None:
        if text not in request.args.get(member, ""):
            return None
        return Response(json.dumps({"errors": [{"detail": "No."}]}), status)

    return lambda account: account.responses.update({path: respond})


def lose(pattern: str, status: int = 404) -> Break:
    """Let the account refuse the own path of each of four records."""

    def break_(account: ScriptedAccount) -> None:
        for number in range(4):
            account.fail_with(pattern.format(number), status, "No.")

    return break_


def rename_metric(account: ScriptedAccount) -> None:
    """Let no metric have the name that `event_metrics` has."""
    account.documents["/api/metrics"] = [metric("M0", "Read Email"), metric("M1", "Placed Order")]


def answer_in_former_form(account: ScriptedAccount) -> None:
    """List campaigns in the form of the revisions of 2024."""
    account.documents["/api/campaigns"] = [campaign(f"C{n}", name="n") for n in range(4)]


def combine(*breaks: Break) -> Break:
    """Break several things."""

    def break_all(account: ScriptedAccount) -> None:
        for break_ in breaks:
            break_(account)

    return break_all


OPENED = {"tables": "event", "event_metrics": "Opened Email"}
INCLUDED = refuse(MESSAGES, 400, "include", "campaign-variations")
CASES: dict[str, tuple[dict[str, str], Break]] = {
    "the metrics are refused": (OPENED, refuse("/api/metrics", 403, "filter")),
    "the metrics are not answered": (OPENED, refuse("/api/metrics", 503, "filter")),
    "the metric is renamed": (OPENED, rename_metric),
    "the events of the metric are refused": (OPENED, refuse("/api/events", 400, "filter", "M0")),
    "the second listing of suppressions is refused": (
        {"tables": "profile_suppression"},
        refuse("/api/profiles", 400, "sort", "list_suppressions"),
    ),
    "the second partition is refused": (
        {"tables": "image"},
        refuse("/api/images", 400, "filter", "hidden"),
    ),
    "the second partition is not answered": (
        {"tables": "campaign"},
        refuse("/api/campaigns", 503, "filter", "archived,true"),
    ),
    "the second partition needs a scope": (
        {"tables": "image"},
        refuse("/api/images", 403, "filter", "hidden"),
    ),
    "the form is another": ({"tables": "campaign"}, answer_in_former_form),
    "details are refused": (
        {"tables": "campaign_message,campaign_variation"},
        combine(INCLUDED, lose(VARIATIONS, 400)),
    ),
    "no message has a path to its details": (
        {"tables": "campaign_message,campaign_variation"},
        combine(INCLUDED, lose(VARIATIONS)),
    ),
    "no form has a path to its versions": (
        {"tables": "form_version"},
        lose(VERSIONS),
    ),
    "no list has a path to its members": (
        {"tables": "list_profile"},
        lose(MEMBERS),
    ),
}


def connect(settings: dict[str, str], key: str = KEY) -> Loader:
    """A connection after its first sync."""
    url = os.environ["KLAVIYO_BASE_URL"]
    return Loader(url, {"api_key": key, **settings}).sync()


@pytest.mark.parametrize("case", CASES)
def test_a_table_that_could_not_be_filled_again_keeps_its_rows(
    shop: ScriptedAccount, case: str
) -> None:
    """A re-sync asks first for all that it needs; when it gets that again, it truncates."""
    settings, break_ = CASES[case]
    tables = settings["tables"].split(",")
    connection = connect(settings)
    before = {name: connection.content()[name] for name in tables}
    documents = dict(shop.documents)
    break_(shop)
    connection.state = {}
    for _ in range(2):
        shop.now += DAY
        with suppress(KlaviyoError):
            connection.sync()
        after = connection.content()
        assert {name: after[name] for name in before if before[name] != after[name]} == {}
    shop.documents.update(documents)
    shop.responses.clear()
    again = run(connection.state, **settings)
    assert again.error is None
    assert all(Truncate(name) in again.operations for name in tables)
