"""How the sandbox's faults are injected: for a while, until cleared, or during a first sync."""

from typing import Any

from api import KlaviyoError
from tests.chaos.fault_case import FaultCase
from tests.chaos.runs import SHORT_DEADLINE, DebugSandboxRun, SandboxRun

# Listings of several pages, the listing that every sync begins with, a report and an aggregate.
EVENTS, SEGMENTS, ACCOUNTS = "/api/events$", "/api/segments$", "/api/accounts$"
REPORT, AGGREGATE = "/api/campaign-values-reports$", "/api/metric-aggregates$"
PAGED = "/api/(events|segments)$"
TABLES = {  # a table that lacks rows while the path fails
    EVENTS: "event",
    SEGMENTS: "segment",
    ACCOUNTS: "campaign",
    REPORT: "campaign_performance",
    AGGREGATE: "message_metric_daily",
}
# Often, but never as often in a row as one request is tried.
INTERMITTENT: dict[str, Any] = {"times": 4, "every": 3}
UNANSWERED = "slow", "stall"  # a request ends at its deadline

Error = type[KlaviyoError]


def transient(fault: str, label: str = "", **settings: Any) -> FaultCase:
    """A fault that passes by itself: the sync succeeds without a warning."""

    def run_transient(run: SandboxRun) -> None:
        _inject(run, fault, **settings)
        run.sync()
        assert not run.loader.warnings
        assert run.sandbox.admin()["faults"][0]["applied"] > 0

    return FaultCase(_name(fault, label, "passing"), run_transient)


def persistent(
    fault: str, error: Error, *paths: str, label: str = "", message: str = "", **settings: Any
) -> list[FaultCase]:
    """A fault that lasts, at each path: the sync fails without progress, the next one repairs."""

    def run_persistent(run: SandboxRun, path: str) -> None:
        before = run.progress(TABLES[path])
        _inject(run, fault, path=path, **settings)
        run.sync(error, message)
        assert before == run.progress(TABLES[path])
        run.recover()

    return [
        FaultCase(_name(fault, label, "at", _endpoint(path)), run_persistent, (path,))
        for path in paths or TABLES
    ]


def in_first_sync(fault: str, error: Error, *paths: str) -> list[FaultCase]:
    """A first sync fails midway: the next one reads all its windows, not the latest alone."""

    def run_first_sync(run: SandboxRun, path: str) -> None:
        run.start_over()
        _inject(run, fault, path=path, after=1)
        run.sync(error)
        run.recover()

    return [
        FaultCase(f"{fault} in a first sync at {_endpoint(path)}", run_first_sync, (path,))
        for path in paths
    ]


def in_debug(*faults: str) -> list[FaultCase]:
    """A run of `fivetran debug` fails after a retry, and prints no secret."""

    def run_debug(run: DebugSandboxRun, fault: str) -> None:
        run.set_attempts(2)
        run.sandbox.fault(fault)
        run.sync(KlaviyoError)
        run.recover()

    return [FaultCase(f"failing by {fault}", run_debug, (fault,)) for fault in faults]


def _inject(run: SandboxRun, fault: str, **settings: Any) -> None:
    if fault in UNANSWERED:
        run.deadline = SHORT_DEADLINE
    run.sandbox.fault(fault, **settings)


def _endpoint(path: str) -> str:
    return path.removeprefix("/api/").removesuffix("$")


def _name(*words: str) -> str:
    return " ".join(filter(None, words))
