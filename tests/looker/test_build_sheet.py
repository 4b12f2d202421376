"""BUILD.md: whoever follows it builds the whole dashboard."""

import pytest

from looker import build_sheet, declaration, fields, semantic

SEMANTICS = semantic.load()
DASHBOARD = declaration.load(SEMANTICS)
[(_, SHEET)] = build_sheet.files(DASHBOARD, SEMANTICS)


@pytest.mark.parametrize("page", DASHBOARD.pages, ids=lambda page: page.title)
def test_every_tile_is_told(page: declaration.Page) -> None:
    """A page's tiles stand under it with mart, metrics and formulas."""
    text = SHEET.partition(f"\n### {page.title}\n")[2].partition("\n### ")[0]
    for tile in page.tiles:
        settings = text.partition(f"\n#### {tile.title}\n")[2].partition("\n#### ")[0]
        assert f"`{SEMANTICS.model(tile.model).table}`" in settings
        for name in tile.metrics:
            metric = SEMANTICS.metric(name)
            how = metric.column or fields.formula(metric, SEMANTICS)
            assert f"| Metric | {metric.label}: " in settings
            assert f"`{how}`" in settings


def test_every_definition_and_control_is_told() -> None:
    """A figure is explained in dbt's words, and each filter of the dashboard becomes a control."""
    for tile in DASHBOARD.tiles:
        for name in tile.metrics:
            metric = SEMANTICS.metric(name)
            assert f"- {metric.label}: {metric.description}\n" in SHEET
    for name in DASHBOARD.filters:
        assert f"- a drop-down list of `{name}`" in SHEET
    assert f"*Last {DASHBOARD.default_period.days} days*" in SHEET


def test_what_stays_by_hand_is_said() -> None:
    """Nobody is promised a report that builds itself."""
    assert "no way to create, import or export a report" in SHEET
    assert "Three things stay by hand" in SHEET
