{#- A message listed here has other orders by its events than by Klaviyo's report: an attribution
    that was not synced, or windows that were changed and rewrote history. -#}
{{ config(severity='warn') }}

select * from {{ ref('int_klaviyo__order_reconciliation') }}
where is_different
