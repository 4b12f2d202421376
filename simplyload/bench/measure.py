"""What a command costs: processor time and memory of its process tree, and wall time."""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

SAMPLE_SECONDS = 0.05


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
    begin = time.perf_counter()
    with output.open("wb") as file:
        process = subprocess.Popen(
            command,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
            cwd=output.parent,
        )
    peak, status, usage = 0, 0, None
    while usage is None:
        peak = max(peak, _measure_resident(process.pid))
        time.sleep(SAMPLE_SECONDS)
        pid, status, ended = os.wait4(process.pid, os.WNOHANG)
        usage = ended if pid else None
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise CommandError(f"{' '.join(command)} failed:\n{output.read_text()[-3000:]}")
    return Cost(
        cpu=usage.ru_utime + usage.ru_stime,
        wall=time.perf_counter() - begin,
        # The greatest single process, in case its peak fell between two samples.
        peak=max(peak, usage.ru_maxrss * 1024) // 1_000_000,
    )


def _measure_resident(pid: int) -> int:
    """Add up the resident memory of a process and its descendants."""
    total = 0
    try:
        root = psutil.Process(pid)
        for process in (root, *root.children(recursive=True)):
            total += process.memory_info().rss
    except psutil.NoSuchProcess:
        pass  # it ended between listing and reading
    return total
