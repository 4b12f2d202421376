"""D: pages that lead astray, and data that moves while it is read."""

from datetime import datetime, timedelta

from api import ContractError
from models import Operation, Upsert

from tests.chaos.row import Case, Row, quick
from tests.chaos.status import forget_snapshots
from tests.chaos.striking import EVENTS, OFTEN, PAGED, SEGMENTS, lasting, passing
from tests.chaos.trial import Clean, DebuggedOnSandbox, OnSandbox, Told
from tests.connector import scripted
from tests.connector.scripted import NOON
from tests.loader import Loader

DAY, MINUTE, SECOND = timedelta(days=1), timedelta(minutes=1), timedelta(seconds=1)
SHOWN_AT_ONCE = "/api/(campaigns|events|metrics|segments)$"


def empty_at_first(trial: OnSandbox) -> None:
    """The question where history begins gets an empty page that leads on: none of it is missed."""
    trial.begin_anew()
    trial.fault("empty_page", path=EVENTS)
    trial.sync()


def shifting(trial: OnSandbox) -> None:
    """Between two pages records are renamed and deleted; the newest version wins."""
    first, second, *_, last = sorted(row["id"] for row in trial.clean.tables["segment"])
    edits = [
        (first, {"name": "first, renamed midway"}),
        (last, {"name": "last, renamed midway"}),
        (second, None),
    ]
    trial.begin_anew()
    trial.sandbox.advance(86_400)

    def edit(operation: Operation) -> None:
        if isinstance(operation, Upsert) and operation.table == "segment":
            while edits:
                trial.sandbox.edit("segment", *edits.pop())

    trial.sync(between=edit)
    assert not edits
    trial.sandbox.advance(86_400)
    trial.sync()
    trial.renew_truth()
    forget_snapshots(trial)


def late(label: str, lateness: timedelta, within: timedelta) -> Case:
    """An event shows so long after it happened, between two syncs; it arrives in time."""

    def happen(trial: OnSandbox) -> None:
        id_, happened = trial.coming(DAY)
        shown = happened + lateness
        trial.sandbox.edit("event", id_, {"seen": shown.isoformat()})
        for moment in (shown - MINUTE, shown + MINUTE, shown + within):
            trial.sandbox.move_to(moment.isoformat())
            trial.sync()
        assert id_ in {row["id"] for row in trial.loader.rows("event")}
        trial.renew_truth()
        forget_snapshots(trial)

    return Case(label, happen)


def ahead(trial: OnSandbox) -> None:
    """Events dated a second to weeks ahead are stored; what happens meanwhile is not missed."""
    for wait in (timedelta(), 7 * DAY, 30 * DAY):
        trial.sandbox.edit("event", trial.coming(wait)[0], {"seen": trial.now.isoformat()})
    trial.sync()
    assert sum(row["is_future"] for row in trial.loader.rows("event")) > 3
    assert all(
        time <= trial.now.isoformat() for time in trial.known("event") if isinstance(time, str)
    )
    trial.sandbox.advance(20 * 86_400)
    trial.sync()
    trial.renew_truth()
    forget_snapshots(trial)


def a_year_ahead(trial: Told) -> None:
    """Events dated a second, a day and a year ahead hide none of the 20 that follow them."""

    def happened(*times: datetime) -> None:
        for time in times:
            id_ = str(len(listed))
            listed.append(scripted.resource("event", id_, datetime=time.isoformat()))

    listed = trial.account.documents["/api/events"]
    happened(*(NOON + ahead for ahead in (SECOND, DAY, 365 * DAY)))
    trial.sync()
    assert len(trial.found()["event"]) == 3
    assert all(time <= NOON.isoformat() for time in trial.known("event") if isinstance(time, str))
    happened(*(NOON + number * MINUTE for number in range(1, 21)))
    trial.account.now += 21 * MINUTE
    trial.sync()
    fresh = Loader(trial.loader.url, trial.loader.configuration).sync().content()
    trial.clean = Clean({name: list(rows.values()) for name, rows in fresh.items()})
    assert len(trial.clean.tables["event"]) == 23


def out_of_order(trial: Told) -> None:
    """Each page is in order, but later ones hold earlier events: a dense first page hides none."""
    order = [1, 2, 3, 30, 20, 21, 22, 23, 24, 25, 26, 27, 41, 42, 43, 44]
    trial.account.documents["/api/events"] = [
        scripted.resource("event", str(n), datetime=(NOON - 400 * DAY + n * MINUTE).isoformat())
        for n in order
    ]
    fresh = Loader(trial.loader.url, trial.loader.configuration).sync().content()  # on one page
    trial.clean = Clean({name: list(rows.values()) for name, rows in fresh.items()})
    trial.account.page_size = 4
    trial.sync()


def misdated(seconds: int) -> Case:
    """For one sync Klaviyo's clock is off, then it jumps back. Ours is off by days all along."""

    def happen(trial: OnSandbox) -> None:
        trial.fault("clock", seconds=seconds)
        error = trial.attempt()  # Klaviyo refuses to filter by what it takes for a time to come
        assert error is None or "must be in the past" in str(error)
        trial.sandbox.clear_faults()
        for hours in (3, 24, 24):
            trial.sandbox.advance(hours * 3_600)
            trial.sync()
        trial.renew_truth()
        forget_snapshots(trial)

    return Case(f"{seconds:+} s", happen)


def elsewhere(zone: str) -> Case:
    """The machine stands in another time zone; a change to winter time lies in the data."""

    def happen(trial: DebuggedOnSandbox) -> None:
        trial.environment = {"TZ": zone}
        trial.sync()

    return Case(zone, happen, stage="debug")


def gone(trial: OnSandbox) -> None:
    """Within a day archived records say so, and deleted ones and those who left are deleted."""
    tables = trial.clean.tables
    trial.sandbox.edit("campaign", tables["campaign"][0]["id"], {"definition": {"archived": True}})
    trial.sandbox.edit("flow", tables["flow"][0]["id"], {"archived": True})
    for kind in ("tag", "list", "template", "form", "profile"):
        trial.sandbox.edit(kind, tables[kind][-1]["id"], None)
    trial.sandbox.advance(8 * 86_400)
    trial.sync()
    assert trial.loader.deleted["tag"] == trial.loader.deleted["list"] == 1
    trial.renew_truth()
    forget_snapshots(trial)


ROWS = [
    Row(
        "D1",
        "a page twice; an empty page that leads on",
        "nothing is missed and nobody is bothered",
        [
            quick(passing("duplicate_page", "segments", times=1, after=1, path=SEGMENTS)),
            passing("duplicate_page", "events", **OFTEN, path=EVENTS),
            quick(passing("empty_page", **OFTEN, path=PAGED)),
            quick(Case("empty page first of all", empty_at_first)),
        ],
    ),
    Row(
        "D2",
        "the next page is always the same",
        "exit 1 at the third repeat",
        [
            *lasting("loop", ContractError, EVENTS, SEGMENTS),
            # A first page, of whichever window comes second, leads to itself without a cursor.
            *map(
                quick,
                lasting(
                    "loop",
                    ContractError,
                    EVENTS,
                    says="in a circle|holds no cursor",
                    after=1,
                    label="later",
                ),
            ),
        ],
        "Airbyte: hangs, 1,158 calls in 60 s; tap-klaviyo: hangs, 11,849 calls in 60 s",
    ),
    Row(
        "D3",
        "records are renamed and deleted between two pages of their listing",
        "the newest version wins by the next sync",
        [quick(Case("segments", shifting))],
    ),
    Row(
        "D4",
        "pages are unsorted, whatever order was asked for",
        "nothing is taken for read that was not",
        [
            quick(passing("unsorted", path=SHOWN_AT_ONCE)),
            Case("across pages", out_of_order, stage="told", quick=True),
        ],
    ),
    Row(
        "D5",
        "an event shows 110 minutes, 4 or 6.9 days after it happened",
        "it arrives by the next sync (110 minutes) or within a day; the bound is 7 days",
        [
            late("110 minutes", 110 * MINUTE, within=2 * MINUTE),
            late("4 days", 4 * DAY, within=DAY),
            late("6.9 days", 6.9 * DAY, within=DAY),
            quick(late("7 days, after the daily look back", 7 * DAY - 2 * MINUTE, within=DAY)),
        ],
        "Airbyte: 5 lost (no lookback); tap-klaviyo: 5 lost",
    ),
    Row(
        "D6",
        "events dated a second to a year ahead, then ordinary ones",
        "all are stored; no watermark passes Klaviyo's clock",
        [
            Case("weeks", ahead),
            Case("a year", a_year_ahead, stage="told", quick=True),
        ],
        "Airbyte: ok; tap-klaviyo: 20 lost, bookmark 30 days ahead",
    ),
    Row(
        "D7",
        "Klaviyo's clock is off by an hour or a day, then jumps back; ours is off by days always",
        "Klaviyo's Date header is the clock; two days after it is right nothing is missing. Ahead"
        " of the truth a sync may fail",
        [misdated(seconds) for seconds in (-86_400, -3_600, 3_600, 86_400)],
    ),
    Row(
        "D8",
        "the machine stands in New York, Kolkata or on Kiritimati; leap seconds and odd days:"
        " test_values.py",
        "the warehouse is the same, row for row",
        [elsewhere(zone) for zone in ("America/New_York", "Asia/Kolkata", "Pacific/Kiritimati")],
        "tap-klaviyo: shifts times (code)",
    ),
    Row(
        "D9",
        "campaigns and flows are archived; tags, lists, templates, forms and profiles deleted",
        "archived ones say so; deleted ones, their members and links are deleted within a day",
        [quick(Case("archived and deleted", gone))],
    ),
    Row(
        "D10",
        "any history of additions, changes, deletions, late and early events, odd pages and kills",
        "the warehouse equals the account, and many syncs equal one; 200 histories",
        shown="tests/chaos/test_any_order.py::test_any_history_ends_equal",
    ),
]
