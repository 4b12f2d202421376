"""A destination in memory behind the real source: what it holds is compared with the database."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import parse_dsn

from simplyload.changes import Batch, Changes, State
from simplyload.sources.postgres.settings import PostgresSettings
from simplyload.sources.postgres.slot import parse_lsn
from simplyload.sources.postgres.source import PostgresSource

Row = dict[str, Any]
META = {"_op", "_seq", "_cols"}


@dataclass
class Stored:
    """A row of the destination, or the mark that it is deleted."""

    seq: Decimal
    values: Row
    deleted: bool = False


@dataclass
class Memory:
    """The destination: rows by table and key, applied as the contract says."""

    tables: dict[str, dict[tuple[Any, ...], Stored]] = field(default_factory=dict)

    def apply(self, changes: Changes) -> None:
        """Apply changes in their order of `_seq`."""
        rows = self.tables.setdefault(changes.table.name, {})
        for change in sorted(changes.rows.to_pylist(), key=lambda row: row["_seq"]):
            if change["_op"] == "T":
                for each in rows.values():
                    each.deleted |= each.seq < change["_seq"]
                continue
            key = tuple(change[name] for name in changes.table.key)
            stored = rows.get(key)
            if stored is None or change["_seq"] > stored.seq:
                rows[key] = _merge(stored, change)

    def rows(self, table: str) -> list[Row]:
        """List the rows that are not deleted, in key order."""
        rows = self.tables.get(table, {})
        return [rows[key].values for key in sorted(rows) if not rows[key].deleted]


def _merge(stored: Stored | None, change: Row) -> Stored:
    values = {name: value for name, value in change.items() if name not in META}
    carried = change["_cols"]
    if change["_op"] == "D":
        return Stored(change["_seq"], values, deleted=True)
    if carried is not None:
        old = {} if stored is None or stored.deleted else stored.values
        values = old | {name: values[name] for name in values if name in carried or name not in old}
    return Stored(change["_seq"], values)


class Replica:
    """A source with its destination: each `sync` is one run, which commits once."""

    def __init__(self, dsn: str, **settings: Any) -> None:
        parts = parse_dsn(dsn)
        self.name = f"s_{parts['dbname']}"
        options = {"user": parts["user"], "mode": "cdc", "slot": self.name} | settings
        self.settings = PostgresSettings(
            type="postgres",
            host=parts["host"],
            port=int(parts["port"]),
            database=parts["dbname"],
            **options,
        )
        self.memory = Memory()
        self.state: State = {}
        self.batches: list[Batch] = []
        self.during: Callable[[Batch], None] = lambda _: None
        self.source = PostgresSource(self.settings, "test")

    def restart(self) -> None:
        """Forget everything but the committed state, as a new process does."""
        self.source.close()
        self.source = PostgresSource(self.settings, "test")

    def sync(self, *, ack: bool = True) -> "Replica":
        """Read until caught up, then commit, if there is anything; `ack` as after a commit."""
        self.batches = []
        state: State | None = None
        for batch in self.source.read(self.state):
            self.batches.append(batch)
            state = batch.state or state
            self.during(batch)
        for changes in self.changes():
            self.memory.apply(changes)
        is_kept = any(batch.keep for batch in self.batches)
        if state is not None and (
            is_kept or any(change.rows.num_rows for change in self.changes())
        ):
            self.state = state
            if ack:
                self.source.ack(state)
        return self

    def changes(self) -> Iterator[Changes]:
        """Iterate over the changes of the last run."""
        return (changes for batch in self.batches for changes in batch.changes)

    @property
    def copied_tables(self) -> set[str]:
        """Give the tables that the last run copied whole: a copy ends with its own truncation."""
        return {
            changes.table.source_name
            for changes in self.changes()
            for row in changes.rows.select(["_op", "_seq"]).to_pylist()
            if row["_op"] == "T" and row["_seq"] % 10**9 < 2
        }

    @property
    def message_text(self) -> str:
        """Give the warnings of the last run as one text, and why tables wait."""
        said = [warning for batch in self.batches for warning in batch.warnings]
        return "\n".join([*said, *self.waiting_tables.values()])

    @property
    def waiting_tables(self) -> dict[str, str]:
        """Give the tables that the last run did not bring to the present."""
        return {wait.table: wait.message for batch in self.batches for wait in batch.waiting}

    def rows(self, table: str) -> list[Row]:
        """List the destination's rows."""
        return self.memory.rows(table)

    @property
    def lsn(self) -> int:
        """Give the LSN of the committed state."""
        return parse_lsn(self.state["stream"]["lsn"])


class Database:
    """The source, as its owner uses it."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.connection = self.connect()

    def connect(self) -> Connection:
        """Open another session in autocommit."""
        connection = psycopg2.connect(self.dsn)
        connection.autocommit = True
        return connection

    def run(self, *statements: str) -> None:
        """Run statements, each a transaction of its own."""
        with self.connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def fetch(self, query: str) -> list[Any]:
        """Run a query."""
        with self.connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()

    def one(self, query: str) -> Any:
        """Give the single value of a query."""
        return self.fetch(query)[0][0]

    def wait_until_free(self, slot: str) -> None:
        """Wait until no connection streams from the slot."""
        busy = f"select count(*) from pg_replication_slots where active and slot_name = '{slot}'"
        while self.one(busy):
            time.sleep(0.05)  # the server notices a closed connection a moment later

    def confirmed_lsn(self) -> int:
        """Give the LSN up to which the slot has let the log go."""
        return parse_lsn(
            self.one(
                "select confirmed_flush_lsn from pg_replication_slots"
                " where database = current_database()"
            )
        )

    def slots(self) -> list[Any]:
        """List the database's slots: name, state of the log, failover."""
        return self.fetch(
            "select slot_name, wal_status, failover from pg_replication_slots"
            " where database = current_database()"
        )

    def lsn(self) -> int:
        """Give the end of the log."""
        return parse_lsn(self.one("select pg_current_wal_flush_lsn()"))
