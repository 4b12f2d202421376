"""The BigQuery server of this machine as an engine on which dbt builds.

dbt's own adapter connects to it, so it sends what it sends to Google.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import duckdb
import yaml

from tests.fivetran import SCHEMA
from tests.raw_tables import Rows
from tests.warehouse import dbt
from tests.warehouse.bigquery_api import PROJECT, BigQueryApi, serve
from tests.warehouse.engines import RAW_SCHEMA
from tests.warehouse.googlesql import Table

__all__ = ["PROJECT", "BigQuery", "run_bigquery"]

# The BigQuery types that Fivetran creates, by the DuckDB types of the raw file.
TYPES = {
    "VARCHAR": "string",
    "BIGINT": "int64",
    "DOUBLE": "float64",
    "BOOLEAN": "bool",
    "TIMESTAMP WITH TIME ZONE": "timestamp",
    "DATE": "date",
    "JSON": "json",
}


class BigQuery(BigQueryApi):
    """The server, with the raw tables that dbt reads."""

    def __init__(self, url: str, folder: Path) -> None:
        super().__init__(url)
        self.environment = {
            "DBT_TARGET": "bigquery",
            "BQ_PROJECT": PROJECT,
            "KLAVIYO_RAW_SCHEMA": RAW_SCHEMA,
            "DBT_PROFILES_DIR": str(_write_profile(folder, url)),
        }

    def load(self, file: Path) -> None:
        """Copy the raw tables."""
        casts = ", ".join(f"cast(null as {ours}) as `{theirs}`" for theirs, ours in TYPES.items())
        of = self.sql.run(f"select {casts}").types
        with duckdb.connect(str(file), read_only=True) as connection:
            connection.execute("set timezone = 'UTC'")
            names = connection.execute(
                "select table_name from duckdb_tables() where schema_name = ?", [SCHEMA]
            ).fetchall()
            for (name,) in names:
                rows = connection.sql(f"from {SCHEMA}.{name}")
                types = {
                    column: of[str(kind)]
                    for column, kind in zip(rows.columns, rows.types, strict=True)
                }
                table = Table(types, []).with_rows(rows.fetchall())
                self.sql.tables[f"{PROJECT}.{RAW_SCHEMA}.{name}"] = table

    def rows(self, schemas: Mapping[str, str]) -> dict[str, Rows]:
        """The rows of models."""
        tables = {
            name: self.sql.tables[f"{PROJECT}.{schema}.{name}"] for name, schema in schemas.items()
        }
        return {
            name: [dict(zip(table.types, row, strict=True)) for row in table.values]
            for name, table in tables.items()
        }


def _write_profile(folder: Path, url: str) -> Path:
    """Write the project's own profile with the address of this server."""
    profile = yaml.safe_load((dbt.PROJECT / "profiles.yml").read_text())
    profile["klaviyo_warehouse"]["outputs"]["bigquery"] |= {
        "method": "oauth-secrets",
        "token": "none",
        "api_endpoint": url,
        "threads": 1,
    }
    (folder / "profiles.yml").write_text(yaml.safe_dump(profile))
    return folder


@contextmanager
def run_bigquery(folder: Path) -> Iterator[BigQuery]:
    """An empty BigQuery server, with a profile in `folder` that connects to it."""
    with serve(lambda url: BigQuery(url, folder)) as engine:
        yield engine
