{#- Statistics of a proportion such as opens per delivery, at 95 % confidence. `successes` and
    `trials` are SQL expressions of type float, and successes never exceed trials. -#}
{% macro z_score_95() -%}
    {{ return(1.959964) }}
{%- endmacro %}

{#- The lower ('-') or upper ('+') bound of the Wilson score interval. Unlike the interval of the
    normal approximation it stays between 0 and 1 and holds for small samples. -#}
{% macro wilson_bound(successes, trials, sign) -%}
    {%- set z = z_score_95() -%}
    (
        {{ successes }} + {{ z * z / 2 }} {{ sign }} {{ z }} * sqrt(
            {{ successes }} * ({{ trials }} - {{ successes }}) / nullif({{ trials }}, 0)
            + {{ z * z / 4 }}
        )
    ) / ({{ trials }} + {{ z * z }})
{%- endmacro %}

{#- The z score of a two-proportion test: the difference of two proportions in standard errors of
    the pooled proportion. -#}
{% macro two_proportion_z(successes, trials, other_successes, other_trials) -%}
    {%- set pooled =
        '(' ~ successes ~ ' + ' ~ other_successes ~ ') / (' ~ trials ~ ' + ' ~ other_trials ~ ')'
    -%}
    case
        when {{ trials }} > 0 and {{ other_trials }} > 0
            then ({{ successes }} / {{ trials }} - {{ other_successes }} / {{ other_trials }})
                / nullif(
                    sqrt(
                        {{ pooled }} * (1 - {{ pooled }}) * (1 / {{ trials }} + 1 / {{ other_trials }})
                    ),
                    0
                )
    end
{%- endmacro %}

{#- The variance of a ratio of sums, such as opens per delivery over several messages. Messages
    differ more than chance makes their recipients differ, so it is that of the ratio estimator with
    the message as the unit (Cochran, Sampling Techniques, chapter 6). After `prefix` follow floats:
    n, the number of messages, and the sums over them of y, x, y * y, x * y and x * x. -#}
{% macro ratio_variance(prefix) -%}
    {%- set ratio = '(' ~ prefix ~ 'y / nullif(' ~ prefix ~ 'x, 0))' -%}
    {{ prefix }}n / nullif({{ prefix }}n - 1, 0)
    * (
        {{ prefix }}yy - 2 * {{ ratio }} * {{ prefix }}xy
        + {{ ratio }} * {{ ratio }} * {{ prefix }}xx
    )
    / nullif({{ prefix }}x * {{ prefix }}x, 0)
{%- endmacro %}

{#- Whether a proportion has at least ten successes and ten failures, the usual condition for the
    normal approximation of the z test. -#}
{% macro is_large_sample(successes, trials) -%}
    ({{ successes }} >= 10 and {{ trials }} - {{ successes }} >= 10)
{%- endmacro %}
