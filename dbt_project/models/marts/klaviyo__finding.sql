{{ config(enabled=is_enabled(['findings'])) }}
{%- set rules = finding_rules() -%}
{%- set parts = ['flow', 'deliverability', 'test', 'campaign', 'audience', 'engagement'] -%}

with

accounts as (select * from {{ ref('stg_klaviyo__account') }}),

last_syncs as (select * from {{ ref('int_klaviyo__last_sync') }}),

found as (

    {% for part in parts -%}
    select * from {{ ref('int_klaviyo__finding_' ~ part) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

worded as (

    select
        found.*,
        accounts.organization_name as account_name,
        accounts.preferred_currency as currency,
        last_syncs.synced_at,
        found.rule_id || ':' || found.subject_id as finding_id
    from found
    inner join accounts on found.account_id = accounts.account_id
    inner join last_syncs on found.account_id = last_syncs.account_id

),

formatted as (

    select
        *,
        {{ format_by_rule('figure') }} as figure_text,
        {{ format_by_rule('comparison') }} as comparison_text,
        {{ format_decimal('figure / nullif(comparison, 0)', 1) }} as times_text,
        {{ format_integer('sample_size') }} as sample_text
    from worded

),

ruled as (

    {% for name, rule in rules.items() -%}
    select
        *,
        {{ loop.index }} as rule_position,
        '{{ rule.tone }}' as tone,
        {{ finding_words(rule.suggestion) }} as suggestion,
        {{ finding_words(rule.finding) }} as finding,
        {{ finding_words(rule.why) }} as reason,
        '{{ rule.sample }}' as sample_unit,
        '{{ rule.page }}' as page
    from formatted
    where rule_id = '{{ name }}'
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

unmuted as (

    select
        *,
        row_number() over (
            partition by account_id, rule_id order by weight desc, finding_id asc
        ) as place
    from ruled
    where
        rule_id not in ({{ muted_findings() }})
        and finding_id not in ({{ muted_findings() }})

)

select
    ---------- ids
    {{ surrogate_key(['account_id', 'finding_id']) }} as finding_key,
    account_id,
    finding_id,
    rule_id,
    subject_id,

    ---------- account
    account_name,
    currency,

    ---------- words
    suggestion,
    finding,
    reason,
    tone,

    ---------- what it is about, and where to look
    subject,
    campaign_name,
    flow_name,
    page,

    ---------- figures
    figure,
    comparison,
    cast(sample_size as {{ dbt.type_bigint() }}) as sample_size,
    sample_unit,
    date,
    -- The first of every rule, then the second of every rule.
    row_number() over (
        partition by account_id order by place, rule_position
    ) as finding_rank,
    synced_at

from unmuted
