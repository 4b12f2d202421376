"""Whatever goes wrong between us and Klaviyo, no row is lost, doubled or altered.

A fault that passes leaves no trace in the tables. One that lasts ends the sync in an error named
by its remedy, with the watermark where it was, so that the next sync brings what this one missed.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import events
import pytest
from api import (
    AuthError,
    ContractError,
    CursorError,
    Klaviyo,
    KlaviyoError,
    ScopeError,
    TransientError,
)
from asking import QuotaSpentError

from tests.loader import Loader, Tables
from tests.raw_server import serve
from tests.sandbox_server import KEY, Sandbox, running_sandbox
from tests.unhurried import UnhurriedClock

ACCOUNT: dict[str, Any] = {"campaigns": 14, "profiles": 60, "seed": 5, "no_limits": True}
NOW, LATER = "2026-11-16T15:00:00+00:00", "2026-11-18T16:00:00+00:00"
TABLES = "campaign,segment,campaign_performance,message_metric_daily,event,event_attribution"
DEADLINE = 1.0  # seconds, far longer than the sandbox ever needs
EVENTS, SEGMENTS = "/api/events$", "/api/segments$"  # listings of several pages
REPORT, AGGREGATE = "/api/campaign-values-reports$", "/api/metric-aggregates$"
FILLS = {EVENTS: "event", SEGMENTS: "segment", REPORT: "campaign_performance",
         AGGREGATE: "message_metric_daily", "/api/accounts$": "campaign"}  # fmt: skip
PAGED = "/api/(events|segments)$"


@dataclass(frozen=True)
class Fault:
    """A fault of the sandbox with its settings; the keys of klaviyo_sandbox's faults."""

    name: str
    settings: dict[str, Any]

    def __str__(self) -> str:
        own = [str(value) for name, value in self.settings.items() if name in SHOWN]
        return "-".join([self.name, *own])


SHOWN = ("retry_after", "framing", "head", "path")


def fault(name: str, **settings: Any) -> Fault:
    """A fault; without `times` it strikes for ever."""
    return Fault(name, settings)


OFTEN = {"times": 4, "every": 3}  # again and again, but never the same question to its end
PASSING = [
    *(fault("429", **OFTEN, retry_after=wish) for wish in (1, "date", "none", "soon", -5)),
    *(fault(name, **OFTEN) for name in ("500", "502", "503", "504", "524")),
    *(fault(name, **OFTEN) for name in ("html403", "html200", "empty", "errors200", "reset")),
    *(fault("truncated", **OFTEN, framing=end) for end in ("length", "chunked", "close", "gzip")),
    fault("slow", times=1, after=2, head=False),
    fault("slow", times=1, after=2, head=True),
    fault("stall", times=1, after=2),
    *(fault(name, **OFTEN, path=PAGED) for name in ("no_links", "no_data", "empty_page")),
    fault("duplicate_page", times=1, after=1, path=SEGMENTS),
    fault("duplicate_page", times=4, every=3, path=EVENTS),
    fault("cursor400", times=2, every=9),
    fault("unsorted", path="/api/(campaigns|events|metrics|segments)$"),
]

GRAVE: list[tuple[Fault, type[KlaviyoError]]] = [
    (fault("429", retry_after="none"), TransientError),
    (fault("429", retry_after=3600), QuotaSpentError),
    (fault("503"), TransientError),
    (fault("html403"), TransientError),
    (fault("reset"), TransientError),
    (fault("truncated", framing="length"), TransientError),
    (fault("truncated", framing="close"), ContractError),
    (fault("html200"), ContractError),
    (fault("empty"), ContractError),
    (fault("errors200"), ContractError),
    (fault("no_data"), ContractError),
    (fault("redirect"), ContractError),
    (fault("bomb", megabytes=70), ContractError),
    (fault("401"), AuthError),
]
OF_PAGES: list[tuple[Fault, type[KlaviyoError]]] = [
    (fault("no_links"), ContractError),
    (fault("loop"), ContractError),
    (fault("loop", after=1), ContractError),
    (fault("cursor400"), CursorError),
]
SLOW: list[tuple[Fault, type[KlaviyoError]]] = [
    (fault("stall"), TransientError),
    (fault("slow", head=False), TransientError),
    (fault("slow", head=True), TransientError),
    *((fault(name), TransientError) for name in ("500", "502", "504", "524")),
    (fault("truncated", framing="chunked"), TransientError),
    (fault("truncated", framing="gzip"), ContractError),
]


def at(path: str, faults: list[tuple[Fault, type[KlaviyoError]]], *marks: Any) -> list[Any]:
    """Test cases: each fault lasts at one path."""
    placed = [(Fault(one.name, {**one.settings, "path": path}), kind) for one, kind in faults]
    return [pytest.param(*case, id=str(case[0]), marks=marks) for case in placed]


@dataclass
class Shop:
    """A sandbox, a connection that was synced two days ago, and what a sync today makes of it."""

    sandbox: Sandbox
    before: Loader
    today: Tables

    def loader(self) -> Loader:
        """The connection as it stood two days ago."""
        return copy.deepcopy(self.before)


@pytest.fixture(scope="module", name="small_pages")
def _small_pages() -> Iterator[None]:
    """Pages so small that a small account has windows of several."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("events.EVENTS", replace(events.EVENTS, sizes=(5, 1)))
        yield


@pytest.fixture(scope="module", name="running")
def _running(small_pages: None) -> Iterator[Shop]:  # noqa: ARG001 - wanted for what it does
    with running_sandbox(**ACCOUNT, now=NOW, epoch=NOW[:10]) as sandbox:
        before = Loader(sandbox.url, {"api_key": KEY, "tables": TABLES}).sync()
        sandbox.move_to(LATER)
        today = copy.deepcopy(before).sync()
        assert before.content() != today.content()
        yield Shop(sandbox, before, today.content())


@pytest.fixture(name="shop")
def _shop(running: Shop, waits: list[float]) -> Iterator[Shop]:  # noqa: ARG001 - as above
    running.sandbox.reset_requests()
    yield running
    running.sandbox.clear_faults()


@pytest.fixture(name="waits")
def _waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that would have been waited; nobody waits, and no exchange may take long."""
    clock = UnhurriedClock()
    monkeypatch.setattr("asking.Clock", lambda: clock)
    monkeypatch.setattr("asking.Klaviyo", partial(Klaviyo, deadline=DEADLINE))
    return clock.waits


class TestPassing:
    """A fault that passes."""

    @pytest.mark.parametrize("passing", PASSING, ids=str)
    def test_leaves_no_trace(self, shop: Shop, passing: Fault) -> None:
        """The tables are those of an undisturbed sync, and nobody is bothered with a warning."""
        shop.sandbox.fault(passing.name, **passing.settings)
        disturbed = shop.loader().sync()
        assert shop.today == disturbed.content()
        assert not disturbed.warnings
        assert [one["struck"] for one in shop.sandbox.admin()["faults"]] > [0]

    @pytest.mark.parametrize(("retry_after", "seconds"), [(7, 7), ("date", 2)])
    def test_klaviyos_wish_is_met(
        self, shop: Shop, waits: list[float], retry_after: Any, seconds: int
    ) -> None:
        """Retry-After, as seconds or as a date, is waited out before the same is asked again."""
        shop.sandbox.fault("429", times=1, after=2, retry_after=retry_after)
        shop.loader().sync()
        (wait,) = [one for one in waits if one > 1]
        assert wait >= seconds


class TestLasting:
    """A fault that lasts."""

    @pytest.mark.parametrize(
        ("lasting", "error"),
        [
            *at(EVENTS, GRAVE + OF_PAGES),
            *at(REPORT, GRAVE[3:5] + GRAVE[6:7] + OF_PAGES[:1]),
            *at(AGGREGATE, OF_PAGES[:1]),
            *at(EVENTS, SLOW, pytest.mark.chaos),
            *at(REPORT, GRAVE[:1] + GRAVE[2:3] + GRAVE[5:] + SLOW, pytest.mark.chaos),
            *at(AGGREGATE, GRAVE[:1] + GRAVE[2:] + SLOW, pytest.mark.chaos),
            *at(SEGMENTS, GRAVE + OF_PAGES + SLOW, pytest.mark.chaos),
            *at("/api/accounts$", GRAVE + SLOW, pytest.mark.chaos),
        ],
    )
    def test_ends_the_sync_and_loses_nothing(
        self, shop: Shop, lasting: Fault, error: type[KlaviyoError]
    ) -> None:
        """The error is of its remedy's kind, and the next sync makes up for all of it."""
        disturbed = shop.loader()
        shop.sandbox.fault(lasting.name, **lasting.settings)
        with pytest.raises(error) as caught:
            disturbed.sync()
        assert caught.type is error
        assert len(str(caught.value).splitlines()) == 1
        table = FILLS[lasting.settings["path"]]
        assert watermark(shop.before, table) == watermark(disturbed, table)
        shop.sandbox.clear_faults()
        assert shop.today == disturbed.sync().content()

    @pytest.mark.parametrize("path", [REPORT, AGGREGATE])
    @pytest.mark.parametrize("name", ["500", "empty"])
    def test_no_history_is_forgotten(self, shop: Shop, path: str, name: str) -> None:
        """All the windows of a first sync are asked for again, not the latest alone."""
        chosen = {"api_key": KEY, "tables": FILLS[path]}
        whole, disturbed = Loader(shop.sandbox.url, chosen).sync(), Loader(shop.sandbox.url, chosen)
        shop.sandbox.fault(name, path=path, after=1)
        with pytest.raises((TransientError, ContractError)):
            disturbed.sync()
        shop.sandbox.clear_faults()
        assert whole.content() == disturbed.sync().content()

    def test_a_spent_quota_is_no_failure(self, shop: Shop) -> None:
        """Reports that Klaviyo refuses until tomorrow are warned of, and asked for by then."""
        disturbed = shop.loader()
        shop.sandbox.fault("429", retry_after=40_000, path=REPORT)
        disturbed.sync()
        (warning,) = disturbed.warnings
        assert "quota" in warning
        (account,) = disturbed.state["accounts"].values()
        windows = account["tables"]["campaign_performance"]["windows"]
        assert all(metric["pending"] for metric in windows.values())

    def test_a_rejected_key_is_tried_once(self, shop: Shop) -> None:
        """After a 401 nothing more is asked: a key does not mend itself."""
        shop.sandbox.fault("401")
        with pytest.raises(AuthError, match="rejected the API key"):
            shop.loader().sync()
        assert len(shop.sandbox.log()) == 1


def watermark(loader: Loader, table: str) -> Any:
    """How far a table is known to be whole: up to which time, and which rows stand in it."""
    (account,) = loader.state["accounts"].values()
    known = account["tables"][table]
    return [known.get("", known).get("watermark"), known.get("rows")]


class TestScopes:
    """A scope that the key lacks."""

    def test_its_tables_are_skipped_with_one_warning(self, shop: Shop) -> None:
        """The other tables are whole, and the warning names the scope and what it cost."""
        shop.sandbox.fault("403scope", path=EVENTS)
        disturbed = shop.loader().sync()
        (warning,) = disturbed.warnings
        assert "events:read" in warning
        assert "event, event_attribution" in warning
        apart = {"event", "event_attribution"}
        assert without(shop.today, apart) == without(disturbed.content(), apart)
        assert watermark(shop.before, "event") == watermark(disturbed, "event")
        shop.sandbox.clear_faults()
        assert shop.today == disturbed.sync().content()

    def test_a_key_that_may_read_nothing_fails_the_sync(self, shop: Shop) -> None:
        """Without any scope there is nothing to sync, and that is no success."""
        shop.sandbox.fault("403scope", path="/api/(?!accounts)")
        with pytest.raises(ScopeError, match=r"campaigns:read.*events:read"):
            shop.loader().sync()


def without(tables: Tables, names: set[str]) -> Tables:
    """The tables but some."""
    return {name: rows for name, rows in tables.items() if name not in names}


class TestElsewhere:
    """An answer that points to another host, which would be shown the key."""

    def test_a_foreign_next_link_is_not_followed(self, shop: Shop) -> None:
        """Only its cursor is used: the pages come from Klaviyo, all of them."""
        with serve(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as other:
            shop.sandbox.fault("foreign_next", host=other.url)
            assert shop.today == shop.loader().sync().content()
            assert other.connections == 0

    def test_a_redirect_is_not_followed(self, shop: Shop) -> None:
        """The sync ends instead, and the other host hears nothing."""
        with serve(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as other:
            shop.sandbox.fault("redirect", location=f"{other.url}/api/accounts")
            with pytest.raises(ContractError, match="302"):
                shop.loader().sync()
            assert other.connections == 0
