"""The connections that faults are injected into; runs.py says what each is."""

import copy
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug.serving import WSGIRequestHandler

from streams.catalog import EVENTS
from tests import fivetran, secret_scan
from tests.chaos.runs import (
    EVERYTHING,
    KEY,
    WHOLE,
    DebugSandboxRun,
    DebugScriptedRun,
    SandboxRun,
    ScriptedRun,
    count_usage,
    loaded_rows,
    read_upcoming_events,
)
from tests.connector import scripted
from tests.connector.scripted import ScriptedAccount
from tests.fake_clock import FakeClock
from tests.loader import Loader
from tests.sandbox_server import run_sandbox

NOW, LATER = "2026-11-16T15:00:00+00:00", "2026-11-18T16:00:00+00:00"
RECENT = {**EVERYTHING, "start_date": "2026-10-01"}  # so few rows that a run takes seconds
TINY = {"campaigns": 4, "profiles": 12, "seed": 5, "no_limits": True, "epoch": NOW[:10]}
SMALL = {"campaigns": 14, "profiles": 60, "seed": 5, "no_limits": True, "epoch": NOW[:10]}
SMALL_PAGES = replace(EVENTS, page_sizes=(5, 1))  # so that a window of a small account has several


@pytest.fixture(scope="session", name="synced_connection")
def _synced_connection() -> Iterator[SandboxRun]:
    """A connection synced two days ago, whose baseline is what a sync makes of it today."""
    with pytest.MonkeyPatch.context() as patch, run_sandbox(**SMALL, now=NOW) as sandbox:
        patch.setattr("session.Clock", FakeClock)
        patch.setattr("streams.events.EVENTS", SMALL_PAGES)
        loader = Loader(sandbox.url, EVERYTHING).sync()
        sandbox.move_to(LATER)
        sandbox.reset_requests()
        today = copy.deepcopy(loader).sync()
        cost = count_usage(sandbox)
        assert loader.content() != today.content()
        sandbox.reset_requests()
        first = Loader(sandbox.url, WHOLE).sync()
        run = SandboxRun(
            loaded_rows(today),
            cost,
            first_sync=loaded_rows(first),
            first_cost=count_usage(sandbox),
            people=secret_scan.personal_data(sandbox),
            loader=loader,
            sandbox=sandbox,
            upcoming=read_upcoming_events(sandbox),
        )
        patch.undo()  # the fixture outlives this folder's tests
        yield run


@pytest.fixture
def sandbox_run(
    synced_connection: SandboxRun,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> SandboxRun:
    """A connection in this process, last synced two days ago."""
    synced_connection.sandbox.reset()
    synced_connection.sandbox.move_to(LATER)
    monkeypatch.setattr("streams.events.EVENTS", SMALL_PAGES)
    run = replace(synced_connection, loader=copy.deepcopy(synced_connection.loader))
    run.record(caplog, monkeypatch)
    return run


@pytest.fixture(scope="session", name="debugged_connection")
def _debugged_connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DebugSandboxRun]:
    """A run against a sandbox that is slow enough to be interrupted, and what it leaves."""
    with run_sandbox(**TINY, now=NOW, latency_ms=5) as sandbox:
        run = DebugSandboxRun(
            people=secret_scan.personal_data(sandbox),
            project=fivetran.copy_connector(tmp_path_factory.mktemp("undisturbed")),
            url=sandbox.url,
            configuration=RECENT,
            sandbox=sandbox,
        )
        sandbox.reset_requests()
        run.sync()
        run.baseline, run.cost = run.tables(), run.usage()
        yield run


@pytest.fixture
def debug_run(debugged_connection: DebugSandboxRun, connector_project: Path) -> DebugSandboxRun:
    """A connection without a state, run by the real `fivetran debug`."""
    debugged_connection.sandbox.reset()
    fivetran.alter(connector_project, "sync.py", "CHECKPOINTS = 1_000", "CHECKPOINTS = 100")
    return replace(debugged_connection, project=connector_project)


@pytest.fixture
def account(httpserver_ipv4: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> ScriptedAccount:
    """An account of a few hand-written documents, whose clock does not move."""
    account = ScriptedAccount(account_id="ACCOUNT")
    scripted.serve(httpserver_ipv4, account)
    monkeypatch.setattr(
        WSGIRequestHandler, "date_time_string", lambda *_: scripted.http_time(account)
    )
    return account


@pytest.fixture
def scripted_run(
    account: ScriptedAccount,
    httpserver_ipv4: HTTPServer,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> ScriptedRun:
    """A connection to it in this process, with a checkpoint after every second row."""
    monkeypatch.setattr("sync.ROWS_BETWEEN_CHECKPOINTS", 2)
    url = httpserver_ipv4.url_for("").rstrip("/")
    loader = Loader(url, {"api_key": KEY, "tables": "event"})
    run = ScriptedRun(loader=loader, account=account)
    run.record(caplog, monkeypatch)
    return run


@pytest.fixture
def debug_scripted_run(
    account: ScriptedAccount, httpserver_ipv4: HTTPServer, connector_project: Path
) -> DebugScriptedRun:
    """A connection to it, run by the real `fivetran debug`, which tries each request once."""
    run = DebugScriptedRun(
        project=connector_project,
        url=httpserver_ipv4.url_for("").rstrip("/"),
        configuration={**EVERYTHING, "tables": "event,list", "start_date": "2026-11-20"},
        account=account,
    )
    run.set_attempts(1)
    return run
