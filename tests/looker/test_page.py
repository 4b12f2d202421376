"""The dashboard in a real browser: its figures, its texts and how a reader uses it."""

import csv
import math
import random
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol
from urllib.parse import unquote

import duckdb
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from looker import __main__ as looker
from looker import charts, declaration, preview, semantic
from looker.errors import LookerError
from looker.warehouse import Warehouse
from tests.browser import PageLog, open_tab
from tests.fivetran import SCHEMA
from tests.looker import company
from tests.looker.company import HOSTILE, LAST_DAY
from tests.looker.screenshots import WAITING as DRAWING
from tests.scripts.assistant import Assistant, run_assistant
from tests.warehouse import dbt, raw

PERIODS = [7, 30, 90, 365]
MARTS = (
    *("flow_period", "subject_line_test", "inbox_provider", "audience_growth", "data_health"),
    *("finding", "attributed_order", "campaign_daily", "campaign_provider", "flow_step"),
    "link_performance",
    *("subject_line_pattern", "deliverability_alert", "engagement", "send_pressure", "form_daily"),
    "form_version_daily",
    *("revenue_daily", "product_performance", "coupon_performance", "rfm", "cohort"),
)
# The last sync is on 20 November; orders of five days are credited to a send.
FINAL_DAY = date(2026, 11, 14)
SYNCED_ON = date(2026, 11, 20)
HEADLINE = ("conversion_value", "conversions", "delivered")

# Independent of looker/ and of dbt's metrics: sums and quotients written by hand. Rates of people
# have the flows' numbers of the period, if the days are one.
FIGURES = """
    with days as (
        from klaviyo__message_performance
        where account_id = 'Shop' and sent_on between '{since}' and '{until}' and {where}
    ),
    periods as (
        select *, 'flow' as message_type, null as campaign_name
        from klaviyo__flow_period
        where account_id = 'Shop' and period_start = '{since}' and period_end = '{until}'
    ),
    people as (
        select
            sum(conversion_uniques) / sum(delivered) as conversion_rate,
            sum(opens_unique) / sum(delivered) as open_rate,
            sum(clicks_unique) / sum(delivered) as click_rate,
            sum(unsubscribe_uniques) / sum(delivered) as unsubscribe_rate
        from (
            from days where message_type = 'campaign' or not exists (from periods)
            union all by name
            from periods where {where}
        )
        where send_channel = 'email'
    )
    select
        sum(conversion_value) as conversion_value,
        sum(conversions) as conversions,
        sum(conversion_value) filter (send_channel = 'email')
            / sum(delivered) filter (send_channel = 'email') as revenue_per_recipient,
        any_value(conversion_rate) as conversion_rate,
        sum(delivered) as delivered,
        any_value(open_rate) as open_rate,
        any_value(click_rate) as click_rate,
        any_value(unsubscribe_rate) as unsubscribe_rate
    from people left join days on true
"""
FORMATS = {
    "conversion_value": "€{:,.0f}",
    "conversions": "{:,}",
    "revenue_per_recipient": "€{:,.2f}",
    "conversion_rate": "{:.2%}",
    "delivered": "{:,}",
    "open_rate": "{:.1%}",
    "click_rate": "{:.2%}",
    "unsubscribe_rate": "{:.2%}",
}

# The address holds every choice of the reader, so an address without choices undoes them all.
RESET = """
    () => new Promise((done) => {
        addEventListener('hashchange', () => done(), {once: true});
        location.hash = '#days=90&reset';
    })
"""
READY = "main[aria-busy=false]"
TITLE = "Overview · Juniper & Tide: Campaign and flow results"


class Dashboard(NamedTuple):
    """The HTML file, the warehouse that it shows and the raw tables behind it."""

    html: Path
    warehouse: Path
    raw: Path


@pytest.fixture(scope="module", name="dashboard")
def _dashboard(tmp_path_factory: pytest.TempPathFactory) -> Dashboard:
    """The dashboard over two accounts, built by the real dbt."""
    folder = tmp_path_factory.mktemp("page")
    file = raw.write(folder / "raw.db", company.raw_tables())
    selected = [f"+klaviyo__{name}" for name in MARTS]
    run = dbt.run(folder, "run", "--select", *selected, raw=file)
    assert run.returncode == 0, run.stdout
    dashboard = Dashboard(folder / "dashboard.html", folder / "warehouse.duckdb", file)
    paths = ["--warehouse", dashboard.warehouse, "-o", dashboard.html]
    assert looker.main(["preview", *map(str, paths)]) == 0
    return dashboard


@pytest.fixture(scope="module", name="shared_tab")
def _shared_tab(chromium: Browser, dashboard: Dashboard) -> tuple[Page, PageLog]:
    """A tab of 1280 pixels with the dashboard, opened once."""
    page, log = open_tab(chromium)
    open_dashboard(page, dashboard.html)
    return page, log


@pytest.fixture(name="page")
def _page(shared_tab: tuple[Page, PageLog], dashboard: Dashboard) -> Iterator[Page]:
    """The dashboard without choices. A problem in its console or a request fails the test."""
    page, log = shared_tab
    page.evaluate(RESET)
    yield page
    assert log.problems == []
    assert log.requests == [dashboard.html.as_uri()]


@pytest.fixture(scope="module", name="second_tab")
def _second_tab(chromium: Browser) -> tuple[Page, PageLog]:
    """The tab of `tab`: a new one for each test would cost seconds, for a process of its own."""
    return open_tab(chromium)


@pytest.fixture(name="tab")
def _tab(second_tab: tuple[Page, PageLog]) -> Iterator[tuple[Page, PageLog]]:
    """A tab as good as new, for a page of another warehouse."""
    page, log = second_tab
    page.set_viewport_size({"width": 1280, "height": 720})
    page.emulate_media(media="screen", color_scheme="light")
    log.clear()
    yield page, log
    page.evaluate("localStorage.clear()")


class OpenChanged(Protocol):
    """Opens the page of a copy of the warehouse that SQL changes."""

    def __call__(self, sql: str, fragment: str) -> Page:
        """The page at this fragment of its address."""


@pytest.fixture(name="open_changed")
def _open_changed(
    tab: tuple[Page, PageLog], dashboard: Dashboard, tmp_path: Path
) -> Iterator[OpenChanged]:
    """Opens the page of a changed warehouse. A problem in its console fails the test."""
    page, log = tab

    def open_changed(sql: str, fragment: str) -> Page:
        open_dashboard(page, preview_changed(dashboard, tmp_path, sql), fragment)
        return page

    yield open_changed
    assert log.problems == []


@pytest.fixture(name="own_page")
def _own_page(tab: tuple[Page, PageLog], dashboard: Dashboard) -> Iterator[Page]:
    """The dashboard as it first opens, for a test that leaves more than choices behind.

    A problem in its console or a request for another file fails the test.
    """
    page, log = tab
    open_dashboard(page, dashboard.html)
    yield page
    assert log.problems == []
    assert set(log.requests) == {dashboard.html.as_uri()}


def preview_changed(dashboard: Dashboard, folder: Path, sql: str) -> Path:
    """Write the page over a copy of the warehouse that the SQL changes."""
    warehouse, html = folder / "changed.duckdb", folder / "changed.html"
    shutil.copy(dashboard.warehouse, warehouse)
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("set schema = 'klaviyo'")
        connection.execute(sql.format(last_day=LAST_DAY))
    assert looker.main(["preview", "--warehouse", str(warehouse), "-o", str(html)]) == 0
    return html


def open_dashboard(page: Page, html: Path, fragment: str = "") -> None:
    """Load the dashboard and wait until its figures are computed."""
    page.goto("about:blank")  # a new fragment alone would not load the file again
    page.goto(html.as_uri() + fragment)
    page.locator(READY).wait_for()


def choose_days(page: Page, days: int | str) -> None:
    """Choose a period."""
    choose(page, "days", str(days))


def open_page(page: Page, name: str) -> None:
    """Click a page's name in the navigation."""
    page.locator(f"nav a[data-page={name}]").click()
    page.locator(f"section[data-page={name}]").wait_for()


def choose(page: Page, control: str, value: str) -> None:
    """Choose a value from a list."""
    page.locator(f"[name={control}]").select_option(value)


def enter(page: Page, control: str, value: str) -> None:
    """Type a value into a field."""
    page.locator(f"[name={control}]").fill(value)


def texts(page: Page, selector: str) -> list[str]:
    """The texts of all elements that the selector finds, visible or not."""
    return [text.strip() for text in page.locator(selector).all_text_contents()]


def table_rows(page: Page, tile: str) -> list[list[str]]:
    """The rows of a tile's table, cell by cell, without what is small beneath a cell."""
    rows: list[list[str]] = page.locator(f"{tile} .body tbody tr").evaluate_all("""rows => rows.map(
        (row) => [...row.cells].map((cell) => [...cell.childNodes]
            .filter((node) => !['beneath', 'of'].includes(node.className))
            .filter((node) => node.className !== 'median' || !cell.closest('.slim'))
            .map((node) => node.textContent).join('').trim())
    )""")
    return rows


def page_names(page: Page) -> list[str]:
    """The names of the dashboard's pages."""
    names: list[str] = page.locator("nav a").evaluate_all("all => all.map((a) => a.dataset.page)")
    return names


def headline_figures(page: Page) -> dict[str, str]:
    """The figures of the overview by the names of their metrics."""
    figures: list[list[str]] = page.locator("[data-page=overview] .figure").evaluate_all(
        "all => all.map((figure) =>"
        " [figure.dataset.name, figure.querySelector('.value').textContent])"
    )
    return dict(figures)


def sql_figures(
    dashboard: Dashboard, days: int, periods_ago: int = 0, where: str = "true"
) -> dict[str, str]:
    """The figures of the overview in a period by hand-written SQL, as the page writes them."""
    until = LAST_DAY - timedelta(days=days * periods_ago)
    return sql_figures_of(dashboard, until - timedelta(days=days - 1), until, where)


def sql_figures_of(
    dashboard: Dashboard, since: date, until: date, where: str = "true"
) -> dict[str, str]:
    """The figures of the overview from one day to another."""
    [row] = dbt.query(dashboard.warehouse, FIGURES.format(since=since, until=until, where=where))
    return {
        name: "–" if value is None else FORMATS[name].format(value) for name, value in row.items()
    }


def sql_final_figures(
    dashboard: Dashboard, days: int, where: str = "true"
) -> tuple[dict[str, str], dict[str, str], int]:
    """The figures over the final days of a period, over as many before it, and their number."""
    since = LAST_DAY - timedelta(days=days - 1)
    length = FINAL_DAY - since
    before = since - timedelta(days=days)
    return (
        sql_figures_of(dashboard, since, FINAL_DAY, where),
        sql_figures_of(dashboard, before, before + length, where),
        length.days + 1,
    )


def test_headline_figures_equal_sql(page: Page, dashboard: Dashboard) -> None:
    """Every headline figure of every period equals hand-written SQL on the marts."""
    for days in PERIODS:
        choose_days(page, days)
        assert headline_figures(page) == sql_figures(dashboard, days)


@pytest.mark.parametrize("days", [30, 90])
def test_figures_are_compared_over_final_days(page: Page, dashboard: Dashboard, days: int) -> None:
    """A figure names its value in as many days of the period before as have final results."""
    choose_days(page, days)
    now, earlier, length = sql_final_figures(dashboard, days)
    for name in HEADLINE:
        text = f"over the first {length} days: {now[name]} from {earlier[name]}"
        if now[name] == earlier[name]:
            text = f"unchanged at {now[name]} over the first {length} days"
        [change] = texts(page, f"#headline_figures [data-name={name}] .change")
        assert text in change


def test_rates_of_campaigns_are_compared_where_flows_count_no_people(
    page: Page, dashboard: Dashboard
) -> None:
    """Without Klaviyo's count of a flow's people, the change of a rate is that of campaigns."""
    choose_days(page, 30)
    now, earlier, _ = sql_final_figures(dashboard, 30, "message_type = 'campaign'")
    for name in ("open_rate", "click_rate", "unsubscribe_rate"):
        [change] = texts(page, f"#email_figures [data-name={name}] .change")
        assert change.startswith("Campaigns ")
        assert change.partition(": ")[2].partition(";")[0] == f"{now[name]} from {earlier[name]}"
    choose(page, "message_type", "flow")
    assert texts(page, "#email_figures [data-name=open_rate] .change") == [
        "Klaviyo gives no such count for the 30 days before"
    ]


def test_a_month_is_compared_with_the_month_before(page: Page, dashboard: Dashboard) -> None:
    """October's figures, Klaviyo's own rates of the month among them, name those of September."""
    choose_days(page, "last_month")
    october = sql_figures_of(dashboard, date(2026, 10, 1), date(2026, 10, 31))
    september = sql_figures_of(dashboard, date(2026, 9, 1), date(2026, 9, 30))
    assert headline_figures(page) == october
    [change] = texts(page, "#headline_figures [data-name=delivered] .change")
    assert change.endswith(f"from {september['delivered']}")


def test_days_are_compared_with_the_year_before_or_nothing(
    page: Page, dashboard: Dashboard
) -> None:
    """A reader chooses what the figures are compared with."""
    choose_days(page, "custom")
    enter(page, "from", "2026-11-01")
    enter(page, "to", "2026-11-10")
    choose(page, "compare", "year")
    earlier = sql_figures_of(dashboard, date(2025, 11, 1), date(2025, 11, 10))
    change = page.locator("#headline_figures [data-name=delivered] .change")
    expect(change).to_have_text(re.compile(f"from {earlier['delivered']}$"))
    choose(page, "compare", "nothing")
    expect(change).to_be_empty()


def test_young_results_are_not_compared(page: Page) -> None:
    """A period whose days are mostly not final yet is neither better nor worse than another."""
    choose_days(page, 7)
    assert set(texts(page, "#headline_figures .change")) == {"Too recent to compare"}
    note = page.locator("#revenue_by_channel .grain")
    assert "Hatched: not final" in note.inner_text()
    choose_days(page, "custom")
    enter(page, "to", FINAL_DAY.isoformat())
    enter(page, "from", (FINAL_DAY - timedelta(days=9)).isoformat())
    assert "Hatched" not in note.inner_text()


# A second flow, whose orders tripled 30 days ago.
WINBACK = """
    insert into klaviyo__message_performance by name
    select * replace (
        'Winback' as flow_id, 'Winback' as flow_name, 'draft' as flow_status,
        conversions * case when sent_on > date '{last_day}' - 30 then 3 else 1 end as conversions,
        conversion_value * case when sent_on > date '{last_day}' - 30 then 3 else 1 end
            as conversion_value
    )
    from klaviyo__message_performance where account_id = 'Shop' and message_type = 'flow'
"""
FLOW_REVENUE = """
    select
        flow_name,
        sum(conversion_value) filter (sent_on between '{now}' and '{until}') as now,
        sum(conversion_value) filter (sent_on between '{before}' and '{end}') as before,
        sum(conversions) filter (sent_on between '{now}' and '{until}') as orders,
        sum(conversions) filter (sent_on between '{before}' and '{end}') as orders_before
    from klaviyo__message_performance
    where account_id = 'Shop' and message_type = 'flow'
    group by all
"""


def may_be_chance(orders: int, before: int) -> bool:
    """Whether two counts differ by chance: the variance of a count's root is a quarter."""
    return abs(math.sqrt(orders) - math.sqrt(before)) < 1.96 * math.sqrt(1 / 4 + 1 / 4)


def may_be_chance_of_revenue(row: dict[str, Any]) -> bool:
    """Whether revenue differs by chance: twice the variance of its number of orders."""
    factor = row["now"] / row["before"]
    variance = 2 * (factor / row["orders"] + 1 / row["orders_before"])
    return abs(math.sqrt(factor) - 1) < 1.96 * math.sqrt(variance) / 2


def describe_change(row: dict[str, Any], *, is_whole: bool) -> str:
    """The change of a flow's revenue as the table writes it."""
    change = row["now"] / row["before"] - 1
    size = f"{abs(change):.1%}".replace(".0%", "%")
    is_chance = may_be_chance_of_revenue(row)
    mark = f"{'▲ up' if change > 0 else '▼ down'} {size}"
    return (
        f"{'within the usual range' if is_chance else mark}"
        f"{'' if is_whole else ': €{:,.0f}'.format(row['now'])} from €{row['before']:,.0f}"
    )


@pytest.fixture(name="flows")
def _flows(open_changed: OpenChanged, tmp_path: Path) -> tuple[Page, Path]:
    """The page of flows with a second flow, and its warehouse."""
    return open_changed(WINBACK, "#page=flows"), tmp_path / "changed.duckdb"


def assert_revenue_changes(flows: tuple[Page, Path], *, is_whole: bool, **days: date) -> None:
    """The change of each flow's revenue is that of SQL."""
    page, warehouse = flows
    rows = dbt.query(warehouse, FLOW_REVENUE.format(**days))
    cells = {row[0]: re.sub(r"^€[\d,]+", "", row[7]) for row in table_rows(page, "#all_flows")}
    assert cells == {row["flow_name"]: describe_change(row, is_whole=is_whole) for row in rows}


@pytest.mark.slow
def test_flows_are_compared_over_final_days(flows: tuple[Page, Path]) -> None:
    """A flow's change is that of the days with final results, in colour only beyond chance."""
    since, before = LAST_DAY - timedelta(days=29), LAST_DAY - timedelta(days=59)
    end = before + (FINAL_DAY - since)
    assert_revenue_changes(
        flows, is_whole=False, now=since, until=FINAL_DAY, before=before, end=end
    )
    page, _ = flows
    assert texts(page, "#all_flows .compared") == [
        f"Beneath a figure is its change over the first {(end - before).days + 1} days, against"
        f" {before:%-d %b %Y} – {end:%-d %b %Y}.".replace("Sep ", "Sept ")
        + " Klaviyo gives no such count for the 30 days before."
    ]
    marks = page.locator("#all_flows td:nth-child(8) .change span")
    assert marks.evaluate_all("all => all.map((mark) => mark.className)") == ["good", "by-chance"]
    assert texts(page, "#all_flows tbody .beneath") == ["Draft", "Live"]


@pytest.mark.slow
def test_flows_are_compared_with_the_days_that_a_reader_chose(flows: tuple[Page, Path]) -> None:
    """The month before, the year before, for which the page says why it is missing, or nothing."""
    page, _ = flows
    choose_days(page, "last_month")
    october = {"now": date(2026, 10, 1), "until": date(2026, 10, 31)}
    september = {"before": date(2026, 9, 1), "end": date(2026, 9, 30)}
    assert_revenue_changes(flows, is_whole=True, **october, **september)
    choose(page, "compare", "year")
    assert texts(page, "#all_flows .compared") == ["No full 31 days a year before to compare."]
    choose(page, "compare", "nothing")
    assert texts(page, "#all_flows .compared") == [""]
    assert page.locator("#all_flows td .change").count() == 0


def test_a_change_that_chance_explains_is_not_judged(page: Page, dashboard: Dashboard) -> None:
    """A change is green or red only where the numbers of orders differ by more than chance."""
    verdicts = set()
    for days in (30, 90):
        for channel in ("email", "sms"):
            choose_days(page, days)
            choose(page, "send_channel", channel)
            parts = sql_final_figures(dashboard, days, f"send_channel = '{channel}'")[:2]
            orders = [int(part["conversions"].replace(",", "")) for part in parts]
            is_chance = may_be_chance(*orders)
            [change] = texts(page, "#headline_figures [data-name=conversions] .change")
            mark = page.locator("#headline_figures [data-name=conversions] .change span")
            assert change.startswith("within the usual range") == is_chance
            assert (mark.get_attribute("class") == "by-chance") == is_chance
            verdicts.add(is_chance)
    assert verdicts == {True, False}


NOTHING_SOLD = """
    update klaviyo__message_performance set conversions = 0, conversion_value = 0
    where sent_on > date '{last_day}' - 30
"""


def test_revenue_that_ends_is_down(open_changed: OpenChanged) -> None:
    """No order after many is no chance."""
    page = open_changed(NOTHING_SOLD, "")
    for name in ("conversions", "conversion_value"):
        [change] = texts(page, f"#headline_figures [data-name={name}] .change")
        assert change.startswith("▼ down 100%")


@pytest.mark.parametrize(
    ("choices", "where"),
    [
        ({"send_channel": "sms"}, "send_channel = 'sms'"),
        ({"message_type": "flow"}, "message_type = 'flow'"),
        ({"campaign_name": "cAMPAIGN 1"}, "campaign_name ilike '%campaign 1%'"),
        ({"flow_name": "Welcome series"}, "flow_name = 'Welcome series'"),
        ({"tag_names": "Story; long"}, "contains(tag_names, 'Story')"),
        (
            {"tag_names": "Sale", "send_channel": "email", "message_type": "campaign"},
            "contains(tag_names, 'Sale') and send_channel = 'email' and message_type = 'campaign'",
        ),
    ],
)
def test_filters_work_together(
    page: Page, dashboard: Dashboard, choices: dict[str, str], where: str
) -> None:
    """Filtered figures, and those of the period before, are quotients of the filtered sums."""
    for name, value in choices.items():
        (enter if name == "campaign_name" else choose)(page, name, value)
    assert headline_figures(page) == sql_figures(dashboard, 90, where=where)
    before = sql_final_figures(dashboard, 90, where)[1]["revenue_per_recipient"]
    [change] = texts(page, "#email_figures [data-name=revenue_per_recipient] .change")
    assert change.partition("from ")[2].partition(";")[0] == before.strip("–")


def test_rates_of_people_are_klaviyos_own_for_a_period(page: Page, dashboard: Dashboard) -> None:
    """A flow's open rate is that of the period; for other days no figure is called open rate."""
    choose(page, "message_type", "flow")
    rates = {
        days: dbt.query(
            dashboard.warehouse,
            "select sum(opens_unique) / sum(delivered) as rate from klaviyo__flow_period"
            f" where account_id = 'Shop' and period_kind = 'last_{days}_days'",
        )[0]["rate"]
        for days in PERIODS
    }
    card = page.locator("#email_figures .figure[data-name=open_rate]")
    note = page.locator("#email_figures .by-day")
    for days, rate in rates.items():
        choose_days(page, days)
        expect(card.locator(".value")).to_have_text(f"{rate:.1%}")
        expect(card.locator("h3")).to_have_text("Open rate")
        expect(note).to_be_hidden()
    choose_days(page, "custom")
    enter(page, "from", "2026-10-01")
    enter(page, "to", "2026-10-31")
    expect(card.locator("h3")).to_have_text("Open rate")
    enter(page, "to", "2026-10-30")
    expect(card.locator("h3")).to_have_text("Daily openers / delivered")
    expect(note).to_contain_text("Flows count people once a day")
    open_page(page, "flows")
    [[flow, _, _, open_rate, *_]] = table_rows(page, "#rates_of_flows_in_the_last_30_days")
    assert (flow, open_rate) == ("Welcome series", f"{rates[30]:.1%}")
    assert "Daily openers / delivered" in texts(page, "#all_flows th")
    assert "Open rate" not in texts(page, "#all_flows th")


def test_table_rows_equal_sql(page: Page, dashboard: Dashboard) -> None:
    """The table shows every campaign that passes the filters, with the figures of SQL."""
    choose_days(page, 365)
    choose(page, "tag_names", "Sale")
    choose(page, "send_channel", "email")
    open_page(page, "campaigns")
    page.locator("#all_campaigns .more").click()
    since = LAST_DAY - timedelta(days=364)
    rows = dbt.query(
        dashboard.warehouse,
        f"""
        select
            campaign_name,
            sum(delivered) as delivered,
            sum(opens_unique) / sum(delivered) as open_rate,
            sum(conversion_value) / sum(delivered) as revenue_per_recipient
        from klaviyo__message_performance
        where account_id = 'Shop' and message_type = 'campaign' and send_channel = 'email'
            and contains(tag_names, 'Sale') and sent_on >= '{since}'
        group by all
        """,
    )
    expected = [
        [
            row["campaign_name"],
            f"{row['delivered']:,}",
            f"{row['open_rate']:.1%}",
            f"€{row['revenue_per_recipient']:.2f}",
        ]
        for row in rows
    ]
    shown = [[row[0], row[3], row[4], row[8]] for row in table_rows(page, "#all_campaigns")]
    assert len(shown) > 25
    assert sorted(shown) == sorted(expected)


# Seven findings and a part of all orders.
FINDINGS = """
    delete from klaviyo__finding;
    insert into klaviyo__finding by name
    select
        'Shop' as account_id, 'rule:' || n as finding_id, 'Do ' || n as suggestion,
        'It earned ' || n || ' EUR.' as finding, 'Because ' || n as reason,
        ['problem', 'chance', 'notice'][1 + n % 3] as tone, 'campaigns' as page,
        'Campaign ' || (10 + n) as campaign_name, 1000 + n as sample_size,
        'delivered' as sample_unit, date '{last_day}' - cast(n as integer) as date,
        n as finding_rank
    from range(1, 8) as numbers (n);
    delete from klaviyo__attributed_order;
    insert into klaviyo__attributed_order by name
    select 'Shop' as account_id, date '{last_day}' as date, 400 as order_value,
        90 as klaviyo_order_value;
"""


@pytest.fixture(scope="module", name="findings_html")
def _findings_html(dashboard: Dashboard, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page with seven findings."""
    return preview_changed(dashboard, tmp_path_factory.mktemp("findings"), FINDINGS)


@pytest.fixture(name="advice")
def _advice(tab: tuple[Page, PageLog], findings_html: Path) -> Iterator[Page]:
    """The page with seven findings. A problem in its console fails the test."""
    page, log = tab
    open_dashboard(page, findings_html)
    yield page
    assert log.problems == []


def finding_links(page: Page) -> list[str]:
    """What to do, of each finding that is shown."""
    return texts(page, "#what_to_do_next li a")


def test_five_findings_say_what_to_do_next(advice: Page) -> None:
    """The first five have figure, date, sample and reason; a link leads to the row."""
    assert finding_links(advice) == [f"Do {number}" for number in range(1, 6)]
    first = advice.locator("#what_to_do_next li").first
    assert [line for line in first.inner_text().split("\n") if line][:3] == [
        "Opportunity Do 1",
        "It earned 1 EUR.",
        "17 Nov 2026 · 1,001 delivered",
    ]
    first.locator("summary").click()
    expect(first.locator("details")).to_contain_text("KLAVIYO_MUTED_FINDINGS=rule:1")
    first.locator("a").click()
    advice.locator("section[data-page=campaigns]").wait_for()
    assert [row[0] for row in table_rows(advice, "#all_campaigns")] == ["Campaign 11"]


@pytest.mark.slow
def test_a_finding_is_muted_in_the_browser(advice: Page, findings_html: Path) -> None:
    """A muted finding makes room for the next, stays muted, and can be shown again."""
    advice.locator("#what_to_do_next .mute").first.click()
    assert finding_links(advice) == [f"Do {number}" for number in range(2, 7)]
    open_dashboard(advice, findings_html)
    assert finding_links(advice) == [f"Do {number}" for number in range(2, 7)]
    expect(advice.locator("#what_to_do_next .muted")).to_contain_text("1 muted.")
    advice.locator("#what_to_do_next .unmute").click()
    assert finding_links(advice)[0] == "Do 1"


def test_a_print_of_findings_has_no_buttons(advice: Page) -> None:
    """On paper what to do next has its words and not the button that mutes it."""
    buttons = advice.locator("#what_to_do_next .mute")
    expect(buttons.first).to_be_visible()
    advice.emulate_media(media="print", color_scheme="light")
    expect(buttons.first).to_be_hidden()
    assert finding_links(advice)


def test_an_account_without_findings_says_so(advice: Page, findings_html: Path) -> None:
    """Findings are those of the account, and none is a sentence."""
    open_dashboard(advice, findings_html, "#account=Zoo")
    empty = advice.locator("#what_to_do_next .empty")
    expect(empty).to_have_text(re.compile("^Nothing stands out beyond chance."))


def test_the_large_figure_is_named_and_has_its_share(advice: Page) -> None:
    """Revenue is named by what counts as a conversion; no share is shown with a filter."""
    card = advice.locator("#headline_figures .lead")
    expect(card.locator("h3")).to_have_text("Placed Order revenue")
    share = card.locator(".share")
    expect(share).to_have_text("22.5% of the value of all orders of these days")
    choose(advice, "send_channel", "sms")
    expect(share).to_be_empty()


TARGET = 20_000  # a month


@pytest.fixture(scope="module", name="target_html")
def _target_html(dashboard: Dashboard, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page with a revenue target of the first account."""
    semantics = semantic.load()
    declared = replace(declaration.load(semantics), revenue_targets={"Shop": TARGET})
    html = tmp_path_factory.mktemp("target") / "dashboard.html"
    with Warehouse(dashboard.warehouse) as warehouse:
        html.write_text(preview.render(warehouse, semantics, declared, datetime.now(UTC)))
    return html


class Target(NamedTuple):
    """Chosen days, and their part of the target."""

    days: str
    since: date
    until: date
    amount: float
    growing: str = ""


TARGETS = [
    # Of the last 30 days 12 are in October; four have no final results.
    Target(
        "30",
        LAST_DAY - timedelta(days=29),
        LAST_DAY,
        TARGET * (12 / 31 + 18 / 30),
        " The last 4 days are not final.",
    ),
    Target("last_month", date(2026, 10, 1), date(2026, 10, 31), TARGET),
]


@pytest.mark.slow
@pytest.mark.parametrize("chosen", TARGETS, ids=[chosen.days for chosen in TARGETS])
def test_revenue_is_beside_its_target(
    tab: tuple[Page, PageLog], dashboard: Dashboard, target_html: Path, chosen: Target
) -> None:
    """The target of the chosen days is their part of each month; the revenue is that of SQL."""
    page, log = tab
    open_dashboard(page, target_html, f"#days={chosen.days}")
    [row] = dbt.query(
        dashboard.warehouse,
        "select sum(conversion_value) as value from klaviyo__message_performance"
        f" where account_id = 'Shop' and sent_on between '{chosen.since}' and '{chosen.until}'",
    )
    share = row["value"] / chosen.amount
    length = (chosen.until - chosen.since).days + 1
    target = page.locator("#headline_figures .target")
    expect(target.locator("p")).to_have_text(
        f"{share:.0%} of €{chosen.amount:,.0f}, the target of these {length} days"
        f" at €{TARGET:,} a month.{chosen.growing}"
    )
    bar = target.locator(".progress").evaluate(
        "bar => ['--share', '--goal'].map((name) => Number(bar.style.getPropertyValue(name)))"
    )
    assert bar == pytest.approx([share / max(share, 1), 1 / max(share, 1)])
    choose(page, "send_channel", "sms")
    expect(target).to_be_hidden()
    choose(page, "send_channel", "")
    choose(page, "account", "Zoo")
    expect(target).to_be_hidden()
    assert log.problems == []


def test_without_a_target_nothing_is_drawn(page: Page, dashboard: Dashboard) -> None:
    """No target is declared, so the page has no bar; a target of no account is an error."""
    expect(page.locator("#headline_figures .target")).to_be_hidden()
    semantics = semantic.load()
    declared = replace(declaration.load(semantics), revenue_targets={"Shoq": TARGET})
    with (
        Warehouse(dashboard.warehouse) as warehouse,
        pytest.raises(LookerError, match="names 'Shoq', but the warehouse has Shop, Zoo"),
    ):
        preview.render(warehouse, semantics, declared, datetime.now(UTC))


def test_the_first_screen_of_a_phone_has_revenue_and_what_to_do(
    advice: Page, findings_html: Path
) -> None:
    """At 390 x 844 pixels the revenue and the first thing to do need no scrolling."""
    advice.set_viewport_size({"width": 390, "height": 844})
    open_dashboard(advice, findings_html)
    for part in (".lead .value", ".lead .parts", "#what_to_do_next li a"):
        box = advice.locator(part).first.bounding_box()
        assert box
        assert box["y"] + box["height"] < 844
    assert not advice.locator("[name=send_channel]").is_visible()
    advice.locator("#more").click()
    assert advice.locator("[name=send_channel]").is_visible()


def test_last_campaigns_are_beside_the_median_of_their_channel(
    page: Page, dashboard: Dashboard
) -> None:
    """The last eight show the median of the final campaigns of their channel in 180 days."""
    rows = dbt.query(
        dashboard.warehouse,
        f"""
        with campaigns as (
            select
                campaign_name, send_channel, sent_on,
                sum(conversion_value) / sum(delivered) as rate, sum(delivered) as delivered
            from klaviyo__message_performance
            where account_id = 'Shop' and message_type = 'campaign'
            group by all
        ),
        medians as (
            select send_channel, median(rate) as usual from campaigns
            where sent_on between date '{LAST_DAY}' - 180 and '{FINAL_DAY}' and delivered >= 100
            group by all
        )
        select * from campaigns join medians using (send_channel)
        order by sent_on desc, campaign_name limit 8
        """,
    )
    expected = [
        f"€{row['rate']:.2f}{'' if row['sent_on'] <= FINAL_DAY else 'not final; '}"
        f"median €{row['usual']:.2f}"
        for row in rows
    ]
    shown = [row[-1] for row in table_rows(page, "#the_last_campaigns")]
    assert shown == expected
    assert any("not final" in text for text in shown)
    assert not all("not final" in text for text in shown)


FEW_DELIVERED = "update klaviyo__message_performance set delivered = 9, conversion_value = 112"


def test_a_small_campaign_has_its_revenue(open_changed: OpenChanged) -> None:
    """Each of the last campaigns shows what it earned, however few messages it delivered."""
    page = open_changed(FEW_DELIVERED, "")
    revenue = [row[4] for row in table_rows(page, "#the_last_campaigns")]
    assert len(revenue) == 8
    assert set(revenue) <= {"€112", "€224"}


def test_bars_of_campaigns_are_beside_the_median_of_all(page: Page, dashboard: Dashboard) -> None:
    """The medians of a channel are those of all its campaigns, whichever the table shows."""
    [median] = dbt.query(
        dashboard.warehouse,
        f"""
        select median(rate) as rate from (
            select sum(opens_unique) / sum(delivered) as rate
            from klaviyo__message_performance
            where account_id = 'Shop' and message_type = 'campaign' and send_channel = 'email'
                and sent_on between date '{LAST_DAY}' - 180 and '{FINAL_DAY}'
            group by message_id having sum(delivered) >= 100
        )
        """,
    )
    open_page(page, "campaigns")
    row = page.locator("#all_campaigns tfoot tr", has_text="Median, Email")
    cells = {"Open rate": f"{median['rate']:.1%}", "Delivered": ""}
    for search in ("", "campaign 1"):
        enter(page, "search-all_campaigns", search)
        for heading, text in cells.items():
            expect(row.locator(f"td[data-heading='{heading}']")).to_have_text(text)
    bar = page.locator("#all_campaigns tbody td.bar.usual").first
    assert 0 < float(bar.evaluate("bar => bar.style.getPropertyValue('--usual')")) <= 1


def test_a_filter_offers_the_values_of_the_account(page: Page) -> None:
    """A tag with a comma is one tag; a long list of names is a search field with suggestions."""
    assert texts(page, "[name=tag_names] option") == ["All", "Sale", "Story; long"]
    assert texts(page, "[name=send_channel] option") == ["All", "Email", "SMS"]
    suggestions = page.locator("[name=campaign_name]").evaluate("box => box.list.options.length")
    assert suggestions == 200
    choose(page, "account", "Zoo")
    assert texts(page, "[name=send_channel] option") == ["All", "SMS"]


def test_custom_dates_make_a_period(page: Page, dashboard: Dashboard) -> None:
    """Figures of two chosen dates are compared with as many days before."""
    choose_days(page, "custom")
    enter(page, "to", (LAST_DAY - timedelta(days=10)).isoformat())
    enter(page, "from", (LAST_DAY - timedelta(days=19)).isoformat())
    assert headline_figures(page) == sql_figures(dashboard, 10, 1)
    [change] = texts(page, "#headline_figures [data-name=delivered] .change")
    assert change.endswith(f"from {sql_figures(dashboard, 10, 2)['delivered']}")
    enter(page, "from", "0001-01-01")
    assert "compared with" not in texts(page, "#range")[0]


def test_days_after_the_last_send_can_be_chosen(page: Page) -> None:
    """Yesterday is the day before the last sync, also where the last send was days before it."""
    yesterday = SYNCED_ON - timedelta(days=1)
    assert yesterday > LAST_DAY
    choose_days(page, "yesterday")
    expect(page.locator("#range")).to_contain_text(f"{yesterday:%-d %b %Y}")
    expect(page.locator("#headline_figures .empty")).to_have_text(
        re.compile("Nothing to show in these days")
    )


@pytest.mark.slow
def test_the_address_restores_a_view(own_page: Page, dashboard: Dashboard) -> None:
    """The address of a view holds its page, days, filters, sort order and search."""
    choose_days(own_page, 30)
    open_page(own_page, "campaigns")
    choose(own_page, "send_channel", "email")
    enter(own_page, "search-all_campaigns", "campaign")
    own_page.locator("#all_campaigns [data-name=click_rate] button").click()
    view = table_rows(own_page, "#all_campaigns"), texts(own_page, "#range")
    fragment = own_page.evaluate("location.hash")
    open_dashboard(own_page, dashboard.html)
    assert texts(own_page, "#range") != view[1]
    open_dashboard(own_page, dashboard.html, fragment)
    assert (table_rows(own_page, "#all_campaigns"), texts(own_page, "#range")) == view
    own_page.locator("#clear").click()
    assert len(table_rows(own_page, "#all_campaigns")) > len(view[0])


@pytest.mark.slow
def test_unknown_choices_in_the_address_are_ignored(own_page: Page, dashboard: Dashboard) -> None:
    """A page, period, filter value or date that does not exist leaves the default."""
    fragment = "#page=%3Cimg%3E&days=x&send_channel=pigeon&__proto__=1&from=-"
    open_dashboard(own_page, dashboard.html, fragment)
    assert headline_figures(own_page) == sql_figures(dashboard, 30)


def test_inbox_providers_equal_sql(page: Page, dashboard: Dashboard) -> None:
    """Rates by provider are quotients of sums, and the tile names a filter that it lacks."""
    choose(page, "send_channel", "email")
    open_page(page, "deliverability")
    since = LAST_DAY - timedelta(days=89)
    rows = dbt.query(
        dashboard.warehouse,
        f"""
        select
            inbox_provider,
            sum(delivered) as delivered,
            sum(opens_unique) / sum(delivered) as open_rate,
            sum(bounced) / (sum(delivered) + sum(bounced)) as bounce_rate
        from klaviyo__inbox_provider
        where account_id = 'Shop' and date between '{since}' and '{LAST_DAY}'
        group by all having sum(delivered) >= 50 order by delivered desc
        """,
    )
    expected = [
        [
            row["inbox_provider"],
            f"{row['delivered']:,}",
            f"{row['open_rate']:.1%}",
            f"{row['bounce_rate']:.2%}",
        ]
        for row in rows
    ]
    shown = [[*row[:3], row[4]] for row in table_rows(page, "#mailbox_providers")]
    assert shown == expected
    assert texts(page, "#mailbox_providers .unfiltered") == ["Not filtered by channel."]


def test_audiences_show_growth_and_size(page: Page) -> None:
    """Members who joined and left are those of the chosen days; the size is the latest."""
    choose_days(page, 30)
    open_page(page, "audience")
    assert table_rows(page, "#growth_of_audiences") == [["VIPs", "Segment", "90", "60", "30"]]
    assert table_rows(page, "#size_of_audiences") == [["VIPs", "Segment", "1,000"]]


@pytest.mark.slow
def test_the_keyboard_reaches_every_control(own_page: Page) -> None:
    """Tab reaches pages, days, filters, headings and definitions in order; Enter opens a page."""
    for key in ("Tab", "Tab", "Enter"):
        own_page.keyboard.press(key)
    own_page.locator("section[data-page=campaigns]").wait_for()
    focused = []
    for _ in range(40):
        own_page.keyboard.press("Tab")
        focused.append(
            own_page.evaluate(
                "document.activeElement.name || document.activeElement.dataset.page"
                " || document.activeElement.tagName"
            )
        )
    assert list(dict.fromkeys(focused))[:3] == ["subject_lines_and_a_b", "send_time", "flows"]
    assert {"days", "send_channel", "campaign_name", "BUTTON", "SUMMARY"} <= set(focused)


def test_an_incomplete_period_is_not_compared(page: Page) -> None:
    """With 400 days of data a year has no complete year before it, and the page says so."""
    choose_days(page, 365)
    assert set(texts(page, "#headline_figures .change")) == {"No full 365 days before to compare"}


def test_a_missing_figure_is_not_compared(page: Page) -> None:
    """A metric that the account's channel lacks shows no change; one day is called one day."""
    choose(page, "account", "Zoo")
    choose_days(page, 7)
    assert texts(page, "#email_figures [data-name=open_rate] .value") == ["–"]
    assert texts(page, "#email_figures [data-name=open_rate] .change") == [""]
    choose_days(page, "custom")
    first_day = (LAST_DAY - timedelta(days=19)).isoformat()
    for end in ("from", "to"):
        enter(page, end, first_day)
    assert set(texts(page, "#headline_figures .change")) == {"No full day before to compare"}


def test_figures_of_one_channel_say_so(page: Page) -> None:
    """Figures over a part of the messages name the part, and a filter that excludes it."""
    [note] = texts(page, "#deliverability_figures .note")
    assert note.startswith("Emails only")
    assert texts(page, "#flow_figures .note") == ["Flows only."]
    assert texts(page, "#text_message_figures .note") == ["Text messages only."]
    for channel, is_empty in (("email", False), ("sms", True)):
        open_page(page, "overview")
        choose(page, "send_channel", channel)
        open_page(page, "deliverability")
        assert page.locator("#deliverability_figures .empty").is_visible() == is_empty
        assert page.locator("#deliverability_figures .figure").first.is_visible() != is_empty


def test_amounts_of_a_column_have_the_same_digits(page: Page) -> None:
    """Revenue below 100 has no cents in a column with greater amounts."""
    choose_days(page, 365)
    open_page(page, "campaigns")
    page.locator("#all_campaigns .more").click()
    revenue = [row[7] for row in table_rows(page, "#all_campaigns")]
    amounts = [int(text[1:].replace(",", "")) for text in revenue]
    assert min(amounts) < 100 < max(amounts)


SMALL_AMOUNTS = "update klaviyo__message_performance set conversion_value = 30.5"


def test_a_total_has_the_digits_of_its_column(open_changed: OpenChanged) -> None:
    """The sum of amounts with cents has cents, however large it is."""
    page = open_changed(SMALL_AMOUNTS, "#days=90&page=campaigns")
    [revenue] = texts(page, "#all_campaigns tfoot tr:first-child td[data-heading=Revenue]")
    assert re.fullmatch(r"€[\d,]{4,}\.\d\d", revenue)


def test_months_and_hours_are_written_as_such(page: Page) -> None:
    """A month has no day, and an hour is a time of the day."""
    open_page(page, "shop")
    months = [row[0] for row in table_rows(page, "#who_buys_again")]
    assert months
    assert all(re.fullmatch(r"[A-Z][a-z]+ 20\d\d", month) for month in months)
    page.evaluate("location.hash = '#page=campaign&campaign_id=C13'")
    hour = page.locator("#what_was_sent [data-name=sent_hour] dd")
    expect(hour).to_have_text(re.compile(r"^\d\d:00$"))


def test_amounts_of_a_shop_are_judged_by_its_orders(page: Page) -> None:
    """Revenue of four orders is neither better nor worse than that of five."""
    choose_days(page, "custom")
    enter(page, "from", "2026-11-10")
    enter(page, "to", "2026-11-18")
    open_page(page, "shop")
    change = page.locator("#shop_figures [data-name=shop_revenue] .change")
    expect(change).to_have_text(re.compile("^within the usual range from "))
    assert change.locator("span").get_attribute("class") == "by-chance"


def test_more_unsubscribes_are_marked_as_bad(page: Page) -> None:
    """Green and red follow the meaning of a metric, not its direction."""
    choose(page, "message_type", "campaign")
    mark = page.locator("#email_figures [data-name=unsubscribe_rate] .change span")
    assert mark.inner_text().startswith("▲ up")
    assert mark.get_attribute("class") == "bad"


NEARLY_EQUAL_MONTHS = """
    create table two as
    select * exclude (n) replace (
        date '{last_day}' - cast(10 + 30 * n as integer) as sent_on,
        10004 - 4 * n as delivered
    )
    from (
        from klaviyo__message_performance
        where account_id = 'Shop' and campaign_id = 'C0' limit 1
    ) cross join range(2) as months (n);
    delete from klaviyo__message_performance where sent_on > date '{last_day}' - 60;
    insert into klaviyo__message_performance from two;
"""


def test_a_change_that_is_shown_as_zero_is_neither_good_nor_bad(open_changed: OpenChanged) -> None:
    """A change of four in ten thousand is neither up nor down, nor coloured."""
    page = open_changed(NEARLY_EQUAL_MONTHS, "#days=30&message_type=campaign")
    change = page.locator("#headline_figures [data-name=delivered] .change")
    assert change.inner_text() == "nearly unchanged from 10,000 over the first 26 days"
    assert change.locator("span").count() == 0


def test_weekly_revenue_equals_sql(page: Page, dashboard: Dashboard) -> None:
    """The table behind a chart gives SQL's revenue for every week and channel."""
    since = LAST_DAY - timedelta(days=89)
    weeks = dbt.query(
        dashboard.warehouse,
        f"""
        select
            strftime(date_trunc('week', sent_on), 'Week of %-d %b %Y') as week,
            round(sum(conversion_value) filter (send_channel = 'email')) as email,
            round(coalesce(sum(conversion_value) filter (send_channel = 'sms'), 0)) as sms
        from klaviyo__message_performance
        where account_id = 'Shop' and sent_on >= '{since}'
        group by all order by min(sent_on)
        """,
    )
    expected = [
        [week["week"], *(f"€{week[channel]:,.0f}" for channel in ("email", "sms"))]
        for week in weeks
    ]
    # British English abbreviates September to Sept, strftime to Sep.
    row_texts = texts(page, "#revenue_by_channel .data tbody :is(th, td)")
    cells = [text.replace("Sept", "Sep") for text in row_texts]
    assert [cells[i : i + 3] for i in range(0, len(cells), 3)] == expected


def test_charts_are_drawn(page: Page) -> None:
    """Four charts, two of them columns with a bar per week and series, named for screen readers."""
    expect(page.locator("section:not([hidden]) .body svg.marks")).to_have_count(4)
    bars = page.locator("section:not([hidden]) [aria-roledescription=bar]")
    labels = bars.evaluate_all("bars => bars.map((bar) => bar.getAttribute('aria-label'))")
    assert len(labels) == 2 * 14 * 2
    assert any(label.startswith("Week of 16 Nov 2026, Campaigns: €") for label in labels)


def test_what_is_not_final_is_hatched(page: Page) -> None:
    """A chart hatches the days whose results are not final, in a pattern that the page has."""
    choose_days(page, 30)
    page.locator(DRAWING).first.wait_for(state="detached")
    steps = page.locator("#revenue_by_channel .mark-rect path[fill='url(#hatch)']")
    assert steps.count() == (LAST_DAY - FINAL_DAY).days
    assert page.locator("pattern#hatch path").count() == 1


def test_a_day_that_is_not_over_is_named(open_changed: OpenChanged) -> None:
    """A period that holds the day of the last sync says that this day is not over."""
    page = open_changed(SENT_TODAY, "#days=7")
    expect(page.locator("#range")).to_contain_text(" was not over at the last sync.")
    choose(page, "days", "yesterday")
    expect(page.locator("#range")).not_to_contain_text("not over")


def test_no_colour_is_of_two_dimensions() -> None:
    """A chart by channel has other colours than one by message type."""
    values = declaration.load(semantic.load()).values
    type_colors, channel_colors = (
        {look["color"] for look in values[name].values()}
        for name in ("message_type", "send_channel")
    )
    assert not type_colors & channel_colors


def test_a_rate_of_small_days_is_drawn_by_weeks(page: Page) -> None:
    """Where most days of a flow are too small for a rate, its chart has weeks; others have days."""
    choose_days(page, 30)
    steps = {"email_click_rate": "Weeks from Monday", "revenue_by_channel": "Days, by send date"}
    for tile, words in steps.items():
        expect(page.locator(f"#{tile} .grain")).to_contain_text(words)
    expect(page.locator("#email_click_rate .data tbody tr")).to_have_count(5)


def test_series_without_a_line_are_named(page: Page) -> None:
    """The legend of a chart has every series; those with too few messages for a line are named."""
    choose_days(page, 7)
    grain = page.locator("#email_click_rate .grain")
    expect(grain).to_contain_text("Too few for a line: Flows.")
    choose_days(page, 90)
    expect(grain).not_to_contain_text("Too few")


FEW_OF_FLOWS = "update klaviyo__message_performance set delivered = 5 where message_type = 'flow'"


def test_a_chart_of_campaigns_alone_keeps_its_name(
    open_changed: OpenChanged, dashboard: Dashboard
) -> None:
    """A rate counts people by day only where a flow has a line."""
    page = open_changed(FEW_OF_FLOWS, "#days=90")
    title, caution = (page.locator(f"#email_open_rate {part}") for part in ("h3", ".by-day"))
    expect(title).to_have_text("Email open rate")
    expect(caution).to_be_hidden()
    open_dashboard(page, dashboard.html, "#days=90")
    expect(title).to_have_text("Daily openers / delivered, Email")
    expect(caution).to_be_visible()


NO_FIRST_SNAPSHOT = """
    delete from klaviyo__campaign_daily where campaign_id <> 'C21';
    update klaviyo__campaign_daily set age = 1, date = date + 1 where age = 0
"""


def test_a_curve_says_where_it_begins(open_changed: OpenChanged) -> None:
    """Without snapshots of its first days a campaign has no line there, and the page says why."""
    page = open_changed(NO_FIRST_SNAPSHOT, "#page=campaign&campaign_id=C21")
    grain = page.locator("#revenue_per_recipient_since_the_send .grain")
    expect(grain).to_contain_text("Its line begins with the first sync after the send.")
    expect(grain).to_contain_text("Too few campaigns have snapshots for a median.")


def test_people_are_counted_in_whole_numbers(open_changed: OpenChanged) -> None:
    """The axis of small counts has no half."""
    page = open_changed("update klaviyo__form_daily set submits = 2", "#days=30&page=forms")
    labels = page.locator("#form_submissions .role-axis-label").first.locator("text")
    expect(labels).to_have_text(["0", "1", "2"])


def test_a_long_legend_is_whole() -> None:
    """Long labels are beneath each other and not cut."""
    labels = ("Campaigns' share of shop revenue", "Flows' share of shop revenue")
    series = [{"label": label, "color": charts.GREY} for label in labels]
    spec = charts.build_spec("lines", "Shares", "percent_1", series)
    [legend] = spec["legends"]
    assert (legend["columns"], spec["config"]["legend"]["labelLimit"]) == (1, 0)


SENT_TODAY = f"update klaviyo__data_health set data_to = date '{SYNCED_ON}'"
NOTHING_EARNED = """
    update klaviyo__message_performance set conversion_value = 0, conversions = 0
    where sent_on < date '{last_day}' - 29
"""


def test_a_change_from_zero_has_both_amounts(open_changed: OpenChanged) -> None:
    """Where nothing was earned before, the amounts of the compared days are side by side."""
    page = open_changed(NOTHING_EARNED, "#days=30")
    change = page.locator("#headline_figures [data-name=conversion_value] .change")
    expect(change).to_have_text(re.compile(r"^over the first 26 days: €[\d,]+ from €0$"))
    open_page(page, "flows")
    change = page.locator("#all_flows td[data-heading=Revenue] .change").first
    expect(change).to_have_text(re.compile(r"^€[\d,]+ from €0$"))


ONE_DAY_OF_SNAPSHOTS = f"""
    delete from klaviyo__campaign_daily where account_id <> 'Shop' or campaign_id <> 'C0';
    update klaviyo__campaign_daily
    set age = date '{SYNCED_ON}' - sent_on, date = date '{SYNCED_ON}'
"""


def test_snapshots_of_one_day_are_no_curve(open_changed: OpenChanged) -> None:
    """After the first sync a campaign's page says what a curve needs, and draws no single point."""
    page = open_changed(ONE_DAY_OF_SNAPSHOTS, "#page=campaign&campaign_id=C0")
    tile = page.locator("#revenue_per_recipient_since_the_send")
    expect(tile.locator(".empty")).to_contain_text("snapshots of two days")
    expect(tile.locator(".body")).to_be_hidden()


def test_an_effect_is_in_points(page: Page) -> None:
    """The difference of two rates has its sign and is in points, since per cent may be a share."""
    open_page(page, "subject_lines_and_a_b")
    cells = texts(page, "#patterns_of_subject_lines td[data-heading='Effect on the click rate']")
    assert any("+" in cell for cell in cells)
    assert all(re.fullmatch(r"([+-]\d+\.\d\d|0\.00) points|–", cell) for cell in cells)


def test_a_heat_map_of_few_campaigns_is_of_a_longer_time(page: Page) -> None:
    """Where no hour of the chosen days has enough campaigns, the tile has a year's, and says so."""
    choose_days(page, 365)
    open_page(page, "send_time")
    tile = page.locator("#best_time_for_clicks")
    expect(tile.locator(".extended")).to_be_empty()
    of_a_year = tile.locator(".heat").inner_text()
    choose_days(page, 7)
    expect(tile.locator(".extended")).to_have_text(
        "Of the last 365 days, as the chosen days have too few campaigns at one hour."
    )
    assert tile.locator(".heat").inner_text() == of_a_year


def test_no_hour_is_the_best_without_revenue(open_changed: OpenChanged) -> None:
    """Where nothing was earned every hour has its zero, and none is marked."""
    nothing = "update klaviyo__message_performance set conversion_value = 0"
    page = open_changed(nothing, "#days=365&page=send_time")
    cells = page.locator("#best_time_for_revenue tbody td[style]")
    assert set(cells.all_inner_texts()) == {"€0.00"}
    assert page.locator("#best_time_for_revenue .best").count() == 0
    assert page.locator("#best_time_for_clicks .best").count() == 1


def test_a_line_of_negative_days_stays_in_its_box(open_changed: OpenChanged) -> None:
    """The line of the large figure has room for days below zero."""
    negative = "update klaviyo__message_performance set conversion_value = -conversion_value"
    page = open_changed(negative, "#days=90")
    lines = page.locator(".spark polyline").evaluate_all(
        "all => all.map((line) => [...line.points].map(({y}) => y))"
    )
    heights = [y for line in lines for y in line]
    assert 0 <= min(heights) < max(heights) <= 40


def test_best_send_time_equals_sql(page: Page, dashboard: Dashboard) -> None:
    """A cell is the click rate of its hour; it needs 1,000 delivered emails and 3 campaigns."""
    since = LAST_DAY - timedelta(days=364)
    rows = dbt.query(
        dashboard.warehouse,
        f"""
        select
            hour(timezone('Europe/London', sent_at)) as hour,
            isodow(timezone('Europe/London', sent_at)) as weekday,
            sum(clicks_unique) / sum(delivered) as rate,
            sum(delivered) as delivered,
            count(distinct campaign_id) as campaigns
        from klaviyo__message_performance
        where account_id = 'Shop' and message_type = 'campaign' and send_channel = 'email'
            and sent_on >= '{since}'
        group by all
        """,
    )
    large = [row for row in rows if row["delivered"] >= 1000 and row["campaigns"] >= 3]
    assert 0 < len(large) < len(rows)
    expected = {(row["hour"], row["weekday"]): f"{row['rate']:.2%}" for row in large}
    choose_days(page, 365)
    open_page(page, "send_time")
    body = "#best_time_for_clicks tbody"
    hours = [int(text[:2]) for text in texts(page, f"{body} th")]
    values = texts(page, f"{body} td")
    shown = {
        (hour, weekday): values[7 * row + weekday - 1]
        for row, hour in enumerate(hours)
        for weekday in range(1, 8)
    }
    assert {cell: text for cell, text in shown.items() if text} == expected


def test_variations_of_a_test_are_side_by_side(page: Page, dashboard: Dashboard) -> None:
    """A subject-line test lists its variations with intervals, the higher click rate first."""
    choose_days(page, 30)
    open_page(page, "subject_lines_and_a_b")
    [heading], *variations = table_rows(page, "#a_b_tests")[:3]
    assert heading.startswith(HOSTILE)
    assert sorted(row[1][-9:] for row in variations) == ["version A", "version B"]
    rows = dbt.query(
        dashboard.warehouse,
        "select click_rate, click_rate_low, click_rate_high from klaviyo__subject_line_test"
        " where account_id = 'Shop' and message_id = 'M1' order by click_rate desc",
    )
    expected = ["{:.2%}{:.2%} to {:.2%}".format(*row.values()) for row in rows]
    assert [row[7] for row in variations] == expected
    marks = page.locator("#a_b_tests tbody:first-of-type td[data-heading^='Click rate']")
    positions = marks.evaluate_all(
        "all => all.map(({style}) => ['--low', '--rate', '--high'].map("
        "(name) => Number(style.getPropertyValue(name))))"
    )
    assert all(0 <= low < rate < high <= 1 for low, rate, high in positions)


CHOSEN = """
    update klaviyo__subject_line_test set is_winner = variation_name like '%A'
    where message_id = 'M1'
"""


def test_klaviyos_choice_is_named(open_changed: OpenChanged) -> None:
    """The version that Klaviyo sent to the rest of the audience is named, if there was one."""
    page = open_changed(CHOSEN, "#page=subject_lines_and_a_b")
    [_, *variations, _, without] = table_rows(page, "#a_b_tests")[:5]
    assert {row[0][-1]: row[2] for row in variations} == {
        "A": "Klaviyo's choice",
        "B": "Not chosen",
    }
    assert without[2] == ""


def test_hostile_text_is_shown_as_text(page: Page) -> None:
    """A campaign name with script and image tags is shown as it was typed."""
    choose_days(page, 7)
    open_page(page, "campaigns")
    assert HOSTILE in [row[0] for row in table_rows(page, "#all_campaigns")]
    enter(page, "campaign_name", "</script>")
    assert texts(page, "#values-campaign_name") != [""]
    assert page.locator("img").count() == 0
    assert page.title() == TITLE.replace("Overview", "Campaigns")


def test_template_tags_are_words(page: Page) -> None:
    """A subject line shows [first name] where Klaviyo's template has a tag with a default."""
    open_page(page, "subject_lines_and_a_b")
    assert "[first name], version A" in [row[0] for row in table_rows(page, "#subject_lines")]


def test_the_security_policy_blocks_everything_else(
    tab: tuple[Page, PageLog], dashboard: Dashboard
) -> None:
    """No request leaves the page, and no script runs in it but its own two."""
    page, log = tab
    open_dashboard(page, dashboard.html)
    answer = page.evaluate("fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'refused')")
    page.evaluate(
        "(() => { const script = document.createElement('script');"
        " script.textContent = 'document.title = \"broken in\"'; document.head.append(script); })()"
    )
    assert answer == "refused"
    assert log.requests == [dashboard.html.as_uri()]
    assert page.title() == TITLE
    assert log.problems
    assert all("Content Security Policy" in problem for problem in log.problems)


def test_a_table_is_sorted_by_its_headings(page: Page) -> None:
    """A click on a heading sorts descending, a second click ascending."""
    open_page(page, "campaigns")
    heading = page.locator("#all_campaigns th[data-name=delivered]")
    for expected in ("descending", "ascending"):
        heading.locator("button").click()
        delivered = [int(row[3].replace(",", "")) for row in table_rows(page, "#all_campaigns")]
        assert delivered == sorted(delivered, reverse=expected == "descending")
        assert heading.get_attribute("aria-sort") == expected
    assert texts(page, "#all_campaigns .count") == ["25 of 45 rows"]


# A campaign that four people got: two clicked and one bought.
SMALL_CAMPAIGN = """
    insert into klaviyo__message_performance by name
    select * replace (
        'Small' as campaign_id, 'Small' as campaign_name, 'Small' as message_id, 4 as delivered,
        2 as clicks_unique, 4 as opens_unique, 1 as conversions, 900 as conversion_value,
        4 as open_tracked_delivered, 4 as click_tracked_delivered,
        4 as unsubscribe_tracked_delivered
    )
    from klaviyo__message_performance
    where account_id = 'Shop' and campaign_name = 'Campaign 0'
"""


def test_rates_of_few_are_marked_and_not_ranked(
    tab: tuple[Page, PageLog], dashboard: Dashboard, tmp_path: Path
) -> None:
    """A rate of four messages says so, and comes after the others in every order."""
    page, log = tab
    html = preview_changed(dashboard, tmp_path, SMALL_CAMPAIGN)
    for order in ("-click_rate", "click_rate"):
        open_dashboard(
            page, html, f"#page=campaigns&days=30&send_channel=email&sort-all_campaigns={order}"
        )
        assert [row[0] for row in table_rows(page, "#all_campaigns")][-1] == "Small"
    small = page.locator("#all_campaigns tbody tr").last
    assert small.locator(".few .of").all_text_contents() == ["of 4"] * 4
    # Its message has another name, which is beneath that of the campaign; equal names are once.
    assert small.locator(".beneath").first.text_content() == "Campaign 0, version A"
    names = page.locator("#all_campaigns tbody td:first-child").evaluate_all(
        "all => all.map((cell) => [...cell.childNodes].map((node) => node.textContent))"
    )
    assert all(len(set(parts)) == len(parts) for parts in names)
    assert page.locator("#all_campaigns tbody tr:not(:last-child) .few").count() == 0
    assert log.problems == []


FEW_TEXTS = """
    update klaviyo__message_performance
    set delivered = 1, text_message_spend = 0.5, text_message_conversion_value = conversion_value
    where send_channel = 'sms'
"""


def test_a_return_of_few_texts_is_marked(open_changed: OpenChanged) -> None:
    """A figure that is a ratio of amounts says of how few messages it is."""
    page = open_changed(FEW_TEXTS, "#page=sms&days=30")
    [count] = texts(page, "#text_message_figures [data-name=delivered] .value")
    assert 0 < int(count) < 50
    assert texts(page, "#text_message_figures [data-name=text_message_roi] .of") == [f"of {count}"]


def test_a_table_is_searched(page: Page) -> None:
    """A search keeps only the rows that contain its text."""
    open_page(page, "campaigns")
    enter(page, "search-all_campaigns", "cAMPAIGN 13")
    assert [row[0] for row in table_rows(page, "#all_campaigns")] == ["Campaign 13"]
    enter(page, "search-all_campaigns", "zebra")
    empty = page.locator("#all_campaigns .empty")
    expect(empty).to_contain_text("Nothing to show with the search “zebra”.")
    empty.get_by_role("button", name="Clear search").click()
    expect(empty).to_be_hidden()
    assert len(table_rows(page, "#all_campaigns")) == 25


@pytest.mark.slow
def test_a_long_table_shows_all_rows_on_request(page: Page) -> None:
    """A table shows its first 25 rows, and all of them after a click on the button."""
    choose_days(page, 365)
    open_page(page, "campaigns")
    assert len(table_rows(page, "#all_campaigns")) == 25
    page.locator("#all_campaigns .more").click()
    assert len(table_rows(page, "#all_campaigns")) == 183


def test_sandbox_data_is_labelled(page: Page) -> None:
    """The page marks a simulated account as sandbox data, and a real account not."""
    assert texts(page, "h1") == ["Juniper & Tide"]
    assert page.locator("#sandbox").is_visible()
    assert texts(page, "#sandbox") == ["Sandbox data: a simulated Klaviyo account"]
    choose(page, "account", "Zoo")
    assert texts(page, "h1") == ["Zweiter Laden"]
    assert not page.locator("#sandbox").is_visible()


def test_accounts_are_never_summed(page: Page, dashboard: Dashboard) -> None:
    """A second account has figures and a currency of its own."""
    choose(page, "account", "Zoo")
    [row] = dbt.query(
        dashboard.warehouse,
        "select sum(conversion_value) as value from klaviyo__message_performance"
        " where account_id = 'Zoo'",
    )
    assert texts(page, "#headline_figures .value")[0] == f"${row['value']:,.0f}"


def test_a_tile_without_data_says_so(page: Page) -> None:
    """An account that only sends texts has an empty open rate and a message instead of axes."""
    choose(page, "account", "Zoo")
    assert texts(page, "#email_figures [data-name=open_rate] .value") == ["–"]
    tiles = {"overview": "email_open_rate", "send_time": "best_time_for_clicks"}
    for name, tile in tiles.items():
        open_page(page, name)
        assert page.locator(f"#{tile} .empty").is_visible()
        assert not page.locator(f"#{tile} .body").is_visible()


def test_a_filter_that_leaves_nothing_is_named(page: Page) -> None:
    """An empty tile names the filters, clears them on request, and an idle filter is not shown."""
    choose(page, "send_channel", "sms")
    empty = page.locator("#email_open_rate .empty")
    expect(empty).to_contain_text("Nothing to show with Channel: SMS.")
    empty.locator("button:visible").click()
    expect(empty).to_be_hidden()
    open_page(page, "audience")
    assert page.locator("#choices .filter:visible").count() == 0
    open_page(page, "data_health")
    assert page.locator("[name=days]:visible").count() == 0


def test_of_several_filters_the_one_that_empties_is_named(page: Page) -> None:
    """A button clears it alone; filters that leave nothing only together are all named."""
    choose(page, "message_type", "campaign")
    choose(page, "tag_names", "Sale")
    choose(page, "send_channel", "sms")
    empty = page.locator("#email_open_rate .empty")
    expect(empty.locator("span")).to_have_text("Nothing to show with Channel: SMS.")
    empty.get_by_role("button", name="Clear channel").click()
    expect(empty).to_be_hidden()
    assert page.locator("[name=tag_names]").input_value() == "Sale"
    choose(page, "message_type", "flow")
    choose(page, "tag_names", "")
    enter(page, "campaign_name", "Campaign 13")
    expect(empty.locator("span")).to_have_text(
        "Nothing to show with Message type: Flows, Campaign: Campaign 13."
    )
    empty.get_by_role("button", name="Clear filters").click()
    expect(empty).to_be_hidden()


NOTHING_FOUND = """
    delete from klaviyo__finding;
    update klaviyo__data_health set is_synced = table_name != 'event' or account_id = 'Zoo'
"""


def test_rules_that_did_not_run_found_nothing(open_changed: OpenChanged) -> None:
    """Without the table event nothing is said of people who never react and of machines."""
    page = open_changed(NOTHING_FOUND, "")
    empty = page.locator("#what_to_do_next .empty")
    expect(empty).to_contain_text("A/B tests and audiences. People who never react")
    expect(empty).to_contain_text("take the table event, which is not synced.")
    choose(page, "account", "Zoo")
    expect(empty).to_contain_text("people who never react and clicks by machines.")
    expect(empty).not_to_contain_text("not synced")


def test_an_account_without_sends_is_named(
    dashboard: Dashboard, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where nothing was sent the page cannot be made, and no further sync is asked for."""
    warehouse = tmp_path / "unsent.duckdb"
    shutil.copy(dashboard.warehouse, warehouse)
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("delete from klaviyo.klaviyo__message_performance")
    html = tmp_path / "unsent.html"
    assert looker.main(["preview", "--warehouse", str(warehouse), "-o", str(html)]) == 1
    message = capsys.readouterr().err
    assert "before Klaviyo reports a first send of Juniper & Tide (synced on 2026-11-20)" in message
    assert "run a sync" not in message


def test_a_blank_is_no_filter(page: Page) -> None:
    """A search for a blank leaves the figures as they are."""
    figures = headline_figures(page)
    enter(page, "campaign_name", " ")
    assert headline_figures(page) == figures
    expect(page.locator("#range")).not_to_contain_text("Campaign")


def test_a_filter_that_divides_nothing_is_hidden(page: Page) -> None:
    """A page of campaigns has no filter of flows, unless one is chosen, and compares no days."""
    filters = {
        "overview": {"send_channel", "message_type", "campaign_name", "flow_name", "tag_names"},
        "campaigns": {"send_channel", "campaign_name", "tag_names"},
        "sms": {"campaign_name", "tag_names"},
        "audience": set(),
    }
    comparing = {"overview", "sms", "audience"}
    for name, expected in filters.items():
        open_page(page, name)
        shown = page.locator(".filter:visible").evaluate_all("all => all.map((one) => one.name)")
        assert set(shown) - {"flow_name"} == expected - {"flow_name"}, name
        assert page.locator("[name=compare]").is_visible() == (name in comparing), name
        assert ("compared with" in page.locator("#range").inner_text()) == (name in comparing)
    open_page(page, "overview")
    choose(page, "message_type", "flow")
    open_page(page, "campaigns")
    expect(page.locator("[name=message_type]")).to_be_visible()
    expect(page.locator("#all_campaigns .empty")).to_contain_text("Message type: Flows")


def test_an_empty_tile_says_what_it_takes(page: Page) -> None:
    """Where no longer period would fill a tile, it offers none and names what it takes."""
    choose(page, "account", "Zoo")
    open_page(page, "subject_lines_and_a_b")
    empty = page.locator("#subject_lines .empty")
    expect(empty).to_contain_text(
        "Too few in these days: it takes 500 delivered. The last 365 days"
    )
    expect(empty.locator(".longer")).to_be_hidden()


def test_the_page_dates_its_data_and_its_sync(page: Page) -> None:
    """The footer names the first and last day of the data and the time of the last sync."""
    assert texts(page, "#sync") == [
        "Data from 15 Oct 2025 to 18 Nov 2026, last synced 20 Nov 2026, 09:00 UTC."
    ]


# What the page says after a change of the compared rows, by its tone.
VERDICTS = {
    "bad": (
        "select 1",
        "Complete to {day}. Differs from Klaviyo on {different} of {compared} messages ({table}).",
    ),
    "good": (
        "update klaviyo__data_health set rows_different = 0 where rows_compared > 0",
        "Complete to {day}, equals Klaviyo on {compared} of {compared} messages.",
    ),
    "neither": (
        "update klaviyo__data_health set rows_compared = null, rows_different = null",
        "Complete to {day}. Not compared with Klaviyo yet: that takes the table event and 8 days.",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("tone", VERDICTS)
def test_data_health_begins_with_a_verdict(
    open_changed: OpenChanged, dashboard: Dashboard, tone: str
) -> None:
    """One sentence says to which day the data are complete and whether they equal Klaviyo's."""
    sql, sentence = VERDICTS[tone]
    [counts] = dbt.query(
        dashboard.warehouse,
        'select rows_compared as compared, rows_different as different, table_name as "table"'
        " from klaviyo__data_health where account_id = 'Shop' and table_name = 'event_attribution'",
    )
    assert counts["different"] > 0
    page = open_changed(sql, "#page=data_health")
    verdict = page.locator("section:not([hidden]) h2 + .verdict")
    expect(verdict.locator(".text")).to_have_text(sentence.format(day="19 November 2026", **counts))
    expect(verdict.locator(".note")).to_have_text("Last synced 20 Nov 2026, 09:00 UTC.")
    expect(verdict).to_have_attribute("data-tone", tone)


def test_steps_of_a_flow_are_a_funnel(page: Page, dashboard: Dashboard) -> None:
    """A flow's messages are in order, with their share of the largest, as in SQL on its periods.

    So no share is above 100 %, although the first step is not the largest.
    """
    open_page(page, "flows")
    [heading], *steps = table_rows(page, "#steps_of_flows_in_the_last_30_days")
    rows = dbt.query(
        dashboard.warehouse,
        """
        select
            message_id,
            sum(delivered) as delivered,
            sum(opens_unique) as opens,
            max(sum(delivered)) over () as largest
        from klaviyo__flow_period
        where account_id = 'Shop' and period_kind = 'last_30_days' group by all
        order by message_id -- First, then Hello
        """,
    )
    assert heading == "Welcome series"
    assert [row[0] for row in steps] == ["1", "2"]
    assert [row[3:6] for row in steps] == [
        [
            f"{row['delivered']:,}",
            f"{row['delivered'] / row['largest']:.1%}",
            f"{row['opens'] / row['delivered']:.1%}",
        ]
        for row in rows
    ]
    shares = page.locator("#steps_of_flows_in_the_last_30_days td.bar").evaluate_all(
        "all => all.map((cell) => Number(cell.style.getPropertyValue('--share')))"
    )
    assert shares == [pytest.approx(row["delivered"] / row["largest"]) for row in rows]
    assert max(shares[1:]) == 1 > shares[0]


def test_links_of_a_campaign_are_those_clicked_most(page: Page) -> None:
    """The page of a campaign lists its eight links with most clicks, without what follows ?."""
    page.evaluate("location.hash = '#page=campaign&campaign_id=C2'")
    shown = [row[:4:2] + row[3:4] for row in table_rows(page, "#links_that_people_clicked")]
    assert shown == [
        [f"https://shop.example/{link}", f"{10 - link}", f"{10 - link}"] for link in range(8)
    ]
    page.evaluate("location.hash = '#page=campaign&campaign_id=C1'")
    expect(page.locator("#links_that_people_clicked .empty")).to_contain_text("need event")


# Of the raw events, by hand: people, and quotients of people.
CAMPAIGN_PROVIDERS = """
    with people as (
        select
            inbox_provider,
            count(distinct profile_id) filter (metric_id = 'IN') as delivered,
            count(distinct profile_id) filter (metric_id = 'OPEN') as opened,
            count(distinct profile_id) filter (metric_id = 'CLICK') as clicked,
            count(distinct profile_id) filter (metric_id = 'BOUNCE') as bounced
        from event where campaign_id = 'C2' group by all
    )
    select
        inbox_provider, delivered, opened / delivered, clicked / delivered,
        bounced / (delivered + bounced)
    from people order by delivered desc
"""


def test_mailbox_providers_of_a_campaign_equal_sql(page: Page, dashboard: Dashboard) -> None:
    """The page of a campaign has the people of each provider, once however often they open.

    Rates of fewer than 50 people are left out.
    """
    with duckdb.connect(str(dashboard.raw), read_only=True) as connection:
        connection.execute(f"set schema = '{SCHEMA}'")
        rows = connection.execute(CAMPAIGN_PROVIDERS).fetchall()
    page.evaluate("location.hash = '#page=campaign&campaign_id=C2'")
    tile = "#mailbox_providers_of_the_campaign"
    few = [name for name, delivered, *_ in rows if delivered < 50]
    assert (len(rows), few) == (3, ["Proton"])
    assert table_rows(page, tile) == [
        [name, f"{delivered}", f"{opened:.1%}", f"{clicked:.2%}", f"{bounced:.2%}", "0.00%"]
        for name, delivered, opened, clicked, bounced in rows
        if name not in few
    ]
    page.evaluate("location.hash = '#page=campaign&campaign_id=C1'")
    expect(page.locator(f"{tile} .empty")).to_contain_text("which need event")


# What people bought in the last 90 days, by hand: in euros, and of five orders one in dollars.
SHOP = f"""
    select count(*) as orders, sum(value) as revenue
    from event where metric_id = '{company.ORDER}' and value_currency = 'EUR'
        and cast(datetime as date) > date '{LAST_DAY}' - 90
"""


def test_the_shop_has_its_orders_in_one_currency(page: Page, dashboard: Dashboard) -> None:
    """Orders in another currency than the account's are in no sum of the page."""
    with duckdb.connect(str(dashboard.raw), read_only=True) as connection:
        connection.execute(f"set schema = '{SCHEMA}'")
        [(orders, revenue)] = connection.execute(SHOP).fetchall()
    open_page(page, "shop")
    assert texts(page, "#shop_figures .value")[::2] == [f"€{revenue:,.0f}", f"{orders}"]
    products = table_rows(page, "#products_of_the_last_90_days")
    assert sum(int(row[2].strip("€")) for row in products) == revenue
    [buyers] = [sum(int(row[1]) for row in table_rows(page, "#who_buys_again"))]
    assert buyers == company.PEOPLE - 3


def test_a_page_without_rows_is_left_out(dashboard: Dashboard, tmp_path: Path) -> None:
    """Without events the page of the shop is not in the navigation, and every other is."""
    html = preview_changed(dashboard, tmp_path, "delete from klaviyo__revenue_daily")
    assert "data-page=shop" not in html.read_text().replace('"', "")
    assert 'data-page="forms"' in html.read_text()


def test_forms_equal_sql(page: Page, dashboard: Dashboard) -> None:
    """Figures of a form are the sums and the quotient of its chosen days."""
    choose_days(page, 30)
    open_page(page, "forms")
    [row] = dbt.query(
        dashboard.warehouse,
        f"""
        select sum(views) as views, sum(submits) as submits from klaviyo__form_daily
        where account_id = 'Shop' and date > date '{LAST_DAY}' - 30
        """,
    )
    views, submits = row.values()
    expected = [f"{views:,}", f"{submits:,}", f"{submits / views:.2%}"]
    assert texts(page, "#form_figures .value")[:3] == expected
    assert [row[4:7] for row in table_rows(page, "#all_forms")] == [expected]


def test_versions_of_forms_equal_sql(page: Page, dashboard: Dashboard) -> None:
    """Each version has its kind, its sums and its quotient; together they are the form's."""
    choose_days(page, 30)
    open_page(page, "forms")
    rows = dbt.query(
        dashboard.warehouse,
        f"""
        select version_name, sum(views) as views, sum(submits) as submits
        from klaviyo__form_version_daily
        where account_id = 'Shop' and date > date '{LAST_DAY}' - 30
        group by version_name order by views desc
        """,
    )
    expected = [
        [name, "Pop-up", "Live", f"{views:,}", f"{submits:,}", f"{submits / views:.2%}"]
        for name, views, submits in (row.values() for row in rows)
    ]
    assert [row[1:7] for row in table_rows(page, "#versions_of_forms")] == expected
    totals = [f"{sum(row[name] for row in rows):,}" for name in ("views", "submits")]
    assert texts(page, "#form_figures .value")[:2] == totals


def test_declared_values_have_the_order_of_their_declaration(page: Page) -> None:
    """Patterns are by kind, then value; tiers of engagement from active to not mailed."""
    open_page(page, "subject_lines_and_a_b")
    patterns = [tuple(row[:2]) for row in table_rows(page, "#patterns_of_subject_lines")]
    lengths = [value for pattern, value in patterns if pattern == "Length"]
    declared = ["Under 30", "30 to 49", "50 to 69", "70 and more"]
    assert lengths == [value for value in declared if value in lengths]
    assert [pattern for pattern, _ in patterns][-1] == "Discount"
    open_page(page, "audience")
    tiers = [row[0] for row in table_rows(page, "#engagement_of_people")]
    assert tiers[0] == "Active within 30 days"


def test_a_table_is_saved_as_csv(own_page: Page) -> None:
    """All rows that pass the filters and the search, numbers unrounded, text safe to open."""
    choose_days(own_page, 90)
    open_page(own_page, "campaigns")
    enter(own_page, "search-all_campaigns", "campaign 1")
    with own_page.expect_download() as download:
        own_page.locator("#all_campaigns .csv").click()
    assert download.value.suggested_filename == "all_campaigns.csv"
    rows = list(csv.DictReader(download.value.path().open(encoding="utf-8-sig")))
    shown = table_rows(own_page, "#all_campaigns")
    assert [row["Campaign"] for row in rows] == [row[0] for row in shown]
    assert [f"{float(row['Click rate']):.2%}" for row in rows] == [row[5] for row in shown]
    values = ["=1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff201", "Plain", -1]
    script = own_page.locator("script[type=module]").text_content() or ""
    (function,) = re.findall(r"^function quoteValue.*?^}$", script, re.DOTALL | re.MULTILINE)
    safe = own_page.evaluate(f"(values) => {{ {function} return values.map(quoteValue); }}", values)
    assert safe == [*(f'"\'{text}"' for text in values[:5]), '"Plain"', "-1"]


# No reader meets the hidden pages, and axe-core takes twice as long with them.
TAKE_OUT_HIDDEN = """
    () => {
        const hidden = [...document.querySelectorAll('section[data-page][hidden]')];
        window.takenOut = hidden.map((section) => [section, document.createComment('')]);
        window.takenOut.forEach(([section, place]) => section.replaceWith(place));
    }
"""
PUT_BACK = "() => window.takenOut.forEach(([section, place]) => place.replaceWith(section))"


SOME_PAGES = ("overview", "campaigns", "audience", "campaign&campaign_id=C1")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scheme", "names"),
    [
        ("light", SOME_PAGES),
        pytest.param("light", None, marks=pytest.mark.chaos),
        pytest.param("dark", None, marks=pytest.mark.chaos),
    ],
)
def test_no_page_has_a_barrier(
    own_page: Page, scheme: Literal["light", "dark"], names: Sequence[str] | None
) -> None:
    """axe-core finds no violation of accessibility on any page, in light and in dark."""
    own_page.emulate_media(color_scheme=scheme)
    found = {}
    for name in names or (*page_names(own_page), SOME_PAGES[-1]):
        own_page.evaluate(f"location.hash = '#days=90&page={name}'")
        own_page.locator(DRAWING).first.wait_for(state="detached")
        own_page.evaluate(TAKE_OUT_HIDDEN)
        for violation in Axe().run(own_page).response["violations"]:
            found[name, violation["id"]] = [node["target"] for node in violation["nodes"]]
        own_page.evaluate(PUT_BACK)
    assert found == {}


PHONE, SMALL, LARGE = 360, 1024, 1920
# The table, or a word in it, reaches beyond its tile.
WIDE_TABLES = """
    all => all.filter((table) => {
        const { left, right } = table.closest('.tile').getBoundingClientRect();
        const cells = table.querySelectorAll(':is(tbody, tfoot) :is(th, td)');
        return [table, ...cells].filter((part) => part.offsetParent).some((part) => {
            const box = part.getBoundingClientRect();
            return box.left < left || box.right > right || part.scrollWidth > part.clientWidth + 1;
        });
    }).map((table) => table.ariaLabel)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "widths",
    [(PHONE, SMALL, LARGE), pytest.param((600, 860, 900, 1280), marks=pytest.mark.chaos)],
)
def test_every_page_fits_every_width(own_page: Page, widths: Sequence[int]) -> None:
    """From a phone to a large screen no page scrolls sideways, and no table is cut."""
    cut: list[tuple[str, ...]] = []
    for name in (*page_names(own_page), SOME_PAGES[-1]):
        own_page.evaluate(f"location.hash = '#days=90&page={name}'")
        tables = own_page.locator("section:not([hidden]) .body table.cards:visible")
        for width in widths:
            own_page.set_viewport_size({"width": width, "height": 900})
            if own_page.evaluate("document.documentElement.scrollWidth") != width:
                cut.append((name, str(width)))
            cut += [(name, str(width), title) for title in tables.evaluate_all(WIDE_TABLES)]
    assert cut == []


def test_a_page_without_filters_offers_none(own_page: Page) -> None:
    """On a phone filters are behind a button, which a page without filters does not have."""
    own_page.set_viewport_size({"width": 390, "height": 844})
    expect(own_page.locator("#more")).to_be_visible()
    open_page(own_page, "data_health")
    expect(own_page.locator("#more")).to_be_hidden()


def test_a_row_is_a_card_on_a_phone(own_page: Page) -> None:
    """On a phone each figure has its heading, and the headings still sort."""
    own_page.set_viewport_size({"width": 390, "height": 900})
    open_page(own_page, "campaigns")
    own_page.locator("#all_campaigns th[data-name=delivered] button").click()
    card = own_page.locator("#all_campaigns tbody tr").first
    headings = card.locator("td").evaluate_all(
        "all => all.map((cell) => getComputedStyle(cell, '::before').content.slice(1, -1))"
    )
    assert headings[3:5] == ["Delivered", "Open rate"]
    delivered = [int(row[3].replace(",", "")) for row in table_rows(own_page, "#all_campaigns")]
    assert delivered == sorted(delivered, reverse=True)
    box = card.bounding_box()
    assert box
    assert box["height"] > 100


@pytest.mark.slow
def test_headings_stay_in_view(own_page: Page) -> None:
    """A reader who scrolls down a long table still sees its headings."""
    own_page.set_viewport_size({"width": 1280, "height": 500})
    choose_days(own_page, 90)
    open_page(own_page, "campaigns")
    own_page.locator("#all_campaigns tbody tr").nth(20).scroll_into_view_if_needed()
    expect(own_page.locator("#all_campaigns thead th").first).to_be_in_viewport()


def test_totals_blend_no_channels(page: Page, dashboard: Dashboard) -> None:
    """The last row has the sums of all campaigns, and rates where they are of one channel."""
    open_page(page, "campaigns")
    totals = "#all_campaigns tfoot tr:first-child td"
    figures = sql_figures(dashboard, 90, where="message_type = 'campaign'")
    shown = texts(page, totals)
    assert (shown[2], shown[3], shown[6]) == (figures["delivered"], "", figures["conversion_value"])
    choose(page, "send_channel", "email")
    where = "message_type = 'campaign' and send_channel = 'email'"
    [rate] = dbt.query(
        dashboard.warehouse,
        "select sum(opens_unique) / sum(delivered) as rate from klaviyo__message_performance"
        f" where account_id = 'Shop' and {where} and sent_on > date '{LAST_DAY}' - 90",
    )
    assert texts(page, totals)[3] == f"{rate['rate']:.1%}"


def test_a_campaign_has_a_page(own_page: Page, dashboard: Dashboard) -> None:
    """A click on a campaign's name opens its page, with SQL's figures beside those of its channel.

    The page has an address of its own, a way back and a link to Klaviyo, unless it is simulated.
    """
    open_page(own_page, "campaigns")
    own_page.locator("#all_campaigns a", has_text="Campaign 13").click()
    own_page.locator("section[data-page=campaign]").wait_for()
    assert own_page.evaluate("location.hash").endswith("page=campaign&campaign_id=C13")
    assert texts(own_page, "section:not([hidden]) h2") == ["Campaign 13"]
    [row] = dbt.query(
        dashboard.warehouse,
        """
        select sum(conversion_value) as revenue, sum(clicks_unique) / sum(delivered) as click_rate
        from klaviyo__message_performance where account_id = 'Shop' and campaign_id = 'C13'
        """,
    )
    assert texts(own_page, "#what_it_earned_so_far .value")[0] == f"€{row['revenue']:,.0f}"
    [[channel, _, _, click_rate, *_]] = table_rows(own_page, "#results_by_channel")
    [usual] = dbt.query(
        dashboard.warehouse,
        f"""
        with sent as (select sent_on from klaviyo__message_performance where campaign_id = 'C13'
            and account_id = 'Shop' limit 1),
        rates as (
            select campaign_id, sum(clicks_unique) / sum(delivered) as rate
            from klaviyo__message_performance, sent
            where account_id = 'Shop' and message_type = 'campaign' and send_channel = 'email'
                and klaviyo__message_performance.sent_on
                    between sent.sent_on - 180 and least(sent.sent_on, date '{FINAL_DAY}')
            group by all
        )
        select median(rate) as rate from rates
        """,
    )
    assert (channel, click_rate) == (
        "Email",
        f"{row['click_rate']:.2%}median {usual['rate']:.2%}",
    )
    assert not own_page.locator(".klaviyo").is_visible()
    assert not own_page.locator("#choices").is_visible()
    own_page.locator("section:not([hidden]) .back").click()
    own_page.locator("section[data-page=campaigns]").wait_for()
    open_dashboard(own_page, dashboard.html, "#account=Zoo&page=campaign&campaign_id=C2")
    link = own_page.locator(".klaviyo")
    assert link.get_attribute("href") == "https://www.klaviyo.com/campaign/C2"
    open_dashboard(own_page, dashboard.html, "#page=campaign&campaign_id=nothing")
    expect(own_page.locator("#what_was_sent .empty")).to_contain_text("no campaign with this id")


def test_the_keyboard_goes_with_a_reader_to_a_campaign(own_page: Page) -> None:
    """Enter on a campaign moves the focus to its heading, and the tab is named after it."""
    open_page(own_page, "campaigns")
    assert own_page.title() == "Campaigns · Juniper & Tide: Campaign and flow results"
    own_page.locator("#all_campaigns a", has_text="Campaign 13").focus()
    own_page.keyboard.press("Enter")
    heading = own_page.locator("section[data-page=campaign] h2")
    expect(heading).to_be_focused()
    expect(heading).to_have_text("Campaign 13")
    assert own_page.title() == "Campaign 13 · Juniper & Tide: Campaign and flow results"
    own_page.keyboard.press("Shift+Tab")
    own_page.keyboard.press("Enter")
    expect(own_page.locator("section[data-page=campaigns] h2")).to_be_focused()


def test_versions_are_shown_where_something_was_tested(page: Page, dashboard: Dashboard) -> None:
    """A campaign without an A/B test has no table of versions, which would repeat its results."""
    rows = dbt.query(
        dashboard.warehouse,
        "select campaign_id, bool_or(is_ab_test) as is_tested from klaviyo__message_performance"
        " where account_id = 'Shop' and message_type = 'campaign' group by all order by 1",
    )
    for is_tested in (True, False):
        campaign = next(row["campaign_id"] for row in rows if row["is_tested"] == is_tested)
        page.evaluate(f"location.hash = '#page=campaign&campaign_id={campaign}'")
        expect(page.locator("#results_by_channel tbody tr")).not_to_have_count(0)
        expect(page.locator("#versions")).to_be_visible(visible=is_tested)


def test_the_tab_has_the_letter_of_the_shop(page: Page) -> None:
    """The icon of the tab is the first letter of the account's name."""
    icon = page.locator("link[rel=icon]").get_attribute("href") or ""
    assert ">J</text>" in unquote(icon)


CONSENTS = "update klaviyo__engagement set can_receive_email = engagement_tier <> 'lapsed'"


def test_the_audience_begins_with_who_receives_emails(
    open_changed: OpenChanged, tmp_path: Path
) -> None:
    """People who receive emails, and the share of them that is active, equal SQL."""
    page = open_changed(CONSENTS, "#page=audience")
    [row] = dbt.query(
        tmp_path / "changed.duckdb",
        """
        select sum(people) as people, sum(active_people) as active
        from klaviyo__engagement where account_id = 'Shop' and can_receive_email
        """,
    )
    people, active, share, _ = texts(page, "#people_who_receive_emails .value")
    assert (people, active) == (f"{row['people']:,}", f"{row['active']:,}")
    assert share == f"{row['active'] / row['people']:.1%}"


def test_a_campaigns_curve_is_beside_the_median_at_each_age(
    page: Page, dashboard: Dashboard
) -> None:
    """A curve equals SQL on the daily snapshots, over days that are not over it is grey."""
    page.evaluate("location.hash = '#page=campaign&campaign_id=C21'")
    tile = page.locator("#revenue_per_recipient_since_the_send")
    expect(tile.locator(".grain")).to_have_text("Email, by days since the send.")
    [sent] = dbt.query(
        dashboard.warehouse,
        "select min(sent_on) as day from klaviyo__campaign_daily"
        " where account_id = 'Shop' and campaign_id = 'C21'",
    )
    rows = dbt.query(
        dashboard.warehouse,
        f"""
        with known as (
            select campaign_id, sent_on, ages.age,
                sum(newly_known_conversion_value) filter (campaign_daily.age <= ages.age)
                    / sum(newly_known_delivered) filter (campaign_daily.age <= ages.age) as rate
            from klaviyo__campaign_daily as campaign_daily, range(8) as ages (age)
            where account_id = 'Shop' and send_channel = 'email'
            group by all
            having sent_on + cast(ages.age as integer) < date '{SYNCED_ON}'
        )
        select
            age,
            any_value(rate) filter (campaign_id = 'C21') as own,
            median(rate) filter (
                campaign_id <> 'C21' and sent_on between date '{sent["day"]}' - 180
                    and date '{sent["day"]}'
            ) as usual
        from known group by age order by age
        """,
    )
    expected = [
        [text for name in ("own", "usual") for text in [format_amount(row[name])]] for row in rows
    ]
    cells = tile.locator(".data tbody tr").evaluate_all(
        "rows => rows.map((row) => [...row.cells].slice(1).map((cell) => cell.textContent))"
    )
    assert cells == expected
    assert cells[0][0] != cells[3][0]


def format_amount(value: float | None) -> str:
    """An amount per recipient as the page writes it."""
    return "–" if value is None else f"€{value:.2f}"


@pytest.mark.slow
def test_colours_follow_the_dark_mode(own_page: Page) -> None:
    """Text, including the labels of charts, is dark on light or light on dark."""
    label = own_page.locator("section:not([hidden]) .body svg text").first
    label.wait_for(state="attached")
    body = own_page.locator("body")

    def lightness(element: Locator, name: str) -> int:
        colour = element.evaluate(f"element => getComputedStyle(element).{name}")
        return sum(map(int, re.findall(r"\d+", colour)[:3]))

    own_page.emulate_media(color_scheme="light")
    assert lightness(body, "backgroundColor") > 600
    assert max(lightness(body, "color"), lightness(label, "fill")) < 320
    own_page.emulate_media(color_scheme="dark")
    assert lightness(body, "backgroundColor") < 100
    assert min(lightness(body, "color"), lightness(label, "fill")) > 450


def test_a_print_shows_the_choices_without_controls(own_page: Page) -> None:
    """On paper the open page and the chosen filters are readable, and the controls are gone."""
    choose(own_page, "send_channel", "email")
    own_page.emulate_media(media="print", color_scheme="light")
    parts = ["nav", "#choices", ".definitions", "#range", "#headline_figures"]
    shown = [part for part in parts if own_page.locator(part).first.is_visible()]
    assert shown == ["#range", "#headline_figures"]
    assert texts(own_page, "#range")[0].endswith(
        "Amounts in EUR. Revenue and conversions: Placed Order. Channel: Email."
    )


@pytest.mark.slow
def test_the_page_is_labelled(page: Page) -> None:
    """Inputs have labels, table headings a scope, charts a caption, and there is one h1."""
    for name in page_names(page):
        open_page(page, name)
    boxes = page.locator("input:not([type=hidden]), select")
    unlabelled = "boxes => boxes.filter((box) => !box.labels.length && !box.ariaLabel).length"
    assert boxes.evaluate_all(unlabelled) == 0
    assert page.locator("th:not([scope])").count() == 0
    assert page.locator("h1").count() == 1
    figures = page.locator("figure").count()
    assert figures == page.locator("figure > figcaption h3").count()


@pytest.mark.slow
def test_what_opens_has_a_name_of_its_own(page: Page) -> None:
    """A screen reader's list of buttons says of which figure or table each definition is."""
    for name in page_names(page):
        open_page(page, name)
        names = page.locator("section:not([hidden]) summary").evaluate_all(
            "all => all.map((one) => one.ariaLabel ?? one.textContent)"
        )
        assert len(set(names)) == len(names), name


def test_definitions_are_behind_an_i(own_page: Page) -> None:
    """Enter on the i opens dbt's words over the tile; Escape or a click elsewhere closes them."""
    summary = own_page.locator("#email_figures [data-name=click_rate] summary")
    words = own_page.locator("#email_figures [data-name=click_rate] dd")
    for way in ("Escape", "click"):
        expect(words).to_be_hidden()
        summary.focus()
        own_page.keyboard.press("Enter")
        expect(words).to_be_visible()
        if way == "click":
            own_page.locator("h1").click()
        else:
            own_page.keyboard.press(way)
    expect(words).to_be_hidden()
    assert summary.inner_text() == "i"
    expect(summary).to_have_accessible_name("Definition: Email figures, Click rate")


def test_the_keyboard_reaches_a_definition_before_the_rows(page: Page) -> None:
    """In every tile the i, which is beside the title, is the first stop of the Tab key."""
    late = page.locator(".tile:has(.definitions)").evaluate_all("""tiles => tiles
        .map((tile) => tile.querySelector('a, button, input, summary, [tabindex]'))
        .filter((first) => !first.closest('.definitions'))
        .map((first) => first.closest('.tile').id)""")
    assert late == []


def test_every_tile_defines_its_metrics(page: Page) -> None:
    """Each tile of figures has the definitions of its metrics, in the words of dbt."""
    [definition] = texts(page, "#email_figures [data-name=click_rate] dd")
    assert definition == (
        "Unique clicks / delivered, over the channels whose clicks are counted. Over several days a"
        " flow's people are counted once a day, unlike in klaviyo__flow_period."
    )
    tiles = page.locator(".tile:not(.todo, .verdict, :has(.record))")
    assert tiles.count() == page.locator(".tile .definitions").count()


# An MD5 takes as many bytes in the page as a name or a subject line of its own.
COPY_CAMPAIGNS = """
    insert into klaviyo__message_performance
    select * exclude (n) replace (
        md5('campaign' || n) as campaign_id,
        md5('message' || n) as message_id,
        md5('name' || n) as campaign_name,
        md5('message name' || n) as message_name,
        md5('subject' || n) as subject_line,
        date '{last_day}' - cast(n % 365 as integer) as sent_on,
        delivered + hash(n) % 9000 as delivered,
        opens_unique + hash(n) % 900 as opens_unique,
        conversion_value + hash(n) % 900 / 100 as conversion_value
    )
    from klaviyo__message_performance cross join range(5000) as numbers (n)
    where account_id = 'Shop' and campaign_id = 'C0';
    insert into klaviyo__link_performance by name
    select
        'Shop' as account_id, campaign_id, 'https://shop.example/products/' || link as link,
        sent_on as date, 10 + hash(campaign_id, link) % 900 as clicks,
        10 + hash(campaign_id, link) % 700 as clickers, hash(campaign_id, link) % 9 as orders,
        hash(campaign_id, link) % 90000 / 100 as order_value
    from klaviyo__message_performance cross join range(10) as links (link)
    where account_id = 'Shop' and length(campaign_id) = 32;
    insert into klaviyo__campaign_provider by name
    select
        'Shop' as account_id, campaign_id, 'Provider ' || provider as inbox_provider,
        sent_on as date, 90 + hash(campaign_id, provider) % 9000 as delivered,
        90 + hash(campaign_id, provider) % 9000 + hash(campaign_id, provider) % 90 as attempts,
        hash(campaign_id, provider) % 90 as bounced, hash(campaign_id, provider) % 900 as openers,
        hash(campaign_id, provider) % 70 as clickers, hash(campaign_id, provider) % 9
            as spam_complaints
    from klaviyo__message_performance cross join range(12) as providers (provider)
    where account_id = 'Shop' and length(campaign_id) = 32;
"""


@pytest.mark.slow
def test_5_000_campaigns_fit(
    tab: tuple[Page, PageLog], dashboard: Dashboard, tmp_path: Path
) -> None:
    """A year of 5,000 campaigns, each with texts, links and providers, is a page below 1.5 MB."""
    html = preview_changed(dashboard, tmp_path, COPY_CAMPAIGNS)
    assert html.stat().st_size < 1_500_000
    page, log = tab
    fragment = "#page=campaigns&days=365"
    open_dashboard(page, html, fragment)
    assert texts(page, "#all_campaigns .count") == ["25 of 5183 rows"]
    assert {url.partition("#")[0] for url in log.requests} == {html.as_uri()}


def test_the_same_warehouse_gives_the_same_page(dashboard: Dashboard, tmp_path: Path) -> None:
    """Two pages of one warehouse differ only in the time they were made."""
    second = tmp_path / "second.html"
    assert looker.main(["preview", "--warehouse", str(dashboard.warehouse), "-o", str(second)]) == 0
    lines = [file.read_text().splitlines() for file in (dashboard.html, second)]
    different = [line for line, other in zip(*lines, strict=True) if line != other]
    assert all(line.strip().startswith("<p>Page made") for line in different)


CHOICES = {
    "send_channel": ["email", "sms"],
    "message_type": ["campaign", "flow"],
    "flow_name": ["Welcome series"],
    "tag_names": ["Sale", "Story; long"],
}
EMAILS = {"dimension": "send_channel", "values": ["email"]}


def test_an_assistant_gets_the_figures_of_the_page(page: Page, dashboard: Dashboard) -> None:
    """The answers of the MCP server, for any days and filters, are the figures of the overview.

    That includes Klaviyo's own counts of a flow's people where the days are a period.
    """
    choice = random.Random(3).choice
    rates = [name for name in FORMATS if name not in HEADLINE]
    with run_assistant({"KLAVIYO_WAREHOUSE": str(dashboard.warehouse)}) as assistant:
        for _ in range(8):
            page.evaluate(RESET)
            days = choice(PERIODS)
            choose_days(page, days)
            filters = [{"dimension": "account_id", "values": ["Shop"]}]
            for name, values in CHOICES.items():
                if value := choice(["", "", *values]):
                    choose(page, name, value)
                    filters.append({"dimension": name, "values": [value]})
            assert headline_figures(page) == {
                **ask_for_figures(assistant, HEADLINE, days, filters),
                **ask_for_figures(assistant, rates, days, [*filters, EMAILS]),
            }


def ask_for_figures(
    assistant: Assistant, metrics: Iterable[str], days: int, filters: list[dict[str, Any]]
) -> dict[str, str]:
    """The figures of the last days as an assistant gets them, written as on the page."""
    start = LAST_DAY - timedelta(days=days - 1)
    bounds = {"start": f"{start}", "end": f"{LAST_DAY}"}
    answer = assistant.query(*metrics, filters=filters, **bounds)
    assert len(answer["rows"]) <= 1  # one currency, and one channel of rates
    row = answer["rows"][0] if answer["rows"] else {}
    figures = {name: row.get(name) for name in metrics}
    return {n: "–" if value is None else FORMATS[n].format(value) for n, value in figures.items()}
