# Generated from dbt by `python -m looker build`: refine it in refinements/, do not edit.

view: message_performance {
  label: "Message performance"
  sql_table_name: @{SCHEMA}.klaviyo__message_performance ;;

  dimension: message_performance_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: ${TABLE}.message_performance_key ;;
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
    description: "The campaign; null for flows."
    sql: ${TABLE}.campaign_id ;;
  }

  dimension: flow_id {
    hidden: yes
    type: string
    label: "Flow id"
    description: "The flow; null for campaigns."
    sql: ${TABLE}.flow_id ;;
  }

  dimension: message_id {
    hidden: yes
    type: string
    label: "Message id"
    description: "The message of the campaign or flow; the id of the campaign where Klaviyo's report names only the campaign and that has several messages."
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

  dimension: message_type {
    type: string
    label: "Message type"
    description: "campaign or flow."
    sql: ${TABLE}.message_type ;;
    html: {% case value %}{% when 'campaign' %}Campaigns{% when 'flow' %}Flows{% else %}{{ rendered_value }}{% endcase %} ;;
  }

  dimension: campaign_name {
    type: string
    label: "Campaign"
    description: "Name of the campaign; null for flows."
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

  dimension: flow_name {
    type: string
    label: "Flow"
    description: "Name of the flow; null for campaigns."
    sql: ${TABLE}.flow_name ;;
  }

  dimension: flow_status {
    type: string
    label: "Flow status"
    description: "Status of the flow at the last sync: live, manual or draft; null for campaigns and for a flow that is not synced."
    sql: ${TABLE}.flow_status ;;
    html: {% case value %}{% when 'live' %}Live{% when 'manual' %}Manual{% when 'draft' %}Draft{% else %}{{ rendered_value }}{% endcase %} ;;
    order_by_field: flow_status_order
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

  dimension: is_ab_test {
    type: yesno
    label: "A/B test"
    description: "Whether the message was sent in more than one variation."
    sql: ${TABLE}.is_ab_test ;;
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

  dimension: subject_line {
    type: string
    label: "Subject line"
    description: "Subject of an email, title of a push message or the first 80 characters of a text message. In marts Klaviyo's template tags are words: [first name]."
    sql: ${TABLE}.subject_line ;;
  }

  dimension: preview_text {
    type: string
    label: "Preview text"
    description: "The line after the subject in an inbox."
    sql: ${TABLE}.preview_text ;;
  }

  dimension: from_label {
    type: string
    label: "Sender"
    description: "Sender's name."
    sql: ${TABLE}.from_label ;;
  }

  dimension: list_ids {
    hidden: yes
    type: string
    label: "List ids"
    description: "Ids of the lists and segments in the audience, separated by commas."
    sql: ${TABLE}.list_ids ;;
  }

  dimension: audience_names {
    type: string
    label: "Audience"
    description: "Names of the lists and segments in the audience, separated by commas; the id of a deleted one."
    sql: ${TABLE}.audience_names ;;
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
    description: "Whether the campaign or flow is archived."
    sql: ${TABLE}.is_archived ;;
  }

  dimension: is_deleted {
    type: yesno
    label: "Deleted"
    description: "Whether the campaign or flow is deleted in Klaviyo; null if no sync has seen it. Its name and numbers are kept."
    sql: ${TABLE}.is_deleted ;;
  }

  dimension: sent_hour {
    type: number
    label: "Send hour"
    description: "Hour of the send in the account's time zone, 0 to 23; null for flows."
    sql: ${TABLE}.sent_hour ;;
  }

  dimension: flow_status_order {
    hidden: yes
    type: number
    sql: CASE ${TABLE}.flow_status WHEN 'live' THEN 1 WHEN 'manual' THEN 2 WHEN 'draft' THEN 3 END ;;
  }

  dimension: send_channel_order {
    hidden: yes
    type: number
    sql: CASE ${TABLE}.send_channel WHEN 'email' THEN 1 WHEN 'sms' THEN 2 WHEN 'push-notification' THEN 3 WHEN 'whatsapp' THEN 4 END ;;
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

  measure: recipients {
    type: sum
    group_label: "Sums"
    label: "Recipients"
    description: "Messages that Klaviyo tried to send."
    value_format_name: decimal_0
    drill_fields: [detail*, recipients]
    sql: ${TABLE}.recipients ;;
  }

  measure: delivered {
    type: sum
    group_label: "Sums"
    label: "Delivered"
    description: "Messages that arrived: recipients less bounced and failed."
    value_format_name: decimal_0
    drill_fields: [detail*, delivered]
    sql: ${TABLE}.delivered ;;
  }

  measure: delivered_last_week {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Delivered, one week earlier"
    description: "Delivered, one week earlier than the row's day, week, month or year. It needs one of these in the query, at most a week. Messages are credited with orders for 5 days."
    value_format_name: decimal_0
    based_on: message_performance.delivered
    based_on_time: message_performance.sent_date
    period: week
    kind: previous
  }

  measure: delivered_change_in_a_week {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Delivered, change from one week earlier"
    description: "Delivered, change from one week earlier than the row's day, week, month or year. It needs one of these in the query, at most a week. Messages are credited with orders for 5 days."
    value_format_name: percent_1
    based_on: message_performance.delivered
    based_on_time: message_performance.sent_date
    period: week
    kind: relative_change
  }

  measure: delivered_last_month {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Delivered, one month earlier"
    description: "Delivered, one month earlier than the row's day, week, month or year. It needs one of these in the query, at most a month. Messages are credited with orders for 5 days."
    value_format_name: decimal_0
    based_on: message_performance.delivered
    based_on_time: message_performance.sent_date
    period: month
    kind: previous
  }

  measure: delivered_change_in_a_month {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Delivered, change from one month earlier"
    description: "Delivered, change from one month earlier than the row's day, week, month or year. It needs one of these in the query, at most a month. Messages are credited with orders for 5 days."
    value_format_name: percent_1
    based_on: message_performance.delivered
    based_on_time: message_performance.sent_date
    period: month
    kind: relative_change
  }

  measure: delivered_last_year {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Delivered, one year earlier"
    description: "Delivered, one year earlier than the row's day, week, month or year. It needs one of these in the query, at most a year. Messages are credited with orders for 5 days."
    value_format_name: decimal_0
    based_on: message_performance.delivered
    based_on_time: message_performance.sent_date
    period: year
    kind: previous
  }

  measure: delivered_change_in_a_year {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Delivered, change from one year earlier"
    description: "Delivered, change from one year earlier than the row's day, week, month or year. It needs one of these in the query, at most a year. Messages are credited with orders for 5 days."
    value_format_name: percent_1
    based_on: message_performance.delivered
    based_on_time: message_performance.sent_date
    period: year
    kind: relative_change
  }

  measure: opens {
    type: sum
    group_label: "Sums"
    label: "Opens"
    description: "All opens, several per recipient included. Null for channels without opens."
    value_format_name: decimal_0
    drill_fields: [detail*, opens]
    sql: ${TABLE}.opens ;;
  }

  measure: opens_unique {
    type: sum
    group_label: "Sums"
    label: "Unique opens"
    description: "Recipients who opened, opens by Apple's Mail Privacy Protection included. Summed over messages it counts message-recipients, not people. Null for channels without opens. Over several days a flow's people are counted once a day, unlike in klaviyo__flow_period."
    value_format_name: decimal_0
    drill_fields: [detail*, opens_unique]
    sql: ${TABLE}.opens_unique ;;
  }

  measure: clicks {
    type: sum
    group_label: "Sums"
    label: "Clicks"
    description: "All clicks, several per recipient included."
    value_format_name: decimal_0
    drill_fields: [detail*, clicks]
    sql: ${TABLE}.clicks ;;
  }

  measure: clicks_unique {
    type: sum
    group_label: "Sums"
    label: "Unique clicks"
    description: "Recipients who clicked. Summed over messages it counts message-recipients, not people. Over several days a flow's people are counted once a day, unlike in klaviyo__flow_period."
    value_format_name: decimal_0
    drill_fields: [detail*, clicks_unique]
    sql: ${TABLE}.clicks_unique ;;
  }

  measure: bounced {
    type: sum
    group_label: "Sums"
    label: "Bounced"
    description: "Emails refused by the recipient's server."
    value_format_name: decimal_0
    drill_fields: [detail*, bounced]
    sql: ${TABLE}.bounced ;;
  }

  measure: failed {
    type: sum
    group_label: "Sums"
    label: "Failed"
    description: "Text and push messages that could not be delivered."
    value_format_name: decimal_0
    drill_fields: [detail*, failed]
    sql: ${TABLE}.failed ;;
  }

  measure: bounced_or_failed {
    type: sum
    group_label: "Sums"
    label: "Bounced or failed"
    description: "Bounced and failed together."
    value_format_name: decimal_0
    drill_fields: [detail*, bounced_or_failed]
    sql: ${TABLE}.bounced_or_failed ;;
  }

  measure: unsubscribe_uniques {
    type: sum
    group_label: "Sums"
    label: "Unsubscribes"
    description: "Recipients who unsubscribed. Over several days a flow's people are counted once a day, unlike in klaviyo__flow_period."
    value_format_name: decimal_0
    drill_fields: [detail*, unsubscribe_uniques]
    sql: ${TABLE}.unsubscribe_uniques ;;
  }

  measure: spam_complaints {
    type: sum
    group_label: "Sums"
    label: "Spam complaints"
    description: "Recipients who reported the email as spam."
    value_format_name: decimal_0
    drill_fields: [detail*, spam_complaints]
    sql: ${TABLE}.spam_complaints ;;
  }

  measure: conversions {
    type: sum
    group_label: "Sums"
    label: "Conversions"
    description: "Conversions, such as orders, that Klaviyo attributes to the message."
    value_format_name: decimal_0
    drill_fields: [detail*, conversions]
    sql: ${TABLE}.conversions ;;
  }

  measure: conversions_last_week {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Conversions, one week earlier"
    description: "Conversions, one week earlier than the row's day, week, month or year. It needs one of these in the query, at most a week. Messages are credited with orders for 5 days."
    value_format_name: decimal_0
    based_on: message_performance.conversions
    based_on_time: message_performance.sent_date
    period: week
    kind: previous
  }

  measure: conversions_change_in_a_week {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Conversions, change from one week earlier"
    description: "Conversions, change from one week earlier than the row's day, week, month or year. It needs one of these in the query, at most a week. Messages are credited with orders for 5 days."
    value_format_name: percent_1
    based_on: message_performance.conversions
    based_on_time: message_performance.sent_date
    period: week
    kind: relative_change
  }

  measure: conversions_last_month {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Conversions, one month earlier"
    description: "Conversions, one month earlier than the row's day, week, month or year. It needs one of these in the query, at most a month. Messages are credited with orders for 5 days."
    value_format_name: decimal_0
    based_on: message_performance.conversions
    based_on_time: message_performance.sent_date
    period: month
    kind: previous
  }

  measure: conversions_change_in_a_month {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Conversions, change from one month earlier"
    description: "Conversions, change from one month earlier than the row's day, week, month or year. It needs one of these in the query, at most a month. Messages are credited with orders for 5 days."
    value_format_name: percent_1
    based_on: message_performance.conversions
    based_on_time: message_performance.sent_date
    period: month
    kind: relative_change
  }

  measure: conversions_last_year {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Conversions, one year earlier"
    description: "Conversions, one year earlier than the row's day, week, month or year. It needs one of these in the query, at most a year. Messages are credited with orders for 5 days."
    value_format_name: decimal_0
    based_on: message_performance.conversions
    based_on_time: message_performance.sent_date
    period: year
    kind: previous
  }

  measure: conversions_change_in_a_year {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Conversions, change from one year earlier"
    description: "Conversions, change from one year earlier than the row's day, week, month or year. It needs one of these in the query, at most a year. Messages are credited with orders for 5 days."
    value_format_name: percent_1
    based_on: message_performance.conversions
    based_on_time: message_performance.sent_date
    period: year
    kind: relative_change
  }

  measure: conversion_uniques {
    type: sum
    group_label: "Sums"
    label: "Unique conversions"
    description: "Recipients who converted at least once. Over several days a flow's people are counted once a day, unlike in klaviyo__flow_period."
    value_format_name: decimal_0
    drill_fields: [detail*, conversion_uniques]
    sql: ${TABLE}.conversion_uniques ;;
  }

  measure: conversion_value {
    type: sum
    group_label: "Sums"
    label: "Revenue"
    description: "Value of the conversions, in the account's currency: the revenue attributed to the message."
    value_format_name: decimal_2
    required_fields: [currency]
    html: {{ linked_value }} {{ currency._value }} ;;
    drill_fields: [detail*, conversion_value]
    sql: ${TABLE}.conversion_value ;;
  }

  measure: conversion_value_last_week {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Revenue, one week earlier"
    description: "Revenue, one week earlier than the row's day, week, month or year. It needs one of these in the query, at most a week. Messages are credited with orders for 5 days."
    value_format_name: decimal_2
    required_fields: [currency]
    based_on: message_performance.conversion_value
    based_on_time: message_performance.sent_date
    period: week
    kind: previous
  }

  measure: conversion_value_change_in_a_week {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Revenue, change from one week earlier"
    description: "Revenue, change from one week earlier than the row's day, week, month or year. It needs one of these in the query, at most a week. Messages are credited with orders for 5 days."
    value_format_name: percent_1
    required_fields: [currency]
    based_on: message_performance.conversion_value
    based_on_time: message_performance.sent_date
    period: week
    kind: relative_change
  }

  measure: conversion_value_last_month {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Revenue, one month earlier"
    description: "Revenue, one month earlier than the row's day, week, month or year. It needs one of these in the query, at most a month. Messages are credited with orders for 5 days."
    value_format_name: decimal_2
    required_fields: [currency]
    based_on: message_performance.conversion_value
    based_on_time: message_performance.sent_date
    period: month
    kind: previous
  }

  measure: conversion_value_change_in_a_month {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Revenue, change from one month earlier"
    description: "Revenue, change from one month earlier than the row's day, week, month or year. It needs one of these in the query, at most a month. Messages are credited with orders for 5 days."
    value_format_name: percent_1
    required_fields: [currency]
    based_on: message_performance.conversion_value
    based_on_time: message_performance.sent_date
    period: month
    kind: relative_change
  }

  measure: conversion_value_last_year {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Revenue, one year earlier"
    description: "Revenue, one year earlier than the row's day, week, month or year. It needs one of these in the query, at most a year. Messages are credited with orders for 5 days."
    value_format_name: decimal_2
    required_fields: [currency]
    based_on: message_performance.conversion_value
    based_on_time: message_performance.sent_date
    period: year
    kind: previous
  }

  measure: conversion_value_change_in_a_year {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Revenue, change from one year earlier"
    description: "Revenue, change from one year earlier than the row's day, week, month or year. It needs one of these in the query, at most a year. Messages are credited with orders for 5 days."
    value_format_name: percent_1
    required_fields: [currency]
    based_on: message_performance.conversion_value
    based_on_time: message_performance.sent_date
    period: year
    kind: relative_change
  }

  measure: text_message_spend {
    type: sum
    group_label: "Sums"
    label: "Text message spend"
    description: "Cost of the text messages, in the account's currency. Null for other channels."
    value_format_name: decimal_2
    required_fields: [currency]
    html: {{ linked_value }} {{ currency._value }} ;;
    drill_fields: [detail*, text_message_spend]
    sql: ${TABLE}.text_message_spend ;;
  }

  measure: text_message_spend_last_week {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Text message spend, one week earlier"
    description: "Text message spend, one week earlier than the row's day, week, month or year. It needs one of these in the query, at most a week. Messages are credited with orders for 5 days."
    value_format_name: decimal_2
    required_fields: [currency]
    based_on: message_performance.text_message_spend
    based_on_time: message_performance.sent_date
    period: week
    kind: previous
  }

  measure: text_message_spend_change_in_a_week {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Text message spend, change from one week earlier"
    description: "Text message spend, change from one week earlier than the row's day, week, month or year. It needs one of these in the query, at most a week. Messages are credited with orders for 5 days."
    value_format_name: percent_1
    required_fields: [currency]
    based_on: message_performance.text_message_spend
    based_on_time: message_performance.sent_date
    period: week
    kind: relative_change
  }

  measure: text_message_spend_last_month {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Text message spend, one month earlier"
    description: "Text message spend, one month earlier than the row's day, week, month or year. It needs one of these in the query, at most a month. Messages are credited with orders for 5 days."
    value_format_name: decimal_2
    required_fields: [currency]
    based_on: message_performance.text_message_spend
    based_on_time: message_performance.sent_date
    period: month
    kind: previous
  }

  measure: text_message_spend_change_in_a_month {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Text message spend, change from one month earlier"
    description: "Text message spend, change from one month earlier than the row's day, week, month or year. It needs one of these in the query, at most a month. Messages are credited with orders for 5 days."
    value_format_name: percent_1
    required_fields: [currency]
    based_on: message_performance.text_message_spend
    based_on_time: message_performance.sent_date
    period: month
    kind: relative_change
  }

  measure: text_message_spend_last_year {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Text message spend, one year earlier"
    description: "Text message spend, one year earlier than the row's day, week, month or year. It needs one of these in the query, at most a year. Messages are credited with orders for 5 days."
    value_format_name: decimal_2
    required_fields: [currency]
    based_on: message_performance.text_message_spend
    based_on_time: message_performance.sent_date
    period: year
    kind: previous
  }

  measure: text_message_spend_change_in_a_year {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Text message spend, change from one year earlier"
    description: "Text message spend, change from one year earlier than the row's day, week, month or year. It needs one of these in the query, at most a year. Messages are credited with orders for 5 days."
    value_format_name: percent_1
    required_fields: [currency]
    based_on: message_performance.text_message_spend
    based_on_time: message_performance.sent_date
    period: year
    kind: relative_change
  }

  measure: text_message_credit_usage_amount {
    type: sum
    group_label: "Sums"
    label: "Text message credits"
    description: "Text credits used. Null for other channels."
    value_format_name: decimal_0
    drill_fields: [detail*, text_message_credit_usage_amount]
    sql: ${TABLE}.text_message_credit_usage_amount ;;
  }

  measure: message_segment_count_sum {
    type: sum
    group_label: "Sums"
    label: "Text message parts"
    description: "Segments of text messages; Klaviyo bills by segment."
    value_format_name: decimal_0
    drill_fields: [detail*, message_segment_count_sum]
    sql: ${TABLE}.message_segment_count_sum ;;
  }

  measure: open_tracked_delivered {
    type: sum
    group_label: "Sums"
    label: "Delivered with opens tracked"
    description: "Delivered messages of channels whose opens are counted."
    value_format_name: decimal_0
    drill_fields: [detail*, open_tracked_delivered]
    sql: ${TABLE}.open_tracked_delivered ;;
  }

  measure: open_tracked_clicks_unique {
    type: sum
    group_label: "Sums"
    label: "Unique clicks with opens tracked"
    description: "Unique clicks of channels whose opens are counted. Over several days a flow's people are counted once a day, unlike in klaviyo__flow_period."
    value_format_name: decimal_0
    drill_fields: [detail*, open_tracked_clicks_unique]
    sql: ${TABLE}.open_tracked_clicks_unique ;;
  }

  measure: click_tracked_delivered {
    type: sum
    group_label: "Sums"
    label: "Delivered with clicks tracked"
    description: "Delivered messages of channels whose clicks are counted."
    value_format_name: decimal_0
    drill_fields: [detail*, click_tracked_delivered]
    sql: ${TABLE}.click_tracked_delivered ;;
  }

  measure: click_tracked_opens_unique {
    type: sum
    group_label: "Sums"
    label: "Unique opens with clicks tracked"
    description: "Unique opens of channels whose clicks are counted. Over several days a flow's people are counted once a day, unlike in klaviyo__flow_period."
    value_format_name: decimal_0
    drill_fields: [detail*, click_tracked_opens_unique]
    sql: ${TABLE}.click_tracked_opens_unique ;;
  }

  measure: bounce_tracked_recipients {
    type: sum
    group_label: "Sums"
    label: "Recipients with bounces tracked"
    description: "Recipients of channels whose bounces are counted."
    value_format_name: decimal_0
    drill_fields: [detail*, bounce_tracked_recipients]
    sql: ${TABLE}.bounce_tracked_recipients ;;
  }

  measure: failure_tracked_recipients {
    type: sum
    group_label: "Sums"
    label: "Recipients with failures tracked"
    description: "Recipients of channels whose failures are counted."
    value_format_name: decimal_0
    drill_fields: [detail*, failure_tracked_recipients]
    sql: ${TABLE}.failure_tracked_recipients ;;
  }

  measure: unsubscribe_tracked_delivered {
    type: sum
    group_label: "Sums"
    label: "Delivered with unsubscribes tracked"
    description: "Delivered messages of channels whose unsubscribes are counted."
    value_format_name: decimal_0
    drill_fields: [detail*, unsubscribe_tracked_delivered]
    sql: ${TABLE}.unsubscribe_tracked_delivered ;;
  }

  measure: spam_tracked_delivered {
    type: sum
    group_label: "Sums"
    label: "Delivered with spam complaints tracked"
    description: "Delivered messages of channels whose spam complaints are counted."
    value_format_name: decimal_0
    drill_fields: [detail*, spam_tracked_delivered]
    sql: ${TABLE}.spam_tracked_delivered ;;
  }

  measure: text_message_conversion_value {
    type: sum
    group_label: "Sums"
    label: "Text message revenue"
    description: "Conversion value of messages that have a text message spend."
    value_format_name: decimal_2
    required_fields: [currency]
    html: {{ linked_value }} {{ currency._value }} ;;
    drill_fields: [detail*, text_message_conversion_value]
    sql: ${TABLE}.text_message_conversion_value ;;
  }

  measure: text_message_conversion_value_last_week {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Text message revenue, one week earlier"
    description: "Text message revenue, one week earlier than the row's day, week, month or year. It needs one of these in the query, at most a week. Messages are credited with orders for 5 days."
    value_format_name: decimal_2
    required_fields: [currency]
    based_on: message_performance.text_message_conversion_value
    based_on_time: message_performance.sent_date
    period: week
    kind: previous
  }

  measure: text_message_conversion_value_change_in_a_week {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Text message revenue, change from one week earlier"
    description: "Text message revenue, change from one week earlier than the row's day, week, month or year. It needs one of these in the query, at most a week. Messages are credited with orders for 5 days."
    value_format_name: percent_1
    required_fields: [currency]
    based_on: message_performance.text_message_conversion_value
    based_on_time: message_performance.sent_date
    period: week
    kind: relative_change
  }

  measure: text_message_conversion_value_last_month {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Text message revenue, one month earlier"
    description: "Text message revenue, one month earlier than the row's day, week, month or year. It needs one of these in the query, at most a month. Messages are credited with orders for 5 days."
    value_format_name: decimal_2
    required_fields: [currency]
    based_on: message_performance.text_message_conversion_value
    based_on_time: message_performance.sent_date
    period: month
    kind: previous
  }

  measure: text_message_conversion_value_change_in_a_month {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Text message revenue, change from one month earlier"
    description: "Text message revenue, change from one month earlier than the row's day, week, month or year. It needs one of these in the query, at most a month. Messages are credited with orders for 5 days."
    value_format_name: percent_1
    required_fields: [currency]
    based_on: message_performance.text_message_conversion_value
    based_on_time: message_performance.sent_date
    period: month
    kind: relative_change
  }

  measure: text_message_conversion_value_last_year {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Text message revenue, one year earlier"
    description: "Text message revenue, one year earlier than the row's day, week, month or year. It needs one of these in the query, at most a year. Messages are credited with orders for 5 days."
    value_format_name: decimal_2
    required_fields: [currency]
    based_on: message_performance.text_message_conversion_value
    based_on_time: message_performance.sent_date
    period: year
    kind: previous
  }

  measure: text_message_conversion_value_change_in_a_year {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Text message revenue, change from one year earlier"
    description: "Text message revenue, change from one year earlier than the row's day, week, month or year. It needs one of these in the query, at most a year. Messages are credited with orders for 5 days."
    value_format_name: percent_1
    required_fields: [currency]
    based_on: message_performance.text_message_conversion_value
    based_on_time: message_performance.sent_date
    period: year
    kind: relative_change
  }

  measure: open_rate {
    type: number
    group_label: "Ratios"
    label: "Open rate"
    description: "Unique opens / delivered, over the channels whose opens are counted. Over several days a flow's people are counted once a day, unlike in klaviyo__flow_period."
    value_format_name: percent_1
    required_fields: [open_tracked_delivered]
    html: {% if value and open_tracked_delivered._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ open_tracked_delivered._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, opens_unique, open_tracked_delivered, open_rate]
    sql: 1.0 * ${opens_unique} / NULLIF(${open_tracked_delivered}, 0) ;;
  }

  measure: click_rate {
    type: number
    group_label: "Ratios"
    label: "Click rate"
    description: "Unique clicks / delivered, over the channels whose clicks are counted. Over several days a flow's people are counted once a day, unlike in klaviyo__flow_period."
    value_format_name: percent_2
    required_fields: [click_tracked_delivered]
    html: {% if value and click_tracked_delivered._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ click_tracked_delivered._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, clicks_unique, click_tracked_delivered, click_rate]
    sql: 1.0 * ${clicks_unique} / NULLIF(${click_tracked_delivered}, 0) ;;
  }

  measure: click_to_open_rate {
    type: number
    group_label: "Ratios"
    label: "Click-to-open rate"
    description: "Unique clicks / unique opens, over the channels whose opens and clicks are counted. Over several days a flow's people are counted once a day, unlike in klaviyo__flow_period."
    value_format_name: percent_1
    required_fields: [click_tracked_opens_unique]
    html: {% if value and click_tracked_opens_unique._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ click_tracked_opens_unique._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, open_tracked_clicks_unique, click_tracked_opens_unique, click_to_open_rate]
    sql: 1.0 * ${open_tracked_clicks_unique} / NULLIF(${click_tracked_opens_unique}, 0) ;;
  }

  measure: conversion_rate {
    type: number
    group_label: "Ratios"
    label: "Conversion rate"
    description: "Recipients who converted / delivered. Over several days a flow's people are counted once a day, unlike in klaviyo__flow_period."
    value_format_name: percent_2
    required_fields: [delivered]
    html: {% if value and delivered._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ delivered._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, conversion_uniques, delivered, conversion_rate]
    sql: 1.0 * ${conversion_uniques} / NULLIF(${delivered}, 0) ;;
  }

  measure: delivery_rate {
    type: number
    group_label: "Ratios"
    label: "Delivery rate"
    description: "Delivered / recipients."
    value_format_name: percent_1
    required_fields: [recipients]
    html: {% if value and recipients._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ recipients._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, delivered, recipients, delivery_rate]
    sql: 1.0 * ${delivered} / NULLIF(${recipients}, 0) ;;
  }

  measure: bounce_rate {
    type: number
    group_label: "Ratios"
    label: "Bounce rate"
    description: "Bounced / recipients, over the channels whose bounces are counted."
    value_format_name: percent_2
    required_fields: [bounce_tracked_recipients]
    html: {% if value and bounce_tracked_recipients._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ bounce_tracked_recipients._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, bounced, bounce_tracked_recipients, bounce_rate]
    sql: 1.0 * ${bounced} / NULLIF(${bounce_tracked_recipients}, 0) ;;
  }

  measure: failed_rate {
    type: number
    group_label: "Ratios"
    label: "Failed rate"
    description: "Failed / recipients, over the channels whose failures are counted."
    value_format_name: percent_2
    required_fields: [failure_tracked_recipients]
    html: {% if value and failure_tracked_recipients._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ failure_tracked_recipients._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, failed, failure_tracked_recipients, failed_rate]
    sql: 1.0 * ${failed} / NULLIF(${failure_tracked_recipients}, 0) ;;
  }

  measure: bounced_or_failed_rate {
    type: number
    group_label: "Ratios"
    label: "Bounced or failed rate"
    description: "Bounced or failed / recipients."
    value_format_name: percent_2
    required_fields: [recipients]
    html: {% if value and recipients._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ recipients._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, bounced_or_failed, recipients, bounced_or_failed_rate]
    sql: 1.0 * ${bounced_or_failed} / NULLIF(${recipients}, 0) ;;
  }

  measure: unsubscribe_rate {
    type: number
    group_label: "Ratios"
    label: "Unsubscribe rate"
    description: "Recipients who unsubscribed / delivered, over the channels whose unsubscribes are counted. Over several days a flow's people are counted once a day, unlike in klaviyo__flow_period."
    value_format_name: percent_2
    required_fields: [unsubscribe_tracked_delivered]
    html: {% if value and unsubscribe_tracked_delivered._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ unsubscribe_tracked_delivered._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, unsubscribe_uniques, unsubscribe_tracked_delivered, unsubscribe_rate]
    sql: 1.0 * ${unsubscribe_uniques} / NULLIF(${unsubscribe_tracked_delivered}, 0) ;;
  }

  measure: spam_complaint_rate {
    type: number
    group_label: "Ratios"
    label: "Spam complaint rate"
    description: "Spam complaints / delivered, over the channels whose complaints are counted."
    value_format_name: percent_2
    required_fields: [spam_tracked_delivered]
    html: {% if value and spam_tracked_delivered._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ spam_tracked_delivered._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, spam_complaints, spam_tracked_delivered, spam_complaint_rate]
    sql: 1.0 * ${spam_complaints} / NULLIF(${spam_tracked_delivered}, 0) ;;
  }

  measure: revenue_per_recipient {
    type: number
    group_label: "Ratios"
    label: "Revenue per recipient"
    description: "Revenue / delivered, as Klaviyo defines it."
    value_format_name: decimal_2
    required_fields: [currency, delivered]
    html: {% if value and delivered._value < 50 %}<span style="color: #80868b">{{ linked_value }} {{ currency._value }} of {{ delivered._value }}</span>{% else %}{{ linked_value }} {{ currency._value }}{% endif %} ;;
    drill_fields: [detail*, conversion_value, delivered, revenue_per_recipient]
    sql: 1.0 * ${conversion_value} / NULLIF(${delivered}, 0) ;;
  }

  measure: average_order_value {
    type: number
    group_label: "Ratios"
    label: "Average order value"
    description: "Revenue / conversions."
    value_format_name: decimal_2
    required_fields: [currency, conversions]
    html: {% if value and conversions._value < 50 %}<span style="color: #80868b">{{ linked_value }} {{ currency._value }} of {{ conversions._value }}</span>{% else %}{{ linked_value }} {{ currency._value }}{% endif %} ;;
    drill_fields: [detail*, conversion_value, conversions, average_order_value]
    sql: 1.0 * ${conversion_value} / NULLIF(${conversions}, 0) ;;
  }

  measure: text_message_roi {
    type: number
    group_label: "Ratios"
    label: "Text message return"
    description: "Revenue of texts / text message spend."
    value_format_name: decimal_1
    required_fields: [currency, delivered]
    html: {% if value and delivered._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ delivered._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, text_message_conversion_value, text_message_spend, text_message_roi]
    sql: 1.0 * ${text_message_conversion_value} / NULLIF(${text_message_spend}, 0) ;;
  }

  measure: engagement_score {
    type: number
    group_label: "Scores"
    label: "Engagement score"
    description: "0.7 of the open rate and 0.3 of the click rate. The weights are arbitrary; the score ranks messages, it does not measure them. Over several days a flow's people are counted once a day, unlike in klaviyo__flow_period."
    value_format_name: percent_1
    drill_fields: [detail*, open_rate, click_rate, engagement_score]
    sql: 0.7 * ${open_rate} + 0.3 * ${click_rate} ;;
  }

  set: detail {
    fields: [
      sent_date,
      account_name,
      currency,
      message_type,
      campaign_name,
      flow_name,
      flow_status,
      message_name,
      variation_name,
      send_channel,
      conversion_metric_name,
      subject_line,
      preview_text,
      from_label,
      audience_names,
      tag_names,
    ]
  }
}
