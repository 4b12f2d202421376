"""Other ways to read Klaviyo, installed in environments of their own and run on the same data.

Each runs with its documented settings, the fastest where there is a choice: its `notes` name them.
"""

import subprocess
import sys
import textwrap
from dataclasses import dataclass, replace

from tests.benchmarks.measure import (
    NOW,
    Figures,
    ReaderError,
    measure,
    measure_ours,
    print_table,
)
from tests.sandbox_server import REPOSITORY, Sandbox, run_sandbox

ENVIRONMENTS = REPOSITORY / "build" / "rivals"


class InstallError(Exception):
    """A package cannot be installed; the message is pip's own."""


@dataclass(frozen=True)
class Rival:
    """A module of readers/, the distribution it runs, and notes on its figures."""

    reader: str
    distribution: str
    notes: str


SUNSET = (
    "It speaks revision 2024-10-15, which Klaviyo ended on 2026-10-15; here it sends"
    " today's, whose events are the same."
)
CHANNELS = (
    "Its campaigns cannot be compared: it filters them by messages.channel, which"
    " today's revision refuses."
)
WITHOUT_ARCHIVED = "It finds archived campaigns only if it is configured to."
RIVALS = (
    Rival(
        "airbyte_source",
        "airbyte-source-klaviyo",
        f"10 workers, as it proposes; 200 events a page. {SUNSET} {CHANNELS}",
    ),
    Rival(
        "singer_tap",
        "tap-klaviyo",
        f"200 events a page, of the metrics that it has streams for. {SUNSET} {CHANNELS}",
    ),
    Rival(
        "dlt_rest_api",
        "dlt",
        "rest_api source, 1,000 events a page, extracted and normalised into typed columns, as our"
        f" rows are; not loaded. {WITHOUT_ARCHIVED}",
    ),
    Rival(
        "official_client",
        "klaviyo-api",
        "1,000 events a page, as dictionaries, the faster of its two ways; pages, not rows."
        f" {WITHOUT_ARCHIVED}",
    ),
)


def compare(events: int) -> list[Figures]:
    """Measure ours and every rival on one account; one that fails is printed with its reason."""
    account = f"{events:,} events"
    with run_sandbox(events=events, now=NOW, no_limits=True) as sandbox:
        own = measure_ours(account, sandbox, 8)
        figures = [replace(own, campaigns=_count_campaigns(sandbox, "ours"))]
        for rival in RIVALS:
            _print_wrapped(f"{rival.distribution}: {rival.notes}")
            try:
                figures.append(_measure_rival(account, sandbox, rival))
            except (InstallError, ReaderError) as error:
                _print_wrapped(f"Failed: {error}")
    print_table(figures)
    return figures


def _measure_rival(account: str, sandbox: Sandbox, rival: Rival) -> Figures:
    python = _install(rival)
    program = (
        f"import importlib.metadata; print(importlib.metadata.version('{rival.distribution}'))"
    )
    name = f"{rival.distribution} {_run(python, '-c', program)}"
    figures = measure(account, name, rival.reader, "events", sandbox.url, python=python)
    return replace(figures, campaigns=_count_campaigns(sandbox, rival.reader, python))


def _install(rival: Rival) -> str:
    """Install the newest release of a rival, and return the Python of its environment."""
    home = ENVIRONMENTS / rival.reader
    python = str(home / "bin" / "python")
    _run(sys.executable, "-m", "venv", str(home))
    _run(python, "-m", "pip", "install", "--quiet", rival.distribution)
    return python


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise InstallError(done.stderr)
    return done.stdout.strip()


def _count_campaigns(sandbox: Sandbox, reader: str, python: str = sys.executable) -> str:
    """How many of all campaigns it finds; where it fails a dash, and the reason is printed."""
    filters = ("equals(archived,false)", "equals(archived,true)")
    every = sum(len(sandbox.all("/api/campaigns", filter=part)) for part in filters)
    try:
        found = measure("", reader, reader, "campaigns", sandbox.url, python=python)
    except ReaderError as error:
        _print_wrapped(f"Campaigns failed: {error}")
        return "–"
    return f"{found.rows} of {every}"


def _print_wrapped(text: str) -> None:
    print(textwrap.fill(textwrap.shorten(text, 400), 100, subsequent_indent="  "))
