{#- The texts of a group with commas between them, in the order of `order_by` (by default, of the
    texts themselves). -#}
{% macro join_texts(text, order_by=none, distinct=false) -%}
    {%- set texts = 'distinct ' ~ text if distinct else text -%}
    {{ dbt.listagg(texts, "', '", 'order by ' ~ (order_by or text)) }}
{%- endmacro %}
