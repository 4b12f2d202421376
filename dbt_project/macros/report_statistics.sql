{#- The counts and amounts of Klaviyo's reports. They may be summed. -#}
{% macro additive_statistics() -%}
    {{ return([
        'recipients', 'delivered', 'opens', 'opens_unique', 'clicks', 'clicks_unique',
        'bounced', 'failed', 'bounced_or_failed', 'unsubscribes', 'unsubscribe_uniques',
        'spam_complaints', 'conversions', 'conversion_uniques', 'message_segment_count_sum',
        'conversion_value', 'text_message_spend', 'text_message_credit_usage_amount',
    ]) }}
{%- endmacro %}

{#- The counts of people. Klaviyo counts a person once per message within the period of the report,
    so the days of a flow message do not add up to a period. -#}
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

{#- The channels that count a statistic; a statistic that is not listed is counted on all channels.
    Klaviyo's reports have 0.0 for a statistic that the channel does not count, as for one that is
    zero. -#}
{% macro counting_channels() -%}
    {%- set opens = ['email', 'push-notification', 'whatsapp'] -%}
    {%- set clicks = ['email', 'sms', 'whatsapp'] -%}
    {%- set bounces = ['email', 'push-notification'] -%}
    {%- set failures = ['email', 'sms'] -%}
    {%- set unsubscribes = ['email', 'sms'] -%}
    {%- set complaints = ['email'] -%}
    {%- set spend = ['sms'] -%}
    {{ return({
        'opens': opens, 'opens_unique': opens, 'open_rate': opens,
        'clicks': clicks, 'clicks_unique': clicks, 'click_rate': clicks,
        'click_to_open_rate': ['email', 'whatsapp'],
        'bounced': bounces, 'bounce_rate': bounces,
        'failed': failures, 'failed_rate': failures,
        'unsubscribes': unsubscribes, 'unsubscribe_uniques': unsubscribes,
        'unsubscribe_rate': unsubscribes,
        'spam_complaints': complaints, 'spam_complaint_rate': complaints,
        'message_segment_count_sum': spend, 'text_message_spend': spend,
        'text_message_credit_usage_amount': spend, 'text_message_roi': spend,
    }) }}
{%- endmacro %}

{#- The condition that a row's channel does not count a statistic; none if all channels count it.
    A channel that is not known here counts everything. -#}
{% macro is_uncounted(statistic) -%}
    {%- set channels = ['email', 'sms', 'push-notification', 'whatsapp'] -%}
    {%- set counting = counting_channels().get(statistic, channels) -%}
    {%- set uncounting = channels | reject('in', counting) | list -%}
    {{ return("send_channel in ('" ~ uncounting | join("', '") ~ "')" if uncounting else none) }}
{%- endmacro %}

{#- The condition that a row has a value of a statistic that its channel does not count. -#}
{% macro has_uncounted_value() -%}
    {%- set conditions = [] -%}
    {%- for statistic in counting_channels() -%}
        {%- do conditions.append('(' ~ is_uncounted(statistic) ~ ' and ' ~ statistic ~ ' <> 0)') -%}
    {%- endfor -%}
    {{ conditions | join(' or ') }}
{%- endmacro %}

{#- All statistics of a row of a report, in a select list. NULL where the channel does not count a
    statistic: rates would else divide by its messages. -#}
{% macro counted_statistics() -%}
    {%- set columns = [] -%}
    {%- for statistic in additive_statistics() + ratio_statistics() -%}
        {%- set condition = is_uncounted(statistic) -%}
        {%- do columns.append(
            'case when ' ~ condition ~ ' then null else ' ~ statistic ~ ' end as ' ~ statistic
            if condition else statistic
        ) -%}
    {%- endfor -%}
    {{ columns | join(',\n    ') }}
{%- endmacro %}
