"""Dagster: one asset for each table, loaded by a run of its stream in Dagster's own process.

    from dagster import Definitions
    from simplyload.dagster import load_assets

    defs = Definitions(assets=load_assets("simplyload.yml"))

The key of an asset is [schema, table]: dagster-dbt gives that key to a table of a dbt source whose
name is the schema, so models that read it follow it. Dagster runs streams side by side.
"""

from collections.abc import Iterator
from pathlib import Path

from dagster import (
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    AssetSpec,
    DagsterLogManager,
    Failure,
    MaterializeResult,
    TableColumn,
    TableSchema,
    multi_asset,
)

from simplyload.changes import Table
from simplyload.config import Configuration, read_configuration, schema_of
from simplyload.engine import Event, RunResult
from simplyload.errors import SimplyLoadError
from simplyload.observe import QUIET
from simplyload.run import Outcome, run_streams
from simplyload.streams import open_sources, select_streams

COLUMN_SCHEMA = "dagster/column_schema"  # https://docs.dagster.io: table metadata


class LogDisplay:
    """Writes what happens to the log of a Dagster run."""

    def __init__(self, log: DagsterLogManager) -> None:
        self._log = log

    def __call__(self, event: Event) -> None:
        """Log an event of a pipeline; what needs attention is a warning."""
        if event.kind == "loaded":
            self._log.info(f"{event.kind}: {event.table}: {event.rows:,} rows")
        elif event.kind not in QUIET:
            parts = (event.kind, event.table, event.message)
            self._log.warning(": ".join(filter(None, parts)))

    def end(self, result: RunResult, *, lag_seconds: float) -> None:
        """Log that the destination holds what the source had so long ago."""
        self._log.info(f"{result.stream}: up to date, lag {lag_seconds:,.1f} s")

    def fail(self, stream: str, error: SimplyLoadError) -> None:
        """Log nothing: the failure of the asset has the error."""


def load_assets(file: Path | str, *streams: str) -> list[AssetsDefinition]:
    """Return the assets of a configuration: those of all streams, or of the named ones.

    The sources are asked for their tables, so they have to answer when Dagster loads the code. A
    run loads all tables of a stream. Raises ConfigurationError and SourceError.
    """
    configuration = read_configuration(Path(file))
    names = select_streams(configuration, streams)
    return [
        _define_assets(configuration, name, source.tables())
        for name, source in open_sources(configuration, names)
    ]


def _define_assets(
    configuration: Configuration, stream: str, tables: list[Table]
) -> AssetsDefinition:
    settings = configuration.sources[stream]
    schema = schema_of(settings, stream)
    keys = {table.name: AssetKey([schema, table.name]) for table in tables}
    kinds: set[str] = {settings.type, configuration.destination.type}

    @multi_asset(
        name=f"load_{stream}",
        specs=[
            AssetSpec(
                keys[table.name],
                description=f"The rows of {table.source_name or table.name}.",
                metadata={COLUMN_SCHEMA: _describe_columns(table)},
                group_name=stream,
                kinds=kinds,
            )
            for table in tables
        ],
    )
    def load(context: AssetExecutionContext) -> Iterator[MaterializeResult[None]]:
        [outcome] = run_streams(configuration, [stream], LogDisplay(context.log))
        if not outcome.error:
            yield from _report_tables(outcome, keys)
        _raise_for_failure(outcome)

    return load


def _describe_columns(table: Table) -> TableSchema:
    return TableSchema([TableColumn(column.name, str(column.type)) for column in table.schema])


def _report_tables(
    outcome: Outcome, keys: dict[str, AssetKey]
) -> Iterator[MaterializeResult[None]]:
    """Say of each table that is as the source was how many rows the run wrote."""
    for table, key in keys.items():
        if table not in outcome.stopped:
            rows = outcome.rows.get(table, 0)
            metadata = {"rows_written": rows, "lag_seconds": outcome.lag_seconds}
            yield MaterializeResult(asset_key=key, metadata=metadata)


def _raise_for_failure(outcome: Outcome) -> None:
    """Raise Failure with the remedy where the run failed, left a table behind, or was ended."""
    problems = [outcome.error, *(f"{table}: {why}" for table, why in outcome.stopped.items())]
    if found := "\n".join(filter(None, problems)):
        raise Failure(found, allow_retries=not outcome.stopped)
    if outcome.lag_seconds is None:
        raise Failure("A signal ended the run at a commit: the next one goes on from there.")
