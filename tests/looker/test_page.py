"""The dashboard in a real browser: its figures, its texts and how it is used."""

import re
import shutil
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from looker import __main__ as looker
from tests.looker.chromium import Chromium
from tests.looker.conftest import HOSTILE, LAST_DAY, READY, Page
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
    where account_id = 'Shop' and sent_on between '{since}' and '{until}' and {where}
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


def figures(page: Page, days: int, periods_ago: int = 0, where: str = "true") -> dict[str, str]:
    """What the headline figures of a period should read."""
    until = LAST_DAY - timedelta(days=days * periods_ago)
    since = until - timedelta(days=days - 1)
    [row] = dbt.query(page.warehouse, FIGURES.format(since=since, until=until, where=where))
    return {
        name: "–" if value is None else FORMATS[name].format(value) for name, value in row.items()
    }


def texts(browser: Chromium, selector: str) -> list[str]:
    """The texts of all elements that the selector finds."""
    found: list[str] = browser.evaluate(
        f"[...document.querySelectorAll({selector!r})].map((element) => element.textContent.trim())"
    )
    return found


def shown_figures(browser: Chromium) -> dict[str, str]:
    """The headline figures by the names of their metrics."""
    found: list[list[str]] = browser.evaluate(
        "[...document.querySelectorAll('#headline_figures .figure')].map((figure) =>"
        " [figure.dataset.name, figure.querySelector('.value').textContent])"
    )
    return dict(found)


def choose(browser: Chromium, days: int) -> None:
    """Choose a period as a person does."""
    browser.evaluate(f"document.querySelector('input[value=\"{days}\"]').click()")


def turn_to(browser: Chromium, page: str) -> None:
    """Open a page of the dashboard as a person does."""
    browser.evaluate(f"document.querySelector('nav a[data-page={page}]').click()")
    browser.wait_for(f"!document.querySelector('section[data-page={page}]').hidden")


def put(browser: Chromium, control: str, value: str) -> None:
    """Choose or type a value, as far as the page can tell."""
    browser.evaluate(
        f"(() => {{ const control = document.querySelector('[name=\"{control}\"]');"
        f" control.value = '{value}';"
        " control.dispatchEvent(new Event('input', {bubbles: true})); })()"
    )


def cells(browser: Chromium, tile: str) -> list[list[str]]:
    """The rows of a tile's table, cell by cell."""
    found: list[list[str]] = browser.evaluate(
        f"[...document.querySelectorAll('{tile} .body tbody tr')]"
        ".map((row) => [...row.cells].map((cell) => cell.textContent.trim()))"
    )
    return found


@pytest.mark.parametrize("days", PERIODS)
def test_headline_figures_equal_sql(page: Page, browser: Chromium, days: int) -> None:
    """Every headline figure of every period is the one hand-written SQL gives on the marts."""
    choose(browser, days)
    assert shown_figures(browser) == figures(page, days)


@pytest.mark.parametrize("days", [7, 30, 90])
def test_figures_are_compared_with_the_days_before(
    page: Page, browser: Chromium, days: int
) -> None:
    """Each figure names its value in as many days before, or that it reads the same."""
    choose(browser, days)
    changes = texts(browser, "#headline_figures .change")
    both = zip(figures(page, days).values(), figures(page, days, 1).values(), strict=True)
    for change, (now, earlier) in zip(changes, both, strict=True):
        assert change.endswith(f"unchanged at {now}" if now == earlier else f"from {earlier}")


@pytest.mark.parametrize(
    ("choices", "where"),
    [
        ({"send_channel": "sms"}, "send_channel = 'sms'"),
        ({"message_type": "flow"}, "message_type = 'flow'"),
        ({"campaign_name": "cAMPAIGN 1"}, "campaign_name ilike '%campaign 1%'"),
        ({"flow_name": "Welcome series"}, "flow_name = 'Welcome series'"),
        ({"tag_names": "Story; told"}, "contains(tag_names, 'Story')"),
        (
            {"tag_names": "Sale", "send_channel": "email", "message_type": "campaign"},
            "contains(tag_names, 'Sale') and send_channel = 'email' and message_type = 'campaign'",
        ),
    ],
)
def test_filters_work_together(
    page: Page, browser: Chromium, choices: dict[str, str], where: str
) -> None:
    """Filtered figures, and those before them if any, are quotients of the filtered sums."""
    for name, value in choices.items():
        put(browser, name, value)
    assert shown_figures(browser) == figures(page, 90, where=where)
    earlier = figures(page, 90, 1, where)["revenue_per_recipient"]
    [change] = texts(browser, "#headline_figures [data-name=revenue_per_recipient] .change")
    assert change.partition("from ")[2] == earlier.strip("–")


def test_rows_of_a_table_equal_sql(page: Page, browser: Chromium) -> None:
    """Every campaign that the filters leave stands in the table with SQL's figures."""
    choose(browser, 365)
    put(browser, "tag_names", "Sale")
    put(browser, "send_channel", "email")
    turn_to(browser, "campaigns")
    browser.evaluate("document.querySelector('#all_campaigns .more').click()")
    since = LAST_DAY - timedelta(days=364)
    rows = dbt.query(
        page.warehouse,
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
    shown = [[row[0], row[4], row[5], row[9]] for row in cells(browser, "#all_campaigns")]
    assert len(shown) > 25
    assert sorted(shown) == sorted(expected)


def test_a_filter_offers_the_values_of_the_account(browser: Chromium) -> None:
    """Tags are told apart though one has a comma; long lists of names are searched by typing."""
    assert texts(browser, "[name=tag_names] option") == ["All", "Sale", "Story; told"]
    assert texts(browser, "[name=send_channel] option") == ["All", "Email", "SMS"]
    assert (
        browser.evaluate("document.querySelector('[name=campaign_name]').list.options.length")
        == 200
    )
    put(browser, "account", "Zoo")
    assert texts(browser, "[name=send_channel] option") == ["All", "SMS"]


def test_any_days_can_be_chosen(page: Page, browser: Chromium) -> None:
    """Two dates make a period of their own, compared with as many days before."""
    put(browser, "days", "custom")
    browser.evaluate("document.querySelector('[value=custom]').click()")
    put(browser, "to", (LAST_DAY - timedelta(days=10)).isoformat())
    put(browser, "from", (LAST_DAY - timedelta(days=19)).isoformat())
    assert shown_figures(browser) == figures(page, 10, 1)
    [change] = texts(browser, "#headline_figures [data-name=delivered] .change")
    assert change.endswith(f"from {figures(page, 10, 2)['delivered']}")
    put(browser, "from", "0001-01-01")
    assert "compared with" not in texts(browser, "#range")[0]


def test_the_address_brings_a_view_back(page: Page, browser: Chromium) -> None:
    """Page, days, filters, order and search of a view are all in its address."""
    choose(browser, 30)
    turn_to(browser, "campaigns")
    put(browser, "send_channel", "email")
    put(browser, "search-all_campaigns", "campaign")
    browser.evaluate(
        "document.querySelector('#all_campaigns [data-name=click_rate] button').click()"
    )
    before = cells(browser, "#all_campaigns"), texts(browser, "#range")
    fragment = browser.evaluate("location.hash")
    browser.open(page.html)
    browser.wait_for(READY)
    assert texts(browser, "#range") != before[1]
    browser.open(page.html, fragment)
    browser.wait_for(READY)
    assert (cells(browser, "#all_campaigns"), texts(browser, "#range")) == before
    browser.evaluate("document.getElementById('clear').click()")
    assert len(cells(browser, "#all_campaigns")) > len(before[0])


def test_an_address_of_nonsense_opens_the_first_page(page: Page, browser: Chromium) -> None:
    """What an address names but the page lacks counts as not chosen."""
    browser.open(page.html, "#page=%3Cimg%3E&days=x&send_channel=pigeon&__proto__=1&from=-")
    browser.wait_for(READY)
    assert shown_figures(browser) == figures(page, 90)


def test_mailbox_providers_equal_sql(page: Page, browser: Chromium) -> None:
    """Rates by provider are quotients of the provider's sums; a filter they lack is named."""
    put(browser, "send_channel", "email")
    turn_to(browser, "deliverability")
    since = LAST_DAY - timedelta(days=89)
    rows = dbt.query(
        page.warehouse,
        f"""
        select
            inbox_provider,
            sum(delivered) as delivered,
            sum(opens_unique) / sum(delivered) as open_rate,
            sum(bounced) / (sum(delivered) + sum(bounced)) as bounce_rate
        from klaviyo__inbox_provider
        where account_id = 'Shop' and date between '{since}' and '{LAST_DAY}'
        group by all order by delivered desc
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
    shown = [[*row[:3], row[4]] for row in cells(browser, "#mailbox_providers")]
    assert shown == expected
    assert texts(browser, "#mailbox_providers .unfiltered") == ["Not filtered by channel."]
    assert texts(browser, "#machines_among_openers_and_clickers .empty") == [
        "These are counted from single events: add event to the connector's tables."
    ]


def test_segments_grow(browser: Chromium) -> None:
    """Joined and left are those of the chosen days, the size is the latest."""
    choose(browser, 30)
    turn_to(browser, "audience")
    assert cells(browser, "#growth_of_audiences") == [["VIPs", "Segment", "90", "60", "30"]]
    assert cells(browser, "#size_of_audiences") == [["VIPs", "Segment", "1,000"]]


def test_the_page_is_used_by_keyboard(browser: Chromium) -> None:
    """Tab reaches pages, days, filters, headings and definitions in this order; keys work them."""
    for _ in range(2):
        browser.press("Tab", 9)
    browser.press("Enter", 13)
    browser.wait_for("!document.querySelector('section[data-page=campaigns]').hidden")
    reached = []
    for _ in range(40):
        browser.press("Tab", 9)
        reached.append(
            browser.evaluate(
                "document.activeElement.name || document.activeElement.dataset.page"
                " || document.activeElement.tagName"
            )
        )
    assert list(dict.fromkeys(reached))[:3] == [
        "subject_lines_and_a_b",
        "send_time",
        "flows",
    ]
    assert {"days", "send_channel", "campaign_name", "BUTTON", "SUMMARY"} <= set(reached)


def test_no_comparison_with_days_that_are_not_all_there(browser: Chromium) -> None:
    """400 days of data hold no second year, and the page says so instead of comparing."""
    choose(browser, 365)
    assert set(texts(browser, "#headline_figures .change")) == {
        "No full 365 days before to compare"
    }


def test_nothing_is_compared_with_nothing(browser: Chromium) -> None:
    """A figure that no channel of the account has names no change, and one day is one day."""
    put(browser, "account", "Zoo")
    choose(browser, 7)
    assert texts(browser, "#headline_figures [data-name=open_rate] .change") == [""]
    browser.evaluate("document.querySelector('[value=custom]').click()")
    first_day = (LAST_DAY - timedelta(days=19)).isoformat()
    for end in ("from", "to"):
        put(browser, end, first_day)
    assert set(texts(browser, "#headline_figures .change")) == {"No full day before to compare"}


def test_figures_of_a_part_say_so(browser: Chromium) -> None:
    """Two rates of one name differ for a reason that is given; nothing left is said in words."""
    [said] = texts(browser, "#deliverability_figures .note")
    assert said.startswith("Emails only")
    assert texts(browser, "#flow_figures .note") == ["Flows only."]
    assert texts(browser, "#text_message_figures .note") == ["Text messages only."]
    turn_to(browser, "deliverability")
    for channel, is_empty in (("email", False), ("sms", True)):
        put(browser, "send_channel", channel)
        shown = browser.evaluate(
            "['.empty', '.figure'].map((part) => document.querySelector("
            "`#deliverability_figures ${part}`).checkVisibility())"
        )
        assert shown == [is_empty, not is_empty]


def test_amounts_of_a_column_are_written_alike(browser: Chromium) -> None:
    """A campaign that earned less than 100 has no cents beside those that earned more."""
    choose(browser, 365)
    turn_to(browser, "campaigns")
    browser.evaluate("document.querySelector('#all_campaigns .more').click()")
    revenue = [row[8] for row in cells(browser, "#all_campaigns")]
    amounts = [int(text[1:].replace(",", "")) for text in revenue]
    assert min(amounts) < 100 < max(amounts)


def test_a_rise_of_unsubscribes_is_no_good_news(page: Page, browser: Chromium) -> None:
    """Green and red follow the meaning of a figure, not its direction."""
    choose(browser, 90)
    now, before = figures(page, 90)["unsubscribe_rate"], figures(page, 90, 1)["unsubscribe_rate"]
    assert now != before
    expected = "good" if float(now[:-1]) < float(before[:-1]) else "bad"
    mark = "#headline_figures [data-name=unsubscribe_rate] .change span"
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
    found = texts(browser, "#revenue_by_channel .data tbody :is(th, td)")
    texts_ = [text.replace("Sept", "Sep") for text in found]
    assert [texts_[i : i + 3] for i in range(0, len(texts_), 3)] == expected


def test_charts_are_drawn(browser: Chromium) -> None:
    """Two of the four charts are columns: a mark per week and part, named for screen readers."""
    browser.wait_for("document.querySelectorAll('.body svg').length === 4")
    labels = browser.evaluate(
        "[...document.querySelectorAll('.body svg [aria-roledescription=bar]')]"
        ".map((mark) => mark.getAttribute('aria-label'))"
    )
    assert len(labels) == 2 * 14 * 2
    assert any(label.startswith("Week of 16 Nov 2026, Campaigns: €") for label in labels)


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
    turn_to(browser, "send_time")
    body = "#best_time_for_clicks tbody"
    hours = [int(text[:2]) for text in texts(browser, f"{body} th")]
    values = texts(browser, f"{body} td")
    shown = {
        (hour, weekday): values[7 * row + weekday - 1]
        for row, hour in enumerate(hours)
        for weekday in range(1, 8)
    }
    assert {cell: text for cell, text in shown.items() if text} == expected


def test_versions_of_a_test_stand_side_by_side(page: Page, browser: Chromium) -> None:
    """A subject-line test shows both versions, the higher click rate first, with its interval."""
    choose(browser, 30)
    turn_to(browser, "subject_lines_and_a_b")
    latest = cells(browser, "#a_b_tests")[:3]
    [heading], *versions = latest
    assert heading.startswith(HOSTILE)
    assert sorted(version[1][-9:] for version in versions) == ["version A", "version B"]
    rows = dbt.query(
        page.warehouse,
        "select click_rate_low, click_rate_high, click_rate from klaviyo__subject_line_test"
        " where account_id = 'Shop' and message_id = 'M1' order by click_rate desc",
    )
    expected = [[f"{rate:.2%}" for rate in row.values()] for row in rows]
    assert [[*version[4:6], version[8]] for version in versions] == expected


def test_hostile_text_stays_text(browser: Chromium) -> None:
    """A name that would close the script and load a picture is shown as it was typed."""
    choose(browser, 7)
    turn_to(browser, "campaigns")
    assert HOSTILE in [row[0] for row in cells(browser, "#all_campaigns")]
    put(browser, "campaign_name", "</script>")
    assert browser.evaluate("document.getElementById('values-campaign_name').textContent") != ""
    assert browser.evaluate("document.images.length") == 0
    assert browser.evaluate("document.title") == "Campaign and flow results"


def test_the_policy_lets_nothing_in(page: Page, browser: Chromium) -> None:
    """No request leaves the page and no script but its own two runs in it."""
    answer = browser.evaluate("fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'refused')")
    browser.evaluate(
        "(() => { const script = document.createElement('script');"
        " script.textContent = 'document.title = \"broken in\"'; document.head.append(script); })()"
    )
    assert answer == "refused"
    assert browser.requests == [page.html.as_uri()]
    assert browser.evaluate("document.title") == "Campaign and flow results"
    assert all("Content Security Policy" in problem for problem in browser.problems)
    browser.open(page.html)


def test_a_table_is_sorted_by_its_headings(browser: Chromium) -> None:
    """A click on a heading puts the greatest first, a second click the least."""
    choose(browser, 90)
    turn_to(browser, "campaigns")
    heading = "#all_campaigns th[data-name=delivered]"
    for expected in ("descending", "ascending"):
        browser.evaluate(f"document.querySelector('{heading} button').click()")
        delivered = [int(row[4].replace(",", "")) for row in cells(browser, "#all_campaigns")]
        assert delivered == sorted(delivered, reverse=expected == "descending")
        assert browser.evaluate(f"document.querySelector('{heading}').ariaSort") == expected
    assert texts(browser, "#all_campaigns .count") == ["25 of 45"]


def test_a_table_is_searched(browser: Chromium) -> None:
    """Only the rows that contain what was typed stay."""
    turn_to(browser, "campaigns")
    put(browser, "search-all_campaigns", "cAMPAIGN 13")
    assert [row[0] for row in cells(browser, "#all_campaigns")] == ["Campaign 13"]


def test_every_row_of_a_table_can_be_seen(browser: Chromium) -> None:
    """A long table shows all its rows when asked."""
    choose(browser, 365)
    turn_to(browser, "campaigns")
    assert len(cells(browser, "#all_campaigns")) == 25
    browser.evaluate("document.querySelector('#all_campaigns .more').click()")
    assert len(cells(browser, "#all_campaigns")) == 183


def test_sandbox_data_is_named(browser: Chromium) -> None:
    """The page says that an account is simulated, and says nothing of the kind of a real one."""
    assert texts(browser, "h1") == ["Juniper & Tide"]
    visible = "document.getElementById('sandbox').checkVisibility()"
    assert browser.evaluate(visible)
    assert texts(browser, "#sandbox") == ["Sandbox data: a simulated Klaviyo account"]
    put(browser, "account", "Zoo")
    assert texts(browser, "h1") == ["Zweiter Laden"]
    assert not browser.evaluate(visible)


def test_accounts_are_never_added_up(page: Page, browser: Chromium) -> None:
    """A second account has figures, dates and a currency of its own."""
    put(browser, "account", "Zoo")
    [row] = dbt.query(
        page.warehouse,
        "select sum(conversion_value) as value from klaviyo__message_performance"
        " where account_id = 'Zoo'",
    )
    assert texts(browser, "#headline_figures .value")[0] == f"${row['value']:,.0f}"


def test_a_tile_without_data_says_so(browser: Chromium) -> None:
    """An account that only sends texts sees no empty axes and no open rate of 0 %."""
    put(browser, "account", "Zoo")
    assert texts(browser, "#headline_figures [data-name=open_rate] .value") == ["–"]
    tiles = {"overview": "email_open_rate", "send_time": "best_time_for_clicks"}
    for page, tile in tiles.items():
        turn_to(browser, page)
        assert browser.evaluate(f"document.querySelector('#{tile} .empty').checkVisibility()")
        assert not browser.evaluate(f"document.querySelector('#{tile} .body').checkVisibility()")


def test_data_and_sync_are_dated(browser: Chromium) -> None:
    """The page says which days it covers and when it was last synced."""
    assert texts(browser, "#sync") == [
        "Data from 15 Oct 2025 to 18 Nov 2026, last synced 20 Nov 2026, 09:00 UTC."
    ]


def test_a_phone_shows_the_page_without_scrolling_sideways(browser: Chromium) -> None:
    """At 390 pixels nothing stands out of any page."""
    browser.resize(390)
    for page in pages(browser):
        turn_to(browser, page)
        assert browser.evaluate("document.documentElement.scrollWidth") == 390


def test_a_name_stays_beside_its_figures(browser: Chromium) -> None:
    """On a phone a table scrolled to its last figures still shows whose they are."""
    browser.resize(390)
    turn_to(browser, "campaigns")
    table = "document.querySelector('#all_campaigns .scroll')"
    browser.evaluate(f"{table}.scrollLeft = 9999")
    scrolled, shift, width = browser.evaluate(
        f"(() => {{ const table = {table}, name = table.querySelector('td');"
        " const [outer, inner] = [table, name].map((one) => one.getBoundingClientRect());"
        " return [table.scrollLeft, inner.x - outer.x, inner.width / outer.width]; })()"
    )
    assert scrolled > 300
    assert shift == 0
    assert width < 0.45


def pages(browser: Chromium) -> list[str]:
    """The names of the dashboard's pages."""
    found: list[str] = browser.evaluate(
        "[...document.querySelectorAll('nav a')].map((link) => link.dataset.page)"
    )
    return found


def test_the_page_follows_the_reader_into_the_dark(browser: Chromium) -> None:
    """Text is dark on light paper or light on dark paper, the labels of charts included."""
    lightness = {}
    browser.wait_for("document.querySelector('.body svg text')")
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


def test_on_paper_stands_what_is_chosen(browser: Chromium) -> None:
    """A print shows the open page and what was chosen, without the controls."""
    put(browser, "send_channel", "email")
    browser.prefer("light", media="print")
    visible = "['nav', '#choices', '.definitions', '#range', '#headline_figures'].map((selector) =>"
    shown = browser.evaluate(f"{visible} document.querySelector(selector).checkVisibility())")
    browser.prefer("light")
    assert shown == [False, False, False, True, True]
    assert texts(browser, "#range")[0].endswith("Amounts in EUR. Channel: Email.")


def test_the_page_is_labelled(browser: Chromium) -> None:
    """Inputs have labels, headings of tables a scope, figures a caption, one h1 leads the page."""
    for page in pages(browser):
        turn_to(browser, page)
    nameless = (
        "[...document.querySelectorAll('input:not([type=hidden]), select')]"
        ".filter((box) => !box.labels.length && !box.ariaLabel).length"
    )
    assert browser.evaluate(nameless) == 0
    assert browser.evaluate("document.querySelectorAll('th:not([scope])').length") == 0
    assert browser.evaluate("document.querySelectorAll('h1').length") == 1
    figures = browser.evaluate("document.querySelectorAll('figure').length")
    assert figures == browser.evaluate("document.querySelectorAll('figure > figcaption h3').length")


def test_every_tile_states_its_definition(browser: Chromium) -> None:
    """What a metric means stands beside it, in dbt's words."""
    definitions = texts(browser, "#headline_figures [data-name=click_rate] dd")
    assert definitions == ["Unique clicks / delivered, over the channels whose clicks are counted."]
    tiles = browser.evaluate("document.querySelectorAll('.tile').length")
    assert tiles == browser.evaluate("document.querySelectorAll('.tile .definitions').length")


# What a name or a subject line of its own costs, an MD5 does, too.
MANY = """
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
    where account_id = 'Shop' and campaign_id = 'C0'
"""


def test_5_000_campaigns_fit(page: Page, browser: Chromium, tmp_path: Path) -> None:
    """A year of 5,000 campaigns, each with texts of its own, is a page below 1.5 MB."""
    warehouse, html = tmp_path / "many.duckdb", tmp_path / "many.html"
    shutil.copy(page.warehouse, warehouse)
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("set schema = 'klaviyo'")
        connection.execute(MANY.format(last_day=LAST_DAY))
    assert looker.main(["preview", "--warehouse", str(warehouse), "-o", str(html)]) == 0
    assert html.stat().st_size < 1_500_000
    browser.open(html, "#page=campaigns&days=365")
    browser.wait_for(READY)
    assert texts(browser, "#all_campaigns .count") == ["25 of 5183"]
    assert browser.requests == [html.as_uri()]
    browser.open(page.html)


def test_page_is_the_same_twice(page: Page, tmp_path: Path) -> None:
    """The same warehouse gives the same page but for the time it was made."""
    again = tmp_path / "again.html"
    paths = ["--warehouse", page.warehouse, "-o", again]
    assert looker.main(["preview", *map(str, paths)]) == 0
    first, second = page.html.read_text().splitlines(), again.read_text().splitlines()
    different = [line for line, other in zip(first, second, strict=True) if line != other]
    assert all(line.strip().startswith("<p>Page made") for line in different)
