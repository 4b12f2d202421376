{#- Analyses the raw tables that Postgres has never analysed. Without statistics it plans the search
    for an order's last touch as a loop over all pairs. A role that does not own a table cannot
    analyse it: Postgres warns and goes on. -#}
{% macro analyze_raw_tables() -%}
    {%- if target.type == 'postgres' -%}
        {%- set query -%}
            select relname from pg_stat_user_tables
            where schemaname = '{{ source('klaviyo', 'account').schema }}'
                and last_analyze is null and last_autoanalyze is null
        {%- endset -%}
        {%- set unknown = run_query(query).columns[0].values() -%}
        {%- for table in source_tables() if table.identifier in unknown -%}
            {%- do run_query('analyze "' ~ table.schema ~ '"."' ~ table.identifier ~ '"') -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
