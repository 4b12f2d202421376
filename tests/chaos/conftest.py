"""The stages on which faults happen: in this process or in the real `fivetran debug`."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pytest
from events import EVENTS
from pytest_httpserver import HTTPServer
from werkzeug.serving import WSGIRequestHandler

from tests import fivetran, needles
from tests.chaos.trial import (
    EVERYTHING,
    KEY,
    Clean,
    DebuggedOnSandbox,
    DebuggedScripted,
    OnSandbox,
    Rows,
    Told,
    unhurried,
)
from tests.connector import scripted
from tests.connector.scripted import ScriptedAccount
from tests.loader import Loader
from tests.sandbox_server import Sandbox, running_sandbox

NOW, LATER = "2026-11-16T15:00:00+00:00", "2026-11-18T16:00:00+00:00"
RECENT = {**EVERYTHING, "start_date": "2026-10-01"}  # little enough for a run of seconds
TINY = {"campaigns": 4, "profiles": 12, "seed": 5, "no_limits": True, "epoch": NOW[:10]}
SMALL = {"campaigns": 14, "profiles": 60, "seed": 5, "no_limits": True, "epoch": NOW[:10]}


@dataclass(frozen=True)
class Shop:
    """A sandbox, the addresses of its people, and a connection that was synced two days ago."""

    sandbox: Sandbox
    people: set[bytes]
    before: Loader
    clean: Clean  # what a sync makes of it today
    to_come: dict[str, datetime]  # events by id, the next one first


def asked(sandbox: Sandbox) -> tuple[int, int]:
    """The requests since the last reset, and the records they were answered with."""
    log = sandbox.log()
    return len(log), sum(one["records"] for one in log)


def to_come(sandbox: Sandbox) -> dict[str, datetime]:
    """The events of the next 40 days and when they happen, from a look ahead that is undone."""
    began = sandbox.admin()["now"]
    shown = {one["id"] for one in sandbox.all("/api/events", **{"page[size]": 1000})}
    sandbox.advance(40 * 86_400)
    told = sandbox.all("/api/events", **{"page[size]": 1000, "sort": "datetime"})
    sandbox.reset()
    sandbox.move_to(began)
    times = {one["id"]: datetime.fromisoformat(one["attributes"]["datetime"]) for one in told}
    return {id_: at for id_, at in times.items() if id_ not in shown}


def rows(loader: Loader) -> Rows:
    """The tables of a loader, as rows."""
    return {name: list(keyed.values()) for name, keyed in loader.content().items()}


@pytest.fixture(scope="session", name="small_pages")
def _small_pages() -> Iterator[None]:
    """Pages so small that a small account has windows of several."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("events.EVENTS", replace(EVENTS, sizes=(5, 1)))
        yield


@pytest.fixture(scope="session", name="shop")
def _shop(small_pages: None) -> Iterator[Shop]:  # noqa: ARG001 - wanted for what it does
    with running_sandbox(**SMALL, now=NOW) as sandbox:
        before = Loader(sandbox.url, EVERYTHING).sync()
        sandbox.move_to(LATER)
        sandbox.reset_requests()
        today = copy.deepcopy(before).sync()
        clean = Clean(rows(today), *asked(sandbox))
        assert clean.tables != rows(before)
        yield Shop(sandbox, needles.of_people(sandbox), before, clean, to_come(sandbox))


@pytest.fixture
def loader(shop: Shop) -> Iterator[OnSandbox]:
    """A connection in this process, synced two days ago."""
    shop.sandbox.reset()
    shop.sandbox.move_to(LATER)
    trial = OnSandbox(
        shop.clean,
        lambda: asked(shop.sandbox),
        shop.people,
        loader=copy.deepcopy(shop.before),
        sandbox=shop.sandbox,
        to_come=shop.to_come,
    )
    with unhurried(trial):
        yield trial


@dataclass(frozen=True)
class Site:
    """A sandbox slow enough to be interrupted, and what one undisturbed run makes of it."""

    sandbox: Sandbox
    people: set[bytes]
    clean: Clean


@pytest.fixture(scope="session", name="site")
def _site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_sandbox(**TINY, now=NOW, latency_ms=5) as sandbox:
        people = needles.of_people(sandbox)
        sandbox.reset_requests()
        project = fivetran.copy_connector(tmp_path_factory.mktemp("clean"))
        trial = DebuggedOnSandbox(
            Clean({}),
            lambda: asked(sandbox),
            project=project,
            url=sandbox.url,
            configuration=RECENT,
            sandbox=sandbox,
        )
        trial.sync()
        yield Site(sandbox, people, Clean(trial.found(), *asked(sandbox)))


@pytest.fixture
def debug(site: Site, connector_project: Path) -> DebuggedOnSandbox:
    """A connection that starts with nothing, run by the real `fivetran debug`."""
    site.sandbox.reset()
    fivetran.alter(connector_project, "sync.py", "CHECKPOINTS = 1_000", "CHECKPOINTS = 100")
    return DebuggedOnSandbox(
        site.clean,
        lambda: asked(site.sandbox),
        site.people,
        project=connector_project,
        url=site.sandbox.url,
        configuration=RECENT,
        sandbox=site.sandbox,
    )


@pytest.fixture
def account(httpserver_ipv4: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> ScriptedAccount:
    """An account of a few hand-written documents, whose clock stands still."""
    account = ScriptedAccount(account_id="ACCOUNT")
    scripted.serve(httpserver_ipv4, account)
    monkeypatch.setattr(
        WSGIRequestHandler, "date_time_string", lambda *_: scripted.http_time(account)
    )
    return account


@pytest.fixture
def told(
    account: ScriptedAccount, httpserver_ipv4: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Told]:
    """A connection to it in this process, which makes a checkpoint after every second row."""
    monkeypatch.setattr("sync.ROWS_BETWEEN_CHECKPOINTS", 2)
    url = httpserver_ipv4.url_for("").rstrip("/")
    loader = Loader(url, {"api_key": KEY, "tables": "event"})
    trial = Told(Clean({}), lambda: (0, 0), loader=loader, account=account)
    with unhurried(trial):
        yield trial


@pytest.fixture(name="scripted")
def _scripted(
    account: ScriptedAccount, httpserver_ipv4: HTTPServer, connector_project: Path
) -> DebuggedScripted:
    """A connection to such an account, run by the real `fivetran debug`."""
    fivetran.alter(connector_project, "asking.py", "ATTEMPTS = 6", "ATTEMPTS = 1")
    return DebuggedScripted(
        Clean({}),
        lambda: (0, 0),
        project=connector_project,
        url=httpserver_ipv4.url_for("").rstrip("/"),
        configuration={**EVERYTHING, "tables": "event,list", "start_date": "2026-11-20"},
        account=account,
    )
