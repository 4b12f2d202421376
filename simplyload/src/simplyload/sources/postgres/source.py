"""The Postgres source: copies each table once, then follows it by the stream or by polling."""

import time
from collections.abc import Collection, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from difflib import get_close_matches
from functools import cached_property
from typing import Literal

import psycopg2
import pyarrow as pa
from psycopg2.extensions import connection as Connection  # noqa: N812

from simplyload.changes import Batch, State, Table, Waiting
from simplyload.digest import Cell, Digests, digest_query, in_ranges, to_digests
from simplyload.errors import ConfigurationError, SourceError
from simplyload.sources.postgres.connection import (
    Reader,
    connect,
    explain_errors,
    fetch,
    identifier,
    literal,
)
from simplyload.sources.postgres.discover import (
    SourceTable,
    discover_tables,
    find_idle_excludes,
    find_names,
    find_unmatched,
    is_chosen,
    name_in_destination,
)
from simplyload.sources.postgres.pages import Scan, removed_condition
from simplyload.sources.postgres.publication import (
    explain_unpublished,
    find_publication,
    list_left_out,
)
from simplyload.sources.postgres.reading import Reading, Server
from simplyload.sources.postgres.replication import Prepared, Replication, StreamState
from simplyload.sources.postgres.settings import PostgresSettings
from simplyload.sources.postgres.setup import describe_writer
from simplyload.sources.postgres.slot import SlotBusyError
from simplyload.sources.postgres.state import CopyState, SourceState, load_state
from simplyload.sources.postgres.stream import ChangeStream
from simplyload.sources.postgres.validate import stream_problems, validate
from simplyload.sources.source import Discovered, Finding

# How long the stream may take to prepare before it is said what it waits for.
NOTICE_SECONDS = 3.0

# How often the other tables are followed while one is copied.
FOLLOW_SECONDS = 60.0


class PostgresSource:
    """One Postgres database as a source."""

    def __init__(self, settings: PostgresSettings, stream: str) -> None:
        self._settings = settings
        self._stream = stream
        self._open = ExitStack()
        self._catalog: Connection | None = None
        self._reported: set[str] = set()

    @property
    def _connection(self) -> Connection:
        """Return the connection for queries: a new one where the server ended the one before."""
        if self._catalog is None or self._catalog.closed:
            self._catalog = connect(self._settings, self._stream)
        return self._catalog

    def _notice_loss(self) -> None:
        """Ask something, so that a connection that was lost between two runs is seen as closed."""
        if self._catalog is not None:
            with suppress(psycopg2.Error):
                fetch(self._catalog, "select 1")

    @cached_property
    def _reader(self) -> Reader:
        reader = Reader(self._settings, self._stream)
        self._open.callback(reader.close)
        return reader

    @cached_property
    def _replication(self) -> Replication:
        replication = ChangeStream(self._settings, self._stream)
        self._open.callback(replication.close)
        return replication

    def tables(self) -> list[Table]:
        """List the chosen tables that have a key and may be read."""
        return [table.table for table in self._select_replicable(self._discover())]

    def _discover(self) -> list[SourceTable]:
        with explain_errors(self._settings):
            tables = discover_tables(self._connection, self._settings)
        names = [table.table.name for table in tables]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ConfigurationError(f"tables: two chosen tables have the name {min(twice)}.")
        return tables

    def _select_replicable(self, tables: Sequence[SourceTable]) -> list[SourceTable]:
        is_cdc = self._settings.mode == "cdc"
        return [
            table for table in tables if not table.refusal and not (is_cdc and table.cdc_refusal)
        ]

    # -- reading

    def read(self, state: State) -> Iterator[Batch]:
        """Copy what is not copied yet, then yield what changed since the state."""
        with explain_errors(self._settings):
            yield from self._read(state)

    def _read(self, state: State) -> Iterator[Batch]:
        self._notice_loss()
        server = Server.read(self._connection)
        discovered, known = self._discover(), load_state(state)
        if not discovered:
            raise ConfigurationError(
                f"tables: no table matches {', '.join(self._settings.tables)}. See `simplyload"
                " discover` with tables: ['*.*']."
            )
        warnings = self._list_warnings(discovered, known)
        waiting = list(self._list_refused(discovered))
        renamed, gone = self._find_renamed(known)
        warnings += gone
        waiting += renamed.values()
        readable = [found for found in discovered if not found.refusal and found.oid not in renamed]
        prepared = yield from self._prepare(known, readable, warnings)
        streamed = list(prepared.tables) if prepared else []
        waiting += prepared.waiting if prepared else ()
        tables = self._select_replicable(readable)
        polled = [table for table in tables if prepared is None or table.cdc_refusal]
        reading = Reading(
            self._settings,
            self._connection,
            self._reader,
            server,
            _begin(known, server, prepared, [*streamed, *polled], renamed),
        )
        warnings += reading.plan(polled, streamed, prepared)
        planned = reading.state.dump()
        yield Batch(
            state=planned,
            warnings=self._pop_unreported(warnings),
            waiting=waiting,
            keep=planned != state,
        )
        yield from self._copy(reading, prepared, [*streamed, *polled])
        for table in polled:
            yield from reading.poll(table)
        if prepared:
            yield from self._follow(reading, prepared)
        yield Batch(state=reading.state.dump())

    def _list_warnings(
        self, discovered: Sequence[SourceTable], known: SourceState | None
    ) -> list[str]:
        """List the tables that are left out, and what `exclude` does not match."""
        idle = find_idle_excludes(self._connection, self._settings, known.tables if known else ())
        return [
            *(str(table.refusal) for table in discovered if not table.is_asked_for),
            *(f"exclude: no table matches {pattern}: correct it." for pattern in idle),
        ]

    def _list_refused(self, tables: Sequence[SourceTable]) -> Iterator[Waiting]:
        """Yield what `tables` asks for and cannot be read."""
        for table in tables:
            is_cdc = self._settings.mode == "cdc"
            problem = table.refusal or (table.cdc_refusal if is_cdc else None)
            if problem and table.is_asked_for:
                remedy = f" Or leave it out: exclude: [{table.source_name}]."
                yield Waiting(table=table.table.name, message=f"{problem}{remedy}")
        for pattern in find_unmatched(self._settings, tables):
            yield Waiting(table=pattern, message=f"tables: no table matches {pattern}: correct it.")

    def _find_renamed(self, known: SourceState | None) -> tuple[dict[int, Waiting], list[str]]:
        """Return the tables that wait because they have another name now; say which are dropped."""
        tables = {table.oid: name for name, table in known.tables.items()} if known else {}
        names = find_names(self._connection, [oid for oid in tables if oid])
        dropped = [
            f"{name} was dropped: its rows in the destination stay as they are."
            for oid, name in tables.items()
            if oid and oid not in names
        ]
        waiting = {
            oid: _describe_rename(tables[oid], now)
            for oid, now in names.items()
            if now != tables[oid] and is_chosen(self._settings, tables[oid])
        }
        return (waiting if self._settings.rename == "stop" else {}), dropped

    def _copy(
        self, reading: Reading, prepared: Prepared | None, tables: Sequence[SourceTable]
    ) -> Iterator[Batch]:
        """Yield the copies. During a long copy, follow the tables that are already copied."""
        followed = time.monotonic()
        for table in tables:
            for batch in reading.copy(table):
                yield batch
                if prepared and time.monotonic() - followed > FOLLOW_SECONDS:
                    yield from self._follow(reading, prepared)
                    followed = time.monotonic()

    def _follow(self, reading: Reading, prepared: Prepared) -> Iterator[Batch]:
        """Yield the stream's batches; its position is a part of the source's state."""
        copied = [
            table
            for table in prepared.tables
            if reading.state.tables[table.source_name].copy is None
        ]
        for batch in self._replication.read(reading.state.stream or prepared.state, copied):
            if batch.state is None:
                yield batch
            else:
                reading.state = replace(reading.state, stream=batch.state)
                yield replace(batch, state=reading.state.dump())

    def _prepare(
        self, known: SourceState | None, tables: Sequence[SourceTable], warnings: list[str]
    ) -> Generator[Batch, None, Prepared | None]:
        """Prepare the stream; return None where the tables are polled.

        Mode `auto` decides once, at the first read: later, a stream that fails is no reason to
        copy all tables for another way of reading.
        """
        mode = self._settings.mode
        if mode == "auto" and known is not None:
            mode = known.mode
        if mode not in {"auto", "cdc"}:
            if known is not None and known.stream is not None:
                slot = self._settings.slot_name(self._stream)
                warnings.append(
                    f"The slot {slot} is read no longer and makes the database keep its log:"
                    " run `simplyload clean --drop-slot`."
                )
            return None
        streamable = [table for table in tables if not table.cdc_refusal]
        if self._settings.mode == "auto":
            warnings += [str(table.cdc_refusal) for table in tables if table.cdc_refusal]
        try:
            prepared = yield from self._await_stream(known.stream if known else None, streamable)
        except SourceError as error:
            if mode == "cdc" or isinstance(error, SlotBusyError):
                raise
            warnings.append(
                f"The tables are polled, not streamed. {error} Then run `simplyload checkpoint"
                f" reset {self._stream}`: the way of reading is chosen at the first sync alone."
            )
            return None
        warnings += prepared.warnings
        return prepared

    def _await_stream(
        self, state: StreamState | None, tables: Sequence[SourceTable]
    ) -> Generator[Batch, None, Prepared]:
        """Prepare the stream in a thread, and report the transaction that it waits for."""
        with ThreadPoolExecutor(1) as pool:
            preparing = pool.submit(self._replication.prepare, state, tables)
            try:
                while wait([preparing], NOTICE_SECONDS).not_done:
                    holder = describe_writer(self._connection)
                    new = self._pop_unreported([f"The stream begins once {holder} has ended."])
                    yield Batch(state=None, warnings=new)
            except BaseException:
                self._replication.close()
                raise
            return preparing.result()

    def _pop_unreported(self, sentences: Sequence[str]) -> list[str]:
        """Return what is new to this instance, once: a run each minute would repeat it."""
        new = [sentence for sentence in sentences if sentence not in self._reported]
        self._reported.update(new)
        return new

    def ack(self, state: State) -> None:
        """Let the slot advance to what the destination holds."""
        known = load_state(state)
        if known is not None and known.stream is not None:
            self._replication.ack(known.stream)

    # -- commands

    def backfill(self, state: State, table: str, since: str | None) -> State:
        """Return a state from which the table is copied again, whole or from a cursor value."""
        source = self._find(table)
        known = load_state(state)
        if known is None or source.source_name not in known.tables:
            raise ConfigurationError(f"{table} is not copied yet: the next sync copies it whole.")
        if since is not None:
            since = self._cursor_value(source, since)
        planned = replace(known.tables[source.source_name], copy=CopyState(since=since))
        return known.with_table(source.source_name, planned).dump()

    def _cursor_value(self, table: SourceTable, since: str) -> str:
        """Return the server's text of a cursor value that a person wrote."""
        if table.cursor is None:
            raise ConfigurationError(f"cursors: {table.source_name} has none to start from.")
        column = table.column(table.cursor)
        value = f"{literal(since)}::pg_catalog.{column.type.name}"
        try:
            [(text,)] = fetch(
                self._connection,
                f"select pg_catalog.textin({column.type.output}({value}))",
            )
        except psycopg2.DataError as error:
            raise ConfigurationError(
                f"{since} is no {column.type.name}, which {table.source_name}.{column.name} is."
            ) from error
        return str(text)

    def reset(self, state: State) -> State:  # noqa: ARG002 - _seq follows the server's log
        """Return the empty state: everything is copied again."""
        return {}

    def discover(self) -> list[Discovered]:
        """List the chosen tables, those that cannot be replicated too."""
        tables = self._discover()
        modes = list(self._modes(tables))
        unpublished = self._explain_unpublished(tables) if "cdc" in modes else {}
        return [
            Discovered(
                table=table.table,
                mode=mode,
                cursor_candidates=table.cursor_candidates,
                estimated_rows=table.estimated_rows,
                bytes=table.bytes,
                warnings=[*self._list_table_warnings(table), *unpublished.get(table.oid, [])],
            )
            for table, mode in zip(tables, modes, strict=True)
        ]

    def _list_table_warnings(self, table: SourceTable) -> Iterator[str]:
        if table.refusal:
            yield str(table.refusal)
            return
        if table.cdc_refusal and self._settings.mode in {"auto", "cdc"}:
            yield str(table.cdc_refusal)
        yield from table.warnings

    def _explain_unpublished(self, tables: Sequence[SourceTable]) -> dict[int, list[str]]:
        streamable = [table for table in self._select_replicable(tables) if not table.cdc_refusal]
        name = self._settings.publication_name(self._stream)
        reasons = explain_unpublished(self._connection, name, streamable)
        left_out = list_left_out(self._connection, name, streamable)
        return {oid: [sentence] for oid, sentence in [*reasons.items(), *left_out.items()]}

    def _modes(self, tables: Sequence[SourceTable]) -> Iterator[Literal["cdc", "poll", "copy"]]:
        """Yield how each table would be read."""
        streamable = [table for table in self._select_replicable(tables) if not table.cdc_refusal]
        can_stream = self._settings.mode == "cdc" or (
            self._settings.mode == "auto"
            and not any(stream_problems(self._connection, self._settings, self._stream, streamable))
        )
        for table in tables:
            if can_stream and not table.cdc_refusal:
                yield "cdc"
            elif table.cursor and self._settings.mode != "copy":
                yield "poll"
            else:
                yield "copy"

    def validate(self) -> list[Finding]:
        """Check rights, keys, settings of the server and indexes on cursors; changes nothing."""
        with explain_errors(self._settings):
            tables = discover_tables(self._connection, self._settings)
            return list(validate(self._connection, self._settings, self._stream, tables))

    def scan(self, table: Table) -> Iterator[pa.Table]:
        """Yield the table's present rows in key order, without those that are soft-deleted."""
        yield from self._scan(table)

    def scan_ranges(self, table: Table, ranges: Collection[str]) -> Iterator[pa.Table]:
        """Yield the present rows of some ranges."""
        key, _ = self._cells(self._find(table.source_name), table)
        yield from self._scan(table, in_ranges("postgres", key, ranges))

    def digest(self, table: Table) -> Digests | None:
        """Return the digest of each range that has rows."""
        source = self._find(table.source_name)
        key, columns = self._cells(source, table)
        conditions = [
            *_present_condition(source),
            *(f"{cell.expression} is not null" for cell in key),
        ]
        rows = f"select * from {source.from_clause} as t where {' and '.join(conditions)}"  # noqa: S608
        found = self._reader.read(digest_query("postgres", rows, key, columns))
        return to_digests([tuple(row.values()) for row in found.to_pylist()])

    def _scan(self, table: Table, *conditions: str) -> Iterator[pa.Table]:
        source = self._find(table.source_name)
        scan = Scan(
            table=source,
            columns=[source.column(name) for name in table.schema.names],
            order=source.key,
            conditions=[*_present_condition(source), *conditions],
        )
        for page in scan.pages(self._reader, self._settings.chunk_rows):
            yield page.rows

    @staticmethod
    def _cells(source: SourceTable, table: Table) -> tuple[list[Cell], list[Cell]]:
        """Return the key and all columns, as a copy reads them."""
        columns = {field: source.column(field.name) for field in table.schema}
        cells = {
            # As text, since a cast of char(n) drops the spaces at its end.
            field.name: Cell(
                column.text if field.type == pa.string() else column.expression, field.type
            )
            for field, column in columns.items()
        }
        return [cells[name] for name in table.key], [*cells.values()]

    def _find(self, name: str) -> SourceTable:
        tables = self._select_replicable(self._discover())
        for table in tables:
            if name in {table.source_name, table.table.name}:
                return table
        names = [table.table.name for table in tables]
        near = get_close_matches(name.rpartition(".")[2].casefold(), names, n=1) or names
        hint = f"; did you mean {', '.join(near)}?" if near else ": there is none now."
        raise ConfigurationError(f"{name} is none of the chosen tables with a key{hint}")

    def drop(self) -> list[str]:
        """Drop the slot, and the publication that was made for it, but none that is configured.

        Raises where the publication is another role's: nothing would say that it is still there.
        """
        dropped = []
        if self._replication.drop_slot():
            dropped.append(f"slot {self._settings.slot_name(self._stream)}")
        name = self._settings.publication_name(self._stream)
        publication = find_publication(self._connection, name)
        if publication is None or self._settings.publication is not None:
            return dropped
        if publication.is_own:
            with closing(connect(self._settings, self._stream, read_only=False)) as connection:
                connection.cursor().execute(f"drop publication {identifier(name)}")
            return [*dropped, f"publication {name}"]
        raise SourceError(
            f"{' and '.join(dropped) or 'nothing'} removed, but publication {name} belongs to"
            f" another role: have its owner run DROP PUBLICATION {identifier(name)};"
        )

    def close(self) -> None:
        """End all connections; safe to call twice."""
        self._open.close()
        if self._catalog is not None:
            self._catalog.close()


def _describe_rename(name: str, now: str) -> Waiting:
    target = name_in_destination(*name.split(".", 1))
    message = (
        f"{name} was renamed to {now}: it is stopped. Rename it back; or set rename: follow, which"
        f" copies {now} into a table of its own and leaves {target} in the destination as it is;"
        f" or leave out both names, exclude: [{name}, {now}]: without {now} there, that is copied."
    )
    return Waiting(table=target, message=message)


def _begin(
    known: SourceState | None,
    server: Server,
    prepared: Prepared | None,
    tables: Sequence[SourceTable],
    renamed: Collection[int],
) -> SourceState:
    """Return the state before the plan: tables that are not read any more are forgotten."""
    chosen = {table.source_name for table in tables}
    kept = known.tables.items() if known else ()
    chosen |= {name for name, table in kept if table.oid in renamed}
    return SourceState(
        mode="cdc" if prepared else "poll",
        system=known.system if known else server.system,
        timeline=known.timeline if known else server.timeline,
        stream=prepared.state if prepared else None,
        tables={name: table for name, table in kept if name in chosen},
    )


def _present_condition(source: SourceTable) -> list[str]:
    """Return the condition of rows that are not soft-deleted."""
    removed = removed_condition(source)
    return [f"not {removed}"] if removed else []
