"""What is measured: tasks, and the tools that do each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from bench import data, tools
from bench.report import DLT_ADBC, DLT_PYARROW, FLOOR, OWN
from bench.tools import Command, SimplyLoad


@dataclass(frozen=True, kw_only=True)
class Task:
    """A task on a table of the source.

    The tools in `prepared` run once, unmeasured, before `change` alters the table; then all tools
    are measured on `count` rows or changes. A rehearsal runs before them in a folder of its own.
    """

    title: str
    table: str
    rows: int
    count: int
    commands: Mapping[str, Command]
    prepared: Sequence[str] = ()
    change: Callable[[str], None] = field(default=lambda _dsn: None)
    rehearsal: Command | None = None


def list_copies(rows: int, target_dsn: str) -> list[Task]:
    """Copy a whole table into each destination."""
    into: dict[str, dict[str, Command]] = {
        "merged into DuckDB": {
            OWN: SimplyLoad("copy", "duckdb"),
            FLOOR: tools.copy_with_extension,
            DLT_ADBC: tools.dlt("adbc"),
            "dlt, connectorx backend": tools.dlt("connectorx"),
            DLT_PYARROW: tools.dlt("pyarrow"),
        },
        "merged into PostgreSQL": {OWN: SimplyLoad("copy", "postgres", target_dsn)},
        "to Parquet": {OWN: SimplyLoad("copy", "parquet"), "rivet": tools.rivet("full")},
    }
    return [
        Task(
            title=f"Copy {rows:,} rows, {place}",
            table=f"orders_{rows}",
            rows=rows,
            count=rows,
            commands=commands,
        )
        for place, commands in into.items()
    ]


def stream(changes: int) -> Task:
    """Change a table that every tool streams; measured is how each catches up."""
    return Task(
        title=f"Stream {changes:,} changes",
        table="streamed",
        rows=changes,
        count=changes,
        commands={
            OWN: SimplyLoad("cdc", "duckdb"),
            "Debezium (JSON of changes, no merge)": tools.stream_with_debezium,
        },
        prepared=(OWN,),
        change=partial(_change_streamed, changes=changes),
    )


def _change_streamed(dsn: str, changes: int) -> None:
    """Give Debezium its slot, then commit the changes."""
    data.execute(
        dsn,
        "create table judge_end (id int primary key)",
        "create publication debezium for table streamed, judge_end",
        "select pg_create_logical_replication_slot('debezium', 'pgoutput')",
    )
    data.change_orders(dsn, "streamed", changes)
    data.execute(dsn, "insert into judge_end values (1)")


def poll(rows: int, changed: int) -> Task:
    """Poll a table of which a few rows changed."""
    commands: dict[str, Command] = {
        OWN: SimplyLoad("poll", "duckdb"),
        "dlt, connectorx backend, incremental": tools.dlt("connectorx", "updated_at"),
        "rivet, incremental (Parquet, no merge)": tools.rivet("incremental"),
    }
    return Task(
        title=f"Poll {changed:,} changed of {rows:,} rows",
        table="polled",
        rows=rows,
        count=changed,
        commands=commands,
        prepared=tuple(commands),
        change=partial(data.touch_orders, table="polled", count=changed),
    )
