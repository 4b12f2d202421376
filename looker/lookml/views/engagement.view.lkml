# Generated from dbt by `python -m looker build`: refine it in refinements/, do not edit.

view: engagement {
  label: "Engagement"
  sql_table_name: @{SCHEMA}.klaviyo__engagement ;;

  dimension: engagement_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: ${TABLE}.engagement_key ;;
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

  dimension: email_marketing_consent {
    type: string
    label: "Consent to email"
    description: "Consent to emails: SUBSCRIBED, UNSUBSCRIBED or NEVER_SUBSCRIBED; null unless profile is synced."
    sql: ${TABLE}.email_marketing_consent ;;
  }

  dimension: can_receive_email {
    type: yesno
    label: "Can receive email"
    description: "Whether the person can receive a marketing email; null unless profile is synced."
    sql: ${TABLE}.can_receive_email ;;
  }

  dimension: engagement_tier {
    type: string
    label: "Engagement"
    description: "Of the last open, click or order: active (within 30 days), warm (90), cooling (180), lapsed (before that), never active (received emails, did nothing), or not mailed."
    sql: ${TABLE}.engagement_tier ;;
    html: {% case value %}{% when 'active' %}Active within 30 days{% when 'warm' %}Active within 90 days{% when 'cooling' %}Active within 180 days{% when 'lapsed' %}Not active for 180 days{% when 'never active' %}Never active{% when 'not mailed' %}Not mailed{% else %}{{ rendered_value }}{% endcase %} ;;
    order_by_field: engagement_tier_order
  }

  dimension: is_sunset_candidate {
    type: yesno
    label: "Sunset candidate"
    description: "Whether to stop emailing the person: able to receive email, mailed for at least 180 days (KLAVIYO_SUNSET_DAYS), at least 10 emails within them (KLAVIYO_SUNSET_EMAILS), and no open, click or order. False for everybody while the synced events are younger or have no opens."
    sql: ${TABLE}.is_sunset_candidate ;;
  }

  dimension: sunset_reason {
    type: string
    label: "Sunset reason"
    description: "never active (no open, click or order among the synced events), lapsed (none within the days), or machine opens only: Apple opened for the person, who may have read; ask before the end. Null if the person is no candidate."
    sql: ${TABLE}.sunset_reason ;;
  }

  dimension: engagement_tier_order {
    hidden: yes
    type: number
    sql: CASE ${TABLE}.engagement_tier WHEN 'active' THEN 1 WHEN 'warm' THEN 2 WHEN 'cooling' THEN 3 WHEN 'lapsed' THEN 4 WHEN 'never active' THEN 5 WHEN 'not mailed' THEN 6 END ;;
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
    label: "As of"
    description: "Day of the last sync, account time zone, on which all windows of days end."
    sql: ${TABLE}.date ;;
  }

  dimension_group: last_received {
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
    label: "Last email"
    description: "Day on which the person last received an email; null if never among the synced events."
    sql: ${TABLE}.last_received_on ;;
  }

  dimension_group: last_opened {
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
    label: "Last open"
    description: "Day on which the person, not a machine, last opened an email."
    sql: ${TABLE}.last_opened_on ;;
  }

  dimension_group: last_clicked {
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
    label: "Last click"
    description: "Day on which the person, not a bot, last clicked in an email."
    sql: ${TABLE}.last_clicked_on ;;
  }

  dimension_group: last_ordered {
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
    label: "Last order"
    description: "Day of the last order, of the account's conversion metric."
    sql: ${TABLE}.last_ordered_on ;;
  }

  dimension_group: last_active {
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
    label: "Last activity"
    description: "Day of the last open, click or order."
    sql: ${TABLE}.last_active_on ;;
  }

  measure: people {
    type: sum
    group_label: "Sums"
    label: "People"
    description: "People who are known or have events."
    value_format_name: decimal_0
    drill_fields: [detail*, people]
    sql: ${TABLE}.people ;;
  }

  measure: active_people {
    type: sum
    group_label: "Sums"
    label: "Active people"
    description: "People who opened, clicked or bought within 30 days."
    value_format_name: decimal_0
    drill_fields: [detail*, active_people]
    sql: ${TABLE}.active_people ;;
  }

  measure: sunset_candidates {
    type: sum
    group_label: "Sums"
    label: "Sunset candidates"
    description: "People who receive emails and have not opened, clicked or bought for 180 days."
    value_format_name: decimal_0
    drill_fields: [detail*, sunset_candidates]
    sql: ${TABLE}.sunset_candidates ;;
  }

  measure: emails_90_days {
    type: sum
    group_label: "Sums"
    label: "Emails in 90 days"
    description: "Emails that people received in the last 90 days."
    value_format_name: decimal_0
    drill_fields: [detail*, emails_90_days]
    sql: ${TABLE}.emails_90_days ;;
  }

  measure: clicks_90_days {
    type: sum
    group_label: "Sums"
    label: "Clicks in 90 days"
    description: "Clicks by people, not bots, in the last 90 days."
    value_format_name: decimal_0
    drill_fields: [detail*, clicks_90_days]
    sql: ${TABLE}.clicks_90_days ;;
  }

  measure: active_share {
    type: number
    group_label: "Ratios"
    label: "Share of active people"
    description: "Active people / people."
    value_format_name: percent_1
    required_fields: [people]
    html: {% if value and people._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ people._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, active_people, people, active_share]
    sql: 1.0 * ${active_people} / NULLIF(${people}, 0) ;;
  }

  measure: sunset_share {
    type: number
    group_label: "Ratios"
    label: "Share of sunset candidates"
    description: "Sunset candidates / people."
    value_format_name: percent_1
    required_fields: [people]
    html: {% if value and people._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ people._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, sunset_candidates, people, sunset_share]
    sql: 1.0 * ${sunset_candidates} / NULLIF(${people}, 0) ;;
  }

  measure: clicks_per_email {
    type: number
    group_label: "Ratios"
    label: "Clicks per email in 90 days"
    description: "Clicks by people, not bots / emails received, in the last 90 days."
    value_format_name: percent_2
    required_fields: [emails_90_days]
    html: {% if value and emails_90_days._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ emails_90_days._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, clicks_90_days, emails_90_days, clicks_per_email]
    sql: 1.0 * ${clicks_90_days} / NULLIF(${emails_90_days}, 0) ;;
  }

  set: detail {
    fields: [
      date_date,
      account_name,
      email_marketing_consent,
      engagement_tier,
      sunset_reason,
    ]
  }
}
