# Generated from dbt by `python -m looker build`: refine it in refinements/, do not edit.

view: account_daily {
  label: "Account daily"
  sql_table_name: @{SCHEMA}.klaviyo__account_daily ;;

  dimension: account_daily_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: ${TABLE}.account_daily_key ;;
  }

  dimension: account_id {
    hidden: yes
    type: string
    label: "Account id"
    description: "The Klaviyo account."
    sql: ${TABLE}.account_id ;;
  }

  dimension: account_name {
    type: string
    label: "Account"
    description: "The company's name."
    sql: ${TABLE}.account_name ;;
  }

  dimension: account_currency {
    type: string
    label: "Account currency"
    description: "ISO 4217 currency of the account, from which amounts are converted."
    sql: ${TABLE}.account_currency ;;
  }

  dimension: currency {
    type: string
    label: "Currency"
    description: "ISO 4217 currency of every amount of the row: the reporting currency, or the account's if none is set."
    sql: ${TABLE}.currency ;;
  }

  dimension_group: sent {
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
    label: "Send"
    description: "Date of the send in the account's time zone."
    sql: ${TABLE}.sent_on ;;
  }

  measure: account_recipients {
    type: sum
    group_label: "Sums"
    label: "Recipients of accounts"
    description: "Recipients of campaigns and flows."
    value_format_name: decimal_0
    drill_fields: [detail*, account_recipients]
    sql: ${TABLE}.recipients ;;
  }

  measure: account_delivered {
    type: sum
    group_label: "Sums"
    label: "Deliveries of accounts"
    description: "Deliveries of campaigns and flows."
    value_format_name: decimal_0
    drill_fields: [detail*, account_delivered]
    sql: ${TABLE}.delivered ;;
  }

  measure: account_conversions {
    type: sum
    group_label: "Sums"
    label: "Conversions of accounts"
    description: "Conversions of campaigns and flows."
    value_format_name: decimal_0
    drill_fields: [detail*, account_conversions]
    sql: ${TABLE}.conversions ;;
  }

  measure: account_revenue {
    type: sum
    group_label: "Sums"
    label: "Revenue of accounts"
    description: "Value of conversions in the reporting currency."
    value_format_name: decimal_2
    required_fields: [currency]
    html: {{ linked_value }} {{ currency._value }} ;;
    drill_fields: [detail*, account_revenue]
    sql: ${TABLE}.conversion_value ;;
  }

  measure: account_campaign_revenue {
    type: sum
    group_label: "Sums"
    label: "Campaign revenue of accounts"
    description: "Value of conversions of campaigns in the reporting currency."
    value_format_name: decimal_2
    required_fields: [currency]
    html: {{ linked_value }} {{ currency._value }} ;;
    drill_fields: [detail*, account_campaign_revenue]
    sql: ${TABLE}.campaign_conversion_value ;;
  }

  measure: account_flow_revenue {
    type: sum
    group_label: "Sums"
    label: "Flow revenue of accounts"
    description: "Value of conversions of flows in the reporting currency."
    value_format_name: decimal_2
    required_fields: [currency]
    html: {{ linked_value }} {{ currency._value }} ;;
    drill_fields: [detail*, account_flow_revenue]
    sql: ${TABLE}.flow_conversion_value ;;
  }

  measure: days_without_rate {
    type: sum
    group_label: "Sums"
    label: "Days without a rate"
    description: "Days of accounts whose value no rate converts; revenue of accounts lacks them."
    value_format_name: decimal_0
    drill_fields: [detail*, days_without_rate]
    sql: ${TABLE}.days_without_rate ;;
  }

  set: detail {
    fields: [sent_date, account_name, account_currency, currency]
  }
}
