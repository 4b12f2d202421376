{#- The condition that a text has a part that a regular expression matches. Without backslashes, the
    three engines read a pattern alike. -#}
{% macro matches(text, pattern) -%}
    {{ return(adapter.dispatch('matches')(text, pattern)) }}
{%- endmacro %}

{% macro default__matches(text, pattern) -%}
    {{ text }} ~ '{{ pattern }}'
{%- endmacro %}

{% macro duckdb__matches(text, pattern) -%}
    regexp_matches({{ text }}, '{{ pattern }}')
{%- endmacro %}

{% macro bigquery__matches(text, pattern) -%}
    regexp_contains({{ text }}, '{{ pattern }}')
{%- endmacro %}

{#- Snowflake's function matches a whole text; with 's' a dot matches a line break too. -#}
{% macro snowflake__matches(text, pattern) -%}
    regexp_like({{ text }}, '.*({{ pattern }}).*', 's')
{%- endmacro %}
