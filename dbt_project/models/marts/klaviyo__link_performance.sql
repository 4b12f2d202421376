{%- set named_by = ['variation_id', 'campaign_id'] -%}
with

accounts as (select * from {{ ref('stg_klaviyo__account') }}),

campaigns as (select * from {{ ref('stg_klaviyo__campaign') }}),

campaign_messages as (select * from {{ ref('stg_klaviyo__campaign_message') }}),

flows as (select * from {{ ref('stg_klaviyo__flow') }}),

flow_messages as (

    select
        account_id,
        flow_message_id,
        max(flow_message_name) as flow_message_name
    from {{ ref('int_klaviyo__flow_variation') }}
    group by account_id, flow_message_id

),

-- Only in the account's currency: two currencies are not added.
credited as (

    select
        purchases.account_id,
        purchases.touch_event_id,
        sum(purchases.orders) as orders,
        sum(
            case
                when purchases.currency = accounts.preferred_currency then purchases.order_value
            end
        ) as order_value

    from {{ ref('klaviyo__attributed_order') }} as purchases
    inner join accounts on purchases.account_id = accounts.account_id
    where purchases.attribution_method = 'klaviyo'
    group by purchases.account_id, purchases.touch_event_id

),

clicks as (

    select
        clicks.account_id,
        clicks.event_id,
        clicks.profile_id,
        clicks.send_channel,
        clicks.campaign_id,
        clicks.flow_id,
        coalesce(
            clicks.flow_message_id,
            {{ message_id('clicks', named_by, 'campaign_id') }}
        ) as message_id,
        clicks.link,
        clicks.is_bot_click,
        clicks.occurred_at,
        cast({{ local_time('clicks.occurred_at', 'accounts.timezone') }} as date) as date,
        clicks.synced_at

    from {{ ref('int_klaviyo__click') }} as clicks
    inner join accounts on clicks.account_id = accounts.account_id
    {{ join_message_ids('clicks', named_by) -}}
    where {{ in_all_months() }} and clicks.occurred_at is not null

),

ranked as (

    select
        *,
        row_number() over (
            partition by
                account_id, campaign_id, flow_id, message_id, send_channel, link, profile_id,
                is_bot_click
            order by occurred_at, event_id
        ) as click_rank
    from clicks

),

sums as (

    select
        ranked.account_id,
        ranked.campaign_id,
        ranked.flow_id,
        ranked.message_id,
        ranked.send_channel,
        ranked.link,
        ranked.date,
        sum(case when ranked.is_bot_click then 0 else 1 end) as clicks,
        sum(case when ranked.is_bot_click then 1 else 0 end) as bot_clicks,
        sum(
            case
                when
                    ranked.click_rank = 1
                    and not ranked.is_bot_click
                    and ranked.profile_id is not null
                    then 1
                else 0
            end
        ) as clickers,
        sum(coalesce(credited.orders, 0)) as orders,
        sum(credited.order_value) as order_value,
        max(ranked.synced_at) as synced_at

    from ranked
    inner join {{ ref('int_klaviyo__last_sync') }} as last_syncs
        on ranked.account_id = last_syncs.account_id
    left join credited
        on ranked.account_id = credited.account_id
        and ranked.event_id = credited.touch_event_id
    where ranked.date <= last_syncs.synced_on
    group by
        ranked.account_id, ranked.campaign_id, ranked.flow_id, ranked.message_id,
        ranked.send_channel, ranked.link, ranked.date

)

select
    ---------- ids
    {{ surrogate_key([
        'sums.account_id', 'sums.campaign_id', 'sums.flow_id', 'sums.message_id',
        'sums.send_channel', 'sums.link', 'sums.date',
    ]) }} as link_performance_key,
    sums.account_id,
    sums.campaign_id,
    sums.flow_id,
    sums.message_id,

    ---------- the link in its message
    accounts.organization_name as account_name,
    accounts.preferred_currency as currency,
    sums.send_channel,
    case
        when sums.flow_id is not null then 'flow'
        when sums.campaign_id is not null then 'campaign'
    end as message_type,
    campaigns.campaign_name,
    flows.flow_name,
    coalesce(campaign_messages.campaign_message_name, flow_messages.flow_message_name)
        as message_name,
    sums.link,
    sums.date,

    ---------- what may be summed
    {% for column in ['clicks', 'bot_clicks', 'clickers', 'orders'] -%}
    cast(sums.{{ column }} as {{ dbt.type_bigint() }}) as {{ column }},
    {% endfor -%}
    sums.order_value,
    sums.synced_at

from sums
inner join accounts on sums.account_id = accounts.account_id
left join campaigns
    on sums.account_id = campaigns.account_id
    and sums.campaign_id = campaigns.campaign_id
left join campaign_messages
    on sums.account_id = campaign_messages.account_id
    and sums.message_id = campaign_messages.campaign_message_id
left join flows
    on sums.account_id = flows.account_id
    and sums.flow_id = flows.flow_id
left join flow_messages
    on sums.account_id = flow_messages.account_id
    and sums.message_id = flow_messages.flow_message_id
