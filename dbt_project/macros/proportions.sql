{#- What statistics says of a share such as opens of deliveries: `part` of `whole`, both fractions
    (float) and part never more than whole. All are with 95 % confidence. -#}
{% macro z_of_95_percent() -%}
    {{ return(1.959964) }}
{%- endmacro %}

{#- The lower ('-') or upper ('+') end of Wilson's interval, which stays between 0 and 1 and holds
    for small samples. -#}
{% macro wilson_bound(part, whole, sign) -%}
    {%- set z = z_of_95_percent() -%}
    (
        {{ part }} + {{ z * z / 2 }} {{ sign }} {{ z }} * sqrt(
            {{ part }} * ({{ whole }} - {{ part }}) / nullif({{ whole }}, 0) + {{ z * z / 4 }}
        )
    ) / ({{ whole }} + {{ z * z }})
{%- endmacro %}

{#- How many standard errors a share lies above another; the error is that of both together. -#}
{% macro two_proportion_z(part, whole, other_part, other_whole) -%}
    {%- set pooled = '(' ~ part ~ ' + ' ~ other_part ~ ') / (' ~ whole ~ ' + ' ~ other_whole ~ ')' -%}
    case
        when {{ whole }} > 0 and {{ other_whole }} > 0
            then ({{ part }} / {{ whole }} - {{ other_part }} / {{ other_whole }}) / nullif(
                sqrt({{ pooled }} * (1 - {{ pooled }}) * (1 / {{ whole }} + 1 / {{ other_whole }})),
                0
            )
    end
{%- endmacro %}

{#- Whether a share has ten of each kind, so that the normal distribution is near enough. -#}
{% macro is_large_sample(part, whole) -%}
    ({{ part }} >= 10 and {{ whole }} - {{ part }} >= 10)
{%- endmacro %}
