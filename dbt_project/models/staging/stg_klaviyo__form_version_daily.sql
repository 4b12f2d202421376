select
    ---------- ids
    account_id,
    form_id,
    form_version_id,

    ---------- numerics
    viewed_form,
    viewed_form_uniques,
    viewed_form_step,
    viewed_form_step_uniques,
    submits,
    submitted_form_step,
    submitted_form_step_uniques,
    closed_form,
    closed_form_uniques,
    qualified_form,
    qualified_form_uniques,
    submit_rate,

    ---------- dates
    date as date_day,

    ---------- timestamps
    synced_at

from {{ source_rows('form_version_daily') }}
