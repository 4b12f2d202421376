"""What a campaign earned by its age, beside what the account's campaigns usually had at that age.

The rule is `campaign_above` of looker/findings.yml, so the digest compares as the findings do: by
int_klaviyo__finding_campaign of dbt.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from statistics import median
from typing import NamedTuple

from looker import findings
from scripts.digest.period import Period
from scripts.warehouse import Warehouse

RULE = "campaign_above"
COUNTED = ("delivered", "conversions", "conversion_value")
RESULTS = """
    select campaign_id, send_channel, min(sent_on), {sums}
    from {performance}
    where account_id = '{account}' and message_type = 'campaign'
        and sent_on >= date '{start}' and sent_on < date '{end}'
    group by campaign_id, send_channel
"""
DAYS = """
    select campaign_id, send_channel, sent_on, date, {sums}
    from {daily}
    where account_id = '{account}' and sent_on >= date '{start}' and sent_on < date '{end}'
    group by campaign_id, send_channel, sent_on, date
"""

Key = tuple[str, str]  # of a campaign and a channel


class Result(NamedTuple):
    """What a campaign had on a channel by the end of some day."""

    delivered: float
    conversions: float
    conversion_value: float

    @property
    def per_recipient(self) -> float:
        """The revenue per recipient."""
        return self.conversion_value / self.delivered

    @property
    def order_rate(self) -> float:
        """The orders per recipient."""
        return self.conversions / self.delivered


@dataclass(frozen=True)
class Campaign:
    """A campaign on a channel: what it has, and what each day since the send added."""

    id: str
    channel: str
    sent_on: date
    latest: Result
    added: dict[int, Result] = field(default_factory=dict)

    def at_age(self, days: int) -> Result | None:
        """What stood at the end of a day since the send; None before the first snapshot."""
        results = [result for age, result in self.added.items() if age <= days]
        return Result(*map(sum, zip(*results, strict=True))) if results else None


@dataclass(frozen=True)
class Usual:
    """A campaign's result at its age, and the medians of its peers at that age.

    `days` since the send were over; None: its results are final.
    """

    days: int | None
    result: Result
    per_recipient: float
    order_rate: float


@dataclass(frozen=True)
class Campaigns:
    """The campaigns of an account on the day of its last sync.

    Results are final `final_age` days after the send. Of a younger campaign the day that ended
    yesterday counts, as the day of the sync is not over.
    """

    campaigns: dict[Key, Campaign]
    synced_on: date
    final_age: int
    limits: dict[str, float]

    def find_usual(self, key: Key) -> Usual | None:
        """What is usual for a campaign; None where too few were sent or compared before it."""
        campaign = self.campaigns[key]
        days = self._get_age(campaign)
        result = self._get_result(campaign, days)
        peers = [self._get_result(peer, days) for peer in self._list_peers(campaign)]
        known = [peer for peer in peers if peer]
        if not result or len(known) < self.limits["peers"]:
            return None
        medians = (
            median(peer.per_recipient for peer in known),
            median(peer.order_rate for peer in known),
        )
        return Usual(days, result, *medians) if medians[0] > 0 else None

    def _get_age(self, campaign: Campaign) -> int | None:
        age = (self.synced_on - campaign.sent_on).days
        return age - 1 if age < self.final_age else None

    def _get_result(self, campaign: Campaign, days: int | None) -> Result | None:
        """What it had at an age, or in the end, if that is known and of enough messages."""
        if days is not None:
            result = campaign.at_age(days)
        else:
            result = campaign.latest if self._get_age(campaign) is None else None
        return result if result and result.delivered >= self.limits["delivered"] else None

    def _list_peers(self, campaign: Campaign) -> Iterator[Campaign]:
        """The other campaigns of the channel in the days before the send."""
        first = campaign.sent_on - timedelta(days=int(self.limits["peer_days"]))
        for peer in self.campaigns.values():
            is_peer = peer.channel == campaign.channel and peer.id != campaign.id
            if is_peer and first <= peer.sent_on <= campaign.sent_on:
                yield peer


def read_usual(
    warehouse: Warehouse, account: str, period: Period, synced_on: date, final_age: int
) -> dict[Key, Usual]:
    """Read what is usual for each campaign of a period."""
    [limits] = [rule.limits for rule in findings.load().rules if rule.id == RULE]
    since = period.start - timedelta(days=int(limits["peer_days"]))
    campaigns = Campaigns(
        _read_campaigns(warehouse, account, Period(since, period.end)), synced_on, final_age, limits
    )
    usual = {
        key: campaigns.find_usual(key)
        for key, campaign in campaigns.campaigns.items()
        if campaign.sent_on in period
    }
    return {key: found for key, found in usual.items() if found}


def _read_campaigns(warehouse: Warehouse, account: str, days: Period) -> dict[Key, Campaign]:
    where = {"account": account.replace("'", "''"), "start": days.start, "end": days.end}
    query = RESULTS.format(
        sums=", ".join(f"sum({name})" for name in COUNTED),
        performance=warehouse.mart("klaviyo__message_performance"),
        **where,
    )
    campaigns = {
        (id_, channel): Campaign(id_, channel, sent_on, _build_result(sums))
        for id_, channel, sent_on, *sums in warehouse.query(query)
    }
    query = DAYS.format(
        sums=", ".join(f"sum(newly_known_{name})" for name in COUNTED),
        daily=warehouse.mart("klaviyo__campaign_daily"),
        **where,
    )
    for id_, channel, sent_on, day, *sums in warehouse.query(query):
        if (id_, channel) in campaigns:
            added, age = campaigns[id_, channel].added, (day - sent_on).days
            added[age] = _build_result(sums)
    return campaigns


def _build_result(sums: list[float | None]) -> Result:
    return Result(*(float(number or 0) for number in sums))
