"""What make does by itself."""

import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent
MAKE = str(shutil.which("make"))


def test_clean_keeps_the_files_of_a_real_account(tmp_path: Path) -> None:
    """`make clean` keeps raw tables, state and exports of an account, and removes the rest."""
    kept = ["build/account/connector/files/warehouse.db", "data/mart.csv", ".venv/bin/python"]
    removed = ["build/dashboard.html", "build/demo/sync.log", "dbt_project/target/manifest.json"]
    for name in (*kept, *removed):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    shutil.copy(ROOT / "Makefile", tmp_path)
    subprocess.run([MAKE, "--silent", "clean"], cwd=tmp_path, check=True)
    files = [str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*") if file.is_file()]
    assert sorted(files) == sorted([*kept, "Makefile"])


def test_help_lists_every_target() -> None:
    """`make` prints every target with what it does, and each is phony."""
    makefile = (ROOT / "Makefile").read_text().replace("\\\n", "")
    targets = re.findall(r"^([a-z-]+):", makefile, re.MULTILINE)
    [phony] = re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    output = subprocess.run([MAKE], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"^make ([\w-]+) +\S", output, re.MULTILINE) == targets
    assert sorted(phony.split()) == sorted(targets)
