"""Snowflake alone: what it does otherwise than the other destinations, statement by statement."""

import json
import re
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml
from sqlglot import exp

from simplyload.changes import Table
from simplyload.checks import check_destination
from simplyload.cli import main
from simplyload.config import read_configuration
from simplyload.destinations import snowflake, warehouse
from simplyload.destinations.destination import Load
from simplyload.destinations.snowflake import SnowflakeDestination
from simplyload.destinations.snowflake_files import copy_into
from simplyload.destinations.warehouse import write_files
from simplyload.engine import Pipeline
from simplyload.errors import ConfigurationError, DestinationError, FencedError
from simplyload.gather import Gathering
from simplyload.store import LocalStore
from simplyload.streams import open_destination
from tests.core.conftest import Target
from tests.core.scripted import ORDERS, ScriptedSource, changes, delete, truncate, upsert

pytest.importorskip("snowflake.connector", reason="the extra `snowflake` is not installed")
from tests.core.snowflake_server import make_key

ONE, TWO = changes(upsert(1, {"id": 1, "a": "x"})), changes(upsert(2, {"id": 2, "a": "y"}))
CONFIGURATION = """
sources:
  shop: {type: postgres, host: h, database: d, user: u}
destination:
  type: snowflake
  account: org-account
  database: analytics
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give a configuration that lacks its key alone."""
    path = tmp_path / "simplyload.yml"
    path.write_text(CONFIGURATION)
    return path


@pytest.fixture
def destination(snowflake_target: Target) -> Any:
    """Connect to an empty database."""
    with closing(snowflake_target.destination()) as opened:
        yield opened


def stage(destination: Any, target: Target, *rows: dict[str, Any]) -> tuple[Load, exp.Table]:
    """Stage changes as a load does, and leave the stage as a killed load does."""
    target.log.root.mkdir()
    gathering = Gathering(target.log.root, destination.limits)
    gathering.add(changes(*rows))
    [staged] = gathering.finish()
    load = Load(
        load_id="0000000001-000001", stream="shop", schema="shop", state={}, staged=[staged]
    )
    names = destination.name_columns("shop", ORDERS)
    return load, destination._stage(load, staged, names)  # noqa: SLF001


@pytest.mark.slow
def test_rows_of_partial_updates_deletes_and_truncates_are_right(snowflake_target: Target) -> None:
    """Unsent columns keep their values, NULL is a value, a deleted row is marked and keeps its."""
    steps = [
        changes(upsert(1, {"id": 1, "a": "x", "b": 7}), upsert(2, {"id": 2, "a": "y", "b": 8})),
        changes(upsert(3, {"id": 1, "a": None}, ["id", "a"]), delete(4, 2)),
        changes(upsert(5, {"id": 3, "b": 9}, ["id", "b"])),
    ]
    snowflake_target.pipeline(ScriptedSource(steps), max_changes=1).run_once()
    rows = snowflake_target.query("SELECT id, a, b, _deleted, _seq FROM shop.orders ORDER BY id")
    assert [tuple(row.values()) for row in rows] == [
        (1, None, 7, False, 3),
        (2, "y", 8, True, 4),
        (3, None, 9, False, 5),
    ]
    steps.append(changes(truncate(6), upsert(7, {"id": 2, "a": "again"}, ["id", "a"])))
    snowflake_target.pipeline(ScriptedSource(steps)).run_once()
    assert snowflake_target.live() == {(2,): {"id": 2, "a": "again", "b": None}}


def test_every_type_arrives_as_it_is(snowflake_target: Target) -> None:
    """A value of each type of the catalog, and a NULL of each, is read as it was loaded."""
    values: dict[pa.DataType, Any] = {
        pa.bool_(): True,
        pa.int16(): -(2**15),
        pa.int64(): 2**63 - 1,
        pa.float32(): 0.5,
        pa.float64(): 1e300,
        pa.string(): "größe 'quoted' \\ $x",
        pa.binary(): b"\x00\xff",
        pa.decimal128(38, 9): "12345678901234567890123456789.000000001",
        pa.date32(): "0001-01-01",
        pa.timestamp("us"): "9999-12-31T23:59:59.999999",
        pa.timestamp("us", "UTC"): "1969-12-31T23:59:59.000001+00:00",
    }
    typed = {f"c{n}": pa.scalar(v).cast(kind) for n, (kind, v) in enumerate(values.items())}
    columns = [("id", pa.int64()), *((name, scalar.type) for name, scalar in typed.items())]
    shape = Table(name="orders", key=("id",), schema=pa.schema(columns))
    full = {"id": 1, **{name: scalar.as_py() for name, scalar in typed.items()}}
    empty = {"id": 2, **dict.fromkeys(typed)}
    rows = changes(upsert(1, full), upsert(2, empty), table=shape)
    snowflake_target.pipeline(ScriptedSource([rows])).run_once()
    assert snowflake_target.live(shape) == {(1,): full, (2,): empty}


@pytest.mark.slow
def test_names_need_no_quotes(snowflake_target: Target) -> None:
    """Schemas, tables and columns in lower case are upper case there, also a name of the user's."""
    settings = snowflake_target.settings
    names = settings.names.model_copy(update={"deleted": "_fivetran_deleted"})
    snowflake_target.settings = settings.model_copy(update={"names": names})
    for steps in ([ONE], [ONE, TWO]):
        snowflake_target.pipeline(ScriptedSource(steps)).run_once()
    sql = "SELECT o.id, o._fivetran_deleted, l.epoch FROM shop.orders o, _simplyload.lease l"
    found = snowflake_target.query(f"{sql} WHERE l.stream = 'shop' ORDER BY 1")
    assert [tuple(row.values()) for row in found] == [(1, False, 2), (2, False, 2)]


def test_r25_a_copy_that_is_run_again_loads_nothing(
    destination: Any, snowflake_target: Target
) -> None:
    """Snowflake's own load history skips a file that the stage has already."""
    destination.acquire("shop")
    _, table = stage(destination, snowflake_target, upsert(1, {"id": 1}), upsert(2, {"id": 2}))
    [row], _ = destination._run(copy_into(table, ["0.parquet"]))  # noqa: SLF001
    assert "LOADED" not in row
    assert destination._run(f"SELECT COUNT(*) FROM {table.sql('snowflake')}")[0] == [(2,)]  # noqa: SLF001


def test_su09_files_that_another_attempt_left_are_never_loaded(
    destination: Any, snowflake_target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file in the folder that the load does not name stays out; the next run removes all."""
    destination.acquire("shop")
    send = destination._run  # noqa: SLF001
    schema = pa.schema([("ID", pa.int64())])
    batch = pa.RecordBatch.from_arrays([pa.array([7])], schema=schema)
    [left] = write_files(pa.RecordBatchReader.from_batches(schema, [batch]), tmp_path)
    left = left.rename(tmp_path / "left.parquet")

    def leave_file(statement: str) -> Any:
        if statement.startswith("COPY"):
            [folder] = re.findall(r"FROM (@\S+)", statement)
            send(f"PUT 'file://{left}' {folder} AUTO_COMPRESS = FALSE")
        return send(statement)

    monkeypatch.setattr(destination, "_run", leave_file)
    _, table = stage(destination, snowflake_target, upsert(1, {"id": 1}))
    assert send(f"SELECT ID FROM {table.sql('snowflake')}")[0] == [(1,)]
    assert len(send("LIST @_SIMPLYLOAD_STAGE.LOADS")[0]) == 2
    assert destination.drop_leftovers("other") == []
    assert destination.drop_leftovers("shop") == [table.name]
    assert send("LIST @_SIMPLYLOAD_STAGE.LOADS")[0] == []
    assert destination.drop_leftovers("shop") == []


def test_a42_each_load_has_transient_stages_of_its_own(
    snowflake_target: Target, statements: list[str]
) -> None:
    """Each stage is a transient table, which has no fail-safe, with a name of that load alone."""
    steps = [ONE, changes(upsert(2, {"id": 1}))]
    snowflake_target.pipeline(ScriptedSource(steps), max_changes=1).run_once()
    created = [
        statement
        for statement in statements
        if "_STAGE" in statement and statement.startswith("CREATE")
    ]
    [schema, folder, *stages] = created
    assert schema.startswith("CREATE TRANSIENT SCHEMA IF NOT EXISTS _SIMPLYLOAD_STAGE ")
    assert folder == "CREATE STAGE IF NOT EXISTS _SIMPLYLOAD_STAGE.LOADS"
    named = [
        re.match(r'CREATE TRANSIENT TABLE "_SIMPLYLOAD_STAGE"\."(\w+)" ', statement)
        for statement in stages
    ]
    names = [match[1] for match in named if match]
    assert len(names) == len(stages) == len(set(names)) == 2
    loads = snowflake_target.destination().list_committed("shop")
    assert [
        load for load, name in zip(loads, names, strict=True) if _digits(load) not in name
    ] == []
    assert snowflake_target.stages() == []


@pytest.fixture(name="reads_folders")
def _reads_folders(snowflake_server: Any) -> None:
    """Skip on an account: Snowflake reads no folder of this machine, as fakesnow does."""
    if not snowflake_server.is_fake:
        pytest.skip("Snowflake reads no folder of this machine")


class Bucket(LocalStore):
    """A folder of this machine by the address that fakesnow reads, as Snowflake reads s3://."""

    @property
    def address(self) -> str:
        """Return the address."""
        return self.root.as_uri()


def load_by_bucket(target: Target, bucket: LocalStore, *steps: Any) -> None:
    """Load steps, whose files are in the bucket meanwhile."""
    destination = SnowflakeDestination(target.settings, bucket)
    with closing(destination):
        Pipeline("shop", ScriptedSource(list(steps)), destination, target.log).run_once()


def clean_by_bucket(target: Target, bucket: LocalStore, *, dry_run: bool = False) -> list[str]:
    """Clean up with this bucket as `stage`."""
    with closing(SnowflakeDestination(target.settings, bucket)) as destination:
        pipeline = Pipeline("shop", ScriptedSource([]), destination, target.log)
        return pipeline.clean(dry_run=dry_run)


@pytest.mark.usefixtures("reads_folders")
def test_a47_files_in_a_bucket_are_copied_by_a_stage_of_the_session(
    snowflake_target: Target, statements: list[str], tmp_path: Path
) -> None:
    """No stage keeps an earlier bucket: after a change of it COPY reads the new one, by no PUT.

    No COPY names an address, which PREVENT_LOAD_FROM_INLINE_URL would refuse.
    """
    for number, name in enumerate(("first", "second"), start=1):
        bucket = Bucket(tmp_path / name)
        parts = [changes(upsert(id_, {"id": id_})) for id_ in range(1, number + 1)]
        load_by_bucket(snowflake_target, bucket, *parts)
        copies = [statement for statement in statements if statement.startswith("COPY")]
        created = "CREATE OR REPLACE TEMPORARY STAGE _SIMPLYLOAD_STAGE.LOADS_IN_BUCKET"
        address = f"{created} URL = '{bucket.address}/' STORAGE_INTEGRATION = SIMPLYLOAD"
        assert statements[statements.index(copies[-1]) - 1] == address
        assert "FROM @_SIMPLYLOAD_STAGE.LOADS_IN_BUCKET/STAGE_" in copies[-1]
        assert "FILES = ('0.parquet')" in copies[-1]
        assert bucket.names("") == []
    assert [row["id"] for row in snowflake_target.rows()] == [1, 2]
    assert not any(statement.startswith("PUT") for statement in statements)
    assert snowflake_target.stages() == []


@pytest.mark.usefixtures("reads_folders")
def test_su9_files_of_a_dead_load_in_a_bucket_are_removed(
    snowflake_target: Target, tmp_path: Path
) -> None:
    """The next run removes those of its stream, whose table tells of them, and no others."""
    bucket = Bucket(tmp_path / "bucket")
    bucket.write("other/0.parquet", b"")
    with closing(SnowflakeDestination(snowflake_target.settings, bucket)) as opened:
        opened.acquire("shop")
        _, table = stage(opened, snowflake_target, upsert(1, {"id": 1}))
        assert bucket.names(table.name) == [f"{table.name}/0.parquet"]
        assert opened.drop_leftovers("shop") == [table.name]
    assert bucket.names("") == ["other/0.parquet"]


@pytest.mark.usefixtures("reads_folders")
def test_files_that_are_in_an_earlier_bucket_are_named_by_clean(
    snowflake_target: Target, tmp_path: Path
) -> None:
    """After a change of `stage`, `clean` names the folder, and empties it with the former one."""
    old, new = Bucket(tmp_path / "old"), Bucket(tmp_path / "new")
    with closing(SnowflakeDestination(snowflake_target.settings, old)) as opened:
        opened.acquire("shop")
        _, table = stage(opened, snowflake_target, upsert(1, {"id": 1}))
    load_by_bucket(snowflake_target, new, ONE)
    assert old.names("") == [f"{table.name}/0.parquet"]
    named = f"{table.name} stays: its files are in {old.address}/{table.name}/"
    for dry_run in (True, False):
        [line] = clean_by_bucket(snowflake_target, new, dry_run=dry_run)
        assert line.partition(", which is not")[0] == named
    assert len(snowflake_target.stages()) == 1
    assert clean_by_bucket(snowflake_target, old) == [table.name]
    assert (snowflake_target.stages(), old.names("")) == ([], [])


class ElsewhereBucket(Bucket):
    """A folder whose address leads Snowflake to another one."""

    @property
    def address(self) -> str:
        """Return the address of an empty folder."""
        return (self.root.parent / "elsewhere").as_uri()


@pytest.mark.usefixtures("reads_folders")
@pytest.mark.parametrize(
    ("integrations", "bucket", "reason"),
    [
        ({}, Bucket, "Integration 'SIMPLYLOAD' does not exist or not authorized"),
        ({"SIMPLYLOAD": "s3://other/"}, Bucket, "Integration 'SIMPLYLOAD' does not exist"),
        ({"SIMPLYLOAD": "file:///"}, ElsewhereBucket, "Access Denied (Status Code: 403"),
    ],
)
def test_a_bucket_that_snowflake_cannot_read_is_found_before_a_load(  # noqa: PLR0913, PLR0917
    snowflake_target: Target,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    integrations: dict[str, str],
    bucket: type[Bucket],
    reason: str,
) -> None:
    """`validate` and a first run name integration and reason; the source is not read."""
    monkeypatch.setattr("tests.core.fake_snowflake.INTEGRATIONS", integrations)
    source, place = ScriptedSource([ONE]), bucket(tmp_path / "bucket")
    destination = SnowflakeDestination(snowflake_target.settings, place)
    with closing(destination), pytest.raises(DestinationError) as raised:
        Pipeline("shop", source, destination, snowflake_target.log).run_once()
    assert f"destination.stage: Snowflake cannot read {place.address} by" in str(raised.value)
    assert reason in str(raised.value)
    assert "simplyload setup snowflake --aws-role" in str(raised.value)
    assert source.reads == 0
    assert place.names("") == []
    found = check_destination(SnowflakeDestination(snowflake_target.settings, place), {})
    assert (found.level, found.message) == ("error", str(raised.value))


@pytest.mark.usefixtures("reads_folders")
def test_a_bucket_that_snowflake_reads_is_found_good(
    snowflake_target: Target, tmp_path: Path
) -> None:
    """`validate` puts an object there, lets Snowflake read it, and removes it."""
    bucket = Bucket(tmp_path / "bucket")
    with closing(SnowflakeDestination(snowflake_target.settings, bucket)) as destination:
        assert check_destination(destination, {}).level == "ok"
    assert bucket.names("") == []


@pytest.mark.parametrize(
    ("endpoint", "code"),
    [
        ("https://s3.example.com", 2),
        ("https://amazonaws.com.example.com", 2),
        ("https://bucket.vpce-1.s3.eu-central-1.vpce.amazonaws.com", 0),
    ],
)
def test_r35_an_endpoint_that_snowflake_does_not_read_is_refused_beside_a_stage(
    file: Path, endpoint: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """A load's files would be on one server while Snowflake looks for them at Amazon."""
    file.write_text(f"{CONFIGURATION}  private_key: k\n  stage: s3://acme/stage\n")
    setting = f"s3.endpoint={endpoint}"
    assert main(["config", "--config", str(file), "--set", setting]) == code
    remedy = "s3: files of a load would be put to `endpoint`"
    assert (remedy in capsys.readouterr().err) == (code == 2)
    assert main(["config", "--config", str(file)]) == 0


def test_setup_prints_how_snowflake_may_read_the_stage(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The integration has the bucket's address and the role of AWS; a folder is refused."""
    (tmp_path / "key.p8").write_text(make_key())
    key = f"{CONFIGURATION}  private_key_file: key.p8\n  stage: "
    arguments = ["setup", "snowflake", "--config", str(file), "--aws-role", "arn:aws:iam::1:role/r"]
    file.write_text(f"{key}s3://acme/stage\n")
    assert main(arguments) == 0
    sql = capsys.readouterr().out
    assert "storage_aws_role_arn = 'arn:aws:iam::1:role/r'" in sql
    assert "storage_allowed_locations = ('s3://acme/stage/')" in sql
    assert "grant usage on integration SIMPLYLOAD to role SIMPLYLOAD;" in sql
    assert "integration('SIMPLYLOAD', 's3://acme/stage/', 'none', 'list');" in sql
    destination = open_destination(read_configuration(file))
    # Loads of two databases have the same numbers: each database has a folder.
    place = "s3://acme/stage/org-account.analytics"
    assert destination._bucket.address == place  # type: ignore[attr-defined] # noqa: SLF001
    file.write_text(f"{key}stage\n")
    assert main(arguments) == 2
    assert "destination.stage: Snowflake reads no folder of this machine" in capsys.readouterr().err


def _digits(load_id: str) -> str:
    return load_id.replace("-", "_")


@pytest.mark.slow
def test_a38_no_ddl_is_sent_within_a_transaction_of_snowflake(
    snowflake_target: Target, statements: list[str]
) -> None:
    """DDL would commit the transaction: it comes before BEGIN or after COMMIT, the state last."""
    wider = Table(
        name="orders", key=("id",), schema=ORDERS.schema.append(pa.field("c", pa.string()))
    )
    steps = [ONE, changes(upsert(2, {"id": 1, "c": "x"}), table=wider)]
    snowflake_target.pipeline(ScriptedSource(steps), max_changes=1).run_once()
    sent = "\n".join(statements)
    transactions = re.findall(r"^BEGIN\n(.*?)\nCOMMIT$", sent, re.DOTALL | re.MULTILINE)
    assert len(transactions) == 3
    outside = re.sub(r"^BEGIN\n.*?\nCOMMIT$", "", sent, flags=re.DOTALL | re.MULTILINE)
    assert {"CREATE", "ALTER", "PUT", "COPY", "DROP", "REMOVE"} <= set(
        re.findall("^[A-Z]+", outside, re.MULTILINE)
    )
    for number, transaction in enumerate(transactions):
        kinds = [line.split()[0] for line in transaction.splitlines()]
        assert set(kinds) <= {"UPDATE", "SELECT", "INSERT", "MERGE", "DELETE"}
        if number:
            assert '"LEASE"' in transaction.splitlines()[0]
            assert transaction.splitlines()[-1].startswith('INSERT INTO "_SIMPLYLOAD"."LOADS"')


def test_r3_a_lease_has_one_row_however_many_runs_begin(
    snowflake_target: Target, statements: list[str]
) -> None:
    """No key refuses a second row, so a run looks for its row under the lock of all; one holds."""
    first, second = snowflake_target.destination(), snowflake_target.destination()
    old = first.acquire("shop")
    new = second.acquire("shop")
    assert (old.epoch, new.epoch) == (1, 2)
    begun = statements[statements.index("BEGIN") :]
    assert begun[1] == snowflake._LOCK  # noqa: SLF001
    load = Load(load_id="0000000001-000001", stream="shop", schema="shop", state={}, staged=[])
    with pytest.raises(FencedError):
        first.load(old, load)
    second.load(new, load)
    rows = snowflake_target.query("SELECT epoch FROM _simplyload.lease WHERE stream = 'shop'")
    assert rows == [{"epoch": 2}]
    for connection in (first, second):
        connection.close()


def test_on_an_account_the_lock_of_the_leases_holds(
    snowflake_server: Any, snowflake_target: Target
) -> None:
    """A second run waits for the lock until the first has committed, which fakesnow has not."""
    if snowflake_server.is_fake:
        from tests.core.snowflake_server import NO_ACCOUNT  # noqa: PLC0415 - it needs the extra

        pytest.skip(NO_ACCOUNT)
    first: Any = snowflake_target.destination()
    second: Any = snowflake_target.destination()
    with closing(first), closing(second):
        first.acquire("shop")
        second._execute("ALTER SESSION SET LOCK_TIMEOUT = 5")  # noqa: SLF001
        with first._transaction():  # noqa: SLF001
            first._execute(snowflake._LOCK)  # noqa: SLF001
            with pytest.raises(DestinationError):
                second._execute(snowflake._LOCK)  # noqa: SLF001
        assert second.acquire("shop").epoch == 2


@pytest.mark.slow
def test_r11_a_number_widens_and_another_scale_stops_the_table_alone(
    snowflake_target: Target,
) -> None:
    """Precision grows in place; for a scale or text the sentence says what to do, and it works."""

    def step(seq: int, kind: pa.DataType, value: Any) -> Any:
        schema = pa.schema([("id", pa.int64()), ("x", kind)])
        shape = Table(name="orders", key=("id",), schema=schema)
        return changes(
            upsert(seq, {"id": seq, "x": pa.scalar(value).cast(kind).as_py()}), table=shape
        )

    steps = [
        step(1, pa.decimal128(4, 2), "1.25"),
        step(2, pa.decimal128(9, 2), "1000000.50"),
        step(3, pa.string(), "text"),
    ]
    result = snowflake_target.pipeline(ScriptedSource(steps), max_changes=1).run_once()
    assert [str(row["x"]) for row in snowflake_target.rows()] == ["1.25", "1000000.50"]
    assert result.exit_code == 1
    assert "must become VARCHAR, which Snowflake does not do" in result.stopped["orders"]
    snowflake_target.execute("ALTER TABLE shop.orders RENAME COLUMN x TO old_x")
    assert snowflake_target.pipeline(ScriptedSource(steps)).run_once().exit_code == 0
    assert [row["x"] for row in snowflake_target.rows()] == [None, None, "text"]


def test_a33_text_is_as_long_as_varchar_length_says(snowflake_target: Target) -> None:
    """Beyond the default of 16 MiB a value is rejected; once raised, old columns hold it too."""
    long = "x" * (17 << 20)
    steps = [ONE, changes(upsert(2, {"id": 2, "a": long}))]
    snowflake_target.pipeline(ScriptedSource(steps)).run_once()
    [rejected] = snowflake_target.query("SELECT reason FROM _simplyload.rejected")
    assert rejected == {"reason": f"the value has {17 << 20} bytes, and the limit is {16 << 20}"}
    raised = {"varchar_length": 128 << 20}
    snowflake_target.settings = snowflake_target.settings.model_copy(update=raised)
    wider = Table(
        name="orders", key=("id",), schema=ORDERS.schema.append(pa.field("c", pa.string()))
    )
    steps += [
        changes(upsert(3, {"id": 2, "a": long}), upsert(4, {"id": 3, "c": long}), table=wider)
    ]
    snowflake_target.pipeline(ScriptedSource(steps)).run_once()
    rows = snowflake_target.query("SELECT id, length(a) AS a, length(c) AS c FROM shop.orders")
    assert {(row["id"], row["a"], row["c"]) for row in rows} == {
        (1, 1, None), (2, 17 << 20, None), (3, None, 17 << 20),
    }  # fmt: skip
    lengths = snowflake_target.query(
        "SELECT character_maximum_length AS n FROM information_schema.columns"
        " WHERE table_schema = 'SHOP' AND data_type = 'TEXT'"
    )
    assert [row["n"] for row in lengths] == [128 << 20] * 2


def test_a_large_load_is_several_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """COPY reads files side by side, so no file is much larger than it reads best."""
    monkeypatch.setattr(warehouse, "FILE_BYTES", 1000)
    schema = pa.schema([("id", pa.int64())])
    batches = [
        pa.RecordBatch.from_arrays([pa.array(range(n, n + 500))], schema=schema)
        for n in (0, 500, 1000)
    ]
    files = write_files(pa.RecordBatchReader.from_batches(schema, batches), tmp_path)
    assert [path.name for path in files] == ["0.parquet", "1.parquet", "2.parquet"]


def test_the_session_is_ours(destination: Any) -> None:
    """Key pair, query tag, UTC and limits of waiting are parameters of the connection itself."""
    login = destination._login()  # noqa: SLF001
    assert login["authenticator"] == "SNOWFLAKE_JWT"
    assert "password" not in login
    assert login["session_parameters"]["QUERY_TAG"] == "simplyload"
    assert login["session_parameters"]["TIMEZONE"] == "UTC"
    destination.check()


def test_a_configuration_leads_to_the_database(
    file: Path, snowflake_target: Target, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command line finds what was loaded, with the settings of the file alone."""
    snowflake_target.pipeline(ScriptedSource([ONE])).run_once()
    settings = snowflake_target.settings.model_dump(mode="json", exclude_none=True)
    key = snowflake_target.settings.private_key
    settings["private_key"] = key and key.get_secret_value()
    file.write_text(yaml.safe_dump({**yaml.safe_load(CONFIGURATION), "destination": settings}))
    assert main(["checkpoint", "show", "--config", str(file)]) == 0
    assert json.loads(capsys.readouterr().out)["state"] == {"n": 1}


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("password: hunter2", "destination.password: Snowflake lets no user of type SERVICE"),
        ("role: R", "set one of private_key_file (a path) and private_key (PEM text)"),
        ("private_key: x\n  protocol: http", "protocol http is for 127.0.0.1"),
    ],
)
def test_r35_a_wrong_setting_is_named_with_the_remedy(
    file: Path, setting: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A password is refused with the reason, as is a configuration without a key."""
    file.write_text(f"{CONFIGURATION}  {setting}\n")
    assert main(["config", "--config", str(file)]) == 2
    errors = capsys.readouterr().err
    assert sentence in errors
    assert "hunter2" not in errors


def test_r35_a_key_that_cannot_be_read_is_named(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that holds no key is named with the remedy, and nothing of it is shown."""
    (tmp_path / "key.p8").write_text("-----BEGIN PRIVATE KEY-----\nhunter2\n")
    file.write_text(f"{CONFIGURATION}  private_key_file: key.p8\n")
    assert main(["setup", "snowflake", "--config", str(file)]) == 2
    errors = capsys.readouterr().err
    assert "destination.private_key_file holds no private key" in errors
    assert "hunter2" not in errors


def test_r35_without_the_driver_the_remedy_is_named(
    snowflake_target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the extra is not installed, the error says how to install it."""
    monkeypatch.setitem(__import__("sys").modules, "snowflake.connector", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'simplyload\[snowflake\]'"):
        snowflake_target.destination()


def test_setup_prints_what_the_role_needs_and_no_more(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Role, user of type SERVICE with the public key, small warehouse that suspends, two rights."""
    from tests.core.snowflake_server import make_key  # noqa: PLC0415 - it needs the extra

    file.write_text(f"{CONFIGURATION}  private_key_file: key.p8\n")
    arguments = ["setup", "snowflake", "--config", str(file)]
    assert main(arguments) == 0
    assert f"openssl pkcs8 -topk8 -v2 aes256 -out {tmp_path}/key.p8" in capsys.readouterr().out
    (tmp_path / "key.p8").write_text(make_key())
    assert main(arguments) == 0
    sql = capsys.readouterr().out
    assert re.search(r"rsa_public_key = 'MIIBIjAN[\w+/=]+'", sql)
    assert "warehouse_size = xsmall auto_suspend = 60" in sql
    assert re.findall("^grant (.*) to role", sql, re.MULTILINE) == [
        "usage on warehouse SIMPLYLOAD",
        "usage, create schema on database analytics",
    ]
    assert "PRIVATE" not in sql


def test_a_refusal_names_query_and_remedy(snowflake_target: Target) -> None:
    """The message has Snowflake's own number and text."""
    with closing(snowflake_target.destination()) as destination:
        assert isinstance(destination, SnowflakeDestination)
        with pytest.raises(DestinationError, match="Snowflake refuses: 002003"):
            destination._run("SELECT * FROM no_such.table_of_ours")  # noqa: SLF001
