# Generated from dbt by `python -m looker build`: refine it in refinements/, do not edit.

view: form_version_daily {
  label: "Form version daily"
  sql_table_name: @{SCHEMA}.klaviyo__form_version_daily ;;

  dimension: form_version_daily_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: ${TABLE}.form_version_daily_key ;;
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

  dimension: form_version_id {
    hidden: yes
    type: string
    label: "Version id"
    description: "The version."
    sql: ${TABLE}.form_version_id ;;
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

  dimension: version_name {
    type: string
    label: "Version"
    description: "Name of the version; its id if the version is deleted."
    sql: ${TABLE}.version_name ;;
  }

  dimension: version_type {
    type: string
    label: "Version type"
    description: "popup, flyout, embed, full_page or banner; null if the version is deleted."
    sql: ${TABLE}.version_type ;;
    html: {% case value %}{% when 'popup' %}Pop-up{% when 'flyout' %}Flyout{% when 'embed' %}Embedded{% when 'full_page' %}Full page{% when 'banner' %}Banner{% else %}{{ rendered_value }}{% endcase %} ;;
    order_by_field: version_type_order
  }

  dimension: version_status {
    type: string
    label: "Version status"
    description: "draft or live; null if the version is deleted."
    sql: ${TABLE}.version_status ;;
    html: {% case value %}{% when 'live' %}Live{% when 'draft' %}Draft{% else %}{{ rendered_value }}{% endcase %} ;;
    order_by_field: version_status_order
  }

  dimension: is_complete {
    type: yesno
    label: "Complete day"
    description: "Whether the day was over at the last sync."
    sql: ${TABLE}.is_complete ;;
  }

  dimension: version_type_order {
    hidden: yes
    type: number
    sql: CASE ${TABLE}.version_type WHEN 'popup' THEN 1 WHEN 'flyout' THEN 2 WHEN 'embed' THEN 3 WHEN 'full_page' THEN 4 WHEN 'banner' THEN 5 END ;;
  }

  dimension: version_status_order {
    hidden: yes
    type: number
    sql: CASE ${TABLE}.version_status WHEN 'live' THEN 1 WHEN 'draft' THEN 2 END ;;
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

  measure: form_version_views {
    type: sum
    group_label: "Sums"
    label: "Version views"
    description: "Views of versions of forms."
    value_format_name: decimal_0
    drill_fields: [detail*, form_version_views]
    sql: ${TABLE}.views ;;
  }

  measure: form_version_submits {
    type: sum
    group_label: "Sums"
    label: "Version submits"
    description: "Submissions of versions of forms."
    value_format_name: decimal_0
    drill_fields: [detail*, form_version_submits]
    sql: ${TABLE}.submits ;;
  }

  measure: form_version_closes {
    type: sum
    group_label: "Sums"
    label: "Version closes"
    description: "Number of times versions of forms were closed."
    value_format_name: decimal_0
    drill_fields: [detail*, form_version_closes]
    sql: ${TABLE}.closes ;;
  }

  measure: form_version_submit_rate {
    type: number
    group_label: "Ratios"
    label: "Version submit rate"
    description: "Version submits / version views."
    value_format_name: percent_2
    required_fields: [form_version_views]
    html: {% if value and form_version_views._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ form_version_views._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, form_version_submits, form_version_views, form_version_submit_rate]
    sql: 1.0 * ${form_version_submits} / NULLIF(${form_version_views}, 0) ;;
  }

  measure: form_version_close_rate {
    type: number
    group_label: "Ratios"
    label: "Version close rate"
    description: "Version closes / version views."
    value_format_name: percent_1
    required_fields: [form_version_views]
    html: {% if value and form_version_views._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ form_version_views._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, form_version_closes, form_version_views, form_version_close_rate]
    sql: 1.0 * ${form_version_closes} / NULLIF(${form_version_views}, 0) ;;
  }

  set: detail {
    fields: [
      date_date,
      account_name,
      form_name,
      version_name,
      version_type,
      version_status,
    ]
  }
}
