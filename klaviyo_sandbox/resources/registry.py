"""The company as Klaviyo's JSON:API resources, as they are at a moment.

Names and types are those of revision 2026-10-15 (the typed models of klaviyo-api 25.0.0). The
additional fields are always there and links never: the door takes away the first and adds the
second. To-many relationships hold all their data; a to-one without a resource is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from klaviyo_sandbox.catalog.model import Company, Form, Segment
from klaviyo_sandbox.catalog.plan import Condition
from klaviyo_sandbox.jsonapi import Json, happened, iso, latest, many, one, resource
from klaviyo_sandbox.resources import campaigns, flows


def resources(company: Company, kind: str, now: int) -> list[Json]:
    """Return the resources of ``kind`` that exist at ``now``; KeyError for an unknown kind."""
    return _KINDS[kind](company, now)


def _triggered(company: Company, now: int, trigger: str) -> Any:
    flows = [flow for flow in company.flows if flow.created <= now]
    return many("flow", (flow.id for flow in flows if flow.trigger == trigger))


# The account and its groups


def _accounts(company: Company, _: int) -> list[Json]:
    address = {
        "address1": "14 Harbour Row",
        "address2": None,
        "city": "Portland",
        "region": "ME",
        "country": "US",
        "zip": "04101",
    }
    contact = {
        "default_sender_name": company.sender,
        "default_sender_email": company.email,
        "website_url": company.website,
        "organization_name": company.name,
        "street_address": address,
    }
    attributes = {
        "test_account": True,
        "contact_information": contact,
        "industry": company.industry,
        "timezone": company.timezone,
        "preferred_currency": company.currency,
        "public_api_key": company.account_id,
        "locale": company.locale,
    }
    return [resource("account", company.account_id, attributes)]


def _lists(company: Company, now: int) -> list[Json]:
    return [
        resource(
            "list",
            group.id,
            {
                "name": group.name,
                "created": iso(group.created),
                "updated": latest(now, group.created, group.updated),
                "opt_in_process": group.opt_in_process,
            },
            tags=many("tag", group.tag_ids),
            flow_triggers=_triggered(company, now, group.id),
        )
        for group in company.lists
        if group.created <= now
    ]


def _segments(company: Company, now: int) -> list[Json]:
    return [
        resource(
            "segment",
            group.id,
            {
                "name": group.name,
                "definition": _segment_definition(company, group),
                "created": iso(group.created),
                "updated": latest(now, group.created, group.updated),
                "is_active": True,
                "is_processing": False,
                "is_starred": group.is_starred,
            },
            tags=many("tag", group.tag_ids),
            flow_triggers=_triggered(company, now, group.id),
        )
        for group in company.segments
        if group.created <= now
    ]


def _segment_definition(company: Company, group: Segment) -> Json:
    """Return the rule: every group of conditions must hold."""
    conditions = [_condition(company, condition) for condition in group.conditions]
    if group.members_of is not None:
        membership = {
            "type": "profile-group-membership",
            "is_member": True,
            "group_ids": [group.members_of],
            "timeframe_filter": None,
        }
        conditions.append(membership)
    return {"condition_groups": [{"conditions": [condition]} for condition in conditions]}


def _condition(company: Company, condition: Condition) -> Json:
    within = {"type": "date", "operator": "in-the-last", "unit": "day", "quantity": condition.days}
    ever = {"type": "date", "operator": "alltime"}
    return happened(
        company.metric(condition.metric).id,
        {"type": "numeric", "operator": condition.operator, "value": condition.times},
        ever if condition.days is None else within,
    )


def _tags(company: Company, now: int) -> list[Json]:
    def tagged(kind: str, owners: Iterable[Any], tag_id: str) -> Any:
        existing = (owner for owner in owners if owner.created <= now)
        return many(kind, (owner.id for owner in existing if tag_id in owner.tag_ids))

    return [
        resource(
            "tag",
            tag.id,
            {"name": tag.name},
            tag_group=one("tag-group", tag.group_id),
            lists=tagged("list", company.lists, tag.id),
            segments=tagged("segment", company.segments, tag.id),
            campaigns=tagged("campaign", company.campaigns, tag.id),
            flows=tagged("flow", company.flows, tag.id),
        )
        for tag in company.tags
    ]


def _tag_groups(company: Company, _: int) -> list[Json]:
    return [
        resource(
            "tag-group",
            group.id,
            {"name": group.name, "exclusive": group.exclusive, "default": group.default},
            tags=many("tag", (tag.id for tag in company.tags if tag.group_id == group.id)),
        )
        for group in company.tag_groups
    ]


# Metrics


def _metrics(company: Company, now: int) -> list[Json]:
    return [
        resource(
            "metric",
            metric.id,
            {
                "name": metric.name,
                "created": iso(metric.created),
                "updated": latest(now, metric.created, metric.updated),
                "integration": {
                    "object": "integration",
                    "id": metric.integration_id,
                    "key": metric.integration_name.lower(),
                    "name": metric.integration_name,
                    "category": metric.integration_category,
                },
            },
            flow_triggers=_triggered(company, now, metric.name),
        )
        for metric in company.metrics
        if metric.created <= now
    ]


def _mapped_metrics(company: Company, _: int) -> list[Json]:
    return [
        resource(
            "mapped-metric",
            mapped.id,
            {"updated": iso(mapped.updated)},
            metric=one("metric", mapped.metric_id),
            custom_metric=one("custom-metric", mapped.custom_metric_id),
        )
        for mapped in company.mapped_metrics
    ]


def _custom_metrics(company: Company, now: int) -> list[Json]:
    def part(metric_id: str) -> Json:
        return {"metric_id": metric_id, "metric_filters": None, "value_property": "$value"}

    return [
        resource(
            "custom-metric",
            custom.id,
            {
                "name": custom.name,
                "created": iso(custom.created),
                "updated": latest(now, custom.created, custom.updated),
                "definition": {
                    "aggregation_method": "value",
                    "metric_groups": [part(metric_id) for metric_id in custom.metric_ids],
                },
            },
            metrics=many("metric", custom.metric_ids),
        )
        for custom in company.custom_metrics
        if custom.created <= now
    ]


# Forms and templates


def _forms(company: Company, now: int) -> list[Json]:
    return [
        resource(
            "form",
            form.id,
            {
                "name": form.name,
                "status": _form_status(form.live_from, now),
                "ab_test": len(form.versions) > 1,
                "created_at": iso(form.created),
                "updated_at": latest(now, form.created, form.updated, form.live_from),
                "definition": {"versions": _form_definitions(form, now)},
            },
            form_versions=many("form-version", (version.id for version in form.versions)),
        )
        for form in company.forms
        if form.created <= now
    ]


def _form_definitions(form: Form, now: int) -> list[Json]:
    """Return what the form's versions look like: one empty step each."""
    return [
        {
            "id": int(version.id),
            "name": version.name,
            "type": "full_screen" if version.form_type == "full_page" else version.form_type,
            "status": _form_status(form.live_from, now),
            "steps": [{"name": "Step 1", "columns": []}],
            "triggers": [],
        }
        for version in form.versions
    ]


def _form_versions(company: Company, now: int) -> list[Json]:
    return [
        resource(
            "form-version",
            version.id,
            {
                "form_type": version.form_type,
                "variation_name": version.name,
                "ab_test": {"variation_name": version.name} if len(form.versions) > 1 else None,
                "status": _form_status(form.live_from, now),
                "created_at": iso(version.created),
                "updated_at": latest(now, version.created, version.updated, form.live_from),
            },
            form=one("form", form.id),
        )
        for form in company.forms
        for version in form.versions
        if version.created <= now
    ]


def _form_status(live_from: int | None, now: int) -> str:
    return "live" if live_from is not None and live_from <= now else "draft"


def _templates(company: Company, now: int) -> list[Json]:
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
                "created": iso(template.created),
                "updated": latest(now, template.created, template.updated),
                "definition": None,
            },
        )
        for template in company.templates
        if template.created <= now
    ]


_KINDS: dict[str, Callable[[Company, int], list[Json]]] = {
    "account": _accounts,
    "campaign": campaigns.campaigns,
    "campaign-message": campaigns.campaign_messages,
    "campaign-variation": campaigns.campaign_variations,
    "campaign-audience": campaigns.campaign_audiences,
    "flow": flows.flows,
    "flow-action": flows.flow_actions,
    "flow-message": flows.flow_messages,
    "list": _lists,
    "segment": _segments,
    "tag": _tags,
    "tag-group": _tag_groups,
    "metric": _metrics,
    "mapped-metric": _mapped_metrics,
    "custom-metric": _custom_metrics,
    "form": _forms,
    "form-version": _form_versions,
    "template": _templates,
}
