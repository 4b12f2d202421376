"""How to run the real `fivetran debug` without its own network requests.

Before every run the SDK asks the package index for a newer version of itself, and for the project's
imports. Offline each request costs seconds of retries, and no setting turns them off. Both versions
are pinned in `requirements/`, so the run gets a home directory that says "checked just now" and a
`pipreqs` (the SDK's scanner of imports) that reports nothing.
"""

import os
import sys
import time
from pathlib import Path

BIN = Path(sys.executable).parent
SCHEMA = "tester"  # the schema that `fivetran debug` loads into (3.0.0)

# Seconds since the epoch of the last check; the SDK checks again after six hours (3.0.0).
VERSION_STAMP = Path(".fivetran", "connector_sdk", "_last_version_check")


def build_command(project: Path) -> list[str]:
    """Build the command line that syncs `project`, with the configuration (JSON) on stdin.

    So the API key is never written to disk.
    """
    return [str(BIN / "fivetran"), "debug", str(project), "--configuration", "/dev/stdin"]


def build_environment(home: Path) -> dict[str, str]:
    """Build the environment of the run, with `home` as its home directory.

    The run does not see the user's `FIVETRAN_*` variables and home directory.
    """
    path = os.pathsep.join([str(_write_empty_pipreqs(home)), str(BIN), os.environ["PATH"]])
    _write_version_stamp(home)
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("FIVETRAN_")}
    return inherited | {"HOME": str(home), "PATH": path, "DO_NOT_TRACK": "1"}


def _write_empty_pipreqs(home: Path) -> Path:
    """Write a `pipreqs` that succeeds and prints nothing; return its folder, for the path."""
    tools = home / "bin"
    tools.mkdir(parents=True, exist_ok=True)
    pipreqs = tools / "pipreqs"
    pipreqs.write_text("#!/bin/sh\n")
    pipreqs.chmod(0o755)
    return tools


def _write_version_stamp(home: Path) -> None:
    stamp = home / VERSION_STAMP
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(str(int(time.time())))
