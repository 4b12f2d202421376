"""A raw warehouse as `fivetran debug` leaves it behind, filled by hand."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
from models import Table
from streams import TABLES

from tests.fivetran import SCHEMA

# What fivetran-connector-sdk 3.0.0 makes of the declared types.
DUCKDB_TYPES = {
    "STRING": "VARCHAR",
    "LONG": "BIGINT",
    "DOUBLE": "DOUBLE",
    "BOOLEAN": "BOOLEAN",
    "UTC_DATETIME": "TIMESTAMPTZ",
    "NAIVE_DATE": "DATE",
    "JSON": "JSON",
}

SYNCED_AT = "2026-11-20T09:00:00Z"

Rows = Sequence[Mapping[str, Any]]


def write(file: Path, rows: Mapping[str, Rows]) -> Path:
    """Write every declared table to `file`. Columns a row leaves out are NULL.

    Keys of reports left out are the empty text, as the connector writes them. As the SDK does, a
    table without rows gets no `_fivetran_deleted`.
    """
    with duckdb.connect(str(file)) as connection:
        connection.execute(f"create schema {SCHEMA}")
        for table in TABLES.values():
            _create(connection, table, deletable=bool(rows.get(table.name)))
            for row in rows.get(table.name, ()):
                _insert(connection, table, row)
    return file


def _create(connection: duckdb.DuckDBPyConnection, table: Table, *, deletable: bool) -> None:
    columns = [f'"{name}" {DUCKDB_TYPES[kind]}' for name, kind in table.types.items()]
    columns += ["_fivetran_synced TIMESTAMPTZ"] + ["_fivetran_deleted BOOLEAN"] * deletable
    columns.append(f"primary key ({', '.join(table.primary_key)})")
    connection.execute(f"create table {SCHEMA}.{table.name} ({', '.join(columns)})")


def _insert(connection: duckdb.DuckDBPyConnection, table: Table, row: Mapping[str, Any]) -> None:
    always = {"synced_at": SYNCED_AT, "_fivetran_synced": SYNCED_AT, "_fivetran_deleted": False}
    full = dict.fromkeys(table.primary_key, "") | always | dict(row)
    columns = ", ".join(f'"{name}"' for name in full)
    marks = ", ".join("?" * len(full))
    connection.execute(
        f"insert into {SCHEMA}.{table.name} ({columns}) values ({marks})", list(full.values())
    )
