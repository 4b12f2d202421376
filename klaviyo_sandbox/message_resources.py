"""Campaigns and flows, with what they are made of, as JSON:API resources."""

from __future__ import annotations

from collections.abc import Iterator

from klaviyo_sandbox.company import (
    DAY,
    HOUR,
    MINUTE,
    Campaign,
    CampaignMessage,
    Company,
    Flow,
    FlowAction,
    FlowMessage,
    Variation,
)
from klaviyo_sandbox.jsonapi import Json, happened, latest, many, one, resource
from klaviyo_sandbox.people import iso

# Channels as a flow message names them; the reports say push-notification.
_FLOW_CHANNELS = {"email": "email", "sms": "sms", "push": "mobile_push", "whatsapp": "whatsapp"}
_FLOW_ACTIONS = {
    "email": "send-email",
    "sms": "send-sms",
    "push": "send-mobile-push",
    "whatsapp": "send-whatsapp",
}


def _existing(company: Company, now: int) -> Iterator[Campaign]:
    return (campaign for campaign in company.campaigns if campaign.created <= now)


def _sent(campaign: Campaign, message: CampaignMessage) -> tuple[int | None, ...]:
    """Return the moments at which the message's state changes by itself."""
    if not campaign.goes_out:
        return message.scheduled_at, campaign.cancelled_at
    return message.scheduled_at, message.send_at, message.sent_at


def campaigns(company: Company, now: int) -> list[Json]:
    """Return the campaigns; their state and content stand in their messages and variations."""
    return [
        resource(
            "campaign",
            campaign.id,
            {
                "created_at": iso(campaign.created),
                "updated_at": latest(now, campaign.created, *_campaign_changes(campaign)),
                "definition": _campaign_definition(campaign, now),
            },
            campaign_audiences=many("campaign-audience", (a.id for a in campaign.audiences)),
            campaign_messages=many("campaign-message", (m.id for m in campaign.messages)),
            tags=many("tag", campaign.tag_ids),
        )
        for campaign in _existing(company, now)
    ]


def _campaign_changes(campaign: Campaign) -> list[int | None]:
    states = [at for message in campaign.messages for at in _sent(campaign, message)]
    return [campaign.updated, campaign.archived_at, *states]


def _campaign_definition(campaign: Campaign, now: int) -> Json:
    return {
        "name": campaign.name,
        "builder": campaign.builder,
        "archived": campaign.archived_at is not None and campaign.archived_at <= now,
        "color": "2f6f62" if campaign.builder == "canvas" else None,
        "description": None,
        "send_settings": {
            "send_timezone": campaign.timezone,
            "send_strategy": campaign.messages[0].strategy,
            "send_passed_rltz_immediately": False,
            "exit_condition_enabled": False,
            "exit_condition_conversion_metric_id": None,
        },
    }


def campaign_messages(company: Company, now: int) -> list[Json]:
    """Return the campaigns' messages: state and send time."""
    return [
        resource(
            "campaign-message",
            message.id,
            {
                "created": iso(message.created),
                "updated": latest(now, message.created, message.updated, *_sent(campaign, message)),
                "definition": _message_definition(campaign, message, now),
            },
            campaign=one("campaign", campaign.id),
            campaign_audience=one("campaign-audience", message.audience_id),
            campaign_variations=many("campaign-variation", (v.id for v in message.variations)),
        )
        for campaign in _existing(company, now)
        for message in campaign.messages
    ]


def _message_definition(campaign: Campaign, message: CampaignMessage, now: int) -> Json:
    status = campaign.status(message, now)
    is_planned = message.send_at is not None and status != "draft"
    return {
        "name": message.name,
        "status": status,
        "tracking_options": {
            "is_add_utm": True,
            "is_tracking_clicks": True,
            "is_tracking_opens": True if message.channel == "email" else None,
        },
        "send_options": {
            "send_time": iso(message.send_at) if is_planned and message.send_at else None,
            "send_times": None,
            "send_strategy": message.strategy,
            "recipient_percentage": message.recipient_percentage,
            "throttling_type": "none",
            "throttle_unit": None,
            "is_ignoring_unsubscribes": False,
        },
        "ab_test": _ab_test(message.variations),
    }


def _ab_test(variations: tuple[Variation, ...]) -> Json | None:
    """Return the test's settings; equal shares are a test without a winner."""
    if len(variations) == 1:
        return None
    shares = [variation.share for variation in variations]
    has_winner = max(shares) > min(shares)
    return {
        "winner_metric": "opens_unique" if has_winner else None,
        "winner_percentage": round(100 * (max(shares) - min(shares))) if has_winner else None,
        "winner_wait_hours": 4 if has_winner else None,
    }


def campaign_variations(company: Company, now: int) -> list[Json]:
    """Return the contents of the campaigns' messages."""
    return [
        resource(
            "campaign-variation",
            variation.id,
            {
                "created": iso(message.created),
                "updated": latest(now, message.created, message.updated),
                "definition": {
                    "name": variation.name,
                    "details": _details(company, message, variation),
                },
            },
            campaign_message=one("campaign-message", message.id),
        )
        for campaign in _existing(company, now)
        for message in campaign.messages
        for variation in message.variations
    ]


def _details(company: Company, message: CampaignMessage, variation: Variation) -> Json:
    """Return the content, in the shape of the message's channel."""
    match message.channel:
        case "email":
            return {
                "channel": "email",
                "template_id": variation.template_id,
                "from_label": company.sender,
                "from_email": company.email,
                "reply_to_email": company.email,
                "cc_email": "",
                "bcc_email": "",
                "subject": variation.subject,
                "preview_text": variation.preview,
            }
        case "sms":
            return {
                "channel": "sms",
                "template_id": None,
                "body": variation.body,
                "text_message_type": "SMS",
                "shorten_links": True,
                "include_contact_card": False,
                "add_org_prefix": True,
                "add_info_link": True,
                "add_opt_out_language": False,
            }
        case "push":
            return {
                "channel": "push",
                "title": variation.subject,
                "body": variation.body,
                "push_type": "standard",
                "badge": False,
                "sound": True,
                "web_url": company.website,
            }
        case "whatsapp":
            return {"channel": "whatsapp", "template_id": None, "shorten_links": True}


def campaign_audiences(company: Company, now: int) -> list[Json]:
    """Return whom the campaigns address."""
    return [
        resource(
            "campaign-audience",
            audience.id,
            {
                "created": iso(campaign.created),
                "updated": latest(now, campaign.created, campaign.updated),
                "definition": {
                    "name": audience.name,
                    "included": list(audience.included),
                    "excluded": list(audience.excluded),
                    "priority": priority,
                },
            },
            campaign=one("campaign", campaign.id),
            campaign_messages=many(
                "campaign-message",
                (m.id for m in campaign.messages if m.audience_id == audience.id),
            ),
        )
        for campaign in _existing(company, now)
        for priority, audience in enumerate(campaign.audiences, start=1)
    ]


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
        {"id": v.id, "type": _FLOW_ACTIONS[message.channel], "links": None, "data": content}
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
