"""LookML dashboards, one for each page of `dashboard.yml`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import yaml

from looker import lookml
from looker.declaration import Chart, Dashboard, Page, Tile
from looker.explores import Explores
from looker.semantic import Metric, SemanticModel, Semantics

GRID = 24  # columns of Looker's grid
WIDTHS = {"half": GRID // 2, "full": GRID, "figure": GRID // 4}
HEIGHTS: Mapping[Chart, int] = {
    "figures": 4,
    "record": 4,
    "table": 12,
    "tests": 12,
    "steps": 12,
}
MAX_ROWS = 500  # of a tile whose limit is that of groups
DATE = "Date"
MODEL = "@{MODEL}"  # a constant of the project's manifest
ONE: Mapping[str, Any] = {"allow_multiple_values": False, "required": True}  # of a filter
LAST_MONTH = "1 month ago"  # Looker's filter for the last whole month

SCALE = {
    "type": "along a scale...",
    "color_application": {"collection_id": "google", "palette_id": "google-sequential-0"},
}
VISUALIZATIONS: Mapping[Chart, Mapping[str, Any]] = {
    "figures": {"type": "single_value"},
    "columns": {"type": "looker_column", "stacking": "normal"},
    "lines": {"type": "looker_line"},
    "curve": {"type": "looker_line"},
    "heatmap": {
        "type": "looker_grid",
        "enable_conditional_formatting": True,
        "conditional_formatting": [SCALE],
    },
    "table": {"type": "looker_grid"},
    "record": {"type": "looker_single_record"},
    "tests": {"type": "looker_grid"},
    "steps": {"type": "looker_grid"},
    "findings": {"type": "looker_grid"},
}


class _Dumper(yaml.SafeDumper):
    """Writes a value wherever it occurs, without anchors."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def generate_files(
    dashboard: Dashboard, semantics: Semantics, explores: Explores
) -> Iterator[tuple[str, str]]:
    """The dashboards of the Looker project: path and content."""
    for page in dashboard.pages:
        name = f"{lookml.PROJECT}_{page.slug}"
        content = [{"dashboard": name, **_build_page(page, dashboard, semantics, explores)}]
        text = yaml.dump(content, Dumper=_Dumper, sort_keys=False, width=100)
        yield f"dashboards/{name}.dashboard.lookml", f"{lookml.HEADER}\n\n{text}"


def _build_page(
    page: Page, dashboard: Dashboard, semantics: Semantics, explores: Explores
) -> dict[str, Any]:
    models = {tile.model: semantics.model(tile.model) for tile in page.tiles}
    elements = [
        _choose_days(element, models[tile.model], explores)
        for tile in page.tiles
        for element in _build_elements(tile, page, dashboard, semantics)
    ]
    return {
        "title": f"{lookml.title(lookml.PROJECT)}: {page.title}",
        "layout": "newspaper",
        "preferred_viewer": "dashboards-next",
        "filters": list(_build_filters(page, list(models.values()), dashboard)),
        "elements": list(_place(elements)),
    }


def _choose_days(
    element: dict[str, Any], model: SemanticModel, explores: Explores
) -> dict[str, Any]:
    """An element without chosen days shows all, not those that its explore shows by default."""
    date = lookml.field_reference(model, model.date)
    chosen = {*element["filters"], *element["listen"].values()}
    if model.name not in explores.daily or chosen & {date, lookml.time_reference(model, "month")}:
        return element
    return {**element, "filters": {**element["filters"], date: lookml.ALL_DAYS}}


def _build_filters(
    page: Page, models: Sequence[SemanticModel], dashboard: Dashboard
) -> Iterator[dict[str, Any]]:
    """A filter for the date, and one for each dimension that a model of the page has.

    One account has to be chosen: the figures of two have no sum, nor have their currencies. So has
    the id of a page's subject, since two campaigns may have one name; Looker suggests the ids that
    the chosen name has.
    """
    if any(tile.dated for tile in page.tiles):
        yield _build_filter(DATE, models[0], models[0].date, f"{dashboard.default_period.days} day")
    names = _filter_names(page, dashboard)
    required = {lookml.ACCOUNT: ONE}
    if page.subject:
        labels = [models[0].dimensions[name].label for name in names[:-1]]
        required[page.subject.dimension] = {**ONE, "listens_to_filters": labels}
    for name in names:
        for model in [model for model in models if name in model.dimensions][:1]:
            label = model.dimensions[name].label
            yield {**_build_filter(label, model, name, ""), **required.get(name, {})}


def _filter_names(page: Page, dashboard: Dashboard) -> list[str]:
    """The dimensions of a page's filters: of a subject, its account, its name and its id."""
    if page.subject is None:
        return dashboard.filters
    return [lookml.ACCOUNT, page.subject.name, page.subject.dimension]


def _build_filter(label: str, model: SemanticModel, name: str, default: str) -> dict[str, Any]:
    return {
        "name": label,
        "title": label,
        "type": "field_filter",
        "default_value": default,
        "allow_multiple_values": True,
        "model": MODEL,
        "explore": model.name,
        "field": lookml.field_reference(model, name),
    }


def _build_elements(
    tile: Tile, page: Page, dashboard: Dashboard, semantics: Semantics
) -> Iterator[dict[str, Any]]:
    """One element for a tile; for figures, one for each metric, and one for each comparison."""
    model = semantics.model(tile.model)
    metrics = [semantics.metric(name) for name in tile.metrics]
    is_figures = tile.chart == "figures"
    for shown in [[metric] for metric in metrics] if is_figures else [metrics]:
        labels = {
            lookml.field_reference(model, metric.name): dashboard.label(tile, metric)
            for metric in shown
            if dashboard.label(tile, metric) != metric.label
        }
        query = {
            **_build_query(tile, model, shown, dashboard),
            **({"series_labels": labels} if labels else {}),
            **_build_counts(tile, model),
            **_build_limits(tile),
            **_build_filtering(tile, page, dashboard, model),
        }
        title = _write_title(tile, shown, dashboard, is_renamed=bool(labels))
        yield _build_element(title, tile, query, _write_note(tile, shown, dashboard))
    compared = [metric for metric in metrics if lookml.is_compared(metric, dashboard)]
    for metric in compared if is_figures and tile.dated else ():
        element = _build_comparison(replace(tile, dated=False), page, metric, dashboard, model)
        yield {**element, "width": GRID // len(compared)}


def _build_element(title: str, tile: Tile, query: Mapping[str, Any], note: str) -> dict[str, Any]:
    return {
        "title": title,
        "name": title,
        "model": MODEL,
        "explore": tile.model,
        **VISUALIZATIONS[tile.chart],
        **query,
        "note_text": note,
        "note_state": "collapsed",
        "note_display": "hover",
        "width": WIDTHS["figure" if tile.chart == "figures" else tile.width],
        "height": HEIGHTS.get(tile.chart, 8),
    }


def _build_comparison(
    tile: Tile, page: Page, metric: Metric, dashboard: Dashboard, model: SemanticModel
) -> dict[str, Any]:
    """The last whole month beside the month before, whatever days are chosen.

    Looker compares periods, not a choice of days. The figure has no colour, because the last sends
    of the month may still grow.
    """
    month = lookml.time_reference(model, "month")
    measure = lookml.field_reference(model, metric.name)
    before = lookml.field_reference(model, lookml.name_before(metric, "month"))
    filtering = _build_filtering(tile, page, dashboard, model)
    query = {
        "fields": [month, measure, before],
        "hidden_fields": [month],
        "sorts": [f"{measure} desc"],
        "show_comparison": True,
        "comparison_type": "value",
        "show_comparison_label": True,
        "comparison_label": "in the month before",
        **filtering,
        "filters": {**filtering["filters"], month: LAST_MONTH},
    }
    note = _write_note(tile, [metric], dashboard) + _write_growth(dashboard, model)
    return _build_element(
        f"{metric.label}, last month",
        tile,
        query,
        f"The last whole month, whatever days are chosen. {note}",
    )


def _build_filtering(
    tile: Tile, page: Page, dashboard: Dashboard, model: SemanticModel
) -> dict[str, Any]:
    """The filters of a tile's query: its own, and those that a reader chooses."""
    return {
        "filters": _build_filter_expressions(tile, model),
        "listen": dict(_build_listeners(tile, model, _filter_names(page, dashboard))),
    }


def _write_title(
    tile: Tile, metrics: Sequence[Metric], dashboard: Dashboard, *, is_renamed: bool
) -> str:
    """A tile's title, or that of its metric; of people counted once a day, the name for that."""
    if is_renamed and tile.chart in ("figures", "lines"):
        of = tile.where.items() if tile.chart == "lines" else ()
        names = [dashboard.value_label(name, str(value)) for name, value in of]
        return ", ".join([metrics[0].by_day, *names])
    return metrics[0].label if tile.chart == "figures" else tile.title


def _write_growth(dashboard: Dashboard, model: SemanticModel) -> str:
    days = dashboard.growing_days(model)
    return f" Until day {days} of a month the sends of the last month still grow." if days else ""


def _build_query(
    tile: Tile, model: SemanticModel, metrics: Sequence[Metric], dashboard: Dashboard
) -> dict[str, Any]:
    measures = [lookml.field_reference(model, metric.name) for metric in metrics]
    by = [lookml.field_reference(model, name) for name in tile.by]
    match tile.chart:
        case "figures":
            return {"fields": measures, "sorts": [f"{name} desc" for name in measures]}
        case "columns" | "lines":
            time = lookml.time_reference(model, dashboard.default_period.grain)
            return {"fields": [time, *by, *measures], "pivots": by, "sorts": [time]}
        case "curve":
            return _build_curve(model, metrics[0], by)
        case "heatmap":
            return {"fields": [*by, *measures], "pivots": by[1:], "sorts": by}
    names = list(dict.fromkeys([*tile.by, *tile.columns, *tile.versions]))
    hidden = [name for name in names if lookml.is_hidden(model.dimensions[name])]
    hidden += [name for name in model.within if name not in names]
    return {
        "fields": [*(lookml.field_reference(model, name) for name in names), *measures],
        "hidden_fields": [lookml.field_reference(model, name) for name in hidden],
        "sorts": [
            *([lookml.field_reference(model, tile.columns[0])] if tile.chart == "steps" else []),
            f"{lookml.field_reference(model, tile.order)} {'asc' if tile.ascends else 'desc'}",
        ],
        "limit": MAX_ROWS if tile.versions else tile.limit,
    }


def _build_curve(model: SemanticModel, metric: Metric, by: Sequence[str]) -> dict[str, Any]:
    """The query of a ratio over everything up to each value: Looker adds up its two sums."""
    sums = [lookml.field_reference(model, name) for name in metric.sums]
    totals = [f"running_total(${{{name}}})" for name in sums]
    calculation = {
        "category": "table_calculation",
        "table_calculation": metric.name,
        "label": metric.label,
        "expression": " / ".join(totals),
        "value_format_name": lookml.value_format(metric.format),
    }
    return {
        "fields": [*by, *sums],
        "hidden_fields": sums,
        "sorts": by,
        "dynamic_fields": [calculation],
    }


def _build_filter_expressions(tile: Tile, model: SemanticModel) -> dict[str, str]:
    yes_no = {True: "Yes", False: "No"}
    where = {
        lookml.field_reference(model, name): yes_no[value] if isinstance(value, bool) else value
        for name, value in tile.where.items()
    }
    minimum = {
        lookml.field_reference(model, name): f">={value}" for name, value in tile.minimum.items()
    }
    distinct = {_name_count(name): f">={value}" for name, value in tile.distinct.items()}
    last = {lookml.field_reference(model, model.date): f"{tile.days} days"} if tile.days else {}
    return where | minimum | distinct | last


def _build_counts(tile: Tile, model: SemanticModel) -> dict[str, Any]:
    """The counts of distinct values that the tile's filters name, as measures of its own query."""
    fields = [
        {
            "category": "measure",
            "measure": _name_count(name),
            "label": f"Number of {model.dimensions[name].label}",
            "based_on": lookml.field_reference(model, name),
            "type": "count_distinct",
        }
        for name in tile.distinct
    ]
    return {"dynamic_fields": fields} if fields else {}


def _name_count(dimension: str) -> str:
    return f"count_of_{dimension}"


def _build_limits(tile: Tile) -> dict[str, Any]:
    lines = [{"reference_type": "line", "line_value": str(limit)} for limit in tile.limits]
    return {"reference_lines": lines} if lines else {}


def _build_listeners(
    tile: Tile, model: SemanticModel, filters: Sequence[str]
) -> Iterator[tuple[str, str]]:
    if tile.dated:
        yield DATE, lookml.field_reference(model, model.date)
    for name in filters:
        if name in model.dimensions:
            yield model.dimensions[name].label, lookml.field_reference(model, name)


def _write_note(tile: Tile, metrics: Sequence[Metric], dashboard: Dashboard) -> str:
    """The tile's note and the definitions of its metrics."""
    definitions = [f"{metric.label}: {metric.description}" for metric in metrics]
    return " ".join(filter(None, (dashboard.note(tile, metrics), *definitions)))


def _place(elements: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Place the elements from left to right; a row is as high as its highest element."""
    row = column = height = 0
    for element in elements:
        if column + element["width"] > GRID:
            row, column, height = row + height, 0, 0
        yield {**element, "row": row, "col": column}
        column += element["width"]
        height = max(height, element["height"])
