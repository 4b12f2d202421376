"""Flows, with what they are made of, as JSON:API resources."""

from __future__ import annotations

from klaviyo_sandbox.catalog.flows import SENDING
from klaviyo_sandbox.catalog.model import Company, Flow, FlowAction, FlowMessage, Variation
from klaviyo_sandbox.clock import DAY, HOUR, MINUTE
from klaviyo_sandbox.jsonapi import Json, happened, iso, latest, many, one, resource

# Channels as a flow message names them; the reports say push-notification.
_FLOW_CHANNELS = {"email": "email", "sms": "sms", "push": "mobile_push", "whatsapp": "whatsapp"}


def flows(company: Company, now: int) -> list[Json]:
    """Return the flows; ``definition`` is the whole graph of actions."""
    return [
        resource(
            "flow",
            flow.id,
            {
                "name": flow.name,
                "status": _flow_status(flow, now),
                "archived": flow.archived_at is not None and flow.archived_at <= now,
                "created": iso(flow.created),
                "updated": latest(
                    now, flow.created, flow.updated, flow.live_from, flow.archived_at
                ),
                "trigger_type": flow.trigger_type,
                "definition": _flow_definition(company, flow, now),
            },
            flow_actions=many("flow-action", (action.id for action in flow.actions)),
            tags=many("tag", flow.tag_ids),
        )
        for flow in company.flows
        if flow.created <= now
    ]


def _flow_status(flow: Flow, now: int) -> str:
    """Return the status of a flow and its sending actions; archiving turns them off."""
    return "live" if flow.is_live(now) else "draft"


def _flow_definition(company: Company, flow: Flow, now: int) -> Json:
    days = flow.reentry_days
    return {
        "triggers": [_trigger(company, flow)],
        "profile_filter": _exit_filter(company, flow),
        "actions": [_action_definition(company, flow, action, now) for action in flow.actions],
        "entry_action_id": flow.actions[0].id,
        "reentry_criteria": {
            "duration": 1 if days is None else days,
            "unit": "alltime" if days is None else "day",
        },
    }


def _trigger(company: Company, flow: Flow) -> Json:
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


def _exit_filter(company: Company, flow: Flow) -> Json | None:
    """Return the filter that lets go of those who did what the flow was to bring about."""
    if flow.exit_metric is None:
        return None
    condition = happened(
        company.metric(flow.exit_metric).id,
        {"type": "numeric", "operator": "equals", "value": 0},
        {"type": "date", "operator": "flow-start"},
    )
    return {"condition_groups": [{"conditions": [condition]}]}


def flow_actions(company: Company, now: int) -> list[Json]:
    """Return the steps of the flows."""
    return [
        resource(
            "flow-action",
            action.id,
            {
                "created": iso(action.created),
                "updated": latest(now, action.created, action.updated),
                "definition": _action_definition(company, flow, action, now),
            },
            flow=one("flow", flow.id),
            flow_messages=many("flow-message", [action.message_id] if action.message_id else []),
        )
        for flow in company.flows
        for action in flow.actions
        if flow.created <= now
    ]


def _action_definition(company: Company, flow: Flow, action: FlowAction, now: int) -> Json:
    definition = {"id": action.id, "type": action.type, "links": {"next": action.next_id}}
    if action.type == "time-delay":
        return definition | {"data": _delay(action.delay)}
    message = next(message for message in flow.messages if message.id == action.message_id)
    status = _flow_status(flow, now)
    contents = [
        {"message": _flow_content(company, message, variation), "status": status}
        for variation in message.variations
    ]
    if action.type != "ab-test":
        return definition | {"data": contents[0]}
    return definition | {"data": _flow_test(message, contents, status)}


def _delay(seconds: int) -> Json:
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


def _flow_test(message: FlowMessage, contents: list[Json], status: str) -> Json:
    """Return a content test: its variations are sending actions of their own."""
    sendings = [
        {"id": v.id, "type": SENDING[message.channel], "links": None, "data": content}
        for v, content in zip(message.variations, contents, strict=True)
    ]
    return {
        "status": status,
        "experiment_status": status,
        "main_action": sendings[0],
        "current_experiment": {
            "id": message.action_id,
            "name": message.name,
            "variations": sendings,
            "allocations": {v.id: round(100 * v.share) for v in message.variations},
            "started": iso(message.updated),
            "winner_metric": "unique-opens",
            "automatic_winner_selection_settings": None,
        },
    }


def flow_messages(company: Company, now: int) -> list[Json]:
    """Return the messages of the flows; of a tested one, the first content."""
    return [
        resource(
            "flow-message",
            message.id,
            {
                "channel": _FLOW_CHANNELS[message.channel],
                "created": iso(message.created),
                "updated": latest(now, message.created, message.updated),
                "definition": _flow_content(company, message, message.variations[0]),
            },
            flow_action=one("flow-action", message.action_id),
            template=one("template", message.variations[0].template_id),
        )
        for flow in company.flows
        for message in flow.messages
        if flow.created <= now
    ]


def _flow_content(company: Company, message: FlowMessage, variation: Variation) -> Json:
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
                "custom_tracking_params": None,
                "additional_filters": None,
            }
        case "sms":
            return common | {"body": variation.body, "add_org_prefix": True, "shorten_links": True}
        case "push":
            return common | {"title": variation.subject, "body": variation.body, "sound": True}
        case "whatsapp":
            return common | {"vendor_id": None, "transactional": False}
