{#- The configuration of an incremental model of events. A run replaces whole months, from the month
    of the earliest event that a sync wrote since the last run:

        partitions   2026-08  2026-09  2026-10  2026-11
        synced event             *
        replaced                [--------- all --------]

    So late, changed and deleted events give the same rows as a full refresh, also in a month that
    loses all its events, such as those of an erased person. `replaces` is what a run replaces, see
    in_replaced_months.
    Months and not days, because BigQuery writes at most 4,000 partitions in one job: with days, an
    account older than eleven years could not be fully refreshed. There the table is clustered too,
    so a query of some months of one account reads only those. -#}
{% macro incremental_by_month(
    cluster_by=['account_id', 'metric_id'], replaces='affected months'
) -%}
    {%- if not execute -%}
        {#- affected_from_month_query refers to them only when dbt executes; declare them too. -#}
        {%- for table in ['account', 'event', 'sync_report'] -%}
            {%- do source('klaviyo', table) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if target.type == 'bigquery' -%}
        {%- set strategy = dict(
            incremental_strategy='insert_overwrite',
            require_partition_filter=true,
            partition_by={'field': 'occurred_month', 'data_type': 'date', 'granularity': 'month'},
            cluster_by=cluster_by
        ) -%}
    {%- else -%}
        {%- set strategy = dict(
            incremental_strategy='delete+insert', unique_key='occurred_month'
        ) -%}
    {%- endif -%}
    {{ return(dict(
        materialized='incremental',
        on_schema_change='fail',
        meta={'replaces': replaces},
        **strategy
    )) }}
{%- endmacro %}

{#- The same for a mart, which holds the names of messages too and is queried without a filter of
    months. BigQuery skips the blocks of a table clustered by date that a filter of dates excludes. -#}
{% macro mart_incremental_by_month() -%}
    {%- if not execute -%}
        {%- for tables in tables_of_names().values() -%}
            {%- for table in tables -%}
                {%- do source('klaviyo', table) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
    {%- set options = incremental_by_month(['date', 'account_id'], 'restated months') -%}
    {%- if target.type == 'bigquery' -%}
        {%- do options.pop('require_partition_filter') -%}
    {%- endif -%}
    {{ return(options) }}
{%- endmacro %}

{#- The partition of a row by its date. Never NULL, so no filter of months loses a row: a row
    without a date is in BigQuery's last month, which every run replaces. -#}
{% macro occurred_month(date) -%}
    coalesce({{ first_of_month(date) }}, date '2159-12-01')
{%- endmacro %}

{#- The filter of a query that reads a whole model of events. BigQuery refuses a query without a
    filter of months (require_partition_filter), so that nothing reads a billion rows by accident.
    BigQuery's partitions begin in 1960. -#}
{% macro in_all_months() -%}
    occurred_month >= date '1960-01-01'
{%- endmacro %}

{#- The filter of the events that an incremental run reads: those of the affected months, which
    begin with `from_month`, of `days` before them, and those without a time. -#}
{% macro in_affected_range(occurred_at, days, from_month) -%}
    (
        {{ occurred_at }} >= {{ utc_midnight(days_before(from_month, days)) }}
        or {{ occurred_at }} is null
    )
{%- endmacro %}

{#- The filter of the rows that an incremental run reads of another model of events: those of the
    affected months, and of `days` before them; all rows if the run is none. -#}
{% macro in_months_read(days, from_month) -%}
    {%- if not is_incremental() -%}
        {{ return(in_all_months()) }}
    {%- endif -%}
    occurred_month >= {{ first_of_month(days_before(from_month, days)) if days else from_month }}
{%- endmacro %}

{#- The events that a model with a row per event holds, as a subquery without parentheses: those of
    the metrics of a relation (account_id, metric_id and `columns`), of the months that the run
    replaces, with their month. -#}
{% macro affected_events(metrics, columns=[]) -%}
    {%- set from_month = affected_from_month() if is_incremental() else none -%}
    select *
    from (
        select
            events.*,
            {% for column in columns -%}
            metrics.{{ column }},
            {% endfor -%}
            {{ occurred_month(utc_date('events.occurred_at')) }} as occurred_month

        from {{ ref('stg_klaviyo__event') }} as events
        inner join {{ metrics }} as metrics
            on events.account_id = metrics.account_id
            and events.metric_id = metrics.metric_id
        {% if is_incremental() -%}
        where {{ in_affected_range('events.occurred_at', 1, from_month) }}
        {%- endif %}
    ) as events
    {% if is_incremental() -%}
    where occurred_month >= {{ from_month }}
    {%- endif %}
{%- endmacro %}

{#- The first month that an incremental run replaces, a date. On BigQuery a script variable:
    BigQuery prunes partitions if a filter compares with a variable, not with a subquery. On the
    other engines a literal: with a subquery DuckDB reads every column of every event, and Postgres
    does not know how few rows it will find. -#}
{% macro affected_from_month() -%}
    {%- if target.type == 'bigquery' -%}
        {{ return('affected_from_month') }}
    {%- elif not reads_raw_tables() -%}
        {{ return('(' ~ affected_from_month_query() ~ ')') }}
    {%- endif -%}
    {{ return(read_affected_from_month()) }}
{%- endmacro %}

{#- The same as a literal, on every engine. -#}
{% macro read_affected_from_month() -%}
    {%- set from_month = run_query(affected_from_month_query()).columns[0].values()[0] -%}
    {{ return("date '" ~ (from_month or last_day()) ~ "'") }}
{%- endmacro %}

{#- The filter of the rows that a run of a mart with names writes: all, or those of the affected
    months and of those since the first row whose names a sync wrote. By a literal, not by the
    variable of affected_from_month: of a model with a contract dbt asks BigQuery for the columns of
    the query alone. -#}
{% macro in_restated_months() -%}
    {%- if not is_incremental() or not reads_raw_tables() -%}
        {{ return(in_all_months()) }}
    {%- endif -%}
    {%- set query -%}
        select min(starts.from_month)
        from (
            select ({{ affected_from_month_query() }}) as from_month
            {% for column, tables in tables_of_names().items() -%}
            union all
            {{ first_month_of_changed_names(column, tables) }}
            {% endfor -%}
        ) as starts
    {%- endset -%}
    {%- set from_month = run_query(query).columns[0].values()[0] -%}
    {{ return("occurred_month >= date '" ~ (from_month or last_day()) ~ "'") }}
{%- endmacro %}

{#- Whether a run makes the history of people again, of closed months: an old month changes seldom,
    so it does only if it replaces a closed month, or if the closed months end more than 93 days
    before an account's last sync. If not, it filters by no_months(). -#}
{% macro is_history_made() -%}
    {%- if not is_incremental() or not reads_raw_tables() -%}
        {{ return(true) }}
    {%- endif -%}
    {%- set query -%}
        select count(*)
        from {{ ref('int_klaviyo__last_sync') }} as last_syncs
        left join (
            select
                account_id,
                closed_month
            from {{ this }}
            where {{ in_all_months() }} and profile_id = ''
        ) as history on last_syncs.account_id = history.account_id
        where
            history.closed_month is null
            or history.closed_month < {{ first_of_month(days_before('last_syncs.synced_on', 93)) }}
            or history.closed_month >= ({{ affected_from_month_query() }})
    {%- endset -%}
    {{ return(run_query(query).columns[0].values()[0] > 0) }}
{%- endmacro %}

{#- The filter of the days that a mart of people reads beside their history: those after its closed
    months, and of `days` before the last sync. -#}
{% macro in_open_months(history, days) -%}
    {%- if not reads_raw_tables() -%}
        {{ return(in_all_months()) }}
    {%- endif -%}
    {%- set query -%}
        select min(
            case
                when
                    history.closed_month
                    < {{ first_of_month(days_before('last_syncs.synced_on', days)) }}
                    then history.closed_month
                else {{ first_of_month(days_before('last_syncs.synced_on', days)) }}
            end
        )
        from {{ ref('int_klaviyo__last_sync') }} as last_syncs
        inner join {{ history }} as history on last_syncs.account_id = history.account_id
        where history.profile_id = '' and history.{{ in_all_months() }}
    {%- endset -%}
    {%- set from_month = run_query(query).columns[0].values()[0] -%}
    {{ return("occurred_month >= date '" ~ from_month ~ "'" if from_month else in_all_months()) }}
{%- endmacro %}

{#- The filter of no row. -#}
{% macro no_months() -%}
    occurred_month >= date '{{ last_day() }}'
{%- endmacro %}

{#- The last day of BigQuery's partitions, later than every month: from it on there is no row. -#}
{% macro last_day() -%}
    2159-12-31
{%- endmacro %}

{#- The raw tables that name what a mart's row is about, or on which its date and currency depend:
    by the mart's column with an id, each table with its column of the same id. -#}
{% macro tables_of_names() -%}
    {{ return({
        'campaign_id': {'campaign': 'id', 'campaign_message': 'campaign_id'},
        'variation_id': {'campaign_variation': 'id'},
        'flow_id': {'flow': 'id', 'flow_action': 'flow_id', 'flow_message': 'flow_id'},
        'account_id': {'account': 'account_id', 'metric': 'account_id'},
    }) }}
{%- endmacro %}

{#- The month of the mart's first row that has the id of a row which a sync wrote or deleted since
    the last run: of a renamed campaign, or of a message that was unknown. Only Fivetran's own time
    shows a deletion. -#}
{% macro first_month_of_changed_names(column, tables) -%}
    select min(mart.occurred_month) as from_month
    from {{ this }} as mart
    inner join (
        {%- for table, id in tables.items() %}
        select distinct
            account_id as changed_account_id,
            {{ id }} as changed_id
        from {{ source_rows_with_deleted(table) }}
        where {{ written_since_last_run('coalesce(_fivetran_synced, synced_at)') }}
        {{ 'union distinct' if not loop.last }}
        {%- endfor %}
    ) as changes
        on mart.account_id = changes.changed_account_id
        and mart.{{ column }} = changes.changed_id
{%- endmacro %}

{#- The filter of the raw rows that a sync wrote since the last run of a model. A sync that ran
    during the last build began at most a day before the newest row of that build. -#}
{% macro written_since_last_run(written_at) -%}
    {{ utc_date(written_at) }} >= (
        select coalesce({{ days_before(utc_date('max(synced_at)'), 1) }}, date '1970-01-01')
        from {{ this }}
        where {{ in_all_months() }}
    )
{%- endmacro %}

{#- Declares that variable. dbt-bigquery calls the macro of this name for the declarations of an
    incremental run; a sql_header does not work, as dbt renders it when it parses the project. Never
    NULL, by which BigQuery prunes nothing. -#}
{% macro declare_dbt_max_partition(relation, partition_by, compiled_code, language='sql') -%}
    {%- if is_incremental() and 'affected_from_month' in compiled_code -%}
    declare affected_from_month date default coalesce(
        ({{ affected_from_month_query() }}), date '{{ last_day() }}'
    );
    {%- endif -%}
{%- endmacro %}

{#- The month of the earliest event that a sync wrote since the last run. `min_event_at` is UTC, and
    in zones west of it the event's date is the day before. Without reports of syncs, all months.
    `synced_at` is the time when a sync began, and its report is loaded when it ends: of one that
    takes days, after newer rows of other accounts.
    Reads the raw tables, because a variable of BigQuery cannot read a staging model that a project
    makes ephemeral. -#}
{% macro affected_from_month_query() -%}
    {%- if not is_synced('sync_report') -%}
    select date '1960-01-01'
    {%- else -%}
    select {{ first_of_month(days_before(utc_date('min(changes.occurred_at)'), 1)) }}
    from (
        select min_event_at as occurred_at
        from {{ source_rows('sync_report') }}
        where
            table_name = 'event'
            and (
                {{ written_since_last_run('synced_at') }}
                or {{ written_since_last_run('_fivetran_synced') }}
            )
        {%- if has_stale_reports() %}
        union all
        {{ unreported_events() }}
        {%- endif %}
    ) as changes
    {%- endif -%}
{%- endmacro %}

{#- The times of the events that a sync wrote after the newest report of their account: a user of
    Fivetran may untick sync_report, whose rows then stay as they are, and a sync that fails writes
    no report. -#}
{% macro unreported_events() -%}
    select events.datetime as occurred_at
    from {{ source_rows_with_deleted('event', 'events') }}
    left join {{ newest_reports() }} on events.account_id = newest_reports.account_id
    where newest_reports.reported_at is null or events.synced_at > newest_reports.reported_at
{%- endmacro %}

{#- The time of each account's newest report about events, as a subquery. -#}
{% macro newest_reports() -%}
    (
        select account_id, max(synced_at) as reported_at
        from {{ source_rows('sync_report') }}
        where table_name = 'event'
        group by account_id
    ) as newest_reports
{%- endmacro %}

{#- Whether an account has no report about events of yesterday or today. Only then a run looks for
    events without a report: on BigQuery that reads a column of every event. -#}
{% macro has_stale_reports() -%}
    {%- if not reads_raw_tables() -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set yesterday = (run_started_at - modules.datetime.timedelta(days=1)).date() -%}
    {%- set query -%}
        select count(*)
        from {{ source_rows('account', 'accounts') }}
        left join {{ newest_reports() }} on accounts.account_id = newest_reports.account_id
        where
            newest_reports.reported_at is null
            or newest_reports.reported_at < {{ utc_midnight("date '" ~ yesterday ~ "'") }}
    {%- endset -%}
    {{ return(run_query(query).columns[0].values()[0] > 0) }}
{%- endmacro %}

{#- The filter of the rows that the run of a model replaces, for the statement that writes them:
    on BigQuery a script of its own, which has no variable. -#}
{% macro in_replaced_months() -%}
    {%- set replaces = config.get('meta')['replaces'] -%}
    {%- if replaces == 'restated months' -%}
        {{ return(in_restated_months()) }}
    {%- elif replaces == 'all or none' -%}
        {{ return(in_all_months() if is_history_made() else no_months()) }}
    {%- endif -%}
    {{ return('occurred_month >= ' ~ read_affected_from_month()) }}
{%- endmacro %}

{#- dbt replaces the months of the new rows. A month that lost all its rows has none, so its old
    rows are deleted here. Of dbt's own name, for the reason in safe_cast.sql. -#}
{% macro get_delete_insert_merge_sql(
    target, source, unique_key, dest_columns, incremental_predicates
) -%}
    delete from {{ target }}
    where {{ in_replaced_months() }} and occurred_month not in (select occurred_month from {{ source }});
    {{ adapter.dispatch('get_delete_insert_merge_sql', 'dbt')(
        target, source, unique_key, dest_columns, incremental_predicates
    ) }}
{%- endmacro %}

{#- The same on BigQuery. Skips dbt's merge if a run has no partitions to replace: BigQuery refuses
    a merge that filters no partition of a table with require_partition_filter
    (github.com/dbt-labs/dbt-adapters/issues/600). -#}
{% macro get_insert_overwrite_merge_sql(
    target, source, dest_columns, predicates, include_sql_header=false
) -%}
    delete from {{ target }}
    where
        {{ in_replaced_months() }}
        and occurred_month not in unnest(dbt_partitions_for_replacement);
    if array_length(dbt_partitions_for_replacement) > 0 then
    {{ dbt.default__get_insert_overwrite_merge_sql(
        target, source, dest_columns, predicates, include_sql_header
    ) }};
    end if
{%- endmacro %}
