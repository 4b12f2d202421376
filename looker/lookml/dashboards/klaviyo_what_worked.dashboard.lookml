# Generated from dbt by `python -m looker build`: refine it in refinements/, do not edit.

- dashboard: klaviyo_what_worked
  title: 'Klaviyo: What worked'
  layout: newspaper
  preferred_viewer: dashboards-next
  filters:
  - name: Date
    title: Date
    type: field_filter
    default_value: 90 day
    allow_multiple_values: true
    model: klaviyo
    explore: message_performance
    field: message_performance.sent_date
  - name: Account
    title: Account
    type: field_filter
    default_value: ''
    allow_multiple_values: true
    model: klaviyo
    explore: message_performance
    field: message_performance.account_name
  - name: Message type
    title: Message type
    type: field_filter
    default_value: ''
    allow_multiple_values: true
    model: klaviyo
    explore: message_performance
    field: message_performance.message_type
  - name: Channel
    title: Channel
    type: field_filter
    default_value: ''
    allow_multiple_values: true
    model: klaviyo
    explore: message_performance
    field: message_performance.send_channel
  - name: Campaign
    title: Campaign
    type: field_filter
    default_value: ''
    allow_multiple_values: true
    model: klaviyo
    explore: message_performance
    field: message_performance.campaign_name
  - name: Flow
    title: Flow
    type: field_filter
    default_value: ''
    allow_multiple_values: true
    model: klaviyo
    explore: message_performance
    field: message_performance.flow_name
  - name: Tags
    title: Tags
    type: field_filter
    default_value: ''
    allow_multiple_values: true
    model: klaviyo
    explore: message_performance
    field: message_performance.tag_names
  elements:
  - title: Top campaigns by revenue
    name: Top campaigns by revenue
    model: klaviyo
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
    limit: 10
    filters:
      message_performance.message_type: campaign
    listen:
      Date: message_performance.sent_date
      Account: message_performance.account_name
      Message type: message_performance.message_type
      Channel: message_performance.send_channel
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
  - title: Best time to send an email
    name: Best time to send an email
    model: klaviyo
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
    - message_performance.sent_weekday
    - message_performance.click_rate
    pivots:
    - message_performance.sent_weekday
    sorts:
    - message_performance.sent_hour
    - message_performance.sent_weekday
    filters:
      message_performance.message_type: campaign
      message_performance.send_channel: email
      message_performance.delivered: '>=1000'
    listen:
      Date: message_performance.sent_date
      Account: message_performance.account_name
      Message type: message_performance.message_type
      Channel: message_performance.send_channel
      Campaign: message_performance.campaign_name
      Flow: message_performance.flow_name
      Tags: message_performance.tag_names
    note_text: 'Click rate of campaigns by weekday and hour of sending, in the account''s time zone. An
      hour with fewer than 1,000 delivered emails stays empty. Click rate: Unique clicks / delivered,
      over the channels whose clicks are counted.'
    note_state: collapsed
    note_display: hover
    width: 12
    height: 8
    row: 0
    col: 12
  - title: Subject-line tests
    name: Subject-line tests
    model: klaviyo
    explore: message_performance
    type: looker_grid
    fields:
    - message_performance.message_id
    - message_performance.campaign_name
    - message_performance.sent_date
    - message_performance.variation_name
    - message_performance.subject_line
    - message_performance.delivered
    - message_performance.open_rate
    - message_performance.click_rate
    - message_performance.revenue_per_recipient
    hidden_fields:
    - message_performance.message_id
    sorts:
    - message_performance.click_rate desc
    limit: 6
    filters:
      message_performance.message_type: campaign
      message_performance.send_channel: email
      message_performance.is_ab_test: 'Yes'
    listen:
      Date: message_performance.sent_date
      Account: message_performance.account_name
      Message type: message_performance.message_type
      Channel: message_performance.send_channel
      Campaign: message_performance.campaign_name
      Flow: message_performance.flow_name
      Tags: message_performance.tag_names
    note_text: 'The latest emails sent in several versions; the one with the highest click rate stands
      first. A small lead among few recipients may be chance. Delivered: Messages that arrived: recipients
      less bounced and failed. Open rate: Unique opens / delivered, over the channels whose opens are
      counted. Click rate: Unique clicks / delivered, over the channels whose clicks are counted. Revenue
      per recipient: Revenue / delivered, as Klaviyo defines it.'
    note_state: collapsed
    note_display: hover
    width: 24
    height: 12
    row: 12
    col: 0
