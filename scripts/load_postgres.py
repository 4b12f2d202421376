"""Copy the raw tables that `fivetran debug` loaded on this machine into Postgres.

The target is the database of PG_HOST and so on, schema KLAVIYO_RAW_SCHEMA, where dbt's target
postgres reads them. Existing tables are replaced.

exit codes:
  0  every table is copied
  1  the file is missing, or a database failed; Postgres is unchanged
  2  an option or setting is missing or malformed
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
from scripts.warehouse import WarehouseSettings, postgres_conninfo

# Postgres types by DuckDB type; other types have the same name in both.
POSTGRES_TYPES = {"VARCHAR": "text", "DOUBLE": "double precision", "JSON": "jsonb"}


class RawSettings(WarehouseSettings):
    """The target of the copy."""

    klaviyo_raw_schema: str = "klaviyo"


def load_tables(source: duckdb.DuckDBPyConnection, target: psycopg.Connection, schema: str) -> int:
    """Copy and analyse every raw table in one transaction; return their number."""
    target.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(schema)))
    # DuckDB hands over a TIMESTAMPTZ in the session's time zone, which differs between machines.
    source.execute("set timezone = 'UTC'")
    tables = source.execute(
        "select table_name from duckdb_tables() where schema_name = ?", [SCHEMA]
    ).fetchall()
    for (table,) in tables:
        _copy_table(source, target, table, sql.Identifier(schema, table))
    return len(tables)


def _copy_table(
    source: duckdb.DuckDBPyConnection, target: psycopg.Connection, table: str, name: sql.Identifier
) -> None:
    rows = source.sql(f"from {SCHEMA}.{table}")
    columns = sql.SQL(", ").join(
        sql.SQL("{} {}").format(
            sql.Identifier(column), sql.SQL(POSTGRES_TYPES.get(str(kind), str(kind)))
        )
        for column, kind in zip(rows.columns, rows.types, strict=True)
    )
    # Cascade: the staging views of an earlier dbt build depend on the table. dbt builds them again.
    target.execute(sql.SQL("drop table if exists {} cascade").format(name))
    target.execute(sql.SQL("create table {} ({})").format(name, columns))
    with target.cursor().copy(sql.SQL("copy {} from stdin").format(name)) as target_rows:
        while batch := rows.fetchmany(10_000):
            for row in batch:
                target_rows.write_row(row)
    # Without statistics Postgres plans the search for an order's last touch as a loop of all pairs.
    target.execute(sql.SQL("analyze {}").format(name))


@command
def main(arguments: Sequence[str] | None = None) -> None:
    """Copy the tables and print their number."""
    options = _build_parser().parse_args(arguments)
    copy_tables(options.file, RawSettings.read())


def copy_tables(file: Path, settings: RawSettings) -> None:
    """Copy the tables of a file and print their number."""
    if not file.exists():
        raise CommandError(f"{file} is missing: run `make demo` or `make sync` first.")
    try:
        with (
            duckdb.connect(str(file), read_only=True) as source,
            psycopg.connect(postgres_conninfo(settings)) as target,
        ):
            count = load_tables(source, target, settings.klaviyo_raw_schema)
    except (duckdb.Error, psycopg.Error) as error:
        raise CommandError(f"The copy failed: {str(error).splitlines()[0]}") from None
    print(f"{count} tables in {settings.klaviyo_raw_schema} of {settings.pg_database}")


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        ".venv/bin/python -m scripts.load_postgres",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    default = Path("build/demo/connector/files/warehouse.db")
    parser.add_argument(
        "file",
        type=Path,
        nargs="?",
        default=default,
        help="the DuckDB file of the sync (%(default)s)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
