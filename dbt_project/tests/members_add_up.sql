{#- What a day opens with, joined and left makes what it closes with, and the next day opens with
    that. Klaviyo counts segments anew each day, so theirs may not: a warning. -#}
{{ config(severity='warn') }}

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
