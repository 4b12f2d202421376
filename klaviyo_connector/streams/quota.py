"""Counts the requests of each report against Klaviyo's quota of 225 a day."""

from dataclasses import dataclass
from datetime import timedelta

import msgspec

from session import QuotaSpentError
from state.state import QuotaState
from streams.context import AccountContext

OUR_SHARE = 200  # of 225 a day and endpoint; the rest is for the account's other tools
DAY = timedelta(days=1)  # within one, a daily quota is renewed


@dataclass(frozen=True)
class ReportQuota:
    """The daily quota of one account's reports, kept in the state by path."""

    context: AccountContext

    def remaining(self, path: str) -> int:
        """How many requests of a report are left today."""
        quota = self._of(path)
        if quota.closed_until is not None and quota.closed_until > self.context.now:
            return 0
        return OUR_SHARE - quota.used

    def require(self, path: str) -> None:
        """Raise QuotaSpentError if no request of a report is left today."""
        if self.remaining(path) <= 0:
            tomorrow = self.context.start_of_day(self.context.today + DAY)
            raise QuotaSpentError(path, (tomorrow - self.context.now).total_seconds())

    def count(self, path: str, requests: int) -> None:
        """Book requests of a report."""
        quota = self._of(path)
        self._replace(path, msgspec.structs.replace(quota, used=quota.used + requests))

    def close(self, path: str, seconds: float) -> None:
        """Allow no more requests of a report for some seconds, at most a day."""
        until = self.context.now + timedelta(seconds=min(seconds, DAY.total_seconds()))
        self._replace(path, msgspec.structs.replace(self._of(path), closed_until=until))

    def _of(self, path: str) -> QuotaState:
        """The quota of a report; the use of earlier days does not count."""
        quota = self.context.state.report_quota.get(path, QuotaState())
        today = self.context.today
        return quota if quota.day == today else msgspec.structs.replace(quota, day=today, used=0)

    def _replace(self, path: str, quota: QuotaState) -> None:
        state = self.context.state
        state.report_quota = {**state.report_quota, path: quota}
