"""One read of Stripe: lists tables that need it, then follows what tells of changes.

    listing   ── newest first ──> objects created until its begin; complete: what it lacks is gone
    events    [at ........ top]   newest first; they say which objects changed: each is read again
    created   [at ........ top]   newest first; objects without events, then those that were pending
                           │lag│ now, by Stripe's clock

A position moves to `top` once everything down to `at` is read; it is committed page by page.
"""

from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote

from simplyload.changes import Batch, Waiting
from simplyload.sources.stripe.client import Anchor, Client, RefusedError
from simplyload.sources.stripe.objects import (
    BY_OBJECT,
    EVENTS,
    KINDS,
    TOUCHING,
    Child,
    Kind,
    Object,
)
from simplyload.sources.stripe.position import Listing, Position, Window, scope_of
from simplyload.sources.stripe.settings import StripeSettings
from simplyload.sources.stripe.store import Store

DAY = 86_400
# Stripe keeps events for 30 days; those at the far end vanish while they are read.
EVENTS_KEPT = 29 * DAY
LAG = 60  # seconds: an event may become visible later than others that are newer
OVERLAP = 60  # seconds below the position that are read again for what came later still
FEW = 20  # objects from which on a list with less than half of them deletes nothing

_TABLES = {kind.table: kind for kind in KINDS}


class Reading:
    """Reads from a position to the present; the position advances with it."""

    def __init__(
        self, client: Client, settings: StripeSettings, position: Position, stream: str
    ) -> None:
        self.unknown: set[str] = set()  # objects of events that lead to no table
        self._client = client
        self._settings = settings
        self._position = position
        self._stream = stream
        self._store = Store(client, settings, position)
        self._kinds = settings.kinds()
        self._followed = [kind for kind in self._kinds if kind.follow != "created"]
        self._now = 0
        self._refused: dict[str, str] = {}
        # Objects that this read has, newer than any event that it meets, with ids of children.
        self._fetched: dict[tuple[str, str, str], Mapping[str, set[str]]] = {}

    def run(self) -> Iterator[Batch]:
        """Yield everything up to the present."""
        self._look_at_clock()
        self._begin_windows()
        for kind in self._kinds:
            if not self._position.is_listed(kind, self._settings):
                yield from self._refusable([kind], self.list_table(kind))
        for account in self._settings.headers if self._followed else ():
            yield from self._refusable([], self._follow_events(account), self._followed)
        for kind in self._kinds:
            if kind.follow == "created" and self._position.is_listed(kind, self._settings):
                for account in self._settings.headers:
                    yield from self._refusable([], self._follow_created(kind, account), [kind])
        yield self._end()

    def list_table(self, kind: Kind) -> Iterator[Batch]:
        """List a table from where its listing is; at the end what it lacks is gone."""
        listing = self._begin_listing(kind)
        bounds = {"created[gte]": listing.since, "created[lte]": listing.until}
        params = {**kind.listing, **{name: at for name, at in bounds.items() if at is not None}}
        for account in listing.scope.accounts[listing.account :]:
            for page in self._client.pages(account, kind.path, params, listing.after):
                for found in page:
                    self._store.put(kind, account, found)
                listing.rows += len(page)
                listing.after = _last(page) or listing.after
                yield self._store.batch()
            listing.account, listing.after = listing.account + 1, None
        self._complete(kind, listing)
        yield self._store.batch()

    def scan(self, kind: Kind) -> Iterator[Batch]:
        """List a table as it is now, from its begin."""
        self._look_at_clock()
        return self.list_table(kind)

    # ---- before and after ----

    def _look_at_clock(self) -> None:
        """Read Stripe's clock; where events cannot be read, the tables that need them wait."""
        try:
            self._client.get(self._settings.account, EVENTS.path, limit=1)
        except RefusedError as error:
            for kind in self._followed:
                self._refused[kind.table] = str(error)
        self._now = self._client.now

    def _begin_windows(self) -> None:
        """Let events of new accounts begin now; after a long gap list everything again."""
        windows = self._position.events
        gaps = [windows[one].at for one in self._settings.headers if one in windows]
        if any(self._now - at > EVENTS_KEPT for at in gaps):
            days = (self._now - min(gaps)) // DAY
            self._store.warnings.append(
                f"The last read of {self._stream} was {days} days ago, and Stripe keeps events for"
                " 30 days: every table is listed again."
            )
            windows = {}
            for kind in self._followed:
                self._position.table(kind).again = "checked"
        chosen = {kind.table for kind in self._kinds}
        tables = self._position.tables.items()
        self._position.tables = {name: table for name, table in tables if name in chosen}
        self._position.events = {
            account: windows.get(account, Window(at=self._now))
            for account in self._settings.headers
        }

    def _refusable(
        self, listed: list[Kind], batches: Iterator[Batch], waiting: Iterable[Kind] = ()
    ) -> Iterator[Batch]:
        """Pass batches on; a refusal makes tables wait, and ends the listing of those `listed`."""
        try:
            yield from batches
        except RefusedError as error:
            for kind in listed:
                self._refuse(kind, str(error))
            for kind in waiting:
                self._refused.setdefault(kind.table, str(error))

    def _refuse(self, kind: Kind, message: str) -> None:
        """Make a table wait: events meanwhile are not applied to it, so it is listed again."""
        table = self._position.table(kind)
        table.listing, table.again = None, table.again or "checked"
        self._refused[kind.table] = message

    def _end(self) -> Batch:
        """Give what waits; commit an idle position once a day, so that it does not look old."""
        keep = self._now - self._position.kept > DAY
        if keep:
            self._position.kept = self._now
        batch = self._store.batch()
        waiting = [
            Waiting(table=table, message=f"{self._stream}.{table}: {message}")
            for table, message in self._refused.items()
        ]
        return Batch(
            changes=batch.changes,
            state=batch.state,
            rejected=batch.rejected,
            warnings=batch.warnings,
            waiting=waiting,
            keep=keep,
        )

    # ---- listing ----

    def _begin_listing(self, kind: Kind) -> Listing:
        table, scope = self._position.table(kind), scope_of(kind, self._settings)
        if table.listing is None or table.listing.scope != scope:
            since = [at for at in (scope.since, table.since) if at is not None]
            table.listing = Listing(
                scope=scope,
                seq=self._store.rows.number(),
                until=self._now,
                since=max(since, default=None),
                partial=table.since is not None,
                accept=table.again == "accepted" or table.scope != scope,
            )
        return table.listing

    def _complete(self, kind: Kind, listing: Listing) -> None:
        table = self._position.table(kind)
        if listing.rows * 2 < table.rows >= FEW and not (listing.accept or listing.partial):
            self._refuse(
                kind,
                f"Stripe lists {listing.rows} objects, and {table.rows} were there before: none is"
                f" marked as deleted. If so many are gone, run `simplyload backfill"
                f" {self._stream}.{kind.table}`; otherwise look at the rights of api_key.",
            )
            return
        tables: list[Kind | Child] = [kind, *self._store.children_of(kind)]
        for one in tables:
            if kind.follow == "itself" or listing.partial:
                self._store.rows.mention(one)
            else:
                self._store.rows.truncate(one, listing.seq)
        if not listing.partial:
            table.scope, table.rows = listing.scope, listing.rows
        table.listing, table.again, table.since = None, "", None
        if kind.follow == "created":
            self._position.created[kind.table] = {
                account: Window(at=listing.until) for account in listing.scope.accounts
            }

    # ---- events ----

    def _follow_events(self, account: str) -> Iterator[Batch]:
        window = self._position.events[account]
        for page in self._read_window(window, account, EVENTS.path):
            self._apply(account, page)
            yield self._store.batch()

    def _read_window(self, window: Window, account: str, path: str) -> Iterator[list[Object]]:
        """Yield what is new up to the lag: first the rest of an interrupted read, then the next."""
        while window.top or self._now - LAG > window.at:
            window.top = window.top or self._now - LAG
            params = {"created[gte]": window.at - OVERLAP, "created[lte]": window.top}
            for page in self._client.pages(account, path, params, window.after):
                late = [one["id"] for one in page if one["created"] >= window.top - OVERLAP]
                window.above += late
                window.after = _last(page) or window.after
                yield [one for one in page if one["id"] not in window.seen]
            window.at, window.seen = window.top, window.above
            window.top, window.after, window.above = None, None, []

    def _apply(self, account: str, events: list[Object]) -> None:
        """Read again each object that events name: what they carry is in another version's form."""
        wanted: dict[tuple[str, str], dict[str, set[str]]] = {}
        for event in events:
            if self._follows(EVENTS) and event["created"] >= (self._settings.since(EVENTS) or 0):
                self._store.put(EVENTS, account, event)
            for kind, id_ in self._objects_of(event):
                named = wanted.setdefault((kind.table, id_), {})
                for table, ids in self._named_children(kind, event).items():
                    named.setdefault(table, set()).update(ids)
        for (table, id_), named in wanted.items():
            kind = _TABLES[table]
            if self._follows(kind):
                try:
                    self._refresh(kind, account, id_, named)
                except RefusedError as error:
                    self._refuse(kind, str(error))

    def _follows(self, kind: Kind) -> bool:
        return kind in self._kinds and self._position.is_listed(kind, self._settings)

    def _objects_of(self, event: Object) -> Iterator[tuple[Kind, str]]:
        """Yield what an event is about; the object of `invoice.upcoming` has no id yet."""
        found = event["data"]["object"]
        kind = BY_OBJECT.get(found["object"])
        if kind is not None and kind.follow == "events" and "id" in found:
            yield kind, found["id"]
        elif kind is None and found["object"] not in TOUCHING:
            self.unknown.add(found["object"])
        for field, table in TOUCHING.get(found["object"], {}).items():
            named = found.get(field)
            if named:
                yield _TABLES[table], named["id"] if isinstance(named, dict) else named

    def _named_children(self, kind: Kind, event: Object) -> dict[str, set[str]]:
        """Give the children that an event shows, before and after: a list of them may be short."""
        data = event["data"]
        if data["object"]["object"] != kind.object:
            return {}
        shown = (data["object"], data.get("previous_attributes") or {})
        return {
            child.table: {
                one["id"]
                for side in shown
                for one in (side.get(child.field) or {}).get("data") or ()
                if one.get("object") == child.object
            }
            for child in self._store.children_of(kind)
            if child.field
        }

    def _refresh(self, kind: Kind, account: str, id_: str, named: Mapping[str, set[str]]) -> None:
        """Take an object as it is now; one that does not exist any more is gone."""
        key = (account, kind.table, id_)
        if key in self._fetched:
            for child in self._store.children_of(kind):
                gone = named.get(child.table, set()) - self._fetched[key].get(child.table, set())
                self._store.remove_children(child, account, gone)
            return
        try:
            found = self._client.get(account, f"{kind.path}/{quote(id_, safe='')}")
        except RefusedError as error:
            if not error.is_missing:
                raise
            found = {"id": id_, "deleted": True}
        children: Mapping[str, set[str]] = {}
        if found.get("deleted"):
            self._store.remove(kind, account, id_, named)
        elif found["created"] >= (self._settings.since(kind) or 0):
            children = self._store.put(kind, account, found, named)
        self._fetched[key] = children

    # ---- objects without events ----

    def _follow_created(self, kind: Kind, account: str) -> Iterator[Batch]:
        window = self._position.created[kind.table][account]
        for page in self._read_window(window, account, kind.path):
            for found in page:
                self._store.put(kind, account, found)
            yield self._store.batch()
        yield from self._settle(kind, account, window.at)

    def _settle(self, kind: Kind, account: str, until: int) -> Iterator[Batch]:
        """Read again what was pending, once its time has come."""
        pending = self._position.pending.get(account, {})
        due = [at for at in pending if int(at) <= self._now]
        if not (due and kind.settles):
            return
        bounds = {"created[gte]": min(pending[at] for at in due), "created[lte]": until}
        first, still = min(map(int, due)), {}
        for page in self._client.pages(account, kind.path, bounds):
            for found in page:
                at, is_pending = found[kind.settles], found["status"] == "pending"
                if is_pending and str(at) in due:
                    still[str(at)] = found["created"]
                elif (is_pending and str(at) not in pending) or first <= at <= self._now:
                    self._store.put(kind, account, found)
            yield self._store.batch()
        for at in due:
            del pending[at]
        pending.update(still)


def _last(page: list[Object]) -> Anchor | None:
    return Anchor(page[-1]["id"], page[-1].get("created")) if page else None
