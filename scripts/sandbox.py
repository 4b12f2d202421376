"""Runs the simulated Klaviyo account beside a script, for as long as the script needs it."""

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
    """The address of a sandbox that serves, on a free port, and its process to be ended."""
    command = [sys.executable, "-m", "klaviyo_sandbox", "--port", "0", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    line = process.stdout.readline() if process.stdout else ""
    if not line.startswith(READY):
        process.kill()
        process.communicate()
        raise SandboxError("The sandbox did not start; its reason stands above")
    return line.removeprefix(READY).strip(), process


@contextmanager
def running(*options: str) -> Iterator[str]:
    """The address of a sandbox that is started with these options and ended afterwards."""
    url, process = start(*options)
    with process:
        try:
            yield url
        finally:
            process.terminate()
