"""Runs the simulated Klaviyo account as a process beside a script or a test."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.command import CommandError


class SandboxError(CommandError):
    """The sandbox did not start."""


ROOT = Path(__file__).parent.parent
READY = "sandbox ready on "


def start(*options: str) -> tuple[str, subprocess.Popen[str]]:
    """Start a sandbox on a free port; return its address and its process, which the caller ends."""
    command = [sys.executable, "-m", "klaviyo_sandbox", "--port", "0", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    # The first line is either the address or, on an error, nothing: stderr is not captured.
    line = process.stdout.readline() if process.stdout else ""
    if not line.startswith(READY):
        process.kill()
        process.communicate()
        raise SandboxError("The sandbox did not start; the reason is printed above")
    return line.removeprefix(READY).strip(), process


@contextmanager
def serve(*options: str) -> Iterator[str]:
    """Run a sandbox with these options for the duration of the block; yield its address."""
    url, process = start(*options)
    with process:
        try:
            yield url
        finally:
            process.terminate()
