{#- A UTC timestamp in the local time of an IANA time zone: a timestamp without zone (BigQuery:
    DATETIME). -#}
{% macro local_time(timestamp, timezone) -%}
    {{ return(adapter.dispatch('local_time')(timestamp, timezone)) }}
{%- endmacro %}

{% macro default__local_time(timestamp, timezone) -%}
    ({{ timestamp }} at time zone {{ timezone }})
{%- endmacro %}

{#- DuckDB looks a time zone up again for every row, which takes 4 microseconds, unless it is a
    constant. The zones of most accounts are constants here; any other is right too, and slower. -#}
{% macro duckdb__local_time(timestamp, timezone) -%}
    {%- set zones = [
        'America/New_York', 'America/Chicago', 'America/Denver', 'America/Los_Angeles',
        'US/Eastern', 'US/Central', 'US/Mountain', 'US/Pacific', 'UTC', 'Europe/London',
        'America/Phoenix', 'America/Anchorage', 'Pacific/Honolulu', 'America/Toronto',
        'America/Vancouver', 'America/Edmonton', 'America/Halifax', 'America/Mexico_City',
        'America/Bogota', 'America/Lima', 'America/Santiago', 'America/Sao_Paulo',
        'America/Argentina/Buenos_Aires', 'Europe/Dublin', 'Europe/Lisbon', 'Europe/Paris',
        'Europe/Berlin', 'Europe/Madrid', 'Europe/Rome', 'Europe/Amsterdam', 'Europe/Brussels',
        'Europe/Zurich', 'Europe/Vienna', 'Europe/Copenhagen', 'Europe/Stockholm', 'Europe/Oslo',
        'Europe/Helsinki', 'Europe/Warsaw', 'Europe/Prague', 'Europe/Budapest', 'Europe/Athens',
        'Europe/Bucharest', 'Europe/Istanbul', 'Asia/Jerusalem', 'Asia/Dubai', 'Asia/Riyadh',
        'Africa/Johannesburg', 'Africa/Cairo', 'Africa/Lagos', 'Africa/Nairobi', 'Asia/Kolkata',
        'Asia/Bangkok', 'Asia/Jakarta', 'Asia/Singapore', 'Asia/Kuala_Lumpur', 'Asia/Manila',
        'Asia/Hong_Kong', 'Asia/Shanghai', 'Asia/Taipei', 'Asia/Seoul', 'Asia/Tokyo',
        'Australia/Perth', 'Australia/Adelaide', 'Australia/Brisbane', 'Australia/Sydney',
        'Australia/Melbourne', 'Pacific/Auckland',
    ] -%}
    {%- set converted = default__local_time(timestamp, timezone) -%}
    {%- if timezone.startswith("'") -%}
    {{ converted }}
    {%- else -%}
    case {{ timezone }}
        {%- for zone in zones %}
        when '{{ zone }}' then {{ default__local_time(timestamp, "'" ~ zone ~ "'") }}
        {%- endfor %}
        else {{ converted }}
    end
    {%- endif -%}
{%- endmacro %}

{% macro bigquery__local_time(timestamp, timezone) -%}
    datetime({{ timestamp }}, {{ timezone }})
{%- endmacro %}

{% macro snowflake__local_time(timestamp, timezone) -%}
    cast(convert_timezone({{ timezone }}, {{ timestamp }}) as timestamp_ntz)
{%- endmacro %}

{#- The date of a UTC timestamp. -#}
{% macro utc_date(timestamp) -%}
    {{ return(adapter.dispatch('utc_date')(timestamp)) }}
{%- endmacro %}

{% macro default__utc_date(timestamp) -%}
    cast({{ local_time(timestamp, "'UTC'") }} as date)
{%- endmacro %}

{% macro bigquery__utc_date(timestamp) -%}
    date({{ timestamp }})
{%- endmacro %}

{#- The UTC timestamp at which a date begins. -#}
{% macro utc_midnight(date) -%}
    {{ return(adapter.dispatch('utc_midnight')(date)) }}
{%- endmacro %}

{% macro default__utc_midnight(date) -%}
    (cast({{ date }} as timestamp) at time zone 'UTC')
{%- endmacro %}

{% macro bigquery__utc_midnight(date) -%}
    timestamp({{ date }})
{%- endmacro %}

{% macro snowflake__utc_midnight(date) -%}
    cast(to_char({{ date }}, 'YYYY-MM-DD') || 'T00:00:00+00:00' as timestamp_tz)
{%- endmacro %}

{#- The first day of a date's month. -#}
{% macro first_of_month(date) -%}
    cast({{ dbt.date_trunc('month', date) }} as date)
{%- endmacro %}

{#- The Monday of a date's ISO week. -#}
{% macro iso_week_start(date) -%}
    {{ return(adapter.dispatch('iso_week_start')(date)) }}
{%- endmacro %}

{% macro default__iso_week_start(date) -%}
    cast(date_trunc('week', {{ date }}) as date)
{%- endmacro %}

{% macro bigquery__iso_week_start(date) -%}
    date_trunc({{ date }}, isoweek)
{%- endmacro %}

{#- Not by date_trunc, which follows the session's WEEK_START. -#}
{% macro snowflake__iso_week_start(date) -%}
    cast(dateadd(day, 1 - dayofweekiso({{ date }}), {{ date }}) as date)
{%- endmacro %}

{#- The ISO weekday of a date: 1 is Monday, 7 is Sunday. -#}
{% macro iso_weekday(date) -%}
    {{ return(adapter.dispatch('iso_weekday')(date)) }}
{%- endmacro %}

{% macro default__iso_weekday(date) -%}
    cast(extract(isodow from {{ date }}) as {{ dbt.type_int() }})
{%- endmacro %}

{% macro bigquery__iso_weekday(date) -%}
    mod(extract(dayofweek from {{ date }}) + 5, 7) + 1
{%- endmacro %}

{% macro snowflake__iso_weekday(date) -%}
    dayofweekiso({{ date }})
{%- endmacro %}

{#- The date `days` days before a date. -#}
{% macro days_before(date, days) -%}
    {{ return(adapter.dispatch('days_before')(date, days)) }}
{%- endmacro %}

{% macro default__days_before(date, days) -%}
    ({{ date }} - {{ days }})
{%- endmacro %}

{% macro bigquery__days_before(date, days) -%}
    date_sub({{ date }}, interval {{ days }} day)
{%- endmacro %}

{% macro snowflake__days_before(date, days) -%}
    cast(dateadd(day, -({{ days }}), {{ date }}) as date)
{%- endmacro %}

{#- The number of days from one date to another. -#}
{% macro days_between(first, last) -%}
    {{ return(adapter.dispatch('days_between')(first, last)) }}
{%- endmacro %}

{% macro default__days_between(first, last) -%}
    ({{ last }} - {{ first }})
{%- endmacro %}

{% macro bigquery__days_between(first, last) -%}
    date_diff({{ last }}, {{ first }}, day)
{%- endmacro %}

{% macro snowflake__days_between(first, last) -%}
    datediff(day, {{ first }}, {{ last }})
{%- endmacro %}

{#- Selects every date from `first` to `last` ('YYYY-MM-DD', inclusive) as `date_day`. -#}
{% macro date_series(first, last) -%}
    {{ return(adapter.dispatch('date_series')(first, last)) }}
{%- endmacro %}

{% macro default__date_series(first, last) -%}
    select cast(days.date_day as date) as date_day
    from generate_series(
        cast('{{ first }}' as date), cast('{{ last }}' as date), interval '1 day'
    ) as days (date_day)
{%- endmacro %}

{% macro bigquery__date_series(first, last) -%}
    select date_day from unnest(generate_date_array('{{ first }}', '{{ last }}')) as date_day
{%- endmacro %}

{% macro snowflake__date_series(first, last) -%}
    select
        cast(
            dateadd(day, row_number() over (order by seq4()) - 1, date '{{ first }}') as date
        ) as date_day
    from table(generator(rowcount => {{ count_days(first, last) + 1 }}))
{%- endmacro %}

{#- The number of days from `first` to `last` ('YYYY-MM-DD'). -#}
{% macro count_days(first, last) -%}
    {%- set first_day = modules.datetime.datetime.strptime(first, '%Y-%m-%d') -%}
    {%- set last_day = modules.datetime.datetime.strptime(last, '%Y-%m-%d') -%}
    {{ return((last_day - first_day).days) }}
{%- endmacro %}
