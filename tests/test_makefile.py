"""What make does on its own account."""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_cleaning_spares_what_was_synced_from_a_real_account(tmp_path: Path) -> None:
    """Raw tables, state and exports of an account stay; what can be made again goes."""
    spared = ["build/account/connector/files/warehouse.db", "data/mart.csv", ".venv/bin/python"]
    removed = ["build/dashboard.html", "build/demo/sync.log", "dbt_project/target/manifest.json"]
    for name in (*spared, *removed):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    shutil.copy(ROOT / "Makefile", tmp_path)
    subprocess.run([str(shutil.which("make")), "--silent", "clean"], cwd=tmp_path, check=True)
    left = [str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*") if file.is_file()]
    assert sorted(left) == sorted([*spared, "Makefile"])
