"""Campaigns with their messages, variations and audiences."""

from __future__ import annotations

from collections.abc import Iterator

from klaviyo_sandbox.catalog.model import Campaign, CampaignMessage, Company, Variation
from klaviyo_sandbox.jsonapi import Json, latest_iso, resource, to_iso, to_many, to_one
from klaviyo_sandbox.resources.declaration import (
    ANY,
    ANY_OR_EQUALS,
    CONTAINS,
    EQUALS,
    FLAG,
    TIME_RANGE,
    UNARCHIVED,
    Endpoint,
    M,
    Page,
    ResourceType,
    S,
    in_definition,
    relationship_endpoints,
)


def _list_existing(company: Company, now: int) -> Iterator[Campaign]:
    return (campaign for campaign in company.campaigns if campaign.created <= now)


def _list_status_changes(campaign: Campaign, message: CampaignMessage) -> tuple[int | None, ...]:
    """Return the moments at which the message's status changes by itself."""
    # Scheduling is visible as an update, and so are the start and the end of the send.
    if not campaign.is_sent:
        return message.scheduled_at, campaign.cancelled_at
    return message.scheduled_at, message.send_at, message.sent_at


def _build_campaigns(company: Company, now: int) -> list[Json]:
    """Return the campaigns; their status and content are in messages and variations."""
    return [
        resource(
            "campaign",
            campaign.id,
            {
                "created_at": to_iso(campaign.created),
                "updated_at": latest_iso(now, campaign.created, *_list_changes(campaign)),
                "definition": _build_campaign_definition(campaign, now),
            },
            campaign_audiences=to_many("campaign-audience", (a.id for a in campaign.audiences)),
            campaign_messages=to_many("campaign-message", (m.id for m in campaign.messages)),
            tags=to_many("tag", campaign.tag_ids),
        )
        for campaign in _list_existing(company, now)
    ]


def _list_changes(campaign: Campaign) -> list[int | None]:
    states = [at for message in campaign.messages for at in _list_status_changes(campaign, message)]
    return [campaign.updated, campaign.archived_at, *states]


def _build_campaign_definition(campaign: Campaign, now: int) -> Json:
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


def _build_campaign_messages(company: Company, now: int) -> list[Json]:
    """Return the campaigns' messages: status and send time."""
    return [
        resource(
            "campaign-message",
            message.id,
            {
                "created": to_iso(message.created),
                "updated": latest_iso(
                    now, message.created, message.updated, *_list_status_changes(campaign, message)
                ),
                "definition": _build_message_definition(campaign, message, now),
            },
            campaign=to_one("campaign", campaign.id),
            campaign_audience=to_one("campaign-audience", message.audience_id),
            campaign_variations=to_many("campaign-variation", (v.id for v in message.variations)),
        )
        for campaign in _list_existing(company, now)
        for message in campaign.messages
    ]


def _build_message_definition(campaign: Campaign, message: CampaignMessage, now: int) -> Json:
    status = campaign.status(message, now)
    send_at = None if status == "draft" else message.send_at
    return {
        "name": message.name,
        "status": status,
        "tracking_options": {
            "is_add_utm": True,
            "is_tracking_clicks": True,
            "is_tracking_opens": True if message.channel == "email" else None,
        },
        "send_options": {
            "send_time": to_iso(send_at) if send_at and not message.has_send_times else None,
            "send_times": {v.id: to_iso(send_at + v.delay) for v in message.variations}
            if send_at and message.has_send_times
            else None,
            "send_strategy": message.strategy,
            "recipient_percentage": message.recipient_percentage,
            "throttling_type": "none",
            "throttle_unit": None,
            "is_ignoring_unsubscribes": False,
        },
        "ab_test": _build_ab_test(message.variations),
    }


def _build_ab_test(variations: tuple[Variation, ...]) -> Json | None:
    """Return the settings of an A/B test; a test with equal shares has no winner."""
    if len(variations) == 1:
        return None
    shares = [variation.share for variation in variations]
    has_winner = max(shares) > min(shares)
    return {
        "winner_metric": "opens_unique" if has_winner else None,
        "winner_percentage": round(100 * (max(shares) - min(shares))) if has_winner else None,
        "winner_wait_hours": 4 if has_winner else None,
    }


def _build_campaign_variations(company: Company, now: int) -> list[Json]:
    """Return the contents of the campaigns' messages."""
    return [
        resource(
            "campaign-variation",
            variation.id,
            {
                "created": to_iso(message.created),
                "updated": latest_iso(now, message.created, message.updated),
                "definition": {
                    "name": variation.name,
                    "details": _build_details(company, message, variation),
                },
            },
            campaign_message=to_one("campaign-message", message.id),
        )
        for campaign in _list_existing(company, now)
        for message in campaign.messages
        for variation in message.variations
    ]


def _build_details(company: Company, message: CampaignMessage, variation: Variation) -> Json:
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


def _build_campaign_audiences(company: Company, now: int) -> list[Json]:
    """Return the audiences of the campaigns."""
    return [
        resource(
            "campaign-audience",
            audience.id,
            {
                "created": to_iso(campaign.created),
                "updated": latest_iso(now, campaign.created, campaign.updated),
                "definition": {
                    "name": audience.name,
                    "included": list(audience.included),
                    "excluded": list(audience.excluded),
                    "priority": priority,
                },
            },
            campaign=to_one("campaign", campaign.id),
            campaign_messages=to_many(
                "campaign-message",
                (m.id for m in campaign.messages if m.audience_id == audience.id),
            ),
        )
        for campaign in _list_existing(company, now)
        for priority, audience in enumerate(campaign.audiences, start=1)
    ]


_ACCESS = (M, "campaigns:read")
CAMPAIGN = ResourceType(
    name="campaign",
    attributes="created_at definition updated_at",
    relationships={
        "campaign-audiences": "campaign-audience*",
        "campaign-messages": "campaign-message*",
        "tags": "tag*",
    },
    field_paths=in_definition("name", "archived", "builder"),
    build=_build_campaigns,
    endpoints=(
        Endpoint(
            "/api/campaigns", "campaign", *_ACCESS, Page(100, 100),
            sort="created_at id name updated_at",
            filters={"id": ANY, "name": CONTAINS, "archived": FLAG, "builder": EQUALS,
                     "created_at": TIME_RANGE, "updated_at": TIME_RANGE},
            include="campaign-audiences campaign-messages tags", default_filters=UNARCHIVED,
        ),
        Endpoint("/api/campaigns/{id}", "campaign", *_ACCESS,
                 include="campaign-audiences campaign-messages tags"),
        *relationship_endpoints("/api/campaigns/{id}/campaign-messages", "campaign-message",
                                *_ACCESS, page=Page(100), include="campaign"),
        *relationship_endpoints("/api/campaigns/{id}/campaign-audiences", "campaign-audience",
                                *_ACCESS),
        *relationship_endpoints("/api/campaigns/{id}/tags", "tag", S, "campaigns:read tags:read"),
    ),
)  # fmt: skip
CAMPAIGN_MESSAGE = ResourceType(
    name="campaign-message",
    attributes="created definition updated",
    relationships={
        "campaign": "campaign",
        "campaign-audience": "campaign-audience",
        "campaign-variations": "campaign-variation*",
    },
    field_paths=in_definition("name", "status")
    | {"campaign_id": "relationships.campaign.data.id"},
    build=_build_campaign_messages,
    endpoints=(
        Endpoint(
            "/api/campaign-messages", "campaign-message", *_ACCESS, Page(20, 100),
            sort="created id name status updated",
            filters={"id": ANY_OR_EQUALS, "campaign_id": EQUALS, "name": CONTAINS,
                     "status": EQUALS, "created": TIME_RANGE, "updated": TIME_RANGE},
            include="campaign campaign-variations",
        ),
        Endpoint("/api/campaign-messages/{id}", "campaign-message", *_ACCESS,
                 include="campaign campaign-variations"),
        *relationship_endpoints("/api/campaign-messages/{id}/campaign", "campaign", *_ACCESS),
        *relationship_endpoints("/api/campaign-messages/{id}/campaign-audience",
                                "campaign-audience", *_ACCESS),
        *relationship_endpoints("/api/campaign-messages/{id}/campaign-variations",
                                "campaign-variation", *_ACCESS),
    ),
)  # fmt: skip
CAMPAIGN_VARIATION = ResourceType(
    name="campaign-variation",
    attributes="created definition updated",
    relationships={
        "campaign-message": "campaign-message",
        "image": "image",
        "translation": "translation",
    },
    build=_build_campaign_variations,
    endpoints=(
        Endpoint("/api/campaign-variations/{id}", "campaign-variation", *_ACCESS,
                 include="campaign-message"),
        *relationship_endpoints("/api/campaign-variations/{id}/campaign-message",
                                "campaign-message", *_ACCESS),
    ),
)  # fmt: skip
CAMPAIGN_AUDIENCE = ResourceType(
    name="campaign-audience",
    attributes="created definition updated",
    relationships={"campaign": "campaign", "campaign-messages": "campaign-message*"},
    build=_build_campaign_audiences,
    endpoints=(
        Endpoint("/api/campaign-audiences/{id}", "campaign-audience", *_ACCESS,
                 include="campaign campaign-messages"),
        *relationship_endpoints("/api/campaign-audiences/{id}/campaign", "campaign", *_ACCESS),
        *relationship_endpoints("/api/campaign-audiences/{id}/campaign-messages",
                                "campaign-message", *_ACCESS, page=Page(100)),
    ),
)  # fmt: skip
