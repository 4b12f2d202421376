{{ config(**incremental_by_month(cluster_by=['account_id', 'campaign_id'])) }}
{{ config(enabled=is_enabled(['message_details'])) }}
{%- set from_month = affected_from_month() if is_incremental() else none -%}
{%- set key = [
    'account_id', 'campaign_id', 'flow_id', 'flow_message_id', 'variation_id', 'send_channel', 'link',
    'occurred_on', 'occurred_month',
] -%}

with

accounts as (select * from {{ ref('stg_klaviyo__account') }}),

clicks as (

    select
        clicks.account_id,
        clicks.campaign_id,
        clicks.flow_id,
        clicks.flow_message_id,
        clicks.variation_id,
        clicks.send_channel,
        clicks.link,
        clicks.is_bot_click,
        clicks.clicker_key,
        cast({{ local_time('clicks.occurred_at', 'accounts.timezone') }} as date) as occurred_on,
        row_number() over (
            partition by clicks.clicker_key order by clicks.occurred_at, clicks.event_id
        ) as click_rank,
        clicks.synced_at

    from {{ ref('int_klaviyo__click') }} as clicks
    inner join accounts on clicks.account_id = accounts.account_id
    where clicks.{{ in_months_read(1, from_month) }} and clicks.occurred_at is not null

),

{% if is_incremental() -%}
clicked_before as (

    select distinct earlier.clicker_key
    from {{ ref('int_klaviyo__click') }} as earlier
    inner join clicks on earlier.clicker_key = clicks.clicker_key
    where earlier.occurred_month < {{ first_of_month(days_before(from_month, 1)) }}

),

{% endif -%}
dated as (

    select
        clicks.*,
        {{ occurred_month('clicks.occurred_on') }} as occurred_month,
        case
            when clicks.clicker_key is null or clicks.click_rank > 1 then 0
            {% if is_incremental() -%}
            when clicked_before.clicker_key is not null then 0
            {% endif -%}
            else 1
        end as first_clicks

    from clicks
    {% if is_incremental() -%}
    left join clicked_before on clicks.clicker_key = clicked_before.clicker_key
    {%- endif %}

)

select
    {{ surrogate_key(key) }} as link_daily_key,
    {{ key | join(',\n    ') }},
    sum(case when is_bot_click then 0 else 1 end) as clicks,
    sum(case when is_bot_click then 1 else 0 end) as bot_clicks,
    sum(first_clicks) as clickers,
    max(synced_at) as synced_at

from dated
{% if is_incremental() -%}
where occurred_month >= {{ from_month }}
{%- endif %}
group by
    {{ key | join(',\n    ') }}
