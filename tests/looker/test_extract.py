"""The extract for spreadsheets and Data Studio, for a large account."""

from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from tests.warehouse import dbt, raw

PART = 10  # of an account with 10,000 campaigns in 90 days: more than a hundred a day
CAMPAIGNS = 10_000 // PART
LIMIT = 100 * 10**6 // PART  # bytes that Data Studio keeps of an extracted data source
LONG = "A text as long as the longest subject line that an inbox shows, and then some words more"
LISTS = [f"list{number:02}" for number in range(20)]
LAST_DAY = date(2026, 11, 20)


def raw_tables() -> dict[str, list[dict[str, object]]]:
    """The raw tables of the campaigns, each with long texts and twenty lists."""
    sends = [(f"c{n}", f"{LAST_DAY - timedelta(days=n % 90)}T09:00:00Z") for n in range(CAMPAIGNS)]
    tables: dict[str, list[dict[str, object]]] = {
        "account": [{"timezone": "UTC", "preferred_currency": "EUR", "synced_at": f"{LAST_DAY}"}],
        "metric": [{"id": "order", "name": "Placed Order"}],
        "list": [{"id": name, "name": f"{name} {LONG}"} for name in LISTS],
        "campaign": [{"id": id_, "name": f"{id_} {LONG}"} for id_, _ in sends],
        "campaign_audience": [{"id": id_, "included": LISTS} for id_, _ in sends],
        "campaign_message": [
            {"id": id_, "campaign_id": id_, "audience_id": id_, "send_time": sent_at}
            for id_, sent_at in sends
        ],
        "campaign_variation": [
            {"id": id_, "campaign_message_id": id_, "subject": f"{id_} {LONG}"} for id_, _ in sends
        ],
        "campaign_performance": [
            {
                "campaign_id": id_,
                "campaign_message_id": id_,
                "send_channel": "email",
                "conversion_metric_id": "order",
                **dict.fromkeys(["recipients", "delivered", "opens_unique"], 1_234_567),
                "clicks_unique": 12_345,
                "unsubscribe_uniques": 123,
            }
            for id_, _ in sends
        ],
    }
    return {table: [{"account_id": "a", **row} for row in rows] for table, rows in tables.items()}


@pytest.mark.slow
def test_a_large_account_fits_into_an_extract(tmp_path: Path) -> None:
    """The extract of 10,000 campaigns is below the 100 MB that Data Studio accepts.

    A tenth of them makes a tenth of the size, since each has as many bytes.
    """
    file = raw.write(tmp_path / "raw.db", raw_tables())
    run = dbt.run(tmp_path, "run", "--select", "+klaviyo__campaign_extract", raw=file)
    assert run.returncode == 0, run.stdout
    extract = tmp_path / "extract.csv"
    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as warehouse:
        warehouse.sql("from klaviyo.klaviyo__campaign_extract").write_csv(str(extract))
    lines = extract.read_text().splitlines()
    assert len(lines) == 1 + CAMPAIGNS
    assert all(line.count(LONG) == 2 + len(LISTS) for line in lines[1:])
    assert extract.stat().st_size < LIMIT
