"""Asks the warehouse: the rows of a question's answer, and what a reader has to know about them.

Each question opens the warehouse and closes it, so that the server never keeps a DuckDB file from
the next build.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlglot import exp

from looker.semantic import Dimension, Metric
from looker.warehouse import HEALTH
from scripts.mcp.catalog import FINDINGS, Catalog
from scripts.mcp.question import Question
from scripts.mcp.sql import Builder
from scripts.warehouse import Row, Warehouse, WarehouseSettings, open_warehouse

MAX_FINDINGS = 100


def ask(question: Question, settings: WarehouseSettings) -> dict[str, Any]:
    """The answer: its columns with labels and formats, its rows, and notes about them."""
    with open_warehouse(settings) as warehouse:
        builder = Builder(question, warehouse.mart, settings.dbt_target)
        rows = list(warehouse.query(builder.build_query()))
        by_day = question.counts_people and _counts_by_day(builder, warehouse)
        notes = list(_list_notes(question, warehouse, by_day=by_day))
    shown = rows[: question.limit]
    return {
        "columns": [_describe(field, by_day=by_day) for field in _list_fields(question)],
        "rows": [dict(zip(question.columns, map(_to_json, row), strict=True)) for row in shown],
        "has_more": len(rows) > len(shown),
        "notes": notes,
    }


def _counts_by_day(builder: Builder, warehouse: Warehouse) -> bool:
    """Whether some people are counted once a day: those of several days that are no period."""
    question = builder.question
    if question.grain == "day" or (question.start and question.start == question.end):
        return False
    [(has_people, has_period)] = warehouse.query(builder.build_people_query())
    return bool(has_people) and not has_period


def _list_fields(question: Question) -> list[str | Dimension | Metric]:
    grain = [question.grain] if question.grain else []
    return [*grain, *question.dimensions, *question.metrics]


def _describe(field: str | Dimension | Metric, *, by_day: bool) -> dict[str, str]:
    if isinstance(field, str):
        return {"name": field, "label": f"First day of the {field}"}
    if isinstance(field, Dimension):
        return {"name": field.name, "label": field.label}
    label = field.by_day if by_day and field.by_day else field.label
    return {"name": field.name, "label": label, "format": field.format}


def _list_notes(question: Question, warehouse: Warehouse, *, by_day: bool) -> Iterator[str]:
    dashboard = question.catalog.dashboard
    if by_day:
        yield dashboard.people.note
    yield from _list_unknown_values(question)
    growing_days = dashboard.growing_days(question.model)
    query = f"select min(last_synced_on) from {warehouse.mart(HEALTH)}"  # noqa: S608 - our own name
    [(synced_on,)] = warehouse.query(query)
    if growing_days and synced_on:
        final = synced_on - timedelta(days=growing_days + 1)
        if question.end is None or question.end > final:
            yield (
                f"Results of sends after {final} are not final: Klaviyo credits a message with"
                f" orders for {growing_days} days. Do not compare them with older ones."
            )


def _list_unknown_values(question: Question) -> Iterator[str]:
    """A note for each filter with a value that its dimension does not declare: a misspelled one."""
    catalog = question.catalog
    for filter_, dimension in zip(question.filters, question.filter_dimensions, strict=True):
        known = catalog.list_values(dimension)
        values = [catalog.find_value(dimension, value) for value in filter_.values]
        unknown = [value for value in values if value is not None and str(value) not in known]
        if dimension.type == "text" and known and unknown and filter_.condition != "contains":
            named = ", ".join(repr(value) for value in unknown)
            yield f"{dimension.name} {named} is not among its known values: {', '.join(known)}."


def _to_json(value: Any) -> Any:
    """A value of JSON: days are text, and a sum of amounts is without the error of its addition."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else round(float(value), 10)
    if isinstance(value, float):
        return round(value, 10)
    return value.isoformat() if isinstance(value, date | datetime) else value


def list_findings(catalog: Catalog, settings: WarehouseSettings) -> list[dict[str, Any]]:
    """What to look at next, in the order of the mart."""
    columns = catalog.findings
    order = [name for name in ("account_name", "finding_rank") if name in columns] or columns[:1]
    with open_warehouse(settings) as warehouse:
        query = exp.select(*map(exp.column, columns))
        query = query.from_(exp.to_table(warehouse.mart(FINDINGS), dialect=settings.dbt_target))
        query = query.order_by(*map(exp.column, order)).limit(MAX_FINDINGS)
        rows = list(warehouse.query(query.sql(settings.dbt_target, identify=True)))
    return [dict(zip(columns, map(_to_json, row), strict=True)) for row in rows]


def list_accounts(catalog: Catalog, settings: WarehouseSettings) -> list[dict[str, Any]]:
    """Each account with its currency, the days that are synced, and the periods of its flows."""
    model = catalog.model(catalog.dashboard.model)
    periods = catalog.model(catalog.dashboard.people.model)
    with open_warehouse(settings) as warehouse:
        accounts = list(warehouse.query(ACCOUNTS.format(health=warehouse.mart(HEALTH))))
        currencies = list(warehouse.query(CURRENCIES.format(mart=warehouse.mart(model.table))))
        days = list(warehouse.query(PERIODS.format(mart=warehouse.mart(periods.table))))
    return [_describe_account(account, currencies, days) for account in accounts]


ACCOUNTS = """
    select
        account_id, max(account_name) as account_name, min(data_from), max(data_to),
        max(last_synced_at), max(case when is_test_account then 1 else 0 end)
    from {health}
    group by account_id
    order by account_name, account_id
"""
CURRENCIES = """
    select distinct account_id, currency, conversion_metric_name
    from {mart}
    order by account_id, currency, conversion_metric_name
"""
PERIODS = """
    select distinct account_id, period_kind, period_start, period_end
    from {mart}
    order by account_id, period_end desc, period_start
"""


def _describe_account(account: Row, currencies: list[Row], days: list[Row]) -> dict[str, Any]:
    id_, name, first, last, synced_at, is_test = account
    periods = [row[1:] for row in days if row[0] == id_]
    metrics = [row[1:] for row in currencies if row[0] == id_]
    ends = [last, *(end for *_, end in periods)]  # none in an account that has sent nothing
    return {
        "account_id": id_,
        "account_name": name,
        "is_sandbox": bool(is_test),
        "currencies": sorted({currency for currency, _ in metrics if currency}),
        "conversion_metrics": sorted({metric for _, metric in metrics if metric}),
        "first_day": _to_json(first),
        "last_day": _to_json(max(filter(None, ends), default=None)),
        "last_synced_at": _to_json(synced_at),
        "periods_of_flows": [
            {"period": kind, "start": _to_json(start), "end": _to_json(end)}
            for kind, start, end in periods
        ],
    }
