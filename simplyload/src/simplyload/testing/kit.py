"""Rows that every source has to pass: `class TestMySource(SourceKit)` in a test file runs them.

Most load into a destination in memory, through the contract alone; the last ones into DuckDB by
the engine, in processes that are killed.
"""

import json
import random
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any, ClassVar

import duckdb
import pytest
from pydantic import BaseModel, SecretStr

from simplyload.changes import SEQ, Table
from simplyload.checks import check_table
from simplyload.destinations.destination import Destination
from simplyload.destinations.duckdb import DuckDBDestination, DuckDBSettings
from simplyload.engine import RunResult
from simplyload.errors import SourceError
from simplyload.sources.source import Source
from simplyload.testing.kills import load_with_kills, make_pipeline, open_settings
from simplyload.testing.memory import MemoryDestination, Row, Rows

STREAM = "kit"


class SourceKit(ABC):
    """The rows; a subclass gives the system that is read, and changes it.

    Every row begins with a new system, which has `begin` changes behind it.
    """

    begin: ClassVar[int] = 12  # changes before the first read
    kills: ClassVar[int] = 6  # reads that are cut off
    steps: ClassVar[Sequence[int]] = (4, 64, 9)  # of a process: first, end, and how many apart
    deadly: ClassVar[Mapping[str, Any]] = {}  # more kills, such as {"random": 50, "longest": 1.5}

    # ---- what you write ----

    @abstractmethod
    def start(self) -> AbstractContextManager[Any]:
        """Start a new system without rows, such as a fake of an API."""

    @abstractmethod
    def settings(self, system: Any) -> dict[str, Any]:
        """Return its settings under `sources` in simplyload.yml, with `type`."""

    @abstractmethod
    def rows(self, system: Any) -> Mapping[str, Sequence[Row]]:
        """Return the rows that every table is to have now."""

    @abstractmethod
    def change(self, system: Any, chooser: random.Random) -> None:
        """Create, change or delete what a random choice falls on."""

    @abstractmethod
    def fail(self, system: Any, after: int, message: str) -> None:
        """Let one request fail for good, with this message of the system, after some that do not.

        The message has the secrets of the settings in it.
        """

    @abstractmethod
    def spoil(self, system: Any) -> str:
        """Give one row a value of another type than its column's; return the table's name."""

    def wait(self, system: Any) -> None:
        """Let time pass until a read finds what was changed; by default it does at once."""

    def add_column(self, system: Any) -> None:  # noqa: ARG002
        """Add a column that has a value in every row, also of rows that change no more."""
        pytest.skip("add_column is not overridden: the columns of this source are fixed")

    def assert_cell(self, cell: Any, sent: Any, where: str) -> None:
        """A cell is what the system has; override it where a type has another form there."""
        assert (type(cell), cell) == (type(sent), sent), where

    # ---- what the rows use ----

    @pytest.fixture
    def system(self) -> Iterator[Any]:
        """Yield a system with some rows."""
        with self.start() as system:
            self.change_some(system, random.Random(1), self.begin)
            yield system

    @pytest.fixture
    def chooser(self) -> random.Random:
        """Return the choice of changes: the same in every run of the tests."""
        return random.Random(2)

    def change_some(self, system: Any, chooser: random.Random, count: int) -> None:
        """Make changes."""
        for _ in range(count):
            self.change(system, chooser)

    def open(self, system: Any) -> Source:
        """Open the source as a new process does, after some time."""
        self.wait(system)
        return open_settings(self.settings(system), STREAM)

    def tables(self, system: Any) -> dict[str, Table]:
        """Return the tables by name."""
        with closing(self.open(system)) as source:
            return {table.name: table for table in source.tables()}

    def assert_equal(self, system: Any, memory: MemoryDestination) -> None:
        """The destination in memory has the system's rows, cell by cell."""
        for name, table in self.tables(system).items():
            self.assert_rows(system, table, memory.live(name))

    def assert_rows(self, system: Any, table: Table, found: Rows) -> None:
        """Rows are those of the system, each once, cell by cell."""
        sent = {tuple(row[k] for k in table.key): row for row in self.rows(system)[table.name]}
        assert found.keys() == sent.keys(), table.name
        for key, row in found.items():
            for column in table.schema.names:
                where = f"{table.name}.{column} of {key}"
                self.assert_cell(row.get(column), sent[key].get(column), where)

    def sync(self, system: Any, folder: Path) -> RunResult:
        """Load into DuckDB by the engine."""
        self.wait(system)
        return make_pipeline(self.settings(system), STREAM, folder, max_changes=8).run_once()

    def assert_loaded(self, system: Any, folder: Path) -> None:
        """DuckDB has the system's rows, each once, cell by cell; the source's scan agrees."""
        target = DuckDBDestination(DuckDBSettings(path=folder / "target.duckdb"))
        with closing(target), closing(self.open(system)) as source:
            for table in source.tables():
                self.assert_rows(system, table, _live(target, table))
                found = check_table(source, target, STREAM, table)
                assert found is None or found.is_equal, found

    # ---- rows by the contract alone ----

    def test_tables_have_keys_and_validate_finds_no_error(self, system: Any) -> None:
        """Each table has a key among its columns and is in `discover`; `validate` finds it good."""
        with closing(self.open(system)) as source:
            listed = {discovery.table.name for discovery in source.discover()}
            for table in source.tables():
                assert table.key, table.name
                assert set(table.key) <= set(table.schema.names), table.name
                assert table.name in listed
            assert [finding for finding in source.validate() if finding.level == "error"] == []

    def test_a_first_read_and_later_ones_give_every_row(
        self, system: Any, chooser: random.Random
    ) -> None:
        """After each read the destination has the rows of the system and no others."""
        memory = MemoryDestination()
        gone: set[Any] = set()
        for _ in range(8):
            memory.load(self.open(system))
            self.assert_equal(system, memory)
            before = self._keys(system)
            self.change_some(system, chooser, 6)
            gone |= before - self._keys(system)
        assert gone, "change() has deleted nothing: let it delete at times"

    def test_a_read_without_changes_gives_none(self, system: Any) -> None:
        """Where nothing has changed, a read gives no row: an idle run wakes no warehouse."""
        memory = MemoryDestination()
        for _ in range(2):
            memory.load(self.open(system))
        idle = memory.load(self.open(system))
        assert [part for batch in idle for part in batch.changes if part.rows.num_rows] == []

    def test_a_kill_after_any_batch_loses_nothing(
        self, system: Any, chooser: random.Random
    ) -> None:
        """Reads that end after each of their batches, with one read more that is not committed."""
        memory = MemoryDestination()
        for number in range(self.kills):
            memory.load(self.open(system), batches=number, uncommitted=number % 2)
            self.change_some(system, chooser, 2)
        memory.load(self.open(system))
        memory.load(self.open(system))
        self.assert_equal(system, memory)

    def test_every_unit_of_work_ends_with_a_position(self, system: Any) -> None:
        """The last batch of a read has a state, and each state is the same after JSON."""
        memory = MemoryDestination()
        batches = memory.load(self.open(system))
        assert batches, "a first read gives a batch"
        assert batches[-1].state is not None

    @pytest.mark.parametrize("after", [0, 1, 3])
    def test_a_failure_in_the_middle_loses_nothing(
        self, system: Any, chooser: random.Random, after: int
    ) -> None:
        """A request that fails is a SourceError or makes tables wait; no secret is in it."""
        memory = MemoryDestination()
        memory.load(self.open(system))
        self.change_some(system, chooser, 8)
        secrets = self._secrets(system)
        self.fail(system, after, f"not with {' or '.join(secrets) or 'this token'}")
        said = self._load_and_listen(system, memory)
        assert said, "fail() has failed nothing"
        assert not [secret for secret in secrets if secret in said]
        memory.load(self.open(system))
        memory.load(self.open(system))
        self.assert_equal(system, memory)

    def test_a_value_of_another_type_is_rejected_alone(self, system: Any) -> None:
        """Its row is in `rejected` and keeps what it had, also when all is read again."""
        memory = MemoryDestination()
        memory.load(self.open(system))
        before = {name: memory.live(name) for name in self.tables(system)}
        name = self.spoil(system)
        for again in (False, True):
            if again:
                self._read_again(system, memory)
            batches = memory.load(self.open(system))
            rejected = [rejection for batch in batches for rejection in batch.rejected]
            assert {rejection.table for rejection in rejected} == {name}
            assert memory.live(name).keys() == before[name].keys()
            keys = [
                tuple(rejection.key[k] for k in self.tables(system)[name].key)
                for rejection in rejected
            ]
            assert [memory.live(name)[key] for key in keys] == [before[name][key] for key in keys]

    def test_a_column_that_appears_is_filled(self, system: Any) -> None:
        """Rows from before a column have its values after the next read."""
        memory = MemoryDestination()
        memory.load(self.open(system))
        self.add_column(system)
        memory.load(self.open(system))
        self.assert_equal(system, memory)

    def test_all_is_read_again_with_higher_numbers(
        self, system: Any, chooser: random.Random
    ) -> None:
        """After `reset` and `backfill` every row comes again, newer than before; the gone go."""
        memory = MemoryDestination()
        memory.load(self.open(system))
        for table in ("", *self.tables(system)):
            self.change_some(system, chooser, 3)
            newest = max(_numbers(memory))
            self._read_again(system, memory, table)
            begin = len(memory.parts)
            memory.load(self.open(system))
            self.assert_equal(system, memory)
            assert min(_numbers(memory, begin), default=newest + 1) > newest

    def test_no_secret_is_in_what_is_kept_or_shown(self, system: Any) -> None:
        """Neither positions, warnings and findings nor a printed source have a secret."""
        memory = MemoryDestination()
        batches = memory.load(self.open(system))
        with closing(self.open(system)) as source:
            shown = [*source.validate(), *source.discover(), vars(source)]
        text = json.dumps(memory.state) + str([shown, [batch.warnings for batch in batches]])
        assert not [secret for secret in self._secrets(system) if secret in text]

    # ---- rows by the engine, into DuckDB ----

    def test_a_destination_equals_the_source(
        self, system: Any, chooser: random.Random, tmp_path: Path
    ) -> None:
        """After runs of the engine `check` finds no difference, and what is gone is marked."""
        for _ in range(3):
            self.sync(system, tmp_path)
            self.change_some(system, chooser, 6)
        self.sync(system, tmp_path)
        self.assert_loaded(system, tmp_path)

    def test_a_rejected_value_is_recorded(self, system: Any, tmp_path: Path) -> None:
        """`_simplyload.rejected` has the row, and the run goes on."""
        self.sync(system, tmp_path)
        name = self.spoil(system)
        assert self.sync(system, tmp_path).rejected == 1
        with duckdb.connect(tmp_path / "target.duckdb", read_only=True) as connection:
            found = connection.sql("select name from _simplyload.rejected").fetchall()
        assert found == [(name,)]

    def test_a_process_killed_before_any_step_loses_and_doubles_nothing(
        self, system: Any, chooser: random.Random, tmp_path: Path
    ) -> None:
        """Killed before requests, statements, syncs and renames, a later run makes all good."""
        self.wait(system)
        killed = load_with_kills(
            self.settings(system), STREAM, tmp_path, steps=[*self.steps], **self.deadly
        )
        assert killed, "a run has fewer steps than the first of `steps`"
        self.change_some(system, chooser, 6)
        self.sync(system, tmp_path)
        self.assert_loaded(system, tmp_path)

    # ---- parts of rows ----

    def _keys(self, system: Any) -> set[Any]:
        tables, rows = self.tables(system), self.rows(system)
        return {
            (name, *(row[column] for column in table.key))
            for name, table in tables.items()
            for row in rows[name]
        }

    def _load_and_listen(self, system: Any, memory: MemoryDestination) -> str:
        """Read, and return the error or what waits."""
        try:
            batches = memory.load(self.open(system))
        except SourceError as error:
            return str(error)
        said = [wait.message for batch in batches for wait in batch.waiting]
        return " ".join([*said, *(text for batch in batches for text in batch.warnings)])

    def _read_again(self, system: Any, memory: MemoryDestination, table: str = "") -> None:
        with closing(self.open(system)) as source:
            if table:
                memory.state = source.backfill(memory.state, table, None)
            else:
                memory.state = source.reset(memory.state)
        memory.state = json.loads(json.dumps(memory.state))

    def _secrets(self, system: Any) -> list[str]:
        with closing(self.open(system)) as source:
            found = _find_secrets(vars(source))
        return sorted(found)


def _find_secrets(value: Any) -> set[str]:
    if isinstance(value, SecretStr):
        return {value.get_secret_value()}
    if isinstance(value, BaseModel):
        value = {name: getattr(value, name) for name in type(value).model_fields}
    if isinstance(value, Mapping):
        value = [*value.values()]
    return (
        {secret for part in value for secret in _find_secrets(part)}
        if isinstance(value, list)
        else set()
    )


def _live(target: Destination, table: Table) -> Rows:
    rows = [row for part in target.scan(STREAM, table) for row in part.to_pylist()]
    found = {tuple(row[name] for name in table.key): row for row in rows}
    assert len(found) == len(rows), f"{table.name} has a key twice"
    return found


def _numbers(memory: MemoryDestination, begin: int = 0) -> list[Any]:
    return [number for part in memory.parts[begin:] for number in part.rows[SEQ].to_pylist()]
