# Generated from dbt by `python -m looker build`: refine it in refinements/, do not edit.

view: profile {
  label: "Profile"
  sql_table_name: @{SCHEMA}.klaviyo__profile ;;

  dimension: profile_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: ${TABLE}.profile_key ;;
  }

  dimension: account_id {
    hidden: yes
    type: string
    label: "Account id"
    description: "The Klaviyo account."
    sql: ${TABLE}.account_id ;;
  }

  dimension: city {
    type: string
    label: "City"
    description: "City."
    sql: ${TABLE}.city ;;
  }

  dimension: region {
    type: string
    label: "Region"
    description: "State or region."
    sql: ${TABLE}.region ;;
  }

  dimension: country {
    type: string
    label: "Country"
    description: "Country."
    sql: ${TABLE}.country ;;
  }

  dimension: locale {
    type: string
    label: "Locale"
    description: "Language and region, IETF."
    sql: ${TABLE}.locale ;;
  }

  dimension: timezone {
    type: string
    label: "Time zone"
    description: "IANA time zone."
    sql: ${TABLE}.timezone ;;
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
    description: "ISO 4217 currency of the account, and of the row's amounts. Do not sum amounts of two currencies."
    sql: ${TABLE}.currency ;;
  }

  dimension: email_marketing_consent {
    type: string
    label: "Consent to email"
    description: "Consent to emails: SUBSCRIBED, UNSUBSCRIBED or NEVER_SUBSCRIBED."
    sql: ${TABLE}.email_marketing_consent ;;
  }

  dimension: sms_marketing_consent {
    type: string
    label: "Consent to texts"
    description: "Consent to marketing texts: SUBSCRIBED, UNSUBSCRIBED or NEVER_SUBSCRIBED."
    sql: ${TABLE}.sms_marketing_consent ;;
  }

  dimension: push_marketing_consent {
    type: string
    label: "Consent to push"
    description: "Consent to push messages: SUBSCRIBED, UNSUBSCRIBED or NEVER_SUBSCRIBED."
    sql: ${TABLE}.push_marketing_consent ;;
  }

  dimension: whatsapp_marketing_consent {
    type: string
    label: "Consent to WhatsApp"
    description: "Consent to marketing by WhatsApp: SUBSCRIBED, UNSUBSCRIBED or NEVER_SUBSCRIBED."
    sql: ${TABLE}.whatsapp_marketing_consent ;;
  }

  dimension: suppression_reasons {
    type: string
    label: "Suppression"
    description: "Reason of the suppression, such as UNSUBSCRIBE or HARD_BOUNCE; several are separated by commas."
    sql: ${TABLE}.suppression_reasons ;;
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
    label: "Date first known"
    description: "Date on which Klaviyo created the profile, in the account's time zone."
    sql: ${TABLE}.date ;;
  }

  measure: profiles {
    type: sum
    group_label: "Sums"
    label: "Profiles"
    description: "Profiles of the account."
    value_format_name: decimal_0
    drill_fields: [detail*, profiles]
    sql: ${TABLE}.profiles ;;
  }

  measure: email_subscribers {
    type: sum
    group_label: "Sums"
    label: "Email subscribers"
    description: "People who can receive a marketing email."
    value_format_name: decimal_0
    drill_fields: [detail*, email_subscribers]
    sql: ${TABLE}.email_subscribers ;;
  }

  measure: sms_subscribers {
    type: sum
    group_label: "Sums"
    label: "Text message subscribers"
    description: "People who can receive a marketing text."
    value_format_name: decimal_0
    drill_fields: [detail*, sms_subscribers]
    sql: ${TABLE}.sms_subscribers ;;
  }

  measure: push_subscribers {
    type: sum
    group_label: "Sums"
    label: "Push subscribers"
    description: "People who can receive a push message."
    value_format_name: decimal_0
    drill_fields: [detail*, push_subscribers]
    sql: ${TABLE}.push_subscribers ;;
  }

  measure: whatsapp_subscribers {
    type: sum
    group_label: "Sums"
    label: "WhatsApp subscribers"
    description: "People who can receive marketing by WhatsApp."
    value_format_name: decimal_0
    drill_fields: [detail*, whatsapp_subscribers]
    sql: ${TABLE}.whatsapp_subscribers ;;
  }

  measure: suppressed_profiles {
    type: sum
    group_label: "Sums"
    label: "Suppressed profiles"
    description: "People whose email is suppressed."
    value_format_name: decimal_0
    drill_fields: [detail*, suppressed_profiles]
    sql: ${TABLE}.suppressed_profiles ;;
  }

  measure: buyers {
    type: sum
    group_label: "Sums"
    label: "Buyers"
    description: "People with an order among the synced events."
    value_format_name: decimal_0
    drill_fields: [detail*, buyers]
    sql: ${TABLE}.buyers ;;
  }

  measure: profile_order_value {
    type: sum
    group_label: "Sums"
    label: "Order value of profiles"
    description: "Value of people's orders less refunds among the synced events."
    value_format_name: decimal_2
    required_fields: [currency]
    html: {{ linked_value }} {{ currency._value }} ;;
    drill_fields: [detail*, profile_order_value]
    sql: ${TABLE}.profile_order_value ;;
  }

  measure: email_subscriber_share {
    type: number
    group_label: "Ratios"
    label: "Email subscriber share"
    description: "Email subscribers / profiles."
    value_format_name: percent_1
    required_fields: [profiles]
    html: {% if value and profiles._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ profiles._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, email_subscribers, profiles, email_subscriber_share]
    sql: 1.0 * ${email_subscribers} / NULLIF(${profiles}, 0) ;;
  }

  measure: suppressed_share {
    type: number
    group_label: "Ratios"
    label: "Suppressed share"
    description: "Suppressed profiles / profiles."
    value_format_name: percent_1
    required_fields: [profiles]
    html: {% if value and profiles._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ profiles._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, suppressed_profiles, profiles, suppressed_share]
    sql: 1.0 * ${suppressed_profiles} / NULLIF(${profiles}, 0) ;;
  }

  measure: buyer_share {
    type: number
    group_label: "Ratios"
    label: "Buyer share"
    description: "Buyers / profiles."
    value_format_name: percent_1
    required_fields: [profiles]
    html: {% if value and profiles._value < 50 %}<span style="color: #80868b">{{ linked_value }} of {{ profiles._value }}</span>{% else %}{{ linked_value }}{% endif %} ;;
    drill_fields: [detail*, buyers, profiles, buyer_share]
    sql: 1.0 * ${buyers} / NULLIF(${profiles}, 0) ;;
  }

  set: detail {
    fields: [
      date_date,
      city,
      region,
      country,
      locale,
      timezone,
      account_name,
      currency,
      email_marketing_consent,
      sms_marketing_consent,
      push_marketing_consent,
      whatsapp_marketing_consent,
      suppression_reasons,
    ]
  }
}
