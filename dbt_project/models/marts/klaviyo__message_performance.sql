{{ config(enabled=is_enabled(['messages', 'findings'])) }}
{%- set message = 'partition by reports.account_id, reports.message_type, reports.message_id' -%}
with

reports as (select * from {{ ref('int_klaviyo__message_report') }}),

accounts as (select * from {{ ref('stg_klaviyo__account') }}),

campaigns as (select * from {{ ref('stg_klaviyo__campaign') }}),

campaign_messages as (select * from {{ ref('stg_klaviyo__campaign_message') }}),

campaign_audiences as (select * from {{ ref('int_klaviyo__campaign_audience') }}),

campaign_variations as (select * from {{ ref('stg_klaviyo__campaign_variation') }}),

-- Without an A/B test a report may have no variation. The message then has exactly one; a deleted
-- variation counts only if the message has no other.
only_variations as (

    select
        account_id,
        campaign_message_id,
        min(campaign_variation_id) as campaign_variation_id

    from (
        select
            *,
            rank() over (
                partition by account_id, campaign_message_id order by is_deleted
            ) as preference
        from campaign_variations
    ) as ranked
    where preference = 1
    group by account_id, campaign_message_id
    having count(*) = 1

),

flows as (select * from {{ ref('stg_klaviyo__flow') }}),

flow_variations as (

    select
        *,
        count(*) over (partition by account_id, flow_message_id) as variation_count
    from {{ ref('int_klaviyo__flow_variation') }}

),

tag_names as (select * from {{ ref('int_klaviyo__tag_names') }})

select
    ---------- ids
    reports.message_performance_key,
    reports.account_id,
    reports.campaign_id,
    reports.flow_id,
    reports.message_id,
    reports.variation_id,
    reports.conversion_metric_id,

    ---------- what was sent
    accounts.organization_name as account_name,
    accounts.preferred_currency as currency,
    reports.message_type,
    campaigns.campaign_name,
    coalesce(flows.flow_name, reports.flow_name) as flow_name,
    flows.status as flow_status,
    coalesce(
        campaign_messages.campaign_message_name,
        flow_variations.flow_message_name,
        reports.message_name
    ) as message_name,
    coalesce(
        nullif(reports.variation_name, ''), campaign_variations.campaign_variation_name
    ) as variation_name,
    -- count(distinct ...) is not allowed over a window. Two different extremes show the same.
    coalesce(
        min(reports.variation_id) over ({{ message }})
        <> max(reports.variation_id) over ({{ message }}),
        false
    ) as is_ab_test,
    reports.send_channel,
    reports.conversion_metric_name,
    {{ replace_tags('coalesce(campaign_variations.subject_line, flow_variations.subject_line)') }}
        as subject_line,
    {{ replace_tags('coalesce(campaign_variations.preview_text, flow_variations.preview_text)') }}
        as preview_text,
    coalesce(campaign_variations.from_label, flow_variations.from_label) as from_label,
    campaign_audiences.list_ids,
    campaign_audiences.audience_names,
    tag_names.tag_names,
    coalesce(campaigns.is_archived, flows.is_archived) as is_archived,
    coalesce(campaigns.is_deleted, flows.is_deleted) as is_deleted,

    ---------- when it was sent
    reports.sent_at,
    reports.sent_on,
    {{ iso_week_start('reports.sent_on') }} as sent_week,
    {{ iso_weekday('reports.sent_on') }} as sent_weekday,
    reports.sent_hour,

    ---------- counts and amounts
    {% for statistic in additive_statistics() -%}
    reports.{{ statistic }},
    {% endfor %}
    ---------- what rates divide: only where the channel counts both parts
    {{ tracked_statistics('reports') }},

    ---------- rates as Klaviyo returned them
    {% for statistic in ratio_statistics() -%}
    reports.{{ statistic }} as klaviyo_{{ statistic }},
    {% endfor -%}

    reports.synced_at

from reports
left join accounts on reports.account_id = accounts.account_id
left join campaigns
    on reports.account_id = campaigns.account_id
    and reports.campaign_id = campaigns.campaign_id
left join campaign_messages
    on reports.account_id = campaign_messages.account_id
    and reports.message_id = campaign_messages.campaign_message_id
left join campaign_audiences
    on campaign_messages.account_id = campaign_audiences.account_id
    and campaign_messages.audience_id = campaign_audiences.campaign_audience_id
left join campaign_variations as reported_variations
    on reports.account_id = reported_variations.account_id
    and reports.variation_id = reported_variations.campaign_variation_id
left join only_variations
    on reports.account_id = only_variations.account_id
    and reports.message_id = only_variations.campaign_message_id
left join campaign_variations
    on reports.account_id = campaign_variations.account_id
    and campaign_variations.campaign_variation_id = coalesce(
        reported_variations.campaign_variation_id, only_variations.campaign_variation_id
    )
left join flows
    on reports.account_id = flows.account_id
    and reports.flow_id = flows.flow_id
left join flow_variations
    on reports.account_id = flow_variations.account_id
    and reports.message_id = flow_variations.flow_message_id
    and (
        reports.variation_id = flow_variations.variation_id
        or flow_variations.variation_count = 1
    )
left join tag_names
    on reports.account_id = tag_names.account_id
    and coalesce(reports.campaign_id, reports.flow_id) = tag_names.tagged_id
