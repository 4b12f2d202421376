"""The shop: coupons and their codes, the product catalogue, reviews.

The catalogue holds the products that orders name, as a custom integration would write them, and
copies of them where the company asks for a larger one.
"""

from __future__ import annotations

from collections.abc import Iterator

from klaviyo_sandbox.catalog.coupons import COUPONS, find_coupon, find_status, name_code
from klaviyo_sandbox.catalog.model import Company, Product
from klaviyo_sandbox.catalog.seeding import SeededRandom
from klaviyo_sandbox.clock import DAY
from klaviyo_sandbox.jsonapi import Json, resource, to_iso, to_many, to_one
from klaviyo_sandbox.resources.declaration import (
    ANY_OR_EQUALS,
    COMPARISONS,
    EQUALS,
    FLAG,
    TIME_RANGE,
    XL,
    Endpoint,
    Filter,
    L,
    M,
    Page,
    ResourceType,
    relationship_endpoints,
    string_filter,
)

SIZES = ("S", "M", "L")


def _build_coupons(_: Company, __: int) -> list[Json]:
    return [
        resource(
            "coupon",
            name,
            {
                "external_id": name,
                "description": description,
                "monitor_configuration": {"low_balance_threshold": "100"},
            },
        )
        for name, description in COUPONS.items()
    ]


def _build_coupon_codes(company: Company, _: int) -> list[Json]:
    return [
        resource(
            "coupon-code",
            f"{coupon}-{code}",
            {
                "unique_code": code,
                "expires_at": to_iso(company.founded + 3 * 365 * DAY),
                "status": find_status(number),
            },
            coupon=to_one("coupon", coupon),
        )
        for number in range(company.coupon_codes)
        for coupon in [find_coupon(number)]
        for code in [name_code(company.seed, number)]
    ]


def list_products(company: Company) -> Iterator[tuple[str, Product]]:
    """Yield the products of the catalogue, each with its external id."""
    for number in range(max(company.catalog_items, len(company.products))):
        copy, position = divmod(number, len(company.products))
        product = company.products[position]
        yield product.id if copy == 0 else f"{product.id}-{copy}", product


def _build_items(company: Company, _: int) -> list[Json]:
    return [
        resource(
            "catalog-item",
            _catalog_id(external_id),
            _describe(company, external_id, product),
            variants=to_many(
                "catalog-variant", (_catalog_id(f"{external_id}-{size}") for size in SIZES)
            ),
            categories=to_many("catalog-category", [_catalog_id(product.category.lower())]),
        )
        for external_id, product in list_products(company)
    ]


def _build_variants(company: Company, _: int) -> list[Json]:
    return [
        resource(
            "catalog-variant",
            _catalog_id(f"{external_id}-{size}"),
            {
                **_describe(company, f"{external_id}-{size}", product),
                "sku": f"{external_id}-{size}",
                "inventory_policy": 1,
                "inventory_quantity": float(SeededRandom(company.seed).number(external_id) % 90),
            },
            item=to_one("catalog-item", _catalog_id(external_id)),
        )
        for external_id, product in list_products(company)
        for size in SIZES
    ]


def _describe(company: Company, external_id: str, product: Product) -> Json:
    return {
        "external_id": external_id,
        "title": product.name,
        "description": f"{product.name}, from our workshop.",
        "price": product.price,
        "url": product.url,
        "image_full_url": f"{product.url}.jpg",
        "image_thumbnail_url": f"{product.url}-small.jpg",
        "images": [f"{product.url}.jpg"],
        "custom_metadata": {"category": product.category},
        "published": True,
        "created": to_iso(company.founded),
        "updated": to_iso(company.founded + DAY),
    }


def _build_categories(company: Company, _: int) -> list[Json]:
    members: dict[str, list[str]] = {}
    for external_id, product in list_products(company):
        members.setdefault(product.category, []).append(_catalog_id(external_id))
    return [
        resource(
            "catalog-category",
            _catalog_id(name.lower()),
            {
                "external_id": name.lower(),
                "name": name,
                "updated": to_iso(company.founded + DAY),
            },
            items=to_many("catalog-item", items),
        )
        for name, items in members.items()
    ]


def _build_reviews(company: Company, _: int) -> list[Json]:
    reviews = [
        resource(
            "review",
            str(1_000 + number),
            {
                "email": f"reviewer{number}@example.com",
                "status": {"value": "published" if number % 4 else "pending"},
                "verified": number % 3 > 0,
                "review_type": "review",
                "created": to_iso(company.founded + number * DAY),
                "updated": to_iso(company.founded + number * DAY),
                "images": [],
                "product": {
                    "url": product.url,
                    "name": product.name,
                    "image_url": f"{product.url}.jpg",
                    "external_id": product.id,
                },
                "rating": 1 + number % 5,
                "author": f"Reviewer {number}",
                "content": f"I have used the {product.name} for a year.",
                "title": product.name,
                "smart_quote": None,
                "public_reply": None,
            },
            item=to_one("catalog-item", _catalog_id(product.id)),
        )
        for number, product in enumerate(company.products)
    ]
    return [
        {**review, "statuses": [review["attributes"]["status"]["value"], "all"]}
        for review in reviews
    ]


def _catalog_id(external_id: str) -> str:
    """Return the compound id; ``$custom`` and ``$default`` are the only kinds there are."""
    return f"$custom:::$default:::{external_id}"


COUPON = ResourceType(
    name="coupon",
    attributes="description external_id monitor_configuration",
    id_pattern="[0-9_A-z]+",
    build=_build_coupons,
    endpoints=(
        Endpoint("/api/coupons", "coupon", L, "coupons:read", Page(100, 100)),
        Endpoint("/api/coupons/{id}", "coupon", L, "coupons:read"),
    ),
)
COUPON_CODE = ResourceType(
    name="coupon-code",
    attributes="expires_at status unique_code",
    relationships={"coupon": "coupon", "profile": "profile"},
    field_paths={
        "coupon.id": "relationships.coupon.data.id",
        "profile.id": "relationships.profile.data.id",
    },
    build=_build_coupon_codes,
    endpoints=(
        Endpoint("/api/coupon-codes", "coupon-code", XL, "coupon-codes:read", Page(100, 100),
                 filters={"expires_at": TIME_RANGE, "status": EQUALS,
                          "coupon.id": ANY_OR_EQUALS, "profile.id": ANY_OR_EQUALS},
                 include="coupon", required_filters="coupon.id profile.id"),
        Endpoint("/api/coupon-codes/{id}", "coupon-code", XL, "coupon-codes:read",
                 include="coupon"),
    ),
)  # fmt: skip
_ACCESS = (XL, "catalogs:read")
_PRODUCT = (
    "created custom_metadata description external_id image_full_url image_thumbnail_url images"
    " price published title updated url"
)
_PUBLISHED = {"ids": string_filter("any"), "title": string_filter("contains"), "published": FLAG}
CATALOG_ITEM = ResourceType(
    name="catalog-item",
    attributes=_PRODUCT,
    relationships={"variants": "catalog-variant*"},
    field_paths={"ids": "id", "category.id": "relationships.categories.data.id"},
    build=_build_items,
    endpoints=(
        Endpoint("/api/catalog-items", "catalog-item", *_ACCESS, Page(100, 100), "created",
                 _PUBLISHED | {"category.id": EQUALS}, "variants"),
        Endpoint("/api/catalog-items/{id}", "catalog-item", *_ACCESS, include="variants"),
    ),
)  # fmt: skip
CATALOG_VARIANT = ResourceType(
    name="catalog-variant",
    attributes=f"{_PRODUCT} inventory_policy inventory_quantity sku",
    relationships={"item": "catalog-item"},
    shown="",
    field_paths={"ids": "id", "item.id": "relationships.item.data.id"},
    build=_build_variants,
    endpoints=(
        Endpoint("/api/catalog-variants", "catalog-variant", *_ACCESS, Page(100, 100), "created",
                 _PUBLISHED | {"item.id": EQUALS, "sku": EQUALS}),
        Endpoint("/api/catalog-variants/{id}", "catalog-variant", *_ACCESS),
    ),
)  # fmt: skip
CATALOG_CATEGORY = ResourceType(
    name="catalog-category",
    attributes="external_id name updated",
    relationships={"items": "catalog-item*"},
    field_paths={"ids": "id"},
    build=_build_categories,
    endpoints=(
        Endpoint("/api/catalog-categories", "catalog-category", *_ACCESS, Page(100, 100),
                 "created", {"ids": string_filter("any"), "name": string_filter("contains")}),
        Endpoint("/api/catalog-categories/{id}", "catalog-category", *_ACCESS),
        *relationship_endpoints(
            "/api/catalog-categories/{id}/items", "catalog-item", *_ACCESS, page=Page(100, 100),
            sort="created", filters=_PUBLISHED, include="variants",
        ),
    ),
)  # fmt: skip
REVIEW = ResourceType(
    name="review",
    attributes="author content created email images product public_reply rating review_type"
    " smart_quote status title updated verified",
    relationships={"events": "event*", "item": "catalog-item"},
    field_paths={"item.id": "relationships.item.data.id", "status": "statuses"},
    build=_build_reviews,
    endpoints=(
        Endpoint("/api/reviews", "review", M, "reviews:read", Page(20, 100),
                 "created rating updated",
                 {"created": Filter("date-time", ("greater-or-equal", "less-or-equal")),
                  "rating": Filter("number", ("any", "equals", *COMPARISONS[::2])),
                  "id": ANY_OR_EQUALS, "item.id": ANY_OR_EQUALS,
                  "content": string_filter("contains"), "status": EQUALS, "review_type": EQUALS,
                  "verified": FLAG},
                 # Which reviews are listed without a filter is not documented; these, to be safe.
                 default_filters={"status": "equals(status,'published')"}),
        Endpoint("/api/reviews/{id}", "review", M, "reviews:read"),
    ),
)  # fmt: skip
