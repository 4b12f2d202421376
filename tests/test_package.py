"""The package that is sent to Fivetran holds the connector, and nothing else of its folder."""

import zipfile
from pathlib import Path

from tests.fivetran import CONNECTOR
from tests.fivetran_cli import package

MODULES = {str(file.relative_to(CONNECTOR)) for file in CONNECTOR.rglob("*.py")}
OTHER_FILES = {"README.md", "pyproject.toml", "configuration_form.pb"}
DECOYS = (
    ".env",
    "secrets.env",
    "key.pem",
    "state.json",
    "configuration.json",
    "configuration.prod.json",
    "destination.json",
    "requirements.txt",
    "warehouse.db",
    "debug.log",
    "files/state.json",
    "crash-reports/crash_1.log",
    "tests/test_connector.py",
    "tests/__init__.py",
    "data/profiles.csv",
    "streams/profiles.csv",
    ".ruff_cache/.gitignore",
    ".ruff_cache/0.17.5/connector",
)


def test_package_holds_only_the_connector(connector_project: Path) -> None:
    """Keys, state, data and tests in the folder are not packaged (X7 of the fault table)."""
    for name in DECOYS:
        decoy = connector_project / name
        decoy.parent.mkdir(parents=True, exist_ok=True)
        decoy.write_text("{}")
    with zipfile.ZipFile(package(connector_project)) as sent:
        names = {name for name in sent.namelist() if Path(name).name != ".gitignore"}
        assert names == MODULES | OTHER_FILES  # the SDK ships each .gitignore too
        for name in MODULES:
            assert sent.read(name) == (CONNECTOR / name).read_bytes()
