"""Charts as Vega, the language the page's library draws; compiled here from Vega-Lite.

A chart only draws: it is handed rows `{x, series, value, x_text, value_text}` that are computed
already. `format_value` and `format_x` are functions of page.js.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import vl_convert

HEIGHT = 240
GREY = "#8b8f97"  # a value that `dashboard.yml` gives no colour
# Of charts that show several metrics. The colours keep apart for colour-blind readers (after Okabe
# and Ito), on white and on black.
PALETTE = ("#2c6fbb", "#e0912f", "#1b9e7c", "#b583c4")

MARKS: Mapping[str, Mapping[str, Any]] = {
    "columns": {"type": "bar", "cornerRadiusEnd": 2},
    "lines": {"type": "line", "strokeJoin": "round", "point": {"size": 24, "filled": True}},
}
CONFIG = {
    "background": "transparent",
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": {"labelFontSize": 12, "title": None, "domain": False, "ticks": False},
    "axisX": {"grid": False, "labelPadding": 8},
    "axisY": {"labelPadding": 8},
    "legend": {"labelFontSize": 12, "title": None, "orient": "top", "symbolType": "circle"},
    "scale": {"bandPaddingInner": 0.25},
}


def chart(
    kind: str, description: str, number_format: str, series: Sequence[Mapping[str, str]]
) -> dict[str, Any]:
    """The Vega specification of a chart over time, without data.

    `series` are its parts in order, `{label, color}`; `description` is read by screen readers.
    """
    labels = [part["label"] for part in series]
    colors = [part["color"] for part in series]
    return vl_convert.vegalite_to_vega(
        {
            "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
            "description": description,
            "data": {"name": "rows", "values": []},
            "width": "container",
            "height": HEIGHT,
            "autosize": {"type": "fit-x", "contains": "padding"},
            "mark": {**MARKS[kind], "invalid": "break-paths-show-path-domains"},
            "encoding": {
                "x": {
                    "field": "x",
                    "type": "ordinal",
                    "sort": None,
                    "axis": {
                        "labelExpr": "format_x(datum.value)",
                        "labelAngle": 0,
                        "labelOverlap": "greedy",
                        "labelSeparation": 12,
                    },
                },
                "y": {
                    "field": "value",
                    "type": "quantitative",
                    "axis": {
                        "labelExpr": f"format_value(datum.value, '{number_format}')",
                        "tickCount": 4,
                    },
                },
                "color": {
                    "field": "series",
                    "type": "nominal",
                    "scale": {"domain": labels, "range": colors},
                    "sort": labels,
                },
                "order": {"field": "position"},
                "tooltip": [
                    {"field": "x_text", "title": "Date"},
                    {"field": "series", "title": "Part"},
                    {"field": "value_text", "title": "Value"},
                ],
                "description": {"field": "text"},
            },
            "config": CONFIG,
        },
        vl_version="6.4",
    )


def library() -> str:
    """The JavaScript that draws the charts; it defines the global `vegaEmbed`.

    Wrapped in a function because its short global names would collide with the page's own.
    """
    bundle = vl_convert.javascript_bundle("window.vegaEmbed=vegaEmbed;")
    return f"(function(){{{bundle}}})();"
