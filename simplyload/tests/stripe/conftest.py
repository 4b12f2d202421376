"""Fixtures: a fake Stripe, destinations, and a comparison that uses nothing of ours."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from simplyload.destinations.duckdb import DuckDBDestination, DuckDBSettings
from simplyload.engine import Pipeline, PipelineSettings, RunResult
from simplyload.log import ChangeLog
from simplyload.sources.source import Source
from simplyload.sources.stripe.settings import StripeSettings
from simplyload.sources.stripe.source import StripeSource
from simplyload.testing.memory import live_rows
from simplyload.testing.server import serve
from tests.stripe.fake import KEY, PATHS, FakeStripe, StripeHandler
from tests.web_source import DuckDBFile, MemoryReader, Row

OBJECTS = {**PATHS, "invoice_line_items": "line_item"}


class Warehouse(DuckDBFile):
    """A fake Stripe and a DuckDB file; each sync has a new source and destination."""

    def pipeline(self, **settings: Any) -> Pipeline:
        """Give a new pipeline."""
        return Pipeline(
            "stripe",
            make_source(self.fake, **settings),
            DuckDBDestination(DuckDBSettings(path=self.file)),
            ChangeLog(self.folder / "log"),
            PipelineSettings(max_changes=50),
            self.events.append,
        )

    def sync(self, *, after: int = 120, **settings: Any) -> RunResult:
        """Let time pass, more than the lag, and load what is new."""
        self.fake.now += after
        return self.pipeline(**settings).run_once()

    def live(self, table: str) -> dict[tuple[str, str], Row]:
        """Give the rows that are not deleted, by account and id."""
        rows = self.query(f"select * from stripe.{table} where not _deleted")
        found = {(row["account"].replace("main", ""), row["id"]): row for row in rows}
        assert len(found) == len(rows)
        return found

    def assert_equal(self, *tables: str) -> None:
        """The tables, all by default, hold what the fake has, cell by cell."""
        known = self.query("from duckdb_tables() where schema_name = 'stripe'")
        named = {str(row["table_name"]) for row in known} - {"events", "payout_transactions"}
        for table in tables or sorted(named):
            assert_same(self.live(table), self.fake.present(OBJECTS[table]), table)


class Reader(MemoryReader):
    """A destination in memory, compared with the fake."""

    pause = 120

    def source(self) -> Source:
        """Give a new source of the fake."""
        return make_source(self.fake, **self.settings)

    def live(self, table: str) -> dict[tuple[str, str], Row]:
        """Give the rows to which the changes lead, by account and id."""
        rows = live_rows(self.parts, table).values()
        return {(row["account"].replace("main", ""), row["id"]): row for row in rows}

    def assert_equal(self, *tables: str) -> None:
        """The tables hold what the fake has, cell by cell."""
        for table in tables:
            assert_same(self.live(table), self.fake.present(OBJECTS[table]), table)


def make_source(fake: FakeStripe, **settings: Any) -> StripeSource:
    """Give a new source of the fake."""
    options = {"type": "stripe", "api_key": KEY, "base_url": fake.address, **settings}
    return StripeSource(StripeSettings.model_validate(options), "stripe")


def assert_same(
    rows: Mapping[tuple[str, str], Row], objects: Mapping[tuple[str, str], Row], table: str
) -> None:
    """Rows are the objects, each once, cell by cell."""
    assert rows.keys() == objects.keys(), table
    for key, row in rows.items():
        for column in row.keys() - {"account", "_deleted", "_synced_at", "_seq"}:
            assert_cell(row[column], objects[key].get(column), f"{table}.{column} {key}")


def assert_cell(cell: Any, sent: Any, where: str) -> None:
    """A cell is what Stripe sent: JSON of objects and lists, the id of an expandable one."""
    if isinstance(cell, datetime):
        cell = int(cell.replace(tzinfo=cell.tzinfo or UTC).timestamp())
    elif isinstance(cell, str) and isinstance(sent, dict) and cell == sent.get("id"):
        return
    elif isinstance(sent, dict | list) and isinstance(cell, str):
        cell, sent = json.loads(cell), without_secrets(sent)
        if isinstance(sent, list) and cell != sent:
            sent = [item.get("id") if isinstance(item, dict) else item for item in sent]
    assert cell == sent, where


def without_secrets(value: Any) -> Any:
    """Leave out what opens a payment."""
    if isinstance(value, dict):
        return {k: without_secrets(v) for k, v in value.items() if k != "client_secret"}
    return [without_secrets(part) for part in value] if isinstance(value, list) else value


@pytest.fixture
def fake() -> Iterator[FakeStripe]:
    """Yield a running fake without any object."""
    with serve(FakeStripe(), StripeHandler) as started:
        yield started


@pytest.fixture
def warehouse(fake: FakeStripe, tmp_path: Path) -> Warehouse:
    """Give the fake with an empty destination."""
    return Warehouse(fake, tmp_path)


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a page have three objects."""
    monkeypatch.setattr("simplyload.sources.stripe.client.PAGE", 3)
