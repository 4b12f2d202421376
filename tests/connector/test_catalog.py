"""The declared tables and streams are the promised ones, complete and typed."""

import re
from collections.abc import Callable

from models import Table
from streams import REPORTING, STREAMS, TABLES, catalog
from streams.catalog import CAMPAIGN_PERFORMANCE, CAMPAIGN_PERFORMANCE_DAILY
from streams.declarations import AggregateStream, ReportStream, ResourceStream
from tables.converters import CONVERTERS
from tables.utm_parameters import PARAMETERS

# Each table of the set `reporting` and its key after `account_id`.
PROMISED = {
    "account": "",
    "campaign": "id",
    "campaign_message": "id",
    "campaign_variation": "id",
    "campaign_audience": "id",
    "campaign_tag": "campaign_id tag_id",
    "list_tag": "list_id tag_id",
    "segment_tag": "segment_id tag_id",
    "campaign_performance": "campaign_id campaign_message_id send_channel variation"
    " conversion_metric_id",
    "campaign_performance_daily": "campaign_id campaign_message_id send_channel variation"
    " conversion_metric_id snapshot_date",
    "flow": "id",
    "flow_action": "id",
    "flow_message": "id",
    "flow_tag": "flow_id tag_id",
    "flow_performance": "flow_id flow_message_id send_channel variation conversion_metric_id",
    "flow_performance_period": "flow_id flow_message_id send_channel variation"
    " conversion_metric_id period_kind period_start",
    "flow_performance_daily": "flow_id flow_message_id send_channel variation"
    " conversion_metric_id date",
    "metric": "id",
    "mapped_metric": "id",
    "custom_metric": "id",
    "message_metric_daily": "metric_id date message_id flow_id channel",
    "inbox_provider_daily": "metric_id date inbox_provider",
    "tag": "id",
    "tag_group": "id",
    "list": "id",
    "segment": "id",
    "segment_daily": "segment_id date",
    "form": "id",
    "form_daily": "form_id date",
    "form_version_daily": "form_id form_version_id date",
    "sync_report": "sync_id table_name",
    "sync_error": "id",
    "billing_usage_daily": "id date",
    "brand": "type id",
    "coupon": "id",
    "custom_object_type": "id",
    "data_source": "id",
    "flow_utm_parameter": "flow_message_id name",
    "form_version": "id",
    "image": "id",
    "text_message_sender": "id",
    "tracking_setting": "id",
    "universal_content": "id",
    "web_feed": "id",
    "webhook": "id",
}
OPT_IN = {
    "event": "id",
    "event_attribution": "event_id attribution_id",
    "profile": "id",
    "profile_suppression": "profile_id scope reason",
    "list_profile": "list_id profile_id",
    "segment_profile": "segment_id profile_id",
    "template": "id",
    "catalog_category": "id",
    "catalog_category_item": "catalog_category_id catalog_item_id",
    "catalog_item": "id",
    "catalog_variant": "id",
    "coupon_code": "id",
    "custom_object_record": "custom_object_type_id id",
    "list_profile_count_daily": "list_id date",
    "push_token": "id",
    "segment_profile_count_daily": "segment_id date",
    "review": "id",
}
STATISTICS = """
    average_order_value bounce_rate bounced bounced_or_failed bounced_or_failed_rate click_rate
    click_to_open_rate clicks clicks_unique conversion_rate conversion_uniques conversion_value
    conversions delivered delivery_rate failed failed_rate message_segment_count_sum open_rate
    opens opens_unique recipients revenue_per_recipient spam_complaint_rate spam_complaints
    text_message_credit_usage_amount text_message_roi text_message_spend unsubscribe_rate
    unsubscribe_uniques unsubscribes
""".split()  # Klaviyo's OpenAPI document; unchanged in revision 2026-10-15
# Names of metrics of text messages since July 2026 (singer-io/tap-klaviyo at c466300).
TEXT_MESSAGE_METRICS = {
    "Received Text Message",
    "Clicked Text Message",
    "Failed to Deliver Text Message",
    "Subscribed to Text Messaging Marketing",
    "Unsubscribed from Text Messaging Marketing",
}
FIVETRAN_TYPES = {"STRING", "LONG", "DOUBLE", "BOOLEAN", "UTC_DATETIME", "NAIVE_DATE", "JSON"}
REPORTS = [stream for stream in STREAMS if isinstance(stream, ReportStream)]
AGGREGATES = [stream for stream in STREAMS if isinstance(stream, AggregateStream)]
RESOURCES = [stream for stream in STREAMS if isinstance(stream, ResourceStream)]


def columns_where(is_wrong: Callable[[str, str], object]) -> list[str]:
    """The columns of all tables whose name and type are wrong."""
    return [
        f"{table.name}.{name} {kind}"
        for table in TABLES.values()
        for name, kind in table.types.items()
        if is_wrong(name, kind)
    ]


class TestTables:
    """The contract with the warehouse."""

    def test_the_set_reporting_is_complete(self) -> None:
        """Every promised table exists under its key, and none has a row per person or event."""
        assert {name: " ".join(TABLES[name].key) for name in REPORTING} == PROMISED

    def test_tables_of_events_and_people_are_opt_in(self) -> None:
        """Fivetran bills rows: a table with a row per event, person or product is opt-in."""
        assert {name: " ".join(TABLES[name].key) for name in TABLES.keys() - PROMISED} == OPT_IN

    def test_every_key_begins_with_the_account_and_is_declared(self) -> None:
        """Many accounts fit in one table, and no key column is missing from its rows."""

        def is_sound(table: Table) -> bool:
            key = table.primary_key
            return (
                key[0] == "account_id" and len(set(key)) == len(key) and set(key) <= {*table.types}
            )

        assert [table.name for table in TABLES.values() if not is_sound(table)] == []

    def test_every_column_has_a_type_that_fivetran_and_a_converter_know(self) -> None:
        """An undeclared column would get a type guessed from its first value."""
        assert set(CONVERTERS) == FIVETRAN_TYPES
        assert columns_where(lambda _, kind: kind not in FIVETRAN_TYPES) == []
        assert {table.types["synced_at"] for table in TABLES.values()} == {"UTC_DATETIME"}

    def test_column_names_are_safe_in_every_warehouse(self) -> None:
        """No loader renames a column, or two into one: Fivetran makes `a1` into `a_1`."""
        safe = re.compile(r"[a-z]+(_[a-z]+|_[0-9]+)*")
        assert columns_where(lambda name, _: not safe.fullmatch(name)) == []

    def test_times_and_ids_are_typed_as_such(self) -> None:
        """Ids are text even when they look like numbers; `_at` is an instant."""
        is_id = re.compile(r"(^|_)id$")
        assert columns_where(lambda name, kind: kind != "STRING" and is_id.search(name)) == [
            "tracking_setting.utm_id JSON"  # a parameter of links
        ]
        assert (
            columns_where(lambda name, kind: kind != "UTC_DATETIME" and name.endswith("_at")) == []
        )

    def test_every_table_states_its_grain(self) -> None:
        """The declaration of a table says what one row is."""
        grains = {table.name: table.grain for table in TABLES.values()}
        assert [n for n, grain in grains.items() if not grain.startswith("one row per ")] == []


class TestReports:
    """What is requested of Klaviyo's reports."""

    def test_all_statistics_are_requested(self) -> None:
        """Campaign and flow reports request all 31 statistics of the revision."""
        assert sorted(catalog.STATISTICS) == STATISTICS
        assert len(STATISTICS) == 31
        with_conversions = [report for report in REPORTS if report.has_conversions]
        assert [report.table.name for report in with_conversions] == [
            "campaign_performance", "flow_performance", "flow_performance_period",
            "flow_performance_daily",
        ]  # fmt: skip
        for report in with_conversions:
            assert sorted(report.statistics) == STATISTICS
            assert set(STATISTICS) <= set(report.table.columns)

    def test_counts_are_whole_and_rates_and_money_are_not(self) -> None:
        """A rate stored as a whole number would be 0."""
        types = CAMPAIGN_PERFORMANCE.types
        amounts = {name for name in STATISTICS if types[name] == "DOUBLE"}
        assert {name for name in STATISTICS if name.endswith("_rate")} < amounts
        assert {"conversion_value", "average_order_value", "text_message_spend"} < amounts
        assert {types[name] for name in set(STATISTICS) - amounts} == {"LONG"}

    def test_every_key_column_is_grouped_by(self) -> None:
        """Rows of one key would overwrite each other if the response did not separate them."""
        from_us = {"conversion_metric_id", "date", "period_kind", "period_start"}
        from_us |= {"segment_id"}  # Klaviyo separates segments
        missing = {r.name: set(r.table.key) - from_us - {*r.group_by} for r in REPORTS}
        assert {name: columns for name, columns in missing.items() if columns} == {}

    def test_windows_stay_within_klaviyos_limits(self) -> None:
        """A values report covers at most a year, a daily series at most 60 days."""
        limits = {r.name: (r.schedule.window_days, 60 if r.is_daily else 365) for r in REPORTS}
        limits |= {a.name: (a.schedule.window_days, 365) for a in AGGREGATES}
        assert {name: limit for name, limit in limits.items() if limit[0] > limit[1]} == {}

    def test_metrics_of_text_messages_have_klaviyos_names(self) -> None:
        """Metrics are found by name: one that Klaviyo calls otherwise would have no counts."""
        names = {name for name, channel in catalog.MESSAGE_METRICS.items() if channel == "sms"}
        assert names == TEXT_MESSAGE_METRICS

    def test_a_snapshot_is_a_row_and_its_day(self) -> None:
        """The snapshot table has the columns of its report's table and a date."""
        types = {**CAMPAIGN_PERFORMANCE.types, "snapshot_date": "NAIVE_DATE"}
        assert types == CAMPAIGN_PERFORMANCE_DAILY.types


class TestStreams:
    """What is listed, and in which order."""

    def test_archived_campaigns_and_flows_are_listed_too(self) -> None:
        """Klaviyo lists archived records only when a filter names them."""
        partitions = {stream.name: stream.partitions for stream in RESOURCES}
        both = ("equals(archived,false)", "equals(archived,true)")
        assert partitions["campaign"] == partitions["flow"] == both

    def test_a_stream_includes_what_its_rows_are_made_of(self) -> None:
        """A relationship that is neither included nor requested would make rows of ids alone."""
        offenders = [
            (stream.name, relationship)
            for stream in RESOURCES
            for relationship, _ in stream.related
            if relationship not in (*stream.include, PARAMETERS)  # derived from the actions
            and not (stream.details and stream.details.relationship == relationship)
        ]
        assert offenders == []

    def test_a_stream_names_its_scope_and_sorts_by_its_cursor(self) -> None:
        """A missing scope can be named; a listing with a cursor is requested in its order."""
        assert [s.name for s in STREAMS if not re.fullmatch(r"[a-z-]+:read", s.scope)] == []
        assert [s.name for s in RESOURCES if s.params.get("sort") != s.cursor_field] == []

    def test_a_stream_needs_only_streams_before_it(self) -> None:
        """The order of the catalog is the order of a sync, so needed records are read first."""
        names = [stream.name for stream in STREAMS]
        offenders = [
            (stream.name, needed)
            for position, stream in enumerate(STREAMS)
            for needed in (*stream.requires, *stream.uses)
            if needed not in names[:position]
        ]
        assert offenders == []
        assert len(set(names)) == len(names)
