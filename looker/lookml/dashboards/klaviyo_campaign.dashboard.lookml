# Generated from dbt by `python -m looker build`: refine it in refinements/, do not edit.

- dashboard: klaviyo_campaign
  title: 'Klaviyo: Campaign'
  layout: newspaper
  preferred_viewer: dashboards-next
  filters:
  - name: Account
    title: Account
    type: field_filter
    default_value: ''
    allow_multiple_values: false
    model: '@{MODEL}'
    explore: message_performance
    field: message_performance.account_name
    required: true
  - name: Campaign
    title: Campaign
    type: field_filter
    default_value: ''
    allow_multiple_values: true
    model: '@{MODEL}'
    explore: message_performance
    field: message_performance.campaign_name
  - name: Campaign id
    title: Campaign id
    type: field_filter
    default_value: ''
    allow_multiple_values: false
    model: '@{MODEL}'
    explore: message_performance
    field: message_performance.campaign_id
    required: true
    listens_to_filters:
    - Account
    - Campaign
  elements:
  - title: What was sent
    name: What was sent
    model: '@{MODEL}'
    explore: message_performance
    type: looker_single_record
    fields:
    - message_performance.campaign_id
    - message_performance.subject_line
    - message_performance.send_channel
    - message_performance.sent_date
    - message_performance.sent_day_of_week
    - message_performance.sent_hour
    - message_performance.from_label
    - message_performance.audience_names
    - message_performance.tag_names
    hidden_fields:
    - message_performance.campaign_id
    sorts:
    - message_performance.sent_date desc
    limit: 1
    filters:
      message_performance.sent_date: after 2000-01-01
    listen:
      Account: message_performance.account_name
      Campaign: message_performance.campaign_name
      Campaign id: message_performance.campaign_id
    note_text: ''
    note_state: collapsed
    note_display: hover
    width: 12
    height: 4
    row: 0
    col: 0
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
      message_performance.sent_date: after 2000-01-01
    listen:
      Account: message_performance.account_name
      Campaign: message_performance.campaign_name
      Campaign id: message_performance.campaign_id
    note_text: 'Revenue: Value of the conversions, in the account''s currency: the revenue attributed
      to the message.'
    note_state: collapsed
    note_display: hover
    width: 6
    height: 4
    row: 0
    col: 12
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
      message_performance.sent_date: after 2000-01-01
    listen:
      Account: message_performance.account_name
      Campaign: message_performance.campaign_name
      Campaign id: message_performance.campaign_id
    note_text: 'Conversions: Conversions, such as orders, that Klaviyo attributes to the message.'
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
      message_performance.sent_date: after 2000-01-01
    listen:
      Account: message_performance.account_name
      Campaign: message_performance.campaign_name
      Campaign id: message_performance.campaign_id
    note_text: 'Delivered: Messages that arrived: recipients less bounced and failed.'
    note_state: collapsed
    note_display: hover
    width: 6
    height: 4
    row: 4
    col: 0
  - title: Results by channel
    name: Results by channel
    model: '@{MODEL}'
    explore: message_performance
    type: looker_grid
    fields:
    - message_performance.campaign_id
    - message_performance.send_channel
    - message_performance.delivered
    - message_performance.open_rate
    - message_performance.click_rate
    - message_performance.conversion_rate
    - message_performance.revenue_per_recipient
    - message_performance.unsubscribe_rate
    - message_performance.bounce_rate
    hidden_fields:
    - message_performance.campaign_id
    sorts:
    - message_performance.delivered desc
    limit: 10
    series_labels:
      message_performance.open_rate: Daily openers / delivered
      message_performance.click_rate: Daily clickers / delivered
      message_performance.conversion_rate: Daily converters / delivered
      message_performance.unsubscribe_rate: Daily unsubscribers / delivered
    filters:
      message_performance.sent_date: after 2000-01-01
    listen:
      Account: message_performance.account_name
      Campaign: message_performance.campaign_name
      Campaign id: message_performance.campaign_id
    note_text: 'Beneath each rate is the median of the channel''s campaigns of 100 messages or more with
      final results in the 180 days before, where they are eight or more. Flows count people once a day
      here. Klaviyo''s own figure exists for the last 7, 30, 90 and 365 days and for whole months. Delivered:
      Messages that arrived: recipients less bounced and failed. Open rate: Unique opens / delivered,
      over the channels whose opens are counted. Over several days a flow''s people are counted once a
      day, unlike in klaviyo__flow_period. Click rate: Unique clicks / delivered, over the channels whose
      clicks are counted. Over several days a flow''s people are counted once a day, unlike in klaviyo__flow_period.
      Conversion rate: Recipients who converted / delivered. Over several days a flow''s people are counted
      once a day, unlike in klaviyo__flow_period. Revenue per recipient: Revenue / delivered, as Klaviyo
      defines it. Unsubscribe rate: Recipients who unsubscribed / delivered, over the channels whose unsubscribes
      are counted. Over several days a flow''s people are counted once a day, unlike in klaviyo__flow_period.
      Bounce rate: Bounced / recipients, over the channels whose bounces are counted.'
    note_state: collapsed
    note_display: hover
    width: 24
    height: 12
    row: 8
    col: 0
  - title: Revenue per recipient since the send
    name: Revenue per recipient since the send
    model: '@{MODEL}'
    explore: campaign_daily
    type: looker_line
    fields:
    - campaign_daily.age
    - campaign_daily.conversion_value_so_far
    - campaign_daily.delivered_so_far
    hidden_fields:
    - campaign_daily.conversion_value_so_far
    - campaign_daily.delivered_so_far
    sorts:
    - campaign_daily.age
    dynamic_fields:
    - category: table_calculation
      table_calculation: revenue_per_recipient_so_far
      label: Revenue per recipient so far
      expression: running_total(${campaign_daily.conversion_value_so_far}) / running_total(${campaign_daily.delivered_so_far})
      value_format_name: decimal_2
    filters:
      campaign_daily.delivered_so_far: '>=100'
      campaign_daily.date_date: after 2000-01-01
    listen:
      Account: campaign_daily.account_name
      Campaign: campaign_daily.campaign_name
      Campaign id: campaign_daily.campaign_id
    note_text: 'At the end of each day after the send, beside the median of the channel''s campaigns in
      the 180 days before it, where they are eight or more. Of several channels it shows the one with
      the most messages. Revenue per recipient so far: Revenue so far / messages delivered so far. Of
      the days up to an age it is what campaigns had earned at that age.'
    note_state: collapsed
    note_display: hover
    width: 24
    height: 8
    row: 20
    col: 0
  - title: Versions
    name: Versions
    model: '@{MODEL}'
    explore: message_performance
    type: looker_grid
    fields:
    - message_performance.message_id
    - message_performance.send_channel
    - message_performance.variation_name
    - message_performance.message_name
    - message_performance.subject_line
    - message_performance.delivered
    - message_performance.open_rate
    - message_performance.click_rate
    - message_performance.conversion_rate
    - message_performance.revenue_per_recipient
    - message_performance.unsubscribe_rate
    - message_performance.bounce_rate
    hidden_fields:
    - message_performance.message_id
    sorts:
    - message_performance.delivered desc
    limit: 10
    series_labels:
      message_performance.open_rate: Daily openers / delivered
      message_performance.click_rate: Daily clickers / delivered
      message_performance.conversion_rate: Daily converters / delivered
      message_performance.unsubscribe_rate: Daily unsubscribers / delivered
    filters:
      message_performance.sent_date: after 2000-01-01
    listen:
      Account: message_performance.account_name
      Campaign: message_performance.campaign_name
      Campaign id: message_performance.campaign_id
    note_text: 'Flows count people once a day here. Klaviyo''s own figure exists for the last 7, 30, 90
      and 365 days and for whole months. Delivered: Messages that arrived: recipients less bounced and
      failed. Open rate: Unique opens / delivered, over the channels whose opens are counted. Over several
      days a flow''s people are counted once a day, unlike in klaviyo__flow_period. Click rate: Unique
      clicks / delivered, over the channels whose clicks are counted. Over several days a flow''s people
      are counted once a day, unlike in klaviyo__flow_period. Conversion rate: Recipients who converted
      / delivered. Over several days a flow''s people are counted once a day, unlike in klaviyo__flow_period.
      Revenue per recipient: Revenue / delivered, as Klaviyo defines it. Unsubscribe rate: Recipients
      who unsubscribed / delivered, over the channels whose unsubscribes are counted. Over several days
      a flow''s people are counted once a day, unlike in klaviyo__flow_period. Bounce rate: Bounced /
      recipients, over the channels whose bounces are counted.'
    note_state: collapsed
    note_display: hover
    width: 24
    height: 12
    row: 28
    col: 0
  - title: Links that people clicked
    name: Links that people clicked
    model: '@{MODEL}'
    explore: link_performance
    type: looker_grid
    fields:
    - link_performance.campaign_id
    - link_performance.link
    - link_performance.send_channel
    - link_performance.link_clicks
    - link_performance.link_clickers
    - link_performance.link_orders
    - link_performance.link_order_value
    - link_performance.link_order_rate
    hidden_fields:
    - link_performance.campaign_id
    sorts:
    - link_performance.link_clicks desc
    limit: 8
    filters:
      link_performance.date_date: 90 days
    listen:
      Account: link_performance.account_name
      Campaign: link_performance.campaign_name
      Campaign id: link_performance.campaign_id
    note_text: 'The eight links with most clicks by people, and the orders that Klaviyo credits to a click;
      campaigns of the last 90 days. Clicks of links: Clicks by people, not by bots. People who clicked
      a link: People, counted once for each link of each message. Orders from links: Orders that Klaviyo
      credits to a click of a link. Revenue from links: Value of these orders. Orders per clicker: Orders
      from links / people who clicked a link.'
    note_state: collapsed
    note_display: hover
    width: 24
    height: 12
    row: 40
    col: 0
  - title: Mailbox providers of the campaign
    name: Mailbox providers of the campaign
    model: '@{MODEL}'
    explore: campaign_provider
    type: looker_grid
    fields:
    - campaign_provider.campaign_id
    - campaign_provider.inbox_provider
    - campaign_provider.provider_delivered
    - campaign_provider.provider_open_rate
    - campaign_provider.provider_click_rate
    - campaign_provider.provider_bounce_rate
    - campaign_provider.provider_spam_complaint_rate
    hidden_fields:
    - campaign_provider.campaign_id
    sorts:
    - campaign_provider.provider_delivered desc
    limit: 5
    filters:
      campaign_provider.provider_attempts: '>=50'
      campaign_provider.date_date: 60 days
    listen:
      Account: campaign_provider.account_name
      Campaign: campaign_provider.campaign_name
      Campaign id: campaign_provider.campaign_id
    note_text: 'The five providers with most emails, of 50 people or more; campaigns of the last 60 days.
      Apple''s mail privacy opens mails by itself, so trust clicks. Campaign emails arrived: People whose
      email of a campaign arrived. Open rate at the provider: Campaign openers / campaign emails arrived.
      Click rate at the provider: Campaign clickers / campaign emails arrived. Bounce rate at the provider:
      Campaign emails bounced / campaign emails arrived or bounced. Spam complaint rate at the provider:
      Campaign emails reported as spam / campaign emails arrived.'
    note_state: collapsed
    note_display: hover
    width: 24
    height: 12
    row: 52
    col: 0
