{{ config(enabled=is_enabled(['messages', 'findings'])) }}
{%- set message = 'partition by variations.account_id, variations.message_type,'
    ~ ' variations.message_id, variations.send_channel' -%}
{%- set z = z_score_95() -%}

with

messages as (

    select * from {{ ref('klaviyo__message_performance') }}
    where is_ab_test

),

campaign_messages as (select * from {{ ref('stg_klaviyo__campaign_message') }}),

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
        -- Opens of messages that Klaviyo does not count as delivered would give a rate above one.
        sum(case when opens_unique > delivered then delivered else opens_unique end) as opens,
        sum(case when clicks_unique > delivered then delivered else clicks_unique end) as clicks,
        sum(conversion_value) as conversion_value,
        max(synced_at) as synced_at

    from messages
    group by
        account_id, account_name, currency, message_type, campaign_id, flow_id, message_id,
        variation_id, send_channel

),

-- Each variation is compared with all other variations of its message together.
compared as (

    select
        variations.*,
        campaign_messages.ab_winner_metric as winner_metric,
        campaign_messages.ab_winner_percentage / 100 as winner_share,
        cast(variations.recipients as {{ type_double() }}) as message_successes,
        cast(sum(variations.recipients) over ({{ message }}) as {{ type_double() }})
            as message_trials,
        {% for action, count, base in [
            ('open', 'opens', 'open_tracked_delivered'),
            ('click', 'clicks', 'click_tracked_delivered'),
        ] -%}
        cast({{ count }} as {{ type_double() }}) as {{ action }}_successes,
        cast({{ base }} as {{ type_double() }}) as {{ action }}_trials,
        cast(sum({{ count }}) over ({{ message }}) - {{ count }} as {{ type_double() }})
            as {{ action }}_other_successes,
        cast(sum({{ base }}) over ({{ message }}) - {{ base }} as {{ type_double() }})
            as {{ action }}_other_trials,
        {% endfor -%}
        count(*) over ({{ message }}) as variation_count

    from variations
    left join campaign_messages
        on variations.account_id = campaign_messages.account_id
        and variations.message_id = campaign_messages.campaign_message_id

),

scored as (

    select
        {% for action in ['open', 'click'] -%}
        {%- set successes, trials = action ~ '_successes', action ~ '_trials' -%}
        {%- set other_successes, other_trials =
            action ~ '_other_successes', action ~ '_other_trials' -%}
        {{ successes }} / nullif({{ trials }}, 0) as {{ action }}_rate,
        {{ wilson_bound(successes, trials, '-') }} as {{ action }}_rate_low,
        {{ wilson_bound(successes, trials, '+') }} as {{ action }}_rate_high,
        {{ two_proportion_z(successes, trials, other_successes, other_trials) }}
            as {{ action }}_z_score,
        {{ is_large_sample(successes, trials) }}
        and {{ is_large_sample(other_successes, other_trials) }}
            as {{ action }}_is_large_enough,
        {% endfor -%}
        message_successes / nullif(message_trials, 0) as recipient_share,
        -- An even part is 1 / n. Of the winner, which gets the rest too, the part is larger by
        -- winner_share * (1 - 1 / n); halfway between the two it is nearer to the winner's.
        case
            when
                {{ wilson_bound('message_successes', 'message_trials', '-') }}
                > 1.0 / variation_count + winner_share * (1 - 1.0 / variation_count) / 2
                then 1
            else 0
        end as got_the_rest,
        *

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
    winner_metric,
    winner_share,
    recipient_share,
    case
        when
            max(got_the_rest) over (
                partition by account_id, message_type, message_id, send_channel
            ) = 1
            then got_the_rest = 1
    end as is_winner,

    ---------- counts and amounts
    {% for column in [
        'recipients', 'delivered', 'opens_unique', 'clicks_unique', 'open_tracked_delivered',
        'click_tracked_delivered', 'conversions',
    ] -%}
    cast({{ column }} as {{ dbt.type_bigint() }}) as {{ column }},
    {% endfor -%}
    conversion_value,

    ---------- significance of the difference
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
