{#- Lists rows of reports with a statistic that, by the macro counting_channels, their channel does
    not count, and that is not 0. The marts then lack this number: correct the macro. -#}
{%- set tables = [
    'campaign_performance', 'flow_performance', 'flow_performance_daily', 'flow_performance_period'
] -%}
{{ config(severity='warn') }}

with

reports as (

    {% for table in tables -%}
    select
        '{{ table }}' as table_name,
        account_id,
        send_channel,
        {{ counting_channels() | join(', ') }}
    from {{ source_rows(table) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select * from reports
where {{ has_uncounted_value() }}
