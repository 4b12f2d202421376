with

accounts as (select * from {{ ref('stg_klaviyo__account') }}),

sync_reports as (select * from {{ ref('stg_klaviyo__sync_report') }}),

last_syncs as (

    select
        accounts.account_id,
        accounts.timezone,
        -- A sync writes its report at its end. During the first sync only the account has a time.
        coalesce(max(sync_reports.started_at), max(accounts.synced_at)) as synced_at

    from accounts
    left join sync_reports on accounts.account_id = sync_reports.account_id
    group by accounts.account_id, accounts.timezone

)

select
    account_id,
    synced_at,
    cast({{ local_time('synced_at', 'timezone') }} as date) as synced_on

from last_syncs
