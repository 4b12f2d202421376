{{ config(enabled=is_enabled(['messages'])) }}
with

last_syncs as (select * from {{ ref('int_klaviyo__last_sync') }}),

sends as (

    select
        messages.*,
        row_number() over (
            partition by messages.account_id, messages.campaign_id, messages.sent_on
            order by messages.sent_at, messages.message_id, messages.variation_id
        ) as send_number

    from {{ ref('klaviyo__message_performance') }} as messages
    inner join last_syncs on messages.account_id = last_syncs.account_id
    where
        messages.message_type = 'campaign'
        and messages.sent_on > {{ days_before('last_syncs.synced_on', 90) }}

)

select
    sent_on as date,
    account_id,
    campaign_id,
    max(campaign_name) as campaign_name,
    min(sent_at) as send_time,
    max(case when send_number = 1 then subject_line end) as subject_line,
    max(case when send_number = 1 then {{ dbt.split_part('list_ids', "', '", 1) }} end) as list_id,
    {{ join_texts('list_ids', distinct=true) }} as list_ids,
    {{ join_texts('audience_names', distinct=true) }} as audience_names,
    cast(sum(recipients) as {{ dbt.type_bigint() }}) as recipients,
    cast(sum(opens_unique) as {{ dbt.type_bigint() }}) as opens,
    cast(sum(clicks_unique) as {{ dbt.type_bigint() }}) as clicks,
    cast(sum(unsubscribe_uniques) as {{ dbt.type_bigint() }}) as unsubscribes,
    cast(sum(opens_unique) as {{ type_double() }}) / nullif(sum(open_tracked_delivered), 0)
        as open_rate,
    cast(sum(clicks_unique) as {{ type_double() }}) / nullif(sum(click_tracked_delivered), 0)
        as click_rate

from sends
group by account_id, campaign_id, sent_on
