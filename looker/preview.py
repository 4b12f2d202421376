"""Renders the dashboard as one HTML file with its charts and data, which needs no network."""

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import cycle, pairwise
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from looker import charts, findings, health
from looker.declaration import Dashboard, Tile, find_counted
from looker.errors import LookerError
from looker.health import Verdict
from looker.semantic import Dimension, Metric, SemanticModel, Semantics
from looker.warehouse import Account, Extract, Warehouse

ASSETS = Path(__file__).parent / "assets"
ACCOUNT = "account_id"  # the page shows one account at a time and never sums over accounts
FIRST, LAST = "period_start", "period_end"  # the days of a row of a whole period
MAX_OPTIONS = 40  # a filter with more values is a search field instead of a list

Columns = Mapping[str, Sequence[Any]]


def render(warehouse: Warehouse, semantics: Semantics, dashboard: Dashboard, now: datetime) -> str:
    """Render the page of a dashboard over a warehouse, made at `now`."""
    model, periods = semantics.model(dashboard.model), semantics.model(dashboard.people.model)
    accounts = warehouse.read_accounts(model, periods)
    _check_targets(dashboard, accounts)
    since = _first_day(dashboard, accounts)
    columns = _read_columns(warehouse, semantics, dashboard, accounts)
    dashboard = _leave_out_empty_pages(dashboard, columns)
    library = charts.build_library()
    script, style = (_read_asset(name) for name in ("page.js", "page.css"))
    page = _open_template("page.html").render(
        dashboard=dashboard,
        semantics=semantics,
        accounts=accounts,
        filters=_filters(dashboard),
        searched={name for name in _filters(dashboard) if _is_search_field(name, columns)},
        since=since,
        now=now.astimezone(UTC),
        policy=_build_policy([library, script], style),
        script=Markup(script),  # noqa: S704 - our own files
        style=Markup(style),  # noqa: S704
        library=_compress(library),
        compared=health.EXPLANATION,
        longest=max(period.days for period in dashboard.periods),
        data=_compress(
            _to_json(
                _build_data(dashboard, semantics, accounts, warehouse.read_verdicts(), columns)
            )
        ),
    )
    return _strip_indentation(page)


def _open_template(name: str) -> Template:
    templates = Environment(
        loader=FileSystemLoader(ASSETS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return templates.get_template(name)


def _read_columns(
    warehouse: Warehouse, semantics: Semantics, dashboard: Dashboard, accounts: Sequence[Account]
) -> dict[str, Columns]:
    """Read the columns of each model; those of the days have the rows of periods too."""
    sends, periods = semantics.model(dashboard.model), semantics.model(dashboard.people.model)
    since = _first_day(dashboard, accounts)
    currencies = {account.id: account.currency for account in accounts}
    columns = {
        model.name: warehouse.read_columns(
            build_extract(
                dashboard,
                semantics,
                model,
                max(since, _first_shown_day(dashboard, model, accounts)),
            ),
            currencies,
        )
        for model in dashboard.models(semantics)
    }
    daily = columns[sends.name]
    of_periods = Extract(
        periods,
        [*(name for name in daily if name in periods.dimensions), "period_kind", LAST],
        _summed_metrics(dashboard, semantics, sends),
        since,
    )
    columns[sends.name] = _add_periods(
        daily, warehouse.read_columns(of_periods, currencies), dashboard.people.where
    )
    return columns


def _read_asset(name: str) -> str:
    """A script or style without what the page does not need: lines of comments, indentation."""
    comment = r"(?m)^ *(//.*|/\*.*\*/)?\n"  # or nothing
    return _strip_indentation(re.sub(comment, "", (ASSETS / name).read_text()))


def _strip_indentation(text: str) -> str:
    return re.sub(r"(?m)^ +", "", text)


def _check_targets(dashboard: Dashboard, accounts: Sequence[Account]) -> None:
    ids = [account.id for account in accounts]
    for name in dashboard.revenue_targets:
        if name not in ids:
            raise LookerError(
                f"revenue_targets names {name!r}, but the warehouse has {', '.join(ids)}."
            )


def _add_periods(daily: Columns, periods: Columns, where: Mapping[str, Any]) -> Columns:
    """The daily rows, and behind them those of whole periods, which have no date but two days.

    Of two kinds with the same days, such as a month of 30 days, one is enough.
    """
    ranges = list(zip(periods[ACCOUNT], periods[FIRST], periods[LAST], strict=True))
    kinds = dict(zip(ranges, periods["period_kind"], strict=True))
    kept = [n for n, kind in enumerate(periods["period_kind"]) if kinds[ranges[n]] == kind]
    undated = [None] * len(daily[ACCOUNT])
    columns = {}
    for name in (*daily, FIRST, LAST):
        added = periods.get(name) or [where.get(name)] * len(ranges)
        columns[name] = [*daily.get(name, undated), *(added[n] for n in kept)]
    return columns


def _filters(dashboard: Dashboard) -> list[str]:
    """The dimensions with a filter. The account has a control of its own."""
    return [name for name in dashboard.filters if name != "account_name"]


def _is_search_field(name: str, columns: Mapping[str, Columns]) -> bool:
    return any(len(set(model.get(name, ()))) > MAX_OPTIONS for model in columns.values())


def _dimensions(dashboard: Dashboard, model: SemanticModel) -> list[str]:
    """The dimensions by which the page filters and groups the rows of a model."""
    tiles = [tile for tile in dashboard.tiles if tile.model == model.name]
    if not tiles:  # a share of all orders, which no filter divides
        return [ACCOUNT]
    return [
        *(ACCOUNT, *_tile_filters(dashboard, model)),
        *(name for tile in tiles for name in tile.dimensions()),
    ]


def _tile_filters(dashboard: Dashboard, model: SemanticModel) -> list[str]:
    """The filters of a model's tiles; none if each tile is of one campaign or of fixed days."""
    if all(tile.of or tile.days for tile in dashboard.tiles if tile.model == model.name):
        return []
    return [name for name in _filters(dashboard) if name in model.dimensions]


def build_extract(
    dashboard: Dashboard, semantics: Semantics, model: SemanticModel, since: date
) -> Extract:
    """What the tiles of a model show, and nothing else, which keeps the page small.

    A curve shows the first values of its dimension, the one table of a subject the greatest of it.
    """
    tiles = [tile for tile in dashboard.tiles if tile.model == model.name]
    extract = Extract(
        model,
        _dimensions(dashboard, model),
        _summed_metrics(dashboard, semantics, model),
        since,
        is_dated=not tiles or any(tile.dated for tile in tiles),
    )
    match tiles:
        case [Tile(chart="curve", by=[by], limit=limit)]:
            return replace(extract, condition=f"{by} < {limit}")
        case [Tile(chart="table", of=str(of), limit=limit) as tile] if of:
            greatest = f"sum({semantics.metric(tile.order).column}) desc"
            order = ", ".join((greatest, *dict.fromkeys((*tile.by, *tile.columns))))
            window = f"partition by {ACCOUNT}, {of} order by {order}"
            return replace(
                extract,
                condition=f"{of} is not null",
                qualify=f"qualify row_number() over ({window}) <= {limit}",
            )
    return extract


def _leave_out_empty_pages(dashboard: Dashboard, columns: Mapping[str, Columns]) -> Dashboard:
    """The dashboard without pages whose first tile has no row: its tables may not be synced."""
    pages = [page for page in dashboard.pages if columns[page.tiles[0].model][ACCOUNT]]
    return replace(dashboard, pages=pages)


def _metrics(dashboard: Dashboard, semantics: Semantics) -> dict[str, Metric]:
    shares = [tile.share for tile in dashboard.tiles if tile.share]
    names = [name for tile in dashboard.tiles for name in (*tile.metrics, *tile.minimum)] + shares
    return {name: semantics.metric(name) for name in names}


def _summed_metrics(
    dashboard: Dashboard, semantics: Semantics, model: SemanticModel
) -> list[Metric]:
    metrics = _metrics(dashboard, semantics).values()
    names = [name for metric in metrics if metric.model == model.name for name in metric.sums]
    return [semantics.metric(name) for name in dict.fromkeys(names)]


def _first_shown_day(
    dashboard: Dashboard, model: SemanticModel, accounts: Sequence[Account]
) -> date:
    """The first day that the tiles of a model show, if all of them show only the last days."""
    days = [tile.days for tile in dashboard.tiles if tile.model == model.name]
    if not days or not all(days):
        return date.min
    return min(account.data_to for account in accounts) - timedelta(days=max(days) - 1)


def _first_day(dashboard: Dashboard, accounts: Sequence[Account]) -> date:
    """The first day of the period before the longest one."""
    longest = max(period.days for period in dashboard.periods)
    return min(account.data_to for account in accounts) - timedelta(days=2 * longest - 1)


def _build_data(
    dashboard: Dashboard,
    semantics: Semantics,
    accounts: Sequence[Account],
    verdicts: Mapping[str, Verdict],
    columns: Mapping[str, Columns],
) -> dict[str, Any]:
    """Everything that `page.js` reads."""
    metrics = _metrics(dashboard, semantics)
    models = dashboard.models(semantics)
    dimensions = {name: field for model in models for name, field in model.dimensions.items()}
    fields: dict[str, Dimension | Metric] = {**dimensions, **metrics}
    return {
        "title": dashboard.title,
        "model": dashboard.model,
        "since": _first_day(dashboard, accounts),
        "accounts": [
            {
                **asdict(account),
                "verdict": asdict(verdicts[account.id]),
                "target": dashboard.revenue_targets.get(account.id),
            }
            for account in accounts
        ],
        "pages": [page.slug for page in dashboard.pages],
        "subjects": {slug: asdict(subject) for slug, subject in dashboard.subjects.items()},
        "periods": [asdict(period) for period in dashboard.periods],
        "filters": {name: dimensions[name].label for name in _filters(dashboard)},
        "lists": dashboard.lists,
        "values": dashboard.values,
        "dates": [name for name, field in dimensions.items() if field.type == "date"],
        "metrics": {
            name: _build_metric(metric, dashboard, semantics) for name, metric in metrics.items()
        },
        "labels": {name: field.label for name, field in fields.items()},
        "people": asdict(dashboard.people),
        "few": dashboard.few,
        "finding_days": findings.load().days,
        "formats": {name: field.format for name, field in fields.items() if field.format},
        "models": {
            model.name: {
                **_build_model(model, columns[model.name], _value_dimensions(dashboard, model)),
                "growing_days": dashboard.growing_days(model),
            }
            for model in models
        },
        "tiles": [
            {**_build_tile(tile, dashboard, metrics, columns[tile.model]), "page": page.slug}
            for page in dashboard.pages
            for tile in page.tiles
        ],
    }


def _build_metric(metric: Metric, dashboard: Dashboard, semantics: Semantics) -> dict[str, Any]:
    return {
        "ratio": metric.ratio,
        "label": metric.label,
        "definition": metric.description,
        "by_day": metric.by_day,
        "of": find_counted(metric, semantics),
        "events": _find_events(metric, dashboard, semantics),
        "model": metric.model,
    }


def _find_events(metric: Metric, dashboard: Dashboard, semantics: Semantics) -> str:
    """The sum that counts what a metric is made of: orders of an amount, clicks of a rate."""
    counted = metric.sums[0]
    if semantics.metric(counted).is_money:
        return dashboard.orders.get(metric.model, "")
    return counted


def _value_dimensions(dashboard: Dashboard, model: SemanticModel) -> set[str]:
    """The dimensions whose values the page shows or tests; others only group rows."""
    tiles = [tile for tile in dashboard.tiles if tile.model == model.name]
    names = {name for tile in tiles for name in tile.value_dimensions()}
    return {ACCOUNT, model.date, FIRST, LAST, *_filters(dashboard), *names} | {
        subject.dimension for subject in dashboard.subjects.values()
    }


def _build_model(
    model: SemanticModel, columns: Columns, value_dimensions: Collection[str]
) -> dict[str, Any]:
    """Dimensions as distinct values with the steps between each row's; sums as they are."""
    dimensions = {*model.dimensions, FIRST, LAST}
    return {
        "date": model.date,
        "date_label": model.dimensions[model.date].label,
        "dimensions": {
            name: _encode_column(values, has_values=name in value_dimensions)
            for name, values in columns.items()
            if name in dimensions
        },
        "sums": {name: values for name, values in columns.items() if name not in dimensions},
    }


def _encode_column(values: Sequence[Any], *, has_values: bool) -> dict[str, Any]:
    """Distinct values, or only their number, and how far each row's is from that of the row before.

    Rows are in order, so most of these steps are the same number, which compresses well.
    """
    distinct = list(dict.fromkeys(values))
    position = {value: index for index, value in enumerate(distinct)}
    rows = [0, *(position[value] for value in values)]
    return {
        "distinct": distinct if has_values else len(distinct),
        "steps": [row - before for before, row in pairwise(rows)],
    }


def _build_tile(
    tile: Tile, dashboard: Dashboard, metrics: Mapping[str, Metric], columns: Columns
) -> dict[str, Any]:
    values = asdict(tile) | {"slug": tile.slug, "cells": tile.cells}
    if tile.chart not in charts.MARKS:
        return values
    series = list(_build_series(tile, dashboard, metrics, columns))
    number_format = metrics[tile.metrics[0]].format
    vega = charts.build_spec(tile.chart, tile.title, number_format, series, tile.limits)
    return values | {"series": series, "vega": vega}


def _build_series(
    tile: Tile, dashboard: Dashboard, metrics: Mapping[str, Metric], columns: Columns
) -> Iterator[dict[str, str]]:
    """The series of a chart: its metrics; or declared values, then other values in grey.

    Of a curve, its subject and what is usual.
    """
    if tile.chart == "curve":
        subject = f"This {tile.of.removesuffix('_id')}"
        yield {"value": "subject", "label": subject, "color": charts.PALETTE[0]}
        yield {"value": "usual", "label": "Median", "color": charts.GREY}
        return
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


def _to_json(data: object) -> str:
    return json.dumps(data, default=_to_json_value, ensure_ascii=False, separators=(",", ":"))


def _compress(text: str) -> str:
    """The text, compressed and in letters that cannot end an HTML element."""
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def _to_json_value(value: object) -> str | float:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, date):  # datetimes are dates, too
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is no value of the page")


def _build_policy(scripts: Sequence[str], style: str) -> str:
    """A content security policy: these scripts, this style, the tab's icon, and no request."""
    digests = " ".join(f"'{_digest(script)}'" for script in scripts)
    return (
        f"default-src 'none'; img-src data:; script-src {digests}; style-src '{_digest(style)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
