"""dbt builds with few rights: in schemas that somebody else has created."""

from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.warehouse import dbt, raw, shop
from tests.warehouse.engines import RAW_SCHEMA, run_postgres

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]

SCHEMAS = ("klaviyo", "klaviyo_staging", "klaviyo_intermediate", "klaviyo_compatibility")


def test_schemas_made_beforehand_need_no_right_to_create_one(tmp_path: Path) -> None:
    """A role that owns the models' schemas, and may only read the raw one, builds every model."""
    with run_postgres(tmp_path) as engine:
        engine.load(raw.write(tmp_path / "raw.db", shop.ROWS, shop.TABLE_NAMES))
        with psycopg.connect(engine.uri) as connection:
            connection.execute("create role analyst login")
            for schema in SCHEMAS:
                name = sql.Identifier(schema)
                connection.execute(sql.SQL("create schema {} authorization analyst").format(name))
            name = sql.Identifier(RAW_SCHEMA)
            for rights in ("usage on schema {}", "select on all tables in schema {}"):
                connection.execute(sql.SQL(f"grant {rights} to analyst").format(name))
        environment = dbt.EVERYTHING | engine.environment | {"PG_USER": "analyst"}
        done = dbt.run_on(tmp_path, environment, "run")

    assert done.returncode == 0, done.stdout
