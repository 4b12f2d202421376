{{ config(enabled=is_enabled(['message_details'])) }}
{%- set metric_columns = {
    'Received Email': 'delivered',
    'Bounced Email': 'bounced',
    'Opened Email': 'openers',
    'Clicked Email': 'clickers',
    'Marked Email as Spam': 'spam_complaints',
} -%}

with

accounts as (select * from {{ ref('stg_klaviyo__account') }}),

campaigns as (select * from {{ ref('stg_klaviyo__campaign') }}),

metrics as (select * from {{ ref('stg_klaviyo__metric') }}),

people as (
    select * from {{ ref('int_klaviyo__campaign_provider_daily') }}
    where {{ in_all_months() }}
),

last_syncs as (select * from {{ ref('int_klaviyo__last_sync') }}),

sums as (

    select
        people.account_id,
        people.campaign_id,
        coalesce(nullif(people.inbox_provider, ''), 'Unknown') as inbox_provider,
        people.occurred_on as date,
        {% for name, column in metric_columns.items() -%}
        sum(case when metrics.metric_name = '{{ name }}' then people.people else 0 end)
            as {{ column }},
        {% endfor -%}
        max(people.synced_at) as synced_at

    from people
    inner join metrics
        on people.account_id = metrics.account_id
        and people.metric_id = metrics.metric_id
    inner join last_syncs on people.account_id = last_syncs.account_id
    where people.occurred_on <= last_syncs.synced_on
    group by 1, 2, 3, 4

)

select
    ---------- ids
    {{ surrogate_key([
        'sums.account_id', 'sums.campaign_id', 'sums.inbox_provider', 'sums.date',
    ]) }} as campaign_provider_key,
    sums.account_id,
    sums.campaign_id,

    ---------- the campaign at a mailbox provider
    accounts.organization_name as account_name,
    campaigns.campaign_name,
    sums.inbox_provider,
    sums.date,

    ---------- people
    cast(sums.delivered + sums.bounced as {{ dbt.type_bigint() }}) as attempts,
    {% for column in metric_columns.values() -%}
    cast(sums.{{ column }} as {{ dbt.type_bigint() }}) as {{ column }},
    {% endfor -%}
    sums.synced_at

from sums
inner join accounts on sums.account_id = accounts.account_id
left join campaigns
    on sums.account_id = campaigns.account_id
    and sums.campaign_id = campaigns.campaign_id
