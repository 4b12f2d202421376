"""What can be asked: the metrics and dimensions of dbt's semantic layer, without those of people.

A mart with a column that dbt's YAML marks `pii` has a row per person: none of its columns is here.
"""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from looker import declaration, lineage, semantic
from looker.declaration import Dashboard, make_slug
from looker.field_mapping import find_summed_columns, formula
from looker.lineage import Origins
from looker.semantic import Dimension, Metric, SemanticModel, Semantics
from scripts.command import UsageError

CHANNEL = "send_channel"
FINDINGS = "klaviyo__finding"
Value = str | int | float | bool | None
Named = TypeVar("Named")


@dataclass(frozen=True)
class Catalog:
    """The declared names, each with its definition; an unknown name is a UsageError."""

    semantics: Semantics
    dashboard: Dashboard
    origins: Origins

    @classmethod
    def load(cls) -> "Catalog":
        """Read the declarations beside dbt's models and the dashboard's."""
        semantics = semantic.load()
        return cls(semantics, declaration.load(semantics), lineage.load())

    @cached_property
    def models(self) -> Mapping[str, SemanticModel]:
        """The semantic models by name."""
        return {
            name: model
            for name, model in self.semantics.models.items()
            if not self.holds_people(model.table)
        }

    @cached_property
    def metrics(self) -> Mapping[str, Metric]:
        """The metrics by name."""
        metrics = self.semantics.metrics.items()
        return {name: metric for name, metric in metrics if metric.model in self.models}

    @cached_property
    def dimensions(self) -> Mapping[str, list[SemanticModel]]:
        """The models that have a dimension, by its name."""
        models = self.models.values()
        names = dict.fromkeys(name for model in models for name in model.dimensions)
        return {name: [model for model in models if name in model.dimensions] for name in names}

    def holds_people(self, table: str) -> bool:
        """Whether a mart has columns of personal data."""
        return any(column.is_personal for column in self.semantics.columns[table].values())

    @property
    def findings(self) -> list[str]:
        """The columns of the mart with findings, if dbt declares it: all but its keys."""
        columns = self.semantics.columns.get(FINDINGS, {})
        return [name for name in columns if not name.endswith("_key")]

    def model(self, name: str) -> SemanticModel:
        """The semantic model of that name."""
        return _find(name, self.models, "model")

    def metric(self, name: str) -> Metric:
        """The metric of that name or label."""
        return _find(self.metric_names.get(name, name), self.metrics, "metric")

    @property
    def metric_names(self) -> dict[str, str]:
        """The metric behind each name and label: conversion_value is revenue, too."""
        labels = {make_slug(metric.label): metric.name for metric in self.metrics.values()}
        return labels | {name: name for name in self.metrics}

    def dimension(self, model: SemanticModel, name: str) -> Dimension:
        """The dimension of that name in a model."""
        return _find(name, model.dimensions, f"dimension of {model.name}")

    def list_values(self, dimension: Dimension) -> dict[str, str]:
        """The declared values of a dimension, each with its label."""
        values = self.dashboard.values.get(dimension.name, {})
        return {str(value): look["label"] for value, look in values.items()}

    def find_value(self, dimension: Dimension, value: Value) -> Value:
        """The value behind its label, in any case: `email` behind Email."""
        labels = self.list_values(dimension)
        if str(value) in labels:
            return value
        names = {label.casefold(): name for name, label in labels.items()}
        names |= {name.casefold(): name for name in labels}
        return names.get(str(value).strip().casefold(), value)

    def required_dimensions(self, metric: Metric) -> list[str]:
        """What every answer is split by: periods, currencies and, for a rate, channels.

        A rate over several channels is a figure that no screen of Klaviyo shows.
        """
        is_rate = metric.format.startswith("percent") and bool(metric.parts)
        has_channel = CHANNEL in self.model(metric.model).dimensions
        channel = [CHANNEL] if is_rate and has_channel else []
        return [*self.semantics.required_dimensions(metric), *channel]

    def describe_metric(self, metric: Metric) -> dict[str, Any]:
        """The definition of a metric, down to the columns of the raw tables."""
        table = self.model(metric.model).table
        columns = dict.fromkeys(find_summed_columns(metric, self.semantics))
        origins = {origin for column in columns for origin in self.origins[table][column]}
        return {
            "name": metric.name,
            "kind": "metric",
            "label": metric.label,
            "definition": metric.description,
            "format": metric.format,
            "model": metric.model,
            "formula": formula(metric, self.semantics),
            "klaviyo_statistic": metric.klaviyo or None,
            "raw_columns": sorted(origins),
            "always_split_by": self.required_dimensions(metric),
        }

    def describe_dimension(self, name: str) -> dict[str, Any]:
        """The definition of a dimension in each model that has it."""
        models = _find(name, self.dimensions, "metric or dimension")
        dimension = models[0].dimensions[name]
        return {
            "name": name,
            "kind": "dimension",
            "label": dimension.label,
            "type": dimension.type,
            "definitions": {model.name: model.dimensions[name].description for model in models},
            "labels_of_values": self.list_values(dimension),
        }


def _find(name: str, known: Mapping[str, Named], kind: str) -> Named:
    """The entry of that name; without one the error has the names that resemble it."""
    if name in known:
        return known[name]
    raise UsageError(f"There is no {kind} named {name!r}. {_suggest(name, known)}")


def _suggest(name: str, known: Iterable[str]) -> str:
    words = set(name.split("_"))
    similar = difflib.get_close_matches(name, known, n=5, cutoff=0.5)
    similar += [
        candidate
        for candidate in known
        if candidate not in similar and words & set(candidate.split("_"))
    ]
    if not similar:
        return "list_metrics and list_dimensions have all names."
    return f"Similar names: {', '.join(similar[:8])}."
