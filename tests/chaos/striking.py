"""How the sandbox's faults strike: a while, or until they are taken away."""

from typing import Any

from api import KlaviyoError

from tests.chaos.row import Case
from tests.chaos.trial import OnSandbox

# Listings of several pages, one that comes first of all, a report and an aggregate.
EVENTS, SEGMENTS, ACCOUNTS = "/api/events$", "/api/segments$", "/api/accounts$"
REPORT, AGGREGATE = "/api/campaign-values-reports$", "/api/metric-aggregates$"
PAGED = "/api/(events|segments)$"
FILLS = {
    EVENTS: "event",
    SEGMENTS: "segment",
    ACCOUNTS: "campaign",
    REPORT: "campaign_performance",
    AGGREGATE: "message_metric_daily",
}
# Again and again, but never the same question to its end.
OFTEN: dict[str, Any] = {"times": 4, "every": 3}


def passing(name: str, label: str = "", **settings: Any) -> Case:
    """A fault that passes: the tables are those of an undisturbed sync, and nobody is warned."""

    def happen(trial: OnSandbox) -> None:
        trial.fault(name, **settings)
        trial.sync()
        assert not trial.loader.warnings
        assert [one["struck"] for one in trial.sandbox.admin()["faults"]] > [0]

    return Case(" ".join(filter(None, (name, label, "passing"))), happen)


def lasting(
    name: str,
    error: type[KlaviyoError],
    *paths: str,
    label: str = "",
    says: str = "",
    **settings: Any,
) -> list[Case]:
    """A fault that lasts, at each path: the sync fails, its watermark stays, the next one heals."""

    def case(path: str) -> Case:
        def happen(trial: OnSandbox) -> None:
            known = trial.known(FILLS[path])
            trial.fault(name, path=path, **settings)
            trial.sync(error, says)
            assert known == trial.known(FILLS[path])
            trial.recover()

        at = path.removeprefix("/api/").removesuffix("$")
        return Case(" ".join(filter(None, (name, label, "at", at))), happen)

    return [case(path) for path in paths or FILLS]
