# Generated from dbt by `python -m looker build`: refine it in refinements/, do not edit.

view: flow_period {
  label: "Flow period"
  sql_table_name: @{SCHEMA}.klaviyo__flow_period ;;

  dimension: flow_period_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: ${TABLE}.flow_period_key ;;
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

  dimension: variation_id {
    hidden: yes
    type: string
    label: "Variation id"
    description: "Version of the message in an A/B test; the empty text if Klaviyo names none."
    sql: ${TABLE}.variation_id ;;
  }

  dimension: conversion_metric_id {
    hidden: yes
    type: string
    label: "Conversion metric id"
    description: "The metric whose events count as conversions."
    sql: ${TABLE}.conversion_metric_id ;;
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

  dimension: message_name {
    type: string
    label: "Message"
    description: "Name of the message."
    sql: ${TABLE}.message_name ;;
  }

  dimension: variation_name {
    type: string
    label: "Variation"
    description: "Name of the version."
    sql: ${TABLE}.variation_name ;;
  }

  dimension: send_channel {
    type: string
    label: "Channel"
    description: "email, sms, push-notification or whatsapp."
    sql: ${TABLE}.send_channel ;;
    html: {% case value %}{% when 'email' %}Email{% when 'sms' %}SMS{% when 'push-notification' %}Push{% when 'whatsapp' %}WhatsApp{% else %}{{ rendered_value }}{% endcase %} ;;
    order_by_field: send_channel_order
  }

  dimension: conversion_metric_name {
    type: string
    label: "Conversion metric"
    description: "Name of the metric whose events count as conversions."
    sql: ${TABLE}.conversion_metric_name ;;
  }

  dimension: tag_names {
    type: string
    label: "Tags"
    description: "Names of the tags, separated by a comma and a space. Commas in a name are written as semicolons."
    sql: ${TABLE}.tag_names ;;
  }

  dimension: is_archived {
    type: yesno
    label: "Archived"
    description: "Whether the flow is archived."
    sql: ${TABLE}.is_archived ;;
  }

  dimension: period_kind {
    type: string
    label: "Period"
    description: "last_7_days, last_30_days, last_90_days or last_365_days, which end on the day of the last sync, or month, a month of the calendar."
    sql: ${TABLE}.period_kind ;;
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
    description: "First send date of the period, account time zone."
    sql: ${TABLE}.period_start ;;
  }

  dimension_group: period_end {
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
    label: "Period end"
    description: "Last send date of the period, account time zone; of the current month, that of the request."
    sql: ${TABLE}.period_end ;;
  }

  measure: period_delivered {
    type: sum
    group_label: "Sums"
    label: "Delivered in the period"
    description: "Messages that arrived."
    value_format_name: decimal_0
    required_fields: [period_kind, period_start_date]
    drill_fields: [detail*, period_delivered]
    sql: ${TABLE}.delivered ;;
  }

  measure: period_openers {
    type: sum
    group_label: "Sums"
    label: "Openers in the period"
    description: "People who opened: Klaviyo's own count for the period, each person once per message."
    value_format_name: decimal_0
    required_fields: [period_kind, period_start_date]
    drill_fields: [detail*, period_openers]
    sql: ${TABLE}.opens_unique ;;
  }

  measure: period_clickers {
    type: sum
    group_label: "Sums"
    label: "Clickers in the period"
    description: "People who clicked: Klaviyo's own count for the period, each person once per message."
    value_format_name: decimal_0
    required_fields: [period_kind, period_start_date]
    drill_fields: [detail*, period_clickers]
    sql: ${TABLE}.clicks_unique ;;
  }

  measure: period_converters {
    type: sum
    group_label: "Sums"
    label: "Converters in the period"
    description: "People with a conversion: Klaviyo's own count for the period, each person once per message."
    value_format_name: decimal_0
    required_fields: [period_kind, period_start_date]
    drill_fields: [detail*, period_converters]
    sql: ${TABLE}.conversion_uniques ;;
  }

  measure: period_unsubscribers {
    type: sum
    group_label: "Sums"
    label: "Unsubscribers in the period"
    description: "People who unsubscribed: Klaviyo's own count for the period, each person once per message."
    value_format_name: decimal_0
    required_fields: [period_kind, period_start_date]
    drill_fields: [detail*, period_unsubscribers]
    sql: ${TABLE}.unsubscribe_uniques ;;
  }

  measure: period_open_tracked_delivered {
    type: sum
    group_label: "Sums"
    label: "Delivered in the period with opens tracked"
    description: "Delivered messages of channels whose opens are counted."
    value_format_name: decimal_0
    required_fields: [period_kind, period_start_date]
    drill_fields: [detail*, period_open_tracked_delivered]
    sql: ${TABLE}.open_tracked_delivered ;;
  }

  measure: period_click_tracked_delivered {
    type: sum
    group_label: "Sums"
    label: "Delivered in the period with clicks tracked"
    description: "Delivered messages of channels whose clicks are counted."
    value_format_name: decimal_0
    required_fields: [period_kind, period_start_date]
    drill_fields: [detail*, period_click_tracked_delivered]
    sql: ${TABLE}.click_tracked_delivered ;;
  }

  measure: period_click_tracked_openers {
    type: sum
    group_label: "Sums"
    label: "Openers in the period with clicks tracked"
    description: "People who opened, of channels whose clicks are counted."
    value_format_name: decimal_0
    required_fields: [period_kind, period_start_date]
    drill_fields: [detail*, period_click_tracked_openers]
    sql: ${TABLE}.click_tracked_opens_unique ;;
  }

  measure: period_open_tracked_clickers {
    type: sum
    group_label: "Sums"
    label: "Clickers in the period with opens tracked"
    description: "People who clicked, of channels whose opens are counted."
    value_format_name: decimal_0
    required_fields: [period_kind, period_start_date]
    drill_fields: [detail*, period_open_tracked_clickers]
    sql: ${TABLE}.open_tracked_clicks_unique ;;
  }

  measure: period_unsubscribe_tracked_delivered {
    type: sum
    group_label: "Sums"
    label: "Delivered in the period with unsubscribes tracked"
    description: "Delivered messages of channels whose unsubscribes are counted."
    value_format_name: decimal_0
    required_fields: [period_kind, period_start_date]
    drill_fields: [detail*, period_unsubscribe_tracked_delivered]
    sql: ${TABLE}.unsubscribe_tracked_delivered ;;
  }

  measure: period_open_rate {
    type: number
    group_label: "Ratios"
    label: "Open rate of the period"
    description: "Openers / delivered in the period, over the channels whose opens are counted."
    value_format_name: percent_1
    required_fields: [period_kind, period_start_date, period_open_tracked_delivered]
    html: {% if value and period_open_tracked_delivered._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ period_open_tracked_delivered._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, period_openers, period_open_tracked_delivered, period_open_rate]
    sql: 1.0 * ${period_openers} / NULLIF(${period_open_tracked_delivered}, 0) ;;
  }

  measure: period_click_rate {
    type: number
    group_label: "Ratios"
    label: "Click rate of the period"
    description: "Clickers / delivered in the period, over the channels whose clicks are counted."
    value_format_name: percent_2
    required_fields: [period_kind, period_start_date, period_click_tracked_delivered]
    html: {% if value and period_click_tracked_delivered._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ period_click_tracked_delivered._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, period_clickers, period_click_tracked_delivered, period_click_rate]
    sql: 1.0 * ${period_clickers} / NULLIF(${period_click_tracked_delivered}, 0) ;;
  }

  measure: period_click_to_open_rate {
    type: number
    group_label: "Ratios"
    label: "Click-to-open rate of the period"
    description: "Clickers / openers in the period, over the channels whose opens and clicks are counted."
    value_format_name: percent_1
    required_fields: [period_kind, period_start_date, period_click_tracked_openers]
    html: {% if value and period_click_tracked_openers._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ period_click_tracked_openers._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, period_open_tracked_clickers, period_click_tracked_openers, period_click_to_open_rate]
    sql: 1.0 * ${period_open_tracked_clickers} / NULLIF(${period_click_tracked_openers}, 0) ;;
  }

  measure: period_conversion_rate {
    type: number
    group_label: "Ratios"
    label: "Conversion rate of the period"
    description: "Converters / delivered in the period."
    value_format_name: percent_2
    required_fields: [period_kind, period_start_date, period_delivered]
    html: {% if value and period_delivered._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ period_delivered._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, period_converters, period_delivered, period_conversion_rate]
    sql: 1.0 * ${period_converters} / NULLIF(${period_delivered}, 0) ;;
  }

  measure: period_unsubscribe_rate {
    type: number
    group_label: "Ratios"
    label: "Unsubscribe rate of the period"
    description: "Unsubscribers / delivered in the period, over the channels whose unsubscribes are counted."
    value_format_name: percent_2
    required_fields: [period_kind, period_start_date, period_unsubscribe_tracked_delivered]
    html: {% if value and period_unsubscribe_tracked_delivered._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ period_unsubscribe_tracked_delivered._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, period_unsubscribers, period_unsubscribe_tracked_delivered, period_unsubscribe_rate]
    sql: 1.0 * ${period_unsubscribers} / NULLIF(${period_unsubscribe_tracked_delivered}, 0) ;;
  }

  set: detail {
    fields: [
      period_start_date,
      account_name,
      currency,
      flow_name,
      message_name,
      variation_name,
      send_channel,
      conversion_metric_name,
      tag_names,
      period_kind,
    ]
  }
}
