"""DuckDB, Postgres and BigQuery give the same rows, and an incremental run those of a full one.

`make test` builds all models on DuckDB, `make test ALL=1` few on BigQuery too, `make chaos` all on
each engine.
"""

import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg
import pytest
from duckdb import connect

from tests.fivetran import SCHEMA
from tests.warehouse import dbt, raw, shop
from tests.warehouse.bigquery import BigQuery, run_bigquery
from tests.warehouse.compare import Contents, read_contents, run_dbt
from tests.warehouse.engines import RAW_SCHEMA, DuckDB, Engine, run_postgres
from tests.warehouse.partitions import Layout, parse_layout

pytestmark = pytest.mark.timeout(900)  # three runs on each of three engines

# The incremental models and the central mart, with all that these read, and the models that use the
# other macros of which engines have versions.
OF_EVENTS = (
    *("+config.materialized:incremental", "+klaviyo__message_performance"),
    *("+klaviyo__attributed_order", "+int_klaviyo__order_item"),
    *("+klaviyo__engagement", "+klaviyo__send_pressure", "+klaviyo__link_performance"),
)
FINDINGS = "+int_klaviyo__finding_campaign"
SOME = (*OF_EVENTS, "klaviyo__calendar", FINDINGS)
# Of these on BigQuery in `make test ALL=1`: orders, and each macro of which engines have versions.
OF_ORDERS = "+klaviyo__attributed_order", "+int_klaviyo__order_item", "+int_klaviyo__order_content"
FEW = (*OF_ORDERS, "klaviyo__calendar", FINDINGS)
# The engines on which an incremental run is tested; on Postgres every model has to run again.
BIGQUERY = (
    pytest.param("bigquery", marks=pytest.mark.slow),
    pytest.param("bigquery_some", marks=pytest.mark.chaos),
)
UPDATED = ["duckdb", pytest.param("postgres", marks=pytest.mark.chaos), *BIGQUERY]
# Only models that read the tables of a next sync run again, and of these the incremental ones with
# what they read and some that read them: any other model is built in full by every run.
WRITTEN = ("event", "event_attribution", "sync_report")
OF_NEXT_SYNC = tuple(f"source:klaviyo.{table}+" for table in WRITTEN)
INCREMENTAL = "config.materialized:incremental"
CHANGED, CHANGED_FEW = (
    (
        *(f"{source},{models}" for source in OF_NEXT_SYNC for models in of_events),
        f"source:klaviyo.sync_report+,{FINDINGS}",
    )
    for of_events in (OF_EVENTS, OF_ORDERS)
)
LATER = "2026-11-21T09:00:00Z"
# The next sync writes an old order, a late touch, the missing touch of an attribution, an order
# with another value, a deleted order, the deleted only order of a month, an order without a time, a
# refund and an order whose credit moves to another message.
NEXT_SYNC = [
    shop.event("old", shop.ORDER, "2026-09-01 00:30:00", "bob", value=12.0, synced_at=LATER),
    shop.event(
        "late", shop.CLICK, "2026-11-05 11:00:00", "cid", campaign_id="launch", synced_at=LATER
    ),
    shop.event("missing", shop.OPEN, "2026-11-01 12:00:00", "bob", synced_at=LATER),
    shop.event("buyA", shop.ORDER, "2026-11-02 04:59:59", "ann", value=900.0, synced_at=LATER),
    shop.event("sold", shop.ORDER, "2026-10-03 12:00:00", "ann", _fivetran_deleted=True),
    shop.event("ahead", shop.ORDER, "2027-11-07 12:00:00", "ann", _fivetran_deleted=True),
    shop.event("timeless", shop.ORDER, "2026-11-21 08:00:00", "bob", value=4.0, synced_at=LATER)
    | {"datetime": None, "timestamp": None},
    shop.event("returned", shop.REFUND, "2026-11-06 12:00:00", "bob", value=5, synced_at=LATER),
    shop.event("orphan", shop.ORDER, "2026-11-03 12:00:00", "bob", value=-49.95, synced_at=LATER),
]
MOVED = shop.attribution("orphan", "missing", **shop.OF_TEST, event_datetime="2026-11-03 12:00:00Z")
SYNC_REPORT = {
    "account_id": shop.US,
    "sync_id": "4",
    "table_name": "event",
    "started_at": LATER,
    "synced_at": LATER,
    "min_event_at": "2026-09-01T00:30:00Z",
}


ATTRIBUTED_ORDER = "klaviyo.klaviyo__attributed_order"
# The raw tables that name what the mart's orders are credited to, or give them date and currency.
NAMING = (
    *("account", "metric", "campaign", "campaign_message", "campaign_variation"),
    *("flow", "flow_action", "flow_message"),
)


def raw_after(
    *events: Mapping[str, Any], report: Mapping[str, Any] = SYNC_REPORT
) -> Mapping[str, raw.Rows]:
    """The raw tables after a next sync that writes these events, and moves the credit of one."""
    rows = {row["id"]: row for row in (*shop.ROWS["event"], *events)}
    others = [credit for credit in shop.ROWS["event_attribution"] if credit["event_id"] != "orphan"]
    return shop.ROWS | {
        "event": list(rows.values()),
        "event_attribution": [*others, MOVED],
        "sync_report": [*shop.ROWS["sync_report"], report],
    }


def load(engine: Engine, folder: Path, tables: Mapping[str, raw.Rows]) -> None:
    """Replace the engine's raw tables."""
    file = folder / "raw.db"
    file.unlink(missing_ok=True)
    engine.load(raw.write(file, tables, shop.TABLE_NAMES))


@dataclass(frozen=True)
class TwoRuns:
    """The rows of models after a first build, and after an incremental run of a selection."""

    engine: Engine
    folder: Path
    first: Contents
    selection: tuple[str, ...]

    @cached_property
    def second(self) -> Contents:
        """Load the next sync and run again, for the first test that asks for it.

        An order of an unaffected month changes too, without a sync report: no run may read it.
        """
        unseen = {**shop.UNAFFECTED, "value": 0.01}
        load(self.engine, self.folder, raw_after(*NEXT_SYNC, unseen))
        return run_dbt(self.engine, self.folder, "run", "--select", *self.selection)


def _run(engine: Engine, folder: Path, models: Sequence[str]) -> Contents:
    load(engine, folder, shop.ROWS)
    return run_dbt(engine, folder, "run", "--select", *models)


def _copy_built(dbt_build: Path, folder: Path) -> DuckDB:
    """DuckDB with a copy of the one build of the shops."""
    shutil.copytree(dbt_build, folder, dirs_exist_ok=True)
    engine = DuckDB(folder)
    engine.load(folder / "raw.db")
    return engine


@pytest.fixture(scope="module", name="duckdb")
def _duckdb(dbt_build: Path, tmp_path_factory: pytest.TempPathFactory) -> TwoRuns:
    folder = tmp_path_factory.mktemp("duckdb")
    engine = _copy_built(dbt_build, folder)
    return TwoRuns(engine, folder, read_contents(engine, folder), CHANGED)


@pytest.fixture(scope="module", name="postgres")
def _postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoRuns]:
    folder = tmp_path_factory.mktemp("postgres")
    with run_postgres(folder) as engine:
        # Loading a table drops the views on it, so every model runs again.
        yield TwoRuns(engine, folder, _run(engine, folder, SOME), SOME)


@pytest.fixture(scope="module", name="bigquery")
def _bigquery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoRuns]:
    folder = tmp_path_factory.mktemp("bigquery")
    with run_bigquery(folder) as engine:
        yield TwoRuns(engine, folder, _run(engine, folder, FEW), CHANGED_FEW)


@pytest.fixture(scope="module", name="bigquery_some")
def _bigquery_some(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoRuns]:
    folder = tmp_path_factory.mktemp("bigquery_some")
    with run_bigquery(folder) as engine:
        yield TwoRuns(engine, folder, _run(engine, folder, SOME), CHANGED)


@pytest.fixture(name="run")
def _each(request: pytest.FixtureRequest) -> TwoRuns:
    run: TwoRuns = request.getfixturevalue(request.param)
    return run


@pytest.fixture(scope="module", name="full")
def _full(dbt_build: Path, tmp_path_factory: pytest.TempPathFactory) -> Contents:
    """The rows of the changed models after a full refresh from all synced rows."""
    folder = tmp_path_factory.mktemp("full")
    engine = _copy_built(dbt_build, folder)
    load(engine, folder, raw_after(*NEXT_SYNC))
    return run_dbt(engine, folder, "run", "--full-refresh", "--select", *CHANGED)


@pytest.mark.slow
@pytest.mark.parametrize("run", BIGQUERY, indirect=True)
def test_bigquery_agrees_cell_by_cell(duckdb: TwoRuns, run: TwoRuns) -> None:
    """A model has the same rows and columns on BigQuery as on DuckDB."""
    assert len(run.first) > 30
    for model, rows in run.first.items():
        assert rows == duckdb.first[model], model


@pytest.mark.slow
def test_some_models_use_every_macro_that_engines_have_versions_of(
    dbt_build: Path, bigquery: TwoRuns
) -> None:
    """Of the macros that dbt dispatches by engine, none is used only in `make chaos`."""
    manifest = json.loads((dbt_build / "target" / "manifest.json").read_text())
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    some = [model for model in models if model["name"] in bigquery.first]
    used = _find_dispatched(manifest, models)
    assert len(used) > 8
    assert _find_dispatched(manifest, some) == used


def _find_dispatched(manifest: dict[str, Any], models: list[dict[str, Any]]) -> set[str]:
    """The dispatched macros of the project that models use, directly or in other macros."""
    macros = {name: macro for name, macro in manifest["macros"].items() if ".klaviyo_" in name}
    used, found = set[str](), {name for model in models for name in model["depends_on"]["macros"]}
    while found := (found & macros.keys()) - used:
        used |= found
        found = {inner for name in found for inner in macros[name]["depends_on"]["macros"]}
    return {name for name in used if "adapter.dispatch(" in macros[name]["macro_sql"]}


@pytest.mark.parametrize("run", UPDATED, indirect=True)
def test_an_incremental_run_equals_a_full_one(run: TwoRuns, full: Contents) -> None:
    """Replacing the months of late, changed and deleted events gives the rows of a full build."""
    assert run.second["klaviyo__attributed_order"] != run.first["klaviyo__attributed_order"]
    views = {"stg_klaviyo__event", "event"}  # which show all of raw
    for model in run.second.keys() - views:
        assert run.second[model] == full[model], model


@pytest.mark.slow
@pytest.mark.parametrize("run", UPDATED[:2], indirect=True)
def test_a_run_without_a_new_sync_changes_no_row(run: TwoRuns) -> None:
    """A run without a new sync leaves the rows of every model as they are."""
    updated = run.second

    assert run_dbt(run.engine, run.folder, "run", "--select", INCREMENTAL) == updated


@pytest.mark.slow
def test_a_run_after_a_resync_equals_a_full_one(duckdb: TwoRuns, full: Contents) -> None:
    """Every row is written again, with another time of its sync and no other change."""
    assert duckdb.second
    again = {"synced_at": "2026-11-22T09:00:00Z"}
    rows = {
        table: [{**row, **again} for row in rows] for table, rows in raw_after(*NEXT_SYNC).items()
    }
    report = {**SYNC_REPORT, **again, "sync_id": "5", "min_event_at": "2026-07-31T23:59:59Z"}
    load(duckdb.engine, duckdb.folder, rows | {"sync_report": [*rows["sync_report"], report]})
    synced = run_dbt(duckdb.engine, duckdb.folder, "run", "--select", INCREMENTAL)

    for model in _incremental_models(duckdb):
        assert _without_sync(synced[model]) == _without_sync(full[model]) != []


# What people did before the shops' last sync, and what later syncs write: a day, nothing for two
# weeks, and three months; late events of a closed month; a person who is merged into another.
OF_LINK = {"campaign_id": "launch", "url": "/a"}
HISTORY = [
    shop.event("first", shop.MAIL, "2026-03-02 12:00:00", "ann", campaign_id="launch"),
    shop.event("second", shop.OPEN, "2026-04-30 23:30:00", "ann", campaign_id="launch"),
    shop.event("third", shop.CLICK, "2026-06-07 12:00:00", "ann", **OF_LINK),
    shop.event("fourth", shop.MAIL, "2026-06-08 12:00:00", "cid", campaign_id="launch"),
    shop.event("fifth", shop.CLICK, "2026-06-10 12:00:00", "cid", **OF_LINK),
]
LATER_SYNCS: dict[str, list[dict[str, Any]]] = {
    "2026-11-21T09:00:00Z": [
        shop.event("next", shop.CLICK, "2026-11-20 23:00:00", "ann", **OF_LINK),
        shop.event("bought", shop.ORDER, "2026-11-20 23:30:00", "ann", value=30.0),
    ],
    "2026-12-06T09:00:00Z": [
        shop.event("week", shop.MAIL, "2026-12-01 12:00:00", "cid", campaign_id="launch"),
        shop.event("weekend", shop.OPEN, "2026-12-06 08:00:00", "cid", campaign_id="launch"),
        shop.event("before", shop.MAIL, "2026-11-30 12:00:00", "cid", campaign_id="launch"),
    ],
    "2027-03-08T09:00:00Z": [
        shop.event("spring", shop.MAIL, "2027-03-07 12:00:00", "bob", campaign_id="launch"),
    ],
    "2027-03-09T09:00:00Z": [
        shop.event("late", shop.CLICK, "2026-06-06 12:00:00", "ann", **OF_LINK),
        shop.event("fourth", shop.MAIL, "2026-06-08 12:00:00", "cid", _fivetran_deleted=True),
        shop.event("second", shop.OPEN, "2026-07-01 12:00:00", "ann", campaign_id="launch"),
    ],
    "2027-03-10T09:00:00Z": [
        shop.event("third", shop.CLICK, "2026-06-07 12:00:00", "cid", **OF_LINK),
        shop.event("first", shop.MAIL, "2026-03-02 12:00:00", "cid", campaign_id="launch"),
    ],
}
# In `make test` what the last two write is written by one.
LAST_SYNC = "2027-03-10T09:00:00Z"
ONE_SYNC = {LAST_SYNC: [*LATER_SYNCS["2027-03-09T09:00:00Z"], *LATER_SYNCS[LAST_SYNC]]}
OF_PEOPLE = ("klaviyo__engagement", "klaviyo__send_pressure", "klaviyo__link_performance")


@pytest.mark.slow
@pytest.mark.parametrize("syncs", [ONE_SYNC, pytest.param(LATER_SYNCS, marks=pytest.mark.chaos)])
def test_marts_of_people_equal_full_ones(
    dbt_build: Path, tmp_path: Path, syncs: Mapping[str, list[dict[str, Any]]]
) -> None:
    """After runs that were skipped, late, moved and deleted events, and a merged person, the marts
    that sum over people have the rows of a full refresh.
    """
    engine = _copy_built(dbt_build, tmp_path)
    events = {row["id"]: row for row in (*shop.ROWS["event"], *HISTORY)}
    reports = [*shop.ROWS["sync_report"], _report("2026-11-20T10:00:00Z", HISTORY)]
    select = [f"source:klaviyo.event+,+{mart}" for mart in OF_PEOPLE]
    select += [f"source:klaviyo.sync_report+,+{mart}" for mart in OF_PEOPLE]
    load(engine, tmp_path, shop.ROWS | {"event": list(events.values()), "sync_report": reports})
    first = run_dbt(engine, tmp_path, "run", "--select", *select)
    for synced_at, written in syncs.items():
        old = [events[row["id"]] for row in written if row["id"] in events]
        events |= {row["id"]: row | {"synced_at": synced_at} for row in written}
        reports.append(_report(synced_at, [*old, *written]))
        load(engine, tmp_path, shop.ROWS | {"event": list(events.values()), "sync_report": reports})
        updated = run_dbt(engine, tmp_path, "run", "--select", *select)
        full = _run_in_full(dbt_build, tmp_path / synced_at[:10], tmp_path / "raw.db", select)
        # How far a history goes depends on when it was made.
        for model in full.keys() - {"int_klaviyo__profile_history"}:
            assert updated[model] == full[model], (synced_at, model)
    assert all(updated[mart] != first[mart] for mart in OF_PEOPLE)


def _report(synced_at: str, events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The report of a sync that wrote these events."""
    return SYNC_REPORT | {
        "sync_id": synced_at,
        "started_at": synced_at,
        "synced_at": synced_at,
        "min_event_at": min(row["datetime"] for row in events),
    }


def _run_in_full(dbt_build: Path, folder: Path, raw_file: Path, select: list[str]) -> Contents:
    """The rows of a full refresh from a raw file."""
    engine = _copy_built(dbt_build, folder)
    shutil.copy(raw_file, folder / "raw.db")
    return run_dbt(engine, folder, "run", "--full-refresh", "--select", *select)


def _without_sync(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [tuple(cell for cell in row if cell[0] != "synced_at") for row in rows]


@pytest.mark.slow
def test_a_renamed_campaign_restates_the_months_since_its_first_order(
    dbt_build: Path, tmp_path: Path
) -> None:
    """A sync that writes no event restates the months that name what it wrote, and no other."""
    engine = _copy_built(dbt_build, tmp_path)
    with connect(tmp_path / "warehouse.duckdb") as warehouse:
        warehouse.execute(f"update {ATTRIBUTED_ORDER} set account_name = 'as it was'")
    old = dict.fromkeys(("synced_at", "_fivetran_synced"), "2026-10-01T00:00:00Z")
    rows = {table: [{**row, **old} for row in shop.ROWS[table]] for table in NAMING}
    for campaign in rows["campaign"]:
        if campaign["id"] == "launch":
            campaign |= {"name": "Start", "synced_at": LATER, "_fivetran_synced": LATER}
    reports = [*shop.ROWS["sync_report"], {**SYNC_REPORT, "min_event_at": None}]
    load(engine, tmp_path, {**shop.ROWS, **rows, "sync_report": reports})
    run_dbt(engine, tmp_path, "run", "--select", "klaviyo__attributed_order")

    months = dbt.query(
        tmp_path / "warehouse.duckdb",
        f"""
        select occurred_month::text as month, account_name = 'as it was' as is_untouched,
            max(campaign_name) as campaign_name
        from {ATTRIBUTED_ORDER} group by all order by all
        """,
    )
    assert [tuple(month.values()) for month in months] == [
        ("2026-07-01", True, None),
        ("2026-10-01", True, "Before"),
        ("2026-11-01", False, "Start"),
        ("2027-11-01", False, None),
    ]


# Incremental models of orders and of all events.
CONVERSION = "int_klaviyo__conversion"
OF_MONTHS = CONVERSION, "int_klaviyo__event_daily"


@pytest.mark.slow
def test_events_without_a_report_of_their_sync_are_added(
    dbt_build: Path, full: Contents, tmp_path: Path
) -> None:
    """If sync_report has no row of the syncs that wrote events, their months are replaced too."""
    engine = _copy_built(dbt_build, tmp_path)
    unreported = {**raw_after(*NEXT_SYNC), "sync_report": shop.ROWS["sync_report"]}
    load(engine, tmp_path, unreported)
    updated = run_dbt(engine, tmp_path, "run", "--select", *OF_MONTHS)

    for model in OF_MONTHS:
        assert updated[model] == full[model] != []


@pytest.mark.slow
def test_the_report_of_a_sync_that_took_days_is_read(dbt_build: Path, tmp_path: Path) -> None:
    """The last build has rows of an account that synced after this sync began, and before it ended.

    The events that the sync wrote after that build are in it as well.
    """
    engine = _copy_built(dbt_build, tmp_path)
    began = {"synced_at": "2026-11-15T09:00:00Z", "_fivetran_synced": LATER}
    early = shop.event("early", shop.ORDER, "2026-03-01 12:00:00", "bob", value=1.0, **began)
    report = {
        "account_id": shop.US,
        "sync_id": "slow",
        "table_name": "event",
        "started_at": began["synced_at"],
        "min_event_at": early["datetime"],
        **began,
    }
    reports = [*shop.ROWS["sync_report"], report]
    events = [*shop.ROWS["event"], early]
    load(engine, tmp_path, {**shop.ROWS, "event": events, "sync_report": reports})

    updated = run_dbt(engine, tmp_path, "run", "--select", CONVERSION)

    assert "early" in {dict(row)["event_id"] for row in updated[CONVERSION]}


@pytest.mark.slow
def test_without_reports_of_syncs_every_month_is_replaced(
    dbt_build: Path, full: Contents, tmp_path: Path
) -> None:
    """A warehouse whose sync_report was never ticked adds all that syncs write."""
    engine = _copy_built(dbt_build, tmp_path)
    load(engine, tmp_path, raw_after(*NEXT_SYNC))
    with connect(tmp_path / "raw.db") as connection:
        connection.execute(f"drop table {SCHEMA}.sync_report")
    view = "stg_klaviyo__sync_report"  # of the table that is gone
    updated = run_dbt(engine, tmp_path, "run", "--select", view, *OF_MONTHS)

    for model in OF_MONTHS:
        assert updated[model] == full[model] != []


@pytest.mark.slow
def test_a_report_of_today_needs_no_look_at_the_events(dbt_build: Path, tmp_path: Path) -> None:
    """Events that are newer than today's report wait for the next: on BigQuery a look costs."""
    engine = _copy_built(dbt_build, tmp_path)
    first = read_contents(engine, tmp_path)
    today = {
        "sync_id": "4",
        "table_name": "event",
        "started_at": LATER,
        "synced_at": datetime.now(UTC).isoformat(),
    }
    reports = [{**today, "account_id": account} for account in (shop.US, shop.FR)]
    reported = [*shop.ROWS["sync_report"], *reports]
    load(engine, tmp_path, {**raw_after(*NEXT_SYNC), "sync_report": reported})
    updated = run_dbt(engine, tmp_path, "run", "--select", *OF_MONTHS)

    for model in OF_MONTHS:
        assert updated[model] == first[model] != []


@pytest.mark.chaos
def test_a_run_without_an_affected_month_changes_no_row(bigquery_some: TwoRuns) -> None:
    """A run without a month to replace succeeds, although BigQuery refuses a merge of none."""
    updated = bigquery_some.second
    nothing = {**SYNC_REPORT, "min_event_at": None}
    load(bigquery_some.engine, bigquery_some.folder, raw_after(*NEXT_SYNC, report=nothing))
    again = run_dbt(
        bigquery_some.engine,
        bigquery_some.folder,
        *("run", "--select", "stg_klaviyo__sync_report", INCREMENTAL),
    )

    for model in _incremental_models(bigquery_some):
        assert again[model] == updated[model] != []


def _incremental_models(run: TwoRuns) -> set[str]:
    manifest = json.loads((run.folder / "target" / "manifest.json").read_text())
    found = {
        node["name"]
        for node in manifest["nodes"].values()
        if node["config"].get("materialized") == "incremental"
    }
    assert found
    return found


@pytest.mark.parametrize("run", BIGQUERY, indirect=True)
def test_bigquery_partitions_events_by_month_and_requires_a_filter(run: TwoRuns) -> None:
    """An incremental model is partitioned by month and clustered; all but the mart, which readers
    filter by date, require a filter of months.
    """
    assert isinstance(run.engine, BigQuery)
    month = "date_trunc(occurred_month, month)"
    clusters = {
        "klaviyo__attributed_order": ("date", "account_id"),
        "int_klaviyo__link_daily": ("account_id", "campaign_id"),
        "int_klaviyo__profile_history": ("account_id", "profile_id"),
        "int_klaviyo__send_pressure_weekly": ("account_id", "week_start"),
    }
    for model in _incremental_models(run) & run.first.keys():
        is_mart = model == "klaviyo__attributed_order"
        schema = "klaviyo" if is_mart else "klaviyo_intermediate"
        table = run.engine.sql.tables[f"project.{schema}.{model}"]
        by = clusters.get(model, ("account_id", "metric_id"))
        expected = Layout(month, "occurred_month", by, filter_required=not is_mart)
        assert parse_layout(table.ddl) == expected, model


def test_bigquery_prunes_the_partitions_of_unaffected_months(bigquery: TwoRuns) -> None:
    """An incremental run compares with variables where it reads and where it replaces."""
    assert isinstance(bigquery.engine, BigQuery)
    assert bigquery.second
    increments = [script for script in bigquery.engine.scripts.values() if "declare" in script]

    assert increments
    for increment in increments:
        if "affected_from_month" in increment:
            assert "declare affected_from_month date default coalesce(" in increment
            assert (
                "occurred_at >= timestamp(date_sub(affected_from_month," in increment
                or re.search(r"occurred_month >= (cast\(.*)?affected_from_month", increment)
            )
        else:
            assert "in unnest(dbt_partitions_for_replacement)" in increment
    pruned = "event_occurred_at >= timestamp(date_sub(affected_from_month,"
    assert any(pruned in increment for increment in increments)


@pytest.mark.chaos
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("run_engine", [run_postgres, run_bigquery])
def test_every_model_is_equal_on_every_engine(
    run_engine: Callable[[Path], AbstractContextManager[Engine]], duckdb: TwoRuns, tmp_path: Path
) -> None:
    """`dbt build` passes on Postgres and BigQuery, and gives each model DuckDB's rows."""
    with run_engine(tmp_path) as engine:
        load(engine, tmp_path, shop.ROWS)
        rows = run_dbt(engine, tmp_path, "build")
    assert rows.keys() == duckdb.first.keys()
    for model, expected in duckdb.first.items():
        assert rows[model] == expected, model


@pytest.mark.chaos
def test_postgres_has_statistics_of_each_table_that_is_built(tmp_path: Path) -> None:
    """What reads a new table at once is planned with them: without, it joins every pair of rows.

    A raw table that was never analysed is, before the first model.
    """
    models = ("+int_klaviyo__event_daily", "klaviyo__calendar")
    unknown = f"create table {RAW_SCHEMA}.copied as table {RAW_SCHEMA}.event"
    renamed = f"drop table {RAW_SCHEMA}.event; alter table {RAW_SCHEMA}.copied rename to event"
    with run_postgres(tmp_path) as engine:
        load(engine, tmp_path, shop.ROWS)
        with psycopg.connect(engine.uri) as connection:
            connection.execute(f"{unknown}; {renamed}")
        environment = dbt.EVERYTHING | engine.environment
        done = dbt.run_on(tmp_path, environment, "run", "--select", *models)
        with psycopg.connect(engine.uri) as connection:
            rows = connection.execute(
                "select relname, last_analyze is not null from pg_stat_user_tables"
                " where schemaname like 'klaviyo%%' and (schemaname <> %s or relname = 'event')",
                [RAW_SCHEMA],
            ).fetchall()
    assert done.returncode == 0, done.stdout
    built = ("int_klaviyo__event_daily", "klaviyo__calendar")
    assert sorted(rows) == [("event", True), *((table, True) for table in built)]


SUBMISSIONS = "int_klaviyo__form_submission"


@pytest.mark.slow
def test_without_submissions_a_run_reads_the_months_of_later_syncs_alone(tmp_path: Path) -> None:
    """An account without forms reads no old events in each run, although no row is of an event."""
    first = SYNC_REPORT | {
        "synced_at": "2026-11-01T09:00:00Z",
        "_fivetran_synced": "2026-11-01T09:05:00Z",
        "min_event_at": "2026-01-01T00:00:00Z",
    }
    later = SYNC_REPORT | {"sync_id": "5", "min_event_at": "2026-11-20T12:00:00Z"}
    events = [one for one in shop.ROWS["event"] if one["metric_id"] != shop.FORM]
    submitted = [
        shop.event(name, shop.FORM, at, "bob", properties={"form_id": "popup"})
        for name, at in (("old", "2026-02-01 12:00:00"), ("new", "2026-11-20 12:00:00"))
    ]
    reports = [*shop.ROWS["sync_report"], first]
    engine, select = DuckDB(tmp_path), ("run", "--select", f"+{SUBMISSIONS}")
    load(engine, tmp_path, shop.ROWS | {"event": events, "sync_report": reports})
    run_dbt(engine, tmp_path, *select)
    written = {"event": [*events, *submitted], "sync_report": [*reports, later]}
    load(engine, tmp_path, shop.ROWS | written)
    rows = run_dbt(engine, tmp_path, *select)[SUBMISSIONS]

    assert {dict(row)["event_id"] for row in rows} == {"", "new"}


WITHOUT_LOOPS = "set local enable_nestloop = off"


@pytest.mark.chaos
def test_postgres_joins_orders_with_touches_without_statistics_in_no_loop(tmp_path: Path) -> None:
    """By itself it would compare each order with each touch, as it expects one row of each."""
    with run_postgres(tmp_path) as engine:
        load(engine, tmp_path, shop.ROWS)
        environment = dbt.EVERYTHING | engine.environment
        done = dbt.run_on(tmp_path, environment, "--debug", "run", "--select", f"+{CONVERSION}")
        (query,) = (tmp_path / "target" / "compiled").rglob(f"{CONVERSION}.sql")
        with psycopg.connect(engine.uri) as connection:
            connection.execute("delete from pg_statistic")
            connection.execute("update pg_class set reltuples = -1, relpages = 0")
            by_itself = str(connection.execute(f"explain {query.read_text()}").fetchall())
            connection.execute(WITHOUT_LOOPS)
            plan = str(connection.execute(f"explain {query.read_text()}").fetchall())
    assert done.returncode == 0, done.stdout
    assert ("Nested Loop" in by_itself, "Nested Loop" in plan) == (True, False)
    transaction = done.stdout.partition(WITHOUT_LOOPS)[2]
    transaction = transaction.partition(f"On model.klaviyo_warehouse.{CONVERSION}: COMMIT")[0]
    assert f'"{CONVERSION}"' in transaction
    assert "last_touches as (" in transaction
