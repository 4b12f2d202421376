"""Your own bucket: SimplyLoad writes Parquet and prints the SQL, which makes the same tables."""

import random
import re
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml

from simplyload.changes import Changes, Table
from simplyload.cli import main
from simplyload.destinations.parquet import ParquetSettings
from simplyload.destinations.snowflake import SnowflakeDestination
from simplyload.destinations.snowflake_files import spell_in_json
from simplyload.errors import SimplyLoadError
from tests.core.conftest import Row, Target
from tests.core.scripted import (
    ORDERS,
    ScriptedSource,
    changes,
    delete,
    random_changes,
    truncate,
    upsert,
)

connector = pytest.importorskip(
    "snowflake.connector", reason="the extra `snowflake` is not installed"
)

WIDER = Table(
    name="orders",
    key=("id",),
    schema=pa.schema({
        "id": pa.int64(), "a": pa.string(), "b": pa.int64(), 'Size "x", [y]': pa.string(),
    }),  # type: ignore[arg-type]
)  # fmt: skip
NAMED = Table(
    name="Line Items",
    key=("id",),
    schema=pa.schema({
        "id": pa.int32(), "element": pa.string(), "list": pa.decimal128(9, 2),
        "Mixed Case": pa.bool_(), "bytes": pa.binary(), "at": pa.timestamp("us", "UTC"),
        "d": pa.date32(), "f": pa.float64(),
    }),  # type: ignore[arg-type]
)  # fmt: skip
BIGGER = Table(
    name="Line Items",
    key=("id",),
    schema=NAMED.schema.set(2, pa.field("list", pa.decimal128(12, 2))),
)
LINE = {
    "id": 1,
    "element": "größe 'q' \\ $x",
    "list": Decimal("1.25"),
    "Mixed Case": True,
    "bytes": b"\x00\xff",
    "at": datetime(2026, 11, 28, 19, 0, 0, 1, tzinfo=UTC),
    "d": date(2026, 11, 28),
    "f": 0.5,
}
STEPS: list[Changes] = [
    changes(upsert(1, {"id": 1, "a": "x", "b": 7}), upsert(2, {"id": 2, "a": "y", "b": 8})),
    changes(
        upsert(3, {"id": 1, "a": None}, ["id", "a"]),
        upsert(4, {"id": 1, "b": 5}, ["id", "b"]),
        delete(5, 2),
    ),
    changes(upsert(6, {"id": 3, 'Size "x", [y]': "1"}, ["id", 'Size "x", [y]']), table=WIDER),
    changes(
        upsert(7, LINE),
        upsert(8, {"id": 1, "element": "only"}, ["id", "element"]),
        upsert(9, {**LINE, "id": 2}),
        upsert(9, {"id": 3, "list": None}, ["id", "list"]),
        table=NAMED,
    ),
    changes(
        upsert(10, {"id": 2, "list": Decimal("12345678.25")}, ["id", "list"]),
        table=BIGGER,
    ),
    changes(truncate(11), upsert(12, {"id": 2, "a": "again", "b": 2**40}), table=WIDER),
]


def write_lake(target: Target, steps: Sequence[Any], **settings: Any) -> None:
    """Load the steps into the bucket."""
    target.pipeline(ScriptedSource(steps), **settings).run_once()


def print_sql(lake: Target, folder: Path, capsys: Any, *arguments: str) -> str:
    """Give what `simplyload sql` prints."""
    assert run_command(lake, folder, *arguments) == 0
    printed: str = capsys.readouterr().out
    return printed


def run_command(lake: Target, folder: Path, *arguments: str) -> int:
    """Run `simplyload sql`; give its exit code."""
    file = folder / "simplyload.yml"
    source = {"type": "postgres", "host": "h", "database": "d", "user": "u"}
    place = {"type": "parquet", "path": str(lake.settings.path)}
    file.write_text(yaml.safe_dump({"sources": {"shop": source}, "destination": place}))
    return main(["sql", "--config", str(file), *arguments])


def run_sql(target: Target, lake: Target, script: str) -> None:
    """Run a script as a user does, statement by statement, by Snowflake's own connector."""
    from snowflake.connector.util_text import split_statements  # noqa: PLC0415 - an extra

    login = SnowflakeDestination(target.settings)._login()  # noqa: SLF001
    with closing(connector.connect(**login)) as connection:
        cursor = connection.cursor()
        cursor.execute("CREATE SCHEMA IF NOT EXISTS _SIMPLYLOAD_STAGE")
        place = lake.settings.path.as_uri()
        cursor.execute(f"CREATE STAGE IF NOT EXISTS _SIMPLYLOAD_STAGE.BUCKET URL = '{place}/'")
        for statement, _ in split_statements(StringIO(script), remove_comments=True):
            if statement:
                cursor.execute(statement)


def read_tables(target: Target, *tables: str) -> dict[str, list[Row]]:
    """Give the rows of tables, their time of loading apart."""
    return {
        name: [
            {column: value for column, value in row.items() if column != "_synced_at"}
            for row in target.query(f'SELECT * FROM shop."{name}" ORDER BY 1')
        ]
        for name in tables
    }


@dataclass(frozen=True)
class BothWays:
    """A lake, what its printed SQL makes, and what the destination `snowflake` makes."""

    lake: Target
    printed: Target
    loaded: Target

    def load(
        self,
        steps: Sequence[Any],
        max_changes: int,
        folder: Path,
        capsys: pytest.CaptureFixture[str],
    ) -> str:
        """Load the steps by both ways; give the SQL."""
        write_lake(self.lake, steps, max_changes=max_changes)
        script = print_sql(self.lake, folder, capsys)
        run_sql(self.printed, self.lake, script)
        self.loaded.pipeline(ScriptedSource(steps), max_changes=max_changes).run_once()
        return script


@pytest.fixture
def ways(
    parquet_target: Target, snowflake_target: Target, snowflake_server: Any, tmp_path: Path
) -> BothWays:
    """Give an empty lake and two empty databases."""
    from simplyload.log import ChangeLog  # noqa: PLC0415 - as the fixtures of conftest do

    settings = snowflake_server.settings()
    log = ChangeLog(tmp_path / "other_log")
    other = Target("snowflake", settings, lambda sql: snowflake_server.query(settings, sql), log)
    return BothWays(parquet_target, snowflake_target, other)


@pytest.fixture(autouse=True)
def _only_the_fake(snowflake_server: Any) -> None:
    if not snowflake_server.is_fake:
        pytest.skip("an account reads no folder of this machine: it needs a bucket of its own")


def test_the_printed_sql_makes_the_tables_of_the_destination(
    ways: BothWays, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whole and partial rows, deletes, a truncate, new and widened columns, odd names: cell by cell
    what the destination `snowflake` makes, also when one load's SQL is run twice.
    """
    script = ways.load(STEPS, 1, tmp_path, capsys)
    tables = ("orders", "Line Items")
    expected = read_tables(ways.loaded, *tables)
    assert [len(rows) for rows in expected.values()] == [3, 3]
    assert read_tables(ways.printed, *tables) == expected
    loads = "SELECT load_id, state, rows FROM _simplyload.loads ORDER BY load_id"
    assert ways.printed.query(loads) == ways.loaded.query(loads)
    fourth = re.findall(r"--after (\S+)", script)[3]
    again = print_sql(ways.lake, tmp_path, capsys, "--after", fourth)
    run_sql(ways.printed, ways.lake, again)
    assert read_tables(ways.printed, *tables) == expected
    assert ways.printed.query(loads) == ways.loaded.query(loads)
    assert ways.printed.stages() == []


def test_each_load_is_copied_from_exactly_its_files_in_order(
    parquet_target: Target, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A load is DDL, COPY of the files that its entry names, then one transaction; --after leaves
    out what Snowflake has, and the SQL is the same whenever it is printed.
    """
    write_lake(parquet_target, STEPS, max_changes=1)
    script = print_sql(parquet_target, tmp_path, capsys)
    files = re.findall(r"FILES = \('(.*?)'\)", script)
    present = sorted(parquet_target.settings.path.rglob("*.parquet"))
    assert sorted(files) == [
        p.relative_to(parquet_target.settings.path).as_posix() for p in present
    ]
    kinds = [line.split()[0] for line in script.splitlines() if line and line[:2] != "--"]
    assert "CREATE COPY SELECT BEGIN; DELETE MERGE" in " ".join(kinds)
    transactions = re.findall(r"^BEGIN;\n(.*?)^COMMIT;", script, re.DOTALL | re.MULTILINE)
    assert len(transactions) == len(STEPS)
    assert not re.search("^(CREATE|ALTER|COPY|DROP)", "".join(transactions), re.MULTILINE)
    third = re.findall(r"--after (\S+)", script)[2]
    rest = print_sql(parquet_target, tmp_path, capsys, "--after", third)
    assert rest.count("\nCOMMIT;") == 3
    assert script.endswith(rest[rest.index("\nCREATE OR REPLACE") :])


@pytest.mark.chaos
@pytest.mark.parametrize("seed", range(4))
def test_random_histories_are_the_same_by_both_ways(
    seed: int, ways: BothWays, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Random changes in loads of random sizes: the printed SQL makes what the destination makes."""
    rows, chooser = random_changes(seed, 60, truncates=3), random.Random(seed)
    steps = []
    while rows:
        size = chooser.randint(1, 9)
        steps.append(changes(*rows[:size]))
        rows = rows[size:]
    ways.load(steps, 10, tmp_path, capsys)
    assert read_tables(ways.printed, "orders") == read_tables(ways.loaded, "orders")


def test_a_table_that_snowflake_cannot_change_stops_and_is_named(
    parquet_target: Target, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A column that becomes text stops its table, with the remedy and exit code 1; others go on.

    So does another key. The remedy is another lake, and helps.
    """
    text = Table(
        name="orders", key=("id",), schema=ORDERS.schema.set(2, pa.field("b", pa.string()))
    )
    steps = [
        changes(upsert(1, {"id": 1, "b": 1})),
        changes(upsert(2, {"id": 2, "b": "x"}), table=text),
        changes(upsert(3, LINE), table=NAMED),
        changes(upsert(4, {"id": 1, "b": 1}), table=replace(ORDERS, name="keyed")),
        changes(upsert(5, {"id": 1, "b": 1}), table=replace(ORDERS, name="keyed", key=("b",))),
    ]
    write_lake(parquet_target, steps, max_changes=1)
    remedy = "must become VARCHAR, which Snowflake does not do in place. No SQL that is printed"
    assert run_command(parquet_target, tmp_path) == 1
    printed = capsys.readouterr()
    assert printed.err.count(remedy) == 1
    assert printed.err.count("The key of keyed changed from ('id',) to ('b',). No SQL that") == 1
    assert "backfill" not in printed.err
    assert printed.out.count('MERGE INTO "SHOP"') == 3
    assert 'MERGE INTO "SHOP"."Line Items"' in printed.out
    newest = re.findall(r"--after (\S+)", printed.out)[-1]
    assert run_command(parquet_target, tmp_path, "--after", newest) == 1
    assert capsys.readouterr().err.count(remedy) == 1
    other = replace(parquet_target, settings=ParquetSettings(path=tmp_path / "other"))
    write_lake(other, [steps[1], steps[2], steps[4]])
    assert run_command(other, tmp_path) == 0


def test_a_position_or_a_lake_that_is_not_there_is_refused(
    parquet_target: Target, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An empty lake and a load that it does not have are errors in one line, not an empty script;
    after the newest load the last line says again how to go on.
    """
    assert run_command(parquet_target, tmp_path) == 2
    assert "holds no load of shop: run `simplyload sync` first" in capsys.readouterr().err
    write_lake(parquet_target, STEPS[:1])
    [newest] = re.findall(r"--after (\S+)", print_sql(parquet_target, tmp_path, capsys))
    assert newest == "shop/0000000001-000001"
    for wrong in ("x", "shop/0000000009-000001", "crm/0000000001-000001", "0000000001-000001"):
        assert run_command(parquet_target, tmp_path, "--after", wrong) == 2
        printed = capsys.readouterr()
        assert (
            f"shop has no load {wrong} in destination.path, its newest is {newest}" in printed.err
        )
        assert (printed.out, printed.err.count("\n")) == ("", 1)
    again = print_sql(parquet_target, tmp_path, capsys, "--after", newest)
    assert again == (
        f"-- shop: no new load\n-- next time: simplyload sql --select shop --after {newest}\n\n"
    )


def empty(path: Path) -> None:
    """Leave nothing of a file."""
    path.write_bytes(b"")


def cut(path: Path) -> None:
    """Leave the first half of a file."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("pattern", [".commits/0000000002.json", "*-000002-0.parquet"])
@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (Path.unlink, "is gone, which no command of simplyload removes: restore it"),
        (empty, "is damaged: it does not hold what SimplyLoad wrote. Restore it"),
        (cut, "is damaged: it does not hold what SimplyLoad wrote. Restore it"),
    ],
    ids=["gone", "empty", "cut"],
)
def test_a_damaged_lake_is_named_by_its_file(  # noqa: PLR0913, PLR0917 - three are fixtures
    pattern: str,
    damage: Callable[[Path], None],
    what: str,
    parquet_target: Target,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A lake with a lost, empty or cut entry or file gives an error in one line, by `sql` and by a
    scan, and never a script without it.
    """
    write_lake(parquet_target, STEPS[:2], max_changes=1)
    [wrong] = Path(str(parquet_target.settings.path)).rglob(pattern)
    damage(wrong)
    assert run_command(parquet_target, tmp_path) == 1
    printed = capsys.readouterr()
    assert f"{wrong.name} {what}" in printed.err
    assert printed.err.count("\n") == 1
    assert "000002" not in printed.out
    with pytest.raises(SimplyLoadError, match=f"{wrong.name} {what}"):
        parquet_target.live()


def test_a_name_with_a_backslash_is_refused(
    parquet_target: Target, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Snowflake's own splitter takes it for an escape, and what follows for another statement."""
    named = Table(name="it\\", key=("id",), schema=pa.schema([("id", pa.int64())]))
    write_lake(parquet_target, [changes(upsert(1, {"id": 1}), table=named)])
    assert run_command(parquet_target, tmp_path) == 1
    printed = capsys.readouterr()
    assert "has a backslash" in printed.err
    assert "MERGE" not in printed.out


@pytest.mark.parametrize(
    "shape", ['["{}"]', '{{"list":[{{"element":"{}"}}]}}', '[{{"item":"{}"}}]']
)
def test_a_name_is_found_in_every_form_of_a_list(shape: str) -> None:
    """Snowflake shows a list of Parquet in one of several forms: names are found, keys are not."""
    text = shape.format("a")
    for mark, other in (("[", ","), ("]", ","), ("}", ","), ('":"', '":,"')):
        text = text.replace(mark, other)
    assert spell_in_json("a") in text
    for name in ("list", "element", "item", "b", ""):
        assert spell_in_json(name) not in text


def test_setup_prints_how_snowflake_may_read_the_bucket(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Integration and stage have the bucket's address, and a folder of this machine is refused."""
    file = tmp_path / "simplyload.yml"
    text = "sources:\n  shop: {type: postgres, host: h, database: d, user: u}\n"
    place = "destination: {type: parquet, path: PLACE}\n"
    file.write_text(text + place.replace("PLACE", "s3://acme/lake"))
    arguments = ["setup", "snowflake", "--config", str(file)]
    assert main([*arguments, "--database", "ANALYTICS", "--aws-role", "arn:aws:iam::1:role/r"]) == 0
    sql = capsys.readouterr().out
    assert "storage_aws_role_arn = 'arn:aws:iam::1:role/r'" in sql
    allowed = "storage_allowed_locations = ('s3://acme/lake/')"
    assert sql.count(allowed) == 2  # of a new integration, and of one that is there
    assert "alter storage integration SIMPLYLOAD set storage_allowed_locations" in sql
    assert "url = 's3://acme/lake/'" in sql
    assert "grant usage, create schema on database ANALYTICS to role SIMPLYLOAD;" in sql
    for option in ("--database", "--aws-role"):
        assert main([*arguments, option, ""]) == 2
        printed = capsys.readouterr()
        assert (printed.out, printed.err.count(f"{option} is empty: give a name")) == ("", 1)
    file.write_text(text + place.replace("PLACE", "lake"))
    assert main(arguments) == 2
    assert "a path s3://bucket/prefix" in capsys.readouterr().err
