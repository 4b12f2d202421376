{#- What a person's engagement is made of, beside orders. -#}
{% macro engagement_kinds() -%}
    {{ return({
        'received': 'Received Email',
        'opened': 'Opened Email',
        'clicked': 'Clicked Email',
    }) }}
{%- endmacro %}

{#- The metrics of these kinds, and of orders, as a subquery without parentheses: account_id,
    metric_id and kind. -#}
{% macro metrics_by_kind() -%}
    {%- set kinds = engagement_kinds() -%}
    select
        account_id,
        metric_id,
        case metric_name
            {%- for kind, name in kinds.items() %}
            when '{{ name }}' then '{{ kind }}'
            {%- endfor %}
        end as kind
    from {{ ref('stg_klaviyo__metric') }}
    where
        metric_name in (
            {%- for name in kinds.values() %}
            '{{ name }}'{{ ',' if not loop.last }}
            {%- endfor %}
        )
    union all
    select
        account_id,
        conversion_metric_id as metric_id,
        'ordered' as kind
    from {{ ref('int_klaviyo__conversion_metric') }}
{%- endmacro %}
