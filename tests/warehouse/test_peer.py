"""`make peer` counts the nodes of the package on the views, or says why it is skipped."""

import shutil
from pathlib import Path

import pytest

from tests.warehouse import peer

PROJECT = "name: klaviyo\nversion: 1.4.1\nvars: {klaviyo_schema: klaviyo}\n"
EVENTS = "select id, {column} from {{{{ var('klaviyo_schema') }}}}.event"


def test_without_the_package_one_line_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A package that dbt cannot install is no failure, and is named."""
    packages = tmp_path / "packages.yml"
    packages.write_text("packages:\n  - local: nowhere\n")

    assert peer.main(["--packages", str(packages)]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("skipped: dbt deps cannot install packages.yml: ")


def test_a_node_that_fails_is_counted(dbt_build: Path, tmp_path: Path) -> None:
    """A package with a model that finds its column in the views and one that does not: 1 of 2."""
    package = tmp_path / "package"
    (package / "models").mkdir(parents=True)
    (package / "dbt_project.yml").write_text(PROJECT)
    for name, column in (("good", "person_id"), ("bad", "profile_id")):
        (package / "models" / f"{name}.sql").write_text(EVENTS.format(column=column))
    packages = tmp_path / "packages.yml"
    packages.write_text(f"packages:\n  - local: {package}\n")
    folder = tmp_path / "peer"
    environment = peer.install(folder, packages)
    shutil.copy(dbt_build / "warehouse.duckdb", folder)

    passed, nodes, output = peer.build(folder, environment, dbt_build / "raw.db")

    assert (passed, nodes) == (1, 2)
    assert "profile_id" in output
