"""A long listing is read in parallel windows, around records that Klaviyo fails to return."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from api import ContractError, KlaviyoClient, TransientError
from state.state import WindowedState
from streams import catalog
from streams.declarations import BEFORE_KLAVIYO
from streams.window_reader import PAGES_PER_WINDOW
from streams.windowed import FIRST_LENGTH, Coverage, WindowPlanner
from tests.connector import scripted
from tests.connector.scripted import DAY, NOON, ScriptedAccount, ScriptedRun, run
from tests.fake_clock import FakeClock
from tests.loader import KilledError, Loader
from tests.sandbox_server import KEY, Sandbox, run_sandbox

NOW = "2026-11-16T15:00:00+00:00"
SMALL: dict[str, Any] = {
    "campaigns": 14, "profiles": 80, "seed": 5, "now": NOW, "no_limits": True
}  # fmt: skip
EVENTS = "/api/events"
SEPTEMBER = datetime(2026, 9, 1, 4, tzinfo=UTC)  # midnight in New York
SINCE_SEPTEMBER = {"tables": "event", "start_date": "2026-09-01"}
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
CURSOR = "page[cursor]"
JSON_API = "application/vnd.api+json"
TIMEOUT = 20.0  # seconds; a thread that has not arrived by then does not arrive


@pytest.fixture(scope="module", name="shared_sandbox")
def _shared_sandbox() -> Iterator[Sandbox]:
    with run_sandbox(**SMALL) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def _connector(monkeypatch: pytest.MonkeyPatch) -> None:
    """Request small pages, yield each checkpoint, and wait for no time."""
    monkeypatch.setattr("session.Clock", FakeClock)
    monkeypatch.setattr("sync.ROWS_BETWEEN_CHECKPOINTS", 1)
    monkeypatch.setattr("streams.events.EVENTS", replace(catalog.EVENTS, page_sizes=(40, 8, 1)))


@pytest.fixture
def sandbox(shared_sandbox: Sandbox) -> Iterator[Sandbox]:
    """A small account without faults."""
    shared_sandbox.reset_requests()
    yield shared_sandbox
    shared_sandbox.clear_faults()


@pytest.fixture
def parallel_account(
    account: ScriptedAccount, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ScriptedAccount]:
    """A scripted account that responds to several requests at once."""
    with HTTPServer(host="127.0.0.1", threaded=True) as server:
        scripted.serve(server, account)
        monkeypatch.setenv("KLAVIYO_BASE_URL", server.url_for("").rstrip("/"))
        yield account


def events_at(*times: datetime) -> list[Any]:
    """Events of these times."""
    return [
        scripted.resource("event", str(number), datetime=happened.isoformat())
        for number, happened in enumerate(times)
    ]


def count_writes(sync: ScriptedRun) -> Counter[str]:
    """How often a sync wrote each event."""
    return Counter(row["id"] for row in sync.rows("event"))


def windows(account: ScriptedAccount) -> list[tuple[datetime, datetime]]:
    """The requested windows, in order; one of several pages is there once."""
    filters = dict.fromkeys(
        request.params.get("filter", "") for request in account.requests_to(EVENTS)
    )
    found = [
        [time for *_, time in scripted.TIME_CONDITION.findall(condition)] for condition in filters
    ]
    bounds = [list(map(datetime.fromisoformat, times)) for times in found if times]
    return [(start, end[0] if end else account.now) for start, *end in bounds]


def loader(sandbox: Sandbox, **configuration: str) -> Loader:
    """A connection that syncs events."""
    chosen = {"api_key": KEY, "tables": "event,event_attribution", "start_date": "2026-08-01"}
    return Loader(sandbox.url, {**chosen, **configuration}, state=scripted.EMPTY_WAREHOUSE)


def list_events(sandbox: Sandbox) -> list[dict[str, Any]]:
    """The account's events since the start date, in order."""
    since = "greater-or-equal(datetime,2026-08-01T04:00:00Z)"
    return sandbox.all(EVENTS, filter=since, sort="datetime", **{"page[size]": 1000})


def ids(found: list[dict[str, Any]]) -> list[str]:
    """The ids of events."""
    return [record["id"] for record in found]


def requests_by_status(sandbox: Sandbox) -> Counter[int]:
    """How many requests for events had each status."""
    return Counter(entry["status"] for entry in sandbox.log() if entry["path"] == EVENTS)


def ids_of_fullest_second(found: list[dict[str, Any]]) -> list[str]:
    """The ids of the second with the most events."""
    seconds: dict[str, list[str]] = {}
    for record in found:
        seconds.setdefault(record["attributes"]["datetime"], []).append(record["id"])
    return max(seconds.values(), key=len)


class TestUnreadable:
    """A record that no response can include."""

    @pytest.mark.parametrize("concurrency", ["1", "8"])
    @pytest.mark.parametrize("place", ["first", "middle", "crowd", "last"])
    def test_an_unreadable_record_is_reported_and_the_others_arrive(
        self, sandbox: Sandbox, place: str, concurrency: str
    ) -> None:
        """Wherever it is: sync_error names its second, and the sync succeeds."""
        found = list_events(sandbox)
        crowd = ids_of_fullest_second(found)
        assert len(crowd) > 2
        places = {"first": 0, "middle": len(found) // 2, "last": -1}
        poisoned = crowd[1] if place == "crowd" else found[places[place]]["id"]
        sandbox.fault("poison", path=EVENTS, ids=[poisoned])
        synced = loader(sandbox, concurrency=concurrency).sync()
        assert set(ids(found)) - {poisoned} == {row["id"] for row in synced.rows("event")}
        (error,) = synced.rows("sync_error")
        (time,) = (record["attributes"]["datetime"] for record in found if record["id"] == poisoned)
        assert error["table_name"] == "event"
        if place != "last":
            assert time[:19] in error["reason"]
        assert "500" in error["reason"]
        assert error["reason"] in synced.warnings[0]
        assert requests_by_status(sandbox)[500] <= 45

    def test_the_first_record_of_all_may_be_unreadable(self, sandbox: Sandbox) -> None:
        """Then history begins before it, in 1990."""
        first, second = sandbox.all(EVENTS, sort="datetime", **{"page[size]": 1000})[:2]
        sandbox.fault("poison", path=EVENTS, ids=[first["id"]])
        found = {row["id"] for row in loader(sandbox, start_date="").sync().rows("event")}
        assert first["id"] not in found
        assert second["id"] in found

    def test_the_first_record_of_all_may_have_no_time(self, account: ScriptedAccount) -> None:
        """Then history begins before it, in 1990."""
        first = scripted.resource("event", "0", datetime=None)
        timeless = json.dumps({"data": [first], "links": {"next": None}})
        account.documents[EVENTS] = events_at(SEPTEMBER)
        account.responses[EVENTS] = lambda request: (
            Response(timeless, content_type=JSON_API) if request.args["page[size]"] == "1" else None
        )
        done = run(tables="event", concurrency="1")
        assert windows(account)[0][0] == BEFORE_KLAVIYO
        assert count_writes(done) == Counter("0")

    def test_each_unreadable_record_is_reported(self, sandbox: Sandbox) -> None:
        """Neighbours or not: each second that lacks one is named."""
        found = list_events(sandbox)
        poisoned = {ids(found)[n] for n in (20, 21, 300, -30)}
        sandbox.fault("poison", path=EVENTS, ids=sorted(poisoned))
        synced = loader(sandbox).sync()
        assert set(ids(found)) - poisoned == {row["id"] for row in synced.rows("event")}
        seconds = {record["attributes"]["datetime"] for record in found if record["id"] in poisoned}
        assert len(synced.rows("sync_error")) == len(seconds)

    def test_records_between_two_of_one_second_are_missing(self, sandbox: Sandbox) -> None:
        """No request reaches them: the warning says that they are missing too."""
        found = list_events(sandbox)
        first, between, second = ids_of_fullest_second(found)[:3]
        sandbox.fault("poison", path=EVENTS, ids=[first, second])
        synced = loader(sandbox).sync()
        missing = set(ids(found)) - {row["id"] for row in synced.rows("event")}
        assert missing == {first, between, second}
        (warning,) = synced.warnings
        assert "if there are several, those between them are missing too" in warning

    @pytest.mark.parametrize("after", [4, 37], ids=["at once", "in the search"])
    def test_no_record_is_unreadable_while_klaviyo_is_away(
        self, sandbox: Sandbox, after: int
    ) -> None:
        """Where no later request for events has an answer, the sync fails and leaves none out."""
        found = list_events(sandbox)
        sandbox.reset_requests()
        sandbox.fault("503", path=EVENTS, after=after)
        sandbox.fault("poison", path=EVENTS, ids=[found[len(found) // 2]["id"]])
        connection = loader(sandbox, concurrency="1")
        with pytest.raises(TransientError):
            connection.sync()
        assert connection.rows("sync_error") == []

    def test_pages_shrink_and_grow_back(
        self, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Klaviyo fails on large pages: smaller ones are requested until larger ones work."""
        monkeypatch.setattr("streams.windowed.MAX_LENGTH", timedelta(days=1))
        found = ids(list_events(sandbox))
        sandbox.reset_requests()
        sandbox.fault("503", path=EVENTS, query="size%5D=40", times=12)
        synced = loader(sandbox, concurrency="1").sync()
        assert set(found) == {row["id"] for row in synced.rows("event")}
        assert not synced.rows("sync_error")
        sizes = [
            entry["query"].partition("size%5D=")[2].partition("&")[0] for entry in sandbox.log()
        ]
        assert sizes.count("8") > 3
        assert "1" not in sizes
        assert sizes[-20:] == ["40"] * 20

    @pytest.mark.parametrize("readable", ["alone", "backwards"])
    def test_a_record_that_is_readable_after_all_arrives(
        self, account: ScriptedAccount, readable: str
    ) -> None:
        """Where its second alone, or the reverse order, can be read, no record is missing."""
        bad = NOON - 3 * MINUTE
        account.documents[EVENTS] = events_at(bad - MINUTE, bad, bad + MINUTE)

        def respond(request: Request) -> Response | None:
            times = scripted.TIME_CONDITION.findall(request.args.get("filter", ""))
            start, end = (*(datetime.fromisoformat(time) for *_, time in times), NOON)[:2]
            is_readable = (
                end - start == SECOND
                if readable == "alone"
                else request.args["sort"].startswith("-")
            )
            return None if is_readable or not start <= bad < end else Response("", 500)

        account.responses[EVENTS] = respond
        done = run(tables="event", start_date="2026-11-20", concurrency="1")
        assert (done.error, done.rows("sync_error")) == (None, [])
        assert count_writes(done).keys() == {"0", "1", "2"}

    def test_a_throttled_listing_is_no_unreadable_record(self, account: ScriptedAccount) -> None:
        """A smaller page would be throttled too, so the sync fails without trying any."""
        account.fail_with(EVENTS, 429, Retry_After="30")
        done = run(tables="event", start_date="2026-11-20", concurrency="1")
        assert isinstance(done.error, TransientError)
        assert {request.params["page[size]"] for request in account.requests_to(EVENTS)} == {"40"}

    def test_a_refused_request_ends_the_listing(self, account: ScriptedAccount) -> None:
        """A 400 for anything but the page size is final, and smaller pages are not tried."""
        account.fail_with(EVENTS, 400, "'bogus' is not a filterable field")
        done = run(tables="event", start_date="2026-11-20", concurrency="1")
        assert isinstance(done.error, ContractError)
        assert len(account.requests_to(EVENTS)) == 1

    def test_an_empty_page_with_a_link_is_not_the_end(self, account: ScriptedAccount) -> None:
        """Only the page without a link is the last one."""
        account.documents[EVENTS] = events_at(NOON - MINUTE)
        empty = {"data": [], "links": {"next": "https://a.klaviyo.com/?page[cursor]=0"}}
        account.responses[EVENTS] = lambda request: (
            None if CURSOR in request.args else Response(json.dumps(empty))
        )
        done = run(tables="event", start_date="2026-11-20")
        assert count_writes(done) == Counter(["0"])

    @pytest.mark.parametrize("fault", ["503", "reset", "html403"])
    def test_a_server_that_is_down_is_no_unreadable_record(
        self, sandbox: Sandbox, fault: str
    ) -> None:
        """Where no request succeeds the sync fails, and no record is given up."""
        sandbox.fault(fault, path=EVENTS, after=3)
        synced = loader(sandbox, concurrency="1")
        with pytest.raises(TransientError):
            synced.sync()
        assert not synced.rows("sync_error")
        assert len(sandbox.log()) < 40
        sandbox.clear_faults()
        synced.sync()
        assert set(ids(list_events(sandbox))) == {row["id"] for row in synced.rows("event")}

    def test_a_record_that_times_out_is_bisected(
        self, parallel_account: ScriptedAccount, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Klaviyo never answers a request that includes it: real time-outs, and all others."""
        monkeypatch.setattr("session.KlaviyoClient", partial(KlaviyoClient, deadline=0.3))
        slow = NOON - 3 * MINUTE
        parallel_account.documents[EVENTS] = events_at(slow - MINUTE, slow, slow + MINUTE)
        over = threading.Event()

        def respond(request: Request) -> None:
            found = scripted.TIME_CONDITION.findall(request.args["filter"])
            start, end = (*(datetime.fromisoformat(time) for *_, time in found), NOON)[:2]
            if start <= slow < end:
                over.wait(TIMEOUT)

        parallel_account.responses[EVENTS] = respond
        done = run(tables="event", start_date="2026-11-20", concurrency="1")
        over.set()
        assert done.error is None
        assert count_writes(done).keys() == {"0", "2"}
        (error,) = done.rows("sync_error")
        assert f"{slow:%Y-%m-%dT%H:%M:%S}" in error["reason"]
        assert "no whole answer within" in error["reason"]
        assert {
            request.params["page[size]"] for request in parallel_account.requests_to(EVENTS)
        } == {
            "40",
            "8",
            "1",
        }
        assert (slow, slow + SECOND) in windows(parallel_account)


class TestResume:
    """What is requested again, and what is not."""

    def test_a_killed_sync_requests_few_records_again(self, sandbox: Sandbox) -> None:
        """Each kill costs the written page, the lookback and at most a page of each thread.

        And one more where a dense window was about to be cut.
        """
        threads, kills, page = 4, 3, 40
        found = list_events(sandbox)
        killed = loader(sandbox, concurrency=str(threads))
        lookback = [
            record for record in found if record["attributes"]["datetime"] > "2026-11-09T14"
        ]
        sandbox.reset_requests()
        for _ in range(kills):
            with pytest.raises(KilledError):
                killed.sync(die_after=len(found) // 4)
        killed.sync()
        assert set(ids(found)) == {row["id"] for row in killed.rows("event")}
        served = sum(entry["records"] for entry in sandbox.log() if entry["path"] == EVENTS)
        assert served - len(found) <= kills * ((2 * threads + 1) * page + len(lookback))

    def test_an_unreadable_record_arrives_once_it_is_readable(self) -> None:
        """The next daily lookback requests it again."""
        with run_sandbox(**SMALL) as own:
            late = [
                record for record in list_events(own) if record["attributes"]["datetime"] < NOW
            ][-1]["id"]
            own.fault("poison", path=EVENTS, ids=[late])
            synced = loader(own).sync()
            assert late not in {row["id"] for row in synced.rows("event")}
            own.clear_faults()
            own.advance(86_400)
            assert late in {row["id"] for row in synced.sync().rows("event")}

    def test_covered_windows_are_not_requested_again(
        self, parallel_account: ScriptedAccount
    ) -> None:
        """Klaviyo goes down while the oldest window is read and later ones are written."""
        parallel_account.documents[EVENTS] = events_at(*(SEPTEMBER + n * DAY for n in range(70)))
        later = threading.Semaphore(0)
        down = threading.Event()

        def respond(request: Request) -> Response | None:
            if f"equal(datetime,{SEPTEMBER:%Y-%m-%d}" not in request.args["filter"]:
                later.release()
            elif not down.is_set():
                all(later.acquire(timeout=TIMEOUT) for _ in range(5))
                down.set()
            return Response("", 503) if down.is_set() else None

        parallel_account.responses[EVENTS] = respond
        first = run(**SINCE_SEPTEMBER, concurrency="2")
        assert isinstance(first.error, TransientError)
        parallel_account.responses.clear()
        second = run(first.state, **SINCE_SEPTEMBER)
        assert len(count_writes(first)) > 3
        assert count_writes(first) + count_writes(second) == Counter(map(str, range(70)))


class TestPlanner:
    """Which windows are requested, and how many at once."""

    @pytest.mark.parametrize("threads", [1, 4])
    def test_concurrency_is_the_number_of_parallel_requests(
        self, parallel_account: ScriptedAccount, threads: int
    ) -> None:
        """As many as `concurrency` says, and never one more."""
        lock, all_there = threading.Lock(), threading.Event()
        there: list[int] = []
        most = 0

        def respond(_: Request) -> None:
            nonlocal most
            with lock:
                there.append(1)
                most = max(most, len(there))
                if most == threads:
                    all_there.set()
            all_there.wait(TIMEOUT)
            all_there.set()  # a thread that has not arrived by now is not waited for again
            time.sleep(0.01)  # long enough for one too many to arrive
            with lock:
                there.pop()

        parallel_account.responses[EVENTS] = respond
        run(**SINCE_SEPTEMBER, concurrency=str(threads))
        assert most == threads

    def test_a_dense_window_is_cut(self, account: ScriptedAccount) -> None:
        """Where its first page reaches no eighth of it; nothing is written twice."""
        account.page_size = 10
        times = [*(SEPTEMBER + n * MINUTE for n in range(60)), SEPTEMBER + DAY - MINUTE]
        account.documents[EVENTS] = events_at(*times)
        done = run(**SINCE_SEPTEMBER, concurrency="1")
        assert count_writes(done) == Counter(map(str, range(61)))
        cut = SEPTEMBER + 9 * MINUTE
        assert windows(account)[:2] == [(SEPTEMBER, SEPTEMBER + DAY), (SEPTEMBER, cut)]
        assert windows(account)[2][0] == cut
        whole, part = account.requests_to(EVENTS)[:2]
        turned = [
            request.params["filter"]
            for request in account.requests_to(EVENTS)
            if CURSOR in request.params
        ]
        assert not {whole.params["filter"], part.params["filter"]} & {*turned}

    def test_windows_shorten_towards_the_end(self) -> None:
        """A window is at most a thread's share of what is left, and at least a page's."""
        coverage = Coverage(
            *(NOON - FIRST_LENGTH, NOON, DAY),
            reaches_back=False,
            previous=WindowedState(),
            covered=[],
        )
        planner = WindowPlanner(coverage, page_size=100, threads=4)
        windows = []
        while planner.has_windows():
            windows.append(planner.take_window())
        lengths = [(window.end or NOON) - window.start for window in windows]
        assert lengths[0] == FIRST_LENGTH / 4
        assert lengths[1] == FIRST_LENGTH * 3 / 16
        assert lengths == sorted(lengths, reverse=True)
        assert min(lengths[:-1]) == FIRST_LENGTH / PAGES_PER_WINDOW

    def test_bounds_are_whole_seconds(
        self, account: ScriptedAccount, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Klaviyo's filters know nothing finer, and no window is shorter than a second."""
        monkeypatch.setattr("streams.events.EVENTS", replace(catalog.EVENTS, page_sizes=(8, 1)))
        account.page_size = 8
        account.documents[EVENTS] = events_at(
            *(NOON - timedelta(seconds=60.5 - n / 10) for n in range(500))
        )
        done = run(tables="event", concurrency="4")
        assert count_writes(done).keys() == set(map(str, range(500)))
        assert len(windows(account)) > 10
        for start, end in windows(account):
            assert start.microsecond == end.microsecond == 0
            assert end - start >= SECOND
