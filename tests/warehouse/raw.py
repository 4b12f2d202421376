"""A raw warehouse file as `fivetran debug` writes it, with rows written by hand."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from models import Table
from streams import TABLES
from tests.fivetran import SCHEMA

# The DuckDB types that fivetran-connector-sdk 3.0.0 creates for the declared types.
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


def write(file: Path, rows: Mapping[str, Rows], tables: Collection[str] = TABLES) -> Path:
    """Write the declared tables to `file`.

    Missing columns are NULL, missing key columns the empty text, as the connector writes them. A
    table without rows has no `_fivetran_deleted`, as the SDK creates it.
    """
    with duckdb.connect(str(file)) as connection:
        connection.execute(f"create schema {SCHEMA}")
        for table in map(TABLES.__getitem__, tables):
            table_rows = rows.get(table.name, ())
            columns = _columns(table, deletable=bool(table_rows))
            _create(connection, table, columns)
            if table_rows:
                _load(connection, table, columns, file.with_suffix(".json"), table_rows)
    return file


def _columns(table: Table, *, deletable: bool) -> dict[str, str]:
    """The stored columns with their types."""
    declared = {name: DUCKDB_TYPES[kind] for name, kind in table.types.items()}
    deleted = {"_fivetran_deleted": "BOOLEAN"} if deletable else {}
    return declared | {"_fivetran_synced": "TIMESTAMPTZ"} | deleted


def _create(
    connection: duckdb.DuckDBPyConnection, table: Table, columns: Mapping[str, str]
) -> None:
    declared = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
    key = ", ".join(table.primary_key)
    connection.execute(f"create table {SCHEMA}.{table.name} ({declared}, primary key ({key}))")


def _load(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    columns: Mapping[str, str],
    scratch: Path,
    rows: Rows,
) -> None:
    scratch.write_text("\n".join(_lines(table, rows)))
    connection.execute(
        f"insert into {SCHEMA}.{table.name} by name from read_json(?, columns = {dict(columns)!r})",
        [str(scratch)],
    )


def _lines(table: Table, rows: Rows) -> Iterator[str]:
    always = {"synced_at": SYNCED_AT, "_fivetran_synced": SYNCED_AT, "_fivetran_deleted": False}
    for row in rows:
        yield json.dumps(dict.fromkeys(table.primary_key, "") | always | dict(row))
