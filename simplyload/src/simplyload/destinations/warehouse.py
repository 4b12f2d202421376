"""What warehouses have in common that load files into tables: no key, no index, their own stage.

A stage is a table that is named after its load and stream, in a schema that holds nothing else:
what a killed load left there is found by its name.
"""

import re
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
import pyarrow.parquet as pq
from sqlglot import exp

from simplyload import merge
from simplyload.changes import COLS
from simplyload.destinations.destination import Load, Staged
from simplyload.destinations.sql import Shape, SqlDestination
from simplyload.errors import TableStoppedError
from simplyload.gather import LOG_FIELDS, read_conformed

# Snowflake advises 100 to 250 MB: it reads files side by side.
# https://docs.snowflake.com/en/user-guide/data-load-considerations-prepare
FILE_BYTES = 100 << 20


class WarehouseDestination(SqlDestination):
    """A warehouse; a subclass brings a load's files into the stage that `_new_stage` names."""

    product: ClassVar[str]
    stage_schema: ClassVar[str]
    spelling = staticmethod(merge.spell)

    def drop_leftovers(self, stream: str) -> list[str]:
        """Drop the stages of dead loads of this stream, and name them."""
        leftovers = self._find_stages(stream, self._list_stages())
        for leftover in leftovers:
            self._drop_stage(self._stage_table(leftover))
        return leftovers

    def _find_stages(self, stream: str, names: Iterable[str]) -> list[str]:
        """Return which of the names are of stages of a stream."""
        name = re.compile(rf"{self._in_case('stage')}_\d+_\d+_\d+_{self._in_case(stream)}")
        return sorted(filter(name.fullmatch, names))

    def _stage_table(self, name: str) -> exp.Table:
        return exp.table_(name, db=self.stage_schema, quoted=True)

    @abstractmethod
    def _list_stages(self) -> list[str]:
        """List the tables of the schema of stages."""

    def _in_case(self, name: str) -> str:
        """Return a name in the case in which the warehouse has it."""
        return name

    def _add_stage(self, load: Load) -> exp.Table:
        number = f"{load.load_id.replace('-', '_')}_{len(self._stages)}"
        name = self._in_case(f"stage_{number}_{load.stream}")
        stage = self._stage_table(name)
        self._stages.append(stage)
        return stage

    def _is_known(self, plan: merge.Merge) -> bool:  # noqa: ARG002
        """Merge always: to look for a key first would read the target twice."""
        return True

    def _refuse_widening(self, shape: Shape, column: str, kind: exp.DataType) -> TableStoppedError:
        """Return the error of a type that the warehouse does not change in place."""
        return TableStoppedError(
            f"Column {column} of {shape.name} is {(shape.existing or {}).get(column)} and must "
            f"become {kind.sql(self.dialect)}, which {self.product} does not do in place",
            "rename the column there, then run"
            f" `simplyload backfill {shape.name}`, which fills a new one",
        )


def read_spelled(
    staged: Staged, names: Mapping[str, str], in_case: Callable[[str], str] = str
) -> pa.RecordBatchReader:
    """Read a load's changes, `_cols` as text: a warehouse's form of a list of Parquet varies."""
    changes = read_conformed(staged, names)
    place = changes.schema.get_field_index(COLS)
    ours = {field.name: in_case(field.name) for field in LOG_FIELDS}
    fields = [field.with_name(ours.get(field.name, field.name)) for field in changes.schema]
    fields[place] = pa.field(in_case(COLS), pa.string())
    schema = pa.schema(fields)

    def spell_batches() -> Iterator[pa.RecordBatch]:
        for batch in changes:
            lists = batch.column(place)
            texts = [None if names is None else _spell(tuple(names)) for names in lists.to_pylist()]
            columns = batch.columns
            columns[place] = pa.array(texts, pa.string())
            yield pa.RecordBatch.from_arrays(columns, schema=schema)

    return pa.RecordBatchReader.from_batches(schema, spell_batches())


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
