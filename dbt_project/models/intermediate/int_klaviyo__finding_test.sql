{{ config(enabled=is_enabled(['findings'])) }}
{%- set decided, open = 'test_decided', 'test_open' -%}
{%- set by_message = 'partition by tests.account_id, tests.message_type, tests.message_id,'
    ~ ' tests.send_channel' -%}

with

last_syncs as (select * from {{ ref('int_klaviyo__last_sync') }}),

sends as (

    select
        account_id,
        message_type,
        message_id,
        send_channel,
        max(sent_on) as last_sent_on
    from {{ ref('klaviyo__message_performance') }}
    where is_ab_test
    group by account_id, message_type, message_id, send_channel

),

tests as (

    select
        tests.*,
        cast(tests.click_tracked_delivered as {{ type_double() }}) as trials,
        sum(tests.click_tracked_delivered) over ({{ by_message }}) as all_trials,
        sum(tests.clicks_unique) over ({{ by_message }}) as all_clicks,
        min(tests.sent_on) over ({{ by_message }}) as started_on,
        min(tests.click_rate) over ({{ by_message }}) as lowest_rate,
        max(tests.click_rate) over ({{ by_message }}) as highest_rate,
        sum(case when tests.click_result = 'undecided' then 1 else 0 end) over ({{ by_message }})
            as undecided_count,
        row_number() over (
            {{ by_message }} order by tests.click_rate desc nulls last, tests.variation_id asc
        ) as place,
        sends.last_sent_on,
        last_syncs.synced_on

    from {{ ref('klaviyo__subject_line_test') }} as tests
    inner join sends
        on tests.account_id = sends.account_id
        and tests.message_type = sends.message_type
        and tests.message_id = sends.message_id
        and tests.send_channel = sends.send_channel
    inner join last_syncs on tests.account_id = last_syncs.account_id

),

-- The version that leads, once for each test.
leaders as (

    select
        *,
        coalesce(
            campaign_name,
            message_name || coalesce(' (' || flow_name || ')', ''),
            message_id
        ) as test_name,
        coalesce(variation_name, subject_line, variation_id) as version_name
    from tests
    where place = 1

)

select
    account_id,
    '{{ decided }}' as rule_id,
    message_id || ':' || send_channel as subject_id,
    -- Klaviyo's own names, such as Variation B, say that they are one.
    case when lower(version_name) like 'variation%' then '' else 'version ' end
    || version_name || ' of ' || test_name as subject,
    campaign_name,
    flow_name,
    click_rate as figure,
    (all_clicks - clicks_unique) / nullif(all_trials - trials, 0) as comparison,
    click_tracked_delivered as sample_size,
    last_sent_on as date,
    (highest_rate - lowest_rate) * all_trials as weight

from leaders
where
    click_result = 'better'
    and click_z_score >= {{ finding_limit(decided, 'z') }}
    and (
        (
            message_type = 'campaign'
            and started_on >= {{ days_before('synced_on', finding_limit(decided, 'days')) }}
        )
        or (
            message_type = 'flow'
            and last_sent_on
            >= {{ days_before('synced_on', finding_limit(decided, 'sending_days')) }}
        )
    )
union all
select
    account_id,
    '{{ open }}' as rule_id,
    message_id || ':' || send_channel as subject_id,
    test_name as subject,
    campaign_name,
    flow_name,
    highest_rate as figure,
    lowest_rate as comparison,
    all_trials as sample_size,
    last_sent_on as date,
    cast(all_trials as {{ type_double() }}) as weight

from leaders
where
    message_type = 'flow'
    and undecided_count = variation_count
    and started_on <= {{ days_before('synced_on', finding_limit(open, 'days')) }}
    and last_sent_on >= {{ days_before('synced_on', finding_limit(open, 'sending_days')) }}
