"""Run fivetran/dbt_klaviyo on the compatibility views of a sandbox account.

`dbt deps` installs the package from hub.getdbt.com. Without it nothing runs, and one line says why.

exit codes:
  0  every node of the package succeeds, or the package cannot be had
  1  a node fails
"""

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.sandbox_server import KEY, REPOSITORY, run_sandbox

sys.path.insert(0, str(REPOSITORY / "klaviyo_connector"))

from tests.loader import Loader
from tests.warehouse import dbt, raw

PROJECT = Path(__file__).with_name("peer_project")
PACKAGES = PROJECT / "packages.yml"
TABLES = "reporting,event,event_attribution,profile"
VIEWS = ("run", "--select", "+path:models/compatibility")


class PackageError(Exception):
    """dbt cannot install the package."""


def install(folder: Path, packages: Path) -> dict[str, str]:
    """Install the packages into a project in `folder`; returns its settings for dbt."""
    shutil.copytree(PROJECT, folder, dirs_exist_ok=True)
    shutil.copy(packages, folder / "packages.yml")
    profile = (dbt.PROJECT / "profiles.yml").read_text()
    (folder / "profiles.yml").write_text(profile.replace("klaviyo_warehouse:", "peer:"))
    environment = {"DBT_PROJECT_DIR": str(folder), "DBT_PROFILES_DIR": str(folder)}
    done = dbt.run_on(folder, environment, "deps", warn_error=False)
    if done.returncode:
        raise PackageError(done.stdout.strip().splitlines()[-1].strip())
    return environment


def build(folder: Path, environment: dict[str, str], raw_file: Path) -> tuple[int, int, str]:
    """Build the package on the views in the folder's warehouse.

    Returns the numbers of its nodes that succeed and of all, and what dbt prints.
    """
    settings = dbt.duckdb_environment(folder, raw_file) | environment
    del settings["DBT_TARGET"]  # the default; so no parsed project is kept
    done = dbt.run_on(folder, settings, "build", "--select", "package:klaviyo", warn_error=False)
    report = folder / "target" / "run_results.json"
    nodes = json.loads(report.read_text())["results"] if report.exists() else []
    passed = [node for node in nodes if node["status"] in ("success", "pass")]
    return len(passed), len(nodes), done.stdout


def build_views(folder: Path) -> Path:
    """Sync a sandbox account and build the views of it; returns the file of the raw tables."""
    with run_sandbox(campaigns=20, profiles=200, no_limits=True) as sandbox:
        loader = Loader(sandbox.url, {"api_key": KEY, "tables": TABLES}).sync()
    tables = {name: list(rows.values()) for name, rows in loader.tables.items()}
    file = raw.write(folder / "raw.db", tables)
    done = dbt.run(folder, *VIEWS, raw=file, tables=TABLES)
    assert done.returncode == 0, done.stdout
    return file


def main(arguments: Sequence[str] | None = None) -> int:
    """Install the package, build the views and the package on them, and print the count."""
    parser = argparse.ArgumentParser(
        "make peer", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--packages", type=Path, default=PACKAGES, help="another packages.yml")
    packages = parser.parse_args(arguments).packages
    with TemporaryDirectory() as name:
        folder = Path(name)
        try:
            environment = install(folder / "peer", packages)
        except PackageError as error:
            print(f"skipped: dbt deps cannot install {packages.name}: {error}")
            return 0
        file = build_views(folder)
        shutil.copy(folder / "warehouse.duckdb", folder / "peer")
        passed, nodes, output = build(folder / "peer", environment, file)
    if passed < nodes or not nodes:
        print(output)
    print(f"{passed} of {nodes} nodes of fivetran/dbt_klaviyo succeed on the compatibility views")
    return 0 if passed == nodes > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
