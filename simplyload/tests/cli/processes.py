"""Commands in processes of their own, without the time to import SimplyLoad."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from simplyload.cli import main
from simplyload.testing.processes import Forked


class Ended(NamedTuple):
    """What a command left: its exit code, its standard output and its standard error."""

    code: int | None
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The lines of JSON on standard output."""
        return [json.loads(line) for line in self.out.splitlines()]


def start_command(
    arguments: Sequence[str | Path], folder: Path, environment: Mapping[str, str]
) -> Forked:
    """Start `simplyload` in a folder, with this environment alone."""
    return Forked(main, [*map(str, arguments)], folder=folder, environment=environment)


def run_command(
    arguments: Sequence[str | Path], folder: Path, environment: Mapping[str, str]
) -> Ended:
    """Run `simplyload` to its end."""
    with start_command(arguments, folder, environment) as process:
        return Ended(*process.wait())
