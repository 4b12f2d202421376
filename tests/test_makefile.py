"""What make does by itself."""

import itertools
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

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


FAKE_UV = """#!/bin/sh
mkdir busy || echo at once >> clash
sleep 0.5
echo "$1" >> calls
rmdir busy
"""


def test_two_makes_at_once_install_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second `make` waits for the installation of the first, and does not repeat it."""
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "run.txt").touch()
    (tmp_path / "uv").write_text(FAKE_UV)
    (tmp_path / "uv").chmod(0o755)
    shutil.copy(ROOT / "Makefile", tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    command = [MAKE, "--silent", f"PYTHON={sys.executable}", ".venv/.stamp"]
    makes = [subprocess.Popen(command, cwd=tmp_path) for _ in range(2)]
    assert [make.wait() for make in makes] == [0, 0]
    assert not (tmp_path / "clash").exists()
    assert (tmp_path / "calls").read_text().split() == ["venv", "pip"]


def test_the_pipeline_installs_the_clients_of_clouds() -> None:
    """`make pipeline` adds the clients to `make demo`; a stamp adds them to the scripts alone."""
    command = [MAKE, "--dry-run", "--always-make"]
    plans = {
        target: subprocess.check_output([*command, target], cwd=ROOT, text=True)
        for target in ("demo", "pipeline", ".venv-scripts/.clouds")
    }
    installed = {
        target: set(re.findall(r"--requirement requirements/(\w+)\.txt", plan))
        for target, plan in plans.items()
    }
    assert installed == {
        "demo": {"run", "dbt"},
        "pipeline": {"run", "clouds", "warehouse"},
        ".venv-scripts/.clouds": {"scripts", "clouds"},
    }


def test_help_lists_every_target() -> None:
    """`make` prints every target with what it does, and each is phony."""
    makefile = (ROOT / "Makefile").read_text().replace("\\\n", "")
    targets = re.findall(r"^([a-z-]+):", makefile, re.MULTILINE)
    [phony] = re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    output = subprocess.run([MAKE], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"^make ([\w-]+) +\S", output, re.MULTILINE) == targets
    assert sorted(phony.split()) == sorted(targets)


def test_python_keeps_its_bytecode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process of make writes bytecode where the environment forbids it, as containers do."""
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    (tmp_path / "Makefile").write_text(f"include {ROOT}/Makefile\nshow:\n\t@env\n")
    shown = subprocess.check_output([MAKE, "--silent", "show"], cwd=tmp_path, text=True)
    assert "PATH=" in shown
    assert "PYTHONDONTWRITEBYTECODE" not in shown


def test_make_test_fails_where_either_suite_fails(tmp_path: Path) -> None:
    """Both suites run to their end, and the output of each is shown."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "simplyload").mkdir()
    (tmp_path / "simplyload" / "pyproject.toml").touch()
    inputs = [f"requirements/{name}.txt" for name in ("connector", "warehouse")]
    stamps = [".venv/.tests", ".venv-dbt/.engines", ".venv-load/.stamp"]
    for name in (*inputs, "simplyload/requirements.txt", *stamps):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    write_program(tmp_path / ".venv/bin/python", "exit 0")
    for codes in itertools.product((0, 1), repeat=2):
        for folder, code in zip((".venv", ".venv-load"), codes, strict=True):
            write_program(tmp_path / folder / "bin/pytest", f"echo {folder} ends; exit {code}")
        done = subprocess.run(
            [MAKE, "--no-print-directory", "test"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert bool(done.returncode) == any(codes), (codes, done.stderr)
        assert done.stdout.splitlines()[:2] == [".venv ends", ".venv-load ends"]


def write_program(file: Path, script: str) -> None:
    """A program of that name."""
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


@pytest.mark.parametrize("project", [".", "simplyload"])
def test_make_test_leaves_out_markers_that_each_project_declares(project: str) -> None:
    """`make test` starts in both projects: pytest stops at a marker that it does not know."""
    [expression] = re.findall(r'-m "(not slow.*?)"', (ROOT / "Makefile").read_text())
    options = tomllib.loads((ROOT / project / "pyproject.toml").read_text())["tool"]["pytest"]
    markers = [line.split(":")[0] for line in options.get("ini_options", options)["markers"]]
    assert set(re.findall(r"not (\w+)", expression)) <= set(markers)
