{#- The message of a row that has some of the ids of int_klaviyo__campaign_message_id: reports and
    events name a campaign's message by its variation, by itself or by its campaign. `ids` are the
    row's columns with them, the surest first, and `otherwise` is the column that is the message's
    id if none of them is known. The query has join_message_ids of the same relation and ids. -#}
{% macro message_id(relation, ids, otherwise) -%}
    coalesce(
        {%- for id in ids %} by_{{ id }}.campaign_message_id,{% endfor %} {{ relation }}.{{ otherwise }}
    )
{%- endmacro %}

{#- The joins that message_id reads. -#}
{% macro join_message_ids(relation, ids) -%}
    {% for id in ids -%}
    left join {{ ref('int_klaviyo__campaign_message_id') }} as by_{{ id }}
        on {{ relation }}.account_id = by_{{ id }}.account_id
        and {{ relation }}.{{ id }} = by_{{ id }}.named_id
    {% endfor -%}
{%- endmacro %}
