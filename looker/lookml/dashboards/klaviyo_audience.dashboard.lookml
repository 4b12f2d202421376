# Generated from dbt by `python -m looker build`: refine it in refinements/, do not edit.

- dashboard: klaviyo_audience
  title: 'Klaviyo: Audience'
  layout: newspaper
  preferred_viewer: dashboards-next
  filters:
  - name: Date
    title: Date
    type: field_filter
    default_value: 30 day
    allow_multiple_values: true
    model: '@{MODEL}'
    explore: audience_growth
    field: audience_growth.date_date
  - name: Account
    title: Account
    type: field_filter
    default_value: ''
    allow_multiple_values: false
    model: '@{MODEL}'
    explore: audience_growth
    field: audience_growth.account_name
    required: true
  elements:
  - title: Net members joined
    name: Net members joined
    model: '@{MODEL}'
    explore: audience_growth
    type: single_value
    fields:
    - audience_growth.net_members_joined
    sorts:
    - audience_growth.net_members_joined desc
    filters:
      audience_growth.audience_type: channel
      audience_growth.audience_id: email
    listen:
      Date: audience_growth.date_date
      Account: audience_growth.account_name
    note_text: 'Consent to email marketing in the chosen days. Net members joined: Members who joined
      less members who left.'
    note_state: collapsed
    note_display: hover
    width: 6
    height: 4
    row: 0
    col: 0
  - title: Members joined
    name: Members joined
    model: '@{MODEL}'
    explore: audience_growth
    type: single_value
    fields:
    - audience_growth.members_joined
    sorts:
    - audience_growth.members_joined desc
    filters:
      audience_growth.audience_type: channel
      audience_growth.audience_id: email
    listen:
      Date: audience_growth.date_date
      Account: audience_growth.account_name
    note_text: 'Consent to email marketing in the chosen days. Members joined: Members who joined a list,
      segment or channel.'
    note_state: collapsed
    note_display: hover
    width: 6
    height: 4
    row: 0
    col: 6
  - title: Members left
    name: Members left
    model: '@{MODEL}'
    explore: audience_growth
    type: single_value
    fields:
    - audience_growth.members_left
    sorts:
    - audience_growth.members_left desc
    filters:
      audience_growth.audience_type: channel
      audience_growth.audience_id: email
    listen:
      Date: audience_growth.date_date
      Account: audience_growth.account_name
    note_text: 'Consent to email marketing in the chosen days. Members left: Members who left a list,
      segment or channel.'
    note_state: collapsed
    note_display: hover
    width: 6
    height: 4
    row: 0
    col: 12
  - title: Net members joined, last month
    name: Net members joined, last month
    model: '@{MODEL}'
    explore: audience_growth
    type: single_value
    fields:
    - audience_growth.date_month
    - audience_growth.net_members_joined
    - audience_growth.net_members_joined_last_month
    hidden_fields:
    - audience_growth.date_month
    sorts:
    - audience_growth.net_members_joined desc
    show_comparison: true
    comparison_type: value
    show_comparison_label: true
    comparison_label: in the month before
    filters:
      audience_growth.audience_type: channel
      audience_growth.audience_id: email
      audience_growth.date_month: 1 month ago
    listen:
      Account: audience_growth.account_name
    note_text: 'The last whole month, whatever days are chosen. Consent to email marketing in the chosen
      days. Net members joined: Members who joined less members who left.'
    note_state: collapsed
    note_display: hover
    width: 8
    height: 4
    row: 4
    col: 0
  - title: Members joined, last month
    name: Members joined, last month
    model: '@{MODEL}'
    explore: audience_growth
    type: single_value
    fields:
    - audience_growth.date_month
    - audience_growth.members_joined
    - audience_growth.members_joined_last_month
    hidden_fields:
    - audience_growth.date_month
    sorts:
    - audience_growth.members_joined desc
    show_comparison: true
    comparison_type: value
    show_comparison_label: true
    comparison_label: in the month before
    filters:
      audience_growth.audience_type: channel
      audience_growth.audience_id: email
      audience_growth.date_month: 1 month ago
    listen:
      Account: audience_growth.account_name
    note_text: 'The last whole month, whatever days are chosen. Consent to email marketing in the chosen
      days. Members joined: Members who joined a list, segment or channel.'
    note_state: collapsed
    note_display: hover
    width: 8
    height: 4
    row: 4
    col: 8
  - title: Members left, last month
    name: Members left, last month
    model: '@{MODEL}'
    explore: audience_growth
    type: single_value
    fields:
    - audience_growth.date_month
    - audience_growth.members_left
    - audience_growth.members_left_last_month
    hidden_fields:
    - audience_growth.date_month
    sorts:
    - audience_growth.members_left desc
    show_comparison: true
    comparison_type: value
    show_comparison_label: true
    comparison_label: in the month before
    filters:
      audience_growth.audience_type: channel
      audience_growth.audience_id: email
      audience_growth.date_month: 1 month ago
    listen:
      Account: audience_growth.account_name
    note_text: 'The last whole month, whatever days are chosen. Consent to email marketing in the chosen
      days. Members left: Members who left a list, segment or channel.'
    note_state: collapsed
    note_display: hover
    width: 8
    height: 4
    row: 4
    col: 16
  - title: People
    name: People
    model: '@{MODEL}'
    explore: engagement
    type: single_value
    fields:
    - engagement.people
    sorts:
    - engagement.people desc
    filters:
      engagement.can_receive_email: 'Yes'
    listen:
      Account: engagement.account_name
    note_text: 'People who receive emails, as of the last sync, whatever days are chosen. Active people
      opened, clicked or bought within 30 days. People: People who are known or have events.'
    note_state: collapsed
    note_display: hover
    width: 6
    height: 4
    row: 8
    col: 0
  - title: Active people
    name: Active people
    model: '@{MODEL}'
    explore: engagement
    type: single_value
    fields:
    - engagement.active_people
    sorts:
    - engagement.active_people desc
    filters:
      engagement.can_receive_email: 'Yes'
    listen:
      Account: engagement.account_name
    note_text: 'People who receive emails, as of the last sync, whatever days are chosen. Active people
      opened, clicked or bought within 30 days. Active people: People who opened, clicked or bought within
      30 days.'
    note_state: collapsed
    note_display: hover
    width: 6
    height: 4
    row: 8
    col: 6
  - title: Share of active people
    name: Share of active people
    model: '@{MODEL}'
    explore: engagement
    type: single_value
    fields:
    - engagement.active_share
    sorts:
    - engagement.active_share desc
    filters:
      engagement.can_receive_email: 'Yes'
    listen:
      Account: engagement.account_name
    note_text: 'People who receive emails, as of the last sync, whatever days are chosen. Active people
      opened, clicked or bought within 30 days. Share of active people: Active people / people.'
    note_state: collapsed
    note_display: hover
    width: 6
    height: 4
    row: 8
    col: 12
  - title: Sunset candidates
    name: Sunset candidates
    model: '@{MODEL}'
    explore: engagement
    type: single_value
    fields:
    - engagement.sunset_candidates
    sorts:
    - engagement.sunset_candidates desc
    filters:
      engagement.can_receive_email: 'Yes'
    listen:
      Account: engagement.account_name
    note_text: 'People who receive emails, as of the last sync, whatever days are chosen. Active people
      opened, clicked or bought within 30 days. Sunset candidates: People who receive emails and have
      not opened, clicked or bought for 180 days.'
    note_state: collapsed
    note_display: hover
    width: 6
    height: 4
    row: 8
    col: 18
  - title: Email subscribers
    name: Email subscribers
    model: '@{MODEL}'
    explore: audience_growth
    type: looker_line
    fields:
    - audience_growth.date_date
    - audience_growth.members_joined
    - audience_growth.members_left
    pivots: []
    sorts:
    - audience_growth.date_date
    filters:
      audience_growth.audience_type: channel
      audience_growth.audience_id: email
    listen:
      Date: audience_growth.date_date
      Account: audience_growth.account_name
    note_text: 'Members joined: Members who joined a list, segment or channel. Members left: Members who
      left a list, segment or channel.'
    note_state: collapsed
    note_display: hover
    width: 12
    height: 8
    row: 12
    col: 0
  - title: Text message subscribers
    name: Text message subscribers
    model: '@{MODEL}'
    explore: audience_growth
    type: looker_line
    fields:
    - audience_growth.date_date
    - audience_growth.members_joined
    - audience_growth.members_left
    pivots: []
    sorts:
    - audience_growth.date_date
    filters:
      audience_growth.audience_type: channel
      audience_growth.audience_id: sms
    listen:
      Date: audience_growth.date_date
      Account: audience_growth.account_name
    note_text: 'Members joined: Members who joined a list, segment or channel. Members left: Members who
      left a list, segment or channel.'
    note_state: collapsed
    note_display: hover
    width: 12
    height: 8
    row: 12
    col: 12
  - title: Growth of audiences
    name: Growth of audiences
    model: '@{MODEL}'
    explore: audience_growth
    type: looker_grid
    fields:
    - audience_growth.audience_type
    - audience_growth.audience_id
    - audience_growth.audience_name
    - audience_growth.members_joined
    - audience_growth.members_left
    - audience_growth.net_members_joined
    hidden_fields:
    - audience_growth.audience_id
    sorts:
    - audience_growth.net_members_joined desc
    limit: 12
    filters: {}
    listen:
      Date: audience_growth.date_date
      Account: audience_growth.account_name
    note_text: 'Who joined and left in the chosen days. Lists appear when list_profile is among the connector''s
      tables. Members joined: Members who joined a list, segment or channel. Members left: Members who
      left a list, segment or channel. Net members joined: Members who joined less members who left.'
    note_state: collapsed
    note_display: hover
    width: 12
    height: 12
    row: 20
    col: 0
  - title: Size of audiences
    name: Size of audiences
    model: '@{MODEL}'
    explore: audience_growth
    type: looker_grid
    fields:
    - audience_growth.audience_type
    - audience_growth.audience_id
    - audience_growth.audience_name
    - audience_growth.current_members
    hidden_fields:
    - audience_growth.audience_id
    sorts:
    - audience_growth.current_members desc
    limit: 12
    filters:
      audience_growth.current_members: '>=0'
      audience_growth.date_date: after 2000-01-01
    listen:
      Account: audience_growth.account_name
    note_text: 'As of the last sync, whatever days are chosen. Lists appear when list_profile is among
      the connector''s tables. Current members: Members on the latest day. A person in two audiences is
      counted twice.'
    note_state: collapsed
    note_display: hover
    width: 12
    height: 12
    row: 20
    col: 12
  - title: Engagement of people
    name: Engagement of people
    model: '@{MODEL}'
    explore: engagement
    type: looker_grid
    fields:
    - engagement.engagement_tier
    - engagement.people
    - engagement.sunset_candidates
    hidden_fields: []
    sorts:
    - engagement.engagement_tier asc
    limit: 6
    filters: {}
    listen:
      Account: engagement.account_name
    note_text: 'By the last open, click or order of a person, as of the last sync. A sunset candidate
      got emails for 180 days and did nothing. People: People who are known or have events. Sunset candidates:
      People who receive emails and have not opened, clicked or bought for 180 days.'
    note_state: collapsed
    note_display: hover
    width: 12
    height: 12
    row: 32
    col: 0
  - title: Messages a week
    name: Messages a week
    model: '@{MODEL}'
    explore: send_pressure
    type: looker_grid
    fields:
    - send_pressure.messages_per_week
    - send_pressure.recipient_weeks
    - send_pressure.clicks_per_message
    - send_pressure.weekly_unsubscribe_rate
    - send_pressure.order_value_per_person_week
    hidden_fields: []
    sorts:
    - send_pressure.messages_per_week asc
    limit: 6
    filters: {}
    listen:
      Date: send_pressure.week_start_date
      Account: send_pressure.account_name
    note_text: 'What people do in a week with one message, two or more, of all channels. It shows what
      goes together, not what causes what: engaged people get more. Recipient-weeks: People who received
      a message, counted in each week. Clicks per message: Clicks in recipient-weeks / messages with clicks
      tracked. Unsubscribe rate of a week: Unsubscribed recipient-weeks / recipient-weeks. Order value
      per person and week: Order value / recipient-weeks.'
    note_state: collapsed
    note_display: hover
    width: 12
    height: 12
    row: 32
    col: 12
