"""Listings end, stop and restart as live ones do: against the sandbox, over HTTP."""

from collections.abc import Iterator
from typing import Any

import pytest

from api import ContractError, TransientError
from streams.keyset import MAX_CURSOR_PAGES
from tests.fake_clock import FakeClock
from tests.loader import Loader
from tests.sandbox_server import KEY, Sandbox, run_sandbox

SMALL: dict[str, Any] = {"campaigns": 25, "profiles": 300, "seed": 5, "no_limits": True}
LISTINGS = "campaign,flow,list,tag,form,metric,mapped_metric,flow_performance,form_daily"
PEOPLE = "profile,profile_suppression,list_profile,segment_profile"
DAY = 86_400


@pytest.fixture(scope="module", name="server")
def _server() -> Iterator[Sandbox]:
    """A small account without rate limits."""
    with run_sandbox(**SMALL, now="2026-11-16T15:00:00Z") as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(server: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """The account as it was at first; waits take no time."""
    monkeypatch.setattr("session.Clock", FakeClock)
    server.reset()
    return server


def connect(sandbox: Sandbox, tables: str = "reporting") -> Loader:
    """A connection after its first sync."""
    return Loader(sandbox.url, {"api_key": KEY, "tables": tables}).sync()


def sync_tomorrow(connection: Loader, sandbox: Sandbox) -> Loader:
    """Sync on the next day, whose full listings and comparisons are due."""
    sandbox.advance(DAY)
    return connection.sync()


class TestLastPage:
    """A last page holds `"next": null` or `self` alone."""

    def test_self_alone_ends_a_listing(self, sandbox: Sandbox) -> None:
        """The tables are those of a sync whose last pages link to null."""
        tables = f"{LISTINGS},{PEOPLE}"
        undisturbed = connect(sandbox, tables).content()
        sandbox.fault("only_self")
        assert connect(sandbox, tables).content() == undisturbed

    def test_a_page_without_links_is_broken(self, sandbox: Sandbox) -> None:
        """It ends the sync with an error that names the endpoint; nothing is taken for the end."""
        sandbox.fault("no_links", path="^/api/templates$")
        with pytest.raises(ContractError, match="/api/templates: the answer lacks data or links"):
            connect(sandbox, "template")


class TestEmptyAnswer:
    """One empty answer, 200 and a last page, in a full listing."""

    def test_one_empty_answer_deletes_nothing(self, sandbox: Sandbox) -> None:
        """The listing is read again before more than a tenth of what is known is deleted."""
        connection = connect(sandbox, f"campaign,{PEOPLE}")
        known = {name: set(rows) for name, rows in connection.content().items()}
        sandbox.advance(DAY)
        for path in ("campaigns", "profiles", "lists/[^/]+/profiles", "segments/[^/]+/profiles"):
            sandbox.fault("empty_listing", path=f"^/api/{path}$", query="^(?!.*filter=.*created)")
        connection.sync()
        assert [fault["applied"] for fault in sandbox.admin()["faults"]] == [1] * 4
        assert {name: known[name] - set(rows) for name, rows in connection.content().items()} == {
            name: set() for name in known
        }


class TestDeepCursor:
    """Klaviyo cuts a cursor off near page 1,850, with a page of its firewall."""

    @pytest.fixture(autouse=True)
    def _cut_cursors(self, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
        """Cut them off after 12 pages of 12 people; a hundred may share a second."""
        monkeypatch.setattr("streams.profiles.PAGE_SIZE", 12)
        monkeypatch.setattr("streams.memberships.PAGE_SIZE", 12)
        sandbox.fault("deep_cursor", pages=12, query="page%5Bsize%5D=12(&|$)")

    @pytest.mark.slow
    def test_a_new_cursor_starts_before_one_is_cut_off(
        self, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Ids of all people, members and suppressions are all read; no cursor goes too deep."""
        monkeypatch.setattr("streams.keyset.MAX_CURSOR_PAGES", 3)
        connection = connect(sandbox, PEOPLE)
        first = connection.content()
        sync_tomorrow(connection, sandbox)
        assert sandbox.admin()["faults"][0]["applied"] == 0
        sandbox.clear_faults()
        undisturbed = connect(sandbox, PEOPLE).content()
        assert connection.content() == undisturbed
        assert len(first["profile"]) > 12 * 12

    def test_a_cursor_ends_well_before_klaviyo_cuts_it_off(self) -> None:
        """A new one starts at two thirds of the pages at which Klaviyo was seen to cut."""
        assert MAX_CURSOR_PAGES <= 1_850 * 2 / 3

    def test_a_cursor_that_goes_too_deep_ends_the_sync(self, sandbox: Sandbox) -> None:
        """The fault is real: one cursor over all members fails, and the sync with it."""
        with pytest.raises(TransientError, match="/profiles: Klaviyo answered 403"):
            connect(sandbox, PEOPLE)
