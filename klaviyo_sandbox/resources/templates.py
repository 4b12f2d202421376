"""E-mail templates."""

from __future__ import annotations

from klaviyo_sandbox.catalog.model import Company
from klaviyo_sandbox.jsonapi import Json, latest_iso, resource, to_iso
from klaviyo_sandbox.resources.declaration import (
    CREATED_AND_UPDATED,
    CREATED_ID_NAME_UPDATED,
    TITLE,
    Endpoint,
    L,
    Page,
    ResourceType,
)


def _build_templates(company: Company, now: int) -> list[Json]:
    return [
        resource(
            "template",
            template.id,
            {
                "name": template.name,
                "editor_type": "CODE",
                "html": template.html,
                "text": template.text,
                "amp": None,
                "created": to_iso(template.created),
                "updated": latest_iso(now, template.created, template.updated),
                "definition": None,
            },
        )
        for template in company.templates
        if template.created <= now
    ]


TEMPLATE = ResourceType(
    name="template",
    attributes="amp created editor_type html name text updated",
    additional="definition",
    build=_build_templates,
    endpoints=(
        Endpoint("/api/templates", "template", L, "templates:read", Page(10, 10),
                 CREATED_ID_NAME_UPDATED, TITLE | CREATED_AND_UPDATED, additional="definition"),
        Endpoint("/api/templates/{id}", "template", L, "templates:read", additional="definition"),
    ),
)  # fmt: skip
