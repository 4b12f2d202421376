"""What is read from the YAML is what dbt itself makes of it."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from looker import semantic
from looker.errors import LookerError
from tests.warehouse import dbt


@pytest.fixture(scope="module", name="manifest")
def _manifest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The semantic manifest that dbt parses."""
    folder = tmp_path_factory.mktemp("manifest")
    done = dbt.run(folder, "parse", raw=folder / "raw.db")
    assert done.returncode == 0, done.stdout
    manifest: dict[str, Any] = json.loads(
        (folder / "target" / "semantic_manifest.json").read_text()
    )
    return manifest


def one_line(text: str | None) -> str:
    """A description without its line breaks."""
    return " ".join((text or "").split())


def test_metrics_are_dbts(manifest: dict[str, Any]) -> None:
    """Names, labels, descriptions, formats and formulas of all metrics equal dbt's own reading."""
    read = {
        metric.name: (
            metric.label,
            metric.description,
            metric.format,
            metric.column or metric.formula or None,
            metric.ratio or metric.inputs,
        )
        for metric in semantic.load().metrics.values()
    }
    assert read == {entry["name"]: _as_read(entry) for entry in manifest["metrics"]}


def _as_read(entry: dict[str, Any]) -> tuple[Any, ...]:
    parameters = entry["type_params"]
    assert not entry["filter"]
    terms = parameters["metrics"] or [parameters["numerator"], parameters["denominator"]]
    return (
        entry["label"],
        one_line(entry["description"]),
        entry["config"]["meta"]["format"],
        parameters["expr"],
        tuple(term["name"] for term in terms if term),
    )


def test_models_and_dimensions_are_dbts(manifest: dict[str, Any]) -> None:
    """Every semantic model has the table, key, date and dimensions that dbt gives it."""
    read = {
        model.name: (
            model.table,
            model.description,
            model.key,
            model.date,
            {one.name: (one.label, one.description) for one in model.dimensions.values()},
        )
        for model in semantic.load().models.values()
    }
    assert read == {
        model["name"]: (
            model["node_relation"]["alias"],
            one_line(model["description"]),
            next(entity["expr"] for entity in model["entities"] if entity["type"] == "primary"),
            model["defaults"]["agg_time_dimension"],
            {one["name"]: (one["label"], one["description"]) for one in model["dimensions"]},
        )
        for model in manifest["semantic_models"]
    }


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ("agg: sum", "agg: average", "'recipients': only the sum of a column"),
        ("expr: recipients", "expr: recipients + 1", "'recipients': only the sum of a column"),
        ("numerator: opens_unique", "numerator: {name: opens_unique, filter: x}", "'open_rate'"),
        ("        label: Recipients\n", "        label: R\n        filter: x\n", "'recipients'"),
        ("        label: Recipients\n", "", "'recipients': its YAML lacks `label`"),
        ("meta: {format: integer, klaviyo: opens}", "meta: {}", "lacks `config.meta.format`"),
        ("entity: {type: primary", "entity: {type: unique", "must give one column a primary"),
        ("data_type: date", "data_type: moon", "sent_on: unknown type 'moon'"),
        ("doc('recipients')", "doc('mood')", "document nothing named 'mood'"),
        ("models:", "models: [", "klaviyo__message_performance.yml is no YAML"),
    ],
)
def test_more_than_sums_can_do_is_refused(
    tmp_path: Path, before: str, after: str, complaint: str
) -> None:
    """A metric that no tool could add up, and a text nobody wrote, are named, not simplified."""
    models = Path(shutil.copytree(semantic.MODELS, tmp_path / "models"))
    file = models / "marts" / "klaviyo__message_performance.yml"
    content = file.read_text()
    assert before in content
    file.write_text(content.replace(before, after, 1))
    with pytest.raises(LookerError, match=complaint):
        semantic.load(models)


def test_missing_models(tmp_path: Path) -> None:
    """Without dbt's models the folder is named."""
    with pytest.raises(LookerError, match="models is missing"):
        semantic.load(tmp_path / "models")
