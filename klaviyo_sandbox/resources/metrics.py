"""Metrics, mapped metrics and custom metrics."""

from __future__ import annotations

from klaviyo_sandbox.catalog.model import Company
from klaviyo_sandbox.jsonapi import Json, latest_iso, resource, to_iso, to_many, to_one
from klaviyo_sandbox.resources.declaration import (
    EQUALS,
    Endpoint,
    M,
    Page,
    ResourceType,
    S,
    relationship_endpoints,
)
from klaviyo_sandbox.resources.triggers import find_triggered_flows


def _build_metrics(company: Company, now: int) -> list[Json]:
    return [
        resource(
            "metric",
            metric.id,
            {
                "name": metric.label,
                "created": to_iso(metric.created),
                "updated": latest_iso(now, metric.created, metric.updated),
                "integration": {
                    "object": "integration",
                    "id": metric.integration_id,
                    "key": metric.integration_name.lower(),
                    "name": metric.integration_name,
                    "category": _build_category(metric.integration_category),
                },
            },
            flow_triggers=find_triggered_flows(company, now, metric.name),
        )
        for metric in sorted(company.metrics, key=lambda metric: metric.created)
        if metric.created <= now
    ]


def _build_category(name: str) -> str | Json:
    """Return a category; live some are text and some are objects (15 is Advertising's id)."""
    return {"id": 15, "category": name} if name == "Advertising" else name


def _build_mapped_metrics(company: Company, _: int) -> list[Json]:
    return [
        resource(
            "mapped-metric",
            mapped.id,
            {"updated": to_iso(mapped.updated)},
            metric=to_one("metric", mapped.metric_id),
            custom_metric=to_one("custom-metric", mapped.custom_metric_id),
        )
        for mapped in company.mapped_metrics
    ]


def _build_custom_metrics(company: Company, now: int) -> list[Json]:
    def describe_metric(metric_id: str) -> Json:
        return {"metric_id": metric_id, "metric_filters": None, "value_property": "$value"}

    return [
        resource(
            "custom-metric",
            custom.id,
            {
                "name": custom.name,
                "created": to_iso(custom.created),
                "updated": latest_iso(now, custom.created, custom.updated),
                "definition": {
                    "aggregation_method": "value",
                    "metric_groups": [
                        describe_metric(metric_id) for metric_id in custom.metric_ids
                    ],
                },
            },
            metrics=to_many("metric", custom.metric_ids),
        )
        for custom in company.custom_metrics
        if custom.created <= now
    ]


_ACCESS = (S, "metrics:read")
METRIC = ResourceType(
    name="metric",
    attributes="created integration name updated",
    relationships={"flow-triggers": "flow*"},
    build=_build_metrics,
    endpoints=(
        Endpoint(
            "/api/metrics", "metric", M, "metrics:read", Page(200),
            filters={"integration.name": EQUALS, "integration.category": EQUALS},
            include="flow-triggers",
        ),
        Endpoint("/api/metrics/{id}", "metric", M, "metrics:read", include="flow-triggers"),
        *relationship_endpoints("/api/metrics/{id}/flow-triggers", "flow", M,
                                "flows:read metrics:read"),
        Endpoint("/api/metric-aggregates", "metric-aggregate", *_ACCESS),
    ),
)  # fmt: skip
MAPPED_METRIC = ResourceType(
    name="mapped-metric",
    attributes="updated",
    relationships={"metric": "metric", "custom-metric": "custom-metric"},
    build=_build_mapped_metrics,
    endpoints=(
        Endpoint("/api/mapped-metrics", "mapped-metric", *_ACCESS, include="custom-metric metric"),
        Endpoint("/api/mapped-metrics/{id}", "mapped-metric", *_ACCESS,
                 include="custom-metric metric"),
        *relationship_endpoints("/api/mapped-metrics/{id}/metric", "metric", *_ACCESS),
        *relationship_endpoints("/api/mapped-metrics/{id}/custom-metric", "custom-metric",
                                *_ACCESS),
    ),
)  # fmt: skip
CUSTOM_METRIC = ResourceType(
    name="custom-metric",
    attributes="created definition name updated",
    relationships={"metrics": "metric*"},
    build=_build_custom_metrics,
    endpoints=(
        Endpoint("/api/custom-metrics", "custom-metric", *_ACCESS, include="metrics"),
        Endpoint("/api/custom-metrics/{id}", "custom-metric", *_ACCESS, include="metrics"),
        *relationship_endpoints("/api/custom-metrics/{id}/metrics", "metric", *_ACCESS),
    ),
)
