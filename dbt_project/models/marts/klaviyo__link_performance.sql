{{ config(enabled=is_enabled(['message_details'])) }}
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

-- An order is of the day of its click.
days as (

    select
        account_id,
        {% for column in named_by + ['flow_id', 'flow_message_id', 'send_channel', 'link'] -%}
        {{ column }},
        {% endfor -%}
        occurred_on as date,
        clicks,
        bot_clicks,
        clickers,
        0 as orders,
        null as order_value,
        synced_at
    from {{ ref('int_klaviyo__link_daily') }}
    where {{ in_all_months() }}
    union all
    select
        clicks.account_id,
        {% for column in named_by + ['flow_id', 'flow_message_id', 'send_channel', 'link'] -%}
        clicks.{{ column }},
        {% endfor -%}
        cast({{ local_time('clicks.occurred_at', 'accounts.timezone') }} as date) as date,
        0 as clicks,
        0 as bot_clicks,
        0 as clickers,
        credited.orders,
        credited.order_value,
        clicks.synced_at

    from {{ ref('int_klaviyo__click') }} as clicks
    inner join accounts on clicks.account_id = accounts.account_id
    inner join credited
        on clicks.account_id = credited.account_id
        and clicks.event_id = credited.touch_event_id
    where clicks.{{ in_all_months() }} and clicks.occurred_at is not null

),

named as (

    select
        days.*,
        coalesce(days.flow_message_id, {{ message_id('days', named_by, 'campaign_id') }})
            as message_id

    from days
    inner join {{ ref('int_klaviyo__last_sync') }} as last_syncs
        on days.account_id = last_syncs.account_id
    {{ join_message_ids('days', named_by) -}}
    where days.date <= last_syncs.synced_on

),

sums as (

    select
        account_id,
        campaign_id,
        flow_id,
        message_id,
        send_channel,
        link,
        date,
        {% for column in ['clicks', 'bot_clicks', 'clickers', 'orders', 'order_value'] -%}
        sum({{ column }}) as {{ column }},
        {% endfor -%}
        max(synced_at) as synced_at
    from named
    group by account_id, campaign_id, flow_id, message_id, send_channel, link, date

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
    case
        when
            sums.orders = 0
            and accounts.preferred_currency is not null
            and {{ is_selected('event_attribution') | lower }}
            then 0
        else sums.order_value
    end as order_value,
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
