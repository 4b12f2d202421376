"""FIELDS.md: each field from Klaviyo's response to its name in Looker and Data Studio."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from looker import lookml, markdown, raw_tables
from looker.errors import LookerError
from looker.lineage import Origins
from looker.semantic import Dimension, Metric, SemanticModel, Semantics

EXTRACT = "klaviyo__campaign_extract"
EXTRACT_MODEL = "message_performance"  # the model whose columns the extract holds
# Column of the extract -> the model's name, where they differ. The extract keeps the names that
# existing spreadsheets use.
MODEL_NAMES = {
    "date": "sent_on",
    "list_id": "list_ids",
    "opens": "opens_unique",
    "clicks": "clicks_unique",
    "unsubscribes": "unsubscribe_uniques",
}


@dataclass(frozen=True)
class Field:
    """One entry of the mapping; empty where a tool has no such field."""

    label: str
    klaviyo: list[str]
    raw: list[str]
    column: str
    lookml: str
    formula: str
    description: str

    @property
    def origin(self) -> str:
        """Where it comes from, in Markdown."""
        return "; ".join(
            [
                f"Klaviyo {markdown.format_code(self.klaviyo)}",
                f"raw {markdown.format_columns(self.raw)}",
                *([f"mart `{self.column}`"] if self.column not in ("", self.lookml) else []),
                *([f"formula `{self.formula}`"] if self.formula else []),
            ]
        )


def generate_files(semantics: Semantics, origins: Origins) -> Iterator[tuple[str, str]]:
    """The mapping as Markdown: path and content."""
    mapping = _FieldMapping(semantics, origins)
    models = list(semantics.models.values())
    content = markdown.render(
        "FIELDS.md",
        models=[
            (model, list(mapping.dimensions(model)), list(mapping.metrics(model)))
            for model in models
        ],
        extract=list(mapping.extract()),
        extract_table=EXTRACT,
        extract_model=EXTRACT_MODEL,
    )
    yield "FIELDS.md", content


def traced_columns(semantics: Semantics) -> dict[str, list[str]]:
    """The columns of each mart whose origins the mapping shows."""
    columns = {
        model.table: [
            *model.dimensions,
            *(metric.column for metric in semantics.metrics_of(model) if metric.column),
        ]
        for model in semantics.models.values()
    }
    return {**columns, EXTRACT: list(semantics.columns[EXTRACT])}


def formula(metric: Metric, semantics: Semantics) -> str:
    """The metric as a calculated field of Data Studio: of sums, never of rates."""
    if metric.column:
        return f"SUM({metric.column})"
    parts = {name: formula(semantics.metric(name), semantics) for name in metric.parts}
    if metric.ratio:
        numerator, denominator = metric.ratio
        return f"{parts[numerator]} / NULLIF({parts[denominator]}, 0)"
    names = "|".join(parts)
    return re.sub(rf"\b({names})\b", lambda name: f"({parts[name[1]]})", metric.formula)


class _FieldMapping:
    """The entries of the mapping."""

    def __init__(self, semantics: Semantics, origins: Origins) -> None:
        self._semantics = semantics
        self._origins = origins

    def dimensions(self, model: SemanticModel) -> Iterator[Field]:
        for dimension in model.dimensions.values():
            yield self._map_dimension(model, dimension)

    def metrics(self, model: SemanticModel) -> Iterator[Field]:
        for metric in self._semantics.metrics_of(model):
            yield self._map_metric(model, metric)

    def extract(self) -> Iterator[Field]:
        """The columns of the extract."""
        model = self._semantics.model(EXTRACT_MODEL)
        for column in self._semantics.columns[EXTRACT].values():
            name = MODEL_NAMES.get(column.name, column.name)
            is_field = name in model.dimensions or name in self._semantics.metrics
            origins = self._find_origins(EXTRACT, [column.name])
            yield Field(
                label=column.name,
                klaviyo=_klaviyo_fields(origins),
                raw=origins,
                column=column.name,
                lookml=lookml.name_in_view(model, name) if is_field else "",
                formula="",
                description=column.description,
            )

    def _map_dimension(self, model: SemanticModel, dimension: Dimension) -> Field:
        origins = self._find_origins(model.table, [dimension.name])
        return Field(
            label=dimension.label,
            klaviyo=_klaviyo_fields(origins),
            raw=origins,
            column=dimension.name,
            lookml=lookml.name_in_view(model, dimension.name),
            formula="",
            description=dimension.description,
        )

    def _map_metric(self, model: SemanticModel, metric: Metric) -> Field:
        columns = list(dict.fromkeys(find_summed_columns(metric, self._semantics)))
        origins = self._find_origins(model.table, columns)
        return Field(
            label=metric.label,
            klaviyo=[f"statistics/{metric.klaviyo}"]
            if metric.klaviyo
            else _klaviyo_fields(origins),
            raw=origins,
            column=metric.column,
            lookml=lookml.name_in_view(model, metric.name),
            formula=formula(metric, self._semantics),
            description=metric.description,
        )

    def _find_origins(self, table: str, columns: Iterable[str]) -> list[str]:
        try:
            return sorted({origin for column in columns for origin in self._origins[table][column]})
        except KeyError as missing:
            raise LookerError(
                f"The origin of {table}, {missing} is unknown:"
                " run `.venv/bin/python -m looker build`."
            ) from None


def find_summed_columns(metric: Metric, semantics: Semantics) -> Iterator[str]:
    """The columns that a metric sums, its parts included."""
    if metric.column:
        yield metric.column
    for name in metric.parts:
        yield from find_summed_columns(semantics.metric(name), semantics)


def _klaviyo_fields(origins: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(filter(None, map(raw_tables.klaviyo_field, origins))))
