"""FIELDS.md: every field, and where it comes from."""

import re

import pytest

from looker import fields, lineage, lookml, raw, semantic
from tests.looker import lookml_sql

SEMANTICS = semantic.load()
ORIGINS = lineage.load()
[(_, FIELDS)] = fields.files(SEMANTICS, ORIGINS)
# What the plans for the dashboard, older than this project, call their fields.
PLANNED = "date campaign_name subject_line open_rate click_rate list_id engagement_score".split()


def rows(section: str) -> dict[str, list[str]]:
    """The rows of a section's tables by their LookML field, or by their name in the extract."""
    [text] = re.findall(rf"^## {section}\n(.*?)(?=^## |\Z)", FIELDS, re.DOTALL | re.MULTILINE)
    cells = [line.strip("| \n").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    column = 0 if section == fields.EXTRACT else 4
    return {row[column].strip("`"): row for row in cells if row[1] != "Klaviyo"}


@pytest.mark.parametrize("view", lookml_sql.views("klaviyo").values(), ids=lambda view: view.name)
def test_every_lookml_field_is_in_the_mapping(view: lookml_sql.View) -> None:
    """Each field that Looker offers has a line; keys and further timeframes stay Looker's own."""
    model = SEMANTICS.model(view.name)
    named = {lookml.name_in_view(model, name) for name in model.dimensions}
    assert rows(model.table).keys() == named | view.measures.keys()
    generated = {name for name, field in view.dimensions.items() if "timeframe" not in field}
    assert generated - named <= {model.key, "sent_weekday_name"}


@pytest.mark.parametrize("name", PLANNED)
def test_planned_names_are_in_the_mapping(name: str) -> None:
    """A field of the plans is found under its name, with all that leads to it."""
    found = rows(fields.EXTRACT).get(name) or rows("klaviyo__message_performance")[name]
    assert all(cell not in ("", "–") for cell in (*found[1:6], found[7]))


def test_the_extract_is_the_models_under_other_names() -> None:
    """What the extract renames comes from the same raw columns as the field it is a name of."""
    model = SEMANTICS.model(fields.EXTRACTED)
    for renamed, name in fields.RENAMED.items():
        column = SEMANTICS.metrics[name].column if name in SEMANTICS.metrics else name
        assert ORIGINS[fields.EXTRACT][renamed] == ORIGINS[model.table][column]


def test_statistics_come_from_the_reports() -> None:
    """A metric that carries a name of Klaviyo's is made of the statistic of that name."""
    model = SEMANTICS.model("message_performance")
    for metric in SEMANTICS.metrics_of(model):
        if metric.klaviyo:
            assert metric.klaviyo in raw.COLUMNS["campaign_performance"]
        if metric.klaviyo and metric.column:
            assert {raw.klaviyo_field(one) for one in ORIGINS[model.table][metric.column]} == {
                f"statistics/{metric.klaviyo}"
            }


def test_what_dbt_makes_itself_has_no_origin() -> None:
    """Of what is known of a message only its kind comes from no raw column."""
    origins = ORIGINS["klaviyo__message_performance"]
    assert [column for column, behind in origins.items() if not behind] == ["message_type"]
