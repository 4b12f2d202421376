{#- The text at a path of a JSON value: json_text('definition', ['data', 'status']). Without a path,
    the text of the value itself. NULL if the path does not exist. -#}
{% macro json_text(json, path=[]) -%}
    {{ return(adapter.dispatch('json_text')(json, path)) }}
{%- endmacro %}

{% macro default__json_text(json, path) -%}
    (cast({{ json }} as jsonb) #>> '{{ '{' ~ path | join(',') ~ '}' }}')
{%- endmacro %}

{% macro duckdb__json_text(json, path) -%}
    json_extract_string({{ json }}, '{{ (['$'] + path) | join('.') }}')
{%- endmacro %}

{% macro bigquery__json_text(json, path) -%}
    json_value({{ json }}, '{{ (['$'] + path) | join('.') }}')
{%- endmacro %}

{#- Selects one row per item of the JSON array at a path of a column: the relation's `keys`, the
    JSON value `item` and its `position`, counted from 1. An empty or missing array has no rows. -#}
{% macro json_items(relation, keys, column, path=[]) -%}
    {{ return(adapter.dispatch('json_items')(relation, keys, column, path)) }}
{%- endmacro %}

{% macro default__json_items(relation, keys, column, path) -%}
    select {{ keys | join(', ') }}, items.item, items.position
    from {{ relation }}
    cross join lateral jsonb_array_elements(
        cast({{ column }} as jsonb) #> '{{ '{' ~ path | join(',') ~ '}' }}'
    ) with ordinality as items (item, position)
{%- endmacro %}

{% macro duckdb__json_items(relation, keys, column, path) -%}
    select {{ keys | join(', ') }}, items.item, items.position
    from {{ relation }}
    cross join unnest(
        from_json(json_extract({{ column }}, '{{ (['$'] + path) | join('.') }}'), '["JSON"]')
    ) with ordinality as items (item, position)
{%- endmacro %}

{% macro bigquery__json_items(relation, keys, column, path) -%}
    select {{ keys | join(', ') }}, item, item_offset + 1 as position
    from {{ relation }}
    cross join unnest(json_query_array({{ column }}, '{{ (['$'] + path) | join('.') }}')) as item
        with offset as item_offset
{%- endmacro %}
