"""What is sent to Fivetran is the connector, and nothing that happens to lie beside it."""

import zipfile
from pathlib import Path

from tests.fivetran import CONNECTOR
from tests.fivetran_cli import package

MODULES = {file.name for file in CONNECTOR.glob("*.py")}
BESIDE = {"pyproject.toml", "configuration_form.pb"}
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
    ".ruff_cache/.gitignore",
    ".ruff_cache/0.17.5/connector",
)


# X7 of the fault matrix
def test_the_package_holds_the_connector_alone(connector_project: Path) -> None:
    """Keys, state, data and tests that lie in the folder are left at home."""
    for name in DECOYS:
        decoy = connector_project / name
        decoy.parent.mkdir(parents=True, exist_ok=True)
        decoy.write_text("{}")
    with zipfile.ZipFile(package(connector_project)) as sent:
        names = {name for name in sent.namelist() if Path(name).name != ".gitignore"}
        assert names == MODULES | BESIDE  # the SDK always ships the files that say what not to
        for name in MODULES:
            assert sent.read(name) == (CONNECTOR / name).read_bytes()
