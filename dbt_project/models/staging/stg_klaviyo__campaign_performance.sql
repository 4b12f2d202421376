with

source as (

    {{ not_deleted(source('klaviyo', 'campaign_performance')) }}

),

renamed as (

    select
        ---------- ids
        account_id,
        campaign_id,
        campaign_message_id,
        variation as variation_id,
        conversion_metric_id,

        ---------- strings
        send_channel,
        campaign_message_name,
        variation_name,

        ---------- numerics
        recipients,
        delivered,
        opens,
        opens_unique,
        clicks,
        clicks_unique,
        bounced,
        failed,
        bounced_or_failed,
        unsubscribes,
        unsubscribe_uniques,
        spam_complaints,
        conversions,
        conversion_uniques,
        message_segment_count_sum,
        conversion_value,
        average_order_value,
        revenue_per_recipient,
        open_rate,
        click_rate,
        click_to_open_rate,
        conversion_rate,
        delivery_rate,
        bounce_rate,
        failed_rate,
        bounced_or_failed_rate,
        unsubscribe_rate,
        spam_complaint_rate,
        text_message_spend,
        text_message_credit_usage_amount,
        text_message_roi,

        ---------- timestamps
        synced_at

    from source

)

select * from renamed
