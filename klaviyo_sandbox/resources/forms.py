"""Sign-up forms and their A/B versions."""

from __future__ import annotations

from klaviyo_sandbox.catalog.model import Company, Form
from klaviyo_sandbox.jsonapi import Json, latest_iso, resource, to_iso, to_many, to_one
from klaviyo_sandbox.resources.declaration import (
    ANY_OR_EQUALS,
    EQUALS,
    FLAG,
    TIME_RANGE,
    TITLE,
    Endpoint,
    Page,
    ResourceType,
    S,
    relationship_endpoints,
)


def _build_forms(company: Company, now: int) -> list[Json]:
    return [
        resource(
            "form",
            form.id,
            {
                "name": form.name,
                "status": _get_status(form.live_from, now),
                "ab_test": len(form.versions) > 1,
                "created_at": to_iso(form.created),
                "updated_at": latest_iso(now, form.created, form.updated, form.live_from),
                "definition": {"versions": _build_layouts(form, now)},
            },
            form_versions=to_many("form-version", (version.id for version in form.versions)),
        )
        for form in company.forms
        if form.created <= now
    ]


def _build_layouts(form: Form, now: int) -> list[Json]:
    """Return the layout of the form's versions: one empty step each."""
    return [
        {
            "id": int(version.id),
            "name": version.name,
            # The definition and the form version name full pages differently (klaviyo-api 25.0.0).
            "type": "full_screen" if version.form_type == "full_page" else version.form_type,
            "status": _get_status(form.live_from, now),
            "steps": [{"name": "Step 1", "columns": []}],
            "triggers": [],
        }
        for version in form.versions
    ]


def _build_form_versions(company: Company, now: int) -> list[Json]:
    return [
        resource(
            "form-version",
            version.id,
            {
                "form_type": version.form_type,
                "variation_name": version.name,
                "ab_test": {"variation_name": version.name} if len(form.versions) > 1 else None,
                "status": _get_status(form.live_from, now),
                "created_at": to_iso(version.created),
                "updated_at": latest_iso(now, version.created, version.updated, form.live_from),
            },
            form=to_one("form", form.id),
        )
        for form in company.forms
        for version in form.versions
        if version.created <= now
    ]


def _get_status(live_from: int | None, now: int) -> str:
    return "live" if live_from is not None and live_from <= now else "draft"


_ACCESS = (S, "forms:read")
_STATE_FILTERS = {"created_at": TIME_RANGE, "updated_at": TIME_RANGE, "status": EQUALS}
FORM = ResourceType(
    name="form",
    attributes="ab_test created_at name status updated_at",
    additional="definition",
    relationships={"form-versions": "form-version*"},
    shown="form-versions",
    build=_build_forms,
    endpoints=(
        Endpoint("/api/forms", "form", *_ACCESS, Page(20, 100), "created_at updated_at",
                 TITLE | _STATE_FILTERS | {"ab_test": FLAG}),
        Endpoint("/api/forms/{id}", "form", *_ACCESS, always="definition"),
        *relationship_endpoints(
            "/api/forms/{id}/form-versions", "form-version", *_ACCESS, page=Page(20, 100),
            sort="created_at updated_at", filters=_STATE_FILTERS | {"form_type": ANY_OR_EQUALS},
            page_links=False,
        ),
    ),
)  # fmt: skip
FORM_VERSION = ResourceType(
    name="form-version",
    attributes="ab_test created_at form_type status updated_at variation_name",
    relationships={"form": "form"},
    build=_build_form_versions,
    endpoints=(
        Endpoint("/api/form-versions/{id}", "form-version", *_ACCESS, include="form"),
        *relationship_endpoints("/api/form-versions/{id}/form", "form", *_ACCESS),
    ),
)
