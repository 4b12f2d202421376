with

source as (

    {{ source_rows('segment_tag') }}

),

renamed as (

    select
        ---------- ids
        account_id,
        segment_id,
        tag_id,

        ---------- timestamps
        synced_at

    from source

)

select * from renamed
