# Generated from dbt by `python -m looker build`: refine it in refinements/, do not edit.

- dashboard: klaviyo_sms
  title: 'Klaviyo: SMS'
  layout: newspaper
  preferred_viewer: dashboards-next
  filters:
  - name: Date
    title: Date
    type: field_filter
    default_value: 30 day
    allow_multiple_values: true
    model: '@{MODEL}'
    explore: message_performance
    field: message_performance.sent_date
  - name: Account
    title: Account
    type: field_filter
    default_value: ''
    allow_multiple_values: false
    model: '@{MODEL}'
    explore: message_performance
    field: message_performance.account_name
    required: true
  - name: Channel
    title: Channel
    type: field_filter
    default_value: ''
    allow_multiple_values: true
    model: '@{MODEL}'
    explore: message_performance
    field: message_performance.send_channel
  - name: Message type
    title: Message type
    type: field_filter
    default_value: ''
    allow_multiple_values: true
    model: '@{MODEL}'
    explore: message_performance
    field: message_performance.message_type
  - name: Campaign
    title: Campaign
    type: field_filter
    default_value: ''
    allow_multiple_values: true
    model: '@{MODEL}'
    explore: message_performance
    field: message_performance.campaign_name
  - name: Flow
    title: Flow
    type: field_filter
    default_value: ''
    allow_multiple_values: true
    model: '@{MODEL}'
    explore: message_performance
    field: message_performance.flow_name
  - name: Tags
    title: Tags
    type: field_filter
    default_value: ''
    allow_multiple_values: true
    model: '@{MODEL}'
    explore: message_performance
    field: message_performance.tag_names
  elements:
  - title: Text message revenue
    name: Text message revenue
    model: '@{MODEL}'
    explore: message_performance
    type: single_value
    fields:
    - message_performance.text_message_conversion_value
    sorts:
    - message_performance.text_message_conversion_value desc
    filters:
      message_performance.send_channel: sms
    listen:
      Date: message_performance.sent_date
      Account: message_performance.account_name
      Channel: message_performance.send_channel
      Message type: message_performance.message_type
      Campaign: message_performance.campaign_name
      Flow: message_performance.flow_name
      Tags: message_performance.tag_names
    note_text: 'Text messages only. Text message revenue: Conversion value of messages that have a text
      message spend.'
    note_state: collapsed
    note_display: hover
    width: 6
    height: 4
    row: 0
    col: 0
  - title: Text message spend
    name: Text message spend
    model: '@{MODEL}'
    explore: message_performance
    type: single_value
    fields:
    - message_performance.text_message_spend
    sorts:
    - message_performance.text_message_spend desc
    filters:
      message_performance.send_channel: sms
    listen:
      Date: message_performance.sent_date
      Account: message_performance.account_name
      Channel: message_performance.send_channel
      Message type: message_performance.message_type
      Campaign: message_performance.campaign_name
      Flow: message_performance.flow_name
      Tags: message_performance.tag_names
    note_text: 'Text messages only. Text message spend: Cost of the text messages, in the account''s currency.
      Null for other channels.'
    note_state: collapsed
    note_display: hover
    width: 6
    height: 4
    row: 0
    col: 6
  - title: Text message return
    name: Text message return
    model: '@{MODEL}'
    explore: message_performance
    type: single_value
    fields:
    - message_performance.text_message_roi
    sorts:
    - message_performance.text_message_roi desc
    filters:
      message_performance.send_channel: sms
    listen:
      Date: message_performance.sent_date
      Account: message_performance.account_name
      Channel: message_performance.send_channel
      Message type: message_performance.message_type
      Campaign: message_performance.campaign_name
      Flow: message_performance.flow_name
      Tags: message_performance.tag_names
    note_text: 'Text messages only. Text message return: Revenue of texts / text message spend.'
    note_state: collapsed
    note_display: hover
    width: 6
    height: 4
    row: 0
    col: 12
  - title: Revenue per recipient
    name: Revenue per recipient
    model: '@{MODEL}'
    explore: message_performance
    type: single_value
    fields:
    - message_performance.revenue_per_recipient
    sorts:
    - message_performance.revenue_per_recipient desc
    filters:
      message_performance.send_channel: sms
    listen:
      Date: message_performance.sent_date
      Account: message_performance.account_name
      Channel: message_performance.send_channel
      Message type: message_performance.message_type
      Campaign: message_performance.campaign_name
      Flow: message_performance.flow_name
      Tags: message_performance.tag_names
    note_text: 'Text messages only. Revenue per recipient: Revenue / delivered, as Klaviyo defines it.'
    note_state: collapsed
    note_display: hover
    width: 6
    height: 4
    row: 0
    col: 18
  - title: Delivered
    name: Delivered
    model: '@{MODEL}'
    explore: message_performance
    type: single_value
    fields:
    - message_performance.delivered
    sorts:
    - message_performance.delivered desc
    filters:
      message_performance.send_channel: sms
    listen:
      Date: message_performance.sent_date
      Account: message_performance.account_name
      Channel: message_performance.send_channel
      Message type: message_performance.message_type
      Campaign: message_performance.campaign_name
      Flow: message_performance.flow_name
      Tags: message_performance.tag_names
    note_text: 'Text messages only. Delivered: Messages that arrived: recipients less bounced and failed.'
    note_state: collapsed
    note_display: hover
    width: 6
    height: 4
    row: 4
    col: 0
  - title: Daily clickers / delivered
    name: Daily clickers / delivered
    model: '@{MODEL}'
    explore: message_performance
    type: single_value
    fields:
    - message_performance.click_rate
    sorts:
    - message_performance.click_rate desc
    series_labels:
      message_performance.click_rate: Daily clickers / delivered
    filters:
      message_performance.send_channel: sms
    listen:
      Date: message_performance.sent_date
      Account: message_performance.account_name
      Channel: message_performance.send_channel
      Message type: message_performance.message_type
      Campaign: message_performance.campaign_name
      Flow: message_performance.flow_name
      Tags: message_performance.tag_names
    note_text: 'Text messages only. Flows count people once a day here. Klaviyo''s own figure exists for
      the last 7, 30, 90 and 365 days and for whole months. Click rate: Unique clicks / delivered, over
      the channels whose clicks are counted. Over several days a flow''s people are counted once a day,
      unlike in klaviyo__flow_period.'
    note_state: collapsed
    note_display: hover
    width: 6
    height: 4
    row: 4
    col: 6
  - title: Failed rate
    name: Failed rate
    model: '@{MODEL}'
    explore: message_performance
    type: single_value
    fields:
    - message_performance.failed_rate
    sorts:
    - message_performance.failed_rate desc
    filters:
      message_performance.send_channel: sms
    listen:
      Date: message_performance.sent_date
      Account: message_performance.account_name
      Channel: message_performance.send_channel
      Message type: message_performance.message_type
      Campaign: message_performance.campaign_name
      Flow: message_performance.flow_name
      Tags: message_performance.tag_names
    note_text: 'Text messages only. Failed rate: Failed / recipients, over the channels whose failures
      are counted.'
    note_state: collapsed
    note_display: hover
    width: 6
    height: 4
    row: 4
    col: 12
  - title: Daily unsubscribers / delivered
    name: Daily unsubscribers / delivered
    model: '@{MODEL}'
    explore: message_performance
    type: single_value
    fields:
    - message_performance.unsubscribe_rate
    sorts:
    - message_performance.unsubscribe_rate desc
    series_labels:
      message_performance.unsubscribe_rate: Daily unsubscribers / delivered
    filters:
      message_performance.send_channel: sms
    listen:
      Date: message_performance.sent_date
      Account: message_performance.account_name
      Channel: message_performance.send_channel
      Message type: message_performance.message_type
      Campaign: message_performance.campaign_name
      Flow: message_performance.flow_name
      Tags: message_performance.tag_names
    note_text: 'Text messages only. Flows count people once a day here. Klaviyo''s own figure exists for
      the last 7, 30, 90 and 365 days and for whole months. Unsubscribe rate: Recipients who unsubscribed
      / delivered, over the channels whose unsubscribes are counted. Over several days a flow''s people
      are counted once a day, unlike in klaviyo__flow_period.'
    note_state: collapsed
    note_display: hover
    width: 6
    height: 4
    row: 4
    col: 18
  - title: Text message revenue, last month
    name: Text message revenue, last month
    model: '@{MODEL}'
    explore: message_performance
    type: single_value
    fields:
    - message_performance.sent_month
    - message_performance.text_message_conversion_value
    - message_performance.text_message_conversion_value_last_month
    hidden_fields:
    - message_performance.sent_month
    sorts:
    - message_performance.text_message_conversion_value desc
    show_comparison: true
    comparison_type: value
    show_comparison_label: true
    comparison_label: in the month before
    filters:
      message_performance.send_channel: sms
      message_performance.sent_month: 1 month ago
    listen:
      Account: message_performance.account_name
      Channel: message_performance.send_channel
      Message type: message_performance.message_type
      Campaign: message_performance.campaign_name
      Flow: message_performance.flow_name
      Tags: message_performance.tag_names
    note_text: 'The last whole month, whatever days are chosen. Text messages only. Text message revenue:
      Conversion value of messages that have a text message spend. Until day 5 of a month the sends of
      the last month still grow.'
    note_state: collapsed
    note_display: hover
    width: 8
    height: 4
    row: 8
    col: 0
  - title: Text message spend, last month
    name: Text message spend, last month
    model: '@{MODEL}'
    explore: message_performance
    type: single_value
    fields:
    - message_performance.sent_month
    - message_performance.text_message_spend
    - message_performance.text_message_spend_last_month
    hidden_fields:
    - message_performance.sent_month
    sorts:
    - message_performance.text_message_spend desc
    show_comparison: true
    comparison_type: value
    show_comparison_label: true
    comparison_label: in the month before
    filters:
      message_performance.send_channel: sms
      message_performance.sent_month: 1 month ago
    listen:
      Account: message_performance.account_name
      Channel: message_performance.send_channel
      Message type: message_performance.message_type
      Campaign: message_performance.campaign_name
      Flow: message_performance.flow_name
      Tags: message_performance.tag_names
    note_text: 'The last whole month, whatever days are chosen. Text messages only. Text message spend:
      Cost of the text messages, in the account''s currency. Null for other channels. Until day 5 of a
      month the sends of the last month still grow.'
    note_state: collapsed
    note_display: hover
    width: 8
    height: 4
    row: 8
    col: 8
  - title: Delivered, last month
    name: Delivered, last month
    model: '@{MODEL}'
    explore: message_performance
    type: single_value
    fields:
    - message_performance.sent_month
    - message_performance.delivered
    - message_performance.delivered_last_month
    hidden_fields:
    - message_performance.sent_month
    sorts:
    - message_performance.delivered desc
    show_comparison: true
    comparison_type: value
    show_comparison_label: true
    comparison_label: in the month before
    filters:
      message_performance.send_channel: sms
      message_performance.sent_month: 1 month ago
    listen:
      Account: message_performance.account_name
      Channel: message_performance.send_channel
      Message type: message_performance.message_type
      Campaign: message_performance.campaign_name
      Flow: message_performance.flow_name
      Tags: message_performance.tag_names
    note_text: 'The last whole month, whatever days are chosen. Text messages only. Delivered: Messages
      that arrived: recipients less bounced and failed. Until day 5 of a month the sends of the last month
      still grow.'
    note_state: collapsed
    note_display: hover
    width: 8
    height: 4
    row: 8
    col: 16
  - title: Revenue from text messages
    name: Revenue from text messages
    model: '@{MODEL}'
    explore: message_performance
    type: looker_column
    stacking: normal
    fields:
    - message_performance.sent_date
    - message_performance.message_type
    - message_performance.conversion_value
    pivots:
    - message_performance.message_type
    sorts:
    - message_performance.sent_date
    filters:
      message_performance.send_channel: sms
    listen:
      Date: message_performance.sent_date
      Account: message_performance.account_name
      Channel: message_performance.send_channel
      Message type: message_performance.message_type
      Campaign: message_performance.campaign_name
      Flow: message_performance.flow_name
      Tags: message_performance.tag_names
    note_text: 'Revenue: Value of the conversions, in the account''s currency: the revenue attributed
      to the message.'
    note_state: collapsed
    note_display: hover
    width: 12
    height: 8
    row: 12
    col: 0
  - title: Daily clickers / delivered, SMS
    name: Daily clickers / delivered, SMS
    model: '@{MODEL}'
    explore: message_performance
    type: looker_line
    fields:
    - message_performance.sent_date
    - message_performance.message_type
    - message_performance.click_rate
    pivots:
    - message_performance.message_type
    sorts:
    - message_performance.sent_date
    series_labels:
      message_performance.click_rate: Daily clickers / delivered
    filters:
      message_performance.send_channel: sms
      message_performance.delivered: '>=100'
    listen:
      Date: message_performance.sent_date
      Account: message_performance.account_name
      Channel: message_performance.send_channel
      Message type: message_performance.message_type
      Campaign: message_performance.campaign_name
      Flow: message_performance.flow_name
      Tags: message_performance.tag_names
    note_text: 'Flows count people once a day here. Klaviyo''s own figure exists for the last 7, 30, 90
      and 365 days and for whole months. Click rate: Unique clicks / delivered, over the channels whose
      clicks are counted. Over several days a flow''s people are counted once a day, unlike in klaviyo__flow_period.'
    note_state: collapsed
    note_display: hover
    width: 12
    height: 8
    row: 12
    col: 12
  - title: All text messages
    name: All text messages
    model: '@{MODEL}'
    explore: message_performance
    type: looker_grid
    fields:
    - message_performance.message_id
    - message_performance.message_name
    - message_performance.campaign_name
    - message_performance.flow_name
    - message_performance.sent_date
    - message_performance.delivered
    - message_performance.click_rate
    - message_performance.conversions
    - message_performance.conversion_value
    - message_performance.text_message_credit_usage_amount
    - message_performance.text_message_spend
    - message_performance.text_message_roi
    - message_performance.unsubscribe_rate
    hidden_fields:
    - message_performance.message_id
    sorts:
    - message_performance.conversion_value desc
    limit: 25
    series_labels:
      message_performance.click_rate: Daily clickers / delivered
      message_performance.unsubscribe_rate: Daily unsubscribers / delivered
    filters:
      message_performance.send_channel: sms
    listen:
      Date: message_performance.sent_date
      Account: message_performance.account_name
      Channel: message_performance.send_channel
      Message type: message_performance.message_type
      Campaign: message_performance.campaign_name
      Flow: message_performance.flow_name
      Tags: message_performance.tag_names
    note_text: 'Flows count people once a day here. Klaviyo''s own figure exists for the last 7, 30, 90
      and 365 days and for whole months. Delivered: Messages that arrived: recipients less bounced and
      failed. Click rate: Unique clicks / delivered, over the channels whose clicks are counted. Over
      several days a flow''s people are counted once a day, unlike in klaviyo__flow_period. Conversions:
      Conversions, such as orders, that Klaviyo attributes to the message. Revenue: Value of the conversions,
      in the account''s currency: the revenue attributed to the message. Text message credits: Text credits
      used. Null for other channels. Text message spend: Cost of the text messages, in the account''s
      currency. Null for other channels. Text message return: Revenue of texts / text message spend. Unsubscribe
      rate: Recipients who unsubscribed / delivered, over the channels whose unsubscribes are counted.
      Over several days a flow''s people are counted once a day, unlike in klaviyo__flow_period.'
    note_state: collapsed
    note_display: hover
    width: 24
    height: 12
    row: 20
    col: 0
