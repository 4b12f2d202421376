"""Declares what is requested of Klaviyo and which tables the responses fill.

Tables and streams are side by side, by subject, so that a new resource is one declaration here.
`registry.py` derives everything else: the order of a sync, setup tests, scopes, dbt's lists.
Source of the facts: Klaviyo's API reference of revision 2026-10-15 and its OpenAPI document.
"""

from collections.abc import Sequence
from datetime import date, timedelta

from models import Column, Table, parse_table
from streams.declarations import (
    AggregateStream,
    Details,
    MemberListing,
    MembershipStream,
    PeriodStream,
    ReportStream,
    ResourceStream,
    Schedule,
    Stream,
    WindowedStream,
)
from tables.send_times import derive_send_times
from tables.utm_parameters import PARAMETERS, derive_utm_parameters

# ---------------------------------------------------------------- the account

ACCOUNT = parse_table(
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
ACCOUNTS = ResourceStream(
    name="account", path="/api/accounts", scope="accounts:read", table=ACCOUNT
)

# ---------------------------------------------------------------- metrics

METRIC = parse_table(
    "metric",
    "one row per kind of event the account records",
    "id",
    """
    id                    STRING        id
    name                  STRING        attributes/name
    integration_id        STRING        attributes/integration/id
    integration_name      STRING        attributes/integration/name
    integration_category  STRING        attributes/integration/category[/category]
    created_at            UTC_DATETIME  attributes/created
    updated_at            UTC_DATETIME  attributes/updated
    """,
)
MAPPED_METRIC = parse_table(
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
CUSTOM_METRIC = parse_table(
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
METRICS = ResourceStream(
    name="metric",
    path="/api/metrics",
    scope="metrics:read",
    table=METRIC,
    provides="metrics",
)
MAPPED_METRICS = ResourceStream(
    name="mapped_metric",
    path="/api/mapped-metrics",
    scope="metrics:read",
    table=MAPPED_METRIC,
    include=("metric", "custom-metric"),
    provides="revenue metric",
)
CUSTOM_METRICS = ResourceStream(
    name="custom_metric",
    path="/api/custom-metrics",
    scope="metrics:read",
    table=CUSTOM_METRIC,
)

# ---------------------------------------------------------------- campaigns

CAMPAIGN = parse_table(
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
CAMPAIGN_MESSAGE = parse_table(
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
    send_time             UTC_DATETIME  send_time
    send_times            JSON          attributes/definition/send_options/send_times
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
CAMPAIGN_VARIATION = parse_table(
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
    send_time             UTC_DATETIME  send_time
    created_at            UTC_DATETIME  attributes/created
    updated_at            UTC_DATETIME  attributes/updated
    details               JSON          attributes/definition/details
    """,
)
CAMPAIGN_AUDIENCE = parse_table(
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
CAMPAIGN_TAG = parse_table(
    "campaign_tag",
    "one row per tag on a campaign",
    "campaign_id tag_id",
    """
    campaign_id           STRING        owner/id
    tag_id                STRING        id
    """,
)
_ARCHIVED_AND_NOT = ("equals(archived,false)", "equals(archived,true)")
CAMPAIGNS = ResourceStream(
    name="campaign",
    path="/api/campaigns",
    scope="campaigns:read",
    table=CAMPAIGN,
    related=(("campaign-audiences", CAMPAIGN_AUDIENCE), ("tags", CAMPAIGN_TAG)),
    include=("campaign-audiences", "tags"),
    page_size=100,
    partitions=_ARCHIVED_AND_NOT,
    cursor_field="updated_at",
    required_attribute="definition",
    provides="first day",
)
CAMPAIGN_MESSAGES = ResourceStream(
    name="campaign_message",
    path="/api/campaign-messages",
    scope="campaigns:read",
    table=CAMPAIGN_MESSAGE,
    related=(("campaign-variations", CAMPAIGN_VARIATION),),
    include=("campaign",),
    page_size=100,
    cursor_field="updated",
    details=Details(
        relationship="campaign-variations",
        path="/api/campaign-messages/{id}/campaign-variations",
    ),
    derive=derive_send_times,
)

# ---------------------------------------------------------------- flows

FLOW = parse_table(
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
FLOW_ACTION = parse_table(
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
# An A/B test is one action, whose main action sends the message (OpenAPI: AbTestAction).
_SENT = "attributes/definition/data[/main_action/data]/message"
FLOW_MESSAGE = parse_table(
    "flow_message",
    "one row per message that a flow sends",
    "id",
    f"""
    id                    STRING        {_SENT}/id
    flow_id               STRING        owner/id
    flow_action_id        STRING        id
    name                  STRING        {_SENT}/name
    action_type           STRING        attributes/definition/type
    subject               STRING        {_SENT}/subject_line
    preview_text          STRING        {_SENT}/preview_text
    title                 STRING        {_SENT}/title
    body                  STRING        {_SENT}/body
    from_email            STRING        {_SENT}/from_email
    from_label            STRING        {_SENT}/from_label
    template_id           STRING        {_SENT}/template_id
    created_at            UTC_DATETIME  attributes/created
    updated_at            UTC_DATETIME  attributes/updated
    definition            JSON          {_SENT}
    """,
)
FLOW_TAG = parse_table(
    "flow_tag",
    "one row per tag on a flow",
    "flow_id tag_id",
    """
    flow_id               STRING        owner/id
    tag_id                STRING        id
    """,
)
FLOW_UTM_PARAMETER = parse_table(
    "flow_utm_parameter",
    "one row per link parameter that a flow's message sets itself, beside those of the account",
    "flow_message_id name",
    """
    flow_message_id       STRING        flow_message_id
    name                  STRING        param
    flow_id               STRING        owner/id
    value                 STRING        value
    """,
)
FLOWS = ResourceStream(
    name="flow",
    path="/api/flows",
    scope="flows:read",
    table=FLOW,
    related=(
        ("flow-actions", FLOW_ACTION),
        ("flow-actions", FLOW_MESSAGE),
        ("tags", FLOW_TAG),
        (PARAMETERS, FLOW_UTM_PARAMETER),
    ),
    include=("flow-actions", "tags"),
    page_size=50,
    partitions=_ARCHIVED_AND_NOT,
    cursor_field="updated",
    derive=derive_utm_parameters,
    provides="first day",
)

# ---------------------------------------------------------------- lists, segments, tags, ...

LIST = parse_table(
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
SEGMENT = parse_table(
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
TAG = parse_table(
    "tag",
    "one row per tag",
    "id",
    """
    id                    STRING        id
    name                  STRING        attributes/name
    tag_group_id          STRING        related/tag-group/id
    """,
)
TAG_GROUP = parse_table(
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
FORM = parse_table(
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
TEMPLATE = parse_table(
    "template",
    "one row per email template",
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
LIST_TAG = parse_table(
    "list_tag",
    "one row per tag on a list",
    "list_id tag_id",
    """
    list_id               STRING        owner/id
    tag_id                STRING        id
    """,
)
LISTS = ResourceStream(
    name="list",
    path="/api/lists",
    scope="lists:read",
    table=LIST,
    related=(("tags", LIST_TAG),),
    include=("tags",),
    page_size=10,
    cursor_field="updated",
    since_operator="greater-than",
)
SEGMENT_TAG = parse_table(
    "segment_tag",
    "one row per tag on a segment",
    "segment_id tag_id",
    """
    segment_id            STRING        owner/id
    tag_id                STRING        id
    """,
)
SEGMENTS = ResourceStream(
    name="segment",
    path="/api/segments",
    scope="segments:read",
    table=SEGMENT,
    related=(("tags", SEGMENT_TAG),),
    include=("tags",),
    page_size=10,
    cursor_field="updated",
    since_operator="greater-than",
    provides="first day",
)
TAGS = ResourceStream(
    name="tag",
    path="/api/tags",
    scope="tags:read",
    table=TAG,
    include=("tag-group",),
    page_size=50,
)
TAG_GROUPS = ResourceStream(
    name="tag_group", path="/api/tag-groups", scope="tags:read", table=TAG_GROUP, page_size=25
)
FORMS = ResourceStream(
    name="form",
    path="/api/forms",
    scope="forms:read",
    table=FORM,
    page_size=100,
    cursor_field="updated_at",
    provides="first day",
)
TEMPLATES = ResourceStream(
    name="template",
    path="/api/templates",
    scope="templates:read",
    table=TEMPLATE,
    page_size=10,
    cursor_field="updated",
)

# ---------------------------------------------------------------- reports

COUNTS = tuple(
    """
    recipients delivered opens opens_unique clicks clicks_unique bounced failed bounced_or_failed
    unsubscribes unsubscribe_uniques spam_complaints conversions conversion_uniques
    message_segment_count_sum
    """.split()
)
AMOUNTS = tuple(
    """
    conversion_value average_order_value revenue_per_recipient open_rate click_rate
    click_to_open_rate conversion_rate delivery_rate bounce_rate failed_rate
    bounced_or_failed_rate unsubscribe_rate spam_complaint_rate text_message_spend
    text_message_credit_usage_amount text_message_roi
    """.split()
)
STATISTICS = (*COUNTS, *AMOUNTS)  # all 31 of revision 2026-10-15
FORM_STATISTICS = tuple(
    """
    viewed_form viewed_form_uniques viewed_form_step viewed_form_step_uniques submits
    submitted_form_step submitted_form_step_uniques closed_form closed_form_uniques
    qualified_form qualified_form_uniques submit_rate
    """.split()
)
SEGMENT_STATISTICS = (
    "total_members",
    "members_added",
    "members_removed",
    "net_members_changed",
)


def _statistic_columns(names: Sequence[str]) -> dict[str, Column]:
    """Counts are whole numbers; money and rates (fractions from 0 to 1) are not."""
    return {
        name: Column(
            "DOUBLE" if name in AMOUNTS or name == "submit_rate" else "LONG", ("statistics", name)
        )
        for name in names
    }


def _report_table(
    name: str, grain: str, *, key: str, others: str = "", statistics: Sequence[str]
) -> Table:
    """A table of one report: its key and names from the groupings, then the statistics."""
    dates = {"date", "snapshot_date", "window_start", "window_end", "period_start", "period_end"}
    columns = {
        column: Column("NAIVE_DATE" if column in dates else "STRING", ("groupings", column))
        for column in f"{key} {others}".split()
    }
    return Table(name, grain, tuple(key.split()), {**columns, **_statistic_columns(statistics)})


_CAMPAIGN_KEY = "campaign_id campaign_message_id send_channel variation conversion_metric_id"
_FLOW_KEY = "flow_id flow_message_id send_channel variation conversion_metric_id"
CAMPAIGN_PERFORMANCE = _report_table(
    "campaign_performance",
    "one row per campaign message, channel, variation and conversion metric; latest numbers",
    key=_CAMPAIGN_KEY,
    others="campaign_message_name variation_name",
    statistics=STATISTICS,
)
CAMPAIGN_PERFORMANCE_DAILY = _report_table(
    "campaign_performance_daily",
    "one row per row of campaign_performance and day (account time) on which it had changed",
    key=f"{_CAMPAIGN_KEY} snapshot_date",
    others="campaign_message_name variation_name",
    statistics=STATISTICS,
)
FLOW_PERFORMANCE = _report_table(
    "flow_performance",
    "one row per flow message, channel, variation and conversion metric; sends of"
    " window_start to window_end, the last 365 days",
    key=_FLOW_KEY,
    others="flow_name flow_message_name variation_name window_start window_end",
    statistics=STATISTICS,
)
FLOW_PERFORMANCE_DAILY = _report_table(
    "flow_performance_daily",
    "one row per flow message, channel, variation, conversion metric and send date",
    key=f"{_FLOW_KEY} date",
    others="flow_name flow_message_name variation_name",
    statistics=STATISTICS,
)
FLOW_PERFORMANCE_PERIOD = _report_table(
    "flow_performance_period",
    "one row per flow message, channel, variation, conversion metric and period (last_7_days,"
    " last_30_days, last_90_days, last_365_days or month); sends of period_start to period_end,"
    " each person counted once",
    key=f"{_FLOW_KEY} period_kind period_start",
    others="flow_name flow_message_name variation_name period_end",
    statistics=STATISTICS,
)
SEGMENT_DAILY = _report_table(
    "segment_daily",
    "one row per segment and day",
    key="segment_id date",
    statistics=SEGMENT_STATISTICS,
)
FORM_DAILY = _report_table(
    "form_daily", "one row per form and day", key="form_id date", statistics=FORM_STATISTICS
)
FORM_VERSION_DAILY = _report_table(
    "form_version_daily",
    "one row per version of a form and day",
    key="form_id form_version_id date",
    statistics=FORM_STATISTICS,
)
# Not text_message_format: it would split rows, and the key does not contain the format.
_GROUPS = ("send_channel", "variation", "variation_name")
_CAMPAIGN_GROUPS = ("campaign_id", "campaign_message_id", "campaign_message_name", *_GROUPS)
_FLOW_GROUPS = ("flow_id", "flow_name", "flow_message_id", "flow_message_name", *_GROUPS)
_CONVERSION_METRICS = ("metric", "mapped_metric")
_FIRST_DAY = ("campaign", "flow")  # the day of their oldest record begins the history
CAMPAIGN_VALUES = ReportStream(
    name="campaign_performance",
    path="/api/campaign-values-reports",
    report_type="campaign-values-report",
    scope="campaigns:read",
    requires=_CONVERSION_METRICS,
    uses=_FIRST_DAY,
    table=CAMPAIGN_PERFORMANCE,
    snapshots=CAMPAIGN_PERFORMANCE_DAILY,
    statistics=STATISTICS,
    group_by=_CAMPAIGN_GROUPS,
    schedule=Schedule(
        window_days=365,
        lookback_days=30,
        daily_lookback_days=365 + 7,  # a week more, so that no send of the year is cut
        full_refresh_every=7,
        overlap_days=7,
    ),
)
FLOW_VALUES = ReportStream(
    name="flow_performance",
    path="/api/flow-values-reports",
    report_type="flow-values-report",
    scope="flows:read",
    requires=_CONVERSION_METRICS,
    uses=_FIRST_DAY,
    table=FLOW_PERFORMANCE,
    statistics=STATISTICS,
    group_by=_FLOW_GROUPS,
    schedule=Schedule(
        window_days=365, lookback_days=365, daily_lookback_days=365, full_refresh_every=None
    ),
)
FLOW_PERIODS = PeriodStream(
    name="flow_performance_period",
    path=FLOW_VALUES.path,
    report_type=FLOW_VALUES.report_type,
    scope=FLOW_VALUES.scope,
    requires=_CONVERSION_METRICS,
    uses=_FIRST_DAY,
    table=FLOW_PERFORMANCE_PERIOD,
    statistics=STATISTICS,
    group_by=_FLOW_GROUPS,
    schedule=Schedule(
        window_days=365, lookback_days=30, daily_lookback_days=365, full_refresh_every=7
    ),
    rolling_days={"last_7_days": 7, "last_30_days": 30, "last_90_days": 90, "last_365_days": 365},
    months_per_day=12,
)
FLOW_SERIES = ReportStream(
    name="flow_performance_daily",
    path="/api/flow-series-reports",
    report_type="flow-series-report",
    scope="flows:read",
    requires=_CONVERSION_METRICS,
    uses=_FIRST_DAY,
    table=FLOW_PERFORMANCE_DAILY,
    statistics=STATISTICS,
    group_by=_FLOW_GROUPS,
    schedule=Schedule(
        window_days=60, lookback_days=30, daily_lookback_days=365, full_refresh_every=0
    ),
)
_SIXTY_DAYS_ONCE = Schedule(
    window_days=60, lookback_days=30, daily_lookback_days=30, full_refresh_every=0
)
SEGMENT_SERIES = ReportStream(
    name="segment_daily",
    path="/api/segment-series-reports",
    report_type="segment-series-report",
    scope="segments:read",
    requires=("segment",),
    uses=_FIRST_DAY,
    table=SEGMENT_DAILY,
    statistics=SEGMENT_STATISTICS,
    schedule=_SIXTY_DAYS_ONCE,
    has_conversions=False,
    earliest=date(2023, 6, 1),
)
FORM_SERIES = ReportStream(
    name="form_daily",
    path="/api/form-series-reports",
    report_type="form-series-report",
    scope="forms:read",
    requires=("form",),
    uses=_FIRST_DAY,
    table=FORM_DAILY,
    statistics=FORM_STATISTICS,
    group_by=("form_id",),
    schedule=_SIXTY_DAYS_ONCE,
    has_conversions=False,
)
FORM_VERSION_SERIES = ReportStream(  # people of versions do not add up to those of the form
    name="form_version_daily",
    path=FORM_SERIES.path,
    report_type=FORM_SERIES.report_type,
    scope=FORM_SERIES.scope,
    requires=("form",),
    uses=_FIRST_DAY,
    table=FORM_VERSION_DAILY,
    statistics=FORM_STATISTICS,
    group_by=("form_id", "form_version_id"),
    schedule=_SIXTY_DAYS_ONCE,
    has_conversions=False,
)

# ---------------------------------------------------------------- metric aggregates

MESSAGE_METRIC_DAILY = parse_table(
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
INBOX_PROVIDER_DAILY = parse_table(
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
# Metric name to channel. Klaviyo called text messages SMS until 1 July 2026; the names since then
# are those of singer-io/tap-klaviyo at c466300.
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
    "Unsubscribed from Text Messaging Marketing": "sms",
    "Subscribed to Text Messaging Marketing": "sms",
    "Received Push": "push-notification",
    "Opened Push": "push-notification",
    "Received WhatsApp": "whatsapp",
    "Opened WhatsApp": "whatsapp",
    "Read WhatsApp": "whatsapp",
    "Clicked WhatsApp": "whatsapp",
}

_MAILBOX_METRICS = tuple(  # a subscription has no mailbox provider yet
    name
    for name, channel in MESSAGE_METRICS.items()
    if channel == "email" and not name.startswith("Subscribed")
)
_AGGREGATES = "/api/metric-aggregates"
_YEAR_ONCE = Schedule(  # 365 days may be an hour longer than the year that Klaviyo answers
    window_days=364, lookback_days=7, daily_lookback_days=30, full_refresh_every=0
)
MESSAGE_AGGREGATES = AggregateStream(
    name="message_metric_daily",
    path=_AGGREGATES,
    scope="metrics:read",
    requires=("metric",),
    uses=_FIRST_DAY,
    table=MESSAGE_METRIC_DAILY,
    metrics=tuple(MESSAGE_METRICS),
    dimensions={"$message": "message_id", "$flow": "flow_id"},
    schedule=_YEAR_ONCE,
)
CONVERSION_AGGREGATES = AggregateStream(
    name="message_metric_daily of conversions",
    path=_AGGREGATES,
    scope="metrics:read",
    requires=_CONVERSION_METRICS,
    uses=_FIRST_DAY,
    table=MESSAGE_METRIC_DAILY,
    dimensions={
        "$attributed_message": "message_id",
        "$attributed_flow": "flow_id",
        "$attributed_channel": "channel",
    },
    schedule=_YEAR_ONCE,
)
PROVIDER_AGGREGATES = AggregateStream(
    name="inbox_provider_daily",
    path=_AGGREGATES,
    scope="metrics:read",
    requires=("metric",),
    uses=_FIRST_DAY,
    table=INBOX_PROVIDER_DAILY,
    metrics=_MAILBOX_METRICS,
    dimensions={"Inbox Provider": "inbox_provider"},
    schedule=_YEAR_ONCE,
)

# ---------------------------------------------------------------- events

EVENT = parse_table(
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
    send_cohort           STRING        attributes/event_properties/$_cohort$message_send_cohort
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
EVENT_ATTRIBUTION = parse_table(
    "event_attribution",
    "one row per message that Klaviyo credits with an event",
    "event_id attribution_id",
    """
    event_id                   STRING        owner/id
    event_datetime             UTC_DATETIME  owner/attributes/datetime
    attribution_id             STRING        id
    attributed_event_id        STRING        relationships/attributed-event/data/id
    campaign_id                STRING        relationships/campaign/data/id
    campaign_message_id        STRING        relationships/campaign-message/data/id
    flow_id                    STRING        relationships/flow/data/id
    flow_message_id            STRING        relationships/flow-message/data/id
    flow_message_variation_id  STRING        relationships/flow-message-variation/data/id
    """,
    reporting=False,
)
EVENTS = WindowedStream(
    name="event",
    path="/api/events",
    scope="events:read",
    uses=("metric",),  # event_metrics are names
    table=EVENT,
    related=(("attributions", EVENT_ATTRIBUTION),),
    cursor_field="datetime",
    params_by_table={EVENT_ATTRIBUTION.name: {"include": "attributions"}},
    page_sizes=(1000, 200, 20, 1),  # 200 is the documented maximum of older revisions
    lookback=timedelta(hours=4),  # Klaviyo writes credits up to 3 hours late (its help pages)
)

# ---------------------------------------------------------------- people

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
PROFILE = parse_table(
    "profile",
    "one row per person; predictions are NULL unless predictive_analytics is selected",
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
PROFILE_SUPPRESSION = parse_table(
    "profile_suppression",
    "one row per person, scope (global or the id of a list) and reason of an email suppression",
    "profile_id scope reason",
    """
    profile_id            STRING        profile_id
    scope                 STRING        scope
    reason                STRING        reason
    suppressed_at         UTC_DATETIME  timestamp
    """,
    reporting=False,
)
LIST_PROFILE = parse_table(
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
SEGMENT_PROFILE = parse_table(
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
PREDICTIONS = "predictive_analytics"  # a word of the setting `tables`; no table, columns of profile
PROFILES = WindowedStream(
    name="profile",
    path="/api/profiles",
    scope="profiles:read",
    table=PROFILE,
    cursor_field="updated",
    params={"additional-fields[profile]": "subscriptions"},
    # With predictions Klaviyo allows a fifth of the requests.
    params_by_table={PREDICTIONS: {"additional-fields[profile]": f"subscriptions,{PREDICTIONS}"}},
    page_sizes=(100, 20, 1),
    daily_lookback=timedelta(days=1),
    has_inclusive_filter=False,
)


def _suppressions(name: str, place: str) -> MemberListing:
    """A listing of suppressed people; without sparse fields, which might hide just those."""
    return MemberListing(
        name=name,
        path="/api/profiles",
        params={"additional-fields[profile]": "subscriptions"},
        cursor_field=f"{place}.timestamp",
        entries=("attributes", *place.split(".")),
    )


PROFILE_SUPPRESSIONS = MembershipStream(
    name="profile_suppression",
    path="/api/profiles",
    scope="profiles:read",
    table=PROFILE_SUPPRESSION,
    joined_column="suppressed_at",
    listings=(
        _suppressions("global", "subscriptions.email.marketing.suppression"),
        _suppressions("list", "subscriptions.email.marketing.list_suppressions"),
    ),
)
LIST_MEMBERS = MembershipStream(
    name="list_profile",
    path="/api/lists/{id}/profiles",
    scope="profiles:read",
    requires=("list",),
    table=LIST_PROFILE,
)
SEGMENT_MEMBERS = MembershipStream(
    name="segment_profile",
    path="/api/segments/{id}/profiles",
    scope="profiles:read",
    requires=("segment",),
    table=SEGMENT_PROFILE,
    group_path="/api/segments/{id}",
)

# ---------------------------------------------------------------- the sync itself

SYNC_REPORT = parse_table(
    "sync_report",
    "one row per sync and table: what the connector did",
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
SYNC_ERROR = parse_table(
    "sync_error",
    "one row per record that could not be stored, without its content",
    "id",
    """
    id                    STRING        id
    sync_id               STRING        sync_id
    table_name            STRING        table_name
    record_id             STRING        record_id
    reason                STRING        reason
    """,
)

# In the order of a sync; the streams of content.py and shop.py are between the two.
RECORD_STREAMS: tuple[Stream, ...] = (
    METRICS,
    MAPPED_METRICS,
    CUSTOM_METRICS,
    CAMPAIGNS,
    CAMPAIGN_MESSAGES,
    FLOWS,
    LISTS,
    SEGMENTS,
    TAGS,
    TAG_GROUPS,
    FORMS,
    TEMPLATES,
)
RESULT_STREAMS: tuple[Stream, ...] = (
    CAMPAIGN_VALUES,
    FLOW_VALUES,
    FLOW_PERIODS,
    FLOW_SERIES,
    SEGMENT_SERIES,
    FORM_SERIES,
    FORM_VERSION_SERIES,
    MESSAGE_AGGREGATES,
    CONVERSION_AGGREGATES,
    PROVIDER_AGGREGATES,
    EVENTS,
    PROFILES,
    PROFILE_SUPPRESSIONS,
    LIST_MEMBERS,
    SEGMENT_MEMBERS,
)
