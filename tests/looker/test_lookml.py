"""LookML that runs: every field gives what dbt's metric and hand-written SQL give."""

import csv
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.looker import lookml_sql
from tests.looker.lookml_sql import View
from tests.warehouse import dbt, raw, shop

VIEWS = lookml_sql.views("klaviyo")
MEASURES = [(view, name) for view in VIEWS.values() for name in view.measures]

# Written by hand from Klaviyo's glossary, without a look at dbt's metrics: over several channels
# a rate counts only messages for which Klaviyo counts both of its parts.
RATES = {
    name: f"sum({n}) filter ({d} is not null) / nullif(sum({d}) filter ({n} is not null), 0)"
    for name, (n, d) in shop.RATES.items()
} | {
    "text_message_roi": "sum(conversion_value) filter (send_channel = 'sms')"
    " / nullif(sum(text_message_spend), 0)",
}
TRACKED = {
    "open_tracked_delivered": "sum(delivered) filter (opens_unique is not null)",
    "open_tracked_clicks_unique": "sum(clicks_unique) filter (opens_unique is not null)",
    "click_tracked_delivered": "sum(delivered) filter (clicks_unique is not null)",
    "click_tracked_opens_unique": "sum(opens_unique) filter (clicks_unique is not null)",
    "bounce_tracked_recipients": "sum(recipients) filter (bounced is not null)",
    "failure_tracked_recipients": "sum(recipients) filter (failed is not null)",
    "unsubscribe_tracked_delivered": "sum(delivered) filter (unsubscribe_uniques is not null)",
    "spam_tracked_delivered": "sum(delivered) filter (spam_complaints is not null)",
    "text_message_conversion_value": "sum(conversion_value) filter (send_channel = 'sms')",
}
SUMS = (
    "recipients delivered opens opens_unique clicks clicks_unique bounced failed bounced_or_failed"
    " unsubscribe_uniques spam_complaints conversions conversion_uniques conversion_value"
    " text_message_spend"
).split()
HAND_WRITTEN = {
    "message_performance": RATES
    | TRACKED
    | {name: f"sum({name})" for name in SUMS}
    | {"engagement_score": f"0.7 * ({RATES['open_rate']}) + 0.3 * ({RATES['click_rate']})"},
}
SPLITS = {"message_performance": ["account_id", "send_channel", "sent_week"]}


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
    return None if value in (None, "") else float(value)  # type: ignore[arg-type]


@pytest.mark.parametrize("dialect", lookml_sql.DIALECTS)
@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_every_field_runs(warehouse: duckdb.DuckDBPyConnection, view: View, dialect: str) -> None:
    """Each field alone is a query that the warehouse answers, whichever engine's SQL it is."""
    for field in (*view.dimensions, *view.measures):
        assert view.ask(warehouse, [field], dialect=dialect), field


@pytest.mark.parametrize(("view", "measure"), MEASURES, ids=[f"{v.name}.{m}" for v, m in MEASURES])
def test_measures_equal_hand_written_sql(
    warehouse: duckdb.DuckDBPyConnection, view: View, measure: str
) -> None:
    """By account, by channel and by week a measure is what SQL without dbt's metrics gives."""
    hand_written = HAND_WRITTEN[view.name][measure]
    for split in SPLITS[view.name]:
        sql = f"select {split}, currency, {hand_written} from {view.table} group by all"
        expected = {row[:2]: number(row[2]) for row in warehouse.sql(sql).fetchall()}
        rows = view.ask(warehouse, [split, "currency", measure])
        given = {(row[split], row["currency"]): number(row[measure]) for row in rows}
        assert given.keys() == expected.keys()
        for key, value in given.items():
            assert value == pytest.approx(expected[key], nan_ok=False), key


def test_measures_equal_dbts_metrics(built: Path, warehouse: duckdb.DuckDBPyConnection) -> None:
    """In total and in every account each measure is the metric that MetricFlow computes."""
    for view in VIEWS.values():
        names = list(view.measures)
        metrics = {row.pop(f"{view.name}__account_id"): row for row in metricflow(built, view)}
        rows = view.ask(warehouse, ["account_id", *names])
        assert {row["account_id"] for row in rows} == metrics.keys()
        for row in rows:
            for name in names:
                expected = number(metrics[row["account_id"]][name])
                assert number(row[name]) == pytest.approx(expected), (row["account_id"], name)


def metricflow(built: Path, view: View) -> list[dict[str, str]]:
    """All metrics of a semantic model by account, asked of dbt's own semantic layer."""
    project = _project(built)
    settings = {
        "KLAVIYO_TABLES": "all",
        "KLAVIYO_RAW_DUCKDB": str(built / "raw.db"),
        "KLAVIYO_WAREHOUSE": str(project / "warehouse.duckdb"),
        "DBT_PROJECT_DIR": str(project),
        "DBT_PROFILES_DIR": str(project),
    }
    answer = built / f"{view.name}.csv"
    question = ["--metrics", ",".join(view.measures), "--group-by", f"{view.name}__account_id"]
    done = subprocess.run(
        [Path(dbt.DBT).with_name("mf"), "query", *question, "--csv", answer, "--decimals", "15"],
        cwd=project,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    with answer.open() as lines:
        return list(csv.DictReader(lines))


def _project(built: Path) -> Path:
    """The dbt project with the build's `target`, where MetricFlow looks for metrics, and marts.

    The marts are a copy, because MetricFlow opens them for writing.
    """
    project = built / "project"
    if not project.exists():
        project.mkdir()
        for part in dbt.PROJECT.iterdir():
            if part.name not in ("target", "logs"):
                (project / part.name).symlink_to(part)
        (project / "target").symlink_to(built / "target")
        shutil.copy(built / "warehouse.duckdb", project)
    return project


def test_amounts_of_two_currencies_are_no_sum(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Over accounts of two currencies counts are one figure, amounts are one for each currency."""
    view = VIEWS["message_performance"]
    assert len(view.ask(warehouse, ["delivered"])) == 1
    for amount in ("conversion_value", "revenue_per_recipient", "text_message_roi"):
        assert len(view.ask(warehouse, [amount])) == 2


def test_a_week_is_the_warehouses(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Looker's week of a date is the ISO week in the mart, and its day the day."""
    view = VIEWS["message_performance"]
    weeks = {
        (row["sent_date"], row["sent_week"])
        for row in view.ask(warehouse, ["sent_date", "sent_week"])
    }
    assert weeks == set(warehouse.sql(f"select sent_on, sent_week from {view.table}").fetchall())
