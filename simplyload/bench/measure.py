"""What a command costs: processor time and memory of its process tree, and wall time."""

import ctypes
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

SAMPLE_SECONDS = 0.05
PR_SET_CHILD_SUBREAPER = 36  # of Linux


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Seconds of processor time (user and system), wall seconds, peak of resident megabytes."""

    cpu: float
    wall: float
    peak: int


class CommandError(Exception):
    """A measured command failed: its output says why."""


def measure(command: Sequence[str], output: Path, environment: Mapping[str, str]) -> Cost:
    """Run a command to its end in the folder of its output file, and give its cost."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    begin = time.perf_counter()
    with output.open("wb") as file:
        process = subprocess.Popen(
            command,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
            cwd=output.parent,
        )
    peak, status, usage, seen = 0, 0, None, set[int]()
    while usage is None:
        resident, pids = _measure_resident(process.pid)
        peak, seen = max(peak, resident), seen | pids
        time.sleep(SAMPLE_SECONDS)
        pid, status, ended = os.wait4(process.pid, os.WNOHANG)
        usage = ended if pid else None
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise CommandError(f"{' '.join(command)} failed:\n{output.read_text()[-3000:]}")
    wall = time.perf_counter() - begin
    return Cost(
        cpu=usage.ru_utime + usage.ru_stime + _wait_for_orphans(seen),
        wall=wall,
        # The greatest single process, in case its peak fell between two samples.
        peak=max(peak, usage.ru_maxrss * 1024) // 1_000_000,
    )


def _measure_resident(pid: int) -> tuple[int, set[int]]:
    """Add up the resident memory of a process and its descendants; give the latter.

    What several share, as those that are forked do, counts once.
    """
    total, others = 0, set[int]()
    try:
        root = psutil.Process(pid)
        children = root.children(recursive=True)
        others = {child.pid for child in children}
        for process in (root, *children):
            total += process.memory_full_info().pss if others else process.memory_info().rss
    except psutil.NoSuchProcess:
        pass  # it ended between listing and reading
    return total, others


def _wait_for_orphans(pids: set[int]) -> float:
    """Give the processor time of those that the command left, such as the one that forks workers.

    They are children of this process now.
    """
    total = 0.0
    for pid in pids:
        try:
            _, _, usage = os.wait4(pid, 0)
        except ChildProcessError:
            continue
        total += usage.ru_utime + usage.ru_stime
    return total
