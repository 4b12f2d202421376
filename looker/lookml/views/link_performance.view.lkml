# Generated from dbt by `python -m looker build`: refine it in refinements/, do not edit.

view: link_performance {
  label: "Link performance"
  sql_table_name: @{SCHEMA}.klaviyo__link_performance ;;

  dimension: link_performance_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: ${TABLE}.link_performance_key ;;
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
    description: "The message, as in klaviyo__message_performance; null if the click names no message."
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
    description: "ISO 4217 currency of the account; orders in other currencies add no value."
    sql: ${TABLE}.currency ;;
  }

  dimension: send_channel {
    type: string
    label: "Channel"
    description: "Channel of the click: email, sms or whatsapp; push messages have no clicks."
    sql: ${TABLE}.send_channel ;;
    html: {% case value %}{% when 'email' %}Email{% when 'sms' %}SMS{% when 'push-notification' %}Push{% when 'whatsapp' %}WhatsApp{% else %}{{ rendered_value }}{% endcase %} ;;
    order_by_field: send_channel_order
  }

  dimension: message_type {
    type: string
    label: "Type"
    description: "campaign or flow; null if the click names no message."
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

  dimension: link {
    type: string
    label: "Link"
    description: "Address of the link without what follows ? or"
    sql: ${TABLE}.link ;;
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
    label: "Click"
    description: "Day of the clicks, account time zone."
    sql: ${TABLE}.date ;;
  }

  measure: link_clicks {
    type: sum
    group_label: "Sums"
    label: "Clicks of links"
    description: "Clicks by people, not by bots."
    value_format_name: decimal_0
    drill_fields: [detail*, link_clicks]
    sql: ${TABLE}.clicks ;;
  }

  measure: link_bot_clicks {
    type: sum
    group_label: "Sums"
    label: "Bots' clicks of links"
    description: "Clicks that Klaviyo classifies as a bot's."
    value_format_name: decimal_0
    drill_fields: [detail*, link_bot_clicks]
    sql: ${TABLE}.bot_clicks ;;
  }

  measure: link_clickers {
    type: sum
    group_label: "Sums"
    label: "People who clicked a link"
    description: "People, counted once for each link of each message."
    value_format_name: decimal_0
    drill_fields: [detail*, link_clickers]
    sql: ${TABLE}.clickers ;;
  }

  measure: link_orders {
    type: sum
    group_label: "Sums"
    label: "Orders from links"
    description: "Orders that Klaviyo credits to a click of a link."
    value_format_name: decimal_0
    drill_fields: [detail*, link_orders]
    sql: ${TABLE}.orders ;;
  }

  measure: link_order_value {
    type: sum
    group_label: "Sums"
    label: "Revenue from links"
    description: "Value of these orders."
    value_format_name: decimal_2
    required_fields: [currency]
    html: {{ linked_value }} {{ currency._value }} ;;
    drill_fields: [detail*, link_order_value]
    sql: ${TABLE}.order_value ;;
  }

  measure: link_order_rate {
    type: number
    group_label: "Ratios"
    label: "Orders per clicker"
    description: "Orders from links / people who clicked a link."
    value_format_name: percent_2
    required_fields: [link_clickers]
    html: {% if value and link_clickers._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ link_clickers._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, link_orders, link_clickers, link_order_rate]
    sql: 1.0 * ${link_orders} / NULLIF(${link_clickers}, 0) ;;
  }

  measure: link_revenue_per_click {
    type: number
    group_label: "Ratios"
    label: "Revenue per click"
    description: "Revenue from links / clicks of links."
    value_format_name: decimal_2
    required_fields: [currency, link_clicks]
    html: {% if value and link_clicks._value < 50 %}<span style="color: #80868b">{{ linked_value }} {{ currency._value }} of {{ link_clicks._value }}</span>{% else %}{{ linked_value }} {{ currency._value }}{% endif %} ;;
    drill_fields: [detail*, link_order_value, link_clicks, link_revenue_per_click]
    sql: 1.0 * ${link_order_value} / NULLIF(${link_clicks}, 0) ;;
  }

  set: detail {
    fields: [
      date_date,
      account_name,
      currency,
      send_channel,
      message_type,
      campaign_name,
      flow_name,
      message_name,
      link,
    ]
  }
}
