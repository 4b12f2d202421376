"""BigQuery: what is its own, on Google's GoogleSQL or on a project; see docs/bigquery.md.

The suite of all destinations runs on it as well, kills included, marked `chaos`.
"""

import json
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml

from simplyload.changes import Table
from simplyload.cli import main
from simplyload.destinations import bigquery, bigquery_jobs
from simplyload.destinations.bigquery_login import BigQuerySettings
from simplyload.destinations.destination import Load
from simplyload.errors import ConfigurationError, DestinationError, FencedError
from tests.core.conftest import Target
from tests.core.scripted import ORDERS, ScriptedSource, changes, delete, truncate, upsert

ONE, TWO = changes(upsert(1, {"id": 1})), changes(upsert(2, {"id": 2}))
CONFIGURATION = """
sources: {shop: {type: postgres, host: h, database: d, user: u, tables: [public.orders]}}
destination:
  type: bigquery
  project: my-project
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give a configuration."""
    path = tmp_path / "simplyload.yml"
    path.write_text(CONFIGURATION)
    return path


def empty_load(number: int = 1) -> Load:
    """Give a load that commits its state alone."""
    name = f"0000000001-{number:06}"
    return Load(load_id=name, stream="shop", schema="shop", state={"n": number}, staged=[])


@pytest.mark.slow
def test_rows_of_partial_updates_deletes_and_truncates_are_right(bigquery_target: Target) -> None:
    """Unsent columns keep their values, NULL is a value, a deleted row is marked and keeps its."""
    steps = [
        changes(upsert(1, {"id": 1, "a": "x", "b": 7}), upsert(2, {"id": 2, "a": "y", "b": 8})),
        changes(
            upsert(3, {"id": 1, "a": None}, ["id", "a"]),
            delete(4, 2),
            upsert(5, {"id": 3, "b": 9}, ["id", "b"]),
        ),
    ]
    bigquery_target.pipeline(ScriptedSource(steps), max_changes=1).run_once()
    rows = bigquery_target.query("SELECT id, a, b, _deleted, _seq FROM shop.orders ORDER BY id")
    assert [tuple(row.values()) for row in rows] == [
        (1, None, 7, False, 3),
        (2, "y", 8, True, 4),
        (3, None, 9, False, 5),
    ]
    far = 2**80  # a commit's place in the log, times 10^9: beyond 64 bits
    steps.append(changes(truncate(far), upsert(far + 1, {"id": 2, "a": "again"}, ["id", "a"])))
    bigquery_target.pipeline(ScriptedSource(steps)).run_once()
    assert bigquery_target.live() == {(2,): {"id": 2, "a": "again", "b": None}}


def test_every_type_arrives_as_it_is(bigquery_target: Target) -> None:
    """A value of each type of the catalog, and a NULL of each, is read as it was loaded."""
    values: dict[pa.DataType, Any] = {
        pa.bool_(): True,
        pa.int16(): -(2**15),
        pa.int64(): 2**63 - 1,
        pa.float32(): 0.5,
        pa.float64(): 1e300,
        pa.string(): "größe 'quoted' \\ $x\n",
        pa.binary(): b"\x00\xff",
        pa.decimal128(10, 2): "-12345678.90",
        pa.decimal128(38, 9): "12345678901234567890123456789.000000001",
        pa.decimal128(38, 20): "123456789012345678.00000000000000000001",
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
    bigquery_target.pipeline(ScriptedSource([rows])).run_once()
    assert bigquery_target.live(shape) == {(1,): full, (2,): empty}


@pytest.mark.slow
def test_r25_a_load_job_and_a_commit_that_are_sent_again_change_nothing(
    bigquery_target: Target, monkeypatch: pytest.MonkeyPatch, statements: list[str]
) -> None:
    """The answer is lost and the request sent again: BigQuery knows the job (409), which counts."""
    run_once = bigquery_jobs.Jobs._run_once  # noqa: SLF001

    def run_twice(self: Any, *request: Any) -> Any:
        run_once(self, *request)
        return run_once(self, *request)

    monkeypatch.setattr(bigquery_jobs.Jobs, "_run_once", run_twice)
    bigquery_target.pipeline(ScriptedSource([ONE, TWO]), max_changes=1).run_once()
    rows = bigquery_target.query("SELECT id, _seq FROM shop.orders ORDER BY id")
    assert [tuple(row.values()) for row in rows] == [(1, 1), (2, 2)]
    loads = bigquery_target.query("SELECT load_id FROM _simplyload.loads")
    assert len(loads) == 2
    assert [sql.split()[0] for sql in statements].count("LOAD") == 2


@pytest.mark.slow
def test_a38_no_ddl_is_sent_within_a_script(bigquery_target: Target, statements: list[str]) -> None:
    """The fence is its first statement, and the state the last before COMMIT."""
    bigquery_target.pipeline(ScriptedSource([ONE])).run_once()
    [script] = [sql for sql in statements if sql.startswith("DECLARE counts")]
    lines = script.splitlines()
    kinds = [line.split()[0] for line in lines]
    assert not {"CREATE", "ALTER", "DROP"} & set(kinds)
    assert lines[1] == "BEGIN TRANSACTION;"
    assert "`_simplyload`.`lease`" in lines[2]
    assert lines[3].startswith("IF @@row_count <> 1 THEN RAISE")
    assert "`loads`" in lines[-3]
    assert lines[-2] == "COMMIT TRANSACTION;"


@pytest.mark.slow
def test_r3_a_lease_has_one_row_and_the_lower_epoch_is_fenced(bigquery_target: Target) -> None:
    """The script of a stale run raises before it changes anything."""
    first, second = bigquery_target.destination(), bigquery_target.destination()
    with closing(first), closing(second):
        old, new = first.acquire("shop"), second.acquire("shop", above=5)
        assert (old.epoch, new.epoch) == (1, 6)
        with pytest.raises(FencedError):
            first.load(old, empty_load())
        second.load(new, empty_load(2))
    rows = bigquery_target.query("SELECT epoch FROM _simplyload.lease WHERE stream = 'shop'")
    assert rows == [{"epoch": 6}]
    assert bigquery_target.destination().read_state("shop") == {"n": 2}


def test_a_script_that_another_transaction_aborts_is_sent_again(
    bigquery_target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """BigQuery cancels one of two transactions that change a table: it waits, then commits."""
    begin, ids = bigquery_jobs.Jobs._begin_query, []  # noqa: SLF001

    def abort_once(self: Any, sql: str, job_id: str) -> Any:
        if "_000001" not in job_id and "-000001_0_" not in job_id:
            return begin(self, sql, job_id)
        ids.append(job_id)
        if len(ids) == 1:
            raise DestinationError(
                "BigQuery refuses: invalidQuery: Transaction is aborted due to concurrent update"
                " against table project:_simplyload.lease"
            )
        return begin(self, sql, job_id)

    monkeypatch.setattr(bigquery_jobs.Jobs, "_begin_query", abort_once)
    monkeypatch.setattr("simplyload.destinations.bigquery_jobs.time.sleep", lambda _: None)
    with closing(bigquery_target.destination()) as destination:
        destination.load(destination.acquire("shop"), empty_load())
        assert destination.read_state("shop") == {"n": 1}
    assert [id_[-2:] for id_ in ids] == ["_0", "_1"]


def test_a_job_id_that_another_statement_has_is_not_taken_for_done(bigquery_target: Target) -> None:
    """Only a job with the same text is the one that was asked for; another has the next id."""
    jobs = bigquery_jobs.Jobs(bigquery_target.settings)
    with closing(jobs):
        assert jobs.query("SELECT 1", "theirs")[0] == [(1,)]
        assert jobs.query("SELECT 2", "theirs")[0] == [(2,)]
        assert jobs.query("SELECT 2", "theirs")[0] == [(2,)]


@pytest.mark.slow
def test_a_load_too_large_for_one_script_commits_by_several(
    bigquery_target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each begins with the fence, and the state is in the last: a kill between loses nothing."""
    monkeypatch.setattr(bigquery, "SCRIPT_STATEMENTS", 1)
    result = bigquery_target.pipeline(ScriptedSource([ONE, TWO])).run_once()
    assert result.rows == {"orders": 2}
    assert set(bigquery_target.live()) == {(1,), (2,)}
    parts = list(bigquery._part([("a", ""), ("b", "t")]))  # noqa: SLF001
    assert parts == [[("a", "")], [("b", "t")]]
    assert list(bigquery._part([])) == [[]]  # noqa: SLF001


@pytest.mark.slow
def test_r11_a_number_widens_and_text_stops_the_table_alone(bigquery_target: Target) -> None:
    """Numbers grow in place; for text the sentence says what to do, and it works."""

    def step(seq: int, kind: pa.DataType, value: Any) -> Any:
        schema = pa.schema([("id", pa.int64()), ("x", kind)])
        shape = Table(name="orders", key=("id",), schema=schema)
        cell = pa.scalar(value).cast(kind).as_py()
        return changes(upsert(seq, {"id": seq, "x": cell}), table=shape)

    steps = [
        step(1, pa.int32(), 1),
        step(2, pa.decimal128(22, 2), "1.25"),
        step(3, pa.decimal128(38, 12), "0.000000000001"),
        step(4, pa.string(), "text"),
    ]
    result = bigquery_target.pipeline(ScriptedSource(steps), max_changes=1).run_once()
    found = [row["x"] for row in bigquery_target.rows()]
    assert found == [Decimal(1), Decimal("1.25"), Decimal("0.000000000001")]
    assert result.exit_code == 1
    assert "must become STRING, which BigQuery does not do" in result.stopped["orders"]
    bigquery_target.execute("ALTER TABLE shop.orders RENAME COLUMN x TO old_x")
    assert bigquery_target.pipeline(ScriptedSource(steps)).run_once().exit_code == 0
    assert [row["x"] for row in bigquery_target.rows()] == [None, None, None, "text"]


@pytest.mark.slow
def test_r21_names_that_bigquery_does_not_permit_are_changed(bigquery_target: Target) -> None:
    """A table and columns with odd, reserved and accented names keep their values."""
    odd = [
        "t",
        "s",
        "select",
        "Mixed Case",
        "größe",
        "名",
        "a.b",
        "%s",
        "1a",
        "back`tick",
        "_partition_x",
    ]
    schema = pa.schema([("id", pa.int64()), *((name, pa.int64()) for name in odd)])
    shape = Table(name="order: 50%", key=("id",), schema=schema)
    first = {"id": 1, **{name: n for n, name in enumerate(odd)}}
    second = {"id": 1, **dict.fromkeys(odd[4:], 7)}
    steps = [
        changes(upsert(1, first), table=shape),
        changes(upsert(2, second, ["id", *odd[4:]]), table=shape),
    ]
    bigquery_target.pipeline(ScriptedSource(steps), max_changes=1).run_once()
    assert bigquery_target.live(shape) == {(1,): first | second}


@pytest.mark.slow
def test_layouts_are_in_the_ddl_and_a_wrong_one_stops_its_table(
    bigquery_server: Any, bigquery_target: Target, statements: list[str]
) -> None:
    """A new table is partitioned and clustered as the settings say; GoogleSQL accepts the DDL."""
    schema = ORDERS.schema.append(pa.field("at", pa.timestamp("us", "UTC")))
    shape = Table(name="orders", key=("id",), schema=schema)
    good = {"partition_by": "at", "partition_unit": "month", "cluster_by": ["id", "a"]}
    bigquery_target.settings = bigquery_server.settings(
        tables={"shop.orders": good, "shop.items": {"partition_by": "a"}}
    )
    items = Table(name="items", key=("id",), schema=ORDERS.schema)
    rows = [changes(upsert(1, {"id": 1}), table=table) for table in (shape, items)]
    result = bigquery_target.pipeline(ScriptedSource(rows)).run_once()
    [ddl] = [sql for sql in statements if sql.startswith("CREATE TABLE") and "`shop`" in sql]
    assert ddl.endswith("PARTITION BY TIMESTAMP_TRUNC(`at`, MONTH) CLUSTER BY `id`, `a`")
    assert "tables.shop.items.partition_by: column a is string" in result.stopped["items"]


def test_jobs_have_labels_and_a_limit(
    bigquery_server: Any, bigquery_target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bill is grouped by stream, and a statement that reads too much fails before it costs."""
    seen = []
    configure = bigquery_jobs.Jobs._query_config  # noqa: SLF001

    def remember(self: Any) -> Any:
        seen.append(configure(self))
        return seen[-1]

    monkeypatch.setattr(bigquery_jobs.Jobs, "_query_config", remember)
    bigquery_target.settings = bigquery_server.settings(
        labels={"team": "data"}, maximum_bytes_billed=10**9
    )
    with closing(bigquery_target.destination()) as destination:
        destination.load(destination.acquire("shop"), empty_load())
    last = seen[-1].to_api_repr()
    assert last["labels"] == {"team": "data", "simplyload": "shop"}
    assert last["query"]["maximumBytesBilled"] == str(10**9)
    assert last["query"]["useQueryCache"] is False
    assert last["query"]["connectionProperties"] == [{"key": "time_zone", "value": "UTC"}]


@pytest.mark.slow
def test_a_configuration_leads_to_the_project(
    file: Path, bigquery_target: Target, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command line finds what was loaded, with the settings of the file alone."""
    bigquery_target.pipeline(ScriptedSource([ONE])).run_once()
    settings = bigquery_target.settings.model_dump(mode="json", exclude_none=True)
    file.write_text(yaml.safe_dump({**yaml.safe_load(CONFIGURATION), "destination": settings}))
    assert main(["checkpoint", "show", "--config", str(file)]) == 0
    assert json.loads(capsys.readouterr().out)["state"] == {"n": 1}


def test_a_location_that_differs_is_named(bigquery_target: Target) -> None:
    """A dataset stays where it was made: the error says where, and what to set."""
    with closing(bigquery_target.destination()) as destination:
        destination.acquire("shop")
    moved = bigquery_target.settings.model_copy(update={"location": "EU"})
    bigquery_target.settings = moved
    with (
        closing(bigquery_target.destination()) as destination,
        pytest.raises(DestinationError, match="set location: US"),
    ):
        destination.check()


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("endpoint: http://example.com", "endpoint begins with https://"),
        ("maximum_bytes_billed: 5", "destination.maximum_bytes_billed: the value must"),
        ("labels: {Team: x}", "a label has lower-case letters"),
        ("tables: {shop.orders: {}}", "set partition_by (a column), cluster_by"),
        ("tables: {shop.orders: {cluster_by: [a, b, c, d, e]}}", "cluster_by"),
        ("key: hunter2", "destination.key is no setting"),
    ],
)
def test_r35_a_wrong_setting_of_bigquery_is_named_with_the_remedy(
    file: Path, setting: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The error names the key and what it takes, and no secret."""
    file.write_text(f"{CONFIGURATION}  {setting}\n")
    assert main(["config", "--config", str(file)]) == 2
    errors = capsys.readouterr().err
    assert sentence in errors
    assert "hunter2" not in errors


def test_a_schema_that_is_no_dataset_is_refused(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The name of a dataset has letters, digits and `_` alone, and the error says so."""
    file.write_text(CONFIGURATION.replace("host: h", "host: h, schema: my-shop"))
    assert main(["config", "--config", str(file)]) == 2
    assert "schema `my-shop` of stream shop" in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, "{}", '{"private_key": "hunter2"}', "hunter2"])
def test_r33_r35_a_key_file_that_holds_no_key_is_named_and_not_shown(
    tmp_path: Path, content: str | None
) -> None:
    """The error names the setting and the remedy, and nothing of the file."""
    key = tmp_path / "key.json"
    if content is not None:
        key.write_text(content)
    settings = BigQuerySettings(project="my-project", key_file=key)
    destination = bigquery.BigQueryDestination(settings)
    with pytest.raises(ConfigurationError, match=r"destination\.key_file") as caught:
        destination.check()
    assert "hunter2" not in str(caught.value)


def test_r35_without_the_driver_of_bigquery_the_remedy_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where the extra is not installed, the error says how to install it."""
    monkeypatch.setitem(__import__("sys").modules, "google.cloud.bigquery", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'simplyload\[bigquery\]'"):
        bigquery.BigQueryDestination(BigQuerySettings(project="my-project"))
