{#- Lists rows of reports with a statistic that, by the macro counting_channels, their channel does
    not count, and that is not 0. The marts then lack this number: correct the macro. -#}
{{ config(severity='warn') }}

with

{% for table in ['campaign_performance', 'flow_performance', 'flow_performance_daily'] -%}
{{ table }} as (

    {{ source_rows(table) }}

),

{% endfor -%}
reports as (

    {% for table in ['campaign_performance', 'flow_performance', 'flow_performance_daily'] -%}
    select
        '{{ table }}' as table_name,
        account_id,
        send_channel,
        {{ counting_channels() | join(', ') }}
    from {{ table }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select * from reports
where {{ has_uncounted_value() }}
