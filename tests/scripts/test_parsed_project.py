"""dbt reuses the project that it parsed only if nothing that it was parsed from has changed."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from scripts.parsed_project import PARSED, reuse_if_same

SETTINGS = {"KLAVIYO_TABLES": "all"}


@pytest.fixture(name="project")
def _project(tmp_path: Path) -> Path:
    """A project with one model, which a run has parsed."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "orders.sql").write_text("select 1 as id")
    assert run(tmp_path) == "--no-partial-parse"
    return tmp_path


def run(project: Path, target: str = "duckdb", settings: Mapping[str, str] = SETTINGS) -> str:
    """Do as dbt does with the option for this run, and return the option."""
    with reuse_if_same(project, target, settings) as option:
        (project / "target").mkdir(exist_ok=True)
        (project / "target" / PARSED).write_text(option)
    return option


def test_a_run_of_the_same_project_reuses_it(project: Path) -> None:
    """The second and the third run of the same files and settings do not parse them again."""
    assert [run(project), run(project)] == ["--partial-parse"] * 2


def test_an_edit_or_another_setting_parses_it_again(project: Path) -> None:
    """A changed file, a new one, another setting or another target is never read from the cache."""
    (project / "models" / "orders.sql").write_text("select 2 as id")
    assert run(project) == "--no-partial-parse"
    (project / "models" / "orders.yml").write_text("models: []")
    assert run(project) == "--no-partial-parse"
    assert run(project, settings={"KLAVIYO_TABLES": "event"}) == "--no-partial-parse"
    assert run(project, target="postgres", settings={}) == "--no-partial-parse"
    assert run(project, target="postgres", settings={}) == "--partial-parse"


def test_another_run_of_dbt_or_a_failed_one_parses_it_again(project: Path) -> None:
    """What a run by hand parsed may be of other settings, and a killed one may end at any point."""
    (project / "target" / PARSED).write_text("of a run by hand")
    assert run(project) == "--no-partial-parse"
    with pytest.raises(KeyboardInterrupt), reuse_if_same(project, "duckdb", SETTINGS):
        raise KeyboardInterrupt
    assert run(project) == "--no-partial-parse"
