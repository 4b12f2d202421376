"""The kinds of resources: their attributes and relationships.

Source: Klaviyo's OpenAPI 2026-07-15, and its beta for the campaigns shape of 2026-10-15.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property


@dataclass(frozen=True)
class Kind:
    """A kind of resource.

    ``relations`` maps a relationship to the kind at its other end, with ``*`` for many.
    ``places`` says where a field that is no plain attribute stands in the resource.
    """

    plural: str
    fields: str
    relations: dict[str, str] = field(default_factory=dict)
    additional: str = ""
    places: dict[str, str] = field(default_factory=dict)

    @cached_property
    def attributes(self) -> frozenset[str]:
        """Every attribute, those asked for by ``additional-fields`` too."""
        return frozenset([*self.fields.split(), *self.additional.split()])

    def place(self, name: str) -> str:
        """Return the dotted path of a field that is sorted or filtered by."""
        return "id" if name == "id" else self.places.get(name, f"attributes.{name}")


def _in_definition(*names: str) -> dict[str, str]:
    return {name: f"attributes.definition.{name}" for name in names}


PERSON = (
    "created email external_id first_name image last_event_date last_name locale location"
    " organization phone_number properties title updated joined_group_at"
)

KINDS: dict[str, Kind] = {
    "account": Kind(
        "accounts",
        "contact_information industry locale preferred_currency public_api_key test_account"
        " timezone",
    ),
    "campaign": Kind(
        "campaigns",
        "created_at definition updated_at",
        {
            "campaign-audiences": "campaign-audience*",
            "campaign-messages": "campaign-message*",
            "tags": "tag*",
        },
        places=_in_definition("name", "archived", "builder"),
    ),
    "campaign-message": Kind(
        "campaign-messages",
        "created definition updated",
        {
            "campaign": "campaign",
            "campaign-audience": "campaign-audience",
            "campaign-variations": "campaign-variation*",
        },
        places=_in_definition("name", "status") | {"campaign_id": "relationships.campaign.data.id"},
    ),
    "campaign-variation": Kind(
        "campaign-variations",
        "created definition updated",
        {"campaign-message": "campaign-message", "image": "image", "translation": "translation"},
    ),
    "campaign-audience": Kind(
        "campaign-audiences",
        "created definition updated",
        {"campaign": "campaign", "campaign-messages": "campaign-message*"},
    ),
    "flow": Kind(
        "flows",
        "archived created name status trigger_type updated",
        {"flow-actions": "flow-action*", "tags": "tag*"},
        additional="definition",
    ),
    "flow-action": Kind(
        "flow-actions",
        "created definition updated",
        {"flow": "flow", "flow-messages": "flow-message*"},
        places={"action_type": "attributes.definition.type"}
        | {"status": "attributes.definition.data.status"},
    ),
    "flow-message": Kind(
        "flow-messages",
        "channel created definition updated",
        {"flow-action": "flow-action", "template": "template"},
        places=_in_definition("name"),
    ),
    "list": Kind(
        "lists",
        "created name opt_in_process updated",
        {"profiles": "profile*", "tags": "tag*", "flow-triggers": "flow*"},
        additional="profile_count",
    ),
    "segment": Kind(
        "segments",
        "created definition is_active is_processing is_starred name updated",
        {"profiles": "profile*", "tags": "tag*", "flow-triggers": "flow*"},
        additional="profile_count",
    ),
    "profile": Kind(
        "profiles",
        PERSON,
        {
            "lists": "list*",
            "segments": "segment*",
            "push-tokens": "push-token*",
            "conversations": "conversation*",
        },
        additional="subscriptions predictive_analytics",
        places={"profile_id": "id"},
    ),
    "event": Kind(
        "events",
        "datetime event_properties timestamp uuid",
        {"profile": "profile", "metric": "metric", "attributions": "attribution*"},
    ),
    "attribution": Kind(
        "attributions",
        "",
        {
            "event": "event",
            "attributed-event": "event",
            "campaign": "campaign",
            "campaign-message": "campaign-message",
            "flow": "flow",
            "flow-message": "flow-message",
            "flow-message-variation": "flow-message-variation",
        },
    ),
    "metric": Kind("metrics", "created integration name updated", {"flow-triggers": "flow*"}),
    "mapped-metric": Kind(
        "mapped-metrics", "updated", {"metric": "metric", "custom-metric": "custom-metric"}
    ),
    "custom-metric": Kind(
        "custom-metrics", "created definition name updated", {"metrics": "metric*"}
    ),
    "template": Kind(
        "templates", "amp created editor_type html name text updated", additional="definition"
    ),
    "tag": Kind(
        "tags",
        "name",
        {
            "tag-group": "tag-group",
            "lists": "list*",
            "segments": "segment*",
            "campaigns": "campaign*",
            "flows": "flow*",
        },
    ),
    "tag-group": Kind("tag-groups", "default exclusive name", {"tags": "tag*"}),
    "form": Kind(
        "forms",
        "ab_test created_at name status updated_at",
        {"form-versions": "form-version*"},
        additional="definition",
    ),
    "form-version": Kind(
        "form-versions",
        "ab_test created_at form_type status updated_at variation_name",
        {"form": "form"},
    ),
}
