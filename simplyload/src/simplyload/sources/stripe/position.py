"""The position of a Stripe source: what is listed, and how far events are read."""

from typing import Literal

from pydantic import Field

from simplyload.sources.position import Part, StreamPosition
from simplyload.sources.stripe.client import Anchor
from simplyload.sources.stripe.objects import Kind
from simplyload.sources.stripe.settings import StripeSettings


class Scope(Part):
    """What a table was listed for; where the settings say another, it is listed again."""

    accounts: list[str]
    since: int | None = None
    children: list[str] = Field(default_factory=list)


class Listing(Part):
    """A listing under way: objects created `until` its begin, newest first, account by account.

    Rows have a higher `_seq` than `seq`, so that those with a smaller one are gone at its end.
    `since` bounds it from below. `partial`: by a user's order, so that nothing is gone at its end.
    `accept`: nor is anything refused, however few objects it finds.
    """

    scope: Scope
    seq: int
    until: int
    since: int | None = None
    partial: bool = False
    accept: bool = False
    account: int = 0
    after: Anchor | None = None
    rows: int = 0


class Listed(Part):
    """One table: the scope of its last complete listing, and how many objects that had."""

    scope: Scope | None = None
    rows: int = 0
    listing: Listing | None = None
    again: Literal["", "checked", "accepted"] = ""  # by a gap, or by the user's order
    since: int | None = None


class Window(Part):
    """How far a list that grows is read: everything up to `at`; then from `top` down to `at`.

    `seen` are ids just below `at`: what becomes visible late is found by reading there again.
    """

    at: int
    seen: list[str] = Field(default_factory=list)
    top: int | None = None
    after: Anchor | None = None
    above: list[str] = Field(default_factory=list)  # the next `seen`


class Position(StreamPosition):
    """The state of a stream; `children` are ids where a parent has more than its own list shows."""

    mode: Literal["", "test", "live"] = ""
    tables: dict[str, Listed] = Field(default_factory=dict)
    events: dict[str, Window] = Field(default_factory=dict)
    created: dict[str, dict[str, Window]] = Field(default_factory=dict)
    pending: dict[str, dict[str, int]] = Field(default_factory=dict)
    children: dict[str, dict[str, list[str]]] = Field(default_factory=dict)

    def table(self, kind: Kind) -> Listed:
        """Return what is known of a table."""
        return self.tables.setdefault(kind.table, Listed())

    def is_listed(self, kind: Kind, settings: StripeSettings) -> bool:
        """Return whether a table is complete up to the events that were read."""
        table = self.table(kind)
        return not table.listing and not table.again and table.scope == scope_of(kind, settings)


def scope_of(kind: Kind, settings: StripeSettings) -> Scope:
    """Return what the settings want a table to be listed for."""
    children = [child.table for child in kind.children if settings.wants(child.table)]
    accounts = list(settings.headers)
    return Scope(accounts=accounts, since=settings.since(kind), children=children)
