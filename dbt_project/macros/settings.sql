{#- Whether a raw table is synced. KLAVIYO_TABLES takes the same words as the connector's setting
    `tables`. A table that is not synced counts as empty, whether it exists in the warehouse or
    not, so no model has to query the warehouse to find out. -#}
{% macro is_synced(table) -%}
    {%- set selected = selected_tables() -%}
    {{ return(
        'all' in selected
        or table in always_synced_tables() + selected
        or requiring_tables().get(table, []) | select('in', selected) | list | length > 0
        or ('reporting' in selected and table not in opt_in_tables())
    ) }}
{%- endmacro %}

{#- The words of KLAVIYO_TABLES; `reporting` if it is empty or not set. -#}
{% macro selected_tables() -%}
    {%- set selected = [] -%}
    {%- for name in env_var('KLAVIYO_TABLES', '').split(',') if name.strip() -%}
        {%- do selected.append(name.strip()) -%}
    {%- endfor -%}
    {{ return(selected or ['reporting']) }}
{%- endmacro %}

{#- Fails the run before anything is built if a setting has an invalid value. -#}
{% macro check_settings() -%}
    {%- set compatibility = env_var('KLAVIYO_COMPATIBILITY', 'false') -%}
    {%- if compatibility | lower not in ['true', 'false'] -%}
        {{ exceptions.raise_compiler_error(
            "KLAVIYO_COMPATIBILITY: true or false, not '" ~ compatibility ~ "'"
        ) }}
    {%- endif -%}
    {%- set known = ['reporting', 'all', 'predictive_analytics'] + connector_tables() -%}
    {%- for name in selected_tables() if execute and name not in known -%}
        {{ exceptions.raise_compiler_error(
            "KLAVIYO_TABLES: unknown table '" ~ name ~ "'; known: " ~ known | join(', ')
        ) }}
    {%- endfor -%}
{%- endmacro %}
