{#- A mail has a subject, a push message a title, a text only its words. -#}
{% macro subject_line(subject, title, body) -%}
    coalesce(nullif({{ subject }}, ''), nullif({{ title }}, ''), substr({{ body }}, 1, 80))
{%- endmacro %}
