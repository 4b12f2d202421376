"""V and S: odd values and shapes, stored by the real `fivetran debug`."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import duckdb
from werkzeug import Response

from api import KlaviyoError
from tests import fivetran
from tests.chaos.fault_case import FaultCase
from tests.chaos.runs import DebugScriptedRun
from tests.connector.scripted import NOON, resource

EVENTS, LISTS = "/api/events", "/api/lists"
AN_HOUR_BEFORE_NOON = NOON.replace(hour=16).isoformat()
LONG_NUMBER = "a number of 5,000 digits"  # replaced in the body: Python refuses to write one


class OddEvent(NamedTuple):
    """An event's properties and other attributes, and what the named columns must hold."""

    properties: Mapping[str, Any]
    attributes: Mapping[str, Any]
    columns: dict[str, Any]


def odd(properties: Any = (), /, *, sent: Any = (), **columns: Any) -> OddEvent:
    """An event with odd properties or `sent` attributes. Columns not named are as usual."""
    return OddEvent(dict(properties), dict(sent), columns)


def no_number(value: Any, kept: Any = None) -> OddEvent:
    """A value that is no number: NULL in the column, kept in the properties as JSON can hold it."""
    properties = json.dumps({"Subject": "Hello", "$value": kept})
    return odd({"$value": value}, value=None, properties=properties)


def odd_datetime(value: Any, stored: str | None) -> OddEvent:
    """An event with this datetime, and what is stored of it."""
    return odd(sent={"datetime": value}, datetime=stored and datetime.fromisoformat(stored))


def nested_objects(depth: int) -> Any:
    """Objects in objects."""
    value: Any = "core"
    for _ in range(depth):
        value = {"in": value}
    return value


def events(name: str, warning: str = "", **odd_events: OddEvent) -> FaultCase:
    """A case that stores these events, by id."""
    return FaultCase(name, send_events, (odd_events, warning))


def send_events(run: DebugScriptedRun, events: Mapping[str, OddEvent], warning: str = "") -> None:
    """Send events: each is stored with its columns, and its JSON is valid."""
    documents = [
        resource(
            "event",
            id_,
            {"metric": "M1", "profile": "P1"},
            **{"datetime": AN_HOUR_BEFORE_NOON, **event.attributes},
            event_properties={"Subject": "Hello", **event.properties},
        )
        for id_, event in events.items()
    ]
    body = json.dumps({"data": documents, "links": {"next": None}})
    body = body.replace(f'"{LONG_NUMBER}"', "1" + "0" * 4_999)
    run.account.responses[EVENTS] = lambda _: Response(body)
    run.sync(message=warning)
    stored = {row["id"]: row for row in run.tables()["event"]}
    usual = {"subject": "Hello", "metric_id": "M1", "profile_id": "P1"}
    expected = [
        stored.get(id_, {"id": id_, "account_id": None}) | usual | event.columns
        for id_, event in events.items()
    ]
    run.baseline = {**run.tables(), "event": expected}
    assert _query(run, f"from {fivetran.SCHEMA}.event where not json_valid(properties)") == []


def _query(run: DebugScriptedRun, sql: str) -> list[Any]:
    with duckdb.connect(str(fivetran.warehouse(run.project)), read_only=True) as warehouse:
        return warehouse.sql(sql).fetchall()


def name_properties_oddly(run: DebugScriptedRun) -> None:
    """Send properties of odd names: they become no columns."""
    describe = f"describe {fivetran.SCHEMA}.event"
    send_events(run, {"plain": odd()})
    columns = _query(run, describe)
    names = ["First Name", "first_name", "Größe 日本", "select", "_fivetran_synced", "x" * 300, ""]
    properties = dict.fromkeys(names, 1)
    send_events(run, {"plain": odd(), "named": odd(properties)})
    assert columns == _query(run, describe)
    (stored,) = [row["properties"] for row in run.tables()["event"] if row["id"] == "named"]
    assert json.loads(stored) == {"Subject": "Hello", **properties}


def nest_too_deep(run: DebugScriptedRun) -> None:
    """Send JSON so deep that no parser reads it: the run fails, and nothing is loaded."""
    body = '{"data": [' + '{"a":' * 100_000 + "1" + "}" * 100_000 + '], "links": {"next": null}}'
    run.account.responses[EVENTS] = lambda _: Response(body)
    run.sync(KlaviyoError, "Message: /api/events: Klaviyo's answer is not a JSON document")
    run.account.responses.clear()
    run.sync()
    run.baseline = run.tables()


def omit_some_ids(run: DebugScriptedRun) -> None:
    """Send lists without an id, two of one id and entries that are no records."""
    good = [resource("list", f"L{n}", name="good") for n in range(5)]
    without: list[Any] = [None, {}, []]
    bad = [resource("list", id_, name="bad") for id_ in without]
    twice = [resource("list", "L0", name="again"), {**good[1], "id": 7}]
    run.account.documents[LISTS] = [*good, *bad, *twice, "no record", None]
    run.sync()
    names = {row["id"]: row["name"] for row in run.tables()["list"]}
    assert names == {"L0": "again", **{f"L{n}": "good" for n in range(1, 5)}, "7": "good"}
    assert len(fivetran.rows(fivetran.warehouse(run.project), "sync_error")) == 5
    run.baseline = run.tables()


def omit_many_ids(run: DebugScriptedRun) -> None:
    """Send over 1 % of lists without an id: Klaviyo no longer keeps its contract."""
    ids: list[Any] = [f"L{n}" if n % 50 else None for n in range(1_000)]
    listed = [resource("list", id_, name="x") for id_ in ids]
    run.account.documents[LISTS] = listed
    run.sync(KlaviyoError, "list: 20 of 1,000 records cannot be stored")
    run.account.documents[LISTS] = [document for document in listed if document["id"]]
    run.sync()
    assert len(run.tables()["list"]) == 980
    run.baseline = run.tables()
