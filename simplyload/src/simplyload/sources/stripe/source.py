"""Stripe as a source of changes."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from simplyload.changes import OP, UPSERT, Batch, State, Table
from simplyload.errors import ConfigurationError, SourceError
from simplyload.sources.base import BaseSource
from simplyload.sources.source import Discovered, Finding
from simplyload.sources.stripe.client import Client, RefusedError
from simplyload.sources.stripe.objects import API_VERSION, CHILDREN, EVENTS, KINDS, Kind
from simplyload.sources.stripe.position import Position
from simplyload.sources.stripe.reading import Reading
from simplyload.sources.stripe.settings import StripeSettings
from simplyload.sources.stripe.store import Store
from simplyload.sources.web import parse_since

_HOW = {
    "events": (),
    "created": ("has no events: new ones by their time, pending ones again once they are due",),
    "itself": ("Stripe keeps them for 30 days; here they stay",),
}


class StripeSource(BaseSource[StripeSettings]):
    """The objects of one or several accounts, each at the pinned version."""

    Settings = StripeSettings

    def __init__(self, settings: StripeSettings, stream: str) -> None:
        super().__init__(settings, stream)
        self._client = Client(settings)
        self._reported: set[str] = set()

    def tables(self) -> list[Table]:
        """List the chosen tables."""
        found = [discovery.table for discovery in self.discover()]
        return [table for table in found if self.settings.wants(table.name)]

    def read(self, state: State) -> Iterator[Batch]:
        """Yield what is new since a position."""
        position = Position.from_state(state)
        if position.mode not in {"", self.settings.mode}:
            raise ConfigurationError(
                f"{self.stream} holds objects of {position.mode} mode, and api_key is one of"
                f" {self.settings.mode} mode: use a source of another name for it"
            )
        position.mode = self.settings.mode
        reading = Reading(Store(self._client, self.settings, position, self.stream))
        yield from reading.run()
        if unknown := reading.unknown - self._reported:
            names = ", ".join(sorted(unknown))
            self._reported |= unknown
            warning = f"Events about {names} lead to no table of {self.stream}: they are left out."
            yield Batch(state=position.as_state(), warnings=[warning])

    def backfill(self, state: State, table: str, since: str | None) -> State:
        """Return a state from which a table is listed again, whole or from a time on."""
        kind = self._kind(table)
        position = Position.from_state(state)
        listed = position.table(kind)
        listed.again, listed.listing = "accepted", None
        listed.since = None if since is None else parse_since(since, "time of creation")
        return position.as_state()

    def reset(self, state: State) -> State:
        """Return a state from which everything is listed again, numbered higher than before."""
        position = Position.from_state(state)
        return Position(seq=position.seq, mode=position.mode).as_state()

    def discover(self) -> list[Discovered]:
        """List every table that there is, with those of children behind their parents."""
        found = []
        for kind in KINDS:
            found.append(Discovered(table=kind.as_table(), mode="api", warnings=_HOW[kind.follow]))
            found += [
                Discovered(table=child.as_table(), mode="api", warnings=[f"read with {kind.table}"])
                for child in kind.children
            ]
        return found

    def validate(self) -> list[Finding]:
        """Ask for one object of each chosen table, in each account."""
        mode = f"{self.settings.mode} mode, version {API_VERSION}"
        findings = [Finding(level="ok", subject="api_key", message=mode)]
        kinds = self.settings.kinds()
        if EVENTS not in kinds:
            kinds.append(EVENTS)
        for account in self.settings.headers:
            try:
                findings += [self._try(kind, account) for kind in kinds]
            except SourceError as error:  # the key, or the network: the same for every table
                findings.append(Finding(level="error", subject=account, message=str(error)))
        return findings

    def scan(self, table: Table) -> Iterator[pa.Table] | None:
        """Return the present rows; None for events, which Stripe forgets."""
        kind = self._kind(table.name)
        if kind is EVENTS:
            return None
        reading = Reading(Store(self._client, self.settings, Position(), self.stream))
        return self._scan(reading, kind, table)

    def close(self) -> None:
        """End the connections."""
        self._client.close()

    def _kind(self, table: str) -> Kind:
        parent = CHILDREN.get(table, table)
        for kind in self.settings.kinds():
            if kind.table == parent:
                return kind
        names = ", ".join(kind.table for kind in self.settings.kinds())
        raise ConfigurationError(f"{self.stream} has no table {table}; it has {names}")

    def _try(self, kind: Kind, account: str) -> Finding:
        subject = kind.table if account == self.settings.account else f"{account}: {kind.table}"
        try:
            self._client.get(account, kind.path, limit=1)
        except RefusedError as error:
            return Finding(level="error", subject=subject, message=str(error))
        return Finding(level="ok", subject=subject, message="it can be read")

    @staticmethod
    def _scan(reading: Reading, kind: Kind, table: Table) -> Iterator[pa.Table]:
        for batch in reading.scan(kind):
            for changes in batch.changes:
                if changes.table.name == table.name:
                    rows = changes.rows.filter(pc.equal(changes.rows[OP], pa.scalar(UPSERT)))
                    yield rows.select(table.schema.names)
