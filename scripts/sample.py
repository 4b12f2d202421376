"""Write the campaign results of a simulated account as CSV, to try Data Studio with.

The rows take the way of real ones: HTTP API, connector, dbt. The account and its clock are fixed,
so the file changes only when the code that produces it does.

exit codes:
  0  the file is written
  1  a step failed
  2  an option is malformed
"""

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import duckdb

from scripts import sandbox, steps
from scripts.command import command
from scripts.duckdb_sql import defuse_formulas

FILE = steps.ROOT / "looker" / "sample" / "mock_looker_dataset.csv"
WORKSPACE = steps.Workspace(
    steps.ROOT / "build" / "sample",
    steps.ROOT / "build" / "sample" / "warehouse.duckdb",
    steps.ROOT / "build" / "sample" / "dashboard.html",
)
CLOCK = ["--epoch", "2026-11-16", "--now", "2026-11-16T15:00:00+00:00"]
SANDBOX_OPTIONS = ["--seed", "7", *CLOCK, "--no-limits"]

ROWS_QUERY = """
    select * exclude (account_id) replace (strftime(send_time, '%Y-%m-%d %H:%M:%S') as send_time)
    from klaviyo.klaviyo__campaign_extract
    order by date, campaign_id
"""


@command
def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate, sync, build and write the file."""
    parser = argparse.ArgumentParser(
        ".venv/bin/python -m scripts.sample",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="`make sample` installs what it needs and runs it.",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=FILE,
        metavar="FILE",
        help=f"(default: looker/sample/{FILE.name})",
    )
    file = parser.parse_args(arguments).output
    shutil.rmtree(WORKSPACE.folder, ignore_errors=True)
    with (
        steps.log_step("Syncing a simulated Klaviyo account (sandbox data)"),
        sandbox.serve(*SANDBOX_OPTIONS) as url,
    ):
        WORKSPACE.folder.mkdir(parents=True)
        steps.sync(WORKSPACE, {"api_key": "pk_sandbox_sample"}, {"KLAVIYO_BASE_URL": url})
    with steps.log_step("Building the warehouse models with dbt"):
        steps.build(WORKSPACE, {"KLAVIYO_TABLES": "reporting"}, strict=True)
    with duckdb.connect(str(WORKSPACE.warehouse), read_only=True) as warehouse:
        warehouse.execute("set timezone = 'UTC'")
        defuse_formulas(warehouse.sql(ROWS_QUERY)).write_csv(str(file))
    print(f"\n{file}: sandbox data, not of a real account.")


if __name__ == "__main__":
    sys.exit(main())
