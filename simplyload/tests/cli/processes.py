"""Commands in processes of their own, without the time to import SimplyLoad."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from simplyload.cli import main
from simplyload.testing.processes import Ended, Forked, run_forked


def start_command(
    arguments: Sequence[str | Path], folder: Path, environment: Mapping[str, str]
) -> Forked:
    """Start `simplyload` in a folder, with this environment alone."""
    return Forked(main, [*map(str, arguments)], folder=folder, environment=environment)


def run_command(
    arguments: Sequence[str | Path], folder: Path, environment: Mapping[str, str]
) -> Ended:
    """Run `simplyload` to its end."""
    return run_forked(main, [*map(str, arguments)], folder=folder, environment=environment)
