"""Copy the raw tables that `fivetran debug` has loaded on this machine into Postgres.

PG_HOST and so on say where, KLAVIYO_RAW_SCHEMA in which schema: dbt's target postgres reads them
there. Tables that exist already are replaced.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import duckdb
import psycopg
from psycopg import sql

from scripts.command import CommandError, command
from scripts.fivetran_debug import SCHEMA
from scripts.warehouse import WarehouseSettings, postgres_address

TYPES = {"VARCHAR": "text", "DOUBLE": "double precision", "JSON": "jsonb"}  # the others are alike


class RawSettings(WarehouseSettings):
    """Where the raw tables go."""

    klaviyo_raw_schema: str = "klaviyo"


def load(source: duckdb.DuckDBPyConnection, target: psycopg.Connection, schema: str) -> int:
    """Copy every raw table in one transaction, and give their number."""
    target.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(schema)))
    source.execute("set timezone = 'UTC'")
    tables = source.execute(
        "select table_name from duckdb_tables() where schema_name = ?", [SCHEMA]
    ).fetchall()
    for (table,) in tables:
        _copy(source, target, table, sql.Identifier(schema, table))
    return len(tables)


def _copy(
    source: duckdb.DuckDBPyConnection, target: psycopg.Connection, table: str, name: sql.Identifier
) -> None:
    rows = source.sql(f"from {SCHEMA}.{table}")
    columns = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(TYPES.get(str(kind), str(kind))))
        for column, kind in zip(rows.columns, rows.types, strict=True)
    )
    target.execute(sql.SQL("drop table if exists {} cascade").format(name))
    target.execute(sql.SQL("create table {} ({})").format(name, columns))
    with target.cursor().copy(sql.SQL("copy {} from stdin").format(name)) as written:
        while batch := rows.fetchmany(10_000):
            for row in batch:
                written.write_row(row)


@command
def main(arguments: Sequence[str] | None = None) -> None:
    """Copy, and say how much."""
    options = _parser().parse_args(arguments)
    if not options.file.exists():
        raise CommandError(f"{options.file} is missing: run `make demo` or `make sync` first.")
    settings = RawSettings.read()
    try:
        with (
            duckdb.connect(str(options.file), read_only=True) as source,
            psycopg.connect(postgres_address(settings)) as target,
        ):
            count = load(source, target, settings.klaviyo_raw_schema)
    except (duckdb.Error, psycopg.Error) as error:
        raise CommandError(f"The copy failed: {str(error).splitlines()[0]}") from None
    print(f"{count} tables in {settings.klaviyo_raw_schema} of {settings.pg_database}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        ".venv/bin/python -m scripts.load_postgres",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    default = Path("build/demo/connector/files/warehouse.db")
    parser.add_argument("file", type=Path, nargs="?", default=default, help="(%(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
