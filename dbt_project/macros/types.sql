{#- The type of a UTC timestamp. dbt's type_timestamp has no zone on DuckDB and Postgres. -#}
{% macro type_timestamptz() -%}
    {{ return('timestamp' if target.type == 'bigquery' else 'timestamptz') }}
{%- endmacro %}

{#- The type of an eight-byte float. dbt's type_float has four bytes on DuckDB. -#}
{% macro type_double() -%}
    {{ return('float64' if target.type == 'bigquery' else 'float8') }}
{%- endmacro %}
