"""Klaviyo answers each report 225 times a day: how many of them a sync may still request.

Klaviyo's day is a window of 86,400 seconds that begins somewhere, not a day of the calendar. So
the state counts requests by the hour, and no 24 hours exceed our share:

    hours     | 3 |   |   | 5 | ...        | 2 |now
              |<------- 24 h and this hour ------->|
"""

from dataclasses import dataclass
from datetime import timedelta

import msgspec

from session import QuotaSpentError
from state.state import QuotaState
from streams.context import AccountContext

DAILY_QUOTA = 225  # until a response has it
OUR_SHARE = 8 / 9  # of it: 200 of 225; the rest is for the account's other tools
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class ReportQuota:
    """The daily quota of one account's reports, kept in the state by path."""

    context: AccountContext

    def require(self, path: str) -> None:
        """Raise QuotaSpentError where no request of a report is left now."""
        quota, now = self._read_quota(path), self.context.now
        if quota.closed_until is not None and quota.closed_until > now:
            raise QuotaSpentError(path, (quota.closed_until - now).total_seconds())
        daily = self.context.session.daily_quota(path) or DAILY_QUOTA
        share = max(int(daily * OUR_SHARE), 1)
        if sum(quota.requests.values()) >= share:
            oldest = min(hour for hour, requests in quota.requests.items() if requests)
            seconds = (oldest + DAY + HOUR - now).total_seconds()
            limit = f"our share of Klaviyo's quota ({share} of {daily:.0f} requests a day)"
            raise QuotaSpentError(path, seconds, limit)

    def count(self, path: str, requests: int) -> None:
        """Add requests of a report."""
        quota = self._read_quota(path)
        hour = self.context.now.replace(minute=0, second=0, microsecond=0)
        counts = {**quota.requests, hour: quota.requests.get(hour, 0) + requests}
        self._replace(path, msgspec.structs.replace(quota, requests=counts))

    def pause(self, path: str, seconds: float) -> None:
        """Allow no request of a report until Klaviyo's quota resets, at most for a day."""
        until = self.context.now + timedelta(seconds=min(seconds, DAY.total_seconds()))
        self._replace(path, msgspec.structs.replace(self._read_quota(path), closed_until=until))

    def _read_quota(self, path: str) -> QuotaState:
        """The quota of a report, without the hours that no longer count."""
        quota = self.context.state.report_quota.get(path, QuotaState())
        since = self.context.now - DAY - HOUR
        counts = {hour: n for hour, n in quota.requests.items() if hour > since}
        return msgspec.structs.replace(quota, requests=counts)

    def _replace(self, path: str, quota: QuotaState) -> None:
        state = self.context.state
        state.report_quota = {**state.report_quota, path: quota}
