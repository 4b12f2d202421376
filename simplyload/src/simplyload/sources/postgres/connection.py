"""Connections to the source: one set of parameters for all three kinds, and SQL quoting.

The session's settings are ours, not those of the role or of the server: a role's statement timeout
would cancel a copy, its DateStyle would change what the stream sends.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import cache
from typing import Any

import adbc_driver_manager
import psycopg2
import pyarrow as pa
from adbc_driver_postgresql import dbapi as adbc
from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import make_dsn
from psycopg2.extras import LogicalReplicationConnection

from simplyload.errors import SourceError
from simplyload.sources.postgres.settings import PostgresSettings

# With row_security off the server refuses what a policy would filter; with quote_all_identifiers on
# the Arrow driver knows no type by the name of its function. The lower half decides the text form
# of every value: copy and stream agree because both have it.
SESSION = {
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "search_path": "",
    "default_transaction_read_only": "on",
    "row_security": "off",
    "quote_all_identifiers": "off",
    "standard_conforming_strings": "on",
    "TimeZone": "UTC",
    "DateStyle": "ISO",
    "IntervalStyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
}

# A standby's "conflict with recovery" is a serialization failure; then a statement that someone
# cancelled, a server that stops, a connection that is lost.
INTERRUPTIONS = ("40001", "57014", "57P", "08")
PAUSES = (1, 2, 4, 8)

NOT_UTF8 = "22021"  # character_not_in_repertoire
NOT_UTF8_TEXT = 'invalid byte sequence for encoding "UTF8"'

# The id that the next transaction gets: that of every open one is below it. A snapshot's xmax only
# follows the newest id that has ended. On a standby it is above every id in what is replayed.
NEXT_XID = """
(select xmax + ((pg_catalog.age('3'::pg_catalog.xid) + 3 - xmax) & 4294967295)
from (select pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text::int8 as xmax) n)
"""

# The server versions that know these: an unknown name in the options ends the connection.
_NEWER_TIMEOUTS = {"idle_session_timeout": 140000, "transaction_timeout": 170000}


def dsn(settings: PostgresSettings, stream: str, *, replication: bool = False) -> str:
    """Return the connection string of libpq, with every timeout off from the first moment."""
    version = _ask_version(_make_dsn(settings, stream, replication, SESSION))
    newer = {name: "0" for name, since in _NEWER_TIMEOUTS.items() if version >= since}
    return _make_dsn(settings, stream, replication, SESSION | newer)


@cache
def _ask_version(dsn: str) -> int:
    """Ask once for a server's version, which it states at login: no timeout ends that."""
    with closing(psycopg2.connect(dsn)) as connection:
        version: int = connection.server_version
    return version


def _make_dsn(
    settings: PostgresSettings,
    stream: str,
    replication: bool,  # noqa: FBT001 - as in dsn
    session: dict[str, str],
) -> str:
    """Put settings into one string; `make_dsn` does the quoting, whatever the password."""
    options = session | ({"default_transaction_read_only": "off"} if replication else {})
    password = settings.password.get_secret_value() if settings.password else None
    quoted: str = make_dsn(
        host=(settings.replication_host if replication else None) or settings.host,
        port=(settings.replication_port if replication else None) or settings.port,
        dbname=settings.database,
        user=settings.user,
        password=password,
        sslmode=settings.sslmode,
        sslrootcert=settings.sslrootcert,
        application_name=f"simplyload/{stream}",
        client_encoding="UTF8",
        connect_timeout=10,
        options=" ".join(f"-c {name}={value}" for name, value in options.items()),
    )
    return quoted


def connect(settings: PostgresSettings, stream: str, *, read_only: bool = True) -> Connection:
    """Open a connection for catalog queries and commands, in autocommit."""
    with explain_errors(settings):
        connection = psycopg2.connect(dsn(settings, stream))
        connection.autocommit = True
        if not read_only:
            connection.cursor().execute("set default_transaction_read_only = off")
    return connection


def connect_replication(settings: PostgresSettings, stream: str) -> LogicalReplicationConnection:
    """Open a replication connection to the database's own host."""
    with explain_errors(settings, settings.replication_host):
        return psycopg2.connect(
            dsn(settings, stream, replication=True),
            connection_factory=LogicalReplicationConnection,
        )


class Reader:
    """Reads rows as Arrow. Each statement is its own transaction, read to its end at once."""

    def __init__(self, settings: PostgresSettings, stream: str) -> None:
        self._settings = settings
        self._stream = stream
        self._connection = self._connect()

    def _connect(self) -> adbc.Connection:
        with explain_errors(self._settings):
            return adbc.connect(dsn(self._settings, self._stream), autocommit=True)

    def read(self, query: str, max_bytes: int | None = None) -> pa.Table:
        """Run one SELECT and return its rows, the first of them where all exceed `max_bytes`.

        Nothing stays open while the rows are loaded. A statement that is interrupted is read again
        over a new connection: a standby cancels those that its primary's VACUUM conflicts with.
        """
        with explain_errors(self._settings):
            for pause in PAUSES:
                try:
                    return self._read(query, max_bytes)
                except (adbc_driver_manager.Error, OSError) as error:
                    if not _is_interruption(error):
                        raise
                time.sleep(pause)
                self._connection.close()
                self._connection = self._connect()
            return self._read(query, max_bytes)

    def _read(self, query: str, max_bytes: int | None) -> pa.Table:
        with self._connection.cursor() as cursor:
            cursor.execute(query)
            with cursor.fetch_record_batch() as reader:
                batches, size = [], 0
                for batch in reader:
                    batches.append(batch)
                    size += batch.nbytes
                    if max_bytes is not None and size >= max_bytes:
                        cursor.adbc_cancel()
                        break
                return pa.Table.from_batches(batches, reader.schema)

    def close(self) -> None:
        """End the connection; safe to call twice."""
        self._connection.close()


def _is_interruption(error: adbc_driver_manager.Error | OSError) -> bool:
    """Return whether the same statement may succeed now; a lost connection has no SQLSTATE."""
    if is_not_utf8(error):
        return False
    if isinstance(error, OSError) or not error.sqlstate:
        return True
    return error.sqlstate.startswith(INTERRUPTIONS)


def is_not_utf8(error: BaseException | None) -> bool:
    """Return whether the server refused a value that is no UTF-8, in an error or what caused it.

    What fails among the rows of a COPY has no SQLSTATE, only the server's text.
    """
    if error is None:
        return False
    states = (getattr(error, "pgcode", None), getattr(error, "sqlstate", None))
    is_text = isinstance(error, OSError) and NOT_UTF8_TEXT in str(error)
    return NOT_UTF8 in states or is_text or is_not_utf8(error.__cause__)


_SIGN_IN = (
    ". Correct host, port, database, user or password of the source, or make the role as the README"
    " says (Set up Postgres)"
)


@contextmanager
def explain_errors(settings: PostgresSettings, host: str | None = None) -> Iterator[None]:
    """Name the database in a driver's error; drivers repeat no password, but a query's values."""
    try:
        yield
    except (psycopg2.Error, adbc_driver_manager.Error, OSError) as error:
        reason = " ".join(str(error).partition("Query was:")[0].split())
        where = f"{settings.database} on {host or settings.host}"
        remedy = _SIGN_IN if reason.startswith("connection to server") else ""
        raise SourceError(f"Postgres {where} refuses: {reason}{remedy}") from error


def fetch(
    connection: Connection, query: str, parameters: Sequence[Any] | Mapping[str, Any] = ()
) -> list[Any]:
    """Run one query and return its rows."""
    with connection.cursor() as cursor:
        cursor.execute(query, parameters or None)
        return cursor.fetchall()


def identifier(*names: str) -> str:
    """Quote the parts of a name: `"public"."orders"`."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def literal(text: str) -> str:
    """Quote a value; right because the session has `standard_conforming_strings` on."""
    return "'" + text.replace("'", "''") + "'"
