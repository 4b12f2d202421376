"""BUILD.md: how a person builds the dashboard in Data Studio (formerly Looker Studio), once.

Nothing else can: Data Studio's API lists reports and their permissions, but creates, imports and
exports none. `studio.py` links to copies of what was built.
"""

from collections.abc import Iterator, Mapping

from looker import markdown
from looker.declaration import Chart, Dashboard, Tile
from looker.fields import formula
from looker.semantic import Metric, SemanticModel, Semantics

CHARTS: Mapping[Chart, str] = {
    "figures": "Scorecard, one for each metric",
    "columns": "Stacked column chart",
    "lines": "Time series chart",
    "heatmap": "Pivot table with heatmap",
    "table": "Table",
    "tests": "Table",
}


def files(dashboard: Dashboard, semantics: Semantics) -> Iterator[tuple[str, str]]:
    """The sheet as Markdown: path and content."""
    models = {tile.model: semantics.model(tile.model) for tile in dashboard.tiles}
    content = markdown.render(
        "BUILD.md",
        dashboard=dashboard,
        models=list(models.values()),
        filters=[models[dashboard.model].dimensions[name] for name in dashboard.filters],
        metrics=[
            semantics.metric(name)
            for name in dict.fromkeys(name for tile in dashboard.tiles for name in tile.metrics)
        ],
        settings=lambda tile: list(_settings(tile, dashboard, semantics)),
    )
    yield "BUILD.md", content


def _settings(tile: Tile, dashboard: Dashboard, semantics: Semantics) -> Iterator[tuple[str, str]]:
    """What to choose for a tile in Data Studio's panel: setting and value."""
    model = semantics.model(tile.model)
    yield "Chart", CHARTS[tile.chart]
    yield "Data source", f"`{model.table}`, date range dimension `{model.date}`"
    yield from _dimensions(tile, model, dashboard)
    for name in tile.metrics:
        yield "Metric", _metric(semantics.metric(name), semantics)
    for name in tile.bars:
        yield "Style", f"{semantics.metric(name).label} as bar, with its number"
    for name, value in tile.where.items():
        yield "Filter", f"Include `{name}` equal to `{str(value).lower()}`"
    for name, least in tile.minimum.items():
        yield "Filter", f"Include `{formula(semantics.metric(name), semantics)}` at least {least:,}"
    if tile.order:
        yield "Sort", f"{_title(tile.order, model, semantics)}, descending"
    if tile.limit:
        yield "Rows per page", str(tile.limit)
    if not tile.dated:
        yield "Date range", "Fixed: from a day before the first sync, to today"
    elif tile.chart == "figures":
        yield "Comparison date range", "Previous period"


def _dimensions(
    tile: Tile, model: SemanticModel, dashboard: Dashboard
) -> Iterator[tuple[str, str]]:
    by = [f"`{name}`" for name in tile.by]
    match tile.chart:
        case "figures":
            return
        case "columns" | "lines":
            types = {"day": "Date", "week": "ISO Year Week"}
            grain = types[dashboard.default_period.grain]
            yield "Dimension", f"`{model.date}`, of type {grain}"
            if by:
                yield "Breakdown dimension", ", ".join(by)
        case "heatmap":
            yield "Row dimension", by[0]
            yield "Column dimension", ", ".join(by[1:])
        case _:
            names = dict.fromkeys([*tile.by, *tile.columns, *tile.versions])
            yield "Dimensions", ", ".join(f"`{name}`" for name in names)


def _metric(metric: Metric, semantics: Semantics) -> str:
    """A metric with what Data Studio calls its aggregation or formula, and its type."""
    if metric.column:
        return f"{metric.label}: `{metric.column}`, aggregation Sum, {_type(metric)}"
    return f"{metric.label}: calculated field `{formula(metric, semantics)}`, {_type(metric)}"


def _type(metric: Metric) -> str:
    kind, _, digits = metric.format.partition("_")
    if kind == "money":
        return "type Currency of the account"
    return f"type {'Percent' if kind == 'percent' else 'Number'}, decimal precision {digits or 0}"


def _title(name: str, model: SemanticModel, semantics: Semantics) -> str:
    if name in model.dimensions:
        return f"`{name}`"
    return semantics.metric(name).label
