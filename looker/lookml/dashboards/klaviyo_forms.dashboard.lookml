# Generated from dbt by `python -m looker build`: refine it in refinements/, do not edit.

- dashboard: klaviyo_forms
  title: 'Klaviyo: Forms'
  layout: newspaper
  preferred_viewer: dashboards-next
  filters:
  - name: Date
    title: Date
    type: field_filter
    default_value: 30 day
    allow_multiple_values: true
    model: '@{MODEL}'
    explore: form_daily
    field: form_daily.date_date
  - name: Account
    title: Account
    type: field_filter
    default_value: ''
    allow_multiple_values: false
    model: '@{MODEL}'
    explore: form_daily
    field: form_daily.account_name
    required: true
  elements:
  - title: Form views
    name: Form views
    model: '@{MODEL}'
    explore: form_daily
    type: single_value
    fields:
    - form_daily.form_views
    sorts:
    - form_daily.form_views desc
    filters: {}
    listen:
      Date: form_daily.date_date
      Account: form_daily.account_name
    note_text: 'Form views: Views of forms.'
    note_state: collapsed
    note_display: hover
    width: 6
    height: 4
    row: 0
    col: 0
  - title: Form submits
    name: Form submits
    model: '@{MODEL}'
    explore: form_daily
    type: single_value
    fields:
    - form_daily.form_submits
    sorts:
    - form_daily.form_submits desc
    filters: {}
    listen:
      Date: form_daily.date_date
      Account: form_daily.account_name
    note_text: 'Form submits: Submissions of forms.'
    note_state: collapsed
    note_display: hover
    width: 6
    height: 4
    row: 0
    col: 6
  - title: Form submit rate
    name: Form submit rate
    model: '@{MODEL}'
    explore: form_daily
    type: single_value
    fields:
    - form_daily.form_submit_rate
    sorts:
    - form_daily.form_submit_rate desc
    filters: {}
    listen:
      Date: form_daily.date_date
      Account: form_daily.account_name
    note_text: 'Form submit rate: Form submits / form views.'
    note_state: collapsed
    note_display: hover
    width: 6
    height: 4
    row: 0
    col: 12
  - title: Form close rate
    name: Form close rate
    model: '@{MODEL}'
    explore: form_daily
    type: single_value
    fields:
    - form_daily.form_close_rate
    sorts:
    - form_daily.form_close_rate desc
    filters: {}
    listen:
      Date: form_daily.date_date
      Account: form_daily.account_name
    note_text: 'Form close rate: Form closes / form views.'
    note_state: collapsed
    note_display: hover
    width: 6
    height: 4
    row: 0
    col: 18
  - title: Form views, last month
    name: Form views, last month
    model: '@{MODEL}'
    explore: form_daily
    type: single_value
    fields:
    - form_daily.date_month
    - form_daily.form_views
    - form_daily.form_views_last_month
    hidden_fields:
    - form_daily.date_month
    sorts:
    - form_daily.form_views desc
    show_comparison: true
    comparison_type: value
    show_comparison_label: true
    comparison_label: in the month before
    filters:
      form_daily.date_month: 1 month ago
    listen:
      Account: form_daily.account_name
    note_text: 'The last whole month, whatever days are chosen. Form views: Views of forms.'
    note_state: collapsed
    note_display: hover
    width: 12
    height: 4
    row: 4
    col: 0
  - title: Form submits, last month
    name: Form submits, last month
    model: '@{MODEL}'
    explore: form_daily
    type: single_value
    fields:
    - form_daily.date_month
    - form_daily.form_submits
    - form_daily.form_submits_last_month
    hidden_fields:
    - form_daily.date_month
    sorts:
    - form_daily.form_submits desc
    show_comparison: true
    comparison_type: value
    show_comparison_label: true
    comparison_label: in the month before
    filters:
      form_daily.date_month: 1 month ago
    listen:
      Account: form_daily.account_name
    note_text: 'The last whole month, whatever days are chosen. Form submits: Submissions of forms.'
    note_state: collapsed
    note_display: hover
    width: 12
    height: 4
    row: 4
    col: 12
  - title: Form submissions
    name: Form submissions
    model: '@{MODEL}'
    explore: form_daily
    type: looker_column
    stacking: normal
    fields:
    - form_daily.date_date
    - form_daily.form_submits
    pivots: []
    sorts:
    - form_daily.date_date
    filters: {}
    listen:
      Date: form_daily.date_date
      Account: form_daily.account_name
    note_text: 'Form submits: Submissions of forms.'
    note_state: collapsed
    note_display: hover
    width: 12
    height: 8
    row: 8
    col: 0
  - title: Submit rate of forms
    name: Submit rate of forms
    model: '@{MODEL}'
    explore: form_daily
    type: looker_line
    fields:
    - form_daily.date_date
    - form_daily.form_submit_rate
    pivots: []
    sorts:
    - form_daily.date_date
    filters:
      form_daily.form_views: '>=50'
    listen:
      Date: form_daily.date_date
      Account: form_daily.account_name
    note_text: 'Form submit rate: Form submits / form views.'
    note_state: collapsed
    note_display: hover
    width: 12
    height: 8
    row: 8
    col: 12
  - title: All forms
    name: All forms
    model: '@{MODEL}'
    explore: form_daily
    type: looker_grid
    fields:
    - form_daily.form_id
    - form_daily.form_name
    - form_daily.form_types
    - form_daily.form_status
    - form_daily.is_ab_test
    - form_daily.form_views
    - form_daily.form_submits
    - form_daily.form_submit_rate
    - form_daily.form_close_rate
    hidden_fields:
    - form_daily.form_id
    sorts:
    - form_daily.form_submits desc
    limit: 25
    filters: {}
    listen:
      Date: form_daily.date_date
      Account: form_daily.account_name
    note_text: 'All versions of a form together. Form views: Views of forms. Form submits: Submissions
      of forms. Form submit rate: Form submits / form views. Form close rate: Form closes / form views.'
    note_state: collapsed
    note_display: hover
    width: 24
    height: 12
    row: 16
    col: 0
  - title: Versions of forms
    name: Versions of forms
    model: '@{MODEL}'
    explore: form_version_daily
    type: looker_grid
    fields:
    - form_version_daily.form_id
    - form_version_daily.form_version_id
    - form_version_daily.form_name
    - form_version_daily.version_name
    - form_version_daily.version_type
    - form_version_daily.version_status
    - form_version_daily.form_version_views
    - form_version_daily.form_version_submits
    - form_version_daily.form_version_submit_rate
    - form_version_daily.form_version_close_rate
    hidden_fields:
    - form_version_daily.form_id
    - form_version_daily.form_version_id
    sorts:
    - form_version_daily.form_version_views desc
    limit: 25
    filters: {}
    listen:
      Date: form_version_daily.date_date
      Account: form_version_daily.account_name
    note_text: 'Each version of a form. Versions of an A/B test are shown at the same time; others may
      have been shown on other days. Version views: Views of versions of forms. Version submits: Submissions
      of versions of forms. Version submit rate: Version submits / version views. Version close rate:
      Version closes / version views.'
    note_state: collapsed
    note_display: hover
    width: 24
    height: 12
    row: 28
    col: 0
