"""Reads the marts from BigQuery. `make pipeline` installs its client, `make demo` does not."""

from collections.abc import Iterator
from contextlib import contextmanager

from google.api_core.exceptions import GoogleAPIError
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery

from scripts.warehouse import Warehouse, WarehouseSettings

ERRORS = (GoogleAPIError, GoogleAuthError)
# DuckDB types by type of BigQuery's API: https://cloud.google.com/bigquery/docs/reference/rest/v2/tables
DUCKDB_TYPES = {
    "STRING": "VARCHAR",
    "INTEGER": "BIGINT",
    "FLOAT": "DOUBLE",
    "TIMESTAMP": "TIMESTAMPTZ",
    "NUMERIC": "DECIMAL(38, 9)",
}


@contextmanager
def open_bigquery(settings: WarehouseSettings) -> Iterator[Warehouse]:
    """Open a dataset for reading."""
    limit = bigquery.QueryJobConfig(maximum_bytes_billed=settings.bq_maximum_bytes_billed)
    dataset = f"{settings.bq_project}.{settings.bq_dataset}"
    with bigquery.Client(
        settings.bq_project, location=settings.bq_location, default_query_job_config=limit
    ) as client:

        def describe() -> dict[str, dict[str, str]]:
            tables = [client.get_table(table) for table in client.list_tables(dataset)]
            return {
                table.table_id: {
                    field.name: DUCKDB_TYPES.get(field.field_type, field.field_type)
                    for field in table.schema
                }
                for table in tables
            }

        yield Warehouse(
            f"`{settings.bq_project}`.`{settings.bq_dataset}`.`{{}}`",
            lambda sql: (row.values() for row in client.query_and_wait(sql)),
            describe,
        )
