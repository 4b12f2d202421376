"""Lightdash's own library reads dbt's manifest, where it is installed (npm)."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

NODE = shutil.which("node")
PACKAGES = os.environ.get("LIGHTDASH")
SCRIPT = Path(__file__).with_name("lightdash.mjs")

pytestmark = pytest.mark.skipif(
    not (NODE and PACKAGES),
    reason="needs node, and LIGHTDASH=folder after `npm install --prefix folder @lightdash/common`",
)


def test_lightdash_makes_an_explore_of_every_mart(dbt_build: Path) -> None:
    """Lightdash accepts every mart of the manifest, with each of its columns as a dimension."""
    file = dbt_build / "target" / "manifest.json"
    command = [str(NODE), str(SCRIPT), str(file), str(Path(str(PACKAGES)).resolve())]
    explores = json.loads(subprocess.check_output(command, text=True))
    nodes = json.loads(file.read_text())["nodes"].values()
    marts = {
        node["name"]: set(node["columns"])
        for node in nodes
        if node["resource_type"] == "model" and node["fqn"][1] == "marts"
    }

    assert {
        name: explore["errors"] for name, explore in explores.items() if explore["errors"]
    } == {}
    assert explores.keys() == marts.keys()
    lacking = {name: columns - {*explores[name]["dimensions"]} for name, columns in marts.items()}
    assert {name: columns for name, columns in lacking.items() if columns} == {}
