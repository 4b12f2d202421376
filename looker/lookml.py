"""LookML: a view and an explore for each semantic model, with dbt's own names and definitions.

Measures are sums or are made of sums, so no filter and no split can turn a rate into an average.
The SQL is what BigQuery, Postgres and DuckDB read alike.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import lkml

from looker.semantic import Dimension, Metric, SemanticModel, Semantics, Type

HEADER = "# Generated from dbt by `python -m looker build`: refine it in refinements/, do not edit."
PROJECT = "klaviyo"

TYPES: Mapping[Type, str] = {"text": "string", "number": "number", "boolean": "yesno"}
TIMEFRAMES = ["date", "week", "month", "quarter", "year"]
GROUPS = {"sum": "Sums", "ratio": "Ratios", "formula": "Scores"}


def files(semantics: Semantics) -> Iterator[tuple[str, str]]:
    """Each file of the Looker project but its dashboards: path and content."""
    yield "manifest.lkml", _file(_manifest())
    yield f"{PROJECT}.model.lkml", _file(_model(semantics))
    for model in semantics.models.values():
        yield f"views/{model.name}.view.lkml", _file({"views": [_view(model, semantics)]})


def field(model: SemanticModel, name: str) -> str:
    """How Looker refers to a dimension or metric of a model."""
    return f"{model.name}.{name_in_view(model, name)}"


def name_in_view(model: SemanticModel, name: str) -> str:
    """What a dimension or metric is called in its view."""
    dimension = model.dimensions.get(name)
    return _field(dimension) if dimension else name


def time_field(model: SemanticModel, grain: str) -> str:
    """How Looker refers to the days or weeks that the metrics of a model are dated by."""
    return f"{model.name}.{_stem(model.date)}_{'date' if grain == 'day' else grain}"


def is_hidden(dimension: Dimension) -> bool:
    """Ids group and join; nobody wants to read them."""
    return dimension.name.endswith(("_id", "_ids"))


def title(name: str) -> str:
    """A name as people write it."""
    return name.replace("_", " ").capitalize()


def _file(content: Mapping[str, Any]) -> str:
    return f"{HEADER}\n\n{lkml.dump(dict(content))}\n"


def _manifest() -> dict[str, Any]:
    # A project that imports this one must say where its own warehouse is.
    constants = [
        {"name": "CONNECTION", "value": "warehouse", "export": "override_required"},
        {"name": "SCHEMA", "value": "klaviyo", "export": "override_required"},
    ]
    return {"project_name": PROJECT, "constants": constants}


def _model(semantics: Semantics) -> dict[str, Any]:
    synced = "SELECT MAX(last_synced_at) FROM @{SCHEMA}.klaviyo__data_health"
    return {
        "connection": "@{CONNECTION}",
        "label": "Klaviyo",
        "week_start_day": "monday",
        "includes": ["/views/*.view.lkml", "/refinements/*.lkml", "/dashboards/*.dashboard.lookml"],
        "datagroups": [{"name": "synced", "sql_trigger": synced, "max_cache_age": "24 hours"}],
        "persist_with": "synced",
        "explores": [
            {"name": model.name, "label": title(model.name), "description": model.description}
            for model in semantics.models.values()
        ],
    }


def _view(model: SemanticModel, semantics: Semantics) -> dict[str, Any]:
    dimensions = [one for one in model.dimensions.values() if one.type in TYPES]
    times = [one for one in model.dimensions.values() if one.type in ("date", "time")]
    detail = [one for one in dimensions if one.type == "text" and not is_hidden(one)]
    return {
        "name": model.name,
        "label": title(model.name),
        "sql_table_name": f"@{{SCHEMA}}.{model.table}",
        "dimensions": [_key(model), *map(_dimension, dimensions)],
        "dimension_groups": [_dimension_group(one) for one in times if not _is_timeframe(one)],
        "measures": [_measure(one, semantics) for one in semantics.metrics_of(model)],
        "sets": [
            {
                "name": "detail",
                "fields": [_field(model.dimensions[model.date]), *map(_field, detail)],
            }
        ],
    }


def _key(model: SemanticModel) -> dict[str, Any]:
    sql = f"${{TABLE}}.{model.key}"
    return {"name": model.key, "primary_key": "yes", "hidden": "yes", "type": "string", "sql": sql}


def _dimension(dimension: Dimension) -> dict[str, Any]:
    return {
        "name": dimension.name,
        **({"hidden": "yes"} if is_hidden(dimension) else {}),
        "type": TYPES[dimension.type],
        "label": dimension.label,
        "description": dimension.description,
        **({"value_format_name": _format(dimension.format)} if dimension.format else {}),
        "sql": f"${{TABLE}}.{dimension.name}",
    }


def _dimension_group(dimension: Dimension) -> dict[str, Any]:
    # A date stands in the account's time zone already: Looker must not shift it.
    dated = {"datatype": "date", "convert_tz": "no", "timeframes": TIMEFRAMES}
    timed = {"datatype": "timestamp", "timeframes": ["time", "hour_of_day", *TIMEFRAMES]}
    return {
        "name": _stem(dimension.name),
        "type": "time",
        **(dated if dimension.type == "date" else timed),
        "label": dimension.label.removesuffix(" date"),
        "description": dimension.description,
        "sql": f"${{TABLE}}.{dimension.name}",
    }


def _field(dimension: Dimension) -> str:
    """The name a view gives a dimension; a time is a group of fields, of which this is the day."""
    if dimension.type not in ("date", "time") or _is_timeframe(dimension):
        return dimension.name
    return f"{_stem(dimension.name)}_date"


def _is_timeframe(dimension: Dimension) -> bool:
    """Whether the group of the day has it already, such as `sent_week` of `sent_on`."""
    return dimension.type == "date" and dimension.grain != "day"


def _stem(name: str) -> str:
    return re.sub("_(on|at)$", "", name)


def _measure(metric: Metric, semantics: Semantics) -> dict[str, Any]:
    kind = "ratio" if metric.ratio else "formula" if metric.formula else "sum"
    return {
        "name": metric.name,
        "type": "sum" if kind == "sum" else "number",
        "group_label": GROUPS[kind],
        "label": metric.label,
        "description": metric.description,
        "value_format_name": _format(metric.format),
        # Added to the query unseen, so that amounts of two currencies are never one sum.
        **({"required_fields": ["currency"]} if _is_money(metric, semantics) else {}),
        "drill_fields": ["detail*", *metric.parts, metric.name],
        "sql": _sql(metric),
    }


def _sql(metric: Metric) -> str:
    if metric.ratio:
        return "1.0 * ${{{}}} / NULLIF(${{{}}}, 0)".format(*metric.ratio)
    if metric.formula:
        return re.sub(rf"\b({'|'.join(metric.inputs)})\b", r"${\1}", metric.formula)
    return f"${{TABLE}}.{metric.column}"


def _is_money(metric: Metric, semantics: Semantics) -> bool:
    parts = [semantics.metric(name) for name in metric.parts]
    return metric.format == "money" or any(_is_money(part, semantics) for part in parts)


def _format(declared: str) -> str:
    """Looker's name of a format. It has none for multiples and amounts in several currencies."""
    named = {"integer": "decimal_0", "money": "decimal_2"}.get(declared, declared)
    return named.replace("times_", "decimal_")
