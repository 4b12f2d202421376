"""FIELDS.md lists every field with its origin."""

import re

from looker import field_mapping, lineage, lookml, raw_tables, semantic
from tests.looker import lookml_sql

SEMANTICS = semantic.load()
ORIGINS = lineage.load()
[(_, FIELDS)] = field_mapping.generate_files(SEMANTICS, ORIGINS)
# The field names of plans for the dashboard that are older than this project.
PLANNED = "date campaign_name subject_line open_rate click_rate list_id engagement_score".split()


def entries(section: str) -> dict[str, str]:
    """The entries of a section by LookML field; of the extract, by name."""
    [text] = re.findall(rf"^## {section}\n(.*?)(?=^## |\Z)", FIELDS, re.DOTALL | re.MULTILINE)
    entry = re.compile(r"^- \*\*(.*?)\*\* (.*?): (.*?)(?=^- |^### |\Z)", re.DOTALL | re.MULTILINE)
    found = entry.findall(text)
    is_extract = section == field_mapping.EXTRACT
    return {label if is_extract else name.strip("`"): rest for label, name, rest in found}


def test_the_mapping_fits_a_window() -> None:
    """No line is wider than a window at normal width."""
    assert max(map(len, FIELDS.splitlines())) <= 120


def test_every_lookml_field_is_in_the_mapping() -> None:
    """Each LookML field has an entry, except keys and the other timeframes of a date."""
    offenders = {}
    for view in lookml_sql.build_views("klaviyo").values():
        model = SEMANTICS.model(view.name)
        names = {lookml.name_in_view(model, name) for name in model.dimensions}
        orders = {field.get("order_by_field") for field in view.dimensions.values()}
        plain = {name for name, field in view.dimensions.items() if "timeframe" not in field}
        differences = entries(model.table).keys() ^ (names | view.measures.keys())
        differences |= plain - names - orders - {model.key, "subject_line_length"}
        if differences:
            offenders[view.name] = differences
    assert offenders == {}


def test_planned_names_are_in_the_mapping() -> None:
    """A field of the earlier plans has an entry under its name, with its origin in Klaviyo."""
    fields = entries("klaviyo__message_performance") | entries(field_mapping.EXTRACT)
    offenders = [
        name
        for name in PLANNED
        if not re.search(r"^\w.*\n  - Klaviyo `.*raw `", fields[name], re.DOTALL)
    ]
    assert offenders == []


def test_renamed_columns_of_the_extract_keep_their_origin() -> None:
    """A renamed column of the extract has the raw columns of the model's field."""
    model = SEMANTICS.model(field_mapping.EXTRACT_MODEL)
    for renamed, name in field_mapping.MODEL_NAMES.items():
        column = SEMANTICS.metrics[name].column if name in SEMANTICS.metrics else name
        assert ORIGINS[field_mapping.EXTRACT][renamed] == ORIGINS[model.table][column]


def test_statistics_come_from_reports() -> None:
    """A metric with a Klaviyo name is the statistic of that name in Klaviyo's reports."""
    table = SEMANTICS.model("message_performance").table
    statistics = [metric for metric in SEMANTICS.metrics.values() if metric.klaviyo]
    offenders = []
    for metric in statistics:
        path = f"statistics/{metric.klaviyo}"
        origins = ORIGINS[table][metric.column] if metric.column else []
        is_reported = metric.klaviyo in raw_tables.COLUMNS["campaign_performance"]
        is_read = not metric.column or {path} == set(map(raw_tables.klaviyo_field, origins))
        if not is_reported or not is_read:
            offenders.append(metric.name)
    assert statistics
    assert offenders == []


def test_only_the_message_type_has_no_origin() -> None:
    """Every column of a message has a raw column behind it, except its type, which dbt sets."""
    origins = ORIGINS["klaviyo__message_performance"]
    assert [column for column, raw_columns in origins.items() if not raw_columns] == [
        "message_type"
    ]
