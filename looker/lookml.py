"""LookML: the names of dbt's dimensions and metrics in Looker."""

import re
from collections.abc import Mapping
from typing import Any

import lkml

from looker.declaration import Dashboard
from looker.semantic import Dimension, Metric, SemanticModel

HEADER = "# Generated from dbt by `python -m looker build`: refine it in refinements/, do not edit."
PROJECT = "klaviyo"
FIRST_DAY = "2000-01-01"
ALL_DAYS = f"after {FIRST_DAY}"  # a filter, instead of the days that an explore shows by default
WEEKDAY = "_weekday"  # a column of numbers; Looker has names in its timeframe `day_of_week`
ACCOUNT = "account_name"  # in every model


def field_reference(model: SemanticModel, name: str) -> str:
    """The full name of a dimension or metric, `view.field`."""
    return f"{model.name}.{name_in_view(model, name)}"


def name_in_view(model: SemanticModel, name: str) -> str:
    """The name of a dimension or metric in its view."""
    dimension = model.dimensions.get(name)
    return _field_name(dimension) if dimension else name


def time_reference(model: SemanticModel, grain: str) -> str:
    """The full name of the day, week, month or year of a model's date."""
    return f"{model.name}.{group_name(model.date)}_{'date' if grain == 'day' else grain}"


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


def _field_name(dimension: Dimension) -> str:
    """The name of a dimension in its view. A date or time is a group of fields; this is its day."""
    if dimension.name.endswith(WEEKDAY):
        return f"{dimension.name.removesuffix(WEEKDAY)}_day_of_week"
    if dimension.type not in ("date", "time") or is_timeframe(dimension):
        return dimension.name
    return f"{group_name(dimension.name)}_date"


def is_timeframe(dimension: Dimension) -> bool:
    """Whether the group of another dimension has this one, as that of `sent_on` has `sent_week`."""
    is_longer = dimension.type == "date" and dimension.grain != "day"
    return is_longer or dimension.name.endswith(WEEKDAY)


def group_name(name: str) -> str:
    """The name of the group of fields that a date or time is."""
    return re.sub("_(on|at)$", "", name)


def value_format(declared: str) -> str:
    """Looker's name of a format. None is for multiples, points or several currencies."""
    named = {"integer": "decimal_0", "money": "decimal_2"}.get(declared, declared)
    return named.replace("times_", "decimal_").replace("points_", "percent_")
