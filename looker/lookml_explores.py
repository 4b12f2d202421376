"""LookML's manifest and its model: an explore for each semantic model, with joins and a filter."""

from collections.abc import Iterator
from typing import Any

from looker import lookml
from looker.declaration import Dashboard
from looker.explores import Explores, find_join
from looker.semantic import SemanticModel, Semantics


def generate_files(
    semantics: Semantics, dashboard: Dashboard, explores: Explores
) -> Iterator[tuple[str, str]]:
    """The manifest and the model of the Looker project: path and content."""
    yield "manifest.lkml", lookml.dump(_build_manifest())
    synced = "SELECT MAX(last_synced_at) FROM @{SCHEMA}.klaviyo__data_health"
    model = {
        "connection": "@{CONNECTION}",
        "label": "Klaviyo",
        "week_start_day": "monday",
        "includes": [
            "/views/*.view.lkml",
            "/refinements/*.lkml",
            "/dashboards/*.dashboard.lookml",
            f"/{lookml.PROJECT}.test.lkml",
        ],
        "datagroups": [{"name": "synced", "sql_trigger": synced, "max_cache_age": "24 hours"}],
        "persist_with": "synced",
        "explores": [
            _build_explore(model, semantics, dashboard, explores)
            for model in semantics.models.values()
        ],
    }
    yield f"{lookml.PROJECT}.model.lkml", lookml.dump(model)


def _build_manifest() -> dict[str, Any]:
    # A project that imports this one has to name its own warehouse, and the model of its dashboards
    # if that is another.
    constants = [
        {"name": "MODEL", "value": lookml.PROJECT, "export": "override_optional"},
        {"name": "CONNECTION", "value": "warehouse", "export": "override_required"},
        {"name": "SCHEMA", "value": "klaviyo", "export": "override_required"},
    ]
    # Only this runtime has measures of an earlier period.
    return {"project_name": lookml.PROJECT, "new_lookml_runtime": "yes", "constants": constants}


def _build_explore(
    model: SemanticModel, semantics: Semantics, dashboard: Dashboard, explores: Explores
) -> dict[str, Any]:
    joins = [_build_join(model, semantics.model(name)) for name in explores.joined_models(model)]
    return {
        "name": model.name,
        "label": lookml.title(model.name),
        "description": model.description,
        **(_build_date_filter(model, dashboard) if model.name in explores.daily else {}),
        **({"joins": joins} if joins else {}),
    }


def _build_date_filter(model: SemanticModel, dashboard: Dashboard) -> dict[str, Any]:
    """A filter on the date that no reader can remove, only replace.

    `always_filter` would also narrow a query that filters by month to the default days.
    """
    default = f"{dashboard.default_period.days} days"
    grains = ("week", "month", "quarter", "year")
    return {
        "conditionally_filter": {
            "filters__all": [[{lookml.time_reference(model, "day"): default}]],
            "unless": [lookml.time_reference(model, grain) for grain in grains],
        }
    }


def _build_join(model: SemanticModel, joined: SemanticModel) -> dict[str, Any]:
    join = find_join(model, joined)
    conditions = [
        f"${{{lookml.field_reference(model, own)}}} = ${{{lookml.field_reference(joined, other)}}}"
        for own, other in join.columns
    ]
    return {
        "name": joined.name,
        "type": "left_outer",
        "relationship": join.relationship,
        "sql_on": " AND ".join(conditions),
    }
