{#- Lists days with more or fewer events in the warehouse than in Klaviyo's count. Causes: events
    that arrive more than a week late, or that a sync lost. Sync again from before that day. -#}
{{ config(severity='warn', enabled=is_enabled(['findings'])) }}

select * from {{ ref('int_klaviyo__event_reconciliation') }}
where event_count <> aggregated_count
