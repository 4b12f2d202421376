"""dbt's own semantic layer, asked for metrics on the marts of a build."""

import csv
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.warehouse import dbt

# One process for all questions: it takes longer to start MetricFlow than to answer.
ASK = """
import json, sys
from dbt_metricflow.cli.main import cli
for question in json.load(sys.stdin):
    cli.main(["query", *question], standalone_mode=False)
"""

BY = ("account_id", "currency")  # amounts of two currencies are no sum


def answers(built: Path) -> dict[str, dict[tuple[str, ...], dict[str, str]]]:
    """All metrics of each semantic model, by account and, where it has amounts, currency."""
    project = _project(built)
    manifest = json.loads((project / "target" / "semantic_manifest.json").read_text())
    splits = {model["name"]: _split(model) for model in manifest["semantic_models"]}
    files = {name: project / f"{name}.csv" for name in splits}
    _ask(project, [_question(manifest, name, splits[name], files[name]) for name in splits])
    return {name: _answer(files[name], split) for name, split in splits.items()}


def _question(manifest: dict[str, Any], model: str, split: list[str], file: Path) -> list[str]:
    metrics = ["--metrics", _metrics(manifest, model), "--group-by", ",".join(split)]
    return [*metrics, "--csv", str(file), "--decimals", "15"]


def _split(model: dict[str, Any]) -> list[str]:
    [key] = [entity["name"] for entity in model["entities"] if entity["type"] == "primary"]
    dimensions = [dimension["name"] for dimension in model["dimensions"]]
    return [f"{key}__{name}" for name in BY if name in dimensions]


def _answer(file: Path, split: list[str]) -> dict[tuple[str, ...], dict[str, str]]:
    with file.open() as lines:
        return {tuple(row.pop(name) for name in split): row for row in csv.DictReader(lines)}


def _metrics(manifest: dict[str, Any], model: str) -> str:
    """The sums of a model, and what is made of them."""
    found: set[str] = set()
    for _ in "sums", "ratios", "formulas":
        for metric in manifest["metrics"]:
            parameters = metric["type_params"]
            aggregated = parameters["metric_aggregation_params"] or {}
            parts = [*parameters["metrics"], parameters["numerator"], parameters["denominator"]]
            names = {part["name"] for part in parts if part}
            if aggregated.get("semantic_model") == model or (names and names <= found):
                found.add(metric["name"])
    return ",".join(sorted(found))


def _ask(project: Path, questions: list[list[str]]) -> None:
    settings = {
        "KLAVIYO_TABLES": "all",
        "KLAVIYO_RAW_DUCKDB": str(project.parent / "raw.db"),
        "KLAVIYO_WAREHOUSE": str(project / "warehouse.duckdb"),
        "DBT_PROJECT_DIR": str(project),
        "DBT_PROFILES_DIR": str(project),
    }
    done = subprocess.run(
        [Path(dbt.DBT).with_name("python"), "-c", ASK],
        input=json.dumps(questions),
        cwd=project,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _project(built: Path) -> Path:
    """The dbt project with the build's `target`, where MetricFlow looks for metrics, and marts.

    The marts are a copy, because MetricFlow opens them for writing.
    """
    project = built / "project"
    project.mkdir()
    for part in dbt.PROJECT.iterdir():
        if part.name not in ("target", "logs"):
            (project / part.name).symlink_to(part)
    (project / "target").symlink_to(built / "target")
    shutil.copy(built / "warehouse.duckdb", project)
    return project
