# Generated from dbt by `python -m looker build`: refine it in refinements/, do not edit.

view: campaign_daily {
  label: "Campaign daily"
  sql_table_name: @{SCHEMA}.klaviyo__campaign_daily ;;

  dimension: campaign_daily_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: ${TABLE}.campaign_daily_key ;;
  }

  dimension: account_id {
    hidden: yes
    type: string
    label: "Account id"
    description: "The Klaviyo account."
    sql: ${TABLE}.account_id ;;
  }

  dimension: campaign_id {
    hidden: yes
    type: string
    label: "Campaign id"
    description: "The campaign."
    sql: ${TABLE}.campaign_id ;;
  }

  dimension: message_id {
    hidden: yes
    type: string
    label: "Message id"
    description: "The message of the campaign or flow; the id of the campaign where Klaviyo's report names only the campaign and that has several messages."
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

  dimension: campaign_name {
    type: string
    label: "Campaign"
    description: "Name of the campaign."
    sql: ${TABLE}.campaign_name ;;

    link: {
      label: "Campaign dashboard"
      url: "/dashboards/{{ _model._name }}::klaviyo_campaign?Account={{ account_name._filterable_value | url_encode }}&Campaign={{ campaign_name._filterable_value | url_encode }}&Campaign%20id={{ campaign_id._filterable_value | url_encode }}"
    }

    link: {
      label: "Open in Klaviyo"
      url: "https://www.klaviyo.com/campaign/{{ campaign_id._value | url_encode }}"
    }
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

  dimension: subject_line {
    type: string
    label: "Subject line"
    description: "Subject of an email, title of a push message or the first 80 characters of a text message. In marts Klaviyo's template tags are words: [first name]."
    sql: ${TABLE}.subject_line ;;
  }

  dimension: age {
    type: number
    label: "Days since the send"
    description: "Days from the send to the day of the snapshot; 0 on the day of the send."
    sql: ${TABLE}.age ;;
  }

  dimension: is_first_snapshot {
    type: yesno
    label: "First snapshot"
    description: "Whether it is the message's first snapshot. If the message was sent more than a day before it, what the day added is null."
    sql: ${TABLE}.is_first_snapshot ;;
  }

  dimension: is_restated {
    type: yesno
    label: "Restated"
    description: "Whether Klaviyo lowered a number since the previous snapshot; the day's change is negative then."
    sql: ${TABLE}.is_restated ;;
  }

  dimension: send_channel_order {
    hidden: yes
    type: number
    sql: CASE ${TABLE}.send_channel WHEN 'email' THEN 1 WHEN 'sms' THEN 2 WHEN 'push-notification' THEN 3 WHEN 'whatsapp' THEN 4 END ;;
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
    label: "Day of change"
    description: "Day of the snapshot, account time zone."
    sql: ${TABLE}.date ;;
  }

  measure: day_delivered {
    type: sum
    group_label: "Sums"
    label: "Delivered that day"
    description: "Messages that the day added to those delivered."
    value_format_name: decimal_0
    drill_fields: [detail*, day_delivered]
    sql: ${TABLE}.delivered ;;
  }

  measure: day_opens_unique {
    type: sum
    group_label: "Sums"
    label: "Unique opens that day"
    description: "Recipients who opened, added by the day."
    value_format_name: decimal_0
    drill_fields: [detail*, day_opens_unique]
    sql: ${TABLE}.opens_unique ;;
  }

  measure: day_clicks_unique {
    type: sum
    group_label: "Sums"
    label: "Unique clicks that day"
    description: "Recipients who clicked, added by the day."
    value_format_name: decimal_0
    drill_fields: [detail*, day_clicks_unique]
    sql: ${TABLE}.clicks_unique ;;
  }

  measure: day_unsubscribe_uniques {
    type: sum
    group_label: "Sums"
    label: "Unsubscribes that day"
    description: "Recipients who unsubscribed, added by the day."
    value_format_name: decimal_0
    drill_fields: [detail*, day_unsubscribe_uniques]
    sql: ${TABLE}.unsubscribe_uniques ;;
  }

  measure: day_conversions {
    type: sum
    group_label: "Sums"
    label: "Conversions that day"
    description: "Conversions added by the day."
    value_format_name: decimal_0
    drill_fields: [detail*, day_conversions]
    sql: ${TABLE}.conversions ;;
  }

  measure: day_conversion_value {
    type: sum
    group_label: "Sums"
    label: "Revenue that day"
    description: "Revenue added by the day; negative where Klaviyo lowered it."
    value_format_name: decimal_2
    required_fields: [currency]
    html: {{ linked_value }} {{ currency._value }} ;;
    drill_fields: [detail*, day_conversion_value]
    sql: ${TABLE}.conversion_value ;;
  }

  measure: delivered_so_far {
    type: sum
    group_label: "Sums"
    label: "Delivered so far"
    description: "Messages known to be delivered; of the days up to an age, those delivered at that age."
    value_format_name: decimal_0
    drill_fields: [detail*, delivered_so_far]
    sql: ${TABLE}.newly_known_delivered ;;
  }

  measure: conversion_value_so_far {
    type: sum
    group_label: "Sums"
    label: "Revenue so far"
    description: "Revenue known; of the days up to an age, what had been earned at that age."
    value_format_name: decimal_2
    required_fields: [currency]
    html: {{ linked_value }} {{ currency._value }} ;;
    drill_fields: [detail*, conversion_value_so_far]
    sql: ${TABLE}.newly_known_conversion_value ;;
  }

  measure: revenue_per_recipient_so_far {
    type: number
    group_label: "Ratios"
    label: "Revenue per recipient so far"
    description: "Revenue so far / messages delivered so far. Of the days up to an age it is what campaigns had earned at that age."
    value_format_name: decimal_2
    required_fields: [currency, delivered_so_far]
    html: {% if value and delivered_so_far._value < 50 %}<span style="color: #80868b">{{ linked_value }} {{ currency._value }} of {{ delivered_so_far._value }}</span>{% else %}{{ linked_value }} {{ currency._value }}{% endif %} ;;
    drill_fields: [detail*, conversion_value_so_far, delivered_so_far, revenue_per_recipient_so_far]
    sql: 1.0 * ${conversion_value_so_far} / NULLIF(${delivered_so_far}, 0) ;;
  }

  set: detail {
    fields: [
      date_date,
      account_name,
      currency,
      campaign_name,
      message_name,
      variation_name,
      send_channel,
      subject_line,
    ]
  }
}
