"""The kinds of tables of the workloads: each way in which PostgreSQL can identify a row.

A row is numbered: the expressions of a table turn `{n}` into its key and its values, so a workload
is numbers and choices, and a failing one prints as such.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# 9,600 characters that do not compress: PostgreSQL stores them apart (TOAST).
LARGE = "(select string_agg(md5(i::text || {seed}), '') from generate_series(1, 300) i)"
LARGES = tuple(LARGE.format(seed=f"'{seed}'") for seed in "abc")
TEXTS = (
    "null",
    "''",
    "'NULL'",
    "'x'",
    "E'tab\\t, \"quote\"\\nline'",
    "'ä € 𝄞 ؏'",
    "repeat('y', 3000)",
)


@dataclass(frozen=True, eq=False, repr=False)
class Kind:
    """A table: how it is made, the expressions of its key, and the values that its columns take."""

    name: str
    ddl: Sequence[str]
    key: Mapping[str, str]
    values: Mapping[str, Sequence[str]]

    def __repr__(self) -> str:
        return repr(self.name)

    def where(self, number: int) -> str:
        """Give the condition that selects the row of a number."""
        return " and ".join(
            f"{name} = {value.format(n=number)}" for name, value in self.key.items()
        )


EVERY_TYPE: Mapping[str, Sequence[str]] = {
    "a_bool": ("null", "true", "false"),
    "a_int2": ("null", "-32768", "32767"),
    "a_int4": ("null", "0", "-2147483648", "2147483647"),
    "a_int8": ("null", "-9223372036854775808", "9007199254740993"),
    "a_float4": ("null", "0.1", "'-0'", "'NaN'", "'Infinity'", "3.4e38"),
    "a_float8": ("null", "0.1", "1e308", "5e-324", "'NaN'", "'-Infinity'", "123456789.123456789"),
    "a_numeric_12_2": ("null", "0", "-9999999999.99", "0.01", "'NaN'", "100"),
    "a_numeric": ("null", "20", "17.685", "1e-20", "12345678901234567890123456789.5", "'NaN'"),
    "a_text": TEXTS,
    "a_varchar_20": ("null", "''", "'  both  '"),
    "a_char_5": ("null", "'ab'", "'abcde'"),
    "a_date": ("null", "'2024-02-29'", "'0001-01-01'", "'9999-12-31'", "'infinity'"),
    "a_time": ("null", "'00:00'", "'23:59:59.999999'", "'24:00'"),
    "a_timestamp": (
        "null",
        "'2024-03-10 02:30'",
        "'1969-12-31 23:59:59.999999'",
        "'4713-01-01 BC'",
    ),
    "a_timestamptz": (
        "null",
        "'2024-03-10 02:30-08'",
        "'2024-11-03 01:30:00.5+13'",
        "'294276-12-31'",
    ),
    "a_timetz": ("null", "'12:00+02'"),
    "a_interval": ("null", "'1 year 2 mons -3 days 04:05:06.7'", "'0'"),
    "a_uuid": ("null", "'00000000-0000-0000-0000-000000000001'"),
    "a_bytea": ("null", "''", r"'\x00ff5c27'"),
    "a_json": ("null", '\'{"b":1, "a":2,"b":3}\'', "'null'", "'12345678901234567890.123'"),
    "a_jsonb": ("null", "'null'", "'{\"n\": 1234567890123456789}'", '\'[1, "x", {"y": null}]\''),
    "a_mood": ("null", "'good'", "'so so'"),
    "a_cents": ("null", "0.05", "-1.5"),
    "a_int4_array": ("null", "'{}'", "'{1,NULL,3}'", "'{{1,2},{3,4}}'"),
    "a_text_array": ("null", '\'{NULL,"NULL","","a b"}\''),
    "a_inet": ("null", "'10.0.0.1/8'", "'::1'"),
    "a_int4range": ("null", "'[1,5)'", "'empty'"),
    "a_bit_5": ("null", "'10110'"),
    "a_tsvector": ("null", "'fat:2 cat:3'"),
    "a_oid": ("null", "4294967295"),
    "a_point": ("null", "'(1.5,-2)'"),
    "a_large": ("null", "'short'", *LARGES),
}
TYPES = {
    "a_numeric_12_2": "numeric(12,2)",
    "a_varchar_20": "varchar(20)",
    "a_char_5": "char(5)",
    "a_mood": "mood",
    "a_cents": "cents",
    "a_int4_array": "int4[]",
    "a_text_array": "text[]",
    "a_bit_5": "bit(5)",
    "a_large": "text",
}
STAMP = "updated_at timestamptz default now()"  # what polling looks at
NOTES = {"note": TEXTS, "large": ("null", "'short'", *LARGES), "amount": ("null", "1.50", "-2")}
NOTE_COLUMNS = f"note text, large text, amount numeric(12,2), {STAMP}"

NAME_KEY = "primary key (part, name))"
REGION_KEY = "primary key (id, region)) partition by list (region)"


def _define_every_type() -> str:
    columns = ", ".join(f"{name} {TYPES.get(name, name.removeprefix('a_'))}" for name in EVERY_TYPE)
    return f"create table every_type (id bigint primary key, {columns}, {STAMP})"


KINDS = (
    Kind(
        "every_type",
        (
            "create type mood as enum ('good', 'so so')",
            "create domain cents as numeric(10,2)",
            _define_every_type(),
            "alter table every_type alter a_large set storage external",
        ),
        {"id": "{n}"},
        EVERY_TYPE,
    ),
    Kind(
        "composite",
        (f"create table composite (name text, part int, {NOTE_COLUMNS}, {NAME_KEY}",),
        # Names whose order depends on the collation.
        {"part": "{n} % 3", "name": "(array['B','a','''','ä','_',' '])[{n} % 6 + 1] || {n}"},
        NOTES,
    ),
    Kind(
        "uuids",
        (f"create table uuids (id uuid primary key, {NOTE_COLUMNS})",),
        {"id": "lpad(to_hex({n}), 32, '0')::uuid"},
        NOTES,
    ),
    Kind(
        "identity_full",
        (
            f"create table identity_full (id int primary key, {NOTE_COLUMNS})",
            "alter table identity_full replica identity full",
        ),
        {"id": "{n}"},
        NOTES,
    ),
    Kind(
        "identity_index",
        (
            f"create table identity_index (id int primary key, code text not null, {NOTE_COLUMNS})",
            "create unique index by_code on identity_index (code)",
            "alter table identity_index replica identity using index by_code",
        ),
        {"code": "'c' || {n}", "id": "{n}"},
        NOTES,
    ),
    Kind(
        "partitioned",
        (
            f"create table partitioned (id int, region text, {NOTE_COLUMNS}, {REGION_KEY}",
            "create table partition_0 partition of partitioned for values in ('r0')",
            "create table partition_1 partition of partitioned for values in ('r1')",
        ),
        # A change of the number by 1 moves the row to the other partition.
        {"id": "{n} / 2", "region": "'r' || {n} % 2"},
        NOTES,
    ),
    Kind(
        "Mixed Case",
        (f'create table "Mixed Case" ("the Id" int primary key, {NOTE_COLUMNS}, "select" int)',),
        {'"the Id"': "{n}"},
        {**NOTES, '"select"': ("null", "1", "2")},
    ),
)
