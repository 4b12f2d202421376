"""Declares what Klaviyo knows of the shop: coupons, the product catalogue, reviews.

As `catalog.py`, which lists these streams too. Klaviyo serves only the products that a custom
integration wrote ("the only supported integration type is `$custom`", its API reference).
"""

from models import parse_table
from streams.declarations import ResourceStream

COUPON = parse_table(
    "coupon",
    "one row per coupon",
    "id",
    """
    id                    STRING        id
    external_id           STRING        attributes/external_id
    description           STRING        attributes/description
    monitor_configuration JSON          attributes/monitor_configuration
    """,
)
COUPON_CODE = parse_table(
    "coupon_code",
    "one row per code of a coupon",
    "id",
    """
    id                    STRING        id
    coupon_id             STRING        owner/id
    profile_id            STRING        relationships/profile/data/id
    unique_code           STRING        attributes/unique_code
    status                STRING        attributes/status
    expires_at            UTC_DATETIME  attributes/expires_at
    """,
    reporting=False,
)
COUPONS = ResourceStream(
    name="coupon",
    path="/api/coupons",
    scope="coupons:read",
    is_optional=True,
    table=COUPON,
    page_size=100,
)
COUPON_CODES = ResourceStream(
    name="coupon_code",
    path="/api/coupon-codes",
    scope="coupon-codes:read",
    requires=("coupon",),
    parent="coupon",
    partitions=("any(coupon.id,[{id}])",),  # Klaviyo refuses a listing without it
    table=COUPON_CODE,
    page_size=100,
    is_daily=True,
)

_PRODUCT = """\
    external_id           STRING        attributes/external_id
    title                 STRING        attributes/title
    description           STRING        attributes/description
    price                 DOUBLE        attributes/price
    url                   STRING        attributes/url
    image_url             STRING        attributes/image_full_url
    image_thumbnail_url   STRING        attributes/image_thumbnail_url
    is_published          BOOLEAN       attributes/published
    created_at            UTC_DATETIME  attributes/created
    updated_at            UTC_DATETIME  attributes/updated
    images                JSON          attributes/images
    custom_metadata       JSON          attributes/custom_metadata
"""
CATALOG_ITEM = parse_table(
    "catalog_item",
    "one row per product of the catalogue",
    "id",
    """
    id                    STRING        id
    """
    + _PRODUCT,
    reporting=False,
)
CATALOG_VARIANT = parse_table(
    "catalog_variant",
    "one row per variant of a product, such as a size",
    "id",
    """
    id                    STRING        id
    catalog_item_id       STRING        owner/id
    sku                   STRING        attributes/sku
    inventory_policy      LONG          attributes/inventory_policy
    inventory_quantity    DOUBLE        attributes/inventory_quantity
    """
    + _PRODUCT,
    reporting=False,
)
CATALOG_CATEGORY = parse_table(
    "catalog_category",
    "one row per category of the catalogue",
    "id",
    """
    id                    STRING        id
    external_id           STRING        attributes/external_id
    name                  STRING        attributes/name
    updated_at            UTC_DATETIME  attributes/updated
    """,
    reporting=False,
)
CATALOG_CATEGORY_ITEM = parse_table(
    "catalog_category_item",
    "one row per product in a category",
    "catalog_category_id catalog_item_id",
    """
    catalog_category_id   STRING        owner/id
    catalog_item_id       STRING        id
    """,
    reporting=False,
)
# Their own listing does not say which product variants belong to (recorded 2026-09-04).
CATALOG_ITEMS = ResourceStream(
    name="catalog_item",
    path="/api/catalog-items",
    scope="catalogs:read",
    table=CATALOG_ITEM,
    related=(("variants", CATALOG_VARIANT),),
    include=("variants",),
    page_size=100,
    is_daily=True,
)
CATALOG_CATEGORIES = ResourceStream(
    name="catalog_category",
    path="/api/catalog-categories",
    scope="catalogs:read",
    table=CATALOG_CATEGORY,
    page_size=100,
    is_daily=True,
)
CATALOG_CATEGORY_ITEMS = ResourceStream(
    name="catalog_category_item",
    path="/api/catalog-categories/{id}/relationships/items",
    scope="catalogs:read",
    requires=("catalog_category",),
    parent="catalog_category",
    table=CATALOG_CATEGORY_ITEM,
    page_size=100,
    is_daily=True,
)

REVIEW = parse_table(
    "review",
    "one row per review, rating or question about a product or the shop",
    "id",
    """
    id                    STRING        id
    catalog_item_id       STRING        relationships/item/data/id
    review_type           STRING        attributes/review_type
    status                STRING        attributes/status/value
    rating                LONG          attributes/rating
    title                 STRING        attributes/title
    content               STRING        attributes/content
    smart_quote           STRING        attributes/smart_quote
    author                STRING        attributes/author
    email                 STRING        attributes/email
    is_verified           BOOLEAN       attributes/verified
    product_external_id   STRING        attributes/product/external_id
    product_name          STRING        attributes/product/name
    product_url           STRING        attributes/product/url
    reply                 STRING        attributes/public_reply/content
    replied_at            UTC_DATETIME  attributes/public_reply/updated
    created_at            UTC_DATETIME  attributes/created
    updated_at            UTC_DATETIME  attributes/updated
    images                JSON          attributes/images
    """,
    reporting=False,
)
REVIEWS = ResourceStream(
    name="review",
    path="/api/reviews",
    scope="reviews:read",
    table=REVIEW,
    partitions=('equals(status,"all")',),
    page_size=100,
    is_daily=True,
)

SHOP_STREAMS = (
    COUPONS,
    COUPON_CODES,
    CATALOG_ITEMS,
    CATALOG_CATEGORIES,
    CATALOG_CATEGORY_ITEMS,
    REVIEWS,
)
