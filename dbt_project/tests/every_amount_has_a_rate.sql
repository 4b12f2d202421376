{{ config(enabled=is_enabled(['messages'])) }}
{#- Lists the days of accounts whose amounts klaviyo__account_daily cannot convert into
    KLAVIYO_REPORTING_CURRENCY: add their rates to exchange_rates.csv. -#}
select
    account_id,
    account_currency,
    currency,
    sent_on
from {{ ref('klaviyo__account_daily') }}
where days_without_rate > 0
