"""Fixtures: a fake Salesforce, destinations, and a comparison that uses nothing of ours."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from simplyload.changes import Batch
from simplyload.destinations.duckdb import DuckDBDestination, DuckDBSettings
from simplyload.engine import Pipeline, PipelineSettings, RunResult
from simplyload.log import ChangeLog
from simplyload.sources.salesforce.settings import SalesforceSettings
from simplyload.sources.salesforce.source import SalesforceSource
from simplyload.sources.source import Source
from simplyload.testing.memory import live_rows
from simplyload.testing.server import serve
from tests import web_source
from tests.salesforce.fake import CLIENT_ID, CLIENT_SECRET, FakeSalesforce, SalesforceHandler
from tests.web_source import DuckDBFile, MemoryReader, Row

OBJECTS = ["Account", "Contact", "Task", "Invoice__c"]
LEFT_OUT = {"IsDeleted", "BillingAddress", "Body"}


@dataclass
class Warehouse(DuckDBFile):
    """A fake Salesforce and a DuckDB file; each sync has a new source and destination."""

    settings: dict[str, Any] = field(default_factory=dict)

    def pipeline(self, **pipeline: Any) -> Pipeline:
        """Give a new pipeline."""
        return Pipeline(
            "crm",
            make_source(self.fake, **self.settings),
            DuckDBDestination(DuckDBSettings(path=self.file)),
            ChangeLog(self.folder / "log"),
            PipelineSettings.model_validate({"max_changes": 50, **pipeline}),
            self.events.append,
        )

    def sync(self, *, after: int = 600, **pipeline: Any) -> RunResult:
        """Let time pass, more than the lag, and load what is new."""
        self.fake.now += after
        return self.pipeline(**pipeline).run_once()

    def row(self, name: str, id_: str) -> Row:
        """Give the one row of an id, deleted or not."""
        [row] = self.query(f"select * from crm.{name} where id = '{id_}'")
        return row

    def live(self, name: str) -> dict[str, Row]:
        """Give the rows that are not deleted, by id."""
        rows = self.query(f"select * from crm.{name} where not _deleted")
        found = {row["id"]: row for row in rows}
        assert len(found) == len(rows)
        return found

    def assert_equal(self, *names: str) -> None:
        """The objects hold what the fake has, cell by cell."""
        for name in names or self.settings.get("objects", OBJECTS):
            assert_same(self.live(name), self.fake, name)


class Reader(MemoryReader):
    """A destination in memory, compared with the fake."""

    pause = 600

    def source(self) -> Source:
        """Give a new source of the fake."""
        return make_source(self.fake, **self.settings)

    def live(self, name: str) -> dict[Any, Row]:
        """Give the rows to which the changes lead, by id."""
        return {row["id"]: row for row in live_rows(self.parts, name.lower()).values()}

    def assert_equal(self, *names: str) -> None:
        """The objects hold what the fake has, cell by cell."""
        for name in names or self.settings.get("objects", OBJECTS):
            assert_same(self.live(name), self.fake, name)


def count(batches: Sequence[Batch], name: str) -> int:
    """Count the changes of an object, a truncate aside."""
    return web_source.count(batches, name.lower())


def warnings(batches: Sequence[Batch]) -> str:
    """Give all warnings as one text."""
    return "\n".join(text for batch in batches for text in batch.warnings)


def make_settings(fake: FakeSalesforce, **settings: Any) -> SalesforceSettings:
    """Give the settings for the fake."""
    secret = {} if {"refresh_token", "private_key"} & set(settings) else CLIENT_SECRET
    options = {
        "type": "salesforce",
        "login_url": fake.address,
        "client_id": CLIENT_ID,
        "client_secret": secret or None,
        "objects": OBJECTS,
        **settings,
    }
    return SalesforceSettings.model_validate(options)


def make_source(fake: FakeSalesforce, **settings: Any) -> SalesforceSource:
    """Give a new source of the fake."""
    return SalesforceSource(make_settings(fake, **settings), "crm")


def assert_same(rows: Mapping[str, Row], fake: FakeSalesforce, name: str) -> None:
    """Rows are the object's records, each once, cell by cell, with every field."""
    records = fake.present(name)
    assert rows.keys() == records.keys(), name
    for id_, record in records.items():
        for sent in record.keys() - LEFT_OUT:
            assert_cell(rows[id_][sent.lower()], record[sent], f"{name}.{sent} {id_}")


def assert_cell(cell: Any, sent: Any, where: str) -> None:
    """A cell is what Salesforce sent."""
    if isinstance(cell, datetime):
        aware = cell.replace(tzinfo=cell.tzinfo or UTC)
        cell = aware.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    elif isinstance(cell, date):
        cell = cell.isoformat()
    elif isinstance(cell, str) and not isinstance(sent, str):
        cell = json.loads(cell)
    assert (cell, type(cell)) == (sent, type(cell) if isinstance(sent, int) else type(sent)), where


@pytest.fixture
def fake() -> Iterator[FakeSalesforce]:
    """Yield a running fake without any record."""
    with serve(FakeSalesforce(), SalesforceHandler) as started:
        yield started


@pytest.fixture
def warehouse(fake: FakeSalesforce, tmp_path: Path) -> Warehouse:
    """Give the fake with an empty destination."""
    return Warehouse(fake, tmp_path)


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a query ask for three rows."""
    monkeypatch.setattr("simplyload.sources.salesforce.client.PAGE", 3)
