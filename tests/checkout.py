"""A copy of what `make demo` runs, in which a demo touches no build of this checkout."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests import fivetran

REPOSITORY = Path(__file__).parent.parent
PARTS = ("klaviyo_connector", "klaviyo_sandbox", "dbt_project", "looker", "scripts")
OF_RUNS = shutil.ignore_patterns(
    "__pycache__", ".*_cache", "files", "crash-reports", "target", "logs"
)
SMALL = ("--campaigns", "30", "--profiles", "200", "--now", "2026-11-16T15:00:00+00:00")


@dataclass(frozen=True)
class Checkout:
    """A checkout, and what a demo in it leaves."""

    folder: Path

    @property
    def build(self) -> Path:
        """The folder of the account: the sync's log, the connector, its state and raw tables."""
        return self.folder / "build" / "demo"

    @property
    def raw(self) -> Path:
        """The warehouse file that the sync loads into."""
        return self.build / "connector" / "files" / "warehouse.db"

    @property
    def warehouse(self) -> Path:
        """The file of the marts."""
        return self.folder / "build" / "warehouse.duckdb"

    @property
    def dashboard(self) -> Path:
        """The HTML page that the demo ends with."""
        return self.folder / "build" / "dashboard.html"

    @property
    def output(self) -> str:
        """What the shared demo printed."""
        return (self.folder / "output.txt").read_text()

    def run_demo(self, *options: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run the demo to its end."""
        return subprocess.run(
            [sys.executable, "-m", "scripts.demo", *SMALL, *options],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": ""} | settings,
            capture_output=True,
            text=True,
            check=False,
        )


def check_out(folder: Path) -> Checkout:
    """Copy the parts; the environment of dbt is shared.

    The copy syncs six weeks, because the loader takes 20 s of CPU for the rows of a whole year.
    """
    for part in PARTS:
        shutil.copytree(REPOSITORY / part, folder / part, ignore=OF_RUNS)
    all_days = '"tables": options.tables}'
    some_days = '"tables": options.tables, "start_date": "2026-10-01"}'
    fivetran.alter(folder, "scripts/demo.py", all_days, some_days)
    (folder / ".venv-dbt").symlink_to(REPOSITORY / ".venv-dbt")
    return Checkout(folder)


def copy_checkout(checkout: Checkout, folder: Path) -> Checkout:
    """Copy a checkout with what its demo left, for a test that changes it."""
    return Checkout(shutil.copytree(checkout.folder, folder, symlinks=True))
