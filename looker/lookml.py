"""LookML: a view for each semantic model, with dbt's names and definitions.

Every measure is a sum, or a ratio or formula of sums, so no filter or split turns a rate into an
average. The SQL runs on BigQuery, Postgres and DuckDB.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import lkml

from looker.declaration import Dashboard
from looker.semantic import Dimension, Metric, SemanticModel, Semantics, Type

HEADER = "# Generated from dbt by `python -m looker build`: refine it in refinements/, do not edit."
PROJECT = "klaviyo"

FIRST_DAY = "2000-01-01"
ALL_DAYS = f"after {FIRST_DAY}"  # a filter, instead of the days that an explore shows by default
TYPES: Mapping[Type, str] = {"text": "string", "number": "number", "boolean": "yesno"}
TIMEFRAMES = [
    "date",
    "week",
    "month",
    "quarter",
    "year",
    "day_of_week",
    "week_of_year",
    "month_name",
]
WEEKDAY = (
    "_weekday"  # a column that the timeframe `day_of_week` shows as names, in Looker's language
)
ONCE_A_DAY = (
    " Over several days a flow's people are counted once a day; the explore Flow period has"
    " Klaviyo's own figures."
)
GROUPS = {"sum": "Sums", "ratio": "Ratios", "formula": "Scores"}
ACCOUNT = "account_name"  # in every model
PERIODS = ("week", "month", "year")  # that a sum is compared over


def generate_files(semantics: Semantics, dashboard: Dashboard) -> Iterator[tuple[str, str]]:
    """The manifest and the views of the Looker project: path and content."""
    yield "manifest.lkml", dump(_build_manifest())
    for model in semantics.models.values():
        view = _build_view(model, semantics, dashboard)
        yield f"views/{model.name}.view.lkml", dump({"views": [view]})


def field_reference(model: SemanticModel, name: str) -> str:
    """The full name of a dimension or metric, `view.field`."""
    return f"{model.name}.{name_in_view(model, name)}"


def name_in_view(model: SemanticModel, name: str) -> str:
    """The name of a dimension or metric in its view."""
    dimension = model.dimensions.get(name)
    return _field_name(dimension) if dimension else name


def time_reference(model: SemanticModel, grain: str) -> str:
    """The full name of the day, week, month or year of a model's date."""
    return f"{model.name}.{_strip_suffix(model.date)}_{'date' if grain == 'day' else grain}"


def table_name(model: SemanticModel) -> str:
    """A model's mart in the warehouse that Looker reads."""
    return f"@{{SCHEMA}}.{model.table}"


def is_compared(metric: Metric, dashboard: Dashboard) -> bool:
    """Whether a metric has measures of the period before: a sum that is a figure of chosen days."""
    figures = [tile for tile in dashboard.tiles if tile.chart == "figures" and tile.dated]
    return bool(metric.column) and any(metric.name in tile.metrics for tile in figures)


def name_before(metric: Metric, period: str) -> str:
    """The name of the measure that has a metric's value in the period before."""
    return f"{metric.name}_last_{period}"


def is_hidden(dimension: Dimension) -> bool:
    """Whether a dimension is an id, which groups and joins but is not for readers."""
    return dimension.name.endswith(("_id", "_ids"))


def title(name: str) -> str:
    """A name in words, with a capital letter."""
    return name.replace("_", " ").capitalize()


def dump(content: Mapping[str, Any]) -> str:
    """A part of the project as LookML."""
    return f"{HEADER}\n\n{lkml.dump(dict(content))}\n"


def _build_manifest() -> dict[str, Any]:
    # A project that imports this one has to name its own warehouse, and the model of its dashboards
    # if that is another.
    constants = [
        {"name": "MODEL", "value": PROJECT, "export": "override_optional"},
        {"name": "CONNECTION", "value": "warehouse", "export": "override_required"},
        {"name": "SCHEMA", "value": "klaviyo", "export": "override_required"},
    ]
    # Only this runtime has measures of an earlier period.
    return {"project_name": PROJECT, "new_lookml_runtime": "yes", "constants": constants}


def _build_view(model: SemanticModel, semantics: Semantics, dashboard: Dashboard) -> dict[str, Any]:
    dimensions = [
        dimension
        for dimension in model.dimensions.values()
        if dimension.type in TYPES and not _is_timeframe(dimension)
    ]
    times = [
        dimension for dimension in model.dimensions.values() if dimension.type in ("date", "time")
    ]
    detail = [
        dimension
        for dimension in dimensions
        if dimension.type == "text" and not is_hidden(dimension)
    ]
    return {
        "name": model.name,
        "label": title(model.name),
        "sql_table_name": table_name(model),
        "dimensions": [
            _build_key_dimension(model),
            *(
                _build_dimension(one)
                | _build_words(one, dashboard)
                | _build_links(one, model, dashboard)
                for one in dimensions
            ),
            *(_build_order(one, dashboard) for one in dimensions if _is_ordered(one, dashboard)),
        ],
        "dimension_groups": [
            _build_dimension_group(time) for time in times if not _is_timeframe(time)
        ],
        "measures": [
            measure
            for metric in semantics.metrics_of(model)
            for measure in _build_measures(metric, semantics, dashboard)
        ],
        "sets": [
            {
                "name": "detail",
                "fields": [_field_name(model.dimensions[model.date]), *map(_field_name, detail)],
            }
        ],
    }


def _build_key_dimension(model: SemanticModel) -> dict[str, Any]:
    sql = f"${{TABLE}}.{model.key}"
    return {"name": model.key, "primary_key": "yes", "hidden": "yes", "type": "string", "sql": sql}


def _build_dimension(dimension: Dimension) -> dict[str, Any]:
    return {
        "name": dimension.name,
        **({"hidden": "yes"} if is_hidden(dimension) else {}),
        "type": TYPES[dimension.type],
        "label": dimension.label,
        "description": dimension.description,
        **({"value_format_name": value_format(dimension.format)} if dimension.format else {}),
        "sql": f"${{TABLE}}.{dimension.name}",
    }


def _build_words(dimension: Dimension, dashboard: Dashboard) -> dict[str, str]:
    """The labels of a text's values, instead of the values, and their order; filters keep these."""
    labels = {
        value: words["label"]
        for value, words in _find_values(dimension, dashboard).items()
        if words["label"] != value
    }
    cases = "".join(f"{{% when '{value}' %}}{label}" for value, label in labels.items())
    html = f"{{% case value %}}{cases}{{% else %}}{{{{ rendered_value }}}}{{% endcase %}}"
    return {
        **({"html": html} if labels else {}),
        **(
            {"order_by_field": f"{dimension.name}_order"}
            if _is_ordered(dimension, dashboard)
            else {}
        ),
    }


def _build_order(dimension: Dimension, dashboard: Dashboard) -> dict[str, str]:
    """The position of a text's value among those declared."""
    values = enumerate(_find_values(dimension, dashboard), 1)
    cases = " ".join(f"WHEN '{value}' THEN {position}" for position, value in values)
    return {
        "name": f"{dimension.name}_order",
        "hidden": "yes",
        "type": "number",
        "sql": f"CASE ${{TABLE}}.{dimension.name} {cases} END",
    }


def _is_ordered(dimension: Dimension, dashboard: Dashboard) -> bool:
    """Whether a text's values are declared in another order than that of the alphabet."""
    values = list(_find_values(dimension, dashboard))
    return values != sorted(values)


def _find_values(dimension: Dimension, dashboard: Dashboard) -> Mapping[str, Mapping[str, str]]:
    """The declared values of a text, in their order."""
    declared = dashboard.values.get(dimension.name, {}) if dimension.type == "text" else {}
    return {str(value): words for value, words in declared.items()}


def _build_links(
    dimension: Dimension, model: SemanticModel, dashboard: Dashboard
) -> dict[str, list[dict[str, str]]]:
    """From the name of a subject, such as a campaign, to its dashboard and to Klaviyo."""
    for page, subject in dashboard.subjects.items():
        if dimension.name == subject.name and subject.dimension in model.dimensions:
            board = f"/dashboards/{{{{ _model._name }}}}::{PROJECT}_{page}"
            account = f"Account={{{{ {ACCOUNT}._value | url_encode }}}}"
            chosen = f"?{account}&{dimension.label}={{{{ value | url_encode }}}}"
            address = subject.address.format(f"{{{{ {subject.dimension}._value | url_encode }}}}")
            return {
                "links": [
                    {"label": f"{dimension.label} dashboard", "url": board + chosen},
                    {"label": "Open in Klaviyo", "url": address},
                ]
            }
    return {}


def _build_dimension_group(dimension: Dimension) -> dict[str, Any]:
    # A date is in the account's time zone already: Looker must not convert it.
    dated = {"datatype": "date", "convert_tz": "no", "timeframes": TIMEFRAMES}
    timed = {"datatype": "timestamp", "timeframes": ["time", "hour_of_day", *TIMEFRAMES]}
    return {
        "name": _strip_suffix(dimension.name),
        "type": "time",
        **(dated if dimension.type == "date" else timed),
        "label": dimension.label.removesuffix(" date"),
        "description": dimension.description,
        "sql": f"${{TABLE}}.{dimension.name}",
    }


def _field_name(dimension: Dimension) -> str:
    """The name of a dimension in its view. A date or time is a group of fields; this is its day."""
    if dimension.name.endswith(WEEKDAY):
        return f"{dimension.name.removesuffix(WEEKDAY)}_day_of_week"
    if dimension.type not in ("date", "time") or _is_timeframe(dimension):
        return dimension.name
    return f"{_strip_suffix(dimension.name)}_date"


def _is_timeframe(dimension: Dimension) -> bool:
    """Whether the group of another dimension has this one, as that of `sent_on` has `sent_week`."""
    is_longer = dimension.type == "date" and dimension.grain != "day"
    return is_longer or dimension.name.endswith(WEEKDAY)


def _strip_suffix(name: str) -> str:
    return re.sub("_(on|at)$", "", name)


def _build_measures(
    metric: Metric, semantics: Semantics, dashboard: Dashboard
) -> Iterator[dict[str, Any]]:
    """The measure of a metric, and those that compare it with the period before."""
    yield _build_measure(metric, semantics)
    for period in PERIODS if is_compared(metric, dashboard) else ():
        yield from _build_comparison(metric, period, semantics, dashboard)


def _build_measure(metric: Metric, semantics: Semantics) -> dict[str, Any]:
    kind = "ratio" if metric.ratio else "formula" if metric.formula else "sum"
    return {
        "name": metric.name,
        "type": "sum" if kind == "sum" else "number",
        "group_label": GROUPS[kind],
        "label": metric.label,
        "description": f"{metric.description}{ONCE_A_DAY if metric.by_day else ''}",
        "value_format_name": value_format(metric.format),
        **_build_required_fields(metric, semantics),
        **({"html": "{{ linked_value }} {{ currency._value }}"} if metric.is_money else {}),
        "drill_fields": ["detail*", *metric.parts, metric.name],
        "sql": _build_measure_sql(metric),
    }


def _build_comparison(
    metric: Metric, period: str, semantics: Semantics, dashboard: Dashboard
) -> Iterator[dict[str, Any]]:
    """A metric's value one period earlier, and its change since.

    Looker computes them in queries with a timeframe of the date that is no longer than the period,
    on BigQuery, Snowflake and Redshift.
    https://docs.cloud.google.com/looker/docs/period-over-period
    """
    model = semantics.model(metric.model)
    days = dashboard.growing_days(model)
    growing = f" Messages are credited with orders for {days} days." if days else ""
    for kind, name, label, value_format_name in (
        ("previous", name_before(metric, period), "", value_format(metric.format)),
        ("relative_change", f"{metric.name}_change_in_a_{period}", "change from ", "percent_1"),
    ):
        yield {
            "name": name,
            "type": "period_over_period",
            "group_label": "Compared with a period before",
            "label": f"{metric.label}, {label}one {period} earlier",
            "description": f"{metric.label}, {label}one {period} earlier than the row's day, week,"
            f" month or year. It needs one of these in the query, at most a {period}.{growing}",
            "value_format_name": value_format_name,
            **_build_required_fields(metric, semantics),
            "based_on": field_reference(model, metric.name),
            "based_on_time": time_reference(model, "day"),
            "period": period,
            "kind": kind,
        }


def _build_required_fields(metric: Metric, semantics: Semantics) -> dict[str, list[str]]:
    """The fields that Looker adds to a query."""
    model = semantics.model(metric.model)
    fields = [name_in_view(model, name) for name in semantics.required_dimensions(metric)]
    return {"required_fields": fields} if fields else {}


def _build_measure_sql(metric: Metric) -> str:
    if metric.ratio:
        return "1.0 * ${{{}}} / NULLIF(${{{}}}, 0)".format(*metric.ratio)
    if metric.formula:
        return re.sub(rf"\b({'|'.join(metric.inputs)})\b", r"${\1}", metric.formula)
    return f"${{TABLE}}.{metric.column}"


def value_format(declared: str) -> str:
    """Looker's name of a format. It has none for multiples or amounts of several currencies."""
    named = {"integer": "decimal_0", "money": "decimal_2"}.get(declared, declared)
    return named.replace("times_", "decimal_")
