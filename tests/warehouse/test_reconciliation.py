"""The tests that hold the marts to Klaviyo's own numbers fail when the two part."""

import shutil
from pathlib import Path

import duckdb
import pytest

from tests.warehouse import dbt

# What goes wrong with the marts of the shop, and in whose rows dbt's test must find it.
BROKEN = {
    "returned_rates_equal_recomputed_ones": (
        "update klaviyo.klaviyo__message_performance"
        " set klaviyo_click_rate = klaviyo_click_rate + 0.0007 where send_channel = 'sms'"
    ),
    "every_reported_message_is_in_the_mart": (
        "delete from klaviyo.klaviyo__message_performance where message_id = 'push'"
    ),
    "marts_hold_every_raw_row": "delete from klaviyo.klaviyo__profile where profile_id = 'bob'",
    "credited_orders_equal_klaviyos_report": (
        "update klaviyo.klaviyo__attributed_order set klaviyo_order_value = 30.01"
        " where event_id = 'sold'"
    ),
    "members_add_up": (
        "update klaviyo.klaviyo__audience_growth set members_joined = members_joined + 1"
        " where audience_id = 'news' and date = '2026-11-17'"
    ),
}
LOST_EVENT = (
    'update tester.message_metric_daily set "count" = "count" + 1'
    " where metric_id = 'Open' and date = '2026-11-02'"
)


@pytest.fixture(scope="module", name="tested")
def _tested(built: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What dbt says of the shop after all of this went wrong in it."""
    folder = tmp_path_factory.mktemp("broken")
    with duckdb.connect(str(shutil.copy(built / "raw.db", folder))) as raw:
        raw.execute(LOST_EVENT)
    with duckdb.connect(str(shutil.copy(built / "warehouse.duckdb", folder))) as warehouse:
        for statement in BROKEN.values():
            warehouse.execute(statement)
    names = ("events_equal_klaviyos_count", *BROKEN)
    run = dbt.run(folder, "test", "--select", *names, raw=folder / "raw.db")
    assert run.returncode == 1
    return run.stdout


@pytest.mark.parametrize("test", ["events_equal_klaviyos_count", *BROKEN])
def test_a_number_that_is_not_klaviyos_is_found(tested: str, test: str) -> None:
    """Each reconciliation lists what was changed in the data below it."""
    found = 2 if test == "marts_hold_every_raw_row" else 1
    assert f"FAIL {found} {test} " in tested
