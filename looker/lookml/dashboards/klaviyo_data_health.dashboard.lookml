# Generated from dbt by `python -m looker build`: refine it in refinements/, do not edit.

- dashboard: klaviyo_data_health
  title: 'Klaviyo: Data health'
  layout: newspaper
  preferred_viewer: dashboards-next
  filters:
  - name: Account
    title: Account
    type: field_filter
    default_value: ''
    allow_multiple_values: false
    model: '@{MODEL}'
    explore: data_health
    field: data_health.account_name
    required: true
  elements:
  - title: Records refused
    name: Records refused
    model: '@{MODEL}'
    explore: data_health
    type: single_value
    fields:
    - data_health.rows_refused
    sorts:
    - data_health.rows_refused desc
    filters: {}
    listen:
      Account: data_health.account_name
    note_text: 'As of the last sync. Single events are compared with Klaviyo''s own counts: without event
      among the connector''s tables there are none to compare. Records refused: Records that could not
      be stored.'
    note_state: collapsed
    note_display: hover
    width: 6
    height: 4
    row: 0
    col: 0
  - title: Different from Klaviyo
    name: Different from Klaviyo
    model: '@{MODEL}'
    explore: data_health
    type: single_value
    fields:
    - data_health.rows_different
    sorts:
    - data_health.rows_different desc
    filters: {}
    listen:
      Account: data_health.account_name
    note_text: 'As of the last sync. Single events are compared with Klaviyo''s own counts: without event
      among the connector''s tables there are none to compare. Different from Klaviyo: Days and messages
      that differ from Klaviyo''s own count; none are compared unless event is synced.'
    note_state: collapsed
    note_display: hover
    width: 6
    height: 4
    row: 0
    col: 6
  - title: Share of all report quotas
    name: Share of all report quotas
    model: '@{MODEL}'
    explore: data_health
    type: single_value
    fields:
    - data_health.report_quota_share
    sorts:
    - data_health.report_quota_share desc
    filters: {}
    listen:
      Account: data_health.account_name
    note_text: 'As of the last sync. Single events are compared with Klaviyo''s own counts: without event
      among the connector''s tables there are none to compare. Share of all report quotas: Report requests
      today / report requests allowed, over all reports together; by table, of one report.'
    note_state: collapsed
    note_display: hover
    width: 6
    height: 4
    row: 0
    col: 12
  - title: Requests of the last sync
    name: Requests of the last sync
    model: '@{MODEL}'
    explore: data_health
    type: single_value
    fields:
    - data_health.last_requests
    sorts:
    - data_health.last_requests desc
    filters: {}
    listen:
      Account: data_health.account_name
    note_text: 'As of the last sync. Single events are compared with Klaviyo''s own counts: without event
      among the connector''s tables there are none to compare. Requests of the last sync: Requests of
      the last sync.'
    note_state: collapsed
    note_display: hover
    width: 6
    height: 4
    row: 0
    col: 18
  - title: Tables
    name: Tables
    model: '@{MODEL}'
    explore: data_health
    type: looker_grid
    fields:
    - data_health.table_name
    - data_health.is_synced
    - data_health.raw_rows
    - data_health.last_rows_written
    - data_health.last_requests
    - data_health.report_quota_used_today
    - data_health.rows_refused
    - data_health.rows_compared
    - data_health.rows_different
    hidden_fields: []
    sorts:
    - data_health.raw_rows desc
    limit: 15
    filters: {}
    listen:
      Account: data_health.account_name
    note_text: 'As of the last sync, whatever days are chosen. Only event and event_attribution are compared
      with Klaviyo. Rows: Rows that are not deleted. Rows written by the last sync: Rows that the last
      sync wrote. Requests of the last sync: Requests of the last sync. Report requests today: Report
      requests of today, account time zone. Records refused: Records that could not be stored. Compared
      with Klaviyo: Days and messages that were compared with Klaviyo''s own count; none unless event
      is synced. Different from Klaviyo: Days and messages that differ from Klaviyo''s own count; none
      are compared unless event is synced.'
    note_state: collapsed
    note_display: hover
    width: 24
    height: 12
    row: 4
    col: 0
