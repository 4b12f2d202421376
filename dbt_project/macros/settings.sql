{#- Whether a raw table is selected and exists. A table that is not counts as empty. -#}
{% macro is_synced(table) -%}
    {{ return(existing_relations(table) | length > 0) }}
{%- endmacro %}

{#- Whether dbt runs a command that reads raw tables. Other commands, such as compile, assume that
    every selected table exists with every column, and need no warehouse. -#}
{% macro reads_raw_tables() -%}
    {{ return(execute and flags.WHICH in ['build', 'run', 'test']) }}
{%- endmacro %}

{#- A setting: dbt's variable of that name, such as `klaviyo_tables`, which a project that installs
    this one as a package sets, or else the environment's, `KLAVIYO_TABLES`. -#}
{% macro setting(name, default='') -%}
    {{ return(var(name, env_var(name | upper, default))) }}
{%- endmacro %}

{#- Whether the source tables of fivetran/dbt_klaviyo are built. -#}
{% macro is_compatible() -%}
    {{ return(setting('klaviyo_compatibility', 'false') | string | lower == 'true') }}
{%- endmacro %}

{#- Whether KLAVIYO_TABLES selects a raw table. It takes the same words as the connector's setting
    `tables`, and `-name` for a table that is left out. -#}
{% macro is_selected(table) -%}
    {%- set selected = selected_tables() -%}
    {{ return(
        table not in excluded_tables()
        and (
            'all' in selected
            or table in always_synced_tables() + selected
            or requiring_tables().get(table, []) | select('in', selected) | list | length > 0
            or ('reporting' in selected and table not in opt_in_tables())
        )
    ) }}
{%- endmacro %}

{#- The words of KLAVIYO_TABLES: a text with commas, or as dbt's variable also a list. -#}
{% macro table_words() -%}
    {{ return(split_words(setting('klaviyo_tables'))) }}
{%- endmacro %}

{#- The words of a text with commas, or of a list; none of an empty one. -#}
{% macro split_words(given) -%}
    {%- set words = [] -%}
    {%- for word in (given.split(',') if given is string else given or []) if word.strip() -%}
        {%- do words.append(word.strip()) -%}
    {%- endfor -%}
    {{ return(words) }}
{%- endmacro %}

{#- The words that select tables; `reporting` if there is none. -#}
{% macro selected_tables() -%}
    {%- set selected = [] -%}
    {%- for word in table_words() if not word.startswith('-') -%}
        {%- do selected.append(word) -%}
    {%- endfor -%}
    {{ return(selected or ['reporting']) }}
{%- endmacro %}

{#- The tables that a word such as `-event` leaves out. -#}
{% macro excluded_tables() -%}
    {%- set excluded = [] -%}
    {%- for word in table_words() if word.startswith('-') -%}
        {%- do excluded.append(word[1:].strip()) -%}
    {%- endfor -%}
    {{ return(excluded) }}
{%- endmacro %}

{#- The findings that are never shown, as SQL texts: rules such as `bounces`, or single findings
    such as `flow_stopped:XyZ123`, from KLAVIYO_MUTED_FINDINGS. -#}
{% macro muted_findings() -%}
    {%- set literals = [] -%}
    {%- for finding in muted_words() or [''] -%}
        {%- do literals.append(dbt.string_literal(dbt.escape_single_quotes(finding))) -%}
    {%- endfor -%}
    {{ return(literals | join(', ')) }}
{%- endmacro %}

{#- The words of KLAVIYO_MUTED_FINDINGS: a text with commas, or as dbt's variable also a list. -#}
{% macro muted_words() -%}
    {{ return(split_words(setting('klaviyo_muted_findings'))) }}
{%- endmacro %}

{#- Fails the run before anything is built, and names every setting that has an invalid value. -#}
{% macro check_settings() -%}
    {%- set problems = [] -%}
    {%- set compatibility = setting('klaviyo_compatibility', 'false') | string -%}
    {%- if compatibility | lower not in ['true', 'false'] -%}
        {%- do problems.append(
            "KLAVIYO_COMPATIBILITY: true or false, not '" ~ compatibility ~ "'"
        ) -%}
    {%- endif -%}
    {%- set reporting_currency = setting('klaviyo_reporting_currency') | trim -%}
    {%- if reporting_currency and not modules.re.match('[A-Za-z]{3}$', reporting_currency) -%}
        {%- do problems.append(
            "KLAVIYO_REPORTING_CURRENCY: an ISO 4217 code such as EUR, not '"
            ~ reporting_currency ~ "'"
        ) -%}
    {%- endif -%}
    {%- do problems.extend(find_wrong_limits()) -%}
    {%- set words = ['reporting', 'catalog', 'people', 'all', 'predictive_analytics'] -%}
    {%- set known = words + connector_tables() -%}
    {%- for name in selected_tables() if name not in known -%}
        {%- do problems.append(describe_unknown_table(name, known)) -%}
    {%- endfor -%}
    {%- for name in excluded_tables() if name not in connector_tables() -%}
        {%- do problems.append(describe_unknown_table('-' ~ name, connector_tables())) -%}
    {%- endfor -%}
    {%- for name in excluded_tables() if name in always_synced_tables() -%}
        {%- do problems.append('KLAVIYO_TABLES: ' ~ name ~ ' is always synced; remove -' ~ name) -%}
    {%- endfor -%}
    {%- for word in muted_words() if word.partition(':')[0] not in finding_rules() -%}
        {%- do problems.append(
            "KLAVIYO_MUTED_FINDINGS: no rule is named '" ~ word.partition(':')[0]
            ~ "'; the rules are " ~ finding_rules() | join(', ')
        ) -%}
    {%- endfor -%}
    {%- do problems.extend(find_wrong_connections()) -%}
    {%- if problems and execute -%}
        {{ exceptions.raise_compiler_error(problems | join('. ')) }}
    {%- endif -%}
    {%- if reads_raw_tables() -%}
        {%- do check_raw_tables() -%}
        {%- do analyze_raw_tables() -%}
    {%- endif -%}
{%- endmacro %}

{#- The errors for entries of `klaviyo_sources`: without a schema, or with a name that another one
    has, of which only one would be read. -#}
{% macro find_wrong_connections() -%}
    {%- set problems = [] -%}
    {%- set names = [] -%}
    {%- for connection in connections() -%}
        {%- set name = connection_name(connection) -%}
        {%- if not connection.schema -%}
            {%- do problems.append('klaviyo_sources: an entry without schema') -%}
        {%- elif name in names -%}
            {%- do problems.append(
                "klaviyo_sources: two entries have the name '" ~ name
                ~ "', by default their schema; give each a name of its own"
            ) -%}
        {%- endif -%}
        {%- do names.append(name) -%}
    {%- endfor -%}
    {{ return(problems) }}
{%- endmacro %}

{#- The unknown word, and the longest name that it contains: `campaign` for `Campaigns`. -#}
{% macro describe_unknown_table(word, known) -%}
    {%- set nearest = namespace(name='') -%}
    {%- for name in known -%}
        {%- if name in word | lower and name | length > nearest.name | length -%}
            {%- set nearest.name = name -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(
        "KLAVIYO_TABLES: unknown table '" ~ word ~ "'; "
        ~ ("did you mean " ~ nearest.name ~ "? " if nearest.name else "")
        ~ "docs/tables.md lists the names"
    ) }}
{%- endmacro %}

{#- Names the selected raw tables that do not exist in one line of the log, warns of those that the
    connector fills, and fails the run if one is missing, or lacks a column, without which the marts
    would be wrong. -#}
{% macro check_raw_tables() -%}
    {%- set missing = [] -%}
    {%- for table in connector_tables() if is_selected(table) -%}
        {%- set relations = existing_relations(table) -%}
        {%- if not relations -%}
            {%- do missing.append(table) -%}
        {%- endif -%}
        {%- for relation in relations.values() if table in required_columns() -%}
            {%- do check_columns(table, present_columns(table, relation)) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- if 'account' in missing -%}
        {{ exceptions.raise_compiler_error(
            "The raw table account is missing: set KLAVIYO_RAW_SCHEMA and KLAVIYO_RAW_DATABASE to where"
            " Fivetran loads, tick account in the connection's schema tab, and sync"
        ) }}
    {%- endif -%}
    {%- do check_connections() -%}
    {%- if missing -%}
        {{ log(
            "Read as empty, because they are missing: " ~ missing | join(', ') ~ ". Tick them in the"
            " connection's schema tab and sync, or leave them out of KLAVIYO_TABLES.", info=true
        ) }}
        {%- do warn_of_unticked_tables(missing) -%}
    {%- endif -%}
{%- endmacro %}

{#- Warns of missing tables into which the connector has written rows: a table that never had a row
    may be missing, but these are unticked, and the marts lack their numbers. -#}
{% macro warn_of_unticked_tables(missing) -%}
    {%- if 'sync_report' not in missing -%}
        {%- set query -%}
            select distinct table_name from {{ source_rows('sync_report') }}
            where rows_written > 0 and table_name in ('{{ missing | join("', '") }}')
            order by table_name
        {%- endset -%}
        {%- set unticked = run_query(query).columns[0].values() | join(', ') -%}
        {%- if unticked -%}
            {%- do exceptions.warn(
                "The marts lack the numbers of " ~ unticked ~ ": the connector fills them, but they are"
                " not in the warehouse. Tick them in the connection's schema tab and re-sync them, or"
                " leave them out of KLAVIYO_TABLES"
            ) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#- Fails the run if a connection of `klaviyo_sources` has no account: its schema is misspelt or
    not synced, and the marts would lack all of it. -#}
{% macro check_connections() -%}
    {%- set existing = existing_relations('account') -%}
    {%- for name, relation in raw_relations('account').items() if name not in existing -%}
        {{ exceptions.raise_compiler_error(
            "klaviyo_sources: the connection " ~ name ~ " has no table " ~ relation
            ~ ": correct its schema and database, or sync it first"
        ) }}
    {%- endfor -%}
{%- endmacro %}

{% macro check_columns(table, present) -%}
    {%- set missing = required_columns()[table] | reject('in', present) | join(', ') -%}
    {%- if missing -%}
        {{ exceptions.raise_compiler_error(
            "The raw table " ~ table ~ " lacks " ~ missing ~ ", which the marts require: tick it in the"
            " connection's schema tab, and sync"
        ) }}
    {%- endif -%}
{%- endmacro %}

{#- The columns without which dates, currencies or events are lost. Any other column may be missing,
    as may any table but account. Fivetran does not let a user untick a key. -#}
{% macro required_columns() -%}
    {{ return({
        'account': ['timezone', 'preferred_currency', 'synced_at'],
        'campaign_message': ['campaign_id', 'send_time'],
        'event': ['metric_id', 'datetime', 'timestamp'],
        'metric': ['name'],
        'sync_report': ['started_at', 'min_event_at', 'synced_at'],
    }) }}
{%- endmacro %}
