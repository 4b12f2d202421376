"""A Snowflake server on this machine: fakesnow, which translates Snowflake's SQL for DuckDB.

It runs in .venv-snowflake. A line of standard input is a request, JSON: {"load": a DuckDB file of
raw tables}, or {"export": a folder, "models": {name: schema}}, which writes a Parquet file for each
model. A line of standard output answers it; the first has the server's port.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pyarrow.parquet
from fakesnow import server as start_server
from fakesnow.cursor import FakeSnowflakeCursor
from fakesnow.server import shared_fs
from fakesnow.variables import Variables
from snowflake.connector import connect
from snowflake.connector.cursor import SnowflakeCursor

DATABASE, RAW_SCHEMA = "analytics", "klaviyo_raw"
# The Snowflake types that Fivetran creates, by the DuckDB types of the raw file.
TYPES = {
    "VARCHAR": "text",
    "BIGINT": "number(38, 0)",
    "DOUBLE": "float",
    "BOOLEAN": "boolean",
    "TIMESTAMP WITH TIME ZONE": "timestamp_tz",
    "DATE": "date",
    "JSON": "variant",
}
# What fakesnow 0.12 does not do as Snowflake: it cannot read comments of columns.
COMMENTS = [r"\s*comment on ", r'\s*alter\s+\w+\s+\S+\s+alter\s+"\w+" comment ']
# The text of an item of an array is its JSON, with quotes, unless it is taken from an array. A
# temporary table cannot be in a schema. And `$extra` in a text is a variable, so the place that
# replaces variables replaces these instead.
REPLACEMENTS = {
    "cast(item as text)": "cast(array_construct(item)[0] as text)",
    "create or replace temporary table": "create or replace transient table",
}


def main() -> None:
    """Serve until standard input ends."""
    shared_fs.nop_regexes = COMMENTS
    Variables.inline_variables = lambda _, sql: replace(sql)
    answers = sys.stdout
    sys.stdout = sys.stderr  # for the log of requests
    with start_server() as address, connect(**address) as connection:
        cursor = connection.cursor()
        cursor.execute(f"create database {DATABASE}")
        print(address["port"], file=answers, flush=True)
        for line in sys.stdin:
            match json.loads(line):
                case {"load": file}:
                    load(cursor, file)
                case {"export": folder, "models": models}:
                    # Not by the server, whose answers have 1970 for a timestamp that is NULL.
                    export(shared_fs.connect(DATABASE, RAW_SCHEMA).cursor(), Path(folder), models)
            print("done", file=answers, flush=True)


def replace(sql: str) -> str:
    """A statement as fakesnow can run it."""
    for original, replacement in REPLACEMENTS.items():
        sql = sql.replace(original, replacement)
    return sql


def load(cursor: SnowflakeCursor, file: str) -> None:
    """Replace the raw tables."""
    cursor.execute(f"create schema if not exists {DATABASE}.{RAW_SCHEMA}")
    with duckdb.connect(file, read_only=True) as source:
        tables = source.sql("select schema_name, table_name from duckdb_tables()").fetchall()
        relations = {table: source.sql(f"from {schema}.{table}") for schema, table in tables}
        for table, rows in relations.items():
            columns = ", ".join(
                f"{name} {TYPES[str(kind)]}"
                for name, kind in zip(rows.columns, rows.types, strict=True)
            )
            cursor.execute(f"create or replace table {DATABASE}.{RAW_SCHEMA}.{table} ({columns})")
    copy_rows(file, tables)


def copy_rows(file: str, tables: list[tuple[str, str]]) -> None:
    """Fill the tables from the file, not by the server: it takes minutes to read their SQL."""
    connection = shared_fs.connect(DATABASE, RAW_SCHEMA)._duck_conn
    connection.execute(f"attach '{file}' as raw_file (read_only)")
    for schema, table in tables:
        connection.execute(
            f"insert into {DATABASE}.{RAW_SCHEMA}.{table} from raw_file.{schema}.{table}"
        )
    connection.execute("detach raw_file")


def export(cursor: FakeSnowflakeCursor, folder: Path, models: Mapping[str, str]) -> None:
    """Write the rows of models."""
    for name, schema in models.items():
        cursor.execute(f"select * from {DATABASE}.{schema}.{name}")
        names = [column.name.lower() for column in cursor.description]
        columns = dict(zip(names, zip(*cursor.fetchall(), strict=True), strict=False))
        table = pyarrow.table({name: columns.get(name, ()) for name in names})
        pyarrow.parquet.write_table(table, folder / f"{name}.parquet")


if __name__ == "__main__":
    main()
