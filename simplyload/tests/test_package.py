"""The package that is built, as its users install it."""

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

ROOT = Path(__file__).parents[1]


def test_the_package_has_its_licence(tmp_path: Path) -> None:
    """The wheel has the whole text of the Apache License, and names it in its metadata."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    with ZipFile(wheel) as package:
        [licence] = [name for name in package.namelist() if name.endswith("licenses/LICENSE")]
        [metadata] = [name for name in package.namelist() if name.endswith("/METADATA")]
        assert package.read(licence) == (ROOT / "LICENSE").read_bytes()
        assert "License-Expression: Apache-2.0\n" in package.read(metadata).decode()
    assert "Apache License" in (ROOT / "LICENSE").read_text()
