"""Processes that import nothing: each is forked from one that has imported all of SimplyLoad.

Importing takes longer than most commands run.
"""

import multiprocessing
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from simplyload.streams import CLASSES

CONTEXT = multiprocessing.get_context("forkserver")
IMPORTED = ("simplyload.cli", "simplyload.testing.worker", "boto3")


class Ended(NamedTuple):
    """What a process left: its exit code, its standard output and its standard error."""

    code: int | None
    out: str
    err: str


def run_forked(
    function: Callable[..., int | None],
    *arguments: Any,
    folder: Path,
    environment: Mapping[str, str],
) -> Ended:
    """Run a function in a process, in a folder, with this environment alone; it gives the code."""
    CONTEXT.set_forkserver_preload([*IMPORTED, *(module for module, _ in CLASSES.values())])
    with TemporaryDirectory() as output:
        files = [Path(output, name) for name in ("out", "err")]
        given = files, folder, dict(environment), function, arguments
        process = CONTEXT.Process(target=_run, args=given)
        process.start()
        process.join()
        out, err = (file.read_text() if file.exists() else "" for file in files)
    return Ended(process.exitcode, out, err)


def _run(
    files: list[Path],
    folder: Path,
    environment: dict[str, str],
    function: Callable[..., int | None],
    arguments: tuple[Any, ...],
) -> None:
    """Be the process: what it writes goes to the two files."""
    for descriptor, file in enumerate(files, 1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), descriptor)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path.insert(0, str(folder))
    sys.exit(function(*arguments))
