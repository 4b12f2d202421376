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
from klaviyo_sandbox.clock import DAY, HISTORY, HOUR, MINUTE, start_of_day

TIMEZONE = "America/New_York"
WEBSITE = "https://www.juniperandtide.example"
CURRENCY = "USD"
COUPON_CODES = 300
_INTEGRATION_CATEGORIES = {
    "Klaviyo": "Internal",
    "Shopify": "eCommerce",
    "API": "API",
    plan.FORMER_STORE: "eCommerce",
}
_TEXT_MESSAGE_RENAMED = int(datetime(2026, 7, 1, 15, tzinfo=UTC).timestamp())


def build_company(  # noqa: PLR0913 - the options of the account
    seed: int,
    epoch: date,
    campaigns: int,
    *,
    timezone: str = TIMEZONE,
    currency: str = CURRENCY,
    revenue: plan.Revenue = "mapped",
    catalog_items: int = 0,
    coupon_codes: int = COUPON_CODES,
) -> Company:
    """Return the company of ``seed`` around ``epoch``, with the exact number of campaigns."""
    seeded = SeededRandom(seed)
    # The account is older than its history, so everything set up on the first days exists.
    today = start_of_day(epoch)
    founded = today - HISTORY - 100 * DAY
    return Company(
        seed=seed,
        account_id=seeded.short_id("account"),
        name="Juniper & Tide (sandbox)",
        website=WEBSITE,
        email="hello@juniperandtide.example",
        sender="Juniper & Tide",
        industry="Home & Garden",
        timezone=timezone,
        currency=currency,
        locale="en-US",
        founded=founded,
        products=_build_products(seeded),
        catalog_items=catalog_items,
        coupon_codes=coupon_codes,
        metrics=_build_metrics(seeded, founded, revenue),
        mapped_metrics=_build_mapped_metrics(seeded, founded, revenue),
        custom_metrics=_build_custom_metrics(seeded, founded),
        tag_groups=_build_tag_groups(seeded),
        tags=_build_tags(seeded),
        lists=_build_lists(seeded, founded),
        segments=_build_segments(seeded, founded),
        forms=tuple(_build_form(seeded, form, today) for form in plan.FORMS),
        templates=_build_templates(seeded, founded),
        campaigns=build_campaigns(seeded, epoch, timezone, campaigns),
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


def _build_metrics(seeded: SeededRandom, founded: int, revenue: plan.Revenue) -> tuple[Metric, ...]:
    names = [(name, source) for source, names in plan.METRICS.items() for name in names]
    metrics = [
        Metric(
            id=seeded.short_id("metric", name),
            name=name,
            integration_id=seeded.short_id("integration", source),
            integration_name=source,
            integration_category=_INTEGRATION_CATEGORIES[source],
            created=founded + number * HOUR,
            # Klaviyo renamed its SMS metrics to Text Message: that is their last update.
            updated=_TEXT_MESSAGE_RENAMED if "Text Messag" in name else founded + number * HOUR,
            value=name in plan.VALUED,
            renamed=plan.OTHER_NAME if (name, revenue) == (plan.REVENUE_METRIC, "none") else "",
        )
        for number, (name, source) in enumerate(names)
    ]
    return (*metrics, _build_former_metric(seeded, founded)) if revenue == "twice" else (*metrics,)


def _build_former_metric(seeded: SeededRandom, founded: int) -> Metric:
    """Return the revenue metric of the store before this one; it has no events."""
    return Metric(
        id=seeded.short_id("metric", plan.REVENUE_METRIC, plan.FORMER_STORE),
        name=f"{plan.REVENUE_METRIC} of {plan.FORMER_STORE}",
        integration_id=seeded.short_id("integration", plan.FORMER_STORE),
        integration_name=plan.FORMER_STORE,
        integration_category=_INTEGRATION_CATEGORIES[plan.FORMER_STORE],
        created=founded - DAY,
        updated=founded - DAY,
        value=True,
        renamed=plan.REVENUE_METRIC,
    )


def _build_mapped_metrics(
    seeded: SeededRandom, founded: int, revenue: plan.Revenue
) -> tuple[MappedMetric, ...]:
    roles: dict[str, str | None] = {**plan.MAPPED_METRICS}
    if revenue != "mapped":
        roles["revenue"] = None
    return tuple(
        MappedMetric(role, seeded.short_id("metric", name) if name else None, None, founded + DAY)
        for role, name in roles.items()
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
