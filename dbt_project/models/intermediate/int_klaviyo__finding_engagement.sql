{{ config(enabled=is_enabled(['findings'])) }}
{%- set rule = 'sunset' -%}
{%- set limits = finding_rule(rule).limits -%}

with

people as (

    select
        account_id,
        max(date) as date,
        cast(sum(people) as {{ type_double() }}) as mailed,
        cast(sum(sunset_candidates) as {{ type_double() }}) as candidates
    from {{ ref('klaviyo__engagement') }}
    where emails_180_days > 0
    group by account_id

)

select
    account_id,
    '{{ rule }}' as rule_id,
    'email' as subject_id,
    'Email' as subject,
    cast(null as {{ dbt.type_string() }}) as campaign_name,
    cast(null as {{ dbt.type_string() }}) as flow_name,
    candidates / mailed as figure,
    {{ limits.share }} as comparison,
    mailed as sample_size,
    date,
    candidates as weight

from people
where
    mailed >= {{ limits.people }}
    and {{ wilson_bound('candidates', 'mailed', '-') }} > {{ limits.share }}
