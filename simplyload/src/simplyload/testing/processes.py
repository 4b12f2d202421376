"""Processes that import nothing: each is forked from one that has imported all of SimplyLoad.

Importing takes longer than most commands run.
"""

import json
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from multiprocessing import forkserver
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, Self

from simplyload.streams import CLASSES

_CONTEXT = multiprocessing.get_context("forkserver")
# What the process imports that all are forked from; one is enough for all tests of a process.
IMPORTED = ["simplyload.cli", "simplyload.testing.worker", "boto3"]


def fork_context() -> Any:
    """Return the context of `multiprocessing` whose processes are forked from one with imports."""
    _CONTEXT.set_forkserver_preload([*IMPORTED, *(module for module, _ in CLASSES.values())])
    forkserver.ensure_running()
    return _CONTEXT


class Ended(NamedTuple):
    """What a process left: its exit code, its standard output and its standard error."""

    code: int | None
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The lines of JSON on standard output."""
        return [json.loads(line) for line in self.out.splitlines()]


class Forked:
    """A function in a process, in a folder, with this environment alone; it gives the exit code.

    At the end of a block it is killed, if it has not ended.
    """

    def __init__(
        self,
        function: Callable[..., int | None],
        *arguments: Any,
        folder: Path,
        environment: Mapping[str, str],
    ) -> None:
        self._output = TemporaryDirectory()
        self._files = [Path(self._output.name, name) for name in ("out", "err")]
        for file in self._files:
            file.touch()
        task = self._files, folder, dict(environment), function, arguments
        self._process = fork_context().Process(target=_run, args=task)
        self._process.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.join()
        self._output.cleanup()

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        if self._process.is_alive():
            os.kill(self._process.pid or 0, number)

    def read(self) -> Ended:
        """Return what it has left so far; the code is None until it ends."""
        return Ended(self._process.exitcode, *(file.read_text() for file in self._files))

    def wait(self, seconds: float | None = None) -> Ended:
        """Wait for its end, or as long as this takes."""
        self._process.join(seconds)
        return self.read()

    def read_errors(self) -> Iterator[str]:
        """Yield the lines of standard error as they come."""
        with self._files[1].open() as file:
            line = ""
            while (part := file.readline()) or self._process.is_alive():
                line += part
                if line.endswith("\n"):
                    yield line
                    line = ""
                elif not part:
                    time.sleep(0.02)


def run_forked(
    function: Callable[..., int | None],
    *arguments: Any,
    folder: Path,
    environment: Mapping[str, str],
) -> Ended:
    """Run a function to its end in a process, in a folder, with this environment alone."""
    with Forked(function, *arguments, folder=folder, environment=environment) as process:
        return process.wait()


def _run(
    files: list[Path],
    folder: Path,
    environment: dict[str, str],
    function: Callable[..., int | None],
    arguments: tuple[Any, ...],
) -> None:
    """Be the process: what it writes goes to the two files."""
    for descriptor, file in enumerate(files, 1):
        os.dup2(os.open(file, os.O_WRONLY), descriptor)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path.insert(0, str(folder))
    sys.exit(function(*arguments))
