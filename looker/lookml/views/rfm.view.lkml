# Generated from dbt by `python -m looker build`: refine it in refinements/, do not edit.

view: rfm {
  label: "Rfm"
  sql_table_name: @{SCHEMA}.klaviyo__rfm ;;

  dimension: rfm_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: ${TABLE}.rfm_key ;;
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
    description: "ISO 4217 currency of the account; orders in other currencies add no value."
    sql: ${TABLE}.currency ;;
  }

  dimension: recency_score {
    type: number
    label: "Recency score"
    description: "3 if the last order is as recent as those of a third of the buyers, 2 of two thirds, else 1."
    sql: ${TABLE}.recency_score ;;
  }

  dimension: frequency_score {
    type: number
    label: "Frequency score"
    description: "The same by the number of orders. Buyers with equal numbers have the lowest score of any of them."
    sql: ${TABLE}.frequency_score ;;
  }

  dimension: monetary_score {
    type: number
    label: "Monetary score"
    description: "The same by the value of all orders less refunds."
    sql: ${TABLE}.monetary_score ;;
  }

  dimension: rfm_group {
    type: string
    label: "RFM group"
    description: "The first that is true: champions (recency 3, frequency 2 or 3, monetary 3), loyal (recency and frequency 2 or 3), recent (recency 3), needs attention (recency 2), at risk (frequency 2 or 3, or monetary 3), inactive."
    sql: ${TABLE}.rfm_group ;;
    html: {% case value %}{% when 'champions' %}Champions{% when 'loyal' %}Loyal{% when 'recent' %}Recent{% when 'needs attention' %}Needs attention{% when 'at risk' %}At risk{% when 'inactive' %}Inactive{% else %}{{ rendered_value }}{% endcase %} ;;
    order_by_field: rfm_group_order
  }

  dimension: previous_rfm_group {
    type: string
    label: "RFM group before"
    description: "The group 30 days (KLAVIYO_RFM_DAYS) before; null if the first order is younger."
    sql: ${TABLE}.previous_rfm_group ;;
  }

  dimension: movement {
    type: string
    label: "Movement"
    description: "new (no order 30 days before), improved or declined (a group that stands earlier or later in the list of rfm_group), or unchanged."
    sql: ${TABLE}.movement ;;
  }

  dimension: rfm_group_order {
    hidden: yes
    type: number
    sql: CASE ${TABLE}.rfm_group WHEN 'champions' THEN 1 WHEN 'loyal' THEN 2 WHEN 'recent' THEN 3 WHEN 'needs attention' THEN 4 WHEN 'at risk' THEN 5 WHEN 'inactive' THEN 6 END ;;
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
    label: "As of"
    description: "Day of the last sync, account time zone, as of which the scores are."
    sql: ${TABLE}.date ;;
  }

  dimension_group: last_ordered {
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
    label: "Last order"
    description: "Day of the last order."
    sql: ${TABLE}.last_ordered_on ;;
  }

  measure: rfm_buyers {
    type: sum
    group_label: "Sums"
    label: "RFM buyers"
    description: "People with an order."
    value_format_name: decimal_0
    drill_fields: [detail*, rfm_buyers]
    sql: ${TABLE}.buyers ;;
  }

  measure: rfm_earlier_buyers {
    type: sum
    group_label: "Sums"
    label: "Buyers 30 days before"
    description: "People with an order 30 days before the last sync."
    value_format_name: decimal_0
    drill_fields: [detail*, rfm_earlier_buyers]
    sql: ${TABLE}.earlier_buyers ;;
  }

  measure: rfm_improved_buyers {
    type: sum
    group_label: "Sums"
    label: "Buyers who improved"
    description: "Buyers who moved to a better RFM group within 30 days."
    value_format_name: decimal_0
    drill_fields: [detail*, rfm_improved_buyers]
    sql: ${TABLE}.improved_buyers ;;
  }

  measure: rfm_declined_buyers {
    type: sum
    group_label: "Sums"
    label: "Buyers who declined"
    description: "Buyers who moved to a worse RFM group within 30 days."
    value_format_name: decimal_0
    drill_fields: [detail*, rfm_declined_buyers]
    sql: ${TABLE}.declined_buyers ;;
  }

  measure: rfm_orders {
    type: sum
    group_label: "Sums"
    label: "Orders of buyers"
    description: "All orders of the buyers among the synced events."
    value_format_name: decimal_0
    drill_fields: [detail*, rfm_orders]
    sql: ${TABLE}.orders ;;
  }

  measure: rfm_net_value {
    type: sum
    group_label: "Sums"
    label: "Value of buyers"
    description: "Value of the buyers' orders less refunds."
    value_format_name: decimal_2
    required_fields: [currency]
    html: {{ linked_value }} {{ currency._value }} ;;
    drill_fields: [detail*, rfm_net_value]
    sql: ${TABLE}.net_value ;;
  }

  measure: rfm_improved_share {
    type: number
    group_label: "Ratios"
    label: "Share of buyers who improved"
    description: "Buyers who improved / buyers 30 days before."
    value_format_name: percent_1
    required_fields: [rfm_earlier_buyers]
    html: {% if value and rfm_earlier_buyers._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ rfm_earlier_buyers._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, rfm_improved_buyers, rfm_earlier_buyers, rfm_improved_share]
    sql: 1.0 * ${rfm_improved_buyers} / NULLIF(${rfm_earlier_buyers}, 0) ;;
  }

  measure: rfm_declined_share {
    type: number
    group_label: "Ratios"
    label: "Share of buyers who declined"
    description: "Buyers who declined / buyers 30 days before."
    value_format_name: percent_1
    required_fields: [rfm_earlier_buyers]
    html: {% if value and rfm_earlier_buyers._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ rfm_earlier_buyers._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, rfm_declined_buyers, rfm_earlier_buyers, rfm_declined_share]
    sql: 1.0 * ${rfm_declined_buyers} / NULLIF(${rfm_earlier_buyers}, 0) ;;
  }

  measure: rfm_value_per_buyer {
    type: number
    group_label: "Ratios"
    label: "Value per buyer"
    description: "Value of buyers / RFM buyers."
    value_format_name: decimal_2
    required_fields: [currency, rfm_buyers]
    html: {% if value and rfm_buyers._value < 50 %}<span style="color: #80868b">{{ linked_value }} {{ currency._value }} of {{ rfm_buyers._value }}</span>{% else %}{{ linked_value }} {{ currency._value }}{% endif %} ;;
    drill_fields: [detail*, rfm_net_value, rfm_buyers, rfm_value_per_buyer]
    sql: 1.0 * ${rfm_net_value} / NULLIF(${rfm_buyers}, 0) ;;
  }

  set: detail {
    fields: [
      date_date,
      account_name,
      currency,
      rfm_group,
      previous_rfm_group,
      movement,
    ]
  }
}
