"""Fixtures: a simulated Klaviyo account, a configuration that reads it, and the command itself."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from simplyload.testing.processes import Ended, Forked
from tests.cli.processes import run_command, start_command

REPOSITORY = Path(__file__).parents[3]
CONNECTOR = REPOSITORY / "klaviyo_connector"
API_KEY = "pk_sandbox_tests"
READY = "sandbox ready on "


def command(*arguments: str | Path) -> list[str]:
    """Give the command line of `simplyload` in this environment."""
    return [sys.executable, "-m", "simplyload.cli", *map(str, arguments)]


@dataclass
class Workspace:
    """A folder with simplyload.yml, and the environment in which commands run there."""

    folder: Path
    environment: dict[str, str]

    def write(self, configuration: Mapping[str, Any]) -> None:
        """Write simplyload.yml."""
        (self.folder / "simplyload.yml").write_text(yaml.safe_dump(dict(configuration)))

    def start(self, *arguments: str | Path) -> Forked:
        """Start a command."""
        return start_command(arguments, self.folder, self.environment)

    def run(self, *arguments: str | Path) -> Ended:
        """Run a command to its end."""
        return run_command(arguments, self.folder, self.environment)


def klaviyo_configuration(**source: Any) -> dict[str, Any]:
    """Give a configuration that loads a few tables of Klaviyo into DuckDB."""
    klaviyo = {"type": "klaviyo", "connector": str(CONNECTOR), "api_key": "${KLAVIYO_API_KEY}"}
    return {
        "sources": {"klaviyo": {**klaviyo, "tables": ["campaign", "list", "event"], **source}},
        "destination": {"type": "duckdb", "path": "warehouse.duckdb"},
        "log": "log",
    }


@pytest.fixture(scope="session")
def sandbox() -> Iterator[str]:
    """Yield the address of a simulated account whose clock begins at a fixed time."""
    with run_account() as address:
        yield address


@contextmanager
def run_account() -> Iterator[str]:
    """Run a simulated account, whose clock may be moved if it is of one test alone."""
    options = "--port 0 --no-limits --campaigns 12 --profiles 40 --now 2026-11-16T15:00:00+00:00"
    process = subprocess.Popen(
        [sys.executable, "-m", "klaviyo_sandbox", *options.split()],
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    )
    with process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            assert line.startswith(READY)
            yield line.removeprefix(READY).strip()
        finally:
            process.terminate()


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Give an empty folder; commands in it know no key and no sandbox."""
    kept = {name: value for name, value in os.environ.items() if "KLAVIYO" not in name}
    source = str(REPOSITORY / "simplyload" / "src")
    return Workspace(tmp_path, {**kept, "PYTHONPATH": source})


@pytest.fixture
def account(workspace: Workspace, sandbox: str) -> Workspace:
    """Give a folder whose configuration reads the simulated account."""
    workspace.write(klaviyo_configuration())
    workspace.environment |= {"KLAVIYO_API_KEY": API_KEY, "KLAVIYO_BASE_URL": sandbox}
    return workspace
