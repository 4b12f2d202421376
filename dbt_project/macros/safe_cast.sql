{#- dbt's cast of the values in unit tests, which casts from text. BigQuery cannot cast text to
    JSON, and Snowflake makes it a JSON text, so JSON is parsed. A macro of dbt's own name, because
    a project that installs this one as a package would ignore `bigquery__safe_cast`: dbt dispatches
    only to the project and itself. -#}
{% macro safe_cast(field, type) -%}
    {%- if target.type in ['bigquery', 'snowflake'] and type | lower in ['json', 'variant'] -%}
        parse_json({{ field }})
    {%- else -%} {{ adapter.dispatch('safe_cast', 'dbt')(field, type) }}
    {%- endif -%}
{%- endmacro %}
