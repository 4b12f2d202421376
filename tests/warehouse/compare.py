"""Compares every model on every engine: `python -m tests.warehouse.compare` prints a table."""

import json
import sys
from collections import Counter
from contextlib import ExitStack, suppress
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.sandbox_server import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "klaviyo_connector"))

from tests.raw_tables import Rows
from tests.warehouse import dbt, raw, shop
from tests.warehouse.bigquery import run_bigquery
from tests.warehouse.engines import DuckDB, Engine, run_postgres

Contents = dict[str, list[tuple[Any, ...]]]
BUILD = ("build", *dbt.WITHOUT_UNIT_TESTS)


def run_dbt(engine: Engine, folder: Path, *arguments: str) -> Contents:
    """Run dbt, assert that it succeeds, and return the rows of every model.

    The first run in a folder writes the manifest, which costs as much as a few models.
    """
    artifacts = not (folder / "target" / "manifest.json").exists()
    done = dbt.run_on(folder, dbt.EVERYTHING | engine.environment, *arguments, artifacts=artifacts)
    assert done.returncode == 0, done.stdout + done.stderr
    return read_contents(engine, folder)


def read_contents(engine: Engine, folder: Path) -> Contents:
    """The rows of every model that a run in `folder` built, in one form for all engines."""
    manifest = json.loads((folder / "target" / "manifest.json").read_text())
    # dbt writes a model's SQL to `run/` when it builds it, and keeps that of earlier runs.
    schemas = {
        node["name"]: node["schema"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
        and (folder / "target" / "run" / node["package_name"] / node["original_file_path"]).exists()
    }
    return {name: normalize(rows) for name, rows in engine.rows(schemas).items()}


def normalize(rows: Rows) -> list[tuple[Any, ...]]:
    """The rows in one form and order for all engines."""
    cells = [tuple((name, _normalize_cell(value)) for name, value in row.items()) for row in rows]
    return sorted(cells, key=repr)


def _normalize_cell(value: Any) -> Any:
    """One form for all engines. The last digits of a sum depend on the order of addition."""
    match value:
        case datetime():
            return value.timestamp()
        case float() | Decimal():
            return float(f"{value:.12g}")
        case dict() | list():
            return json.dumps(value, sort_keys=True)
        case str() if value[:1] in ("{", "["):
            with suppress(json.JSONDecodeError):  # such as a subject that begins with "{{ name }}"
                return json.dumps(json.loads(value), sort_keys=True)
    return value


def main() -> None:
    """Build the two shops of the tests on all engines and print a line for each model."""
    with ExitStack() as stack:
        folders = [Path(stack.enter_context(TemporaryDirectory())) for _ in range(3)]
        duckdb, postgres, bigquery = folders
        engines: list[Engine] = [
            DuckDB(duckdb),
            stack.enter_context(run_postgres(postgres)),
            stack.enter_context(run_bigquery(bigquery)),
        ]
        file = raw.write(duckdb / "raw.db", shop.ROWS, shop.TABLE_NAMES)
        found = []
        for engine, folder in zip(engines, folders, strict=True):
            engine.load(file)
            found.append(run_dbt(engine, folder, *BUILD))
        _print_table(found, _count_successes(bigquery))


def _count_successes(folder: Path) -> Counter[str]:
    """The successful runs and passed data tests of each model in the last build."""
    manifest = json.loads((folder / "target" / "manifest.json").read_text())
    results = json.loads((folder / "target" / "run_results.json").read_text())["results"]
    names = [result["unique_id"] for result in results if result["status"] in ("success", "pass")]
    tested = [manifest["nodes"].get(name, {}).get("attached_node") for name in names]
    return Counter([*names, *(f"tests of {model}" for model in tested)])


def _print_table(found: list[Contents], succeeded: Counter[str]) -> None:
    duckdb, *others = found
    print(
        "| model | rows | Postgres equal | BigQuery analysed and executed | equal | tests passed |"
    )
    print("|---|---|---|---|---|---|")
    for model, rows in sorted(duckdb.items()):
        node = f"model.klaviyo_warehouse.{model}"
        postgres, bigquery = ("yes" if other[model] == rows else "NO" for other in others)
        ran, tests = "yes" if succeeded[node] else "NO", succeeded[f"tests of {node}"]
        print(f"| {model} | {len(rows)} | {postgres} | {ran} | {bigquery} | {tests} |")
    if others != [duckdb, duckdb]:
        sys.exit("The engines differ.")


if __name__ == "__main__":
    main()
