# Generated from dbt by `python -m looker build`: refine it in refinements/, do not edit.

view: +account_daily {
  measure: row_count {
    type: count
    hidden: yes
  }

  measure: key_count {
    type: count_distinct
    hidden: yes
    sql: ${account_daily_key} ;;
  }

  measure: mart_row_count {
    type: number
    hidden: yes
    sql: (SELECT COUNT(*) FROM @{SCHEMA}.klaviyo__account_daily WHERE sent_on >= '2000-01-01') ;;
  }

  measure: account_revenue_of_any_currency {
    type: sum
    hidden: yes
    sql: ${TABLE}.conversion_value ;;
  }

  measure: mart_account_revenue_of_any_currency {
    type: number
    hidden: yes
    sql: (SELECT SUM(conversion_value) FROM @{SCHEMA}.klaviyo__account_daily WHERE sent_on >= '2000-01-01') ;;
  }

  measure: account_campaign_revenue_of_any_currency {
    type: sum
    hidden: yes
    sql: ${TABLE}.campaign_conversion_value ;;
  }

  measure: mart_account_campaign_revenue_of_any_currency {
    type: number
    hidden: yes
    sql: (SELECT SUM(campaign_conversion_value) FROM @{SCHEMA}.klaviyo__account_daily WHERE sent_on >= '2000-01-01') ;;
  }

  measure: account_flow_revenue_of_any_currency {
    type: sum
    hidden: yes
    sql: ${TABLE}.flow_conversion_value ;;
  }

  measure: mart_account_flow_revenue_of_any_currency {
    type: number
    hidden: yes
    sql: (SELECT SUM(flow_conversion_value) FROM @{SCHEMA}.klaviyo__account_daily WHERE sent_on >= '2000-01-01') ;;
  }
}

view: +attributed_order {
  measure: row_count {
    type: count
    hidden: yes
  }

  measure: key_count {
    type: count_distinct
    hidden: yes
    sql: ${attributed_order_key} ;;
  }

  measure: mart_row_count {
    type: number
    hidden: yes
    sql: (SELECT COUNT(*) FROM @{SCHEMA}.klaviyo__attributed_order WHERE date >= '2000-01-01') ;;
  }

  measure: order_value_of_any_currency {
    type: sum
    hidden: yes
    sql: ${TABLE}.order_value ;;
  }

  measure: mart_order_value_of_any_currency {
    type: number
    hidden: yes
    sql: (SELECT SUM(order_value) FROM @{SCHEMA}.klaviyo__attributed_order WHERE date >= '2000-01-01') ;;
  }

  measure: refund_value_of_any_currency {
    type: sum
    hidden: yes
    sql: ${TABLE}.refund_value ;;
  }

  measure: mart_refund_value_of_any_currency {
    type: number
    hidden: yes
    sql: (SELECT SUM(refund_value) FROM @{SCHEMA}.klaviyo__attributed_order WHERE date >= '2000-01-01') ;;
  }

  measure: net_order_value_of_any_currency {
    type: sum
    hidden: yes
    sql: ${TABLE}.value ;;
  }

  measure: mart_net_order_value_of_any_currency {
    type: number
    hidden: yes
    sql: (SELECT SUM(value) FROM @{SCHEMA}.klaviyo__attributed_order WHERE date >= '2000-01-01') ;;
  }

  measure: klaviyo_order_value_of_any_currency {
    type: sum
    hidden: yes
    sql: ${TABLE}.klaviyo_order_value ;;
  }

  measure: mart_klaviyo_order_value_of_any_currency {
    type: number
    hidden: yes
    sql: (SELECT SUM(klaviyo_order_value) FROM @{SCHEMA}.klaviyo__attributed_order WHERE date >= '2000-01-01') ;;
  }

  measure: last_touch_order_value_of_any_currency {
    type: sum
    hidden: yes
    sql: ${TABLE}.last_touch_order_value ;;
  }

  measure: mart_last_touch_order_value_of_any_currency {
    type: number
    hidden: yes
    sql: (SELECT SUM(last_touch_order_value) FROM @{SCHEMA}.klaviyo__attributed_order WHERE date >= '2000-01-01') ;;
  }
}

view: +audience_growth {
  measure: row_count {
    type: count
    hidden: yes
  }

  measure: key_count {
    type: count_distinct
    hidden: yes
    sql: ${audience_growth_key} ;;
  }

  measure: mart_row_count {
    type: number
    hidden: yes
    sql: (SELECT COUNT(*) FROM @{SCHEMA}.klaviyo__audience_growth WHERE date >= '2000-01-01') ;;
  }
}

view: +campaign_daily {
  measure: row_count {
    type: count
    hidden: yes
  }

  measure: key_count {
    type: count_distinct
    hidden: yes
    sql: ${campaign_daily_key} ;;
  }

  measure: mart_row_count {
    type: number
    hidden: yes
    sql: (SELECT COUNT(*) FROM @{SCHEMA}.klaviyo__campaign_daily WHERE date >= '2000-01-01') ;;
  }

  measure: day_conversion_value_of_any_currency {
    type: sum
    hidden: yes
    sql: ${TABLE}.conversion_value ;;
  }

  measure: mart_day_conversion_value_of_any_currency {
    type: number
    hidden: yes
    sql: (SELECT SUM(conversion_value) FROM @{SCHEMA}.klaviyo__campaign_daily WHERE date >= '2000-01-01') ;;
  }

  measure: conversion_value_so_far_of_any_currency {
    type: sum
    hidden: yes
    sql: ${TABLE}.newly_known_conversion_value ;;
  }

  measure: mart_conversion_value_so_far_of_any_currency {
    type: number
    hidden: yes
    sql: (SELECT SUM(newly_known_conversion_value) FROM @{SCHEMA}.klaviyo__campaign_daily WHERE date >= '2000-01-01') ;;
  }
}

view: +campaign_provider {
  measure: row_count {
    type: count
    hidden: yes
  }

  measure: key_count {
    type: count_distinct
    hidden: yes
    sql: ${campaign_provider_key} ;;
  }

  measure: mart_row_count {
    type: number
    hidden: yes
    sql: (SELECT COUNT(*) FROM @{SCHEMA}.klaviyo__campaign_provider WHERE date >= '2000-01-01') ;;
  }
}

view: +cohort {
  measure: row_count {
    type: count
    hidden: yes
  }

  measure: key_count {
    type: count_distinct
    hidden: yes
    sql: ${cohort_key} ;;
  }

  measure: mart_row_count {
    type: number
    hidden: yes
    sql: (SELECT COUNT(*) FROM @{SCHEMA}.klaviyo__cohort) ;;
  }

  measure: cohort_net_value_of_any_currency {
    type: sum
    hidden: yes
    sql: ${TABLE}.net_value ;;
  }

  measure: mart_cohort_net_value_of_any_currency {
    type: number
    hidden: yes
    sql: (SELECT SUM(net_value) FROM @{SCHEMA}.klaviyo__cohort) ;;
  }

  measure: cohort_net_value_90_days_of_any_currency {
    type: sum
    hidden: yes
    sql: ${TABLE}.net_value_90_days ;;
  }

  measure: mart_cohort_net_value_90_days_of_any_currency {
    type: number
    hidden: yes
    sql: (SELECT SUM(net_value_90_days) FROM @{SCHEMA}.klaviyo__cohort) ;;
  }
}

view: +coupon_performance {
  measure: row_count {
    type: count
    hidden: yes
  }

  measure: key_count {
    type: count_distinct
    hidden: yes
    sql: ${coupon_performance_key} ;;
  }

  measure: mart_row_count {
    type: number
    hidden: yes
    sql: (SELECT COUNT(*) FROM @{SCHEMA}.klaviyo__coupon_performance WHERE date >= '2000-01-01') ;;
  }

  measure: coupon_order_value_of_any_currency {
    type: sum
    hidden: yes
    sql: ${TABLE}.order_value ;;
  }

  measure: mart_coupon_order_value_of_any_currency {
    type: number
    hidden: yes
    sql: (SELECT SUM(order_value) FROM @{SCHEMA}.klaviyo__coupon_performance WHERE date >= '2000-01-01') ;;
  }

  measure: klaviyo_coupon_order_value_of_any_currency {
    type: sum
    hidden: yes
    sql: ${TABLE}.klaviyo_order_value ;;
  }

  measure: mart_klaviyo_coupon_order_value_of_any_currency {
    type: number
    hidden: yes
    sql: (SELECT SUM(klaviyo_order_value) FROM @{SCHEMA}.klaviyo__coupon_performance WHERE date >= '2000-01-01') ;;
  }
}

view: +data_health {
  measure: row_count {
    type: count
    hidden: yes
  }

  measure: key_count {
    type: count_distinct
    hidden: yes
    sql: ${data_health_key} ;;
  }

  measure: mart_row_count {
    type: number
    hidden: yes
    sql: (SELECT COUNT(*) FROM @{SCHEMA}.klaviyo__data_health) ;;
  }
}

view: +deliverability_alert {
  measure: row_count {
    type: count
    hidden: yes
  }

  measure: key_count {
    type: count_distinct
    hidden: yes
    sql: ${deliverability_alert_key} ;;
  }

  measure: mart_row_count {
    type: number
    hidden: yes
    sql: (SELECT COUNT(*) FROM @{SCHEMA}.klaviyo__deliverability_alert) ;;
  }
}

view: +engagement {
  measure: row_count {
    type: count
    hidden: yes
  }

  measure: key_count {
    type: count_distinct
    hidden: yes
    sql: ${engagement_key} ;;
  }

  measure: mart_row_count {
    type: number
    hidden: yes
    sql: (SELECT COUNT(*) FROM @{SCHEMA}.klaviyo__engagement) ;;
  }
}

view: +finding {
  measure: row_count {
    type: count
    hidden: yes
  }

  measure: key_count {
    type: count_distinct
    hidden: yes
    sql: ${finding_key} ;;
  }

  measure: mart_row_count {
    type: number
    hidden: yes
    sql: (SELECT COUNT(*) FROM @{SCHEMA}.klaviyo__finding) ;;
  }
}

view: +flow_period {
  measure: row_count {
    type: count
    hidden: yes
  }

  measure: key_count {
    type: count_distinct
    hidden: yes
    sql: ${flow_period_key} ;;
  }

  measure: mart_row_count {
    type: number
    hidden: yes
    sql: (SELECT COUNT(*) FROM @{SCHEMA}.klaviyo__flow_period) ;;
  }
}

view: +flow_step {
  measure: row_count {
    type: count
    hidden: yes
  }

  measure: key_count {
    type: count_distinct
    hidden: yes
    sql: ${flow_step_key} ;;
  }

  measure: mart_row_count {
    type: number
    hidden: yes
    sql: (SELECT COUNT(*) FROM @{SCHEMA}.klaviyo__flow_step) ;;
  }

  measure: step_revenue_of_any_currency {
    type: sum
    hidden: yes
    sql: ${TABLE}.conversion_value ;;
  }

  measure: mart_step_revenue_of_any_currency {
    type: number
    hidden: yes
    sql: (SELECT SUM(conversion_value) FROM @{SCHEMA}.klaviyo__flow_step) ;;
  }
}

view: +form_daily {
  measure: row_count {
    type: count
    hidden: yes
  }

  measure: key_count {
    type: count_distinct
    hidden: yes
    sql: ${form_daily_key} ;;
  }

  measure: mart_row_count {
    type: number
    hidden: yes
    sql: (SELECT COUNT(*) FROM @{SCHEMA}.klaviyo__form_daily WHERE date >= '2000-01-01') ;;
  }
}

view: +form_version_daily {
  measure: row_count {
    type: count
    hidden: yes
  }

  measure: key_count {
    type: count_distinct
    hidden: yes
    sql: ${form_version_daily_key} ;;
  }

  measure: mart_row_count {
    type: number
    hidden: yes
    sql: (SELECT COUNT(*) FROM @{SCHEMA}.klaviyo__form_version_daily WHERE date >= '2000-01-01') ;;
  }
}

view: +inbox_provider {
  measure: row_count {
    type: count
    hidden: yes
  }

  measure: key_count {
    type: count_distinct
    hidden: yes
    sql: ${inbox_provider_key} ;;
  }

  measure: mart_row_count {
    type: number
    hidden: yes
    sql: (SELECT COUNT(*) FROM @{SCHEMA}.klaviyo__inbox_provider WHERE date >= '2000-01-01') ;;
  }
}

view: +link_performance {
  measure: row_count {
    type: count
    hidden: yes
  }

  measure: key_count {
    type: count_distinct
    hidden: yes
    sql: ${link_performance_key} ;;
  }

  measure: mart_row_count {
    type: number
    hidden: yes
    sql: (SELECT COUNT(*) FROM @{SCHEMA}.klaviyo__link_performance WHERE date >= '2000-01-01') ;;
  }

  measure: link_order_value_of_any_currency {
    type: sum
    hidden: yes
    sql: ${TABLE}.order_value ;;
  }

  measure: mart_link_order_value_of_any_currency {
    type: number
    hidden: yes
    sql: (SELECT SUM(order_value) FROM @{SCHEMA}.klaviyo__link_performance WHERE date >= '2000-01-01') ;;
  }
}

view: +message_performance {
  measure: row_count {
    type: count
    hidden: yes
  }

  measure: key_count {
    type: count_distinct
    hidden: yes
    sql: ${message_performance_key} ;;
  }

  measure: mart_row_count {
    type: number
    hidden: yes
    sql: (SELECT COUNT(*) FROM @{SCHEMA}.klaviyo__message_performance WHERE sent_on >= '2000-01-01') ;;
  }

  measure: conversion_value_of_any_currency {
    type: sum
    hidden: yes
    sql: ${TABLE}.conversion_value ;;
  }

  measure: mart_conversion_value_of_any_currency {
    type: number
    hidden: yes
    sql: (SELECT SUM(conversion_value) FROM @{SCHEMA}.klaviyo__message_performance WHERE sent_on >= '2000-01-01') ;;
  }

  measure: text_message_spend_of_any_currency {
    type: sum
    hidden: yes
    sql: ${TABLE}.text_message_spend ;;
  }

  measure: mart_text_message_spend_of_any_currency {
    type: number
    hidden: yes
    sql: (SELECT SUM(text_message_spend) FROM @{SCHEMA}.klaviyo__message_performance WHERE sent_on >= '2000-01-01') ;;
  }

  measure: text_message_conversion_value_of_any_currency {
    type: sum
    hidden: yes
    sql: ${TABLE}.text_message_conversion_value ;;
  }

  measure: mart_text_message_conversion_value_of_any_currency {
    type: number
    hidden: yes
    sql: (SELECT SUM(text_message_conversion_value) FROM @{SCHEMA}.klaviyo__message_performance WHERE sent_on >= '2000-01-01') ;;
  }
}

view: +product_performance {
  measure: row_count {
    type: count
    hidden: yes
  }

  measure: key_count {
    type: count_distinct
    hidden: yes
    sql: ${product_performance_key} ;;
  }

  measure: mart_row_count {
    type: number
    hidden: yes
    sql: (SELECT COUNT(*) FROM @{SCHEMA}.klaviyo__product_performance WHERE date >= '2000-01-01') ;;
  }

  measure: product_value_of_any_currency {
    type: sum
    hidden: yes
    sql: ${TABLE}.value ;;
  }

  measure: mart_product_value_of_any_currency {
    type: number
    hidden: yes
    sql: (SELECT SUM(value) FROM @{SCHEMA}.klaviyo__product_performance WHERE date >= '2000-01-01') ;;
  }

  measure: klaviyo_product_value_of_any_currency {
    type: sum
    hidden: yes
    sql: ${TABLE}.klaviyo_value ;;
  }

  measure: mart_klaviyo_product_value_of_any_currency {
    type: number
    hidden: yes
    sql: (SELECT SUM(klaviyo_value) FROM @{SCHEMA}.klaviyo__product_performance WHERE date >= '2000-01-01') ;;
  }
}

view: +profile {
  measure: row_count {
    type: count
    hidden: yes
  }

  measure: key_count {
    type: count_distinct
    hidden: yes
    sql: ${profile_key} ;;
  }

  measure: mart_row_count {
    type: number
    hidden: yes
    sql: (SELECT COUNT(*) FROM @{SCHEMA}.klaviyo__profile) ;;
  }

  measure: profile_order_value_of_any_currency {
    type: sum
    hidden: yes
    sql: ${TABLE}.profile_order_value ;;
  }

  measure: mart_profile_order_value_of_any_currency {
    type: number
    hidden: yes
    sql: (SELECT SUM(profile_order_value) FROM @{SCHEMA}.klaviyo__profile) ;;
  }
}

view: +revenue_daily {
  measure: row_count {
    type: count
    hidden: yes
  }

  measure: key_count {
    type: count_distinct
    hidden: yes
    sql: ${revenue_daily_key} ;;
  }

  measure: mart_row_count {
    type: number
    hidden: yes
    sql: (SELECT COUNT(*) FROM @{SCHEMA}.klaviyo__revenue_daily WHERE date >= '2000-01-01') ;;
  }

  measure: shop_revenue_of_any_currency {
    type: sum
    hidden: yes
    sql: ${TABLE}.order_value ;;
  }

  measure: mart_shop_revenue_of_any_currency {
    type: number
    hidden: yes
    sql: (SELECT SUM(order_value) FROM @{SCHEMA}.klaviyo__revenue_daily WHERE date >= '2000-01-01') ;;
  }

  measure: shop_refunds_of_any_currency {
    type: sum
    hidden: yes
    sql: ${TABLE}.refund_value ;;
  }

  measure: mart_shop_refunds_of_any_currency {
    type: number
    hidden: yes
    sql: (SELECT SUM(refund_value) FROM @{SCHEMA}.klaviyo__revenue_daily WHERE date >= '2000-01-01') ;;
  }

  measure: shop_net_revenue_of_any_currency {
    type: sum
    hidden: yes
    sql: ${TABLE}.net_value ;;
  }

  measure: mart_shop_net_revenue_of_any_currency {
    type: number
    hidden: yes
    sql: (SELECT SUM(net_value) FROM @{SCHEMA}.klaviyo__revenue_daily WHERE date >= '2000-01-01') ;;
  }

  measure: credited_revenue_of_any_currency {
    type: sum
    hidden: yes
    sql: ${TABLE}.credited_order_value ;;
  }

  measure: mart_credited_revenue_of_any_currency {
    type: number
    hidden: yes
    sql: (SELECT SUM(credited_order_value) FROM @{SCHEMA}.klaviyo__revenue_daily WHERE date >= '2000-01-01') ;;
  }

  measure: credited_net_revenue_of_any_currency {
    type: sum
    hidden: yes
    sql: ${TABLE}.credited_net_value ;;
  }

  measure: mart_credited_net_revenue_of_any_currency {
    type: number
    hidden: yes
    sql: (SELECT SUM(credited_net_value) FROM @{SCHEMA}.klaviyo__revenue_daily WHERE date >= '2000-01-01') ;;
  }

  measure: campaign_revenue_of_any_currency {
    type: sum
    hidden: yes
    sql: ${TABLE}.campaign_order_value ;;
  }

  measure: mart_campaign_revenue_of_any_currency {
    type: number
    hidden: yes
    sql: (SELECT SUM(campaign_order_value) FROM @{SCHEMA}.klaviyo__revenue_daily WHERE date >= '2000-01-01') ;;
  }

  measure: flow_revenue_of_any_currency {
    type: sum
    hidden: yes
    sql: ${TABLE}.flow_order_value ;;
  }

  measure: mart_flow_revenue_of_any_currency {
    type: number
    hidden: yes
    sql: (SELECT SUM(flow_order_value) FROM @{SCHEMA}.klaviyo__revenue_daily WHERE date >= '2000-01-01') ;;
  }
}

view: +rfm {
  measure: row_count {
    type: count
    hidden: yes
  }

  measure: key_count {
    type: count_distinct
    hidden: yes
    sql: ${rfm_key} ;;
  }

  measure: mart_row_count {
    type: number
    hidden: yes
    sql: (SELECT COUNT(*) FROM @{SCHEMA}.klaviyo__rfm) ;;
  }

  measure: rfm_net_value_of_any_currency {
    type: sum
    hidden: yes
    sql: ${TABLE}.net_value ;;
  }

  measure: mart_rfm_net_value_of_any_currency {
    type: number
    hidden: yes
    sql: (SELECT SUM(net_value) FROM @{SCHEMA}.klaviyo__rfm) ;;
  }
}

view: +send_pressure {
  measure: row_count {
    type: count
    hidden: yes
  }

  measure: key_count {
    type: count_distinct
    hidden: yes
    sql: ${send_pressure_key} ;;
  }

  measure: mart_row_count {
    type: number
    hidden: yes
    sql: (SELECT COUNT(*) FROM @{SCHEMA}.klaviyo__send_pressure) ;;
  }

  measure: pressure_order_value_of_any_currency {
    type: sum
    hidden: yes
    sql: ${TABLE}.order_value ;;
  }

  measure: mart_pressure_order_value_of_any_currency {
    type: number
    hidden: yes
    sql: (SELECT SUM(order_value) FROM @{SCHEMA}.klaviyo__send_pressure) ;;
  }
}

view: +subject_line_pattern {
  measure: row_count {
    type: count
    hidden: yes
  }

  measure: key_count {
    type: count_distinct
    hidden: yes
    sql: ${subject_line_pattern_key} ;;
  }

  measure: mart_row_count {
    type: number
    hidden: yes
    sql: (SELECT COUNT(*) FROM @{SCHEMA}.klaviyo__subject_line_pattern) ;;
  }

  measure: pattern_revenue_of_any_currency {
    type: sum
    hidden: yes
    sql: ${TABLE}.conversion_value ;;
  }

  measure: mart_pattern_revenue_of_any_currency {
    type: number
    hidden: yes
    sql: (SELECT SUM(conversion_value) FROM @{SCHEMA}.klaviyo__subject_line_pattern) ;;
  }
}

view: +subject_line_test {
  measure: row_count {
    type: count
    hidden: yes
  }

  measure: key_count {
    type: count_distinct
    hidden: yes
    sql: ${subject_line_test_key} ;;
  }

  measure: mart_row_count {
    type: number
    hidden: yes
    sql: (SELECT COUNT(*) FROM @{SCHEMA}.klaviyo__subject_line_test) ;;
  }

  measure: tested_conversion_value_of_any_currency {
    type: sum
    hidden: yes
    sql: ${TABLE}.conversion_value ;;
  }

  measure: mart_tested_conversion_value_of_any_currency {
    type: number
    hidden: yes
    sql: (SELECT SUM(conversion_value) FROM @{SCHEMA}.klaviyo__subject_line_test) ;;
  }
}

test: account_daily_equals_its_mart {
  explore_source: account_daily {
    column: key_count {}

    column: row_count {}

    column: mart_row_count {}

    column: account_revenue_of_any_currency {}

    column: mart_account_revenue_of_any_currency {}

    column: account_campaign_revenue_of_any_currency {}

    column: mart_account_campaign_revenue_of_any_currency {}

    column: account_flow_revenue_of_any_currency {}

    column: mart_account_flow_revenue_of_any_currency {}

    filters: [
      account_daily.sent_date: "after 2000-01-01",
    ]
  }

  assert: one_row_for_each_key {
    expression: ${account_daily.row_count} = ${account_daily.key_count} ;;
  }

  assert: row_count_of_the_mart {
    expression: abs(coalesce(${account_daily.row_count}, 0) - coalesce(${account_daily.mart_row_count}, 0)) < 0.01 ;;
  }

  assert: account_revenue_of_any_currency_of_the_mart {
    expression: abs(coalesce(${account_daily.account_revenue_of_any_currency}, 0) - coalesce(${account_daily.mart_account_revenue_of_any_currency}, 0)) < 0.01 ;;
  }

  assert: account_campaign_revenue_of_any_currency_of_the_mart {
    expression: abs(coalesce(${account_daily.account_campaign_revenue_of_any_currency}, 0) - coalesce(${account_daily.mart_account_campaign_revenue_of_any_currency}, 0)) < 0.01 ;;
  }

  assert: account_flow_revenue_of_any_currency_of_the_mart {
    expression: abs(coalesce(${account_daily.account_flow_revenue_of_any_currency}, 0) - coalesce(${account_daily.mart_account_flow_revenue_of_any_currency}, 0)) < 0.01 ;;
  }
}

test: attributed_order_equals_its_mart {
  explore_source: attributed_order {
    column: key_count {}

    column: row_count {}

    column: mart_row_count {}

    column: order_value_of_any_currency {}

    column: mart_order_value_of_any_currency {}

    column: refund_value_of_any_currency {}

    column: mart_refund_value_of_any_currency {}

    column: net_order_value_of_any_currency {}

    column: mart_net_order_value_of_any_currency {}

    column: klaviyo_order_value_of_any_currency {}

    column: mart_klaviyo_order_value_of_any_currency {}

    column: last_touch_order_value_of_any_currency {}

    column: mart_last_touch_order_value_of_any_currency {}

    filters: [
      attributed_order.date_date: "after 2000-01-01",
    ]
  }

  assert: one_row_for_each_key {
    expression: ${attributed_order.row_count} = ${attributed_order.key_count} ;;
  }

  assert: row_count_of_the_mart {
    expression: abs(coalesce(${attributed_order.row_count}, 0) - coalesce(${attributed_order.mart_row_count}, 0)) < 0.01 ;;
  }

  assert: order_value_of_any_currency_of_the_mart {
    expression: abs(coalesce(${attributed_order.order_value_of_any_currency}, 0) - coalesce(${attributed_order.mart_order_value_of_any_currency}, 0)) < 0.01 ;;
  }

  assert: refund_value_of_any_currency_of_the_mart {
    expression: abs(coalesce(${attributed_order.refund_value_of_any_currency}, 0) - coalesce(${attributed_order.mart_refund_value_of_any_currency}, 0)) < 0.01 ;;
  }

  assert: net_order_value_of_any_currency_of_the_mart {
    expression: abs(coalesce(${attributed_order.net_order_value_of_any_currency}, 0) - coalesce(${attributed_order.mart_net_order_value_of_any_currency}, 0)) < 0.01 ;;
  }

  assert: klaviyo_order_value_of_any_currency_of_the_mart {
    expression: abs(coalesce(${attributed_order.klaviyo_order_value_of_any_currency}, 0) - coalesce(${attributed_order.mart_klaviyo_order_value_of_any_currency}, 0)) < 0.01 ;;
  }

  assert: last_touch_order_value_of_any_currency_of_the_mart {
    expression: abs(coalesce(${attributed_order.last_touch_order_value_of_any_currency}, 0) - coalesce(${attributed_order.mart_last_touch_order_value_of_any_currency}, 0)) < 0.01 ;;
  }
}

test: audience_growth_equals_its_mart {
  explore_source: audience_growth {
    column: key_count {}

    column: row_count {}

    column: mart_row_count {}

    filters: [
      audience_growth.date_date: "after 2000-01-01",
    ]
  }

  assert: one_row_for_each_key {
    expression: ${audience_growth.row_count} = ${audience_growth.key_count} ;;
  }

  assert: row_count_of_the_mart {
    expression: abs(coalesce(${audience_growth.row_count}, 0) - coalesce(${audience_growth.mart_row_count}, 0)) < 0.01 ;;
  }
}

test: campaign_daily_equals_its_mart {
  explore_source: campaign_daily {
    column: key_count {}

    column: row_count {}

    column: mart_row_count {}

    column: day_conversion_value_of_any_currency {}

    column: mart_day_conversion_value_of_any_currency {}

    column: conversion_value_so_far_of_any_currency {}

    column: mart_conversion_value_so_far_of_any_currency {}

    filters: [
      campaign_daily.date_date: "after 2000-01-01",
    ]
  }

  assert: one_row_for_each_key {
    expression: ${campaign_daily.row_count} = ${campaign_daily.key_count} ;;
  }

  assert: row_count_of_the_mart {
    expression: abs(coalesce(${campaign_daily.row_count}, 0) - coalesce(${campaign_daily.mart_row_count}, 0)) < 0.01 ;;
  }

  assert: day_conversion_value_of_any_currency_of_the_mart {
    expression: abs(coalesce(${campaign_daily.day_conversion_value_of_any_currency}, 0) - coalesce(${campaign_daily.mart_day_conversion_value_of_any_currency}, 0)) < 0.01 ;;
  }

  assert: conversion_value_so_far_of_any_currency_of_the_mart {
    expression: abs(coalesce(${campaign_daily.conversion_value_so_far_of_any_currency}, 0) - coalesce(${campaign_daily.mart_conversion_value_so_far_of_any_currency}, 0)) < 0.01 ;;
  }
}

test: campaign_provider_equals_its_mart {
  explore_source: campaign_provider {
    column: key_count {}

    column: row_count {}

    column: mart_row_count {}

    filters: [
      campaign_provider.date_date: "after 2000-01-01",
    ]
  }

  assert: one_row_for_each_key {
    expression: ${campaign_provider.row_count} = ${campaign_provider.key_count} ;;
  }

  assert: row_count_of_the_mart {
    expression: abs(coalesce(${campaign_provider.row_count}, 0) - coalesce(${campaign_provider.mart_row_count}, 0)) < 0.01 ;;
  }
}

test: cohort_equals_its_mart {
  explore_source: cohort {
    column: key_count {}

    column: row_count {}

    column: mart_row_count {}

    column: cohort_net_value_of_any_currency {}

    column: mart_cohort_net_value_of_any_currency {}

    column: cohort_net_value_90_days_of_any_currency {}

    column: mart_cohort_net_value_90_days_of_any_currency {}
  }

  assert: one_row_for_each_key {
    expression: ${cohort.row_count} = ${cohort.key_count} ;;
  }

  assert: row_count_of_the_mart {
    expression: abs(coalesce(${cohort.row_count}, 0) - coalesce(${cohort.mart_row_count}, 0)) < 0.01 ;;
  }

  assert: cohort_net_value_of_any_currency_of_the_mart {
    expression: abs(coalesce(${cohort.cohort_net_value_of_any_currency}, 0) - coalesce(${cohort.mart_cohort_net_value_of_any_currency}, 0)) < 0.01 ;;
  }

  assert: cohort_net_value_90_days_of_any_currency_of_the_mart {
    expression: abs(coalesce(${cohort.cohort_net_value_90_days_of_any_currency}, 0) - coalesce(${cohort.mart_cohort_net_value_90_days_of_any_currency}, 0)) < 0.01 ;;
  }
}

test: coupon_performance_equals_its_mart {
  explore_source: coupon_performance {
    column: key_count {}

    column: row_count {}

    column: mart_row_count {}

    column: coupon_order_value_of_any_currency {}

    column: mart_coupon_order_value_of_any_currency {}

    column: klaviyo_coupon_order_value_of_any_currency {}

    column: mart_klaviyo_coupon_order_value_of_any_currency {}

    filters: [
      coupon_performance.date_date: "after 2000-01-01",
    ]
  }

  assert: one_row_for_each_key {
    expression: ${coupon_performance.row_count} = ${coupon_performance.key_count} ;;
  }

  assert: row_count_of_the_mart {
    expression: abs(coalesce(${coupon_performance.row_count}, 0) - coalesce(${coupon_performance.mart_row_count}, 0)) < 0.01 ;;
  }

  assert: coupon_order_value_of_any_currency_of_the_mart {
    expression: abs(coalesce(${coupon_performance.coupon_order_value_of_any_currency}, 0) - coalesce(${coupon_performance.mart_coupon_order_value_of_any_currency}, 0)) < 0.01 ;;
  }

  assert: klaviyo_coupon_order_value_of_any_currency_of_the_mart {
    expression: abs(coalesce(${coupon_performance.klaviyo_coupon_order_value_of_any_currency}, 0) - coalesce(${coupon_performance.mart_klaviyo_coupon_order_value_of_any_currency}, 0)) < 0.01 ;;
  }
}

test: data_health_equals_its_mart {
  explore_source: data_health {
    column: key_count {}

    column: row_count {}

    column: mart_row_count {}
  }

  assert: one_row_for_each_key {
    expression: ${data_health.row_count} = ${data_health.key_count} ;;
  }

  assert: row_count_of_the_mart {
    expression: abs(coalesce(${data_health.row_count}, 0) - coalesce(${data_health.mart_row_count}, 0)) < 0.01 ;;
  }
}

test: deliverability_alert_equals_its_mart {
  explore_source: deliverability_alert {
    column: key_count {}

    column: row_count {}

    column: mart_row_count {}
  }

  assert: one_row_for_each_key {
    expression: ${deliverability_alert.row_count} = ${deliverability_alert.key_count} ;;
  }

  assert: row_count_of_the_mart {
    expression: abs(coalesce(${deliverability_alert.row_count}, 0) - coalesce(${deliverability_alert.mart_row_count}, 0)) < 0.01 ;;
  }
}

test: engagement_equals_its_mart {
  explore_source: engagement {
    column: key_count {}

    column: row_count {}

    column: mart_row_count {}

    column: profile_row_count {
      field: profile.row_count
    }

    column: rfm_row_count {
      field: rfm.row_count
    }
  }

  assert: one_row_for_each_key {
    expression: ${engagement.row_count} = ${engagement.key_count} ;;
  }

  assert: row_count_of_the_mart {
    expression: abs(coalesce(${engagement.row_count}, 0) - coalesce(${engagement.mart_row_count}, 0)) < 0.01 ;;
  }
}

test: finding_equals_its_mart {
  explore_source: finding {
    column: key_count {}

    column: row_count {}

    column: mart_row_count {}
  }

  assert: one_row_for_each_key {
    expression: ${finding.row_count} = ${finding.key_count} ;;
  }

  assert: row_count_of_the_mart {
    expression: abs(coalesce(${finding.row_count}, 0) - coalesce(${finding.mart_row_count}, 0)) < 0.01 ;;
  }
}

test: flow_period_equals_its_mart {
  explore_source: flow_period {
    column: key_count {}

    column: row_count {}

    column: mart_row_count {}

    column: flow_step_row_count {
      field: flow_step.row_count
    }
  }

  assert: one_row_for_each_key {
    expression: ${flow_period.row_count} = ${flow_period.key_count} ;;
  }

  assert: row_count_of_the_mart {
    expression: abs(coalesce(${flow_period.row_count}, 0) - coalesce(${flow_period.mart_row_count}, 0)) < 0.01 ;;
  }
}

test: flow_step_equals_its_mart {
  explore_source: flow_step {
    column: key_count {}

    column: row_count {}

    column: mart_row_count {}

    column: step_revenue_of_any_currency {}

    column: mart_step_revenue_of_any_currency {}
  }

  assert: one_row_for_each_key {
    expression: ${flow_step.row_count} = ${flow_step.key_count} ;;
  }

  assert: row_count_of_the_mart {
    expression: abs(coalesce(${flow_step.row_count}, 0) - coalesce(${flow_step.mart_row_count}, 0)) < 0.01 ;;
  }

  assert: step_revenue_of_any_currency_of_the_mart {
    expression: abs(coalesce(${flow_step.step_revenue_of_any_currency}, 0) - coalesce(${flow_step.mart_step_revenue_of_any_currency}, 0)) < 0.01 ;;
  }
}

test: form_daily_equals_its_mart {
  explore_source: form_daily {
    column: key_count {}

    column: row_count {}

    column: mart_row_count {}

    filters: [
      form_daily.date_date: "after 2000-01-01",
    ]
  }

  assert: one_row_for_each_key {
    expression: ${form_daily.row_count} = ${form_daily.key_count} ;;
  }

  assert: row_count_of_the_mart {
    expression: abs(coalesce(${form_daily.row_count}, 0) - coalesce(${form_daily.mart_row_count}, 0)) < 0.01 ;;
  }
}

test: form_version_daily_equals_its_mart {
  explore_source: form_version_daily {
    column: key_count {}

    column: row_count {}

    column: mart_row_count {}

    filters: [
      form_version_daily.date_date: "after 2000-01-01",
    ]
  }

  assert: one_row_for_each_key {
    expression: ${form_version_daily.row_count} = ${form_version_daily.key_count} ;;
  }

  assert: row_count_of_the_mart {
    expression: abs(coalesce(${form_version_daily.row_count}, 0) - coalesce(${form_version_daily.mart_row_count}, 0)) < 0.01 ;;
  }
}

test: inbox_provider_equals_its_mart {
  explore_source: inbox_provider {
    column: key_count {}

    column: row_count {}

    column: mart_row_count {}

    filters: [
      inbox_provider.date_date: "after 2000-01-01",
    ]
  }

  assert: one_row_for_each_key {
    expression: ${inbox_provider.row_count} = ${inbox_provider.key_count} ;;
  }

  assert: row_count_of_the_mart {
    expression: abs(coalesce(${inbox_provider.row_count}, 0) - coalesce(${inbox_provider.mart_row_count}, 0)) < 0.01 ;;
  }
}

test: link_performance_equals_its_mart {
  explore_source: link_performance {
    column: key_count {}

    column: row_count {}

    column: mart_row_count {}

    column: link_order_value_of_any_currency {}

    column: mart_link_order_value_of_any_currency {}

    filters: [
      link_performance.date_date: "after 2000-01-01",
    ]
  }

  assert: one_row_for_each_key {
    expression: ${link_performance.row_count} = ${link_performance.key_count} ;;
  }

  assert: row_count_of_the_mart {
    expression: abs(coalesce(${link_performance.row_count}, 0) - coalesce(${link_performance.mart_row_count}, 0)) < 0.01 ;;
  }

  assert: link_order_value_of_any_currency_of_the_mart {
    expression: abs(coalesce(${link_performance.link_order_value_of_any_currency}, 0) - coalesce(${link_performance.mart_link_order_value_of_any_currency}, 0)) < 0.01 ;;
  }
}

test: message_performance_equals_its_mart {
  explore_source: message_performance {
    column: key_count {}

    column: row_count {}

    column: mart_row_count {}

    column: conversion_value_of_any_currency {}

    column: mart_conversion_value_of_any_currency {}

    column: text_message_spend_of_any_currency {}

    column: mart_text_message_spend_of_any_currency {}

    column: text_message_conversion_value_of_any_currency {}

    column: mart_text_message_conversion_value_of_any_currency {}

    column: subject_line_test_row_count {
      field: subject_line_test.row_count
    }

    filters: [
      message_performance.sent_date: "after 2000-01-01",
    ]
  }

  assert: one_row_for_each_key {
    expression: ${message_performance.row_count} = ${message_performance.key_count} ;;
  }

  assert: row_count_of_the_mart {
    expression: abs(coalesce(${message_performance.row_count}, 0) - coalesce(${message_performance.mart_row_count}, 0)) < 0.01 ;;
  }

  assert: conversion_value_of_any_currency_of_the_mart {
    expression: abs(coalesce(${message_performance.conversion_value_of_any_currency}, 0) - coalesce(${message_performance.mart_conversion_value_of_any_currency}, 0)) < 0.01 ;;
  }

  assert: text_message_spend_of_any_currency_of_the_mart {
    expression: abs(coalesce(${message_performance.text_message_spend_of_any_currency}, 0) - coalesce(${message_performance.mart_text_message_spend_of_any_currency}, 0)) < 0.01 ;;
  }

  assert: text_message_conversion_value_of_any_currency_of_the_mart {
    expression: abs(coalesce(${message_performance.text_message_conversion_value_of_any_currency}, 0) - coalesce(${message_performance.mart_text_message_conversion_value_of_any_currency}, 0)) < 0.01 ;;
  }
}

test: product_performance_equals_its_mart {
  explore_source: product_performance {
    column: key_count {}

    column: row_count {}

    column: mart_row_count {}

    column: product_value_of_any_currency {}

    column: mart_product_value_of_any_currency {}

    column: klaviyo_product_value_of_any_currency {}

    column: mart_klaviyo_product_value_of_any_currency {}

    filters: [
      product_performance.date_date: "after 2000-01-01",
    ]
  }

  assert: one_row_for_each_key {
    expression: ${product_performance.row_count} = ${product_performance.key_count} ;;
  }

  assert: row_count_of_the_mart {
    expression: abs(coalesce(${product_performance.row_count}, 0) - coalesce(${product_performance.mart_row_count}, 0)) < 0.01 ;;
  }

  assert: product_value_of_any_currency_of_the_mart {
    expression: abs(coalesce(${product_performance.product_value_of_any_currency}, 0) - coalesce(${product_performance.mart_product_value_of_any_currency}, 0)) < 0.01 ;;
  }

  assert: klaviyo_product_value_of_any_currency_of_the_mart {
    expression: abs(coalesce(${product_performance.klaviyo_product_value_of_any_currency}, 0) - coalesce(${product_performance.mart_klaviyo_product_value_of_any_currency}, 0)) < 0.01 ;;
  }
}

test: profile_equals_its_mart {
  explore_source: profile {
    column: key_count {}

    column: row_count {}

    column: mart_row_count {}

    column: profile_order_value_of_any_currency {}

    column: mart_profile_order_value_of_any_currency {}

    column: engagement_row_count {
      field: engagement.row_count
    }

    column: rfm_row_count {
      field: rfm.row_count
    }
  }

  assert: one_row_for_each_key {
    expression: ${profile.row_count} = ${profile.key_count} ;;
  }

  assert: row_count_of_the_mart {
    expression: abs(coalesce(${profile.row_count}, 0) - coalesce(${profile.mart_row_count}, 0)) < 0.01 ;;
  }

  assert: profile_order_value_of_any_currency_of_the_mart {
    expression: abs(coalesce(${profile.profile_order_value_of_any_currency}, 0) - coalesce(${profile.mart_profile_order_value_of_any_currency}, 0)) < 0.01 ;;
  }
}

test: revenue_daily_equals_its_mart {
  explore_source: revenue_daily {
    column: key_count {}

    column: row_count {}

    column: mart_row_count {}

    column: shop_revenue_of_any_currency {}

    column: mart_shop_revenue_of_any_currency {}

    column: shop_refunds_of_any_currency {}

    column: mart_shop_refunds_of_any_currency {}

    column: shop_net_revenue_of_any_currency {}

    column: mart_shop_net_revenue_of_any_currency {}

    column: credited_revenue_of_any_currency {}

    column: mart_credited_revenue_of_any_currency {}

    column: credited_net_revenue_of_any_currency {}

    column: mart_credited_net_revenue_of_any_currency {}

    column: campaign_revenue_of_any_currency {}

    column: mart_campaign_revenue_of_any_currency {}

    column: flow_revenue_of_any_currency {}

    column: mart_flow_revenue_of_any_currency {}

    filters: [
      revenue_daily.date_date: "after 2000-01-01",
    ]
  }

  assert: one_row_for_each_key {
    expression: ${revenue_daily.row_count} = ${revenue_daily.key_count} ;;
  }

  assert: row_count_of_the_mart {
    expression: abs(coalesce(${revenue_daily.row_count}, 0) - coalesce(${revenue_daily.mart_row_count}, 0)) < 0.01 ;;
  }

  assert: shop_revenue_of_any_currency_of_the_mart {
    expression: abs(coalesce(${revenue_daily.shop_revenue_of_any_currency}, 0) - coalesce(${revenue_daily.mart_shop_revenue_of_any_currency}, 0)) < 0.01 ;;
  }

  assert: shop_refunds_of_any_currency_of_the_mart {
    expression: abs(coalesce(${revenue_daily.shop_refunds_of_any_currency}, 0) - coalesce(${revenue_daily.mart_shop_refunds_of_any_currency}, 0)) < 0.01 ;;
  }

  assert: shop_net_revenue_of_any_currency_of_the_mart {
    expression: abs(coalesce(${revenue_daily.shop_net_revenue_of_any_currency}, 0) - coalesce(${revenue_daily.mart_shop_net_revenue_of_any_currency}, 0)) < 0.01 ;;
  }

  assert: credited_revenue_of_any_currency_of_the_mart {
    expression: abs(coalesce(${revenue_daily.credited_revenue_of_any_currency}, 0) - coalesce(${revenue_daily.mart_credited_revenue_of_any_currency}, 0)) < 0.01 ;;
  }

  assert: credited_net_revenue_of_any_currency_of_the_mart {
    expression: abs(coalesce(${revenue_daily.credited_net_revenue_of_any_currency}, 0) - coalesce(${revenue_daily.mart_credited_net_revenue_of_any_currency}, 0)) < 0.01 ;;
  }

  assert: campaign_revenue_of_any_currency_of_the_mart {
    expression: abs(coalesce(${revenue_daily.campaign_revenue_of_any_currency}, 0) - coalesce(${revenue_daily.mart_campaign_revenue_of_any_currency}, 0)) < 0.01 ;;
  }

  assert: flow_revenue_of_any_currency_of_the_mart {
    expression: abs(coalesce(${revenue_daily.flow_revenue_of_any_currency}, 0) - coalesce(${revenue_daily.mart_flow_revenue_of_any_currency}, 0)) < 0.01 ;;
  }
}

test: rfm_equals_its_mart {
  explore_source: rfm {
    column: key_count {}

    column: row_count {}

    column: mart_row_count {}

    column: rfm_net_value_of_any_currency {}

    column: mart_rfm_net_value_of_any_currency {}

    column: engagement_row_count {
      field: engagement.row_count
    }

    column: profile_row_count {
      field: profile.row_count
    }
  }

  assert: one_row_for_each_key {
    expression: ${rfm.row_count} = ${rfm.key_count} ;;
  }

  assert: row_count_of_the_mart {
    expression: abs(coalesce(${rfm.row_count}, 0) - coalesce(${rfm.mart_row_count}, 0)) < 0.01 ;;
  }

  assert: rfm_net_value_of_any_currency_of_the_mart {
    expression: abs(coalesce(${rfm.rfm_net_value_of_any_currency}, 0) - coalesce(${rfm.mart_rfm_net_value_of_any_currency}, 0)) < 0.01 ;;
  }
}

test: send_pressure_equals_its_mart {
  explore_source: send_pressure {
    column: key_count {}

    column: row_count {}

    column: mart_row_count {}

    column: pressure_order_value_of_any_currency {}

    column: mart_pressure_order_value_of_any_currency {}
  }

  assert: one_row_for_each_key {
    expression: ${send_pressure.row_count} = ${send_pressure.key_count} ;;
  }

  assert: row_count_of_the_mart {
    expression: abs(coalesce(${send_pressure.row_count}, 0) - coalesce(${send_pressure.mart_row_count}, 0)) < 0.01 ;;
  }

  assert: pressure_order_value_of_any_currency_of_the_mart {
    expression: abs(coalesce(${send_pressure.pressure_order_value_of_any_currency}, 0) - coalesce(${send_pressure.mart_pressure_order_value_of_any_currency}, 0)) < 0.01 ;;
  }
}

test: subject_line_pattern_equals_its_mart {
  explore_source: subject_line_pattern {
    column: key_count {}

    column: row_count {}

    column: mart_row_count {}

    column: pattern_revenue_of_any_currency {}

    column: mart_pattern_revenue_of_any_currency {}
  }

  assert: one_row_for_each_key {
    expression: ${subject_line_pattern.row_count} = ${subject_line_pattern.key_count} ;;
  }

  assert: row_count_of_the_mart {
    expression: abs(coalesce(${subject_line_pattern.row_count}, 0) - coalesce(${subject_line_pattern.mart_row_count}, 0)) < 0.01 ;;
  }

  assert: pattern_revenue_of_any_currency_of_the_mart {
    expression: abs(coalesce(${subject_line_pattern.pattern_revenue_of_any_currency}, 0) - coalesce(${subject_line_pattern.mart_pattern_revenue_of_any_currency}, 0)) < 0.01 ;;
  }
}

test: subject_line_test_equals_its_mart {
  explore_source: subject_line_test {
    column: key_count {}

    column: row_count {}

    column: mart_row_count {}

    column: tested_conversion_value_of_any_currency {}

    column: mart_tested_conversion_value_of_any_currency {}
  }

  assert: one_row_for_each_key {
    expression: ${subject_line_test.row_count} = ${subject_line_test.key_count} ;;
  }

  assert: row_count_of_the_mart {
    expression: abs(coalesce(${subject_line_test.row_count}, 0) - coalesce(${subject_line_test.mart_row_count}, 0)) < 0.01 ;;
  }

  assert: tested_conversion_value_of_any_currency_of_the_mart {
    expression: abs(coalesce(${subject_line_test.tested_conversion_value_of_any_currency}, 0) - coalesce(${subject_line_test.mart_tested_conversion_value_of_any_currency}, 0)) < 0.01 ;;
  }
}
