with

tagged as (

    select
        account_id,
        campaign_id as tagged_id,
        tag_id
    from {{ ref('stg_klaviyo__campaign_tag') }}
    union all
    select
        account_id,
        flow_id as tagged_id,
        tag_id
    from {{ ref('stg_klaviyo__flow_tag') }}

),

tags as (select * from {{ ref('stg_klaviyo__tag') }})

select
    tagged.account_id,
    tagged.tagged_id,
    {{ join_texts("replace(tags.tag_name, ',', ';')", order_by='tags.tag_name') }} as tag_names

from tagged
inner join tags
    on tagged.account_id = tags.account_id
    and tagged.tag_id = tags.tag_id
group by tagged.account_id, tagged.tagged_id
