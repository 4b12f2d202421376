# Generated from dbt by `python -m looker build`: refine it in refinements/, do not edit.

view: deliverability_alert {
  label: "Deliverability alert"
  sql_table_name: @{SCHEMA}.klaviyo__deliverability_alert ;;

  dimension: deliverability_alert_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: ${TABLE}.deliverability_alert_key ;;
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

  dimension: inbox_provider {
    type: string
    label: "Mailbox provider"
    description: "Mailbox provider, such as Gmail; Unknown if Klaviyo has none, All for all together."
    sql: ${TABLE}.inbox_provider ;;
  }

  dimension: alert_rule {
    type: string
    label: "Rule"
    description: "bounce_rate (bounced / arrived or bounced), spam_complaint_rate (complaints / arrived) or delivery_rate (arrived / arrived or bounced). Gmail reports no complaints to senders: Google's Postmaster Tools show them."
    sql: ${TABLE}.alert_rule ;;
    html: {% case value %}{% when 'bounce_rate' %}Bounces{% when 'spam_complaint_rate' %}Spam complaints{% when 'delivery_rate' %}Delivery{% else %}{{ rendered_value }}{% endcase %} ;;
    order_by_field: alert_rule_order
  }

  dimension: alert_level {
    type: string
    label: "Alert"
    description: "critical or warning (the rate has reached the limit with more than one event, or the delivery rate fell by 1 point and more than chance explains), ok, or too small (fewer than 200 emails)."
    sql: ${TABLE}.alert_level ;;
    html: {% case value %}{% when 'critical' %}Critical{% when 'warning' %}Warning{% when 'ok' %}OK{% when 'too small' %}Too few emails{% else %}{{ rendered_value }}{% endcase %} ;;
    order_by_field: alert_level_order
  }

  dimension: recent_rate {
    type: number
    label: "Rate of 7 days"
    description: "Rate of the last 7 days, 0 to 1."
    value_format_name: percent_2
    sql: ${TABLE}.recent_rate ;;
  }

  dimension: previous_rate {
    type: number
    label: "Rate of 28 days before"
    description: "Rate of the 28 days before, 0 to 1."
    value_format_name: percent_2
    sql: ${TABLE}.previous_rate ;;
  }

  dimension: rate_change {
    type: number
    label: "Change of the rate"
    description: "Rate of the last 7 days less that of the 28 days before."
    value_format_name: percent_2
    sql: ${TABLE}.rate_change ;;
  }

  dimension: warning_limit {
    type: number
    label: "Warning from"
    description: "Rate from which on the rule warns; null for the delivery rate."
    value_format_name: percent_2
    sql: ${TABLE}.warning_limit ;;
  }

  dimension: critical_limit {
    type: number
    label: "Critical from"
    description: "Rate from which on it is critical; null where the rule has none."
    value_format_name: percent_2
    sql: ${TABLE}.critical_limit ;;
  }

  dimension: alert_rule_order {
    hidden: yes
    type: number
    sql: CASE ${TABLE}.alert_rule WHEN 'bounce_rate' THEN 1 WHEN 'spam_complaint_rate' THEN 2 WHEN 'delivery_rate' THEN 3 END ;;
  }

  dimension: alert_level_order {
    hidden: yes
    type: number
    sql: CASE ${TABLE}.alert_level WHEN 'critical' THEN 1 WHEN 'warning' THEN 2 WHEN 'ok' THEN 3 WHEN 'too small' THEN 4 END ;;
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
    label: "Last day"
    description: "Last of the 7 days, the day before the last sync, account time zone."
    sql: ${TABLE}.date ;;
  }

  measure: deliverability_alerts {
    type: sum
    group_label: "Sums"
    label: "Deliverability alerts"
    description: "Rules that are broken, by mailbox provider and for all together."
    value_format_name: decimal_0
    drill_fields: [detail*, deliverability_alerts]
    sql: ${TABLE}.alerts ;;
  }

  measure: critical_alerts {
    type: sum
    group_label: "Sums"
    label: "Critical deliverability alerts"
    description: "Rules whose critical limit is reached."
    value_format_name: decimal_0
    drill_fields: [detail*, critical_alerts]
    sql: ${TABLE}.critical_alerts ;;
  }

  set: detail {
    fields: [
      date_date,
      account_name,
      inbox_provider,
      alert_rule,
      alert_level,
    ]
  }
}
