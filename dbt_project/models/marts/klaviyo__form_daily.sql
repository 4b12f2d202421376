{{ config(enabled=is_enabled(['audience'])) }}
with

counts as (select * from {{ ref('stg_klaviyo__form_daily') }}),

accounts as (select * from {{ ref('stg_klaviyo__account') }}),

forms as (select * from {{ ref('stg_klaviyo__form') }}),

last_syncs as (select * from {{ ref('int_klaviyo__last_sync') }}),

versions as (

    select
        account_id,
        form_id,
        string_agg(distinct form_type, ', ' order by form_type) as form_types,
        count(*) as version_count

    from {{ ref('stg_klaviyo__form_version') }}
    group by account_id, form_id

)

select
    ---------- ids
    {{ surrogate_key(['counts.account_id', 'counts.form_id', 'counts.date_day']) }}
        as form_daily_key,
    counts.account_id,
    counts.form_id,

    ---------- the form
    accounts.organization_name as account_name,
    coalesce(forms.form_name, counts.form_id) as form_name,
    forms.status as form_status,
    versions.form_types,
    forms.is_ab_test,
    cast(versions.version_count as {{ dbt.type_bigint() }}) as version_count,

    ---------- the day
    counts.date_day as date,
    counts.date_day < last_syncs.synced_on as is_complete,

    ---------- what may be summed
    {% for name, column in [
        ('views', 'viewed_form'),
        ('viewers', 'viewed_form_uniques'),
        ('submits', 'submits'),
        ('closes', 'closed_form'),
        ('qualified_visits', 'qualified_form'),
    ] -%}
    cast(counts.{{ column }} as {{ dbt.type_bigint() }}) as {{ name }},
    {% endfor %}
    ---------- the rate as Klaviyo returned it
    counts.submit_rate as klaviyo_submit_rate,
    counts.synced_at

from counts
inner join accounts on counts.account_id = accounts.account_id
inner join last_syncs on counts.account_id = last_syncs.account_id
left join forms
    on counts.account_id = forms.account_id
    and counts.form_id = forms.form_id
left join versions
    on counts.account_id = versions.account_id
    and counts.form_id = versions.form_id
