# Generated from dbt by `python -m looker build`: refine it in refinements/, do not edit.

view: audience_growth {
  label: "Audience growth"
  sql_table_name: @{SCHEMA}.klaviyo__audience_growth ;;

  dimension: audience_growth_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: ${TABLE}.audience_growth_key ;;
  }

  dimension: account_id {
    hidden: yes
    type: string
    label: "Account id"
    description: "The Klaviyo account."
    sql: ${TABLE}.account_id ;;
  }

  dimension: audience_id {
    hidden: yes
    type: string
    label: "Audience id"
    description: "The list or segment; email or sms for a channel."
    sql: ${TABLE}.audience_id ;;
  }

  dimension: account_name {
    type: string
    label: "Account"
    description: "The company's name."
    sql: ${TABLE}.account_name ;;
  }

  dimension: audience_type {
    type: string
    label: "Audience type"
    description: "list, segment or channel."
    sql: ${TABLE}.audience_type ;;
    html: {% case value %}{% when 'list' %}List{% when 'segment' %}Segment{% when 'channel' %}Channel{% else %}{{ rendered_value }}{% endcase %} ;;
    order_by_field: audience_type_order
  }

  dimension: audience_name {
    type: string
    label: "Audience"
    description: "Name of the list, segment or channel; null if it is deleted."
    sql: ${TABLE}.audience_name ;;
  }

  dimension: counted_from {
    type: string
    label: "Counted from"
    description: "The raw table that is counted: segment_daily, list_profile, segment_profile or message_metric_daily."
    sql: ${TABLE}.counted_from ;;
  }

  dimension: audience_type_order {
    hidden: yes
    type: number
    sql: CASE ${TABLE}.audience_type WHEN 'list' THEN 1 WHEN 'segment' THEN 2 WHEN 'channel' THEN 3 END ;;
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
    label: "Joining or leaving"
    description: "The day, account time zone."
    sql: ${TABLE}.date ;;
  }

  measure: members_joined {
    type: sum
    group_label: "Sums"
    label: "Members joined"
    description: "Members who joined a list, segment or channel."
    value_format_name: decimal_0
    drill_fields: [detail*, members_joined]
    sql: ${TABLE}.members_joined ;;
  }

  measure: members_joined_last_week {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Members joined, one week earlier"
    description: "Members joined, one week earlier than the row's day, week, month or year. It needs one of these in the query, at most a week."
    value_format_name: decimal_0
    based_on: audience_growth.members_joined
    based_on_time: audience_growth.date_date
    period: week
    kind: previous
  }

  measure: members_joined_change_in_a_week {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Members joined, change from one week earlier"
    description: "Members joined, change from one week earlier than the row's day, week, month or year. It needs one of these in the query, at most a week."
    value_format_name: percent_1
    based_on: audience_growth.members_joined
    based_on_time: audience_growth.date_date
    period: week
    kind: relative_change
  }

  measure: members_joined_last_month {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Members joined, one month earlier"
    description: "Members joined, one month earlier than the row's day, week, month or year. It needs one of these in the query, at most a month."
    value_format_name: decimal_0
    based_on: audience_growth.members_joined
    based_on_time: audience_growth.date_date
    period: month
    kind: previous
  }

  measure: members_joined_change_in_a_month {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Members joined, change from one month earlier"
    description: "Members joined, change from one month earlier than the row's day, week, month or year. It needs one of these in the query, at most a month."
    value_format_name: percent_1
    based_on: audience_growth.members_joined
    based_on_time: audience_growth.date_date
    period: month
    kind: relative_change
  }

  measure: members_joined_last_year {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Members joined, one year earlier"
    description: "Members joined, one year earlier than the row's day, week, month or year. It needs one of these in the query, at most a year."
    value_format_name: decimal_0
    based_on: audience_growth.members_joined
    based_on_time: audience_growth.date_date
    period: year
    kind: previous
  }

  measure: members_joined_change_in_a_year {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Members joined, change from one year earlier"
    description: "Members joined, change from one year earlier than the row's day, week, month or year. It needs one of these in the query, at most a year."
    value_format_name: percent_1
    based_on: audience_growth.members_joined
    based_on_time: audience_growth.date_date
    period: year
    kind: relative_change
  }

  measure: members_left {
    type: sum
    group_label: "Sums"
    label: "Members left"
    description: "Members who left a list, segment or channel."
    value_format_name: decimal_0
    drill_fields: [detail*, members_left]
    sql: ${TABLE}.members_left ;;
  }

  measure: members_left_last_week {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Members left, one week earlier"
    description: "Members left, one week earlier than the row's day, week, month or year. It needs one of these in the query, at most a week."
    value_format_name: decimal_0
    based_on: audience_growth.members_left
    based_on_time: audience_growth.date_date
    period: week
    kind: previous
  }

  measure: members_left_change_in_a_week {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Members left, change from one week earlier"
    description: "Members left, change from one week earlier than the row's day, week, month or year. It needs one of these in the query, at most a week."
    value_format_name: percent_1
    based_on: audience_growth.members_left
    based_on_time: audience_growth.date_date
    period: week
    kind: relative_change
  }

  measure: members_left_last_month {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Members left, one month earlier"
    description: "Members left, one month earlier than the row's day, week, month or year. It needs one of these in the query, at most a month."
    value_format_name: decimal_0
    based_on: audience_growth.members_left
    based_on_time: audience_growth.date_date
    period: month
    kind: previous
  }

  measure: members_left_change_in_a_month {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Members left, change from one month earlier"
    description: "Members left, change from one month earlier than the row's day, week, month or year. It needs one of these in the query, at most a month."
    value_format_name: percent_1
    based_on: audience_growth.members_left
    based_on_time: audience_growth.date_date
    period: month
    kind: relative_change
  }

  measure: members_left_last_year {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Members left, one year earlier"
    description: "Members left, one year earlier than the row's day, week, month or year. It needs one of these in the query, at most a year."
    value_format_name: decimal_0
    based_on: audience_growth.members_left
    based_on_time: audience_growth.date_date
    period: year
    kind: previous
  }

  measure: members_left_change_in_a_year {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Members left, change from one year earlier"
    description: "Members left, change from one year earlier than the row's day, week, month or year. It needs one of these in the query, at most a year."
    value_format_name: percent_1
    based_on: audience_growth.members_left
    based_on_time: audience_growth.date_date
    period: year
    kind: relative_change
  }

  measure: net_members_joined {
    type: sum
    group_label: "Sums"
    label: "Net members joined"
    description: "Members who joined less members who left."
    value_format_name: decimal_0
    drill_fields: [detail*, net_members_joined]
    sql: ${TABLE}.net_members_joined ;;
  }

  measure: net_members_joined_last_week {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Net members joined, one week earlier"
    description: "Net members joined, one week earlier than the row's day, week, month or year. It needs one of these in the query, at most a week."
    value_format_name: decimal_0
    based_on: audience_growth.net_members_joined
    based_on_time: audience_growth.date_date
    period: week
    kind: previous
  }

  measure: net_members_joined_change_in_a_week {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Net members joined, change from one week earlier"
    description: "Net members joined, change from one week earlier than the row's day, week, month or year. It needs one of these in the query, at most a week."
    value_format_name: percent_1
    based_on: audience_growth.net_members_joined
    based_on_time: audience_growth.date_date
    period: week
    kind: relative_change
  }

  measure: net_members_joined_last_month {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Net members joined, one month earlier"
    description: "Net members joined, one month earlier than the row's day, week, month or year. It needs one of these in the query, at most a month."
    value_format_name: decimal_0
    based_on: audience_growth.net_members_joined
    based_on_time: audience_growth.date_date
    period: month
    kind: previous
  }

  measure: net_members_joined_change_in_a_month {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Net members joined, change from one month earlier"
    description: "Net members joined, change from one month earlier than the row's day, week, month or year. It needs one of these in the query, at most a month."
    value_format_name: percent_1
    based_on: audience_growth.net_members_joined
    based_on_time: audience_growth.date_date
    period: month
    kind: relative_change
  }

  measure: net_members_joined_last_year {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Net members joined, one year earlier"
    description: "Net members joined, one year earlier than the row's day, week, month or year. It needs one of these in the query, at most a year."
    value_format_name: decimal_0
    based_on: audience_growth.net_members_joined
    based_on_time: audience_growth.date_date
    period: year
    kind: previous
  }

  measure: net_members_joined_change_in_a_year {
    type: period_over_period
    group_label: "Compared with a period before"
    label: "Net members joined, change from one year earlier"
    description: "Net members joined, change from one year earlier than the row's day, week, month or year. It needs one of these in the query, at most a year."
    value_format_name: percent_1
    based_on: audience_growth.net_members_joined
    based_on_time: audience_growth.date_date
    period: year
    kind: relative_change
  }

  measure: current_members {
    type: sum
    group_label: "Sums"
    label: "Current members"
    description: "Members on the latest day. A person in two audiences is counted twice."
    value_format_name: decimal_0
    drill_fields: [detail*, current_members]
    sql: ${TABLE}.current_members ;;
  }

  set: detail {
    fields: [
      date_date,
      account_name,
      audience_type,
      audience_name,
      counted_from,
    ]
  }
}
