"""Klaviyo by the connector's own sync, in a process of its own."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from simplyload.changes import DELETE, OP, SEQ, TRUNCATE, Batch, State
from simplyload.errors import ConfigurationError, SourceError
from simplyload.sources.klaviyo import KlaviyoSettings, KlaviyoSource
from tests.cli.conftest import API_KEY, CONNECTOR, REPOSITORY

# A connector whose sync is scripted: the declarations are the real ones.
SCRIPTED = """
from api import TransientError
from models import Checkpoint, Delete, Truncate, Upsert, Upserts, Warning

def row(id, name):
    return {{"account_id": "a", "id": id, "name": name, "created_at": "2026-01-31T10:00:00Z"}}

def sync(configuration, state):
{script}
"""


@pytest.fixture(autouse=True)
def _account(monkeypatch: pytest.MonkeyPatch, sandbox: str) -> None:
    monkeypatch.setenv("KLAVIYO_BASE_URL", sandbox)
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY / "simplyload" / "src"))


def source(connector: Path = CONNECTOR, **settings: Any) -> KlaviyoSource:
    """Give the source of a connector."""
    options = {"connector": connector, "api_key": API_KEY, **settings}
    return KlaviyoSource(KlaviyoSettings(**options), "klaviyo")


def make_scripted_source(folder: Path, *lines: str) -> KlaviyoSource:
    """Give a source whose sync consists of these lines."""
    for entry in CONNECTOR.iterdir():
        if entry.name != "sync.py":
            (folder / entry.name).symlink_to(entry)
    script = "\n".join(f"    {line}" for line in lines)
    (folder / "sync.py").write_text(SCRIPTED.format(script=script))
    return source(folder, tables=["list"])


def read(source: KlaviyoSource, state: State) -> list[Batch]:
    """Read all batches."""
    return list(source.read(state))


def rows(batches: list[Batch], table: str) -> list[dict[str, Any]]:
    """Give the changes of a table in order."""
    return [
        row
        for batch in batches
        for changes in batch.changes
        if changes.table.name == table
        for row in changes.rows.to_pylist()
    ]


@pytest.mark.slow
def test_operations_become_changes_in_their_order(tmp_path: Path) -> None:
    """Rows, deletions and checkpoints become U, D and states; a truncate is given last."""
    scripted_source = make_scripted_source(
        tmp_path,
        'yield Truncate("list")',
        'yield Upsert("list", row("1", "one"))',
        'yield Upserts("list", [row("2", "two"), row("3", "three")])',
        'yield Checkpoint({"n": 1})',
        'yield Warning("be careful")',
        'yield Delete("list", {"account_id": "a", "id": "1"})',
        'yield Checkpoint({"n": 2})',
    )
    batches = read(scripted_source, {"seq": 7, "connector": {"n": 0}})
    changes = [(row[OP], int(row[SEQ]), row["id"]) for row in rows(batches, "list")]
    upserts = [("U", 9, "1"), ("U", 10, "2"), ("U", 11, "3")]
    assert changes == [*upserts, (DELETE, 12, "1"), (TRUNCATE, 8, None)]
    states = [batch.state for batch in batches]
    assert states[0] == {"seq": 11, "connector": {"n": 1}, "truncates": {"list": 8}}
    assert states[-1] == {"seq": 12, "connector": {"n": 2}}
    assert [w for batch in batches for w in batch.warnings] == ["be careful"]


@pytest.mark.slow
def test_a_failed_sync_truncates_once_a_later_one_is_complete(tmp_path: Path) -> None:
    """A truncate before a failure stays in the state, so that no row is missing meanwhile."""
    failing = make_scripted_source(
        tmp_path,
        'yield Truncate("list")',
        'yield Upsert("list", row("1", "one"))',
        'yield Checkpoint({"n": 1})',
        'if state.get("n") != 1: raise TransientError("Klaviyo is away; try again later")',
    )
    state: State = {"seq": 0, "connector": {}}
    batches: list[Batch] = []
    with pytest.raises(SourceError, match="source klaviyo: Klaviyo is away"):
        batches.extend(failing.read(state))
    state = next(iter(failing.read(state))).state or {}
    assert state["truncates"] == {"list": 1}
    assert (TRUNCATE, 3) in [(row[OP], row[SEQ]) for row in rows(read(failing, state), "list")]


@pytest.mark.parametrize("end", ["import os; os._exit(3)", "import os; os.kill(os.getpid(), 9)"])
def test_a_crash_of_the_process_is_an_error_with_its_last_lines(tmp_path: Path, end: str) -> None:
    """A child that ends in the middle is a SourceError, and never the end of the changes."""
    crashing = make_scripted_source(
        tmp_path,
        'yield Upsert("list", row("1", "one"))',
        'yield Checkpoint({"n": 1})',
        'print("the last words", flush=True)',
        end,
    )
    batches: list[Batch] = []
    with pytest.raises(SourceError, match=r"(?s)ended unexpectedly.*the last words"):
        batches.extend(crashing.read({"seq": 0, "connector": {}}))
    assert [row["name"] for row in rows(batches, "list")] == ["one"]


def test_a_bug_of_the_connector_shows_its_traceback(tmp_path: Path) -> None:
    """An exception that is no error with a remedy is an error of the source, with its lines."""
    with pytest.raises(SourceError, match=r"(?s)exit code 1.*ZeroDivisionError"):
        read(make_scripted_source(tmp_path, "yield 1 / 0"), {})


def test_every_declared_table_has_types(sandbox: str) -> None:
    """Each table of the connector has a key and Arrow types: times in UTC, JSON as text."""
    tables = {discovery.table.name: discovery.table for discovery in source().discover()}
    assert sandbox
    event = tables["event"]
    assert event.key == ("account_id", "id")
    assert event.schema.field("datetime").type == pa.timestamp("us", tz="UTC")
    assert event.schema.field("properties").type == pa.string()
    assert all(table.key for table in tables.values())


def test_two_accounts_are_one_stream(sandbox: str) -> None:
    """Two keys of one account are synced once, and the warning says which."""
    both = source(api_key=f"{API_KEY},pk_sandbox_other", tables=["list"])
    warnings = [warning for batch in both.read({}) for warning in batch.warnings]
    assert sandbox
    assert any("open the same account" in warning for warning in warnings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"tables": ["no_such_table"]}, "unknown table 'no_such_table'"),
        ({"api_key": "no_key"}, "api_key is malformed"),
        ({"connector": Path("/no/such/folder")}, "is not the folder klaviyo_connector"),
    ],
)
def test_a_wrong_setting_is_a_configuration_error(settings: dict[str, Any], message: str) -> None:
    """The connector's own errors of settings end as ours, with the remedy and without the key."""
    with pytest.raises(ConfigurationError, match=message):
        source(**settings).tables()


@pytest.mark.slow
def test_backfill_reads_one_table_again() -> None:
    """After a backfill the next sync gives every row of that table, and no other table's."""
    lists = source(tables=["list", "campaign"])
    first = read(lists, {})
    state = next(batch.state for batch in reversed(first) if batch.state)
    again = read(lists, lists.backfill(state, "list", None))
    before = {row["id"] for row in rows(first, "list") if row[OP] == "U"}
    assert {row["id"] for row in rows(again, "list") if row[OP] == "U"} == before
    assert rows(again, "campaign") == []
    assert min(row[SEQ] for row in rows(again, "list")) > state["seq"]


def test_nothing_of_fivetran_is_imported() -> None:
    """The modules of the connector that a sync imports include no SDK of Fivetran."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import sync, setup_tests; print(*sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(CONNECTOR)], capture_output=True, text=True, check=True
    )
    assert "streams.catalog" in run.stdout
    assert "fivetran" not in run.stdout


def test_every_setting_of_the_connector_is_one_of_the_source() -> None:
    """A setting that the connector gains can be set in simplyload.yml too."""
    command = "from configuration import KEYS; print(*KEYS)"
    keys = subprocess.run(
        [sys.executable, "-c", command], cwd=CONNECTOR, capture_output=True, text=True, check=True
    )
    assert {*keys.stdout.split()} <= {*KlaviyoSettings.model_fields}
