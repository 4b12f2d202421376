"""`make sample`: campaign results of a simulated account as CSV, to try Data Studio with.

They go the way of real ones: through the HTTP API, the connector and dbt. The account and its clock
are fixed, so that the file changes only when what makes it does.
"""

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import duckdb

from scripts import sandbox, steps
from scripts.command import command

FILE = steps.ROOT / "looker" / "sample" / "mock_looker_dataset.csv"
PLACE = steps.Place(
    steps.ROOT / "build" / "sample",
    steps.ROOT / "build" / "sample" / "warehouse.duckdb",
    steps.ROOT / "build" / "sample" / "dashboard.html",
)
CLOCK = ["--epoch", "2026-11-16", "--now", "2026-11-16T15:00:00+00:00"]
ACCOUNT = ["--seed", "7", *CLOCK, "--no-limits"]

ROWS = """
    select * exclude (account_id) replace (strftime(send_time, '%Y-%m-%d %H:%M:%S') as send_time)
    from klaviyo.klaviyo__campaign_extract
    order by date, campaign_id
"""


@command
def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate, sync, build and write the file."""
    parser = argparse.ArgumentParser("make sample", description=__doc__)
    parser.add_argument("--output", type=Path, default=FILE, metavar="FILE")
    file = parser.parse_args(arguments).output
    shutil.rmtree(PLACE.folder, ignore_errors=True)
    with (
        steps.step("Syncing a simulated Klaviyo account (sandbox data)"),
        sandbox.running(*ACCOUNT) as url,
    ):
        PLACE.folder.mkdir(parents=True)
        steps.sync(PLACE, {"api_key": "pk_sandbox_sample"}, {"KLAVIYO_BASE_URL": url})
    with steps.step("Building the warehouse models with dbt"):
        steps.build(PLACE, {"KLAVIYO_TABLES": "reporting"}, strict=True)
    with duckdb.connect(str(PLACE.warehouse), read_only=True) as warehouse:
        warehouse.execute("set timezone = 'UTC'")
        warehouse.sql(ROWS).write_csv(str(file))
    print(f"\n{file}: sandbox data, not of a real account.")


if __name__ == "__main__":
    sys.exit(main())
