"""A simulated account in the warehouse.

`python -m tests.warehouse.sandbox_account` counts the rows of its marts and writes them to
looker/rows.json, from which looker/MARTS.md has them.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.sandbox_server import KEY, REPOSITORY, run_sandbox

sys.path.insert(0, str(REPOSITORY / "klaviyo_connector"))

from looker import mart_table, semantic
from streams.catalog import AMOUNTS, COUNTS
from tests.loader import Loader
from tests.warehouse import dbt, raw

ACCOUNT: dict[str, Any] = {
    "campaigns": 60,
    "profiles": 1000,
    "seed": 5,
    "now": "2026-11-24T15:00:00+00:00",
    "no_limits": True,
}
TEN_DAYS = 10 * 86_400
YEAR = {"start": "2025-12-05T00:00:00Z", "end": "2026-12-04T23:59:59Z"}
GROUPS = ["campaign_id", "campaign_message_id", "send_channel", "variation"]


def build(folder: Path) -> tuple[Path, Any]:
    """The marts of an account after two syncs ten days apart, and its campaign report.

    The project's own data tests run here; the generic ones run in the demo, on such an account too.
    """
    with run_sandbox(**ACCOUNT) as sandbox:
        loader = Loader(sandbox.url, {"api_key": KEY, "tables": "all"}).sync()
        sandbox.advance(TEN_DAYS)
        loader.sync()
        mapped = sandbox.all("/api/mapped-metrics", include="metric")
        revenue = next(role for role in mapped if role["id"] == "revenue")
        report = sandbox.report(
            "campaign-values-report",
            statistics=[*COUNTS, *AMOUNTS],
            timeframe=YEAR,
            conversion_metric_id=revenue["relationships"]["metric"]["data"]["id"],
            group_by=GROUPS,
        )
    tables = {name: list(rows.values()) for name, rows in loader.tables.items()}
    file = raw.write(folder / "raw.db", tables)
    warehouse = dbt.build(folder, file, *dbt.WITHOUT_UNIT_TESTS, "--exclude", "test_type:generic")
    return warehouse, report["data"]["attributes"]["results"]


def count_rows(warehouse: Path, marts: Iterable[str]) -> dict[str, int]:
    """The number of rows of each mart."""
    counts = " union all ".join(
        f"select '{mart}' as mart, count(*) as n from {mart}" for mart in marts
    )
    return {row["mart"]: row["n"] for row in dbt.query(warehouse, f"{counts} order by mart")}


def main() -> None:
    """Build the account and write the rows of its marts."""
    with TemporaryDirectory() as folder:
        warehouse, _ = build(Path(folder))
        rows = count_rows(warehouse, semantic.load().columns)
    mart_table.ROWS.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
