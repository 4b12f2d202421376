"""The Ossie document is valid, and its metrics are those of dbt."""

import json
from pathlib import Path

import duckdb
import jsonschema
import pytest

from looker import codegen, ossie, semantic
from looker.yaml_reader import read_yaml
from tests.looker import measures_sql
from tests.warehouse import shop

SCHEMA = Path(__file__).parent / "data" / "ossie_schema.json"
DOCUMENT = read_yaml(codegen.FOLDER / ossie.FILE)
[MODEL] = DOCUMENT["semantic_model"]


def test_the_document_is_valid() -> None:
    """The committed document holds to the format's published JSON schema."""
    jsonschema.validate(DOCUMENT, json.loads(SCHEMA.read_text()))


def test_every_metric_equals_hand_written_sql(dbt_build: Path) -> None:
    """The SQL of every metric gives, in an account, what SQL without dbt's metrics gives."""
    semantics = semantic.load()
    sources = {dataset["name"]: dataset["source"] for dataset in MODEL["datasets"]}
    offenders = []
    with duckdb.connect(str(dbt_build / "warehouse.duckdb"), read_only=True) as connection:
        for metric in MODEL["metrics"]:
            model = semantics.metric(metric["name"]).model
            [dialect] = metric["expression"]["dialects"]
            expected = measures_sql.MEASURES[model][metric["name"]]
            [values] = connection.sql(
                f"select {dialect['expression']}, {expected} from {sources[model]} as {model}"
                f" where account_id = '{shop.US}' and 'USD' = {currency(model, semantics)}"
            ).fetchall()
            if values[0] != pytest.approx(values[1]):
                offenders.append((metric["name"], *values))
    assert offenders == []


def currency(model: str, semantics: semantic.Semantics) -> str:
    """The SQL of a model's currency, for one that has none the same for all rows."""
    return "currency" if "currency" in semantics.model(model).dimensions else "'USD'"


def test_an_amount_of_two_currencies_is_null(dbt_build: Path) -> None:
    """Over accounts of two currencies an amount has no value; the document says how to group it."""
    metrics = {metric["name"]: metric for metric in MODEL["metrics"]}
    revenue = metrics["conversion_value"]
    sql = revenue["expression"]["dialects"][0]["expression"]
    with duckdb.connect(str(dbt_build / "warehouse.duckdb"), read_only=True) as connection:
        query = f"select {sql} from klaviyo.klaviyo__message_performance as message_performance"
        [[mixed]] = connection.sql(query).fetchall()
        rows = connection.sql(f"{query} group by currency").fetchall()

    assert mixed is None
    assert sum(value or 0 for [value] in rows) > 0
    assert revenue["ai_context"]["instructions"] == "Group by currency."
