# Generated from dbt by `python -m looker build`: refine it in refinements/, do not edit.

view: form_daily {
  label: "Form daily"
  sql_table_name: @{SCHEMA}.klaviyo__form_daily ;;

  dimension: form_daily_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: ${TABLE}.form_daily_key ;;
  }

  dimension: account_id {
    hidden: yes
    type: string
    label: "Account id"
    description: "The Klaviyo account."
    sql: ${TABLE}.account_id ;;
  }

  dimension: form_id {
    hidden: yes
    type: string
    label: "Form id"
    description: "The sign-up form."
    sql: ${TABLE}.form_id ;;
  }

  dimension: account_name {
    type: string
    label: "Account"
    description: "The company's name."
    sql: ${TABLE}.account_name ;;
  }

  dimension: form_name {
    type: string
    label: "Form"
    description: "Name of the form; its id if the form is deleted."
    sql: ${TABLE}.form_name ;;
  }

  dimension: form_status {
    type: string
    label: "Form status"
    description: "draft or live; null if the form is deleted."
    sql: ${TABLE}.form_status ;;
    html: {% case value %}{% when 'live' %}Live{% when 'draft' %}Draft{% else %}{{ rendered_value }}{% endcase %} ;;
    order_by_field: form_status_order
  }

  dimension: form_types {
    type: string
    label: "Form type"
    description: "Kinds of its versions, separated by commas: popup, flyout, embed, full_page or banner."
    sql: ${TABLE}.form_types ;;
    html: {% case value %}{% when 'popup' %}Pop-up{% when 'flyout' %}Flyout{% when 'embed' %}Embedded{% when 'full_page' %}Full page{% when 'banner' %}Banner{% else %}{{ rendered_value }}{% endcase %} ;;
    order_by_field: form_types_order
  }

  dimension: is_ab_test {
    type: yesno
    label: "A/B test"
    description: "Whether versions of the form are compared."
    sql: ${TABLE}.is_ab_test ;;
  }

  dimension: is_complete {
    type: yesno
    label: "Complete day"
    description: "Whether the day was over at the last sync."
    sql: ${TABLE}.is_complete ;;
  }

  dimension: form_status_order {
    hidden: yes
    type: number
    sql: CASE ${TABLE}.form_status WHEN 'live' THEN 1 WHEN 'draft' THEN 2 END ;;
  }

  dimension: form_types_order {
    hidden: yes
    type: number
    sql: CASE ${TABLE}.form_types WHEN 'popup' THEN 1 WHEN 'flyout' THEN 2 WHEN 'embed' THEN 3 WHEN 'full_page' THEN 4 WHEN 'banner' THEN 5 END ;;
  }

  dimension_group: date {
    type: time
    datatype: date
    convert_tz: no
    timeframes: [
      date,
      week,
      month,
      quarter,
      year,
      day_of_week,
      week_of_year,
      month_name,
    ]
    label: "Event"
    description: "The day, account time zone."
    sql: ${TABLE}.date ;;
  }

  measure: form_views {
    type: sum
    group_label: "Sums"
    label: "Form views"
    description: "Views of forms."
    value_format_name: decimal_0
    drill_fields: [detail*, form_views]
    sql: ${TABLE}.views ;;
  }

  measure: form_views_last_week {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Form views, one week earlier"
    description: "Form views, one week earlier than the row's day, week, month or year. It needs one of these in the query, at most a week."
    value_format_name: decimal_0
    based_on: form_daily.form_views
    based_on_time: form_daily.date_date
    period: week
    kind: previous
  }

  measure: form_views_change_in_a_week {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Form views, change from one week earlier"
    description: "Form views, change from one week earlier than the row's day, week, month or year. It needs one of these in the query, at most a week."
    value_format_name: percent_1
    based_on: form_daily.form_views
    based_on_time: form_daily.date_date
    period: week
    kind: relative_change
  }

  measure: form_views_last_month {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Form views, one month earlier"
    description: "Form views, one month earlier than the row's day, week, month or year. It needs one of these in the query, at most a month."
    value_format_name: decimal_0
    based_on: form_daily.form_views
    based_on_time: form_daily.date_date
    period: month
    kind: previous
  }

  measure: form_views_change_in_a_month {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Form views, change from one month earlier"
    description: "Form views, change from one month earlier than the row's day, week, month or year. It needs one of these in the query, at most a month."
    value_format_name: percent_1
    based_on: form_daily.form_views
    based_on_time: form_daily.date_date
    period: month
    kind: relative_change
  }

  measure: form_views_last_year {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Form views, one year earlier"
    description: "Form views, one year earlier than the row's day, week, month or year. It needs one of these in the query, at most a year."
    value_format_name: decimal_0
    based_on: form_daily.form_views
    based_on_time: form_daily.date_date
    period: year
    kind: previous
  }

  measure: form_views_change_in_a_year {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Form views, change from one year earlier"
    description: "Form views, change from one year earlier than the row's day, week, month or year. It needs one of these in the query, at most a year."
    value_format_name: percent_1
    based_on: form_daily.form_views
    based_on_time: form_daily.date_date
    period: year
    kind: relative_change
  }

  measure: form_submits {
    type: sum
    group_label: "Sums"
    label: "Form submits"
    description: "Submissions of forms."
    value_format_name: decimal_0
    drill_fields: [detail*, form_submits]
    sql: ${TABLE}.submits ;;
  }

  measure: form_submits_last_week {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Form submits, one week earlier"
    description: "Form submits, one week earlier than the row's day, week, month or year. It needs one of these in the query, at most a week."
    value_format_name: decimal_0
    based_on: form_daily.form_submits
    based_on_time: form_daily.date_date
    period: week
    kind: previous
  }

  measure: form_submits_change_in_a_week {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Form submits, change from one week earlier"
    description: "Form submits, change from one week earlier than the row's day, week, month or year. It needs one of these in the query, at most a week."
    value_format_name: percent_1
    based_on: form_daily.form_submits
    based_on_time: form_daily.date_date
    period: week
    kind: relative_change
  }

  measure: form_submits_last_month {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Form submits, one month earlier"
    description: "Form submits, one month earlier than the row's day, week, month or year. It needs one of these in the query, at most a month."
    value_format_name: decimal_0
    based_on: form_daily.form_submits
    based_on_time: form_daily.date_date
    period: month
    kind: previous
  }

  measure: form_submits_change_in_a_month {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Form submits, change from one month earlier"
    description: "Form submits, change from one month earlier than the row's day, week, month or year. It needs one of these in the query, at most a month."
    value_format_name: percent_1
    based_on: form_daily.form_submits
    based_on_time: form_daily.date_date
    period: month
    kind: relative_change
  }

  measure: form_submits_last_year {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Form submits, one year earlier"
    description: "Form submits, one year earlier than the row's day, week, month or year. It needs one of these in the query, at most a year."
    value_format_name: decimal_0
    based_on: form_daily.form_submits
    based_on_time: form_daily.date_date
    period: year
    kind: previous
  }

  measure: form_submits_change_in_a_year {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Form submits, change from one year earlier"
    description: "Form submits, change from one year earlier than the row's day, week, month or year. It needs one of these in the query, at most a year."
    value_format_name: percent_1
    based_on: form_daily.form_submits
    based_on_time: form_daily.date_date
    period: year
    kind: relative_change
  }

  measure: form_closes {
    type: sum
    group_label: "Sums"
    label: "Form closes"
    description: "Number of times forms were closed."
    value_format_name: decimal_0
    drill_fields: [detail*, form_closes]
    sql: ${TABLE}.closes ;;
  }

  measure: form_qualified_visits {
    type: sum
    group_label: "Sums"
    label: "Visits that qualify for a form"
    description: "Number of times visitors met a form's conditions."
    value_format_name: decimal_0
    drill_fields: [detail*, form_qualified_visits]
    sql: ${TABLE}.qualified_visits ;;
  }

  measure: form_submit_rate {
    type: number
    group_label: "Ratios"
    label: "Form submit rate"
    description: "Form submits / form views."
    value_format_name: percent_2
    required_fields: [form_views]
    html: {% if value and form_views._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ form_views._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, form_submits, form_views, form_submit_rate]
    sql: 1.0 * ${form_submits} / NULLIF(${form_views}, 0) ;;
  }

  measure: form_close_rate {
    type: number
    group_label: "Ratios"
    label: "Form close rate"
    description: "Form closes / form views."
    value_format_name: percent_1
    required_fields: [form_views]
    html: {% if value and form_views._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ form_views._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, form_closes, form_views, form_close_rate]
    sql: 1.0 * ${form_closes} / NULLIF(${form_views}, 0) ;;
  }

  measure: form_view_rate {
    type: number
    group_label: "Ratios"
    label: "Share of qualified visits that see the form"
    description: "Form views / visits that qualify for a form."
    value_format_name: percent_1
    required_fields: [form_qualified_visits]
    html: {% if value and form_qualified_visits._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ form_qualified_visits._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, form_views, form_qualified_visits, form_view_rate]
    sql: 1.0 * ${form_views} / NULLIF(${form_qualified_visits}, 0) ;;
  }

  set: detail {
    fields: [
      date_date,
      account_name,
      form_name,
      form_status,
      form_types,
    ]
  }
}
