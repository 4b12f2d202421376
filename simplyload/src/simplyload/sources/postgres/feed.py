"""The open replication connection: messages in, confirmations out."""

import select
import time
from collections.abc import Callable
from typing import Any

import psycopg2
from psycopg2.errors import ObjectInUse

from simplyload.errors import SourceError
from simplyload.sources.postgres.connection import connect_replication
from simplyload.sources.postgres.settings import PostgresSettings

# How long a slot stays busy after its holder has died, beyond the server's own timeout.
BUSY_MARGIN = 5.0


class Feed:
    """Messages of the slot from an LSN on. The slot moves by `confirm` alone.

    psycopg2 moves the position that it reports by itself: it takes the server's position when the
    last message began before the last confirmed one, as that of a long transaction does, although
    commits in between are not confirmed. Hence two cursors on one connection: one reads and never
    learns what is confirmed, the other confirms and never reads. What the reading one might still
    say, it says only when the server asks, and the server asks only for its `wal_sender_timeout`.
    So that is off in this session; TCP keepalives find a dead peer instead, which the kernel
    answers while a load takes its time.
    """

    def __init__(self, settings: PostgresSettings, stream: str, start: int) -> None:
        self._connection = connect_replication(settings, stream)
        try:
            timeout = self._set_timeouts()
            self._reader = self._connection.cursor()
            self._confirmer = self._connection.cursor()
            _wait_for_slot(lambda: self._start(settings, stream, start), timeout + BUSY_MARGIN)
        except BaseException:
            self._connection.close()
            raise
        self._start_lsn = start

    def _set_timeouts(self) -> float:
        """Replace the server's timeout by TCP keepalives of about the same length; return it."""
        with self._connection.cursor() as cursor:
            cursor.execute("select setting from pg_settings where name = 'wal_sender_timeout'")
            timeout = float(cursor.fetchall()[0][0]) / 1000 or 60.0
            idle = max(1, int(timeout / 4))
            cursor.execute(
                f"set wal_sender_timeout = 0; set tcp_keepalives_idle = {idle};"
                f" set tcp_keepalives_interval = {idle}; set tcp_keepalives_count = 3"
            )
        return timeout

    def _start(self, settings: PostgresSettings, stream: str, start: int) -> None:
        self._reader.start_replication(
            slot_name=settings.slot_name(stream),
            start_lsn=start,
            decode=False,
            options={
                "proto_version": "1",
                "publication_names": quote_name(settings.publication_name(stream)),
            },
        )

    def next(self) -> bytes | None:
        """Return the next message; None where the server has no more at this moment."""
        message = self._reader.read_message()
        return None if message is None else message.payload

    @property
    def position(self) -> int:
        """Return the LSN before which everything published has arrived, outside a transaction."""
        return max(int(self._reader.wal_end), self._start_lsn)

    def wait(self, seconds: float) -> None:
        """Ask the server for its position, and wait for anything that it sends."""
        self._send_feedback(reply=True)
        select.select([self._connection], [], [], seconds)

    def confirm(self, lsn: int) -> None:
        """Let the slot advance."""
        self._send_feedback(write_lsn=lsn, flush_lsn=lsn, apply_lsn=lsn)

    def _send_feedback(self, **what: Any) -> None:
        self._confirmer.send_feedback(force=True, **what)  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """End the connection; the server reads what was confirmed before it notices."""
        self._connection.close()


def quote_name(name: str) -> str:
    """Quote a publication's name inside the list of names that START_REPLICATION takes."""
    return '"' + name.replace('"', '""') + '"'


def _wait_for_slot(start: Callable[[], None], patience: float) -> None:
    """Try until the holder of the slot is gone: a killed process is noticed after a moment."""
    give_up = time.monotonic() + patience
    while True:
        try:
            return start()
        except ObjectInUse as error:
            if time.monotonic() > give_up:
                reason = str(error).strip().splitlines()[0]
                raise SourceError(
                    f"Another process reads the stream ({reason}): end it, or run"
                    " SELECT pg_terminate_backend(pid) with its pid."
                ) from error
            time.sleep(0.2)


def is_dropped(error: BaseException | None) -> bool:
    """Tell a lost connection, or a server that starts or stops, from a refusal."""
    if isinstance(error, SourceError):
        error = error.__cause__
    if not isinstance(error, psycopg2.Error):
        return False
    # Without a code the client says it: the server has sent nothing. 57P is an operator's doing.
    return error.pgcode is None or error.pgcode.startswith(("08", "57P"))
