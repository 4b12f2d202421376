"""Queries dbt's own semantic layer, MetricFlow, on the marts of a build."""

import csv
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.warehouse import dbt

# One process for all queries: MetricFlow takes longer to start than to answer one.
QUERY_SCRIPT = """
import json, sys
from dbt_metricflow.cli.main import cli
for arguments in json.load(sys.stdin):
    cli.main(["query", *arguments], standalone_mode=False)
"""

# Two currencies, periods or patterns are not summed.
GROUP_BY = ("account_id", "currency", "period_kind", "pattern")


def query_metrics(
    dbt_build: Path, project: Path
) -> dict[str, dict[tuple[str, ...], dict[str, str]]]:
    """All metrics of each semantic model, by account and, where it has amounts, by currency."""
    manifest = copy_project(dbt_build, project)
    groups = {model["name"]: _group_by(model) for model in manifest["semantic_models"]}
    files = {name: project / f"{name}.csv" for name in groups}
    run_queries(
        project, [_query_arguments(manifest, name, groups[name], files[name]) for name in groups]
    )
    return {name: _read_rows(files[name], group) for name, group in groups.items()}


def _query_arguments(
    manifest: dict[str, Any], model: str, group: list[str], file: Path
) -> list[str]:
    metrics = ["--metrics", _metric_names(manifest, model), "--group-by", ",".join(group)]
    return [*metrics, "--csv", str(file), "--decimals", "15"]


def _group_by(model: dict[str, Any]) -> list[str]:
    [key] = [entity["name"] for entity in model["entities"] if entity["type"] == "primary"]
    dimensions = [dimension["name"] for dimension in model["dimensions"]]
    return [f"{key}__{name}" for name in GROUP_BY if name in dimensions]


def _read_rows(file: Path, group: list[str]) -> dict[tuple[str, ...], dict[str, str]]:
    with file.open() as lines:
        return {tuple(row.pop(name) for name in group): row for row in csv.DictReader(lines)}


def _metric_names(manifest: dict[str, Any], model: str) -> str:
    """The metrics of a model that are for readers, separated by commas."""
    selected: dict[str, dict[str, Any]] = {}
    for _ in "sums", "amounts", "ratios", "formulas":
        for metric in manifest["metrics"]:
            parameters = metric["type_params"]
            aggregated = parameters["metric_aggregation_params"] or {}
            names = set(input_names(metric))
            if aggregated.get("semantic_model") == model or (names and names <= selected.keys()):
                selected[metric["name"]] = metric
    return ",".join(sorted(filter(lambda name: is_for_readers(selected[name]), selected)))


def is_for_readers(metric: dict[str, Any]) -> bool:
    """Whether a metric has a format to show it in; the inputs of amounts have none."""
    return "format" in metric["config"]["meta"]


def input_names(metric: dict[str, Any]) -> list[str]:
    """The metrics that a ratio or a formula of the semantic manifest is made of, in order."""
    parameters = metric["type_params"]
    inputs = parameters["metrics"] or [parameters["numerator"], parameters["denominator"]]
    return [part["name"] for part in inputs if part]


def run_queries(project: Path, queries: list[list[str]]) -> None:
    """Run `mf query` with each of these lists of arguments; a query that fails ends the test."""
    settings = {
        **dbt.EVERYTHING,
        **dbt.duckdb_environment(project, project / "raw.db"),
        "DBT_PROJECT_DIR": str(project),
        "DBT_PROFILES_DIR": str(project),
    }
    process = subprocess.run(
        [Path(dbt.DBT).with_name("python"), "-c", QUERY_SCRIPT],
        input=json.dumps(queries),
        cwd=project,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stdout + process.stderr


def copy_project(dbt_build: Path, project: Path) -> dict[str, Any]:
    """Make a dbt project with the `target` and marts of the build; returns its semantic manifest.

    They are copies, because MetricFlow writes to them.
    """
    for part in dbt.PROJECT.iterdir():
        if part.name not in ("target", "logs"):
            (project / part.name).symlink_to(part)
    shutil.copytree(dbt_build / "target", project / "target")
    for file in ("raw.db", "warehouse.duckdb"):
        shutil.copy(dbt_build / file, project)
    text = (project / "target" / "semantic_manifest.json").read_text()
    manifest: dict[str, Any] = json.loads(text)
    return manifest
