{#- The rows of a raw table that are not deleted, as a subquery: from {{ source_rows('flow') }} -#}
{% macro source_rows(table, alias='source_rows') -%}
    (select * from {{ source_rows_with_deleted(table) }} where not is_deleted) as {{ alias }}
{%- endmacro %}

{#- All rows of a raw table of every connection, with each declared column, `is_deleted` and
    `source_relation`, as a subquery. A column that the table lacks is NULL: a user of Fivetran may
    untick it, and Fivetran adds `_fivetran_deleted` with the first row. -#}
{% macro source_rows_with_deleted(table, alias='all_source_rows') -%}
    (
    {%- for name, relation in existing_relations(table).items() -%}
        {%- set present = present_columns(table, relation) if reads_raw_tables() else none -%}
        {{ select_columns(table, present, name) }} from {{ relation }}
        {{- ' union all ' if not loop.last }}
    {%- else -%}
        {{ select_columns(table, [], '') }} limit 0
    {%- endfor -%}
    ) as {{ alias }}
{%- endmacro %}

{#- The relations of a raw table, by the name of their connection: one, or one for each of the
    variable `klaviyo_sources`, which names connections as fivetran/dbt_klaviyo does. -#}
{% macro raw_relations(table) -%}
    {%- set declared = source('klaviyo', table) -%}
    {%- set relations = {} -%}
    {%- for connection in connections() -%}
        {%- do relations.update({connection_name(connection): api.Relation.create(
            database=connection.get('database', declared.database),
            schema=connection.schema,
            identifier=declared.identifier
        )}) -%}
    {%- endfor -%}
    {{ return(relations or {'': declared}) }}
{%- endmacro %}

{#- The connections of the variable `klaviyo_sources`. -#}
{% macro connections() -%}
    {{ return(var('klaviyo_sources', none) or []) }}
{%- endmacro %}

{#- The name of a connection, which `source_relation` has. -#}
{% macro connection_name(connection) -%}
    {{ return(connection.get('name', connection.schema)) }}
{%- endmacro %}

{#- Those that count: the table is selected, and exists. A user of Fivetran may untick any table in
    the schema tab of a connection. -#}
{% macro existing_relations(table) -%}
    {%- set existing = {} -%}
    {%- set relations = raw_relations(table) if is_selected(table) else {} -%}
    {%- for name, relation in relations.items() -%}
        {%- if not reads_raw_tables() or find_relation(relation) is not none -%}
            {%- do existing.update({name: relation}) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(existing) }}
{%- endmacro %}

{#- The select list of a raw table's columns, NULL for those that are not `present`. If that is
    none, all are. -#}
{% macro select_columns(table, present, source_relation) -%}
    {%- set columns = raw_columns(table) -%}
    {%- set selected = [] -%}
    {%- for name, type in columns.items() -%}
        {%- do selected.append(
            name if present is none or name in present
            else 'cast(null as ' ~ type ~ ') as ' ~ name
        ) -%}
    {%- endfor -%}
    select {{ selected | join(', ') }}, coalesce(
        {{ '_fivetran_deleted' if present is none or '_fivetran_deleted' in present else 'null' }},
        false
    ) as is_deleted,
    {{ dbt.string_literal(dbt.escape_single_quotes(source_relation)) }} as source_relation
{%- endmacro %}

{#- The columns of a raw table in models/staging/_klaviyo__sources.yml, with the engine's types, and
    the time of Fivetran's load. -#}
{% macro raw_columns(table) -%}
    {%- set types = {
        'STRING': dbt.type_string(),
        'LONG': dbt.type_bigint(),
        'DOUBLE': type_double(),
        'BOOLEAN': dbt.type_boolean(),
        'UTC_DATETIME': type_timestamptz(),
        'NAIVE_DATE': 'date',
        'JSON': type_json(),
    } -%}
    {%- set columns = {} -%}
    {#- By its id, as dbt copies each source that a loop reads. -#}
    {%- set id = 'source.klaviyo_warehouse.klaviyo.' ~ table -%}
    {%- for column in (graph.sources[id].columns.values() if execute else []) -%}
        {%- do columns.update({column.name: types[column.data_type]}) -%}
    {%- endfor -%}
    {%- do columns.update({'_fivetran_synced': type_timestamptz()}) -%}
    {{ return(columns) }}
{%- endmacro %}

{#- The columns that a raw table has. In Fivetran's history mode it has every version of a row, and
    the marts would count each. -#}
{% macro present_columns(table, relation) -%}
    {%- set present = column_names(relation) -%}
    {%- if '_fivetran_active' in present -%}
        {{ exceptions.raise_compiler_error(
            "The raw table " ~ table ~ " is in Fivetran's history mode, in which the marts would count"
            " every version of a row: choose soft delete mode in the connection's schema tab, and re-sync"
            " the table"
        ) }}
    {%- endif -%}
    {{ return(present) }}
{%- endmacro %}

{#- A relation in the warehouse; none if it does not exist. dbt lists a schema once in a run. -#}
{% macro find_relation(relation) -%}
    {{ return(adapter.get_relation(
        database=relation.database, schema=relation.schema, identifier=relation.identifier
    )) }}
{%- endmacro %}

{#- The names of a relation's columns. -#}
{% macro column_names(relation) -%}
    {%- set columns = adapter.get_columns_in_relation(relation) -%}
    {{ return(columns | map(attribute='name') | map('lower') | list) }}
{%- endmacro %}
