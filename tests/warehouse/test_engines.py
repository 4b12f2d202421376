"""DuckDB, Postgres and BigQuery: one project, built by dbt's own adapters, one truth."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.warehouse import raw, shop
from tests.warehouse.bigquery import BigQuery, running_bigquery
from tests.warehouse.compare import BUILD, Contents, run
from tests.warehouse.engines import DuckDB, Engine, running_postgres
from tests.warehouse.partitions import Layout, layout

pytestmark = pytest.mark.timeout(900)  # three builds on each of three engines

LATER = "2026-11-21T09:00:00Z"
UNTOUCHED = shop.event("settled", shop.ORDER, "2026-07-31 23:59:59", "bob", value=11.0)
KEPT = shop.event("kept", shop.ORDER, "2026-10-31 23:59:59", "bob", value=8.0)
BEFORE = shop.ROWS | {"event": [*shop.ROWS["event"], UNTOUCHED, KEPT]}
# What the next sync brings: an old order, a late touch, the touch Klaviyo had named, a restated
# order, one that is gone and one of which nobody knows the time.
NEWS = [
    shop.event("old", shop.ORDER, "2026-09-01 00:30:00", "bob", value=12.0, synced_at=LATER),
    shop.event(
        "late", shop.CLICK, "2026-11-05 11:00:00", "cid", campaign_id="launch", synced_at=LATER
    ),
    shop.event("missing", shop.OPEN, "2026-11-01 12:00:00", "bob", synced_at=LATER),
    shop.event("buyA", shop.ORDER, "2026-11-02 04:59:59", "ann", value=900.0, synced_at=LATER),
    shop.event("sold", shop.ORDER, "2026-10-03 12:00:00", "ann", _fivetran_deleted=True),
    shop.event("timeless", shop.ORDER, "2026-11-21 08:00:00", "bob", value=4.0, synced_at=LATER)
    | {"datetime": None, "timestamp": None},
]
REPORT = {
    "account_id": shop.US,
    "sync_id": "4",
    "table_name": "event",
    "started_at": LATER,
    "synced_at": LATER,
    "min_event_at": "2026-09-01T00:30:00Z",
}


def _after(*events: Mapping[str, Any]) -> Mapping[str, raw.Rows]:
    """The raw tables with some events written anew by the next sync."""
    rows = {row["id"]: row for row in (*BEFORE["event"], *events)}
    report = [*shop.ROWS["sync_report"], REPORT]
    return BEFORE | {"event": list(rows.values()), "sync_report": report}


@dataclass(frozen=True)
class History:
    """What every model held after a first build, and after the next sync."""

    engine: Engine
    folder: Path
    first: Contents
    restated: Contents


def _history(engine: Engine, folder: Path, *selection: str) -> History:
    """Two builds. Behind the back of the syncs an order of an untouched month has changed."""
    engine.load(raw.write(folder / "before.db", BEFORE))
    first = run(engine, folder, *BUILD)
    unseen = {**UNTOUCHED, "value": 0.01}
    engine.load(raw.write(folder / "after.db", _after(*NEWS, unseen)))
    restated = run(engine, folder, "run", *selection)
    return History(engine, folder, first, restated)


@pytest.fixture(scope="module", name="duckdb")
def _duckdb(tmp_path_factory: pytest.TempPathFactory) -> History:
    folder = tmp_path_factory.mktemp("duckdb")
    return _history(DuckDB(folder), folder)


@pytest.fixture(scope="module", name="postgres")
def _postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    folder = tmp_path_factory.mktemp("postgres")
    with running_postgres(folder) as engine:
        yield _history(engine, folder)


@pytest.fixture(scope="module", name="bigquery")
def _bigquery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    folder = tmp_path_factory.mktemp("bigquery")
    with running_bigquery(folder) as engine:
        # Google's evaluator is thorough, not fast: only what the sync has changed.
        yield _history(
            engine, folder, "--select", "source:klaviyo.event+", "source:klaviyo.sync_report+"
        )


@pytest.fixture(name="history", params=["duckdb", "postgres", "bigquery"])
def _each(request: pytest.FixtureRequest) -> History:
    history: History = request.getfixturevalue(request.param)
    return history


@pytest.fixture(scope="module", name="full")
def _full(tmp_path_factory: pytest.TempPathFactory) -> Contents:
    """What one full build makes of everything that the syncs have told of."""
    folder = tmp_path_factory.mktemp("full")
    engine = DuckDB(folder)
    engine.load(raw.write(folder / "raw.db", _after(*NEWS)))
    return run(engine, folder, "run")


def test_engines_agree_cell_by_cell(duckdb: History, history: History) -> None:
    """Every model holds the same rows and columns wherever it is built."""
    assert history.first.keys() == duckdb.first.keys()
    for model, rows in history.first.items():
        assert rows == duckdb.first[model], model


def test_an_incremental_run_equals_a_full_one(history: History, full: Contents) -> None:
    """After late, changed and deleted events only the months they touch are made anew: rightly."""
    assert (
        history.restated["klaviyo__attributed_order"] != history.first["klaviyo__attributed_order"]
    )
    for model in full.keys() - {"stg_klaviyo__event", "event"}:  # views, which show all of raw
        assert history.restated[model] == full[model], model


@pytest.mark.parametrize("engine", ["duckdb", "postgres"])
def test_building_again_changes_no_row(engine: str, request: pytest.FixtureRequest) -> None:
    """Every table and view stays as it is when nothing new was synced."""
    history: History = request.getfixturevalue(engine)

    assert run(history.engine, history.folder, "run") == history.restated


def test_replacing_no_month_changes_no_row(bigquery: History) -> None:
    """A run for which no sync wrote an event is no error, though BigQuery refuses such a merge."""
    nothing = {**_after(*NEWS), "sync_report": []}
    bigquery.engine.load(raw.write(bigquery.folder / "nothing.db", nothing))
    again = run(
        bigquery.engine,
        bigquery.folder,
        *("run", "--select", "stg_klaviyo__sync_report", "config.materialized:incremental"),
    )

    for model in _incremental(bigquery):
        assert again[model] == bigquery.restated[model] != []


def _incremental(history: History) -> list[str]:
    manifest = json.loads((history.folder / "target" / "manifest.json").read_text())
    found = [
        node["name"]
        for node in manifest["nodes"].values()
        if node["config"].get("materialized") == "incremental"
    ]
    assert found
    return found


def test_bigquery_keeps_events_by_month_and_refuses_who_names_none(bigquery: History) -> None:
    """What dbt-bigquery sent for each incremental model says so."""
    assert isinstance(bigquery.engine, BigQuery)
    for model in _incremental(bigquery):
        table = bigquery.engine.sql.tables[f"project.klaviyo_intermediate.{model}"]
        assert layout(table.ddl) == Layout(
            partitions="date_trunc(occurred_month, month)",
            column="occurred_month",
            clusters=("account_id", "metric_id"),
            filter_required=True,
        )


def test_bigquery_reads_and_writes_only_the_months_that_were_touched(bigquery: History) -> None:
    """A variable prunes what a build reads, and what it replaces."""
    assert isinstance(bigquery.engine, BigQuery)
    increments = [script for script in bigquery.engine.scripts.values() if "declare" in script]

    assert increments
    for increment in increments:
        if "affected_from_month" in increment:
            assert "declare affected_from_month date default (" in increment
            assert "occurred_at >= timestamp(date_sub(affected_from_month," in increment
        else:
            assert "in unnest(dbt_partitions_for_replacement)" in increment


@pytest.mark.chaos
@pytest.mark.parametrize("running", [running_postgres, running_bigquery])
def test_dbts_own_unit_tests_pass_on_every_engine(
    running: Callable[[Path], AbstractContextManager[Engine]], tmp_path: Path
) -> None:
    """What a user's `dbt build` runs passes on Postgres and BigQuery as on DuckDB."""
    with running(tmp_path) as engine:
        engine.load(raw.write(tmp_path / "raw.db", shop.ROWS))
        run(engine, tmp_path, "build")
