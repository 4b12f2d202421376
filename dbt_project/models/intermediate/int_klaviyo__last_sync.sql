with

accounts as (select * from {{ ref('stg_klaviyo__account') }}),

-- Two syncs may begin at the same instant: after a repeated start, or with a clock set back.
syncs as (

    select
        account_id,
        sync_id,
        started_at,
        row_number() over (
            partition by account_id order by started_at desc, sync_id desc
        ) as recency

    from {{ ref('stg_klaviyo__sync_report') }}
    where started_at is not null

),

last_syncs as (

    select
        accounts.account_id,
        accounts.timezone,
        syncs.sync_id,
        -- A sync writes its report at its end. During the first sync only the account has a time.
        coalesce(syncs.started_at, accounts.synced_at) as synced_at

    from accounts
    left join syncs
        on accounts.account_id = syncs.account_id
        and syncs.recency = 1

)

select
    account_id,
    sync_id,
    synced_at,
    cast({{ local_time('synced_at', 'timezone') }} as date) as synced_on

from last_syncs
