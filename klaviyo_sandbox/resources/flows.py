"""Flows with their actions and messages."""

from __future__ import annotations

from klaviyo_sandbox.catalog.flows import SEND_ACTION_TYPES
from klaviyo_sandbox.catalog.model import Company, Flow, FlowAction, FlowMessage, Variation
from klaviyo_sandbox.clock import DAY, HOUR, MINUTE
from klaviyo_sandbox.jsonapi import (
    Json,
    latest_iso,
    metric_condition,
    resource,
    to_iso,
    to_many,
    to_one,
)
from klaviyo_sandbox.resources.declaration import (
    ANY,
    ANY_OR_EQUALS,
    CREATED_AND_UPDATED,
    CREATED_ID_NAME_UPDATED,
    EQUALS,
    FLAG,
    ID_NAME_AND_TIMES,
    UNARCHIVED,
    Endpoint,
    Page,
    ResourceType,
    S,
    in_definition,
    relationship_endpoints,
)

# A flow message's names of channels; only "Email" is recorded. Reports say push-notification.
_FLOW_CHANNELS = {"email": "Email", "sms": "sms", "push": "mobile_push", "whatsapp": "whatsapp"}


def _build_flows(company: Company, now: int) -> list[Json]:
    """Return the flows; ``definition`` is the whole graph of actions."""
    return [
        resource(
            "flow",
            flow.id,
            {
                "name": flow.name,
                "status": _get_status(flow, now),
                "archived": flow.archived_at is not None and flow.archived_at <= now,
                "created": to_iso(flow.created),
                "updated": latest_iso(
                    now, flow.created, flow.updated, flow.live_from, flow.archived_at
                ),
                "trigger_type": flow.trigger_type,
                "definition": _build_flow_definition(company, flow, now),
            },
            flow_actions=to_many("flow-action", (action.id for action in flow.actions)),
            tags=to_many("tag", flow.tag_ids),
        )
        for flow in company.flows
        if flow.created <= now
    ]


def _get_status(flow: Flow, now: int) -> str:
    """Return the status of a flow and its send actions; an archived flow is a draft."""
    return "live" if flow.is_live(now) else "draft"


def _build_flow_definition(company: Company, flow: Flow, now: int) -> Json:
    days = flow.reentry_days
    return {
        "triggers": [_build_trigger(company, flow)],
        "profile_filter": _build_exit_filter(company, flow),
        "actions": [
            _build_action_definition(company, flow, action, now) for action in flow.actions
        ],
        "entry_action_id": flow.actions[0].id,
        "reentry_criteria": {
            "duration": 1 if days is None else days,
            "unit": "alltime" if days is None else "day",
        },
    }


def _build_trigger(company: Company, flow: Flow) -> Json:
    match flow.trigger_type:
        case "Metric":
            metric_id = company.metric(flow.trigger).id
            return {"type": "metric", "id": metric_id, "trigger_filter": None}
        case "Added to List":
            return {"type": "list", "id": flow.trigger}
        case _:
            return {
                "type": "date",
                "date_field_type": "profile-property",
                "date_profile_property": f"properties['{flow.trigger}']",
                "timedelta_unit_before_date": "days",
                "timedelta_value_before_date": 0,
                "recurrence_frequency": "annually",
                "timezone": company.timezone,
                "trigger_time": "10:00:00",
                "trigger_days": None,
            }


def _build_exit_filter(company: Company, flow: Flow) -> Json | None:
    """Return the filter that ends the flow for people with an event of its exit metric."""
    if flow.exit_metric is None:
        return None
    condition = metric_condition(
        company.metric(flow.exit_metric).id,
        {"type": "numeric", "operator": "equals", "value": 0},
        {"type": "date", "operator": "flow-start"},
    )
    return {"condition_groups": [{"conditions": [condition]}]}


def _build_flow_actions(company: Company, now: int) -> list[Json]:
    """Return the steps of the flows."""
    return [
        resource(
            "flow-action",
            action.id,
            {
                "created": to_iso(action.created),
                "updated": latest_iso(now, action.created, action.updated),
                "definition": _build_action_definition(company, flow, action, now),
            },
            flow=to_one("flow", flow.id),
            flow_messages=to_many("flow-message", [action.message_id] if action.message_id else []),
        )
        for flow in company.flows
        for action in flow.actions
        if flow.created <= now
    ]


def _build_action_definition(company: Company, flow: Flow, action: FlowAction, now: int) -> Json:
    definition = {"id": action.id, "type": action.type, "links": {"next": action.next_id}}
    if action.type == "time-delay":
        return definition | {"data": _build_delay(action.delay)}
    message = next(message for message in flow.messages if message.id == action.message_id)
    # An action that sends has the status of its flow, not one of its own.
    status = _get_status(flow, now)
    contents = [
        {"message": _build_content(company, message, variation), "status": status}
        for variation in message.variations
    ]
    if action.type != "ab-test":
        return definition | {"data": contents[0]}
    return definition | {"data": _build_content_test(message, contents, status)}


def _build_delay(seconds: int) -> Json:
    """Return a wait in the largest unit that measures it exactly."""
    size, unit = next(
        (size, unit)
        for size, unit in ((DAY, "days"), (HOUR, "hours"), (MINUTE, "minutes"))
        if seconds % size == 0
    )
    return {
        "unit": unit,
        "value": seconds // size,
        "secondary_value": None,
        "timezone": "profile",
        "delay_until_time": None,
        "delay_until_weekdays": None,
    }


def _build_content_test(message: FlowMessage, contents: list[Json], status: str) -> Json:
    """Return a content test: each of its variations is a send action."""
    send_actions = [
        {"id": v.id, "type": SEND_ACTION_TYPES[message.channel], "links": None, "data": content}
        for v, content in zip(message.variations, contents, strict=True)
    ]
    return {
        "status": status,
        "experiment_status": status,
        "main_action": send_actions[0],
        "current_experiment": {
            "id": message.action_id,
            "name": message.name,
            "variations": send_actions,
            "allocations": {v.id: round(100 * v.share) for v in message.variations},
            "started": to_iso(message.updated),
            "winner_metric": "unique-opens",
            "automatic_winner_selection_settings": None,
        },
    }


def _build_flow_messages(company: Company, now: int) -> list[Json]:
    """Return the messages of the flows, an A/B test with its first content."""
    return [
        resource(
            "flow-message",
            message.id,
            {
                "channel": _FLOW_CHANNELS[message.channel],
                "created": to_iso(message.created),
                "updated": latest_iso(now, message.created, message.updated),
                "definition": _build_content(company, message, message.variations[0]),
            },
            flow_action=to_one("flow-action", message.action_id),
            template=to_one("template", message.variations[0].template_id),
        )
        for flow in company.flows
        for message in flow.messages
        if flow.created <= now
    ]


def _build_content(company: Company, message: FlowMessage, variation: Variation) -> Json:
    """Return a flow message's content, in the shape of its channel."""
    common = {"id": message.id, "name": message.name, "smart_sending_enabled": True}
    match message.channel:
        case "email":
            return common | {
                "from_email": company.email,
                "from_label": company.sender,
                "reply_to_email": None,
                "cc_email": None,
                "bcc_email": None,
                "subject_line": variation.subject,
                "preview_text": variation.preview,
                "template_id": variation.template_id,
                "transactional": False,
                "add_tracking_params": True,
                "custom_tracking_params": [{"param": "utm_content", "value": message.name}]
                if variation.subject and message.channel == "email"
                else None,
                "additional_filters": None,
            }
        case "sms":
            return common | {"body": variation.body, "add_org_prefix": True, "shorten_links": True}
        case "push":
            return common | {"title": variation.subject, "body": variation.body, "sound": True}
        case "whatsapp":
            return common | {"vendor_id": None, "transactional": False}


_ACCESS = (S, "flows:read")
FLOW = ResourceType(
    name="flow",
    attributes="archived created name status trigger_type updated",
    additional="definition",
    relationships={"flow-actions": "flow-action*", "tags": "tag*"},
    build=_build_flows,
    endpoints=(
        Endpoint(
            "/api/flows", "flow", *_ACCESS, Page(50, 50),
            sort="created id name status trigger_type updated",
            filters=ID_NAME_AND_TIMES
            | {"status": EQUALS, "archived": FLAG, "trigger_type": EQUALS},
            include="flow-actions tags", default_filters=UNARCHIVED, has_strict_times=True,
        ),
        Endpoint("/api/flows/{id}", "flow", *_ACCESS,
                 include="flow-actions tags", additional="definition"),
        *relationship_endpoints(
            "/api/flows/{id}/flow-actions", "flow-action", *_ACCESS, page=Page(50, 50),
            sort="action_type created id status updated",
            filters={"id": ANY, "action_type": ANY_OR_EQUALS, "status": EQUALS}
            | CREATED_AND_UPDATED,
        ),
        *relationship_endpoints("/api/flows/{id}/tags", "tag", S, "flows:read tags:read"),
    ),
)  # fmt: skip
FLOW_ACTION = ResourceType(
    name="flow-action",
    attributes="created definition updated",
    relationships={"flow": "flow", "flow-messages": "flow-message*"},
    id_pattern="[0-9]+",
    field_paths={
        "action_type": "attributes.definition.type",
        "status": "attributes.definition.data.status",
    },
    build=_build_flow_actions,
    endpoints=(
        Endpoint("/api/flow-actions/{id}", "flow-action", *_ACCESS, include="flow flow-messages"),
        *relationship_endpoints("/api/flow-actions/{id}/flow", "flow", *_ACCESS),
        *relationship_endpoints(
            "/api/flow-actions/{id}/flow-messages", "flow-message", *_ACCESS, page=Page(50, 50),
            sort=CREATED_ID_NAME_UPDATED, filters=ID_NAME_AND_TIMES,
        ),
    ),
)  # fmt: skip
FLOW_MESSAGE = ResourceType(
    name="flow-message",
    attributes="channel created definition updated",
    relationships={"flow-action": "flow-action", "template": "template", "image": "image"},
    field_paths=in_definition("name"),
    build=_build_flow_messages,
    endpoints=(
        Endpoint("/api/flow-messages/{id}", "flow-message", *_ACCESS,
                 include="flow-action template"),
        *relationship_endpoints("/api/flow-messages/{id}/flow-action", "flow-action", *_ACCESS),
        *relationship_endpoints("/api/flow-messages/{id}/template", "template", S,
                                "templates:read"),
    ),
)  # fmt: skip
