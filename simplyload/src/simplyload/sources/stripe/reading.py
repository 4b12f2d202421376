"""One read of Stripe: lists tables that need it, then follows what tells of changes.

    listing   ── newest first ──> objects created until its begin; complete: what it lacks is gone
    events    [at ........ top]   newest first; they say which objects changed: each is read again
    created   [at ........ top]   newest first; objects without events, then those that were pending
                           │lag│ now, by Stripe's clock

The position is committed page by page.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from simplyload.changes import Batch, Waiting
from simplyload.sources.stripe.client import RefusedError
from simplyload.sources.stripe.events import TABLES, Refresher
from simplyload.sources.stripe.listing import list_table
from simplyload.sources.stripe.objects import EVENTS, Kind
from simplyload.sources.stripe.position import Window
from simplyload.sources.stripe.store import Store
from simplyload.sources.stripe.window import read_window

DAY = 86_400
# Stripe keeps events for 30 days; those at the far end vanish while they are read.
EVENTS_KEPT = 29 * DAY


class Reading:
    """Reads from a position to the present; the position advances with it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._client, self._position = store.client, store.position
        self._kinds = store.settings.kinds()
        self._followed = [kind for kind in self._kinds if kind.follow != "created"]
        self._accounts = list(store.settings.headers)
        self._events = Refresher(store)
        self._waiting: dict[str, str] = {}
        self._now = 0

    @property
    def unknown(self) -> set[str]:
        """The objects of events that led to no table."""
        return self._events.unknown

    def run(self) -> Iterator[Batch]:
        """Yield everything up to the present."""
        self._look_at_clock()
        self._begin_windows()
        for kind in self._kinds:
            if not self._is_listed(kind):
                yield from self._handle_refusals(
                    list_table(self._store, kind, self._now), lists=kind
                )
        for account in self._accounts if self._followed else ():
            yield from self._handle_refusals(self._follow_events(account), self._followed)
        for kind in self._kinds:
            if kind.follow == "created" and self._is_listed(kind):
                for account in self._accounts:
                    yield from self._handle_refusals(self._follow_created(kind, account), [kind])
        yield self._end()

    def scan(self, kind: Kind) -> Iterator[Batch]:
        """List a table as it is now, from its begin."""
        self._look_at_clock()
        return list_table(self._store, kind, self._now)

    # ---- before and after ----

    def _look_at_clock(self) -> None:
        """Read Stripe's clock; where events cannot be read, the tables that need them wait."""
        try:
            self._client.get(self._accounts[0], EVENTS.path, limit=1)
        except RefusedError as error:
            for kind in self._followed:
                self._waiting[kind.table] = str(error)
        self._now = self._client.now

    def _begin_windows(self) -> None:
        """Let events of new accounts begin now; after a long gap list everything again."""
        position, windows = self._position, self._position.events
        position.tables = {kind.table: position.table(kind) for kind in self._kinds}
        gaps = [self._now - windows[account].at for account in self._accounts if account in windows]
        if max(gaps, default=0) > EVENTS_KEPT:
            self._store.rows.warnings.append(
                f"The last read of {self._store.stream} was {max(gaps) // DAY} days ago, and Stripe"
                " keeps events for 30 days: every table is listed again."
            )
            windows = {}
            for kind in self._followed:
                position.table(kind).again = position.table(kind).again or "checked"
        begin = Window(at=self._now)
        position.events = {
            account: windows.get(account, begin.model_copy()) for account in self._accounts
        }

    def _handle_refusals(
        self, batches: Iterator[Batch], need: Iterable[Kind] = (), lists: Kind | None = None
    ) -> Iterator[Batch]:
        """Pass batches on; a refusal makes tables wait that need them, or ends their listing."""
        try:
            yield from batches
        except RefusedError as error:
            for kind in need:
                self._waiting.setdefault(kind.table, str(error))
            if lists is not None:
                self._list_again(lists, str(error))

    def _list_again(self, kind: Kind, message: str) -> None:
        """Make a table wait for a new listing: events meanwhile are not applied to it."""
        table = self._position.table(kind)
        table.listing, table.again = None, table.again or "checked"
        self._waiting[kind.table] = message

    def _end(self) -> Batch:
        """Return what waits; commit an idle position once a day, so that it does not look old."""
        keep = self._now - self._position.kept > DAY
        if keep:
            self._position.kept = self._now
        waiting = [
            Waiting(table=table, message=f"{self._store.stream}.{table}: {message}")
            for table, message in self._waiting.items()
        ]
        return replace(self._store.rows.batch(), waiting=waiting, keep=keep)

    def _is_listed(self, kind: Kind) -> bool:
        return self._position.is_listed(kind, self._store.settings)

    # ---- what tells of changes ----

    def _follow_events(self, account: str) -> Iterator[Batch]:
        window = self._position.events[account]
        for page in read_window(self._client, window, account, EVENTS.path, self._now):
            self._events.apply(account, page)
            for table, message in self._events.refused.items():
                self._list_again(TABLES[table], message)
            yield self._store.rows.batch()

    def _follow_created(self, kind: Kind, account: str) -> Iterator[Batch]:
        window = self._position.created[kind.table][account]
        for page in read_window(self._client, window, account, kind.path, self._now):
            for found in page:
                self._store.put(kind, account, found)
            yield self._store.rows.batch()
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
            yield self._store.rows.batch()
        for at in due:
            del pending[at]
        pending.update(still)
