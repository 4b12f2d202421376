"""The dbt project as a package of another one, an analyst's (consumer/)."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pytest

from streams import TABLES
from tests.fivetran import SCHEMA
from tests.warehouse import dbt, raw, shop
from tests.warehouse.bigquery import running_bigquery

CONSUMER = Path(__file__).with_name("consumer")


def install(folder: Path, package: str, profiles: Path = dbt.PROJECT) -> dict[str, str]:
    """Copy the analyst's project to `folder` with ours as its package; returns its settings."""
    shutil.copytree(CONSUMER, folder, dirs_exist_ok=True)
    profile = (profiles / "profiles.yml").read_text()
    (folder / "profiles.yml").write_text(profile.replace("klaviyo_warehouse:", "shop_analytics:"))
    (folder / "packages.yml").write_text(f"packages:\n{package}")
    environment = {"DBT_PROJECT_DIR": str(folder), "DBT_PROFILES_DIR": str(folder)}
    run(folder, environment, "deps")
    return environment


def run(folder: Path, environment: Mapping[str, str], *arguments: str) -> str:
    """Run dbt on the analyst's project without a warning; returns what it prints."""
    done = dbt.run_on(folder, environment, *arguments)
    assert done.returncode == 0, done.stdout
    return done.stdout


def commit(folder: Path) -> Path:
    """A git repository with the committed state of our project as its folder `dbt_project`."""
    shutil.copytree(dbt.PROJECT, folder / "dbt_project", ignore=shutil.ignore_patterns("target"))
    identity = {
        f"GIT_{who}_{what}": "a@b.c"
        for who in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    }
    for command in ("init --quiet", "add .", "commit --quiet --message x", "tag v1"):
        subprocess.run(
            ["git", *command.split()],  # noqa: S607
            cwd=folder,
            check=True,
            env=os.environ | identity,
        )
    return folder


def test_an_analysts_project_builds_the_marts_with_its_own_settings(tmp_path: Path) -> None:
    """From git: the variables name schema, prefix and tables, and staging may be ephemeral."""
    file = raw.write(tmp_path / "raw.db", shop.ROWS)
    with duckdb.connect(str(file)) as connection:
        connection.execute("create schema landing")
        for table in TABLES:
            connection.execute(f"create table landing.kl_{table} as from {SCHEMA}.{table}")
    origin = commit(tmp_path / "origin")
    folder = tmp_path / "analyst"
    package = f"  - git: file://{origin}\n    revision: v1\n    subdirectory: dbt_project\n"
    environment = install(folder, package) | dbt.duckdb_environment(folder, file)
    del environment["DBT_TARGET"]  # the default; so no parsed project is kept

    only_its_own = ("--select", "+best_seller", "--indirect-selection", "cautious")
    run(folder, environment, "build", *only_its_own)

    rows = dbt.query(folder / "warehouse.duckdb", "from best_seller order by all")
    assert [tuple(row.values()) for row in rows] == [
        ("Mug", "HELLO", 3.0),
        ("Tea", "HELLO", 1.0),
    ]


@pytest.mark.chaos
def test_an_analysts_project_replaces_months_on_bigquery(tmp_path: Path) -> None:
    """From a folder: a second run without an affected month succeeds as in our own project."""
    folder = tmp_path / "analyst"
    with running_bigquery(tmp_path) as engine:
        engine.load(raw.write(tmp_path / "raw.db", shop.ROWS))
        installed = install(folder, f"  - local: {dbt.PROJECT}\n", profiles=tmp_path)
        environment = engine.environment | installed
        dates = (
            *("run", "--select", "+int_klaviyo__event_daily"),
            *("--vars", "{klaviyo_raw_schema: klaviyo_raw, klaviyo_table_prefix: ''}"),
        )
        run(folder, environment, *dates)
        run(folder, environment, *dates)
        scripts = [
            one for one in engine.scripts.values() if "dbt_partitions_for_replacement" in one
        ]

    assert scripts
    assert all("if array_length(dbt_partitions_for_replacement) > 0 then" in one for one in scripts)
