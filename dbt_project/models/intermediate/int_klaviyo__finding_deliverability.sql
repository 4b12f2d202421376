{{ config(enabled=is_enabled(['findings'])) }}
{%- set spam, bounce = 'spam_complaints', 'bounces' -%}
{%- set provider, bots = 'provider_delivery', 'bot_clicks' -%}
{%- set spam_limits = finding_rule(spam).limits -%}
{%- set bounce_limits = finding_rule(bounce).limits -%}
{%- set provider_limits = finding_rule(provider).limits -%}
{%- set bot_limits = finding_rule(bots).limits -%}

with

last_syncs as (select * from {{ ref('int_klaviyo__last_sync') }}),

emails as (

    select
        messages.account_id,
        {% for column in [
            'spam_complaints', 'spam_tracked_delivered', 'bounced', 'bounce_tracked_recipients',
        ] -%}
        cast(sum(messages.{{ column }}) as {{ type_double() }}) as {{ column }},
        {% endfor -%}
        max(messages.sent_on) as sent_on
    from {{ ref('klaviyo__message_performance') }} as messages
    inner join last_syncs on messages.account_id = last_syncs.account_id
    where
        messages.send_channel = 'email'
        and messages.sent_on < last_syncs.synced_on
        and messages.sent_on >= {{ days_before('last_syncs.synced_on', spam_limits.days) }}
    group by messages.account_id

),

email_rates as (

    select
        *,
        spam_complaints / nullif(spam_tracked_delivered, 0) as spam_share,
        {{ wilson_bound('spam_complaints', 'spam_tracked_delivered', '-') }} as least_spam_share,
        bounced / nullif(bounce_tracked_recipients, 0) as bounced_share,
        {{ wilson_bound('bounced', 'bounce_tracked_recipients', '-') }} as least_bounced_share
    from emails

),

provider_days as (

    select
        counts.*,
        last_syncs.synced_on,
        counts.date >= {{ days_before('last_syncs.synced_on', provider_limits.days) }} as is_recent
    from {{ ref('klaviyo__inbox_provider') }} as counts
    inner join last_syncs on counts.account_id = last_syncs.account_id
    where counts.date < last_syncs.synced_on

),

providers as (

    select
        account_id,
        inbox_provider,
        {% for column in ['delivered', 'attempts'] -%}
        cast(sum(case when is_recent then {{ column }} else 0 end) as {{ type_double() }})
            as {{ column }},
        cast(sum(case when is_recent then 0 else {{ column }} end) as {{ type_double() }})
            as usual_{{ column }},
        {% endfor -%}
        max(date) as date
    from provider_days
    where
        date >= {{ days_before('synced_on', provider_limits.days + provider_limits.usual_days) }}
    group by account_id, inbox_provider

),

delivery as (

    select
        *,
        delivered / nullif(attempts, 0) as delivered_share,
        usual_delivered / nullif(usual_attempts, 0) as usual_delivered_share,
        {{ two_proportion_z('delivered', 'attempts', 'usual_delivered', 'usual_attempts') }}
            as z_score
    from providers

),

clickers as (

    select
        account_id,
        max(date) as date,
        cast(sum(synced_clicks) as {{ type_double() }}) as clicks,
        cast(sum(bot_clicks) as {{ type_double() }}) as bot_clicks
    from provider_days
    where
        date >= {{ days_before('synced_on', bot_limits.days) }}
        and synced_clicks is not null
    group by account_id

)

select
    account_id,
    '{{ spam }}' as rule_id,
    'email' as subject_id,
    'Email' as subject,
    cast(null as {{ dbt.type_string() }}) as campaign_name,
    cast(null as {{ dbt.type_string() }}) as flow_name,
    spam_share as figure,
    case
        when least_spam_share > {{ spam_limits.high_share }} then {{ spam_limits.high_share }}
        else {{ spam_limits.share }}
    end as comparison,
    spam_tracked_delivered as sample_size,
    sent_on as date,
    spam_complaints as weight

from email_rates
where
    spam_tracked_delivered >= {{ spam_limits.delivered }}
    and least_spam_share > {{ spam_limits.share }}
union all
select
    account_id,
    '{{ bounce }}' as rule_id,
    'email' as subject_id,
    'Email' as subject,
    cast(null as {{ dbt.type_string() }}) as campaign_name,
    cast(null as {{ dbt.type_string() }}) as flow_name,
    bounced_share as figure,
    {{ bounce_limits.share }} as comparison,
    bounce_tracked_recipients as sample_size,
    sent_on as date,
    bounced as weight

from email_rates
where
    bounce_tracked_recipients >= {{ bounce_limits.recipients }}
    and least_bounced_share > {{ bounce_limits.share }}
union all
select
    account_id,
    '{{ provider }}' as rule_id,
    inbox_provider as subject_id,
    inbox_provider as subject,
    cast(null as {{ dbt.type_string() }}) as campaign_name,
    cast(null as {{ dbt.type_string() }}) as flow_name,
    delivered_share as figure,
    usual_delivered_share as comparison,
    attempts as sample_size,
    date,
    (usual_delivered_share - delivered_share) * attempts as weight

from delivery
where
    attempts >= {{ provider_limits.attempts }}
    and usual_attempts >= {{ provider_limits.attempts }}
    and usual_delivered_share - delivered_share >= {{ provider_limits.fall }}
    and z_score <= -{{ provider_limits.z }}
union all
select
    account_id,
    '{{ bots }}' as rule_id,
    'email' as subject_id,
    'Email' as subject,
    cast(null as {{ dbt.type_string() }}) as campaign_name,
    cast(null as {{ dbt.type_string() }}) as flow_name,
    bot_clicks / clicks as figure,
    {{ bot_limits.share }} as comparison,
    clicks as sample_size,
    date,
    bot_clicks as weight

from clickers
where
    clicks >= {{ bot_limits.clicks }}
    and {{ wilson_bound('bot_clicks', 'clicks', '-') }} > {{ bot_limits.share }}
