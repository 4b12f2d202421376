"""LookML's views: one for each semantic model, with dbt's names and definitions.

Every measure is a sum, or a ratio or formula of sums, so no filter or split turns a rate into an
average. The SQL runs on BigQuery, Postgres and DuckDB.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from looker import lookml
from looker.declaration import Dashboard, find_counted
from looker.semantic import Dimension, Metric, SemanticModel, Semantics, Type

TYPES: Mapping[Type, str] = {"text": "string", "number": "number", "boolean": "yesno"}
TIMEFRAMES = "date week month quarter year day_of_week week_of_year month_name".split()
GROUPS = {"sum": "Sums", "ratio": "Ratios", "formula": "Scores"}
PERIODS = ("week", "month", "year")  # that a sum is compared over
GREY = "#80868b"


def generate_files(semantics: Semantics, dashboard: Dashboard) -> Iterator[tuple[str, str]]:
    """The views of the Looker project: path and content."""
    for model in semantics.models.values():
        view = _build_view(model, semantics, dashboard)
        yield f"views/{model.name}.view.lkml", lookml.dump({"views": [view]})


def _build_view(model: SemanticModel, semantics: Semantics, dashboard: Dashboard) -> dict[str, Any]:
    times = [
        dimension for dimension in model.dimensions.values() if dimension.type in ("date", "time")
    ]
    return {
        "name": model.name,
        "label": lookml.title(model.name),
        "sql_table_name": lookml.table_name(model),
        "dimensions": _build_dimensions(model, dashboard),
        "dimension_groups": [
            _build_dimension_group(time) for time in times if not lookml.is_timeframe(time)
        ],
        "measures": [
            measure
            for metric in semantics.metrics_of(model)
            for measure in _build_measures(metric, semantics, dashboard)
        ],
        "sets": [
            {
                "name": "detail",
                "fields": [lookml.name_in_view(model, name) for name in _list_details(model)],
            }
        ],
    }


def _list_dimensions(model: SemanticModel) -> list[Dimension]:
    """The dimensions that are columns of the view: no times and no steps of time."""
    return [
        dimension
        for dimension in model.dimensions.values()
        if dimension.type in TYPES and not lookml.is_timeframe(dimension)
    ]


def _list_details(model: SemanticModel) -> list[str]:
    """The fields that a drill shows: the date and every text."""
    texts = [
        dimension.name
        for dimension in _list_dimensions(model)
        if dimension.type == "text" and not lookml.is_hidden(dimension)
    ]
    return [model.date, *texts]


def _build_dimensions(model: SemanticModel, dashboard: Dashboard) -> list[dict[str, Any]]:
    dimensions = _list_dimensions(model)
    return [
        _build_key_dimension(model),
        *(
            _build_dimension(dimension)
            | _build_words(dimension, dashboard)
            | _build_links(dimension, model, dashboard)
            for dimension in dimensions
        ),
        *(
            _build_order(dimension, dashboard)
            for dimension in dimensions
            if _is_ordered(dimension, dashboard)
        ),
    ]


def _build_key_dimension(model: SemanticModel) -> dict[str, Any]:
    sql = f"${{TABLE}}.{model.key}"
    return {"name": model.key, "primary_key": "yes", "hidden": "yes", "type": "string", "sql": sql}


def _build_dimension(dimension: Dimension) -> dict[str, Any]:
    return {
        "name": dimension.name,
        **({"hidden": "yes"} if lookml.is_hidden(dimension) else {}),
        "type": TYPES[dimension.type],
        "label": dimension.label,
        "description": dimension.description,
        **(
            {"value_format_name": lookml.value_format(dimension.format)} if dimension.format else {}
        ),
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
            board = f"/dashboards/{{{{ _model._name }}}}::{lookml.PROJECT}_{page}"
            names = (lookml.ACCOUNT, dimension.name, subject.dimension)
            chosen = "&".join(_choose_value(model.dimensions[name]) for name in names)
            address = subject.address.format(f"{{{{ {subject.dimension}._value | url_encode }}}}")
            return {
                "links": [
                    {"label": f"{dimension.label} dashboard", "url": f"{board}?{chosen}"},
                    {"label": "Open in Klaviyo", "url": address},
                ]
            }
    return {}


def _choose_value(dimension: Dimension) -> str:
    """A dashboard's filter in an address, with the value of the row.

    A filter reads a comma as "or": Looker's filterable value quotes it.
    """
    label = quote(dimension.label)
    return f"{label}={{{{ {dimension.name}._filterable_value | url_encode }}}}"


def _build_dimension_group(dimension: Dimension) -> dict[str, Any]:
    # A date is in the account's time zone already: Looker must not convert it.
    dated = {"datatype": "date", "convert_tz": "no", "timeframes": TIMEFRAMES}
    timed = {"datatype": "timestamp", "timeframes": ["time", "hour_of_day", *TIMEFRAMES]}
    return {
        "name": lookml.group_name(dimension.name),
        "type": "time",
        **(dated if dimension.type == "date" else timed),
        "label": dimension.label.removesuffix(" date"),
        "description": dimension.description,
        "sql": f"${{TABLE}}.{dimension.name}",
    }


def _build_measures(
    metric: Metric, semantics: Semantics, dashboard: Dashboard
) -> Iterator[dict[str, Any]]:
    """The measure of a metric, and those that compare it with the period before."""
    yield _build_measure(metric, semantics, dashboard.few)
    for period in PERIODS if lookml.is_compared(metric, dashboard) else ():
        yield from _build_comparison(metric, period, semantics, dashboard)


def _build_measure(metric: Metric, semantics: Semantics, few: int) -> dict[str, Any]:
    kind = "ratio" if metric.ratio else "formula" if metric.formula else "sum"
    return {
        "name": metric.name,
        "type": "sum" if kind == "sum" else "number",
        "group_label": GROUPS[kind],
        "label": metric.label,
        "description": metric.description,
        "value_format_name": lookml.value_format(metric.format),
        **_build_required_fields(metric, semantics, find_counted(metric, semantics)),
        **_build_html(metric, semantics, few),
        "drill_fields": ["detail*", *metric.parts, metric.name],
        "sql": _build_measure_sql(metric),
    }


def _build_html(metric: Metric, semantics: Semantics, few: int) -> dict[str, str]:
    """An amount with its currency; a rate of few in grey, with their number.

    Looker shows it in tables and single values, and sorts by the value alone.
    https://docs.cloud.google.com/looker/docs/reference/param-field-html
    """
    shown = "{{ linked_value }}" + (" {{ currency._value }}" if metric.is_money else "")
    counted = find_counted(metric, semantics)
    if counted:
        count = f"{{{{ {counted}._value }}}}"
        grey = f'<span style="color: {GREY}">{shown} of {count}</span>'
        condition = f"value and {counted}._value < {few}"
        return {"html": f"{{% if {condition} %}}{grey}{{% else %}}{shown}{{% endif %}}"}
    return {"html": shown} if metric.is_money else {}


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
        ("previous", lookml.name_before(metric, period), "", lookml.value_format(metric.format)),
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
            "based_on": lookml.field_reference(model, metric.name),
            "based_on_time": lookml.time_reference(model, "day"),
            "period": period,
            "kind": kind,
        }


def _build_required_fields(
    metric: Metric, semantics: Semantics, counted: str = ""
) -> dict[str, list[str]]:
    """The fields that Looker adds to a query: dimensions, and the measure that a rate is of."""
    model = semantics.model(metric.model)
    fields = [lookml.name_in_view(model, name) for name in semantics.required_dimensions(metric)]
    fields += [counted] if counted else []
    return {"required_fields": fields} if fields else {}


def _build_measure_sql(metric: Metric) -> str:
    if metric.ratio:
        return "1.0 * ${{{}}} / NULLIF(${{{}}}, 0)".format(*metric.ratio)
    if metric.formula:
        return re.sub(rf"\b({'|'.join(metric.inputs)})\b", r"${\1}", metric.formula)
    return f"${{TABLE}}.{metric.column}"
