"""D10: whatever happens in Klaviyo and to the connector, in any order, the warehouse ends equal.

Hypothesis makes up histories of one small account: its company works on, records are changed,
archived and deleted, events show late or dated ahead, pages come twice or unsorted, syncs run, are
killed, do not run for weeks and are to bring other tables. At the end of each the tables must be
those of a first sync of the same account, and hold every record that a plain reading of it lists.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest
import streams
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from tests.fake_clock import FakeClock
from tests.loader import KilledError, Loader, Row
from tests.sandbox_server import KEY, Sandbox, running_sandbox

NOW = "2026-11-16T15:00:00+00:00"
END = datetime.fromisoformat(NOW) + timedelta(days=50)  # the sandbox's story ends 10 days later
ACCOUNT = {"campaigns": 4, "profiles": 12, "seed": 5, "now": NOW, "epoch": NOW[:10]}
EVERYTHING = {"api_key": KEY, "tables": "all"}
LATEST = timedelta(days=6.9)  # Klaviyo was seen to show events up to 7 days late
RESTATED = timedelta(days=8)  # by then each table has been asked for anew, history too
KINDS = {
    "campaign": "/api/campaigns", "flow": "/api/flows", "list": "/api/lists",
    "segment": "/api/segments", "tag": "/api/tags", "form": "/api/forms",
    "template": "/api/templates", "profile": "/api/profiles",
}  # fmt: skip
NAMES = {"campaign": ("definition", "name"), "profile": ("first_name",)}
ARCHIVED = {"campaign": ("definition", "archived"), "flow": ("archived",)}
DAILY = "campaign_performance_daily"  # a snapshot of each day on which a sync saw it changed

CHOICES: list[dict[str, str]] = [
    {},
    {"tables": "reporting"},
    {"tables": "campaign,flow_action,tag"},
    {"tables": "event"},
    {"tables": "event_attribution,profile,form_daily"},
    {"tables": "campaign_performance_daily,list_profile,message_metric_daily"},
    {"start_date": "2026-11-01"},
    {"event_metrics": "Placed Order"},
]
which = st.integers(0, 99)


@dataclass(frozen=True)
class Story:
    """A sandbox, what stands in it at first and which events are still to come."""

    sandbox: Sandbox
    records: dict[str, list[str]]  # ids by kind
    events: dict[str, datetime]  # by id, in order


@pytest.fixture(scope="module", name="story")
def _story() -> Iterator[Story]:
    with (
        running_sandbox(**ACCOUNT, no_limits=True) as sandbox,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr("asking.Clock", FakeClock)
        records = {kind: ids(sandbox, path) for kind, path in KINDS.items()}
        sandbox.advance(30 * 86_400)
        told = sandbox.all("/api/events", **{"page[size]": 1000, "sort": "datetime"})
        events = {one["id"]: datetime.fromisoformat(one["attributes"]["datetime"]) for one in told}
        now = datetime.fromisoformat(NOW)
        yield Story(sandbox, records, {id_: at for id_, at in events.items() if at > now})


def ids(sandbox: Sandbox, path: str) -> list[str]:
    """The ids that a listing shows, archived ones included."""
    partitions = (
        [{"filter": f"equals(archived,{archived})"} for archived in ("false", "true")]
        if path in ("/api/campaigns", "/api/flows")
        else [{}]
    )
    return [one["id"] for asked in partitions for one in sandbox.all(path, **asked)]


def nested(path: tuple[str, ...], value: Any) -> Any:
    """A value at a path of keys."""
    for step in reversed(path):
        value = {step: value}
    return value


class AnyOrder(RuleBasedStateMachine):
    """One account and one connection to it."""

    story: ClassVar[Story]

    def __init__(self) -> None:
        super().__init__()
        self.sandbox = self.story.sandbox
        self.sandbox.reset()
        self.now = datetime.fromisoformat(NOW)
        self.alive = {kind: list(ids) for kind, ids in self.story.records.items()}
        self.events = dict(self.story.events)
        self.connection = Loader(self.sandbox.url, EVERYTHING)

    def pass_on(self, time: timedelta) -> None:
        """Let time pass in the account, up to the end of the story."""
        self.now = min(self.now + time, END)
        self.sandbox.move_to(self.now.isoformat())
        self.events = {id_: at for id_, at in self.events.items() if at > self.now}

    def show(self, which: int, since: timedelta | None) -> None:
        """Let an event that is to come be seen `since` its time; None is at once.

        One that is dated ahead may show already, and what has shown once shows for ever.
        """
        shown = ids(self.sandbox, "/api/events")
        hidden = [id_ for id_ in self.events if id_ not in shown]
        if hidden:
            id_ = hidden[which % len(hidden)]
            seen = self.now if since is None else self.events[id_] + since
            self.sandbox.edit("event", id_, {"seen": seen.isoformat()})
            del self.events[id_]

    @rule(hours=st.integers(1, 60))
    def add(self, hours: int) -> None:
        """The company works on: campaigns are sent, people come, buy and leave."""
        self.pass_on(timedelta(hours=hours))

    @rule(days=st.integers(8, 40))
    def pause(self, days: int) -> None:
        """Nobody syncs for long."""
        self.pass_on(timedelta(days=days))

    @rule(choice=st.sampled_from(CHOICES))
    def choose(self, choice: dict[str, str]) -> None:
        """The user chooses what to sync."""
        self.connection.configuration = EVERYTHING | choice

    @rule(kind=st.sampled_from(sorted(KINDS)), which=which)
    def update(self, kind: str, which: int) -> None:
        """A record gets another name."""
        record = self.alive[kind][which % len(self.alive[kind])]
        name = f"renamed at {self.now:%d, %H:%M}"
        self.sandbox.edit(kind, record, nested(NAMES.get(kind, ("name",)), name))

    @rule(kind=st.sampled_from(sorted(ARCHIVED)), which=which)
    def archive(self, kind: str, which: int) -> None:
        """A campaign or flow is archived."""
        record = self.alive[kind][which % len(self.alive[kind])]
        self.sandbox.edit(kind, record, nested(ARCHIVED[kind], value=True))

    @rule(kind=st.sampled_from(sorted(KINDS)), which=which)
    def delete(self, kind: str, which: int) -> None:
        """A record is deleted; the last of its kind stays, for the other rules."""
        if len(self.alive[kind]) > 1:
            record = self.alive[kind].pop(which % len(self.alive[kind]))
            self.sandbox.edit(kind, record, None)

    @rule(which=which, days=st.floats(0.1, LATEST / timedelta(days=1)))
    def late(self, which: int, days: float) -> None:
        """An event will show days after it happened."""
        self.show(which % 20, timedelta(days=days))

    @rule(which=which)
    def future(self, which: int) -> None:
        """An event shows that is dated ahead."""
        self.show(which, None)

    @rule(
        page=st.sampled_from(["duplicate_page", "unsorted", "empty_page"]), after=st.integers(0, 5)
    )
    def odd_page(self, page: str, after: int) -> None:
        """One page will come twice, unsorted, or empty before its true self."""
        self.sandbox.fault(
            page, path="/api/(events|segments|campaigns|profiles)$", times=1, after=after
        )

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
        """All is equal in the end."""
        self.sandbox.clear_faults()
        if self.connection.configuration != EVERYTHING:
            self.connection.configuration = EVERYTHING
            self.connection.sync()
        self.sandbox.move_to((self.now + RESTATED).isoformat())
        found = self.connection.sync().content()
        once = Loader(self.sandbox.url, EVERYTHING).sync().content()
        assert_snapshots(found)
        for table in streams.TABLES.keys() - {DAILY}:
            assert once.get(table, {}) == found.get(table, {}), table
        for kind, path in {**KINDS, "event": "/api/events"}.items():
            rows = found.get(kind, {}).values()
            assert sorted(ids(self.sandbox, path)) == sorted(row["id"] for row in rows), kind


def assert_snapshots(tables: dict[str, dict[str, Row]]) -> None:
    """The latest snapshot of each row is the row."""
    latest: dict[Any, Row] = {}
    for row in sorted(tables[DAILY].values(), key=lambda row: str(row["snapshot_date"])):
        key = tuple(row[name] for name in streams.TABLES["campaign_performance"].primary_key)
        latest[key] = {name: value for name, value in row.items() if name != "snapshot_date"}
    assert list(latest.values()) != []
    for row in tables["campaign_performance"].values():
        key = tuple(row[name] for name in streams.TABLES["campaign_performance"].primary_key)
        assert row == latest[key]


@pytest.mark.parametrize(
    "histories",
    [
        pytest.param(25, id="D10-25"),
        pytest.param(200, id="D10-200", marks=[pytest.mark.chaos, pytest.mark.timeout(3_600)]),
    ],
)
def test_any_history_ends_equal(story: Story, histories: int) -> None:
    """After the last sync the warehouse equals the account and one full sync of it."""
    AnyOrder.story = story
    run_state_machine_as_test(
        AnyOrder,
        settings=settings(
            max_examples=histories,
            stateful_step_count=12,
            derandomize=True,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
