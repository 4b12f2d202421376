# Generated from dbt by `python -m looker build`: refine it in refinements/, do not edit.

view: flow_step {
  label: "Flow step"
  sql_table_name: @{SCHEMA}.klaviyo__flow_step ;;

  dimension: flow_step_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: ${TABLE}.flow_step_key ;;
  }

  dimension: account_id {
    hidden: yes
    type: string
    label: "Account id"
    description: "The Klaviyo account."
    sql: ${TABLE}.account_id ;;
  }

  dimension: flow_id {
    hidden: yes
    type: string
    label: "Flow id"
    description: "The flow."
    sql: ${TABLE}.flow_id ;;
  }

  dimension: message_id {
    hidden: yes
    type: string
    label: "Message id"
    description: "The message of the flow."
    sql: ${TABLE}.message_id ;;
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

  dimension: flow_name {
    type: string
    label: "Flow"
    description: "Name of the flow."
    sql: ${TABLE}.flow_name ;;
  }

  dimension: step_number {
    type: number
    label: "Step"
    description: "1 for the flow's first message; the messages of two branches may have the same. Null if Klaviyo's definition does not connect the flow's steps, or lacks the message."
    value_format_name: decimal_0
    sql: ${TABLE}.step_number ;;
  }

  dimension: message_name {
    type: string
    label: "Message"
    description: "Name of the message."
    sql: ${TABLE}.message_name ;;
  }

  dimension: send_channel {
    type: string
    label: "Channel"
    description: "email, sms, push-notification or whatsapp."
    sql: ${TABLE}.send_channel ;;
    html: {% case value %}{% when 'email' %}Email{% when 'sms' %}SMS{% when 'push-notification' %}Push{% when 'whatsapp' %}WhatsApp{% else %}{{ rendered_value }}{% endcase %} ;;
    order_by_field: send_channel_order
  }

  dimension: period_kind {
    type: string
    label: "Period"
    description: "last_7_days, last_30_days, last_90_days or last_365_days, which end on the day of the last sync, or month, a month of the calendar."
    sql: ${TABLE}.period_kind ;;
  }

  dimension: is_final {
    type: yesno
    label: "Final"
    description: "Whether the period's last day is more than 5 days (KLAVIYO_ATTRIBUTION_DAYS) before the last sync. Until then Klaviyo still credits its sends with orders."
    sql: ${TABLE}.is_final ;;
  }

  dimension: send_channel_order {
    hidden: yes
    type: number
    sql: CASE ${TABLE}.send_channel WHEN 'email' THEN 1 WHEN 'sms' THEN 2 WHEN 'push-notification' THEN 3 WHEN 'whatsapp' THEN 4 END ;;
  }

  dimension_group: period_start {
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
    label: "Period start"
    description: "First day of the period, account time zone."
    sql: ${TABLE}.period_start ;;
  }

  measure: step_delivered {
    type: sum
    group_label: "Sums"
    label: "Step delivered"
    description: "Messages of flow steps that arrived."
    value_format_name: decimal_0
    required_fields: [period_kind, period_start_date]
    drill_fields: [detail*, step_delivered]
    sql: ${TABLE}.delivered ;;
  }

  measure: step_openers {
    type: sum
    group_label: "Sums"
    label: "Step openers"
    description: "People who opened a flow step, once in the period."
    value_format_name: decimal_0
    required_fields: [period_kind, period_start_date]
    drill_fields: [detail*, step_openers]
    sql: ${TABLE}.opens_unique ;;
  }

  measure: step_clickers {
    type: sum
    group_label: "Sums"
    label: "Step clickers"
    description: "People who clicked in a flow step, once in the period."
    value_format_name: decimal_0
    required_fields: [period_kind, period_start_date]
    drill_fields: [detail*, step_clickers]
    sql: ${TABLE}.clicks_unique ;;
  }

  measure: step_orders {
    type: sum
    group_label: "Sums"
    label: "Step orders"
    description: "Orders that Klaviyo credits to flow steps."
    value_format_name: decimal_0
    required_fields: [period_kind, period_start_date]
    drill_fields: [detail*, step_orders]
    sql: ${TABLE}.conversions ;;
  }

  measure: step_revenue {
    type: sum
    group_label: "Sums"
    label: "Step revenue"
    description: "Value of the orders that Klaviyo credits to flow steps."
    value_format_name: decimal_2
    required_fields: [period_kind, period_start_date, currency]
    html: {{ linked_value }} {{ currency._value }} ;;
    drill_fields: [detail*, step_revenue]
    sql: ${TABLE}.conversion_value ;;
  }

  measure: step_open_sample {
    type: sum
    group_label: "Sums"
    label: "Step delivered with opens tracked"
    description: "Messages of flow steps that arrived, on channels whose opens are counted."
    value_format_name: decimal_0
    required_fields: [period_kind, period_start_date]
    drill_fields: [detail*, step_open_sample]
    sql: ${TABLE}.open_tracked_delivered ;;
  }

  measure: step_click_sample {
    type: sum
    group_label: "Sums"
    label: "Step delivered with clicks tracked"
    description: "Messages of flow steps that arrived, on channels whose clicks are counted."
    value_format_name: decimal_0
    required_fields: [period_kind, period_start_date]
    drill_fields: [detail*, step_click_sample]
    sql: ${TABLE}.click_tracked_delivered ;;
  }

  measure: largest_step_delivered {
    type: sum
    group_label: "Sums"
    label: "Largest step delivered"
    description: "Messages that arrived of the flow's step that most people got, once for each step that is shown."
    value_format_name: decimal_0
    required_fields: [period_kind, period_start_date]
    drill_fields: [detail*, largest_step_delivered]
    sql: ${TABLE}.largest_step_delivered ;;
  }

  measure: step_share_of_largest {
    type: number
    group_label: "Ratios"
    label: "Share of the largest step"
    description: "Step delivered / largest step delivered, by flow and step. The largest is not always the first, which may be on a channel that few people have, such as push."
    value_format_name: percent_1
    required_fields: [period_kind, period_start_date, largest_step_delivered]
    html: {% if value and largest_step_delivered._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ largest_step_delivered._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, step_delivered, largest_step_delivered, step_share_of_largest]
    sql: 1.0 * ${step_delivered} / NULLIF(${largest_step_delivered}, 0) ;;
  }

  measure: step_open_rate {
    type: number
    group_label: "Ratios"
    label: "Step open rate"
    description: "Step openers / step delivered with opens tracked."
    value_format_name: percent_1
    required_fields: [period_kind, period_start_date, step_open_sample]
    html: {% if value and step_open_sample._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ step_open_sample._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, step_openers, step_open_sample, step_open_rate]
    sql: 1.0 * ${step_openers} / NULLIF(${step_open_sample}, 0) ;;
  }

  measure: step_click_rate {
    type: number
    group_label: "Ratios"
    label: "Step click rate"
    description: "Step clickers / step delivered with clicks tracked."
    value_format_name: percent_2
    required_fields: [period_kind, period_start_date, step_click_sample]
    html: {% if value and step_click_sample._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ step_click_sample._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, step_clickers, step_click_sample, step_click_rate]
    sql: 1.0 * ${step_clickers} / NULLIF(${step_click_sample}, 0) ;;
  }

  set: detail {
    fields: [
      period_start_date,
      account_name,
      currency,
      flow_name,
      message_name,
      send_channel,
      period_kind,
    ]
  }
}
