# Generated from dbt by `python -m looker build`: refine it in refinements/, do not edit.

- dashboard: klaviyo_send_time
  title: 'Klaviyo: Send time'
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
  - title: Best time for clicks
    name: Best time for clicks
    model: '@{MODEL}'
    explore: message_performance
    type: looker_grid
    enable_conditional_formatting: true
    conditional_formatting:
    - type: along a scale...
      color_application:
        collection_id: google
        palette_id: google-sequential-0
    fields:
    - message_performance.sent_hour
    - message_performance.sent_day_of_week
    - message_performance.click_rate
    pivots:
    - message_performance.sent_day_of_week
    sorts:
    - message_performance.sent_hour
    - message_performance.sent_day_of_week
    dynamic_fields:
    - category: measure
      measure: count_of_campaign_id
      label: Number of Campaign id
      based_on: message_performance.campaign_id
      type: count_distinct
    filters:
      message_performance.message_type: campaign
      message_performance.send_channel: email
      message_performance.delivered: '>=1000'
      count_of_campaign_id: '>=3'
    listen:
      Date: message_performance.sent_date
      Account: message_performance.account_name
      Channel: message_performance.send_channel
      Message type: message_performance.message_type
      Campaign: message_performance.campaign_name
      Flow: message_performance.flow_name
      Tags: message_performance.tag_names
    note_text: 'Click rate of email campaigns by weekday and hour of sending, in the account''s time zone.
      An hour with fewer than 1,000 delivered emails or 3 campaigns stays empty. Some hours hold special
      occasions: look at what was sent before you move a send. Click rate: Unique clicks / delivered,
      over the channels whose clicks are counted. Over several days a flow''s people are counted once
      a day, unlike in klaviyo__flow_period.'
    note_state: collapsed
    note_display: hover
    width: 12
    height: 8
    row: 0
    col: 0
  - title: Best time for revenue
    name: Best time for revenue
    model: '@{MODEL}'
    explore: message_performance
    type: looker_grid
    enable_conditional_formatting: true
    conditional_formatting:
    - type: along a scale...
      color_application:
        collection_id: google
        palette_id: google-sequential-0
    fields:
    - message_performance.sent_hour
    - message_performance.sent_day_of_week
    - message_performance.revenue_per_recipient
    pivots:
    - message_performance.sent_day_of_week
    sorts:
    - message_performance.sent_hour
    - message_performance.sent_day_of_week
    dynamic_fields:
    - category: measure
      measure: count_of_campaign_id
      label: Number of Campaign id
      based_on: message_performance.campaign_id
      type: count_distinct
    filters:
      message_performance.message_type: campaign
      message_performance.send_channel: email
      message_performance.delivered: '>=1000'
      count_of_campaign_id: '>=3'
    listen:
      Date: message_performance.sent_date
      Account: message_performance.account_name
      Channel: message_performance.send_channel
      Message type: message_performance.message_type
      Campaign: message_performance.campaign_name
      Flow: message_performance.flow_name
      Tags: message_performance.tag_names
    note_text: 'Revenue per recipient of email campaigns by weekday and hour of sending, of 1,000 delivered
      emails and 3 campaigns or more. Revenue per recipient: Revenue / delivered, as Klaviyo defines it.'
    note_state: collapsed
    note_display: hover
    width: 12
    height: 8
    row: 0
    col: 12
