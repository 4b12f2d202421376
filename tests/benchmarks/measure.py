"""Runs readers in processes of their own, and prints what they took side by side."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from scripts.command import CommandError
from tests.sandbox_server import Sandbox

READ = Path(__file__).parent / "readers" / "read.py"
MB = 1_000_000
# Some rivals request events up to the present, and Klaviyo refuses times ahead of its clock: so the
# sandbox's clock, which does not move, is an hour ahead.
NOW = f"{datetime.now(UTC) + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"


class ReaderError(CommandError):
    """A reader failed; the message is its own."""


@dataclass(frozen=True)
class Figures:
    """What one reader took to read an account: bytes, and seconds without its start and imports.

    `start` is the CPU time of these, `early_peak` its peak memory after 100,000 rows (0: it read
    fewer), `campaigns` how many it finds.
    """

    account: str
    reader: str
    rows: int
    start: float
    wall: float
    cpu: float
    peak: int
    early_peak: int
    campaigns: str = ""


def measure(account: str, reader: str, *arguments: str, python: str = sys.executable) -> Figures:
    """Run readers/read.py with these arguments; account and reader are names for the table."""
    command = [python, str(READ), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ReaderError(_last_line(done.stderr))
    return Figures(account, reader, **json.loads(_last_line(done.stdout)))


def measure_ours(
    account: str, sandbox: Sandbox, concurrency: int, listing: str = "events"
) -> Figures:
    """Our sync of all events, or of another listing."""
    name = f"our sync, concurrency {concurrency}"
    return measure(account, name, "ours", listing, sandbox.url, str(concurrency))


def _last_line(text: str) -> str:
    """The last line that a program printed: its result or its error."""
    return (text.strip().splitlines() or ["it printed nothing"])[-1]


def print_table(figures: Sequence[Figures]) -> None:
    """Print readers of one account, one to a line."""
    columns = "rows   wall s    rows/s    CPU s  rows/CPU s  peak MB  campaigns"
    print(f"{figures[0].account:<40}{columns:>70}")
    for row in figures:
        print(
            f"{row.reader:<40}{row.rows:>10,}{row.wall:>9.2f}{row.rows / row.wall:>10,.0f}"
            f"{row.cpu:>9.2f}{row.rows / row.cpu:>12,.0f}{row.peak / MB:>9.0f}{row.campaigns:>12}"
        )
    print("rows: as written.\n")
