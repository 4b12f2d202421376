{{ config(enabled=is_enabled(['audience', 'findings'])) }}
with

accounts as (select * from {{ ref('stg_klaviyo__account') }}),

days as (

    select
        account_id,
        'segment' as audience_type,
        segment_id as audience_id,
        date_day as date,
        members_added as members_joined,
        members_removed as members_left,
        total_members as closing_members,
        'segment_daily' as counted_from
    from {{ ref('stg_klaviyo__segment_daily') }}
    union all
    select
        account_id,
        audience_type,
        audience_id,
        date,
        members_joined,
        members_left,
        closing_members,
        audience_type || '_profile' as counted_from
    from {{ ref('int_klaviyo__membership_daily') }}
    union all
    select
        account_id,
        'channel' as audience_type,
        channel as audience_id,
        date,
        members_joined,
        members_left,
        null as closing_members,
        'message_metric_daily' as counted_from
    from {{ ref('int_klaviyo__subscription_daily') }}

),

audiences as (

    select
        account_id,
        'list' as audience_type,
        list_id as audience_id,
        list_name as audience_name
    from {{ ref('stg_klaviyo__list') }}
    union all
    select
        account_id,
        'segment' as audience_type,
        segment_id as audience_id,
        segment_name as audience_name
    from {{ ref('stg_klaviyo__segment') }}
    union all
    select
        account_id,
        'channel' as audience_type,
        'email' as audience_id,
        'Email marketing' as audience_name
    from accounts
    union all
    select
        account_id,
        'channel' as audience_type,
        'sms' as audience_id,
        'Text message marketing' as audience_name
    from accounts

)

select
    ---------- ids
    {{ surrogate_key(
        ['days.account_id', 'days.audience_type', 'days.audience_id', 'days.date']
    ) }} as audience_growth_key,
    days.account_id,
    days.audience_id,

    ---------- audience and date
    accounts.organization_name as account_name,
    days.audience_type,
    audiences.audience_name,
    days.counted_from,
    days.date,

    ---------- members
    cast(
        days.closing_members - days.members_joined + days.members_left as {{ dbt.type_bigint() }}
    ) as opening_members,
    cast(days.members_joined as {{ dbt.type_bigint() }}) as members_joined,
    cast(days.members_left as {{ dbt.type_bigint() }}) as members_left,
    cast(days.members_joined - days.members_left as {{ dbt.type_bigint() }})
        as net_members_joined,
    cast(days.closing_members as {{ dbt.type_bigint() }}) as closing_members,
    cast(
        case
            when days.date = max(days.date) over (
                partition by days.account_id, days.audience_type, days.audience_id
            ) then days.closing_members
        end as {{ dbt.type_bigint() }}
    ) as current_members

from days
inner join accounts on days.account_id = accounts.account_id
left join audiences
    on days.account_id = audiences.account_id
    and days.audience_type = audiences.audience_type
    and days.audience_id = audiences.audience_id
