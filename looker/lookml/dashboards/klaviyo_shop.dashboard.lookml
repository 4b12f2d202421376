# Generated from dbt by `python -m looker build`: refine it in refinements/, do not edit.

- dashboard: klaviyo_shop
  title: 'Klaviyo: Shop'
  layout: newspaper
  preferred_viewer: dashboards-next
  filters:
  - name: Date
    title: Date
    type: field_filter
    default_value: 30 day
    allow_multiple_values: true
    model: '@{MODEL}'
    explore: revenue_daily
    field: revenue_daily.date_date
  - name: Account
    title: Account
    type: field_filter
    default_value: ''
    allow_multiple_values: false
    model: '@{MODEL}'
    explore: revenue_daily
    field: revenue_daily.account_name
    required: true
  - name: Message type
    title: Message type
    type: field_filter
    default_value: ''
    allow_multiple_values: true
    model: '@{MODEL}'
    explore: product_performance
    field: product_performance.message_type
  - name: Campaign
    title: Campaign
    type: field_filter
    default_value: ''
    allow_multiple_values: true
    model: '@{MODEL}'
    explore: product_performance
    field: product_performance.campaign_name
  - name: Flow
    title: Flow
    type: field_filter
    default_value: ''
    allow_multiple_values: true
    model: '@{MODEL}'
    explore: product_performance
    field: product_performance.flow_name
  elements:
  - title: Shop revenue
    name: Shop revenue
    model: '@{MODEL}'
    explore: revenue_daily
    type: single_value
    fields:
    - revenue_daily.shop_revenue
    sorts:
    - revenue_daily.shop_revenue desc
    filters: {}
    listen:
      Date: revenue_daily.date_date
      Account: revenue_daily.account_name
    note_text: 'All orders of the shop in the account''s currency, by the day of the order. Shop revenue:
      Value of the shop''s orders, before refunds.'
    note_state: collapsed
    note_display: hover
    width: 6
    height: 4
    row: 0
    col: 0
  - title: Credited share of shop revenue
    name: Credited share of shop revenue
    model: '@{MODEL}'
    explore: revenue_daily
    type: single_value
    fields:
    - revenue_daily.credited_revenue_share
    sorts:
    - revenue_daily.credited_revenue_share desc
    filters: {}
    listen:
      Date: revenue_daily.date_date
      Account: revenue_daily.account_name
    note_text: 'All orders of the shop in the account''s currency, by the day of the order. Credited share
      of shop revenue: Credited revenue / shop revenue.'
    note_state: collapsed
    note_display: hover
    width: 6
    height: 4
    row: 0
    col: 6
  - title: Shop orders
    name: Shop orders
    model: '@{MODEL}'
    explore: revenue_daily
    type: single_value
    fields:
    - revenue_daily.shop_orders
    sorts:
    - revenue_daily.shop_orders desc
    filters: {}
    listen:
      Date: revenue_daily.date_date
      Account: revenue_daily.account_name
    note_text: 'All orders of the shop in the account''s currency, by the day of the order. Shop orders:
      Orders of the shop, credited to a message or not.'
    note_state: collapsed
    note_display: hover
    width: 6
    height: 4
    row: 0
    col: 12
  - title: Value of a shop order
    name: Value of a shop order
    model: '@{MODEL}'
    explore: revenue_daily
    type: single_value
    fields:
    - revenue_daily.shop_order_size
    sorts:
    - revenue_daily.shop_order_size desc
    filters: {}
    listen:
      Date: revenue_daily.date_date
      Account: revenue_daily.account_name
    note_text: 'All orders of the shop in the account''s currency, by the day of the order. Value of a
      shop order: Shop revenue / shop orders.'
    note_state: collapsed
    note_display: hover
    width: 6
    height: 4
    row: 0
    col: 18
  - title: Shop revenue, last month
    name: Shop revenue, last month
    model: '@{MODEL}'
    explore: revenue_daily
    type: single_value
    fields:
    - revenue_daily.date_month
    - revenue_daily.shop_revenue
    - revenue_daily.shop_revenue_last_month
    hidden_fields:
    - revenue_daily.date_month
    sorts:
    - revenue_daily.shop_revenue desc
    show_comparison: true
    comparison_type: value
    show_comparison_label: true
    comparison_label: in the month before
    filters:
      revenue_daily.date_month: 1 month ago
    listen:
      Account: revenue_daily.account_name
    note_text: 'The last whole month, whatever days are chosen. All orders of the shop in the account''s
      currency, by the day of the order. Shop revenue: Value of the shop''s orders, before refunds.'
    note_state: collapsed
    note_display: hover
    width: 12
    height: 4
    row: 4
    col: 0
  - title: Shop orders, last month
    name: Shop orders, last month
    model: '@{MODEL}'
    explore: revenue_daily
    type: single_value
    fields:
    - revenue_daily.date_month
    - revenue_daily.shop_orders
    - revenue_daily.shop_orders_last_month
    hidden_fields:
    - revenue_daily.date_month
    sorts:
    - revenue_daily.shop_orders desc
    show_comparison: true
    comparison_type: value
    show_comparison_label: true
    comparison_label: in the month before
    filters:
      revenue_daily.date_month: 1 month ago
    listen:
      Account: revenue_daily.account_name
    note_text: 'The last whole month, whatever days are chosen. All orders of the shop in the account''s
      currency, by the day of the order. Shop orders: Orders of the shop, credited to a message or not.'
    note_state: collapsed
    note_display: hover
    width: 12
    height: 4
    row: 4
    col: 12
  - title: Revenue of the shop
    name: Revenue of the shop
    model: '@{MODEL}'
    explore: revenue_daily
    type: looker_column
    stacking: normal
    fields:
    - revenue_daily.date_date
    - revenue_daily.shop_revenue
    pivots: []
    sorts:
    - revenue_daily.date_date
    filters: {}
    listen:
      Date: revenue_daily.date_date
      Account: revenue_daily.account_name
    note_text: 'Shop revenue: Value of the shop''s orders, before refunds.'
    note_state: collapsed
    note_display: hover
    width: 12
    height: 8
    row: 8
    col: 0
  - title: Share of campaigns and flows in the shop's revenue
    name: Share of campaigns and flows in the shop's revenue
    model: '@{MODEL}'
    explore: revenue_daily
    type: looker_line
    fields:
    - revenue_daily.date_date
    - revenue_daily.campaign_revenue_share
    - revenue_daily.flow_revenue_share
    pivots: []
    sorts:
    - revenue_daily.date_date
    filters:
      revenue_daily.shop_orders: '>=10'
    listen:
      Date: revenue_daily.date_date
      Account: revenue_daily.account_name
    note_text: 'Campaigns'' share of shop revenue: Revenue of campaigns by order date / shop revenue.
      Flows'' share of shop revenue: Revenue of flows by order date / shop revenue.'
    note_state: collapsed
    note_display: hover
    width: 12
    height: 8
    row: 8
    col: 12
  - title: Products of the last 90 days
    name: Products of the last 90 days
    model: '@{MODEL}'
    explore: product_performance
    type: looker_grid
    fields:
    - product_performance.product_id
    - product_performance.product_name
    - product_performance.product_units
    - product_performance.product_value
    - product_performance.klaviyo_product_value
    - product_performance.klaviyo_product_share
    hidden_fields:
    - product_performance.product_id
    sorts:
    - product_performance.product_value desc
    limit: 12
    filters:
      product_performance.date_date: 90 days
    listen:
      Account: product_performance.account_name
      Message type: product_performance.message_type
      Campaign: product_performance.campaign_name
      Flow: product_performance.flow_name
    note_text: 'Products of all orders, whatever days are chosen. Units: Units of products in orders.
      Product value: Value of products in orders, before discounts of the whole order, shipping and refunds.
      Product value credited by Klaviyo: Value of products in the orders that Klaviyo credits to a message.
      Share of product value credited by Klaviyo: Product value credited by Klaviyo / product value.'
    note_state: collapsed
    note_display: hover
    width: 24
    height: 12
    row: 16
    col: 0
  - title: Coupons of the last 90 days
    name: Coupons of the last 90 days
    model: '@{MODEL}'
    explore: coupon_performance
    type: looker_grid
    fields:
    - coupon_performance.coupon_id
    - coupon_performance.coupon_name
    - coupon_performance.coupon_orders
    - coupon_performance.coupon_order_value
    - coupon_performance.klaviyo_coupon_order_value
    - coupon_performance.coupon_codes_issued
    - coupon_performance.coupon_codes_used
    - coupon_performance.coupon_use_share
    hidden_fields:
    - coupon_performance.coupon_id
    sorts:
    - coupon_performance.coupon_orders desc
    limit: 12
    filters:
      coupon_performance.date_date: 90 days
    listen:
      Account: coupon_performance.account_name
    note_text: 'Orders with a code of the coupon, and its codes at the last sync. Orders with a code:
      Orders in which the buyer entered a code of the coupon. Order value with a code: Value of the orders
      with a code of the coupon, before refunds. Order value with a code credited by Klaviyo: Value of
      the orders with a code of the coupon that Klaviyo credits to a message. Codes issued: Codes that
      are assigned to a person or used, at the last sync. Codes used: Codes that Klaviyo marks as used,
      at the last sync. Share of issued codes used: Codes used / codes issued.'
    note_state: collapsed
    note_display: hover
    width: 24
    height: 12
    row: 28
    col: 0
  - title: Buyers by recency, frequency and value
    name: Buyers by recency, frequency and value
    model: '@{MODEL}'
    explore: rfm
    type: looker_grid
    fields:
    - rfm.rfm_group
    - rfm.rfm_buyers
    - rfm.rfm_value_per_buyer
    - rfm.rfm_improved_buyers
    - rfm.rfm_declined_buyers
    hidden_fields: []
    sorts:
    - rfm.rfm_group asc
    limit: 6
    filters: {}
    listen:
      Account: rfm.account_name
    note_text: 'As of the last sync; who improved or declined moved to another group within 30 days. RFM
      buyers: People with an order. Value per buyer: Value of buyers / RFM buyers. Buyers who improved:
      Buyers who moved to a better RFM group within 30 days. Buyers who declined: Buyers who moved to
      a worse RFM group within 30 days.'
    note_state: collapsed
    note_display: hover
    width: 12
    height: 12
    row: 40
    col: 0
  - title: Who buys again
    name: Who buys again
    model: '@{MODEL}'
    explore: cohort
    type: looker_grid
    fields:
    - cohort.first_order_month_date
    - cohort.cohort_buyers
    - cohort.repeat_rate_30_days
    - cohort.repeat_rate_60_days
    - cohort.repeat_rate_90_days
    hidden_fields: []
    sorts:
    - cohort.first_order_month_date desc
    limit: 12
    filters: {}
    listen:
      Account: cohort.account_name
    note_text: 'Buyers by the month of their first order among the synced events, and the share that bought
      again. Months soon after the first synced day hold earlier buyers too. First-time buyers: People
      by the month of their first order. Repeat rate within 30 days: Repeat buyers within 30 days / buyers
      observed for 30 days. Repeat rate within 60 days: Repeat buyers within 60 days / buyers observed
      for 60 days. Repeat rate within 90 days: Repeat buyers within 90 days / buyers observed for 90 days.'
    note_state: collapsed
    note_display: hover
    width: 12
    height: 12
    row: 40
    col: 12
