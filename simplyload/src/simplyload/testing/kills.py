"""Processes that run again and again and are killed each time, until one run ends.

A process imports everything once and forks a child for each run, so a run costs milliseconds. A
child ends itself by SIGKILL before its n-th step (a SQL statement, a sync or a rename of a file, a
request), or its parent kills it after a random time.
"""

import logging
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from http.client import HTTPConnection
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from simplyload.config import SourceSettings
from simplyload.destinations.duckdb import DuckDBDestination, DuckDBSettings
from simplyload.engine import Pipeline, PipelineSettings
from simplyload.log import ChangeLog
from simplyload.sources.source import Source
from simplyload.streams import open_source
from simplyload.testing.processes import run_forked

Job = Mapping[str, Any]
Step = tuple[Any, str]  # a function by its owner and name
FILES: tuple[Step, ...] = ((os, "fsync"), (os, "link"), (Path, "replace"))
REQUEST: Step = (HTTPConnection, "endheaders")


def die_before_step(number: int, steps: Sequence[Step]) -> None:
    """Let this process kill itself before its n-th step; a SQL statement is one too."""
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        if done == number:
            os.kill(os.getpid(), signal.SIGKILL)

    def count_calls(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            step()
            return function(*args, **kwargs)

        return call

    handler = logging.Handler()
    handler.emit = lambda record: step()  # type: ignore[method-assign] # noqa: ARG005
    logger = logging.getLogger("simplyload.sql")
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
    for owner, name in steps:
        setattr(owner, name, count_calls(getattr(owner, name)))


def run_to_end(
    run: Callable[[], None],
    steps: Sequence[Step],
    *,
    step: int = 0,
    seconds: float | None = None,
) -> bool:
    """Run in a child; False when it was killed. Raises where it failed by itself."""
    child = os.fork()
    if child == 0:
        if step:
            die_before_step(step, steps)
        try:
            run()
        except BaseException as error:  # noqa: BLE001 - the exit code tells the parent
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise SystemExit(os.WEXITSTATUS(status))
    return os.WIFEXITED(status)


def run_with_kills(run: Callable[[], None], job: Job, steps: Sequence[Step]) -> int:
    """Kill as the job says, then run to the end; return the number of kills.

    The job's `seed` draws the random times, unless it has a `chance` of its own for them.
    """
    kills = sum(not run_to_end(run, steps, step=step) for step in range(*job["steps"]))
    chooser = random.Random(job.get("chance", job["seed"]))
    longest = job.get("longest", 0.4)
    for _ in range(job.get("random", 0)):
        kills += not run_to_end(run, steps, seconds=chooser.uniform(0, longest))
    run_to_end(run, steps)
    return kills


def run_worker(module: str, job: Job) -> int:
    """Have `main` of a module run the job in a process; return its number of kills."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = run_forked(_work, module, job, folder=Path.cwd(), environment=environment)
    assert done.code == 0, done.err
    return int(done.out)


def _work(module: str, job: Job) -> None:
    print(import_module(module).main(job))


def open_settings(settings: Mapping[str, Any], stream: str) -> Source:
    """Open a source by its settings under `sources` in the configuration."""
    parsed: SourceSettings = TypeAdapter(SourceSettings).validate_python(settings)
    return open_source(parsed, stream)


def make_pipeline(
    settings: Mapping[str, Any], stream: str, folder: Path, max_changes: int
) -> Pipeline:
    """Return a pipeline that loads a source into the DuckDB file of a folder."""
    return Pipeline(
        stream,
        open_settings(settings, stream),
        DuckDBDestination(DuckDBSettings(path=folder / "target.duckdb")),
        ChangeLog(folder / "log"),
        PipelineSettings(max_changes=max_changes),
    )


def load_with_kills(settings: Mapping[str, Any], stream: str, folder: Path, **kills: Any) -> int:
    """Load into DuckDB in processes that are killed, then once to the end; count the kills."""
    job = {"settings": settings, "stream": stream, "folder": str(folder)}
    return run_worker("simplyload.testing.worker", {**job, "seed": 7, "steps": [0, 0, 1], **kills})
