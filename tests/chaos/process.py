"""P: what happens to the process, its state and its warehouse. All in the real `fivetran debug`."""

import itertools
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any
from unittest import mock

import api
import sync
from api import KlaviyoError
from models import dig
from sync import ROWS_BETWEEN_CHECKPOINTS

from tests import fivetran
from tests.chaos.row import Case, Row
from tests.chaos.trial import (
    EVERYTHING,
    Clean,
    DebuggedOnSandbox,
    OnSandbox,
    Told,
    difference,
    printed_by,
)
from tests.connector import scripted
from tests.loader import KilledError, Loader
from tests.sandbox_server import running_sandbox

BEGINNING, CHECKPOINT = "calling update()", "checkpoint recorded"  # in the SDK's log
SECONDS_OF_A_SYNC = 4.0
NOW = "2026-11-16T15:00:00+00:00"
CHECKPOINTING = "        op.checkpoint(operation.state)\n"
FAILING = "        raise OSError('no space left')\n"
DAMAGES = 200
JUNK: list[Any] = [None, 0, -1, 1.5, True, "", "x", "2999-01-01", [], ["x"], {}, {"x": {"y": 1}}]
KEYED_BY_ID = 4  # levels of a state below which names are ids, of which there are many
SUICIDE = "        import os; os.kill(os.getpid(), 9)\n"

Happening = Callable[[DebuggedOnSandbox], None]


def killed_at_random(kills: int, seed: int) -> Happening:
    """Killed again and again, wherever it stands, it ends as if it never was."""

    def happen(trial: DebuggedOnSandbox) -> None:
        dice = random.Random(seed)
        for _ in range(kills):
            process = trial.start()
            time.sleep(dice.uniform(0.3, SECONDS_OF_A_SYNC))
            process.kill()
            trial.note("".join(process.communicate()), process.returncode)
        trial.sync()
        assert trial.outcome().refetch <= kills * ROWS_BETWEEN_CHECKPOINTS

    return happen


def ended(moment: str, with_: signal.Signals) -> Happening:
    """A sync that is ended from outside fails, and keeps what it had checkpointed."""

    def happen(trial: DebuggedOnSandbox) -> None:
        process = trial.start()
        assert process.stdout
        seen = (line for line in process.stdout if moment in line)
        assert next(seen, None), "the sync ended too soon"
        process.send_signal(with_)
        trial.note("".join(process.communicate()), process.returncode)
        assert process.returncode != 0
        if moment == CHECKPOINT:
            assert json.loads(trial.state.read_text())["accounts"]
            assert {} != trial.found() != trial.clean.tables
        trial.sync()

    return happen


def killed_at_checkpoint(changed: str) -> Happening:
    """Killed just before or just after a checkpoint is made."""

    def happen(trial: DebuggedOnSandbox) -> None:
        fivetran.alter(trial.project, "connector.py", CHECKPOINTING, changed)
        for _ in range(2):
            process = trial.start()
            trial.note("".join(process.communicate()), process.returncode)
            assert process.returncode == -signal.SIGKILL
        fivetran.alter(trial.project, "connector.py", changed, CHECKPOINTING)
        trial.sync()

    return happen


def state(edit: Callable[[Any], Any], code: int = 0, says: str = "") -> Happening:
    """The state of a first sync is edited; where that is refused, it is put back as it was."""

    def happen(trial: DebuggedOnSandbox) -> None:
        trial.sync()
        kept = trial.state.read_text()
        edited = edit(json.loads(kept))
        if edited is None:
            trial.state.unlink()
        else:
            trial.state.write_text(edited if isinstance(edited, str) else json.dumps(edited))
        trial.sync(code, says)
        if code:
            assert trial.outcome().harm == {}, "the warehouse was touched"
            trial.state.write_text(kept)
            trial.sync()

    return happen


def damaged_anywhere(trial: OnSandbox) -> None:
    """Whatever one value of a state is instead, a sync makes do with it or refuses it as damage."""
    dice = random.Random(0)
    with mock.patch.dict(os.environ, {"KLAVIYO_BASE_URL": trial.loader.url}):
        for _ in range(DAMAGES):
            state = json.loads(json.dumps(trial.loader.state))
            *path, last = dice.choice(list(_places(state)))
            dig(state, path)[last] = dice.choice(JUNK)
            with suppress(KlaviyoError):
                deque(sync.sync(EVERYTHING, state), maxlen=0)
            trial.waits.clear()  # more of them than one sync may have
    trial.sync()


def _places(state: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The place of every value; of many under one name the first three."""
    for name in list(state)[:3] if len(path) > KEYED_BY_ID else state:
        yield (*path, name)
        if isinstance(state[name], dict):
            yield from _places(state[name], (*path, name))


def at_watermarks(value: str) -> Callable[[Any], Any]:
    """Every watermark of a state is another time."""

    def edit(memory: Any) -> Any:
        if not isinstance(memory, dict):
            return memory
        return {
            name: value if name in ("watermark", "cold") and part else edit(part)
            for name, part in memory.items()
        }

    return edit


def locked(trial: DebuggedOnSandbox) -> None:
    """Another process has the warehouse open: the sync fails and says so; later it works."""
    trial.sync()
    held = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", held, str(fivetran.warehouse(trial.project))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout
        assert other.stdout.readline() == "held\n"
        process = trial.start()
        printed = "".join(process.communicate())
        trial.note(printed, process.returncode)
        assert process.returncode == 1
        assert "lock" in printed.lower()
        other.communicate("\n")
    trial.sync()


def full_disk(trial: DebuggedOnSandbox) -> None:
    """No file may grow beyond 100 kB: the sync fails, and works once there is room."""
    process = trial.start()
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (100_000, 100_000))
    trial.note("".join(process.communicate()), process.returncode)
    assert process.returncode != 0
    trial.sync()


def loader_fails(trial: DebuggedOnSandbox) -> None:
    """A loader that fails while Klaviyo is silent ends the sync, before the silence does."""
    trial.sandbox.fault("stall", path="/api/events", times=None)
    fivetran.alter(trial.project, "connector.py", CHECKPOINTING, FAILING)
    process = trial.start()
    trial.note("".join(process.communicate(timeout=api.REQUEST_DEADLINE / 2)), process.returncode)
    assert process.returncode == 1
    fivetran.alter(trial.project, "connector.py", FAILING, CHECKPOINTING)
    trial.sandbox.clear_faults()
    trial.sync()


def on_a_tie(trial: Told) -> None:
    """Killed after each operation in turn, while a dozen events share a second and four pages."""
    trial.account.page_size = 3
    times = [scripted.NOON - timedelta(hours=2)] * 12 + [scripted.NOON - timedelta(hours=1)] * 3
    trial.account.documents["/api/events"] = [
        scripted.resource("event", str(number), datetime=time.isoformat())
        for number, time in enumerate(times)
    ]
    trial.sync()
    trial.clean = Clean(trial.found())
    assert len(trial.found()["event"]) == len(times)
    for moment in itertools.count():
        trial.loader = Loader(trial.loader.url, trial.loader.configuration)
        try:
            trial.loader.sync(die_after=moment)
        except KilledError:
            trial.sync()
        else:
            break
        assert difference(trial.clean.tables, trial.found()) == (0, 0, 0), moment
    assert moment > len(times)
    trial.exits = [-signal.SIGKILL, 0]  # of each moment


GROWTH = """
import sys
import models, sync
from read import peak
rows, early = 0, 0
for operation in sync.sync({"api_key": sys.argv[1], "tables": "event"}, {}):
    rows += isinstance(operation, models.Upsert)
    if rows == 100_000:
        early = peak()
print(rows, early / 2**20, peak() / 2**20)
"""


def a_million(trial: OnSandbox) -> None:
    """A first sync of a million events holds less than 300 MB, and no more than at the start."""
    with running_sandbox(events=1_000_000, no_limits=True, seed=5, now=NOW) as sandbox:
        rows, early, peak = printed_by(GROWTH, sandbox.url)
    assert rows >= 1_000_000
    assert peak < 300, f"{peak:.0f} MB"
    assert peak <= 1.2 * early, f"{early:.0f} MB after 100,000 events, {peak:.0f} MB in the end"
    trial.sync()


def debugged(name: str, happen: Happening) -> Case:
    """A case in the real process."""
    return Case(name, happen, stage="debug")


ROWS = [
    Row(
        "P1",
        "kill -9 at a random instant, again and again",
        "the next run to its end makes it whole; a kill costs at most the rows of a checkpoint",
        [debugged(f"6 kills, seed {one}", killed_at_random(6, one)) for one in range(20)],
    ),
    Row(
        "P2",
        "kill -9 between a row and its checkpoint, or right after the checkpoint",
        "rows since the checkpoint are fetched again, none twice in the warehouse",
        [
            debugged("before", killed_at_checkpoint(SUICIDE + CHECKPOINTING)),
            debugged("after", killed_at_checkpoint(CHECKPOINTING + SUICIDE)),
        ],
    ),
    Row(
        "P3",
        "SIGTERM or SIGINT at the beginning or after a checkpoint",
        "the exit code is not 0; rows and state of the last checkpoint stand",
        [
            debugged(f"{signal_.name} at {name}", ended(moment, signal_))
            for signal_, (name, moment) in itertools.product(
                (signal.SIGTERM, signal.SIGINT),
                (("beginning", BEGINNING), ("checkpoint", CHECKPOINT)),
            )
        ],
    ),
    Row(
        "P4",
        "killed while a dozen events of one second lie across pages, after each operation in turn",
        "none of them is missed",
        [Case("each operation", on_a_tie, stage="told", quick=True)],
        "not run (textbook connector: 2 lost)",
    ),
    Row(
        "P5",
        "the state is missing, empty, cut short, of another version, of another type, with unknown"
        " keys, with watermarks in 1970 or 2999, with any value altered",
        "missing, empty, unknown keys, 1970: exit 0; else exit 1 in one line before any harm. A"
        " watermark ahead is refused, not pulled back: that would hide what lies between",
        [
            debugged("missing", state(lambda _: None)),
            debugged("empty", state(lambda _: {})),
            debugged("unknown keys", state(lambda kept: {**kept, "what": "is this"})),
            debugged("in 1970", state(at_watermarks("1970-01-01T00:00:00.000000Z"))),
            debugged(
                "in 2999",
                state(at_watermarks("2999-01-01T00:00:00.000000Z"), 1, "is no past time .*restore"),
            ),
            debugged(
                "no time",
                state(at_watermarks("yesterday"), 1, "is no past time .*restore"),
            ),
            debugged("newer", state(lambda kept: {**kept, "version": 2}, 1, "version 2.*restore")),
            debugged("older", state(lambda kept: {**kept, "version": 0}, 1, "version 0.*restore")),
            debugged("foreign", state(lambda _: {"cursor": 7}, 1, "no version.*restore")),
            debugged("with holes", state(lambda _: {"version": 1}, 1, "damaged.*restore")),
            Case("any value", damaged_anywhere),
            debugged("cut short", state(lambda kept: json.dumps(kept)[:99], 1, "invalid state")),
        ],
    ),
    Row(
        "P6",
        "the warehouse is locked by another process; the disk is full; the loader fails",
        "exit 1, and the next run makes it whole",
        [
            debugged("locked", locked),
            debugged("full", full_disk),
            debugged("loader", loader_fails),
        ],
    ),
    Row(
        "P7",
        "a million events in one sync",
        "less than 300 MB, and at most a fifth more than after the first 100,000",
        [Case("events", a_million)],
    ),
]
