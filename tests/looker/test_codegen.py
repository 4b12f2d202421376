"""The committed files equal the generated ones."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from looker import __main__ as looker
from looker import codegen, lineage, semantic
from looker.errors import LookerError
from tests.warehouse import dbt

OPEN_RATE = "Unique opens / delivered, over the channels whose opens are counted."


def slow(*values: Any) -> Any:
    """A case of a parametrized test that `make chaos` runs."""
    return pytest.param(*values, marks=pytest.mark.chaos)


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    """A copy of the generated files."""
    folder = tmp_path / "looker"
    shutil.copytree(codegen.FOLDER / "lookml", folder / "lookml")
    for path in ("FIELDS.md", "BUILD.md", "MARTS.md", "ossie.yml", lineage.FILE.name):
        shutil.copy(codegen.FOLDER / path, folder)
    return folder


def copy_models(folder: Path, mart: str, before: str, after: str) -> Path:
    """A copy of dbt's models with a text of one mart replaced."""
    models = Path(shutil.copytree(semantic.MODELS, folder / "models"))
    file = models / "marts" / f"{mart}.yml"
    content = file.read_text()
    assert before in content
    file.write_text(content.replace(before, after))
    return models


def test_committed_files_are_current(capsys: pytest.CaptureFixture[str]) -> None:
    """The committed files equal, byte for byte, those generated from today's models."""
    assert looker.main(["check"]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("before", "after", "files"),
    [
        (OPEN_RATE, "Opens / sent.", {"FIELDS", "BUILD", "ossie", "view", "dashboard"}),
        slow("label: Unique opens\n", "label: Openers\n", {"FIELDS", "ossie", "view"}),
        slow("numerator: opens_unique", "numerator: opens", {"FIELDS", "BUILD", "ossie", "view"}),
        slow("expr: recipients", "expr: delivered", {"FIELDS", "BUILD", "ossie", "view"}),
        (
            "expr: text_message_spend\n",
            "expr: text_message_conversion_value\n",
            {"FIELDS", "BUILD", "ossie", "view", "test"},
        ),
    ],
)
def test_a_change_in_dbt_is_reported(
    folder: Path, tmp_path: Path, before: str, after: str, files: set[str]
) -> None:
    """A change of a metric in dbt alone is reported for each file that shows the metric."""
    models = copy_models(tmp_path, "klaviyo__message_performance", before, after)
    differences = list(codegen.check(semantic.load(models), folder))
    drifted = [line.rpartition("/")[2] for line in differences if line.startswith("+++ ")]
    assert {name.split(".")[-2] for name in drifted} == files


@pytest.mark.slow
def test_a_changed_query_is_reported(
    monkeypatch: pytest.MonkeyPatch, folder: Path, tmp_path: Path
) -> None:
    """A change of SQL alone is reported: a column may come from others than were traced."""
    project = Path(shutil.copytree(lineage.PROJECT, tmp_path / "dbt_project"))
    monkeypatch.setattr(lineage, "PROJECT", project)
    assert list(codegen.check(semantic.load(), folder)) == []
    (project / "models" / "marts" / "klaviyo__campaign_daily.sql").write_text("select 1 as one")
    differences = list(codegen.check(semantic.load(), folder))
    changed = [line.split('"')[1] for line in differences if line.startswith('+  "')]
    assert changed == ["models/marts/klaviyo__campaign_daily.sql"]


def test_the_command_prints_the_difference_and_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`python -m looker check` exits with 1 and prints the changed line and the remedy."""
    models = copy_models(tmp_path, "klaviyo__message_performance", OPEN_RATE, "Opens / sent.")
    semantics = semantic.load(models)
    monkeypatch.setattr(semantic, "load", lambda: semantics)
    assert looker.main(["check"]) == 1
    printed = capsys.readouterr()
    old, new = (f'    description: "{text} Over several' for text in (OPEN_RATE, "Opens / sent."))
    assert re.search(rf"^-{re.escape(old)}.*\n\+{re.escape(new)}", printed.out, re.MULTILINE)
    assert printed.err == "looker/ is out of date: run `.venv/bin/python -m looker build`.\n"


def compile_parsed_project(folder: Path) -> Path:
    """Compile as `lineage` does, but without parsing the project once more."""
    duckdb.connect(folder / "raw.db").close()
    models = ("compile", "--select", "resource_type:model")
    done = dbt.run(folder, *models, raw=folder / "raw.db", artifacts=True)
    assert done.returncode == 0, done.stdout
    return folder / "target"


@pytest.mark.slow
@pytest.mark.parametrize(
    "compiling", [compile_parsed_project, pytest.param(lineage._compile, marks=pytest.mark.chaos)]
)
def test_build_restores_files_that_drifted(
    folder: Path, monkeypatch: pytest.MonkeyPatch, compiling: Callable[[Path], Path]
) -> None:
    """Building restores missing and changed files, removes others, and writes nothing else."""
    monkeypatch.setattr(lineage, "_compile", compiling)
    before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    (folder / "lookml" / "manifest.lkml").unlink()
    (folder / "FIELDS.md").write_text("# Mine\n")
    (folder / lineage.FILE.name).write_text(lineage.render({}))
    (folder / "lookml" / "views" / "old.view.lkml").write_text("view: old {}\n")
    written = codegen.build(semantic.load(), folder)
    assert written == [
        "FIELDS.md",
        "lookml/manifest.lkml",
        "lookml/views/old.view.lkml",
        "origins.json",
    ]
    assert {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()} == before


def test_a_column_without_lineage_is_named(folder: Path) -> None:
    """For a new column of a mart the check names the command that traces it."""
    (folder / lineage.FILE.name).write_text(lineage.render({"klaviyo__message_performance": {}}))
    with pytest.raises(LookerError, match=r"origin of klaviyo__.* run `.*python -m looker build`"):
        list(codegen.check(semantic.load(), folder))


def test_build_without_dbt_names_the_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without dbt, building names the missing program and writes nothing."""
    monkeypatch.setattr(lineage, "DBT", tmp_path / "dbt")
    with pytest.raises(LookerError, match="dbt cannot be run"):
        codegen.build(semantic.load(), tmp_path)
    assert list(tmp_path.iterdir()) == []
