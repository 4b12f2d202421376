# Generated from dbt by `python -m looker build`: refine it in refinements/, do not edit.

view: revenue_daily {
  label: "Revenue daily"
  sql_table_name: @{SCHEMA}.klaviyo__revenue_daily ;;

  dimension: revenue_daily_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: ${TABLE}.revenue_daily_key ;;
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

  dimension: currency {
    type: string
    label: "Currency"
    description: "ISO 4217 currency of every amount of the row. Do not sum amounts of two currencies."
    sql: ${TABLE}.currency ;;
  }

  dimension: is_complete {
    type: yesno
    label: "Complete day"
    description: "Whether the day was over at the last sync. Events may still arrive for a week."
    sql: ${TABLE}.is_complete ;;
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
    description: "Date of the orders and refunds in the account's time zone."
    sql: ${TABLE}.date ;;
  }

  measure: shop_orders {
    type: sum
    group_label: "Sums"
    label: "Shop orders"
    description: "Orders of the shop, credited to a message or not."
    value_format_name: decimal_0
    drill_fields: [detail*, shop_orders]
    sql: ${TABLE}.orders ;;
  }

  measure: shop_orders_last_week {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Shop orders, one week earlier"
    description: "Shop orders, one week earlier than the row's day, week, month or year. It needs one of these in the query, at most a week."
    value_format_name: decimal_0
    based_on: revenue_daily.shop_orders
    based_on_time: revenue_daily.date_date
    period: week
    kind: previous
  }

  measure: shop_orders_change_in_a_week {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Shop orders, change from one week earlier"
    description: "Shop orders, change from one week earlier than the row's day, week, month or year. It needs one of these in the query, at most a week."
    value_format_name: percent_1
    based_on: revenue_daily.shop_orders
    based_on_time: revenue_daily.date_date
    period: week
    kind: relative_change
  }

  measure: shop_orders_last_month {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Shop orders, one month earlier"
    description: "Shop orders, one month earlier than the row's day, week, month or year. It needs one of these in the query, at most a month."
    value_format_name: decimal_0
    based_on: revenue_daily.shop_orders
    based_on_time: revenue_daily.date_date
    period: month
    kind: previous
  }

  measure: shop_orders_change_in_a_month {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Shop orders, change from one month earlier"
    description: "Shop orders, change from one month earlier than the row's day, week, month or year. It needs one of these in the query, at most a month."
    value_format_name: percent_1
    based_on: revenue_daily.shop_orders
    based_on_time: revenue_daily.date_date
    period: month
    kind: relative_change
  }

  measure: shop_orders_last_year {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Shop orders, one year earlier"
    description: "Shop orders, one year earlier than the row's day, week, month or year. It needs one of these in the query, at most a year."
    value_format_name: decimal_0
    based_on: revenue_daily.shop_orders
    based_on_time: revenue_daily.date_date
    period: year
    kind: previous
  }

  measure: shop_orders_change_in_a_year {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Shop orders, change from one year earlier"
    description: "Shop orders, change from one year earlier than the row's day, week, month or year. It needs one of these in the query, at most a year."
    value_format_name: percent_1
    based_on: revenue_daily.shop_orders
    based_on_time: revenue_daily.date_date
    period: year
    kind: relative_change
  }

  measure: shop_revenue {
    type: sum
    group_label: "Sums"
    label: "Shop revenue"
    description: "Value of the shop's orders, before refunds."
    value_format_name: decimal_2
    required_fields: [currency]
    html: {{ linked_value }} {{ currency._value }} ;;
    drill_fields: [detail*, shop_revenue]
    sql: ${TABLE}.order_value ;;
  }

  measure: shop_revenue_last_week {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Shop revenue, one week earlier"
    description: "Shop revenue, one week earlier than the row's day, week, month or year. It needs one of these in the query, at most a week."
    value_format_name: decimal_2
    required_fields: [currency]
    based_on: revenue_daily.shop_revenue
    based_on_time: revenue_daily.date_date
    period: week
    kind: previous
  }

  measure: shop_revenue_change_in_a_week {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Shop revenue, change from one week earlier"
    description: "Shop revenue, change from one week earlier than the row's day, week, month or year. It needs one of these in the query, at most a week."
    value_format_name: percent_1
    required_fields: [currency]
    based_on: revenue_daily.shop_revenue
    based_on_time: revenue_daily.date_date
    period: week
    kind: relative_change
  }

  measure: shop_revenue_last_month {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Shop revenue, one month earlier"
    description: "Shop revenue, one month earlier than the row's day, week, month or year. It needs one of these in the query, at most a month."
    value_format_name: decimal_2
    required_fields: [currency]
    based_on: revenue_daily.shop_revenue
    based_on_time: revenue_daily.date_date
    period: month
    kind: previous
  }

  measure: shop_revenue_change_in_a_month {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Shop revenue, change from one month earlier"
    description: "Shop revenue, change from one month earlier than the row's day, week, month or year. It needs one of these in the query, at most a month."
    value_format_name: percent_1
    required_fields: [currency]
    based_on: revenue_daily.shop_revenue
    based_on_time: revenue_daily.date_date
    period: month
    kind: relative_change
  }

  measure: shop_revenue_last_year {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Shop revenue, one year earlier"
    description: "Shop revenue, one year earlier than the row's day, week, month or year. It needs one of these in the query, at most a year."
    value_format_name: decimal_2
    required_fields: [currency]
    based_on: revenue_daily.shop_revenue
    based_on_time: revenue_daily.date_date
    period: year
    kind: previous
  }

  measure: shop_revenue_change_in_a_year {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Shop revenue, change from one year earlier"
    description: "Shop revenue, change from one year earlier than the row's day, week, month or year. It needs one of these in the query, at most a year."
    value_format_name: percent_1
    required_fields: [currency]
    based_on: revenue_daily.shop_revenue
    based_on_time: revenue_daily.date_date
    period: year
    kind: relative_change
  }

  measure: shop_refunds {
    type: sum
    group_label: "Sums"
    label: "Shop refunds"
    description: "Value of the shop's refunds, negative."
    value_format_name: decimal_2
    required_fields: [currency]
    html: {{ linked_value }} {{ currency._value }} ;;
    drill_fields: [detail*, shop_refunds]
    sql: ${TABLE}.refund_value ;;
  }

  measure: shop_net_revenue {
    type: sum
    group_label: "Sums"
    label: "Shop revenue less refunds"
    description: "Value of the shop's orders less refunds."
    value_format_name: decimal_2
    required_fields: [currency]
    html: {{ linked_value }} {{ currency._value }} ;;
    drill_fields: [detail*, shop_net_revenue]
    sql: ${TABLE}.net_value ;;
  }

  measure: credited_revenue {
    type: sum
    group_label: "Sums"
    label: "Credited revenue"
    description: "Value of the orders that Klaviyo credits to a message, by order date."
    value_format_name: decimal_2
    required_fields: [currency]
    html: {{ linked_value }} {{ currency._value }} ;;
    drill_fields: [detail*, credited_revenue]
    sql: ${TABLE}.credited_order_value ;;
  }

  measure: credited_net_revenue {
    type: sum
    group_label: "Sums"
    label: "Credited revenue less refunds"
    description: "Value of the orders less that of the refunds that Klaviyo credits to a message."
    value_format_name: decimal_2
    required_fields: [currency]
    html: {{ linked_value }} {{ currency._value }} ;;
    drill_fields: [detail*, credited_net_revenue]
    sql: ${TABLE}.credited_net_value ;;
  }

  measure: campaign_revenue {
    type: sum
    group_label: "Sums"
    label: "Revenue of campaigns by order date"
    description: "Value of the orders that Klaviyo credits to a campaign."
    value_format_name: decimal_2
    required_fields: [currency]
    html: {{ linked_value }} {{ currency._value }} ;;
    drill_fields: [detail*, campaign_revenue]
    sql: ${TABLE}.campaign_order_value ;;
  }

  measure: flow_revenue {
    type: sum
    group_label: "Sums"
    label: "Revenue of flows by order date"
    description: "Value of the orders that Klaviyo credits to a flow."
    value_format_name: decimal_2
    required_fields: [currency]
    html: {{ linked_value }} {{ currency._value }} ;;
    drill_fields: [detail*, flow_revenue]
    sql: ${TABLE}.flow_order_value ;;
  }

  measure: credited_revenue_share {
    type: number
    group_label: "Ratios"
    label: "Credited share of shop revenue"
    description: "Credited revenue / shop revenue."
    value_format_name: percent_1
    required_fields: [currency]
    drill_fields: [detail*, credited_revenue, shop_revenue, credited_revenue_share]
    sql: 1.0 * ${credited_revenue} / NULLIF(${shop_revenue}, 0) ;;
  }

  measure: credited_net_revenue_share {
    type: number
    group_label: "Ratios"
    label: "Credited share less refunds"
    description: "Credited revenue less refunds / shop revenue less refunds."
    value_format_name: percent_1
    required_fields: [currency]
    drill_fields: [detail*, credited_net_revenue, shop_net_revenue, credited_net_revenue_share]
    sql: 1.0 * ${credited_net_revenue} / NULLIF(${shop_net_revenue}, 0) ;;
  }

  measure: campaign_revenue_share {
    type: number
    group_label: "Ratios"
    label: "Campaigns' share of shop revenue"
    description: "Revenue of campaigns by order date / shop revenue."
    value_format_name: percent_1
    required_fields: [currency]
    drill_fields: [detail*, campaign_revenue, shop_revenue, campaign_revenue_share]
    sql: 1.0 * ${campaign_revenue} / NULLIF(${shop_revenue}, 0) ;;
  }

  measure: flow_revenue_share {
    type: number
    group_label: "Ratios"
    label: "Flows' share of shop revenue"
    description: "Revenue of flows by order date / shop revenue."
    value_format_name: percent_1
    required_fields: [currency]
    drill_fields: [detail*, flow_revenue, shop_revenue, flow_revenue_share]
    sql: 1.0 * ${flow_revenue} / NULLIF(${shop_revenue}, 0) ;;
  }

  measure: shop_order_size {
    type: number
    group_label: "Ratios"
    label: "Value of a shop order"
    description: "Shop revenue / shop orders."
    value_format_name: decimal_2
    required_fields: [currency, shop_orders]
    html: {% if value and shop_orders._value < 50 %}<span style="color: #80868b">{{ linked_value }} {{ currency._value }} of {{ shop_orders._value }}</span>{% else %}{{ linked_value }} {{ currency._value }}{% endif %} ;;
    drill_fields: [detail*, shop_revenue, shop_orders, shop_order_size]
    sql: 1.0 * ${shop_revenue} / NULLIF(${shop_orders}, 0) ;;
  }

  set: detail {
    fields: [date_date, account_name, currency]
  }
}
