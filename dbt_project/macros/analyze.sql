{#- Analyses the raw tables that Postgres has never analysed. Without statistics it plans the search
    for an order's last touch as a loop over all pairs. A role that does not own a table cannot
    analyse it: Postgres warns and goes on. -#}
{% macro analyze_raw_tables() -%}
    {%- if target.type == 'postgres' -%}
        {%- set query -%}
            select schemaname || '.' || relname from pg_stat_user_tables
            where last_analyze is null and last_autoanalyze is null
        {%- endset -%}
        {%- set unknown = run_query(query).columns[0].values() -%}
        {%- for table in connector_tables() -%}
            {%- for relation in raw_relations(table).values() -%}
                {%- if relation.schema ~ '.' ~ relation.identifier in unknown -%}
                    {%- do run_query('analyze ' ~ relation) -%}
                {%- endif -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{#- Makes Postgres sort or hash for the joins of a model that has no others. Without statistics of
    the events, such as for a role that may not analyse them, it would compare each order with each
    touch. Ends with the transaction of the model. -#}
{% macro join_without_loops() -%}
    {%- if target.type == 'postgres' -%}
    set local enable_nestloop = off
    {%- endif -%}
{%- endmacro %}

{#- Analyses a table that was just built. The marts that read it begin at once, before Postgres
    would do so by itself, and without statistics they join every pair of rows. -#}
{% macro analyze_built_table() -%}
    {%- if target.type == 'postgres' and model.config.materialized in ('table', 'incremental') -%}
    analyze {{ this }}
    {%- endif -%}
{%- endmacro %}
