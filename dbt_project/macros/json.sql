{#- A path of keys, which may hold any sign but a quote or a comma: `$."$extra"."line_items"`. -#}
{% macro json_path(keys) -%}
    $ {%- for key in keys %}."{{ key }}"{% endfor %}
{%- endmacro %}

{#- The text at a path of a JSON value: json_text('definition', ['data', 'status']). Without a path,
    the text of the value itself. NULL if the path does not exist. -#}
{% macro json_text(json, path=[]) -%}
    {{ return(adapter.dispatch('json_text')(json, path)) }}
{%- endmacro %}

{% macro default__json_text(json, path) -%}
    (cast({{ json }} as jsonb) #>> '{{ '{' ~ path | join(',') ~ '}' }}')
{%- endmacro %}

{% macro duckdb__json_text(json, path) -%}
    json_extract_string({{ json }}, '{{ json_path(path) }}')
{%- endmacro %}

{% macro bigquery__json_text(json, path) -%}
    json_value({{ json }}, '{{ json_path(path) }}')
{%- endmacro %}

{% macro snowflake__json_text(json, path) -%}
    cast({{ variant_at(json, path) }} as text)
{%- endmacro %}

{#- The value at a path of a VARIANT of Snowflake. -#}
{% macro variant_at(json, path) -%}
    {{ json }} {%- for key in path %}['{{ key }}']{% endfor %}
{%- endmacro %}

{#- The number at a path of a JSON value, which may be a text such as "12.50"; else NULL. -#}
{% macro json_number(json, path) -%}
    case
        when {{ is_number(json_text(json, path)) }}
            then cast({{ json_text(json, path) }} as {{ type_double() }})
    end
{%- endmacro %}

{#- The condition that a text is a number that a double holds. -#}
{% macro is_number(text) -%}
    {{ return(adapter.dispatch('is_number')(
        text, '^[-+]?([0-9]{1,30}[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]{1,2})?$'
    )) }}
{%- endmacro %}

{% macro default__is_number(text, pattern) -%}
    {{ text }} ~ '{{ pattern }}'
{%- endmacro %}

{% macro duckdb__is_number(text, pattern) -%}
    regexp_matches({{ text }}, '{{ pattern }}')
{%- endmacro %}

{% macro bigquery__is_number(text, pattern) -%}
    regexp_contains({{ text }}, '{{ pattern }}')
{%- endmacro %}

{% macro snowflake__is_number(text, pattern) -%}
    regexp_like({{ text }}, '{{ pattern }}')
{%- endmacro %}

{#- The first array at one of some paths of a JSON value; NULL if no path has an array. -#}
{% macro json_array(json, paths) -%}
    case
    {%- for path in paths %}
        {{ adapter.dispatch('json_array_at')(json, path) }}
    {%- endfor %}
    end
{%- endmacro %}

{% macro default__json_array_at(json, path) -%}
    {%- set value = '(cast(' ~ json ~ " as jsonb) #> '{" ~ path | join(',') ~ "}')" -%}
    when jsonb_typeof({{ value }}) = 'array' then {{ value }}
{%- endmacro %}

{% macro duckdb__json_array_at(json, path) -%}
    when json_type({{ json }}, '{{ json_path(path) }}') = 'ARRAY'
        then json_extract({{ json }}, '{{ json_path(path) }}')
{%- endmacro %}

{% macro bigquery__json_array_at(json, path) -%}
    {%- set value = 'json_query(' ~ json ~ ", '" ~ json_path(path) ~ "')" -%}
    when json_type({{ value }}) = 'array' then {{ value }}
{%- endmacro %}

{% macro snowflake__json_array_at(json, path) -%}
    when is_array({{ variant_at(json, path) }}) then {{ variant_at(json, path) }}
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
        from_json(json_extract({{ column }}, '{{ json_path(path) }}'), '["JSON"]')
    ) with ordinality as items (item, position)
{%- endmacro %}

{% macro bigquery__json_items(relation, keys, column, path) -%}
    select {{ keys | join(', ') }}, item, item_offset + 1 as position
    from {{ relation }}
    cross join unnest(json_query_array({{ column }}, '{{ json_path(path) }}')) as item
        with offset as item_offset
{%- endmacro %}

{% macro snowflake__json_items(relation, keys, column, path) -%}
    select {{ keys | join(', ') }}, items.value as item, items.index + 1 as position
    from {{ relation }}
    cross join lateral flatten(input => {{ variant_at(column, path) }}) as items
{%- endmacro %}
