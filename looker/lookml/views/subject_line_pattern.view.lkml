# Generated from dbt by `python -m looker build`: refine it in refinements/, do not edit.

view: subject_line_pattern {
  label: "Subject line pattern"
  sql_table_name: @{SCHEMA}.klaviyo__subject_line_pattern ;;

  dimension: subject_line_pattern_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: ${TABLE}.subject_line_pattern_key ;;
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
    description: "ISO 4217 currency of every amount of the row. Do not sum amounts of two currencies."
    sql: ${TABLE}.currency ;;
  }

  dimension: pattern {
    type: string
    label: "Pattern"
    description: "length (characters), emoji, question (a question mark), first_name (the template names it) or discount (a percentage, an amount off or an English word such as sale)."
    sql: ${TABLE}.pattern ;;
    html: {% case value %}{% when 'length' %}Length{% when 'emoji' %}Emoji{% when 'question' %}Question{% when 'first_name' %}First name{% when 'discount' %}Discount{% else %}{{ rendered_value }}{% endcase %} ;;
    order_by_field: pattern_order
  }

  dimension: pattern_value {
    type: string
    label: "Value"
    description: "yes or no; of length: under 30, 30 to 49, 50 to 69, 70 and more."
    sql: ${TABLE}.pattern_value ;;
    html: {% case value %}{% when 'yes' %}Yes{% when 'no' %}No{% when 'under 30' %}Under 30{% else %}{{ rendered_value }}{% endcase %} ;;
    order_by_field: pattern_value_order
  }

  dimension: open_effect {
    type: number
    label: "Effect on the open rate"
    description: "The rate less that of the other emails."
    value_format_name: percent_1
    sql: ${TABLE}.open_effect ;;
  }

  dimension: open_result {
    type: string
    label: "Result by opens"
    description: "better or worse than the other emails (with 95% confidence), undecided, or too small: fewer than ten emails on either side. Several patterns make a false result more likely."
    sql: ${TABLE}.open_result ;;
    html: {% case value %}{% when 'better' %}▲ better{% when 'worse' %}▼ worse{% else %}{{ rendered_value }}{% endcase %} ;;
    order_by_field: open_result_order
  }

  dimension: click_effect {
    type: number
    label: "Effect on the click rate"
    description: "The rate less that of the other emails."
    value_format_name: percent_2
    sql: ${TABLE}.click_effect ;;
  }

  dimension: click_result {
    type: string
    label: "Result by clicks"
    description: "better or worse than the other emails (with 95% confidence), undecided, or too small: fewer than ten emails on either side. Several patterns make a false result more likely."
    sql: ${TABLE}.click_result ;;
    html: {% case value %}{% when 'better' %}▲ better{% when 'worse' %}▼ worse{% else %}{{ rendered_value }}{% endcase %} ;;
    order_by_field: click_result_order
  }

  dimension: pattern_order {
    hidden: yes
    type: number
    sql: CASE ${TABLE}.pattern WHEN 'length' THEN 1 WHEN 'emoji' THEN 2 WHEN 'question' THEN 3 WHEN 'first_name' THEN 4 WHEN 'discount' THEN 5 END ;;
  }

  dimension: pattern_value_order {
    hidden: yes
    type: number
    sql: CASE ${TABLE}.pattern_value WHEN 'yes' THEN 1 WHEN 'no' THEN 2 WHEN 'under 30' THEN 3 WHEN '30 to 49' THEN 4 WHEN '50 to 69' THEN 5 WHEN '70 and more' THEN 6 END ;;
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

  dimension_group: first_sent {
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
    label: "First sent"
    description: "Date of the first of the emails, account time zone."
    sql: ${TABLE}.first_sent_on ;;
  }

  dimension_group: last_sent {
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
    label: "Last sent"
    description: "Date of the last of them, account time zone."
    sql: ${TABLE}.last_sent_on ;;
  }

  measure: pattern_emails {
    type: sum
    group_label: "Sums"
    label: "Campaign emails with the pattern"
    description: "Campaign emails whose subject line has the value of the pattern."
    value_format_name: decimal_0
    required_fields: [pattern]
    drill_fields: [detail*, pattern_emails]
    sql: ${TABLE}.emails ;;
  }

  measure: pattern_delivered {
    type: sum
    group_label: "Sums"
    label: "Delivered emails with the pattern"
    description: "Delivered campaign emails whose subject line has the value of the pattern."
    value_format_name: decimal_0
    required_fields: [pattern]
    drill_fields: [detail*, pattern_delivered]
    sql: ${TABLE}.delivered ;;
  }

  measure: pattern_opens_unique {
    type: sum
    group_label: "Sums"
    label: "Unique opens with the pattern"
    description: "Recipients who opened a campaign email with the pattern."
    value_format_name: decimal_0
    required_fields: [pattern]
    drill_fields: [detail*, pattern_opens_unique]
    sql: ${TABLE}.opens_unique ;;
  }

  measure: pattern_clicks_unique {
    type: sum
    group_label: "Sums"
    label: "Unique clicks with the pattern"
    description: "Recipients who clicked in a campaign email with the pattern."
    value_format_name: decimal_0
    required_fields: [pattern]
    drill_fields: [detail*, pattern_clicks_unique]
    sql: ${TABLE}.clicks_unique ;;
  }

  measure: pattern_revenue {
    type: sum
    group_label: "Sums"
    label: "Revenue of emails with the pattern"
    description: "Value of the conversions that Klaviyo attributes to campaign emails with the pattern."
    value_format_name: decimal_2
    required_fields: [pattern, currency]
    html: {{ linked_value }} {{ currency._value }} ;;
    drill_fields: [detail*, pattern_revenue]
    sql: ${TABLE}.conversion_value ;;
  }

  measure: pattern_open_rate {
    type: number
    group_label: "Ratios"
    label: "Open rate with the pattern"
    description: "Unique opens / delivered emails with the pattern."
    value_format_name: percent_1
    required_fields: [pattern, pattern_delivered]
    html: {% if value and pattern_delivered._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ pattern_delivered._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, pattern_opens_unique, pattern_delivered, pattern_open_rate]
    sql: 1.0 * ${pattern_opens_unique} / NULLIF(${pattern_delivered}, 0) ;;
  }

  measure: pattern_click_rate {
    type: number
    group_label: "Ratios"
    label: "Click rate with the pattern"
    description: "Unique clicks / delivered emails with the pattern."
    value_format_name: percent_2
    required_fields: [pattern, pattern_delivered]
    html: {% if value and pattern_delivered._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ pattern_delivered._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, pattern_clicks_unique, pattern_delivered, pattern_click_rate]
    sql: 1.0 * ${pattern_clicks_unique} / NULLIF(${pattern_delivered}, 0) ;;
  }

  measure: pattern_revenue_per_email {
    type: number
    group_label: "Ratios"
    label: "Revenue per email with the pattern"
    description: "Revenue / delivered emails with the pattern."
    value_format_name: decimal_2
    required_fields: [pattern, currency, pattern_delivered]
    html: {% if value and pattern_delivered._value < 50 %}<span style="color: #80868b">{{ linked_value }} {{ currency._value }} of {{ pattern_delivered._value }}</span>{% else %}{{ linked_value }} {{ currency._value }}{% endif %} ;;
    drill_fields: [detail*, pattern_revenue, pattern_delivered, pattern_revenue_per_email]
    sql: 1.0 * ${pattern_revenue} / NULLIF(${pattern_delivered}, 0) ;;
  }

  set: detail {
    fields: [
      last_sent_date,
      account_name,
      currency,
      pattern,
      pattern_value,
      open_result,
      click_result,
    ]
  }
}
