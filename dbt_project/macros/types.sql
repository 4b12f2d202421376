{#- A point in time; dbt's own type_timestamp has no zone on DuckDB and Postgres. -#}
{% macro type_timestamptz() -%}
    {{ return('timestamp' if target.type == 'bigquery' else 'timestamptz') }}
{%- endmacro %}
