"""Custom objects: their types and records, as a loyalty programme keeps them; push tokens."""

from __future__ import annotations

from klaviyo_sandbox.catalog.model import Company
from klaviyo_sandbox.catalog.seeding import SeededRandom
from klaviyo_sandbox.clock import DAY
from klaviyo_sandbox.jsonapi import Json, resource, to_iso, to_many
from klaviyo_sandbox.resources.declaration import (
    Endpoint,
    Page,
    ResourceType,
    S,
    relationship_endpoints,
)

RECORDS = {"Membership": 25, "Gift card": 0}


def _build_types(company: Company, _: int) -> list[Json]:
    return [
        resource(
            "object-type",
            _type_id(company, title),
            {
                "title": title,
                "description": f"{title} of the loyalty programme",
                "status": "active",
                "namespace": "custom",
                "created_at": to_iso(company.founded),
                "updated_at": to_iso(company.founded + DAY),
            },
            object_records=to_many(
                "object-record", (_record_id(company, title, number) for number in range(count))
            ),
        )
        for title, count in RECORDS.items()
    ]


def _build_records(company: Company, _: int) -> list[Json]:
    return [
        resource(
            "object-record",
            _record_id(company, title, number),
            {"record_properties": {"level": ["silver", "gold"][number % 2], "points": number * 10}},
        )
        for title, count in RECORDS.items()
        for number in range(count)
    ]


def _type_id(company: Company, title: str) -> str:
    return SeededRandom(company.seed).ulid(company.founded, "object-type", title)


def _record_id(company: Company, title: str, number: int) -> str:
    return f"{_type_id(company, title)}-{number}"


_ACCESS = (S, "custom-objects:read")
OBJECT_TYPE = ResourceType(
    name="object-type",
    attributes="created_at description namespace status title updated_at",
    relationships={"object-records": "object-record*"},
    shown="",
    build=_build_types,
    endpoints=(
        Endpoint("/api/object-types", "object-type", *_ACCESS),
        Endpoint("/api/object-types/{id}", "object-type", *_ACCESS),
        *relationship_endpoints(
            "/api/object-types/{id}/object-records", "object-record", *_ACCESS, page=Page(20, 100)
        ),
    ),
)
OBJECT_RECORD = ResourceType(
    name="object-record", attributes="record_properties", build=_build_records
)
