{#- Opening members plus joined minus left are closing members, and the next day opens with them.
    A warning, because Klaviyo counts each segment again every day, so its days may not add up. -#}
{{ config(severity='warn', enabled=is_enabled(['audience', 'findings'])) }}

with

days as (

    select
        *,
        lag(closing_members) over (
            partition by account_id, audience_type, audience_id order by date
        ) as closed_before

    from {{ ref('klaviyo__audience_growth') }}
    where counted_from <> 'message_metric_daily'

)

select * from days
where
    opening_members + members_joined - members_left <> closing_members
    or opening_members <> closed_before
