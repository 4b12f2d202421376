"""Builds a campaign of some kind for each slot of the marketing calendar."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from random import Random
from string import Template
from textwrap import shorten
from zoneinfo import ZoneInfo

from klaviyo_sandbox.catalog.copy import MAKERS, PRODUCTS, SEASONS
from klaviyo_sandbox.catalog.model import (
    STATIC_SEND,
    Audience,
    Campaign,
    CampaignMessage,
    Variation,
)
from klaviyo_sandbox.catalog.plan import Channel, Slot, plan_campaigns
from klaviyo_sandbox.catalog.seeding import SeededRandom
from klaviyo_sandbox.clock import DAY, HOUR, start_of_day

SEND_TIMES_APART = 3 * HOUR  # of the variations of a test of send times
_LABELS = {"email": "E-mail", "sms": "Text", "push": "Push", "whatsapp": "WhatsApp"}

# The recipients of a theme's e-mails: the keys of the groups included and excluded.
_Groups = tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]
_NEWSLETTER, _CUSTOMERS = ("list", "Newsletter"), ("segment", "Customers")
_LOYAL = (("segment", "VIPs"), ("segment", "Repeat Customers"))
_SUBSCRIBERS: _Groups = ((_NEWSLETTER,), (("segment", "Unengaged (180 days)"),))
_EVERYONE: _Groups = ((_NEWSLETTER, _CUSTOMERS), ())
_ENGAGED: _Groups = ((("segment", "Engaged (90 days)"),), ())
_EMAIL_GROUPS: dict[str, _Groups] = {
    "newsletter": _SUBSCRIBERS,
    "story": _ENGAGED,
    "launch": _ENGAGED,
    "restock": _ENGAGED,
    "sale": _SUBSCRIBERS,
    "winback": (
        (("segment", "Lapsed Customers (180 days)"),),
        (("segment", "Recent Buyers (30 days)"),),
    ),
    "vip": (_LOYAL, ()),
    "holiday": _EVERYONE,
    "black friday": _EVERYONE,
}
_CHANNEL_GROUPS: dict[Channel, _Groups] = {
    "sms": ((("list", "Text Club"),), ()),
    "push": ((("segment", "Push Subscribers"),), ()),
    "whatsapp": ((("segment", "WhatsApp Subscribers"),), ()),
}


@dataclass(frozen=True)
class _Traits:
    """The traits of a campaign, which follow from its position among those of its channels.

    The remainders are chosen so that every channel soon has a campaign of each trait.
    """

    position: int
    is_last: bool
    is_holiday: bool

    @property
    def is_draft(self) -> bool:
        return self.is_last

    @property
    def is_cancelled(self) -> bool:
        return self.position % 13 == 5 and not self.is_draft and not self.is_holiday

    @property
    def is_archived(self) -> bool:
        return self.position % 7 == 2 and not self.is_draft

    @property
    def variation_count(self) -> int:
        if self.is_holiday:
            return 1
        return 3 if self.position % 15 == 8 else 2 if self.position % 5 == 3 else 1

    @property
    def tests_send_times(self) -> bool:
        return self.position % 20 == 13 and not self.is_holiday

    @property
    def recipient_percentage(self) -> int:
        return 50 if self.position % 19 == 11 and not self.is_holiday else 100

    @property
    def strategy_and_spread(self) -> tuple[str, int]:
        """The send strategy and the seconds over which it spreads the send."""
        if self.tests_send_times:
            last = SEND_TIMES_APART * (self.variation_count - 1)
            return "ab_send_time_test", last + STATIC_SEND
        if self.variation_count > 1:
            return "content_variation", 0
        if self.position % 12 == 4:
            return "send_time_optimization", 0
        if self.position % 6 == 1:
            return "local_timezone", DAY
        return "static", 0


def build_campaigns(
    seeded: SeededRandom, epoch: date, timezone: str, count: int
) -> tuple[Campaign, ...]:
    """Return ``count`` campaigns around ``epoch``, sorted by when they were created."""
    slots = plan_campaigns(epoch, count)
    totals, positions = Counter(slot.channels for slot in slots), Counter[tuple[Channel, ...]]()
    campaigns = []
    for number, slot in enumerate(slots):
        position = positions[slot.channels]
        positions[slot.channels] += 1
        is_last = len(slot.channels) == 1 and positions[slot.channels] == totals[slot.channels]
        traits = _Traits(position, is_last, bool(slot.holiday))
        builder = _CampaignBuilder(seeded, number, slot, traits, timezone, start_of_day(epoch))
        campaigns.append(builder.build())
    return tuple(sorted(campaigns, key=lambda campaign: (campaign.created, campaign.id)))


@dataclass
class _CampaignBuilder:
    """Builds the campaign of one slot; ``today`` is the epoch's midnight."""

    seeded: SeededRandom
    number: int
    slot: Slot
    traits: _Traits
    timezone: str
    today: int

    def __post_init__(self) -> None:
        self.random = self.seeded.random("campaign", self.number)
        self.send_at = int(self.slot.at.replace(tzinfo=ZoneInfo(self.timezone)).timestamp())
        self.created = self.send_at - self.random.randrange(4 * DAY, 18 * DAY)
        if self.traits.is_draft:
            draft_created = self.today - self.random.randrange(4 * DAY, 25 * DAY)
            self.created = min(self.created, draft_created)
        self.updated = self.created + self.random.randrange(HOUR, 3 * DAY)
        self.scheduled_at = self.updated + self.random.randrange(HOUR, 20 * HOUR)
        self.id = self.seeded.ulid(self.created, "campaign", self.number)
        # Each turn of a theme takes its next idea; each round through the ideas the next text.
        ideas = self.slot.theme.ideas
        self.round, idea = divmod(self.slot.turn, len(ideas))
        self.idea = ideas[idea]
        self.copy_values = _draw_copy_values(self.random, self.slot)

    def build(self) -> Campaign:
        """Return the campaign with its audiences and messages."""
        is_canvas = len(self.slot.channels) > 1
        archived_at = cancelled_at = None
        if self.traits.is_archived:
            archived_at = self.send_at + 2 * DAY + self.random.randrange(40 * DAY)
        if self.traits.is_cancelled:
            cancelled_at = self.random.randrange(self.scheduled_at, self.send_at)
        if is_canvas:
            audiences = self._build_canvas_audiences()
            messages = list(self._build_canvas_messages(audiences))
        else:
            audiences = (self._build_audience(),)
            messages = [self._build_message(self.slot.channels[0], audiences[0], self._name(), 0)]
        return Campaign(
            id=self.id,
            name=self._name(),
            builder="canvas" if is_canvas else "wizard",
            theme=self.slot.theme,
            is_draft=self.traits.is_draft,
            archived_at=archived_at,
            cancelled_at=cancelled_at,
            created=self.created,
            updated=self.updated,
            timezone=self.timezone,
            tag_ids=(self.seeded.uuid("tag", self.slot.theme.tag),),
            audiences=audiences,
            messages=tuple(messages),
        )

    def _name(self) -> str:
        """Return the campaign's name as marketers write them: day, what, channel."""
        name = f"{self.slot.at:%Y-%m-%d} {self._fill_in((self.idea.title,))}"
        if self.slot.channels == ("email",):
            return name
        label = _LABELS[self.slot.channels[0]] if len(self.slot.channels) == 1 else "all channels"
        return f"{name} ({label})"

    def _fill_in(self, copy: tuple[str, ...], offset: int = 0) -> str:
        """Return this round's text of ``copy``, filled in; further variations have an offset."""
        return Template(copy[(self.round + offset) % len(copy)]).substitute(self.copy_values)

    def _build_audience(self) -> Audience:
        channel = self.slot.channels[0]
        groups = _CHANNEL_GROUPS.get(channel, _EMAIL_GROUPS[self.slot.theme.name])
        return self._create_audience("Audience 1", *groups)

    def _build_canvas_audiences(self) -> tuple[Audience, ...]:
        everyone = (_NEWSLETTER, ("list", "Text Club"), ("segment", "Push Subscribers"))
        return (
            self._create_audience("VIPs", _LOYAL, ()),
            self._create_audience("Everyone else", everyone, _LOYAL),
        )

    def _create_audience(
        self,
        name: str,
        included: tuple[tuple[str, str], ...],
        excluded: tuple[tuple[str, str], ...],
    ) -> Audience:
        return Audience(
            id=self.seeded.ulid(self.created, "audience", self.number, name),
            name=name,
            included=tuple(self.seeded.short_id(*key) for key in included),
            excluded=tuple(self.seeded.short_id(*key) for key in excluded),
        )

    def _build_canvas_messages(self, audiences: tuple[Audience, ...]) -> Iterator[CampaignMessage]:
        """Yield an e-mail to VIPs, then a message to everyone else on each channel."""
        loyal, everyone = audiences
        yield self._build_message("email", loyal, "E-mail: VIPs", 0)
        for hours, channel in enumerate(self.slot.channels, start=1):
            name = f"{_LABELS[channel]}: everyone else"
            yield self._build_message(channel, everyone, name, hours * HOUR)

    def _build_message(
        self, channel: Channel, audience: Audience, name: str, delay: int
    ) -> CampaignMessage:
        strategy, spread = self.traits.strategy_and_spread
        return CampaignMessage(
            id=self.seeded.ulid(self.created, "message", self.number, name),
            audience_id=audience.id,
            name=name,
            channel=channel,
            variations=tuple(self._build_variations(channel, name)),
            created=self.created,
            updated=self.updated,
            scheduled_at=None if self.traits.is_draft else self.scheduled_at,
            send_at=None if self.traits.is_draft else self.send_at + delay,
            spread=spread,
            strategy=strategy,
            recipient_percentage=self.traits.recipient_percentage,
        )

    def _build_variations(self, channel: Channel, message: str) -> Iterator[Variation]:
        theme, count = self.slot.theme, self.traits.variation_count
        appeals = [1.0, *(round(self.random.uniform(0.82, 1.22), 3) for _ in range(1, count))]
        shares = _variation_shares(appeals, has_winner=self.random.random() < 0.5)
        for number, (share, appeal) in enumerate(zip(shares, appeals, strict=True)):
            # A test of send times sends the same content at several times.
            turn = 0 if self.traits.tests_send_times else number
            text = self._fill_in(self.idea.texts, turn)
            has_subject = channel in ("email", "push")
            is_email = channel == "email"
            yield Variation(
                id=self.seeded.ulid(self.created, "variation", self.number, message, number),
                name="Original" if count == 1 else f"Variation {'ABC'[number]}",
                subject=self._fill_in(self.idea.subjects, turn)
                if has_subject
                else first_words(text),
                preview=self._fill_in(theme.previews, turn) if is_email else "",
                body="" if is_email else text,
                template_id=self.seeded.short_id("template", theme.name) if is_email else None,
                share=share,
                appeal=appeal,
                delay=SEND_TIMES_APART * number if self.traits.tests_send_times else 0,
            )


def first_words(text: str) -> str:
    """Return the first words of a text message, which are its subject in the sandbox."""
    return shorten(text, 40, placeholder="…")


def _variation_shares(appeals: list[float], *, has_winner: bool) -> list[float]:
    """Return each variation's share: equal, or small test groups and the rest to the best."""
    count = len(appeals)
    if not has_winner:
        return [1 / count] * count
    best = max(appeals)
    return [1 - 0.15 * (count - 1) if appeal == best else 0.15 for appeal in appeals]


def _draw_copy_values(random: Random, slot: Slot) -> dict[str, str]:
    """Return the values that fill in a slot's copy."""
    product = random.choices(PRODUCTS, [product.popularity for product in PRODUCTS])[0]
    return {
        "product": product.name,
        "category": product.category.lower(),
        "percent": str(random.choice((15, 20, 20, 25, 30))),
        "month": f"{slot.at:%B}",
        "season": SEASONS[slot.at.month % 12 // 3],
        "maker": random.choice(MAKERS),
        "occasion": slot.holiday,
    }
