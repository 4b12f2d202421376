# Generated from dbt by `python -m looker build`: refine it in refinements/, do not edit.

view: coupon_performance {
  label: "Coupon performance"
  sql_table_name: @{SCHEMA}.klaviyo__coupon_performance ;;

  dimension: coupon_performance_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: ${TABLE}.coupon_performance_key ;;
  }

  dimension: account_id {
    hidden: yes
    type: string
    label: "Account id"
    description: "The Klaviyo account."
    sql: ${TABLE}.account_id ;;
  }

  dimension: coupon_id {
    hidden: yes
    type: string
    label: "Coupon id"
    description: "The coupon."
    sql: ${TABLE}.coupon_id ;;
  }

  dimension: account_name {
    type: string
    label: "Account"
    description: "The company's name."
    sql: ${TABLE}.account_name ;;
  }

  dimension: currency {
    type: string
    label: "Currency"
    description: "ISO 4217 currency of the orders; the account's in the row of the last sync. Do not sum amounts of two currencies."
    sql: ${TABLE}.currency ;;
  }

  dimension: coupon_name {
    type: string
    label: "Coupon"
    description: "The coupon's id in the shop, which is its name in Klaviyo."
    sql: ${TABLE}.coupon_name ;;
  }

  dimension: coupon_description {
    type: string
    label: "Description"
    description: "What the coupon gives."
    sql: ${TABLE}.coupon_description ;;
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
    label: "Order"
    description: "Date of the orders, and of the last sync for the codes, in the account's time zone."
    sql: ${TABLE}.date ;;
  }

  measure: coupon_codes {
    type: sum
    group_label: "Sums"
    label: "Codes"
    description: "Codes of coupons at the last sync; a filter of dates must include its day."
    value_format_name: decimal_0
    drill_fields: [detail*, coupon_codes]
    sql: ${TABLE}.codes ;;
  }

  measure: coupon_codes_issued {
    type: sum
    group_label: "Sums"
    label: "Codes issued"
    description: "Codes that are assigned to a person or used, at the last sync."
    value_format_name: decimal_0
    drill_fields: [detail*, coupon_codes_issued]
    sql: ${TABLE}.codes_issued ;;
  }

  measure: coupon_codes_used {
    type: sum
    group_label: "Sums"
    label: "Codes used"
    description: "Codes that Klaviyo marks as used, at the last sync."
    value_format_name: decimal_0
    drill_fields: [detail*, coupon_codes_used]
    sql: ${TABLE}.codes_used ;;
  }

  measure: coupon_use_share {
    type: number
    group_label: "Ratios"
    label: "Share of issued codes used"
    description: "Codes used / codes issued."
    value_format_name: percent_1
    required_fields: [coupon_codes_issued]
    html: {% if value and coupon_codes_issued._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ coupon_codes_issued._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, coupon_codes_used, coupon_codes_issued, coupon_use_share]
    sql: 1.0 * ${coupon_codes_used} / NULLIF(${coupon_codes_issued}, 0) ;;
  }

  measure: coupon_orders {
    type: sum
    group_label: "Sums"
    label: "Orders with a code"
    description: "Orders in which the buyer entered a code of the coupon."
    value_format_name: decimal_0
    drill_fields: [detail*, coupon_orders]
    sql: ${TABLE}.orders ;;
  }

  measure: klaviyo_coupon_orders {
    type: sum
    group_label: "Sums"
    label: "Orders with a code credited by Klaviyo"
    description: "Orders with a code of the coupon that Klaviyo credits to a message."
    value_format_name: decimal_0
    drill_fields: [detail*, klaviyo_coupon_orders]
    sql: ${TABLE}.klaviyo_orders ;;
  }

  measure: coupon_order_value {
    type: sum
    group_label: "Sums"
    label: "Order value with a code"
    description: "Value of the orders with a code of the coupon, before refunds."
    value_format_name: decimal_2
    required_fields: [currency]
    html: {{ linked_value }} {{ currency._value }} ;;
    drill_fields: [detail*, coupon_order_value]
    sql: ${TABLE}.order_value ;;
  }

  measure: klaviyo_coupon_order_value {
    type: sum
    group_label: "Sums"
    label: "Order value with a code credited by Klaviyo"
    description: "Value of the orders with a code of the coupon that Klaviyo credits to a message."
    value_format_name: decimal_2
    required_fields: [currency]
    html: {{ linked_value }} {{ currency._value }} ;;
    drill_fields: [detail*, klaviyo_coupon_order_value]
    sql: ${TABLE}.klaviyo_order_value ;;
  }

  set: detail {
    fields: [
      date_date,
      account_name,
      currency,
      coupon_name,
      coupon_description,
    ]
  }
}
