{#- The rows of a raw table that are not deleted, as a subquery: from {{ source_rows('flow') }} -#}
{% macro source_rows(table) -%}
    (select * from {{ source_rows_with_deleted(table) }} where not is_deleted) as source_rows
{%- endmacro %}

{#- All rows of a raw table with `is_deleted`, as a subquery. -#}
{% macro source_rows_with_deleted(table) -%}
    (
    {%- if is_synced(table) -%}
        {{ add_is_deleted(source('klaviyo', table)) }}
    {%- else -%}
        {{ empty_source(table) }}
    {%- endif -%}
    ) as all_source_rows
{%- endmacro %}

{#- Fivetran adds `_fivetran_deleted` with the first row, so an empty table does not have it. These
    selects are valid with and without the column; no query at compile time has to find out. -#}
{% macro add_is_deleted(relation) -%}
    {{ return(adapter.dispatch('add_is_deleted')(relation)) }}
{%- endmacro %}

{# SQL resolves a name in the innermost scope that has it. In the subquery, `_fivetran_deleted` is
   the column of `raw_row` if the table has one, else the NULL of `fallback`. #}
{% macro default__add_is_deleted(relation) -%}
    select
        raw_row.*,
        coalesce((select _fivetran_deleted from (select raw_row.*) as this_row), false)
            as is_deleted
    from {{ relation }} as raw_row
    cross join (select cast(null as {{ dbt.type_boolean() }}) as _fivetran_deleted) as fallback
{%- endmacro %}

{% macro duckdb__add_is_deleted(relation) -%}
    select *, coalesce(_fivetran_deleted, false) as is_deleted
    from (
        select * from {{ relation }}
        union all by name
        select cast(null as boolean) as _fivetran_deleted where false
    )
{%- endmacro %}

{#- Selects no rows, with the columns and types of a raw table in
    models/staging/_klaviyo__sources.yml. -#}
{% macro empty_source(table) -%}
    {%- set types = {
        'STRING': dbt.type_string(),
        'LONG': dbt.type_bigint(),
        'DOUBLE': type_double(),
        'BOOLEAN': dbt.type_boolean(),
        'UTC_DATETIME': type_timestamptz(),
        'NAIVE_DATE': 'date',
        'JSON': 'jsonb' if target.type == 'postgres' else 'json',
    } -%}
    select
    {% for source in source_tables() if source.name == table -%}
        {%- for column in source.columns.values() %}
        cast(null as {{ types[column.data_type] }}) as {{ column.name }},
        {%- endfor -%}
    {%- endfor %}
        cast(null as {{ type_timestamptz() }}) as _fivetran_synced,
        false as is_deleted
    limit 0
{%- endmacro %}

{#- The declared raw tables; an empty list while dbt parses the project. -#}
{% macro source_tables() -%}
    {%- set declared = graph.sources.values() if execute else [] -%}
    {{ return(declared | selectattr('source_name', 'equalto', 'klaviyo') | list) }}
{%- endmacro %}
