# Generated from dbt by `python -m looker build`: refine it in refinements/, do not edit.

view: campaign_provider {
  label: "Campaign provider"
  sql_table_name: @{SCHEMA}.klaviyo__campaign_provider ;;

  dimension: campaign_provider_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: ${TABLE}.campaign_provider_key ;;
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
    description: "The campaign."
    sql: ${TABLE}.campaign_id ;;
  }

  dimension: account_name {
    type: string
    label: "Account"
    description: "The company's name."
    sql: ${TABLE}.account_name ;;
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

  measure: provider_attempts {
    type: sum
    group_label: "Sums"
    label: "Campaign emails arrived or bounced"
    description: "People whose email of a campaign arrived or bounced."
    value_format_name: decimal_0
    drill_fields: [detail*, provider_attempts]
    sql: ${TABLE}.attempts ;;
  }

  measure: provider_delivered {
    type: sum
    group_label: "Sums"
    label: "Campaign emails arrived"
    description: "People whose email of a campaign arrived."
    value_format_name: decimal_0
    drill_fields: [detail*, provider_delivered]
    sql: ${TABLE}.delivered ;;
  }

  measure: provider_bounced {
    type: sum
    group_label: "Sums"
    label: "Campaign emails bounced"
    description: "People whose email of a campaign bounced."
    value_format_name: decimal_0
    drill_fields: [detail*, provider_bounced]
    sql: ${TABLE}.bounced ;;
  }

  measure: provider_openers {
    type: sum
    group_label: "Sums"
    label: "Campaign openers"
    description: "People who opened an email of a campaign, Apple's mail privacy included."
    value_format_name: decimal_0
    drill_fields: [detail*, provider_openers]
    sql: ${TABLE}.openers ;;
  }

  measure: provider_clickers {
    type: sum
    group_label: "Sums"
    label: "Campaign clickers"
    description: "People who clicked in an email of a campaign."
    value_format_name: decimal_0
    drill_fields: [detail*, provider_clickers]
    sql: ${TABLE}.clickers ;;
  }

  measure: provider_spam_complaints {
    type: sum
    group_label: "Sums"
    label: "Campaign emails reported as spam"
    description: "People who reported an email of a campaign as spam."
    value_format_name: decimal_0
    drill_fields: [detail*, provider_spam_complaints]
    sql: ${TABLE}.spam_complaints ;;
  }

  measure: provider_open_rate {
    type: number
    group_label: "Ratios"
    label: "Open rate at the provider"
    description: "Campaign openers / campaign emails arrived."
    value_format_name: percent_1
    required_fields: [provider_delivered]
    html: {% if value and provider_delivered._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ provider_delivered._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, provider_openers, provider_delivered, provider_open_rate]
    sql: 1.0 * ${provider_openers} / NULLIF(${provider_delivered}, 0) ;;
  }

  measure: provider_click_rate {
    type: number
    group_label: "Ratios"
    label: "Click rate at the provider"
    description: "Campaign clickers / campaign emails arrived."
    value_format_name: percent_2
    required_fields: [provider_delivered]
    html: {% if value and provider_delivered._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ provider_delivered._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, provider_clickers, provider_delivered, provider_click_rate]
    sql: 1.0 * ${provider_clickers} / NULLIF(${provider_delivered}, 0) ;;
  }

  measure: provider_bounce_rate {
    type: number
    group_label: "Ratios"
    label: "Bounce rate at the provider"
    description: "Campaign emails bounced / campaign emails arrived or bounced."
    value_format_name: percent_2
    required_fields: [provider_attempts]
    html: {% if value and provider_attempts._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ provider_attempts._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, provider_bounced, provider_attempts, provider_bounce_rate]
    sql: 1.0 * ${provider_bounced} / NULLIF(${provider_attempts}, 0) ;;
  }

  measure: provider_spam_complaint_rate {
    type: number
    group_label: "Ratios"
    label: "Spam complaint rate at the provider"
    description: "Campaign emails reported as spam / campaign emails arrived."
    value_format_name: percent_2
    required_fields: [provider_delivered]
    html: {% if value and provider_delivered._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ provider_delivered._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, provider_spam_complaints, provider_delivered, provider_spam_complaint_rate]
    sql: 1.0 * ${provider_spam_complaints} / NULLIF(${provider_delivered}, 0) ;;
  }

  set: detail {
    fields: [date_date, account_name, campaign_name, inbox_provider]
  }
}
