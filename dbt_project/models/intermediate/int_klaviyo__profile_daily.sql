{{ config(**incremental_by_month()) }}
{{ config(enabled=is_enabled(['people', 'findings'])) }}
{%- set from_month = affected_from_month() if is_incremental() else none -%}
{%- set message_metrics = [
    'Received Email', 'Opened Email', 'Clicked Email',
    'Received Text Message', 'Clicked Text Message',
    'Received Push', 'Opened Push',
    'Received WhatsApp', 'Opened WhatsApp', 'Read WhatsApp', 'Clicked WhatsApp',
    'Unsubscribed from Email Marketing', 'Unsubscribed from Text Messaging Marketing',
    'Marked Email as Spam',
] %}

with

accounts as (select * from {{ ref('stg_klaviyo__account') }}),

counted_metrics as (

    select
        account_id,
        metric_id
    from {{ ref('stg_klaviyo__metric') }}
    where
        metric_name in (
            {%- for name in message_metrics %}
            '{{ name }}'{{ ',' if not loop.last }}
            {%- endfor %}
        )
    union distinct
    select
        account_id,
        conversion_metric_id as metric_id
    from {{ ref('int_klaviyo__conversion_metric') }}

),

events as (

    select
        events.*,
        cast({{ local_time('events.occurred_at', 'accounts.timezone') }} as date) as occurred_on

    from {{ ref('stg_klaviyo__event') }} as events
    inner join accounts on events.account_id = accounts.account_id
    inner join counted_metrics
        on events.account_id = counted_metrics.account_id
        and events.metric_id = counted_metrics.metric_id
    where
        events.profile_id is not null
        and events.occurred_at is not null
        {% if is_incremental() -%}
        and {{ in_affected_range('events.occurred_at', 1, from_month) }}
        {%- endif %}

)

select
    account_id,
    metric_id,
    profile_id,
    occurred_on,
    {{ occurred_month('occurred_on') }} as occurred_month,
    count(*) as event_count,
    sum(
        case
            when coalesce(is_machine_open, false) or coalesce(is_bot_click, false) then 1 else 0
        end
    ) as machine_count,
    max(synced_at) as synced_at

from events
{% if is_incremental() -%}
where {{ occurred_month('occurred_on') }} >= {{ from_month }}
{%- endif %}
group by account_id, metric_id, profile_id, occurred_on
