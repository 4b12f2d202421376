with

source as (

    {{ source_rows('tag') }}

),

renamed as (

    select
        ---------- ids
        account_id,
        id as tag_id,
        tag_group_id,

        ---------- strings
        name as tag_name,

        ---------- timestamps
        synced_at

    from source

)

select * from renamed
