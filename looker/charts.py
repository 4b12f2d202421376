"""Charts as Vega, the language the page's library draws; compiled here from Vega-Lite.

A specification only draws. `page.js` computes its rows,
`{x, series, position, value, x_text, value_text, text, is_growing, is_partial}`;
`format_value` and `format_x` are functions of page.js.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import vl_convert

HEIGHT = 240
# Between zero and three there are fewer than four whole numbers.
WHOLE_TICKS = {"expr": "min(4, max(1, domain('y')[1]))"}
LEGEND_LETTERS = 40  # of a legend in one line
GREY = "#8b8f97"  # for values without a colour in `dashboard.yml`
# For charts of several metrics. Colour-blind readers can tell these colours apart (after Okabe and
# Ito), on white and on black.
PALETTE = ("#2c6fbb", "#e0912f", "#1b9e7c", "#b583c4")

LINE = {"type": "line", "strokeJoin": "round", "point": {"size": 24, "filled": True}}
MARKS: Mapping[str, Mapping[str, Any]] = {
    "columns": {"type": "bar", "cornerRadiusEnd": 2},
    "lines": LINE,
    "curve": LINE,
}
X_AXIS = {
    "field": "x",
    "type": "ordinal",
    "axis": {
        "labelExpr": "format_x(datum.value)",
        "labelAngle": 0,
        "labelOverlap": "greedy",
        "labelSeparation": 12,
    },
}
# The page's pattern, whose lines have the colour of the light or the dark mode.
HATCH = "url(#hatch)"
UNFINISHED_STEPS = {
    "transform": [{"filter": "(datum.is_growing || datum.is_partial) && datum.position === 0"}],
    "mark": {
        "type": "rect",
        "color": HATCH,
        "opacity": 1,
        "width": {"band": 1.34},
        "aria": False,
    },
}
CONFIG = {
    "background": "transparent",
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": {"labelFontSize": 12, "title": None, "domain": False, "ticks": False},
    "axisX": {"grid": False, "labelPadding": 8},
    "axisY": {"labelPadding": 8},
    "legend": {
        "labelLimit": 0,
        "labelFontSize": 12,
        "title": None,
        "orient": "top",
        "symbolType": "circle",
    },
    "scale": {"bandPaddingInner": 0.25},
}


def build_spec(
    kind: str,
    description: str,
    number_format: str,
    series: Sequence[Mapping[str, str]],
    limits: Sequence[float] = (),
) -> dict[str, Any]:
    """The Vega specification of a chart over time, without data.

    `series` are in order, `{label, color}`; a screen reader reads `description`. Unfinished
    steps are hatched; each of `limits` is a dashed line.
    """
    specification = json.dumps(
        {
            "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
            "description": description,
            "data": {"name": "rows", "values": []},
            "width": "container",
            "height": HEIGHT,
            "autosize": {"type": "fit-x", "contains": "padding"},
            "encoding": {"x": X_AXIS},
            "layer": [UNFINISHED_STEPS, _build_marks(kind, number_format, series), *_rules(limits)],
            "config": CONFIG,
        }
    )
    vega: dict[str, Any] = json.loads(_compile(specification))
    return vega


@cache
def _compile(specification: str) -> str:
    """Vega-Lite as Vega, both JSON; charts of several pages are the same."""
    return json.dumps(vl_convert.vegalite_to_vega(specification, vl_version="6.4"))


def _build_marks(
    kind: str, number_format: str, series: Sequence[Mapping[str, str]]
) -> dict[str, Any]:
    labels = [part["label"] for part in series]
    colors = [part["color"] for part in series]
    return {
        "mark": {**MARKS[kind], "invalid": "break-paths-show-path-domains"},
        "encoding": {
            "y": {
                "field": "value",
                "type": "quantitative",
                "axis": {
                    "labelExpr": f"format_value(datum.value, '{number_format}')",
                    "tickCount": WHOLE_TICKS if number_format == "integer" else 4,
                },
            },
            "color": {
                "field": "series",
                "type": "nominal",
                "scale": {"domain": labels, "range": colors},
                "sort": labels,
                # Beneath each other where a phone has no room for them side by side.
                "legend": {"columns": 1} if len("".join(labels)) > LEGEND_LETTERS else {},
            },
            "order": {"field": "position"},
            "tooltip": [
                {"field": "x_text", "title": "Date"},
                {"field": "series", "title": "Part"},
                {"field": "value_text", "title": "Value"},
            ],
            "description": {"field": "text"},
        },
    }


def _rules(limits: Sequence[float]) -> Iterator[dict[str, Any]]:
    for limit in limits:
        yield {
            "data": {"values": [{}]},
            "mark": {"type": "rule", "color": GREY, "strokeDash": [4, 4], "aria": False},
            "encoding": {"x": None, "y": {"datum": limit}},
        }


@cache
def build_library() -> str:
    """The JavaScript that draws the charts; it defines the global `vegaEmbed`.

    A function wraps it, so that its other names do not become globals of the page.
    """
    bundle = vl_convert.javascript_bundle("window.vegaEmbed=vegaEmbed;")
    return f"(function(){{{bundle}}})();"
