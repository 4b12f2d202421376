"""Profiles. Their content comes from the simulation."""

from __future__ import annotations

from typing import Any

from klaviyo_sandbox.resources.declaration import (
    ANY_OR_EQUALS,
    EQUALS,
    TIME_BETWEEN,
    TIME_RANGE,
    Endpoint,
    L,
    M,
    Page,
    ResourceType,
)

ON_REQUEST: dict[str, Any] = {
    "additional": "subscriptions predictive_analytics",
    "slow_rates": {"predictive_analytics": M},
}
_EMAIL = "subscriptions.email.marketing"

PROFILE = ResourceType(
    name="profile",
    attributes="created email external_id first_name image last_event_date last_name locale"
    " location organization phone_number properties title updated joined_group_at anonymous_id"
    " whatsapp_bsuid",
    additional="subscriptions predictive_analytics",
    relationships={
        "lists": "list*",
        "segments": "segment*",
        "push-tokens": "push-token*",
        "conversations": "conversation*",
    },
    field_paths={"profile_id": "id"},
    endpoints=(
        Endpoint(
            "/api/profiles", "profile", L, "profiles:read", Page(20, 100),
            sort=f"created email id updated {_EMAIL}.suppression.timestamp"
                 f" {_EMAIL}.list_suppressions.timestamp",
            filters={"id": ANY_OR_EQUALS, "email": ANY_OR_EQUALS, "phone_number": ANY_OR_EQUALS,
                     "external_id": ANY_OR_EQUALS, "_kx": EQUALS,
                     "created": TIME_BETWEEN, "updated": TIME_BETWEEN,
                     f"{_EMAIL}.suppression.reason": EQUALS,
                     f"{_EMAIL}.suppression.timestamp": TIME_RANGE,
                     f"{_EMAIL}.list_suppressions.reason": EQUALS,
                     f"{_EMAIL}.list_suppressions.timestamp": TIME_RANGE,
                     f"{_EMAIL}.list_suppressions.list_id": EQUALS},
            **ON_REQUEST,
        ),
        Endpoint("/api/profiles/{id}", "profile", L, "profiles:read", **ON_REQUEST),
    ),
)  # fmt: skip
