{#- The counts and amounts of Klaviyo's reports. They may be summed. -#}
{% macro additive_statistics() -%}
    {{ return([
        'recipients', 'delivered', 'opens', 'opens_unique', 'clicks', 'clicks_unique',
        'bounced', 'failed', 'bounced_or_failed', 'unsubscribes', 'unsubscribe_uniques',
        'spam_complaints', 'conversions', 'conversion_uniques', 'message_segment_count_sum',
        'conversion_value', 'text_message_spend', 'text_message_credit_usage_amount',
    ]) }}
{%- endmacro %}

{#- The ratios of Klaviyo's reports. They must not be summed or averaged. -#}
{% macro ratio_statistics() -%}
    {{ return([
        'open_rate', 'click_rate', 'click_to_open_rate', 'conversion_rate', 'delivery_rate',
        'bounce_rate', 'failed_rate', 'bounced_or_failed_rate', 'unsubscribe_rate',
        'spam_complaint_rate', 'revenue_per_recipient', 'average_order_value', 'text_message_roi',
    ]) }}
{%- endmacro %}
