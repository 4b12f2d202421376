"""Runs one reader in this process; the last line it prints has the figures, as JSON.

    python read.py MODULE FUNCTION URL [ARGUMENT ...]

A reader is a module of this folder. Its functions take the address of a sandbox and yield how many
rows they have read since the last time. They run in the environment of the library that they use,
so this file needs only Python, and the modules here import each other without a package.
"""

import importlib
import json
import re
import resource
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

KEY = "pk_sandbox_key"
REVISION = "2026-10-15"
HEADERS = {"Authorization": f"Klaviyo-API-Key {KEY}", "revision": REVISION}
START = f"{datetime.now(UTC) - timedelta(days=405):%Y-%m-%dT00:00:00Z}"  # the sandbox has 400 days
EARLY = 100_000  # rows


def main() -> None:
    """Read and measure; the clocks start after the imports of the reader."""
    module, function, *arguments = sys.argv[1:]
    read = getattr(importlib.import_module(module), function)
    start = time.process_time()  # of Python's start and the imports
    wall, cpu = time.perf_counter(), time.process_time()
    rows, early = 0, 0
    try:
        for count in read(*arguments):
            rows += count
            if not early and rows >= EARLY:
                early = peak()
    except Exception as error:  # noqa: BLE001 - any error is the result
        sys.exit(f"after {rows:,} rows: {type(error).__name__}: {error}")
    figures = {
        "rows": rows,
        "start": start,
        "wall": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "peak": peak(),
        "early_peak": early,
    }
    print(json.dumps(figures), file=sys.__stdout__)


def peak() -> int:
    """The peak memory of this process, in bytes.

    On Linux ru_maxrss includes what the parent held (getrusage(2)); VmHWM is of this program alone.
    """
    status = Path("/proc/self/status")
    if status.exists():
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
        return int(found[1]) * 1024 if found else 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # macOS: bytes


if __name__ == "__main__":
    main()
