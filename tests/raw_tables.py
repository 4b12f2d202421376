"""Reads the raw tables of a warehouse file, also in a form that compares with another's."""

from pathlib import Path
from typing import Any

import duckdb

from tests.fivetran import SCHEMA
from tests.loader import SYNC_TABLES

WRITTEN_AT = {"synced_at", "_fivetran_synced"}  # when a row was written
Rows = list[dict[str, Any]]


def everything(warehouse: Path) -> dict[str, Rows]:
    """The rows of each raw table that has any."""
    if not warehouse.exists():
        return {}
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        names = connection.sql(
            f"select table_name from duckdb_tables() where schema_name = '{SCHEMA}'"
        ).fetchall()
        tables = {name: _rows(connection, name) for (name,) in names}
    return {name: rows for name, rows in tables.items() if rows}


def _rows(connection: duckdb.DuckDBPyConnection, table: str) -> Rows:
    cursor = connection.sql(f"from {SCHEMA}.{table}")
    return [dict(zip(cursor.columns, row, strict=True)) for row in cursor.fetchall()]


def content(warehouse: Path) -> dict[str, Rows]:
    """The tables about the account, not the syncs, without when a row was written."""
    tables = everything(warehouse)
    return {name: _content(rows) for name, rows in tables.items() if name not in SYNC_TABLES}


def _content(rows: Rows) -> Rows:
    bare = [{name: value for name, value in row.items() if name not in WRITTEN_AT} for row in rows]
    return sorted(bare, key=repr)
