# Generated from dbt by `python -m looker build`: refine it in refinements/, do not edit.

view: product_performance {
  label: "Product performance"
  sql_table_name: @{SCHEMA}.klaviyo__product_performance ;;

  dimension: product_performance_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: ${TABLE}.product_performance_key ;;
  }

  dimension: account_id {
    hidden: yes
    type: string
    label: "Account id"
    description: "The Klaviyo account."
    sql: ${TABLE}.account_id ;;
  }

  dimension: product_id {
    hidden: yes
    type: string
    label: "Product id"
    description: "The id of the product in the shop; without one, the SKU or the name that the order has."
    sql: ${TABLE}.product_id ;;
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
    description: "The credited message; null if the campaign has several messages and the order does not name one."
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
    description: "ISO 4217 currency of the orders. Do not sum amounts of two currencies."
    sql: ${TABLE}.currency ;;
  }

  dimension: product_name {
    type: string
    label: "Product"
    description: "The product's title in the catalogue, else its name in the orders."
    sql: ${TABLE}.product_name ;;
  }

  dimension: category_names {
    type: string
    label: "Categories"
    description: "Names of its categories in the catalogue, separated by commas."
    sql: ${TABLE}.category_names ;;
  }

  dimension: is_published {
    type: yesno
    label: "Published"
    description: "Whether the shop shows it; null if it is not in the catalogue."
    sql: ${TABLE}.is_published ;;
  }

  dimension: is_in_catalog {
    type: yesno
    label: "In the catalogue"
    description: "Whether Klaviyo's catalogue has it. Its API shows only the products of custom integrations."
    sql: ${TABLE}.is_in_catalog ;;
  }

  dimension: attribution_method {
    type: string
    label: "Attribution"
    description: "The source of the credit: klaviyo (Klaviyo's own attribution, which its reports count), last_touch (without Klaviyo's attribution, the last open, click or text of a person within Klaviyo's default windows) or none."
    sql: ${TABLE}.attribution_method ;;
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
    description: "Date of the orders in the account's time zone."
    sql: ${TABLE}.date ;;
  }

  measure: product_orders {
    type: sum
    group_label: "Sums"
    label: "Orders with the product"
    description: "Orders that contain a product, counted once for each of its products."
    value_format_name: decimal_0
    drill_fields: [detail*, product_orders]
    sql: ${TABLE}.product_orders ;;
  }

  measure: klaviyo_product_orders {
    type: sum
    group_label: "Sums"
    label: "Orders with the product credited by Klaviyo"
    description: "Orders that contain a product and that Klaviyo credits to a message, counted once for each of their products."
    value_format_name: decimal_0
    drill_fields: [detail*, klaviyo_product_orders]
    sql: ${TABLE}.klaviyo_product_orders ;;
  }

  measure: product_units {
    type: sum
    group_label: "Sums"
    label: "Units"
    description: "Units of products in orders."
    value_format_name: decimal_0
    drill_fields: [detail*, product_units]
    sql: ${TABLE}.units ;;
  }

  measure: product_value {
    type: sum
    group_label: "Sums"
    label: "Product value"
    description: "Value of products in orders, before discounts of the whole order, shipping and refunds."
    value_format_name: decimal_2
    required_fields: [currency]
    html: {{ linked_value }} {{ currency._value }} ;;
    drill_fields: [detail*, product_value]
    sql: ${TABLE}.value ;;
  }

  measure: klaviyo_product_value {
    type: sum
    group_label: "Sums"
    label: "Product value credited by Klaviyo"
    description: "Value of products in the orders that Klaviyo credits to a message."
    value_format_name: decimal_2
    required_fields: [currency]
    html: {{ linked_value }} {{ currency._value }} ;;
    drill_fields: [detail*, klaviyo_product_value]
    sql: ${TABLE}.klaviyo_value ;;
  }

  measure: klaviyo_product_share {
    type: number
    group_label: "Ratios"
    label: "Share of product value credited by Klaviyo"
    description: "Product value credited by Klaviyo / product value."
    value_format_name: percent_1
    required_fields: [currency]
    drill_fields: [detail*, klaviyo_product_value, product_value, klaviyo_product_share]
    sql: 1.0 * ${klaviyo_product_value} / NULLIF(${product_value}, 0) ;;
  }

  set: detail {
    fields: [
      date_date,
      account_name,
      currency,
      product_name,
      category_names,
      attribution_method,
      message_type,
      campaign_name,
      flow_name,
      message_name,
    ]
  }
}
