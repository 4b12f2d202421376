"""LookML that runs: every field gives what dbt's metric and hand-written SQL give."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.looker import hand_written, lookml_sql, metricflow
from tests.looker.lookml_sql import View
from tests.warehouse import dbt, raw, shop

VIEWS = lookml_sql.views("klaviyo")
MEASURES = {
    f"{view.name}.{name}": (view, name) for view in VIEWS.values() for name in view.measures
}
SPLITS = {
    "attributed_order": ["account_id", "attribution_method"],
    "audience_growth": ["account_id", "audience_type"],
    "campaign_daily": ["account_id", "send_channel"],
    "data_health": ["account_id", "table_name"],
    "inbox_provider": ["account_id", "inbox_provider"],
    "message_performance": ["account_id", "send_channel", "sent_week"],
    "profile": ["account_id", "country"],
    "subject_line_test": ["account_id", "send_channel"],
}


@pytest.fixture(scope="module", name="built")
def _built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a build of two small shops."""
    folder = tmp_path_factory.mktemp("lookml")
    done = dbt.run(folder, "run", raw=raw.write(folder / "raw.db", shop.ROWS))
    assert done.returncode == 0, done.stdout
    return folder


@pytest.fixture(scope="module", name="warehouse")
def _warehouse(built: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Their marts."""
    with duckdb.connect(str(built / "warehouse.duckdb"), read_only=True) as connection:
        yield connection


def number(value: object) -> float | None:
    """A figure without its type; null stays null."""
    return None if value in (None, "") else float(str(value))


@pytest.mark.parametrize("dialect", lookml_sql.DIALECTS)
@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_every_field_runs(warehouse: duckdb.DuckDBPyConnection, view: View, dialect: str) -> None:
    """Each field alone is a query that the warehouse answers, whichever engine's SQL it is."""
    for field in (*view.dimensions, *view.measures):
        assert view.ask(warehouse, [field], dialect=dialect), field


@pytest.mark.parametrize(("view", "measure"), MEASURES.values(), ids=MEASURES)
def test_measures_equal_hand_written_sql(
    warehouse: duckdb.DuckDBPyConnection, view: View, measure: str
) -> None:
    """Split in several ways a measure is what SQL without dbt's metrics gives."""
    hand_made = hand_written.MEASURES[view.name][measure]
    currency = ["currency"] if "currency" in view.dimensions else []
    for split in SPLITS[view.name]:
        by = [split, *currency]
        sql = f"select {', '.join(by)}, {hand_made} from {view.table} group by all"
        expected = {row[:-1]: number(row[-1]) for row in warehouse.sql(sql).fetchall()}
        rows = view.ask(warehouse, [*by, measure])
        shown = {tuple(row[name] for name in by): number(row[measure]) for row in rows}
        assert shown.keys() == expected.keys()
        for key, value in shown.items():
            assert value == pytest.approx(expected[key]), key


def test_measures_equal_dbts_metrics(built: Path, warehouse: duckdb.DuckDBPyConnection) -> None:
    """In every account each measure is the metric that dbt's own semantic layer computes."""
    answers = metricflow.answers(built)
    assert answers.keys() == VIEWS.keys()
    for view in VIEWS.values():
        by = [name for name in metricflow.BY if name in view.dimensions]
        rows = view.ask(warehouse, [*by, *view.measures])
        shown = {tuple(row.pop(name) or "" for name in by): row for row in rows}
        assert shown.keys() == answers[view.name].keys()
        for key, metrics in answers[view.name].items():
            assert metrics.keys() == view.measures.keys()
            for name, value in metrics.items():
                assert number(shown[key][name]) == pytest.approx(number(value)), (key, name)


def test_amounts_of_two_currencies_are_no_sum(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Over accounts of two currencies counts are one figure, amounts are one for each currency."""
    view = VIEWS["message_performance"]
    assert len(view.ask(warehouse, ["delivered"])) == 1
    for amount in ("conversion_value", "revenue_per_recipient", "text_message_roi"):
        assert len(view.ask(warehouse, [amount])) == 2


def test_a_week_is_the_warehouses(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Looker's week of a date is the ISO week in the mart."""
    view = VIEWS["message_performance"]
    shown = [tuple(row.values()) for row in view.ask(warehouse, ["sent_date", "sent_week"])]
    rows = warehouse.sql(f"select distinct sent_on, sent_week from {view.table}").fetchall()
    assert sorted(shown) == sorted(rows)
