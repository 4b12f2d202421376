"""V and S: odd values and shapes, stored by the real `fivetran debug`.

Each event or list holds one odd thing. `clean` is what the columns named here must hold then; all
other columns of a row are as they are for any event.
"""

import json
import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import duckdb
from values import CUT, DIGITS, TEXT_LENGTH
from werkzeug import Response

from tests import fivetran
from tests.chaos.row import Case, Row
from tests.chaos.trial import Clean, DebuggedScripted
from tests.connector.scripted import NOON, resource

EVENTS, LISTS = "/api/events", "/api/lists"
WHEN = "2026-11-20 16:00:00+00:00"  # an hour before noon in New York
MEGABYTE = 2**20
LONG_NUMBER = "a number of 5,000 digits"  # Python refuses to write one

Happening = Callable[[DebuggedScripted], None]


def odd(name: str, **cases: tuple[Mapping[str, Any], Mapping[str, Any]]) -> Case:
    """Events with these properties, and what columns must hold of each."""
    return Case(name, stored({id_: ({}, *case) for id_, case in cases.items()}), stage="scripted")


def stored(events: Mapping[str, tuple[Any, Any, Any]], says: str = "") -> Happening:
    """Events of these attributes and properties are stored with these columns."""

    def happen(trial: DebuggedScripted) -> None:
        documents = [
            resource(
                "event", id_, {"metric": "M1", "profile": "P1"},
                **{"datetime": (NOON.replace(hour=16)).isoformat(), **attributes},
                event_properties={"Subject": "Hello", **properties},
            )
            for id_, (attributes, properties, _) in events.items()
        ]  # fmt: skip
        body = json.dumps({"data": documents, "links": {"next": None}})
        body = body.replace(f'"{LONG_NUMBER}"', "1" + "0" * 4_999)
        trial.account.answers[EVENTS] = lambda _: Response(body)
        trial.sync(says=says)
        rows = {row["id"]: row for row in trial.found()["event"]}
        always = {"subject": "Hello", "metric_id": "M1", "profile_id": "P1"}
        wanted = [
            rows.get(id_, {"id": id_, "account_id": None}) | always | columns
            for id_, (_, _, columns) in events.items()
        ]
        trial.clean = Clean({**trial.found(), "event": wanted})
        _check_json(trial)

    return happen


def _check_json(trial: DebuggedScripted) -> None:
    """Each JSON column holds valid JSON, as the engine itself sees it."""
    with duckdb.connect(str(fivetran.warehouse(trial.project)), read_only=True) as warehouse:
        asked = f"select count(*) from {fivetran.SCHEMA}.event where not json_valid(properties)"
        assert warehouse.sql(asked).fetchone() == (0,)


def frozen_schema(trial: DebuggedScripted) -> None:
    """Names of properties become no columns."""

    def columns() -> Any:
        with duckdb.connect(str(fivetran.warehouse(trial.project)), read_only=True) as warehouse:
            return warehouse.sql(f"describe {fivetran.SCHEMA}.event").fetchall()

    stored({"plain": ({}, {}, {})})(trial)
    before = columns()
    names = ["First Name", "first_name", "Größe 日本", "select", "_fivetran_synced", "x" * 300, ""]
    given = dict.fromkeys(names, 1)
    stored({"plain": ({}, {}, {}), "named": ({}, given, {})})(trial)
    assert before == columns()
    (named,) = [row for row in trial.found()["event"] if row["id"] == "named"]
    assert json.loads(named["properties"]) == {"Subject": "Hello", **given}


def without_key(trial: DebuggedScripted) -> None:
    """Lists without an id are counted, not stored; of two with one id the last stays."""
    good = [resource("list", f"L{n}", name="good") for n in range(5)]
    without: list[Any] = [None, {}, []]
    bad = [resource("list", id_, name="bad") for id_ in without]
    twice = [resource("list", "L0", name="again"), {**good[1], "id": 7}]
    trial.account.documents[LISTS] = [*good, *bad, *twice, "no record", None]
    trial.sync()
    names = {row["id"]: row["name"] for row in trial.found()["list"]}
    assert names == {"L0": "again", **{f"L{n}": "good" for n in range(1, 5)}, "7": "good"}
    assert len(fivetran.rows(fivetran.warehouse(trial.project), "sync_error")) == 5
    trial.clean = Clean(trial.found())


def mostly_without_key(trial: DebuggedScripted) -> None:
    """When over 1 % of a table's records have no key, Klaviyo's answers have changed: exit 1."""
    ids: list[Any] = [f"L{n}" if n % 50 else None for n in range(1_000)]
    listed = [resource("list", id_, name="x") for id_ in ids]
    trial.account.documents[LISTS] = listed
    trial.sync(1, "list: 20 of 1,000 records cannot be stored")
    trial.account.documents[LISTS] = [one for one in listed if one["id"]]
    trial.sync()
    assert len(trial.found()["list"]) == 980
    trial.clean = Clean(trial.found())


def money(amount: float) -> tuple[dict[str, Any], dict[str, Any]]:
    """An amount is kept."""
    return {"$value": amount}, {"value": amount}


def unfit(value: Any, kept: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is no number is NULL in the column, and kept in the properties as JSON can hold it."""
    wanted = json.dumps({"Subject": "Hello", "$value": kept})
    return {"$value": value}, {"value": None, "properties": wanted}


def at(time: Any, stored_as: str | None) -> tuple[Any, Any, Any]:
    """A datetime and what is stored of it."""
    stored = stored_as and datetime.fromisoformat(stored_as)
    return {"datetime": time}, {}, {"datetime": stored}


def nested(depth: int) -> Any:
    """Objects in objects."""
    value: Any = "core"
    for _ in range(depth):
        value = {"in": value}
    return value


def too_deep(trial: DebuggedScripted) -> None:
    """JSON so deep that no parser reads it is no answer: exit 1, and nothing is loaded."""
    body = '{"data": [' + '{"a":' * 100_000 + "1" + "}" * 100_000 + '], "links": {"next": null}}'
    trial.account.answers[EVENTS] = lambda _: Response(body)
    trial.sync(1, "/api/events: Klaviyo's answer is not a JSON document")
    trial.account.answers.clear()
    trial.sync()
    trial.clean = Clean(trial.found())


ROWS = [
    Row(
        "V1",
        "NaN, Infinity, 1e400, 2^53+1, 2^63, 2^70, 5,000 digits, -0.0, '007', 't', 'NaN', ''",
        "a number or NULL in a column of numbers; text as it is; the rest of the row untouched",
        [
            odd(
                "numbers",
                nan=unfit(math.nan),
                inf=unfit(-math.inf),
                huge=unfit(10**400, str(10**400)),
                t=unfit("t", "t"),
                empty=unfit("", ""),
                word=unfit("NaN", "NaN"),
                no=unfit(None),
                digits=({"$value": "007"}, {"value": 7.0}),
                long=({"$value": 2**53 + 1}, {"value": float(2**53 + 1)}),
                longer=({"$value": 2**63}, {"value": float(2**63)}),
                longest=({"$value": 2**70}, {"value": float(2**70)}),
                zero=({"$value": -0.0}, {"value": 0.0}),
                thousands=(
                    {"$message": LONG_NUMBER},
                    {"message_id": "1" + "0" * (DIGITS - 1 - len(CUT)) + CUT},
                ),
                text=({"$message": "007"}, {"message_id": "007"}),
                number=({"$message": 2**70}, {"message_id": str(2**70)}),
            )
        ],
        "not run (textbook connector: one integer over 2^63 spoils the column)",
    ),
    Row(
        "V2",
        "joined emoji, right-to-left text, NUL, lone surrogates, a megabyte of text",
        "stored; what cannot be is replaced by U+FFFD; JSON stays valid JSON",
        [
            odd(
                "texts",
                emoji=({"Subject": "👩‍👩‍👧 שלום"}, {"subject": "👩‍👩‍👧 שלום"}),
                nul=({"Subject": "a\0b", "x\0": "\0"}, {"subject": "a\ufffdb"}),
                lone=({"Subject": "a\ud800b", "\udfff": "\ud800"}, {"subject": "a\ufffdb"}),
                long=({"Subject": "ä" * MEGABYTE}, {"subject": "ä" * MEGABYTE}),
            )
        ],
        "Airbyte and tap-klaviyo: a lone surrogate is passed on",
    ),
    Row(
        "V3",
        "10 to 100,000 levels of nesting, 300 properties, 4,000 items, a text of 17 MB",
        "stored up to Klaviyo's own limits; deeper levels are null, a longer text is cut and says"
        " so",
        [
            odd(
                "sizes",
                ten=({"deep": nested(10)}, {}),
                wide=({f"p{n}": n for n in range(300)}, {}),
                items=({"list": list(range(4_000))}, {}),
                fat=(
                    {"URL": "x" * 17_000_000},
                    {"url": "x" * (TEXT_LENGTH - len(CUT)) + CUT},
                ),
                thousand=({"deep": nested(900)}, {}),
            ),
            Case("100,000 levels", too_deep, stage="scripted"),
        ],
    ),
    Row(
        "V4",
        "times with Z, an offset, a space, milli- to nanoseconds, without a zone, empty, junk",
        "one instant, or NULL and kept in the JSON",
        [
            Case(
                "times",
                stored(
                    {
                        "z": at("2026-11-20T16:00:00Z", WHEN),
                        "offset": at("2026-11-20T11:00:00-05:00", WHEN),
                        "space": at("2026-11-20 16:00:00+00:00", WHEN),
                        "millis": at("2026-11-20T16:00:00.000Z", WHEN),
                        "nanos": at("2026-11-20T16:00:00.000000000Z", WHEN),
                        "naive": at("2026-11-20T16:00:00", WHEN),
                        "leap": at("2026-11-20T15:59:60Z", "2026-11-20 15:59:59+00:00"),
                        "old": at("2000-02-29T00:00:00Z", "2000-02-29 00:00:00+00:00"),
                        "empty": at("", None),
                        "junk": at("soon", None),
                        "number": at(1_795_190_400, None),
                    }
                ),
                stage="scripted",
            )
        ],
    ),
    Row(
        "V5",
        "money: 1234567.89, 0.1, 99999999999999.98, '1234567.89'",
        "kept to the cent",
        [
            odd(
                "amounts",
                usual=money(1234567.89),
                tenth=money(0.1),
                large=money(99999999999999.98),
                text=({"$value": "1234567.89"}, {"value": 1234567.89}),
            )
        ],
    ),
    Row(
        "S1",
        "an attribute is new, is gone, or has another type",
        "the sync goes on; a column of another type is NULL, one warning tells how often, and the"
        " JSON column keeps the value",
        [
            Case(
                "attributes",
                stored(
                    {
                        "new": ({"novelty": [1, 2]}, {"Novel": {"a": 1}}, {}),
                        "gone": ({"datetime": None, "timestamp": None}, {}, {"datetime": None}),
                        "object": ({"timestamp": {"now": 1}}, {}, {"timestamp": None}),
                        "text": ({"timestamp": "1795190400"}, {}, {"timestamp": 1795190400}),
                        "list": ({"uuid": ["a"]}, {"URL": {"a": 1}}, {"uuid": None, "url": None}),
                        "truth": ({}, {"Bot Click": "yes"}, {"is_bot_click": None}),
                    },
                    r"another type .*: timestamp \d, uuid \d, url \d, is_bot_click \d;",
                ),
                stage="scripted",
            )
        ],
    ),
    Row(
        "S2",
        "properties named in other scripts, with spaces, 300 letters, `select`, `_fivetran_synced`",
        "no column is made of data",
        [Case("names", frozen_schema, stage="scripted")],
    ),
    Row(
        "S3",
        "ids that are null, no text, or there twice; records that are none",
        "skipped and counted in sync_error; more than 1 % of a table: exit 1",
        [
            Case("some", without_key, stage="scripted"),
            Case("many", mostly_without_key, stage="scripted"),
        ],
    ),
]
