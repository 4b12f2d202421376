"""Events: which objects they say have changed. Their data is in another version's form: unused."""

from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote

from simplyload.sources.stripe.client import RefusedError
from simplyload.sources.stripe.objects import (
    BY_OBJECT,
    EVENTS,
    KINDS,
    TOUCHING,
    Child,
    Kind,
    Object,
)
from simplyload.sources.stripe.store import Store

TABLES = {kind.table: kind for kind in KINDS}
Wanted = dict[tuple[str, str], dict[str, set[str]]]  # ids of children, by table, of table and id


class Refresher:
    """Reads each object that events name once, and takes it as it is now."""

    def __init__(self, store: Store) -> None:
        self.unknown: set[str] = set()  # objects of events that lead to no table
        self.refused: dict[str, str] = {}  # tables that cannot be read any more, and why
        self._store = store
        # What this read has: newer than any event that it meets, with ids of children.
        self._fetched: dict[tuple[str, str, str], Mapping[str, set[str]]] = {}

    def apply(self, account: str, events: Iterable[Object]) -> None:
        """Take events as rows of their own table, and the objects that they are about."""
        wanted: Wanted = {}
        for event in events:
            if self._is_followed(EVENTS) and not self._store.is_too_old(EVENTS, event):
                self._store.put(EVENTS, account, event)
            for kind, id_ in self._objects_of(event):
                named = wanted.setdefault((kind.table, id_), {})
                for table, ids in named_children(self._store.children_of(kind), event).items():
                    named.setdefault(table, set()).update(ids)
        for (table, id_), named in wanted.items():
            if self._is_followed(TABLES[table]):
                try:
                    self._refresh(TABLES[table], account, id_, named)
                except RefusedError as error:
                    self.refused[table] = str(error)

    def _is_followed(self, kind: Kind) -> bool:
        """Return whether events change a table; a pending listing reads the changes itself."""
        is_listed = self._store.position.is_listed(kind, self._store.settings)
        return (
            self._store.settings.wants(kind.table) and is_listed and kind.table not in self.refused
        )

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
                yield TABLES[table], named["id"] if isinstance(named, dict) else named

    def _refresh(self, kind: Kind, account: str, id_: str, named: Mapping[str, set[str]]) -> None:
        """Read the present object; if Stripe no longer has it, delete its row."""
        key = (account, kind.table, id_)
        if key in self._fetched:
            for child in self._store.children_of(kind):
                gone = named.get(child.table, set()) - self._fetched[key].get(child.table, set())
                self._store.remove_children(child, account, gone)
            return
        try:
            found = self._store.client.get(account, f"{kind.path}/{quote(id_, safe='')}")
        except RefusedError as error:
            if not error.is_missing:
                raise
            found = {"id": id_, "deleted": True}
        children: Mapping[str, set[str]] = {}
        if found.get("deleted"):
            self._store.remove(kind, account, id_, named)
        elif not self._store.is_too_old(kind, found):
            children = self._store.put(kind, account, found, named)
        self._fetched[key] = children


def named_children(children: Iterable[Child], event: Object) -> dict[str, set[str]]:
    """Return the children that an event shows, before and after: a list of them may be short."""
    data = event["data"]
    shown = (data["object"], data.get("previous_attributes") or {})
    return {
        child.table: {
            entry["id"]
            for side in shown
            for entry in (side.get(child.field) or {}).get("data") or ()
            if entry.get("object") == child.object
        }
        for child in children
        if child.field
    }
