"""Listing a table: what was created until the begin of the listing, newest first, resumable."""

from collections.abc import Iterator

from simplyload.changes import Batch
from simplyload.sources.stripe.client import RefusedError
from simplyload.sources.stripe.objects import Child, Kind
from simplyload.sources.stripe.position import Listing, Window, scope_of
from simplyload.sources.stripe.store import Store
from simplyload.sources.stripe.window import last_anchor

FEW = 20  # objects from which on a list with less than half of them deletes nothing


def list_table(store: Store, kind: Kind, now: int) -> Iterator[Batch]:
    """List a table from where its listing is; once it is complete, what it lacks is gone."""
    listing = _begin(store, kind, now)
    bounds = {"created[gte]": listing.since, "created[lte]": listing.until}
    params = {**kind.listing, **{name: at for name, at in bounds.items() if at is not None}}
    for account in listing.scope.accounts[listing.account :]:
        for page in store.client.pages(account, kind.path, params, listing.after):
            for found in page:
                store.put(kind, account, found)
            listing.rows += len(page)
            listing.after = last_anchor(page) or listing.after
            yield store.rows.batch()
        listing.account, listing.after = listing.account + 1, None
    _refuse_few(store, kind, listing)
    _complete(store, kind, listing)
    yield store.rows.batch()


def _begin(store: Store, kind: Kind, now: int) -> Listing:
    table, scope = store.position.table(kind), scope_of(kind, store.settings)
    if table.listing is None or table.listing.scope != scope:
        since = [at for at in (scope.since, table.since) if at is not None]
        table.listing = Listing(
            scope=scope,
            seq=store.rows.take_seq(),
            until=now,
            since=max(since, default=None),
            partial=table.since is not None and table.scope == scope,
            accept=table.again == "accepted" or table.scope != scope,
        )
    return table.listing


def _refuse_few(store: Store, kind: Kind, listing: Listing) -> None:
    """Raise RefusedError where most objects vanished: the key may have lost its rights."""
    before = store.position.table(kind).rows
    if listing.accept or listing.partial or not listing.rows * 2 < before >= FEW:
        return
    raise RefusedError(
        f"Stripe lists {listing.rows} objects, and {before} were there before: none is marked as"
        f" deleted. If these are gone, run `simplyload backfill {store.stream}.{kind.table}`;"
        " otherwise look at the rights of api_key."
    )


def _complete(store: Store, kind: Kind, listing: Listing) -> None:
    tables: list[Kind | Child] = [kind, *store.children_of(kind)]
    for part in tables:
        if kind.follow == "itself" or listing.partial:
            store.rows.mention(part.as_table())
        else:
            store.rows.truncate(part.as_table(), listing.seq)
    table = store.position.table(kind)
    if not listing.partial:
        table.scope, table.rows = listing.scope, listing.rows
    table.listing, table.again, table.since = None, "", None
    if kind.follow == "created":
        store.position.created[kind.table] = {
            account: Window(at=listing.until) for account in listing.scope.accounts
        }
