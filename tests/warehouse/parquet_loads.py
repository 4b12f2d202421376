"""Load jobs of BigQuery: what they make of a Parquet file. Only SimplyLoad's tests load files."""

import io
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.warehouse.googlesql import GoogleSQL, Table

# What a load job makes of Parquet's types; a decimal fits NUMERIC and BIGNUMERIC alike.
# cloud.google.com/bigquery/docs/loading-data-cloud-storage-parquet#parquet_conversions
LOADED: dict[str, set[str]] = {
    "int16": {"INT64"},
    "int32": {"INT64"},
    "int64": {"INT64"},
    "float": {"FLOAT64"},
    "double": {"FLOAT64"},
    "bool": {"BOOL"},
    "string": {"STRING"},
    "binary": {"BYTES"},
    "date32[day]": {"DATE"},
    "timestamp[us]": {"DATETIME"},
    "timestamp[us, tz=UTC]": {"TIMESTAMP"},
}


def append(sql: GoogleSQL, name: str, load: Mapping[str, Any], data: bytes) -> None:
    """Append the rows of a file to a table, as a load job with these settings does."""
    rows = pq.read_table(io.BytesIO(data))
    if load["sourceFormat"] != "PARQUET" or name not in sql.tables:
        raise ValueError(f"Not found: Table {name}, or no Parquet")
    table = sql.tables[name]
    if load.get("writeDisposition") == "WRITE_EMPTY" and table.rows:
        raise ValueError(f"Already Exists: Table {name}")
    for field in rows.schema:
        _check_loaded(field, table.declared[field.name])
    found = sql.cast(_to_table(rows), {name: table.declared[name] for name in rows.column_names})
    order = [rows.column_names.index(column) for column in table.types]
    table.rows.extend([row[place] for place in order] for row in found.rows)


def _check_loaded(field: "pa.Field[Any]", declared: str) -> None:
    kind = declared.split("(", maxsplit=1)[0]
    fits = {"NUMERIC", "BIGNUMERIC"} if pa.types.is_decimal(field.type) else LOADED[str(field.type)]
    if kind not in fits:
        raise ValueError(f"Field {field.name} has type {field.type}, and its column {declared}")


def _to_table(rows: pa.Table) -> Table:
    """The rows as GoogleSQL's values, of which a cast makes those of their columns."""
    columns = {}
    for name, column in zip(rows.column_names, rows.columns, strict=True):
        is_plain = pa.types.is_boolean(column.type) or pa.types.is_binary(column.type)
        if pa.types.is_integer(column.type):
            columns[name] = "int64", column.to_pylist()
        elif pa.types.is_floating(column.type):
            columns[name] = "double", column.to_pylist()
        elif is_plain:
            kind = "bool" if pa.types.is_boolean(column.type) else "bytes"
            columns[name] = kind, column.to_pylist()
        else:
            columns[name] = "string", column.cast(pa.string()).to_pylist()
    nulls = ", ".join(
        f"cast(null as {kind.replace('double', 'float64')}) as `{name}`"
        for name, (kind, _) in columns.items()
    )
    types = GoogleSQL().run(f"select {nulls}").types
    return Table(types, []).with_rows(zip(*(values for _, values in columns.values()), strict=True))
