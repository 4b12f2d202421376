{#- Rows of a raw table that are not marked as deleted. Fivetran adds `_fivetran_deleted` with the
    first row, so an empty table lacks it; no query at compile time is needed to find out. -#}
{% macro not_deleted(relation) -%}
    {{ return(adapter.dispatch('not_deleted')(relation)) }}
{%- endmacro %}

{# `_fivetran_deleted` means the table's own column where there is one, else the joined NULL. #}
{% macro default__not_deleted(relation) -%}
    select raw_table.*
    from {{ relation }} as raw_table
    cross join (select cast(null as {{ dbt.type_boolean() }}) as _fivetran_deleted) as fallback
    where not coalesce((select _fivetran_deleted from (select raw_table.*) as this_row), false)
{%- endmacro %}

{% macro duckdb__not_deleted(relation) -%}
    select *
    from (
        select * from {{ relation }}
        union all by name
        select null::boolean as _fivetran_deleted where false
    )
    where not coalesce(_fivetran_deleted, false)
{%- endmacro %}
