{{ config(enabled=is_enabled(['messages'])) }}
{%- set reporting_currency = setting('klaviyo_reporting_currency') | trim | upper -%}
{%- set counts = ['recipients', 'delivered', 'opens_unique', 'clicks_unique', 'conversions'] -%}

with

messages as (

    select
        *,
        {% if reporting_currency -%}
        {{ dbt.string_literal(reporting_currency) }}
        {%- else -%}
        currency
        {%- endif %} as reporting_currency
    from {{ ref('klaviyo__message_performance') }}
    where sent_on is not null

),

sums as (

    select
        account_id,
        account_name,
        currency as account_currency,
        reporting_currency,
        sent_on,
        {% for column in counts -%}
        sum({{ column }}) as {{ column }},
        {% endfor -%}
        sum(conversion_value) as conversion_value,
        {% for message_type in ['campaign', 'flow'] -%}
        sum(case when message_type = '{{ message_type }}' then conversion_value end)
            as {{ message_type }}_conversion_value,
        {% endfor -%}
        max(synced_at) as synced_at

    from messages
    group by account_id, account_name, currency, reporting_currency, sent_on

),

rated as (

    select
        sums.*,
        case
            when sums.account_currency = sums.reporting_currency then 1
            else rates.rate
        end as exchange_rate

    from sums
    left join {{ ref('int_klaviyo__exchange_rate') }} as rates
        on sums.account_currency = rates.from_currency
        and sums.reporting_currency = rates.to_currency
        and sums.sent_on >= rates.valid_from
        and sums.sent_on < rates.valid_before

)

select
    ---------- ids
    {{ surrogate_key(['account_id', 'sent_on']) }} as account_daily_key,
    account_id,

    ---------- the account and its day
    account_name,
    account_currency,
    reporting_currency as currency,
    sent_on,
    cast(exchange_rate as {{ type_double() }}) as exchange_rate,

    ---------- what may be summed
    {% for column in counts -%}
    cast({{ column }} as {{ dbt.type_bigint() }}) as {{ column }},
    {% endfor -%}
    {% for column in ['', 'campaign_', 'flow_'] -%}
    {{ column }}conversion_value * exchange_rate as {{ column }}conversion_value,
    {% endfor -%}
    cast(
        case when exchange_rate is null and conversion_value <> 0 then 1 else 0 end
        as {{ dbt.type_bigint() }}
    ) as days_without_rate,
    synced_at

from rated
