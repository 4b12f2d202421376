"""The settings of a Stripe source, as in `simplyload.yml`."""

import re
from datetime import UTC, date, datetime
from difflib import get_close_matches
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from simplyload.sources.stripe.objects import CHILDREN, KINDS, Kind
from simplyload.sources.web import check_address

_KEYS = ("sk_test_", "rk_test_", "sk_live_", "rk_live_")
_TABLES = [*(kind.table for kind in KINDS), *CHILDREN]
# https://docs.stripe.com/changelog/basil/2025-03-31/deprecate-legacy-usage-based-billing
_REMOVED = ("usage_records", "usage_record_summaries")


def _check_key(key: SecretStr) -> SecretStr:
    if not re.fullmatch("[!-~]*", key.get_secret_value()):
        raise ValueError(
            "it has a space, a line break or an accent, as no key has: give the key alone"
        )
    if not key.get_secret_value().startswith(_KEYS):
        raise ValueError(
            f"a key begins with {', '.join(_KEYS)}: create a restricted key with read access in"
            " Stripe's dashboard under Developers, API keys (a pk_ key cannot read)"
        )
    return key


def _check_table(table: str) -> str:
    if table in _REMOVED:
        raise ValueError(
            f"Stripe removed {table} in the API version that SimplyLoad reads: leave it out;"
            " invoice_line_items have what was billed"
        )
    if table not in _TABLES:
        near = get_close_matches(table, _TABLES, n=1) or _TABLES
        raise ValueError(f"there is no table {table}; did you mean {', '.join(near)}?")
    return table


def _check_tables(tables: list[str] | Literal["all"]) -> list[str] | Literal["all"]:
    for table in [] if tables == "all" else tables:
        parent = CHILDREN.get(table)
        if parent and parent not in tables:
            raise ValueError(f"{table} are read with {parent}: add {parent}")
    return tables


class StripeSettings(BaseModel):
    """One Stripe account by its key, and accounts that are connected to it."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    type: Literal["stripe"]
    api_key: Annotated[SecretStr, AfterValidator(_check_key)]
    """a restricted key (rk_live_...) with read access; it alone decides between test and live"""
    account: str = Field(default="main", pattern=r"^[\w.-]{1,64}$")
    """what the column `account` says of the key's own account"""
    connected_accounts: list[Annotated[str, Field(pattern=r"^acct_\w+$")]] = Field(
        default_factory=list
    )
    tables: Annotated[
        list[Annotated[str, AfterValidator(_check_table)]] | Literal["all"],
        AfterValidator(_check_tables),
    ] = "all"
    start_date: date | None = None
    """the first day of what happens; what that refers to (customers, prices, ...) is read whole"""
    base_url: Annotated[str, AfterValidator(check_address)] = "https://api.stripe.com"
    schema_: str | None = Field(default=None, alias="schema")
    """the schema in the destination; without it the name of the stream"""

    @property
    def mode(self) -> Literal["test", "live"]:
        """Tell which of the two worlds of an account the key opens."""
        return "live" if "_live_" in self.api_key.get_secret_value()[:8] else "test"

    @property
    def headers(self) -> dict[str, str]:
        """Return each account's name in the column `account`, and its header, "" for our own."""
        return {self.account: "", **{name: name for name in self.connected_accounts}}

    def wants(self, table: str) -> bool:
        """Return whether a table is chosen."""
        return self.tables == "all" or table in self.tables

    def kinds(self) -> list[Kind]:
        """Return the declarations of the chosen tables."""
        return [kind for kind in KINDS if self.wants(kind.table)]

    def since(self, kind: Kind) -> int | None:
        """Return the time before which objects of a kind are left out, in seconds."""
        if self.start_date is None or not kind.dated:
            return None
        day = self.start_date
        return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
