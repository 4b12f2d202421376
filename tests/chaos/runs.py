"""Connections under a fault, and how far their tables are from those of an undisturbed sync.

Run                   what each has: the tables to end with, and how its syncs ended
├─ InProcessRun       `sync.sync` in this process: waits take no time, the log is recorded
│  ├─ SandboxRun      to a sandbox, last synced two days ago
│  └─ ScriptedRun     to an account of a few hand-written documents
└─ DebugRun           the real `fivetran debug`, which starts without a state
   ├─ DebugSandboxRun
   └─ DebugScriptedRun
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import streams
from api import REQUEST_DEADLINE, KlaviyoClient, KlaviyoError
from streams.report_schedule import MONTH
from tests import fivetran, raw_tables, secret_scan
from tests.benchmarks.measure import READ
from tests.connector.scripted import ScriptedAccount, resource
from tests.fake_clock import FakeClock
from tests.loader import SNAPSHOT_TABLES, SYNC_TABLES, Loader, Row
from tests.sandbox_server import REPOSITORY, Sandbox

KEY = "pk_n33dle7f0c52haystack91d4e86b"
WHOLE = {"api_key": KEY, "tables": "all"}  # the reports of a first sync take several requests
EVERYTHING = {**WHOLE, "start_date": "2026-09-01"}  # a sync takes half as long
SHORT_DEADLINE = 1.0  # seconds for a request, where the sandbox does not answer
SNAPSHOTS = "campaign_performance_daily"  # its rows are of the days on which a sync ran
PERIODS = "flow_performance_period"
Rows = dict[str, list[Row]]  # by table
Usage = tuple[int, int]  # requests, and the records in their responses


@dataclass(frozen=True)
class Outcome:
    """What a case did to the tables, and what it cost, against an undisturbed sync."""

    lost: int  # rows that Klaviyo has and the warehouse lacks
    dup: int  # rows too many: a key twice, or one that Klaviyo does not have
    wrong: int  # rows of another content
    leak: int  # places that show the key in any form, or the address of a person
    refetch: int  # records read beyond those of an undisturbed sync
    calls: int  # requests beyond those of an undisturbed sync
    wall: float  # seconds of waits, with every random wait at its longest
    exit: list[int]  # exit codes, one for each sync
    msg: str  # the class of the last error

    @property
    def violations(self) -> dict[str, int]:
        """The counts that must be 0 and are not."""
        counts = {"LOST": self.lost, "DUP": self.dup, "WRONG": self.wrong, "LEAK": self.leak}
        return {name: count for name, count in counts.items() if count}

    def save(self, file: Path) -> None:
        """Write the outcome to a file for the report."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(asdict(self)))


def count_usage(sandbox: Sandbox) -> Usage:
    """The requests since the last reset, and the records in their responses."""
    log = sandbox.log()
    return len(log), sum(request["records"] for request in log)


def read_upcoming_events(sandbox: Sandbox) -> dict[str, datetime]:
    """The hidden events of the next 40 days with their times: the clock is moved ahead and back."""
    now = sandbox.admin()["now"]
    visible = {document["id"] for document in sandbox.all("/api/events", **{"page[size]": 1000})}
    sandbox.advance(40 * 86_400)
    listed = sandbox.all("/api/events", **{"page[size]": 1000, "sort": "datetime"})
    sandbox.reset()
    sandbox.move_to(now)
    times = {
        event["id"]: datetime.fromisoformat(event["attributes"]["datetime"]) for event in listed
    }
    return {id_: at for id_, at in times.items() if id_ not in visible}


def loaded_rows(loader: Loader) -> Rows:
    """The tables about the account, as rows."""
    return {name: list(rows.values()) for name, rows in loader.content().items()}


def difference(expected: Rows, found: Rows) -> tuple[int, int, int]:
    """The numbers of rows lost, too many, and wrong."""
    lost = dup = wrong = 0
    for name in expected.keys() | found.keys():
        columns = streams.TABLES[name].primary_key
        wanted = {tuple(row[c] for c in columns): row for row in expected.get(name, [])}
        stored = {tuple(row[c] for c in columns): row for row in found.get(name, [])}
        both = wanted.keys() & stored.keys()
        lost += len(wanted) - len(both)
        dup += len(found.get(name, [])) - len(both)
        wrong += sum(wanted[key] != stored[key] for key in both)
    return lost, dup, wrong


def measure(reader: str, url: str) -> list[float]:
    """The numbers that a reader of measured.py prints for the sandbox at `url`."""
    path = os.pathsep.join([str(fivetran.CONNECTOR), str(READ.parent)])
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos.measured", reader],
        cwd=REPOSITORY,
        env={**os.environ, "KLAVIYO_BASE_URL": url, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [float(word) for word in done.stdout.split()]


def find_older_months(rows: Iterable[Row], fresh: Iterable[Row]) -> list[Row]:
    """The rows of months before those of a first sync, which requests at most 12 old months."""
    first = min((row["period_start"] for row in fresh if row["period_kind"] == MONTH), default="")
    return [row for row in rows if row["period_kind"] == MONTH and row["period_start"] < first]


@dataclass
class Run:
    """A connection under a fault: the tables to end with, and how its syncs ended."""

    baseline: Rows = field(default_factory=dict)  # what an undisturbed sync leaves
    cost: Usage = (0, 0)  # of that sync
    people: set[bytes] = field(default_factory=set)  # their addresses and phone numbers
    exits: list[int] = field(default_factory=list, init=False)
    message: str = field(default="", init=False)  # of the last error
    error_name: str = field(default="", init=False)
    waits: list[float] = field(default_factory=list, init=False)  # seconds

    def tables(self) -> Rows:
        """The tables about the account as they are now."""
        raise NotImplementedError

    def texts(self) -> dict[str, bytes]:
        """All that was printed, kept or stored about the syncs."""
        raise NotImplementedError

    def usage(self) -> Usage:
        """The requests since the last reset, and the records in their responses."""
        return (0, 0)

    def outcome(self) -> Outcome:
        """The state of the tables, and what it cost."""
        tables, texts = self.tables(), self.texts()
        lost, dup, wrong = difference(self.baseline, tables)
        stored = {name: repr(rows).encode() for name, rows in tables.items()}
        leaks = secret_scan.find_leaks(texts | stored, secret_scan.key_forms(KEY))
        leaks += secret_scan.find_leaks(texts, self.people)  # tables are the place for people
        calls, refetch = (max(n - m, 0) for n, m in zip(self.usage(), self.cost, strict=True))
        wall, exits = sum(self.waits), self.exits
        return Outcome(lost, dup, wrong, len(leaks), refetch, calls, wall, exits, self.error_name)


@dataclass
class InProcessRun(Run):
    """A connection in this process. `on_wait` is called at each wait."""

    loader: Loader = field(kw_only=True)
    log: pytest.LogCaptureFixture | None = field(default=None, kw_only=True)
    on_wait: Callable[[], object] = field(default_factory=lambda: lambda: None, init=False)
    deadline: float = field(default=REQUEST_DEADLINE, init=False)  # seconds for a request

    def record(self, log: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
        """Record the log, and waits instead of waiting: each random one at its longest."""
        self.log = log
        log.set_level("INFO", "klaviyo")
        clock = partial(FakeClock, self.waits, lambda: self.on_wait())  # noqa: PLW0108 - set later
        monkeypatch.setattr("session.Clock", clock)
        monkeypatch.setattr("session.random.uniform", lambda _, most: most)
        monkeypatch.setattr("session.KlaviyoClient", self._connect)

    def _connect(self, key: str) -> KlaviyoClient:
        return KlaviyoClient(key, deadline=self.deadline)

    def configure(self, **settings: str) -> None:
        """Change settings of the connection."""
        self.loader.configuration = {**self.loader.configuration, **settings}

    def reset_connection(self) -> None:
        """Forget the tables and the state: the next sync is a first one."""
        self.loader = Loader(self.loader.url, self.loader.configuration)

    def try_sync(self, **options: Any) -> KlaviyoError | None:
        """Sync once, and return the error it ends in."""
        try:
            self.loader.sync(**options)
        except KlaviyoError as error:
            self.exits.append(1)
            self.message, self.error_name = str(error), type(error).__name__
            return error
        self.exits.append(0)
        return None

    def sync(self, error: type[KlaviyoError] | None = None, message: str = "") -> None:
        """Sync once: it succeeds or ends in just this error, whose message is one line."""
        ended = self.try_sync()
        assert (ended and type(ended)) is error, repr(ended)
        if ended:
            assert "\n" not in self.message
            assert re.search(message, self.message), self.message

    def progress(self, table: str) -> list[Any]:
        """What the state holds of a table: watermarks, and digests of the stored rows."""
        (account,) = self.loader.state["accounts"].values()
        return list(_progress(account["tables"][table]))

    def refresh_baseline(self) -> None:
        """Make the baseline what a first sync leaves now, since the account has changed."""
        before = self.usage()
        fresh = Loader(self.loader.url, self.loader.configuration).sync()
        self.baseline = loaded_rows(fresh)
        requests, records = (
            cost + now - then
            for cost, now, then in zip(self.cost, self.usage(), before, strict=True)
        )
        self.cost = requests, records
        tables = self.tables()
        for snapshots in self.baseline.keys() & tables.keys() & SNAPSHOT_TABLES:
            self.baseline[snapshots] = tables[snapshots]  # only a daily sync takes them
        if PERIODS in self.baseline:
            self.baseline[PERIODS] += find_older_months(tables[PERIODS], self.baseline[PERIODS])

    def tables(self) -> Rows:
        """The loader's tables."""
        return loaded_rows(self.loader)

    def texts(self) -> dict[str, bytes]:
        """Errors, warnings, the log, the state and the tables about syncs."""
        log = self.log.messages if self.log else []
        stored = repr([self.loader.rows(name) for name in SYNC_TABLES])
        lines = "\n".join([*log, *self.loader.warnings, self.message, stored])
        return {"lines": lines.encode(), "state": repr(self.loader.state).encode()}


def _progress(memory: Any) -> Iterator[Any]:
    for name, value in memory.items() if isinstance(memory, dict) else ():
        if name in ("watermark", "rows"):
            yield value
        else:
            yield from _progress(value)


@dataclass
class SandboxRun(InProcessRun):
    """A connection in this process to a sandbox, last synced two days ago."""

    sandbox: Sandbox = field(kw_only=True)
    upcoming: Mapping[str, datetime] = field(kw_only=True)  # events by id, the next one first
    first_sync: Rows = field(kw_only=True)  # what a first sync leaves before any fault
    first_cost: Usage = field(kw_only=True)

    @property
    def now(self) -> datetime:
        """The account's clock."""
        return datetime.fromisoformat(self.sandbox.admin()["now"])

    def next_event(self, wait: timedelta) -> tuple[str, datetime]:
        """The first event that happens after a while."""
        return next((id_, at) for id_, at in self.upcoming.items() if at > self.now + wait)

    def recover(self) -> None:
        """Clear all faults and sync: what the failed sync missed arrives."""
        self.sandbox.clear_faults()
        self.sync()

    def start_over(self) -> None:
        """Make the next sync a first one, and the baseline what it leaves undisturbed."""
        self.loader = Loader(self.loader.url, WHOLE)
        self.baseline, self.cost = dict(self.first_sync), self.first_cost

    def usage(self) -> Usage:
        """The requests since the last reset, and the records in their responses."""
        return count_usage(self.sandbox)


@dataclass
class ScriptedRun(InProcessRun):
    """A connection in this process to an account of a few hand-written documents."""

    account: ScriptedAccount = field(kw_only=True)

    def add_events(self, *times: datetime) -> None:
        """Add events of these times, numbered on."""
        events = self.account.documents["/api/events"]
        for time in times:
            events.append(resource("event", str(len(events)), datetime=time.isoformat()))


@dataclass
class DebugRun(Run):
    """A connection without a state, run by the real `fivetran debug`."""

    project: Path = field(kw_only=True)
    url: str = field(kw_only=True)
    configuration: Mapping[str, str] = field(kw_only=True)
    environment: Mapping[str, str] = field(default_factory=dict, init=False)
    output: list[str] = field(default_factory=list, init=False)  # of each run

    def configure(self, **settings: str) -> None:
        """Change settings of the connection."""
        self.configuration = {**self.configuration, **settings}

    def set_attempts(self, attempts: int) -> None:
        """Let this copy of the connector try each request so often."""
        fivetran.alter(self.project, "session.py", "MAX_ATTEMPTS = 6", f"MAX_ATTEMPTS = {attempts}")

    def start(self) -> subprocess.Popen[str]:
        """Start a run."""
        environment = {"KLAVIYO_BASE_URL": self.url, **self.environment}
        return fivetran.start(self.project, self.configuration, environment)

    def finish(self, process: subprocess.Popen[str], timeout: float | None = None) -> int:
        """Wait for the end of a run, and return its exit code."""
        self.output.append("".join(process.communicate(timeout=timeout)))
        self.exits.append(process.returncode)
        return process.returncode

    def sync(self, error: type[KlaviyoError] | None = None, message: str = "") -> None:
        """Run once: exit code 0 or, on any error, 1; the message is printed in one line, once."""
        code = self.finish(self.start())
        output = self.output[-1]
        assert code == (1 if error else 0), output[-3_000:]
        assert "Traceback" not in output
        assert not message or len(re.findall(message, output)) == 1, output[-3_000:]

    @property
    def state_file(self) -> Path:
        """The file that holds the state of the last checkpoint."""
        return self.project / "files" / "state.json"

    def tables(self) -> Rows:
        """The warehouse's tables."""
        return raw_tables.content(fivetran.warehouse(self.project))

    def texts(self) -> dict[str, bytes]:
        """All output, every file that a run left, and the warehouse's tables about syncs."""
        files = [file for file in self.project.parent.rglob("*") if file.is_file()]
        texts = {str(file): file.read_bytes() for file in files if file.suffix != ".db"}
        tables = raw_tables.everything(fivetran.warehouse(self.project))
        stored = repr([tables.get(name) for name in SYNC_TABLES])
        return texts | {"output": "\n".join(self.output).encode(), "stored": stored.encode()}


@dataclass
class DebugSandboxRun(DebugRun):
    """A run of `fivetran debug` against a sandbox."""

    sandbox: Sandbox = field(kw_only=True)

    def recover(self) -> None:
        """Clear all faults and run again."""
        self.sandbox.clear_faults()
        self.sync()

    def usage(self) -> Usage:
        """The requests since the last reset, and the records in their responses."""
        return count_usage(self.sandbox)


@dataclass
class DebugScriptedRun(DebugRun):
    """A run of `fivetran debug` against an account of a few hand-written documents."""

    account: ScriptedAccount = field(kw_only=True)
