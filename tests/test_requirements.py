"""The pinned environments satisfy what pyproject.toml requires, and agree with each other."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PIN = re.compile(r"^([\w.-]+)==(\S+)", re.MULTILINE)

COMMANDS = [
    "scripts.pipeline",
    "scripts.load_postgres",
    "scripts.doctor.__main__",
    "scripts.mcp.__main__",
    "looker.__main__",
]
GROUPS = ["connector", "warehouse", "snowflake", "scripts", "clouds", "run", "dbt"]
IMAGE = ["scripts", "clouds"]
CLOUDS = ["scripts.bigquery", "scripts.s3", "scripts.digest.ses"]


def read_pyproject(folder: Path) -> dict[str, Any]:
    """The parsed pyproject.toml of a folder."""
    return tomllib.loads((folder / "pyproject.toml").read_text())


def read_compiled(group: str) -> str:
    """The compiled file of a group."""
    return (ROOT / "requirements" / f"{group}.txt").read_text()


def pins(*groups: str) -> dict[str, str]:
    """Version by package name, as compiled for groups."""
    return {
        name: version for group in groups for name, version in PIN.findall(read_compiled(group))
    }


def unmet(requirements: list[str], group: str) -> list[str]:
    """The requirements that the compiled file of a group does not satisfy."""
    pinned = pins(group)

    def is_met(requirement: Requirement) -> bool:
        name = canonicalize_name(requirement.name)
        return name in pinned and pinned[name] in requirement.specifier

    return [text for text in requirements if not is_met(Requirement(text))]


def requirements(group: str) -> list[str]:
    """What a group of pyproject.toml requires, itself or through a group that it includes."""
    entries = read_pyproject(ROOT)["dependency-groups"][group]
    included = [entry["include-group"] for entry in entries if isinstance(entry, dict)]
    own = [entry for entry in entries if isinstance(entry, str)]
    return own + [text for other in included for text in requirements(other)]


def test_compiled_files_satisfy_pyproject() -> None:
    """Every package that a group requires is pinned as required: `make lock` ran."""
    offenders = {group: unmet(requirements(group), group) for group in GROUPS}
    assert {group: missing for group, missing in offenders.items() if missing} == {}


def test_connector_is_tested_with_what_fivetran_installs() -> None:
    """The connector's own dependencies have, in the test environment, the version it declares."""
    declared = read_pyproject(ROOT / "klaviyo_connector")["project"]["dependencies"]
    assert unmet(declared, "connector") == []


def test_container_is_tested_with_its_own_packages() -> None:
    """The image's packages have the versions of the test environment; the SDK is not among them."""
    assert set(pins(*IMAGE).items()) <= set(pins("connector").items())
    assert not [name for name in pins(*IMAGE) if "fivetran" in name]


def test_what_tests_add_changes_no_version_of_a_run() -> None:
    """`make test` adds packages to those of `make demo`, and replaces none."""
    for run, tests in (("run", "connector"), ("clouds", "connector"), ("dbt", "warehouse")):
        assert set(pins(run).items()) < set(pins(tests).items())


# Only the packages named after "--" can be found.
LIMIT = """
import importlib, sys
from importlib.metadata import packages_distributions

of = packages_distributions()


class Finder:
    def find_spec(self, name, *_):
        owners = {owner.lower().replace("_", "-") for owner in of.get(name, ())}
        if owners and not owners & packages:
            raise ModuleNotFoundError(f"{name} is not installed", name=name)


end = sys.argv.index("--")
packages = set(sys.argv[end:])
sys.meta_path.insert(0, Finder())
"""
IMPORT = f"""
{LIMIT}
for module in sys.argv[1:end]:
    importlib.import_module(module)
"""
RUN = f"""
{LIMIT}
sys.exit(importlib.import_module(sys.argv[1]).main(sys.argv[2:end]))
"""


def fail_to_import(modules: Sequence[str], *groups: str) -> str:
    """Import modules with the packages of groups alone; return the error, if there is one."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORT, *modules, "--", *pins(*groups)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr if done.returncode else ""


def test_commands_start_with_the_packages_that_they_install(subtests: pytest.Subtests) -> None:
    """The image's commands, `make demo`, `make sync` and `make doctor` need no other package."""
    of_make = ["scripts.demo", "scripts.sample", "klaviyo_sandbox.__main__", *COMMANDS]
    for group, commands in (("scripts", COMMANDS), ("run", of_make)):
        with subtests.test(group):
            done = subprocess.run(
                [sys.executable, "-c", IMPORT, *commands, "--", *pins(group)],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr


def test_both_environments_read_the_same_warehouse_file() -> None:
    """The environments have one version of duckdb, so each opens what the other wrote."""
    assert pins("connector")["duckdb"] == pins("warehouse")["duckdb"]


def test_dbt_has_one_version_in_both_of_its_environments() -> None:
    """The tests of Snowflake run the dbt that the others run."""
    assert pins("snowflake")["dbt-core"] == pins("warehouse")["dbt-core"]


def test_compiled_files_name_no_index() -> None:
    """Compiled files hold names, versions and hashes only, so that any package index serves."""
    assert [group for group in GROUPS if "://" in read_compiled(group)] == []
