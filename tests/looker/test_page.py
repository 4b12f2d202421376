"""The dashboard in a real browser: its figures, its texts and how it is used."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from looker import __main__ as looker
from tests.looker.chromium import Chromium
from tests.looker.conftest import HOSTILE, LAST_DAY, Page
from tests.warehouse import dbt

PERIODS = [7, 30, 90, 365]

# Independent of looker/ and of dbt's metrics: sums and quotients written by hand.
FIGURES = """
    select
        sum(conversion_value) as conversion_value,
        sum(conversions) as conversions,
        sum(conversion_value) / sum(delivered) as revenue_per_recipient,
        sum(conversion_uniques) / sum(delivered) as conversion_rate,
        sum(delivered) as delivered,
        sum(opens_unique) / sum(delivered) filter (send_channel = 'email') as open_rate,
        sum(clicks_unique) / sum(delivered) as click_rate,
        sum(unsubscribe_uniques) / sum(delivered) as unsubscribe_rate
    from klaviyo__message_performance
    where account_id = 'Shop' and sent_on between '{since}' and '{until}'
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


def figures(page: Page, days: int, periods_ago: int = 0) -> dict[str, str]:
    """What the headline figures of a period should read."""
    until = LAST_DAY - timedelta(days=days * periods_ago)
    since = until - timedelta(days=days - 1)
    [row] = dbt.query(page.warehouse, FIGURES.format(since=since, until=until))
    return {name: FORMATS[name].format(value) for name, value in row.items()}


def texts(browser: Chromium, selector: str) -> list[str]:
    """The texts of all elements that the selector finds."""
    found: list[str] = browser.evaluate(
        f"[...document.querySelectorAll({selector!r})].map((element) => element.textContent.trim())"
    )
    return found


def choose(browser: Chromium, days: int) -> None:
    """Choose a period as a person does."""
    browser.evaluate(f"document.querySelector('input[value=\"{days}\"]').click()")


def tile(browser: Chromium, title: str) -> str:
    """The selector of the tile with that title."""
    found: str = browser.evaluate(
        f"[...document.querySelectorAll('figure')].find((figure) =>"
        f" figure.querySelector('h3').textContent === {title!r}).id"
    )
    return f"#{found}"


@pytest.mark.parametrize("days", PERIODS)
def test_headline_figures_equal_sql(page: Page, browser: Chromium, days: int) -> None:
    """Every headline figure of every period is the one hand-written SQL gives on the marts."""
    choose(browser, days)
    names = browser.evaluate("[...document.querySelectorAll('.figure')].map((f) => f.dataset.name)")
    shown = dict(zip(names, texts(browser, ".figure .value"), strict=True))
    assert shown == figures(page, days)


@pytest.mark.parametrize("days", [7, 30, 90])
def test_figures_are_compared_with_the_days_before(
    page: Page, browser: Chromium, days: int
) -> None:
    """Each figure names its value in as many days before, or that it reads the same."""
    choose(browser, days)
    changes = texts(browser, ".figure .change")
    both = zip(figures(page, days).values(), figures(page, days, 1).values(), strict=True)
    for change, (now, earlier) in zip(changes, both, strict=True):
        assert change.endswith(f"unchanged at {now}" if now == earlier else f"from {earlier}")


def test_no_comparison_with_days_that_are_not_all_there(browser: Chromium) -> None:
    """400 days of data hold no second year, and the page says so instead of comparing."""
    choose(browser, 365)
    assert set(texts(browser, ".figure .change")) == {"No full 365 days before to compare"}


def test_a_rise_of_unsubscribes_is_no_good_news(page: Page, browser: Chromium) -> None:
    """Green and red follow the meaning of a figure, not its direction."""
    choose(browser, 90)
    now, before = figures(page, 90)["unsubscribe_rate"], figures(page, 90, 1)["unsubscribe_rate"]
    assert now != before
    expected = "good" if float(now[:-1]) < float(before[:-1]) else "bad"
    mark = ".figure[data-name=unsubscribe_rate] .change span"
    assert browser.evaluate(f"document.querySelector('{mark}').className") == expected


def test_weekly_revenue_equals_sql(page: Page, browser: Chromium) -> None:
    """The table behind a chart gives every week and channel as SQL does."""
    choose(browser, 90)
    since = LAST_DAY - timedelta(days=89)
    weeks = dbt.query(
        page.warehouse,
        f"""
        select
            strftime(date_trunc('week', sent_on), 'Week of %-d %b %Y') as week,
            sum(conversion_value) filter (send_channel = 'email') as email,
            coalesce(sum(conversion_value) filter (send_channel = 'sms'), 0) as sms
        from klaviyo__message_performance
        where account_id = 'Shop' and sent_on >= '{since}'
        group by all order by min(sent_on)
        """,
    )
    expected = [[week["week"], money(week["email"]), money(week["sms"])] for week in weeks]
    cells = texts(browser, f"{tile(browser, 'Revenue by channel')} .data tbody :is(th, td)")
    shown = [
        [cell.replace("Sept", "Sep") for cell in cells[i : i + 3]] for i in range(0, len(cells), 3)
    ]
    assert shown == expected


def money(value: float) -> str:
    """Amounts from 100 are written without cents."""
    return f"€{value:,.2f}" if value < 100 else f"€{value:,.0f}"


def test_charts_are_drawn(browser: Chromium) -> None:
    """Two of the four charts are columns: a mark per week and part, named for screen readers."""
    drawn = "document.querySelectorAll('.body svg').length === 4"
    assert browser.evaluate(SOON.format(condition=drawn))
    labels = browser.evaluate(
        "[...document.querySelectorAll('.body svg [aria-roledescription=bar]')]"
        ".map((mark) => mark.getAttribute('aria-label'))"
    )
    assert len(labels) == 2 * 14 * 2
    assert any(label.startswith("Week of 16 Nov 2026, Campaigns: €") for label in labels)


# Charts are drawn after the page has loaded: ask until they are there.
SOON = """
    new Promise((resolve) => {{
        const look = () => ({condition}) ? resolve(true) : requestAnimationFrame(look);
        look();
    }})
"""


def test_best_time_equals_sql(page: Page, browser: Chromium) -> None:
    """A cell is the click rate of its weekday and hour; one with few recipients stays empty."""
    choose(browser, 90)
    since = LAST_DAY - timedelta(days=89)
    cells = dbt.query(
        page.warehouse,
        f"""
        select
            hour(timezone('Europe/London', sent_at)) as hour,
            isodow(timezone('Europe/London', sent_at)) as weekday,
            sum(clicks_unique) / sum(delivered) as rate,
            sum(delivered) as delivered
        from klaviyo__message_performance
        where account_id = 'Shop' and message_type = 'campaign' and send_channel = 'email'
            and sent_on >= '{since}'
        group by all
        """,
    )
    enough = [cell for cell in cells if cell["delivered"] >= 1000]
    assert 0 < len(enough) < len(cells)
    expected = {(c["hour"], c["weekday"]): f"{c['rate']:.2%}" for c in enough}
    body = f"{tile(browser, 'Best time to send an email')} tbody"
    hours = [int(text[:2]) for text in texts(browser, f"{body} th")]
    values = texts(browser, f"{body} td")
    shown = {
        (hour, weekday): values[7 * row + weekday - 1]
        for row, hour in enumerate(hours)
        for weekday in range(1, 8)
    }
    assert {cell: text for cell, text in shown.items() if text} == expected


def test_versions_of_a_test_stand_side_by_side(browser: Chromium) -> None:
    """A subject-line test shows both versions, the one with more clicks first."""
    choose(browser, 30)
    tests = tile(browser, "Subject-line tests")
    body = f"{tests} tbody:nth-of-type(2)"
    assert texts(browser, f"{body} .group th")[0].startswith("Campaign 5")
    assert sorted(texts(browser, f"{body} td:nth-child(2)")) == [
        "Campaign 5, version A",
        "Campaign 5, version B",
    ]
    first, second = (float(text[:-1]) for text in texts(browser, f"{body} td:nth-child(5)"))
    assert first >= second


def test_hostile_text_stays_text(browser: Chromium) -> None:
    """A name that would close the script and load a picture is shown as it was typed."""
    choose(browser, 7)
    assert HOSTILE in texts(browser, f"{tile(browser, 'Campaigns')} tbody td:first-child")
    assert browser.evaluate("document.images.length") == 0
    assert browser.evaluate("document.title") == "Campaign and flow results"


def test_a_table_is_sorted_by_its_headings(browser: Chromium) -> None:
    """A click on a heading puts the greatest first, a second click the least."""
    choose(browser, 90)
    campaigns = tile(browser, "Campaigns")
    heading = f"{campaigns} th[data-name=delivered]"
    for expected in ("descending", "ascending"):
        browser.evaluate(f"document.querySelector('{heading} button').click()")
        delivered = [
            int(text.replace(",", "")) for text in texts(browser, f"{campaigns} td:nth-child(5)")
        ]
        assert delivered == sorted(delivered, reverse=expected == "descending")
        assert browser.evaluate(f"document.querySelector('{heading}').ariaSort") == expected
    assert texts(browser, f"{campaigns} .count") == ["25 of 45"]


def test_a_table_is_searched(browser: Chromium) -> None:
    """Only the rows that contain what was typed stay."""
    campaigns = tile(browser, "Campaigns")
    browser.evaluate(
        f"(() => {{ const box = document.querySelector('{campaigns} input');"
        " box.value = 'cAMPAIGN 13'; box.dispatchEvent(new Event('input')); })()"
    )
    assert texts(browser, f"{campaigns} tbody td:first-child") == ["Campaign 13"]


def test_every_row_of_a_table_can_be_seen(browser: Chromium) -> None:
    """A long table shows all its rows when asked."""
    choose(browser, 365)
    campaigns = tile(browser, "Campaigns")
    assert len(texts(browser, f"{campaigns} tbody tr")) == 25
    browser.evaluate(f"document.querySelector('{campaigns} .more').click()")
    assert len(texts(browser, f"{campaigns} tbody tr")) == 183


def test_sandbox_data_is_named(browser: Chromium) -> None:
    """The page says that an account is simulated, and says nothing of the kind of a real one."""
    assert texts(browser, "h1") == ["Juniper & Tide"]
    visible = "document.getElementById('sandbox').checkVisibility()"
    assert browser.evaluate(visible)
    assert texts(browser, "#sandbox") == ["Sandbox data: a simulated Klaviyo account"]
    switch_to(browser, "Zoo")
    assert texts(browser, "h1") == ["Zweiter Laden"]
    assert not browser.evaluate(visible)


def switch_to(browser: Chromium, account: str) -> None:
    """Choose another account as a person does."""
    browser.evaluate(
        f"(() => {{ const box = document.querySelector('select'); box.value = '{account}';"
        " box.dispatchEvent(new Event('change', {bubbles: true})); })()"
    )


def test_accounts_are_never_added_up(page: Page, browser: Chromium) -> None:
    """A second account has figures, dates and a currency of its own."""
    switch_to(browser, "Zoo")
    [row] = dbt.query(
        page.warehouse,
        "select sum(conversion_value) as value from klaviyo__message_performance"
        " where account_id = 'Zoo'",
    )
    assert texts(browser, ".figure .value")[0] == f"${row['value']:,.0f}"


def test_a_tile_without_data_says_so(browser: Chromium) -> None:
    """An account that only sends texts sees no empty axes and no open rate of 0 %."""
    switch_to(browser, "Zoo")
    assert texts(browser, ".figure[data-name=open_rate] .value") == ["–"]
    for title in ("Email open rate", "Best time to send an email", "Subject-line tests"):
        empty, body = f"{tile(browser, title)} .empty", f"{tile(browser, title)} .body"
        assert browser.evaluate(f"document.querySelector('{empty}').checkVisibility()")
        assert not browser.evaluate(f"document.querySelector('{body}').checkVisibility()")


def test_data_and_sync_are_dated(browser: Chromium) -> None:
    """The page says which days it covers and when it was last synced."""
    assert texts(browser, "#sync") == [
        "Data from 15 Oct 2025 to 18 Nov 2026, last synced 20 Nov 2026, 09:00 UTC."
    ]


def test_a_phone_shows_the_page_without_scrolling_sideways(browser: Chromium) -> None:
    """At 390 pixels nothing stands out of the page, in any period."""
    browser.resize(390)
    for days in PERIODS:
        choose(browser, days)
        assert browser.evaluate("document.documentElement.scrollWidth") == 390


def test_the_page_follows_the_reader_into_the_dark(browser: Chromium) -> None:
    """Text is dark on light paper or light on dark paper, the labels of charts included."""
    lightness = {}
    assert browser.evaluate(SOON.format(condition="document.querySelector('.body svg text')"))
    for scheme in ("light", "dark"):
        browser.prefer(scheme)
        colors = browser.evaluate(
            "[[document.body, 'backgroundColor'], [document.body, 'color'],"
            " [document.querySelector('.body svg text'), 'fill']]"
            ".map(([element, name]) => getComputedStyle(element)[name])"
        )
        lightness[scheme] = [sum(map(int, re.findall(r"\d+", color)[:3])) for color in colors]
    browser.prefer("light")
    paper, text, label = lightness["light"]
    assert paper > 600
    assert max(text, label) < 320
    paper, text, label = lightness["dark"]
    assert paper < 100
    assert min(text, label) > 450


def test_the_page_is_labelled(browser: Chromium) -> None:
    """Inputs have labels, headings of tables a scope, figures a caption, one h1 leads the page."""
    nameless = (
        "[...document.querySelectorAll('input, select')]"
        ".filter((box) => !box.labels.length && !box.ariaLabel).length"
    )
    assert browser.evaluate(nameless) == 0
    assert browser.evaluate("document.querySelectorAll('th:not([scope])').length") == 0
    assert browser.evaluate("document.querySelectorAll('h1').length") == 1
    figures = browser.evaluate("document.querySelectorAll('figure').length")
    assert figures == browser.evaluate("document.querySelectorAll('figure > figcaption h3').length")


def test_every_tile_states_its_definition(browser: Chromium) -> None:
    """What a metric means stands beside it, in dbt's words."""
    definitions = texts(browser, ".figure[data-name=click_rate] dd")
    assert definitions == ["Unique clicks / delivered."]
    tiles = browser.evaluate("document.querySelectorAll('.tile').length")
    assert tiles == browser.evaluate("document.querySelectorAll('.tile .definitions').length")


def test_page_is_the_same_twice(page: Page, tmp_path: Path) -> None:
    """The same warehouse gives the same page but for the time it was made."""
    again = tmp_path / "again.html"
    paths = ["--warehouse", page.warehouse, "-o", again]
    assert looker.main(["preview", *map(str, paths)]) == 0
    first, second = page.html.read_text().splitlines(), again.read_text().splitlines()
    different = [line for line, other in zip(first, second, strict=True) if line != other]
    assert all(line.strip().startswith("<p>Page made") for line in different)
