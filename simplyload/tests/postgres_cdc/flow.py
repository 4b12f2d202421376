"""The source through the engine into DuckDB."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import duckdb

from simplyload.checks import check_table
from simplyload.destinations.duckdb import DuckDBDestination, DuckDBSettings
from simplyload.engine import Pipeline, RunResult
from simplyload.log import ChangeLog
from simplyload.sources.postgres.settings import PostgresSettings
from simplyload.sources.postgres.source import PostgresSource
from tests.postgres_cdc.replica import Replica


class Flow:
    """A pipeline from the database into DuckDB; each run is a process's first."""

    def __init__(self, replica: Replica, folder: Path) -> None:
        self._replica = replica
        self._folder = folder

    def run(self, **settings: Any) -> RunResult:
        """Run once, with these settings of the source from now on."""
        known = self._replica.settings.model_dump(by_alias=True) | settings
        self._replica.settings = PostgresSettings.model_validate(known)
        with self._open() as (source, destination):
            pipeline = Pipeline("shop", source, destination, ChangeLog(self._folder / "log"))
            return pipeline.run_once()

    @property
    def warehouse(self) -> Path:
        """Give the destination's file."""
        return self._folder / "warehouse.duckdb"

    def differences(self) -> list[str]:
        """List the tables whose rows are not those of the source."""
        return [name for name, expected, found in self.compare() if expected != found]

    def compare(self) -> Iterator[tuple[str, list[Any], list[Any]]]:
        """Yield the rows of each table, of the source and of the destination."""
        with self._open() as (source, destination):
            for table in source.tables():
                sides = (source.scan(table), destination.scan("shop", table))
                rows = [[str(row) for part in side for row in part.to_pylist()] for side in sides]
                yield table.name, sorted(rows[0]), sorted(rows[1])

    def tables(self) -> dict[str, int]:
        """Count the rows of each table that the destination has."""
        with duckdb.connect(self.warehouse, read_only=True) as warehouse:
            query = "select table_name from duckdb_tables() where schema_name = 'shop'"
            names = [name for (name,) in warehouse.sql(query).fetchall()]
            return {name: len(warehouse.table(f"shop.{name}")) for name in names}

    def missing_columns(self) -> list[str]:
        """List what `check` says of columns that the destination lacks."""
        with self._open() as (source, destination):
            found = [check_table(source, destination, "shop", table) for table in source.tables()]
        return [drift for check in found if check for drift in check.drift]

    @contextmanager
    def _open(self) -> Iterator[tuple[PostgresSource, DuckDBDestination]]:
        settings = DuckDBSettings(path=self.warehouse)
        with (
            closing(PostgresSource(self._replica.settings, "shop")) as source,
            closing(DuckDBDestination(settings)) as destination,
        ):
            yield source, destination
