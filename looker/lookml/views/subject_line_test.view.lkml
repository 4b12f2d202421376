# Generated from dbt by `python -m looker build`: refine it in refinements/, do not edit.

view: subject_line_test {
  label: "Subject line test"
  sql_table_name: @{SCHEMA}.klaviyo__subject_line_test ;;

  dimension: subject_line_test_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: ${TABLE}.subject_line_test_key ;;
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
    description: "The tested message."
    sql: ${TABLE}.message_id ;;
  }

  dimension: variation_id {
    hidden: yes
    type: string
    label: "Variation id"
    description: "The version of the message."
    sql: ${TABLE}.variation_id ;;
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

  dimension: preview_text {
    type: string
    label: "Preview text"
    description: "The line after the subject in an inbox."
    sql: ${TABLE}.preview_text ;;
  }

  dimension: winner_metric {
    type: string
    label: "Winner picked by"
    description: "What Klaviyo picks the winner by: opens_unique, clicks_unique or placed_orders_unique; null without an automatic winner, and for flows."
    sql: ${TABLE}.winner_metric ;;
  }

  dimension: winner_share {
    type: number
    label: "Share for the winner"
    description: "Share of the audience that gets the winner, 0 to 1, as set in the campaign; the rest is split evenly between the versions."
    value_format_name: percent_0
    sql: ${TABLE}.winner_share ;;
  }

  dimension: recipient_share {
    type: number
    label: "Share of recipients"
    description: "Share of the message's recipients who were sent this version, 0 to 1."
    value_format_name: percent_1
    sql: ${TABLE}.recipient_share ;;
  }

  dimension: is_winner {
    type: yesno
    label: "Winner"
    description: "Whether Klaviyo sent this version to the rest of the audience. Its API does not name the winner: this is the version whose share of the recipients is, with 95% confidence, nearer to the winner's than to an even share. Null while no version's is, without winner_share, and for flows."
    sql: ${TABLE}.is_winner ;;
  }

  dimension: open_rate_low {
    type: number
    label: "Open rate, at least"
    description: "Lower end of the rate's 95% confidence interval (Wilson)."
    value_format_name: percent_1
    sql: ${TABLE}.open_rate_low ;;
  }

  dimension: open_rate_high {
    type: number
    label: "Open rate, at most"
    description: "Upper end of the rate's 95% confidence interval (Wilson)."
    value_format_name: percent_1
    sql: ${TABLE}.open_rate_high ;;
  }

  dimension: open_result {
    type: string
    label: "Result by opens"
    description: "better or worse than the other versions (with 95% confidence), undecided, or too small: fewer than ten opened or not opened messages on either side. Several versions, or checks of a running test, make a false result more likely."
    sql: ${TABLE}.open_result ;;
    html: {% case value %}{% when 'better' %}▲ better{% when 'worse' %}▼ worse{% else %}{{ rendered_value }}{% endcase %} ;;
    order_by_field: open_result_order
  }

  dimension: click_rate_low {
    type: number
    label: "Click rate, at least"
    description: "Lower end of the rate's 95% confidence interval (Wilson)."
    value_format_name: percent_2
    sql: ${TABLE}.click_rate_low ;;
  }

  dimension: click_rate_high {
    type: number
    label: "Click rate, at most"
    description: "Upper end of the rate's 95% confidence interval (Wilson)."
    value_format_name: percent_2
    sql: ${TABLE}.click_rate_high ;;
  }

  dimension: click_result {
    type: string
    label: "Result by clicks"
    description: "better or worse than the other versions (with 95% confidence), undecided, or too small: fewer than ten clicked or not clicked messages on either side. Several versions, or checks of a running test, make a false result more likely."
    sql: ${TABLE}.click_result ;;
    html: {% case value %}{% when 'better' %}▲ better{% when 'worse' %}▼ worse{% else %}{{ rendered_value }}{% endcase %} ;;
    order_by_field: click_result_order
  }

  dimension: send_channel_order {
    hidden: yes
    type: number
    sql: CASE ${TABLE}.send_channel WHEN 'email' THEN 1 WHEN 'sms' THEN 2 WHEN 'push-notification' THEN 3 WHEN 'whatsapp' THEN 4 END ;;
  }

  dimension: open_result_order {
    hidden: yes
    type: number
    sql: CASE ${TABLE}.open_result WHEN 'better' THEN 1 WHEN 'worse' THEN 2 WHEN 'undecided' THEN 3 WHEN 'too small' THEN 4 END ;;
  }

  dimension: click_result_order {
    hidden: yes
    type: number
    sql: CASE ${TABLE}.click_result WHEN 'better' THEN 1 WHEN 'worse' THEN 2 WHEN 'undecided' THEN 3 WHEN 'too small' THEN 4 END ;;
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
    label: "First send"
    description: "Date of the first send, account time zone."
    sql: ${TABLE}.sent_on ;;
  }

  measure: tested_recipients {
    type: sum
    group_label: "Sums"
    label: "Recipients of tested messages"
    description: "Recipients of messages in an A/B test."
    value_format_name: decimal_0
    drill_fields: [detail*, tested_recipients]
    sql: ${TABLE}.recipients ;;
  }

  measure: tested_opens_unique {
    type: sum
    group_label: "Sums"
    label: "Unique opens of tested messages"
    description: "Recipients who opened a message in an A/B test. Over several days a flow's people are counted once a day, unlike in klaviyo__flow_period."
    value_format_name: decimal_0
    drill_fields: [detail*, tested_opens_unique]
    sql: ${TABLE}.opens_unique ;;
  }

  measure: tested_clicks_unique {
    type: sum
    group_label: "Sums"
    label: "Unique clicks of tested messages"
    description: "Recipients who clicked in a message in an A/B test. Over several days a flow's people are counted once a day, unlike in klaviyo__flow_period."
    value_format_name: decimal_0
    drill_fields: [detail*, tested_clicks_unique]
    sql: ${TABLE}.clicks_unique ;;
  }

  measure: tested_open_sample {
    type: sum
    group_label: "Sums"
    label: "Tested messages with opens tracked"
    description: "Delivered messages in an A/B test, of channels whose opens are counted."
    value_format_name: decimal_0
    drill_fields: [detail*, tested_open_sample]
    sql: ${TABLE}.open_tracked_delivered ;;
  }

  measure: tested_click_sample {
    type: sum
    group_label: "Sums"
    label: "Tested messages with clicks tracked"
    description: "Delivered messages in an A/B test, of channels whose clicks are counted."
    value_format_name: decimal_0
    drill_fields: [detail*, tested_click_sample]
    sql: ${TABLE}.click_tracked_delivered ;;
  }

  measure: tested_conversion_value {
    type: sum
    group_label: "Sums"
    label: "Revenue of tested messages"
    description: "Value of the conversions that Klaviyo attributes to messages in an A/B test."
    value_format_name: decimal_2
    required_fields: [currency]
    html: {{ linked_value }} {{ currency._value }} ;;
    drill_fields: [detail*, tested_conversion_value]
    sql: ${TABLE}.conversion_value ;;
  }

  measure: tested_open_rate {
    type: number
    group_label: "Ratios"
    label: "Open rate of tested messages"
    description: "Unique opens / delivered, over messages in an A/B test. Over several days a flow's people are counted once a day, unlike in klaviyo__flow_period."
    value_format_name: percent_1
    required_fields: [tested_open_sample]
    html: {% if value and tested_open_sample._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ tested_open_sample._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, tested_opens_unique, tested_open_sample, tested_open_rate]
    sql: 1.0 * ${tested_opens_unique} / NULLIF(${tested_open_sample}, 0) ;;
  }

  measure: tested_click_rate {
    type: number
    group_label: "Ratios"
    label: "Click rate of tested messages"
    description: "Unique clicks / delivered, over messages in an A/B test. Over several days a flow's people are counted once a day, unlike in klaviyo__flow_period."
    value_format_name: percent_2
    required_fields: [tested_click_sample]
    html: {% if value and tested_click_sample._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ tested_click_sample._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, tested_clicks_unique, tested_click_sample, tested_click_rate]
    sql: 1.0 * ${tested_clicks_unique} / NULLIF(${tested_click_sample}, 0) ;;
  }

  set: detail {
    fields: [
      sent_date,
      account_name,
      currency,
      message_type,
      campaign_name,
      flow_name,
      message_name,
      variation_name,
      send_channel,
      subject_line,
      preview_text,
      winner_metric,
      open_result,
      click_result,
    ]
  }
}
