# Generated from dbt by `python -m looker build`: refine it in refinements/, do not edit.

- dashboard: klaviyo_campaigns
  title: 'Klaviyo: Campaigns'
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
  - title: Top campaigns by revenue
    name: Top campaigns by revenue
    model: '@{MODEL}'
    explore: message_performance
    type: looker_grid
    fields:
    - message_performance.campaign_id
    - message_performance.campaign_name
    - message_performance.sent_date
    - message_performance.conversion_value
    hidden_fields:
    - message_performance.campaign_id
    sorts:
    - message_performance.conversion_value desc
    limit: 8
    filters:
      message_performance.message_type: campaign
      message_performance.conversions: '>=1'
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
    height: 12
    row: 0
    col: 0
  - title: Top campaigns by revenue per recipient
    name: Top campaigns by revenue per recipient
    model: '@{MODEL}'
    explore: message_performance
    type: looker_grid
    fields:
    - message_performance.campaign_id
    - message_performance.send_channel
    - message_performance.campaign_name
    - message_performance.sent_date
    - message_performance.revenue_per_recipient
    hidden_fields:
    - message_performance.campaign_id
    sorts:
    - message_performance.revenue_per_recipient desc
    limit: 8
    filters:
      message_performance.message_type: campaign
      message_performance.delivered: '>=500'
    listen:
      Date: message_performance.sent_date
      Account: message_performance.account_name
      Channel: message_performance.send_channel
      Message type: message_performance.message_type
      Campaign: message_performance.campaign_name
      Flow: message_performance.flow_name
      Tags: message_performance.tag_names
    note_text: 'Campaigns with at least 500 delivered messages on a channel. Revenue per recipient: Revenue
      / delivered, as Klaviyo defines it.'
    note_state: collapsed
    note_display: hover
    width: 12
    height: 12
    row: 0
    col: 12
  - title: All campaigns
    name: All campaigns
    model: '@{MODEL}'
    explore: message_performance
    type: looker_grid
    fields:
    - message_performance.message_id
    - message_performance.send_channel
    - message_performance.campaign_name
    - message_performance.message_name
    - message_performance.subject_line
    - message_performance.sent_date
    - message_performance.delivered
    - message_performance.open_rate
    - message_performance.click_rate
    - message_performance.conversions
    - message_performance.conversion_value
    - message_performance.revenue_per_recipient
    - message_performance.unsubscribe_rate
    hidden_fields:
    - message_performance.message_id
    sorts:
    - message_performance.sent_date desc
    limit: 25
    filters:
      message_performance.message_type: campaign
    listen:
      Date: message_performance.sent_date
      Account: message_performance.account_name
      Channel: message_performance.send_channel
      Message type: message_performance.message_type
      Campaign: message_performance.campaign_name
      Flow: message_performance.flow_name
      Tags: message_performance.tag_names
    note_text: 'A line across a bar is the median of all campaigns of the channel, chosen or not, of 100
      messages or more with final results in the 180 days before, where they are eight or more. Hatched
      bars are not final. Delivered: Messages that arrived: recipients less bounced and failed. Open rate:
      Unique opens / delivered, over the channels whose opens are counted. Over several days a flow''s
      people are counted once a day, unlike in klaviyo__flow_period. Click rate: Unique clicks / delivered,
      over the channels whose clicks are counted. Over several days a flow''s people are counted once
      a day, unlike in klaviyo__flow_period. Conversions: Conversions, such as orders, that Klaviyo attributes
      to the message. Revenue: Value of the conversions, in the account''s currency: the revenue attributed
      to the message. Revenue per recipient: Revenue / delivered, as Klaviyo defines it. Unsubscribe rate:
      Recipients who unsubscribed / delivered, over the channels whose unsubscribes are counted. Over
      several days a flow''s people are counted once a day, unlike in klaviyo__flow_period.'
    note_state: collapsed
    note_display: hover
    width: 24
    height: 12
    row: 12
    col: 0
