{#- The raw tables that are synced: KLAVIYO_TABLES, the word that the connector knows as `tables`.
    A table outside it counts as empty, whether it exists or not, without asking the warehouse. -#}
{% macro is_synced(table) -%}
    {%- set chosen = chosen_tables() -%}
    {%- set always = ['account', 'sync_report', 'sync_error'] -%}
    {#- What the connector syncs along, because it asks for one through the other. -#}
    {%- set bringers = {
        'list': 'list_profile', 'segment': 'segment_profile', 'profile': 'predictive_analytics'
    } -%}
    {{ return(
        table in always + chosen
        or bringers.get(table) in chosen
        or 'all' in chosen
        or ('reporting' in chosen and table not in opt_in_tables())
    ) }}
{%- endmacro %}

{% macro chosen_tables() -%}
    {%- set chosen = [] -%}
    {%- for name in env_var('KLAVIYO_TABLES', '').split(',') if name.strip() -%}
        {%- do chosen.append(name.strip()) -%}
    {%- endfor -%}
    {{ return(chosen or ['reporting']) }}
{%- endmacro %}

{#- One row per event, person or template: Fivetran bills rows, so the user asks for these. -#}
{% macro opt_in_tables() -%}
    {{ return([
        'event', 'event_attribution', 'profile', 'profile_suppression', 'list_profile',
        'segment_profile', 'template',
    ]) }}
{%- endmacro %}

{#- Ends the run before anything is built if a setting says what cannot be. -#}
{% macro check_settings() -%}
    {%- set compatibility = env_var('KLAVIYO_COMPATIBILITY', 'false') -%}
    {%- if compatibility | lower not in ['true', 'false'] -%}
        {{ exceptions.raise_compiler_error(
            "KLAVIYO_COMPATIBILITY: true or false, not '" ~ compatibility ~ "'"
        ) }}
    {%- endif -%}
    {%- set known = ['reporting', 'all', 'predictive_analytics'] -%}
    {%- for source in raw_sources() -%}{%- do known.append(source.name) -%}{%- endfor -%}
    {%- for name in chosen_tables() if execute and name not in known -%}
        {{ exceptions.raise_compiler_error(
            "KLAVIYO_TABLES: unknown table '" ~ name ~ "'; known: " ~ known | join(', ')
        ) }}
    {%- endfor -%}
{%- endmacro %}

{#- A select of a raw table's rows that are not marked as deleted. -#}
{% macro not_deleted(table) -%}
    select * from ({{ raw_table(table) }}) as raw_rows where not is_deleted
{%- endmacro %}

{#- A select of a raw table's rows, and `is_deleted`. -#}
{% macro raw_table(table) -%}
    {%- if is_synced(table) -%}
        {{ with_is_deleted(source('klaviyo', table)) }}
    {%- else -%}
        {{ no_rows(table) }}
    {%- endif -%}
{%- endmacro %}

{#- Fivetran adds `_fivetran_deleted` with the first row, so an empty table lacks it; no query at
    compile time is needed to find out. -#}
{% macro with_is_deleted(relation) -%}
    {{ return(adapter.dispatch('with_is_deleted')(relation)) }}
{%- endmacro %}

{# `_fivetran_deleted` means the table's own column where there is one, else the joined NULL. #}
{% macro default__with_is_deleted(relation) -%}
    select
        raw_row.*,
        coalesce((select _fivetran_deleted from (select raw_row.*) as this_row), false)
            as is_deleted
    from {{ relation }} as raw_row
    cross join (select cast(null as {{ dbt.type_boolean() }}) as _fivetran_deleted) as fallback
{%- endmacro %}

{% macro duckdb__with_is_deleted(relation) -%}
    select *, coalesce(_fivetran_deleted, false) as is_deleted
    from (
        select * from {{ relation }}
        union all by name
        select cast(null as boolean) as _fivetran_deleted where false
    )
{%- endmacro %}

{#- The columns of a raw table as models/staging/_klaviyo__sources.yml types them. -#}
{% macro no_rows(table) -%}
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
    {% for source in raw_sources() if source.name == table -%}
        {%- for column in source.columns.values() %}
        cast(null as {{ types[column.data_type] }}) as {{ column.name }},
        {%- endfor -%}
    {%- endfor %}
        cast(null as {{ type_timestamptz() }}) as _fivetran_synced,
        false as is_deleted
    limit 0
{%- endmacro %}

{#- The raw tables as declared; none while dbt still reads the project. -#}
{% macro raw_sources() -%}
    {%- set declared = graph.sources.values() if execute else [] -%}
    {{ return(declared | selectattr('source_name', 'equalto', 'klaviyo') | list) }}
{%- endmacro %}
