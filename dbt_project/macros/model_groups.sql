{#- The groups of marts, of which dbt's variable `klaviyo_groups` selects some, as a text with
    commas or a list. -#}
{% macro model_groups() -%}
    {{ return(['messages', 'message_details', 'audience', 'orders', 'people', 'findings']) }}
{%- endmacro %}

{#- The groups of `klaviyo_groups`; all if there are none. An unknown one fails at once: without any
    model dbt's own error would be about the models that refer to them. -#}
{% macro selected_groups() -%}
    {%- set selected = split_words(var('klaviyo_groups', '')) or model_groups() -%}
    {%- set unknown = selected | reject('in', model_groups()) | join(', ') -%}
    {%- if unknown -%}
        {{ exceptions.raise_compiler_error(
            "klaviyo_groups: no group is named " ~ unknown ~ "; the groups are "
            ~ model_groups() | join(', ')
        ) }}
    {%- endif -%}
    {{ return(selected) }}
{%- endmacro %}

{#- Whether a model is built: one of the groups that need it is selected. -#}
{% macro is_enabled(groups) -%}
    {{ return(groups | select('in', selected_groups()) | list | length > 0) }}
{%- endmacro %}
