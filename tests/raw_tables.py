"""All that a warehouse file says of the account, to be compared with another's."""

from pathlib import Path
from typing import Any

import duckdb

from tests.fivetran import SCHEMA
from tests.loader import OWN

WHEN = {"synced_at", "_fivetran_synced"}  # columns that tell when a row was written


def content(warehouse: Path) -> dict[str, list[dict[str, Any]]]:
    """The rows of each table that has any, but of those about the syncs themselves."""
    if not warehouse.exists():
        return {}
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        found = connection.sql(
            f"select table_name from duckdb_tables() where schema_name = '{SCHEMA}'"
        ).fetchall()
        tables = {name: _rows(connection, name) for (name,) in found if name not in OWN}
    return {name: rows for name, rows in tables.items() if rows}


def _rows(connection: duckdb.DuckDBPyConnection, table: str) -> list[dict[str, Any]]:
    cursor = connection.sql(f"from {SCHEMA}.{table}")
    rows = [dict(zip(cursor.columns, row, strict=True)) for row in cursor.fetchall()]
    content = [{name: value for name, value in row.items() if name not in WHEN} for row in rows]
    return sorted(content, key=repr)
