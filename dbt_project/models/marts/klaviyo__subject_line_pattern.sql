{{ config(enabled=is_enabled(['messages'])) }}
{%- set z = z_score_95() -%}
{%- set by_pattern = 'partition by account_id, pattern' -%}
{%- set line = 'lower(emails.subject_line)' -%}
{#- The words of a discount are English; percentages and amounts are not bound to a language. -#}
{%- set words = '(discount|coupon|promo|sale|deals?|save|free shipping)' -%}
{%- set discount = '[0-9] ?%|[$€£] ?[0-9]+ off|(^|[^a-z])' ~ words ~ '([^a-z]|$)' -%}
{%- set patterns = {
    'emoji': matches('emails.subject_line', '[☀-➿⬀-⯿🀀-🫿]'),
    'question': "emails.subject_line like '%?%'",
    'first_name': matches(line, '[[]first name[]]'),
    'discount': matches(line, discount),
} -%}
{%- set actions = {
    'open': ('opens_unique', 'open_tracked_delivered'),
    'click': ('clicks_unique', 'click_tracked_delivered'),
} -%}

with

-- Klaviyo still credits the sends of the last days with orders.
emails as (

    select messages.*
    from {{ ref('klaviyo__message_performance') }} as messages
    inner join {{ ref('int_klaviyo__last_sync') }} as last_syncs
        on messages.account_id = last_syncs.account_id
    where
        messages.message_type = 'campaign'
        and messages.send_channel = 'email'
        and messages.subject_line is not null
        and messages.delivered > 0
        and messages.sent_on
        < {{ days_before('last_syncs.synced_on', limit('attribution_days')) }}

),

tagged as (

    select
        emails.*,
        'length' as pattern,
        case
            when length(emails.subject_line) < 30 then 'under 30'
            when length(emails.subject_line) < 50 then '30 to 49'
            when length(emails.subject_line) < 70 then '50 to 69'
            else '70 and more'
        end as pattern_value
    from emails
    {% for name, condition in patterns.items() -%}
    union all
    select
        emails.*,
        '{{ name }}' as pattern,
        case when {{ condition }} then 'yes' else 'no' end as pattern_value
    from emails
    {% endfor %}
),

sums as (

    select
        account_id,
        account_name,
        currency,
        pattern,
        pattern_value,
        count(*) as emails,
        min(sent_on) as first_sent_on,
        max(sent_on) as last_sent_on,
        sum(delivered) as delivered,
        sum(opens_unique) as opens_unique,
        sum(clicks_unique) as clicks_unique,
        sum(conversions) as conversions,
        sum(conversion_value) as conversion_value,
        {% for action, (count, base) in actions.items() -%}
        {%- set y, x = 'cast(' ~ count ~ ' as ' ~ type_double() ~ ')',
            'cast(' ~ base ~ ' as ' ~ type_double() ~ ')' -%}
        cast(count({{ count }}) as {{ type_double() }}) as {{ action }}_n,
        sum({{ y }}) as {{ action }}_y,
        sum({{ x }}) as {{ action }}_x,
        sum({{ y }} * {{ y }}) as {{ action }}_yy,
        sum({{ x }} * {{ y }}) as {{ action }}_xy,
        sum({{ x }} * {{ x }}) as {{ action }}_xx,
        {% endfor -%}
        max(synced_at) as synced_at

    from tagged
    group by account_id, account_name, currency, pattern, pattern_value

),

-- Each value is compared with all other values of the pattern together.
compared as (

    select
        *,
        {% for action in actions -%}
        {% for sum in ['n', 'y', 'x', 'yy', 'xy', 'xx'] -%}
        sum({{ action }}_{{ sum }}) over ({{ by_pattern }}) - {{ action }}_{{ sum }}
            as other_{{ action }}_{{ sum }},
        {% endfor -%}
        {% endfor -%}
        sum(emails) over ({{ by_pattern }}) - emails as other_emails

    from sums

),

scored as (

    select
        {% for action in actions -%}
        {{ action }}_y / nullif({{ action }}_x, 0) as {{ action }}_rate,
        other_{{ action }}_y / nullif(other_{{ action }}_x, 0) as other_{{ action }}_rate,
        {{ ratio_variance(action ~ '_') }}
        + {{ ratio_variance('other_' ~ action ~ '_') }} as {{ action }}_variance,
        {% endfor -%}
        *
    from compared

),

tested as (

    select
        {% for action in actions -%}
        {{ action }}_rate - other_{{ action }}_rate as {{ action }}_effect,
        case
            when {{ action }}_variance > 0
                then ({{ action }}_rate - other_{{ action }}_rate) / sqrt({{ action }}_variance)
        end as {{ action }}_z_score,
        {% endfor -%}
        *
    from scored

)

select
    ---------- ids
    {{ surrogate_key(['account_id', 'pattern', 'pattern_value']) }} as subject_line_pattern_key,
    account_id,

    ---------- the pattern
    account_name,
    currency,
    pattern,
    pattern_value,
    first_sent_on,
    last_sent_on,

    ---------- counts and amounts
    {% for column in [
        'emails', 'other_emails', 'delivered', 'opens_unique', 'clicks_unique', 'conversions',
    ] -%}
    cast({{ column }} as {{ dbt.type_bigint() }}) as {{ column }},
    {% endfor -%}
    conversion_value,

    ---------- the effect
    {% for action in actions -%}
    {{ action }}_rate,
    {{ action }}_effect,
    {{ action }}_z_score,
    case
        when {{ action }}_rate is null then null
        when {{ action }}_n < 10 or other_{{ action }}_n < 10 or {{ action }}_z_score is null
            then 'too small'
        when {{ action }}_z_score >= {{ z }} then 'better'
        when {{ action }}_z_score <= -{{ z }} then 'worse'
        else 'undecided'
    end as {{ action }}_result,
    {% endfor -%}
    synced_at

from tested
