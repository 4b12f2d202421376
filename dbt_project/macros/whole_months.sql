{#- How a model of events is built incrementally: the months that a sync touched are replaced whole,
    so an event that came late, changed or went ends as a full refresh would leave it. Only a month
    that loses all its events waits for a full refresh: neither Klaviyo nor the connector deletes any.
    Not days: BigQuery writes at most 4,000 partitions in one job, which would forbid the full
    refresh of an account that is older than eleven years. -#}
{% macro whole_months() -%}
    {%- if not execute -%}
        {%- do ref('stg_klaviyo__sync_report') -%} {#- touched_query refers to it, but only later -#}
    {%- endif -%}
    {%- if target.type == 'bigquery' -%}
        {%- set replacing = dict(
            incremental_strategy='insert_overwrite',
            require_partition_filter=true,
            **by_month('occurred_month')
        ) -%}
    {%- else -%}
        {%- set replacing = dict(incremental_strategy='delete+insert', unique_key='occurred_month') -%}
    {%- endif -%}
    {{ return(dict(materialized='incremental', on_schema_change='fail', **replacing)) }}
{%- endmacro %}

{#- Where BigQuery puts a table's rows, so that a query of some months of one account reads those. -#}
{% macro by_month(day) -%}
    {{ return({
        'partition_by': {'field': day, 'data_type': 'date', 'granularity': 'month'},
        'cluster_by': ['account_id', 'metric_id'],
    } if target.type == 'bigquery' else {}) }}
{%- endmacro %}

{#- The month under which a model of events keeps a row, by its date. Never NULL, so that no filter
    of months loses a row: what has no date stands in the last month that BigQuery has a partition
    for, which is replaced with whatever month comes before it. -#}
{% macro occurred_month(date) -%}
    coalesce({{ first_of_month(date) }}, date '2159-12-01')
{%- endmacro %}

{#- What a query says that reads a model of events whole: BigQuery refuses one that names no months
    (require_partition_filter), so that nobody reads a billion rows unawares. 1960 is where its
    partitions begin. -#}
{% macro all_months() -%}
    occurred_month >= date '1960-01-01'
{%- endmacro %}

{#- Whether an incremental run may need an event: one of the months that it replaces, of some days
    before them, or of no known time. -#}
{% macro may_be_needed(occurred_at, days) -%}
    (
        {{ occurred_at }} >= {{ utc_midnight(days_before(first_touched_month(), days)) }}
        or {{ occurred_at }} is null
    )
{%- endmacro %}

{#- The first month that an incremental run replaces, a date. -#}
{% macro first_touched_month() -%}
    {{ return('first_touched_month' if target.type == 'bigquery' else '(' ~ touched_query() ~ ')') }}
{%- endmacro %}

{#- BigQuery skips the partitions that a filter excludes if it compares with a variable, not if it
    compares with a subquery. dbt-bigquery calls the macro of this name for what it shall declare in
    front of an incremental run; a sql_header is fixed already while dbt reads the project. -#}
{% macro declare_dbt_max_partition(relation, partition_by, compiled_code, language='sql') -%}
    {%- if is_incremental() and 'first_touched_month' in compiled_code -%}
    declare first_touched_month date default ({{ touched_query() }});
    {%- endif -%}
{%- endmacro %}

{#- The month of the earliest event that any sync wrote since the last build; of the day before it,
    for the zones where it was still that day. A sync that was running while the last build read
    its rows had begun at most a day before the newest of them. -#}
{% macro touched_query() -%}
    select {{ first_of_month(days_before(utc_date('min(min_event_at)'), 1)) }}
    from {{ ref('stg_klaviyo__sync_report') }}
    where
        table_name = 'event'
        and {{ utc_date('synced_at') }} >= (
            select coalesce({{ days_before(utc_date('max(synced_at)'), 1) }}, date '1970-01-01')
            from {{ this }}
            where {{ all_months() }}
        )
{%- endmacro %}

{#- BigQuery refuses to merge into no month of a table that demands a filter, which is what
    dbt-bigquery asks of it when a run has found nothing to replace
    (github.com/dbt-labs/dbt-adapters/issues/600). -#}
{% macro bigquery__get_insert_overwrite_merge_sql(
    target, source, dest_columns, predicates, include_sql_header
) -%}
    if array_length(dbt_partitions_for_replacement) > 0 then
    {{ dbt.default__get_insert_overwrite_merge_sql(
        target, source, dest_columns, predicates, include_sql_header
    ) }};
    end if
{%- endmacro %}
