"""Apache Ossie, the format in which tools exchange semantic models: datasets, fields, metrics.

The document follows core-spec/spec.md of github.com/apache/ossie. dbt writes one too, at each build
(target/osi_document.json, version 0.1.1); this one is of the current draft and needs no build, and
has what a query has to group by.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from looker.semantic import Column, Dimension, Metric, SemanticModel, Semantics, Type

FILE = "ossie.yml"
HEADER = "# Generated from dbt by `python -m looker build`: do not edit.\n"
VERSION = "0.2.0.dev0"
# A number may be an integer or not: the format lets an unknown type be left out.
TYPES: Mapping[Type, str] = {
    "text": "String",
    "boolean": "Boolean",
    "date": "Date",
    "time": "DateTimeTz",
}
INSTRUCTIONS = (
    "Dates are in the account's time zone. Compute a rate as the ratio of sums, never as an"
    " average. An amount is NULL over several currencies: group by currency."
)


def generate_files(semantics: Semantics) -> Iterator[tuple[str, str]]:
    """The document: path and content."""
    content = yaml.safe_dump(
        build_document(semantics),
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=None,
        width=120,
    )
    yield FILE, HEADER + content


def build_document(semantics: Semantics) -> dict[str, Any]:
    """The whole semantic layer as a document of the format."""
    model = {
        "name": "klaviyo",
        "description": "Klaviyo's campaign and flow results, audiences and the orders they cause.",
        "ai_context": {"instructions": INSTRUCTIONS},
        "datasets": [_build_dataset(model, semantics) for model in semantics.models.values()],
        "metrics": [_build_metric(metric, semantics) for metric in semantics.metrics.values()],
    }
    return {"version": VERSION, "semantic_model": [model]}


def _build_dataset(model: SemanticModel, semantics: Semantics) -> dict[str, Any]:
    columns = semantics.columns[model.table].values()
    return {
        "name": model.name,
        "source": model.relation,
        "primary_key": [model.key],
        "description": model.description,
        "fields": [_build_field(column, model) for column in columns],
    }


def _build_field(column: Column, model: SemanticModel) -> dict[str, Any]:
    return {
        "name": column.name,
        "expression": _build_expression(column.name),
        **_build_dimension(model.dimensions.get(column.name)),
        "description": column.description,
        **({"datatype": TYPES[column.type]} if column.type in TYPES else {}),
    }


def _build_dimension(dimension: Dimension | None) -> dict[str, Any]:
    if dimension is None:
        return {}
    is_time = dimension.type in ("date", "time")
    return {"dimension": {"is_time": is_time}, "label": dimension.label}


def _build_metric(metric: Metric, semantics: Semantics) -> dict[str, Any]:
    required = semantics.required_dimensions(metric)
    grouping = {"ai_context": {"instructions": f"Group by {' and '.join(required)}."}}
    return {
        "name": metric.name,
        "expression": _build_expression(find_sql(metric, semantics)),
        "description": f"{metric.label}: {metric.description}",
        **(grouping if required else {}),
    }


def find_sql(metric: Metric, semantics: Semantics) -> str:
    """The SQL of a metric, with each column named after its dataset."""
    inputs = {name: find_sql(semantics.metric(name), semantics) for name in metric.parts}
    if metric.ratio:
        numerator, denominator = metric.ratio
        return f"1.0 * {inputs[numerator]} / NULLIF({inputs[denominator]}, 0)"
    if metric.formula:
        names = "|".join(inputs)
        return re.sub(rf"\b({names})\b", lambda name: f"({inputs[name[0]]})", metric.formula)
    total = f"SUM({metric.model}.{metric.column})"
    if metric.format != "money":
        return total
    currencies = f"COUNT(DISTINCT COALESCE({metric.model}.currency, 'unknown'))"
    return f"CASE WHEN {currencies} = 1 THEN {total} END"


def _build_expression(sql: str) -> dict[str, Any]:
    return {"dialects": [{"dialect": "ANSI_SQL", "expression": sql}]}
