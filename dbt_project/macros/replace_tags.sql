{#- A text with the tags of Klaviyo's templates as words, which none of its recipients sees as tags:
    {{ person.first_name|default:'there' }} becomes [first name]. Tags that show nothing disappear. -#}
{% macro replace_tags(text) -%}
    {%- set condition = 'end[a-z]*|if|ifequal|ifnotequal|for|with|comment' -%}
    {%- set name = '([^}|.]*[^}|. ])' -%}
    {%- set replacements = [
        ('[{]% *(elif|else)( [^}]*)?%[}]', ' / '),
        ('[{]% *(' ~ condition ~ ')( [^}]*)?%[}]', ''),
        ('[{]% *([^} ]+)[^}]*%[}]', '{{ \\1 }}'),
    ] + [('([{]{2}[^}_]*)_', '\\1 ')] * 6 + [
        ('[{]{2}[^}]*[|] *lookup: *[^} ]([^}|]+)[^}| ] *([|][^}]*)?[}]{2}', '[\\1]'),
        ('[{]{2} *([^}|]*[.])?' ~ name ~ '[^}]*[}]{2}', '[\\2]'),
        ('[{]{2}[^}]*[}]?$|[{]%[^}]*$', '…'),
    ] -%}
    {%- set replaced = namespace(text=text) -%}
    {%- for pattern, replacement in replacements -%}
        {%- set replaced.text = replace_pattern(replaced.text, pattern, replacement) -%}
    {%- endfor -%}
    case when {{ matches(text, '[{]') }} then {{ replaced.text }} else {{ text }} end
{%- endmacro %}

{#- A text with every part that a regular expression matches replaced; \1 is the first group. -#}
{% macro replace_pattern(text, pattern, replacement) -%}
    {{ return(adapter.dispatch('replace_pattern')(text, pattern, replacement)) }}
{%- endmacro %}

{% macro default__replace_pattern(text, pattern, replacement) -%}
    regexp_replace({{ text }}, '{{ pattern }}', '{{ replacement }}', 'g')
{%- endmacro %}

{#- Both replace every match; BigQuery's raw text keeps the backslash. -#}
{% macro bigquery__replace_pattern(text, pattern, replacement) -%}
    regexp_replace({{ text }}, '{{ pattern }}', r'{{ replacement }}')
{%- endmacro %}

{#- A backslash escapes in Snowflake's texts. -#}
{% macro snowflake__replace_pattern(text, pattern, replacement) -%}
    regexp_replace({{ text }}, '{{ pattern }}', '{{ replacement | replace('\\', '\\\\') }}')
{%- endmacro %}
