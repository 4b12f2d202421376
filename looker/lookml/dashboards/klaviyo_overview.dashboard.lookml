# Generated from dbt by `python -m looker build`: refine it in refinements/, do not edit.

- dashboard: klaviyo_overview
  title: 'Klaviyo: Overview'
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
    filters: {}
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
    filters: {}
    listen:
      Date: message_performance.sent_date
      Account: message_performance.account_name
      Channel: message_performance.send_channel
      Message type: message_performance.message_type
      Campaign: message_performance.campaign_name
      Flow: message_performance.flow_name
      Tags: message_performance.tag_names
    note_text: 'Conversions: Conversions, such as orders, that Klaviyo attributes to the message.'
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
    filters: {}
    listen:
      Date: message_performance.sent_date
      Account: message_performance.account_name
      Channel: message_performance.send_channel
      Message type: message_performance.message_type
      Campaign: message_performance.campaign_name
      Flow: message_performance.flow_name
      Tags: message_performance.tag_names
    note_text: 'Delivered: Messages that arrived: recipients less bounced and failed.'
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
      message_performance.sent_month: 1 month ago
    listen:
      Account: message_performance.account_name
      Channel: message_performance.send_channel
      Message type: message_performance.message_type
      Campaign: message_performance.campaign_name
      Flow: message_performance.flow_name
      Tags: message_performance.tag_names
    note_text: 'The last whole month, whatever days are chosen. Revenue: Value of the conversions, in
      the account''s currency: the revenue attributed to the message. Until day 5 of a month the sends
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
      message_performance.sent_month: 1 month ago
    listen:
      Account: message_performance.account_name
      Channel: message_performance.send_channel
      Message type: message_performance.message_type
      Campaign: message_performance.campaign_name
      Flow: message_performance.flow_name
      Tags: message_performance.tag_names
    note_text: 'The last whole month, whatever days are chosen. Conversions: Conversions, such as orders,
      that Klaviyo attributes to the message. Until day 5 of a month the sends of the last month still
      grow.'
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
      message_performance.sent_month: 1 month ago
    listen:
      Account: message_performance.account_name
      Channel: message_performance.send_channel
      Message type: message_performance.message_type
      Campaign: message_performance.campaign_name
      Flow: message_performance.flow_name
      Tags: message_performance.tag_names
    note_text: 'The last whole month, whatever days are chosen. Delivered: Messages that arrived: recipients
      less bounced and failed. Until day 5 of a month the sends of the last month still grow.'
    note_state: collapsed
    note_display: hover
    width: 8
    height: 4
    row: 4
    col: 16
  - title: What to do next
    name: What to do next
    model: '@{MODEL}'
    explore: finding
    type: looker_grid
    fields:
    - finding.finding_id
    - finding.suggestion
    - finding.finding
    - finding.tone
    - finding.date_date
    - finding.sample_unit
    - finding.reason
    - finding.campaign_name
    - finding.flow_name
    - finding.page
    - finding.finding_rank
    - finding.finding_sample_size
    hidden_fields:
    - finding.finding_id
    sorts:
    - finding.finding_rank asc
    limit: 5
    filters: {}
    listen:
      Account: finding.account_name
      Campaign: finding.campaign_name
      Flow: finding.flow_name
    note_text: 'Sample size of the finding: The number that the figure of the finding is of.'
    note_state: collapsed
    note_display: hover
    width: 12
    height: 8
    row: 8
    col: 0
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
      message_performance.send_channel: email
    listen:
      Date: message_performance.sent_date
      Account: message_performance.account_name
      Channel: message_performance.send_channel
      Message type: message_performance.message_type
      Campaign: message_performance.campaign_name
      Flow: message_performance.flow_name
      Tags: message_performance.tag_names
    note_text: 'Emails only; other channels have their own rates under Campaigns, Flows and SMS. Flows
      count people once a day here. Klaviyo''s own figure exists for the last 7, 30, 90 and 365 days and
      for whole months. Open rate: Unique opens / delivered, over the channels whose opens are counted.
      Over several days a flow''s people are counted once a day, unlike in klaviyo__flow_period.'
    note_state: collapsed
    note_display: hover
    width: 6
    height: 4
    row: 8
    col: 12
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
      message_performance.send_channel: email
    listen:
      Date: message_performance.sent_date
      Account: message_performance.account_name
      Channel: message_performance.send_channel
      Message type: message_performance.message_type
      Campaign: message_performance.campaign_name
      Flow: message_performance.flow_name
      Tags: message_performance.tag_names
    note_text: 'Emails only; other channels have their own rates under Campaigns, Flows and SMS. Flows
      count people once a day here. Klaviyo''s own figure exists for the last 7, 30, 90 and 365 days and
      for whole months. Click rate: Unique clicks / delivered, over the channels whose clicks are counted.
      Over several days a flow''s people are counted once a day, unlike in klaviyo__flow_period.'
    note_state: collapsed
    note_display: hover
    width: 6
    height: 4
    row: 8
    col: 18
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
      message_performance.send_channel: email
    listen:
      Date: message_performance.sent_date
      Account: message_performance.account_name
      Channel: message_performance.send_channel
      Message type: message_performance.message_type
      Campaign: message_performance.campaign_name
      Flow: message_performance.flow_name
      Tags: message_performance.tag_names
    note_text: 'Emails only; other channels have their own rates under Campaigns, Flows and SMS. Flows
      count people once a day here. Klaviyo''s own figure exists for the last 7, 30, 90 and 365 days and
      for whole months. Conversion rate: Recipients who converted / delivered. Over several days a flow''s
      people are counted once a day, unlike in klaviyo__flow_period.'
    note_state: collapsed
    note_display: hover
    width: 6
    height: 4
    row: 16
    col: 0
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
      message_performance.send_channel: email
    listen:
      Date: message_performance.sent_date
      Account: message_performance.account_name
      Channel: message_performance.send_channel
      Message type: message_performance.message_type
      Campaign: message_performance.campaign_name
      Flow: message_performance.flow_name
      Tags: message_performance.tag_names
    note_text: 'Emails only; other channels have their own rates under Campaigns, Flows and SMS. Revenue
      per recipient: Revenue / delivered, as Klaviyo defines it.'
    note_state: collapsed
    note_display: hover
    width: 6
    height: 4
    row: 16
    col: 6
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
      message_performance.send_channel: email
    listen:
      Date: message_performance.sent_date
      Account: message_performance.account_name
      Channel: message_performance.send_channel
      Message type: message_performance.message_type
      Campaign: message_performance.campaign_name
      Flow: message_performance.flow_name
      Tags: message_performance.tag_names
    note_text: 'Emails only; other channels have their own rates under Campaigns, Flows and SMS. Flows
      count people once a day here. Klaviyo''s own figure exists for the last 7, 30, 90 and 365 days and
      for whole months. Unsubscribe rate: Recipients who unsubscribed / delivered, over the channels whose
      unsubscribes are counted. Over several days a flow''s people are counted once a day, unlike in klaviyo__flow_period.'
    note_state: collapsed
    note_display: hover
    width: 6
    height: 4
    row: 16
    col: 12
  - title: The last campaigns
    name: The last campaigns
    model: '@{MODEL}'
    explore: message_performance
    type: looker_grid
    fields:
    - message_performance.campaign_id
    - message_performance.send_channel
    - message_performance.campaign_name
    - message_performance.sent_date
    - message_performance.delivered
    - message_performance.conversion_value
    - message_performance.revenue_per_recipient
    hidden_fields:
    - message_performance.campaign_id
    sorts:
    - message_performance.sent_date desc
    limit: 8
    filters:
      message_performance.message_type: campaign
      message_performance.delivered: '>=0'
    listen:
      Date: message_performance.sent_date
      Account: message_performance.account_name
      Channel: message_performance.send_channel
      Message type: message_performance.message_type
      Campaign: message_performance.campaign_name
      Flow: message_performance.flow_name
      Tags: message_performance.tag_names
    note_text: 'The line is the median of the channel''s campaigns of 100 messages or more with final
      results in the 180 days before, where they are eight or more. Delivered: Messages that arrived:
      recipients less bounced and failed. Revenue: Value of the conversions, in the account''s currency:
      the revenue attributed to the message. Revenue per recipient: Revenue / delivered, as Klaviyo defines
      it.'
    note_state: collapsed
    note_display: hover
    width: 24
    height: 12
    row: 20
    col: 0
  - title: Revenue from campaigns and flows
    name: Revenue from campaigns and flows
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
    filters: {}
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
    row: 32
    col: 0
  - title: Revenue by channel
    name: Revenue by channel
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
    filters: {}
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
    row: 32
    col: 12
  - title: Daily openers / delivered, Email
    name: Daily openers / delivered, Email
    model: '@{MODEL}'
    explore: message_performance
    type: looker_line
    fields:
    - message_performance.sent_date
    - message_performance.message_type
    - message_performance.open_rate
    pivots:
    - message_performance.message_type
    sorts:
    - message_performance.sent_date
    series_labels:
      message_performance.open_rate: Daily openers / delivered
    filters:
      message_performance.send_channel: email
      message_performance.delivered: '>=200'
    listen:
      Date: message_performance.sent_date
      Account: message_performance.account_name
      Channel: message_performance.send_channel
      Message type: message_performance.message_type
      Campaign: message_performance.campaign_name
      Flow: message_performance.flow_name
      Tags: message_performance.tag_names
    note_text: 'Flows count people once a day here. Klaviyo''s own figure exists for the last 7, 30, 90
      and 365 days and for whole months. Open rate: Unique opens / delivered, over the channels whose
      opens are counted. Over several days a flow''s people are counted once a day, unlike in klaviyo__flow_period.'
    note_state: collapsed
    note_display: hover
    width: 12
    height: 8
    row: 40
    col: 0
  - title: Daily clickers / delivered, Email
    name: Daily clickers / delivered, Email
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
      message_performance.send_channel: email
      message_performance.delivered: '>=200'
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
    row: 40
    col: 12
