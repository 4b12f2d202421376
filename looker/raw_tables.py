"""The connector's raw tables, read from its own declarations."""

import sys
from collections.abc import Mapping
from pathlib import Path

# The connector's modules import each other flat, as Fivetran runs them.
sys.path.insert(0, str(Path(__file__).parent.parent / "klaviyo_connector"))
from streams import TABLES

COLUMNS: Mapping[str, list[str]] = {name: list(table.types) for name, table in TABLES.items()}


def klaviyo_field(origin: str) -> str:
    """The path in Klaviyo's response of a raw column; empty for a column the connector adds."""
    table, _, name = origin.partition(".")
    column = TABLES[table].columns.get(name)
    return "/".join(column.path) if column else ""
