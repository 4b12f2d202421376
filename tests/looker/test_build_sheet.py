"""BUILD.md describes the whole dashboard."""

import re

from looker import build_sheet, codegen, declaration, field_mapping, semantic

SEMANTICS = semantic.load()
DASHBOARD = declaration.load(SEMANTICS)
[(_, SHEET)] = build_sheet.generate_files(DASHBOARD, SEMANTICS)


def section(text: str, heading: str) -> str:
    """The text below a heading, up to the next heading of its level."""
    level = heading.partition(" ")[0]
    return text.partition(f"\n{heading}\n")[2].partition(f"\n{level} ")[0]


def test_every_tile_is_described() -> None:
    """Each tile is below its page, with its mart, its metrics and their columns or formulas."""
    missing = []
    for page in DASHBOARD.pages:
        for tile in page.tiles:
            settings = section(section(SHEET, f"### {page.title}"), f"#### {tile.title}")
            metrics = [SEMANTICS.metric(name) for name in tile.metrics]
            if tile.chart == "curve":  # Data Studio adds up the sums of a ratio
                metrics = [SEMANTICS.metric(name) for metric in metrics for name in metric.sums]
            wanted = [
                f"`{SEMANTICS.model(tile.model).table}`",
                *(f"| Metric | {DASHBOARD.label(tile, metric)}: " for metric in metrics),
                *(f"`{m.column or field_mapping.formula(m, SEMANTICS)}`" for m in metrics),
            ]
            missing += [(tile.title, text) for text in wanted if text not in settings]
    assert missing == []


def test_tables_have_a_rule_for_rates_of_few() -> None:
    """A table of rates has the numbers that they are of, and makes a row of few grey."""
    settings = section(section(SHEET, "### Flows"), "#### Messages of flows")
    for label in ("Delivered", "Delivered with clicks tracked"):
        assert f"| Metric | {label}: `" in settings
        assert (
            f"| Conditional formatting | {label} less than 50: grey text, whole row |" in settings
        )
    top = section(section(SHEET, "### Campaigns"), "#### Top campaigns by revenue per recipient")
    assert "Conditional formatting" not in top  # its rows have 500 delivered messages or more


def test_every_definition_and_control_is_described() -> None:
    """The sheet has dbt's definition of each metric, and a control for each filter."""
    metrics = [SEMANTICS.metric(name) for tile in DASHBOARD.tiles for name in tile.metrics]
    wanted = [
        *(f"- {metric.label}: {metric.description}\n" for metric in metrics),
        *(f"- a drop-down list of `{name}`" for name in DASHBOARD.filters),
        f"*Last {DASHBOARD.default_period.days} days*",
    ]
    assert [text for text in wanted if text not in SHEET] == []


def test_manual_steps_are_named() -> None:
    """The sheet says that Data Studio cannot import a report, and which steps are manual."""
    assert "no way to create, import or export a report" in SHEET
    assert "Three steps are manual" in SHEET


def test_each_page_has_a_picture() -> None:
    """A page begins with a picture of the HTML page, and says so: there is none of a report."""
    assert "No report was built in Data Studio here." in SHEET
    for page in DASHBOARD.pages:
        first = section(SHEET, f"### {page.title}").strip().splitlines()[0]
        [(text, file)] = re.findall(r"^!\[(.*)\]\((.*)\)$", first)
        assert text == f"{page.title} in the HTML page, on sandbox data"
        assert (codegen.FOLDER / file).is_file()
