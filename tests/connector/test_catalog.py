"""The declared tables are the ones that were promised, whole and typed."""

import re

import pytest
import streams
from tables import converters
from models import Table
from streams import REPORTS, STREAMS, TABLES

# Each table of the set `reporting` and its key behind `account_id`.
PROMISED = {
    "account": "",
    "campaign": "id",
    "campaign_message": "id",
    "campaign_variation": "id",
    "campaign_audience": "id",
    "campaign_tag": "campaign_id tag_id",
    "campaign_performance": "campaign_id campaign_message_id send_channel variation"
    " conversion_metric_id",
    "campaign_performance_daily": "campaign_id campaign_message_id send_channel variation"
    " conversion_metric_id snapshot_date",
    "flow": "id",
    "flow_action": "id",
    "flow_message": "id",
    "flow_tag": "flow_id tag_id",
    "flow_performance": "flow_id flow_message_id send_channel variation conversion_metric_id",
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
    "sync_report": "sync_id table_name",
    "sync_error": "id",
}
OPT_IN = {
    "event": "id",
    "event_attribution": "event_id attribution_id",
    "profile": "id",
    "profile_suppression": "profile_id scope reason",
    "list_profile": "list_id profile_id",
    "segment_profile": "segment_id profile_id",
    "template": "id",
}
STATISTICS = """
    average_order_value bounce_rate bounced bounced_or_failed bounced_or_failed_rate click_rate
    click_to_open_rate clicks clicks_unique conversion_rate conversion_uniques conversion_value
    conversions delivered delivery_rate failed failed_rate message_segment_count_sum open_rate
    opens opens_unique recipients revenue_per_recipient spam_complaint_rate spam_complaints
    text_message_credit_usage_amount text_message_roi text_message_spend unsubscribe_rate
    unsubscribe_uniques unsubscribes
""".split()  # Klaviyo's OpenAPI document; unchanged in revision 2026-10-15
FIVETRAN_TYPES = {"STRING", "LONG", "DOUBLE", "BOOLEAN", "UTC_DATETIME", "NAIVE_DATE", "JSON"}

every_table = pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)


class TestTables:
    """The contract with the warehouse."""

    def test_the_set_reporting_is_complete(self) -> None:
        """Every promised table is there under its key, and no table of people or events."""
        assert {name: " ".join(TABLES[name].key) for name in streams.REPORTING} == PROMISED

    def test_tables_of_events_and_people_are_opt_in(self) -> None:
        """Rows are billed: one row per event or person must be asked for."""
        assert {name: " ".join(TABLES[name].key) for name in TABLES.keys() - PROMISED} == OPT_IN

    @every_table
    def test_every_key_begins_with_the_account_and_is_declared(self, table: Table) -> None:
        """Many accounts fit in one table, and no key column is missing from its rows."""
        assert table.primary_key[0] == "account_id"
        assert set(table.primary_key) <= set(table.types)
        assert len(set(table.primary_key)) == len(table.primary_key)

    @every_table
    def test_every_column_has_a_type_that_fivetran_and_a_converter_know(self, table: Table) -> None:
        """An undeclared column would get a type guessed from its first value."""
        assert set(table.types.values()) <= FIVETRAN_TYPES == set(values.CONVERTERS)
        assert table.types["synced_at"] == "UTC_DATETIME"

    @every_table
    def test_column_names_are_safe_in_every_warehouse(self, table: Table) -> None:
        """S2: no loader renames a column, or two into one: Fivetran makes `a1` into `a_1`."""
        assert all(re.fullmatch(r"[a-z]+(_[a-z]+|_[0-9]+)*", name) for name in table.types)

    @every_table
    def test_times_and_ids_are_typed_as_such(self, table: Table) -> None:
        """Ids are text even when they look like numbers; `_at` is an instant."""
        for name, kind in table.types.items():
            assert kind == "STRING" or not re.search(r"(^|_)id$", name), name
            assert kind == "UTC_DATETIME" or not name.endswith("_at"), name

    @every_table
    def test_every_table_says_its_grain(self, table: Table) -> None:
        """What one row is stands in the table's declaration."""
        assert table.grain.startswith("one row per ")


class TestReports:
    """What is asked of Klaviyo's reports."""

    def test_all_statistics_are_asked_for(self) -> None:
        """Campaign and flow reports ask for all 31 statistics of the revision."""
        assert sorted(streams.STATISTICS) == STATISTICS
        assert len(STATISTICS) == 31
        for report in REPORTS[:3]:
            assert report.converts
            assert sorted(report.statistics) == STATISTICS
            assert set(STATISTICS) <= set(report.table.columns)

    def test_counts_are_whole_and_rates_and_money_are_not(self) -> None:
        """A rate stored as a whole number would be 0."""
        types = streams.CAMPAIGN_PERFORMANCE.types
        amounts = {name for name in STATISTICS if types[name] == "DOUBLE"}
        assert {name for name in STATISTICS if name.endswith("_rate")} < amounts
        assert {"conversion_value", "average_order_value", "text_message_spend"} < amounts
        assert {types[name] for name in set(STATISTICS) - amounts} == {"LONG"}

    @pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.type)
    def test_every_key_column_is_grouped_by(self, report: streams.Report) -> None:
        """Rows of one key would overwrite each other if Klaviyo did not tell them apart."""
        from_us = {"conversion_metric_id", "date", "segment_id"}  # segments are always apart
        assert set(report.table.key) - from_us <= set(report.group_by.split())

    def test_windows_stay_within_klaviyos_limits(self) -> None:
        """A values report covers at most a year, a daily series at most 60 days."""
        assert all(r.schedule.span <= (60 if r.daily else 365) for r in REPORTS)
        assert all(a.schedule.span <= 365 for a in streams.AGGREGATES)

    def test_a_snapshot_is_a_row_and_its_day(self) -> None:
        """The snapshot table has every column of the table it is taken of, and one date more."""
        row, snapshot = streams.CAMPAIGN_PERFORMANCE.types, streams.CAMPAIGN_PERFORMANCE_DAILY.types
        assert {**row, "snapshot_date": "NAIVE_DATE"} == snapshot


class TestStreams:
    """What is listed."""

    def test_archived_campaigns_and_flows_are_listed_too(self) -> None:
        """Klaviyo lists what is archived only when asked for it."""
        parts = {stream.name: stream.partitions for stream in STREAMS}
        both = ("equals(archived,false)", "equals(archived,true)")
        assert parts["campaign"] == parts["flow"] == both

    @pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
    def test_a_stream_includes_what_its_rows_are_made_of(self, stream: streams.Stream) -> None:
        """A relationship that is neither included nor asked for would make rows of ids alone."""
        shown = {None, *stream.params.get("include", "").split(","), *(stream.details or ())}
        assert {name for _, name in stream.makes} <= shown

    @pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
    def test_a_stream_names_its_scope_and_sorts_by_its_cursor(self, stream: streams.Stream) -> None:
        """A missing scope can be named; a listing with a cursor is asked for in its order."""
        assert re.fullmatch(r"[a-z-]+:read", stream.scope)
        assert stream.cursor is None or stream.params["sort"] == stream.cursor
