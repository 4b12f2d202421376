{#- The counts and amounts of Klaviyo's reports. They may be summed. -#}
{% macro additive_statistics() -%}
    {{ return([
        'recipients', 'delivered', 'opens', 'opens_unique', 'clicks', 'clicks_unique',
        'bounced', 'failed', 'bounced_or_failed', 'unsubscribes', 'unsubscribe_uniques',
        'spam_complaints', 'conversions', 'conversion_uniques', 'message_segment_count_sum',
        'conversion_value', 'text_message_spend', 'text_message_credit_usage_amount',
    ]) }}
{%- endmacro %}

{#- The counts of people. Klaviyo counts a person once per message within the period of the report, so
    the days of a flow message do not add up to a period. -#}
{% macro people_statistics() -%}
    {{ return(['opens_unique', 'clicks_unique', 'unsubscribe_uniques', 'conversion_uniques']) }}
{%- endmacro %}

{#- The ratios of Klaviyo's reports. They must not be summed or averaged. -#}
{% macro ratio_statistics() -%}
    {{ return([
        'open_rate', 'click_rate', 'click_to_open_rate', 'conversion_rate', 'delivery_rate',
        'bounce_rate', 'failed_rate', 'bounced_or_failed_rate', 'unsubscribe_rate',
        'spam_complaint_rate', 'revenue_per_recipient', 'average_order_value', 'text_message_roi',
    ]) }}
{%- endmacro %}

{#- What rates divide by, in a select list: NULL where the channel does not count the numerator. -#}
{% macro tracked_statistics(relation) -%}
    {%- for counted, part, name in [
        ('opens_unique', 'delivered', 'open_tracked_delivered'),
        ('opens_unique', 'clicks_unique', 'open_tracked_clicks_unique'),
        ('clicks_unique', 'delivered', 'click_tracked_delivered'),
        ('clicks_unique', 'opens_unique', 'click_tracked_opens_unique'),
        ('bounced', 'recipients', 'bounce_tracked_recipients'),
        ('failed', 'recipients', 'failure_tracked_recipients'),
        ('unsubscribe_uniques', 'delivered', 'unsubscribe_tracked_delivered'),
        ('spam_complaints', 'delivered', 'spam_tracked_delivered'),
        ('text_message_spend', 'conversion_value', 'text_message_conversion_value'),
    ] %}
    case when {{ relation }}.{{ counted }} is not null then {{ relation }}.{{ part }} end as {{ name }}
    {{- ',' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
