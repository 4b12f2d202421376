"""The Looker project as a developer expects it: parseable, described, nothing dangling."""

import itertools
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lkml
import pytest
import yaml

from looker import declaration, lookml, lookml_dashboard, semantic
from tests.looker import lookml_sql
from tests.looker.lookml_sql import View

SEMANTICS = semantic.load()
VIEWS = lookml_sql.views("klaviyo")
LOOKML = dict(lookml.files(SEMANTICS)) | {
    f"refinements/{file.name}": file.read_text() for file in lookml_sql.REFINEMENTS.iterdir()
}
DASHBOARDS = [
    board
    for _, text in lookml_dashboard.files(declaration.load(SEMANTICS), SEMANTICS)
    for board in yaml.safe_load(text)
]
PARSER = "lookml-parser@7.1.3"  # that of Look At Me Sideways, Looker's linter
FORMATS = {f"{kind}_{digits}" for kind in ("decimal", "percent") for digits in range(5)}

every_view = pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
every_board = pytest.mark.parametrize("board", DASHBOARDS, ids=lambda board: board["dashboard"])


@pytest.mark.parametrize("path", LOOKML)
def test_lookml_survives_a_round_trip(path: str) -> None:
    """What is read from a file and written again reads the same."""
    content = lkml.load(LOOKML[path])
    assert content
    assert lkml.load(lkml.dump(content) or "") == content


@pytest.mark.skipif(shutil.which("npx") is None, reason="needs node")
def test_a_second_parser_reads_the_project(tmp_path: Path) -> None:
    """A parser that shares no code with ours finds every field, and nothing to complain about."""
    for path, text in LOOKML.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    command = ["npx", "--yes", "--prefer-offline", "--package", PARSER, "lookml-parser"]
    done = subprocess.run(
        [*command, "--input=**/*.lkml"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    project = json.loads(done.stdout)
    assert "errors" not in project, project.get("errors")
    for name, view in VIEWS.items():
        read = project["file"][f"views/{name}.view"]["view"][name]
        assert set(read["measure"]) == set(view.measures)


@every_view
def test_a_view_has_one_hidden_key(view: View) -> None:
    """Looker can join without counting twice, and nobody has to look at the key."""
    keys = [field for field in view.content["dimensions"] if field.get("primary_key") == "yes"]
    assert [key["hidden"] for key in keys] == ["yes"]


@every_view
def test_what_is_shown_is_named_and_described(view: View) -> None:
    """Every visible field has a description and a label of its own; ids are hidden."""
    fields = [
        *view.content["dimensions"],
        *view.content["dimension_groups"],
        *view.content["measures"],
    ]
    visible = [field for field in fields if field.get("hidden") != "yes"]
    assert all(field.get("label") and field.get("description") for field in visible)
    labels = [field["label"] for field in visible]
    assert len(set(labels)) == len(labels)
    assert not any(field["name"].endswith("_id") for field in visible)


@every_view
def test_measures_are_sums_or_made_of_sums(view: View) -> None:
    """No measure averages, and none reaches past the sums to the rows."""
    for measure in view.measures.values():
        assert measure["type"] in ("sum", "number")
        assert (measure["type"] == "sum") == ("${TABLE}" in measure["sql"])
        assert measure["value_format_name"] in FORMATS


@every_view
def test_nothing_refers_to_a_field_that_is_not_there(view: View) -> None:
    """Drill fields and required fields exist in the view."""
    known = view.dimensions.keys() | view.measures.keys() | {"detail*"}
    [detail] = view.content["sets"]
    used = list(detail["fields"])
    for measure in view.measures.values():
        used += [*measure["drill_fields"], *measure.get("required_fields", ())]
    assert set(used) <= known


def test_explores_are_named_in_short() -> None:
    """There is one for each view, with a label that fits the menu."""
    explores = lkml.load(LOOKML["klaviyo.model.lkml"])["explores"]
    assert [explore["name"] for explore in explores] == list(VIEWS)
    assert all(0 < len(explore["label"]) <= 25 for explore in explores)


def references(value: Any) -> Iterator[str]:
    """Every `view.field` in a part of a dashboard."""
    match value:
        case dict():
            for key, one in value.items():
                if key not in ("title", "note_text", "name"):
                    yield from references(key)
                    yield from references(one)
        case list():
            for one in value:
                yield from references(one)
        case str() if value.partition(".")[0] in VIEWS and "." in value:
            yield value.split()[0]


@every_board
def test_dashboards_show_what_the_views_have(board: dict[str, Any]) -> None:
    """Every field of a tile, a filter or a sort order is one of the view's."""
    used = set(references(board))
    assert used
    for name in used:
        view, _, field = name.partition(".")
        assert field in VIEWS[view].dimensions.keys() | VIEWS[view].measures.keys(), name


@every_board
def test_tiles_lie_side_by_side(board: dict[str, Any]) -> None:
    """No two tiles of a dashboard have one name or cover one place, and all are in the grid."""
    names = [element["name"] for element in board["elements"]]
    assert len(set(names)) == len(names)
    cells = [
        cell
        for element in board["elements"]
        for cell in itertools.product(
            range(element["row"], element["row"] + element["height"]),
            range(element["col"], element["col"] + element["width"]),
        )
    ]
    assert len(set(cells)) == len(cells)
    assert max(column for _, column in cells) < lookml_dashboard.GRID


@every_board
def test_every_tile_says_what_its_figures_mean(board: dict[str, Any]) -> None:
    """The note of a tile holds the definition of each of its metrics."""
    for element in board["elements"]:
        for field in element["fields"]:
            view, _, name = field.partition(".")
            if name in VIEWS[view].measures:
                assert SEMANTICS.metric(name).description in element["note_text"]
