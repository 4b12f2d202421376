{%- set message = ['data', 'message'] -%}
with

flow_messages as (select * from {{ ref('stg_klaviyo__flow_message') }}),

-- An A/B test in a flow is one action; its definition contains one send action per variation.
variations as (

    {{ json_items(
        ref('stg_klaviyo__flow_action'),
        ['account_id'],
        'definition',
        ['data', 'current_experiment', 'variations']
    ) }}

),

tested_messages as (

    select distinct
        account_id,
        {{ json_text('item', message + ['id']) }} as flow_message_id
    from variations

)

select
    flow_messages.account_id,
    flow_messages.flow_message_id,
    '' as variation_id,
    flow_messages.flow_message_name,
    flow_messages.subject_line,
    flow_messages.preview_text,
    flow_messages.from_label

from flow_messages
left join tested_messages
    on flow_messages.account_id = tested_messages.account_id
    and flow_messages.flow_message_id = tested_messages.flow_message_id
where tested_messages.flow_message_id is null

union all

select
    account_id,
    {{ json_text('item', message + ['id']) }} as flow_message_id,
    {{ json_text('item', ['id']) }} as variation_id,
    {{ json_text('item', message + ['name']) }} as flow_message_name,
    {{ subject_line(
        json_text('item', message + ['subject_line']),
        json_text('item', message + ['title']),
        json_text('item', message + ['body'])
    ) }} as subject_line,
    {{ json_text('item', message + ['preview_text']) }} as preview_text,
    {{ json_text('item', message + ['from_label']) }} as from_label

from variations
where {{ json_text('item', message + ['id']) }} is not null
