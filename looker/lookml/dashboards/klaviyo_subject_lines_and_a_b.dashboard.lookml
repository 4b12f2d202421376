# Generated from dbt by `python -m looker build`: refine it in refinements/, do not edit.

- dashboard: klaviyo_subject_lines_and_a_b
  title: 'Klaviyo: Subject lines and A/B'
  layout: newspaper
  preferred_viewer: dashboards-next
  filters:
  - name: Date
    title: Date
    type: field_filter
    default_value: 30 day
    allow_multiple_values: true
    model: '@{MODEL}'
    explore: subject_line_test
    field: subject_line_test.sent_date
  - name: Account
    title: Account
    type: field_filter
    default_value: ''
    allow_multiple_values: false
    model: '@{MODEL}'
    explore: subject_line_test
    field: subject_line_test.account_name
    required: true
  - name: Channel
    title: Channel
    type: field_filter
    default_value: ''
    allow_multiple_values: true
    model: '@{MODEL}'
    explore: subject_line_test
    field: subject_line_test.send_channel
  - name: Message type
    title: Message type
    type: field_filter
    default_value: ''
    allow_multiple_values: true
    model: '@{MODEL}'
    explore: subject_line_test
    field: subject_line_test.message_type
  - name: Campaign
    title: Campaign
    type: field_filter
    default_value: ''
    allow_multiple_values: true
    model: '@{MODEL}'
    explore: subject_line_test
    field: subject_line_test.campaign_name
  - name: Flow
    title: Flow
    type: field_filter
    default_value: ''
    allow_multiple_values: true
    model: '@{MODEL}'
    explore: subject_line_test
    field: subject_line_test.flow_name
  - name: Tags
    title: Tags
    type: field_filter
    default_value: ''
    allow_multiple_values: true
    model: '@{MODEL}'
    explore: message_performance
    field: message_performance.tag_names
  elements:
  - title: A/B tests
    name: A/B tests
    model: '@{MODEL}'
    explore: subject_line_test
    type: looker_grid
    fields:
    - subject_line_test.message_id
    - subject_line_test.campaign_name
    - subject_line_test.flow_name
    - subject_line_test.sent_date
    - subject_line_test.variation_name
    - subject_line_test.subject_line
    - subject_line_test.is_winner
    - subject_line_test.open_result
    - subject_line_test.click_result
    - subject_line_test.open_rate_low
    - subject_line_test.open_rate_high
    - subject_line_test.click_rate_low
    - subject_line_test.click_rate_high
    - subject_line_test.tested_click_sample
    - subject_line_test.tested_open_rate
    - subject_line_test.tested_click_rate
    hidden_fields:
    - subject_line_test.message_id
    sorts:
    - subject_line_test.tested_click_rate desc
    limit: 500
    filters:
      subject_line_test.send_channel: email
    listen:
      Date: subject_line_test.sent_date
      Account: subject_line_test.account_name
      Channel: subject_line_test.send_channel
      Message type: subject_line_test.message_type
      Campaign: subject_line_test.campaign_name
      Flow: subject_line_test.flow_name
    note_text: 'The latest emails sent in several versions, the one with the highest click rate first.
      A result is called better or worse only where the difference is more than chance. Beneath a rate
      is the range of the true one (95% confidence), drawn as a bar. Klaviyo''s choice is the version
      that it sent to the rest of the audience. Apple''s mail privacy opens mails by itself, so trust
      clicks. Tested messages with clicks tracked: Delivered messages in an A/B test, of channels whose
      clicks are counted. Open rate of tested messages: Unique opens / delivered, over messages in an
      A/B test. Over several days a flow''s people are counted once a day, unlike in klaviyo__flow_period.
      Click rate of tested messages: Unique clicks / delivered, over messages in an A/B test. Over several
      days a flow''s people are counted once a day, unlike in klaviyo__flow_period.'
    note_state: collapsed
    note_display: hover
    width: 24
    height: 12
    row: 0
    col: 0
  - title: Subject lines
    name: Subject lines
    model: '@{MODEL}'
    explore: message_performance
    type: looker_grid
    fields:
    - message_performance.subject_line
    - message_performance.sent_date
    - message_performance.delivered
    - message_performance.open_rate
    - message_performance.click_rate
    - message_performance.click_to_open_rate
    - message_performance.revenue_per_recipient
    hidden_fields: []
    sorts:
    - message_performance.click_rate desc
    limit: 25
    filters:
      message_performance.message_type: campaign
      message_performance.send_channel: email
      message_performance.delivered: '>=500'
    listen:
      Date: message_performance.sent_date
      Account: message_performance.account_name
      Channel: message_performance.send_channel
      Message type: message_performance.message_type
      Campaign: message_performance.campaign_name
      Flow: message_performance.flow_name
      Tags: message_performance.tag_names
    note_text: 'Campaigns by email; subject lines with at least 500 delivered mails. Delivered: Messages
      that arrived: recipients less bounced and failed. Open rate: Unique opens / delivered, over the
      channels whose opens are counted. Over several days a flow''s people are counted once a day, unlike
      in klaviyo__flow_period. Click rate: Unique clicks / delivered, over the channels whose clicks are
      counted. Over several days a flow''s people are counted once a day, unlike in klaviyo__flow_period.
      Click-to-open rate: Unique clicks / unique opens, over the channels whose opens and clicks are counted.
      Over several days a flow''s people are counted once a day, unlike in klaviyo__flow_period. Revenue
      per recipient: Revenue / delivered, as Klaviyo defines it.'
    note_state: collapsed
    note_display: hover
    width: 24
    height: 12
    row: 12
    col: 0
  - title: Patterns of subject lines
    name: Patterns of subject lines
    model: '@{MODEL}'
    explore: subject_line_pattern
    type: looker_grid
    fields:
    - subject_line_pattern.pattern
    - subject_line_pattern.pattern_value
    - subject_line_pattern.open_effect
    - subject_line_pattern.open_result
    - subject_line_pattern.click_effect
    - subject_line_pattern.click_result
    - subject_line_pattern.pattern_emails
    - subject_line_pattern.pattern_delivered
    - subject_line_pattern.pattern_click_rate
    - subject_line_pattern.pattern_revenue_per_email
    hidden_fields: []
    sorts:
    - subject_line_pattern.pattern asc
    limit: 20
    filters: {}
    listen:
      Account: subject_line_pattern.account_name
    note_text: 'Campaign emails with final results of all synced days. An effect is the rate less that
      of the other emails, called better or worse only beyond chance (95% confidence). Such emails also
      differ in what they offer: for a proof run an A/B test. Campaign emails with the pattern: Campaign
      emails whose subject line has the value of the pattern. Delivered emails with the pattern: Delivered
      campaign emails whose subject line has the value of the pattern. Click rate with the pattern: Unique
      clicks / delivered emails with the pattern. Revenue per email with the pattern: Revenue / delivered
      emails with the pattern.'
    note_state: collapsed
    note_display: hover
    width: 24
    height: 12
    row: 24
    col: 0
