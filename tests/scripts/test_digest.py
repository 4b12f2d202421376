"""`python -m scripts.digest`: what the e-mail says."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import duckdb
import pytest
import vl_convert

from looker import semantic
from scripts import digest
from scripts.results import Period

HOSTILE = "<script>alert('x')</script> & \"co\""
WEEK = ["--start", "2026-11-09", "--end", "2026-11-16"]
TYPES = {"text": "text", "number": "double", "date": "date", "time": "timestamptz"}


def campaign(id_: str, sent_on: str, delivered: int, opens: int, revenue: float) -> dict[str, Any]:
    """A row of message_performance, of an e-mail a tenth of whose openers clicked."""
    tracked = dict.fromkeys(("delivered", "open_tracked_delivered", "click_tracked_delivered"))
    return {
        "account_id": "one",
        "account_name": "Juniper\r\n& Tide",
        "currency": "EUR",
        "message_type": "campaign",
        "campaign_id": id_,
        "campaign_name": f"Campaign {id_}",
        "subject_line": HOSTILE,
        "sent_on": sent_on,
        "recipients": delivered + 10,
        "opens_unique": opens,
        "clicks_unique": opens // 10,
        "conversion_value": revenue,
        **dict.fromkeys(tracked, delivered),
    }


ROWS = [
    campaign("small", "2026-11-10", delivered=100, opens=90, revenue=1000.5),
    campaign("large", "2026-11-12", delivered=900, opens=110, revenue=200),
    campaign("earlier", "2026-11-04", delivered=500, opens=50, revenue=600.25),
    campaign("earlier", "2026-11-04", delivered=0, opens=0, revenue=0)
    | {"subject_line": "Other", "recipients": 0},
    campaign("later", "2026-11-16", delivered=7, opens=7, revenue=7777),
    campaign("flow", "2026-11-11", delivered=9, opens=9, revenue=50) | {"message_type": "flow"},
]
HEALTH = {
    "account_id": "one",
    "account_name": "Juniper\r\n& Tide",
    "is_test_account": True,
    "data_from": "2026-10-01",
    "last_synced_on": "2026-11-16",
}


@pytest.fixture(scope="module", name="warehouse")
def _warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The two marts, synced on 16 November."""
    file = tmp_path_factory.mktemp("warehouse") / "warehouse.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("create schema klaviyo")
        fill(connection, "klaviyo__message_performance", ROWS)
        fill(connection, "klaviyo__data_health", [HEALTH])
    return file


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch, warehouse: Path) -> None:
    monkeypatch.setenv("KLAVIYO_WAREHOUSE", str(warehouse))


def fill(
    connection: duckdb.DuckDBPyConnection, mart: str, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Make a mart with the columns that dbt declares, and rows in it."""
    declared = semantic.load().columns[mart]
    columns = [f"{name} {TYPES.get(column.type, 'boolean')}" for name, column in declared.items()]
    connection.execute(f"create table klaviyo.{mart} ({', '.join(columns)})")
    for row in rows:
        marks = ", ".join("?" * len(row))
        insert = f"insert into klaviyo.{mart} ({', '.join(row)}) values ({marks})"
        connection.execute(insert, list(row.values()))


@pytest.fixture(scope="module", name="message")
def _message(warehouse: Path) -> EmailMessage:
    """The e-mail of the week."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KLAVIYO_WAREHOUSE", str(warehouse))
        return written(warehouse.with_name("digest.eml"), *WEEK)


def written(file: Path, *options: str) -> EmailMessage:
    """The e-mail that a dry run writes."""
    assert digest.main(["send", "--dry-run", "--output", str(file), *options]) == 0
    message = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def body(message: EmailMessage, kind: str) -> str:
    """The plain or html part."""
    part = message.get_body((kind,))
    assert part
    return str(part.get_content())


def text(message: EmailMessage) -> str:
    """The plain part, its spaces single."""
    return re.sub(r"[^\S\n]+", " ", body(message, "plain"))


def test_figures_are_those_of_the_period_against_the_one_before(message: EmailMessage) -> None:
    """Sums are compared by share and rates by points; flows and other days are left out."""
    said = text(message)
    assert "Revenue 1,200.50 EUR +100.0%" in said
    assert "Recipients 1,020 +100.0%" in said


def test_a_rate_is_a_ratio_of_sums(message: EmailMessage) -> None:
    """200 of 1,000 opened, 20 %, though the mean of both campaigns' rates is 51 %."""
    assert "Open rate 20.0% +10.0 pts" in text(message)


def test_every_campaign_is_in_the_table_by_revenue(message: EmailMessage) -> None:
    """With what was sent, opened, clicked and earned."""
    lines = [line for line in text(message).splitlines() if line.startswith((" sent", "*"))]
    assert lines == [
        "* Campaign small (10 Nov)",
        " sent 110, opens 90 (90.0%), clicks 9 (9.00%), revenue 1,000.50 EUR",
        "* Campaign large (12 Nov)",
        " sent 910, opens 110 (12.2%), clicks 11 (1.22%), revenue 200.00 EUR",
    ]


def test_both_parts_say_the_same(message: EmailMessage) -> None:
    """Every figure of the text stands in the HTML too."""
    html = body(message, "html")
    figures = re.findall(r"[\d,]+\.?\d*(?:%| EUR| pts)", body(message, "plain"))
    assert len(figures) > 10
    assert [figure for figure in figures if figure not in html] == []


def test_text_from_klaviyo_stays_text(message: EmailMessage) -> None:
    """It becomes neither HTML nor a header."""
    assert message["Subject"] == "Juniper & Tide: campaigns, 9 – 15 November 2026"
    assert "<script" not in body(message, "html")
    assert "&lt;script&gt;" in body(message, "html")


def test_pictures_travel_with_the_mail(message: EmailMessage) -> None:
    """Each is a PNG in the message and described; nothing is loaded from elsewhere."""
    html = body(message, "html")
    sources = re.findall(r'<img src="cid:([^"]+)" alt="(Revenue by week|Open)[^"]{40,}"', html)
    pictures = [part for part in message.walk() if part.get_content_type() == "image/png"]
    assert [f"<{id_}>" for id_, _ in sources] == [part["Content-ID"] for part in pictures]
    assert all(part.get_content().startswith(b"\x89PNG") for part in pictures)
    assert len(pictures) == 2
    assert not re.search(r'(src|href)="(?!cid:)', html)


def test_revenue_is_drawn_as_on_the_page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Amounts have their currency, and flows stand upon campaigns."""
    drawn: list[str] = []

    def draw(specification: dict[str, Any], *, vl_version: str, **_: object) -> bytes:
        drawn.append(vl_convert.vegalite_to_svg(specification, vl_version=vl_version))
        return b""

    monkeypatch.setattr(vl_convert, "vegalite_to_png", draw)
    written(tmp_path / "a.eml", *WEEK)
    assert ">1k EUR</text>" in drawn[0]
    ends = r"2026-11-09.*?series: (Campaigns|Flows).*?d=\"M[\d.]+,([\d.]+)"
    heights = {name: float(y) for name, y in re.findall(ends, drawn[0])}
    assert heights["Flows"] < heights["Campaigns"]


def test_sandbox_data_is_named(message: EmailMessage) -> None:
    """An account of Klaviyo's own kind `test` is never shown as a real one."""
    assert "sandbox data" in body(message, "plain")
    assert "Sandbox data" in body(message, "html")


def test_a_period_without_campaigns(tmp_path: Path) -> None:
    """It says so, and compares nothing with nothing."""
    said = text(written(tmp_path / "a.eml", "--start", "2026-10-01", "--end", "2026-10-02"))
    assert "No campaign was sent." in said
    assert "Open rate – no comparison" in said


def test_every_subject_line_of_a_campaign_is_quoted(tmp_path: Path) -> None:
    """A campaign sent in two versions had two."""
    options = ["--start", "2026-11-04", "--end", "2026-11-05"]
    assert f'"{HOSTILE} / Other"' in text(written(tmp_path / "a.eml", *options))


def test_a_period_before_the_data_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is known of it, so that no campaign was sent cannot be said."""
    options = ["--start", "2026-09-24", "--end", "2026-10-01", "--dry-run"]
    assert digest.main(["send", *options]) == 1
    said = capsys.readouterr().err
    assert "The data begin on 2026-10-01: report that day or a later one." in said


@pytest.mark.parametrize(
    ("length", "first", "end"), [("day", 17, 18), ("week", 9, 16)], ids=["day", "week"]
)
def test_the_default_periods(length: str, first: int, end: int) -> None:
    """Yesterday, and the last whole week from Monday to Sunday."""
    november = Period(date(2026, 11, first), date(2026, 11, end))
    assert digest.before(date(2026, 11, 18), length) == november


def test_a_period_that_is_not_synced_is_not_reported(capsys: pytest.CaptureFixture[str]) -> None:
    """Half a day's numbers would look like a bad day."""
    options = ["--start", "2026-11-16", "--end", "2026-11-17", "--dry-run"]
    assert digest.main(["send", *options]) == 1
    assert "last synced on 2026-11-16" in capsys.readouterr().err
    assert not Path("build/digest.eml").exists()
