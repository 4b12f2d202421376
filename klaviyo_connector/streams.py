"""What is asked of Klaviyo and which tables the answers fill: the program as data.

Sources of the facts: Klaviyo's API reference of revision 2026-10-15 and its OpenAPI document.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from models import Column, Table, make_table

ACCOUNT = make_table(
    "account",
    "one row per Klaviyo account",
    "",
    """
    organization_name     STRING        attributes/contact_information/organization_name
    default_sender_name   STRING        attributes/contact_information/default_sender_name
    default_sender_email  STRING        attributes/contact_information/default_sender_email
    website_url           STRING        attributes/contact_information/website_url
    industry              STRING        attributes/industry
    timezone              STRING        attributes/timezone
    preferred_currency    STRING        attributes/preferred_currency
    public_api_key        STRING        attributes/public_api_key
    locale                STRING        attributes/locale
    is_test_account       BOOLEAN       attributes/test_account
    """,
)
CAMPAIGN = make_table(
    "campaign",
    "one row per campaign, archived ones and drafts included",
    "id",
    """
    id                    STRING        id
    name                  STRING        attributes/definition/name
    builder               STRING        attributes/definition/builder
    is_archived           BOOLEAN       attributes/definition/archived
    color                 STRING        attributes/definition/color
    description           STRING        attributes/definition/description
    send_timezone         STRING        attributes/definition/send_settings/send_timezone
    send_strategy         STRING        attributes/definition/send_settings/send_strategy
    created_at            UTC_DATETIME  attributes/created_at
    updated_at            UTC_DATETIME  attributes/updated_at
    definition            JSON          attributes/definition
    """,
)
CAMPAIGN_MESSAGE = make_table(
    "campaign_message",
    "one row per message of a campaign; a campaign may send several, over several channels",
    "id",
    """
    id                    STRING        id
    campaign_id           STRING        related/campaign/id
    audience_id           STRING        related/campaign-audience/id
    name                  STRING        attributes/definition/name
    status                STRING        attributes/definition/status
    channel               STRING related/campaign-variations/0/attributes/definition/details/channel
    send_time             UTC_DATETIME  attributes/definition/send_options/send_time
    send_strategy         STRING        attributes/definition/send_options/send_strategy
    recipient_percentage  LONG          attributes/definition/send_options/recipient_percentage
    is_tracking_opens     BOOLEAN       attributes/definition/tracking_options/is_tracking_opens
    is_tracking_clicks    BOOLEAN       attributes/definition/tracking_options/is_tracking_clicks
    ab_winner_metric      STRING        attributes/definition/ab_test/winner_metric
    created_at            UTC_DATETIME  attributes/created
    updated_at            UTC_DATETIME  attributes/updated
    definition            JSON          attributes/definition
    """,
)
CAMPAIGN_VARIATION = make_table(
    "campaign_variation",
    "one row per version of a message's content; several only in an A/B test",
    "id",
    """
    id                    STRING        id
    campaign_message_id   STRING        owner/id
    name                  STRING        attributes/definition/name
    channel               STRING        attributes/definition/details/channel
    subject               STRING        attributes/definition/details/subject
    preview_text          STRING        attributes/definition/details/preview_text
    title                 STRING        attributes/definition/details/title
    body                  STRING        attributes/definition/details/body
    from_email            STRING        attributes/definition/details/from_email
    from_label            STRING        attributes/definition/details/from_label
    reply_to_email        STRING        attributes/definition/details/reply_to_email
    template_id           STRING        attributes/definition/details/template_id
    created_at            UTC_DATETIME  attributes/created
    updated_at            UTC_DATETIME  attributes/updated
    details               JSON          attributes/definition/details
    """,
)
CAMPAIGN_AUDIENCE = make_table(
    "campaign_audience",
    "one row per audience of a campaign; included and excluded hold list and segment ids",
    "id",
    """
    id                    STRING        id
    campaign_id           STRING        owner/id
    name                  STRING        attributes/definition/name
    included              JSON          attributes/definition/included
    excluded              JSON          attributes/definition/excluded
    priority              LONG          attributes/definition/priority
    created_at            UTC_DATETIME  attributes/created
    updated_at            UTC_DATETIME  attributes/updated
    """,
)
CAMPAIGN_TAG = make_table(
    "campaign_tag",
    "one row per tag on a campaign",
    "campaign_id tag_id",
    """
    campaign_id           STRING        owner/id
    tag_id                STRING        id
    """,
)
FLOW = make_table(
    "flow",
    "one row per flow, archived ones and drafts included",
    "id",
    """
    id                    STRING        id
    name                  STRING        attributes/name
    status                STRING        attributes/status
    is_archived           BOOLEAN       attributes/archived
    trigger_type          STRING        attributes/trigger_type
    created_at            UTC_DATETIME  attributes/created
    updated_at            UTC_DATETIME  attributes/updated
    """,
)
FLOW_ACTION = make_table(
    "flow_action",
    "one row per step of a flow",
    "id",
    """
    id                    STRING        id
    flow_id               STRING        owner/id
    type                  STRING        attributes/definition/type
    status                STRING        attributes/definition/data/status
    created_at            UTC_DATETIME  attributes/created
    updated_at            UTC_DATETIME  attributes/updated
    definition            JSON          attributes/definition
    """,
)
FLOW_MESSAGE = make_table(
    "flow_message",
    "one row per message that a flow sends",
    "id",
    """
    id                    STRING        attributes/definition/data/message/id
    flow_id               STRING        owner/id
    flow_action_id        STRING        id
    name                  STRING        attributes/definition/data/message/name
    action_type           STRING        attributes/definition/type
    subject               STRING        attributes/definition/data/message/subject_line
    preview_text          STRING        attributes/definition/data/message/preview_text
    title                 STRING        attributes/definition/data/message/title
    body                  STRING        attributes/definition/data/message/body
    from_email            STRING        attributes/definition/data/message/from_email
    from_label            STRING        attributes/definition/data/message/from_label
    template_id           STRING        attributes/definition/data/message/template_id
    created_at            UTC_DATETIME  attributes/created
    updated_at            UTC_DATETIME  attributes/updated
    definition            JSON          attributes/definition/data/message
    """,
)
FLOW_TAG = make_table(
    "flow_tag",
    "one row per tag on a flow",
    "flow_id tag_id",
    """
    flow_id               STRING        owner/id
    tag_id                STRING        id
    """,
)
METRIC = make_table(
    "metric",
    "one row per kind of event the account records",
    "id",
    """
    id                    STRING        id
    name                  STRING        attributes/name
    integration_id        STRING        attributes/integration/id
    integration_name      STRING        attributes/integration/name
    integration_category  STRING        attributes/integration/category
    created_at            UTC_DATETIME  attributes/created
    updated_at            UTC_DATETIME  attributes/updated
    """,
)
MAPPED_METRIC = make_table(
    "mapped_metric",
    "one row per role (revenue, viewed_product, ...) that the account gives to a metric",
    "id",
    """
    id                    STRING        id
    metric_id             STRING        related/metric/id
    custom_metric_id      STRING        related/custom-metric/id
    updated_at            UTC_DATETIME  attributes/updated
    """,
)
CUSTOM_METRIC = make_table(
    "custom_metric",
    "one row per metric the account defines from others",
    "id",
    """
    id                    STRING        id
    name                  STRING        attributes/name
    aggregation_method    STRING        attributes/definition/aggregation_method
    metric_groups         JSON          attributes/definition/metric_groups
    created_at            UTC_DATETIME  attributes/created
    updated_at            UTC_DATETIME  attributes/updated
    """,
)
TAG = make_table(
    "tag",
    "one row per tag",
    "id",
    """
    id                    STRING        id
    name                  STRING        attributes/name
    tag_group_id          STRING        related/tag-group/id
    """,
)
TAG_GROUP = make_table(
    "tag_group",
    "one row per group of tags",
    "id",
    """
    id                    STRING        id
    name                  STRING        attributes/name
    is_exclusive          BOOLEAN       attributes/exclusive
    is_default            BOOLEAN       attributes/default
    """,
)
LIST = make_table(
    "list",
    "one row per list",
    "id",
    """
    id                    STRING        id
    name                  STRING        attributes/name
    opt_in_process        STRING        attributes/opt_in_process
    created_at            UTC_DATETIME  attributes/created
    updated_at            UTC_DATETIME  attributes/updated
    """,
)
SEGMENT = make_table(
    "segment",
    "one row per segment",
    "id",
    """
    id                    STRING        id
    name                  STRING        attributes/name
    is_active             BOOLEAN       attributes/is_active
    is_processing         BOOLEAN       attributes/is_processing
    is_starred            BOOLEAN       attributes/is_starred
    definition            JSON          attributes/definition
    created_at            UTC_DATETIME  attributes/created
    updated_at            UTC_DATETIME  attributes/updated
    """,
)
FORM = make_table(
    "form",
    "one row per sign-up form",
    "id",
    """
    id                    STRING        id
    name                  STRING        attributes/name
    status                STRING        attributes/status
    is_ab_test            BOOLEAN       attributes/ab_test
    created_at            UTC_DATETIME  attributes/created_at
    updated_at            UTC_DATETIME  attributes/updated_at
    """,
)

COUNTS = (
    "recipients delivered opens opens_unique clicks clicks_unique bounced failed bounced_or_failed"
    " unsubscribes unsubscribe_uniques spam_complaints conversions conversion_uniques"
    " message_segment_count_sum"
).split()
AMOUNTS = (
    "conversion_value average_order_value revenue_per_recipient open_rate click_rate"
    " click_to_open_rate conversion_rate delivery_rate bounce_rate failed_rate"
    " bounced_or_failed_rate unsubscribe_rate spam_complaint_rate text_message_spend"
    " text_message_credit_usage_amount text_message_roi"
).split()
STATISTICS = [*COUNTS, *AMOUNTS]  # all 31 of revision 2026-10-15
FORM_STATISTICS = (
    "viewed_form viewed_form_uniques viewed_form_step viewed_form_step_uniques submits"
    " submitted_form_step submitted_form_step_uniques closed_form closed_form_uniques"
    " qualified_form qualified_form_uniques submit_rate"
).split()
SEGMENT_STATISTICS = ["total_members", "members_added", "members_removed", "net_members_changed"]


def _statistics(names: list[str]) -> dict[str, Column]:
    """Counts are whole numbers; money and rates (fractions from 0 to 1) are not."""
    return {
        name: Column(
            "DOUBLE" if name in AMOUNTS or name == "submit_rate" else "LONG", ("statistics", name)
        )
        for name in names
    }


def _report_table(  # one line per part of a report row
    name: str, grain: str, key: str, others: str, statistics: list[str]
) -> Table:
    """A table of one report: its key and names from the groupings, then the statistics."""
    dates = {"date", "snapshot_date", "window_start", "window_end"}
    columns = {
        column: Column("NAIVE_DATE" if column in dates else "STRING", ("groupings", column))
        for column in f"{key} {others}".split()
    }
    return Table(name, grain, tuple(key.split()), {**columns, **_statistics(statistics)})


_CAMPAIGN_KEY = "campaign_id campaign_message_id send_channel variation conversion_metric_id"
_FLOW_KEY = "flow_id flow_message_id send_channel variation conversion_metric_id"
CAMPAIGN_PERFORMANCE = _report_table(
    "campaign_performance",
    "one row per campaign message, channel, variation and conversion metric; latest numbers",
    _CAMPAIGN_KEY,
    "campaign_message_name variation_name",
    STATISTICS,
)
CAMPAIGN_PERFORMANCE_DAILY = _report_table(
    "campaign_performance_daily",
    "one row per row of campaign_performance and day (account time) on which it had changed",
    f"{_CAMPAIGN_KEY} snapshot_date",
    "campaign_message_name variation_name",
    STATISTICS,
)
FLOW_PERFORMANCE = _report_table(
    "flow_performance",
    "one row per flow message, channel, variation and conversion metric; sends of"
    " window_start to window_end, the last 365 days",
    _FLOW_KEY,
    "flow_name flow_message_name variation_name window_start window_end",
    STATISTICS,
)
FLOW_PERFORMANCE_DAILY = _report_table(
    "flow_performance_daily",
    "one row per flow message, channel, variation, conversion metric and send date",
    f"{_FLOW_KEY} date",
    "flow_name flow_message_name variation_name",
    STATISTICS,
)
SEGMENT_DAILY = _report_table(
    "segment_daily", "one row per segment and day", "segment_id date", "", SEGMENT_STATISTICS
)
FORM_DAILY = _report_table(
    "form_daily", "one row per form and day", "form_id date", "", FORM_STATISTICS
)
MESSAGE_METRIC_DAILY = make_table(
    "message_metric_daily",
    "one row per metric, event date (account time), message, flow and channel",
    "metric_id date message_id flow_id channel",
    """
    metric_id             STRING        groupings/metric_id
    date                  NAIVE_DATE    groupings/date
    message_id            STRING        groupings/message_id
    flow_id               STRING        groupings/flow_id
    channel               STRING        groupings/channel
    count                 LONG          statistics/count
    unique_count          LONG          statistics/unique
    sum_value             DOUBLE        statistics/sum_value
    """,
)
INBOX_PROVIDER_DAILY = make_table(
    "inbox_provider_daily",
    "one row per metric, event date (account time) and mailbox provider",
    "metric_id date inbox_provider",
    """
    metric_id             STRING        groupings/metric_id
    date                  NAIVE_DATE    groupings/date
    inbox_provider        STRING        groupings/inbox_provider
    count                 LONG          statistics/count
    unique_count          LONG          statistics/unique
    """,
)
EVENT = make_table(
    "event",
    "one row per event",
    "id",
    """
    id                    STRING        id
    datetime              UTC_DATETIME  attributes/datetime
    timestamp             LONG          attributes/timestamp
    uuid                  STRING        attributes/uuid
    metric_id             STRING        relationships/metric/data/id
    profile_id            STRING        relationships/profile/data/id
    value                 DOUBLE        attributes/event_properties/$value
    value_currency        STRING        attributes/event_properties/$value_currency
    unique_id             STRING        attributes/event_properties/$event_id
    campaign_id           STRING        campaign_id
    message_id            STRING        attributes/event_properties/$message
    flow_id               STRING        attributes/event_properties/$flow
    variation_id          STRING        attributes/event_properties/$variation
    send_cohort           STRING        attributes/event_properties/$message_send_cohort
    subject               STRING        attributes/event_properties/Subject
    campaign_name         STRING        attributes/event_properties/Campaign Name
    url                   STRING        attributes/event_properties/URL
    email_domain          STRING        attributes/event_properties/Email Domain
    inbox_provider        STRING        attributes/event_properties/Inbox Provider
    client_name           STRING        attributes/event_properties/Client Name
    client_type           STRING        attributes/event_properties/Client Type
    client_os             STRING        attributes/event_properties/Client OS
    bounce_type           STRING        attributes/event_properties/Bounce Type
    is_bot_click          BOOLEAN       attributes/event_properties/Bot Click
    is_machine_open       BOOLEAN       attributes/event_properties/machine_open
    is_future             BOOLEAN       is_future
    properties            JSON          attributes/event_properties
    """,
    reporting=False,
)
EVENT_ATTRIBUTION = make_table(
    "event_attribution",
    "one row per message that Klaviyo credits with an event",
    "event_id attribution_id",
    """
    event_id                   STRING   owner/id
    attribution_id             STRING   id
    attributed_event_id        STRING   relationships/attributed-event/data/id
    campaign_id                STRING   relationships/campaign/data/id
    campaign_message_id        STRING   relationships/campaign-message/data/id
    flow_id                    STRING   relationships/flow/data/id
    flow_message_id            STRING   relationships/flow-message/data/id
    flow_message_variation_id  STRING   relationships/flow-message-variation/data/id
    """,
    reporting=False,
)
_CONSENTS = {  # column prefix: the consent's place in `subscriptions`, the name of its verdict
    "email_marketing": ("email/marketing", "can_receive_email_marketing"),
    "sms_marketing": ("sms/marketing", "can_receive_sms_marketing"),
    "sms_transactional": ("sms/transactional", "can_receive_sms_transactional"),
    "push_marketing": ("mobile_push/marketing", "can_receive_push_marketing"),
    "whatsapp_marketing": ("whatsapp/marketing", "can_receive"),
    "whatsapp_transactional": ("whatsapp/transactional", "can_receive"),
    "whatsapp_conversational": ("whatsapp/conversational", "can_receive"),
}
_CONSENT_COLUMNS = "".join(
    f"{name}_consent STRING attributes/subscriptions/{place}/consent\n"
    f"{name}_consent_at UTC_DATETIME attributes/subscriptions/{place}/consent_timestamp\n"
    f"{name}_can_receive BOOLEAN attributes/subscriptions/{place}/{verdict}\n"
    for name, (place, verdict) in _CONSENTS.items()
)
_PREDICTIONS = {
    "historic_clv": "DOUBLE",
    "predicted_clv": "DOUBLE",
    "total_clv": "DOUBLE",
    "historic_number_of_orders": "DOUBLE",
    "predicted_number_of_orders": "DOUBLE",
    "average_days_between_orders": "DOUBLE",
    "average_order_value": "DOUBLE",
    "churn_probability": "DOUBLE",
    "expected_date_of_next_order": "UTC_DATETIME",
}
_PREDICTION_COLUMNS = "".join(
    f"{name} {kind} attributes/predictive_analytics/{name}\n" for name, kind in _PREDICTIONS.items()
)
PROFILE = make_table(
    "profile",
    "one row per person; predictions are NULL unless `predictive_analytics` is chosen",
    "id",
    """
    id                    STRING        id
    email                 STRING        attributes/email
    phone_number          STRING        attributes/phone_number
    external_id           STRING        attributes/external_id
    first_name            STRING        attributes/first_name
    last_name             STRING        attributes/last_name
    organization          STRING        attributes/organization
    title                 STRING        attributes/title
    locale                STRING        attributes/locale
    address_1             STRING        attributes/location/address1
    address_2             STRING        attributes/location/address2
    city                  STRING        attributes/location/city
    region                STRING        attributes/location/region
    country               STRING        attributes/location/country
    zip                   STRING        attributes/location/zip
    latitude              DOUBLE        attributes/location/latitude
    longitude             DOUBLE        attributes/location/longitude
    timezone              STRING        attributes/location/timezone
    created_at            UTC_DATETIME  attributes/created
    updated_at            UTC_DATETIME  attributes/updated
    last_event_at         UTC_DATETIME  attributes/last_event_date
    properties            JSON          attributes/properties
    subscriptions         JSON          attributes/subscriptions
    """
    + _CONSENT_COLUMNS
    + _PREDICTION_COLUMNS,
    reporting=False,
)
PROFILE_SUPPRESSION = make_table(
    "profile_suppression",
    "one row per person, scope (`global` or the id of a list) and reason that bars its e-mail",
    "profile_id scope reason",
    """
    profile_id            STRING        profile_id
    scope                 STRING        scope
    reason                STRING        reason
    suppressed_at         UTC_DATETIME  timestamp
    """,
    reporting=False,
)
LIST_PROFILE = make_table(
    "list_profile",
    "one row per person in a list",
    "list_id profile_id",
    """
    list_id               STRING        group_id
    profile_id            STRING        id
    joined_group_at       UTC_DATETIME  attributes/joined_group_at
    """,
    reporting=False,
)
SEGMENT_PROFILE = make_table(
    "segment_profile",
    "one row per person in a segment",
    "segment_id profile_id",
    """
    segment_id            STRING        group_id
    profile_id            STRING        id
    joined_group_at       UTC_DATETIME  attributes/joined_group_at
    """,
    reporting=False,
)
TEMPLATE = make_table(
    "template",
    "one row per e-mail template",
    "id",
    """
    id                    STRING        id
    name                  STRING        attributes/name
    editor_type           STRING        attributes/editor_type
    html                  STRING        attributes/html
    text                  STRING        attributes/text
    amp                   STRING        attributes/amp
    created_at            UTC_DATETIME  attributes/created
    updated_at            UTC_DATETIME  attributes/updated
    """,
    reporting=False,
)
SYNC_REPORT = make_table(
    "sync_report",
    "one row per sync and table: what this connector did",
    "sync_id table_name",
    """
    sync_id               STRING        sync_id
    table_name            STRING        table_name
    started_at            UTC_DATETIME  started_at
    rows_written          LONG          rows_written
    rows_deleted          LONG          rows_deleted
    rows_refused          LONG          rows_refused
    requests              LONG          requests
    throttled             LONG          throttled
    seconds_waited        DOUBLE        seconds_waited
    min_event_at          UTC_DATETIME  min_event_at
    max_event_at          UTC_DATETIME  max_event_at
    """,
)
SYNC_ERROR = make_table(
    "sync_error",
    "one row per record that could not be stored; without its content",
    "id",
    """
    id                    STRING        id
    sync_id               STRING        sync_id
    table_name            STRING        table_name
    record_id             STRING        record_id
    reason                STRING        reason
    """,
)


@dataclass(frozen=True)
class Stream:
    """One listing of Klaviyo and the tables its documents fill.

    `makes` pairs a table with the relationship whose resources become its rows (None: the
    documents themselves). `partitions` are the filters that only together list everything.
    `cursor` is the time that a change moves forward, asked for with `since`. `details` names a
    relationship that Klaviyo shows only at an address of each document, asked for when it changed.
    """

    name: str
    path: str
    scope: str
    makes: tuple[tuple[Table, str | None], ...]
    params: Mapping[str, str] = field(default_factory=dict)
    partitions: tuple[str, ...] = ("",)
    cursor: str | None = None
    since: str = "greater-or-equal"
    paged: bool = True
    details: tuple[str, str] | None = None


_BOTH = ("equals(archived,false)", "equals(archived,true)")
STREAMS = (
    Stream("metric", "/api/metrics", "metrics:read", ((METRIC, None),)),
    Stream(
        "mapped_metric",
        "/api/mapped-metrics",
        "metrics:read",
        ((MAPPED_METRIC, None),),
        {"include": "metric,custom-metric"},
        paged=False,
    ),
    Stream(
        "custom_metric",
        "/api/custom-metrics",
        "metrics:read",
        ((CUSTOM_METRIC, None),),
        paged=False,
    ),
    Stream(
        "campaign",
        "/api/campaigns",
        "campaigns:read",
        ((CAMPAIGN, None), (CAMPAIGN_AUDIENCE, "campaign-audiences"), (CAMPAIGN_TAG, "tags")),
        {"include": "campaign-audiences,tags", "page[size]": "100", "sort": "updated_at"},
        _BOTH,
        "updated_at",
    ),
    Stream(
        "campaign_message",
        "/api/campaign-messages",
        "campaigns:read",
        ((CAMPAIGN_MESSAGE, None), (CAMPAIGN_VARIATION, "campaign-variations")),
        {"include": "campaign", "page[size]": "100", "sort": "updated"},
        cursor="updated",
        details=("campaign-variations", "/api/campaign-messages/{id}/campaign-variations"),
    ),
    Stream(
        "flow",
        "/api/flows",
        "flows:read",
        (
            (FLOW, None),
            (FLOW_ACTION, "flow-actions"),
            (FLOW_MESSAGE, "flow-actions"),
            (FLOW_TAG, "tags"),
        ),
        {"include": "flow-actions,tags", "page[size]": "50", "sort": "updated"},
        _BOTH,
        "updated",
    ),
    Stream(
        "list",
        "/api/lists",
        "lists:read",
        ((LIST, None),),
        {"page[size]": "10", "sort": "updated"},
        cursor="updated",
        since="greater-than",
    ),
    Stream(
        "segment",
        "/api/segments",
        "segments:read",
        ((SEGMENT, None),),
        {"page[size]": "10", "sort": "updated"},
        cursor="updated",
        since="greater-than",
    ),
    Stream(
        "tag",
        "/api/tags",
        "tags:read",
        ((TAG, None),),
        {"include": "tag-group", "page[size]": "50"},
    ),
    Stream("tag_group", "/api/tag-groups", "tags:read", ((TAG_GROUP, None),), {"page[size]": "25"}),
    Stream(
        "form",
        "/api/forms",
        "forms:read",
        ((FORM, None),),
        {"page[size]": "100", "sort": "updated_at"},
        cursor="updated_at",
    ),
    Stream(
        "template",
        "/api/templates",
        "templates:read",
        ((TEMPLATE, None),),
        {"page[size]": "10", "sort": "updated"},
        cursor="updated",
    ),
)


@dataclass(frozen=True)
class Schedule:
    """How often days of the past are asked for again, since Klaviyo restates them.

    Every sync asks for the last `hot` days, one sync a day for the last `deep` days, and one sync
    a `history` days for everything (None: never, 0: once). One request covers `span` days, and
    neighbouring windows share `overlap` days: a send spread over days lies whole in one of them.
    """

    span: int
    hot: int
    deep: int
    history: int | None
    overlap: int = 0


@dataclass(frozen=True)
class Report:
    """One reporting endpoint: numbers by send date in the account's time zone."""

    path: str
    type: str
    scope: str
    table: Table
    statistics: list[str]
    group_by: str
    schedule: Schedule
    snapshots: Table | None = None
    converts: bool = True  # asked for once per conversion metric
    floor: str = "2000-01-01"  # nothing before this day exists

    @property
    def tables(self) -> tuple[Table, ...]:
        """What the answers fill."""
        return (self.table,) if self.snapshots is None else (self.table, self.snapshots)

    @property
    def daily(self) -> bool:
        """Whether the answer is a series with one value per day."""
        return "date" in self.table.key


# Not text_message_format: it would split rows whose key does not tell formats apart.
_GROUPS = "send_channel variation variation_name"
_CAMPAIGN_GROUPS = f"campaign_id campaign_message_id campaign_message_name {_GROUPS}"
_FLOW_GROUPS = f"flow_id flow_name flow_message_id flow_message_name {_GROUPS}"
REPORTS = (
    Report(
        "/api/campaign-values-reports",
        "campaign-values-report",
        "campaigns:read",
        CAMPAIGN_PERFORMANCE,
        STATISTICS,
        _CAMPAIGN_GROUPS,
        Schedule(span=365, hot=30, deep=365 + 7, history=7, overlap=7),  # no send of a year is cut
        snapshots=CAMPAIGN_PERFORMANCE_DAILY,
    ),
    Report(
        "/api/flow-values-reports",
        "flow-values-report",
        "flows:read",
        FLOW_PERFORMANCE,
        STATISTICS,
        _FLOW_GROUPS,
        Schedule(span=365, hot=365, deep=365, history=None),
    ),
    Report(
        "/api/flow-series-reports",
        "flow-series-report",
        "flows:read",
        FLOW_PERFORMANCE_DAILY,
        STATISTICS,
        _FLOW_GROUPS,
        Schedule(span=60, hot=30, deep=365, history=7),
    ),
    Report(
        "/api/segment-series-reports",
        "segment-series-report",
        "segments:read",
        SEGMENT_DAILY,
        SEGMENT_STATISTICS,
        "",
        Schedule(span=60, hot=30, deep=30, history=0),
        converts=False,
        floor="2023-06-01",
    ),
    Report(
        "/api/form-series-reports",
        "form-series-report",
        "forms:read",
        FORM_DAILY,
        FORM_STATISTICS,
        "form_id",
        Schedule(span=60, hot=30, deep=30, history=0),
        converts=False,
    ),
)

# Today's names; text messages were called SMS until 1 July 2026.
MESSAGE_METRICS = {
    "Received Email": "email",
    "Opened Email": "email",
    "Clicked Email": "email",
    "Bounced Email": "email",
    "Marked Email as Spam": "email",
    "Unsubscribed from Email Marketing": "email",
    "Subscribed to Email Marketing": "email",
    "Received Text Message": "sms",
    "Clicked Text Message": "sms",
    "Failed to Deliver Text Message": "sms",
    "Unsubscribed from Text Message Marketing": "sms",
    "Subscribed to Text Message Marketing": "sms",
    "Received Push": "push-notification",
    "Opened Push": "push-notification",
    "Received WhatsApp": "whatsapp",
    "Read WhatsApp": "whatsapp",
    "Clicked WhatsApp": "whatsapp",
}

EMAIL_METRICS = tuple(  # who subscribes has no mailbox provider yet
    name
    for name, channel in MESSAGE_METRICS.items()
    if channel == "email" and not name.startswith("Subscribed")
)


@dataclass(frozen=True)
class Aggregate:
    """Counts of one metric's events by event date, for each value of some dimensions.

    `columns` pairs Klaviyo's dimension with the table's column. They do not match Klaviyo's
    screens, which count by send date, but show when people acted.
    """

    table: Table
    metrics: tuple[str, ...]  # names; none: the conversion metrics
    columns: Mapping[str, str]
    path: str = "/api/metric-aggregates"
    scope: str = "metrics:read"
    schedule: Schedule = Schedule(span=365, hot=7, deep=30, history=0)
    floor: str = "2000-01-01"
    converts: bool = False

    @property
    def tables(self) -> tuple[Table, ...]:
        """What the answers fill."""
        return (self.table,)


AGGREGATES = (
    Aggregate(
        MESSAGE_METRIC_DAILY,
        tuple(MESSAGE_METRICS),
        {"$message": "message_id", "$flow": "flow_id"},
    ),
    Aggregate(
        MESSAGE_METRIC_DAILY,
        (),
        {
            "$attributed_message": "message_id",
            "$attributed_flow": "flow_id",
            "$attributed_channel": "channel",
        },
    ),
    Aggregate(INBOX_PROVIDER_DAILY, EMAIL_METRICS, {"Inbox Provider": "inbox_provider"}),
)

_OWN = (SYNC_REPORT, SYNC_ERROR)
TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        ACCOUNT,
        *(table for stream in STREAMS for table, _ in stream.makes),
        *(report.table for report in REPORTS),
        CAMPAIGN_PERFORMANCE_DAILY,
        MESSAGE_METRIC_DAILY,
        INBOX_PROVIDER_DAILY,
        EVENT,
        EVENT_ATTRIBUTION,
        PROFILE,
        PROFILE_SUPPRESSION,
        LIST_PROFILE,
        SEGMENT_PROFILE,
        *_OWN,
    )
}
REPORTING = tuple(name for name, table in TABLES.items() if table.reporting)
