"""MARTS.md: each mart with its grain, its readers and its tests."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from looker import markdown
from looker.declaration import Dashboard
from looker.field_mapping import EXTRACT
from looker.semantic import MODELS, SemanticModel, Semantics
from looker.yaml_reader import read_yaml

# The rows of each mart of a simulated account, by `python -m tests.warehouse.sandbox_account`.
ROWS = Path(__file__).parent / "rows.json"
DIGEST = Path(__file__).parent.parent / "scripts" / "digest" / "metrics.py"


@dataclass(frozen=True)
class Mart:
    """One line of the table."""

    name: str
    grain: str
    rows: str
    columns: int
    metrics: int
    readers: list[str]
    data_tests: int
    unit_tests: int


def generate_files(dashboard: Dashboard, semantics: Semantics) -> Iterator[tuple[str, str]]:
    """The table as Markdown: path and content."""
    reasons = {
        semantics.model(name).table: reason for name, reason in dashboard.without_tile.items()
    }
    marts = list(_read_marts(dashboard, semantics))
    yield "MARTS.md", markdown.render("MARTS.md", marts=marts, reasons=reasons)


def _read_marts(dashboard: Dashboard, semantics: Semantics) -> Iterator[Mart]:
    models = {model.table: model for model in semantics.models.values()}
    counts = json.loads(ROWS.read_text())
    for table in semantics.columns:
        content = read_yaml(MODELS / "marts" / f"{table}.yml")
        (entry,) = content["models"]
        model = models.get(table)
        yield Mart(
            name=table,
            grain=read_grain(entry["description"]),
            rows=f"{counts[table]:,}" if table in counts else "–",
            columns=len(entry["columns"]),
            metrics=len(semantics.metrics_of(model)) if model else 0,
            readers=list(_find_readers(table, model, dashboard, semantics)),
            data_tests=sum(
                len(element.get("data_tests", ())) for element in (entry, *entry["columns"])
            ),
            unit_tests=len(content.get("unit_tests", ())),
        )


def read_grain(description: str) -> str:
    """What one row is, from the description's first sentence."""
    sentence = " ".join(description.split()).partition(". ")[0]
    return sentence.removeprefix("One row per ").rstrip(".")


def _find_readers(
    table: str, model: SemanticModel | None, dashboard: Dashboard, semantics: Semantics
) -> Iterator[str]:
    if model:
        tiles = sum(tile.model == model.name for tile in dashboard.tiles)
        if tiles:
            yield f"page ({tiles})"
        elif model in dashboard.models(semantics):
            yield "page"
        yield "LookML"
        if not any(column.is_personal for column in semantics.columns[table].values()):
            yield "MCP"
    if re.search(rf"\b{table}\b", DIGEST.read_text()):
        yield "digest"
    if table == EXTRACT:
        yield "spreadsheet"
