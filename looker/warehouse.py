"""Reads the rows of the page from the marts in DuckDB."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Self

import duckdb

from looker import health
from looker.errors import LookerError
from looker.health import Verdict
from looker.semantic import SCHEMA, Metric, SemanticModel

HEALTH = "klaviyo__data_health"


@dataclass(frozen=True)
class Account:
    """A Klaviyo account and the days that the warehouse holds of it.

    The dates are send dates in the account's time zone. Before `complete_from` there are campaigns
    but no flows, or the reverse (Klaviyo reports flows for the last 365 days only), so a comparison
    must not reach further back. `data_to` is the day of the latest send, or the last day of the
    latest period that Klaviyo was asked for. `today` is the day of the last sync.
    Revenue and conversions are those of `conversion_metric`. `has_events` is whether the table
    `event` is synced.
    """

    id: str
    name: str
    currency: str
    is_test: bool
    conversion_metric: str
    data_from: date
    complete_from: date
    data_to: date
    today: date
    synced_at: datetime
    has_events: bool


@dataclass(frozen=True)
class Extract:
    """What the page reads of a mart: sums by dimensions, and by the date unless not `is_dated`.

    Without dates a group has its latest. `condition` and the clause `qualify` are SQL.
    """

    model: SemanticModel
    dimensions: Sequence[str]
    sums: Sequence[Metric]
    since: date
    is_dated: bool = True
    condition: str = "true"
    qualify: str = ""


class Warehouse:
    """A DuckDB file with the marts, opened read-only."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            raise LookerError(f"{path} is missing: run `make demo` or `make sync` first.")
        try:
            self._connection = duckdb.connect(str(path), read_only=True)
        except duckdb.Error as error:
            reason = str(error).splitlines()[0]
            raise LookerError(f"{path} cannot be opened: {reason}") from None
        self._path = path

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def read_accounts(self, model: SemanticModel, periods: SemanticModel) -> list[Account]:
        """The accounts with a sent message, in order of their names."""
        schema = model.relation.split(".")[0]
        rows = self._query(f"""
            with currencies as (
                select
                    account_id, any_value(currency) as currency,
                    any_value(conversion_metric_name) as conversion_metric
                from {model.relation} group by 1
            ),
            periods as (
                select account_id, max(period_end) as period_end from {periods.relation} group by 1
            )
            select
                account_id, account_name, coalesce(currency, ''), bool_or(is_test_account),
                coalesce(conversion_metric, ''),
                min(data_from), max(data_from), greatest(max(data_to), max(period_end)),
                max(last_synced_on), max(last_synced_at),
                coalesce(bool_or(is_synced and table_name = 'event'), false)
            from {schema}.{HEALTH} join currencies using (account_id)
            left join periods using (account_id)
            group by all
            order by account_name, account_id
        """)  # noqa: S608 - names come from dbt's models
        if not rows:
            raise LookerError(f"{self._path} holds no sent message: {self._explain_no_message()}")
        return [Account(*row) for row in rows]

    def _explain_no_message(self) -> str:
        synced = self._query(f"""
            select account_name, account_id, max(last_synced_on) from {SCHEMA}.{HEALTH}
            group by all order by all
        """)  # noqa: S608 - our own name
        if not synced:
            return "run a sync and `dbt build`."
        names = ", ".join(f"{name or id_} (synced on {day})" for name, id_, day in synced)
        return f"there is nothing to show before Klaviyo reports a first send of {names}."

    def read_verdicts(self) -> dict[str, Verdict]:
        """The verdict on the data of each account, by its id."""
        return health.build_verdicts(self._query(health.ROWS.format(health=f"{SCHEMA}.{HEALTH}")))

    def read_columns(
        self, extract: Extract, currencies: Mapping[str, str]
    ) -> Mapping[str, Sequence[Any]]:
        """The rows of an extract as columns, in order of date. A sum without values is null.

        Rows of another currency than that of the account, by its id, are left out: two currencies
        are never one sum.
        """
        model, condition = extract.model, extract.condition
        dates = [model.date] if extract.is_dated else []
        by = list(dict.fromkeys((*dates, *extract.dimensions)))
        fields = {model.date: f"max({model.date})"} | {name: name for name in by}
        fields |= {metric.name: f"sum({metric.column})" for metric in extract.sums}
        select = ", ".join(f'{column} as "{name}"' for name, column in fields.items())
        if "currency" in model.dimensions:
            condition += " and (currency is null or (account_id, currency) in (from currencies))"
        rows = self._query(
            f"""
            with currencies as (select unnest(?) as account_id, unnest(?) as currency)
            select {select} from {model.relation}
            where {model.date} >= ? and {condition}
            group by {", ".join(by)} {extract.qualify} order by all
            """,  # noqa: S608
            [[*currencies], [*currencies.values()], extract.since],
        )
        values = zip(*rows, strict=True) if rows else ([] for _ in fields)
        return dict(zip(fields, values, strict=True))

    def _query(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(sql, parameters).fetchall()
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            reason = str(error).splitlines()[0]
            raise LookerError(
                f"{self._path} lacks a mart or a column ({reason}): run `dbt build` again."
            ) from None
