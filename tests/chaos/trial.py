"""One case under way: a connection, what is done to it, and what that did to its tables."""

import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import streams
from api import Klaviyo, KlaviyoError

from tests import fivetran, needles, raw_tables
from tests.benchmarks.measure import READ
from tests.connector.scripted import ScriptedAccount
from tests.loader import OWN, Loader, Row
from tests.sandbox_server import Sandbox
from tests.unhurried import UnhurriedClock

KEY = "pk_n33dle7f0c52haystack91d4e86b"
EVERYTHING = {"api_key": KEY, "tables": "all"}
DEADLINE = 1.0  # seconds, far longer than the sandbox ever needs
Rows = dict[str, list[Row]]  # by table


@dataclass(frozen=True)
class Outcome:
    """What a case did, measured against an undisturbed sync."""

    lost: int  # rows that Klaviyo has and the warehouse has not
    dup: int  # rows too many: a key twice, or one that Klaviyo does not have
    wrong: int  # rows with another content
    refetch: int  # records served beyond those of an undisturbed sync
    calls: int  # requests beyond those of an undisturbed sync
    wall: float  # seconds waited for Klaviyo, chance at its longest
    exit: list[int]  # how each sync ended
    msg: str  # what kind of error the user was told, if any
    leak: int  # places that show the key in any form, or the address of a person

    @property
    def harm(self) -> dict[str, int]:
        """What must be nothing, whatever happens."""
        counts = {"LOST": self.lost, "DUP": self.dup, "WRONG": self.wrong, "LEAK": self.leak}
        return {name: count for name, count in counts.items() if count}

    def save(self, file: Path) -> None:
        """Write it down for the report."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(asdict(self)))


@dataclass(frozen=True)
class Clean:
    """What an undisturbed sync leaves in the tables, and what it asks."""

    tables: Rows
    calls: int = 0
    records: int = 0


def printed_by(program: str, url: str) -> list[float]:
    """The numbers that a program prints which reads the sandbox at `url`, alone in its process.

    It finds the connector's modules, and in `read` the function `peak`: the most memory in bytes.
    """
    path = os.pathsep.join([str(fivetran.CONNECTOR), str(READ.parent)])
    done = subprocess.run(
        [sys.executable, "-c", program, KEY],
        env={**os.environ, "KLAVIYO_BASE_URL": url, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [float(word) for word in done.stdout.split()]


def difference(truth: Rows, found: Rows) -> tuple[int, int, int]:
    """Rows lost, too many, and wrong."""
    lost = dup = wrong = 0
    for name in truth.keys() | found.keys():
        key = streams.TABLES[name].primary_key
        wanted = {_key(row, key): row for row in truth.get(name, [])}
        there = {_key(row, key): row for row in found.get(name, [])}
        both = wanted.keys() & there.keys()
        lost += len(wanted) - len(both)
        dup += len(found.get(name, [])) - len(both)
        wrong += sum(wanted[one] != there[one] for one in both)
    return lost, dup, wrong


def _key(row: Row, columns: list[str]) -> tuple[Any, ...]:
    return tuple(row[name] for name in columns)


@dataclass
class Trial:
    """What all trials have: an undisturbed sync to be equal to, and notes of how each sync went."""

    clean: Clean
    asked: Callable[[], tuple[int, int]]  # requests, and records they were answered with
    people: set[bytes] = field(default_factory=set)  # their addresses
    exits: list[int] = field(default_factory=list)
    message: str = ""
    kind: str = ""  # of the last error
    waits: list[float] = field(default_factory=list)

    def found(self) -> Rows:
        """The tables about the account, as they stand."""
        raise NotImplementedError

    def said(self) -> Mapping[str, bytes]:
        """All that was printed, kept or stored about the syncs."""
        raise NotImplementedError

    def outcome(self) -> Outcome:
        """What has become of the tables, and at which cost."""
        calls, records = self.asked()
        found, said = self.found(), self.said()
        lost, dup, wrong = difference(self.clean.tables, found)
        tables = {name: repr(rows).encode() for name, rows in found.items()}
        leaks = [
            *needles.found({**said, **tables}, needles.forms(KEY)),
            *needles.found(said, self.people),  # people belong into tables, and only there
        ]
        return Outcome(
            lost=lost,
            dup=dup,
            wrong=wrong,
            refetch=max(records - self.clean.records, 0),
            calls=max(calls - self.clean.calls, 0),
            wall=sum(self.waits),
            exit=self.exits,
            msg=self.kind,
            leak=len(leaks),
        )


@dataclass
class InProcess(Trial):
    """A connection in this process: nobody waits, and every word is heard."""

    loader: Loader = field(kw_only=True)
    words: list[str] = field(default_factory=list)
    meanwhile: Callable[[], None] = field(default=lambda: None)  # called at each wait

    def attempt(self, **how: Any) -> KlaviyoError | None:
        """One sync, and the error it ends in, if any."""
        try:
            self.loader.sync(**how)
        except KlaviyoError as error:
            self.exits.append(1)
            self.message, self.kind = str(error), type(error).__name__
            return error
        self.exits.append(0)
        return None

    def sync(self, error: type[KlaviyoError] | None = None, says: str = "", **how: Any) -> None:
        """One sync, which ends well or in just this error, told in one line."""
        ended = self.attempt(**how)
        assert (ended and type(ended)) is error, repr(ended)
        if ended:
            assert "\n" not in self.message
            assert re.search(says, self.message), self.message

    def known(self, table: str) -> list[Any]:
        """What the state holds of a table: up to which times it is whole, and which rows stand."""
        (account,) = self.loader.state["accounts"].values()
        return list(_known(account["tables"][table]))

    def found(self) -> Rows:
        """The loader's tables."""
        return {name: list(rows.values()) for name, rows in self.loader.content().items()}

    def said(self) -> Mapping[str, bytes]:
        """Errors, warnings, logs, the state and what is stored about syncs."""
        own = repr([self.loader.rows(name) for name in OWN])
        said = "\n".join([*self.words, *self.loader.warnings, self.message, own])
        return {"said": said.encode(), "state": repr(self.loader.state).encode()}


def _known(memory: Any) -> Iterator[Any]:
    for name, value in memory.items() if isinstance(memory, dict) else ():
        if name in ("watermark", "rows"):
            yield value
        else:
            yield from _known(value)


@dataclass
class OnSandbox(InProcess):
    """A connection to a sandbox that was synced two days ago."""

    sandbox: Sandbox = field(kw_only=True)
    to_come: Mapping[str, datetime] = field(kw_only=True)  # events by id, the next one first

    @property
    def now(self) -> datetime:
        """The account's clock."""
        return datetime.fromisoformat(self.sandbox.admin()["now"])

    def coming(self, wait: timedelta) -> tuple[str, datetime]:
        """The first event that is to happen after a while."""
        return next((id_, at) for id_, at in self.to_come.items() if at > self.now + wait)

    def fault(self, name: str, **settings: Any) -> None:
        """Set a fault of the sandbox."""
        self.sandbox.fault(name, **settings)

    def recover(self) -> None:
        """Without any fault the next sync makes up for everything."""
        self.sandbox.clear_faults()
        self.sync()

    def renew_truth(self) -> Clean:
        """Take what a first sync leaves now for the truth, since the account was changed."""
        calls, records = self.asked()
        fresh = Loader(self.loader.url, self.loader.configuration).sync().content()
        tables = {name: list(rows.values()) for name, rows in fresh.items()}
        first = Clean(tables, self.asked()[0] - calls, self.asked()[1] - records)
        costs = self.clean.calls + first.calls, self.clean.records + first.records
        self.clean = Clean(tables, *costs)
        return first

    def begin_anew(self) -> None:
        """Let the next sync be a first one, and the truth what it should be."""
        self.clean = Clean({})
        first = self.renew_truth()
        self.clean = Clean(first.tables, 2 * first.calls, 2 * first.records)
        self.loader = Loader(self.loader.url, self.loader.configuration)


@dataclass
class Told(InProcess):
    """A connection to an account of a few hand-written documents."""

    account: ScriptedAccount = field(kw_only=True)


@contextmanager
def unhurried(trial: InProcess) -> Iterator[InProcess]:
    """The connector's waits are noted instead of waited, and its log is heard."""
    log, ears = logging.getLogger("klaviyo"), _Ears(trial.words)
    log.addHandler(ears)
    log.setLevel(logging.INFO)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("asking.Clock", partial(_Clock, trial))
        patch.setattr("asking.random.uniform", lambda _, most: most)
        patch.setattr("asking.Klaviyo", partial(Klaviyo, deadline=DEADLINE))
        yield trial
    log.removeHandler(ears)


class _Ears(logging.Handler):
    """Hears what the connector logs."""

    def __init__(self, words: list[str]) -> None:
        super().__init__()
        self.words = words

    def emit(self, record: logging.LogRecord) -> None:
        """Note a line."""
        self.words.append(record.getMessage())


class _Clock(UnhurriedClock):
    """A clock that notes waits in a trial."""

    def __init__(self, trial: InProcess) -> None:
        super().__init__()
        self.trial, self.waits = trial, trial.waits

    def wait(self, seconds: float) -> None:
        """Note a wait, and let the trial do something meanwhile."""
        super().wait(seconds)
        if seconds:
            self.trial.meanwhile()


@dataclass
class Debugged(Trial):
    """A connection that starts with nothing, run by the real `fivetran debug`."""

    project: Path = field(kw_only=True)
    url: str = field(kw_only=True)
    configuration: Mapping[str, str] = field(default_factory=lambda: dict(EVERYTHING))
    environment: Mapping[str, str] = field(default_factory=dict)
    printed: list[str] = field(default_factory=list)

    def start(self) -> subprocess.Popen[str]:
        """Start a run."""
        environment = {"KLAVIYO_BASE_URL": self.url, **self.environment}
        return fivetran.start(self.project, self.configuration, environment)

    def sync(self, code: int = 0, says: str = "") -> None:
        """One run, which ends with this exit code and says this in one line, once."""
        process = self.start()
        printed = "".join(process.communicate())
        self.note(printed, process.returncode)
        assert process.returncode == code, printed[-3_000:]
        assert "Traceback" not in printed
        assert not says or len(re.findall(says, printed)) == 1, printed[-3_000:]

    def note(self, printed: str, code: int) -> None:
        """Take down how a run ended."""
        self.printed.append(printed)
        self.exits.append(code)

    @property
    def state(self) -> Path:
        """The file that holds the state of the last checkpoint."""
        return self.project / "files" / "state.json"

    def found(self) -> Rows:
        """The warehouse's tables."""
        return raw_tables.content(fivetran.warehouse(self.project))

    def said(self) -> Mapping[str, bytes]:
        """All output, and every file that is left; of the warehouse the tables about syncs."""
        files = [one for one in self.project.parent.rglob("*") if one.is_file()]
        said = {str(one): one.read_bytes() for one in files if one.suffix != ".db"}
        tables = raw_tables.everything(fivetran.warehouse(self.project))
        own = repr([tables.get(name) for name in OWN])
        return said | {"printed": "\n".join(self.printed).encode(), "own": own.encode()}


@dataclass
class DebuggedOnSandbox(Debugged):
    """The same with a sandbox."""

    sandbox: Sandbox = field(kw_only=True)


@dataclass
class DebuggedScripted(Debugged):
    """The same with an account of a few hand-written documents."""

    account: ScriptedAccount = field(kw_only=True)
