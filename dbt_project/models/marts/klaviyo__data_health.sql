{{ config(enabled=is_enabled(['findings'])) }}
{#- Klaviyo answers each of its reports 225 times a day. -#}
{%- set report_quota = 225 -%}
{#- The staging models that keep deleted rows, for names. -#}
{%- set keeping_deleted = [
    'campaign', 'campaign_audience', 'campaign_message', 'campaign_variation', 'flow',
    'flow_message', 'list', 'segment',
] -%}

with

accounts as (select * from {{ ref('stg_klaviyo__account') }}),

last_syncs as (select * from {{ ref('int_klaviyo__last_sync') }}),

listed as (

    {% for table in connector_tables() -%}
    select
        '{{ table }}' as table_name,
        {{ is_synced(table) | lower }} as is_listed
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

-- Counted before the join, which for each event takes six times as long.
counts as (

    {% for table in connector_tables() -%}
    select
        account_id,
        '{{ table }}' as table_name,
        count(*) as row_count,
        max(synced_at) as last_changed_at
    from {{ ref('stg_klaviyo__' ~ table) }}
    {{ 'where not is_deleted' if table in keeping_deleted }}
    group by account_id
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

tables as (

    select
        accounts.account_id,
        listed.table_name,
        listed.is_listed,
        coalesce(counts.row_count, 0) as row_count,
        counts.last_changed_at
    from accounts
    cross join listed
    left join counts
        on accounts.account_id = counts.account_id
        and listed.table_name = counts.table_name

),

sends as (

    select
        account_id,
        case message_type
            when 'campaign' then 'campaign_performance' else 'flow_performance_daily'
        end as table_name,
        min(sent_on) as data_from,
        max(sent_on) as data_to

    from {{ ref('klaviyo__message_performance') }}
    group by account_id, message_type

),

sync_reports as (

    select
        sync_reports.*,
        sync_reports.sync_id = last_syncs.sync_id as is_last_sync,
        last_syncs.synced_on = cast(
            {{ local_time('sync_reports.started_at', 'accounts.timezone') }} as date
        ) as is_today

    from {{ ref('stg_klaviyo__sync_report') }} as sync_reports
    inner join accounts on sync_reports.account_id = accounts.account_id
    inner join last_syncs on sync_reports.account_id = last_syncs.account_id

),

-- A sync reports on each table that it requested or wrote, except its own two tables.
own_tables as (

    select 'sync_report' as table_name
    union all
    select 'sync_error' as table_name

),

syncs as (

    select
        account_id,
        table_name,
        max(started_at) as last_synced_at,
        sum(case when is_last_sync then rows_written end) as rows_written,
        sum(case when is_last_sync then rows_deleted end) as rows_deleted,
        sum(case when is_last_sync then requests end) as requests,
        sum(case when is_last_sync then seconds_waited end) as seconds_waited,
        sum(case when is_today then requests end) as requests_today

    from sync_reports
    group by account_id, table_name
    union all
    select
        last_syncs.account_id,
        own_tables.table_name,
        last_syncs.synced_at as last_synced_at,
        null as rows_written,
        null as rows_deleted,
        null as requests,
        null as seconds_waited,
        null as requests_today
    from last_syncs
    cross join own_tables

),

-- One quota of Klaviyo is for all tables that a report fills.
report_tables as (

    {% for table, first_table in report_quota_tables().items() -%}
    select
        '{{ table }}' as table_name,
        '{{ first_table }}' as first_table
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

report_quotas as (

    select
        syncs.account_id,
        report_tables.first_table,
        sum(syncs.requests_today) as requests_today

    from syncs
    inner join report_tables on syncs.table_name = report_tables.table_name
    group by syncs.account_id, report_tables.first_table

),

reconciliations as (

    select
        account_id,
        'event' as table_name,
        count(*) as rows_compared,
        sum(case when event_count = aggregated_count then 0 else 1 end) as rows_different
    from {{ ref('int_klaviyo__event_reconciliation') }}
    group by account_id
    union all
    select
        account_id,
        'event_attribution' as table_name,
        count(*) as rows_compared,
        sum(case when is_different then 1 else 0 end) as rows_different
    from {{ ref('int_klaviyo__order_reconciliation') }}
    group by account_id

),

refusals as (

    select
        account_id,
        table_name,
        count(*) as rows_refused
    from {{ ref('stg_klaviyo__sync_error') }}
    group by account_id, table_name

)

select
    ---------- ids
    {{ surrogate_key(['tables.account_id', 'tables.table_name']) }} as data_health_key,
    tables.account_id,
    tables.table_name,

    ---------- account
    accounts.organization_name as account_name,
    accounts.is_test_account,
    accounts.source_relation,
    last_syncs.synced_on as last_synced_on,

    ---------- rows in the warehouse
    tables.is_listed
    and coalesce(syncs.last_synced_at, tables.last_changed_at) is not null
    -- Fivetran keeps a table that is unticked, without the rows of later syncs.
    and not coalesce(
        syncs.rows_written > 0 and tables.last_changed_at < last_syncs.synced_at, false
    ) as is_synced,
    tables.row_count,
    sends.data_from,
    sends.data_to,
    tables.last_changed_at,
    cast(coalesce(refusals.rows_refused, 0) as {{ dbt.type_bigint() }}) as rows_refused,
    cast(reconciliations.rows_compared as {{ dbt.type_bigint() }}) as rows_compared,
    cast(reconciliations.rows_different as {{ dbt.type_bigint() }}) as rows_different,

    ---------- the last sync
    coalesce(syncs.last_synced_at, tables.last_changed_at) as last_synced_at,
    cast(syncs.rows_written as {{ dbt.type_bigint() }}) as last_rows_written,
    cast(syncs.rows_deleted as {{ dbt.type_bigint() }}) as last_rows_deleted,
    cast(syncs.requests as {{ dbt.type_bigint() }}) as last_requests,
    syncs.seconds_waited as last_seconds_waited,
    cast(report_quotas.requests_today as {{ dbt.type_bigint() }}) as report_quota_used_today,
    cast(
        case when report_tables.first_table = tables.table_name then {{ report_quota }} end
        as {{ dbt.type_bigint() }}
    ) as report_quota

from tables
inner join accounts on tables.account_id = accounts.account_id
inner join last_syncs on tables.account_id = last_syncs.account_id
left join sends
    on tables.account_id = sends.account_id
    and tables.table_name = sends.table_name
left join syncs
    on tables.account_id = syncs.account_id
    and tables.table_name = syncs.table_name
left join report_tables on tables.table_name = report_tables.table_name
left join report_quotas
    on tables.account_id = report_quotas.account_id
    and tables.table_name = report_quotas.first_table
left join reconciliations
    on tables.account_id = reconciliations.account_id
    and tables.table_name = reconciliations.table_name
left join refusals
    on tables.account_id = refusals.account_id
    and tables.table_name = refusals.table_name
