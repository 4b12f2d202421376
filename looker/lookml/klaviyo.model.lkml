# Generated from dbt by `python -m looker build`: refine it in refinements/, do not edit.

connection: "@{CONNECTION}"
label: "Klaviyo"
week_start_day: monday
include: "/views/*.view.lkml"
include: "/refinements/*.lkml"
include: "/dashboards/*.dashboard.lookml"

datagroup: synced {
  sql_trigger: SELECT MAX(last_synced_at) FROM @{SCHEMA}.klaviyo__data_health ;;
  max_cache_age: "24 hours"
}

persist_with: synced

explore: message_performance {
  label: "Message performance"
  description: "One row per account, message type (campaign or flow), message, variation, send channel and send date. Every number Klaviyo's own screens show, on the day of the send, restated when Klaviyo restates it. Conversions are those of one metric per account (int_klaviyo__conversion_metric). Rates are to be made by dividing sums, as the metrics below do; the klaviyo_ columns hold what Klaviyo returned for the single row."
}
