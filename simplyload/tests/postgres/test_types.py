"""Types: one cell has one form, from a copy and from the stream, and nothing is rounded."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from simplyload.sources.postgres.types import describe_types

Run = Callable[[str], list[Any]]
Replicate = Callable[..., Any]

DOCUMENT = Path(__file__).parents[2] / "docs" / "postgres_types.md"

# Values of a type as SQL, with what arrives.
VALUES: dict[str, dict[str, Any]] = {
    "bool": {"true": True, "false": False},
    "int2": {"-32768": -32768},
    "int4": {"2147483647": 2147483647},
    "int8": {"-9223372036854775808": -9223372036854775808},
    "float4": {"0.1": 0.10000000149011612, "'NaN'": "nan", "'-Infinity'": float("-inf")},
    "float8": {"0.1": 0.1, "1e-300": 1e-300, "'Infinity'": float("inf")},
    "text": {"''": "", "'ä\\\t\n'": "ä\\\t\n", "'NULL'": "NULL"},
    "varchar(9)": {"'a '": "a "},
    "char(5)": {"'ab'": "ab   "},
    "bytea": {r"'\x00ff27'": b"\x00\xff'", "''": b""},
    "date": {
        "'2024-02-29'": dt.date(2024, 2, 29),
        "'0001-01-01'": dt.date(1, 1, 1),
        "'9999-12-31'": dt.date(9999, 12, 31),
        "'infinity'": None,
        "'5874897-12-31'": None,
        "'4713-01-01 BC'": None,
    },
    "timestamp": {
        "'2024-03-10 02:30'": dt.datetime.fromisoformat("2024-03-10 02:30"),
        "'9999-12-31 23:59:59.999999'": dt.datetime.fromisoformat("9999-12-31 23:59:59.999999"),
        "'294276-12-31'": None,
        "'-infinity'": None,
    },
    "timestamptz": {
        "'2024-03-10 02:30:00.120000-07'": dt.datetime(2024, 3, 10, 9, 30, 0, 120000, dt.UTC),
        "'0001-01-01 00:00+00'": dt.datetime(1, 1, 1, tzinfo=dt.UTC),
        "'0001-12-31 23:59 BC'": None,
        "'infinity'": None,
    },
    "numeric(12,3)": {"1.5": Decimal("1.500"), "-0.001": Decimal("-0.001"), "'NaN'": None},
    "numeric(38,0)": {"9" * 38: Decimal("9" * 38)},
    "numeric(39,0)": {"9" * 39: "9" * 39},
    "numeric(3,-2)": {"12345": "12300"},
    "numeric": {
        "20": "20",
        "17.685": "17.685",
        "1e-20": "0.00000000000000000001",
        "9" * 50: "9" * 50,
        "'NaN'": "NaN",
        "'-Infinity'": "-Infinity",
    },
    "money_domain": {"12.34": Decimal("12.34")},
    "domain_of_domain": {"12.34": Decimal("12.34")},
    "money": {"'1234.5'": "$1,234.50", "'-1'": "-$1.00"},
    "oid": {"4294967295": "4294967295"},
    "xid": {"'7'": "7"},
    "bit(5)": {"B'10101'": "10101"},
    "varbit": {"B'1'": "1"},
    "int4range": {"'[1,5]'": "[1,6)"},
    "int4multirange": {"'{[1,2],[5,6]}'": "{[1,3),[5,7)}"},
    "tsvector": {"'b a'": "'a' 'b'"},
    "inet": {"'10.0.0.1'": "10.0.0.1"},
    "cidr": {"'10.0.0.0/8'": "10.0.0.0/8"},
    "macaddr": {"'08:00:2b:01:02:03'": "08:00:2b:01:02:03"},
    "point": {"'(1,2)'": "(1,2)"},
    "pg_lsn": {"'16/B374D848'": "16/B374D848"},
    "time": {"'24:00'": "24:00:00", "'01:02:03.5'": "01:02:03.5"},
    "timetz": {"'01:02+03'": "01:02:00+03"},
    "interval": {"'1 day 2 hours'": "1 day 02:00:00", "'-1 month'": "-1 mons"},
    "uuid": {"'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
    "json": {
        """'{"b":1, "a":2,"b":3}'""": '{"b":1, "a":2,"b":3}',
        r"""'"\u0000"'""": r'"\u0000"',
        "'null'": "null",
    },
    "jsonb": {
        """'{"n":1234567890123456789.10}'""": '{"n": 1234567890123456789.10}',
        "'null'": "null",
    },
    "mood": {"'so so'": "so so"},
    "mood[]": {"""'{"so so",NULL}'""": '{"so so",NULL}'},
    "text[]": {"""'{NULL,"NULL",""}'""": '{NULL,"NULL",""}', "'{}'": "{}"},
    "int[]": {"'{{1,2},{3,4}}'": "{{1,2},{3,4}}"},
    "pair": {"'(1,x y)'": '(1,"x y")'},
    "regclass": {"'public.cells'": "public.cells"},
    '"char"': {"'x'": "x"},
    "name": {"'n'": "n"},
}
TYPES = """
create type mood as enum ('ok', 'so so');
create type nothing as enum ();
create domain money_domain as numeric(10,2);
create domain domain_of_domain as money_domain check (value > 0);
create type pair as (a int, b text)
"""


@pytest.fixture
def cells(run: Run) -> Callable[[], list[dict[str, Any]]]:
    """Create a table of all types: row n has the nth value of each type, and row 99 none."""
    run(TYPES)
    columns = ", ".join(f"c{i} {name}" for i, name in enumerate(VALUES))
    run(f"create table cells (id int primary key, touched int, none nothing, {columns})")
    for number in range(max(map(len, VALUES.values()))):
        row = {
            f"c{i}": list(values)[number]
            for i, values in enumerate(VALUES.values())
            if number < len(values)
        }
        run(
            f"insert into cells (id, {', '.join(row)}) values ({number}, {', '.join(row.values())})"
        )
    run("insert into cells values (99)")

    def expected_rows() -> list[dict[str, Any]]:
        rows = [
            {
                f"c{i}": list(values.values())[number] if number < len(values) else None
                for i, values in enumerate(VALUES.values())
            }
            for number in range(max(map(len, VALUES.values())))
        ]
        return [*rows, {f"c{i}": None for i in range(len(VALUES))}]

    return expected_rows


def _plain(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give the typed columns, with NaN spelled so that it equals itself."""
    return [
        {
            name: "nan" if str(value) == "nan" else value
            for name, value in row.items()
            if name[0] == "c"
        }
        for row in rows
    ]


def test_a26_a27_a28_a29_a30_a31_a32_copy_and_stream_give_the_same_cell(
    run: Run, cells: Callable[[], list[dict[str, Any]]], replicate: Replicate
) -> None:
    """Each value of each type arrives as listed from a copy, and again when the stream sends it."""
    replica = replicate(mode="cdc", user="postgres")
    replica.sync()
    assert _plain(replica.rows("cells")) == cells()
    copied = sorted(map(str, replica.rejected))
    assert len(copied) == sum(list(values.values()).count(None) for values in VALUES.values())
    replica.rejected.clear()
    run("update cells set touched = 1")
    assert len(replica.sync()) == 7
    assert _plain(replica.rows("cells")) == cells()
    assert [row["touched"] for row in replica.rows("cells")] == [1] * 7
    assert sorted(map(str, replica.rejected)) == copied


def test_a30_a_recreated_enum_is_read_on(run: Run, replicate: Replicate) -> None:
    """An enum that is dropped and created again, with a new oid, is text as before."""
    run("create type mood as enum ('a'); create table t (id int primary key, m mood)")
    run("insert into t values (1, 'a')")
    replica = replicate(mode="cdc", user="postgres")
    replica.sync()
    run("""alter table t alter m type text; drop type mood; create type mood as enum ('b', 'a');
        alter table t alter m type mood using m::mood; insert into t values (2, 'b')""")
    replica.sync()
    assert replica.rows("t") == [{"id": 1, "m": "a"}, {"id": 2, "m": "b"}]


def test_a28_a_key_that_no_warehouse_can_hold_is_named_and_left_out(
    run: Run, replicate: Replicate
) -> None:
    """A row whose key is infinity is recorded with its text; the others are loaded."""
    run(
        "create table t (day date primary key, v int);"
        " insert into t values ('infinity', 1), ('2024-01-01', 2)"
    )
    replica = replicate()
    replica.sync()
    assert replica.rows("t") == [{"day": dt.date(2024, 1, 1), "v": 2}]
    [rejected] = replica.rejected
    assert rejected.key == {"day": "infinity"}
    assert "infinity does not fit date32[day]: the row is left out" in rejected.reason


def test_every_type_is_in_the_document() -> None:
    """The document's table is the one that the code makes."""
    table = [f"| {' | '.join(row)} |".replace("|  |", "| |") for row in describe_types()]
    assert "\n".join(table) in DOCUMENT.read_text()
