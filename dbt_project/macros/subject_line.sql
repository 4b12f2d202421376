{#- The subject of an email, the title of a push message, or the first words of a text message. -#}
{% macro subject_line(subject, title, body) -%}
    coalesce(nullif({{ subject }}, ''), nullif({{ title }}, ''), substr({{ body }}, 1, 80))
{%- endmacro %}
