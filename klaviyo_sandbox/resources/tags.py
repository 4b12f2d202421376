"""Tags and tag groups."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from klaviyo_sandbox.catalog.model import Company
from klaviyo_sandbox.jsonapi import Json, resource, to_many, to_one
from klaviyo_sandbox.resources.declaration import (
    FLAG,
    NAME,
    Endpoint,
    Page,
    ResourceType,
    S,
    relationship_endpoints,
)


def _build_tags(company: Company, now: int) -> list[Json]:
    def find_tagged(resource_type: str, owners: Iterable[Any], tag_id: str) -> Any:
        existing = (owner for owner in owners if owner.created <= now)
        return to_many(resource_type, (owner.id for owner in existing if tag_id in owner.tag_ids))

    return [
        resource(
            "tag",
            tag.id,
            {"name": tag.name},
            tag_group=to_one("tag-group", tag.group_id),
            lists=find_tagged("list", company.lists, tag.id),
            segments=find_tagged("segment", company.segments, tag.id),
            campaigns=find_tagged("campaign", company.campaigns, tag.id),
            flows=find_tagged("flow", company.flows, tag.id),
        )
        for tag in company.tags
    ]


def _build_tag_groups(company: Company, _: int) -> list[Json]:
    return [
        resource(
            "tag-group",
            group.id,
            {"name": group.name, "exclusive": group.exclusive, "default": group.default},
            tags=to_many("tag", (tag.id for tag in company.tags if tag.group_id == group.id)),
        )
        for group in company.tag_groups
    ]


_ACCESS = (S, "tags:read")
TAG = ResourceType(
    name="tag",
    attributes="name",
    relationships={
        "tag-group": "tag-group",
        "lists": "list*",
        "segments": "segment*",
        "campaigns": "campaign*",
        "flows": "flow*",
    },
    shown="",
    build=_build_tags,
    endpoints=(
        Endpoint("/api/tags", "tag", *_ACCESS, Page(50, 50), "id name", {"name": NAME},
                 "tag-group"),
        Endpoint("/api/tags/{id}", "tag", *_ACCESS, include="tag-group"),
        *relationship_endpoints("/api/tags/{id}/tag-group", "tag-group", *_ACCESS),
        # Klaviyo gives only the identifiers of a tag's resources.
        *(Endpoint(f"/api/tags/{{id}}/relationships/{owner}s", owner, S, f"{owner}s:read tags:read")
          for owner in ("campaign", "flow", "list", "segment")),
    ),
)  # fmt: skip
TAG_GROUP = ResourceType(
    name="tag-group",
    attributes="default exclusive name",
    relationships={"tags": "tag*"},
    build=_build_tag_groups,
    endpoints=(
        Endpoint("/api/tag-groups", "tag-group", *_ACCESS, Page(25, 25), "id name",
                 {"name": NAME, "exclusive": FLAG, "default": FLAG}),
        Endpoint("/api/tag-groups/{id}", "tag-group", *_ACCESS),
        *relationship_endpoints("/api/tag-groups/{id}/tags", "tag", *_ACCESS, page_links=True),
    ),
)  # fmt: skip
