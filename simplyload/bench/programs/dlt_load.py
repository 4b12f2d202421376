"""Loads a table with dlt: `dlt_load.py BACKEND URL TABLE FOLDER [CURSOR]`."""

import sys
from collections.abc import Iterator

import adbc_driver_postgresql.dbapi
import dlt
import pyarrow as pa
from dlt.sources.sql_database import sql_table

backend, url, table, folder, *cursors = sys.argv[1:]


@dlt.resource(name=table, write_disposition="merge", primary_key="id")
def read_with_adbc() -> Iterator[pa.RecordBatch]:
    """Yield Arrow batches; uuid, jsonb and numeric as text, which dlt cannot take otherwise."""
    with adbc_driver_postgresql.dbapi.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(
            "select id, customer_id, status, email, amount::text, quantity, paid, created_at,"
            f" updated_at, code::text, payload::text, note from {table}"
        )
        yield from cursor.fetch_record_batch()


def read() -> object:
    """Give the resource of the chosen backend."""
    if backend == "adbc":
        return read_with_adbc()
    incremental = dlt.sources.incremental(cursors[0]) if cursors else None
    resource = sql_table(url, table, backend=backend, chunk_size=50_000, incremental=incremental)
    resource.apply_hints(primary_key="id", write_disposition="merge")
    return resource


pipeline = dlt.pipeline(
    "bench",
    destination=dlt.destinations.duckdb(f"{folder}/dlt.duckdb"),
    dataset_name="shop",
    pipelines_dir=f"{folder}/pipelines",
)
print(pipeline.run(read()))
