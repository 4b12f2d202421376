{#- Where the properties of an order have its products, the first that has any: Klaviyo's guide for
    custom integrations names `Items` (developers.klaviyo.com, "Integrate a platform without a
    pre-built Klaviyo integration"). Klaviyo's own integrations have the shop's record of the order
    in `$extra`, and only names in `Items`. -#}
{% macro order_item_paths() -%}
    {{ return([['$extra', 'line_items'], ['$extra', 'Items'], ['Items']]) }}
{%- endmacro %}

{#- Where they have a list of the codes that the buyer entered: texts, or objects with `code`
    (Klaviyo's "Shopify data reference": `Discount Codes`). -#}
{% macro order_code_list_paths() -%}
    {{ return([['$extra', 'discount_codes'], ['Discount Codes'], ['DiscountCodes']]) }}
{%- endmacro %}

{#- The names of one code (Klaviyo's guide: `DiscountCode`). -#}
{% macro order_code_names() -%}
    {{ return(['DiscountCode', 'Discount Code', 'CouponCode', 'Coupon Code']) }}
{%- endmacro %}

{#- The text of an item of an order that one of some names has, trimmed; NULL if none has. -#}
{% macro item_text(names) -%}
    coalesce({% for name in names -%}
        nullif(trim({{ json_text('item', [name]) }}), '') {{- ', ' if not loop.last }}
    {%- endfor %})
{%- endmacro %}

{#- The number of an item of an order that one of some names has; NULL if none has. -#}
{% macro item_number(names) -%}
    coalesce({% for name in names -%}
        {{ json_number('item', [name]) }} {{- ', ' if not loop.last }}
    {%- endfor %})
{%- endmacro %}

{#- The quantity of an item of an order: 1 if it names none, NULL if what it names is no number. -#}
{% macro item_quantity(names) -%}
    case when {{ item_text(names) }} is null then 1 else {{ item_number(names) }} end
{%- endmacro %}

{#- A code that a buyer entered, or that a coupon has, as codes are compared. -#}
{% macro normalized_code(text) -%}
    nullif(upper(trim({{ text }})), '')
{%- endmacro %}
