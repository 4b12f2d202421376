{{ config(enabled=is_enabled(['findings'])) }}
{%- set below, above = 'campaign_below', 'campaign_above' -%}
{%- set limits = finding_rule(above).limits -%}
{%- set by_campaign = 'partition by recent.account_id, recent.campaign_id, recent.send_channel' -%}
{#- Results are final when the credited days and the current day are over. -#}
{%- set final_age = attribution_days() + 1 -%}

with

last_syncs as (select * from {{ ref('int_klaviyo__last_sync') }}),

campaigns as (

    select
        messages.account_id,
        messages.campaign_id,
        messages.send_channel,
        max(messages.campaign_name) as campaign_name,
        min(messages.sent_on) as sent_on,
        max({{ days_between('messages.sent_on', 'last_syncs.synced_on') }}) as age,
        sum(messages.delivered) as delivered,
        sum(messages.conversions) as conversions,
        sum(messages.conversion_value) as conversion_value

    from {{ ref('klaviyo__message_performance') }} as messages
    inner join last_syncs on messages.account_id = last_syncs.account_id
    where messages.message_type = 'campaign' and messages.sent_on is not null
    group by messages.account_id, messages.campaign_id, messages.send_channel

),

young_ages as (

    {% for age in range(final_age - 1) -%}
    select {{ age }} as age
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

-- What stood at the end of each of a campaign's first days, and when its results were final.
results as (

    select
        earned.account_id,
        earned.campaign_id,
        earned.send_channel,
        {% for statistic in ['delivered', 'conversions', 'conversion_value'] -%}
        sum(earned.newly_known_{{ statistic }}) as {{ statistic }},
        {% endfor -%}
        young_ages.age

    from {{ ref('klaviyo__campaign_daily') }} as earned
    inner join young_ages
        on {{ days_between('earned.sent_on', 'earned.date') }} <= young_ages.age
    group by earned.account_id, earned.campaign_id, earned.send_channel, young_ages.age
    union all
    select
        account_id,
        campaign_id,
        send_channel,
        delivered,
        conversions,
        conversion_value,
        {{ final_age }} as age
    from campaigns
    where age >= {{ final_age }}

),

rates as (

    select
        results.*,
        campaigns.campaign_name,
        campaigns.sent_on,
        results.conversion_value / results.delivered as revenue_per_recipient,
        cast(results.conversions as {{ type_double() }}) / results.delivered as order_rate,
        -- Of a young campaign the day that ended yesterday counts, as today is not over.
        case when campaigns.age < {{ final_age }} then campaigns.age - 1 else {{ final_age }} end
            as compared_age

    from results
    inner join campaigns
        on results.account_id = campaigns.account_id
        and results.campaign_id = campaigns.campaign_id
        and results.send_channel = campaigns.send_channel
    where results.delivered >= {{ limits.delivered }}

),

recent as (

    select rates.*
    from rates
    inner join last_syncs on rates.account_id = last_syncs.account_id
    where
        rates.age = rates.compared_age
        and rates.sent_on >= {{ days_before('last_syncs.synced_on', limits.days) }}

),

-- The median is the mean of the middle value, or of the middle two.
compared as (

    select
        recent.account_id,
        recent.campaign_id,
        recent.send_channel,
        peers.revenue_per_recipient,
        peers.order_rate,
        count(*) over ({{ by_campaign }}) as peer_count,
        row_number() over ({{ by_campaign }} order by peers.revenue_per_recipient)
            as revenue_position,
        row_number() over ({{ by_campaign }} order by peers.order_rate) as order_position

    from recent
    inner join rates as peers
        on recent.account_id = peers.account_id
        and recent.send_channel = peers.send_channel
        and recent.age = peers.age
        and recent.campaign_id <> peers.campaign_id
        and recent.sent_on >= peers.sent_on
        and {{ days_before('recent.sent_on', limits.peer_days) }} <= peers.sent_on

),

medians as (

    select
        account_id,
        campaign_id,
        send_channel,
        avg(
            case
                when 2 * revenue_position between peer_count and peer_count + 2
                    then revenue_per_recipient
            end
        ) as revenue_per_recipient,
        avg(case when 2 * order_position between peer_count and peer_count + 2 then order_rate end)
            as order_rate

    from compared
    where peer_count >= {{ limits.peers }}
    group by account_id, campaign_id, send_channel

),

judged as (

    select
        recent.*,
        medians.revenue_per_recipient as usual,
        recent.delivered * medians.order_rate as expected_orders,
        case
            when recent.revenue_per_recipient >= {{ limits.factor }} * medians.revenue_per_recipient
                then '{{ above }}'
            when {{ limits.factor }} * recent.revenue_per_recipient <= medians.revenue_per_recipient
                then '{{ below }}'
        end as rule_id

    from recent
    inner join medians
        on recent.account_id = medians.account_id
        and recent.campaign_id = medians.campaign_id
        and recent.send_channel = medians.send_channel
    where medians.revenue_per_recipient > 0

)

select
    account_id,
    rule_id,
    campaign_id || ':' || send_channel as subject_id,
    coalesce(campaign_name, campaign_id) as subject,
    campaign_name,
    cast(null as {{ dbt.type_string() }}) as flow_name,
    revenue_per_recipient as figure,
    usual as comparison,
    delivered as sample_size,
    sent_on as date,
    abs(revenue_per_recipient - usual) * delivered as weight

from judged
where
    rule_id is not null
    and abs(conversions - expected_orders)
    >= {{ limits.z }} * sqrt(case when expected_orders > 1 then expected_orders else 1 end)
    -- The orders differ in the direction of the revenue.
    and (conversions > expected_orders) = (rule_id = '{{ above }}')
