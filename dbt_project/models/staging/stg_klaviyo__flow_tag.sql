with

source as (

    {{ source_rows('flow_tag') }}

),

renamed as (

    select
        ---------- ids
        account_id,
        flow_id,
        tag_id,

        ---------- timestamps
        synced_at

    from source

)

select * from renamed
