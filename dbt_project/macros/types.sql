{#- The type of a UTC timestamp. dbt's type_timestamp has no zone on DuckDB and Postgres. -#}
{% macro type_timestamptz() -%}
    {{ return(
        {'bigquery': 'timestamp', 'snowflake': 'timestamp_tz'}.get(target.type, 'timestamptz')
    ) }}
{%- endmacro %}

{#- The type of a JSON value. -#}
{% macro type_json() -%}
    {{ return({'postgres': 'jsonb', 'snowflake': 'variant'}.get(target.type, 'json')) }}
{%- endmacro %}

{#- The type of an eight-byte float. dbt's type_float has four bytes on DuckDB. -#}
{% macro type_double() -%}
    {{ return('float64' if target.type == 'bigquery' else 'float8') }}
{%- endmacro %}
