# Generated from dbt by `python -m looker build`: refine it in refinements/, do not edit.

- dashboard: klaviyo_flows
  title: 'Klaviyo: Flows'
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
  - title: Revenue
    name: Revenue
    model: '@{MODEL}'
    explore: message_performance
    type: single_value
    fields:
    - message_performance.conversion_value
    sorts:
    - message_performance.conversion_value desc
    filters:
      message_performance.message_type: flow
    listen:
      Date: message_performance.sent_date
      Account: message_performance.account_name
      Channel: message_performance.send_channel
      Message type: message_performance.message_type
      Campaign: message_performance.campaign_name
      Flow: message_performance.flow_name
      Tags: message_performance.tag_names
    note_text: 'Flows only. Revenue: Value of the conversions, in the account''s currency: the revenue
      attributed to the message.'
    note_state: collapsed
    note_display: hover
    width: 6
    height: 4
    row: 0
    col: 0
  - title: Conversions
    name: Conversions
    model: '@{MODEL}'
    explore: message_performance
    type: single_value
    fields:
    - message_performance.conversions
    sorts:
    - message_performance.conversions desc
    filters:
      message_performance.message_type: flow
    listen:
      Date: message_performance.sent_date
      Account: message_performance.account_name
      Channel: message_performance.send_channel
      Message type: message_performance.message_type
      Campaign: message_performance.campaign_name
      Flow: message_performance.flow_name
      Tags: message_performance.tag_names
    note_text: 'Flows only. Conversions: Conversions, such as orders, that Klaviyo attributes to the message.'
    note_state: collapsed
    note_display: hover
    width: 6
    height: 4
    row: 0
    col: 6
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
      message_performance.message_type: flow
    listen:
      Date: message_performance.sent_date
      Account: message_performance.account_name
      Channel: message_performance.send_channel
      Message type: message_performance.message_type
      Campaign: message_performance.campaign_name
      Flow: message_performance.flow_name
      Tags: message_performance.tag_names
    note_text: 'Flows only. Delivered: Messages that arrived: recipients less bounced and failed.'
    note_state: collapsed
    note_display: hover
    width: 6
    height: 4
    row: 0
    col: 12
  - title: Revenue, last month
    name: Revenue, last month
    model: '@{MODEL}'
    explore: message_performance
    type: single_value
    fields:
    - message_performance.sent_month
    - message_performance.conversion_value
    - message_performance.conversion_value_last_month
    hidden_fields:
    - message_performance.sent_month
    sorts:
    - message_performance.conversion_value desc
    show_comparison: true
    comparison_type: value
    show_comparison_label: true
    comparison_label: in the month before
    filters:
      message_performance.message_type: flow
      message_performance.sent_month: 1 month ago
    listen:
      Account: message_performance.account_name
      Channel: message_performance.send_channel
      Message type: message_performance.message_type
      Campaign: message_performance.campaign_name
      Flow: message_performance.flow_name
      Tags: message_performance.tag_names
    note_text: 'The last whole month, whatever days are chosen. Flows only. Revenue: Value of the conversions,
      in the account''s currency: the revenue attributed to the message. Until day 5 of a month the sends
      of the last month still grow.'
    note_state: collapsed
    note_display: hover
    width: 8
    height: 4
    row: 4
    col: 0
  - title: Conversions, last month
    name: Conversions, last month
    model: '@{MODEL}'
    explore: message_performance
    type: single_value
    fields:
    - message_performance.sent_month
    - message_performance.conversions
    - message_performance.conversions_last_month
    hidden_fields:
    - message_performance.sent_month
    sorts:
    - message_performance.conversions desc
    show_comparison: true
    comparison_type: value
    show_comparison_label: true
    comparison_label: in the month before
    filters:
      message_performance.message_type: flow
      message_performance.sent_month: 1 month ago
    listen:
      Account: message_performance.account_name
      Channel: message_performance.send_channel
      Message type: message_performance.message_type
      Campaign: message_performance.campaign_name
      Flow: message_performance.flow_name
      Tags: message_performance.tag_names
    note_text: 'The last whole month, whatever days are chosen. Flows only. Conversions: Conversions,
      such as orders, that Klaviyo attributes to the message. Until day 5 of a month the sends of the
      last month still grow.'
    note_state: collapsed
    note_display: hover
    width: 8
    height: 4
    row: 4
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
      message_performance.message_type: flow
      message_performance.sent_month: 1 month ago
    listen:
      Account: message_performance.account_name
      Channel: message_performance.send_channel
      Message type: message_performance.message_type
      Campaign: message_performance.campaign_name
      Flow: message_performance.flow_name
      Tags: message_performance.tag_names
    note_text: 'The last whole month, whatever days are chosen. Flows only. Delivered: Messages that arrived:
      recipients less bounced and failed. Until day 5 of a month the sends of the last month still grow.'
    note_state: collapsed
    note_display: hover
    width: 8
    height: 4
    row: 4
    col: 16
  - title: Daily openers / delivered
    name: Daily openers / delivered
    model: '@{MODEL}'
    explore: message_performance
    type: single_value
    fields:
    - message_performance.open_rate
    sorts:
    - message_performance.open_rate desc
    series_labels:
      message_performance.open_rate: Daily openers / delivered
    filters:
      message_performance.message_type: flow
      message_performance.send_channel: email
    listen:
      Date: message_performance.sent_date
      Account: message_performance.account_name
      Channel: message_performance.send_channel
      Message type: message_performance.message_type
      Campaign: message_performance.campaign_name
      Flow: message_performance.flow_name
      Tags: message_performance.tag_names
    note_text: 'Emails of flows only; each flow has the rates of its other channels below. Flows count
      people once a day here. Klaviyo''s own figure exists for the last 7, 30, 90 and 365 days and for
      whole months. Open rate: Unique opens / delivered, over the channels whose opens are counted. Over
      several days a flow''s people are counted once a day, unlike in klaviyo__flow_period.'
    note_state: collapsed
    note_display: hover
    width: 6
    height: 4
    row: 8
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
      message_performance.message_type: flow
      message_performance.send_channel: email
    listen:
      Date: message_performance.sent_date
      Account: message_performance.account_name
      Channel: message_performance.send_channel
      Message type: message_performance.message_type
      Campaign: message_performance.campaign_name
      Flow: message_performance.flow_name
      Tags: message_performance.tag_names
    note_text: 'Emails of flows only; each flow has the rates of its other channels below. Flows count
      people once a day here. Klaviyo''s own figure exists for the last 7, 30, 90 and 365 days and for
      whole months. Click rate: Unique clicks / delivered, over the channels whose clicks are counted.
      Over several days a flow''s people are counted once a day, unlike in klaviyo__flow_period.'
    note_state: collapsed
    note_display: hover
    width: 6
    height: 4
    row: 8
    col: 6
  - title: Daily converters / delivered
    name: Daily converters / delivered
    model: '@{MODEL}'
    explore: message_performance
    type: single_value
    fields:
    - message_performance.conversion_rate
    sorts:
    - message_performance.conversion_rate desc
    series_labels:
      message_performance.conversion_rate: Daily converters / delivered
    filters:
      message_performance.message_type: flow
      message_performance.send_channel: email
    listen:
      Date: message_performance.sent_date
      Account: message_performance.account_name
      Channel: message_performance.send_channel
      Message type: message_performance.message_type
      Campaign: message_performance.campaign_name
      Flow: message_performance.flow_name
      Tags: message_performance.tag_names
    note_text: 'Emails of flows only; each flow has the rates of its other channels below. Flows count
      people once a day here. Klaviyo''s own figure exists for the last 7, 30, 90 and 365 days and for
      whole months. Conversion rate: Recipients who converted / delivered. Over several days a flow''s
      people are counted once a day, unlike in klaviyo__flow_period.'
    note_state: collapsed
    note_display: hover
    width: 6
    height: 4
    row: 8
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
      message_performance.message_type: flow
      message_performance.send_channel: email
    listen:
      Date: message_performance.sent_date
      Account: message_performance.account_name
      Channel: message_performance.send_channel
      Message type: message_performance.message_type
      Campaign: message_performance.campaign_name
      Flow: message_performance.flow_name
      Tags: message_performance.tag_names
    note_text: 'Emails of flows only; each flow has the rates of its other channels below. Revenue per
      recipient: Revenue / delivered, as Klaviyo defines it.'
    note_state: collapsed
    note_display: hover
    width: 6
    height: 4
    row: 8
    col: 18
  - title: Revenue from flows
    name: Revenue from flows
    model: '@{MODEL}'
    explore: message_performance
    type: looker_column
    stacking: normal
    fields:
    - message_performance.sent_date
    - message_performance.send_channel
    - message_performance.conversion_value
    pivots:
    - message_performance.send_channel
    sorts:
    - message_performance.sent_date
    filters:
      message_performance.message_type: flow
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
  - title: Daily converters / delivered, Flows
    name: Daily converters / delivered, Flows
    model: '@{MODEL}'
    explore: message_performance
    type: looker_line
    fields:
    - message_performance.sent_date
    - message_performance.send_channel
    - message_performance.conversion_rate
    pivots:
    - message_performance.send_channel
    sorts:
    - message_performance.sent_date
    series_labels:
      message_performance.conversion_rate: Daily converters / delivered
    filters:
      message_performance.message_type: flow
      message_performance.delivered: '>=300'
    listen:
      Date: message_performance.sent_date
      Account: message_performance.account_name
      Channel: message_performance.send_channel
      Message type: message_performance.message_type
      Campaign: message_performance.campaign_name
      Flow: message_performance.flow_name
      Tags: message_performance.tag_names
    note_text: 'Flows count people once a day here. Klaviyo''s own figure exists for the last 7, 30, 90
      and 365 days and for whole months. Conversion rate: Recipients who converted / delivered. Over several
      days a flow''s people are counted once a day, unlike in klaviyo__flow_period.'
    note_state: collapsed
    note_display: hover
    width: 12
    height: 8
    row: 12
    col: 12
  - title: All flows
    name: All flows
    model: '@{MODEL}'
    explore: message_performance
    type: looker_grid
    fields:
    - message_performance.flow_id
    - message_performance.send_channel
    - message_performance.flow_name
    - message_performance.flow_status
    - message_performance.delivered
    - message_performance.open_rate
    - message_performance.click_rate
    - message_performance.conversion_rate
    - message_performance.conversions
    - message_performance.conversion_value
    - message_performance.revenue_per_recipient
    - message_performance.unsubscribe_rate
    hidden_fields:
    - message_performance.flow_id
    sorts:
    - message_performance.conversion_value desc
    limit: 25
    series_labels:
      message_performance.open_rate: Daily openers / delivered
      message_performance.click_rate: Daily clickers / delivered
      message_performance.conversion_rate: Daily converters / delivered
      message_performance.unsubscribe_rate: Daily unsubscribers / delivered
    filters:
      message_performance.message_type: flow
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
      failed. Open rate: Unique opens / delivered, over the channels whose opens are counted. Over several
      days a flow''s people are counted once a day, unlike in klaviyo__flow_period. Click rate: Unique
      clicks / delivered, over the channels whose clicks are counted. Over several days a flow''s people
      are counted once a day, unlike in klaviyo__flow_period. Conversion rate: Recipients who converted
      / delivered. Over several days a flow''s people are counted once a day, unlike in klaviyo__flow_period.
      Conversions: Conversions, such as orders, that Klaviyo attributes to the message. Revenue: Value
      of the conversions, in the account''s currency: the revenue attributed to the message. Revenue per
      recipient: Revenue / delivered, as Klaviyo defines it. Unsubscribe rate: Recipients who unsubscribed
      / delivered, over the channels whose unsubscribes are counted. Over several days a flow''s people
      are counted once a day, unlike in klaviyo__flow_period.'
    note_state: collapsed
    note_display: hover
    width: 24
    height: 12
    row: 20
    col: 0
  - title: Steps of flows in the last 30 days
    name: Steps of flows in the last 30 days
    model: '@{MODEL}'
    explore: flow_step
    type: looker_grid
    fields:
    - flow_step.flow_id
    - flow_step.flow_name
    - flow_step.step_number
    - flow_step.message_name
    - flow_step.send_channel
    - flow_step.step_delivered
    - flow_step.step_share_of_largest
    - flow_step.step_open_rate
    - flow_step.step_click_rate
    - flow_step.step_orders
    - flow_step.step_revenue
    hidden_fields:
    - flow_step.flow_id
    - flow_step.period_kind
    - flow_step.period_start_date
    sorts:
    - flow_step.flow_name
    - flow_step.step_number asc
    limit: 500
    filters:
      flow_step.period_kind: last_30_days
    listen:
      Account: flow_step.account_name
      Channel: flow_step.send_channel
      Flow: flow_step.flow_name
    note_text: 'How far people get through each flow: messages in their order, with Klaviyo''s own figures
      of 30 days, today included. The share is of the step that most people got. Without a number is what
      the flow no longer sends, or what Klaviyo''s definition does not connect. Step delivered: Messages
      of flow steps that arrived. Share of the largest step: Step delivered / largest step delivered,
      by flow and step. The largest is not always the first, which may be on a channel that few people
      have, such as push. Step open rate: Step openers / step delivered with opens tracked. Step click
      rate: Step clickers / step delivered with clicks tracked. Step orders: Orders that Klaviyo credits
      to flow steps. Step revenue: Value of the orders that Klaviyo credits to flow steps.'
    note_state: collapsed
    note_display: hover
    width: 24
    height: 12
    row: 32
    col: 0
  - title: Rates of flows in the last 30 days
    name: Rates of flows in the last 30 days
    model: '@{MODEL}'
    explore: flow_period
    type: looker_grid
    fields:
    - flow_period.flow_id
    - flow_period.send_channel
    - flow_period.flow_name
    - flow_period.period_delivered
    - flow_period.period_open_rate
    - flow_period.period_click_rate
    - flow_period.period_click_to_open_rate
    - flow_period.period_conversion_rate
    - flow_period.period_unsubscribe_rate
    hidden_fields:
    - flow_period.flow_id
    - flow_period.period_kind
    - flow_period.period_start_date
    sorts:
    - flow_period.period_delivered desc
    limit: 25
    filters:
      flow_period.period_kind: last_30_days
    listen:
      Account: flow_period.account_name
      Channel: flow_period.send_channel
      Flow: flow_period.flow_name
      Tags: flow_period.tag_names
    note_text: 'Klaviyo''s own figures of 30 days, today included; a person who gets a message twice counts
      once. Delivered in the period: Messages that arrived. Open rate of the period: Openers / delivered
      in the period, over the channels whose opens are counted. Click rate of the period: Clickers / delivered
      in the period, over the channels whose clicks are counted. Click-to-open rate of the period: Clickers
      / openers in the period, over the channels whose opens and clicks are counted. Conversion rate of
      the period: Converters / delivered in the period. Unsubscribe rate of the period: Unsubscribers
      / delivered in the period, over the channels whose unsubscribes are counted.'
    note_state: collapsed
    note_display: hover
    width: 24
    height: 12
    row: 44
    col: 0
  - title: Messages of flows
    name: Messages of flows
    model: '@{MODEL}'
    explore: message_performance
    type: looker_grid
    fields:
    - message_performance.message_id
    - message_performance.send_channel
    - message_performance.message_name
    - message_performance.flow_name
    - message_performance.delivered
    - message_performance.open_rate
    - message_performance.click_rate
    - message_performance.conversion_rate
    - message_performance.conversion_value
    - message_performance.revenue_per_recipient
    hidden_fields:
    - message_performance.message_id
    sorts:
    - message_performance.conversion_value desc
    limit: 25
    series_labels:
      message_performance.open_rate: Daily openers / delivered
      message_performance.click_rate: Daily clickers / delivered
      message_performance.conversion_rate: Daily converters / delivered
    filters:
      message_performance.message_type: flow
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
      failed. Open rate: Unique opens / delivered, over the channels whose opens are counted. Over several
      days a flow''s people are counted once a day, unlike in klaviyo__flow_period. Click rate: Unique
      clicks / delivered, over the channels whose clicks are counted. Over several days a flow''s people
      are counted once a day, unlike in klaviyo__flow_period. Conversion rate: Recipients who converted
      / delivered. Over several days a flow''s people are counted once a day, unlike in klaviyo__flow_period.
      Revenue: Value of the conversions, in the account''s currency: the revenue attributed to the message.
      Revenue per recipient: Revenue / delivered, as Klaviyo defines it.'
    note_state: collapsed
    note_display: hover
    width: 24
    height: 12
    row: 56
    col: 0
