"""The marketers' plan: metrics, groups, forms, flows and the campaign calendar.

Plain tables with names instead of ids; ``builder``, ``campaigns`` and ``flows`` turn them into a
company.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Final, Literal, NamedTuple

from klaviyo_sandbox.catalog.copy import (
    BLACK_FRIDAY,
    HOLIDAY,
    LAUNCH,
    NEWSLETTER,
    REMINDER,
    RESTOCK,
    SALE,
    SERVICE,
    STORY,
    VIP,
    WINBACK,
    Theme,
)
from klaviyo_sandbox.clock import DAY, FUTURE, HISTORY, HOUR, MINUTE

Channel = Literal["email", "sms", "push", "whatsapp"]  # reports say push-notification

# Current names: on 1 July 2026 Klaviyo renamed its SMS metrics to Text Message.
METRICS = {
    "Klaviyo": (
        "Received Email", "Opened Email", "Clicked Email", "Bounced Email", "Dropped Email",
        "Marked Email as Spam", "Unsubscribed from Email Marketing",
        "Subscribed to Email Marketing", "Received Text Message", "Clicked Text Message",
        "Failed to Deliver Text Message", "Unsubscribed from Text Messaging Marketing",
        "Subscribed to Text Messaging Marketing", "Sent Push", "Received Push", "Opened Push",
        "Bounced Push", "Received WhatsApp", "Opened WhatsApp", "Clicked WhatsApp",
        "Subscribed to List", "Viewed Form", "Submitted Form", "Active on Site", "Viewed Product",
    ),
    "Shopify": ("Placed Order", "Ordered Product", "Refunded Order", "Started Checkout"),
    "API": ("Added to Cart", "Earned Loyalty Points"),
}  # fmt: skip
VALUED = {"Placed Order", "Ordered Product", "Refunded Order", "Started Checkout"}
# Klaviyo's seven roles; this company maps six.
MAPPED_METRICS = {
    "added_to_cart": "Added to Cart",
    "cancelled_sales": None,
    "ordered_product": "Ordered Product",
    "refunded_sales": "Refunded Order",
    "revenue": "Placed Order",
    "started_checkout": "Started Checkout",
    "viewed_product": "Viewed Product",
}
# A metric is mapped to revenue; none is; none is, and a former store has a metric of the same name;
# none is, and no metric has that name.
Revenue = Literal["mapped", "unmapped", "twice", "none"]
REVENUE_METRIC, FORMER_STORE, OTHER_NAME = "Placed Order", "WooCommerce", "Requested Quote"
CUSTOM_METRICS = {"Net sales": ("Placed Order", "Refunded Order")}

TAG_GROUPS = {
    "Default": ("Newsletter", "Promotion", "Launch", "Retention", "Automation"),
    "Season": ("Holiday",),
}


class ListPlan(NamedTuple):
    """A list; ``share`` is the part of all people who ever join it."""

    name: str
    channel: Channel
    opt_in: str
    share: float
    tag: str


LISTS = (
    ListPlan("Newsletter", "email", "double_opt_in", 0.82, "Newsletter"),
    ListPlan("Text Club", "sms", "double_opt_in", 0.27, "Promotion"),
    ListPlan("App Users", "push", "single_opt_in", 0.12, "Automation"),
    ListPlan("WhatsApp Circle", "whatsapp", "single_opt_in", 0.06, "Retention"),
    ListPlan("Spring Camp Giveaway", "email", "single_opt_in", 0.09, "Promotion"),
    ListPlan("Trade & Press", "email", "single_opt_in", 0.01, "Newsletter"),
)


class Condition(NamedTuple):
    """The number of events of ``metric`` in the last ``days`` (None: ever)."""

    metric: str
    operator: str
    times: int
    days: int | None = None


class SegmentPlan(NamedTuple):
    """A segment: people who meet all conditions, or are in the list ``members_of``."""

    name: str
    conditions: tuple[Condition, ...] = ()
    members_of: str | None = None
    starred: bool = False


_AT_LEAST, _NEVER = "greater-than-or-equal", ("equals", 0)
_BOUGHT = Condition("Placed Order", _AT_LEAST, 1)
SEGMENTS = (
    SegmentPlan("Engaged (30 days)", (Condition("Opened Email", _AT_LEAST, 1, 30),), starred=True),
    SegmentPlan("Engaged (90 days)", (Condition("Opened Email", _AT_LEAST, 1, 90),), starred=True),
    SegmentPlan(
        "Unengaged (180 days)",
        (Condition("Received Email", _AT_LEAST, 1), Condition("Opened Email", *_NEVER, 180)),
    ),
    SegmentPlan("Customers", (_BOUGHT,)),
    SegmentPlan("Repeat Customers", (Condition("Placed Order", _AT_LEAST, 2),)),
    SegmentPlan("VIPs", (Condition("Placed Order", _AT_LEAST, 4),), starred=True),
    SegmentPlan("Never Purchased", (Condition("Placed Order", *_NEVER),)),
    SegmentPlan("Lapsed Customers (180 days)", (_BOUGHT, Condition("Placed Order", *_NEVER, 180))),
    SegmentPlan("Recent Buyers (30 days)", (Condition("Placed Order", _AT_LEAST, 1, 30),)),
    SegmentPlan("Text Subscribers", members_of="Text Club"),
    SegmentPlan("Push Subscribers", members_of="App Users"),
    SegmentPlan("WhatsApp Subscribers", members_of="WhatsApp Circle"),
)


class FormPlan(NamedTuple):
    """A form; ``versions`` are its A/B versions and shares; without days it is a draft."""

    name: str
    form_type: str
    list_name: str
    live_days: int | None
    versions: tuple[tuple[str, float], ...] = (("Original", 1.0),)


FORMS = (
    FormPlan("Welcome pop-up: 10% off", "popup", "Newsletter", 520,
             (("10% off", 0.5), ("Free shipping", 0.5))),
    FormPlan("Footer sign-up", "embed", "Newsletter", 500),
    FormPlan("Text Club flyout", "flyout", "Text Club", 430),
    FormPlan("Spring Camp Giveaway page", "full_page", "Spring Camp Giveaway", 240),
    FormPlan("Holiday banner", "banner", "Newsletter", None),
)  # fmt: skip


class Step(NamedTuple):
    """One message of a flow, ``after`` seconds from the trigger; two subjects are an A/B test."""

    after: int
    channel: Channel
    name: str
    subjects: tuple[str, ...]
    text: str
    theme: Theme


class FlowPlan(NamedTuple):
    """A flow; days count back from the epoch. ``trigger`` names a metric, list or property."""

    name: str
    trigger_type: str
    trigger: str
    exit_metric: str | None
    reentry_days: int | None
    live_days: int | None
    archived_days: int | None
    steps: tuple[Step, ...]


_FIRST_NAME = "{{ first_name|default:'friend' }}"
FLOWS = (
    FlowPlan("Welcome Series", "Added to List", "Newsletter", None, None, 460, None, (
        Step(0, "email", "Welcome #1: your 10%",
             ("Welcome! Your 10% is inside", f"Hello {_FIRST_NAME}, 10% to start with 🌿"),
             "So glad you are here.", SERVICE),
        Step(2 * DAY, "email", "Welcome #2: our makers", ("Who makes all this?",),
             "A workshop tour in two minutes.", SERVICE),
        Step(4 * DAY, "email", "Welcome #3: 10% ends", ("Your 10% says goodbye tonight",),
             "A gentle reminder.", REMINDER),
    )),
    FlowPlan("Text Club Welcome", "Added to List", "Text Club", None, None, 410, None, (
        Step(2 * MINUTE, "sms", "Text #1: code", (), "Welcome to the Text Club! 15% off: CLUB15",
             SERVICE),
        Step(3 * DAY, "sms", "Text #2: reminder", (), "Your CLUB15 code ends tomorrow.", REMINDER),
    )),
    FlowPlan("Abandoned Checkout", "Metric", "Started Checkout", "Placed Order", 14, 460, None, (
        Step(30 * MINUTE, "push", "Cart #0: app reminder", ("You left something behind",),
             "Your basket is saved for 48 hours.", REMINDER),
        Step(HOUR, "email", "Cart #1: reminder",
             ("You left something behind", f"{_FIRST_NAME}, still thinking it over?"),
             "Your basket is saved for 48 hours.", REMINDER),
        Step(4 * HOUR, "sms", "Cart #2: text", (), "Your basket is waiting. Need help? Just reply.",
             REMINDER),
        Step(23 * HOUR, "email", "Cart #3: last call", ("Your basket expires today",),
             "After this we put everything back on the shelf.", REMINDER),
    )),
    FlowPlan("Browse Abandonment", "Metric", "Viewed Product", "Placed Order", 30, 180, None, (
        Step(2 * HOUR, "email", "Browse #1", ("Saw something you liked?",),
             "Here is another look.", REMINDER),
    )),
    FlowPlan("Post-Purchase Thank You", "Metric", "Placed Order", None, 7, 440, None, (
        Step(10 * MINUTE, "email", "Thank you", ("Thank you! A note about your order",),
             "From all eleven of us.", SERVICE),
        Step(14 * DAY, "email", "Review request", (f"How is it going, {_FIRST_NAME}?",),
             "Thirty seconds, and it helps a lot.", SERVICE),
        Step(15 * DAY, "whatsapp", "Care tips", (), "How to care for your new things in 2 minutes.",
             SERVICE),
    )),
    FlowPlan("Customer Win-back", "Metric", "Placed Order", "Placed Order", None, 420, None, (
        Step(90 * DAY, "email", "Win-back #1", ("It has been three months!",),
             "See what is new.", WINBACK),
        Step(105 * DAY, "email", "Win-back #2: 15%", ("15% to come back to",),
             "Our last nudge, promised.", WINBACK),
    )),
    FlowPlan("Birthday", "Date Based", "birthday", None, 360, 405, None, (
        Step(0, "email", "Birthday gift", (f"Happy birthday, {_FIRST_NAME} 🎂",),
             "A little something from us.", SERVICE),
    )),
    FlowPlan("Spring Camp Giveaway Nurture", "Added to List", "Spring Camp Giveaway", None, None,
             240, 150, (
        Step(0, "email", "Entry confirmed", ("You're in! ⛺",), "Good luck.", SERVICE),
        Step(5 * DAY, "email", "Meet the prize", ("Meet what you could win",),
             "Worth $640.", SERVICE),
    )),
    FlowPlan("Referral Invitation", "Metric", "Placed Order", None, 90, None, None, (
        Step(20 * DAY, "email", "Referral", ("Give $15, get $15",), "Share your link.", SERVICE),
    )),
)  # fmt: skip


class Slot(NamedTuple):
    """One send in the calendar: company-local time, theme and channels.

    ``turn`` selects one of the theme's ideas, round robin; ``holiday`` is the holiday's name.
    """

    at: datetime
    theme: Theme
    channels: tuple[Channel, ...]
    turn: int
    holiday: str = ""


class Series(NamedTuple):
    """A recurring campaign; ``weight`` is its relative number of sends."""

    theme: Theme
    channel: Channel
    weekday: int
    hours: tuple[int, ...]
    weight: int


_DAYS_OFF = {(12, 24), (12, 25), (1, 1)}
_MON, _TUE, _WED, _THU, _FRI, _SAT, _SUN = range(7)
SERIES = (
    Series(NEWSLETTER, "email", _TUE, (10, 9, 10, 11), 22),
    Series(LAUNCH, "email", _THU, (10, 12, 9), 11),
    Series(SALE, "email", _SAT, (10, 11, 9), 9),
    Series(STORY, "email", _SUN, (19, 8), 7),
    Series(RESTOCK, "email", _WED, (12, 16), 6),
    Series(VIP, "email", _FRI, (8, 14), 4),
    Series(WINBACK, "email", _MON, (13, 20), 4),
    Series(SALE, "sms", _WED, (12, 17, 11), 15),
    Series(LAUNCH, "sms", _FRI, (16, 12), 11),
    Series(RESTOCK, "sms", _MON, (18, 12), 6),
    Series(RESTOCK, "push", _THU, (18, 12), 5),
    Series(SALE, "push", _SUN, (11, 17), 4),
    Series(VIP, "whatsapp", _TUE, (18, 11), 5),
)

EMAIL: Final[tuple[Channel, ...]] = ("email",)
SMS: Final[tuple[Channel, ...]] = ("sms",)
WHATSAPP: Final[tuple[Channel, ...]] = ("whatsapp",)
CANVAS: Final[tuple[Channel, ...]] = ("email", "sms", "push")


def _nth_weekday(year: int, month: int, weekday: int, nth: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))


def _plan_holiday(
    name: str, theme: Theme, day: date, *sends: tuple[int, int, tuple[Channel, ...], int]
) -> Iterator[Slot]:
    """Yield a holiday's sends: days after it, hour, channels, number of the theme's idea."""
    for days, hour, channels, idea in sends:
        at = datetime.combine(day + timedelta(days=days), time(hour))
        yield Slot(at, theme, channels, idea, name)


def _plan_holidays(year: int) -> Iterator[Slot]:
    """Yield the year's holiday sends, the most important first."""
    friday = _nth_weekday(year, 11, _THU, 4) + timedelta(days=1)
    yield from _plan_holiday(
        "Black Friday", BLACK_FRIDAY, friday,
        (-3, 9, EMAIL, 0), (0, 7, CANVAS, 1), (0, 18, EMAIL, 2), (0, 10, WHATSAPP, 1),
    )  # fmt: skip
    yield from _plan_holiday(
        "Cyber Monday", BLACK_FRIDAY, friday + timedelta(days=3),
        (0, 8, CANVAS, 1), (0, 19, SMS, 2),
    )  # fmt: skip
    yield from _plan_holiday(
        "Christmas", HOLIDAY, date(year, 12, 25), (-18, 10, EMAIL, 0), (-11, 12, CANVAS, 1)
    )
    for name, day in (
        ("Mother's Day", _nth_weekday(year, 5, _SUN, 2)),
        ("Valentine's Day", date(year, 2, 14)),
        ("Fourth of July", date(year, 7, 4)),
        ("Labor Day", _nth_weekday(year, 9, _MON, 1)),
        ("Earth Day", date(year, 4, 22)),
    ):
        yield from _plan_holiday(name, HOLIDAY, day, (-9, 10, EMAIL, 0), (-2, 12, SMS, 2))


def _plan_series(series: Series, count: int, start: date, end: date) -> Iterator[Slot]:
    """Yield ``count`` evenly spread sends, on the series' weekday if at most one a week."""
    step = (end - start) / count if count else timedelta()
    for turn in range(count):
        day = start + step * (turn + 0.5)  # the middle of its part of the days
        if step >= timedelta(days=6):
            day += timedelta(days=(series.weekday - day.weekday() + 3) % 7 - 3)
        if (day.month, day.day) in _DAYS_OFF:
            day += timedelta(days=2)
        hour = series.hours[turn % len(series.hours)]
        at = datetime.combine(day, time(hour, 30 * (turn % 3 == 2)))
        yield Slot(at, series.theme, (series.channel,), turn)


def plan_campaigns(epoch: date, campaigns: int) -> list[Slot]:
    """Return exactly ``campaigns`` slots around ``epoch``, sorted by time.

    Holidays take at most a third of them; the rest belong to the recurring series.
    """
    start, end = epoch - timedelta(seconds=HISTORY), epoch + timedelta(seconds=FUTURE)
    holidays = [
        slot
        for year in range(end.year, start.year - 1, -1)
        for slot in _plan_holidays(year)
        if start <= slot.at.date() < end
    ][: campaigns // 3]
    # Each series takes its share of what is left, so that rounding never changes the total.
    remaining, weights = campaigns - len(holidays), sum(series.weight for series in SERIES)
    regular: list[Slot] = []
    for series in SERIES:
        count = round(remaining * series.weight / weights)
        remaining, weights = remaining - count, weights - series.weight
        regular += _plan_series(series, count, start, end)
    return sorted(holidays + regular, key=lambda slot: (slot.at, slot.channels, slot.theme.name))
