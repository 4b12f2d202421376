"""P: faults of the process, its state and its warehouse."""

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
from sync import ROWS_BETWEEN_CHECKPOINTS
from tables.jsonapi import get_path
from tests import fivetran
from tests.chaos.runs import EVERYTHING, DebugSandboxRun, SandboxRun, ScriptedRun, measure
from tests.connector.scripted import NOON
from tests.loader import KilledError
from tests.sandbox_server import run_sandbox

UPDATE, CHECKPOINT = "calling update()", "checkpoint recorded"  # lines of the SDK's log
SECONDS_OF_A_SYNC = 4.0
CHECKPOINTING = "        op.checkpoint(operation.state)\n"  # a line of connector.py
FAILING = "        raise OSError('no space left')\n"
SELF_KILL = "        import os; os.kill(os.getpid(), 9)\n"
LOCK = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); input()"
FEW_BYTES = 100_000
DAMAGES = 200
JUNK: list[Any] = [None, 0, -1, 1.5, True, "", "x", "2999-01-01", [], ["x"], {}, {"x": {"y": 1}}]
LEVEL_OF_IDS = 4  # below this level of a state the names are ids, of which there are many


def kill_at_random(run: DebugSandboxRun, kills: int, seed: int) -> None:
    """Kill the sync at random moments; a kill costs at most the rows between two checkpoints."""
    dice = random.Random(seed)
    for _ in range(kills):
        process = run.start()
        time.sleep(dice.uniform(0.3, SECONDS_OF_A_SYNC))
        process.kill()
        run.finish(process)
    run.sync()
    assert run.outcome().refetch <= kills * ROWS_BETWEEN_CHECKPOINTS


def kill_at_checkpoint(run: DebugSandboxRun, altered: str) -> None:
    """Let the connector kill itself just before or just after a checkpoint, twice."""
    fivetran.alter(run.project, "connector.py", CHECKPOINTING, altered)
    for _ in range(2):
        assert run.finish(run.start()) == -signal.SIGKILL
    fivetran.alter(run.project, "connector.py", altered, CHECKPOINTING)
    run.sync()


def send_signal(run: DebugSandboxRun, signal_: signal.Signals, moment: str) -> None:
    """End the sync by a signal: it fails, and the warehouse keeps what was checkpointed."""
    # A background job of a shell ignores SIGINT, and so would each process that it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    process = run.start()
    assert process.stdout
    assert any(moment in line for line in process.stdout), "the sync ended too soon"
    process.send_signal(signal_)
    assert run.finish(process) != 0
    if moment == CHECKPOINT:
        assert json.loads(run.state_file.read_text())["accounts"]
        assert {} != run.tables() != run.baseline
    run.sync()


def kill_on_a_tie(run: ScriptedRun) -> None:
    """Kill after each operation in turn, while a dozen events of one second fill four pages."""
    run.account.page_size = 3
    times = [NOON - timedelta(hours=2)] * 12 + [NOON - timedelta(hours=1)] * 3
    run.add_events(*times)
    run.sync()
    run.baseline = run.tables()
    assert len(run.baseline["event"]) == len(times)
    for moment in itertools.count():
        run.reset_connection()
        try:
            run.loader.sync(die_after=moment)
        except KilledError:
            run.sync()
        else:
            break
        assert run.outcome().violations == {}, moment
    assert moment > len(times)
    run.exits = [-signal.SIGKILL, 0]  # of each moment


def edit_state(run: DebugSandboxRun, edit: Callable[[Any], Any], message: str = "") -> None:
    """Edit the state of a first sync; None deletes it. A refused one is put back as it was."""
    run.sync()
    kept = run.state_file.read_text()
    edited = edit(json.loads(kept))
    if edited is None:
        run.state_file.unlink()
    else:
        run.state_file.write_text(edited if isinstance(edited, str) else json.dumps(edited))
    run.sync(KlaviyoError if message else None, message)
    if message:
        assert run.outcome().violations == {}, "the warehouse was touched"
        run.state_file.write_text(kept)
        run.sync()


def set_watermarks(run: DebugSandboxRun, time: str, message: str = "") -> None:
    """Set every watermark of the state."""

    def edit(state: Any) -> Any:
        if not isinstance(state, dict):
            return state
        return {
            name: time if name in ("watermark", "cold") and part else edit(part)
            for name, part in state.items()
        }

    edit_state(run, edit, message)


def damage_any_value(run: SandboxRun) -> None:
    """Replace one value of the state, 200 times: a sync accepts it, or refuses it as damage."""
    dice = random.Random(0)
    with mock.patch.dict(os.environ, {"KLAVIYO_BASE_URL": run.loader.url}):
        for _ in range(DAMAGES):
            state = json.loads(json.dumps(run.loader.state))
            *path, last = dice.choice(list(_paths(state)))
            get_path(state, path)[last] = dice.choice(JUNK)
            with suppress(KlaviyoError):
                deque(sync.sync(EVERYTHING, state), maxlen=0)
            run.waits.clear()  # together they are more than one sync may have
    run.sync()


def _paths(state: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of every value; of many ids the first three."""
    for name in list(state)[:3] if len(path) > LEVEL_OF_IDS else state:
        yield (*path, name)
        if isinstance(state[name], dict):
            yield from _paths(state[name], (*path, name))


def lock_warehouse(run: DebugSandboxRun) -> None:
    """Let another process hold the warehouse open: the run fails and names the lock."""
    run.sync()
    with subprocess.Popen(
        [sys.executable, "-c", LOCK, str(fivetran.warehouse(run.project))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout
        assert other.stdout.readline() == "held\n"
        assert run.finish(run.start()) == 1
        assert "lock" in run.output[-1].lower()
        other.communicate("\n")
    run.sync()


def fill_disk(run: DebugSandboxRun) -> None:
    """Let no file grow beyond 100 kB: the run fails."""
    process = run.start()
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (FEW_BYTES, FEW_BYTES))
    assert run.finish(process) != 0
    run.sync()


def fail_loader(run: DebugSandboxRun) -> None:
    """Let the loader fail while Klaviyo is silent: the run ends before a request's deadline."""
    # The trial of a first sync requests events twice before the first checkpoint.
    run.sandbox.fault("stall", path="/api/events", times=None, after=2)
    fivetran.alter(run.project, "connector.py", CHECKPOINTING, FAILING)
    assert run.finish(run.start(), timeout=api.REQUEST_DEADLINE / 2) == 1
    fivetran.alter(run.project, "connector.py", FAILING, CHECKPOINTING)
    run.recover()


def read_a_million_events(run: SandboxRun) -> None:
    """A first sync of a million events holds less than 300 MB, and no more than at its start."""
    now = "2026-11-16T15:00:00+00:00"
    with run_sandbox(events=1_000_000, no_limits=True, seed=5, now=now) as sandbox:
        rows, early, peak = measure("read_events", sandbox.url)
    assert rows >= 1_000_000
    assert peak < 300, f"{peak:.0f} MB"
    assert peak <= 1.2 * early, f"{early:.0f} MB after 300,000 events, {peak:.0f} MB in the end"
    run.sync()
