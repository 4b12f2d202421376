"""Declares content and settings: form versions, images, feeds, tracking, devices, custom objects.

As `catalog.py`, which lists these streams too.
"""

from models import parse_table
from streams.declarations import ResourceStream
from tables.segments import derive_profile_count

FORM_VERSION = parse_table(
    "form_version",
    "one row per version of a sign-up form; several only in an A/B test",
    "id",
    """
    id                    STRING        id
    form_id               STRING        owner/id
    variation_name        STRING        attributes/variation_name
    form_type             STRING        attributes/form_type
    status                STRING        attributes/status
    ab_test_variation     STRING        attributes/ab_test/variation_name
    created_at            UTC_DATETIME  attributes/created_at
    updated_at            UTC_DATETIME  attributes/updated_at
    """,
)
FORM_VERSIONS = ResourceStream(
    name="form_version",
    path="/api/forms/{id}/form-versions",
    scope="forms:read",
    requires=("form",),
    parent="form",
    table=FORM_VERSION,
    page_size=100,
    is_daily=True,
)
IMAGE = parse_table(
    "image",
    "one row per image of the library",
    "id",
    """
    id                    STRING        id
    name                  STRING        attributes/name
    image_url             STRING        attributes/image_url
    format                STRING        attributes/format
    size                  LONG          attributes/size
    is_hidden             BOOLEAN       attributes/hidden
    updated_at            UTC_DATETIME  attributes/updated_at
    """,
)
IMAGES = ResourceStream(
    name="image",
    path="/api/images",
    scope="images:read",
    is_optional=True,
    table=IMAGE,
    partitions=("", "equals(hidden,true)"),  # hidden ones are listed on request only
    page_size=100,
    cursor_field="updated_at",
)
WEB_FEED = parse_table(
    "web_feed",
    "one row per web feed that e-mails show",
    "id",
    """
    id                    STRING        id
    name                  STRING        attributes/name
    url                   STRING        attributes/url
    request_method        STRING        attributes/request_method
    content_type          STRING        attributes/content_type
    status                STRING        attributes/status
    created_at            UTC_DATETIME  attributes/created
    updated_at            UTC_DATETIME  attributes/updated
    """,
)
WEB_FEEDS = ResourceStream(
    name="web_feed",
    path="/api/web-feeds",
    scope="web-feeds:read",
    is_optional=True,
    table=WEB_FEED,
    page_size=20,
    cursor_field="updated",
)
UNIVERSAL_CONTENT = parse_table(
    "universal_content",
    "one row per block that several templates share",
    "id",
    """
    id                    STRING        id
    name                  STRING        attributes/name
    content_type          STRING        attributes/definition/content_type
    block_type            STRING        attributes/definition/type
    screenshot_url        STRING        attributes/screenshot_url
    created_at            UTC_DATETIME  attributes/created
    updated_at            UTC_DATETIME  attributes/updated
    definition            JSON          attributes/definition
    """,
)
UNIVERSAL_CONTENTS = ResourceStream(
    name="universal_content",
    path="/api/template-universal-content",
    scope="templates:read",
    is_optional=True,
    table=UNIVERSAL_CONTENT,
    page_size=100,
    cursor_field="updated",
)
TRACKING_SETTING = parse_table(
    "tracking_setting",
    "one row per account: the parameters that links get by default",
    "id",
    """
    id                    STRING        id
    is_auto_added         BOOLEAN       attributes/auto_add_parameters
    utm_source            JSON          attributes/utm_source
    utm_medium            JSON          attributes/utm_medium
    utm_campaign          JSON          attributes/utm_campaign
    utm_id                JSON          attributes/utm_id
    utm_term              JSON          attributes/utm_term
    custom_parameters     JSON          attributes/custom_parameters
    """,
)
TRACKING_SETTINGS = ResourceStream(
    name="tracking_setting",
    path="/api/tracking-settings",
    scope="tracking-settings:read",
    is_optional=True,
    table=TRACKING_SETTING,
    page_size=1,
    is_daily=True,
)
WEBHOOK = parse_table(
    "webhook",
    "one row per webhook; Klaviyo refuses them to accounts without the add-on",
    "id",
    """
    id                    STRING        id
    name                  STRING        attributes/name
    description           STRING        attributes/description
    endpoint_url          STRING        attributes/endpoint_url
    is_enabled            BOOLEAN       attributes/enabled
    created_at            UTC_DATETIME  attributes/created_at
    updated_at            UTC_DATETIME  attributes/updated_at
    """,
)
WEBHOOKS = ResourceStream(
    name="webhook",
    path="/api/webhooks",
    scope="webhooks:read",
    is_optional=True,
    table=WEBHOOK,
    is_daily=True,
)
# Without the token itself: whoever has it can send to the device.
PUSH_TOKEN = parse_table(
    "push_token",
    "one row per device that may receive push messages",
    "id",
    """
    id                    STRING        id
    profile_id            STRING        relationships/profile/data/id
    platform              STRING        attributes/platform
    vendor                STRING        attributes/vendor
    enablement_status     STRING        attributes/enablement_status
    background            STRING        attributes/background
    app_name              STRING        attributes/metadata/app_name
    app_version           STRING        attributes/metadata/app_version
    os_name               STRING        attributes/metadata/os_name
    os_version            STRING        attributes/metadata/os_version
    created_at            UTC_DATETIME  attributes/created
    recorded_at           UTC_DATETIME  attributes/recorded_date
    metadata              JSON          attributes/metadata
    """,
    reporting=False,
)
PUSH_TOKENS = ResourceStream(
    name="push_token",
    path="/api/push-tokens",
    scope="push-tokens:read",
    table=PUSH_TOKEN,
    page_size=100,
    is_daily=True,
)
DATA_SOURCE = parse_table(
    "data_source",
    "one row per source of custom objects",
    "id",
    """
    id                    STRING        id
    title                 STRING        attributes/title
    description           STRING        attributes/description
    visibility            STRING        attributes/visibility
    namespace             STRING        attributes/namespace
    """,
)
DATA_SOURCES = ResourceStream(
    name="data_source",
    path="/api/data-sources",
    scope="custom-objects:read",
    is_optional=True,
    table=DATA_SOURCE,
    page_size=100,
    is_daily=True,
)
CUSTOM_OBJECT_TYPE = parse_table(
    "custom_object_type",
    "one row per type of custom object",
    "id",
    """
    id                    STRING        id
    title                 STRING        attributes/title
    description           STRING        attributes/description
    status                STRING        attributes/status
    namespace             STRING        attributes/namespace
    created_at            UTC_DATETIME  attributes/created_at
    updated_at            UTC_DATETIME  attributes/updated_at
    """,
)
CUSTOM_OBJECT_TYPES = ResourceStream(
    name="custom_object_type",
    path="/api/object-types",
    scope="custom-objects:read",
    is_optional=True,
    table=CUSTOM_OBJECT_TYPE,
    is_daily=True,
)
CUSTOM_OBJECT_RECORD = parse_table(
    "custom_object_record",
    "one row per record of a custom object type",
    "custom_object_type_id id",
    """
    custom_object_type_id STRING        owner/id
    id                    STRING        id
    properties            JSON          attributes/record_properties
    """,
    reporting=False,
)
CUSTOM_OBJECT_RECORDS = ResourceStream(
    name="custom_object_record",
    path="/api/object-types/{id}/object-records",
    scope="custom-objects:read",
    is_optional=True,
    requires=("custom_object_type",),
    parent="custom_object_type",
    table=CUSTOM_OBJECT_RECORD,
    page_size=100,
    is_daily=True,
)
TEXT_MESSAGE_SENDER = parse_table(
    "text_message_sender",
    "one row per number or name that text messages come from",
    "id",
    """
    id                    STRING        id
    sender_type           STRING        attributes/sender_type
    sender_identifier     STRING        attributes/sender_identifier
    status                STRING        attributes/status
    forwarding_number     STRING        attributes/forwarding_number
    created_at            UTC_DATETIME  attributes/created_at
    sender_details        JSON          attributes/sender_details
    """,
)
TEXT_MESSAGE_SENDERS = ResourceStream(
    name="text_message_sender",
    path="/api/text-messaging-senders",
    scope="sender-config:read",
    is_optional=True,
    table=TEXT_MESSAGE_SENDER,
    page_size=20,
    is_daily=True,
)
# Klaviyo counts only at a record's own path, 15 times a minute (recorded: `1, 1;w=1, 15;w=60`).
LIST_PROFILE_COUNT_DAILY = parse_table(
    "list_profile_count_daily",
    "one row per list and day on which its people were counted",
    "list_id date",
    """
    list_id               STRING        id
    date                  NAIVE_DATE    owner/today
    profile_count         LONG          attributes/profile_count
    """,
    reporting=False,
)
LIST_PROFILE_COUNTS = ResourceStream(
    name="list_profile_count_daily",
    path="/api/lists/{id}",
    scope="lists:read",
    requires=("list",),
    parent="list",
    table=LIST_PROFILE_COUNT_DAILY,
    extra_params={"additional-fields[list]": "profile_count"},
    is_daily=True,
    is_snapshot=True,
)
SEGMENT_PROFILE_COUNT_DAILY = parse_table(
    "segment_profile_count_daily",
    "one row per segment and day; no number while Klaviyo was computing the segment",
    "segment_id date",
    """
    segment_id            STRING        id
    date                  NAIVE_DATE    owner/today
    profile_count         LONG          attributes/profile_count
    """,
    reporting=False,
)
SEGMENT_PROFILE_COUNTS = ResourceStream(
    name="segment_profile_count_daily",
    path="/api/segments/{id}",
    scope="segments:read",
    requires=("segment",),
    parent="segment",
    table=SEGMENT_PROFILE_COUNT_DAILY,
    extra_params={"additional-fields[segment]": "profile_count"},
    derive=derive_profile_count,
    is_daily=True,
    is_snapshot=True,
)
BILLING_USAGE_DAILY = parse_table(
    "billing_usage_daily",
    "one row per kind of usage (profiles, messages, ...) and day (UTC) on which it was read",
    "id date",
    """
    id                    STRING        id
    date                  NAIVE_DATE    attributes/as_of
    unit                  STRING        attributes/unit
    usage_used            DOUBLE        attributes/usage_used
    usage_max             LONG          attributes/usage_max
    period_start          UTC_DATETIME  attributes/period_start
    period_end            UTC_DATETIME  attributes/period_end
    as_of                 UTC_DATETIME  attributes/as_of
    """,
)
BILLING_USAGE = ResourceStream(
    name="billing_usage_daily",
    path="/api/billing-usage",
    scope="usage:read",
    is_optional=True,
    table=BILLING_USAGE_DAILY,
    is_daily=True,
    is_snapshot=True,
)
BRAND = parse_table(
    "brand",
    "one row per colour palette, logo, button, group of social links or e-mail default",
    "type id",
    """
    type                  STRING        type
    id                    STRING        id
    name                  STRING        attributes/name
    attributes            JSON          attributes
    """,
)
BRANDS = ResourceStream(
    name="brand",
    path="/api/brand-colors",
    other_paths=tuple(
        f"/api/brand-{kind}" for kind in ("logos", "buttons", "social-groups", "email-defaults")
    ),
    scope="brands:read",
    is_optional=True,
    table=BRAND,
    is_daily=True,
)

CONTENT_STREAMS = (
    FORM_VERSIONS,
    IMAGES,
    WEB_FEEDS,
    UNIVERSAL_CONTENTS,
    TRACKING_SETTINGS,
    WEBHOOKS,
    PUSH_TOKENS,
    DATA_SOURCES,
    CUSTOM_OBJECT_TYPES,
    CUSTOM_OBJECT_RECORDS,
    TEXT_MESSAGE_SENDERS,
    BILLING_USAGE,
    LIST_PROFILE_COUNTS,
    SEGMENT_PROFILE_COUNTS,
    BRANDS,
)
