"""Commands in processes of their own, forked from one that has imported SimplyLoad.

Importing takes longer than most commands run.
"""

import json
import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from simplyload.cli import main

PROCESSES = multiprocessing.get_context("forkserver")


class Ended(NamedTuple):
    """What a command left: its exit code, its standard output and its standard error."""

    code: int | None
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The lines of JSON on standard output."""
        return [json.loads(line) for line in self.out.splitlines()]


def run_command(
    arguments: Sequence[str | Path], folder: Path, environment: Mapping[str, str]
) -> Ended:
    """Run `simplyload` in a folder, with this environment alone, to its end."""
    PROCESSES.set_forkserver_preload([__name__])
    with TemporaryDirectory() as output:
        files = [Path(output, name) for name in ("out", "err")]
        given = [*map(str, arguments)], folder, dict(environment), files
        process = PROCESSES.Process(target=_run, args=given)
        process.start()
        process.join()
        out, err = (file.read_text() for file in files)
    return Ended(process.exitcode, out, err)


def _run(
    arguments: list[str], folder: Path, environment: dict[str, str], files: list[Path]
) -> None:
    """Be the process of a command: what it writes goes to the two files."""
    for descriptor, file in enumerate(files, 1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), descriptor)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path.insert(0, str(folder))
    sys.exit(main(arguments))
