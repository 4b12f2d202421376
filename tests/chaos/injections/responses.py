"""H: statuses and bodies that Klaviyo sends instead of data."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from api import AuthError, KlaviyoError, RefusedError, ScopeError, TransientError
from session import Clock, KlaviyoSession
from tests.chaos.fault_patterns import EVENTS, REPORT, SEGMENTS
from tests.chaos.runs import KEY, DebugSandboxRun, SandboxRun, difference
from tests.sandbox_server import run_sandbox

MINUTES, ONE_DAY = 60.0, 86_400  # seconds
REJECTED = "Klaviyo rejected the API key: check api_key"


def retry_after(run: SandboxRun, value: Any, least: float, most: float) -> None:
    """Send one 429: the wait before the retry is in this range of seconds."""
    run.sandbox.fault("429", times=1, after=2, retry_after=value)
    run.sync()
    assert least <= max(run.waits) <= most


def spend_report_quota(run: SandboxRun) -> None:
    """Refuse reports until tomorrow: one warning says so, and tomorrow's sync requests them."""
    run.sandbox.fault("429", retry_after=40_000, path=REPORT)
    run.sync()
    (warning,) = run.loader.warnings
    assert "quota" in warning
    run.sandbox.clear_faults()
    run.sandbox.advance(ONE_DAY)
    run.sync()
    run.refresh_baseline()


def throttle_every_second_request(run: SandboxRun) -> None:
    """Send 429 to every second request: no wait grows, even with random waits at their longest."""
    run.sandbox.fault("429", every=2, retry_after=1)
    run.sync()
    refused = sum(request["status"] == 429 for request in run.sandbox.log())
    assert max(run.waits) <= 2  # Klaviyo asks for one second, up to one more is random
    assert sum(run.waits) <= 2.1 * refused


def limit_requests(run: SandboxRun) -> None:
    """For two real minutes: no request is refused, and 80 % of what is allowed is requested."""
    allowed = 2 * 150  # requests for metrics

    def read_metrics(session: KlaviyoSession) -> None:
        end = time.monotonic() + 2 * MINUTES
        while time.monotonic() < end:
            session.get("/api/metrics")

    with (
        run_sandbox(campaigns=2, profiles=10) as limited,
        pytest.MonkeyPatch.context() as patch,
        ThreadPoolExecutor(4) as pool,
    ):
        patch.setenv("KLAVIYO_BASE_URL", limited.url)
        patch.setattr("session.Clock", Clock)  # the real one
        list(pool.map(read_metrics, [KlaviyoSession(KEY)] * 4))
        statuses = [request["status"] for request in limited.log()]
    assert set(statuses) == {200}
    assert len(statuses) >= 0.8 * allowed
    run.sync()


def fail_for_two_minutes(run: SandboxRun, fault: str) -> None:
    """Fail every request for two minutes: the sync outlasts it, or the next one repairs."""
    run.sandbox.fault(fault, after=3)

    def clear_at_last() -> None:
        if sum(run.waits) >= 2 * MINUTES:
            run.sandbox.clear_faults()

    run.on_wait = clear_at_last
    error = run.try_sync()  # no request is tried more than six times
    if error is not None:
        assert type(error) is TransientError
        run.recover()


def reject_key(run: SandboxRun, path: str, after: int) -> None:
    """Reject the key: no request follows the first 401, and a sync with another key resumes."""
    run.sandbox.fault("401", path=path, after=after)
    run.sync(AuthError, REJECTED)
    assert [request["status"] for request in run.sandbox.log()].count(401) == 1
    run.configure(api_key="pk_rotated_key")
    run.recover()


def reject_key_of_debug(run: DebugSandboxRun) -> None:
    """Reject the key: the real process ends after one request and loads nothing."""
    run.sandbox.fault("401")
    run.sync(KlaviyoError, REJECTED)
    assert len(run.sandbox.log()) == 1
    assert run.tables() == {}
    run.recover()


def lack_scope(run: SandboxRun, path: str, scope: str, *tables: str) -> None:
    """Refuse a scope: one warning names it and its tables, and the others are complete."""
    before = run.progress(tables[0])
    run.sandbox.fault("403scope", path=path)
    run.sync()
    (warning,) = run.loader.warnings
    assert scope in warning
    assert f"skipped {', '.join(tables)};" in warning
    expected, found = (
        {name: rows for name, rows in recorded.items() if name not in tables}
        for recorded in (run.baseline, run.tables())
    )
    assert difference(expected, found) == (0, 0, 0)
    assert before == run.progress(tables[0])
    run.recover()


def lack_all_scopes(run: SandboxRun) -> None:
    """Refuse every scope but that of the account."""
    run.sandbox.fault("403scope", path="/api/(?!accounts)")
    run.sync(ScopeError, r"campaigns:read.*events:read")
    run.recover()


def refuse_filter(run: SandboxRun) -> None:
    """Refuse a filter: the request is not retried, and the error has Klaviyo's detail."""
    run.sandbox.fault("filter400", path=SEGMENTS)
    run.sync(RefusedError, r"/api/segments: Klaviyo answered 400 \(Bad filter\.\)")
    assert [request["path"] for request in run.sandbox.log()].count("/api/segments") == 1
    run.recover()


def delete_before_details(run: SandboxRun) -> None:
    """Delete a message before its variations are read: only what those would say is missing."""
    run.start_over()
    listed = run.baseline["campaign_variation"]
    gone = listed[0]["campaign_message_id"]
    run.sandbox.fault("variations400")
    run.sandbox.fault("404", path=f"/api/campaign-messages/{gone}/campaign-variations$")
    run.sync()
    variations = [row for row in listed if row["campaign_message_id"] != gone]
    assert len(variations) < len(listed)
    run.baseline["campaign_variation"] = variations
    run.baseline["campaign_message"] = [
        {**row, "channel": None} if row["id"] == gone else row
        for row in run.baseline["campaign_message"]
    ]


def refuse_values(run: SandboxRun) -> None:
    """Refuse the values of reports: the rest arrives, and the values follow within a week."""
    run.start_over()
    run.configure(start_date="2026-01-01")  # results of flows over a year old are requested once
    run.sandbox.fault("values400")
    run.sync()
    (warning,) = run.loader.warnings
    assert "conversion_value" in warning
    assert {row["conversion_value"] for row in run.loader.rows("campaign_performance")} == {None}
    run.sandbox.clear_faults()
    for days in (8, 1):  # one sync requests at most 12 old months
        run.sandbox.advance(days * ONE_DAY)
        run.sync()
    run.refresh_baseline()


def refuse_metric(run: SandboxRun) -> None:
    """Refuse one of two metrics: the other one's events arrive, and the error names the setting."""
    refused, other = (
        row["id"]
        for name in ("Viewed Form", "Placed Order")
        for row in run.baseline["metric"]
        if row["name"] == name
    )
    run.reset_connection()
    run.configure(event_metrics="Viewed Form,Placed Order")
    run.sandbox.fault("metric400", query=refused)
    run.sync(RefusedError, "'Viewed Form' of event_metrics: leave it out")
    assert {row["metric_id"] for row in run.loader.rows("event")} == {other}
    run.recover()
    run.refresh_baseline()


def fail_at_event(run: SandboxRun) -> None:
    """Fail at each page that holds the latest event: all others arrive, and it arrives later."""
    past = [row for row in run.baseline["event"] if not row["is_future"]]
    events = {row["id"]: row["datetime"] for row in past}
    latest = max(events, key=lambda id_: events[id_])
    run.sandbox.fault("poison", path=EVENTS, ids=[latest])
    run.sync()
    assert events.keys() - {row["id"] for row in run.loader.rows("event")} == {latest}
    (error,) = run.loader.rows("sync_error")
    assert error["table_name"] == "event"
    assert error["reason"] in run.loader.warnings[0]
    run.sandbox.clear_faults()
    run.sandbox.advance(ONE_DAY)
    run.sync()
    run.refresh_baseline()
