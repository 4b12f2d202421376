"""FIELDS.md: each field from Klaviyo's answer to what Looker and Data Studio call it."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from looker import lookml, markdown, raw
from looker.errors import LookerError
from looker.lineage import Origins
from looker.semantic import Dimension, Metric, SemanticModel, Semantics

EXTRACT = "klaviyo__campaign_extract"
EXTRACTED = "message_performance"  # the model that the extract is a part of
# The extract has the names of the plans it serves; the model calls some of them otherwise.
RENAMED = {
    "date": "sent_on",
    "list_id": "list_ids",
    "opens": "opens_unique",
    "clicks": "clicks_unique",
    "unsubscribes": "unsubscribe_uniques",
}


@dataclass(frozen=True)
class Field:
    """One line of the mapping; empty where a tool has nothing of the kind."""

    label: str
    klaviyo: list[str]
    raw: list[str]
    columns: list[str]
    lookml: str
    data_studio: str
    formula: str
    description: str


def files(semantics: Semantics, origins: Origins) -> Iterator[tuple[str, str]]:
    """The mapping as Markdown: path and content."""
    mapping = _Mapping(semantics, origins)
    models = list(semantics.models.values())
    content = markdown.render(
        "FIELDS.md",
        models=[
            (model, list(mapping.dimensions(model)), list(mapping.metrics(model)))
            for model in models
        ],
        extract=list(mapping.extract()),
        extract_table=EXTRACT,
        extracted=EXTRACTED,
    )
    yield "FIELDS.md", content


def wanted(semantics: Semantics) -> dict[str, list[str]]:
    """The columns of each mart whose origin the mapping tells."""
    columns = {
        model.table: [
            *model.dimensions,
            *(metric.column for metric in semantics.metrics_of(model) if metric.column),
        ]
        for model in semantics.models.values()
    }
    return {**columns, EXTRACT: list(semantics.columns[EXTRACT])}


def formula(metric: Metric, semantics: Semantics) -> str:
    """The metric as Data Studio computes it in a chart: over sums, never over rates."""
    if metric.column:
        return f"SUM({metric.column})"
    parts = {name: formula(semantics.metric(name), semantics) for name in metric.parts}
    if metric.ratio:
        numerator, denominator = metric.ratio
        return f"{parts[numerator]} / NULLIF({parts[denominator]}, 0)"
    names = "|".join(parts)
    return re.sub(rf"\b({names})\b", lambda name: f"({parts[name[1]]})", metric.formula)


class _Mapping:
    """What is known of a field, line by line."""

    def __init__(self, semantics: Semantics, origins: Origins) -> None:
        self._semantics = semantics
        self._origins = origins

    def dimensions(self, model: SemanticModel) -> Iterator[Field]:
        for dimension in model.dimensions.values():
            yield self._dimension(model, dimension)

    def metrics(self, model: SemanticModel) -> Iterator[Field]:
        for metric in self._semantics.metrics_of(model):
            yield self._metric(model, metric)

    def extract(self) -> Iterator[Field]:
        """The columns of the extract; what it lacks of the plans' names is a metric."""
        model = self._semantics.model(EXTRACTED)
        for column in self._semantics.columns[EXTRACT].values():
            name = RENAMED.get(column.name, column.name)
            known = name in model.dimensions or name in self._semantics.metrics
            origins = self._raw(EXTRACT, [column.name])
            yield Field(
                label=column.name,
                klaviyo=_klaviyo(origins),
                raw=origins,
                columns=[column.name],
                lookml=lookml.name_in_view(model, name) if known else "",
                data_studio=column.name,
                formula="",
                description=column.description,
            )

    def _dimension(self, model: SemanticModel, dimension: Dimension) -> Field:
        origins = self._raw(model.table, [dimension.name])
        return Field(
            label=dimension.label,
            klaviyo=_klaviyo(origins),
            raw=origins,
            columns=[dimension.name],
            lookml=lookml.name_in_view(model, dimension.name),
            data_studio=dimension.name,
            formula="",
            description=dimension.description,
        )

    def _metric(self, model: SemanticModel, metric: Metric) -> Field:
        columns = list(dict.fromkeys(_columns(metric, self._semantics)))
        origins = self._raw(model.table, columns)
        return Field(
            label=metric.label,
            klaviyo=[f"statistics/{metric.klaviyo}"] if metric.klaviyo else _klaviyo(origins),
            raw=origins,
            columns=columns,
            lookml=lookml.name_in_view(model, metric.name),
            data_studio=metric.column or metric.label,
            formula=formula(metric, self._semantics),
            description=metric.description,
        )

    def _raw(self, table: str, columns: Iterable[str]) -> list[str]:
        try:
            return sorted({one for column in columns for one in self._origins[table][column]})
        except KeyError as missing:
            raise LookerError(
                f"The origin of {table}, {missing} is not known:"
                " run `.venv/bin/python -m looker build`."
            ) from None


def _columns(metric: Metric, semantics: Semantics) -> Iterator[str]:
    """The columns that a metric sums."""
    if metric.column:
        yield metric.column
    for name in metric.parts:
        yield from _columns(semantics.metric(name), semantics)


def _klaviyo(origins: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(filter(None, map(raw.klaviyo_field, origins))))
