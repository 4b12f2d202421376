"""Salesforce as a source of changes."""

from collections.abc import Iterator

import pyarrow as pa

from simplyload.changes import Batch, State, Table
from simplyload.errors import ConfigurationError
from simplyload.sources.base import BaseSource
from simplyload.sources.salesforce.client import API_VERSION, Client, RefusedError
from simplyload.sources.salesforce.objects import Catalog, Declared, read_catalog
from simplyload.sources.salesforce.position import Position
from simplyload.sources.salesforce.reading import Reading
from simplyload.sources.salesforce.settings import SalesforceSettings
from simplyload.sources.source import Discovered, Finding
from simplyload.sources.web import parse_since


class SalesforceSource(BaseSource[SalesforceSettings]):
    """The chosen objects of one org, as one user sees them."""

    Settings = SalesforceSettings

    def __init__(self, settings: SalesforceSettings, stream: str) -> None:
        super().__init__(settings, stream)
        self._client = Client(settings)
        self._catalog: Catalog | None = None
        self._is_new = False  # no read has used the catalog

    def tables(self) -> list[Table]:
        """List the chosen objects that can be read."""
        return [sobject.table for sobject in self._load_catalog().objects]

    def read(self, state: State) -> Iterator[Batch]:
        """Yield what is new since a position; every object is described again."""
        self._client.begin()
        position = Position.from_state(state)
        if position.org not in {"", self._client.org}:
            raise ConfigurationError(
                f"{self.stream} holds rows of the org {position.org}, and login_url leads to"
                f" {self._client.org}: use a source of another name for it. If it took its place"
                f" (a refreshed sandbox), run `simplyload checkpoint reset {self.stream}`"
            )
        position.org = self._client.org
        if not self._is_new:
            self._catalog = None
        catalog, self._is_new = self._load_catalog(), False
        yield from Reading(self._client, self.settings, position, self.stream, catalog).run()

    def backfill(self, state: State, table: str, since: str | None) -> State:
        """Return a state from which an object is read whole, or what was stamped since then."""
        position, declared = Position.from_state(state), self._load_catalog().get(table)
        known = position.find_or_add(declared.name)
        if since is None:
            known.again, known.scan = "accepted", None
        elif declared.cursor is None:
            raise ConfigurationError(f"{table} has no stamp of changes: leave out --from")
        else:
            begin = parse_since(since)
            known.at = begin if known.at is None else min(known.at, begin)
            known.until, known.after = None, ""
        return position.as_state()

    def reset(self, state: State) -> State:
        """Return a state from which everything is read again, numbered higher than before."""
        return Position(seq=Position.from_state(state).seq).as_state()

    def discover(self) -> list[Discovered]:
        """List every object: the chosen ones with what is to be known, the others by name."""
        catalog = self._load_catalog()
        found = [_describe(sobject) for sobject in catalog.objects]
        notes = {**catalog.refused, **dict.fromkeys(catalog.others, "not in `objects`")}
        for name, note in notes.items():
            table = Table(name=name.lower(), key=(), schema=pa.schema([]), source_name=name)
            found.append(Discovered(table=table, mode="api", warnings=[note]))
        return found

    def validate(self) -> list[Finding]:
        """Log in, describe the chosen objects, ask for a row of each."""
        catalog = self._load_catalog()
        message = f"org {self._client.org}, version {API_VERSION}, {self._client.usage}"
        findings = [Finding(level="ok", subject="login", message=message)]
        for name, reason in catalog.refused.items():
            findings.append(Finding(level="error", subject=name, message=reason))
        return findings + [self._try(sobject) for sobject in catalog.objects]

    def scan(self, table: Table) -> Iterator[pa.Table] | None:
        """Return the present rows."""
        declared = self._load_catalog().get(table.name)
        reading = Reading(
            self._client, self.settings, Position(), self.stream, self._load_catalog()
        )
        return (
            changes.rows.select(table.schema.names)
            for batch in reading.scan(declared)
            for changes in batch.changes
        )

    def close(self) -> None:
        """End the connections."""
        self._client.close()

    def _load_catalog(self) -> Catalog:
        if self._catalog is None:
            self._catalog = read_catalog(self._client, self.settings)
            self._is_new = True
        return self._catalog

    def _try(self, declared: Declared) -> Finding:
        try:
            self._client.query(f"SELECT Id FROM {declared.name} LIMIT 1")  # noqa: S608
        except RefusedError as error:
            return Finding(level="error", subject=declared.name, message=str(error))
        message = f"it can be read; {'; '.join(_notes(declared))}"
        return Finding(level="ok", subject=declared.name, message=message)


def _describe(declared: Declared) -> Discovered:
    cursors = [declared.cursor] if declared.cursor else []
    return Discovered(
        table=declared.table, mode="api", cursor_candidates=cursors, warnings=_notes(declared)
    )


def _notes(declared: Declared) -> list[str]:
    """Return how an object is read, and what is left out of it."""
    notes = [f"changes by {declared.cursor}" if declared.cursor else "no stamp: read whole"]
    if declared.has_formulas:
        notes.append("has formulas: read whole again on a schedule")
    if not declared.is_replicated:
        notes.append("no log of deletions: found by a scan of ids")
    notes += [f"{field} is left out: {reason}" for field, reason in declared.left_out.items()]
    several = {field: to for field, to in declared.references.items() if len(to) > 1}
    notes += [f"{field} refers to {' or '.join(to)}" for field, to in several.items()]
    return notes
