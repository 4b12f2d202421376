"""Every request that the connector sends, and its answer, is valid by Klaviyo's OpenAPI."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from tests.loader import Loader
from tests.sandbox.klaviyo_contract import Exchange, validate_answer, validate_request
from tests.sandbox_server import KEY, run_sandbox
from tests.traffic import record_exchanges

SMALL: dict[str, Any] = {"campaigns": 40, "profiles": 120, "seed": 5, "no_limits": True}
DAY = 86_400
EVERYTHING = {"api_key": KEY, "tables": "all,predictive_analytics"}
# What differs between requests of one form: ids, cursors and times.
VARIABLE = re.compile(
    r"(?<=^/api/)[^/?]+/[^/?]+|(?<=cursor%5D=)[^&]+|%22\w+%22|\d+|(?<=\"metric_id\":)[^,]+"
)


@pytest.fixture(scope="module", name="exchanges")
def _exchanges() -> Iterator[list[Exchange]]:
    """Those of a first sync of all tables, one a minute later, and one on each of eight days."""
    with run_sandbox(**SMALL, now="2026-11-16T15:00:00Z") as sandbox:
        connection = Loader(sandbox.url, EVERYTHING)
        with record_exchanges() as exchanges:
            connection.sync()
            for seconds in (60, DAY, 7 * DAY):
                sandbox.advance(seconds)
                connection.sync()
        yield exchanges


@pytest.fixture(scope="module", name="forms")
def _forms(exchanges: list[Exchange]) -> list[Exchange]:
    """One exchange of each form."""
    return list({_form(exchange): exchange for exchange in exchanges}.values())


def _form(exchange: Exchange) -> tuple[str, ...]:
    path = exchange.url.partition("/api/")[2]
    text = [f"/api/{path}", (exchange.body or b"").decode()]
    return (exchange.method, str(exchange.status), *(VARIABLE.sub("*", part) for part in text))


def replace_body(exchange: Exchange, **attributes: Any) -> Exchange:
    """The exchange with other attributes in the body."""
    body = json.loads(exchange.body or b"")
    body["data"]["attributes"] |= attributes
    return replace(exchange, body=json.dumps(body).encode())


def test_every_request_is_valid_by_the_openapi(
    exchanges: list[Exchange], forms: list[Exchange]
) -> None:
    """Paths, parameters, filters, headers and bodies; every time has an offset."""
    assert len(forms) > 30
    assert {exchange.status for exchange in exchanges} == {200}
    assert [error for exchange in forms for error in validate_request(exchange)] == []


def test_every_answer_to_the_connector_is_valid_by_the_openapi(forms: list[Exchange]) -> None:
    """What the sandbox answers to the connector's own requests is what Klaviyo documents."""
    assert [error for exchange in forms for error in validate_answer(exchange)] == []


def test_an_invalid_body_is_found(forms: list[Exchange], subtests: pytest.Subtests) -> None:
    """A naive time, an unknown statistic, interval or dimension is an error of the OpenAPI."""
    cases: list[tuple[str, dict[str, Any], str]] = [
        ("/api/campaign-values-reports", {"timeframe": {"start": "2026-11-01T00:00:00", "end":
         "2026-11-02T00:00:00"}}, "date-time"),
        ("/api/campaign-values-reports", {"statistics": ["revenue"]}, "not one of"),
        ("/api/segment-series-reports", {"interval": "yearly"}, "not one of"),
        ("/api/metric-aggregates", {"by": ["$colour"]}, "not one of"),
    ]  # fmt: skip
    for path, change, error in cases:
        with subtests.test(path=path, error=error):
            sent = next(exchange for exchange in forms if exchange.path == path)
            (found,) = validate_request(replace_body(sent, **change))
            assert error in found


def test_an_invalid_query_is_found(subtests: pytest.Subtests) -> None:
    """A page too large, an unknown parameter, sort, operator or a naive time is an error."""
    cases = [
        ("page[size]=1001", "maximum"),
        ("colour=red", "colour: not declared"),
        ("sort=updated", "not one of"),
        ("filter=contains(metric_id,'x')", "contains is not declared for metric_id"),
        ("filter=greater-than(datetime,2026-11-01T00:00:00)", "is not a date-time"),
    ]
    for query, error in cases:
        with subtests.test(query=query):
            name, _, value = query.partition("=")
            url = f"https://a.klaviyo.com/api/events?{quote(name)}={quote(value)}"
            (found,) = validate_request(Exchange("GET", url, {"revision": "2026-10-15"}))
            assert error in found


def test_a_request_without_a_revision_is_found(forms: list[Exchange]) -> None:
    """Klaviyo requires the header."""
    (found,) = validate_request(replace(forms[0], headers={}))
    assert "revision: missing" in found


def test_an_invalid_answer_is_found(forms: list[Exchange]) -> None:
    """A campaign in the shape of revision 2024-10-15 is no campaign of this one."""
    sent = next(exchange for exchange in forms if exchange.path == "/api/campaigns")
    answer = json.loads(sent.answer)
    answer["data"][0]["attributes"] = {"name": "Sale", "status": "Sent", "archived": False}
    (found,) = validate_answer(replace(sent, answer=json.dumps(answer).encode()))
    assert "definition" in found
