"""Turns places in the marketing calendar into campaigns of every kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from random import Random
from string import Template
from textwrap import shorten
from zoneinfo import ZoneInfo

from klaviyo_sandbox.catalog.copy import GOODS, MAKERS, SEASONS
from klaviyo_sandbox.catalog.model import Audience, Campaign, CampaignMessage, Variation
from klaviyo_sandbox.catalog.plan import Channel, Slot, calendar
from klaviyo_sandbox.catalog.seeding import Draw
from klaviyo_sandbox.clock import DAY, HOUR, midnight

_LABELS = {"email": "E-mail", "sms": "Text", "push": "Push", "whatsapp": "WhatsApp"}

# Whom a theme's e-mails address: the drawing keys of the groups included and excluded.
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
class _Kind:
    """What is special about a campaign, told from its place among those of its channels.

    The remainders are spread so that each kind falls on every channel soon.
    """

    place: int
    is_last: bool
    is_holiday: bool

    @property
    def draft(self) -> bool:
        return self.is_last

    @property
    def cancelled(self) -> bool:
        return self.place % 13 == 5 and not self.draft and not self.is_holiday

    @property
    def archived(self) -> bool:
        return self.place % 7 == 2 and not self.draft

    @property
    def variations(self) -> int:
        if self.is_holiday:
            return 1
        return 3 if self.place % 15 == 8 else 2 if self.place % 5 == 3 else 1

    @property
    def percentage(self) -> int:
        return 50 if self.place % 19 == 11 and not self.is_holiday else 100

    @property
    def sending(self) -> tuple[str, int]:
        """Return the send strategy and the seconds over which it spreads the send."""
        if self.variations > 1:
            return "content_variation", 0
        if self.place % 6 == 1:
            return "local_timezone", DAY
        return "static", 0


def make_campaigns(draw: Draw, epoch: date, timezone: str, count: int) -> tuple[Campaign, ...]:
    """Return ``count`` campaigns around ``epoch``, sorted by when they were created."""
    slots = calendar(epoch, count)
    totals, places = Counter(slot.channels for slot in slots), Counter[tuple[Channel, ...]]()
    campaigns = []
    for number, slot in enumerate(slots):
        place = places[slot.channels]
        places[slot.channels] += 1
        is_last = len(slot.channels) == 1 and places[slot.channels] == totals[slot.channels]
        kind = _Kind(place, is_last, bool(slot.occasion))
        campaigns.append(_Maker(draw, number, slot, kind, timezone, midnight(epoch)).campaign())
    return tuple(sorted(campaigns, key=lambda campaign: (campaign.created, campaign.id)))


@dataclass
class _Maker:
    """Makes the campaign of one slot; ``today`` is the epoch's midnight."""

    draw: Draw
    number: int
    slot: Slot
    kind: _Kind
    timezone: str
    today: int

    def __post_init__(self) -> None:
        self.random = self.draw.random("campaign", self.number)
        self.send_at = int(self.slot.at.replace(tzinfo=ZoneInfo(self.timezone)).timestamp())
        self.created = self.send_at - self.random.randrange(4 * DAY, 18 * DAY)
        if self.kind.draft:
            begun = self.today - self.random.randrange(4 * DAY, 25 * DAY)
            self.created = min(self.created, begun)
        self.updated = self.created + self.random.randrange(HOUR, 3 * DAY)
        self.scheduled_at = self.updated + self.random.randrange(HOUR, 20 * HOUR)
        self.id = self.draw.ulid(self.created, "campaign", self.number)
        ideas = self.slot.theme.ideas
        self.round, idea = divmod(self.slot.turn, len(ideas))
        self.idea = ideas[idea]
        self.facts = _facts(self.random, self.slot)

    def campaign(self) -> Campaign:
        theme, kind = self.slot.theme, self.kind
        is_canvas = len(self.slot.channels) > 1
        audiences = self._canvas_audiences() if is_canvas else (self._audience(),)
        messages = self._canvas_messages(audiences) if is_canvas else self._messages(audiences[0])
        sent_by = self.send_at + 2 * DAY
        return Campaign(
            id=self.id,
            name=self._name(),
            builder="canvas" if is_canvas else "wizard",
            theme=theme,
            draft=kind.draft,
            archived_at=sent_by + self.random.randrange(40 * DAY) if kind.archived else None,
            cancelled_at=(
                self.random.randrange(self.scheduled_at, self.send_at) if kind.cancelled else None
            ),
            created=self.created,
            updated=self.updated,
            timezone=self.timezone,
            tag_ids=(self.draw.uuid("tag", theme.tag),),
            audiences=audiences,
            messages=tuple(messages),
        )

    def _name(self) -> str:
        """Return the campaign's name as marketers write them: day, what, channel."""
        name = f"{self.slot.at:%Y-%m-%d} {self._write((self.idea.title,))}"
        if self.slot.channels == ("email",):
            return name
        label = _LABELS[self.slot.channels[0]] if len(self.slot.channels) == 1 else "all channels"
        return f"{name} ({label})"

    def _write(self, copy: tuple[str, ...], further: int = 0) -> str:
        """Return this round's text of ``copy``, filled in; a variation asks for a further one."""
        return Template(copy[(self.round + further) % len(copy)]).substitute(self.facts)

    def _audience(self) -> Audience:
        channel = self.slot.channels[0]
        groups = _CHANNEL_GROUPS.get(channel, _EMAIL_GROUPS[self.slot.theme.name])
        return self._addressed("Audience 1", *groups)

    def _canvas_audiences(self) -> tuple[Audience, ...]:
        everyone = (_NEWSLETTER, ("list", "Text Club"), ("segment", "Push Subscribers"))
        return (
            self._addressed("VIPs", _LOYAL, ()),
            self._addressed("Everyone else", everyone, _LOYAL),
        )

    def _addressed(
        self,
        name: str,
        included: tuple[tuple[str, str], ...],
        excluded: tuple[tuple[str, str], ...],
    ) -> Audience:
        return Audience(
            id=self.draw.ulid(self.created, "audience", self.number, name),
            name=name,
            included=tuple(self.draw.short_id(*key) for key in included),
            excluded=tuple(self.draw.short_id(*key) for key in excluded),
        )

    def _messages(self, audience: Audience) -> Iterator[CampaignMessage]:
        yield self._message(self.slot.channels[0], audience, self._name(), 0)

    def _canvas_messages(self, audiences: tuple[Audience, ...]) -> Iterator[CampaignMessage]:
        """Yield VIPs' e-mail first, then everyone else's on each channel in turn."""
        loyal, everyone = audiences
        yield self._message("email", loyal, "E-mail: VIPs", 0)
        for hours, channel in enumerate(self.slot.channels, start=1):
            name = f"{_LABELS[channel]}: everyone else"
            yield self._message(channel, everyone, name, hours * HOUR)

    def _message(
        self, channel: Channel, audience: Audience, name: str, later: int
    ) -> CampaignMessage:
        strategy, spread = self.kind.sending
        return CampaignMessage(
            id=self.draw.ulid(self.created, "message", self.number, name),
            audience_id=audience.id,
            name=name,
            channel=channel,
            variations=tuple(self._variations(channel, name)),
            created=self.created,
            updated=self.updated,
            scheduled_at=None if self.kind.draft else self.scheduled_at,
            send_at=None if self.kind.draft else self.send_at + later,
            spread=spread,
            strategy=strategy,
            recipient_percentage=self.kind.percentage,
        )

    def _variations(self, channel: Channel, message: str) -> Iterator[Variation]:
        theme, count = self.slot.theme, self.kind.variations
        appeals = [1.0, *(round(self.random.uniform(0.82, 1.22), 3) for _ in range(1, count))]
        shares = _shares(appeals, has_winner=self.random.random() < 0.5)
        for number, (share, appeal) in enumerate(zip(shares, appeals, strict=True)):
            text = self._write(self.idea.texts, number)
            has_subject = channel in ("email", "push")
            is_email = channel == "email"
            yield Variation(
                id=self.draw.ulid(self.created, "variation", self.number, message, number),
                name="Original" if count == 1 else f"Variation {'ABC'[number]}",
                subject=self._write(self.idea.subjects, number) if has_subject else opening(text),
                preview=self._write(theme.previews, number) if is_email else "",
                body="" if is_email else text,
                template_id=self.draw.short_id("template", theme.name) if is_email else None,
                share=share,
                appeal=appeal,
            )


def opening(text: str) -> str:
    """Return the first words of a text message, which stand for its subject."""
    return shorten(text, 40, placeholder="…")


def _shares(appeals: list[float], *, has_winner: bool) -> list[float]:
    """Return each variation's part: equal, or small tests before the best takes the rest."""
    count = len(appeals)
    if not has_winner:
        return [1 / count] * count
    best = max(appeals)
    return [1 - 0.15 * (count - 1) if appeal == best else 0.15 for appeal in appeals]


def _facts(random: Random, slot: Slot) -> dict[str, str]:
    """Return what fills in a slot's copy."""
    goods = random.choices(GOODS, [goods.popularity for goods in GOODS])[0]
    return {
        "product": goods.name,
        "category": goods.category.lower(),
        "percent": str(random.choice((15, 20, 20, 25, 30))),
        "month": f"{slot.at:%B}",
        "season": SEASONS[slot.at.month % 12 // 3],
        "maker": random.choice(MAKERS),
        "occasion": slot.occasion,
    }
