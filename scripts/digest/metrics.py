"""The figures of the digest: each account's sends in a period and in the periods before it.

Every figure is a dbt metric. Its label, format and formula are those that dbt declares.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import urlencode

from looker import declaration, findings, health
from looker.semantic import Metric, Semantics
from scripts.command import CommandError
from scripts.digest import peers
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
# Rates are those of one channel, because Klaviyo shows no other; the rest adds up.
RATE_CHANNEL = "email"
ORDERS = "conversions"  # the count behind an amount
CHART_PERIODS = 14  # periods in a chart, including the reported one

Row = TypeVar("Row")


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
    send_channel: str
    conversion_metric: str
    sums: Sums

    def is_campaign_of(self, period: Period) -> bool:
        """Whether a campaign sent it, in the period."""
        return self.message_type == "campaign" and self.sent_on in period


@dataclass(frozen=True)
class Finding:
    """What to do next, in the words of the mart, and where the dashboard shows it."""

    id: str  # as KLAVIYO_MUTED_FINDINGS takes it
    suggestion: str
    finding: str
    reason: str
    date: date
    sample: str
    fragment: str  # of the dashboard's address


@dataclass(frozen=True)
class Comparison:
    """Two sums to compare, and over which days; or why there are none.

    `over` is in the words of the dashboard's page.
    """

    now: Sums | None = None
    before: Sums | None = None
    over: str = ""
    missing: str = ""


@dataclass(frozen=True)
class AccountResults:
    """The sends of one account, in the reported period and the periods before it.

    `standings` are the sends of the period before as they stood one period ago, by the daily
    snapshots. Sends on or before `final_day` have final results. `verdict` is that on the data.
    `usual` is what campaigns had at the age of each of the period's, by campaign and channel.
    """

    account: str
    is_test: bool
    period: Period
    final_day: date
    sends: Sequence[Send]
    standings: Sequence[Send] = ()
    findings: Sequence[Finding] = ()
    verdict: str = ""
    usual: Mapping[peers.Key, peers.Usual] = field(default_factory=dict)

    @property
    def currency(self) -> str:
        """The currency of the account's amounts."""
        return next((send.currency for send in self.sends), "")

    @property
    def conversion_metric(self) -> str:
        """What counts as a conversion, such as Placed Order."""
        return next((send.conversion_metric for send in self.sends), "")

    def total(self, message_type: str, period: Period, channel: str = "") -> Sums:
        """The sums over all sends of a type in a period, or of those on one channel."""
        return add_up_sends(self.sends, message_type, period, channel)

    def compare(self, metric: Metric) -> Comparison:
        """A metric of the period's campaigns and of those before, at equal age.

        Final results are compared as they are. Younger ones are compared with what the period
        before had earned at the same age; without snapshots, over the days that are final.
        """
        period, before = self.period, self.period.previous()
        channel = RATE_CHANNEL if metric.ratio else ""
        now = self.total("campaign", period, channel)
        if period.last <= self.final_day:
            return Comparison(now, self.total("campaign", before, channel))
        if self._has_every_standing(before):
            standing = add_up_sends(self.standings, "campaign", before, channel)
            return Comparison(now, standing, " at the same age")
        days = (self.final_day - period.start).days + 1
        if 2 * days < period.days or days < 1:
            return Comparison(missing="Too recent to compare")
        return Comparison(
            self.total("campaign", period.first_days(days), channel),
            self.total("campaign", before.first_days(days), channel),
            f" over the first {days} days",
        )

    def _has_every_standing(self, period: Period) -> bool:
        sent, standing = (
            {(send.campaign_id, send.send_channel) for send in sends if send.is_campaign_of(period)}
            for sends in (self.sends, self.standings)
        )
        return bool(sent) and sent <= standing

    @cached_property
    def campaigns(self) -> Sequence[tuple[Send, Sums]]:
        """The campaigns of the reported period with their sums, largest revenue first."""
        by_id: dict[str | None, list[Send]] = {}
        for send in self.sends:
            if send.is_campaign_of(self.period):
                by_id.setdefault(send.campaign_id, []).append(send)
        rows = [(sends[0], Sums.add_up([send.sums for send in sends])) for sends in by_id.values()]
        return sorted(rows, key=lambda row: -(row[1].values["conversion_value"] or 0))

    def chart_periods(self) -> Iterator[Period]:
        """The periods of a chart, the reported one last."""
        return (self.period.previous(earlier) for earlier in reversed(range(CHART_PERIODS)))


def add_up_sends(
    sends: Sequence[Send], message_type: str, period: Period, channel: str = ""
) -> Sums:
    """The sums over the sends of a type in a period, or of those on one channel."""
    return Sums.add_up(
        [
            send.sums
            for send in sends
            if send.message_type == message_type
            and send.sent_on in period
            and channel in ("", send.send_channel)
        ]
    )


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
    sends = _group_by_account(_read_sends(warehouse, semantics, period))
    suggestions = _group_by_account(_read_findings(warehouse))
    attribution_days = declaration.load(semantics).attribution_days
    results = []
    # The accounts come from the data health, so that one without sends is in the digest too.
    health_mart = warehouse.mart("klaviyo__data_health")
    accounts = list(warehouse.query(ACCOUNTS.format(health=health_mart)))
    verdicts = health.build_verdicts(warehouse.query(health.ROWS.format(health=health_mart)))
    first_days = [first_day for *_, first_day in accounts if first_day is not None]
    if first_days and period.end <= min(first_days):
        raise CommandError(f"The data begin on {min(first_days)}: report that day or a later one.")
    for id_, name, is_test, synced_on, _ in accounts:
        if synced_on < period.end:
            raise CommandError(
                f"{name} was last synced on {synced_on}, before {period} was over:"
                " sync first, or report an earlier period."
            )
        results.append(
            AccountResults(
                name,
                bool(is_test),
                period,
                # A send earns for `attribution_days`; the current day is not over.
                final_day=synced_on - timedelta(days=attribution_days + 1),
                sends=sends.get(id_, []),
                standings=list(_read_standings(warehouse, semantics, id_, period, synced_on)),
                findings=suggestions.get(id_, []),
                verdict=verdicts[id_].text,
                usual=peers.read_usual(warehouse, id_, period, synced_on, attribution_days + 1),
            )
        )
    if not results:
        raise CommandError("The warehouse holds no account: run a sync and `dbt build`.")
    return results


def _group_by_account(rows: Iterator[tuple[str, Row]]) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = {}
    for account, row in rows:
        groups.setdefault(account, []).append(row)
    return groups


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
        account_id, message_type, sent_on, campaign_id, send_channel,
        max(campaign_name), string_agg(distinct subject_line, ' / ' order by subject_line),
        max(currency), max(conversion_metric_name), {sums}
    from {performance}
    where sent_on >= date '{start}' and sent_on < date '{end}'
    group by account_id, message_type, sent_on, campaign_id, send_channel
    order by sent_on, campaign_id, send_channel
"""
# What a send's rows until a day add to what is known is what stood at the end of that day.
STANDINGS = """
    select campaign_id, send_channel, sent_on, {sums}
    from {daily}
    where account_id = '{account}' and date <= date '{day}'
        and sent_on >= date '{start}' and sent_on < date '{end}'
    group by campaign_id, send_channel, sent_on
"""
STANDING = "sum(newly_known_{})"
FINDINGS = """
    select
        account_id, finding_id, suggestion, finding, reason, date, sample_size, sample_unit, page,
        campaign_name, flow_name
    from {finding}
    where finding_rank <= {shown}
    order by account_id, finding_rank
"""


def _read_sends(
    warehouse: Warehouse, semantics: Semantics, period: Period
) -> Iterator[tuple[str, Send]]:
    """Read every send that a figure or a chart needs, with its account's id."""
    columns = _summed_columns(semantics)
    # One query reads all periods of a chart; the period before the reported one is among them.
    query = SENDS.format(
        sums=", ".join(f"sum({column})" for column in columns.values()),
        performance=warehouse.mart("klaviyo__message_performance"),
        start=period.previous(CHART_PERIODS - 1).start,
        end=period.end,
    )
    for account, message_type, sent_on, campaign, channel, *others in warehouse.query(query):
        name, subject, currency, metric = (text or "" for text in others[:4])
        sums = _build_sums(columns, others[4:])
        yield (
            account,
            Send(message_type, sent_on, campaign, name, subject, currency, channel, metric, sums),
        )


def _read_standings(
    warehouse: Warehouse, semantics: Semantics, account: str, period: Period, synced_on: date
) -> Iterator[Send]:
    """Read the campaigns of the period before as they stood one period before the last sync."""
    # A snapshot has no denominators of rates; on the one channel of rates they are the delivered.
    columns = {
        name: "delivered" if column.endswith("_tracked_delivered") else column
        for name, column in _summed_columns(semantics).items()
    }
    before = period.previous()
    query = STANDINGS.format(
        sums=", ".join(map(STANDING.format, columns.values())),
        daily=warehouse.mart("klaviyo__campaign_daily"),
        account=account.replace("'", "''"),
        day=synced_on - (period.end - period.start),
        start=before.start,
        end=before.end,
    )
    for campaign, channel, sent_on, *numbers in warehouse.query(query):
        sums = _build_sums(columns, numbers)
        yield Send("campaign", sent_on, campaign, "", "", "", channel, "", sums)


def _read_findings(warehouse: Warehouse) -> Iterator[tuple[str, Finding]]:
    """Read what to do next, the first of each account, with the account's id."""
    declared = findings.load()
    query = FINDINGS.format(finding=warehouse.mart("klaviyo__finding"), shown=declared.shown)
    for account, id_, suggestion, finding, reason, day, size, unit, *place in warehouse.query(
        query
    ):
        page, campaign, flow = place
        subject = {"campaign_name": campaign, "flow_name": flow}
        choices = {"page": page, "days": declared.days, **subject}
        fragment = urlencode({name: value for name, value in choices.items() if value})
        sample = f"{int(size):,} {unit}"
        yield account, Finding(id_, suggestion, finding, reason, day, sample, fragment)


def _summed_columns(semantics: Semantics) -> dict[str, str]:
    """The column behind each sum that the figures need, with the counts that judge a change."""
    metrics = [semantics.metric(name) for name in dict.fromkeys((*HEADLINE, *COLUMNS, ORDERS))]
    names = dict.fromkeys(name for metric in metrics for name in metric.sums)
    return {name: semantics.metric(name).column for name in names}


def _build_sums(columns: Mapping[str, str], values: Sequence[Any]) -> Sums:
    numbers = [None if value is None else float(value) for value in values]
    return Sums(dict(zip(columns, numbers, strict=True)))
