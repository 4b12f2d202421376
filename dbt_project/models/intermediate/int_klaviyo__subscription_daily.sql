{%- set metrics = {
    'Subscribed to Email Marketing': ('email', 'joined'),
    'Unsubscribed from Email Marketing': ('email', 'left'),
    'Subscribed to Text Messaging Marketing': ('sms', 'joined'),
    'Unsubscribed from Text Messaging Marketing': ('sms', 'left'),
} -%}

with

changes as (

    select
        counts.account_id,
        counts.occurred_on as date,
        counts.event_count,
        case metrics.metric_name
            {%- for name, (channel, _) in metrics.items() %}
            when '{{ name }}' then '{{ channel }}'
            {%- endfor %}
        end as channel,
        case metrics.metric_name
            {%- for name, (_, direction) in metrics.items() %}
            when '{{ name }}' then '{{ direction }}'
            {%- endfor %}
        end as direction

    from {{ ref('stg_klaviyo__message_metric_daily') }} as counts
    inner join {{ ref('stg_klaviyo__metric') }} as metrics
        on counts.account_id = metrics.account_id
        and counts.metric_id = metrics.metric_id
    where metrics.metric_name in (
        {%- for name in metrics %}
        '{{ name }}'{{ ',' if not loop.last }}
        {%- endfor %}
    )

)

select
    account_id,
    channel,
    date,
    cast(sum(case when direction = 'joined' then event_count else 0 end) as {{ dbt.type_bigint() }})
        as members_joined,
    cast(sum(case when direction = 'left' then event_count else 0 end) as {{ dbt.type_bigint() }})
        as members_left

from changes
group by account_id, channel, date
