"""Turns what Stripe sends into changes: an object, its children, what became of it."""

from collections.abc import Iterable, Mapping
from urllib.parse import quote

from simplyload.sources.gathered import Gathered
from simplyload.sources.stripe.client import Client, RefusedError
from simplyload.sources.stripe.objects import Child, Kind, Object
from simplyload.sources.stripe.position import Position
from simplyload.sources.stripe.rows import to_row
from simplyload.sources.stripe.settings import StripeSettings

INLINE = 10  # objects that a list inside an object shows at most
LIST_TRIES = 3  # of a whole list of children, which may change meanwhile
Named = Mapping[str, Iterable[str]]  # ids by table of children


class Store:
    """What was read since the last batch, and the position after it."""

    def __init__(
        self, client: Client, settings: StripeSettings, position: Position, stream: str
    ) -> None:
        self.client = client
        self.settings = settings
        self.position = position
        self.stream = stream
        self.rows = Gathered(position)

    def children_of(self, kind: Kind) -> list[Child]:
        """Return the chosen tables of a kind's children."""
        return [child for child in kind.children if self.settings.wants(child.table)]

    def is_too_old(self, kind: Kind, found: Object) -> bool:
        """Return whether an object is from before the start date."""
        return int(found["created"]) < (self.settings.since(kind) or 0)

    def put(
        self, kind: Kind, account: str, found: Object, named: Named | None = None
    ) -> dict[str, set[str]]:
        """Take an object as it is now, and its children; return their ids by table.

        `named` are children that it had: those that its complete list lacks are gone.
        """
        self._check_mode(found)
        try:
            children = {c: self._list(c, account, found) for c in self.children_of(kind)}
        except RefusedError as error:
            if not error.is_missing:
                raise
            self.remove(kind, account, found["id"], named)
            return {}
        listing = self.position.table(kind).listing
        seq = listing.seq if listing else None  # the truncate at its end keeps what it has read
        self._upsert(kind, account, found, seq)
        if kind.settles and found.get("status") == "pending":
            self._note_pending(account, found[kind.settles], found["created"])
        ids: dict[str, set[str]] = {}
        for child, objects in children.items():
            ids[child.table] = {item["id"] for item in objects or ()}
            for item in objects or ():
                self._upsert(child, account, {**item, child.parent: found["id"]}, seq)
            if child.field:
                had = (named or {}).get(child.table, ())
                self._drop_others(child, account, found, ids[child.table], had)
        return ids

    def remove(self, kind: Kind, account: str, id_: str, named: Named | None = None) -> None:
        """Record that an object is gone, and with it the children that are known."""
        self.rows.delete(kind.as_table(), {"account": account, "id": id_})
        for child in self.children_of(kind):
            if child.field:
                known = self._child_ids(child).pop(id_, [])
                self.remove_children(child, account, {*known, *(named or {}).get(child.table, ())})

    def remove_children(self, child: Child, account: str, ids: Iterable[str]) -> None:
        """Record that children are gone."""
        for id_ in sorted(ids):
            self.rows.delete(child.as_table(), {"account": account, "id": id_})

    def _list(self, child: Child, account: str, parent: Object) -> list[Object] | None:
        """Return all children: those in the parent, or their own list; None where it has none."""
        if any(parent.get(name) != value for name, value in child.condition.items()):
            return None
        inline = parent.get(child.field) if child.field else None
        if inline and not inline["has_more"]:
            found: list[Object] = inline["data"]
            return found
        path = child.path.format(id=quote(parent["id"], safe=""))
        for attempt in range(1, LIST_TRIES + 1):
            try:
                return [item for page in self.client.pages(account, path) for item in page]
            except RefusedError as error:
                if error.parameter != "starting_after" or attempt == LIST_TRIES:
                    raise
        raise AssertionError

    def _drop_others(
        self, child: Child, account: str, parent: Object, ids: set[str], had: Iterable[str]
    ) -> None:
        """Record that other children of a parent are gone; remember these if no event shows all."""
        known = self._child_ids(child)
        self.remove_children(child, account, {*known.pop(parent["id"], ()), *had} - ids)
        if len(ids) > INLINE and parent.get("status") not in child.final:
            known[parent["id"]] = sorted(ids)

    def _child_ids(self, child: Child) -> dict[str, list[str]]:
        return self.position.children.setdefault(child.table, {})

    def _upsert(self, kind: Kind | Child, account: str, found: Object, seq: int | None) -> None:
        key = {"account": account, "id": str(found.get("id"))}
        self.rows.put(kind.as_table(), key, lambda: to_row(kind, account, found), seq)

    def _note_pending(self, account: str, at: int, created: int) -> None:
        pending = self.position.pending.setdefault(account, {})
        pending[str(at)] = min(created, pending.get(str(at), created))

    def _check_mode(self, found: Object) -> None:
        live = self.settings.mode == "live"
        if found.get("livemode", live) != live:
            raise RefusedError(
                f"Stripe gives {found['id']} of the other mode than api_key's, which is"
                f" {self.settings.mode}: nothing of it is loaded. Ask Stripe's support."
            )
