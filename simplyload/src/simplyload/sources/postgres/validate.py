"""Check what replication needs, and name the remedy for what is missing; changes nothing."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Literal

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812

from simplyload.errors import SimplyLoadError, SourceError
from simplyload.sources.postgres.connection import connect_replication, fetch, identifier
from simplyload.sources.postgres.discover import Problem, SourceTable
from simplyload.sources.postgres.publication import explain_unpublished, list_left_out
from simplyload.sources.postgres.settings import PostgresSettings
from simplyload.sources.postgres.setup import check_slot, plan_publication
from simplyload.sources.postgres.slot import find_slot
from simplyload.sources.source import Finding

# pg_current_snapshot is new in 13.
OLDEST_SERVER = 130000


def validate(
    connection: Connection,
    settings: PostgresSettings,
    stream: str,
    tables: Sequence[SourceTable],
) -> Iterator[Finding]:
    """Check server, tables and what the mode needs."""
    yield _server(connection, settings)
    yield from _tables(settings, tables)
    polled = [table for table in tables if not table.refusal]
    if settings.mode in {"auto", "cdc"}:
        streamable = [table for table in polled if not table.cdc_refusal]
        findings = [*_stream(connection, settings, stream, streamable)]
        yield from findings
        if any(found.subject == "stream" for found in findings):  # it can be used
            polled = [table for table in polled if table.cdc_refusal]
    if settings.mode in {"auto", "poll"}:
        yield from _cursors(polled)


def _server(connection: Connection, settings: PostgresSettings) -> Finding:
    version = connection.server_version
    subject = f"{settings.database} on {settings.host}"
    if version < OLDEST_SERVER:
        return Finding(
            level="error",
            subject=subject,
            message=f"PostgreSQL {version // 10000} is older than 13",
            remedy="upgrade it",
        )
    return Finding(level="ok", subject=subject, message=f"PostgreSQL {version // 10000} answers")


def _tables(settings: PostgresSettings, tables: Sequence[SourceTable]) -> Iterator[Finding]:
    if not tables:
        yield Finding(
            level="error",
            subject="tables",
            message=f"no table matches {', '.join(settings.tables)}",
            remedy="see `simplyload discover` with tables: ['*.*'], and grant USAGE on the schema",
        )
    for table in tables:
        problem = table.refusal or (table.cdc_refusal if settings.mode == "cdc" else None)
        if problem:
            hint = f" (`exclude: [{table.source_name}]` leaves it out)"
            yield _finding("error", table, problem, hint)
            continue
        if settings.mode == "auto" and table.cdc_refusal:
            yield _finding("warning", table, table.cdc_refusal)
        for warning in table.warnings:
            yield Finding(level="warning", subject=table.source_name, message=warning)
        key = ", ".join(table.key)
        yield Finding(level="ok", subject=table.source_name, message=f"its key is {key}")


def _finding(
    level: Literal["warning", "error"], table: SourceTable, problem: Problem, hint: str = ""
) -> Finding:
    message = problem.message + hint
    return Finding(level=level, subject=table.source_name, message=message, remedy=problem.remedy)


def _stream(
    connection: Connection,
    settings: PostgresSettings,
    stream: str,
    tables: Sequence[SourceTable],
) -> Iterator[Finding]:
    level = "error" if settings.mode == "cdc" else "warning"
    is_ready = True
    for subject, problem in stream_problems(connection, settings, stream, tables):
        is_ready = False
        message, _, remedy = problem.partition(": ")
        yield Finding(level=level, subject=subject, message=message, remedy=remedy)  # type: ignore[arg-type]
    if is_ready:
        kept = _describe_kept(connection, settings.slot_name(stream))
        message = f"slot and publication can be used{kept}"
        yield Finding(level="ok", subject="stream", message=message)
        yield from _check_kept_log(connection)
        yield from _find_unpublished(connection, settings.publication_name(stream), tables)


def _find_unpublished(
    connection: Connection, publication: str, tables: Sequence[SourceTable]
) -> Iterator[Finding]:
    """Find the tables that wait, in any mode that streams, until the publication has them whole.

    Where it has all rows and the key, columns may be left out: they keep what they had.
    """
    reasons = explain_unpublished(connection, publication, tables)
    left_out = list_left_out(connection, publication, tables)
    for table in tables:
        if table.oid in left_out:
            yield Finding(level="warning", subject=table.source_name, message=left_out[table.oid])
        if table.oid in reasons:
            message, _, remedy = reasons[table.oid].partition(": ")
            yield _finding("error", table, Problem(message, remedy))


_KEPT = """
select ((case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_replay_lsn()
    else pg_catalog.pg_current_wal_lsn() end - restart_lsn) / 1000000)::int8
from pg_catalog.pg_replication_slots where slot_name = %s and restart_lsn is not null
"""


def _describe_kept(connection: Connection, slot: str) -> str:
    return "".join(f"; the slot keeps {size:,} MB" for (size,) in fetch(connection, _KEPT, [slot]))


def _check_kept_log(connection: Connection) -> Iterator[Finding]:
    [(kept,)] = fetch(connection, "select current_setting('max_slot_wal_keep_size')")
    if kept == "-1":
        yield Finding(
            level="warning",
            subject="max_slot_wal_keep_size",
            message="a slot that is not read keeps the log until the disk is full",
            remedy="ALTER SYSTEM SET max_slot_wal_keep_size = '50GB'; SELECT pg_reload_conf();",
        )


def stream_problems(
    connection: Connection,
    settings: PostgresSettings,
    stream: str,
    tables: Sequence[SourceTable],
) -> Iterator[tuple[str, str]]:
    """Yield what the stream lacks, as subject and `message: remedy`."""
    checks: list[tuple[str, Callable[[], object]]] = [
        (
            "slot",
            lambda: check_slot(
                connection,
                find_slot(connection, settings.slot_name(stream)),
                settings.database,
            ),
        ),
        (
            "publication",
            lambda: plan_publication(connection, settings.publication_name(stream), tables),
        ),
        ("replication connection", lambda: _check_replication(settings, stream)),
    ]
    for subject, check in checks:
        try:
            check()
        except SimplyLoadError as error:
            yield subject, str(error)


def _check_replication(settings: PostgresSettings, stream: str) -> None:
    """Open a replication connection: a pooler refuses it, or the role may not."""
    try:
        with closing(connect_replication(settings, stream)) as replication:
            replication.cursor().execute("IDENTIFY_SYSTEM")
    except (SourceError, psycopg2.Error) as error:
        reason = " ".join(str(error).split()).replace(": ", ", ")
        role = identifier(settings.user)
        raise SourceError(
            f"{reason}: ALTER ROLE {role} REPLICATION; behind a pooler, name the database's own"
            " host in replication_host"
        ) from error


def _cursors(tables: Sequence[SourceTable]) -> Iterator[Finding]:
    for table in tables:
        if table.cursor is None:
            yield Finding(
                level="warning",
                subject=table.source_name,
                message="it has no cursor: where it is polled, it is copied whole each time that"
                " `delete_scan` has passed",
                remedy=f"cursors: {{{table.source_name}: <a column that every change sets>}}",
            )
            continue
        if table.column(table.cursor).type.name == "timestamp":
            yield Finding(
                level="warning",
                subject=table.source_name,
                message=f"its cursor {table.cursor} has no time zone: local time goes back an hour"
                " in autumn, and poll misses changes of that hour",
                remedy="overlap: PT70M, or a timestamptz",
            )
        if table.cursor not in table.indexed:
            name = identifier(table.schema, table.relation)
            yield Finding(
                level="warning",
                subject=table.source_name,
                message=f"its cursor {table.cursor} has no index: each poll reads the whole table",
                remedy=f"CREATE INDEX CONCURRENTLY ON {name} ({identifier(table.cursor)});",
            )
