"""The pinned environments agree with what is asked for, and with each other."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PIN = re.compile(r"^([\w.-]+)==(\S+)", re.MULTILINE)

MODULES = ["scripts.pipeline", "scripts.load_postgres", "looker.__main__"]
GROUPS = ["connector", "warehouse", "scripts"]


def project(folder: Path) -> dict[str, Any]:
    """The parsed pyproject.toml of a folder."""
    return tomllib.loads((folder / "pyproject.toml").read_text())


def pins(group: str) -> dict[str, str]:
    """Version by package name, as compiled for a group."""
    return dict(PIN.findall((ROOT / "requirements" / f"{group}.txt").read_text()))


def unmet(asked: list[str], group: str) -> list[str]:
    """The requirements that the compiled file of a group does not fulfil."""
    found = pins(group)

    def is_met(wanted: Requirement) -> bool:
        name = canonicalize_name(wanted.name)
        return name in found and found[name] in wanted.specifier

    return [text for text in asked if not is_met(Requirement(text))]


def asked(group: str) -> list[str]:
    """What a group of pyproject.toml asks for, itself or through a group that it includes."""
    entries = project(ROOT)["dependency-groups"][group]
    included = [entry["include-group"] for entry in entries if isinstance(entry, dict)]
    own = [entry for entry in entries if isinstance(entry, str)]
    return own + [text for other in included for text in asked(other)]


@pytest.mark.parametrize("group", GROUPS)
def test_compiled_file_fulfils_its_group(group: str) -> None:
    """Every package that a group of pyproject.toml asks for is pinned as asked: `make lock` ran."""
    assert unmet(asked(group), group) == []


def test_connector_is_tested_with_what_fivetran_installs() -> None:
    """The connector's own dependencies have, in the test environment, the version it declares."""
    assert unmet(project(ROOT / "klaviyo_connector")["project"]["dependencies"], "connector") == []


def test_the_container_is_tested_with_what_it_holds() -> None:
    """The image's packages have the versions of the test environment; the SDK is not among them."""
    assert set(pins("scripts").items()) <= set(pins("connector").items())
    assert not [name for name in pins("scripts") if "fivetran" in name]


ONLY = """
import importlib, sys
from importlib.metadata import packages_distributions

of = packages_distributions()


class Finder:
    def find_spec(self, name, *_):
        owners = {owner.lower().replace("_", "-") for owner in of.get(name, ())}
        if owners and not owners & set(sys.argv[2:]):
            raise ModuleNotFoundError(f"{name} is not in the image")


sys.meta_path.insert(0, Finder())
importlib.import_module(sys.argv[1])
"""


@pytest.mark.parametrize("module", MODULES)
def test_the_container_holds_what_its_commands_import(module: str) -> None:
    """Each command starts with the packages of the image alone."""
    done = subprocess.run(
        [sys.executable, "-c", ONLY, module, *pins("scripts")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_both_environments_read_the_same_warehouse_file() -> None:
    """The environments have one version of duckdb, so each opens what the other wrote."""
    assert pins("connector")["duckdb"] == pins("warehouse")["duckdb"]


@pytest.mark.parametrize("group", GROUPS)
def test_compiled_file_names_no_index(group: str) -> None:
    """A compiled file holds names, versions and hashes only, so that any package index will do."""
    assert "://" not in (ROOT / "requirements" / f"{group}.txt").read_text()
