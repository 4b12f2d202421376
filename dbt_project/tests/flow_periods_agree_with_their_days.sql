{#- Compares the periods of flows whose days are over with the sums of klaviyo__flow_daily for the
    same days: recipients add up, and people of a period are never more than people counted once a
    day. Conversions add up too, but only while both are of one sync. -#}
{{ config(severity='warn', enabled=is_enabled(['messages'])) }}

with

periods as (

    select periods.*
    from {{ ref('klaviyo__flow_period') }} as periods
    inner join {{ ref('int_klaviyo__last_sync') }} as last_syncs
        on periods.account_id = last_syncs.account_id
    where periods.period_end < last_syncs.synced_on

),

days as (

    select
        periods.flow_period_key,
        {% for statistic in people_statistics() -%}
        sum(flow_days.{{ statistic }}) as {{ statistic }},
        {% endfor -%}
        sum(flow_days.recipients) as recipients
    from periods
    inner join {{ ref('klaviyo__flow_daily') }} as flow_days
        on periods.account_id = flow_days.account_id
        and periods.flow_id = flow_days.flow_id
        and periods.message_id = flow_days.message_id
        and periods.variation_id = flow_days.variation_id
        and periods.send_channel = flow_days.send_channel
        and flow_days.sent_on between periods.period_start and periods.period_end
    group by periods.flow_period_key

)

select
    periods.flow_period_key,
    periods.recipients,
    days.recipients as recipients_of_days
from periods
left join days on periods.flow_period_key = days.flow_period_key
where
    periods.recipients <> coalesce(days.recipients, 0)
    {% for statistic in people_statistics() -%}
    or coalesce(periods.{{ statistic }}, 0) > coalesce(days.{{ statistic }}, 0)
    {% endfor %}
