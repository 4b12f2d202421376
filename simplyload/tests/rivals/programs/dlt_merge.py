"""Merges changes into DuckDB with dlt, in dlt's own environment.

`dlt_merge.py FOLDER STRATEGY CHANGES...`: each argument is the JSON of one load, a list of rows; a
row with `removed` is deleted.
"""

import json
import sys

import dlt

folder, strategy, *loads = sys.argv[1:]
pipeline = dlt.pipeline(
    "rival",
    destination=dlt.destinations.duckdb(f"{folder}/dlt.duckdb"),
    dataset_name="shop",
    pipelines_dir=f"{folder}/pipelines",
)
for load in loads:
    pipeline.run(
        json.loads(load),
        table_name="items",
        primary_key="id",
        write_disposition={"disposition": "merge", "strategy": strategy},
        columns={"removed": {"hard_delete": True, "data_type": "bool"}},
    )
