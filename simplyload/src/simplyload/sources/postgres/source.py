"""The Postgres source: copies each table once, then follows it by the stream or by polling."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import cached_property

import pyarrow as pa
from psycopg2.extensions import connection as Connection  # noqa: N812

from simplyload.changes import Batch, State, Table
from simplyload.errors import ConfigurationError
from simplyload.sources.postgres.connection import Reader, connect
from simplyload.sources.postgres.discover import SourceTable, discover_tables
from simplyload.sources.postgres.pages import Scan, removed_condition
from simplyload.sources.postgres.reading import Reading, Server
from simplyload.sources.postgres.settings import PostgresSettings
from simplyload.sources.postgres.state import SourceState, load_state


class PostgresSource:
    """One Postgres database as a source."""

    def __init__(self, settings: PostgresSettings, stream: str) -> None:
        self._settings = settings
        self._stream = stream
        self._open = ExitStack()
        self._said: set[str] = set()

    @cached_property
    def _connection(self) -> Connection:
        connection = connect(self._settings, self._stream)
        self._open.callback(connection.close)
        return connection

    @cached_property
    def _reader(self) -> Reader:
        reader = Reader(self._settings, self._stream)
        self._open.callback(reader.close)
        return reader

    def tables(self) -> list[Table]:
        """List the chosen tables that have a key and may be read."""
        return [table.table for table in self._replicable()]

    def _replicable(self) -> list[SourceTable]:
        tables = [
            table
            for table in discover_tables(self._connection, self._settings)
            if not table.refusal
        ]
        names = [table.table.name for table in tables]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ConfigurationError(f"tables: two chosen tables have the name {min(twice)}.")
        return tables

    def read(self, state: State) -> Iterator[Batch]:
        """Copy what is not copied yet, then yield what changed since the state."""
        server = Server.look(self._connection)
        tables = self._replicable()
        position = _position(load_state(state), server)
        reading = Reading(self._settings, self._connection, self._reader, server, position)
        warnings = list(reading.plan(tables))
        yield Batch(state=reading.state.dump(), warnings=self._new(warnings))
        for table in tables:
            yield from reading.copy(table)
            yield from reading.poll(table)
        yield Batch(state=reading.state.dump())

    def _new(self, sentences: Sequence[str]) -> list[str]:
        """Leave out what this instance has said already: a run each minute would repeat it."""
        new = [sentence for sentence in sentences if sentence not in self._said]
        self._said.update(new)
        return new

    def scan(self, table: Table) -> Iterator[pa.Table]:
        """Yield the table's present rows in key order."""
        source = self._find(table.source_name)
        removed = removed_condition(source)
        columns = [source.column(name) for name in table.schema.names]
        scan = Scan(
            table=source,
            columns=columns,
            order=source.key,
            conditions=[f"not {removed}"] if removed else [],
        )
        for page in scan.pages(self._reader, self._settings.chunk_rows):
            yield page.rows

    def _find(self, name: str) -> SourceTable:
        for table in self._replicable():
            if name in {table.source_name, table.table.name}:
                return table
        raise ConfigurationError(f"{name} is none of the chosen tables with a key.")

    def close(self) -> None:
        """End all connections; safe to call twice."""
        self._open.close()


def _position(known: SourceState | None, server: Server) -> SourceState:
    if known is None:
        return SourceState(mode="poll", system=server.system, timeline=server.timeline)
    return known
