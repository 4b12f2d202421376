{#- 97.5 % of a normal distribution lie below it: two-sided 95 %. -#}
{%- set z = 1.959964 -%}

with

messages as (

    select * from {{ ref('klaviyo__message_performance') }} where is_ab_test

),

variations as (

    select
        account_id,
        account_name,
        currency,
        message_type,
        campaign_id,
        flow_id,
        message_id,
        variation_id,
        send_channel,
        max(campaign_name) as campaign_name,
        max(flow_name) as flow_name,
        max(message_name) as message_name,
        max(variation_name) as variation_name,
        max(subject_line) as subject_line,
        max(preview_text) as preview_text,
        min(sent_on) as sent_on,
        {% for column in [
            'recipients', 'delivered', 'opens_unique', 'clicks_unique', 'open_tracked_delivered',
            'click_tracked_delivered', 'conversions',
        ] -%}
        sum({{ column }}) as {{ column }},
        {% endfor -%}
        -- A message that was opened but not delivered would be a proportion above one.
        sum(case when opens_unique > delivered then delivered else opens_unique end) as opens,
        sum(case when clicks_unique > delivered then delivered else clicks_unique end) as clicks,
        sum(conversion_value) as conversion_value,
        max(synced_at) as synced_at

    from messages
    group by
        account_id, account_name, currency, message_type, campaign_id, flow_id, message_id,
        variation_id, send_channel

),

-- Each variation is held against all others of its message together: two proportions, pooled.
compared as (

    select
        variations.*,
        count(*) over message as variation_count,
        {% for action, count, base in [
            ('open', 'opens', 'open_tracked_delivered'),
            ('click', 'clicks', 'click_tracked_delivered'),
        ] -%}
        cast({{ count }} as {{ type_double() }}) as {{ action }}_yes,
        cast({{ base }} as {{ type_double() }}) as {{ action }}_all,
        cast(sum({{ count }}) over message - {{ count }} as {{ type_double() }})
            as {{ action }}_yes_others,
        cast(sum({{ base }}) over message - {{ base }} as {{ type_double() }})
            as {{ action }}_all_others{{ ',' if not loop.last }}
        {% endfor %}
    from variations
    window message as (partition by account_id, message_type, message_id, send_channel)

),

scored as (

    select
        compared.*,
        {% for action in ['open', 'click'] -%}
        {%- set yes, all = action ~ '_yes', action ~ '_all' -%}
        {%- set yes_others, all_others = yes ~ '_others', all ~ '_others' -%}
        {%- set pooled = '(' ~ yes ~ ' + ' ~ yes_others ~ ') / (' ~ all ~ ' + ' ~ all_others ~ ')' -%}
        {{ yes }} / nullif({{ all }}, 0) as {{ action }}_rate,
        -- Wilson's interval, which stays between 0 and 1 and holds for small samples.
        {% for bound, sign in [('low', '-'), ('high', '+')] -%}
        (
            {{ yes }} + {{ z * z / 2 }} {{ sign }} {{ z }} * sqrt(
                {{ yes }} * ({{ all }} - {{ yes }}) / nullif({{ all }}, 0) + {{ z * z / 4 }}
            )
        ) / ({{ all }} + {{ z * z }}) as {{ action }}_rate_{{ bound }},
        {% endfor -%}
        case
            when {{ all }} > 0 and {{ all_others }} > 0
                then ({{ yes }} / {{ all }} - {{ yes_others }} / {{ all_others }}) / nullif(
                    sqrt(
                        {{ pooled }} * (1 - {{ pooled }}) * (1 / {{ all }} + 1 / {{ all_others }})
                    ), 0
                )
        end as {{ action }}_z_score,
        -- The normal distribution is near enough with ten of each kind on both sides.
        {{ yes }} >= 10 and {{ all }} - {{ yes }} >= 10 and {{ yes_others }} >= 10
            and {{ all_others }} - {{ yes_others }} >= 10 as {{ action }}_is_large_enough
            {{- ',' if not loop.last }}
        {% endfor %}
    from compared

)

select
    ---------- ids
    {{ surrogate_key(
        ['account_id', 'message_type', 'message_id', 'variation_id', 'send_channel']
    ) }} as subject_line_test_key,
    account_id,
    campaign_id,
    flow_id,
    message_id,
    variation_id,

    ---------- what was sent
    account_name,
    currency,
    message_type,
    campaign_name,
    flow_name,
    message_name,
    variation_name,
    send_channel,
    subject_line,
    preview_text,
    sent_on,
    variation_count,

    ---------- counts and amounts
    {% for column in [
        'recipients', 'delivered', 'opens_unique', 'clicks_unique', 'open_tracked_delivered',
        'click_tracked_delivered', 'conversions',
    ] -%}
    cast({{ column }} as {{ dbt.type_bigint() }}) as {{ column }},
    {% endfor -%}
    conversion_value,

    ---------- how sure the difference is
    {% for action in ['open', 'click'] -%}
    {{ action }}_rate,
    {{ action }}_rate_low,
    {{ action }}_rate_high,
    {{ action }}_z_score,
    case
        when {{ action }}_rate is null then null
        when not {{ action }}_is_large_enough or {{ action }}_z_score is null then 'too small'
        when {{ action }}_z_score >= {{ z }} then 'better'
        when {{ action }}_z_score <= -{{ z }} then 'worse'
        else 'undecided'
    end as {{ action }}_result,
    {% endfor -%}
    synced_at

from scored
