"""Campaigns, with what they are made of, as JSON:API resources."""

from __future__ import annotations

from collections.abc import Iterator

from klaviyo_sandbox.catalog.model import Campaign, CampaignMessage, Company, Variation
from klaviyo_sandbox.jsonapi import Json, iso, latest, many, one, resource


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
