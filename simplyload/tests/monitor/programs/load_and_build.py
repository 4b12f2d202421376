"""Dagster with SimplyLoad's assets and those of a dbt project: load, then build; print the order.

It runs in the environment of dagster-dbt: load_and_build.py simplyload.yml <dbt project> <dbt>.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from dagster import AssetExecutionContext, materialize
from dagster_dbt import DbtCliResource, DbtProject, dbt_assets

from simplyload.dagster import load_assets

configuration, folder, program = sys.argv[1:]
project = DbtProject(project_dir=folder, profiles_dir=folder)
dbt = DbtCliResource(project_dir=project, dbt_executable=program)
subprocess.run([program, "parse", "--profiles-dir", folder], cwd=folder, check=True)


@dbt_assets(manifest=project.manifest_path)
def models(context: AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
    """Build the models whose sources are loaded."""
    yield from dbt.cli(["build"], context=context).stream()


result = materialize([models, *load_assets(configuration)], resources={"dbt": dbt})
done = result.get_asset_materialization_events()
print(json.dumps([event.asset_key.to_user_string() for event in done]))
