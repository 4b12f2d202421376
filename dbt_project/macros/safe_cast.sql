{#- dbt's unit tests cast every given value from text. BigQuery cannot cast text to JSON, so JSON is
    parsed. -#}
{% macro bigquery__safe_cast(field, type) -%}
    {%- if type | lower == 'json' -%} parse_json({{ field }})
    {%- else -%} {{ dbt.bigquery__safe_cast(field, type) }}
    {%- endif -%}
{%- endmacro %}
