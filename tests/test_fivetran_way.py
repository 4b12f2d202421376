"""The commands of klaviyo_connector/README.md lead from a key to raw tables."""

import re
import subprocess
from pathlib import Path

import duckdb

from scripts import fivetran_debug
from tests import fivetran
from tests.sandbox_server import KEY, run_sandbox

README = (fivetran.CONNECTOR / "README.md").read_text()


def test_the_five_lines_of_the_readme_sync_an_account(tmp_path: Path) -> None:
    """The example of configuration.json passes `fivetran configuration --test`, and syncs."""
    [lines] = re.findall(r"```\n(export PATH.+?)```", README, re.DOTALL)
    assert len(lines.splitlines()) == 5
    project = fivetran.copy_connector(tmp_path)
    project.rename(tmp_path / "klaviyo_connector")
    environment = fivetran_debug.build_environment(tmp_path / "home")
    # The environment's own pipreqs asks the package index, which takes minutes offline.
    commands = tmp_path / ".venv" / "bin"
    commands.parent.mkdir()
    commands.symlink_to(tmp_path / "home" / "bin")
    (commands / "fivetran").symlink_to(fivetran_debug.BIN / "fivetran")
    with run_sandbox(campaigns=5, profiles=20, no_limits=True) as sandbox:
        done = subprocess.run(
            ["/bin/sh", "-ec", lines.replace("pk_...", KEY).replace("reporting", "campaign")],
            cwd=tmp_path,
            env=environment | {"KLAVIYO_BASE_URL": sandbox.url},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    assert "calling test 'api_key_is_valid'" in output
    assert "SYNC SUCCEEDED" in output
    file = tmp_path / "klaviyo_connector" / "files" / "warehouse.db"
    with duckdb.connect(str(file), read_only=True) as raw:
        [count] = raw.sql(f"select count(*) from {fivetran_debug.SCHEMA}.campaign").fetchall()
    assert count[0] > 0
