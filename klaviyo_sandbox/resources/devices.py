"""Push tokens: one device of each person who receives push messages."""

from __future__ import annotations

from collections.abc import Iterable

from klaviyo_sandbox.jsonapi import Json, resource, to_one
from klaviyo_sandbox.resources.declaration import EQUALS, Endpoint, M, Page, ResourceType


def build_push_tokens(profiles: Iterable[Json]) -> list[Json]:
    """Return the tokens of the people among ``profiles`` who consent to push messages."""
    tokens = []
    for profile in profiles:
        push = profile["attributes"]["subscriptions"]["mobile_push"]["marketing"]
        if push["can_receive_push_marketing"]:
            tokens.append(_build_token(profile["id"], push["consent_timestamp"]))
    return tokens


def _build_token(profile_id: str, since: str) -> Json:
    return resource(
        "push-token",
        f"token-{profile_id}",
        {
            "created": since,
            "token": f"device-{profile_id}",
            "enablement_status": "AUTHORIZED",
            "platform": "ios",
            "vendor": "APNs",
            "background": "AVAILABLE",
            "recorded_date": since,
            "metadata": {"app_name": "Juniper", "app_version": "4.2", "os_name": "ios"},
        },
        profile=to_one("profile", profile_id),
    )


PUSH_TOKEN = ResourceType(
    name="push-token",
    attributes="background created enablement_status metadata platform recorded_date token vendor",
    relationships={"profile": "profile"},
    field_paths={"profile.id": "relationships.profile.data.id"},
    endpoints=(
        Endpoint("/api/push-tokens", "push-token", M, "push-tokens:read profiles:read",
                 Page(20, 100),
                 filters={"id": EQUALS, "profile.id": EQUALS, "enablement_status": EQUALS,
                          "platform": EQUALS},
                 include="profile"),
    ),
)  # fmt: skip
