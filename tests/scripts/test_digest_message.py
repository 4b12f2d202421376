"""`python -m scripts.digest send`: the content of the e-mail."""

import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

import duckdb
import pytest
import vl_convert

from looker import semantic
from scripts.digest.__main__ import main
from scripts.digest.period import Period, last_period
from scripts.mcp import answer
from scripts.mcp.catalog import Catalog
from scripts.warehouse import WarehouseSettings

HOSTILE = "<script>alert('x')</script> & \"co\""
WEEK = ["--start", "2026-11-09", "--end", "2026-11-16"]
COLUMN_TYPES = {"text": "text", "number": "double", "date": "date", "time": "timestamptz"}


def campaign_row(
    id_: str, sent_on: str, delivered: int, opens: int, revenue: float
) -> dict[str, Any]:
    """A row of message_performance: an e-mail campaign; one opener in ten clicks."""
    tracked = dict.fromkeys(("delivered", "open_tracked_delivered", "click_tracked_delivered"))
    return {
        "account_id": "one",
        "account_name": "Juniper\r\n& Tide",
        "currency": "EUR",
        "message_type": "campaign",
        "campaign_id": id_,
        "campaign_name": f"Campaign {id_}",
        "send_channel": "email",
        "conversion_metric_name": "Placed Order",
        "subject_line": HOSTILE,
        "sent_on": sent_on,
        "recipients": delivered + 10,
        "opens_unique": opens,
        "clicks_unique": opens // 10,
        "conversions": revenue // 5,
        "conversion_value": revenue,
        **dict.fromkeys(tracked, delivered),
    }


ROWS = [
    campaign_row("small", "2026-11-10", delivered=100, opens=90, revenue=1000.5),
    campaign_row("large", "2026-11-12", delivered=900, opens=110, revenue=200),
    campaign_row("earlier", "2026-11-04", delivered=500, opens=50, revenue=900.25),
    campaign_row("earlier", "2026-11-04", delivered=0, opens=0, revenue=0)
    | {"subject_line": "Other", "recipients": 0},
    campaign_row("later", "2026-11-16", delivered=7, opens=7, revenue=7777),
    campaign_row("text", "2026-11-11", delivered=1000, opens=0, revenue=0)
    | {"send_channel": "sms", "opens_unique": None, "open_tracked_delivered": None},
    campaign_row("flow", "2026-11-11", delivered=9, opens=9, revenue=50) | {"message_type": "flow"},
]
# What the campaign of the period before had at the age of a week, and what a later day added.
DAYS = [
    {
        "account_id": "one",
        "campaign_id": "earlier",
        "send_channel": "email",
        "sent_on": "2026-11-04",
        "date": day,
        "newly_known_recipients": recipients,
        "newly_known_delivered": recipients,
        "newly_known_opens_unique": recipients // 10,
        "newly_known_clicks_unique": recipients // 100,
        "newly_known_conversions": revenue / 5,
        "newly_known_conversion_value": revenue,
    }
    for day, recipients, revenue in (("2026-11-09", 500, 600.25), ("2026-11-12", 10, 300))
]
FINDING = {
    "account_id": "one",
    "suggestion": f"Repeat {HOSTILE}",
    "finding_id": "campaign_above:<b>",
    "finding": "It earned 0.90 EUR per recipient.",
    "reason": "It earned twice the median.",
    "date": "2026-11-14",
    "sample_size": 1234,
    "sample_unit": "delivered",
    "page": "campaigns",
    "campaign_name": HOSTILE,
}
HEALTH = {
    "account_id": "one",
    "account_name": "Juniper\r\n& Tide",
    "is_test_account": True,
    "data_from": "2026-10-01",
    "last_synced_on": "2026-11-16",
}


@pytest.fixture(scope="module", name="warehouse")
def _warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with the digest's marts, synced on 16 November."""
    file = tmp_path_factory.mktemp("warehouse") / "warehouse.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("create schema klaviyo")
        create_mart(connection, "klaviyo__message_performance", ROWS)
        create_mart(connection, "klaviyo__data_health", [HEALTH])
        create_mart(connection, "klaviyo__campaign_daily", DAYS)
        ranked = [FINDING | {"finding_rank": rank} for rank in range(1, 8)]
        create_mart(connection, "klaviyo__finding", ranked)
    return file


@pytest.fixture(autouse=True)
def _set_warehouse(monkeypatch: pytest.MonkeyPatch, warehouse: Path) -> None:
    monkeypatch.setenv("KLAVIYO_WAREHOUSE", str(warehouse))


def create_mart(
    connection: duckdb.DuckDBPyConnection, mart: str, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Create a mart with the columns that dbt declares, and insert the rows."""
    declared = semantic.load().columns[mart]
    columns = [
        f"{name} {COLUMN_TYPES.get(column.type, 'boolean')}" for name, column in declared.items()
    ]
    connection.execute(f"create table klaviyo.{mart} ({', '.join(columns)})")
    for row in rows:
        marks = ", ".join("?" * len(row))
        insert = f"insert into klaviyo.{mart} ({', '.join(row)}) values ({marks})"
        connection.execute(insert, list(row.values()))


@pytest.fixture(scope="module", name="message")
def _message(warehouse: Path) -> EmailMessage:
    """The digest of the week from 9 to 15 November."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KLAVIYO_WAREHOUSE", str(warehouse))
        return write_digest(warehouse.with_name("digest.eml"), *WEEK)


def write_digest(file: Path, *options: str) -> EmailMessage:
    """Write the digest with --dry-run, and parse the file."""
    assert main(["send", "--dry-run", "--output", str(file), *options]) == 0
    message = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def get_body(message: EmailMessage, kind: str) -> str:
    """Get the content of the plain or html part."""
    part = message.get_body((kind,))
    assert part
    return str(part.get_content())


@contextmanager
def copy_warehouse(warehouse: Path, folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A copy of the warehouse to change, which the digest reads from then on."""
    copy = folder / f"{uuid4()}.duckdb"
    shutil.copy(warehouse, copy)
    with duckdb.connect(str(copy)) as connection:
        yield connection
    os.environ["KLAVIYO_WAREHOUSE"] = str(copy)


def get_text(message: EmailMessage) -> str:
    """Get the plain part with each run of spaces as one space."""
    return re.sub(r"[^\S\n]+", " ", get_body(message, "plain"))


def test_headline_compares_at_equal_age(message: EmailMessage) -> None:
    """Campaigns are compared with what the period before had earned by the same age."""
    text = get_text(message)
    assert "Placed Order revenue 1,200.50 EUR +100.0% at the same age" in text
    assert "Recipients 2,030 +306.0% at the same age" in text


def test_rate_is_a_ratio_of_sums_of_emails(message: EmailMessage) -> None:
    """A rate is 200 opens of 1,000, not the 51 % mean of two rates, and no text counts."""
    assert "Email open rate 20.0% +10.0 pts at the same age" in get_text(message)


def test_what_chance_explains_is_not_judged(message: EmailMessage) -> None:
    """20 clicks against 5 are more than chance; a change within it has no colour."""
    assert "Email click rate 2.00% +1.0 pts at the same age; within the usual range" in get_text(
        message
    )


def test_young_results_are_not_compared(warehouse: Path, tmp_path: Path) -> None:
    """Without snapshots a period is compared over its final days, or not at all."""
    with copy_warehouse(warehouse, tmp_path) as connection:
        connection.execute("delete from klaviyo.klaviyo__campaign_daily")
    assert get_text(write_digest(tmp_path / "a.eml", *WEEK)).count("Too recent to compare") == 4
    with copy_warehouse(warehouse, tmp_path) as connection:
        connection.execute("delete from klaviyo.klaviyo__campaign_daily")
        connection.execute(
            "update klaviyo.klaviyo__data_health set last_synced_on = date '2026-11-19'"
        )
    text = get_text(write_digest(tmp_path / "a.eml", *WEEK))
    assert "1,200.50 EUR +33.4% over the first 5 days" in text
    with copy_warehouse(warehouse, tmp_path) as connection:
        connection.execute(
            "update klaviyo.klaviyo__data_health set last_synced_on = date '2026-11-21'"
        )
    assert "1,200.50 EUR +33.4%\n" in get_text(write_digest(tmp_path / "a.eml", *WEEK))


def test_findings_come_first(message: EmailMessage, tmp_path: Path) -> None:
    """At most five findings open both parts, with their reason and a link to their row."""
    for kind in ("plain", "html"):
        body = get_body(message, kind)
        assert body.count("It earned 0.90 EUR per recipient.") == 5
        assert body.index("What to do next") < body.index("Placed Order revenue")
        assert body.count("14 Nov, 1,234 delivered") == 5
        assert body.count("Why you see this: It earned twice the median.") == 5
        assert unescape(body).count("KLAVIYO_MUTED_FINDINGS=campaign_above:<b>") == 5
    linked = get_body(
        write_digest(tmp_path / "a.eml", *WEEK, "--link", "https://x.example/d.html"), "html"
    )
    [address, *_] = re.findall(r'href="(https://x.example/d.html#page=[^"]+)"', linked)
    choices = parse_qs(unescape(address).partition("#")[2])
    assert choices == {"page": ["campaigns"], "days": ["90"], "campaign_name": [HOSTILE]}


def test_an_assistant_lists_the_findings_of_the_digest(warehouse: Path, tmp_path: Path) -> None:
    """The MCP server's first five findings are those of the digest, in its order and words."""
    with copy_warehouse(warehouse, tmp_path) as connection:
        connection.execute(
            "update klaviyo.klaviyo__finding set"
            " suggestion = 'Do ' || finding_rank::int, finding_id = 'rule:' || finding_rank::int"
        )
    file = Path(os.environ["KLAVIYO_WAREHOUSE"])
    settings = WarehouseSettings(dbt_target="duckdb", klaviyo_warehouse=file)
    listed = answer.list_findings(Catalog.load(), settings)
    body = get_body(write_digest(tmp_path / "digest.eml", *WEEK), "plain")

    names = ("suggestion", "finding", "reason", "finding_id")
    assert [tuple(finding[name] for name in names) for finding in listed[:5]] == re.findall(
        r"\d\. (Do \d)\n +(.+)\n.+\n +Why you see this: (.+)\n +.+MUTED_FINDINGS=(.+)", body
    )


def test_a_verdict_says_whether_the_data_equal_klaviyos(warehouse: Path, tmp_path: Path) -> None:
    """Both parts name the last complete day, what equals Klaviyo's counts and what differs."""
    compared = (
        "update klaviyo.klaviyo__data_health set table_name = 'event_attribution',"
        " rows_compared = 327, rows_different = {}, rows_refused = {}"
    )
    expected = {
        (0, 0): "Complete to 15 November 2026, equals Klaviyo on 327 of 327 messages.",
        (3, 2): "Complete to 15 November 2026. Differs from Klaviyo on 3 of 327 messages"
        " (event_attribution). Records that could not be stored: 2; sync_error has the reasons.",
    }
    for numbers, verdict in expected.items():
        with copy_warehouse(warehouse, tmp_path) as connection:
            connection.execute(compared.format(*numbers))
        message = write_digest(tmp_path / "a.eml", *WEEK)
        assert all(f"Data: {verdict}" in get_body(message, kind) for kind in ("plain", "html"))


def test_table_lists_campaigns_by_revenue(message: EmailMessage) -> None:
    """The table has every campaign of the period with its sends, opens, clicks and revenue."""
    lines = [line for line in get_text(message).splitlines() if line.startswith((" sent", "*"))]
    assert lines == [
        "* Campaign small (10 Nov)",
        " sent 110, opens 90 (90.0%), clicks 9 (9.00%), revenue 1,000.50 EUR",
        "* Campaign large (12 Nov)",
        " sent 910, opens 110 (12.2%), clicks 11 (1.22%), revenue 200.00 EUR",
        "* Campaign text (11 Nov)",
        " sent 1,010, opens –, clicks 0 (0.00%), revenue 0.00 EUR",
    ]


PEERS = """
    insert into klaviyo.klaviyo__message_performance by name
    select
        'one' as account_id, 'campaign' as message_type, 'peer' || n as campaign_id,
        'email' as send_channel, date '2026-10-01' as sent_on, 'EUR' as currency,
        'Placed Order' as conversion_metric_name,
        1000 as delivered, 1000 as recipients, 10 * n as conversions, 60 * n as conversion_value
    from range(1, 10) as peers(n);
    insert into klaviyo.klaviyo__campaign_daily by name
    select
        'one' as account_id, campaign_id, 'email' as send_channel, sent_on,
        sent_on + day::int as date,
        if(day = 0, delivered, 0) as newly_known_delivered,
        conversions / 2 as newly_known_conversions,
        conversion_value / 2 as newly_known_conversion_value
    from klaviyo.klaviyo__message_performance, range(0, 5, 4) as days(day)
    where campaign_id = 'large' or campaign_id like 'peer%'
"""


def test_a_campaign_is_beside_what_is_usual_at_its_age(warehouse: Path, tmp_path: Path) -> None:
    """Of campaigns with peers both parts have the median at the same age; of others, nothing."""
    with copy_warehouse(warehouse, tmp_path) as connection:
        connection.execute(PEERS)
    message = write_digest(tmp_path / "a.eml", *WEEK)
    # Sent on 12 November and synced on the 16th: three days are over, with half of the orders.
    usual = "0.11 EUR per recipient, 0.15 EUR is usual at its age (3 days); within the usual range"
    for kind in ("plain", "html"):
        body = get_body(message, kind)
        assert body.count("per recipient, ") == 1
        assert usual in body
        assert body.index("Campaign large") < body.index(usual) < body.index("Campaign text")
    with copy_warehouse(warehouse, tmp_path) as connection:
        connection.execute(PEERS.replace("range(1, 10)", "range(1, 8)"))
    assert "is usual" not in get_text(write_digest(tmp_path / "a.eml", *WEEK))


ON_A_NEW_CHANNEL = """
    insert into klaviyo.{0} by name
    select * replace ('rcs' as send_channel) from klaviyo.{0}
    where campaign_id = 'large' or campaign_id like 'peer%'
"""


def test_a_channel_without_a_label_has_its_own_name(warehouse: Path, tmp_path: Path) -> None:
    """Of a campaign on two channels each is named, also one that Klaviyo adds."""
    with copy_warehouse(warehouse, tmp_path) as connection:
        connection.execute(PEERS)
        for mart in ("klaviyo__message_performance", "klaviyo__campaign_daily"):
            connection.execute(ON_A_NEW_CHANNEL.format(mart))
    text = get_text(write_digest(tmp_path / "a.eml", *WEEK))
    assert "Email 0.11 EUR per recipient, 0.15 EUR is usual" in text
    assert "rcs 0.11 EUR per recipient, 0.15 EUR is usual" in text


def test_both_parts_have_the_same_figures(message: EmailMessage) -> None:
    """Every figure of the plain text is in the HTML too."""
    html = get_body(message, "html")
    figures = re.findall(r"[\d,]+\.?\d*(?:%| EUR| pts)", get_body(message, "plain"))
    assert len(figures) > 10
    assert [figure for figure in figures if figure not in html] == []


def test_text_from_klaviyo_is_escaped(message: EmailMessage) -> None:
    """A name or subject line that a Klaviyo user typed becomes neither HTML nor a header."""
    assert message["Subject"] == "Juniper & Tide: campaigns, 9 – 15 November 2026"
    assert "<script" not in get_body(message, "html")
    assert "&lt;script&gt;" in get_body(message, "html")


def test_charts_are_embedded(message: EmailMessage) -> None:
    """Each chart is a PNG inside the message with a description; the HTML loads nothing."""
    html = get_body(message, "html")
    sources = re.findall(r'<img src="cid:([^"]+)" alt="(Revenue by week|Open)[^"]{40,}"', html)
    charts = [part for part in message.walk() if part.get_content_type() == "image/png"]
    assert [f"<{id_}>" for id_, _ in sources] == [part["Content-ID"] for part in charts]
    assert all(part.get_content().startswith(b"\x89PNG") for part in charts)
    assert len(charts) == 2
    assert not re.search(r'(src|href)="(?!cid:)', html)


def test_revenue_chart_stacks_flows_on_campaigns(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The revenue chart labels its axis with the currency and stacks flows above campaigns."""
    charts: list[str] = []

    def render_svg(specification: dict[str, Any], *, vl_version: str, **_: object) -> bytes:
        charts.append(vl_convert.vegalite_to_svg(specification, vl_version=vl_version))
        return b""

    monkeypatch.setattr(vl_convert, "vegalite_to_png", render_svg)
    write_digest(tmp_path / "a.eml", *WEEK)
    assert ">1k EUR</text>" in charts[0]
    ends = r"2026-11-09.*?series: (Campaigns|Flows).*?d=\"M[\d.]+,([\d.]+)"
    heights = {name: float(y) for name, y in re.findall(ends, charts[0])}
    assert heights["Flows"] < heights["Campaigns"]


def test_sandbox_data_is_labelled(message: EmailMessage) -> None:
    """Both parts label the data of a Klaviyo test account as sandbox data."""
    assert "sandbox data" in get_body(message, "plain")
    assert "Sandbox data" in get_body(message, "html")


def test_period_without_campaigns(tmp_path: Path) -> None:
    """The digest of a period without campaigns says so and compares nothing."""
    options = ["--start", "2026-10-01", "--end", "2026-10-02"]
    text = get_text(write_digest(tmp_path / "a.eml", *options))
    assert "No campaign was sent." in text
    assert "Email open rate – no comparison" in text


def test_every_subject_line_of_a_campaign_is_quoted(tmp_path: Path) -> None:
    """A campaign that was sent in two variations shows both subject lines."""
    options = ["--start", "2026-11-04", "--end", "2026-11-05"]
    assert f'"{HOSTILE} / Other"' in get_text(write_digest(tmp_path / "a.eml", *options))


def test_amounts_of_two_currencies_are_never_added(warehouse: Path, tmp_path: Path) -> None:
    """Each account of a digest has its own figures in its own currency, and nothing is of both."""
    other = "'two' as account_id, 'Zoo' as account_name"
    with copy_warehouse(warehouse, tmp_path) as connection:
        for mart, changes in {
            "data_health": other,
            "message_performance": f"{other}, 'USD' as currency,"
            " 3 * conversion_value as conversion_value",
        }.items():
            connection.execute(
                f"insert into klaviyo.klaviyo__{mart}"
                f" select * replace ({changes}) from klaviyo.klaviyo__{mart}"
            )
    text = get_text(write_digest(tmp_path / "a.eml", *WEEK))
    amounts = re.findall(r"Placed Order revenue ([\d,.]+ \w+)", text)
    assert amounts == ["1,200.50 EUR", "3,601.50 USD"]
    assert "4,802" not in text
    juniper, zoo = text.split("Zoo", 1)
    assert "USD" not in juniper
    assert "EUR" not in zoo.replace(str(FINDING["finding"]), "")


def test_period_before_the_data_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A period that ends before the data begin is an error, not a period without campaigns."""
    options = ["--start", "2026-09-24", "--end", "2026-10-01", "--dry-run"]
    assert main(["send", *options]) == 1
    err = capsys.readouterr().err
    assert "The data begin on 2026-10-01: report that day or a later one." in err


def test_default_periods() -> None:
    """The default periods are yesterday, and the last complete week from Monday to Sunday."""
    for unit, first, end in (("day", 17, 18), ("week", 9, 16)):
        period = Period(date(2026, 11, first), date(2026, 11, end))
        assert last_period(date(2026, 11, 18), unit) == period


def test_period_that_is_not_synced_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A period that is not synced to its end is an error, since partial days look like bad days."""
    options = ["--start", "2026-11-16", "--end", "2026-11-17", "--dry-run"]
    assert main(["send", *options]) == 1
    assert "last synced on 2026-11-16" in capsys.readouterr().err
    assert not Path("build/digest.eml").exists()
