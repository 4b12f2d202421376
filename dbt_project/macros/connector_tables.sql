{#- Generated from the connector's tables. Do not edit; run
    `.venv/bin/python -m scripts.generate_dbt`. -#}

{#- All raw tables. -#}
{% macro connector_tables() -%}
    {{ return(
        ['account', 'metric', 'mapped_metric', 'custom_metric', 'campaign', 'campaign_audience',
         'campaign_tag', 'campaign_message', 'campaign_variation', 'flow', 'flow_action',
         'flow_message', 'flow_tag', 'flow_utm_parameter', 'list', 'list_tag', 'segment',
         'segment_tag', 'tag', 'tag_group', 'form', 'template', 'form_version', 'image',
         'web_feed', 'universal_content', 'tracking_setting', 'webhook', 'push_token',
         'data_source', 'custom_object_type', 'custom_object_record', 'text_message_sender',
         'billing_usage_daily', 'list_profile_count_daily', 'segment_profile_count_daily',
         'brand', 'coupon', 'coupon_code', 'catalog_item', 'catalog_variant', 'catalog_category',
         'catalog_category_item', 'review', 'campaign_performance', 'campaign_performance_daily',
         'flow_performance', 'flow_performance_period', 'flow_performance_daily', 'segment_daily',
         'form_daily', 'form_version_daily', 'message_metric_daily', 'inbox_provider_daily',
         'event', 'event_attribution', 'profile', 'profile_suppression', 'list_profile',
         'segment_profile', 'sync_report', 'sync_error']
    ) }}
{%- endmacro %}

{#- The raw tables outside `reporting`, selected by name: Fivetran bills their many rows. -#}
{% macro opt_in_tables() -%}
    {{ return(
        ['template', 'push_token', 'custom_object_record', 'list_profile_count_daily',
         'segment_profile_count_daily', 'coupon_code', 'catalog_item', 'catalog_variant',
         'catalog_category', 'catalog_category_item', 'review', 'event', 'event_attribution',
         'profile', 'profile_suppression', 'list_profile', 'segment_profile']
    ) }}
{%- endmacro %}

{#- The raw tables that the connector syncs with every selection. -#}
{% macro always_synced_tables() -%}
    {{ return(
        ['account', 'sync_report', 'sync_error']
    ) }}
{%- endmacro %}

{#- The words of KLAVIYO_TABLES that require a raw table, by that table. -#}
{% macro requiring_tables() -%}
    {{ return(
        {'form': ['form_version'],
         'custom_object_type': ['custom_object_record'],
         'list': ['list_profile_count_daily', 'list_profile', 'people'],
         'segment': ['segment_profile_count_daily', 'segment_profile', 'people'],
         'coupon': ['coupon_code', 'catalog'],
         'catalog_category': ['catalog_category_item', 'catalog'],
         'profile': ['predictive_analytics', 'people'],
         'catalog_category_item': ['catalog'],
         'catalog_item': ['catalog'],
         'catalog_variant': ['catalog'],
         'coupon_code': ['catalog'],
         'review': ['catalog'],
         'list_profile': ['people'],
         'profile_suppression': ['people'],
         'push_token': ['people'],
         'segment_profile': ['people']}
    ) }}
{%- endmacro %}

{#- The raw tables of Klaviyo's reports, each with the first that shares its quota. -#}
{% macro report_quota_tables() -%}
    {{ return(
        {'campaign_performance': 'campaign_performance',
         'flow_performance': 'flow_performance',
         'flow_performance_period': 'flow_performance',
         'flow_performance_daily': 'flow_performance_daily',
         'segment_daily': 'segment_daily',
         'form_daily': 'form_daily',
         'form_version_daily': 'form_daily'}
    ) }}
{%- endmacro %}
