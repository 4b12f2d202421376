# Generated from dbt by `python -m looker build`: refine it in refinements/, do not edit.

- dashboard: klaviyo_deliverability
  title: 'Klaviyo: Deliverability'
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
  - title: Delivery rate
    name: Delivery rate
    model: '@{MODEL}'
    explore: message_performance
    type: single_value
    fields:
    - message_performance.delivery_rate
    sorts:
    - message_performance.delivery_rate desc
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
    note_text: 'Emails only. Delivery rate: Delivered / recipients.'
    note_state: collapsed
    note_display: hover
    width: 6
    height: 4
    row: 0
    col: 0
  - title: Bounce rate
    name: Bounce rate
    model: '@{MODEL}'
    explore: message_performance
    type: single_value
    fields:
    - message_performance.bounce_rate
    sorts:
    - message_performance.bounce_rate desc
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
    note_text: 'Emails only. Bounce rate: Bounced / recipients, over the channels whose bounces are counted.'
    note_state: collapsed
    note_display: hover
    width: 6
    height: 4
    row: 0
    col: 6
  - title: Spam complaint rate
    name: Spam complaint rate
    model: '@{MODEL}'
    explore: message_performance
    type: single_value
    fields:
    - message_performance.spam_complaint_rate
    sorts:
    - message_performance.spam_complaint_rate desc
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
    note_text: 'Emails only. Spam complaint rate: Spam complaints / delivered, over the channels whose
      complaints are counted.'
    note_state: collapsed
    note_display: hover
    width: 6
    height: 4
    row: 0
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
      message_performance.send_channel: email
    listen:
      Date: message_performance.sent_date
      Account: message_performance.account_name
      Channel: message_performance.send_channel
      Message type: message_performance.message_type
      Campaign: message_performance.campaign_name
      Flow: message_performance.flow_name
      Tags: message_performance.tag_names
    note_text: 'Emails only. Flows count people once a day here. Klaviyo''s own figure exists for the
      last 7, 30, 90 and 365 days and for whole months. Unsubscribe rate: Recipients who unsubscribed
      / delivered, over the channels whose unsubscribes are counted. Over several days a flow''s people
      are counted once a day, unlike in klaviyo__flow_period.'
    note_state: collapsed
    note_display: hover
    width: 6
    height: 4
    row: 0
    col: 18
  - title: Email bounce rate
    name: Email bounce rate
    model: '@{MODEL}'
    explore: message_performance
    type: looker_line
    fields:
    - message_performance.sent_date
    - message_performance.message_type
    - message_performance.bounce_rate
    pivots:
    - message_performance.message_type
    sorts:
    - message_performance.sent_date
    reference_lines:
    - reference_type: line
      line_value: '0.02'
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
    note_text: 'Above 2% (the dashed line) mailbox providers begin to refuse mail. Bounce rate: Bounced
      / recipients, over the channels whose bounces are counted.'
    note_state: collapsed
    note_display: hover
    width: 12
    height: 8
    row: 4
    col: 0
  - title: Email spam complaint rate
    name: Email spam complaint rate
    model: '@{MODEL}'
    explore: message_performance
    type: looker_line
    fields:
    - message_performance.sent_date
    - message_performance.message_type
    - message_performance.spam_complaint_rate
    pivots:
    - message_performance.message_type
    sorts:
    - message_performance.sent_date
    reference_lines:
    - reference_type: line
      line_value: '0.001'
    - reference_type: line
      line_value: '0.003'
    filters:
      message_performance.send_channel: email
      message_performance.delivered: '>=1000'
    listen:
      Date: message_performance.sent_date
      Account: message_performance.account_name
      Channel: message_performance.send_channel
      Message type: message_performance.message_type
      Campaign: message_performance.campaign_name
      Flow: message_performance.flow_name
      Tags: message_performance.tag_names
    note_text: 'Gmail and Yahoo ask senders to stay below 0.1%, and never to reach 0.3% (the dashed lines).
      Spam complaint rate: Spam complaints / delivered, over the channels whose complaints are counted.'
    note_state: collapsed
    note_display: hover
    width: 12
    height: 8
    row: 4
    col: 12
  - title: Mailbox providers
    name: Mailbox providers
    model: '@{MODEL}'
    explore: inbox_provider
    type: looker_grid
    fields:
    - inbox_provider.inbox_provider
    - inbox_provider.inbox_delivered
    - inbox_provider.inbox_open_rate
    - inbox_provider.inbox_click_rate
    - inbox_provider.inbox_bounce_rate
    - inbox_provider.inbox_unsubscribe_rate
    - inbox_provider.inbox_spam_complaint_rate
    hidden_fields: []
    sorts:
    - inbox_provider.inbox_delivered desc
    limit: 12
    filters:
      inbox_provider.inbox_attempts: '>=50'
    listen:
      Date: inbox_provider.date_date
      Account: inbox_provider.account_name
    note_text: 'All emails, by the day on which something happened rather than the day of the send. Mails
      arrived: Emails that arrived that day. Open rate by event date: People who opened that day / emails
      that arrived that day. Click rate by event date: People who clicked that day / emails that arrived
      that day. Bounce rate by event date: Emails refused / emails that arrived or were refused. Unsubscribe
      rate by event date: Unsubscribes / emails that arrived. Spam complaint rate by event date: Spam
      complaints / emails that arrived.'
    note_state: collapsed
    note_display: hover
    width: 24
    height: 12
    row: 12
    col: 0
  - title: Alerts by mailbox provider
    name: Alerts by mailbox provider
    model: '@{MODEL}'
    explore: deliverability_alert
    type: looker_grid
    fields:
    - deliverability_alert.inbox_provider
    - deliverability_alert.alert_rule
    - deliverability_alert.alert_level
    - deliverability_alert.recent_rate
    - deliverability_alert.previous_rate
    - deliverability_alert.warning_limit
    - deliverability_alert.critical_limit
    - deliverability_alert.deliverability_alerts
    hidden_fields: []
    sorts:
    - deliverability_alert.alert_level asc
    limit: 12
    filters:
      deliverability_alert.deliverability_alerts: '>=1'
    listen:
      Account: deliverability_alert.account_name
    note_text: 'The last 7 whole days against the limits and the 28 days before, whatever days are chosen.
      Deliverability alerts: Rules that are broken, by mailbox provider and for all together.'
    note_state: collapsed
    note_display: hover
    width: 24
    height: 12
    row: 24
    col: 0
  - title: Machines among openers and clickers
    name: Machines among openers and clickers
    model: '@{MODEL}'
    explore: inbox_provider
    type: looker_grid
    fields:
    - inbox_provider.inbox_provider
    - inbox_provider.synced_opens
    - inbox_provider.machine_open_share
    - inbox_provider.synced_clicks
    - inbox_provider.bot_click_share
    hidden_fields: []
    sorts:
    - inbox_provider.synced_opens desc
    limit: 12
    filters:
      inbox_provider.synced_opens: '>=1'
    listen:
      Date: inbox_provider.date_date
      Account: inbox_provider.account_name
    note_text: 'Apple''s mail privacy opens mails, and security software clicks in them, without a person.
      Opens among synced events: Opens among the synced events. Machine share of opens: Machine opens
      / opens among the synced events. Clicks among synced events: Clicks among the synced events. Bot
      share of clicks: Bot clicks / clicks among the synced events.'
    note_state: collapsed
    note_display: hover
    width: 24
    height: 12
    row: 36
    col: 0
