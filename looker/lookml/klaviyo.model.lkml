# Generated from dbt by `python -m looker build`: refine it in refinements/, do not edit.

connection: "@{CONNECTION}"
label: "Klaviyo"
week_start_day: monday
include: "/views/*.view.lkml"
include: "/refinements/*.lkml"
include: "/dashboards/*.dashboard.lookml"
include: "/klaviyo.test.lkml"

datagroup: synced {
  sql_trigger: SELECT MAX(last_synced_at) FROM @{SCHEMA}.klaviyo__data_health ;;
  max_cache_age: "24 hours"
}

persist_with: synced

explore: account_daily {
  label: "Account daily"
  description: "One row per account and send date. Several accounts side by side: campaigns and flows of klaviyo__message_performance, with amounts in one currency, KLAVIYO_REPORTING_CURRENCY, by the rates in exchange_rates.csv. Where a rate is missing the amounts are null and days_without_rate is 1. Without that setting each account keeps its own currency. Messages without a send date are in klaviyo__message_performance alone."

  conditionally_filter: {
    filters: [
      account_daily.sent_date: "30 days",
    ]
    unless: [account_daily.sent_week, account_daily.sent_month, account_daily.sent_quarter, account_daily.sent_year]
  }
}

explore: attributed_order {
  label: "Attributed order"
  description: "One row per account and conversion event: an order, or a refund. The message that is credited with it, and who says so. Klaviyo's own attribution comes first, and only klaviyo_order_value is what its reports count; the last touch is ours, and only where Klaviyo says nothing. Empty unless the table event is synced."

  conditionally_filter: {
    filters: [
      attributed_order.date_date: "30 days",
    ]
    unless: [attributed_order.date_week, attributed_order.date_month, attributed_order.date_quarter, attributed_order.date_year]
  }
}

explore: audience_growth {
  label: "Audience growth"
  description: "One row per account, audience (list, segment or marketing channel) and day. Who joined, who left, and how many there were: opening_members + members_joined - members_left = closing_members. Segments are counted by Klaviyo; lists from their memberships, if the table list_profile is synced; channels from subscriptions and unsubscriptions, without a total. A member leaves a list on the day of the sync that notices it."

  conditionally_filter: {
    filters: [
      audience_growth.date_date: "30 days",
    ]
    unless: [audience_growth.date_week, audience_growth.date_month, audience_growth.date_quarter, audience_growth.date_year]
  }
}

explore: campaign_daily {
  label: "Campaign daily"
  description: "One row per account, campaign message, variation, send channel and day on which its numbers had changed. What the day added to them (recipients, opens_unique, ...) and what stood at its end (cumulative_...). A day without a row added nothing. The first snapshot of a message counts from zero if it was sent at most a day before; else what that day added is unknown, NULL. Days are days of the sync, for the conversion metric of klaviyo__message_performance."

  conditionally_filter: {
    filters: [
      campaign_daily.date_date: "30 days",
    ]
    unless: [campaign_daily.date_week, campaign_daily.date_month, campaign_daily.date_quarter, campaign_daily.date_year]
  }
}

explore: campaign_provider {
  label: "Campaign provider"
  description: "One row per account, campaign, mailbox provider and day. The people whose email of a campaign arrived, bounced or was reported as spam at Gmail, Outlook and others, and who opened it or clicked in it, each on the first day, so that days add up to people. Empty unless event is synced."

  conditionally_filter: {
    filters: [
      campaign_provider.date_date: "30 days",
    ]
    unless: [campaign_provider.date_week, campaign_provider.date_month, campaign_provider.date_quarter, campaign_provider.date_year]
  }
}

explore: cohort {
  label: "Cohort"
  description: "One row per account, month and currency of the first order, source of the first order, list joined first and form submitted first. How many buyers of a month bought again within 30, 60 and 90 days, and what they spent since. A buyer's first order is the first among the synced events: months soon after the start of the synced events hold earlier buyers too. Empty unless event is synced; lists need list_profile."
}

explore: coupon_performance {
  label: "Coupon performance"
  description: "One row per account, coupon, order date and currency. The orders in which buyers entered a code of the coupon, and on the day of the last sync how many codes there are. Empty unless coupon is synced; needs coupon_code for codes, and event for orders."

  conditionally_filter: {
    filters: [
      coupon_performance.date_date: "30 days",
    ]
    unless: [coupon_performance.date_week, coupon_performance.date_month, coupon_performance.date_quarter, coupon_performance.date_year]
  }
}

explore: data_health {
  label: "Data health"
  description: "One row per account and raw table. Whether it is synced, how many rows it has and how fresh it is, what the last sync wrote, how much of Klaviyo's report quota it used, and whether its rows equal Klaviyo's own count."
}

explore: deliverability_alert {
  label: "Deliverability alert"
  description: "One row per account, mailbox provider (and All together) and rule. The last 7 whole days of emails against fixed limits and against the 28 days before. The limits are settings; see dbt_project/README.md. Days are those of the events, as in klaviyo__inbox_provider."
}

explore: engagement {
  label: "Engagement"
  description: "One row per account and person. When a person last received an email, opened or clicked one and bought, how often in the last 30 to 180 days, and whether to stop emailing the person. Opens by Apple's Mail Privacy Protection and clicks by bots do not count. Empty unless the table event or profile is synced; without profile, consents are null."

  join: profile {
    type: left_outer
    relationship: one_to_one
    sql_on: ${engagement.engagement_key} = ${profile.profile_key} ;;
  }

  join: rfm {
    type: left_outer
    relationship: one_to_one
    sql_on: ${engagement.engagement_key} = ${rfm.rfm_key} ;;
  }
}

explore: finding {
  label: "Finding"
  description: "One row per account, rule and subject. What to look at next: the words, limits and order of the rules are in looker/findings.yml. A rule speaks only where chance does not explain its figure. KLAVIYO_MUTED_FINDINGS leaves out rules or single findings."
}

explore: flow_period {
  label: "Flow period"
  description: "One row per account, flow message, variation, send channel, period and conversion metric of klaviyo__message_performance. Klaviyo's own numbers of a whole period: a person who opens two sends of a message counts once, while klaviyo__flow_daily counts that person once a day. Periods overlap, so never sum two of them."

  join: flow_step {
    type: left_outer
    relationship: many_to_one
    sql_on: ${flow_period.account_id} = ${flow_step.account_id} AND ${flow_period.flow_id} = ${flow_step.flow_id} AND ${flow_period.message_id} = ${flow_step.message_id} AND ${flow_period.send_channel} = ${flow_step.send_channel} AND ${flow_period.period_kind} = ${flow_step.period_kind} AND ${flow_period.period_start_date} = ${flow_step.period_start_date} ;;
  }
}

explore: flow_step {
  label: "Flow step"
  description: "One row per account, flow, message, send channel and period of klaviyo__flow_period. The funnel through a flow: its messages in order, who got, opened and clicked each, what it sold, and how many got it beside the step that most got. Periods overlap, so never sum two of them."
}

explore: form_daily {
  label: "Form daily"
  description: "One row per account, sign-up form and day. How often a form was shown, sent and closed, all its versions together: klaviyo__form_version_daily has each version."

  conditionally_filter: {
    filters: [
      form_daily.date_date: "30 days",
    ]
    unless: [form_daily.date_week, form_daily.date_month, form_daily.date_quarter, form_daily.date_year]
  }
}

explore: form_version_daily {
  label: "Form version daily"
  description: "One row per account, sign-up form, version and day. How often a version was shown, sent and closed: the versions of an A/B test side by side. The versions of a form add up to its row in klaviyo__form_daily."

  conditionally_filter: {
    filters: [
      form_version_daily.date_date: "30 days",
    ]
    unless: [form_version_daily.date_week, form_version_daily.date_month, form_version_daily.date_quarter, form_version_daily.date_year]
  }
}

explore: inbox_provider {
  label: "Inbox provider"
  description: "One row per account, mailbox provider and event date. What happened to emails at Gmail, Outlook and others, by the day on which it happened; so an open may be on a later day than its delivery, and no number equals Klaviyo's screens, which count by send date. Machine opens and bot clicks are null unless the table event is synced."

  conditionally_filter: {
    filters: [
      inbox_provider.date_date: "30 days",
    ]
    unless: [inbox_provider.date_week, inbox_provider.date_month, inbox_provider.date_quarter, inbox_provider.date_year]
  }
}

explore: link_performance {
  label: "Link performance"
  description: "One row per account, message, channel, link and click date. Which links of a message people click, and the orders that Klaviyo credits to such a click; orders that it credits to an open have no link. Products that a message sells are in klaviyo__product_performance. Empty unless event is synced."

  conditionally_filter: {
    filters: [
      link_performance.date_date: "30 days",
    ]
    unless: [link_performance.date_week, link_performance.date_month, link_performance.date_quarter, link_performance.date_year]
  }
}

explore: message_performance {
  label: "Message performance"
  description: "One row per account, message type (campaign or flow), message, variation, send channel and send date. Every number Klaviyo's own screens show, on the day of the send, restated when Klaviyo restates it. Conversions are those of one metric per account (int_klaviyo__conversion_metric). Compute rates as ratios of sums, as the metrics below do; the klaviyo_ columns have the rate that Klaviyo returned for the single row."

  conditionally_filter: {
    filters: [
      message_performance.sent_date: "30 days",
    ]
    unless: [message_performance.sent_week, message_performance.sent_month, message_performance.sent_quarter, message_performance.sent_year]
  }

  join: subject_line_test {
    type: left_outer
    relationship: many_to_one
    sql_on: ${message_performance.account_id} = ${subject_line_test.account_id} AND ${message_performance.message_type} = ${subject_line_test.message_type} AND ${message_performance.message_id} = ${subject_line_test.message_id} AND ${message_performance.variation_id} = ${subject_line_test.variation_id} AND ${message_performance.send_channel} = ${subject_line_test.send_channel} ;;
  }
}

explore: product_performance {
  label: "Product performance"
  description: "One row per account, order date, currency, attribution method, credited message and product. The products of all orders, with what Klaviyo's catalogue says of them: a filter of the message or the attribution method gives those that a message sold. Empty unless event is synced; without the catalogue's tables, products have the names that orders give them."

  conditionally_filter: {
    filters: [
      product_performance.date_date: "30 days",
    ]
    unless: [product_performance.date_week, product_performance.date_month, product_performance.date_quarter, product_performance.date_year]
  }
}

explore: profile {
  label: "Profile"
  description: "One row per account and person. Identity, consents and orders. Columns marked pii are personal data and not part of the semantic layer. Empty unless the table profile is synced; suppressions, lists and orders are null or zero unless their tables are, too."

  join: engagement {
    type: left_outer
    relationship: one_to_one
    sql_on: ${profile.profile_key} = ${engagement.engagement_key} ;;
  }

  join: rfm {
    type: left_outer
    relationship: one_to_one
    sql_on: ${profile.profile_key} = ${rfm.rfm_key} ;;
  }
}

explore: revenue_daily {
  label: "Revenue daily"
  description: "One row per account, order date and currency. The shop's whole revenue beside what Klaviyo credits to campaigns and flows, before and after refunds. The orders of a day, with their order numbers, are in klaviyo__attributed_order. Refunds count on their own day, and an order without a time on none. Klaviyo's reports count the same credit by send date. Empty unless event is synced."

  conditionally_filter: {
    filters: [
      revenue_daily.date_date: "30 days",
    ]
    unless: [revenue_daily.date_week, revenue_daily.date_month, revenue_daily.date_quarter, revenue_daily.date_year]
  }
}

explore: rfm {
  label: "Rfm"
  description: "One row per account and buyer. How recently, how often and for how much a person bought (RFM), each scored from 1 to 3 by thirds of the account's buyers; the group that follows, and the group 30 days (KLAVIYO_RFM_DAYS) before. Both are scored by the limits of today, so a person moves only by own orders and by time. The groups have the names of Klaviyo's RFM report and the rules below, so a person may be in another group there. Empty unless event is synced."

  join: engagement {
    type: left_outer
    relationship: one_to_one
    sql_on: ${rfm.rfm_key} = ${engagement.engagement_key} ;;
  }

  join: profile {
    type: left_outer
    relationship: one_to_one
    sql_on: ${rfm.rfm_key} = ${profile.profile_key} ;;
  }
}

explore: send_pressure {
  label: "Send pressure"
  description: "One row per account, week and number of messages that a person received in it. What people do who get one message a week, two, or ten: opens, clicks, unsubscribes and orders of the same week. It shows what goes together, not what causes what: engaged people are sent more. Weeks of a person without a message are left out. Empty unless event is synced."
}

explore: subject_line_pattern {
  label: "Subject line pattern"
  description: "One row per account, pattern of subject lines and value of the pattern. Campaign emails whose subject has an emoji, a question, the first name, a discount or a length, against all others. This is no experiment: such emails also differ in offer and recipients. An A/B test (klaviyo__subject_line_test) is a proof. Flows are left out, because their trigger decides their rates. The sends of the last 5 days (KLAVIYO_ATTRIBUTION_DAYS) are left out, because Klaviyo still credits them with orders."
}

explore: subject_line_test {
  label: "Subject line test"
  description: "One row per account, message in an A/B test, variation and send channel. The versions of a message side by side, all sends of a flow together: sample size, rates with their confidence intervals, and whether the difference is significant. Opens by Apple's Mail Privacy Protection count as opens and hide differences; clicks do not."
}
