"""Polls a table with dlt into DuckDB, in dlt's own environment.

`dlt_poll.py URL TABLE FOLDER [--range-start open] [--during SQL]`: the SQL runs while dlt reads.
"""

import argparse
from typing import Any

import dlt
import sqlalchemy
from dlt.sources.sql_database import sql_table

parser = argparse.ArgumentParser()
parser.add_argument("url")
parser.add_argument("table")
parser.add_argument("folder")
parser.add_argument("--range-start", default="closed")
parser.add_argument("--during", default="")
options = parser.parse_args()
pending = [options.during] if options.during else []


def interrupt(rows: Any) -> Any:
    """Let the application work after the first chunk of rows."""
    while pending:
        with sqlalchemy.create_engine(options.url).begin() as connection:
            connection.execute(sqlalchemy.text(pending.pop()))
    return rows


incremental = dlt.sources.incremental("updated_at", range_start=options.range_start)
resource = sql_table(
    options.url, options.table, backend="pyarrow", chunk_size=2, incremental=incremental
)
resource.apply_hints(primary_key="id", write_disposition="merge")
pipeline = dlt.pipeline(
    "rival",
    destination=dlt.destinations.duckdb(f"{options.folder}/dlt.duckdb"),
    dataset_name="shop",
    pipelines_dir=f"{options.folder}/pipelines",
)
pipeline.run(resource.add_map(interrupt))
