"""The Looker project parses, describes its fields and has no dangling reference."""

import itertools
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import duckdb
import lkml
import pytest
import yaml

from looker import (
    declaration,
    explores,
    lookml_dashboard,
    lookml_data_tests,
    lookml_explores,
    lookml_views,
    semantic,
)
from looker.yaml_reader import parse_yaml
from tests.looker import lookml_sql

SEMANTICS = semantic.load()
VIEWS = lookml_sql.build_views("klaviyo")
DASHBOARD = declaration.load(SEMANTICS)
EXPLORES = explores.load(SEMANTICS)
LOOKML = (
    dict(lookml_views.generate_files(SEMANTICS, DASHBOARD))
    | dict(lookml_explores.generate_files(SEMANTICS, DASHBOARD, EXPLORES))
    | dict(lookml_data_tests.generate_files(SEMANTICS, EXPLORES))
    | {f"refinements/{file.name}": file.read_text() for file in lookml_sql.REFINEMENTS.iterdir()}
)
DASHBOARDS = [
    dashboard
    for _, text in lookml_dashboard.generate_files(DASHBOARD, SEMANTICS, EXPLORES)
    for dashboard in parse_yaml(text)
]
PARSER = "lookml-parser@7.1.3"  # that of Look At Me Sideways, Looker's linter
FORMATS = {f"{kind}_{digits}" for kind in ("decimal", "percent") for digits in range(5)}


def test_lookml_survives_a_round_trip() -> None:
    """Every file has content, and reads the same after it is parsed and written again."""
    contents = {path: lkml.load(text) for path, text in LOOKML.items()}
    offenders = [
        path
        for path, content in contents.items()
        if not content or lkml.load(lkml.dump(content) or "") != content
    ]
    assert offenders == []


@pytest.mark.skipif(shutil.which("npx") is None, reason="needs node")
def test_a_second_parser_reads_the_project(tmp_path: Path) -> None:
    """A parser that shares no code with lkml finds every measure and reports no error."""
    for path, text in LOOKML.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    command = ["npx", "--yes", "--prefer-offline", "--package", PARSER, "lookml-parser"]
    parsing = subprocess.run(
        [*command, "--input=**/*.lkml"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    project = json.loads(parsing.stdout)
    assert "errors" not in project, project.get("errors")
    files = project["file"]
    parsed = {name: set(files[f"views/{name}.view"]["view"][name]["measure"]) for name in VIEWS}
    assert parsed == {
        name: view.measures.keys() | view.comparisons.keys() for name, view in VIEWS.items()
    }


def test_every_view_has_one_hidden_key() -> None:
    """Looker can join each view without counting twice, and the key is not among the fields."""
    keys = {
        name: [
            field["hidden"]
            for field in view.content["dimensions"]
            if field.get("primary_key") == "yes"
        ]
        for name, view in VIEWS.items()
    }
    assert {name: key for name, key in keys.items() if key != ["yes"]} == {}


def test_visible_fields_are_described() -> None:
    """Every visible field has a description and a label of its own; ids are hidden."""
    offenders = []
    for view in VIEWS.values():
        kinds = ("dimensions", "dimension_groups", "measures")
        fields = [field for kind in kinds for field in view.content[kind]]
        visible = [field for field in fields if field.get("hidden") != "yes"]
        labels = [field.get("label") for field in visible]
        offenders += [
            f"{view.name}.{field['name']}"
            for field in visible
            if not field.get("description")
            or not field.get("label")
            or labels.count(field["label"]) > 1
            or field["name"].endswith("_id")
        ]
    assert offenders == []


def test_measures_are_sums_or_made_of_sums() -> None:
    """No measure averages, and only a sum reads a column of the table."""
    offenders = [
        f"{view.name}.{name}"
        for view in VIEWS.values()
        for name, measure in view.measures.items()
        if measure["type"] not in ("sum", "number")
        or (measure["type"] == "sum") != ("${TABLE}" in measure["sql"])
        or measure["value_format_name"] not in FORMATS
    ]
    assert offenders == []


def test_comparisons_keep_lookers_rules() -> None:
    """A comparison is based on a sum of its view and a day, and names a period and a kind."""
    offenders = [
        f"{view.name}.{name}"
        for view in VIEWS.values()
        for name, field in view.comparisons.items()
        if field["based_on"] not in [f"{view.name}.{sum_}" for sum_ in view.measures]
        or view.measures[field["based_on"].partition(".")[2]]["type"] != "sum"
        or view.dimensions[field["based_on_time"].partition(".")[2]].get("timeframe") != "date"
        or field["period"] not in ("week", "month", "year")
        or field["kind"] not in ("previous", "relative_change")
    ]
    assert offenders == []


def test_amounts_show_their_currency() -> None:
    """An amount of money is followed by its currency, which its query always has."""
    amounts = {metric.name for metric in SEMANTICS.metrics.values() if metric.format == "money"}
    shown = set()
    for view in VIEWS.values():
        for name, measure in view.measures.items():
            if "{{ currency._value }}" in measure.get("html", ""):
                assert "currency" in measure["required_fields"]
                shown.add(name)
    assert shown == amounts
    assert amounts


def test_rates_of_few_are_grey() -> None:
    """A rate of fewer than `few` is grey with their number, which its query always has."""
    grey, rates = {}, {}
    for name, metric in SEMANTICS.metrics.items():
        if counted := declaration.find_counted(metric, SEMANTICS):
            rates[name] = (counted, str(DASHBOARD.few))
    for view in VIEWS.values():
        for name, measure in view.measures.items():
            rule = r"{% if value and (\w+)\._value < (\d+) %}<span style=\"color: #\w+\">"
            if found := re.match(rule, measure.get("html", "")):
                counted, few = found.groups()
                assert counted in measure["required_fields"]
                assert (
                    f" of {{{{ {counted}._value }}}}</span>{{% else %}}{{{{ linked_value"
                    in measure["html"]
                )
                grey[name] = (counted, few)
    assert grey == rates
    assert rates["click_rate"] == ("click_tracked_delivered", "50")


def test_fields_refer_to_existing_fields() -> None:
    """The detail set, drill fields and required fields exist in their view."""
    offenders = []
    for view in VIEWS.values():
        existing = view.dimensions.keys() | view.measures.keys() | {"detail*"}
        [detail] = view.content["sets"]
        used = list(detail["fields"])
        for measure in view.measures.values():
            used += [*measure["drill_fields"], *measure.get("required_fields", ())]
        offenders += [f"{view.name}: {name}" for name in used if name not in existing]
    assert offenders == []


def test_every_view_has_an_explore() -> None:
    """There is one explore for each view, with a label that fits the menu."""
    explores = lkml.load(LOOKML["klaviyo.model.lkml"])["explores"]
    assert [explore["name"] for explore in explores] == list(VIEWS)
    assert all(0 < len(explore["label"]) <= 25 for explore in explores)


def test_values_have_the_labels_of_the_page() -> None:
    """A text with declared labels shows them, and a value without one is shown as it is."""
    shown = {}
    for view in VIEWS.values():
        for name, field in view.dimensions.items():
            if cases := re.findall(r"{% when '(.*?)' %}([^{]+)", field.get("html", "")):
                assert "{% else %}{{ rendered_value }}" in field["html"]
                shown[name] = dict(cases)
    declared = {
        name: {value: words["label"] for value, words in values.items() if value != words["label"]}
        for name, values in DASHBOARD.values.items()
        if name in shown
    }
    assert shown == declared
    assert {"send_channel", "message_type", "click_result", "engagement_tier"} <= shown.keys()


def test_values_have_the_order_of_the_page() -> None:
    """A text whose declared order is not that of the alphabet is sorted in the declared order."""
    unsorted = {
        name: list(values)
        for name, values in DASHBOARD.values.items()
        if list(values) != sorted(values, key=str)
    }
    shown = {}
    for view in VIEWS.values():
        for name, field in view.dimensions.items():
            if order := field.get("order_by_field"):
                values = ", ".join(f"('{value}')" for value in sorted(unsorted[name]))
                sql = (
                    f"select {name} from (values {values}) as {view.name}({name})"
                    f" order by {view.expand(order)}"
                )
                shown[name] = [value for (value,) in duckdb.sql(sql).fetchall()]
    assert shown == {name: unsorted[name] for name in shown}
    assert {"send_channel", "messages_per_week", "alert_level", "rfm_group"} <= shown.keys()


def test_dates_have_every_useful_timeframe() -> None:
    """A date can be grouped from the day to the year, and by names of weekdays and months."""
    groups = [group for view in VIEWS.values() for group in view.content["dimension_groups"]]
    wanted = ["date", "week", "month", "quarter", "year", "day_of_week", "week_of_year"]
    assert {tuple(group["timeframes"][-8:]) for group in groups} == {(*wanted, "month_name")}
    weekdays = [name for view in VIEWS.values() for name in view.dimensions if "weekday" in name]
    assert weekdays == []


def test_one_account_has_to_be_chosen() -> None:
    """Every dashboard asks for one account, so no figure is of two currencies."""
    for board in DASHBOARDS:
        [account] = [filter_ for filter_ in board["filters"] if filter_["name"] == "Account"]
        assert account["required"]
        assert not account["allow_multiple_values"]
        assert account["default_value"] == ""
        listening = [element["listen"].get("Account", "") for element in board["elements"]]
        assert all(field.endswith(".account_name") for field in listening)


def test_dashboards_have_no_anchors() -> None:
    """No part of a dashboard stands for another: a value is written wherever it occurs."""
    texts = dict(lookml_dashboard.generate_files(DASHBOARD, SEMANTICS, EXPLORES)).values()
    tokens = [token for text in texts for token in yaml.scan(text)]
    assert tokens
    assert not [token for token in tokens if isinstance(token, (yaml.AnchorToken, yaml.AliasToken))]


def find_references(value: Any) -> Iterator[str]:
    """Every `view.field` in a part of a dashboard."""
    match value:
        case dict():
            for key, part in value.items():
                if key not in ("title", "note_text", "name"):
                    yield from find_references(key)
                    yield from find_references(part)
        case list():
            for part in value:
                yield from find_references(part)
        case str() if value.partition(".")[0] in VIEWS and "." in value:
            yield value.split()[0]


def test_dashboards_refer_to_existing_fields() -> None:
    """Every field of a tile, a filter or a sort order exists in its view."""
    existing = {
        f"{view.name}.{field}"
        for view in VIEWS.values()
        for field in (*view.dimensions, *view.measures, *view.comparisons)
    }
    references = {board["dashboard"]: set(find_references(board)) for board in DASHBOARDS}
    assert all(references.values())
    offenders = {name: used - existing for name, used in references.items() if used - existing}
    assert offenders == {}


def test_a_campaigns_name_links_to_its_dashboard_and_to_klaviyo() -> None:
    """The link opens a dashboard of this model with a filter that the dashboard has."""
    boards = {
        board["dashboard"]: {filter_["name"] for filter_ in board["filters"]}
        for board in DASHBOARDS
    }
    names = [view.dimensions.get("campaign_name", {}) for view in VIEWS.values()]
    links = [link["url"] for name in names for link in name.get("links", ())]
    assert links.count("https://www.klaviyo.com/campaign/{{ campaign_id._value | url_encode }}") > 1
    inner = {link for link in links if link.startswith("/")}
    for link in inner:
        board, _, chosen = link.removeprefix("/dashboards/{{ _model._name }}::").partition("?")
        filters = [unquote(part.partition("=")[0]) for part in chosen.split("&")]
        values = [part.partition("=")[2] for part in chosen.split("&")]
        # A name may hold a comma, which a filter of Looker's reads as "or".
        assert all(value.endswith("filterable_value | url_encode }}") for value in values)
        assert filters == ["Account", "Campaign", "Campaign id"]
        assert set(filters) <= boards[board]
    assert inner


def test_the_dashboard_of_a_campaign_is_of_one_id() -> None:
    """Two campaigns of one name are not one figure, nor are all where none is chosen."""
    [board] = [board for board in DASHBOARDS if board["dashboard"] == "klaviyo_campaign"]
    [chosen] = [filter_ for filter_ in board["filters"] if filter_["name"] == "Campaign id"]
    assert chosen["required"]
    assert not chosen["allow_multiple_values"]
    assert chosen["default_value"] == ""
    listening = [element["listen"].get("Campaign id", "") for element in board["elements"]]
    assert all(field.endswith(".campaign_id") for field in listening)


def test_dashboards_name_the_model_by_a_constant() -> None:
    """A project with a model of another name overrides one constant of the manifest."""
    constants = lkml.load(LOOKML["manifest.lkml"])["constants"]
    assert {"name": "MODEL", "value": "klaviyo", "export": "override_optional"} in constants
    named = [
        element["model"] for board in DASHBOARDS for element in board["elements"] + board["filters"]
    ]
    assert set(named) == {"@{MODEL}"}


def test_sums_are_compared_by_whole_months() -> None:
    """Each sum that a dashboard shows for chosen days is also beside the month before.

    The comparison needs a month in its query, and says nothing of the days that are chosen.
    """
    compared: dict[str, set[str]] = {}
    for board in DASHBOARDS:
        for element in board["elements"]:
            if element.get("show_comparison"):
                month, measure, before = element["fields"]
                view, _, name = measure.partition(".")
                assert element["hidden_fields"] == [month]
                assert element["filters"][month] == "1 month ago"
                assert lookml_dashboard.DATE not in element["listen"]
                assert element["comparison_type"] == "value"  # a change would be green or red
                assert VIEWS[view].comparisons[before.partition(".")[2]]["based_on"] == measure
                assert VIEWS[view].comparisons[before.partition(".")[2]]["period"] == "month"
                compared.setdefault(board["title"].partition(": ")[2], set()).add(name)
    assert compared == {
        page.title: sums for page in DASHBOARD.pages if (sums := find_sums_of_chosen_days(page))
    }


def find_sums_of_chosen_days(page: declaration.Page) -> set[str]:
    """The sums among the figures of a page that follow the chosen days."""
    tiles = [tile for tile in page.tiles if tile.chart == "figures" and tile.dated]
    names = {name for tile in tiles for name in tile.metrics}
    return {name for name in names if SEMANTICS.metric(name).column}


def covered_cells(element: dict[str, Any]) -> Iterator[tuple[int, int]]:
    """The cells of the grid that an element covers: row and column."""
    return itertools.product(
        range(element["row"], element["row"] + element["height"]),
        range(element["col"], element["col"] + element["width"]),
    )


def test_tiles_are_side_by_side() -> None:
    """No two tiles of a dashboard share a name or a cell, and all are inside the grid."""
    offenders = []
    for board in DASHBOARDS:
        names = [element["name"] for element in board["elements"]]
        cells = [cell for element in board["elements"] for cell in covered_cells(element)]
        width = 1 + max(column for _, column in cells)
        is_valid = len(set(names)) == len(names) and len(set(cells)) == len(cells)
        if not is_valid or width > lookml_dashboard.GRID:
            offenders.append(board["dashboard"])
    assert offenders == []


def test_every_tile_defines_its_metrics() -> None:
    """The note of a tile holds the definition of each of its metrics."""
    offenders = []
    for board in DASHBOARDS:
        for element in board["elements"]:
            hidden = element.get("hidden_fields", [])
            shown = [name for name in element["fields"] if name not in hidden]
            fields = [field.partition(".")[::2] for field in shown]
            metrics = [name for view, name in fields if name in VIEWS[view].measures]
            calculated = element["type"] == "looker_single_record" or "dynamic_fields" in element
            assert metrics or calculated
            offenders += [
                (board["dashboard"], element["name"], name)
                for name in metrics
                if SEMANTICS.metric(name).description not in element["note_text"]
            ]
    assert offenders == []
