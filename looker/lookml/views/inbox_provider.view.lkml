# Generated from dbt by `python -m looker build`: refine it in refinements/, do not edit.

view: inbox_provider {
  label: "Inbox provider"
  sql_table_name: @{SCHEMA}.klaviyo__inbox_provider ;;

  dimension: inbox_provider_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: ${TABLE}.inbox_provider_key ;;
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
    description: "Mailbox provider, such as Gmail; Unknown if Klaviyo has none."
    sql: ${TABLE}.inbox_provider ;;
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
    label: "Event"
    description: "Day of the events, account time zone."
    sql: ${TABLE}.date ;;
  }

  measure: inbox_attempts {
    type: sum
    group_label: "Sums"
    label: "Mails arrived or bounced"
    description: "Emails that arrived or bounced that day."
    value_format_name: decimal_0
    drill_fields: [detail*, inbox_attempts]
    sql: ${TABLE}.attempts ;;
  }

  measure: inbox_delivered {
    type: sum
    group_label: "Sums"
    label: "Mails arrived"
    description: "Emails that arrived that day."
    value_format_name: decimal_0
    drill_fields: [detail*, inbox_delivered]
    sql: ${TABLE}.delivered ;;
  }

  measure: inbox_opens_unique {
    type: sum
    group_label: "Sums"
    label: "Mail openers per day"
    description: "People who opened an email, counted each day."
    value_format_name: decimal_0
    drill_fields: [detail*, inbox_opens_unique]
    sql: ${TABLE}.opens_unique ;;
  }

  measure: inbox_clicks_unique {
    type: sum
    group_label: "Sums"
    label: "Mail clickers per day"
    description: "People who clicked in an email, counted each day."
    value_format_name: decimal_0
    drill_fields: [detail*, inbox_clicks_unique]
    sql: ${TABLE}.clicks_unique ;;
  }

  measure: inbox_bounced {
    type: sum
    group_label: "Sums"
    label: "Mails bounced"
    description: "Emails refused that day."
    value_format_name: decimal_0
    drill_fields: [detail*, inbox_bounced]
    sql: ${TABLE}.bounced ;;
  }

  measure: inbox_unsubscribes {
    type: sum
    group_label: "Sums"
    label: "Mail unsubscribes"
    description: "Unsubscribes that day."
    value_format_name: decimal_0
    drill_fields: [detail*, inbox_unsubscribes]
    sql: ${TABLE}.unsubscribes ;;
  }

  measure: inbox_spam_complaints {
    type: sum
    group_label: "Sums"
    label: "Mails reported as spam"
    description: "Spam complaints that day."
    value_format_name: decimal_0
    drill_fields: [detail*, inbox_spam_complaints]
    sql: ${TABLE}.spam_complaints ;;
  }

  measure: synced_opens {
    type: sum
    group_label: "Sums"
    label: "Opens among synced events"
    description: "Opens among the synced events."
    value_format_name: decimal_0
    drill_fields: [detail*, synced_opens]
    sql: ${TABLE}.synced_opens ;;
  }

  measure: machine_opens {
    type: sum
    group_label: "Sums"
    label: "Machine opens"
    description: "Opens by Apple's Mail Privacy Protection, not by a person."
    value_format_name: decimal_0
    drill_fields: [detail*, machine_opens]
    sql: ${TABLE}.machine_opens ;;
  }

  measure: synced_clicks {
    type: sum
    group_label: "Sums"
    label: "Clicks among synced events"
    description: "Clicks among the synced events."
    value_format_name: decimal_0
    drill_fields: [detail*, synced_clicks]
    sql: ${TABLE}.synced_clicks ;;
  }

  measure: bot_clicks {
    type: sum
    group_label: "Sums"
    label: "Bot clicks"
    description: "Clicks that Klaviyo classifies as a machine's."
    value_format_name: decimal_0
    drill_fields: [detail*, bot_clicks]
    sql: ${TABLE}.bot_clicks ;;
  }

  measure: inbox_open_rate {
    type: number
    group_label: "Ratios"
    label: "Open rate by event date"
    description: "People who opened that day / emails that arrived that day."
    value_format_name: percent_1
    required_fields: [inbox_delivered]
    html: {% if value and inbox_delivered._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ inbox_delivered._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, inbox_opens_unique, inbox_delivered, inbox_open_rate]
    sql: 1.0 * ${inbox_opens_unique} / NULLIF(${inbox_delivered}, 0) ;;
  }

  measure: inbox_click_rate {
    type: number
    group_label: "Ratios"
    label: "Click rate by event date"
    description: "People who clicked that day / emails that arrived that day."
    value_format_name: percent_2
    required_fields: [inbox_delivered]
    html: {% if value and inbox_delivered._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ inbox_delivered._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, inbox_clicks_unique, inbox_delivered, inbox_click_rate]
    sql: 1.0 * ${inbox_clicks_unique} / NULLIF(${inbox_delivered}, 0) ;;
  }

  measure: inbox_bounce_rate {
    type: number
    group_label: "Ratios"
    label: "Bounce rate by event date"
    description: "Emails refused / emails that arrived or were refused."
    value_format_name: percent_2
    required_fields: [inbox_attempts]
    html: {% if value and inbox_attempts._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ inbox_attempts._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, inbox_bounced, inbox_attempts, inbox_bounce_rate]
    sql: 1.0 * ${inbox_bounced} / NULLIF(${inbox_attempts}, 0) ;;
  }

  measure: inbox_unsubscribe_rate {
    type: number
    group_label: "Ratios"
    label: "Unsubscribe rate by event date"
    description: "Unsubscribes / emails that arrived."
    value_format_name: percent_2
    required_fields: [inbox_delivered]
    html: {% if value and inbox_delivered._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ inbox_delivered._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, inbox_unsubscribes, inbox_delivered, inbox_unsubscribe_rate]
    sql: 1.0 * ${inbox_unsubscribes} / NULLIF(${inbox_delivered}, 0) ;;
  }

  measure: inbox_spam_complaint_rate {
    type: number
    group_label: "Ratios"
    label: "Spam complaint rate by event date"
    description: "Spam complaints / emails that arrived."
    value_format_name: percent_2
    required_fields: [inbox_delivered]
    html: {% if value and inbox_delivered._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ inbox_delivered._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, inbox_spam_complaints, inbox_delivered, inbox_spam_complaint_rate]
    sql: 1.0 * ${inbox_spam_complaints} / NULLIF(${inbox_delivered}, 0) ;;
  }

  measure: machine_open_share {
    type: number
    group_label: "Ratios"
    label: "Machine share of opens"
    description: "Machine opens / opens among the synced events."
    value_format_name: percent_1
    required_fields: [synced_opens]
    html: {% if value and synced_opens._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ synced_opens._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, machine_opens, synced_opens, machine_open_share]
    sql: 1.0 * ${machine_opens} / NULLIF(${synced_opens}, 0) ;;
  }

  measure: bot_click_share {
    type: number
    group_label: "Ratios"
    label: "Bot share of clicks"
    description: "Bot clicks / clicks among the synced events."
    value_format_name: percent_1
    required_fields: [synced_clicks]
    html: {% if value and synced_clicks._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ synced_clicks._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, bot_clicks, synced_clicks, bot_click_share]
    sql: 1.0 * ${bot_clicks} / NULLIF(${synced_clicks}, 0) ;;
  }

  set: detail {
    fields: [date_date, account_name, inbox_provider]
  }
}
