"""What is generated is what is committed, and stays so."""

import json
import shutil
from pathlib import Path

import pytest

from looker import __main__ as looker
from looker import generated, lineage, semantic
from looker.errors import LookerError

OPEN_RATE = "Unique opens / delivered, over the channels whose opens are counted."


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    """A copy of what is generated."""
    folder = tmp_path / "looker"
    shutil.copytree(generated.FOLDER / "lookml", folder / "lookml")
    for path in ("FIELDS.md", "BUILD.md", lineage.FILE.name):
        shutil.copy(generated.FOLDER / path, folder)
    return folder


def changed_models(folder: Path, mart: str, before: str, after: str) -> Path:
    """A copy of dbt's models in which a text of a mart is another."""
    models = Path(shutil.copytree(semantic.MODELS, folder / "models"))
    file = models / "marts" / f"{mart}.yml"
    content = file.read_text()
    assert before in content
    file.write_text(content.replace(before, after))
    return models


def test_nothing_has_drifted(capsys: pytest.CaptureFixture[str]) -> None:
    """The committed files are, byte for byte, those that today's models give."""
    assert looker.main(["check"]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("before", "after", "files"),
    [
        (OPEN_RATE, "Opens / sent.", {"FIELDS", "BUILD", "view", "dashboard"}),
        ("label: Unique opens\n", "label: Openers\n", {"FIELDS", "view"}),
        ("numerator: opens_unique", "numerator: opens", {"FIELDS", "BUILD", "view"}),
        ("expr: recipients", "expr: delivered", {"FIELDS", "BUILD", "view"}),
    ],
)
def test_a_change_in_dbt_is_drift(
    folder: Path, tmp_path: Path, before: str, after: str, files: set[str]
) -> None:
    """A metric that is changed in dbt alone is shown, line by line, in each file that tells it."""
    models = changed_models(tmp_path, "klaviyo__message_performance", before, after)
    differences = list(generated.check(semantic.load(models), folder))
    drifted = [line.rpartition("/")[2] for line in differences if line.startswith("+++ ")]
    assert {name.split(".")[-2] for name in drifted} == files


def test_the_command_prints_the_difference_and_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`python -m looker check` ends with 1, the changed line and what to do about it."""
    models = changed_models(tmp_path, "klaviyo__message_performance", OPEN_RATE, "Opens / sent.")
    changed = semantic.load(models)
    monkeypatch.setattr(semantic, "load", lambda: changed)
    assert looker.main(["check"]) == 1
    printed = capsys.readouterr()
    assert f'-    description: "{OPEN_RATE}"\n+    description: "Opens / sent."\n' in printed.out
    assert printed.err == "looker/ is out of date: run `.venv/bin/python -m looker build`.\n"


def test_build_mends_what_has_drifted(folder: Path) -> None:
    """Building restores what is missing or changed, removes what is left over, and no more."""
    before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    (folder / "lookml" / "manifest.lkml").unlink()
    (folder / "FIELDS.md").write_text("# Mine\n")
    (folder / lineage.FILE.name).write_text("{}")
    (folder / "lookml" / "views" / "old.view.lkml").write_text("view: old {}\n")
    written = generated.build(semantic.load(), folder)
    assert written == [
        "FIELDS.md",
        "lookml/manifest.lkml",
        "lookml/views/old.view.lkml",
        "origins.json",
    ]
    assert {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()} == before


def test_a_column_that_was_never_traced_is_named(folder: Path) -> None:
    """After a new column in a mart the check says what to run, instead of an empty origin."""
    (folder / lineage.FILE.name).write_text(json.dumps({"klaviyo__message_performance": {}}))
    with pytest.raises(LookerError, match=r"origin of klaviyo__.* run `.*python -m looker build`"):
        list(generated.check(semantic.load(), folder))


def test_without_dbt_build_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where dbt is not installed, building names what is missing and writes nothing."""
    monkeypatch.setattr(lineage, "DBT", tmp_path / "dbt")
    with pytest.raises(LookerError, match="dbt cannot be run"):
        generated.build(semantic.load(), tmp_path)
    assert list(tmp_path.iterdir()) == []
