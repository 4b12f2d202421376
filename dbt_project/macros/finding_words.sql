{#- The words of a finding as SQL, with the values of its row. -#}

{#- A rule of looker/findings.yml. -#}
{% macro finding_rule(rule) -%}
    {{ return(finding_rules()[rule]) }}
{%- endmacro %}

{#- A limit of a rule. -#}
{% macro finding_limit(rule, name) -%}
    {{ return(finding_rule(rule).limits[name]) }}
{%- endmacro %}

{#- A text with placeholders such as {figure}, as a concatenation of texts and of columns. -#}
{% macro finding_words(text) -%}
    {%- set columns = {
        'subject': 'subject',
        'figure': 'figure_text',
        'comparison': 'comparison_text',
        'times': 'times_text',
        'sample': 'sample_text',
    } -%}
    {%- set parts = [] -%}
    {#- Every second part is a name. Texts are quoted one by one: BigQuery's quotes are three. -#}
    {%- for part in modules.re.split('[{](' ~ columns | join('|') ~ ')[}]', text) -%}
        {%- if loop.index is even -%}
            {%- do parts.append(columns[part]) -%}
        {%- elif part -%}
            {%- do parts.append(dbt.string_literal(dbt.escape_single_quotes(part))) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(parts | join(' || ')) }}
{%- endmacro %}

{#- A number as text in the format of each row's rule. -#}
{% macro format_by_rule(number) -%}
    case
        {%- for format, rules in finding_rules().items() | groupby('1.format') %}
        when rule_id in ('{{ rules | map('first') | join("', '") }}')
            then {{ format_figure(number, format) }}
        {%- endfor %}
    end
{%- endmacro %}

{#- A number as text in a format of the metrics: integer, percent_n, decimal_n or money; or signed,
    an integer with its sign. -#}
{% macro format_figure(number, format) -%}
    {%- set kind, _, digits = format.partition('_') -%}
    {%- if kind == 'percent' -%}
        {{ return(format_decimal('100 * ' ~ number, digits | int) ~ " || '%'") }}
    {%- elif kind == 'decimal' -%}
        {{ return(format_decimal(number, digits | int)) }}
    {%- elif kind == 'money' -%}
        {{ return(format_decimal(number, 2) ~ " || coalesce(' ' || currency, '')") }}
    {%- elif kind == 'signed' -%}
        {{ return(
            "case when " ~ number ~ " < 0 then '-' else '+' end || " ~ format_integer(number)
        ) }}
    {%- endif -%}
    {{ return(format_integer(number)) }}
{%- endmacro %}

{#- The absolute value of a number as text, rounded, with commas between thousands. -#}
{% macro format_integer(number) -%}
    {{ return(_format_whole(_round(number))) }}
{%- endmacro %}

{#- The absolute value of a number as text with that many decimals. -#}
{% macro format_decimal(number, digits) -%}
    {%- set scale = 10 ** digits -%}
    {%- set scaled = _round(number, scale) -%}
    {{ return(
        _format_whole(_quotient(scaled, scale)) ~ " || '.' || "
        ~ _pad('mod(' ~ scaled ~ ', ' ~ scale ~ ')', digits)
    ) }}
{%- endmacro %}

{#- Engines round halves differently, and write floats and decimals differently as text. -#}
{% macro _round(number, scale=1) -%}
    {{ return(
        'cast(floor(abs(' ~ number ~ ') * ' ~ scale ~ ' + 0.5) as ' ~ dbt.type_bigint() ~ ')'
    ) }}
{%- endmacro %}

{% macro _quotient(number, divisor) -%}
    {{ return(
        'cast(floor(' ~ number ~ ' / ' ~ divisor ~ '.0) as ' ~ dbt.type_bigint() ~ ')'
    ) }}
{%- endmacro %}

{% macro _pad(number, digits) -%}
    {{ return('lpad(cast(' ~ number ~ ' as ' ~ dbt.type_string() ~ '), ' ~ digits ~ ", '0')") }}
{%- endmacro %}

{% macro _format_whole(number) -%}
    {%- set text = 'cast(' ~ number ~ ' as ' ~ dbt.type_string() ~ ')' -%}
    {%- set thousands = _quotient(number, 1000) -%}
    {%- set rest = _pad('mod(' ~ number ~ ', 1000)', 3) -%}
    {%- set millions = 'cast(' ~ _quotient(number, 1000000) ~ ' as ' ~ dbt.type_string() ~ ')' -%}
    {{ return(
        'case when ' ~ number ~ ' >= 1000000 then ' ~ millions ~ " || ',' || "
        ~ _pad('mod(' ~ thousands ~ ', 1000)', 3) ~ " || ',' || " ~ rest
        ~ ' when ' ~ number ~ ' >= 1000 then cast(' ~ thousands ~ ' as ' ~ dbt.type_string()
        ~ ") || ',' || " ~ rest ~ ' else ' ~ text ~ ' end'
    ) }}
{%- endmacro %}
