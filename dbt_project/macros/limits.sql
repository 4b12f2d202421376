{#- The limits by which marts judge, each with its default. -#}
{% macro limits() -%}
    {{ return({
        'sunset_days': 180,
        'sunset_emails': 10,
        'rfm_days': 30,
        'rate_days': 7,
        'attribution_days': 5,
        'email_open_hours': 120,
        'email_click_hours': 120,
        'text_click_hours': 120,
        'text_received_hours': 12,
        'push_open_hours': 24,
        'whatsapp_click_hours': 120,
        'whatsapp_open_hours': 12,
        'bounce_rate': 0.02,
        'spam_rate': 0.001,
        'spam_rate_critical': 0.003,
        'delivery_fall': 0.01,
        'alert_emails': 200,
    }) }}
{%- endmacro %}

{#- A limit: dbt's variable `klaviyo_<name>`, or else the environment's `KLAVIYO_<NAME>`, or
    else the default. `check_settings` refuses what is no number. -#}
{% macro limit(name) -%}
    {{ return(setting('klaviyo_' ~ name, limits()[name])) }}
{%- endmacro %}

{#- The limits that are no numbers, each with its remedy. -#}
{% macro find_wrong_limits() -%}
    {%- set problems = [] -%}
    {%- for name, default in limits().items() if limit(name) | float(-1) < 0 -%}
        {%- set text = ': a number such as ' ~ default ~ ", not '" ~ limit(name) ~ "'" -%}
        {%- do problems.append('KLAVIYO_' ~ name | upper ~ text) -%}
    {%- endfor -%}
    {{ return(problems) }}
{%- endmacro %}
