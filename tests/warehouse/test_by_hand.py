"""The project by hand: the commands of dbt_project/README.md, from its folder and from the root."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import duckdb
import pytest
import yaml
from jinja2 import Environment

from tests.warehouse import dbt

README = (dbt.PROJECT / "README.md").read_text()
ONE_MODEL = "dbt run --select stg_klaviyo__account"  # in the place of a build, which takes minutes


@pytest.fixture(name="checkout")
def _checkout(dbt_build: Path, tmp_path: Path) -> Path:
    """A repository with the raw tables of a demo and the marts of a build."""
    (tmp_path / ".venv-dbt").symlink_to(Path(dbt.DBT).parents[1])
    project = tmp_path / "dbt_project"
    project.mkdir()
    for part in dbt.PROJECT.iterdir():
        if part.name not in ("target", "logs"):
            (project / part.name).symlink_to(part)
    demo = tmp_path / "build" / "demo" / "connector" / "files"
    demo.mkdir(parents=True)
    shutil.copy(dbt_build / "raw.db", demo / "warehouse.db")
    shutil.copy(dbt_build / "warehouse.duckdb", tmp_path / "build")
    return tmp_path


def run(lines: str, folder: Path) -> str:
    """Run lines of a shell and return what they print."""
    settings = dbt.EVERYTHING | {"DO_NOT_TRACK": "1", "PWD": str(folder)}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("DBT_")}
    done = subprocess.run(
        ["/bin/sh", "-ec", lines],
        cwd=folder,
        env=inherited | settings,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("folder", "root"), [("/shop/dbt_project", "../"), ("/shop", ""), (None, "")]
)
def test_the_default_files_are_those_of_the_repository(folder: str | None, root: str) -> None:
    """From the project's folder and from the root, the profile names the same two files."""
    variables = {"PWD": folder} if folder else {}
    profiles = yaml.safe_load((dbt.PROJECT / "profiles.yml").read_text())
    output = profiles["klaviyo_warehouse"]["outputs"]["duckdb"]
    [attached] = output["attach"]
    render = Environment(autoescape=False).from_string  # noqa: S701 - the text is a path
    [warehouse, raw] = [
        render(profile["path"]).render(env_var=variables.get) for profile in (output, attached)
    ]
    assert warehouse == f"{root}build/warehouse.duckdb"
    assert raw == f"{root}klaviyo_connector/files/warehouse.db"


@pytest.mark.chaos
def test_the_commands_of_the_readme_run(checkout: Path) -> None:
    """A build works in the project's folder as from the root, and `mf query` has the revenue."""
    [lines] = re.findall(r"```\n(export KLAVIYO_RAW_DUCKDB.+?)```", README, re.DOTALL)
    assert "../.venv-dbt/bin/dbt build\n" in lines
    output = run(lines.replace("dbt build", ONE_MODEL), checkout)
    raw = str(checkout / "build" / "demo" / "connector" / "files" / "warehouse.db")
    folders = "--project-dir dbt_project --profiles-dir dbt_project"
    run(f"KLAVIYO_RAW_DUCKDB={raw} .venv-dbt/bin/{ONE_MODEL} {folders}", checkout)
    assert [file.name for file in checkout.rglob("*.duckdb")] == ["warehouse.duckdb"]
    with duckdb.connect(str(checkout / "build" / "warehouse.duckdb"), read_only=True) as marts:
        months = marts.sql(
            "select date_trunc('month', sent_on), currency, sum(conversion_value)"
            " from klaviyo.klaviyo__message_performance group by all"
        ).fetchall()
    shown = re.findall(r"^(\d{4}-\d\d)-01\S*\s+([A-Z]{3})\s+([\d.]+)", output, re.MULTILINE)
    assert {(month, currency): float(value) for month, currency, value in shown} == {
        (f"{month:%Y-%m}", currency): pytest.approx(value, abs=0.01)
        for month, currency, value in months
        if value is not None
    }
