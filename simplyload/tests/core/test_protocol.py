"""Lease, commit and idle runs: what two runs, a lost row or a closed hour cannot break."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from sqlglot import exp

from simplyload.changes import Batch, Rejected, State
from simplyload.destinations.destination import Load, Staged
from simplyload.destinations.duckdb import DuckDBDestination
from simplyload.destinations.parquet import LakeEntry, ParquetDestination
from simplyload.destinations.sql import REJECTED_ROWS
from simplyload.engine import REJECTED_SHOWN, Pipeline, end_at_commit
from simplyload.errors import (
    AlreadyRunningError,
    DestinationError,
    FencedError,
    SourceError,
)
from simplyload.log import ChangeLog
from tests.core.conftest import Target
from tests.core.scripted import ORDERS, ScriptedSource, changes, truncate, upsert

ONE, TWO = changes(upsert(1, {"id": 1, "a": "x"})), changes(upsert(2, {"id": 2, "a": "y"}))


def assert_stale_is_fenced(target: Target, other: Target) -> None:
    """A worker whose lease the other one took commits nothing more; no row is lost or doubled."""

    class Slow(ScriptedSource):
        def read(self, state: State) -> Iterator[Batch]:  # noqa: ARG002
            yield Batch(changes=[ONE], state={"n": 1})
            other.pipeline(ScriptedSource([ONE, TWO])).run_once()
            yield Batch(changes=[TWO], state={"n": 2})

    source = Slow([])
    with pytest.raises(FencedError):
        target.pipeline(source, max_changes=1).run_once()
    assert source.acked == [{"n": 1}]
    assert set(target.live()) == {(1,), (2,)}
    assert target.destination().read_state("shop") == {"n": 2}


def test_r3_a_stale_worker_is_fenced(target: Target, tmp_path: Path) -> None:
    """A worker whose lease another one took commits nothing more, and no row is lost or doubled."""
    assert_stale_is_fenced(target, replace(target, log=ChangeLog(tmp_path / "another machine")))


def test_a_run_that_was_overtaken_reads_again(target: Target, tmp_path: Path) -> None:
    """What was gathered from a state that is no longer the newest is discarded, not loaded."""
    other = replace(target, log=ChangeLog(tmp_path / "another machine"))

    class Slow(ScriptedSource):
        def read(self, state: State) -> Iterator[Batch]:
            if not self.reads:
                other.pipeline(ScriptedSource([ONE])).run_once()
            yield from super().read(state)

    source = Slow([ONE, TWO])
    assert target.pipeline(source).run_once().changes == 1
    assert (source.reads, source.acked) == (2, [{"n": 2}])
    assert set(target.live()) == {(1,), (2,)}


def test_a37_an_idle_run_sends_no_statement(sql_target: Target, statements: list[str]) -> None:
    """A run that finds nothing takes no lease, sends nothing, writes nothing."""
    source = ScriptedSource([ONE])
    pipeline = sql_target.pipeline(source)
    pipeline.run_once()
    files = set(sql_target.log.root.rglob("*.*"))
    statements.clear()
    assert pipeline.run_once().loads == 0
    assert (statements, source.reads, source.acked) == ([], 2, [{"n": 1}])
    assert set(sql_target.log.root.rglob("*.*")) == files


def test_a_view_of_the_user_beside_the_metadata_changes_nothing(sql_target: Target) -> None:
    """A view in schema `_simplyload` hides no position: the next run reads only what is new."""
    source = ScriptedSource([ONE])
    sql_target.pipeline(source).run_once()
    sql_target.execute("CREATE VIEW _simplyload.newest AS SELECT * FROM _simplyload.loads")
    source.batches = [ONE, TWO]
    assert sql_target.pipeline(source).run_once().changes == 1
    assert sql_target.destination().read_state("shop") == {"n": 2}


def test_a_new_process_without_changes_only_reads(
    postgres_target: Target, statements: list[str]
) -> None:
    """A process that finds nothing reads schemas, state, which tables wait, which are absent."""
    postgres_target.pipeline(ScriptedSource([ONE])).run_once()
    statements.clear()
    postgres_target.pipeline(ScriptedSource([ONE])).run_once()
    assert [sql.split()[0] for sql in statements] == ["SELECT"] * 4


def test_a39_a_load_that_lost_a_row_fails(duckdb_target: Target) -> None:
    """Fewer rows in the stage than in the files: the load fails, and nothing of it is kept."""

    class Lossy(DuckDBDestination):
        def _stage(self, load: Load, staged: Staged, names: Mapping[str, str]) -> exp.Table:
            stage = super()._stage(load, staged, names)
            view = exp.table_("lossy", quoted=True)
            rows = exp.select("*").from_(stage).limit(1)
            self._execute(exp.Create(this=view, kind="TABLE", replace=True, expression=rows))
            return view

    both = changes(upsert(1, {"id": 1}), upsert(2, {"id": 2}))
    pipeline = Pipeline(
        "shop", ScriptedSource([both]), Lossy(duckdb_target.settings), duckdb_target.log
    )
    with pytest.raises(DestinationError, match="1 of 2 changes of orders"):
        pipeline.run_once()
    assert duckdb_target.destination().read_state("shop") is None
    duckdb_target.pipeline(ScriptedSource([both])).run_once()
    assert set(duckdb_target.live()) == {(1,), (2,)}


def test_a40_a_copy_again_keeps_the_table_its_views_and_its_grants(postgres_target: Target) -> None:
    """The table that a customer's view and grant refer to is the same after a backfill."""
    again = changes(upsert(5, {"id": 1, "a": "new"}), truncate(5))
    pipeline = postgres_target.pipeline(ScriptedSource([ONE, TWO]))
    pipeline.run_once()
    postgres_target.query(
        "CREATE VIEW shop.names AS SELECT a FROM shop.orders WHERE NOT _deleted;"
        " GRANT SELECT ON shop.orders TO pg_monitor; COMMIT; SELECT 1"
    )
    pipeline.backfill("orders")
    postgres_target.pipeline(ScriptedSource([again])).run_once()
    assert postgres_target.query("SELECT a FROM shop.names") == [{"a": "new"}]
    grant = "SELECT has_table_privilege('pg_monitor', 'shop.orders', 'SELECT') AS granted"
    assert postgres_target.query(grant) == [{"granted": True}]


def test_a41_old_rows_stay_until_a_copy_again_is_complete(target: Target) -> None:
    """A source that dies in a re-copy leaves every row; its end marks those that are gone."""

    class Dying(ScriptedSource):
        def read(self, state: State) -> Iterator[Batch]:
            yield from super().read(state)
            raise SourceError("the source went away")

    target.pipeline(ScriptedSource([ONE, TWO])).run_once()
    copy = [ONE, TWO, changes(upsert(9, {"id": 1, "a": "again"}))]
    with pytest.raises(SourceError):
        target.pipeline(Dying(copy)).run_once()
    assert {key: row["a"] for key, row in target.live().items()} == {(1,): "again", (2,): "y"}
    target.pipeline(ScriptedSource([*copy, changes(truncate(9))])).run_once()
    assert set(target.live()) == {(1,)}


def test_a48_a_second_run_on_this_machine_says_so(target: Target) -> None:
    """While a run is active another one of the stream ends with exit code 75 and one sentence."""
    with target.log.lock("shop"), pytest.raises(AlreadyRunningError, match=r"process \d+") as stop:
        target.pipeline(ScriptedSource([ONE])).run_once()
    assert stop.value.exit_code == 75


def test_a48_a_file_that_another_process_has_open_is_named(duckdb_target: Target) -> None:
    """A DuckDB file that another program has open for writing is named, with the remedy."""
    path = duckdb_target.settings.path
    program = f"import duckdb; held = duckdb.connect({str(path)!r}); print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout
        holder.stdout.readline()
        with pytest.raises(AlreadyRunningError, match=path.name):
            duckdb_target.pipeline(ScriptedSource([ONE])).run_once()
        holder.communicate(b"\n")


def test_r34_a_clock_that_goes_back_changes_nothing(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loads are ordered without a clock: an hour back between two, the newer state and rows win."""
    hours = iter(range(100))

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) - timedelta(hours=next(hours))

    for module in ("log", "destinations.sql", "destinations.parquet"):
        monkeypatch.setattr(f"simplyload.{module}.datetime", Clock)
    source = ScriptedSource([ONE, changes(upsert(2, {"id": 1, "a": "newer"}))])
    target.pipeline(source, max_changes=1).run_once()
    assert target.destination().read_state("shop") == {"n": 2}
    assert target.live()[(1,)]["a"] == "newer"
    assert [entry.state["n"] for entry in target.log.history("shop")] == [1, 2]


def test_r29_a_bad_row_is_recorded_and_the_others_load(sql_target: Target) -> None:
    """What the source or the destination refuses is in `rejected` once, with its key and why."""
    rejection = Rejected(table="orders", key={"id": 9}, column="a", reason="year 5874897")
    rows = changes(upsert(1, {"id": 1, "a": "good"}), upsert(2, {"a": "no key"}))
    source = ScriptedSource([Batch(changes=[rows], state={"n": 1}, rejected=[rejection])])
    assert sql_target.pipeline(source).run_once().rejected == 2
    assert [row["id"] for row in sql_target.rows()] == [1]
    again = Batch(changes=[rows], state={"n": 2}, rejected=[rejection])
    sql_target.pipeline(ScriptedSource([source.batches[0], again])).run_once()
    found = sql_target.query('SELECT key, "column", reason FROM _simplyload.rejected ORDER BY key')
    assert [tuple(row.values()) for row in found] == [
        ('{"id": 9}', "a", "year 5874897"),
        ('{"id": null}', "id", "the key is NULL"),
    ]


def test_r29_text_with_nul_is_refused_where_it_cannot_be_held(postgres_target: Target) -> None:
    """Postgres holds no character NUL: the row is rejected by name, the others load."""
    rows = changes(upsert(1, {"id": 1, "a": "a\0b"}), upsert(2, {"id": 2}))
    assert postgres_target.pipeline(ScriptedSource([rows])).run_once().rejected == 1
    assert set(postgres_target.live()) == {(2,)}


def test_r29_a_column_of_rejected_cells_costs_few_statements(
    sql_target: Target, statements: list[str]
) -> None:
    """Cells that no destination can hold are written together, and each is recorded once."""
    keys = [{"id": number, "text": "it's"} for number in range(REJECTED_ROWS + 1)]
    rejected = [
        Rejected(table="orders", key=key, column=column, reason="infinity")
        for key in [*keys, *keys]
        for column in ("a", "b")
    ]
    batches = [
        Batch(changes=[rows], state={"n": number}, rejected=rejected)
        for number, rows in enumerate((ONE, TWO), 1)
    ]
    sql_target.pipeline(ScriptedSource(batches), max_changes=1).run_once()
    found = sql_target.query('SELECT key, "column" FROM _simplyload.rejected')
    cells = [(json.loads(row["key"])["id"], row["column"]) for row in found]
    assert sorted(cells) == [(key["id"], column) for key in keys for column in ("a", "b")]
    sent = [text for text in statements if "infinity" in text]
    assert sum(text.count("INSERT INTO") for text in sent) < len(keys)


def test_r29_a_column_of_rejected_cells_is_reported_by_a_few(target: Target) -> None:
    """Some cells of each column are named, the rest is one number that says where all are."""
    target.pipeline(ScriptedSource([reject_cells(300)])).run_once()
    events = [event for event in target.events if event.kind == "rejected"]
    assert [(event.table, event.rows) for event in events] == (
        [("orders", 1)] * REJECTED_SHOWN + [("orders", 300 - REJECTED_SHOWN)]
    ) * 2
    assert "{'id': 0}: column a: infinity" in events[0].message
    assert re.search(r"^column a: 295 more cells; all are in .*rejected", events[5].message)


def test_r29_an_entry_of_a_lake_does_not_grow_with_rejected_cells(parquet_target: Target) -> None:
    """Each run reads the newest entry: a file beside it has the cells, and no run removes it."""
    batch = reject_cells(300)
    parquet_target.pipeline(ScriptedSource([batch])).run_once()
    lake = parquet_target.destination()
    assert isinstance(lake, ParquetDestination)
    [entry] = lake.loads("shop")
    assert len(entry.to_json()) < 1_000
    assert lake.drop_orphans("shop", datetime.now(UTC)) == []
    assert lake.read_rejected(entry) == batch.rejected
    [event] = [event for event in parquet_target.events if "column b: 295" in event.message]
    assert event.message.endswith(f"all are in {entry.rejected_in}")
    older = replace(entry, rejected_in="", rejected=[vars(cell) for cell in batch.rejected])
    assert lake.read_rejected(LakeEntry.from_json("1.json", older.to_json())) == batch.rejected


def test_r29_rejected_cells_of_a_load_without_a_commit_are_removed(
    parquet_target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a run wrote of them before it failed is gone after the next one."""
    append = ParquetDestination._append  # noqa: SLF001

    def fail(lake: ParquetDestination, stream: str, entry: LakeEntry) -> bool:
        if entry.load_id is not None:
            raise DestinationError("away")
        return append(lake, stream, entry)

    folder = Path(parquet_target.settings.path, "shop", ".rejected")
    pipeline = parquet_target.pipeline(ScriptedSource([reject_cells(1)]))
    with monkeypatch.context() as patch:
        patch.setattr(ParquetDestination, "_append", fail)
        with pytest.raises(DestinationError):
            pipeline.run_once()
    [left] = folder.rglob("*.parquet")
    parquet_target.pipeline(ScriptedSource([reject_cells(1)])).run_once()
    assert left not in [*folder.rglob("*.parquet")]
    assert len([*folder.rglob("*.parquet")]) == 1


@pytest.mark.parametrize("signals", [1, 2])
def test_r30_a_second_signal_rolls_back_a_long_load(
    duckdb_target: Target, monkeypatch: pytest.MonkeyPatch, signals: int
) -> None:
    """Within a load one SIGTERM waits for its commit, two end it between statements; none loses."""
    monkeypatch.setattr("simplyload.engine.ECHO_SECONDS", 0.0)
    batch, pending = reject_cells(REJECTED_ROWS * 2), [signal.SIGTERM] * signals
    execute = DuckDBDestination._run  # noqa: SLF001

    def execute_and_signal(self: DuckDBDestination, sql: str) -> Any:
        if pending and "infinity" in sql:
            os.kill(os.getpid(), pending.pop())
        return execute(self, sql)

    monkeypatch.setattr(DuckDBDestination, "_run", execute_and_signal)
    pipeline = duckdb_target.pipeline(ScriptedSource([batch]))
    with end_at_commit(pipeline):
        result = pipeline.run_once()
    assert (result.interrupted, result.exit_code, pending) == (True, 0, [])
    assert duckdb_target.destination().read_state("shop") == ({"n": 1} if signals == 1 else None)
    assert duckdb_target.pipeline(ScriptedSource([batch])).run_once().loads == signals - 1
    [row] = duckdb_target.query("SELECT count(*) AS found FROM _simplyload.rejected")
    assert row["found"] == len(batch.rejected)


def reject_cells(count: int) -> Batch:
    """Give a row, and cells of two columns that no destination can hold."""
    rejected = [
        Rejected(table="orders", key={"id": number}, column=column, reason="infinity")
        for column in ("a", "b")
        for number in range(count)
    ]
    return Batch(changes=[ONE], state={"n": 1}, rejected=rejected)


def test_a33_a_value_beyond_the_limit_is_rejected(target: Target) -> None:
    """One value that is too long for the limit does not fail the load: its row is rejected."""
    rows = changes(upsert(1, {"id": 1, "a": "x" * 1001}), upsert(2, {"id": 2, "a": "y" * 1000}))
    result = target.pipeline(ScriptedSource([rows]), max_value_bytes=1000).run_once()
    assert (result.rejected, set(target.live())) == (1, {(2,)})
    [event] = [event for event in target.events if event.kind == "rejected"]
    assert "the value has 1001 bytes, and the limit is 1000" in event.message


@pytest.mark.parametrize("loads", [1, 2])
def test_r29_a_row_rejected_in_a_copy_keeps_the_row_before_it(target: Target, loads: int) -> None:
    """The T at the end of a copy deletes no row of which a new value cannot be held."""
    old = changes(upsert(1, {"id": 1, "a": "x", "b": 7}), upsert(1, {"id": 2, "a": "y"}))
    copy = [upsert(2, {"id": 1, "a": "x" * 1001, "b": 8}), upsert(2, {"id": 3, "a": "x" * 1001})]
    parts = [old, changes(*copy, truncate(2))]
    if loads == 2:
        parts = [old, changes(*copy), changes(truncate(2))]
    pipeline = target.pipeline(ScriptedSource(parts), max_changes=1, max_value_bytes=1000)
    assert pipeline.run_once().rejected == 2
    assert target.live() == {(1,): {"id": 1, "a": "x", "b": 7}}


def test_a_unit_of_work_is_never_cut(target: Target) -> None:
    """Changes without a state are committed with the state that follows them, not before."""
    states: list[State | None] = []

    class Units(ScriptedSource):
        def read(self, state: State) -> Iterator[Batch]:  # noqa: ARG002
            yield Batch(changes=[ONE], state=None)
            with closing(target.destination()) as destination:
                states.append(destination.read_state("shop"))
            yield Batch(changes=[TWO], state={"n": 1})

    assert target.pipeline(Units([]), max_changes=1).run_once().loads == 1
    assert states == [None]


@pytest.mark.parametrize("count", [20, 80])
def test_memory_for_gathered_changes_is_bounded(target: Target, count: int) -> None:
    """What the engine holds in memory does not grow with the number of changes of a load."""
    rows = pa.Table.from_pylist(
        [upsert(n, {"id": n, "a": f"{n:0200}"}) for n in range(5_000)],
        schema=ORDERS.change_schema(),
    )
    pa.default_memory_pool().release_unused()
    before = pa.total_allocated_bytes()
    with target.log.lock("shop"):
        gathering = target.log.gather("shop", target.destination().limits)
        peaks = []
        for _ in range(count):
            gathering.add(replace(ONE, rows=rows))
            peaks.append(pa.total_allocated_bytes() - before)
    assert max(peaks) < 64 << 20


def test_metadata_is_in_utc(postgres_target: Target) -> None:
    """The time of the sync is stored as UTC, whatever the time zone of this machine."""
    postgres_target.pipeline(ScriptedSource([ONE])).run_once()
    [row] = postgres_target.rows()
    assert abs(row["_synced_at"] - datetime.now(UTC)) < timedelta(hours=1)
