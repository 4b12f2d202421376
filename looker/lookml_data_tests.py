"""LookML's data tests: what dbt tests of a mart, asked of its explore.

Looker runs them in development mode, or in its continuous integration:
https://docs.cloud.google.com/looker/docs/reference/param-model-test
"""

from collections.abc import Iterator
from typing import Any

from looker import lookml
from looker.explores import Explores
from looker.semantic import Metric, SemanticModel, Semantics

CENT = 0.01  # sums of floats differ by less


def generate_files(semantics: Semantics, explores: Explores) -> Iterator[tuple[str, str]]:
    """The data tests of the Looker project, with the hidden measures they need."""
    models = list(semantics.models.values())
    content = {
        "views": [
            {
                "name": f"+{model.name}",
                "measures": list(_build_measures(model, semantics, explores)),
            }
            for model in models
        ],
        "tests": [_build_test(model, semantics, explores) for model in models],
    }
    yield f"{lookml.PROJECT}.test.lkml", lookml.dump(content)


def _build_measures(
    model: SemanticModel, semantics: Semantics, explores: Explores
) -> Iterator[dict[str, Any]]:
    """Counts and sums over the explore, and the same over the mart without it."""
    key = f"${{{model.key}}}"
    yield {"name": "row_count", "type": "count", "hidden": "yes"}
    yield {"name": "key_count", "type": "count_distinct", "hidden": "yes", "sql": key}
    yield _build_measure_of_mart("row_count", "COUNT(*)", model, explores)
    for metric in _find_amounts(model, semantics):
        total = f"SUM({metric.column})"
        column = f"${{TABLE}}.{metric.column}"
        yield {"name": _name_total(metric), "type": "sum", "hidden": "yes", "sql": column}
        yield _build_measure_of_mart(_name_total(metric), total, model, explores)


def _build_measure_of_mart(
    name: str, expression: str, model: SemanticModel, explores: Explores
) -> dict[str, Any]:
    days = f" WHERE {model.date} >= '{lookml.FIRST_DAY}'" if model.name in explores.daily else ""
    query = f"SELECT {expression} FROM {lookml.table_name(model)}{days}"  # noqa: S608 - our names
    return {"name": f"mart_{name}", "type": "number", "hidden": "yes", "sql": f"({query})"}


def _build_test(model: SemanticModel, semantics: Semantics, explores: Explores) -> dict[str, Any]:
    """One row for each key, and with all joins neither more rows nor more money than the mart."""
    compared = ["row_count", *map(_name_total, _find_amounts(model, semantics))]
    names = ["key_count", *(name for metric in compared for name in (metric, f"mart_{metric}"))]
    return {
        "name": f"{model.name}_equals_its_mart",
        "explore_source": _build_query(model, names, explores),
        "asserts": [
            {
                "name": "one_row_for_each_key",
                "expression": f"${{{model.name}.row_count}} = ${{{model.name}.key_count}}",
            },
            *(_build_comparison(model, name) for name in compared),
        ],
    }


def _build_query(model: SemanticModel, names: list[str], explores: Explores) -> dict[str, Any]:
    """A query of one row. A field of a joined view makes Looker join it."""
    own = [{"name": name} for name in names]
    joined = [
        {"name": f"{other}_row_count", "field": f"{other}.row_count"}
        for other in explores.joined_models(model)
    ]
    days = {lookml.time_reference(model, "day"): lookml.ALL_DAYS}
    filters = {"filters__all": [[days]]} if model.name in explores.daily else {}
    return {"name": model.name, "columns": own + joined, **filters}


def _build_comparison(model: SemanticModel, name: str) -> dict[str, str]:
    explore, mart = (f"coalesce(${{{model.name}.{part}}}, 0)" for part in (name, f"mart_{name}"))
    return {"name": f"{name}_of_the_mart", "expression": f"abs({explore} - {mart}) < {CENT}"}


def _find_amounts(model: SemanticModel, semantics: Semantics) -> list[Metric]:
    return [metric for metric in semantics.metrics_of(model) if metric.is_money and metric.column]


def _name_total(metric: Metric) -> str:
    """The name of a sum over all currencies, which only a test may compute."""
    return f"{metric.name}_of_any_currency"
