"""Runs the simulated Klaviyo account beside a script, for as long as the script needs it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class SandboxError(Exception):
    """The sandbox did not start."""


READY = "sandbox ready on "


@contextmanager
def running(*options: str) -> Iterator[str]:
    """The address of a sandbox that is started with these options and ended afterwards."""
    command = [sys.executable, "-m", "klaviyo_sandbox", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line.startswith(READY):
                raise SandboxError("The sandbox did not start; its reason stands above")
            yield line.removeprefix(READY).strip()
        finally:
            process.terminate()
