"""Reads from `klaviyo__data_health` what its reader has to know: old data, differing numbers."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from looker.warehouse import HEALTH
from scripts.warehouse import Warehouse, WarehouseSettings, open_warehouse

MAX_AGE = timedelta(days=1)
ACCOUNTS = """
    select max(account_name) as account_name, max(last_synced_at)
    from {health}
    where is_synced
    group by account_id
    order by account_name
"""
DIFFERENCES = """
    select account_name, table_name, rows_different, rows_compared
    from {health}
    where rows_different > 0
    order by account_name, table_name
"""


def find_problems(settings: WarehouseSettings) -> list[str]:
    """Find what is old or differs from Klaviyo's own counts, each as a sentence."""
    with open_warehouse(settings) as warehouse:
        return [*_find_old_data(warehouse), *_find_differences(warehouse)]


def _find_old_data(warehouse: Warehouse) -> Iterator[str]:
    for account, synced_at in warehouse.query(ACCOUNTS.format(health=warehouse.mart(HEALTH))):
        if synced_at and synced_at < datetime.now(UTC) - MAX_AGE:
            time = synced_at.astimezone(UTC)
            yield f"{account}: last synced on {time:%-d %B %Y at %H:%M} UTC, over a day ago."


def _find_differences(warehouse: Warehouse) -> Iterator[str]:
    query = DIFFERENCES.format(health=warehouse.mart(HEALTH))
    for account, table, different, compared in warehouse.query(query):
        yield f"{account}: {different} of {compared} rows of {table} differ from Klaviyo's count."
