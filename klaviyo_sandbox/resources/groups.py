"""Lists and segments: the groups that profiles belong to."""

from __future__ import annotations

from klaviyo_sandbox.catalog.model import Company, Segment
from klaviyo_sandbox.catalog.plan import Condition
from klaviyo_sandbox.jsonapi import Json, latest_iso, metric_condition, resource, to_iso, to_many
from klaviyo_sandbox.resources.declaration import (
    ANY_OR_EQUALS,
    CREATED_ID_NAME_UPDATED,
    EQUALS,
    FLAG,
    TIME_AFTER,
    TIME_RANGE,
    XS,
    Endpoint,
    Filter,
    L,
    Page,
    ResourceType,
    S,
    relationship_endpoints,
)
from klaviyo_sandbox.resources.profiles import ON_REQUEST
from klaviyo_sandbox.resources.triggers import find_triggered_flows


def _build_lists(company: Company, now: int) -> list[Json]:
    return [
        resource(
            "list",
            group.id,
            {
                "name": group.name,
                "created": to_iso(group.created),
                "updated": latest_iso(now, group.created, group.updated),
                "opt_in_process": group.opt_in_process,
            },
            tags=to_many("tag", group.tag_ids),
            flow_triggers=find_triggered_flows(company, now, group.id),
        )
        for group in company.lists
        if group.created <= now
    ]


def _build_segments(company: Company, now: int) -> list[Json]:
    return [
        resource(
            "segment",
            group.id,
            {
                "name": group.name,
                "definition": _build_segment_definition(company, group),
                "created": to_iso(group.created),
                "updated": latest_iso(now, group.created, group.updated),
                "is_active": True,
                "is_processing": False,
                "is_starred": group.is_starred,
            },
            tags=to_many("tag", group.tag_ids),
            flow_triggers=find_triggered_flows(company, now, group.id),
        )
        for group in company.segments
        if group.created <= now
    ]


def _build_segment_definition(company: Company, group: Segment) -> Json:
    """Return the rule: a member meets every group of conditions."""
    conditions = [_build_condition(company, condition) for condition in group.conditions]
    if group.members_of is not None:
        membership = {
            "type": "profile-group-membership",
            "is_member": True,
            "group_ids": [group.members_of],
            "timeframe_filter": None,
        }
        conditions.append(membership)
    return {"condition_groups": [{"conditions": [condition]} for condition in conditions]}


def _build_condition(company: Company, condition: Condition) -> Json:
    within = {"type": "date", "operator": "in-the-last", "unit": "day", "quantity": condition.days}
    ever = {"type": "date", "operator": "alltime"}
    return metric_condition(
        company.metric(condition.metric).id,
        {"type": "numeric", "operator": condition.operator, "value": condition.times},
        ever if condition.days is None else within,
    )


_GROUP_FILTERS = {
    "id": ANY_OR_EQUALS,
    "name": ANY_OR_EQUALS,
    "created": TIME_AFTER,
    "updated": TIME_AFTER,
}
_MEMBER_FILTERS = {
    "email": ANY_OR_EQUALS,
    "phone_number": ANY_OR_EQUALS,
    "push_token": ANY_OR_EQUALS,
    "_kx": EQUALS,
    "joined_group_at": TIME_RANGE,
}
_RELATIONSHIPS = {"profiles": "profile*", "tags": "tag*", "flow-triggers": "flow*"}


def _declare_endpoints(
    group: str, filters: dict[str, Filter], member_filters: dict[str, Filter]
) -> tuple[Endpoint, ...]:
    """Return the endpoints of lists or of segments, and of their members."""
    path, scope, include = f"/api/{group}s", f"{group}s:read", "flow-triggers tags"
    return (
        Endpoint(path, group, L, scope, Page(10, 10), CREATED_ID_NAME_UPDATED, filters, include),
        Endpoint(f"{path}/{{id}}", group, L, scope, include=include,
                 additional="profile_count", slow_rates={"profile_count": XS}),
        *relationship_endpoints(
            f"{path}/{{id}}/profiles", "profile", L, f"{scope} profiles:read",
            page=Page(20, 100), sort="joined_group_at", filters=member_filters, **ON_REQUEST,
        ),
        *relationship_endpoints(f"{path}/{{id}}/tags", "tag", S, f"{scope} tags:read"),
        *relationship_endpoints(f"{path}/{{id}}/flow-triggers", "flow", S, f"{scope} flows:read"),
    )  # fmt: skip


LIST = ResourceType(
    name="list",
    attributes="created name opt_in_process updated",
    additional="profile_count",
    relationships=_RELATIONSHIPS,
    build=_build_lists,
    endpoints=_declare_endpoints("list", _GROUP_FILTERS, _MEMBER_FILTERS),
)
SEGMENT = ResourceType(
    name="segment",
    attributes="created definition is_active is_processing is_starred name updated",
    additional="profile_count",
    relationships=_RELATIONSHIPS,
    build=_build_segments,
    endpoints=_declare_endpoints(
        "segment",
        _GROUP_FILTERS | {"is_active": Filter("boolean", ("any", "equals")), "is_starred": FLAG},
        _MEMBER_FILTERS | {"profile_id": ANY_OR_EQUALS},
    ),
)
