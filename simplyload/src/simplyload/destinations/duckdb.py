"""DuckDB: one file, no server. MERGE reads the change log's Parquet files where they are."""

import errno
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import duckdb
import pyarrow as pa
from pydantic import BaseModel, ByteSize, ConfigDict
from sqlglot import exp

from simplyload import merge
from simplyload.catalog import Dialect, Names
from simplyload.changes import Table
from simplyload.destinations.destination import Lease, Load, LoadResult, Staged
from simplyload.destinations.sql import CONSTRAINT_REMEDY, SqlDestination, Step
from simplyload.errors import AlreadyRunningError, DestinationError
from simplyload.gather import LOG_FIELDS, is_uniform, read_as, read_conformed
from simplyload.store import check_folder


class DuckDBSettings(BaseModel):
    """The section `destination` with `type: duckdb`."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["duckdb"] = "duckdb"
    path: Path = Path("build/simplyload.duckdb")
    # Where a load does not fit (hundreds of columns), the limit is raised for this process.
    memory_limit: ByteSize = ByteSize(80_000_000)
    # A second thread costs a copy a tenth more CPU and 20 MB: bench/notes.md.
    threads: int = 1
    names: Names = Names()


# As the system says that a file cannot grow, which DuckDB passes on.
_NO_ROOM = [os.strerror(code) for code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)]
# DuckDB's message has the values of the key, and messages go to logs, alerts and `/healthz`.
_WITH_KEY = re.compile(r'duplicate key ".*"', re.DOTALL | re.IGNORECASE)


class _OutOfMemoryError(DestinationError):
    """A load needs more than the memory limit."""


class DuckDBDestination(SqlDestination):
    """A DuckDB file. One process has it at a time: the file itself is the lock."""

    dialect: Dialect = "duckdb"

    def __init__(self, settings: DuckDBSettings) -> None:
        super().__init__(settings.names)
        self._settings = settings
        self._memory_limit = int(settings.memory_limit)
        self._open: duckdb.DuckDBPyConnection | None = None

    def check(self) -> None:
        """Raise DestinationError where the file cannot be opened, or made."""
        check_folder(self._settings.path)
        super().check()

    def load(self, lease: Lease, load: Load) -> LoadResult:
        """Commit a load; where the memory limit is too low for it, again with twice the limit."""
        most = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
        while True:
            try:
                return super().load(lease, load)
            except _OutOfMemoryError:
                if self._memory_limit >= most:
                    raise
                self._memory_limit *= 2
                self._execute(f"SET memory_limit = '{self._memory_limit}B'")

    def scan(self, schema: str, table: Table) -> Iterator[pa.Table]:
        """Yield the table's rows that are not marked deleted (the business columns it has)."""
        query, held = self._scan_query(schema, table)
        if query:
            yield from read_as(self._connection.sql(query).to_arrow_reader(100_000), held)

    @property
    def _connection(self) -> duckdb.DuckDBPyConnection:
        if self._open is None:
            try:
                self._settings.path.parent.mkdir(parents=True, exist_ok=True)
                self._open = duckdb.connect(self._settings.path, config=self._config())
            except (duckdb.Error, OSError) as error:
                if "set lock" in str(error):
                    raise AlreadyRunningError(
                        f"Another process has {self._settings.path} open: end it, then run again."
                    ) from error
                raise DestinationError(
                    f"destination.path: {self._settings.path} cannot be opened ({error}): name "
                    "another file, or have it made accessible"
                ) from error
        return self._open

    def _config(self) -> dict[str, Any]:
        return {
            "memory_limit": f"{self._memory_limit}B",
            "threads": self._settings.threads,
            "preserve_insertion_order": False,
            # A new file is one that DuckDB 1.5 reads too, which dbt and others still use.
            "storage_compatibility_version": "v1.5.0",
            # A checkpoint after each 16 MB of small loads, the default, costs more than they do.
            "checkpoint_threshold": "128MB",
            # DuckDB tries every method on every segment; the successor of this one finds the same.
            "disabled_compression_methods": "fsst",
        }

    def _run(self, statement: str) -> tuple[list[tuple[Any, ...]], int]:
        try:
            rows = self._connection.execute(statement).fetchall()
        except duckdb.OutOfMemoryException as error:
            raise _OutOfMemoryError(f"DuckDB needs a higher memory_limit: {error}") from error
        except duckdb.ConstraintException as error:
            message = _WITH_KEY.sub("duplicate key", str(error))
            raise DestinationError(f"DuckDB refuses: {message} {CONSTRAINT_REMEDY}") from error
        except duckdb.Error as error:
            raise DestinationError(f"DuckDB refuses: {error}{self._find_remedy(error)}") from error
        return rows, rows[0][0] if rows and isinstance(rows[0][0], int) else 0

    def _find_remedy(self, error: duckdb.Error) -> str:
        if not any(reason in str(error) for reason in _NO_ROOM):
            return ""
        return (
            f": make room on the disk of destination.path, {self._settings.path}; nothing of this"
            " load is kept, and the next run repeats it"
        )

    def _list_columns(self, schema: str) -> list[tuple[str, str, str]]:
        if not self._settings.path.exists():  # to look makes no file
            return []
        sql = (
            "SELECT table_name, column_name, data_type FROM duckdb_columns()"
            " WHERE database_name = current_database() AND schema_name = ? ORDER BY column_index"
        )
        return self._connection.execute(sql, [schema]).fetchall()

    def _stage(self, load: Load, staged: Staged, names: Mapping[str, str]) -> exp.Table:
        stage = self._add_stage(load)
        create_stage(self._connection, stage, staged, names)
        return stage

    def _merge(self, plan: merge.Merge, name: str) -> Iterator[Step]:
        """Replace rows where nothing is removed: the UPDATE of a MERGE costs ten times as much.

        A unique index of the user's own does not let a row in beside the one that it replaces.
        """
        if (plan.remove and plan.may_delete) or self._has_unique_index(plan):
            yield from super()._merge(plan, name)
            return
        for statement in merge.insert_newer(plan):
            yield Step(statement, name)
        yield Step(merge.delete_older(plan))

    def _has_unique_index(self, plan: merge.Merge) -> bool:
        sql = (
            "SELECT 1 FROM duckdb_indexes() WHERE is_unique AND database_name = current_database()"
            " AND schema_name = $1 AND table_name = $2 UNION ALL SELECT 1 FROM duckdb_constraints()"
            " WHERE constraint_type IN ('PRIMARY KEY', 'UNIQUE')"
            " AND database_name = current_database() AND schema_name = $1 AND table_name = $2"
        )
        return bool(self._connection.execute(sql, [plan.schema, plan.table]).fetchall())

    def _drop_stage(self, stage: exp.Table) -> None:
        """Drop a stage, of which only the catalog knows whether it is a view."""
        name = stage.sql(self.dialect)
        sql = "SELECT 1 FROM duckdb_views() WHERE view_name = ?"
        kind = "VIEW" if self._connection.execute(sql, [stage.name]).fetchall() else "TABLE"
        self._execute(f"DROP {kind} {name}")


_TEMPORARY = exp.Properties(expressions=[exp.TemporaryProperty()])


def create_stage(
    connection: duckdb.DuckDBPyConnection,
    stage: exp.Table,
    staged: Staged,
    names: Mapping[str, str],
) -> None:
    """Make a temporary view of Parquet files; a table where one view cannot show them all."""
    distinct = {name.casefold() for name in names}
    if is_uniform(staged) and len(distinct) == len(names):
        columns = [exp.column(old, quoted=True).as_(new, quoted=True) for old, new in names.items()]
        log = [exp.column(field.name, quoted=True) for field in LOG_FIELDS]
        rows = exp.select(*columns, *log).from_(_read_parquet(staged.files))
        view = exp.Create(this=stage, kind="VIEW", properties=_TEMPORARY, expression=rows)
        connection.execute(view.sql("duckdb"))
        return
    connection.register("conformed", read_conformed(staged, names))
    rows = exp.select("*").from_("conformed")
    table = exp.Create(this=stage, kind="TABLE", properties=_TEMPORARY, expression=rows)
    connection.execute(table.sql("duckdb"))
    connection.unregister("conformed")


def _read_parquet(files: Sequence[Path]) -> exp.Expr:
    """Read files as they are: `dt=` and `h=` in their paths are no columns."""
    names = [exp.Literal.string(str(path)) for path in files]
    no_hive = exp.PropertyEQ(this=exp.to_identifier("hive_partitioning"), expression=exp.false())
    return exp.func("read_parquet", exp.Array(expressions=names), no_hive, dialect="duckdb")
