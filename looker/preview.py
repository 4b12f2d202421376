"""The dashboard as one HTML file that needs no network: page, charts and rows of the marts."""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from looker import charts
from looker.declaration import Dashboard, Tile
from looker.semantic import Dimension, Metric, Semantics
from looker.warehouse import Account, Warehouse

ASSETS = Path(__file__).parent / "assets"

# What the page needs of every row, whatever its tiles show.
ROW = ("account_id", "sent_on", "sent_week")

Columns = Mapping[str, Sequence[Any]]


def render(warehouse: Warehouse, semantics: Semantics, dashboard: Dashboard, now: datetime) -> str:
    """The page of a dashboard over a warehouse, as of `now`."""
    model = semantics.model(dashboard.model)
    accounts = warehouse.accounts(model)
    columns = warehouse.columns(
        model,
        list(_dimensions(dashboard, semantics).values()),
        list(_sums(dashboard, semantics).values()),
        _first_day(dashboard, accounts),
    )
    data = _data(dashboard, semantics, accounts, columns)
    script = charts.library() + (ASSETS / "page.js").read_text()
    style = (ASSETS / "page.css").read_text()
    templates = Environment(
        loader=FileSystemLoader(ASSETS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return templates.get_template("page.html").render(
        dashboard=dashboard,
        semantics=semantics,
        dimensions=semantics.model(dashboard.model).dimensions,
        accounts=accounts,
        now=now.astimezone(UTC),
        policy=_policy(script, style),
        script=Markup(script),  # noqa: S704 - our own files
        style=Markup(style),  # noqa: S704
        data=Markup(_json(data)),  # noqa: S704 - escaped by _json
    )


def _dimensions(dashboard: Dashboard, semantics: Semantics) -> dict[str, Dimension]:
    dimensions = semantics.model(dashboard.model).dimensions
    names = [*ROW, *(name for tile in dashboard.tiles for name in tile.dimensions())]
    return {name: dimensions[name] for name in names}


def _metrics(dashboard: Dashboard, semantics: Semantics) -> dict[str, Metric]:
    names = [name for tile in dashboard.tiles for name in (*tile.metrics, *tile.minimum)]
    return {name: semantics.metric(name) for name in names}


def _sums(dashboard: Dashboard, semantics: Semantics) -> dict[str, Metric]:
    metrics = _metrics(dashboard, semantics).values()
    return {name: semantics.metric(name) for metric in metrics for name in metric.sums}


def _first_day(dashboard: Dashboard, accounts: Sequence[Account]) -> date:
    """Where the longest period's predecessor begins."""
    longest = max(period.days for period in dashboard.periods)
    return min(account.data_to for account in accounts) - timedelta(days=2 * longest)


def _data(
    dashboard: Dashboard, semantics: Semantics, accounts: Sequence[Account], columns: Columns
) -> dict[str, Any]:
    """Everything `page.js` reads."""
    metrics = _metrics(dashboard, semantics)
    return {
        "accounts": [asdict(account) for account in accounts],
        "periods": [asdict(period) for period in dashboard.periods],
        "values": dashboard.values,
        "metrics": {
            name: {"label": metric.label, "format": metric.format, "ratio": metric.ratio}
            for name, metric in metrics.items()
        },
        "tiles": [_tile(tile, dashboard, metrics, columns) for tile in dashboard.tiles],
        "columns": {name: _packed(values) for name, values in columns.items()},
    }


def _tile(
    tile: Tile, dashboard: Dashboard, metrics: Mapping[str, Metric], columns: Columns
) -> dict[str, Any]:
    if tile.chart not in charts.MARKS:
        return asdict(tile)
    [by], [metric] = tile.by, tile.metrics
    series = list(_series(dashboard.values.get(by, {}), columns[by]))
    return asdict(tile) | {
        "series": series,
        "vega": charts.chart(tile.chart, tile.title, metrics[metric].format, series),
    }


def _series(
    declared: Mapping[Any, Mapping[str, str]], values: Sequence[Any]
) -> Iterator[dict[str, str]]:
    """The parts of a chart: declared values first, then what nobody has named, in grey."""
    present = set(values) - {None}
    for value, look in declared.items():
        if value in present:
            yield {"value": value, **look}
    for value in sorted(present - set(declared)):
        yield {"value": value, "label": str(value), "color": charts.GREY}


def _packed(values: Sequence[Any]) -> dict[str, Any]:
    """A column as its distinct values and, row by row, their positions: texts repeat a lot."""
    distinct = list(dict.fromkeys(values))
    position = {value: index for index, value in enumerate(distinct)}
    return {"distinct": distinct, "rows": [position[value] for value in values]}


def _json(data: object) -> str:
    """JSON for a script element: no `<` in it, so no text can end the element."""
    text = json.dumps(data, default=_plain, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def _plain(value: object) -> str | float:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, date):  # datetimes are dates, too
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in the page")


def _policy(script: str, style: str) -> str:
    """A content security policy under which this script and this style run and nothing loads."""
    return (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
