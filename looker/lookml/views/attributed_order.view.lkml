# Generated from dbt by `python -m looker build`: refine it in refinements/, do not edit.

view: attributed_order {
  label: "Attributed order"
  sql_table_name: @{SCHEMA}.klaviyo__attributed_order ;;

  dimension: attributed_order_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: ${TABLE}.attributed_order_key ;;
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
    description: "The credited campaign; null for flows."
    sql: ${TABLE}.campaign_id ;;
  }

  dimension: flow_id {
    hidden: yes
    type: string
    label: "Flow id"
    description: "The credited flow; null for campaigns."
    sql: ${TABLE}.flow_id ;;
  }

  dimension: message_id {
    hidden: yes
    type: string
    label: "Message id"
    description: "The credited message; null if the campaign has several messages and the event does not name one."
    sql: ${TABLE}.message_id ;;
  }

  dimension: variation_id {
    hidden: yes
    type: string
    label: "Variation id"
    description: "Version of the message in an A/B test; null without a test."
    sql: ${TABLE}.variation_id ;;
  }

  dimension: order_number {
    type: string
    label: "Order number"
    description: "The id that the shop's integration gives the order or refund (`$event_id`), by which finance finds it in the shop; null if it gives none."
    sql: ${TABLE}.order_number ;;
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
    description: "ISO 4217 currency of the row: the order's, or the account's if the order has none. Do not sum amounts of two currencies."
    sql: ${TABLE}.currency ;;
  }

  dimension: metric_name {
    type: string
    label: "Metric"
    description: "Name of the metric."
    sql: ${TABLE}.metric_name ;;
  }

  dimension: is_refund {
    type: yesno
    label: "Refund"
    description: "Whether it is a refund."
    sql: ${TABLE}.is_refund ;;
  }

  dimension: attribution_method {
    type: string
    label: "Attribution"
    description: "The source of the credit: klaviyo (Klaviyo's own attribution, which its reports count), last_touch (without Klaviyo's attribution, the last open, click or text of a person within Klaviyo's default windows) or none."
    sql: ${TABLE}.attribution_method ;;
  }

  dimension: touch_metric_name {
    type: string
    label: "Touch"
    description: "Metric of the touch, such as Clicked Email."
    sql: ${TABLE}.touch_metric_name ;;
  }

  dimension: message_type {
    type: string
    label: "Message type"
    description: "campaign or flow; null without a credited message."
    sql: ${TABLE}.message_type ;;
    html: {% case value %}{% when 'campaign' %}Campaigns{% when 'flow' %}Flows{% else %}{{ rendered_value }}{% endcase %} ;;
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
    description: "Date of the order or refund in the account's time zone."
    sql: ${TABLE}.date ;;
  }

  measure: orders {
    type: sum
    group_label: "Sums"
    label: "Orders"
    description: "Orders, credited to a message or not."
    value_format_name: decimal_0
    drill_fields: [detail*, orders]
    sql: ${TABLE}.orders ;;
  }

  measure: refunds {
    type: sum
    group_label: "Sums"
    label: "Refunds"
    description: "Refunds."
    value_format_name: decimal_0
    drill_fields: [detail*, refunds]
    sql: ${TABLE}.refunds ;;
  }

  measure: klaviyo_orders {
    type: sum
    group_label: "Sums"
    label: "Orders credited by Klaviyo"
    description: "Orders that Klaviyo credits to a message."
    value_format_name: decimal_0
    drill_fields: [detail*, klaviyo_orders]
    sql: ${TABLE}.klaviyo_orders ;;
  }

  measure: order_value {
    type: sum
    group_label: "Sums"
    label: "Order value"
    description: "Value of all orders, before refunds."
    value_format_name: decimal_2
    required_fields: [currency]
    html: {{ linked_value }} {{ currency._value }} ;;
    drill_fields: [detail*, order_value]
    sql: ${TABLE}.order_value ;;
  }

  measure: refund_value {
    type: sum
    group_label: "Sums"
    label: "Refunded value"
    description: "Value of the refunds, negative."
    value_format_name: decimal_2
    required_fields: [currency]
    html: {{ linked_value }} {{ currency._value }} ;;
    drill_fields: [detail*, refund_value]
    sql: ${TABLE}.refund_value ;;
  }

  measure: net_order_value {
    type: sum
    group_label: "Sums"
    label: "Order value less refunds"
    description: "Value of all orders less refunds."
    value_format_name: decimal_2
    required_fields: [currency]
    html: {{ linked_value }} {{ currency._value }} ;;
    drill_fields: [detail*, net_order_value]
    sql: ${TABLE}.value ;;
  }

  measure: klaviyo_order_value {
    type: sum
    group_label: "Sums"
    label: "Order value credited by Klaviyo"
    description: "Value of the orders that Klaviyo credits to a message, by order date; its reports count the same by send date."
    value_format_name: decimal_2
    required_fields: [currency]
    html: {{ linked_value }} {{ currency._value }} ;;
    drill_fields: [detail*, klaviyo_order_value]
    sql: ${TABLE}.klaviyo_order_value ;;
  }

  measure: last_touch_order_value {
    type: sum
    group_label: "Sums"
    label: "Order value by last touch"
    description: "Value of the orders that Klaviyo credits to no message and the last touch does."
    value_format_name: decimal_2
    required_fields: [currency]
    html: {{ linked_value }} {{ currency._value }} ;;
    drill_fields: [detail*, last_touch_order_value]
    sql: ${TABLE}.last_touch_order_value ;;
  }

  measure: klaviyo_order_share {
    type: number
    group_label: "Ratios"
    label: "Share of order value credited by Klaviyo"
    description: "Order value credited by Klaviyo / order value."
    value_format_name: percent_1
    required_fields: [currency]
    drill_fields: [detail*, klaviyo_order_value, order_value, klaviyo_order_share]
    sql: 1.0 * ${klaviyo_order_value} / NULLIF(${order_value}, 0) ;;
  }

  set: detail {
    fields: [
      date_date,
      order_number,
      account_name,
      currency,
      metric_name,
      attribution_method,
      touch_metric_name,
      message_type,
      campaign_name,
      flow_name,
      message_name,
    ]
  }
}
