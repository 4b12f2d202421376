# Generated from dbt by `python -m looker build`: refine it in refinements/, do not edit.

view: send_pressure {
  label: "Send pressure"
  sql_table_name: @{SCHEMA}.klaviyo__send_pressure ;;

  dimension: send_pressure_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: ${TABLE}.send_pressure_key ;;
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

  dimension: is_complete {
    type: yesno
    label: "Complete week"
    description: "Whether the week was over at the last sync."
    sql: ${TABLE}.is_complete ;;
  }

  dimension: messages_per_week {
    type: string
    label: "Messages a week"
    description: "Messages that the person received in the week, all channels: 1, 2, 3, 4 to 5, 6 to 9, or 10 and more."
    sql: ${TABLE}.messages_per_week ;;
    order_by_field: messages_per_week_order
  }

  dimension: messages_per_week_order {
    hidden: yes
    type: number
    sql: CASE ${TABLE}.messages_per_week WHEN '1' THEN 1 WHEN '2' THEN 2 WHEN '3' THEN 3 WHEN '4 to 5' THEN 4 WHEN '6 to 9' THEN 5 WHEN '10 and more' THEN 6 END ;;
  }

  dimension_group: week_start {
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
    label: "Week"
    description: "Monday of the ISO week, account time zone."
    sql: ${TABLE}.week_start ;;
  }

  measure: recipient_weeks {
    type: sum
    group_label: "Sums"
    label: "Recipient-weeks"
    description: "People who received a message, counted in each week."
    value_format_name: decimal_0
    drill_fields: [detail*, recipient_weeks]
    sql: ${TABLE}.recipient_weeks ;;
  }

  measure: pressure_messages {
    type: sum
    group_label: "Sums"
    label: "Messages in recipient-weeks"
    description: "Messages that people received."
    value_format_name: decimal_0
    drill_fields: [detail*, pressure_messages]
    sql: ${TABLE}.messages ;;
  }

  measure: pressure_open_sample {
    type: sum
    group_label: "Sums"
    label: "Messages with opens tracked"
    description: "Messages that people received on channels whose opens are counted."
    value_format_name: decimal_0
    drill_fields: [detail*, pressure_open_sample]
    sql: ${TABLE}.open_tracked_messages ;;
  }

  measure: pressure_click_sample {
    type: sum
    group_label: "Sums"
    label: "Messages with clicks tracked"
    description: "Messages that people received on channels whose clicks are counted."
    value_format_name: decimal_0
    drill_fields: [detail*, pressure_click_sample]
    sql: ${TABLE}.click_tracked_messages ;;
  }

  measure: pressure_opens {
    type: sum
    group_label: "Sums"
    label: "Opens in recipient-weeks"
    description: "Opens by people, not by machines."
    value_format_name: decimal_0
    drill_fields: [detail*, pressure_opens]
    sql: ${TABLE}.opens ;;
  }

  measure: pressure_clicks {
    type: sum
    group_label: "Sums"
    label: "Clicks in recipient-weeks"
    description: "Clicks by people, not by bots."
    value_format_name: decimal_0
    drill_fields: [detail*, pressure_clicks]
    sql: ${TABLE}.clicks ;;
  }

  measure: pressure_unsubscribed {
    type: sum
    group_label: "Sums"
    label: "Unsubscribed recipient-weeks"
    description: "People who unsubscribed, counted in each week."
    value_format_name: decimal_0
    drill_fields: [detail*, pressure_unsubscribed]
    sql: ${TABLE}.unsubscribed_people ;;
  }

  measure: pressure_order_value {
    type: sum
    group_label: "Sums"
    label: "Order value in recipient-weeks"
    description: "Value of the orders of people in weeks with a message."
    value_format_name: decimal_2
    required_fields: [currency]
    html: {{ linked_value }} {{ currency._value }} ;;
    drill_fields: [detail*, pressure_order_value]
    sql: ${TABLE}.order_value ;;
  }

  measure: messages_per_person_week {
    type: number
    group_label: "Ratios"
    label: "Messages per person and week"
    description: "Messages / recipient-weeks."
    value_format_name: decimal_1
    required_fields: [recipient_weeks]
    html: {% if value and recipient_weeks._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ recipient_weeks._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, pressure_messages, recipient_weeks, messages_per_person_week]
    sql: 1.0 * ${pressure_messages} / NULLIF(${recipient_weeks}, 0) ;;
  }

  measure: opens_per_message {
    type: number
    group_label: "Ratios"
    label: "Opens per message"
    description: "Opens in recipient-weeks / messages with opens tracked."
    value_format_name: percent_1
    required_fields: [pressure_open_sample]
    html: {% if value and pressure_open_sample._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ pressure_open_sample._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, pressure_opens, pressure_open_sample, opens_per_message]
    sql: 1.0 * ${pressure_opens} / NULLIF(${pressure_open_sample}, 0) ;;
  }

  measure: clicks_per_message {
    type: number
    group_label: "Ratios"
    label: "Clicks per message"
    description: "Clicks in recipient-weeks / messages with clicks tracked."
    value_format_name: percent_2
    required_fields: [pressure_click_sample]
    html: {% if value and pressure_click_sample._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ pressure_click_sample._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, pressure_clicks, pressure_click_sample, clicks_per_message]
    sql: 1.0 * ${pressure_clicks} / NULLIF(${pressure_click_sample}, 0) ;;
  }

  measure: weekly_unsubscribe_rate {
    type: number
    group_label: "Ratios"
    label: "Unsubscribe rate of a week"
    description: "Unsubscribed recipient-weeks / recipient-weeks."
    value_format_name: percent_2
    required_fields: [recipient_weeks]
    html: {% if value and recipient_weeks._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ recipient_weeks._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, pressure_unsubscribed, recipient_weeks, weekly_unsubscribe_rate]
    sql: 1.0 * ${pressure_unsubscribed} / NULLIF(${recipient_weeks}, 0) ;;
  }

  measure: order_value_per_person_week {
    type: number
    group_label: "Ratios"
    label: "Order value per person and week"
    description: "Order value / recipient-weeks."
    value_format_name: decimal_2
    required_fields: [currency, recipient_weeks]
    html: {% if value and recipient_weeks._value < 50 %}<span style="color: #80868b">{{ linked_value }} {{ currency._value }} of {{ recipient_weeks._value }}</span>{% else %}{{ linked_value }} {{ currency._value }}{% endif %} ;;
    drill_fields: [detail*, pressure_order_value, recipient_weeks, order_value_per_person_week]
    sql: 1.0 * ${pressure_order_value} / NULLIF(${recipient_weeks}, 0) ;;
  }

  set: detail {
    fields: [week_start_date, account_name, currency, messages_per_week]
  }
}
