{#- Lists messages whose orders by events differ from Klaviyo's report. Causes: an attribution that
    is not synced, or a changed attribution window, with which Klaviyo recomputes its reports. -#}
{{ config(severity='warn', enabled=is_enabled(['findings'])) }}

select * from {{ ref('int_klaviyo__order_reconciliation') }}
where is_different
