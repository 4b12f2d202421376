{#- Without a reporting currency there is nothing to convert, and the seed is not built. A project
    that installs this one names a relation: a `ref` to a seed of its own is a warning of dbt. -#}
{%- set named = setting('klaviyo_exchange_rates') | trim -%}
with

rates as (

    {% if setting('klaviyo_reporting_currency') -%}
    select * from {{ named if named else ref('exchange_rates') }}
    {%- else -%}
    select
        cast(null as date) as date,
        cast(null as {{ dbt.type_string() }}) as from_currency,
        cast(null as {{ dbt.type_string() }}) as to_currency,
        cast(null as {{ type_double() }}) as rate
    from {{ ref('int_klaviyo__last_sync') }}
    where false
    {%- endif %}

),

followed as (

    select
        *,
        lead(date) over (partition by from_currency, to_currency order by date) as next_date
    from rates

)

select
    from_currency,
    to_currency,
    date as valid_from,
    case
        when next_date < {{ days_before('date', '-(' ~ limit('rate_days') ~ ' + 1)') }}
            then next_date
        else {{ days_before('date', '-(' ~ limit('rate_days') ~ ' + 1)') }}
    end as valid_before,
    rate

from followed
