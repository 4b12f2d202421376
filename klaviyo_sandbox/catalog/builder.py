"""Builds the company of a seed: turns the marketers' plan into resources with ids and times."""

from __future__ import annotations

from datetime import UTC, date, datetime

from klaviyo_sandbox.catalog import copy, plan
from klaviyo_sandbox.catalog.campaigns import make_campaigns
from klaviyo_sandbox.catalog.flows import make_flows
from klaviyo_sandbox.catalog.model import (
    Company,
    CustomMetric,
    Form,
    FormVersion,
    ListDef,
    MappedMetric,
    Metric,
    Product,
    Segment,
    Tag,
    TagGroup,
    Template,
)
from klaviyo_sandbox.catalog.seeding import Draw
from klaviyo_sandbox.clock import DAY, HISTORY, HOUR, MINUTE, midnight

TIMEZONE = "America/New_York"
WEBSITE = "https://www.juniperandtide.example"
_INTEGRATION_CATEGORIES = {"Klaviyo": "Internal", "Shopify": "eCommerce", "API": "API"}
_TEXT_MESSAGE_RENAMED = int(datetime(2026, 7, 1, 15, tzinfo=UTC).timestamp())


def build(seed: int, epoch: date, campaigns: int) -> Company:
    """Return the company of ``seed`` around ``epoch``, with exactly so many campaigns."""
    draw = Draw(seed)
    today = midnight(epoch)
    founded = today - HISTORY - 100 * DAY
    return Company(
        account_id=draw.short_id("account"),
        name="Juniper & Tide (sandbox)",
        website=WEBSITE,
        email="hello@juniperandtide.example",
        sender="Juniper & Tide",
        industry="Home & Garden",
        timezone=TIMEZONE,
        currency="USD",
        locale="en-US",
        products=_products(draw),
        metrics=_metrics(draw, founded),
        mapped_metrics=_mapped_metrics(draw, founded),
        custom_metrics=_custom_metrics(draw, founded),
        tag_groups=_tag_groups(draw),
        tags=_tags(draw),
        lists=_lists(draw, founded),
        segments=_segments(draw, founded),
        forms=tuple(_form(draw, form, today) for form in plan.FORMS),
        templates=_templates(draw, founded),
        campaigns=make_campaigns(draw, epoch, TIMEZONE, campaigns),
        flows=make_flows(draw, today),
    )


def _edited(draw: Draw, created: int, *key: object) -> int:
    """Return when something was last edited: within days of being made."""
    return created + draw.random("edited", *key).randrange(MINUTE, 9 * DAY)


def _products(draw: Draw) -> tuple[Product, ...]:
    return tuple(
        Product(
            id=str(7_200_000_000_000 + draw.number("product", goods.name) % 10**10),
            name=goods.name,
            category=goods.category,
            price=goods.price,
            url=f"{WEBSITE}/products/{goods.name.lower().replace(' & ', ' ').replace(' ', '-')}",
            popularity=goods.popularity,
        )
        for goods in copy.GOODS
    )


def _metrics(draw: Draw, founded: int) -> tuple[Metric, ...]:
    names = [(name, source) for source, names in plan.METRICS.items() for name in names]
    return tuple(
        Metric(
            id=draw.short_id("metric", name),
            name=name,
            integration_id=draw.short_id("integration", source),
            integration_name=source,
            integration_category=_INTEGRATION_CATEGORIES[source],
            created=founded + number * HOUR,
            updated=_TEXT_MESSAGE_RENAMED if "Text Message" in name else founded + number * HOUR,
            value=name in plan.VALUED,
        )
        for number, (name, source) in enumerate(names)
    )


def _mapped_metrics(draw: Draw, founded: int) -> tuple[MappedMetric, ...]:
    return tuple(
        MappedMetric(role, draw.short_id("metric", name) if name else None, None, founded + DAY)
        for role, name in plan.MAPPED_METRICS.items()
    )


def _custom_metrics(draw: Draw, founded: int) -> tuple[CustomMetric, ...]:
    return tuple(
        CustomMetric(
            id=f"{draw.number('custom metric', name):032x}",
            name=name,
            metric_ids=tuple(draw.short_id("metric", part) for part in parts),
            created=founded + 30 * DAY,
            updated=_edited(draw, founded + 30 * DAY, "custom metric", name),
        )
        for name, parts in plan.CUSTOM_METRICS.items()
    )


def _tag_groups(draw: Draw) -> tuple[TagGroup, ...]:
    return tuple(
        TagGroup(draw.uuid("tag group", name), name, exclusive=number > 0, default=number == 0)
        for number, name in enumerate(plan.TAG_GROUPS)
    )


def _tags(draw: Draw) -> tuple[Tag, ...]:
    return tuple(
        Tag(draw.uuid("tag", name), name, draw.uuid("tag group", group))
        for group, names in plan.TAG_GROUPS.items()
        for name in names
    )


def _lists(draw: Draw, founded: int) -> tuple[ListDef, ...]:
    return tuple(
        ListDef(
            id=draw.short_id("list", group.name),
            name=group.name,
            opt_in_process=group.opt_in,
            created=founded + number * DAY,
            updated=_edited(draw, founded + number * DAY, "list", group.name),
            tag_ids=(draw.uuid("tag", group.tag),),
            channel=group.channel,
            share=group.share,
        )
        for number, group in enumerate(plan.LISTS)
    )


def _segments(draw: Draw, founded: int) -> tuple[Segment, ...]:
    return tuple(
        Segment(
            id=draw.short_id("segment", group.name),
            name=group.name,
            conditions=group.conditions,
            members_of=draw.short_id("list", group.members_of) if group.members_of else None,
            created=founded + number * 5 * DAY,
            updated=_edited(draw, founded + number * 5 * DAY, "segment", group.name),
            is_starred=group.starred,
            tag_ids=(draw.uuid("tag", "Retention"),) if group.starred else (),
        )
        for number, group in enumerate(plan.SEGMENTS)
    )


def _form(draw: Draw, form: plan.FormPlan, today: int) -> Form:
    live_from = None if form.live_days is None else today - form.live_days * DAY
    created = (live_from or today - 6 * DAY) - 2 * DAY
    form_id = draw.short_id("form", form.name)
    versions = tuple(
        FormVersion(
            id=draw.integer_id("form version", form.name, name),
            name=name,
            form_type=form.form_type,
            created=created + HOUR,
            updated=_edited(draw, created + HOUR, "form version", form.name, name),
            share=share,
        )
        for name, share in form.versions
    )
    updated = max(version.updated for version in versions)
    list_id = draw.short_id("list", form.list_name)
    return Form(form_id, form.name, list_id, live_from, created, updated, versions)


def _templates(draw: Draw, founded: int) -> tuple[Template, ...]:
    return tuple(
        Template(
            id=draw.short_id("template", theme.name),
            name=f"{theme.name.title()} layout",
            html=copy.EMAIL_HTML,
            text=copy.EMAIL_TEXT,
            created=founded + number * DAY,
            updated=_edited(draw, founded + number * DAY, "template", theme.name),
        )
        for number, theme in enumerate(copy.THEMES)
    )
