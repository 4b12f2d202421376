"""How to run the real `fivetran debug` without the look-ups it makes on its own account.

Before every run the SDK asks the package index for a newer version of itself and about the
project's imports. Offline each costs seconds of retries, and no setting turns them off. Both are
pinned in `requirements/`, so the run gets a home that says "checked just now" and a `pipreqs`
(the SDK's scanner of imports) that finds nothing to report.
"""

import os
import sys
import time
from pathlib import Path

BIN = Path(sys.executable).parent
SCHEMA = "tester"  # that `fivetran debug` loads into (3.0.0)

# Seconds since the epoch of the last check; the SDK looks again after six hours (3.0.0).
VERSION_STAMP = Path(".fivetran", "connector_sdk", "_last_version_check")


def command(project: Path) -> list[str]:
    """The command line that syncs `project`; it reads the configuration, JSON, from standard input.

    A key that comes in this way is never written to disk.
    """
    return [str(BIN / "fivetran"), "debug", str(project), "--configuration", "/dev/stdin"]


def environment(home: Path) -> dict[str, str]:
    """The environment variables for `command`, with `home` as the home directory of the run.

    Settings of the person's own `FIVETRAN_*` variables and home directory do not reach the run.
    """
    path = os.pathsep.join([str(_quiet_tools(home)), str(BIN), os.environ["PATH"]])
    _stamp_version_check(home)
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("FIVETRAN_")}
    return inherited | {"HOME": str(home), "PATH": path, "DO_NOT_TRACK": "1"}


def _quiet_tools(home: Path) -> Path:
    """A folder of `home`, first on the path, with a `pipreqs` that succeeds and says nothing."""
    tools = home / "bin"
    tools.mkdir(parents=True, exist_ok=True)
    pipreqs = tools / "pipreqs"
    pipreqs.write_text("#!/bin/sh\n")
    pipreqs.chmod(0o755)
    return tools


def _stamp_version_check(home: Path) -> None:
    stamp = home / VERSION_STAMP
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(str(int(time.time())))
