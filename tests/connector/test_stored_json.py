"""Whatever JSON Klaviyo sends, every engine reads what is stored of it as JSON."""

import json
import sys
from collections.abc import Callable, Iterator

import duckdb
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tables import converters
from tests.connector.json_strategies import JSON
from tests.warehouse.engines import run_postgres
from tests.warehouse.googlesql import GoogleSQL

CountInvalid = Callable[[list[str]], int]  # how many of these texts are no JSON to an engine
DOCUMENTS = st.lists(JSON.filter(lambda value: isinstance(value, dict | list)), min_size=1)
ODD: list[object] = [
    {"nan": float("nan"), "inf": [float("-inf")], "huge": 10**400, "long": 2**63, "zero": -0.0},
    {"nul\0": "a\0b", "lone\ud800": "\udfff", "emoji": "👩‍👩‍👧", "tiny": 5e-324, "large": 1.7e308},
    {"shortest": 0.634178729773548, "seventeen digits": 0.1 + 0.2, "largest": sys.float_info.max},
    {"cut": "7" * 5_000, "deep": json.loads("[" * 900 + "]" * 900), "": {"": []}},
]


@pytest.fixture(scope="module")
def count_invalid_in_duckdb() -> CountInvalid:
    """DuckDB, which `fivetran debug` loads into."""
    connection = duckdb.connect()
    query = "select count(*) from (select unnest(?) as text) where not json_valid(text)"
    return lambda texts: connection.execute(query, [texts]).fetchall()[0][0]


@pytest.fixture(scope="module")
def count_invalid_in_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CountInvalid]:
    """A real Postgres, whose jsonb is stricter than its json."""
    with (
        run_postgres(tmp_path_factory.mktemp("postgres")) as postgres,
        psycopg.connect(postgres.uri, autocommit=True) as connection,
    ):
        rows = "from unnest(%s::text[]) as text where not pg_input_is_valid(text, 'jsonb')"
        query = f"select count(*) {rows}"
        yield lambda texts: connection.execute(query, [texts]).fetchall()[0][0]


@pytest.fixture(scope="module")
def count_invalid_in_bigquery() -> CountInvalid:
    """GoogleSQL, which is BigQuery's.

    Numbers are rounded, since the exact mode refuses one fraction in a thousand, such as
    0.634178729773548: it compares the text with its own, which is not always the shortest.
    """
    engine = GoogleSQL()
    empty = engine.run("select cast(null as string) as text")

    def count_invalid(texts: list[str]) -> int:
        engine.tables["p.d.t"] = empty.with_rows([[text] for text in texts])
        parsed = "safe.parse_json(text, wide_number_mode => 'round')"
        query = f"select count(*) as n from `p`.`d`.`t` where {parsed} is null"
        ((count,),) = engine.run(query).values
        return int(count)

    return count_invalid


@pytest.mark.parametrize("engine", ["duckdb", "postgres", "bigquery"])
def test_every_engine_reads_what_is_stored(request: pytest.FixtureRequest, engine: str) -> None:
    """No document is invalid, with odd numbers, letters and depths among them; junk would be."""
    count_invalid: CountInvalid = request.getfixturevalue(f"count_invalid_in_{engine}")

    def check(documents: list[object]) -> None:
        assert (
            count_invalid(
                [json.dumps(converters.to_json_column(document)) for document in documents]
            )
            == 0
        )

    assert count_invalid(['{"a": 1}', '{"a": nope}', ""]) == 2
    check(ODD)
    settings(max_examples=30, derandomize=True)(given(DOCUMENTS)(check))()
