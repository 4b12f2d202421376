"""Raw tables of accounts for the rules of findings: `raw_tables()`.

Each account in SHOWING is made to show one finding. QUIET accounts have the same sends with chance
in every number, and SMALL has extreme figures of few messages.
"""

import random
from collections.abc import Callable, Collection, Mapping
from datetime import date, timedelta
from typing import Any

from tests.warehouse.shop import statistics

TODAY = date(2026, 11, 20)  # the day of the sync
ORDER, CLICK, OPEN, MAIL, BOUNCE = "order", "click", "open", "mail", "bounce"
METRICS = {
    ORDER: "Placed Order",
    CLICK: "Clicked Email",
    OPEN: "Opened Email",
    MAIL: "Received Email",
    BOUNCE: "Bounced Email",
}
QUIET = [f"quiet{number}" for number in range(6)]
SMALL = "small"
# The share of a campaign's orders by the end of its first days; after the sixth they are final.
GROWTH = {0: 0.3, 1: 0.5, 3: 0.8, 6: 1.0}

Tables = dict[str, list[dict[str, Any]]]


def days_ago(days: int) -> str:
    """The day that many days before the sync."""
    return (TODAY - timedelta(days=days)).isoformat()


class Account:
    """100 days of campaigns, a flow of two messages, a mailbox provider, a list and clicks."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.random = random.Random(name)
        self.tables: Tables = {
            table: []
            for table in (
                *("campaign", "campaign_message", "campaign_variation", "campaign_performance"),
                *("campaign_performance_daily", "flow", "flow_message", "flow_performance_daily"),
                *("inbox_provider_daily", "message_metric_daily", "event"),
            )
        }
        self.add("account", organization_name=name, timezone="UTC", preferred_currency="EUR")
        for id_, label in METRICS.items():
            self.add("metric", id=id_, name=label)
        for id_ in ("join", "leave"):
            label = "Subscribed to" if id_ == "join" else "Unsubscribed from"
            self.add("metric", id=id_, name=f"{label} Email Marketing")
        self.add("mapped_metric", id="revenue", metric_id=ORDER)
        self.add("flow", id="welcome", name="Welcome")

    def add(self, table: str, **row: Any) -> None:
        """Add a row."""
        self.tables.setdefault(table, []).append({"account_id": self.name, **row})

    def vary(self, mean: float) -> int:
        """A count by chance with that mean."""
        return max(0, round(self.random.gauss(mean, mean**0.5)))

    def add_campaign(
        self, age: int, delivered: int, orders: float, version: str = "A", **counts: float
    ) -> None:
        """A campaign sent `age` days ago, with a snapshot for each step of its growth."""
        campaign, message = f"C{age}", f"M{age}"
        if version == "A":
            self.add("campaign", id=campaign, name=f"Campaign {age}")
            self.add(
                "campaign_message",
                id=message,
                campaign_id=campaign,
                send_time=f"{days_ago(age)}T08:00:00Z",
            )
        variation = f"V{age}{version}"
        self.add("campaign_variation", id=variation, campaign_message_id=message, name=version)
        for day, share in GROWTH.items():
            if day <= age:
                number = round(orders * share)
                row = {
                    "campaign_id": campaign,
                    "campaign_message_id": message,
                    "send_channel": "email",
                    "variation": variation,
                    "conversion_metric_id": ORDER,
                    **self.mail(delivered, number, **counts),
                }
                self.add("campaign_performance_daily", snapshot_date=days_ago(age - day), **row)
        self.add("campaign_performance", **row)

    def mail(self, delivered: int, orders: int, **counts: float) -> dict[str, float]:
        """A report's statistics of an email; an order is worth 50."""
        numbers = {
            "recipients": delivered,
            "delivered": delivered,
            "opens_unique": delivered // 3,
            "clicks_unique": delivered // 20,
            "conversions": orders,
            "conversion_uniques": orders,
            "conversion_value": 50.0 * orders,
        }
        return statistics(**(numbers | counts))

    def add_flow_day(self, message: str, age: int, delivered: int, orders: int) -> None:
        """The sends of a flow message on one day."""
        self.add(
            "flow_performance_daily",
            flow_id="welcome",
            flow_message_id=message,
            flow_message_name=message,
            send_channel="email",
            variation="only",
            conversion_metric_id=ORDER,
            date=days_ago(age),
            **self.mail(delivered, orders),
        )

    def add_count(self, table: str, metric: str, age: int, count: int, **others: str) -> None:
        """A day of one of Klaviyo's counts of a metric."""
        numbers = {"count": count, "unique_count": count}
        self.add(table, metric_id=metric, date=days_ago(age), **numbers, **others)

    def add_quiet_days(self) -> "Account":
        """Everything as usual, with chance in every number. Returns the account."""
        for age in range(1, 100, 3):
            spam, bounced = self.vary(1), self.vary(25)
            self.add_campaign(
                age, 2400 + self.vary(100), self.vary(40), spam_complaints=spam, bounced=bounced
            )
        for age in range(1, 100):
            for message in ("First", "Second"):
                self.add_flow_day(message, age, self.vary(40), self.vary(1.2))
            self.add_count("inbox_provider_daily", MAIL, age, self.vary(1000), inbox_provider="G")
            self.add_count("inbox_provider_daily", BOUNCE, age, self.vary(10), inbox_provider="G")
            self.add_count("message_metric_daily", "join", age, self.vary(12))
            self.add_count("message_metric_daily", "leave", age, self.vary(8))
        self.add_clicks(bots=20)
        return self

    def add_clicks(self, bots: int) -> None:
        """220 clicks as single events, some of them by machines."""
        for number in range(220):
            at = f"{days_ago(2 + number % 20)}T10:00:{number % 60:02}+00:00"
            self.add(
                "event",
                id=f"click{number}",
                metric_id=CLICK,
                datetime=at,
                timestamp=1_790_000_000 + number,
                inbox_provider="G",
                is_bot_click=number < bots,
            )

    def add_people(self, people: int, idle: int) -> None:
        """People who got 12 emails in 200 days; all but the idle ones opened the last."""
        for person in range(people):
            for age in range(3, 210, 18):
                self.add_event(MAIL, f"person{person}", age)
            self.add_event(OPEN, f"person{person}", 200 if person < idle else 3)

    def add_event(self, metric: str, person: str, age: int) -> None:
        """Something that a person did on one day."""
        self.add(
            "event",
            id=f"{metric} {person} {age}",
            metric_id=metric,
            profile_id=person,
            datetime=f"{days_ago(age)}T10:00:00+00:00",
            timestamp=1_790_000_000 - 86_400 * age,
        )

    def replace(self, table: str, change: Callable[[dict[str, Any]], None]) -> None:
        """Change every row of a table in place."""
        for row in self.tables[table]:
            change(row)

    def scale_orders(self, row: dict[str, Any], factor: float) -> None:
        """Change the orders of a report's row."""
        row.update(self.mail(row["delivered"], round(row["conversions"] * factor)))


def _stop_flow(shop: Account) -> None:
    rows = shop.tables["flow_performance_daily"]
    rows[:] = [row for row in rows if row["date"] < days_ago(7)]


def _complain(shop: Account) -> None:
    shop.replace("campaign_performance", lambda row: row.update(spam_complaints=8))


def _bounce(shop: Account) -> None:
    shop.replace(
        "campaign_performance",
        lambda row: row.update(bounced=80, recipients=row["delivered"] + 80),
    )


def _refuse(shop: Account) -> None:
    for row in shop.tables["inbox_provider_daily"]:
        if row["metric_id"] == BOUNCE and row["date"] >= days_ago(7):
            row.update(count=60, unique_count=60)


def _decide_test(shop: Account) -> None:
    row = next(row for row in shop.tables["campaign_performance"] if row["campaign_id"] == "C10")
    row.update(shop.mail(row["delivered"], row["conversions"], clicks_unique=140))
    shop.add_campaign(10, 2500, row["conversions"], version="B", clicks_unique=80)
    for variation in shop.tables["campaign_variation"]:
        variation["name"] = f"Variation {variation['name']}"  # as Klaviyo names them


def _lose_orders(shop: Account) -> None:
    for table in ("campaign_performance", "campaign_performance_daily"):
        for row in shop.tables[table]:
            if row["campaign_id"] == "C10":
                shop.scale_orders(row, 0.25)


def _win_orders(shop: Account) -> None:
    """A campaign of four days, first seen when it was three days old: then as others never have."""
    for table in ("campaign_performance", "campaign_performance_daily"):
        for row in shop.tables[table]:
            if row["campaign_id"] == "C4":
                row.update(shop.mail(row["delivered"], 100))
    snapshots = shop.tables["campaign_performance_daily"]
    snapshots[:] = [
        row
        for row in snapshots
        if row["campaign_id"] != "C4" or row["snapshot_date"] == days_ago(1)
    ]


def _idle(shop: Account) -> None:
    for row in shop.tables["flow_performance_daily"]:
        if row["flow_message_id"] == "Second":
            shop.scale_orders(row, 0)


def _lead(shop: Account) -> None:
    for row in shop.tables["flow_performance_daily"]:
        if row["flow_message_id"] == "First":
            shop.scale_orders(row, 4)


def _change_audience(shop: Account, metric: str) -> None:
    for row in shop.tables["message_metric_daily"]:
        if row["metric_id"] == metric and row["date"] >= days_ago(28):
            row.update(count=30, unique_count=30)


def _click(shop: Account) -> None:
    shop.tables["event"].clear()
    shop.add_clicks(bots=90)


def _test_flow(shop: Account) -> None:
    rows = [row for row in shop.tables["flow_performance_daily"] if row["date"] >= days_ago(60)]
    for row in rows:
        if row["flow_message_id"] == "Second":
            shop.add("flow_performance_daily", **(row | {"variation": "other"}))


SHOWING: Mapping[str, Callable[[Account], None]] = {
    "flow_stopped": _stop_flow,
    "spam_complaints": _complain,
    "bounces": _bounce,
    "provider_delivery": _refuse,
    "test_decided": _decide_test,
    "campaign_below": _lose_orders,
    "campaign_above": _win_orders,
    "flow_message_idle": _idle,
    "flow_message_ahead": _lead,
    "audience_shrank": lambda shop: _change_audience(shop, "leave"),
    "audience_grew": lambda shop: _change_audience(shop, "join"),
    "sunset": lambda shop: shop.add_people(250, 40),
    "bot_clicks": _click,
    "test_open": _test_flow,
}


def _add_few(shop: Account) -> Account:
    """Extreme figures of few messages: every rule but for its least numbers would speak."""
    for age in range(2, 80, 8):
        shop.add_campaign(age, 200, 30 if age == 10 else 2, spam_complaints=2, bounced=20)
    for age in range(1, 90):
        shop.add_flow_day("First", age, 2, age % 2)
        shop.add_flow_day("Second", age, 2, 0)
    shop.add_people(20, 15)
    for age in range(1, 60):
        shop.add_count("inbox_provider_daily", MAIL, age, 5, inbox_provider="G")
        shop.add_count("inbox_provider_daily", BOUNCE, age, 5 * (age < 7), inbox_provider="G")
        shop.add_count("message_metric_daily", "join", age, 1)
        shop.add_count("message_metric_daily", "leave", age, 1 + (age < 28))
    return shop


def raw_tables(names: Collection[str] = (*SHOWING, *QUIET)) -> Tables:
    """The raw tables of these accounts, and of SMALL."""
    shops = [Account(name).add_quiet_days() for name in names]
    for shop in shops:
        if shop.name in SHOWING:
            SHOWING[shop.name](shop)
        if shop.name == QUIET[0]:
            shop.add_people(250, 12)
    shops.append(_add_few(Account(SMALL)))
    tables = {table for shop in shops for table in shop.tables}
    return {name: [row for shop in shops for row in shop.tables.get(name, ())] for name in tables}
