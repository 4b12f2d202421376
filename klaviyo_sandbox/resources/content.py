"""Content and settings: images, feeds, shared blocks, link tracking, senders, brand, usage.

Types, endpoints and parameters are those of the OpenAPI 2026-07-15; senders, brand and billing
usage, which 2026-10-15 adds, are those of the official client klaviyo-api 25.0.0.
"""

from __future__ import annotations

from klaviyo_sandbox.catalog.model import Company
from klaviyo_sandbox.catalog.seeding import SeededRandom
from klaviyo_sandbox.clock import DAY
from klaviyo_sandbox.jsonapi import Json, resource, to_iso
from klaviyo_sandbox.resources.declaration import (
    ANY,
    ANY_OR_EQUALS,
    FLAG,
    TIME_RANGE,
    XS,
    Endpoint,
    L,
    M,
    Page,
    ResourceType,
    S,
    string_filter,
)

USAGE = {
    "email": ("messages", 250_000),
    "sms": ("credits", 8_000),
    "profiles": ("profiles", 50_000),
}


def _build_images(company: Company, _: int) -> list[Json]:
    return [
        resource(
            "image",
            str(300_000 + number),
            {
                "name": product.name,
                "image_url": f"{product.url}.jpg",
                "format": "jpeg",
                "size": 80_000 + number,
                "hidden": number == 0,
                "updated_at": to_iso(company.founded + number * DAY),
            },
        )
        for number, product in enumerate(company.products)
    ]


def _build_web_feeds(company: Company, _: int) -> list[Json]:
    return [
        resource(
            "web-feed",
            str(9_000_000 + company.seed),
            {
                "name": "new_products",
                "url": f"{company.website}/feeds/new.json",
                "request_method": "get",
                "content_type": "json",
                "created": to_iso(company.founded),
                "updated": to_iso(company.founded + DAY),
                "status": "ok",
            },
        )
    ]


def _build_universal_content(company: Company, _: int) -> list[Json]:
    return [
        resource(
            "template-universal-content",
            SeededRandom(company.seed).ulid(company.founded, "universal-content", name),
            {
                "name": name,
                "definition": {"content_type": "block", "type": kind, "data": {}},
                "created": to_iso(company.founded),
                "updated": to_iso(company.founded + DAY),
                "screenshot_status": "completed",
                "screenshot_url": f"{company.website}/screenshots/{name.lower()}.png",
            },
        )
        for name, kind in (("Header", "image"), ("Footer", "image"))
    ]


def _build_tracking_settings(company: Company, _: int) -> list[Json]:
    def use(flow: str, campaign: str) -> Json:
        return {
            "flow": {"type": "dynamic", "value": flow},
            "campaign": {"type": "dynamic", "value": campaign},
        }

    source = {"flow": {"type": "static", "value": "klaviyo"}}
    return [
        resource(
            "tracking-setting",
            company.account_id,
            {
                "auto_add_parameters": True,
                "utm_source": {**source, "campaign": source["flow"]},
                "utm_medium": use("message_type", "message_type"),
                "utm_campaign": use("flow_name", "campaign_name"),
                "utm_id": use("flow_id", "campaign_id"),
                "utm_term": None,
                "custom_parameters": [],
            },
        )
    ]


def _build_webhooks(company: Company, _: int) -> list[Json]:
    return [
        resource(
            "webhook",
            SeededRandom(company.seed).ulid(company.founded, "webhook"),
            {
                "name": "Orders",
                "description": None,
                "endpoint_url": f"{company.website}/...",
                "enabled": True,
                "created_at": to_iso(company.founded),
                "updated_at": to_iso(company.founded + DAY),
            },
        )
    ]


def _build_data_sources(company: Company, _: int) -> list[Json]:
    return [
        resource(
            "data-source",
            SeededRandom(company.seed).ulid(company.founded, "data-source"),
            {
                "title": "Loyalty",
                "visibility": "private",
                "description": "Loyalty programme",
                "namespace": "custom",
            },
        )
    ]


def _build_senders(company: Company, _: int) -> list[Json]:
    return [
        resource(
            "text-messaging-sender",
            SeededRandom(company.seed).ulid(company.founded, "sender"),
            {
                "sender_type": "toll_free",
                "sender_details": {"type": "toll_free", "country": "US"},
                "status": "active",
                "created_at": to_iso(company.founded),
                "forwarding_number": None,
                "sender_identifier": "+18885550100",
            },
        )
    ]


def _build_usage(_: Company, now: int) -> list[Json]:
    start = now - now % (30 * DAY)
    return [
        resource(
            "billing-usage",
            name,
            {
                "usage_used": round(maximum * (now - start) / (30 * DAY), 4),
                "usage_max": maximum,
                "unit": unit,
                "period_start": to_iso(start),
                "period_end": to_iso(start + 30 * DAY),
                "as_of": to_iso(now),
            },
        )
        for name, (unit, maximum) in USAGE.items()
    ]


def _build_colors(company: Company, _: int) -> list[Json]:
    colors = [{"name": "Juniper", "hex": "#1f5f4a"}, {"name": "Tide", "hex": "#2a6f97"}]
    id_ = SeededRandom(company.seed).ulid(company.founded, "brand-color")
    return [resource("brand-color", id_, {"name": "Main", "colors": colors})]


def _build_nothing(_: Company, __: int) -> list[Json]:
    return []


def _brand(name: str, attributes: str, plural: str) -> ResourceType:
    return ResourceType(
        name=name,
        attributes=attributes,
        build=_build_colors if name == "brand-color" else _build_nothing,
        endpoints=(Endpoint(f"/api/{plural}", name, M, "brands:read"),),
    )


IMAGE = ResourceType(
    name="image",
    attributes="format hidden image_url name size updated_at",
    build=_build_images,
    endpoints=(
        Endpoint("/api/images", "image", M, "images:read", Page(20, 100),
                 "format id name size updated_at",
                 {"id": ANY_OR_EQUALS, "updated_at": TIME_RANGE, "format": ANY_OR_EQUALS,
                  "hidden": FLAG},
                 default_filters={"hidden": "equals(hidden,false)"}),
        Endpoint("/api/images/{id}", "image", M, "images:read"),
    ),
)  # fmt: skip
WEB_FEED = ResourceType(
    name="web-feed",
    attributes="content_type created name request_method status updated url",
    build=_build_web_feeds,
    endpoints=(
        Endpoint("/api/web-feeds", "web-feed", XS, "web-feeds:read", Page(5, 20),
                 "created name updated",
                 {"name": string_filter("any", "contains", "equals"),
                  "created": TIME_RANGE, "updated": TIME_RANGE}),
        Endpoint("/api/web-feeds/{id}", "web-feed", XS, "web-feeds:read"),
    ),
)  # fmt: skip
UNIVERSAL_CONTENT = ResourceType(
    name="template-universal-content",
    attributes="created definition name screenshot_status screenshot_url updated",
    path_name="template-universal-content",
    build=_build_universal_content,
    endpoints=(
        Endpoint("/api/template-universal-content", "template-universal-content", L,
                 "templates:read", Page(20, 100), "created id name updated",
                 {"id": ANY_OR_EQUALS, "name": ANY_OR_EQUALS, "created": TIME_RANGE,
                  "updated": TIME_RANGE}),
    ),
)  # fmt: skip
TRACKING_SETTING = ResourceType(
    name="tracking-setting",
    attributes="auto_add_parameters custom_parameters utm_campaign utm_id utm_medium utm_source"
    " utm_term",
    build=_build_tracking_settings,
    endpoints=(
        Endpoint("/api/tracking-settings", "tracking-setting", M, "tracking-settings:read",
                 Page(1, 1)),
    ),
)  # fmt: skip
WEBHOOK = ResourceType(
    name="webhook",
    attributes="created_at description enabled endpoint_url name updated_at",
    build=_build_webhooks,
    endpoints=(Endpoint("/api/webhooks", "webhook", XS, "webhooks:read", page_links=True),),
)
DATA_SOURCE = ResourceType(
    name="data-source",
    attributes="description namespace title visibility",
    build=_build_data_sources,
    endpoints=(
        Endpoint("/api/data-sources", "data-source", S, "custom-objects:read", Page(20, 100)),
    ),
)
TEXT_MESSAGING_SENDER = ResourceType(
    name="text-messaging-sender",
    attributes="created_at forwarding_number sender_details sender_identifier sender_type status",
    build=_build_senders,
    endpoints=(
        Endpoint("/api/text-messaging-senders", "text-messaging-sender", S, "sender-config:read",
                 Page(10, 20), "created_at"),
    ),
)  # fmt: skip
BILLING_USAGE = ResourceType(
    name="billing-usage",
    attributes="as_of period_end period_start unit usage_max usage_used",
    build=_build_usage,
    endpoints=(
        Endpoint("/api/billing-usage", "billing-usage", M, "usage:read", filters={"id": ANY}),
    ),
)
BRAND_COLOR = _brand("brand-color", "colors name", "brand-colors")
BRAND_LOGO = _brand("brand-logo", "alt_text height link_url name width", "brand-logos")
BRAND_BUTTON = _brand(
    "brand-button", "border is_primary name preview_page_hex spacing style text", "brand-buttons"
)
BRAND_SOCIAL_GROUP = _brand("brand-social-group", "name social_links", "brand-social-groups")
BRAND_EMAIL_DEFAULT = _brand("brand-email-default", "body footer header", "brand-email-defaults")
