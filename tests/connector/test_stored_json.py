"""V2: whatever JSON Klaviyo sends, what is stored of it every engine reads as JSON."""

import json
import sys
from collections.abc import Callable, Iterator

import duckdb
import psycopg
import pytest
import values
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.connector.anything import JSON
from tests.warehouse.engines import running_postgres
from tests.warehouse.googlesql import GoogleSQL

Refused = Callable[[list[str]], int]  # how many of these texts an engine takes for no JSON
DOCUMENTS = st.lists(JSON.filter(lambda value: isinstance(value, dict | list)), min_size=1)
ODD: list[object] = [
    {"nan": float("nan"), "inf": [float("-inf")], "huge": 10**400, "long": 2**63, "zero": -0.0},
    {"nul\0": "a\0b", "lone\ud800": "\udfff", "emoji": "👩‍👩‍👧", "tiny": 5e-324, "large": 1.7e308},
    {"shortest": 0.634178729773548, "seventeen digits": 0.1 + 0.2, "largest": sys.float_info.max},
    {"cut": "7" * 5_000, "deep": json.loads("[" * 900 + "]" * 900), "": {"": []}},
]


@pytest.fixture(scope="module")
def duckdb_refuses() -> Refused:
    """DuckDB, which the SDK loads into here."""
    connection = duckdb.connect()
    asked = "select count(*) from (select unnest(?) as text) where not json_valid(text)"
    return lambda texts: connection.execute(asked, [texts]).fetchall()[0][0]


@pytest.fixture(scope="module")
def postgres_refuses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Refused]:
    """A real Postgres, whose jsonb is stricter than its json."""
    with (
        running_postgres(tmp_path_factory.mktemp("postgres")) as postgres,
        psycopg.connect(postgres.uri, autocommit=True) as connection,
    ):
        rows = "from unnest(%s::text[]) as text where not pg_input_is_valid(text, 'jsonb')"
        asked = f"select count(*) {rows}"
        yield lambda texts: connection.execute(asked, [texts]).fetchall()[0][0]


@pytest.fixture(scope="module")
def bigquery_refuses() -> Refused:
    """GoogleSQL, which is BigQuery's.

    Numbers are rounded, since the exact mode refuses one fraction in a thousand, 0.634178729773548
    for instance: it compares the text with its own, which is not always the shortest.
    """
    engine = GoogleSQL()
    empty = engine.run("select cast(null as string) as text")

    def refused(texts: list[str]) -> int:
        engine.tables["p.d.t"] = empty.with_rows([[text] for text in texts])
        parsed = "safe.parse_json(text, wide_number_mode => 'round')"
        asked = f"select count(*) as n from `p`.`d`.`t` where {parsed} is null"
        ((count,),) = engine.run(asked).values
        return int(count)

    return refused


@pytest.mark.parametrize("engine", ["duckdb", "postgres", "bigquery"])
def test_every_engine_reads_what_is_stored(request: pytest.FixtureRequest, engine: str) -> None:
    """No document is refused, with odd numbers, letters and depths among them; junk would be."""
    refused: Refused = request.getfixturevalue(f"{engine}_refuses")

    def check(documents: list[object]) -> None:
        assert refused([json.dumps(values.document(one)) for one in documents]) == 0

    assert refused(['{"a": 1}', '{"a": nope}', ""]) == 2
    check(ODD)
    settings(max_examples=30, derandomize=True)(given(DOCUMENTS)(check))()
