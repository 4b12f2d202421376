# Generated from dbt by `python -m looker build`: refine it in refinements/, do not edit.

view: data_health {
  label: "Data health"
  sql_table_name: @{SCHEMA}.klaviyo__data_health ;;

  dimension: data_health_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: ${TABLE}.data_health_key ;;
  }

  dimension: account_id {
    hidden: yes
    type: string
    label: "Account id"
    description: "The Klaviyo account."
    sql: ${TABLE}.account_id ;;
  }

  dimension: table_name {
    type: string
    label: "Table"
    description: "The raw table."
    sql: ${TABLE}.table_name ;;
  }

  dimension: account_name {
    type: string
    label: "Account"
    description: "The company's name."
    sql: ${TABLE}.account_name ;;
  }

  dimension: is_test_account {
    type: yesno
    label: "Test account"
    description: "Whether the account is a test account; the sandbox always is."
    sql: ${TABLE}.is_test_account ;;
  }

  dimension: is_synced {
    type: yesno
    label: "Synced"
    description: "Whether KLAVIYO_TABLES selects the table, a sync has requested it, and the rows that the last sync wrote are there; a table that is missing or not selected counts as empty."
    sql: ${TABLE}.is_synced ;;
  }

  dimension_group: last_synced {
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
    label: "Last sync"
    description: "Date of the account's last sync, of any table, in its time zone: its current day. Days before it are complete."
    sql: ${TABLE}.last_synced_on ;;
  }

  measure: raw_rows {
    type: sum
    group_label: "Sums"
    label: "Rows"
    description: "Rows that are not deleted."
    value_format_name: decimal_0
    drill_fields: [detail*, raw_rows]
    sql: ${TABLE}.row_count ;;
  }

  measure: rows_refused {
    type: sum
    group_label: "Sums"
    label: "Records refused"
    description: "Records that could not be stored."
    value_format_name: decimal_0
    drill_fields: [detail*, rows_refused]
    sql: ${TABLE}.rows_refused ;;
  }

  measure: rows_compared {
    type: sum
    group_label: "Sums"
    label: "Compared with Klaviyo"
    description: "Days and messages that were compared with Klaviyo's own count; none unless event is synced."
    value_format_name: decimal_0
    drill_fields: [detail*, rows_compared]
    sql: ${TABLE}.rows_compared ;;
  }

  measure: rows_different {
    type: sum
    group_label: "Sums"
    label: "Different from Klaviyo"
    description: "Days and messages that differ from Klaviyo's own count; none are compared unless event is synced."
    value_format_name: decimal_0
    drill_fields: [detail*, rows_different]
    sql: ${TABLE}.rows_different ;;
  }

  measure: last_requests {
    type: sum
    group_label: "Sums"
    label: "Requests of the last sync"
    description: "Requests of the last sync."
    value_format_name: decimal_0
    drill_fields: [detail*, last_requests]
    sql: ${TABLE}.last_requests ;;
  }

  measure: last_rows_written {
    type: sum
    group_label: "Sums"
    label: "Rows written by the last sync"
    description: "Rows that the last sync wrote."
    value_format_name: decimal_0
    drill_fields: [detail*, last_rows_written]
    sql: ${TABLE}.last_rows_written ;;
  }

  measure: report_quota_used_today {
    type: sum
    group_label: "Sums"
    label: "Report requests today"
    description: "Report requests of today, account time zone."
    value_format_name: decimal_0
    drill_fields: [detail*, report_quota_used_today]
    sql: ${TABLE}.report_quota_used_today ;;
  }

  measure: report_quota {
    type: sum
    group_label: "Sums"
    label: "Report requests allowed"
    description: "Report requests that Klaviyo allows per day."
    value_format_name: decimal_0
    drill_fields: [detail*, report_quota]
    sql: ${TABLE}.report_quota ;;
  }

  measure: report_quota_share {
    type: number
    group_label: "Ratios"
    label: "Share of all report quotas"
    description: "Report requests today / report requests allowed, over all reports together; by table, of one report."
    value_format_name: percent_1
    required_fields: [report_quota]
    html: {% if value and report_quota._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ report_quota._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, report_quota_used_today, report_quota, report_quota_share]
    sql: 1.0 * ${report_quota_used_today} / NULLIF(${report_quota}, 0) ;;
  }

  set: detail {
    fields: [last_synced_date, table_name, account_name]
  }
}
