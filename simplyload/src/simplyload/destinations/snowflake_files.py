"""A load's files for Snowflake, and the COPY that reads exactly them."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from sqlglot import exp

from simplyload import merge
from simplyload.changes import COLS
from simplyload.destinations.destination import Staged
from simplyload.gather import LOG_FIELDS, read_conformed

STAGE_SCHEMA = "_SIMPLYLOAD_STAGE"
STAGE = f"{STAGE_SCHEMA}.LOADS"
# Snowflake advises 100 to 250 MB: COPY reads files side by side.
# https://docs.snowflake.com/en/user-guide/data-load-considerations-prepare
FILE_BYTES = 100 << 20


def copy_into(stage: exp.Table, files: list[str]) -> str:
    """Give the COPY of these files alone; Snowflake's load history keeps it from loading twice.

    Without USE_LOGICAL_TYPE a timestamp is a number whose unit Snowflake guesses, and bytes are
    text without BINARY_AS_TEXT = FALSE.
    """
    names = ", ".join(f"'{name}'" for name in files)
    return (
        f"COPY INTO {stage.sql('snowflake')} FROM @{STAGE}/{stage.name}/ FILES = ({names})"
        " FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE BINARY_AS_TEXT = FALSE)"
        " MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE ON_ERROR = ABORT_STATEMENT"
    )


def read_spelled(staged: Staged, names: Mapping[str, str]) -> pa.RecordBatchReader:
    """Read a load's changes, `_cols` as text: Snowflake's form of a list of Parquet varies."""
    changes = read_conformed(staged, names)
    place = changes.schema.get_field_index(COLS)
    upper = {field.name: field.name.upper() for field in LOG_FIELDS}
    fields = [field.with_name(upper.get(field.name, field.name)) for field in changes.schema]
    fields[place] = pa.field(COLS.upper(), pa.string())
    schema = pa.schema(fields)

    def spelled() -> Iterator[pa.RecordBatch]:
        for batch in changes:
            lists = batch.column(place)
            texts = [None if one is None else _spell(tuple(one)) for one in lists.to_pylist()]
            columns = batch.columns
            columns[place] = pa.array(texts, pa.string())
            yield pa.RecordBatch.from_arrays(columns, schema=schema)

    return pa.RecordBatchReader.from_batches(schema, spelled())


@cache
def _spell(names: tuple[str, ...]) -> str:
    return "".join(merge.spell(name) for name in names)


def write_files(changes: pa.RecordBatchReader, folder: Path) -> list[Path]:
    """Write Parquet files of about `FILE_BYTES`; one without rows where there is no change."""
    files: list[Path] = []
    writer: pq.ParquetWriter | None = None
    for batch in changes:
        if writer is None:
            files.append(folder / f"{len(files)}.parquet")
            writer = pq.ParquetWriter(files[-1], changes.schema, compression="zstd")
        writer.write_batch(batch)
        if files[-1].stat().st_size > FILE_BYTES:
            writer.close()
            writer = None
    if writer is not None:
        writer.close()
    return files
