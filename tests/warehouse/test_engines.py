"""DuckDB, Postgres and BigQuery: one project, built by dbt's own adapters, one truth."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.raw_tables import Rows
from tests.warehouse import dbt, raw, shop
from tests.warehouse.bigquery import running_bigquery
from tests.warehouse.engines import DuckDB, Engine, running_postgres

Contents = dict[str, list[tuple[Any, ...]]]


@dataclass(frozen=True)
class Built:
    """An engine with the folder that dbt works in, and what the first build made."""

    engine: Engine
    folder: Path

    def dbt(self, *arguments: str) -> None:
        """Run dbt; it must succeed."""
        run = dbt.run_on(
            self.folder, {"KLAVIYO_TABLES": "all", **self.engine.environment}, *arguments
        )
        assert run.returncode == 0, run.stdout + run.stderr

    def contents(self) -> Contents:
        """What every model holds, as it can be compared between engines."""
        manifest = json.loads((self.folder / "target" / "manifest.json").read_text())
        return {
            node["name"]: _comparable(self.engine.rows(node["schema"], node["name"]))
            for node in manifest["nodes"].values()
            if node["resource_type"] == "model"
        }


def _comparable(rows: Rows) -> list[tuple[Any, ...]]:
    cells = [tuple((name, _cell(value)) for name, value in row.items()) for row in rows]
    return sorted(cells, key=repr)


def _cell(value: Any) -> Any:
    """A value in one form for all engines; sums of doubles depend on the order of the rows."""
    match value:
        case datetime():
            return value.timestamp()
        case float() | Decimal():
            return float(f"{value:.12g}")
        case dict() | list():
            return json.dumps(value, sort_keys=True)
        case str() if value[:1] in ("{", "["):
            return json.dumps(json.loads(value), sort_keys=True)
    return value


def _built(engine: Engine, folder: Path) -> Built:
    engine.load(raw.write(folder / "raw.db", shop.ROWS))
    one = Built(engine, folder)
    one.dbt("build")
    return one


@pytest.fixture(scope="module", name="duckdb")
def _duckdb(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("duckdb")
    return _built(DuckDB(folder), folder)


@pytest.fixture(scope="module", name="postgres")
def _postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    folder = tmp_path_factory.mktemp("postgres")
    with running_postgres(folder) as engine:
        yield _built(engine, folder)


@pytest.fixture(scope="module", name="bigquery")
def _bigquery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    folder = tmp_path_factory.mktemp("bigquery")
    with running_bigquery(folder) as engine:
        yield _built(engine, folder)


@pytest.mark.parametrize("other", ["postgres", "bigquery"])
def test_engines_agree_cell_by_cell(
    duckdb: Built, other: str, request: pytest.FixtureRequest
) -> None:
    """Every model holds the same rows and columns wherever it is built."""
    ours, theirs = duckdb.contents(), request.getfixturevalue(other).contents()

    assert ours.keys() == theirs.keys()
    for model, rows in ours.items():
        assert rows == theirs[model], model
