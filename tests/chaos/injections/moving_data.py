"""D: data that moves, arrives late or is dated ahead while it is read."""

from datetime import timedelta

import pytest

from api import KlaviyoError
from models import Operation, Upsert
from tests.chaos.fault_patterns import EVENTS
from tests.chaos.runs import DebugSandboxRun, SandboxRun, ScriptedRun
from tests.connector.scripted import NOON

DAY, MINUTE, SECOND = timedelta(days=1), timedelta(minutes=1), timedelta(seconds=1)
ONE_DAY = 86_400  # seconds


def send_empty_first_page(run: SandboxRun) -> None:
    """Send an empty page that leads on to the request that looks for the first event."""
    run.start_over()
    run.sandbox.fault("empty_page", path=EVENTS)
    run.sync()


def change_between_pages(run: SandboxRun) -> None:
    """Rename and delete segments between two pages of their listing."""
    first, second, *_, last = sorted(row["id"] for row in run.baseline["segment"])
    changes = [(first, {"name": "renamed"}), (last, {"name": "renamed too"}), (second, None)]
    run.start_over()
    run.sandbox.advance(ONE_DAY)

    def edit(operation: Operation) -> None:
        if isinstance(operation, Upsert) and operation.table == "segment":
            while changes:
                run.sandbox.edit("segment", *changes.pop())

    assert run.try_sync(on_operation=edit) is None
    assert not changes
    run.sandbox.advance(ONE_DAY)
    run.sync()
    run.refresh_baseline()


def delay_event(run: SandboxRun, lateness: timedelta, within: timedelta) -> None:
    """Show an event so long after its time, between two syncs: it arrives `within` the limit."""
    id_, happened = run.next_event(DAY)
    visible = happened + lateness
    run.sandbox.edit("event", id_, {"seen": visible.isoformat()})
    for moment in (visible - MINUTE, visible + MINUTE, visible + within):
        run.sandbox.move_to(moment.isoformat())
        run.sync()
    assert id_ in {row["id"] for row in run.loader.rows("event")}
    run.refresh_baseline()


def date_events_weeks_ahead(run: SandboxRun) -> None:
    """Show events dated up to weeks ahead: what happens before their time is not missed."""
    for wait in (timedelta(), 7 * DAY, 30 * DAY):
        run.sandbox.edit("event", run.next_event(wait)[0], {"seen": run.now.isoformat()})
    run.sync()
    assert sum(row["is_future"] for row in run.loader.rows("event")) > 3
    _assert_not_ahead(run, run.now.isoformat())
    run.sandbox.advance(20 * ONE_DAY)
    run.sync()
    run.refresh_baseline()


def date_events_a_year_ahead(run: ScriptedRun) -> None:
    """Date events a second, a day and a year ahead: they hide none of the 20 that follow."""
    run.add_events(*(NOON + ahead for ahead in (SECOND, DAY, 365 * DAY)))
    run.sync()
    assert len(run.tables()["event"]) == 3
    _assert_not_ahead(run, NOON.isoformat())
    run.add_events(*(NOON + number * MINUTE for number in range(1, 21)))
    run.account.now += 21 * MINUTE
    run.sync()
    run.refresh_baseline()
    assert len(run.baseline["event"]) == 23


def _assert_not_ahead(run: SandboxRun | ScriptedRun, now: str) -> None:
    """No watermark of the events is ahead of Klaviyo's clock."""
    times = [value for value in run.progress("event") if isinstance(value, str)]
    assert [time for time in times if time > now] == []


def unsort_across_pages(run: ScriptedRun) -> None:
    """Sort each page, but put earlier events on later pages: a dense first page hides none."""
    order = [1, 2, 3, 30, 20, 21, 22, 23, 24, 25, 26, 27, 41, 42, 43, 44]
    run.add_events(*(NOON - 400 * DAY + number * MINUTE for number in order))
    run.refresh_baseline()  # from a single page
    run.account.page_size = 4
    run.sync()


def shift_clock(run: SandboxRun, seconds: int) -> None:
    """Shift Klaviyo's clock for one sync. This machine's differs by days from it all along."""
    run.sandbox.fault("clock", seconds=seconds)
    error = run.try_sync()  # Klaviyo refuses a filter by a time that it takes for future
    assert error is None or "must be in the past" in str(error)
    run.sandbox.clear_faults()
    for hours in (3, 24, 24):
        run.sandbox.advance(hours * 3_600)
        run.sync()
    run.refresh_baseline()


def set_time_zone(run: DebugSandboxRun, name: str) -> None:
    """Set the machine's time zone; the data has a change to winter time."""
    run.environment = {"TZ": name}
    run.sync()


def archive_and_delete(run: SandboxRun) -> None:
    """Archive a campaign and a flow, and delete a record of each other kind."""
    campaign, flow = (run.baseline[kind][0]["id"] for kind in ("campaign", "flow"))
    run.sandbox.edit("campaign", campaign, {"definition": {"archived": True}})
    run.sandbox.edit("flow", flow, {"archived": True})
    for kind in ("tag", "list", "template", "form", "profile"):
        run.sandbox.edit(kind, run.baseline[kind][-1]["id"], None)
    run.sandbox.advance(8 * ONE_DAY)
    run.sync()
    assert run.loader.deleted["tag"] == run.loader.deleted["list"] == 1
    run.refresh_baseline()


def cut_cursors(
    run: SandboxRun, cursor_pages: int, error: type[KlaviyoError] | None = None
) -> None:
    """Cut cursors of people off after 6 pages; the connector starts new ones after its own."""
    run.start_over()
    run.sandbox.fault("deep_cursor", path="/profiles$", pages=6)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("streams.profiles.PAGE_SIZE", 5)
        patch.setattr("streams.memberships.PAGE_SIZE", 5)
        patch.setattr("streams.keyset.MAX_CURSOR_PAGES", cursor_pages)
        run.sync(error, "/profiles: Klaviyo answered 403")
    assert any(depth > 2 for depth in run.sandbox.admin()["faults"][0]["depths"].values())
    run.recover()


def send_empty_listings(run: SandboxRun) -> None:
    """Send each kind of daily listing empty once: what a short one deletes is back a day later."""
    for path in ("campaigns", "profiles", "lists/[^/]+/profiles", "segments/[^/]+/profiles"):
        run.sandbox.fault("empty_listing", path=f"^/api/{path}$", query="^(?!.*filter=.*created)")
    run.sync()
    assert [fault["applied"] for fault in run.sandbox.admin()["faults"]] == [1] * 4
    assert {"campaign", "profile"}.isdisjoint(run.loader.deleted)
    run.sandbox.advance(ONE_DAY)
    run.sync()
    run.refresh_baseline()
