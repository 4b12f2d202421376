{#- Computes every ratio metric that Klaviyo returns too (meta.klaviyo) for each row and compares it
    with the returned rate, within 0.0005, or half a cent for money. NULL counts as 0. A listed row
    shows a rate whose numerator or denominator differs from Klaviyo's. -#}
{{ config(severity='warn', enabled=is_enabled(['messages', 'findings'])) }}

with

messages as (select * from {{ ref('klaviyo__message_performance') }})

{% for metric in graph.metrics.values()
    if execute and metric.type == 'ratio' and metric.config.meta.klaviyo is defined %}
{%- set numerator = metric.type_params.numerator.name -%}
{%- set denominator = metric.type_params.denominator.name -%}
select
    '{{ metric.name }}' as rate,
    message_performance_key,
    klaviyo_{{ metric.name }} as returned,
    cast({{ numerator }} as {{ type_double() }}) / nullif({{ denominator }}, 0) as recomputed
from messages
where
    abs(
        coalesce(klaviyo_{{ metric.name }}, 0)
        - coalesce(cast({{ numerator }} as {{ type_double() }}) / nullif({{ denominator }}, 0), 0)
    ) > {{ 0.005 if metric.config.meta.format == 'money' else 0.0005 }}
{{ 'union all' if not loop.last }}
{% else %}
select * from messages
where false
{% endfor %}
