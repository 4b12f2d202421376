"""Builds the company of a seed from the marketers' plan, with ids and times."""

from __future__ import annotations

from datetime import UTC, date, datetime

from klaviyo_sandbox.catalog import copy, plan
from klaviyo_sandbox.catalog.campaigns import build_campaigns
from klaviyo_sandbox.catalog.flows import build_flows
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
from klaviyo_sandbox.catalog.seeding import SeededRandom
from klaviyo_sandbox.clock import DAY, HISTORY, HOUR, MINUTE, midnight

TIMEZONE = "America/New_York"
WEBSITE = "https://www.juniperandtide.example"
_INTEGRATION_CATEGORIES = {"Klaviyo": "Internal", "Shopify": "eCommerce", "API": "API"}
_TEXT_MESSAGE_RENAMED = int(datetime(2026, 7, 1, 15, tzinfo=UTC).timestamp())


def build_company(seed: int, epoch: date, campaigns: int) -> Company:
    """Return the company of ``seed`` around ``epoch``, with the exact number of campaigns."""
    seeded = SeededRandom(seed)
    # The account is older than its history, so everything set up on the first days exists.
    today = midnight(epoch)
    founded = today - HISTORY - 100 * DAY
    return Company(
        seed=seed,
        account_id=seeded.short_id("account"),
        name="Juniper & Tide (sandbox)",
        website=WEBSITE,
        email="hello@juniperandtide.example",
        sender="Juniper & Tide",
        industry="Home & Garden",
        timezone=TIMEZONE,
        currency="USD",
        locale="en-US",
        products=_build_products(seeded),
        metrics=_build_metrics(seeded, founded),
        mapped_metrics=_build_mapped_metrics(seeded, founded),
        custom_metrics=_build_custom_metrics(seeded, founded),
        tag_groups=_build_tag_groups(seeded),
        tags=_build_tags(seeded),
        lists=_build_lists(seeded, founded),
        segments=_build_segments(seeded, founded),
        forms=tuple(_build_form(seeded, form, today) for form in plan.FORMS),
        templates=_build_templates(seeded, founded),
        campaigns=build_campaigns(seeded, epoch, TIMEZONE, campaigns),
        flows=build_flows(seeded, today),
    )


def _draw_updated(seeded: SeededRandom, created: int, *key: object) -> int:
    """Return when a resource was last updated: within days of its creation."""
    return created + seeded.random("edited", *key).randrange(MINUTE, 9 * DAY)


def _build_products(seeded: SeededRandom) -> tuple[Product, ...]:
    return tuple(
        Product(
            id=str(7_200_000_000_000 + seeded.number("product", product.name) % 10**10),
            name=product.name,
            category=product.category,
            price=product.price,
            url=f"{WEBSITE}/products/{product.name.lower().replace(' & ', ' ').replace(' ', '-')}",
            popularity=product.popularity,
        )
        for product in copy.PRODUCTS
    )


def _build_metrics(seeded: SeededRandom, founded: int) -> tuple[Metric, ...]:
    names = [(name, source) for source, names in plan.METRICS.items() for name in names]
    return tuple(
        Metric(
            id=seeded.short_id("metric", name),
            name=name,
            integration_id=seeded.short_id("integration", source),
            integration_name=source,
            integration_category=_INTEGRATION_CATEGORIES[source],
            created=founded + number * HOUR,
            # Klaviyo renamed its SMS metrics to Text Message: that is their last update.
            updated=_TEXT_MESSAGE_RENAMED if "Text Message" in name else founded + number * HOUR,
            value=name in plan.VALUED,
        )
        for number, (name, source) in enumerate(names)
    )


def _build_mapped_metrics(seeded: SeededRandom, founded: int) -> tuple[MappedMetric, ...]:
    return tuple(
        MappedMetric(role, seeded.short_id("metric", name) if name else None, None, founded + DAY)
        for role, name in plan.MAPPED_METRICS.items()
    )


def _build_custom_metrics(seeded: SeededRandom, founded: int) -> tuple[CustomMetric, ...]:
    return tuple(
        CustomMetric(
            id=f"{seeded.number('custom metric', name):032x}",
            name=name,
            metric_ids=tuple(seeded.short_id("metric", part) for part in parts),
            created=founded + 30 * DAY,
            updated=_draw_updated(seeded, founded + 30 * DAY, "custom metric", name),
        )
        for name, parts in plan.CUSTOM_METRICS.items()
    )


def _build_tag_groups(seeded: SeededRandom) -> tuple[TagGroup, ...]:
    return tuple(
        TagGroup(seeded.uuid("tag group", name), name, exclusive=number > 0, default=number == 0)
        for number, name in enumerate(plan.TAG_GROUPS)
    )


def _build_tags(seeded: SeededRandom) -> tuple[Tag, ...]:
    return tuple(
        Tag(seeded.uuid("tag", name), name, seeded.uuid("tag group", group))
        for group, names in plan.TAG_GROUPS.items()
        for name in names
    )


def _build_lists(seeded: SeededRandom, founded: int) -> tuple[ListDef, ...]:
    return tuple(
        ListDef(
            id=seeded.short_id("list", group.name),
            name=group.name,
            opt_in_process=group.opt_in,
            created=founded + number * DAY,
            updated=_draw_updated(seeded, founded + number * DAY, "list", group.name),
            tag_ids=(seeded.uuid("tag", group.tag),),
            channel=group.channel,
            share=group.share,
        )
        for number, group in enumerate(plan.LISTS)
    )


def _build_segments(seeded: SeededRandom, founded: int) -> tuple[Segment, ...]:
    return tuple(
        Segment(
            id=seeded.short_id("segment", group.name),
            name=group.name,
            conditions=group.conditions,
            members_of=seeded.short_id("list", group.members_of) if group.members_of else None,
            created=founded + number * 5 * DAY,
            updated=_draw_updated(seeded, founded + number * 5 * DAY, "segment", group.name),
            is_starred=group.starred,
            tag_ids=(seeded.uuid("tag", "Retention"),) if group.starred else (),
        )
        for number, group in enumerate(plan.SEGMENTS)
    )


def _build_form(seeded: SeededRandom, form: plan.FormPlan, today: int) -> Form:
    live_from = None if form.live_days is None else today - form.live_days * DAY
    created = (live_from or today - 6 * DAY) - 2 * DAY
    form_id = seeded.short_id("form", form.name)
    versions = tuple(
        FormVersion(
            id=seeded.integer_id("form version", form.name, name),
            name=name,
            form_type=form.form_type,
            created=created + HOUR,
            updated=_draw_updated(seeded, created + HOUR, "form version", form.name, name),
            share=share,
        )
        for name, share in form.versions
    )
    updated = max(version.updated for version in versions)
    list_id = seeded.short_id("list", form.list_name)
    return Form(form_id, form.name, list_id, live_from, created, updated, versions)


def _build_templates(seeded: SeededRandom, founded: int) -> tuple[Template, ...]:
    return tuple(
        Template(
            id=seeded.short_id("template", theme.name),
            name=f"{theme.name.title()} layout",
            html=copy.EMAIL_HTML,
            text=copy.EMAIL_TEXT,
            created=founded + number * DAY,
            updated=_draw_updated(seeded, founded + number * DAY, "template", theme.name),
        )
        for number, theme in enumerate(copy.THEMES)
    )
