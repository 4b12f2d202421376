"""D10: whatever happens in Klaviyo and to the connector, in any order, the warehouse ends equal.

Hypothesis makes up histories of one small account: campaigns are sent, records are changed,
archived and deleted, people are erased and merged, credits move, revenue is mapped to another
metric, the account's time zone changes, events arrive late or are dated ahead, pages come twice,
unsorted or falsely empty; syncs run, are killed, start without their state, pause for weeks and
change their tables. At the end of each history the tables must be those of a first sync of the same
account, and hold every record that a plain listing shows.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

import streams
from state.state import parse_state
from streams.profiles import ALL_PROFILES
from streams.registry import REFILLED
from tests.chaos.runs import (
    PERIODS,
    SNAPSHOTS,
    find_older_months,
    read_upcoming_events,
)
from tests.fake_clock import FakeClock
from tests.loader import SNAPSHOT_TABLES, KilledError, Loader, Row, Tables
from tests.sandbox_server import KEY, Sandbox, run_sandbox

NOW = datetime.fromisoformat("2026-11-16T15:00:00+00:00")
END = NOW + timedelta(days=50)  # the sandbox's data ends 10 days later
ACCOUNT = {"campaigns": 4, "profiles": 12, "seed": 5, "now": NOW.isoformat(), "epoch": "2026-11-16"}
EVERYTHING = {"api_key": KEY, "tables": "all"}
LATEST_DAYS = 6.9  # Klaviyo was seen to show events up to 7 days late
LATEST = timedelta(days=LATEST_DAYS)
AGGREGATES = "message_metric_daily"
FULL_REFRESH = timedelta(days=8)  # within it every table is read in full, history too
KINDS = {
    "campaign": "/api/campaigns", "flow": "/api/flows", "list": "/api/lists",
    "segment": "/api/segments", "tag": "/api/tags", "form": "/api/forms",
    "template": "/api/templates", "profile": "/api/profiles",
}  # fmt: skip
NAMES = {"campaign": ("definition", "name"), "profile": ("first_name",)}
ARCHIVED = {"campaign": ("definition", "archived"), "flow": ("archived",)}
ODD_PAGES = ["duplicate_page", "unsorted", "empty_page"]
PAGED = "/api/(events|segments|campaigns|profiles)$"
LISTED = "/api/(metrics|campaigns|flows|lists|segments|tags|forms|(lists|segments)/[^/]+/profiles)$"
FEWEST_PEOPLE = 4
REVENUE_METRICS = ["Placed Order", "Ordered Product", "Clicked Email"]
TIME_ZONES = ["America/New_York", "Pacific/Honolulu", "Asia/Kolkata", "Pacific/Kiritimati"]

SETTINGS: list[dict[str, str]] = [
    {},
    {"tables": "reporting"},
    {"tables": "campaign,flow_action,tag"},
    {"tables": "event"},
    {"tables": "event_attribution,profile,form_daily"},
    {"tables": "campaign_performance_daily,list_profile,message_metric_daily"},
    {"start_date": "2026-11-01"},
    {"event_metrics": "Placed Order"},
    {"reread_events_from": "2026-10-01"},
]
numbers = st.integers(0, 99)


@dataclass(frozen=True)
class Account:
    """A sandbox, the records in it at first and the events that are still to come."""

    sandbox: Sandbox
    records: dict[str, list[str]]  # ids by kind
    events: dict[str, datetime]  # by id, in order
    metrics: dict[str, str]  # ids by name


@pytest.fixture(scope="module", name="account")
def _account() -> Iterator[Account]:
    with (
        run_sandbox(**ACCOUNT, no_limits=True) as sandbox,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr("session.Clock", FakeClock)
        records = {kind: list_ids(sandbox, path) for kind, path in KINDS.items()}
        metrics = {
            metric["attributes"]["name"]: metric["id"] for metric in sandbox.all("/api/metrics")
        }
        yield Account(sandbox, records, read_upcoming_events(sandbox), metrics)


def list_ids(sandbox: Sandbox, path: str, **parameters: str) -> list[str]:
    """The ids that a listing shows, archived ones included."""
    partitions = (
        [{"filter": f"equals(archived,{archived})"} for archived in ("false", "true")]
        if path in ("/api/campaigns", "/api/flows")
        else [parameters]
    )
    return [row["id"] for partition in partitions for row in sandbox.all(path, **partition)]


def nest(path: tuple[str, ...], value: Any) -> Any:
    """A value at a path of keys."""
    for key in reversed(path):
        value = {key: value}
    return value


class AnyOrder(RuleBasedStateMachine):
    """One account and one connection to it."""

    account: ClassVar[Account]

    def __init__(self) -> None:
        super().__init__()
        self.sandbox = self.account.sandbox
        self.sandbox.reset()
        self.now = NOW
        self.records = {kind: list(ids) for kind, ids in self.account.records.items()}
        self.events = {id_: at for id_, at in self.account.events.items() if at > NOW}
        self.connection = Loader(self.sandbox.url, EVERYTHING)
        self.is_synced_again = False
        self.settled_at = NOW  # when Klaviyo has made every change that it makes later

    def advance(self, time: timedelta) -> None:
        """Move the account's clock on, up to the end of its data."""
        self.now = min(self.now + time, END)
        self.sandbox.move_to(self.now.isoformat())
        self.events = {id_: at for id_, at in self.events.items() if at > self.now}

    def show_event(self, number: int, lateness: timedelta | None) -> None:
        """Let an event that is to come become visible so long after its time; None is at once.

        One that is dated ahead may be visible already, and none is hidden again.
        """
        visible = list_ids(self.sandbox, "/api/events")
        hidden = [id_ for id_ in self.events if id_ not in visible]
        if hidden:
            id_ = hidden[number % len(hidden)]
            seen = self.now if lateness is None else self.events[id_] + lateness
            self.sandbox.edit("event", id_, {"seen": seen.isoformat()})
            del self.events[id_]

    @rule(hours=st.integers(1, 60))
    def work(self, hours: int) -> None:
        """Campaigns are sent, people subscribe, buy and leave."""
        self.advance(timedelta(hours=hours))

    @rule(days=st.integers(8, 40))
    def pause(self, days: int) -> None:
        """No sync runs for long."""
        self.advance(timedelta(days=days))

    @rule(changed=st.sampled_from(SETTINGS))
    def configure(self, changed: dict[str, str]) -> None:
        """The user changes the settings."""
        self.settle()
        self.connection.configuration = EVERYTHING | changed

    @rule(kind=st.sampled_from(sorted(KINDS)), number=numbers)
    def rename(self, kind: str, number: int) -> None:
        """A record gets another name."""
        id_ = self.records[kind][number % len(self.records[kind])]
        name = f"renamed at {self.now:%d, %H:%M}"
        self.sandbox.edit(kind, id_, nest(NAMES.get(kind, ("name",)), name))

    @rule(kind=st.sampled_from(sorted(ARCHIVED)), number=numbers)
    def archive(self, kind: str, number: int) -> None:
        """A campaign or flow is archived."""
        id_ = self.records[kind][number % len(self.records[kind])]
        self.sandbox.edit(kind, id_, nest(ARCHIVED[kind], value=True))

    @rule(kind=st.sampled_from(sorted(KINDS)), number=numbers)
    def delete(self, kind: str, number: int) -> None:
        """A record is deleted; the last of its kind stays, for the other rules."""
        if len(self.records[kind]) > 1:
            id_ = self.records[kind].pop(number % len(self.records[kind]))
            self.sandbox.edit(kind, id_, None)

    def take_person(self, number: int, days: float) -> str | None:
        """Take a person out of the account, whose events change days later; None if few are left.

        It is one that the connection knows: it cannot notice that others disappear.
        """
        accounts = parse_state(self.connection.state, streams.TABLES).accounts.values()
        known = {person for account in accounts for person in account.index.people(ALL_PROFILES)}
        people = [id_ for id_ in self.records["profile"] if id_ in known]
        if len(people) <= FEWEST_PEOPLE:
            return None
        person = people[number % len(people)]
        self.records["profile"].remove(person)
        self.settled_at = max(self.settled_at, self.now + timedelta(days=days))
        return person

    def settle(self) -> None:
        """Let Klaviyo make its later changes: a new reading before them would not be repeated."""
        self.advance(max(self.settled_at - self.now, timedelta(0)))

    @rule(number=numbers, days=st.floats(0, LATEST_DAYS))
    def erase(self, number: int, days: float) -> None:
        """A person is erased; the events are redacted days later."""
        if person := self.take_person(number, days):
            self.sandbox.erase(person, after_seconds=int(days * 86_400))

    @rule(number=numbers, other=numbers, days=st.floats(0, LATEST_DAYS))
    def merge(self, number: int, other: int, days: float) -> None:
        """Two profiles are merged; the events follow days later."""
        if person := self.take_person(number, days):
            survivor = self.records["profile"][other % len(self.records["profile"])]
            self.sandbox.merge(person, survivor, after_seconds=int(days * 86_400))

    @rule(number=numbers, other=numbers, hours=st.integers(0, 3))
    def move_credit(self, number: int, other: int, hours: int) -> None:
        """The credit for a recent event moves to another message, hours later."""
        since = (self.now - LATEST + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")
        page = {"include": "attributions", "page[size]": 1000}
        found = [
            attribution["relationships"]
            for page in self.sandbox.pages("/api/events", **page)
            for attribution in page["included"]
        ]
        recent = list_ids(self.sandbox, "/api/events", filter=f"greater-than(datetime,{since})")
        credited = [credit for credit in found if credit["event"]["data"]["id"] in recent]
        if credited:
            event = credited[number % len(credited)]["event"]["data"]["id"]
            touch = found[other % len(found)]["attributed-event"]["data"]["id"]
            self.sandbox.move_credit(event, touch, after_seconds=hours * 3_600)

    @rule(name=st.sampled_from(REVENUE_METRICS))
    def map_revenue(self, name: str) -> None:
        """Another metric is mapped to revenue."""
        self.sandbox.map_metric("revenue", self.account.metrics[name])

    @rule(zone=st.sampled_from(TIME_ZONES))
    def change_time_zone(self, zone: str) -> None:
        """The account's time zone changes: rows are deleted that results may have had."""
        self.sandbox.change_settings(timezone=zone)
        self.connection.ignores_unknown = True

    @rule(after=st.integers(0, 30))
    def send_empty_listing(self, after: int) -> None:
        """One listing is falsely empty; never a part of events or of changed profiles."""
        self.sandbox.fault("empty_listing", path=LISTED, times=1, after=after)

    @rule()
    def start_without_state(self) -> None:
        """The user starts a full re-sync in Fivetran."""
        self.settle()
        self.connection.state = {}
        self.is_synced_again = True

    @rule(number=numbers, days=st.floats(0.1, LATEST_DAYS))
    def delay_event(self, number: int, days: float) -> None:
        """An event becomes visible days after it happened."""
        self.show_event(number % 20, timedelta(days=days))

    @rule(number=numbers)
    def show_future_event(self, number: int) -> None:
        """An event that is dated ahead becomes visible."""
        self.show_event(number, None)

    @rule(fault=st.sampled_from(ODD_PAGES), after=st.integers(0, 5))
    def send_odd_page(self, fault: str, after: int) -> None:
        """One page comes twice, unsorted, or empty before itself."""
        self.sandbox.fault(fault, path=PAGED, times=1, after=after)

    @rule(operations=st.integers(0, 5_000))
    def kill(self, operations: int) -> None:
        """A sync is killed, or ends before that."""
        with suppress(KilledError):
            self.connection.sync(die_after=operations)

    @rule()
    def sync(self) -> None:
        """A sync runs to its end."""
        self.connection.sync()

    def teardown(self) -> None:
        """The tables equal the account and a first sync of it."""
        self.sandbox.clear_faults()
        if self.connection.configuration != EVERYTHING:
            self.connection.configuration = EVERYTHING
            self.connection.sync()
        for days in (0, 1):  # the second day requests the 13th old month
            self.sandbox.move_to((self.now + FULL_REFRESH + timedelta(days)).isoformat())
            self.connection.sync()
        found = self.connection.content()
        fresh = Loader(self.sandbox.url, EVERYTHING).sync().content()
        assert_snapshots(found)
        for table in streams.TABLES.keys() - SNAPSHOT_TABLES:
            stored, expected = found.get(table, {}), fresh.get(table, {})
            surplus = {key: stored[key] for key in stored.keys() - expected.keys()}
            kept = {key for key, row in surplus.items() if self.is_kept(table, row, expected)}
            assert expected == {key: stored[key] for key in stored.keys() - kept}, table
        for kind, path in {**KINDS, "event": "/api/events"}.items():
            rows = found.get(kind, {}).values()
            assert sorted(list_ids(self.sandbox, path)) == sorted(row["id"] for row in rows), kind

    def is_kept(self, table: str, row: Row, expected: dict[Any, Row]) -> bool:
        """Whether a row that a first sync lacks may stay.

        Rows that Klaviyo no longer reported before a re-sync do, and those of a metric that was
        mapped to revenue; and one sync requests at most 12 old months.
        """
        if self.is_synced_again and table not in REFILLED:
            return True
        if table == PERIODS and find_older_months([row], expected.values()):
            return True
        metric = "metric_id" if table == AGGREGATES else "conversion_metric_id"
        return metric in row and row[metric] not in {other[metric] for other in expected.values()}


def assert_snapshots(tables: Tables) -> None:
    """The latest snapshot of each row is the row."""
    columns = streams.TABLES["campaign_performance"].primary_key
    latest: dict[Any, Row] = {}
    for row in sorted(tables[SNAPSHOTS].values(), key=lambda row: str(row["snapshot_date"])):
        key = tuple(row[name] for name in columns)
        latest[key] = {name: value for name, value in row.items() if name != "snapshot_date"}
    assert latest
    for row in tables["campaign_performance"].values():
        assert row == latest[tuple(row[name] for name in columns)]


# 400 histories in eight items, so that every worker of pytest-xdist takes part of them.
CHAOS = [
    pytest.param(50, number, id=f"D10-50-{number}", marks=pytest.mark.chaos)
    for number in range(1, 9)
]


@pytest.mark.parametrize(("histories", "seed_"), [pytest.param(1, 0, id="D10-1"), *CHAOS])
def test_any_history_ends_equal(account: Account, histories: int, seed_: int) -> None:
    """After the last sync the warehouse equals the account and one full sync of it."""
    AnyOrder.account = account
    run_state_machine_as_test(
        seed(seed_)(AnyOrder),
        settings=settings(
            max_examples=histories,
            stateful_step_count=12,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
