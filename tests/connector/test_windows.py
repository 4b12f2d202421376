"""A timeline is read around what Klaviyo cannot deliver, and each record of it once per sync."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import events
import pytest
from api import TransientError

from tests.loader import KilledError, Loader
from tests.sandbox_server import KEY, Sandbox, running_sandbox
from tests.unhurried import UnhurriedClock

NOW = "2026-11-16T15:00:00+00:00"
SMALL: dict[str, Any] = {
    "campaigns": 14, "profiles": 80, "seed": 5, "now": NOW, "no_limits": True
}  # fmt: skip
EVENTS = "/api/events"


@pytest.fixture(scope="module", name="running")
def _running() -> Iterator[Sandbox]:
    with running_sandbox(**SMALL) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def _connector(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connector asks for small pages, keeps each checkpoint, and nobody waits."""
    monkeypatch.setattr("asking.Clock", UnhurriedClock)
    monkeypatch.setattr("sync.ROWS_BETWEEN_CHECKPOINTS", 1)
    monkeypatch.setattr("events.EVENTS", replace(events.EVENTS, sizes=(40, 8, 1)))


@pytest.fixture
def sandbox(running: Sandbox) -> Iterator[Sandbox]:
    """A small account without faults."""
    running.reset_requests()
    yield running
    running.clear_faults()


def loader(sandbox: Sandbox, **configuration: str) -> Loader:
    """A connection that syncs events."""
    chosen = {"api_key": KEY, "tables": "event,event_attribution", "start_date": "2026-08-01"}
    return Loader(sandbox.url, {**chosen, **configuration})


def listed(sandbox: Sandbox) -> list[dict[str, Any]]:
    """The account's events since the start date, in order."""
    since = "greater-or-equal(datetime,2026-08-01T04:00:00Z)"
    return sandbox.all(EVENTS, filter=since, sort="datetime", **{"page[size]": 1000})


def ids(found: list[dict[str, Any]]) -> list[str]:
    """The ids of events."""
    return [one["id"] for one in found]


def asked(sandbox: Sandbox) -> Counter[int]:
    """How often Klaviyo was asked for events, by the status of its answer."""
    return Counter(one["status"] for one in sandbox.log() if one["path"] == EVENTS)


def crowded(found: list[dict[str, Any]]) -> list[str]:
    """The ids of the fullest second."""
    seconds: dict[str, list[str]] = {}
    for one in found:
        seconds.setdefault(one["attributes"]["datetime"], []).append(one["id"])
    return max(seconds.values(), key=len)


class TestUnreadable:
    """A record that no question can include."""

    @pytest.mark.parametrize("concurrency", ["1", "8"])
    @pytest.mark.parametrize("place", ["first", "middle", "crowd", "last"])
    def test_it_is_noted_and_all_others_arrive(
        self, sandbox: Sandbox, place: str, concurrency: str
    ) -> None:
        """Wherever it stands: its second stands in sync_error, and the sync succeeds."""
        found = listed(sandbox)
        crowd = crowded(found)
        assert len(crowd) > 2
        places = {"first": 0, "middle": len(found) // 2, "last": -1}
        poisoned = crowd[1] if place == "crowd" else found[places[place]]["id"]
        sandbox.fault("poison", path=EVENTS, ids=[poisoned])
        synced = loader(sandbox, concurrency=concurrency).sync()
        assert set(ids(found)) - {poisoned} == {row["id"] for row in synced.rows("event")}
        (error,) = synced.rows("sync_error")
        (time,) = (one["attributes"]["datetime"] for one in found if one["id"] == poisoned)
        assert error["table_name"] == "event"
        if place != "last":
            assert time[:19] in error["reason"]
        assert "500" in error["reason"]
        assert error["reason"] in synced.warnings[0]
        assert asked(sandbox)[500] <= 45

    def test_the_first_record_of_all_may_be_unreadable(self, sandbox: Sandbox) -> None:
        """Then history begins before it, wherever that is."""
        first, second = sandbox.all(EVENTS, sort="datetime", **{"page[size]": 1000})[:2]
        sandbox.fault("poison", path=EVENTS, ids=[first["id"]])
        found = {row["id"] for row in loader(sandbox, start_date="").sync().rows("event")}
        assert first["id"] not in found
        assert second["id"] in found

    def test_several_are_told_apart(self, sandbox: Sandbox) -> None:
        """Neighbours and strangers: each second that lacks one is named."""
        found = listed(sandbox)
        poisoned = {ids(found)[n] for n in (20, 21, 300, -30)}
        sandbox.fault("poison", path=EVENTS, ids=sorted(poisoned))
        synced = loader(sandbox).sync()
        assert set(ids(found)) - poisoned == {row["id"] for row in synced.rows("event")}
        seconds = {one["attributes"]["datetime"] for one in found if one["id"] in poisoned}
        assert len(synced.rows("sync_error")) == len(seconds)

    def test_pages_shrink_and_grow_back(
        self, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Klaviyo chokes on large pages: smaller ones are asked for until larger ones work."""
        monkeypatch.setattr("windows.LONGEST", timedelta(days=1))
        found = ids(listed(sandbox))
        sandbox.reset_requests()
        sandbox.fault("503", path=EVENTS, query="size%5D=40", times=12)
        synced = loader(sandbox, concurrency="1").sync()
        assert set(found) == {row["id"] for row in synced.rows("event")}
        assert not synced.rows("sync_error")
        sizes = [one["query"].partition("size%5D=")[2].partition("&")[0] for one in sandbox.log()]
        assert sizes.count("8") > 3
        assert "1" not in sizes
        assert sizes[-20:] == ["40"] * 20

    @pytest.mark.parametrize("fault", ["503", "reset", "html403"])
    def test_a_server_that_is_down_is_no_unreadable_record(
        self, sandbox: Sandbox, fault: str
    ) -> None:
        """H5: when nothing can be had the sync fails, and writes nothing off."""
        sandbox.fault(fault, path=EVENTS, after=3)
        synced = loader(sandbox, concurrency="1")
        with pytest.raises(TransientError):
            synced.sync()
        assert not synced.rows("sync_error")
        assert len(sandbox.log()) < 40
        sandbox.clear_faults()
        synced.sync()
        assert set(ids(listed(sandbox))) == {row["id"] for row in synced.rows("event")}


class TestAgain:
    """What is asked for again, and what is not."""

    def test_a_killed_sync_loses_only_the_pages_in_hand(self, sandbox: Sandbox) -> None:
        """P1: each kill costs at most a page for each thread, the page written and the lookback.

        Spans that were finished beyond the low-water mark are not read again.
        """
        threads, kills, page = 4, 3, 40
        found = listed(sandbox)
        killed = loader(sandbox, concurrency=str(threads))
        lookback = [one for one in found if one["attributes"]["datetime"] > "2026-11-09T14"]
        sandbox.reset_requests()
        for _ in range(kills):
            with pytest.raises(KilledError):
                killed.sync(die_after=len(found) // 4)
        killed.sync()
        assert set(ids(found)) == {row["id"] for row in killed.rows("event")}
        served = sum(one["records"] for one in sandbox.log() if one["path"] == EVENTS)
        assert served - len(found) <= kills * ((threads + 1) * page + len(lookback))

    def test_an_unreadable_record_arrives_once_klaviyo_delivers_it(self) -> None:
        """Within the lookback it is asked for again by the next sync that reaches back."""
        with running_sandbox(**SMALL) as own:
            late = [one for one in listed(own) if one["attributes"]["datetime"] < NOW][-1]["id"]
            own.fault("poison", path=EVENTS, ids=[late])
            synced = loader(own).sync()
            assert late not in {row["id"] for row in synced.rows("event")}
            own.clear_faults()
            own.advance(86_400)
            assert late in {row["id"] for row in synced.sync().rows("event")}
