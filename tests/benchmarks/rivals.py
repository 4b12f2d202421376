"""The other ways to read Klaviyo, installed in environments of their own and run on the same data.

Each runs with its documented settings, the fastest where there is a choice; `notes` say which.
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
    ours,
    print_table,
)
from tests.sandbox_server import REPOSITORY, Sandbox, running_sandbox

ENVIRONMENTS = REPOSITORY / "build" / "rivals"


class InstallError(Exception):
    """A package cannot be installed; the message is pip's own."""


@dataclass(frozen=True)
class Rival:
    """A module of readers/, the distribution it runs, and what to know of its figures."""

    reader: str
    distribution: str
    notes: str


SUNSET = (
    "It speaks revision 2024-10-15, which was sunset on 2026-10-15; here it is let through in"
    " today's, whose events are the same."
)
CHANNELS = (
    "Its campaigns cannot be compared: it asks for them by messages.channel, a filter that"
    " today's revision refuses."
)
UNASKED = "It finds the campaigns that one asks for: archived ones are left out unless one does."
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
        f" rows are; not loaded. {UNASKED}",
    ),
    Rival(
        "official_client",
        "klaviyo-api",
        "1,000 events a page, as dictionaries, the faster of its two ways; pages, not rows."
        f" {UNASKED}",
    ),
)


def compare(events: int) -> list[Figures]:
    """Measure ours and every rival on one account; one that fails is printed with its reason."""
    account = f"{events:,} events"
    with running_sandbox(events=events, now=NOW, no_limits=True) as sandbox:
        own = ours(account, sandbox, 8)
        figures = [replace(own, campaigns=_campaigns(sandbox, "ours"))]
        for rival in RIVALS:
            _tell(f"{rival.distribution}: {rival.notes}")
            try:
                figures.append(_measured(account, sandbox, rival))
            except (InstallError, ReaderError) as error:
                _tell(f"Failed: {error}")
    print_table(figures)
    return figures


def _measured(account: str, sandbox: Sandbox, rival: Rival) -> Figures:
    python = _environment(rival)
    asked = f"import importlib.metadata; print(importlib.metadata.version('{rival.distribution}'))"
    name = f"{rival.distribution} {_run(python, '-c', asked)}"
    figures = measure(account, name, rival.reader, "events", sandbox.url, python=python)
    return replace(figures, campaigns=_campaigns(sandbox, rival.reader, python))


def _environment(rival: Rival) -> str:
    """The Python of the rival's environment, with its newest release."""
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


def _campaigns(sandbox: Sandbox, reader: str, python: str = sys.executable) -> str:
    """How many campaigns it finds of all; a dash, and the reason told, where it fails."""
    filters = ("equals(archived,false)", "equals(archived,true)")
    every = sum(len(sandbox.all("/api/campaigns", filter=one)) for one in filters)
    try:
        found = measure("", reader, reader, "campaigns", sandbox.url, python=python)
    except ReaderError as error:
        _tell(f"Campaigns failed: {error}")
        return "–"
    return f"{found.rows} of {every}"


def _tell(text: str) -> None:
    print(textwrap.fill(textwrap.shorten(text, 400), 100, subsequent_indent="  "))
