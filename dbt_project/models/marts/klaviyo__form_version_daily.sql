{{ config(enabled=is_enabled(['audience'])) }}
with

counts as (select * from {{ ref('stg_klaviyo__form_version_daily') }}),

accounts as (select * from {{ ref('stg_klaviyo__account') }}),

forms as (select * from {{ ref('stg_klaviyo__form') }}),

versions as (select * from {{ ref('stg_klaviyo__form_version') }}),

last_syncs as (select * from {{ ref('int_klaviyo__last_sync') }})

select
    ---------- ids
    {{ surrogate_key([
        'counts.account_id', 'counts.form_id', 'counts.form_version_id', 'counts.date_day'
    ]) }} as form_version_daily_key,
    counts.account_id,
    counts.form_id,
    counts.form_version_id,

    ---------- the version
    accounts.organization_name as account_name,
    coalesce(forms.form_name, counts.form_id) as form_name,
    coalesce(versions.variation_name, counts.form_version_id) as version_name,
    versions.form_type as version_type,
    versions.status as version_status,

    ---------- the day
    counts.date_day as date,
    counts.date_day < last_syncs.synced_on as is_complete,

    ---------- what may be summed
    {% for name, column in [
        ('views', 'viewed_form'),
        ('submits', 'submits'),
        ('closes', 'closed_form'),
    ] -%}
    cast(counts.{{ column }} as {{ dbt.type_bigint() }}) as {{ name }},
    {% endfor %}
    counts.synced_at

from counts
inner join accounts on counts.account_id = accounts.account_id
inner join last_syncs on counts.account_id = last_syncs.account_id
left join forms
    on counts.account_id = forms.account_id
    and counts.form_id = forms.form_id
left join versions
    on counts.account_id = versions.account_id
    and counts.form_version_id = versions.form_version_id
