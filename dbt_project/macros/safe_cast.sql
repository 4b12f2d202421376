{#- BigQuery does not cast a text to JSON, as dbt's unit tests do with every value given. -#}
{% macro bigquery__safe_cast(field, type) -%}
    {%- if type | lower == 'json' -%} parse_json({{ field }})
    {%- else -%} {{ dbt.bigquery__safe_cast(field, type) }}
    {%- endif -%}
{%- endmacro %}
