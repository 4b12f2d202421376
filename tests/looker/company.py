"""Raw tables of two small accounts for the page tests: `raw_tables()`."""

import random
from datetime import date, datetime, timedelta
from typing import Any

LAST_DAY = date(2026, 11, 18)
HOSTILE = "</script><img src=x onerror=\"document.title='broken in'\">"
GREETING = "{{ first_name|default:'there' }}"
ORDER = "PlacedOrder"
FIRST_SYNC = date(2026, 9, 1)  # before it there are no daily snapshots
GROWTH = {0: 0.4, 1: 0.7, 3: 0.9, 6: 1.0}  # the share of its revenue that a campaign has by an age
TAGS = {"Sale": "Sale", "Story": "Story, long"}
EMAIL_METRICS = {
    "IN": "Received Email",
    "OPEN": "Opened Email",
    "CLICK": "Clicked Email",
    "BOUNCE": "Bounced Email",
}
PEOPLE = 12  # with events of their own, in the first account
PROVIDERS = ("Gmail", "Yahoo")  # of every other person
MAILED = 120  # people with a campaign's emails, and a few at a third provider

Tables = dict[str, list[dict[str, Any]]]


def raw_tables() -> Tables:
    """A sandbox account with 400 days of emails and texts, and another with 20 days of texts."""
    company = Company("Shop", "Juniper & Tide", "EUR", is_test=True)
    shop = company.raw_tables(400)
    company.add_events()
    company.add_deliveries()
    company.add_first_step()
    company.add_form()
    zoo = Company("Zoo", "Zweiter Laden", "USD", is_test=False, channel="sms").raw_tables(20)
    return {table: shop[table] + zoo[table] for table in shop}


class Company:
    """A campaign every second day, some of them A/B tests, and a flow message every day.

    Every fifth campaign is a text and the others are emails, unless `channel` names one channel
    for all. Every third campaign has a tag; the flow has two. A segment gains one member a day.
    """

    def __init__(
        self, account: str, name: str, currency: str, *, is_test: bool, channel: str = ""
    ) -> None:
        self.account = account
        self.channel = channel
        self.random = random.Random(account)
        self.tables: Tables = {
            "account": [
                {
                    "account_id": account,
                    "organization_name": name,
                    "preferred_currency": currency,
                    "timezone": "Europe/London",
                    "is_test_account": is_test,
                }
            ],
            "metric": [
                {"account_id": account, "id": metric, "name": metric_name}
                for metric, metric_name in {ORDER: "Placed Order", **EMAIL_METRICS}.items()
            ],
            "mapped_metric": [{"account_id": account, "id": "revenue", "metric_id": ORDER}],
            "flow": [
                {
                    "account_id": account,
                    "id": "Welcome",
                    "name": "Welcome series",
                    "status": "live",
                }
            ],
            "segment": [{"account_id": account, "id": "VIP", "name": "VIPs"}],
            "segment_daily": [],
            "inbox_provider_daily": [],
            "tag": [{"account_id": account, "id": id_, "name": name} for id_, name in TAGS.items()],
            "campaign_tag": [],
            "flow_tag": [
                {"account_id": account, "flow_id": "Welcome", "tag_id": tag} for tag in TAGS
            ],
            "campaign": [],
            "campaign_message": [],
            "campaign_variation": [],
            "campaign_performance": [],
            "campaign_performance_daily": [],
            "flow_performance_daily": [],
            "flow_performance_period": [],
            "flow_action": [],
            "flow_message": [],
            "form": [],
            "form_daily": [],
            "form_version": [],
            "form_version_daily": [],
            "event": [],
            "event_attribution": [],
        }

    def raw_tables(self, days: int) -> Tables:
        """The rows of that many days up to LAST_DAY, by raw table."""
        for age in range(days):
            day = LAST_DAY - timedelta(days=age)
            self._add_flow_day(day)
            self._add_inbox_providers(day)
            self._add_row(
                "segment_daily",
                segment_id="VIP",
                date=day.isoformat(),
                total_members=1000 - age,
                members_added=3,
                members_removed=2,
            )
            if age % 2 == 0:
                self._add_campaign(age // 2, day)
        for length in (7, 30, 90, 365):
            self._add_period(f"last_{length}_days", LAST_DAY - timedelta(days=length - 1), LAST_DAY)
        self._add_period("month", date(2026, 10, 1), date(2026, 10, 31))
        return self.tables

    def _add_period(self, kind: str, start: date, end: date) -> None:
        """A period of the flow: the sums of its days, and fewer people, as some come twice."""
        period: dict[str, Any] = {
            "period_kind": kind,
            "period_start": f"{start}",
            "period_end": f"{end}",
        }
        days = [
            day
            for day in self.tables["flow_performance_daily"]
            if period["period_start"] <= day["date"] <= period["period_end"]
        ]
        for name, value in days[0].items() if days else ():
            if name != "date" and isinstance(value, str):
                period[name] = value
            elif name != "date" and value is not None:
                total = sum(day[name] for day in days)
                period[name] = total * 4 // 5 if "unique" in name else total
        self._add_row("flow_performance_period", **period)

    def add_events(self) -> None:
        """Clicks of ten links in each of the last five campaigns, and what people bought.

        Link number n has 10 - n clicks. Of five orders one is in another currency. No order is
        credited to a message, so what Klaviyo reports of campaigns differs.
        """
        self._add_row("event_attribution", event_id="E0", attribution_id="E0", campaign_id="C0")
        for number in range(0, 10, 2):
            day = LAST_DAY - timedelta(days=2 * number)
            for link in range(10):
                for person in range(10 - link):
                    url = f"https://shop.example/{link}?person={person}"
                    self._add_event("CLICK", day, f"P{person}", campaign_id=f"C{number}", url=url)
        for person in range(PEOPLE):
            for age in (3, 40, 75):
                day = LAST_DAY - timedelta(days=age + person)
                currency = "USD" if person % 5 == 0 else "EUR"
                items = [{"ProductID": f"T{age}", "ProductName": f"Tea {age}", "RowTotal": 20}]
                self._add_event("IN", day, f"P{person}")
                self._add_event(
                    ORDER,
                    day,
                    f"P{person}",
                    value=20.0,
                    value_currency=currency,
                    properties={"Items": items},
                )

    def add_deliveries(self) -> None:
        """The emails of one campaign: the last one bounced, and half of the people opened twice.

        Three more people have another mailbox provider.
        """
        day = LAST_DAY - timedelta(days=4)
        for person in range(MAILED):
            metric = "BOUNCE" if person == MAILED - 1 else "IN"
            self._add_event(metric, day, f"P{person}", campaign_id="C2")
            for age in range(2 if person < MAILED // 2 else 0):
                opened = day + timedelta(days=age)
                self._add_event("OPEN", opened, f"P{person}", campaign_id="C2")
        for person in range(MAILED, MAILED + 3):
            self._add_event("IN", day, f"P{person}", campaign_id="C2", inbox_provider="Proton")

    def add_first_step(self) -> None:
        """A message before the flow's own, sent to half as many in the last 30 days."""
        links = {"first": {"links": {"next": "send"}}, "send": {"links": {}}}
        for (action, definition), message in zip(links.items(), ("First", "Hello"), strict=True):
            self._add_row("flow_action", id=action, flow_id="Welcome", definition=definition)
            self._add_row(
                "flow_message", id=message, flow_id="Welcome", flow_action_id=action, name=message
            )
        [period] = [
            row
            for row in self.tables["flow_performance_period"]
            if row["period_kind"] == "last_30_days"
        ]
        halves = {
            name: value // 2 if isinstance(value, int) else value for name, value in period.items()
        }
        self._add_row("flow_performance_period", **halves | {"flow_message_id": "First"})

    def add_form(self) -> None:
        """A form and its two versions, viewed and sent every day."""
        self._add_row("form", id="popup", name="Pop-up", status="live")
        for version, name in (("1", "10% off"), ("2", "Free shipping")):
            self._add_row(
                "form_version",
                id=version,
                form_id="popup",
                variation_name=name,
                form_type="popup",
                status="live",
            )
        for age in range(70):
            day = LAST_DAY - timedelta(days=age)
            self._add_row(
                "form_daily",
                form_id="popup",
                date=day.isoformat(),
                viewed_form=100 + age,
                submits=10 + day.day,
                closed_form=50,
                qualified_form=200,
            )
            for version, views, submits in (("1", 60 + age, 4), ("2", 40, 6 + day.day)):
                self._add_row(
                    "form_version_daily",
                    form_id="popup",
                    form_version_id=version,
                    date=day.isoformat(),
                    viewed_form=views,
                    submits=submits,
                    closed_form=25,
                )

    def _add_event(self, metric: str, day: date, person: str, **others: Any) -> None:
        at = f"{day}T12:00:00+00:00"
        self._add_row(
            "event",
            id=f"E{len(self.tables['event'])}",
            metric_id=metric,
            profile_id=person,
            datetime=at,
            timestamp=int(datetime.fromisoformat(at).timestamp()),
            **{"inbox_provider": PROVIDERS[int(person[1:]) % 2], **others},
        )

    def _add_row(self, table: str, **row: object) -> None:
        self.tables[table].append({"account_id": self.account, **row})

    def _add_campaign(self, number: int, day: date) -> None:
        campaign, message = f"C{number}", f"M{number}"
        name = HOSTILE if number == 1 else f"Campaign {number}"
        channel = self.channel or ("sms" if number % 5 == 2 else "email")
        self._add_row("campaign", id=campaign, name=name)
        self._add_row(
            "campaign_message",
            id=message,
            campaign_id=campaign,
            channel=channel,
            status="sent",
            send_time=f"{day}T{8 + number % 9:02}:00:00Z",
        )
        if number % 3 == 0:
            self._add_row("campaign_tag", campaign_id=campaign, tag_id="Sale")
        for letter in "AB" if number % 4 == 1 else "A":
            variation = f"V{number}{letter}"
            self._add_row(
                "campaign_variation",
                id=variation,
                campaign_message_id=message,
                name=letter,
                channel=channel,
                subject=f"{GREETING if number == 3 else name}, version {letter}",
            )
            statistics = self._random_statistics(self.random.randint(900, 9000), channel, day)
            names = {
                "campaign_id": campaign,
                "campaign_message_id": message,
                "send_channel": channel,
                "variation": variation,
                "conversion_metric_id": ORDER,
            }
            self._add_row("campaign_performance", variation_name=letter, **names, **statistics)
            self._add_snapshots(day, names, statistics)

    def _add_snapshots(
        self, day: date, names: dict[str, str], statistics: dict[str, object]
    ) -> None:
        """What stood at the end of the first days, of the campaigns since the first sync."""
        for age, share in GROWTH.items():
            snapshot = day + timedelta(days=age)
            if day >= FIRST_SYNC and snapshot <= LAST_DAY:
                value = round(float(str(statistics["conversion_value"])) * share, 2)
                grown = statistics | {"conversion_value": value}
                self._add_row(
                    "campaign_performance_daily", snapshot_date=f"{snapshot}", **names, **grown
                )

    def _add_flow_day(self, day: date) -> None:
        channel = self.channel or "email"
        self._add_row(
            "flow_performance_daily",
            flow_id="Welcome",
            flow_message_id="Hello",
            send_channel=channel,
            conversion_metric_id=ORDER,
            date=day.isoformat(),
            **self._random_statistics(self.random.randint(20, 200), channel, day),
        )

    def _add_inbox_providers(self, day: date) -> None:
        for provider, emails in (("Gmail", 900), ("Yahoo", 300)):
            for metric, share in (("IN", 1.0), ("OPEN", 0.4), ("BOUNCE", 0.01)):
                count = round(share * (emails + 7 * day.day))
                self._add_row(
                    "inbox_provider_daily",
                    metric_id=metric,
                    date=day.isoformat(),
                    inbox_provider=provider,
                    count=count,
                    unique_count=count,
                )

    def _random_statistics(self, recipients: int, channel: str, day: date) -> dict[str, object]:
        """Random statistics of a send; more people unsubscribe in the last 90 days than before."""
        more = 6 if LAST_DAY - day < timedelta(days=90) else 0
        delivered = recipients - self.random.randint(0, recipients // 50)
        clicks = self.random.randint(0, delivered // 20)
        orders = self.random.randint(0, clicks)
        opens = self.random.randint(clicks, delivered)
        return {
            "recipients": recipients,
            "delivered": delivered,
            "opens_unique": None if channel == "sms" else opens,
            "clicks_unique": clicks,
            "unsubscribe_uniques": self.random.randint(0, 5) + more,
            "conversions": orders,
            "conversion_uniques": orders,
            "conversion_value": round(orders * self.random.uniform(20, 90), 2),
        }
