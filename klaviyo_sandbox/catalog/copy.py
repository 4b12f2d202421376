"""The company's copy: themes with titles, subjects and texts, and the products it sells.

Copy is a ``string.Template``: ``$product``, ``$category``, ``$percent``, ``$month``,
``$season``, ``$maker`` and ``$occasion`` are filled in when a message is built. Braces belong to
Klaviyo's own template language and are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Idea(NamedTuple):
    """One way to treat a theme; its subjects, and its texts, are alternatives for an A/B test.

    The texts are for text messages, pushes and WhatsApp.
    """

    title: str
    subjects: tuple[str, ...]
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Theme:
    """The subject of a message, with its copy.

    The factors multiply a channel's usual rates of opening, clicking and buying after a click.
    """

    name: str
    tag: str
    open_factor: float
    click_factor: float
    buy_factor: float
    previews: tuple[str, ...] = ()
    ideas: tuple[Idea, ...] = ()


class ProductCopy(NamedTuple):
    """A product; ``price`` in dollars, ``popularity`` a relative weight."""

    name: str
    category: str
    price: float
    popularity: float


PRODUCTS = (
    ProductCopy("Stonewashed Linen Duvet Set", "Home", 128.0, 0.6),
    ProductCopy("Waffle Cotton Throw", "Home", 54.0, 1.3),
    ProductCopy("Organic Bath Towel Set", "Home", 62.0, 1.1),
    ProductCopy("Beeswax Pillar Candles", "Home", 24.0, 2.2),
    ProductCopy("Cedar & Sage Room Spray", "Home", 18.0, 2.0),
    ProductCopy("Hand-thrown Stoneware Mugs", "Home", 36.0, 1.6),
    ProductCopy("Acacia Serving Board", "Home", 42.0, 1.0),
    ProductCopy("Recycled Wool Blanket", "Home", 89.0, 1.0),
    ProductCopy("Jute Entry Rug", "Home", 74.0, 0.6),
    ProductCopy("Enamel Camp Kettle", "Outdoor", 38.0, 1.2),
    ProductCopy("Packable Rain Shell", "Outdoor", 98.0, 0.9),
    ProductCopy("Merino Trail Socks", "Outdoor", 19.0, 2.4),
    ProductCopy("Two-person Camp Hammock", "Outdoor", 64.0, 0.8),
    ProductCopy("Canvas Field Tote", "Outdoor", 48.0, 1.3),
    ProductCopy("Insulated Water Bottle", "Outdoor", 29.0, 2.1),
    ProductCopy("Rechargeable Camp Lantern", "Outdoor", 44.0, 1.1),
    ProductCopy("Folding Fire Pit", "Outdoor", 119.0, 0.4),
    ProductCopy("Picnic Backpack", "Outdoor", 72.0, 0.6),
    ProductCopy("Sea Kelp Face Serum", "Skincare", 34.0, 2.0),
    ProductCopy("Oat Milk Cleanser", "Skincare", 22.0, 2.3),
    ProductCopy("Mineral Sunscreen SPF 40", "Skincare", 26.0, 1.9),
    ProductCopy("Rosehip Night Oil", "Skincare", 38.0, 1.5),
    ProductCopy("Shea & Juniper Hand Cream", "Skincare", 14.0, 2.8),
    ProductCopy("Crème & Kelp Gift Set", "Skincare", 58.0, 0.9),
    ProductCopy("Charcoal Soap Trio", "Skincare", 21.0, 1.7),
    ProductCopy("Calming Bath Salts", "Skincare", 17.0, 1.8),
)

MAKERS = ("Aoife", "Łukasz", "Zoë", "Jürgen", "Amélie", "Søren", "Inês", "Hannah")
SEASONS = ("winter", "spring", "summer", "autumn")  # from December, three months each

NEWSLETTER = Theme(
    name="newsletter",
    tag="Newsletter",
    open_factor=1.0,
    click_factor=0.85,
    buy_factor=0.9,
    previews=(
        "Plus the one thing our team packs first.",
        "A short read with your coffee.",
        "New from the workshop, and what we learned making it.",
    ),
    ideas=(
        Idea(
            "Newsletter: $product",
            (
                "The $product, three ways",
                "Why our makers swear by the $product",
                "This week: the $product and one good $month read",
                "Our $season with the $product 🌿",
            ),
            ("Three ways to use the $product this $month.", "Our makers swear by the $product."),
        ),
        Idea(
            "Newsletter: $month notes",
            (
                "{{ first_name|default:'there' }}, your $month notes are here",
                "What we are reaching for this $month 🌿",
                "A letter from the workshop, $month ✉️",
                "Café mornings & long walks: the $month list",
            ),
            ("Your $month notes are here.", "The $month letter: what we are reaching for."),
        ),
        Idea(
            "Newsletter: a slower $season",
            (
                "Five small ways into a slower $month",
                "Slow down, it's $month",
                "An evening off, with the $product",
                "Less, but better: our $month five",
            ),
            ("Five small ways into a slower $month.", "Take the evening off: our $month five."),
        ),
    ),
)
STORY = Theme(
    name="story",
    tag="Newsletter",
    open_factor=1.06,
    click_factor=0.6,
    buy_factor=0.5,
    previews=("No sale today, just a story.", "Save this one for later."),
    ideas=(
        Idea(
            "Story: meet $maker",
            (
                "Meet $maker, the hands behind our $product",
                "“I never travel without it”: $maker on the $product",
                "From Łódź to Lisbon: the road of our $product",
            ),
            ("Meet $maker, who makes our $product.", "A morning in $maker's workshop."),
        ),
        Idea(
            "Guide: caring for your $product",
            (
                "How to care for your $product (it takes 4 minutes)",
                "We were wrong about the $product",
                "The honest guide to our $product",
            ),
            ("How to make your $product last for years.", "4 minutes of care for your $product."),
        ),
    ),
)
LAUNCH = Theme(
    name="launch",
    tag="Launch",
    open_factor=1.12,
    click_factor=1.0,
    buy_factor=1.2,
    previews=("Small batch. When it's gone, it's gone.", "Designed with 214 of you."),
    ideas=(
        Idea(
            "Launch: $product",
            (
                "New: the $product",
                "It's here. Meet the $product ✨",
                "Two years in the making: the $product",
            ),
            ("Just landed: the $product. Small batch, ships today.", "It's here: the $product ✨"),
        ),
        Idea(
            "First look: $product",
            (
                "{{ first_name|default:'Friend' }}, you saw it first: $product",
                "First look: the $product",
                "Our smallest batch yet: $product 👀",
            ),
            ("You saw it first: the $product.", "First look: the $product, before everyone else."),
        ),
    ),
)
SALE = Theme(
    name="sale",
    tag="Promotion",
    open_factor=1.1,
    click_factor=1.1,
    buy_factor=1.9,
    previews=("Use code TIDE$percent at checkout.", "Ends at midnight, no extensions."),
    ideas=(
        Idea(
            "Flash sale: $percent% off $category",
            (
                "24 hours: $percent% off everything $category ⏳",
                "$percent% off $category, today only",
                "Boots < $$100 & tents > $percent% off: <b>the good stuff</b>",
            ),
            (
                "$percent% off $category until midnight. Code TIDE$percent",
                "24 hours only: $percent% off all things $category ⏳ Code TIDE$percent",
            ),
        ),
        Idea(
            "Weekend offer: $percent% off $category",
            (
                "$percent% off $category, this weekend only",
                "Free shipping + $percent% off = a good Saturday",
                'You said "maybe later". It is later: $percent% off $category',
            ),
            (
                "This weekend: $percent% off $category. Code TIDE$percent",
                "Your weekend: free shipping and $percent% off $category. Code TIDE$percent",
            ),
        ),
        Idea(
            "Sale, last chance: $category",
            (
                "Last call for $percent% off ($category sells out first)",
                "{{ first_name|default:'Psst' }}, your $percent% off $category ends tonight",
            ),
            (
                "Last hours: $percent% off $category ⏳ Code TIDE$percent",
                "Ends tonight: your $percent% off $category. Code TIDE$percent",
            ),
        ),
    ),
)
RESTOCK = Theme(
    name="restock",
    tag="Launch",
    open_factor=1.14,
    click_factor=1.0,
    buy_factor=1.3,
    previews=("Sold out twice this year already.", "We made a few more than last time."),
    ideas=(
        Idea(
            "Back in stock: $product",
            (
                "Back in stock: $product",
                "You asked (a lot). The $product is back 🎉",
                "Back, but not for long: $product",
                "RE: when is the $product coming back?",
            ),
            (
                "It's back: the $product. Last time it sold out in 3 days.",
                "Back in stock, and you hear it first: the $product 🎉",
            ),
        ),
    ),
)
WINBACK = Theme(
    name="winback",
    tag="Retention",
    open_factor=0.55,
    click_factor=0.55,
    buy_factor=0.6,
    previews=("One click keeps you on the list.", "A lot has changed since your last visit."),
    ideas=(
        Idea(
            "Win-back: we miss you",
            ("It's been a while, {{ first_name|default:'friend' }}", "Should we stop writing?"),
            ("It's been a while! See what is new.", "We miss you. See what is new in $month."),
        ),
        Idea(
            "Win-back: $percent% to return",
            (
                "Still interested? Here is $percent% to say we'd like that",
                "$percent% off, because it's been a while",
            ),
            ("Here is $percent% off your next order: TIDE$percent", "$percent% to come back to."),
        ),
        Idea(
            "Win-back: $month contest",
            ("Win a $product: our $month contest", "One click, one chance to win the $product"),
            ("Win a $product in our $month contest.", "One tap to win the $product."),
        ),
    ),
)
VIP = Theme(
    name="vip",
    tag="Retention",
    open_factor=1.3,
    click_factor=1.1,
    buy_factor=1.7,
    previews=("24 hours before everyone else.", "For the people who keep us going."),
    ideas=(
        Idea(
            "VIP: early access $product",
            ("VIPs first: the $product 🔑", "Your private link to the $product"),
            ("VIP early access: the $product 🔑", "Yours before everyone else's: the $product"),
        ),
        Idea(
            "VIP: $month thank-you gift",
            (
                "A $month thank-you, {{ first_name|default:'friend' }} (no catch)",
                "A small $month gift, on us",
            ),
            ("A $month thank-you for our VIPs.", "Your $month gift is waiting in your account."),
        ),
    ),
)
HOLIDAY = Theme(
    name="holiday",
    tag="Holiday",
    open_factor=1.1,
    click_factor=1.05,
    buy_factor=1.6,
    previews=("Sorted by who they are, not by price.", "Wrapped and carbon-neutral."),
    ideas=(
        Idea(
            "$occasion: gift guide",
            (
                "The $occasion guide: gifts they will actually use",
                "$occasion is closer than you think 🎁",
                "{{ first_name|default:'Hey' }}, we wrapped up $occasion for you",
            ),
            ("The $occasion gift guide is here 🎁", "$occasion gifts they will actually use."),
        ),
        Idea(
            "$occasion: last orders",
            (
                "Order by tonight for $occasion",
                "Last call: in time for $occasion",
                "Still looking for a $occasion gift?",
            ),
            ("Order today to have it by $occasion.", "Last orders for $occasion close tonight."),
        ),
        Idea(
            "$occasion: $percent% off",
            ("$occasion: $percent% off the $category edit", "A $occasion treat: $percent% off"),
            (
                "$occasion: $percent% off $category, today only. Code TIDE$percent",
                "A $occasion treat: $percent% off. Code TIDE$percent",
            ),
        ),
    ),
)
BLACK_FRIDAY = Theme(
    name="black friday",
    tag="Holiday",
    open_factor=1.2,
    click_factor=1.5,
    buy_factor=3.6,
    previews=("Our one sitewide sale of the year.", "30% off. No code, no small print."),
    ideas=(
        Idea(
            "$occasion: early access",
            (
                "Early access: $occasion, before the crowd",
                "{{ first_name|default:'Hey' }}, your $occasion starts today",
            ),
            ("Early access to $occasion: 30% off.", "You're in early: $occasion starts now."),
        ),
        Idea(
            "$occasion: doors open",
            (
                "$occasion starts now: 30% off everything 🖤",
                "30% off everything. Yes, everything. It's $occasion",
                "{{ first_name|default:'Hey' }}, your $occasion basket is waiting",
            ),
            (
                "$occasion is on: 30% off everything, our only sitewide sale this year 🖤",
                "30% off everything. It's $occasion 🖤",
            ),
        ),
        Idea(
            "$occasion: final hours",
            ("Final hours of $occasion (yes, really final)", "$occasion ends at midnight ⏳"),
            ("Final hours of $occasion.", "$occasion ends at midnight ⏳ 30% off everything."),
        ),
    ),
)
# A flow's messages have copy of their own in the plan; their theme only gives the factors.
SERVICE = Theme(
    name="service", tag="Automation", open_factor=1.25, click_factor=2.6, buy_factor=2.0
)
REMINDER = Theme(
    name="reminder", tag="Automation", open_factor=1.15, click_factor=2.8, buy_factor=3.2
)

THEMES = (
    NEWSLETTER,
    STORY,
    LAUNCH,
    SALE,
    RESTOCK,
    WINBACK,
    VIP,
    HOLIDAY,
    BLACK_FRIDAY,
    SERVICE,
    REMINDER,
)

EMAIL_HTML = (
    "<html><body><h1>{{ heading }}</h1><p>{{ preview }}</p>"
    '<p><a href="https://www.juniperandtide.example/">Shop now</a></p>'
    "<p>{% unsubscribe %}</p></body></html>"
)
EMAIL_TEXT = "{{ heading }}\n\n{{ preview }}\n\n{% unsubscribe %}"
