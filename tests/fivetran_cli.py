"""Runs the other commands of the SDK, as an operator would."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from scripts import fivetran_debug


def fivetran(
    command: str, project: Path, *options: str, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run one command; all it prints is in `stdout`. `env` is added to the environment."""
    return subprocess.run(
        [str(fivetran_debug.BIN / "fivetran"), command, str(project), *options],
        env=fivetran_debug.build_environment(project.parent / "home") | dict(env or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def package(project: Path) -> Path:
    """Build the zip file that is sent to Fivetran."""
    done = fivetran("package", project)
    assert done.returncode == 0, done.stdout
    (file,) = (project / "files").glob("*.zip")
    return file
