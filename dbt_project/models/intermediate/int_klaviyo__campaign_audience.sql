with

included as (

    select
        account_id,
        campaign_audience_id,
        position,
        {{ json_text('item') }} as list_id
    from (
        {{ json_items(
            ref('stg_klaviyo__campaign_audience'), ['account_id', 'campaign_audience_id'], 'included'
        ) }}
    ) as items

),

lists_and_segments as (

    select
        account_id,
        list_id,
        list_name
    from {{ ref('stg_klaviyo__list') }}
    union all
    select
        account_id,
        segment_id as list_id,
        segment_name as list_name
    from {{ ref('stg_klaviyo__segment') }}

)

select
    included.account_id,
    included.campaign_audience_id,
    {{ join_texts('included.list_id', order_by='included.position') }} as list_ids,
    {{ join_texts(
        'coalesce(lists_and_segments.list_name, included.list_id)', order_by='included.position'
    ) }} as audience_names

from included
left join lists_and_segments
    on included.account_id = lists_and_segments.account_id
    and included.list_id = lists_and_segments.list_id
group by included.account_id, included.campaign_audience_id
