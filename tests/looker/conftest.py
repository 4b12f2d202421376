"""A page over two small companies: raw tables by hand, marts by the real dbt, a real browser."""

import random
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from looker import __main__ as looker
from tests.looker.chromium import Chromium
from tests.warehouse import dbt, raw

LAST_DAY = date(2026, 11, 18)
HOSTILE = "</script><img src=x onerror=\"document.title='broken in'\">"
ORDER = "PlacedOrder"
TAGS = {"Sale": "Sale", "Story": "Story, told"}
MAILS = {"IN": "Received Email", "OPEN": "Opened Email", "BOUNCE": "Bounced Email"}
READY = "document.querySelector('main').ariaBusy === 'false'"


class Page(NamedTuple):
    """The page and what it was made from."""

    html: Path
    warehouse: Path


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """The dashboard over 400 days of two accounts."""
    folder = tmp_path_factory.mktemp("page")
    rows = Company("Shop", "Juniper & Tide", "EUR", is_test=True).rows(400)
    other = Company("Zoo", "Zweiter Laden", "USD", is_test=False, channel="sms").rows(20)
    file = raw.write(folder / "raw.db", {table: rows[table] + other[table] for table in rows})
    names = ("subject_line_test", "inbox_provider", "audience_growth", "data_health")
    marts = [f"+klaviyo__{name}" for name in names]
    done = dbt.run(folder, "run", "--select", *marts, raw=file)
    assert done.returncode == 0, done.stdout
    made = Page(folder / "dashboard.html", folder / "warehouse.duckdb")
    paths = ["--warehouse", made.warehouse, "-o", made.html]
    assert looker.main(["preview", *map(str, paths)]) == 0
    return made


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """One browser for all tests."""
    with Chromium(tmp_path_factory.mktemp("chromium")) as running:
        yield running


@pytest.fixture
def browser(page: Page, chromium: Chromium) -> Iterator[Chromium]:
    """The page, freshly opened. A complaint in its console or a request fails the test."""
    chromium.resize(1280)
    chromium.open(page.html)
    chromium.wait_for(READY)
    assert chromium.problems == []
    yield chromium
    assert chromium.problems == []
    assert chromium.requests == [page.html.as_uri()]


class Company:
    """A campaign every second day, some as an A/B test, and a flow every day.

    Every fifth campaign is a text, the others are emails, unless one channel is named for all.
    Every third is tagged; the flow has two tags. A segment grows by one person a day.
    """

    def __init__(
        self, account: str, name: str, currency: str, *, is_test: bool, channel: str = ""
    ) -> None:
        self.account = account
        self.channel = channel
        self.random = random.Random(account)
        self.tables: dict[str, list[dict[str, Any]]] = {
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
                for metric, metric_name in {ORDER: "Placed Order", **MAILS}.items()
            ],
            "mapped_metric": [{"account_id": account, "id": "revenue", "metric_id": ORDER}],
            "flow": [{"account_id": account, "id": "Welcome", "name": "Welcome series"}],
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
            "flow_performance_daily": [],
        }

    def rows(self, days: int) -> dict[str, list[dict[str, Any]]]:
        """The raw rows of that many days, up to the last."""
        for age in range(days):
            day = LAST_DAY - timedelta(days=age)
            self._flow(day)
            self._mailboxes(day)
            self._add(
                "segment_daily",
                segment_id="VIP",
                date=day.isoformat(),
                total_members=1000 - age,
                members_added=3,
                members_removed=2,
            )
            if age % 2 == 0:
                self._campaign(age // 2, day)
        return self.tables

    def _add(self, table: str, **row: object) -> None:
        self.tables[table].append({"account_id": self.account, **row})

    def _campaign(self, number: int, day: date) -> None:
        campaign, message = f"C{number}", f"M{number}"
        name = HOSTILE if number == 1 else f"Campaign {number}"
        channel = self.channel or ("sms" if number % 5 == 2 else "email")
        self._add("campaign", id=campaign, name=name)
        self._add(
            "campaign_message",
            id=message,
            campaign_id=campaign,
            channel=channel,
            status="sent",
            send_time=f"{day}T{8 + number % 9:02}:00:00Z",
        )
        if number % 3 == 0:
            self._add("campaign_tag", campaign_id=campaign, tag_id="Sale")
        for letter in "AB" if number % 4 == 1 else "A":
            variation = f"V{number}{letter}"
            self._add(
                "campaign_variation",
                id=variation,
                campaign_message_id=message,
                name=letter,
                channel=channel,
                subject=f"{name}, version {letter}",
            )
            self._add(
                "campaign_performance",
                campaign_id=campaign,
                campaign_message_id=message,
                send_channel=channel,
                variation=variation,
                variation_name=letter,
                conversion_metric_id=ORDER,
                **self._numbers(self.random.randint(900, 9000), channel),
            )

    def _flow(self, day: date) -> None:
        channel = self.channel or "email"
        self._add(
            "flow_performance_daily",
            flow_id="Welcome",
            flow_message_id="Hello",
            send_channel=channel,
            conversion_metric_id=ORDER,
            date=day.isoformat(),
            **self._numbers(self.random.randint(20, 200), channel),
        )

    def _mailboxes(self, day: date) -> None:
        for provider, mails in (("Gmail", 900), ("Yahoo", 300)):
            for metric, share in (("IN", 1.0), ("OPEN", 0.4), ("BOUNCE", 0.01)):
                count = round(share * (mails + 7 * day.day))
                self._add(
                    "inbox_provider_daily",
                    metric_id=metric,
                    date=day.isoformat(),
                    inbox_provider=provider,
                    count=count,
                    unique_count=count,
                )

    def _numbers(self, recipients: int, channel: str) -> dict[str, object]:
        delivered = recipients - self.random.randint(0, recipients // 50)
        clicks = self.random.randint(0, delivered // 20)
        orders = self.random.randint(0, clicks)
        opens = self.random.randint(clicks, delivered)
        return {
            "recipients": recipients,
            "delivered": delivered,
            "opens_unique": None if channel == "sms" else opens,
            "clicks_unique": clicks,
            "unsubscribe_uniques": self.random.randint(0, 5),
            "conversions": orders,
            "conversion_uniques": orders,
            "conversion_value": round(orders * self.random.uniform(20, 90), 2),
        }
