{#- A select of one row per item of a JSON array of texts: the relation's `keys`, the item as
    `item` and its `position` from 1. An empty array or NULL gives no row. -#}
{% macro json_array_items(relation, keys, column) -%}
    {{ return(adapter.dispatch('json_array_items')(relation, keys, column)) }}
{%- endmacro %}

{% macro default__json_array_items(relation, keys, column) -%}
    select {{ keys | join(', ') }}, items.item, items.position
    from {{ relation }}
    cross join lateral jsonb_array_elements_text(cast({{ column }} as jsonb))
        with ordinality as items (item, position)
{%- endmacro %}

{% macro duckdb__json_array_items(relation, keys, column) -%}
    select {{ keys | join(', ') }}, items.item, items.position
    from {{ relation }}
    cross join unnest(from_json({{ column }}, '["VARCHAR"]'))
        with ordinality as items (item, position)
{%- endmacro %}

{% macro bigquery__json_array_items(relation, keys, column) -%}
    select {{ keys | join(', ') }}, item, item_offset + 1 as position
    from {{ relation }}
    cross join unnest(json_value_array({{ column }})) as item with offset as item_offset
{%- endmacro %}
