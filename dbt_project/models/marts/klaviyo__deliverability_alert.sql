{{ config(enabled=is_enabled(['audience'])) }}
{#- Each rule: what is counted, of how many emails, and the rates from which on it is a warning or
    critical. Google's and Yahoo's rules for senders name the two rates of spam complaints. -#}
{%- set rules = {
    'bounce_rate': ('bounced', 'attempts', limit('bounce_rate'), 'null'),
    'spam_complaint_rate': (
        'spam_complaints', 'delivered', limit('spam_rate'), limit('spam_rate_critical')
    ),
    'delivery_rate': ('delivered', 'attempts', 'null', 'null'),
} -%}
{%- set columns = ['attempts', 'delivered', 'bounced', 'spam_complaints'] -%}

with

last_syncs as (select * from {{ ref('int_klaviyo__last_sync') }}),

-- The day of the last sync is not over, so it is left out.
provider_days as (

    select
        counts.account_id,
        counts.account_name,
        counts.inbox_provider,
        {% for column in columns -%}
        counts.{{ column }},
        {% endfor -%}
        {{ days_before('last_syncs.synced_on', 1) }} as date,
        counts.date >= {{ days_before('last_syncs.synced_on', 7) }} as is_recent,
        counts.synced_at

    from {{ ref('klaviyo__inbox_provider') }} as counts
    inner join last_syncs on counts.account_id = last_syncs.account_id
    where
        counts.date >= {{ days_before('last_syncs.synced_on', 35) }}
        and counts.date < last_syncs.synced_on

),

sums as (

    {% for provider, grouped in [
        ('inbox_provider', ', inbox_provider'), ("'All' as inbox_provider", ''),
    ] -%}
    select
        account_id,
        account_name,
        {{ provider }},
        date,
        {% for column in columns -%}
        coalesce(sum(case when is_recent then {{ column }} end), 0) as recent_{{ column }},
        coalesce(sum(case when not is_recent then {{ column }} end), 0) as previous_{{ column }},
        {% endfor -%}
        max(synced_at) as synced_at
    from provider_days
    group by account_id, account_name, date{{ grouped }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

measured as (

    {% for rule, (count, base, warning, critical) in rules.items() -%}
    select
        account_id,
        account_name,
        inbox_provider,
        date,
        '{{ rule }}' as alert_rule,
        recent_{{ count }} as recent_count,
        recent_{{ base }} as recent_emails,
        previous_{{ count }} as previous_count,
        previous_{{ base }} as previous_emails,
        cast({{ warning }} as {{ type_double() }}) as warning_limit,
        cast({{ critical }} as {{ type_double() }}) as critical_limit,
        synced_at
    from sums
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

compared as (

    select
        *,
        cast(recent_count as {{ type_double() }}) / nullif(recent_emails, 0) as recent_rate,
        cast(previous_count as {{ type_double() }}) / nullif(previous_emails, 0) as previous_rate,
        {{ two_proportion_z(
            'cast(recent_count as ' ~ type_double() ~ ')',
            'cast(recent_emails as ' ~ type_double() ~ ')',
            'cast(previous_count as ' ~ type_double() ~ ')',
            'cast(previous_emails as ' ~ type_double() ~ ')'
        ) }} as z_score

    from measured

),

judged as (

    select
        *,
        recent_rate - previous_rate as rate_change,
        case
            when recent_emails < {{ limit('alert_emails') }} then 'too small'
            -- A single event is no alert, however few the emails are.
            when recent_count > 1 and recent_rate >= critical_limit then 'critical'
            when recent_count > 1 and recent_rate >= warning_limit then 'warning'
            when
                alert_rule = 'delivery_rate'
                and previous_rate - recent_rate >= {{ limit('delivery_fall') }}
                and z_score <= -{{ z_score_95() }}
                then 'warning'
            else 'ok'
        end as alert_level

    from compared

)

select
    ---------- ids
    {{ surrogate_key(['account_id', 'inbox_provider', 'alert_rule']) }} as deliverability_alert_key,
    account_id,

    ---------- what is judged
    account_name,
    inbox_provider,
    alert_rule,
    alert_level,
    date,

    ---------- the last 7 days, and the 28 before
    {% for column in ['recent_count', 'recent_emails', 'previous_count', 'previous_emails'] -%}
    cast({{ column }} as {{ dbt.type_bigint() }}) as {{ column }},
    {% endfor -%}
    recent_rate,
    previous_rate,
    rate_change,
    z_score,
    warning_limit,
    critical_limit,

    ---------- what may be summed
    cast(
        case when alert_level in ('warning', 'critical') then 1 else 0 end
        as {{ dbt.type_bigint() }}
    ) as alerts,
    cast(case when alert_level = 'critical' then 1 else 0 end as {{ dbt.type_bigint() }})
        as critical_alerts,
    synced_at

from judged
