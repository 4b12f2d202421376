with

source as (

    {{ source_rows('list_tag') }}

),

renamed as (

    select
        ---------- ids
        account_id,
        list_id,
        tag_id,

        ---------- timestamps
        synced_at

    from source

)

select * from renamed
