"""Looker dashboards, one for each page of `dashboard.yml`, which decides what they show."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from looker import lookml
from looker.declaration import Chart, Dashboard, Page, Tile
from looker.semantic import Metric, SemanticModel, Semantics

GRID = 24  # columns of Looker's grid
WIDTHS = {"half": GRID // 2, "full": GRID, "figure": GRID // 4}
HEIGHTS: Mapping[Chart, int] = {"figures": 4, "table": 12, "tests": 12}
DATE = "Date"

SCALE = {
    "type": "along a scale...",
    "color_application": {"collection_id": "google", "palette_id": "google-sequential-0"},
}
LOOKS: Mapping[Chart, Mapping[str, Any]] = {
    "figures": {"type": "single_value"},
    "columns": {"type": "looker_column", "stacking": "normal"},
    "lines": {"type": "looker_line"},
    "heatmap": {
        "type": "looker_grid",
        "enable_conditional_formatting": True,
        "conditional_formatting": [SCALE],
    },
    "table": {"type": "looker_grid"},
    "tests": {"type": "looker_grid"},
}


def files(dashboard: Dashboard, semantics: Semantics) -> Iterator[tuple[str, str]]:
    """Each dashboard of the Looker project: path and content."""
    for page in dashboard.pages:
        name = f"{lookml.PROJECT}_{page.slug}"
        content = [{"dashboard": name, **_page(page, dashboard, semantics)}]
        text = yaml.safe_dump(content, sort_keys=False, width=100)
        yield f"dashboards/{name}.dashboard.lookml", f"{lookml.HEADER}\n\n{text}"


def _page(page: Page, dashboard: Dashboard, semantics: Semantics) -> dict[str, Any]:
    models = {tile.model: semantics.model(tile.model) for tile in page.tiles}
    elements = [one for tile in page.tiles for one in _elements(tile, dashboard, semantics)]
    return {
        "title": f"{lookml.title(lookml.PROJECT)}: {page.title}",
        "layout": "newspaper",
        "preferred_viewer": "dashboards-next",
        "filters": list(_filters(page, list(models.values()), dashboard)),
        "elements": list(_placed(elements)),
    }


def _filters(
    page: Page, models: Sequence[SemanticModel], dashboard: Dashboard
) -> Iterator[dict[str, Any]]:
    """A filter for the date, and for each dimension that one of the models has."""
    if any(tile.dated for tile in page.tiles):
        yield _filter(DATE, models[0], models[0].date, f"{dashboard.default_period.days} day")
    for name in dashboard.filters:
        for model in [model for model in models if name in model.dimensions][:1]:
            yield _filter(model.dimensions[name].label, model, name, "")


def _filter(label: str, model: SemanticModel, name: str, default: str) -> dict[str, Any]:
    return {
        "name": label,
        "title": label,
        "type": "field_filter",
        "default_value": default,
        "allow_multiple_values": True,
        "model": lookml.PROJECT,
        "explore": model.name,
        "field": lookml.field(model, name),
    }


def _elements(tile: Tile, dashboard: Dashboard, semantics: Semantics) -> Iterator[dict[str, Any]]:
    """One element for a tile; for headline figures, one for each figure."""
    model = semantics.model(tile.model)
    metrics = [semantics.metric(name) for name in tile.metrics]
    for shown in [[one] for one in metrics] if tile.chart == "figures" else [metrics]:
        title = shown[0].label if tile.chart == "figures" else tile.title
        yield {
            "title": title,
            "name": title,
            "model": lookml.PROJECT,
            "explore": tile.model,
            **LOOKS[tile.chart],
            **_query(tile, model, shown, dashboard),
            "filters": _conditions(tile, model),
            "listen": dict(_listened(tile, model, dashboard)),
            "note_text": _note(tile, shown),
            "note_state": "collapsed",
            "note_display": "hover",
            "width": WIDTHS["figure" if tile.chart == "figures" else tile.width],
            "height": HEIGHTS.get(tile.chart, 8),
        }


def _query(
    tile: Tile, model: SemanticModel, metrics: Sequence[Metric], dashboard: Dashboard
) -> dict[str, Any]:
    measures = [lookml.field(model, metric.name) for metric in metrics]
    by = [lookml.field(model, name) for name in tile.by]
    match tile.chart:
        case "figures":
            return {"fields": measures}
        case "columns" | "lines":
            time = lookml.time_field(model, dashboard.default_period.grain)
            return {"fields": [time, *by, *measures], "pivots": by, "sorts": [time]}
        case "heatmap":
            return {"fields": [*by, *measures], "pivots": by[1:], "sorts": by}
    names = list(dict.fromkeys([*tile.by, *tile.columns, *tile.versions]))
    hidden = [name for name in names if lookml.is_hidden(model.dimensions[name])]
    return {
        "fields": [*(lookml.field(model, name) for name in names), *measures],
        "hidden_fields": [lookml.field(model, name) for name in hidden],
        "sorts": [f"{lookml.field(model, tile.order)} desc"],
        "limit": tile.limit,
    }


def _conditions(tile: Tile, model: SemanticModel) -> dict[str, str]:
    words = {True: "Yes", False: "No"}
    where = {
        lookml.field(model, name): words[value] if isinstance(value, bool) else value
        for name, value in tile.where.items()
    }
    least = {lookml.field(model, name): f">={value}" for name, value in tile.minimum.items()}
    return where | least


def _listened(tile: Tile, model: SemanticModel, dashboard: Dashboard) -> Iterator[tuple[str, str]]:
    if tile.dated:
        yield DATE, lookml.field(model, model.date)
    for name in dashboard.filters:
        if name in model.dimensions:
            yield model.dimensions[name].label, lookml.field(model, name)


def _note(tile: Tile, metrics: Sequence[Metric]) -> str:
    """What the figures of an element mean."""
    definitions = [f"{metric.label}: {metric.description}" for metric in metrics]
    return " ".join([*([tile.note] if tile.note else []), *definitions])


def _placed(elements: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """The elements from left to right, in rows as high as their highest."""
    row = column = height = 0
    for element in elements:
        if column + element["width"] > GRID:
            row, column, height = row + height, 0, 0
        yield {**element, "row": row, "col": column}
        column += element["width"]
        height = max(height, element["height"])
