"""What was sent and what came of it, for the digest: figures of a period and of those before it.

Each figure is a metric of dbt's, by name; its label, format and formula are dbt's too.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from looker.semantic import Metric, Semantics
from scripts.command import CommandError
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
POINTS = 14  # periods in a chart, the reported one included


@dataclass(frozen=True)
class Period:
    """The days from `start` until the day before `end`."""

    start: date
    end: date

    def __contains__(self, day: date) -> bool:
        return self.start <= day < self.end

    def __str__(self) -> str:
        last = self.end - timedelta(days=1)
        if self.start == last:
            return f"{last:%A, %-d %B %Y}"
        is_one_month = (self.start.year, self.start.month) == (last.year, last.month)
        return f"{self.start:{'%-d' if is_one_month else '%-d %B %Y'}} – {last:%-d %B %Y}"

    @property
    def unit(self) -> str:
        """What periods of this length are called."""
        days = (self.end - self.start).days
        return {1: "day", 7: "week"}.get(days, f"{days} days")

    def before(self, periods: int = 1) -> "Period":
        """The period of the same length that lies so many periods earlier."""
        length = (self.end - self.start) * periods
        return Period(self.start - length, self.end - length)


@dataclass(frozen=True)
class Sums:
    """What came of some sends: the sums that metrics are made of. None: not counted there."""

    values: Mapping[str, float | None]

    @classmethod
    def of(cls, parts: Sequence["Sums"]) -> "Sums":
        """The sums over all parts."""
        names = {name for part in parts for name in part.values}
        counted = {name: [part.values[name] for part in parts] for name in names}
        return cls(
            {
                name: sum(value for value in values if value is not None)
                if any(value is not None for value in values)
                else None
                for name, values in counted.items()
            }
        )

    def value(self, metric: Metric) -> float | None:
        """The metric: a sum, or a ratio of two sums; None where nothing was counted."""
        top, *bottom = (self.values.get(name) for name in metric.sums)
        if not bottom or top is None:
            return top
        return top / bottom[0] if bottom[0] else None


@dataclass(frozen=True)
class Send:
    """What one campaign, or all flows together, sent on one day."""

    message_type: str
    sent_on: date
    campaign_id: str | None
    campaign_name: str
    subject_line: str
    currency: str
    sums: Sums


@dataclass(frozen=True)
class Results:
    """The sends of one account, in the period and the ones before it."""

    account: str
    is_test: bool
    period: Period
    sends: Sequence[Send]

    @property
    def currency(self) -> str:
        """The currency of the account's amounts."""
        return next((send.currency for send in self.sends), "")

    def total(self, message_type: str, period: Period) -> Sums:
        """What came of the sends of a type in a period."""
        return Sums.of(
            [
                send.sums
                for send in self.sends
                if send.message_type == message_type and send.sent_on in period
            ]
        )

    @cached_property
    def campaigns(self) -> Sequence[tuple[Send, Sums]]:
        """The period's campaigns with what came of each, the greatest revenue first."""
        by_id: dict[str | None, list[Send]] = {}
        for send in self.sends:
            if send.message_type == "campaign" and send.sent_on in self.period:
                by_id.setdefault(send.campaign_id, []).append(send)
        found = [(sends[0], Sums.of([send.sums for send in sends])) for sends in by_id.values()]
        return sorted(found, key=lambda one: -(one[1].values["conversion_value"] or 0))

    def periods(self) -> Iterator[Period]:
        """The periods of a chart, the reported one last."""
        return (self.period.before(earlier) for earlier in reversed(range(POINTS)))


def written(value: float | None, metric: Metric, currency: str) -> str:
    """A figure as people read it."""
    kind, _, digits = metric.format.partition("_")
    if value is None:
        return "–"
    if kind == "percent":
        return f"{value:.{digits}%}"
    if kind == "money":
        return f"{value:,.2f} {currency}".rstrip()
    return f"{value:,.{digits or 0}f}"


def change(now: float | None, before: float | None, metric: Metric) -> float | None:
    """By which share a figure changed; a rate by how many percentage points (0.01 is one)."""
    if now is None or not before:
        return None
    return now - before if metric.format.startswith("percent") else now / before - 1


def read(warehouse: Warehouse, semantics: Semantics, period: Period) -> list[Results]:
    """The results of every account, by name.

    CommandError unless the period is wholly synced, and one in which there can be something.
    """
    sends: dict[str, list[Send]] = {}
    for account, send in _sends(warehouse, semantics, period):
        sends.setdefault(account, []).append(send)
    results = []
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
        results.append(Results(name, bool(is_test), period, sends.get(id_, [])))
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


def _sends(
    warehouse: Warehouse, semantics: Semantics, period: Period
) -> Iterator[tuple[str, Send]]:
    """Every send that a figure or a chart needs, with its account's id."""
    metrics = [semantics.metric(name) for name in dict.fromkeys((*HEADLINE, *COLUMNS))]
    names = list(dict.fromkeys(name for metric in metrics for name in metric.sums))
    query = SENDS.format(
        sums=", ".join(f"sum({semantics.metric(name).column})" for name in names),
        performance=warehouse.mart("klaviyo__message_performance"),
        start=period.before(POINTS - 1).start,
        end=period.end,
    )
    for account, kind, sent_on, campaign, *texts_and_sums in warehouse.query(query):
        name, subject, currency = (text or "" for text in texts_and_sums[:3])
        numbers = [None if value is None else float(value) for value in texts_and_sums[3:]]
        sums = Sums(dict(zip(names, numbers, strict=True)))
        yield account, Send(kind, sent_on, campaign, name, subject, currency, sums)
