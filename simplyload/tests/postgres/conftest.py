"""Fixtures: a role that may only read, a source as that role, and what a destination would hold."""

import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import psycopg2
import pytest
from psycopg2.extensions import parse_dsn

from simplyload.changes import COLS, OP, SEQ, Batch, Changes, Rejected, State
from simplyload.sources.postgres.connection import Reader, connect, connect_replication, fetch
from simplyload.sources.postgres.settings import PostgresSettings
from simplyload.sources.postgres.source import PostgresSource

Run = Callable[[str], list[Any]]
Settings = Callable[..., PostgresSettings]
Ask = Callable[[PostgresSettings, str], Any]


@pytest.fixture
def run(database: str) -> Iterator[Run]:
    """Give a function that runs SQL as the owner of the database, and gives the rows."""
    with closing(psycopg2.connect(database)) as connection:
        connection.autocommit = True

        def execute(statement: str) -> list[Any]:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []

        yield execute


@pytest.fixture
def reader_role(run: Run) -> Iterator[str]:
    """Give a role that may SELECT from the tables of `public`, those made later too."""
    name = f"reader_{uuid.uuid4().hex[:12]}"
    run(f"create role {name} login")
    run(f"alter default privileges in schema public grant select on tables to {name}")
    yield name
    run(f"drop owned by {name}; drop role {name}")


@pytest.fixture
def replication_role(run: Run, reader_role: str) -> str:
    """Give the reading role with the right to replicate."""
    run(f"alter role {reader_role} replication")
    return reader_role


@pytest.fixture
def settings(database: str, reader_role: str) -> Settings:
    """Give a function that makes settings of the test's database for the reading role."""
    parts = parse_dsn(database)

    def make(**options: Any) -> PostgresSettings:
        base: dict[str, Any] = {
            "type": "postgres",
            "host": parts["host"],
            "port": parts["port"],
            "database": parts["dbname"],
            "user": reader_role,
            "mode": "poll",
        }
        return PostgresSettings.model_validate(base | options)

    return make


def _ask_catalog(settings: PostgresSettings, query: str) -> Any:
    with closing(connect(settings, "shop")) as connection:
        return fetch(connection, query)[0][0]


def _ask_reader(settings: PostgresSettings, query: str) -> Any:
    with closing(Reader(settings, "shop")) as reader:
        return reader.read(query)[0][0].as_py()


def _ask_replication(settings: PostgresSettings, query: str) -> Any:
    with closing(connect_replication(settings, "shop")) as connection:
        return fetch(connection, query)[0][0]


@pytest.fixture(
    params=[_ask_catalog, _ask_reader, _ask_replication], ids=lambda ask: ask.__name__[5:]
)
def ask(request: pytest.FixtureRequest) -> Ask:
    """Give a function that opens one kind of connection and asks one question."""
    chosen: Ask = request.param
    return chosen


@dataclass
class Replica:
    """Reads a source as the engine does and holds the rows that a destination would.

    The state goes through JSON, and changes count only once a state follows them.
    """

    settings: PostgresSettings
    state: State = field(default_factory=dict)
    batches: list[Batch] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    _rows: dict[str, dict[tuple[Any, ...], dict[str, Any]]] = field(default_factory=dict)

    def sync(self, commits: int | None = None) -> list[dict[str, Any]]:
        """Read until the source is caught up, or dies after some states; give the changes."""
        self.batches = []
        staged: list[Changes] = []
        rejected: list[Rejected] = []
        seen: list[dict[str, Any]] = []
        with closing(PostgresSource(self.settings, "shop")) as source:
            for batch in source.read(self.state):
                self.batches.append(batch)
                staged += batch.changes
                rejected += batch.rejected
                if batch.state is None:
                    continue
                for changes in staged:
                    seen += self._apply(changes)
                self.rejected += rejected
                staged, rejected = [], []
                self.state = json.loads(json.dumps(batch.state))
                commits = None if commits is None else commits - 1
                if commits == 0:
                    break
        return seen

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Give the rows of a table that are not deleted, in the order of their keys."""
        found = self._rows.get(table, {})
        kept = (key for key, row in found.items() if not row["_deleted"])
        return [
            {name: value for name, value in found[key].items() if not name.startswith("_")}
            for key in sorted(kept, key=repr)
        ]

    @property
    def warnings(self) -> Sequence[str]:
        """Give the sentences of the last read."""
        return [warning for batch in self.batches for warning in batch.warnings]

    @property
    def waiting_tables(self) -> dict[str, str]:
        """Give the tables that the last read did not bring to the present."""
        return {wait.table: wait.message for batch in self.batches for wait in batch.waiting}

    def _apply(self, changes: Changes) -> list[dict[str, Any]]:
        rows = self._rows.setdefault(changes.table.name, {})
        listed = changes.rows.to_pylist()
        for change in listed:
            seq, cols = change[SEQ], change[COLS]
            if change[OP] == "T":
                for row in rows.values():
                    row["_deleted"] = row["_deleted"] or row["_seq"] < seq
                continue
            key = tuple(change[name] for name in changes.table.key)
            old = rows.get(key, {"_seq": -1})
            if old["_seq"] >= seq:
                continue
            carried = changes.table.schema.names if cols is None else [*changes.table.key, *cols]
            blank = dict.fromkeys(changes.table.schema.names)
            new = blank | old | {name: change[name] for name in carried}
            if change[OP] == "D":
                new = blank | old | dict(zip(changes.table.key, key, strict=True))
            rows[key] = new | {"_seq": seq, "_deleted": change[OP] == "D"}
        return listed


@pytest.fixture
def replicate(settings: Settings) -> Callable[..., Replica]:
    """Give a function that makes a replica of the test's database, polled unless told otherwise."""

    def make(**options: Any) -> Replica:
        return Replica(settings(**options))

    return make
