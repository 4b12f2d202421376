{#- A day listed here has more or fewer events in the warehouse than Klaviyo counts for it: events
    that came later than a week, or that a sync lost. Sync again from before that day. -#}
{{ config(severity='warn') }}

select * from {{ ref('int_klaviyo__event_reconciliation') }}
where event_count <> aggregated_count
