# Generated from dbt by `python -m looker build`: refine it in refinements/, do not edit.

view: cohort {
  label: "Cohort"
  sql_table_name: @{SCHEMA}.klaviyo__cohort ;;

  dimension: cohort_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: ${TABLE}.cohort_key ;;
  }

  dimension: account_id {
    hidden: yes
    type: string
    label: "Account id"
    description: "The Klaviyo account."
    sql: ${TABLE}.account_id ;;
  }

  dimension: first_flow_id {
    hidden: yes
    type: string
    label: "First flow id"
    description: "The flow that is credited with the first orders; null unless first_source is flow."
    sql: ${TABLE}.first_flow_id ;;
  }

  dimension: first_list_id {
    hidden: yes
    type: string
    label: "First list id"
    description: "The list that the buyers joined first, before the first order; null if none is known."
    sql: ${TABLE}.first_list_id ;;
  }

  dimension: first_form_id {
    hidden: yes
    type: string
    label: "First form id"
    description: "The sign-up form that the buyers submitted first, before the first order; null if none is known."
    sql: ${TABLE}.first_form_id ;;
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
    description: "ISO 4217 currency of the first orders and of every amount; orders in other currencies add no value."
    sql: ${TABLE}.currency ;;
  }

  dimension: first_source {
    type: string
    label: "First order from"
    description: "Who is credited with the first order, as in klaviyo__attributed_order: flow, campaign or none."
    sql: ${TABLE}.first_source ;;
  }

  dimension: first_flow_name {
    type: string
    label: "First flow"
    description: "Name of that flow."
    sql: ${TABLE}.first_flow_name ;;
  }

  dimension: first_list_name {
    type: string
    label: "First list"
    description: "Name of that list; its id if the list is unknown."
    sql: ${TABLE}.first_list_name ;;
  }

  dimension: first_form_name {
    type: string
    label: "First form"
    description: "Name of that form; its id if the form is unknown."
    sql: ${TABLE}.first_form_name ;;
  }

  dimension_group: first_order_month {
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
    label: "First order"
    description: "First day of the month of the first orders, account time zone."
    sql: ${TABLE}.first_order_month ;;
  }

  measure: cohort_buyers {
    type: sum
    group_label: "Sums"
    label: "First-time buyers"
    description: "People by the month of their first order."
    value_format_name: decimal_0
    drill_fields: [detail*, cohort_buyers]
    sql: ${TABLE}.buyers ;;
  }

  measure: cohort_orders {
    type: sum
    group_label: "Sums"
    label: "Orders of first-time buyers"
    description: "Their orders in the currency of the first, the first included."
    value_format_name: decimal_0
    drill_fields: [detail*, cohort_orders]
    sql: ${TABLE}.orders ;;
  }

  measure: cohort_net_value {
    type: sum
    group_label: "Sums"
    label: "Lifetime value so far"
    description: "Value of all orders of the buyers less refunds until the last sync."
    value_format_name: decimal_2
    required_fields: [currency]
    html: {{ linked_value }} {{ currency._value }} ;;
    drill_fields: [detail*, cohort_net_value]
    sql: ${TABLE}.net_value ;;
  }

  measure: cohort_buyers_30_days {
    type: sum
    group_label: "Sums"
    label: "Buyers observed for 30 days"
    description: "Buyers whose first 30 days are over."
    value_format_name: decimal_0
    drill_fields: [detail*, cohort_buyers_30_days]
    sql: ${TABLE}.buyers_30_days ;;
  }

  measure: repeat_buyers_30_days {
    type: sum
    group_label: "Sums"
    label: "Repeat buyers within 30 days"
    description: "Buyers observed for 30 days with a second order within them."
    value_format_name: decimal_0
    drill_fields: [detail*, repeat_buyers_30_days]
    sql: ${TABLE}.repeat_buyers_30_days ;;
  }

  measure: cohort_buyers_60_days {
    type: sum
    group_label: "Sums"
    label: "Buyers observed for 60 days"
    description: "Buyers whose first 60 days are over."
    value_format_name: decimal_0
    drill_fields: [detail*, cohort_buyers_60_days]
    sql: ${TABLE}.buyers_60_days ;;
  }

  measure: repeat_buyers_60_days {
    type: sum
    group_label: "Sums"
    label: "Repeat buyers within 60 days"
    description: "Buyers observed for 60 days with a second order within them."
    value_format_name: decimal_0
    drill_fields: [detail*, repeat_buyers_60_days]
    sql: ${TABLE}.repeat_buyers_60_days ;;
  }

  measure: cohort_buyers_90_days {
    type: sum
    group_label: "Sums"
    label: "Buyers observed for 90 days"
    description: "Buyers whose first 90 days are over."
    value_format_name: decimal_0
    drill_fields: [detail*, cohort_buyers_90_days]
    sql: ${TABLE}.buyers_90_days ;;
  }

  measure: repeat_buyers_90_days {
    type: sum
    group_label: "Sums"
    label: "Repeat buyers within 90 days"
    description: "Buyers observed for 90 days with a second order within them."
    value_format_name: decimal_0
    drill_fields: [detail*, repeat_buyers_90_days]
    sql: ${TABLE}.repeat_buyers_90_days ;;
  }

  measure: cohort_net_value_90_days {
    type: sum
    group_label: "Sums"
    label: "Value within 90 days"
    description: "Value of the orders less refunds within 90 days of buyers observed for 90 days."
    value_format_name: decimal_2
    required_fields: [currency]
    html: {{ linked_value }} {{ currency._value }} ;;
    drill_fields: [detail*, cohort_net_value_90_days]
    sql: ${TABLE}.net_value_90_days ;;
  }

  measure: repeat_rate_30_days {
    type: number
    group_label: "Ratios"
    label: "Repeat rate within 30 days"
    description: "Repeat buyers within 30 days / buyers observed for 30 days."
    value_format_name: percent_1
    required_fields: [cohort_buyers_30_days]
    html: {% if value and cohort_buyers_30_days._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ cohort_buyers_30_days._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, repeat_buyers_30_days, cohort_buyers_30_days, repeat_rate_30_days]
    sql: 1.0 * ${repeat_buyers_30_days} / NULLIF(${cohort_buyers_30_days}, 0) ;;
  }

  measure: repeat_rate_60_days {
    type: number
    group_label: "Ratios"
    label: "Repeat rate within 60 days"
    description: "Repeat buyers within 60 days / buyers observed for 60 days."
    value_format_name: percent_1
    required_fields: [cohort_buyers_60_days]
    html: {% if value and cohort_buyers_60_days._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ cohort_buyers_60_days._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, repeat_buyers_60_days, cohort_buyers_60_days, repeat_rate_60_days]
    sql: 1.0 * ${repeat_buyers_60_days} / NULLIF(${cohort_buyers_60_days}, 0) ;;
  }

  measure: repeat_rate_90_days {
    type: number
    group_label: "Ratios"
    label: "Repeat rate within 90 days"
    description: "Repeat buyers within 90 days / buyers observed for 90 days."
    value_format_name: percent_1
    required_fields: [cohort_buyers_90_days]
    html: {% if value and cohort_buyers_90_days._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ cohort_buyers_90_days._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, repeat_buyers_90_days, cohort_buyers_90_days, repeat_rate_90_days]
    sql: 1.0 * ${repeat_buyers_90_days} / NULLIF(${cohort_buyers_90_days}, 0) ;;
  }

  measure: lifetime_value_per_buyer {
    type: number
    group_label: "Ratios"
    label: "Lifetime value per buyer so far"
    description: "Lifetime value so far / first-time buyers."
    value_format_name: decimal_2
    required_fields: [currency, cohort_buyers]
    html: {% if value and cohort_buyers._value < 50 %}<span style="color: #80868b">{{ linked_value }} {{ currency._value }} of {{ cohort_buyers._value }}</span>{% else %}{{ linked_value }} {{ currency._value }}{% endif %} ;;
    drill_fields: [detail*, cohort_net_value, cohort_buyers, lifetime_value_per_buyer]
    sql: 1.0 * ${cohort_net_value} / NULLIF(${cohort_buyers}, 0) ;;
  }

  measure: value_per_buyer_90_days {
    type: number
    group_label: "Ratios"
    label: "Value per buyer within 90 days"
    description: "Value within 90 days / buyers observed for 90 days."
    value_format_name: decimal_2
    required_fields: [currency, cohort_buyers_90_days]
    html: {% if value and cohort_buyers_90_days._value < 50 %}<span style="color: #80868b">{{ linked_value }} {{ currency._value }} of {{ cohort_buyers_90_days._value }}</span>{% else %}{{ linked_value }} {{ currency._value }}{% endif %} ;;
    drill_fields: [detail*, cohort_net_value_90_days, cohort_buyers_90_days, value_per_buyer_90_days]
    sql: 1.0 * ${cohort_net_value_90_days} / NULLIF(${cohort_buyers_90_days}, 0) ;;
  }

  set: detail {
    fields: [
      first_order_month_date,
      account_name,
      currency,
      first_source,
      first_flow_name,
      first_list_name,
      first_form_name,
    ]
  }
}
