"""Facts about requests: rate limits, quotas, errors."""

from api import CursorError, GoneError, TransientError
from scripts.doctor import questions
from scripts.doctor.answers import Answer, UndeterminableError, explain
from scripts.doctor.facts import Finding, fact, is_refused
from session import QuotaSpentError

SECOND, MINUTE, DAY = 1.0, 60.0, 86_400.0
REPORT_QUOTAS = {MINUTE: 2.0, DAY: 225.0}


def _quotas(answer: Answer) -> dict[float, float]:
    """Seconds of a window to the requests that Klaviyo allows in it."""
    return {seconds: requests for requests, seconds in answer.limits.quotas}


def _format_quotas(quotas: dict[float, float]) -> str:
    return ", ".join(f"{quotas[seconds]:.0f};w={seconds:.0f}" for seconds in quotas) or "none"


@fact(
    "rate-limit-windows",
    "`RateLimit-Limit` has the quota of each window",
    expected="windows of 1 and 60 seconds",
    asks=[questions.ACCOUNT],
)
def check_rate_limit_windows(account: Answer) -> Finding:
    """The rate limiter learns from these pairs how fast it may ask."""
    quotas = _quotas(account)
    return Finding(quotas.keys() >= {SECOND, MINUTE}, f"quotas {_format_quotas(quotas)}")


@fact(
    "rate-limit-remaining",
    "`RateLimit-Remaining` is about the second",
    expected="less than the quota of the second",
    asks=[questions.METRICS],
)
def check_rate_limit_remaining(metrics: Answer) -> Finding:
    """Read as the minute's, it would never slow a sync down in time."""
    _ = metrics.content
    remaining, quota = metrics.limits.remaining, _quotas(metrics).get(SECOND)
    if remaining is None or quota is None:
        raise UndeterminableError("the answer has no such headers")
    return Finding(remaining < quota, f"{remaining:.0f} of {quota:.0f} a second")


@fact(
    "report-quota",
    "A report endpoint allows 2 requests a minute and 225 a day",
    expected="2;w=60, 225;w=86400",
    asks=[questions.SEGMENT_DAYS],
)
def check_report_quota(report: Answer) -> Finding:
    """The connector counts its reports of a day against this quota."""
    _ = report.content
    quotas = _quotas(report)
    return Finding(REPORT_QUOTAS.items() <= quotas.items(), f"quotas {_format_quotas(quotas)}")


@fact(
    "daily-quota",
    "A request beyond the daily quota is answered with 429 and a Retry-After of hours",
    expected="Retry-After of more than 15 minutes",
    asks=questions.REPORTS,
)
def check_daily_quota(*reports: Answer) -> Finding:
    """Only a quota that is spent already shows it: the doctor does not provoke it."""
    refused = [report.error for report in reports if isinstance(report.error, TransientError)]
    throttled = [error for error in refused if error.throttled]
    spent = [error for error in throttled if isinstance(error, QuotaSpentError)]
    if not throttled:
        raise UndeterminableError("no quota is spent, and the doctor spends none")
    return Finding(
        len(spent) == len(throttled), f"{len(spent)} of {len(throttled)} refusals with Retry-After"
    )


@fact(
    "unknown-record",
    "The path of a record that does not exist is answered with 404",
    expected="404",
    asks=[questions.UNKNOWN_MEMBERS],
)
def check_unknown_record(members: Answer) -> Finding:
    """The connector takes 404 for deleted meanwhile, and goes on."""
    return _expect_error(members, GoneError, "404")


@fact(
    "forgotten-cursor",
    "An unknown cursor is answered with 400, and the error names the cursor",
    expected="400 with the word cursor",
    asks=[questions.LOST_CURSOR],
)
def check_forgotten_cursor(tags: Answer) -> Finding:
    """The connector starts the listing again."""
    return _expect_error(tags, CursorError, "400 with the word cursor")


def _expect_error(answer: Answer, kind: type[Exception], name: str) -> Finding:
    if isinstance(answer.error, kind):
        return Finding(holds=True, seen=name)
    if answer.error is None:
        return Finding(holds=False, seen="200")
    if isinstance(answer.error, TransientError) or not is_refused(answer):
        raise UndeterminableError(explain(answer.error))
    return Finding(holds=False, seen=explain(answer.error))
