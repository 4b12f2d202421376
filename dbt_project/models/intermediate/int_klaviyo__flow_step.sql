with recursive

actions as (select * from {{ ref('stg_klaviyo__flow_action') }}),

messages as (select * from {{ ref('stg_klaviyo__flow_message') }}),

-- A split leads to two actions (OpenAPI: ConditionalSplitAction, TriggerSplitAction).
links as (

    {% for name in ['next', 'next_if_true', 'next_if_false'] -%}
    select
        account_id,
        flow_id,
        flow_action_id,
        {{ json_text('definition', ['links', name]) }} as next_action_id
    from actions
    where {{ json_text('definition', ['links', name]) }} is not null
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

entries as (

    select
        actions.account_id,
        actions.flow_id,
        actions.flow_action_id,
        count(*) over (partition by actions.account_id, actions.flow_id) as entry_count

    from actions
    left join links
        on actions.account_id = links.account_id
        and actions.flow_id = links.flow_id
        and actions.flow_action_id = links.next_action_id
    where links.next_action_id is null

),

sizes as (

    select
        account_id,
        flow_id,
        count(*) as action_count
    from actions
    group by account_id, flow_id

),

-- The shortest way to an action passes no action twice. The bound ends the walk in a circle, in
-- which each split would double the ways.
walk as (

    select
        entries.account_id,
        entries.flow_id,
        entries.flow_action_id,
        1 as action_number,
        sizes.action_count

    from entries
    inner join sizes
        on entries.account_id = sizes.account_id
        and entries.flow_id = sizes.flow_id
    where entries.entry_count = 1
    union all
    select
        links.account_id,
        links.flow_id,
        links.next_action_id as flow_action_id,
        walk.action_number + 1 as action_number,
        walk.action_count
    from walk
    inner join links
        on walk.account_id = links.account_id
        and walk.flow_id = links.flow_id
        and walk.flow_action_id = links.flow_action_id
    where walk.action_number < walk.action_count

),

message_steps as (

    select
        messages.account_id,
        messages.flow_id,
        messages.flow_message_id,
        min(walk.action_number) as action_number

    from messages
    inner join walk
        on messages.account_id = walk.account_id
        and messages.flow_id = walk.flow_id
        and messages.flow_action_id = walk.flow_action_id
    group by messages.account_id, messages.flow_id, messages.flow_message_id

)

select
    account_id,
    flow_id,
    flow_message_id,
    cast(
        dense_rank() over (partition by account_id, flow_id order by action_number)
        as {{ dbt.type_bigint() }}
    ) as step_number

from message_steps
