"""The data tests that compare the marts with Klaviyo's own numbers fail on a difference."""

import re
import shutil
import subprocess
from pathlib import Path

import duckdb
import pytest

from tests.warehouse import dbt

# A fault in the marts of the shop for each data test.
FAULTS = {
    "returned_rates_equal_recomputed_ones": (
        "update klaviyo.klaviyo__message_performance"
        " set klaviyo_click_rate = klaviyo_click_rate + 0.0007 where send_channel = 'sms'"
    ),
    "every_reported_message_is_in_the_mart": (
        "delete from klaviyo.klaviyo__message_performance where message_id = 'push'"
    ),
    "marts_hold_every_raw_row": "delete from klaviyo.klaviyo__profile where profile_id = 'bob'",
    "credited_orders_equal_klaviyos_report": (
        "update klaviyo_intermediate.int_klaviyo__order_monthly set klaviyo_order_value = 30.01"
        " where campaign_id = 'before'"
    ),
    "flow_periods_agree_with_their_days": (
        "update klaviyo.klaviyo__flow_period set opens_unique = 51"
        " where message_id = 'hello' and period_kind = 'month'"
    ),
    "every_sent_campaign_has_a_date": (
        "update klaviyo.klaviyo__message_performance set sent_on = null"
        " where message_id = 'forgotten'"
    ),
    "every_order_is_of_the_chosen_metric": (
        "update klaviyo_intermediate.int_klaviyo__conversion set metric_id = 'former'"
        " where event_id = 'buyA'"
    ),
    "members_add_up": (
        "update klaviyo.klaviyo__audience_growth set members_joined = members_joined + 1"
        " where audience_id = 'news' and date = '2026-11-17'"
    ),
}
# An event that no run read, one that a sync lost, and opens of a text.
RAW_FAULTS = {
    "every_event_is_counted": (
        "insert into tester.event by name"
        " select * replace ('unread' as id) from tester.event where id = 'buyA'"
    ),
    "events_equal_klaviyos_count": (
        'update tester.message_metric_daily set "count" = "count" + 1'
        " where metric_id = 'Open' and date = '2026-11-02'"
    ),
    "uncounted_statistics_are_zero": (
        "update tester.campaign_performance set opens = 1 where send_channel = 'sms'"
    ),
}


def test_each_data_test_lists_the_rows_that_differ_from_klaviyo(
    dbt_build: Path, tmp_path: Path
) -> None:
    """Each comparison fails on its own fault and lists as many rows as it affects."""
    with duckdb.connect(str(shutil.copy(dbt_build / "raw.db", tmp_path))) as raw:
        for statement in RAW_FAULTS.values():
            raw.execute(statement)
    with duckdb.connect(str(shutil.copy(dbt_build / "warehouse.duckdb", tmp_path))) as warehouse:
        for statement in FAULTS.values():
            warehouse.execute(statement)
    expected = dict.fromkeys([*RAW_FAULTS, *FAULTS], 1)
    expected["marts_hold_every_raw_row"] = 2  # the deleted message is missing in its mart, too

    done = dbt.run(tmp_path, "test", "--select", *expected, raw=tmp_path / "raw.db")

    assert done.returncode == 1
    failed = re.findall(r"(?<!\[)FAIL (\d+) (\w+) ", done.stdout)
    assert {name: int(rows) for rows, name in failed} == expected


def _build(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Build and test the models of a folder's raw tables, where a warning is no error."""
    return dbt.run_on(
        folder,
        dbt.duckdb_environment(folder, folder / "raw.db") | dbt.EVERYTHING,
        *("build", *arguments, *dbt.WITHOUT_UNIT_TESTS),
        artifacts=False,
        warn_error=False,
    )


def test_a_sent_campaign_without_a_time_is_a_warning(dbt_build: Path, tmp_path: Path) -> None:
    """Its row stands, without a date, and what is built on it is built too."""
    for name in ("raw.db", "warehouse.duckdb"):
        shutil.copy(dbt_build / name, tmp_path)
    with duckdb.connect(str(tmp_path / "raw.db")) as raw:
        raw.execute("update tester.campaign_message set send_time = null where id = 'forgotten'")
        raw.execute(
            "update tester.campaign_variation set send_time = null"
            " where campaign_message_id = 'forgotten'"
        )

    done = _build(tmp_path, "--select", "klaviyo__message_performance", "klaviyo__campaign_extract")

    assert done.returncode == 0, done.stdout
    assert "WARN 1 every_sent_campaign_has_a_date" in done.stdout
    assert "SKIP=0" in done.stdout
    query = (
        "select sent_on, recipients from klaviyo__message_performance"
        " where message_id = 'forgotten'"
    )
    ((sent_on, recipients),) = (
        row.values() for row in dbt.query(tmp_path / "warehouse.duckdb", query)
    )
    assert sent_on is None
    assert recipients > 0


@pytest.mark.slow
def test_an_order_without_a_time_is_a_warning(dbt_build: Path, tmp_path: Path) -> None:
    """It stands without a date among the orders, is of no day, and every model is built."""
    for name in ("raw.db", "warehouse.duckdb"):
        shutil.copy(dbt_build / name, tmp_path)
    with duckdb.connect(str(tmp_path / "raw.db")) as raw:
        raw.execute("update tester.event set datetime = null, timestamp = null where id = 'buyA'")

    done = _build(tmp_path, "--full-refresh")

    assert done.returncode == 0, done.stdout
    assert "WARN 1 not_null_klaviyo__attributed_order_date" in done.stdout
    assert "SKIP=0" in done.stdout


@pytest.mark.parametrize(
    ("left_out", "compared"), [("event_attribution", {"event"}), ("event", set[str]())]
)
def test_a_table_that_is_left_out_is_not_compared(
    left_out: str, compared: set[str], dbt_build: Path, tmp_path: Path
) -> None:
    """Without credits no campaign differs, without events no day, whatever earlier runs built."""
    for name in ("raw.db", "warehouse.duckdb"):  # not the project as parsed with other tables
        shutil.copy(dbt_build / name, tmp_path)
    assert _read_compared(tmp_path) == {"event", "event_attribution"}

    done = dbt.run(
        tmp_path,
        *("run", "--select", "stg_klaviyo__event_attribution", "klaviyo__data_health"),
        *("int_klaviyo__event_reconciliation", "int_klaviyo__order_reconciliation"),
        raw=tmp_path / "raw.db",
        tables=f"all,-{left_out}",
    )

    assert done.returncode == 0, done.stdout
    assert _read_compared(tmp_path) == compared


def _read_compared(folder: Path) -> set[str]:
    """The tables that the data health compares with Klaviyo's own counts."""
    query = "select table_name from klaviyo__data_health where rows_compared > 0"
    return {row["table_name"] for row in dbt.query(folder / "warehouse.duckdb", query)}
