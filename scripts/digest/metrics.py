"""The figures of the digest: each account's sends in a period and in the periods before it.

Every figure is a dbt metric. Its label, format and formula are those that dbt declares.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from looker.semantic import Metric, Semantics
from scripts.command import CommandError
from scripts.digest.period import Period
from scripts.warehouse import Warehouse

HEADLINE = ("conversion_value", "recipients", "open_rate", "click_rate")
COLUMNS = (
    "recipients",
    "opens_unique",
    "open_rate",
    "clicks_unique",
    "click_rate",
    "conversion_value",
)
CHART_PERIODS = 14  # periods in a chart, including the reported one


@dataclass(frozen=True)
class Sums:
    """The sums that metrics are computed from. None: the warehouse has no value."""

    values: Mapping[str, float | None]

    @classmethod
    def add_up(cls, parts: Sequence["Sums"]) -> "Sums":
        """Add up the parts. A sum is None only where every part has None."""
        # None and 0 differ: a channel without open tracking has no opens, which is not zero opens.
        names = {name for part in parts for name in part.values}
        return cls({name: _sum_known([part.values[name] for part in parts]) for name in names})

    def evaluate(self, metric: Metric) -> float | None:
        """Compute the metric: a sum, or a ratio of two sums. None where there is no value."""
        numerator, *denominator = (self.values.get(name) for name in metric.sums)
        if not denominator or numerator is None:
            return numerator
        return numerator / denominator[0] if denominator[0] else None


def _sum_known(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


@dataclass(frozen=True)
class Send:
    """What one campaign, or all flows as one, sent on one day."""

    message_type: str
    sent_on: date
    campaign_id: str | None
    campaign_name: str
    subject_line: str
    currency: str
    sums: Sums


@dataclass(frozen=True)
class AccountResults:
    """The sends of one account, in the reported period and the periods before it."""

    account: str
    is_test: bool
    period: Period
    sends: Sequence[Send]

    @property
    def currency(self) -> str:
        """The currency of the account's amounts."""
        return next((send.currency for send in self.sends), "")

    def total(self, message_type: str, period: Period) -> Sums:
        """The sums over all sends of a type in a period."""
        return Sums.add_up(
            [
                send.sums
                for send in self.sends
                if send.message_type == message_type and send.sent_on in period
            ]
        )

    @cached_property
    def campaigns(self) -> Sequence[tuple[Send, Sums]]:
        """The campaigns of the reported period with their sums, largest revenue first."""
        by_id: dict[str | None, list[Send]] = {}
        for send in self.sends:
            if send.message_type == "campaign" and send.sent_on in self.period:
                by_id.setdefault(send.campaign_id, []).append(send)
        rows = [(sends[0], Sums.add_up([send.sums for send in sends])) for sends in by_id.values()]
        return sorted(rows, key=lambda row: -(row[1].values["conversion_value"] or 0))

    def chart_periods(self) -> Iterator[Period]:
        """The periods of a chart, the reported one last."""
        return (self.period.previous(earlier) for earlier in reversed(range(CHART_PERIODS)))


def format_value(value: float | None, metric: Metric, currency: str) -> str:
    """Format a figure for a reader, by the metric's format."""
    kind, _, digits = metric.format.partition("_")
    if value is None:
        return "–"
    if kind == "percent":
        return f"{value:.{digits}%}"
    if kind == "money":
        return f"{value:,.2f} {currency}".rstrip()
    return f"{value:,.{digits or 0}f}"


def compute_change(now: float | None, before: float | None, metric: Metric) -> float | None:
    """Compute the relative change of a figure; for a rate the difference (0.01 is one point)."""
    if now is None or not before:
        return None
    return now - before if metric.format.startswith("percent") else now / before - 1


def read_results(
    warehouse: Warehouse, semantics: Semantics, period: Period
) -> list[AccountResults]:
    """Read the results of every account, sorted by name.

    CommandError if an account is not synced to the end of the period, or the data begin after it.
    """
    sends: dict[str, list[Send]] = {}
    for account, send in _read_sends(warehouse, semantics, period):
        sends.setdefault(account, []).append(send)
    results = []
    # The accounts come from the data health, so that one without sends is in the digest too.
    accounts = list(warehouse.query(ACCOUNTS.format(health=warehouse.mart("klaviyo__data_health"))))
    first_days = [first_day for *_, first_day in accounts if first_day is not None]
    if first_days and period.end <= min(first_days):
        raise CommandError(f"The data begin on {min(first_days)}: report that day or a later one.")
    for id_, name, is_test, synced_on, _ in accounts:
        if synced_on < period.end:
            raise CommandError(
                f"{name} was last synced on {synced_on}, before {period} was over:"
                " sync first, or report an earlier period."
            )
        results.append(AccountResults(name, bool(is_test), period, sends.get(id_, [])))
    if not results:
        raise CommandError("The warehouse holds no account: run a sync and `dbt build`.")
    return results


ACCOUNTS = """
    select
        account_id, max(account_name) as account_name,
        max(case when is_test_account then 1 else 0 end), max(last_synced_on), min(data_from)
    from {health}
    group by account_id
    order by account_name, account_id
"""
SENDS = """
    select
        account_id, message_type, sent_on, campaign_id,
        max(campaign_name), string_agg(distinct subject_line, ' / ' order by subject_line),
        max(currency), {sums}
    from {performance}
    where sent_on >= date '{start}' and sent_on < date '{end}'
    group by account_id, message_type, sent_on, campaign_id
    order by sent_on, campaign_id
"""


def _read_sends(
    warehouse: Warehouse, semantics: Semantics, period: Period
) -> Iterator[tuple[str, Send]]:
    """Read every send that a figure or a chart needs, with its account's id."""
    metrics = [semantics.metric(name) for name in dict.fromkeys((*HEADLINE, *COLUMNS))]
    names = list(dict.fromkeys(name for metric in metrics for name in metric.sums))
    # One query reads all periods of a chart; the period before the reported one is among them.
    query = SENDS.format(
        sums=", ".join(f"sum({semantics.metric(name).column})" for name in names),
        performance=warehouse.mart("klaviyo__message_performance"),
        start=period.previous(CHART_PERIODS - 1).start,
        end=period.end,
    )
    for account, message_type, sent_on, campaign, *texts_and_sums in warehouse.query(query):
        name, subject, currency = (text or "" for text in texts_and_sums[:3])
        numbers = [None if value is None else float(value) for value in texts_and_sums[3:]]
        sums = Sums(dict(zip(names, numbers, strict=True)))
        yield account, Send(message_type, sent_on, campaign, name, subject, currency, sums)
