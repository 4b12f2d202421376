with

source as (

    {{ source_rows('campaign_tag') }}

),

renamed as (

    select
        ---------- ids
        account_id,
        campaign_id,
        tag_id,

        ---------- timestamps
        synced_at

    from source

)

select * from renamed
