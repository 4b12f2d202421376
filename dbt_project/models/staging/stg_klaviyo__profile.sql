select
    ---------- ids
    account_id,
    id as profile_id,
    external_id,

    ---------- strings
    email,
    phone_number,
    first_name,
    last_name,
    organization,
    title,
    locale,
    address_1,
    address_2,
    city,
    region,
    country,
    zip,
    timezone,
    email_marketing_consent,
    sms_marketing_consent,
    sms_transactional_consent,
    push_marketing_consent,
    whatsapp_marketing_consent,
    whatsapp_transactional_consent,
    whatsapp_conversational_consent,

    ---------- numerics
    latitude,
    longitude,
    historic_clv,
    predicted_clv,
    total_clv,
    historic_number_of_orders,
    predicted_number_of_orders,
    average_days_between_orders,
    average_order_value,
    churn_probability,

    ---------- booleans
    email_marketing_can_receive,
    sms_marketing_can_receive,
    sms_transactional_can_receive,
    push_marketing_can_receive,
    whatsapp_marketing_can_receive,
    whatsapp_transactional_can_receive,
    whatsapp_conversational_can_receive,

    ---------- timestamps
    created_at,
    updated_at,
    last_event_at,
    expected_date_of_next_order,
    email_marketing_consent_at,
    sms_marketing_consent_at,
    sms_transactional_consent_at,
    push_marketing_consent_at,
    whatsapp_marketing_consent_at,
    whatsapp_transactional_consent_at,
    whatsapp_conversational_consent_at,
    synced_at,

    ---------- json
    properties,
    subscriptions

from {{ source_rows('profile') }}
