"""Metrics and dimensions as dbt declares them. The only reader of dbt's semantic manifest.

The file is `target/semantic_manifest.json`, written by `dbt parse` and `dbt build` (dbt 1.12).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from looker.errors import LookerError


@dataclass(frozen=True)
class Metric:
    """A sum of one column, or a ratio of two such sums; never an average of rates.

    `format` is integer, percent_n or decimal_n with n digits, or money in the account's currency.
    """

    name: str
    label: str
    description: str
    format: str
    column: str = ""
    ratio: tuple[str, str] | None = None

    @property
    def sums(self) -> tuple[str, ...]:
        """The names of the sums the metric is made of."""
        return self.ratio or (self.name,)


@dataclass(frozen=True)
class Dimension:
    """A column to filter and group by."""

    name: str
    label: str
    description: str
    column: str


@dataclass(frozen=True)
class SemanticModel:
    """A mart; `relation` is its schema and table."""

    name: str
    relation: str
    dimensions: Mapping[str, Dimension]


@dataclass(frozen=True)
class Semantics:
    """Everything a dashboard may refer to, by name."""

    models: Mapping[str, SemanticModel]
    metrics: Mapping[str, Metric]

    def metric(self, name: str) -> Metric:
        """The metric of that name."""
        try:
            return self.metrics[name]
        except KeyError:
            raise LookerError(f"dbt declares no sum or ratio named {name!r}.") from None

    def model(self, name: str) -> SemanticModel:
        """The semantic model of that name."""
        try:
            return self.models[name]
        except KeyError:
            raise LookerError(f"dbt declares no semantic model named {name!r}.") from None


def load(path: Path) -> Semantics:
    """Read a semantic manifest."""
    try:
        manifest = json.loads(path.read_text())
    except FileNotFoundError:
        raise LookerError(f"{path} is missing: run `dbt build` first.") from None
    except ValueError:
        raise LookerError(f"{path} is no JSON: run `dbt build` again.") from None
    metrics = [_metric(entry) for entry in manifest["metrics"] if _is_sum_or_ratio(entry)]
    models = [_model(entry) for entry in manifest["semantic_models"]]
    return Semantics({m.name: m for m in models}, {m.name: m for m in metrics})


def _is_sum_or_ratio(entry: Mapping[str, Any]) -> bool:
    """Whether sums of columns are enough to compute the metric.

    A derived metric has a formula of its own, and a filtered one needs more than a sum.
    """
    kind, parameters = entry["type"], entry["type_params"]
    terms = [parameters["numerator"], parameters["denominator"]] if kind == "ratio" else []
    if entry["filter"] or any(term["filter"] for term in terms):
        return False
    aggregation = parameters["metric_aggregation_params"] or {}
    return kind == "ratio" or (kind == "simple" and aggregation.get("agg") == "sum")


def _metric(entry: Mapping[str, Any]) -> Metric:
    parameters = entry["type_params"]
    is_ratio = entry["type"] == "ratio"
    return Metric(
        name=entry["name"],
        label=_label(entry),
        description=entry["description"] or "",
        format=entry["config"]["meta"].get("format", "integer"),
        column="" if is_ratio else parameters["expr"] or entry["name"],
        ratio=(parameters["numerator"]["name"], parameters["denominator"]["name"])
        if is_ratio
        else None,
    )


def _model(entry: Mapping[str, Any]) -> SemanticModel:
    relation = entry["node_relation"]
    dimensions = [_dimension(dimension) for dimension in entry["dimensions"]]
    return SemanticModel(
        name=entry["name"],
        relation=f"{relation['schema_name']}.{relation['alias']}",
        dimensions={dimension.name: dimension for dimension in dimensions},
    )


def _dimension(entry: Mapping[str, Any]) -> Dimension:
    return Dimension(
        entry["name"], _label(entry), entry["description"] or "", entry["expr"] or entry["name"]
    )


def _label(entry: Mapping[str, Any]) -> str:
    label: str = entry["label"] or entry["name"].replace("_", " ").capitalize()
    return label
