{#- Whether a raw table is synced. KLAVIYO_TABLES takes the same words as the connector's setting
    `tables`. A table that is not synced counts as empty, whether it exists in the warehouse or
    not, so no model has to query the warehouse to find out. -#}
{% macro is_synced(table) -%}
    {%- set selected = selected_tables() -%}
    {%- set always = ['account', 'sync_report', 'sync_error'] -%}
    {#- The connector also syncs a table that a selected one requires. -#}
    {%- set required_by = {
        'list': 'list_profile', 'segment': 'segment_profile', 'profile': 'predictive_analytics'
    } -%}
    {{ return(
        table in always + selected
        or required_by.get(table) in selected
        or 'all' in selected
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

{#- One row per event, person or template: Fivetran bills rows, so the user selects these by name. -#}
{% macro opt_in_tables() -%}
    {{ return([
        'event', 'event_attribution', 'profile', 'profile_suppression', 'list_profile',
        'segment_profile', 'template',
    ]) }}
{%- endmacro %}

{#- Fails the run before anything is built if a setting has an invalid value. -#}
{% macro check_settings() -%}
    {%- set compatibility = env_var('KLAVIYO_COMPATIBILITY', 'false') -%}
    {%- if compatibility | lower not in ['true', 'false'] -%}
        {{ exceptions.raise_compiler_error(
            "KLAVIYO_COMPATIBILITY: true or false, not '" ~ compatibility ~ "'"
        ) }}
    {%- endif -%}
    {%- set known = ['reporting', 'all', 'predictive_analytics'] -%}
    {%- for source in source_tables() -%}{%- do known.append(source.name) -%}{%- endfor -%}
    {%- for name in selected_tables() if execute and name not in known -%}
        {{ exceptions.raise_compiler_error(
            "KLAVIYO_TABLES: unknown table '" ~ name ~ "'; known: " ~ known | join(', ')
        ) }}
    {%- endfor -%}
{%- endmacro %}
