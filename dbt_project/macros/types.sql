{#- A point in time; dbt's own type_timestamp has no zone on DuckDB and Postgres. -#}
{% macro type_timestamptz() -%}
    {{ return('timestamp' if target.type == 'bigquery' else 'timestamptz') }}
{%- endmacro %}

{#- Eight bytes; dbt's own type_float has four on DuckDB. -#}
{% macro type_double() -%}
    {{ return('float64' if target.type == 'bigquery' else 'float8') }}
{%- endmacro %}
