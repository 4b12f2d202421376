"""The dashboard as one HTML file that needs no network: page, charts and sums of the marts."""

import base64
import gzip
import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import cycle
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from looker import charts
from looker.declaration import Dashboard, Tile
from looker.semantic import Dimension, Metric, SemanticModel, Semantics
from looker.warehouse import Account, Warehouse

ASSETS = Path(__file__).parent / "assets"
ACCOUNT = "account_id"  # of every row: accounts are shown one at a time, never added up
MANY = 40  # values that are searched by typing rather than chosen from a list

Columns = Mapping[str, Sequence[Any]]


def render(warehouse: Warehouse, semantics: Semantics, dashboard: Dashboard, now: datetime) -> str:
    """The page of a dashboard over a warehouse, as of `now`."""
    accounts = warehouse.accounts(semantics.model(dashboard.model))
    since = _first_day(dashboard, accounts)
    columns = {
        model.name: warehouse.columns(
            model, _dimensions(dashboard, model), _sums(dashboard, semantics, model), since
        )
        for model in _models(dashboard, semantics)
    }
    library = charts.library()
    script = (ASSETS / "page.js").read_text()
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
        accounts=accounts,
        filters=_filters(dashboard),
        searched={name for name in _filters(dashboard) if _is_searched(name, columns)},
        since=since,
        now=now.astimezone(UTC),
        policy=_policy([library, script], style),
        script=Markup(script),  # noqa: S704 - our own files
        style=Markup(style),  # noqa: S704
        library=_packed(library),
        data=_packed(_json(_data(dashboard, semantics, accounts, columns))),
    )


def _models(dashboard: Dashboard, semantics: Semantics) -> list[SemanticModel]:
    return [semantics.model(name) for name in dict.fromkeys(t.model for t in dashboard.tiles)]


def _filters(dashboard: Dashboard) -> list[str]:
    """The dimensions to filter by, beside the account, which is always one."""
    return [name for name in dashboard.filters if name != "account_name"]


def _is_searched(name: str, columns: Mapping[str, Columns]) -> bool:
    return any(len(set(model.get(name, ()))) > MANY for model in columns.values())


def _dimensions(dashboard: Dashboard, model: SemanticModel) -> list[str]:
    """What the page filters and groups the rows of a model by."""
    filters = [name for name in _filters(dashboard) if name in model.dimensions]
    tiles = [tile for tile in dashboard.tiles if tile.model == model.name]
    return [ACCOUNT, *filters, *(name for tile in tiles for name in tile.dimensions())]


def _metrics(dashboard: Dashboard, semantics: Semantics) -> dict[str, Metric]:
    names = [name for tile in dashboard.tiles for name in (*tile.metrics, *tile.minimum)]
    return {name: semantics.metric(name) for name in names}


def _sums(dashboard: Dashboard, semantics: Semantics, model: SemanticModel) -> list[Metric]:
    metrics = _metrics(dashboard, semantics).values()
    names = [name for metric in metrics if metric.model == model.name for name in metric.sums]
    return [semantics.metric(name) for name in dict.fromkeys(names)]


def _first_day(dashboard: Dashboard, accounts: Sequence[Account]) -> date:
    """Where the longest period's predecessor begins."""
    longest = max(period.days for period in dashboard.periods)
    return min(account.data_to for account in accounts) - timedelta(days=2 * longest - 1)


def _data(
    dashboard: Dashboard,
    semantics: Semantics,
    accounts: Sequence[Account],
    columns: Mapping[str, Columns],
) -> dict[str, Any]:
    """Everything `page.js` reads."""
    metrics = _metrics(dashboard, semantics)
    models = _models(dashboard, semantics)
    dimensions = {name: field for model in models for name, field in model.dimensions.items()}
    fields: dict[str, Dimension | Metric] = {**dimensions, **metrics}
    return {
        "model": dashboard.model,
        "since": _first_day(dashboard, accounts),
        "accounts": [asdict(account) for account in accounts],
        "pages": [page.slug for page in dashboard.pages],
        "periods": [asdict(period) for period in dashboard.periods],
        "filters": {name: dimensions[name].label for name in _filters(dashboard)},
        "lists": dashboard.lists,
        "values": dashboard.values,
        "dates": [name for name, field in dimensions.items() if field.type == "date"],
        "metrics": {name: {"ratio": metric.ratio} for name, metric in metrics.items()},
        "formats": {name: field.format for name, field in fields.items() if field.format},
        "models": {
            model.name: _model(model, columns[model.name], _told(dashboard, model))
            for model in models
        },
        "tiles": [
            {**_tile(tile, dashboard, metrics, columns[tile.model]), "page": page.slug}
            for page in dashboard.pages
            for tile in page.tiles
        ],
    }


def _told(dashboard: Dashboard, model: SemanticModel) -> set[str]:
    """The dimensions whose values the page must know: not those that only tell rows apart."""
    tiles = [tile for tile in dashboard.tiles if tile.model == model.name]
    known = {name for tile in tiles for name in tile.known_dimensions()}
    return {ACCOUNT, model.date, *_filters(dashboard), *known}


def _model(model: SemanticModel, columns: Columns, told: Collection[str]) -> dict[str, Any]:
    """Dimensions as distinct values and, row by row, their positions; sums as they are."""
    return {
        "date": model.date,
        "date_label": model.dimensions[model.date].label,
        "dimensions": {
            name: _indexed(values, is_told=name in told)
            for name, values in columns.items()
            if name in model.dimensions
        },
        "sums": {name: values for name, values in columns.items() if name not in model.dimensions},
    }


def _indexed(values: Sequence[Any], *, is_told: bool) -> dict[str, Any]:
    distinct = list(dict.fromkeys(values))
    position = {value: index for index, value in enumerate(distinct)}
    return {
        "distinct": distinct if is_told else list(range(len(distinct))),
        "rows": [position[value] for value in values],
    }


def _tile(
    tile: Tile, dashboard: Dashboard, metrics: Mapping[str, Metric], columns: Columns
) -> dict[str, Any]:
    plain = asdict(tile) | {"slug": tile.slug}
    if tile.chart not in charts.MARKS:
        return plain
    series = list(_series(tile, dashboard, metrics, columns))
    number_format = metrics[tile.metrics[0]].format
    vega = charts.chart(tile.chart, tile.title, number_format, series)
    return plain | {"series": series, "vega": vega}


def _series(
    tile: Tile, dashboard: Dashboard, metrics: Mapping[str, Metric], columns: Columns
) -> Iterator[dict[str, str]]:
    """The parts of a chart: its metrics; or declared values, then the others in grey."""
    if not tile.by:
        for name, color in zip(tile.metrics, cycle(charts.PALETTE), strict=False):
            yield {"value": name, "label": metrics[name].label, "color": color}
        return
    [by] = tile.by
    declared = dashboard.values.get(by, {})
    present = set(columns[by]) - {None}
    for value, look in declared.items():
        if value in present:
            yield {"value": str(value), **look}
    for value in sorted(present - set(declared)):
        yield {"value": value, "label": str(value), "color": charts.GREY}


def _json(data: object) -> str:
    return json.dumps(data, default=_plain, ensure_ascii=False, separators=(",", ":"))


def _packed(text: str) -> str:
    """Compressed, and in letters that end no HTML element, whatever the text may hold."""
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def _plain(value: object) -> str | float:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, date):  # datetimes are dates, too
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in the page")


def _policy(scripts: Sequence[str], style: str) -> str:
    """A content security policy under which these scripts and this style run and nothing loads."""
    digests = " ".join(f"'{_digest(script)}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {digests}; style-src '{_digest(style)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
