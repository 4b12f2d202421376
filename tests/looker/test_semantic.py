"""The semantic layer's reader refuses what it cannot read; test_lookml.py compares the rest."""

import shutil
from pathlib import Path

import pytest

from looker import semantic
from looker.errors import LookerError


def test_unsupported_yaml_is_refused(tmp_path: Path, subtests: pytest.Subtests) -> None:
    """A metric that is no sum, ratio or formula, and a missing or invalid text, is an error."""
    cases = [
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
    ]
    models = Path(shutil.copytree(semantic.MODELS, tmp_path / "models"))
    file = models / "marts" / "klaviyo__message_performance.yml"
    content = file.read_text()
    for before, after, message in cases:
        with subtests.test(after=after):
            assert before in content
            file.write_text(content.replace(before, after, 1))
            with pytest.raises(LookerError, match=message):
                semantic.load(models)


def test_every_count_of_people_by_day_says_so() -> None:
    """Its definition, in each tool, says that over days it is not Klaviyo's figure of a flow."""
    semantics = semantic.load()

    def counts_people(metric: semantic.Metric) -> bool:
        parts = map(semantics.metric, metric.parts)
        return "_unique" in metric.column or any(counts_people(part) for part in parts)

    metrics = [
        metric
        for metric in semantics.metrics.values()
        if "message_type" in semantics.models[metric.model].dimensions and counts_people(metric)
    ]
    assert {"open_rate", "unsubscribe_rate", "engagement_score"} <= {each.name for each in metrics}
    note = "a flow's people are counted once a day, unlike in klaviyo__flow_period"
    assert [metric.name for metric in metrics if note not in metric.description] == []


def test_a_missing_models_folder_is_named(tmp_path: Path) -> None:
    """The error for a missing models folder names it."""
    with pytest.raises(LookerError, match="models is missing"):
        semantic.load(tmp_path / "models")
