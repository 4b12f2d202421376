"""The simulated company as dataclasses: everything its marketers set up.

Times are epoch seconds (UTC). A company is complete from the start, from 400 days before its epoch
to 60 days after; the account's clock decides which part of it is visible, and in which state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from klaviyo_sandbox.catalog.copy import Theme
from klaviyo_sandbox.catalog.plan import Channel, Condition
from klaviyo_sandbox.clock import MINUTE

Status = Literal["draft", "scheduled", "sending", "sent", "cancelled"]

STATIC_SEND = 10 * MINUTE  # how long a send at one moment takes


@dataclass(frozen=True)
class Product:
    """A product; ``price`` in the company's currency."""

    id: str
    name: str
    category: str
    price: float
    url: str
    popularity: float


@dataclass(frozen=True)
class Metric:
    """A kind of event; ``value`` says whether its events carry money.

    The simulation knows it by its ``name``; the API shows its ``label``.
    """

    id: str
    name: str
    integration_id: str
    integration_name: str
    integration_category: str
    created: int
    updated: int
    value: bool = False
    renamed: str = ""

    @property
    def label(self) -> str:
        """The name that the API shows."""
        return self.renamed or self.name


@dataclass(frozen=True)
class MappedMetric:
    """One of Klaviyo's fixed roles (its id, such as ``revenue``) and its metric."""

    id: str
    metric_id: str | None
    custom_metric_id: str | None
    updated: int


@dataclass(frozen=True)
class CustomMetric:
    """A metric defined as a selection of other metrics."""

    id: str
    name: str
    metric_ids: tuple[str, ...]
    created: int
    updated: int


@dataclass(frozen=True)
class Tag:
    """A label for lists, segments, campaigns and flows."""

    id: str
    name: str
    group_id: str


@dataclass(frozen=True)
class TagGroup:
    """Tags that belong together; a resource has at most one of an exclusive group."""

    id: str
    name: str
    exclusive: bool
    default: bool


@dataclass(frozen=True)
class ListDef:
    """A list; ``share`` is the part of all people who ever join it."""

    id: str
    name: str
    opt_in_process: str
    created: int
    updated: int
    tag_ids: tuple[str, ...]
    channel: Channel
    share: float


@dataclass(frozen=True)
class Segment:
    """A segment: people who meet all ``conditions``, or are in the list ``members_of`` (its id)."""

    id: str
    name: str
    conditions: tuple[Condition, ...]
    members_of: str | None
    created: int
    updated: int
    is_starred: bool
    tag_ids: tuple[str, ...]


@dataclass(frozen=True)
class FormVersion:
    """One of a form's A/B versions; ``share`` is its part of the form's views."""

    id: str
    name: str
    form_type: str
    created: int
    updated: int
    share: float


@dataclass(frozen=True)
class Form:
    """A sign-up form; people who submit it join the list ``list_id``."""

    id: str
    name: str
    list_id: str
    live_from: int | None
    created: int
    updated: int
    versions: tuple[FormVersion, ...]


@dataclass(frozen=True)
class Template:
    """An e-mail template."""

    id: str
    name: str
    html: str
    text: str
    created: int
    updated: int


@dataclass(frozen=True)
class Variation:
    """One version of a message's content.

    ``subject`` is the e-mail's subject, the push's title or the first words of the text;
    ``share`` is its part of the recipients (a message's shares sum to 1) and ``appeal``
    multiplies how likely they are to open and click. It is sent ``delay`` seconds after its message
    where the message tests send times.
    """

    id: str
    name: str
    subject: str
    preview: str
    body: str
    template_id: str | None
    share: float = 1.0
    appeal: float = 1.0
    delay: int = 0


@dataclass(frozen=True)
class Audience:
    """The recipients of a campaign: ids of lists and segments."""

    id: str
    name: str
    included: tuple[str, ...]
    excluded: tuple[str, ...]


@dataclass(frozen=True)
class CampaignMessage:
    """One message of a campaign; ``spread`` is the seconds its send is spread over."""

    id: str
    audience_id: str
    name: str
    channel: Channel
    variations: tuple[Variation, ...]
    created: int
    updated: int
    scheduled_at: int | None
    send_at: int | None
    spread: int
    strategy: str
    recipient_percentage: int = 100

    @property
    def sent_at(self) -> int | None:
        """When the last recipient's message is sent."""
        return None if self.send_at is None else self.send_at + max(self.spread, STATIC_SEND)

    @property
    def has_send_times(self) -> bool:
        """Whether Klaviyo plans a send time per variation and none for the message."""
        return self.strategy in ("send_time_optimization", "ab_send_time_test")


@dataclass(frozen=True)
class Campaign:
    """A campaign: one wizard message, or a canvas of several messages and audiences."""

    id: str
    name: str
    builder: str
    theme: Theme
    is_draft: bool
    archived_at: int | None
    cancelled_at: int | None
    created: int
    updated: int
    timezone: str
    tag_ids: tuple[str, ...]
    audiences: tuple[Audience, ...]
    messages: tuple[CampaignMessage, ...]

    @property
    def is_sent(self) -> bool:
        """Whether the campaign's messages are ever sent."""
        return not self.is_draft and self.cancelled_at is None

    def status(self, message: CampaignMessage, now: int) -> Status:
        """Return the status of ``message`` at ``now``."""
        if self.cancelled_at is not None and self.cancelled_at <= now:
            return "cancelled"
        if message.send_at is None or message.sent_at is None or message.scheduled_at is None:
            return "draft"
        if now < message.scheduled_at:
            return "draft"
        if now < message.send_at:
            return "scheduled"
        return "sending" if now < message.sent_at else "sent"


@dataclass(frozen=True)
class FlowMessage:
    """One message of a flow, sent ``delay`` seconds after the trigger."""

    id: str
    action_id: str
    name: str
    channel: Channel
    theme: Theme
    variations: tuple[Variation, ...]
    delay: int
    created: int
    updated: int


@dataclass(frozen=True)
class FlowAction:
    """One step of a flow; ``next_id`` is the step after it, ``delay`` the wait of a time delay."""

    id: str
    type: str
    message_id: str | None
    next_id: str | None
    delay: int
    created: int
    updated: int


@dataclass(frozen=True)
class Flow:
    """A flow; it sends from ``live_from`` (None: never) until ``archived_at`` (None: always).

    ``trigger`` is a metric's name (trigger type "Metric"), a list's id ("Added to List") or a
    profile property ("Date Based"). People leave it on an event of ``exit_metric`` and may enter
    again after ``reentry_days`` (None: never).
    """

    id: str
    name: str
    trigger_type: str
    trigger: str
    exit_metric: str | None
    reentry_days: int | None
    live_from: int | None
    archived_at: int | None
    created: int
    updated: int
    tag_ids: tuple[str, ...]
    actions: tuple[FlowAction, ...]
    messages: tuple[FlowMessage, ...]

    def is_live(self, at: int) -> bool:
        """Whether people can enter the flow at the time ``at``."""
        started = self.live_from is not None and self.live_from <= at
        return started and (self.archived_at is None or at < self.archived_at)


@dataclass(frozen=True)
class Company:
    """The whole account but its people; campaigns are sorted by ``created``.

    ``seed`` lets a resource type draw ids of its own: ``SeededRandom(company.seed)``. The catalogue
    has ``catalog_items`` products, those of ``products`` at the least.
    """

    seed: int
    account_id: str
    name: str
    website: str
    email: str
    sender: str
    industry: str
    timezone: str
    currency: str
    locale: str
    founded: int
    products: tuple[Product, ...]
    catalog_items: int
    coupon_codes: int
    metrics: tuple[Metric, ...]
    mapped_metrics: tuple[MappedMetric, ...]
    custom_metrics: tuple[CustomMetric, ...]
    tag_groups: tuple[TagGroup, ...]
    tags: tuple[Tag, ...]
    lists: tuple[ListDef, ...]
    segments: tuple[Segment, ...]
    forms: tuple[Form, ...]
    templates: tuple[Template, ...]
    campaigns: tuple[Campaign, ...]
    flows: tuple[Flow, ...]

    def code(self, name: str) -> int:
        """Return the position of the metric called ``name``; ValueError if there is none."""
        return [metric.name for metric in self.metrics].index(name)

    def metric(self, name: str) -> Metric:
        """Return the metric called ``name``; ValueError if there is none."""
        return self.metrics[self.code(name)]
