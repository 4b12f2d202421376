"""BUILD.md: how to build the dashboard in Data Studio (formerly Looker Studio) by hand.

Data Studio's API lists reports and their permissions; it cannot create, import or export a report.
`data_studio.py` links to copies of the report that a person built.
"""

from collections.abc import Iterator, Mapping

from looker import markdown
from looker.declaration import Chart, Dashboard, Tile, find_counted
from looker.field_mapping import formula
from looker.semantic import Metric, SemanticModel, Semantics

CHART_NAMES: Mapping[Chart, str] = {
    "figures": "Scorecard, one for each metric",
    "columns": "Stacked column chart",
    "lines": "Time series chart",
    "curve": "Line chart",
    "heatmap": "Pivot table with heatmap",
    "table": "Table",
    "record": "Table",
    "tests": "Table",
    "steps": "Table",
    "findings": "Table",
}


def generate_files(dashboard: Dashboard, semantics: Semantics) -> Iterator[tuple[str, str]]:
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
        note=lambda tile: dashboard.note(tile, map(semantics.metric, tile.metrics)),
        settings=lambda tile: list(_describe_settings(tile, dashboard, semantics)),
    )
    yield "BUILD.md", content


def _describe_settings(
    tile: Tile, dashboard: Dashboard, semantics: Semantics
) -> Iterator[tuple[str, str]]:
    """The settings of a tile in Data Studio's panel: name and value."""
    model = semantics.model(tile.model)
    yield "Chart", CHART_NAMES[tile.chart]
    yield "Data source", f"`{model.table}`, date range dimension `{model.date}`"
    yield from _describe_dimensions(tile, model, dashboard)
    for metric in _list_metrics(tile, semantics, dashboard.few):
        description = _describe_metric(metric, semantics)
        running = ", running calculation Running sum" if tile.chart == "curve" else ""
        yield "Metric", f"{dashboard.label(tile, metric)}: {description}{running}"
    yield from _describe_style(tile, semantics, dashboard.few)
    for condition in _describe_filters(tile, semantics):
        yield "Filter", f"Include {condition}"
    for limit in tile.limits:
        yield "Reference line", f"Constant value {limit}, dashed"
    if tile.order:
        direction = "ascending" if tile.ascends else "descending"
        yield "Sort", f"{_sort_label(tile.order, model, semantics)}, {direction}"
    if tile.limit:
        yield "Rows per page", str(tile.limit)
    if tile.days:
        yield "Date range", f"Last {tile.days} days"
    elif not tile.dated:
        yield "Date range", "Fixed: from a day before the first sync, to today"
    elif tile.chart == "figures" or tile.changes:
        yield "Comparison date range", _describe_comparison(dashboard.growing_days(model))


def _describe_style(tile: Tile, semantics: Semantics, few: int) -> Iterator[tuple[str, str]]:
    """The bars of a table, and a rule for each number that its rates are of."""
    for name in tile.bars:
        yield "Style", f"{semantics.metric(name).label} as bar, with its number"
    for name in _list_counted(tile, semantics, few):
        label = semantics.metric(name).label
        yield "Conditional formatting", f"{label} less than {few}: grey text, whole row"


def _list_metrics(tile: Tile, semantics: Semantics, few: int) -> list[Metric]:
    """The metrics of a tile; of a curve the sums, as Data Studio adds up no ratio.

    Last in a table are the numbers that its rates are of: a rule of formatting reads only fields of
    the chart.
    https://docs.cloud.google.com/looker/docs/studio/use-conditional-formatting-rules-in-looker-studio
    """
    metrics = [semantics.metric(name) for name in tile.metrics]
    if tile.chart == "curve":
        return [semantics.metric(name) for metric in metrics for name in metric.sums]
    added = [name for name in _list_counted(tile, semantics, few) if name not in tile.metrics]
    return metrics + [semantics.metric(name) for name in added]


def _list_counted(tile: Tile, semantics: Semantics, few: int) -> list[str]:
    """What a table's rates are of, such as delivered messages, unless it leaves out few."""
    if tile.chart not in ("table", "tests", "steps"):
        return []
    counted = [find_counted(semantics.metric(name), semantics) for name in tile.metrics]
    return [n for n in dict.fromkeys(counted) if n and tile.minimum.get(n, 0) < few]


def _describe_comparison(growing_days: int) -> str:
    """Data Studio cannot compare at equal age, so sends, whose results grow, are not compared."""
    if growing_days:
        return f"None: messages are credited with orders for {growing_days} days"
    return "Previous period"


def _describe_filters(tile: Tile, semantics: Semantics) -> Iterator[str]:
    for name, value in tile.where.items():
        yield f"`{name}` equal to `{str(value).lower()}`"
    for name, least in tile.minimum.items():
        yield f"`{formula(semantics.metric(name), semantics)}` at least {least:,}"
    for name, least in tile.distinct.items():
        yield f"`count_distinct({name})` at least {least}"


def _describe_dimensions(
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


def _describe_metric(metric: Metric, semantics: Semantics) -> str:
    """A metric with its aggregation or formula and its type, in the words of Data Studio."""
    if metric.column:
        return f"`{metric.column}`, aggregation Sum, {_describe_type(metric)}"
    return f"calculated field `{formula(metric, semantics)}`, {_describe_type(metric)}"


def _describe_type(metric: Metric) -> str:
    kind, _, digits = metric.format.partition("_")
    if kind == "money":
        return "type Currency of the account"
    return f"type {'Percent' if kind == 'percent' else 'Number'}, decimal precision {digits or 0}"


def _sort_label(name: str, model: SemanticModel, semantics: Semantics) -> str:
    if name in model.dimensions:
        return f"`{name}`"
    return semantics.metric(name).label
