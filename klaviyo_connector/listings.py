"""Syncs the tables that mirror Klaviyo's lists: new, changed and deleted records."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

from account import Account
from models import Delete, Json, Ledger, Operation, Table, dig, related, resolved
from streams import Stream
from values import moment, written

# Klaviyo's listings lag behind its writes, and its clock has second granularity.
OVERLAP = timedelta(hours=1)


def sync_listing(account: Account, stream: Stream) -> Iterator[Operation]:
    """Write what changed since the last sync; once a day list everything and find what is gone.

        watermark-1h     watermark            now
        |--- asked again ---|--- first time ---|

    The watermark moves at the end only: Klaviyo sometimes answers unsorted, whatever `sort` asks.
    """
    memory = account.memory.tables.get(stream.name, {})
    today = account.today.isoformat()
    everything = stream.cursor is None or memory.get("listed_on") != today
    since = None if everything else memory.get("watermark")
    rows = memory.get("rows", {})
    ledgers = {table.name: Ledger(rows.get(table.name, {})) for table, _ in stream.makes}
    newest = memory.get("watermark")
    for partition in stream.partitions:
        params = {**stream.params, **_filter(account, stream, partition, since)}
        for page in account.asking.pages(stream.path, params, paged=stream.paged):
            for document in resolved(page):
                account.learn(stream.name, document)
                newest = _later(newest, _changed_at(stream, document), account.now)
                yield from _rows(account, stream, document, ledgers)
            yield account.memory.checkpoint()
    if everything:
        yield from _deletions(account, stream, ledgers)
    account.memory.tables[stream.name] = {
        "watermark": newest,
        "listed_on": today if everything else memory["listed_on"],
        "rows": {name: ledger.known for name, ledger in ledgers.items()},
    }
    yield account.memory.checkpoint()


def _rows(
    account: Account, stream: Stream, document: Json, ledgers: dict[str, Ledger]
) -> Iterator[Operation]:
    """The rows of one document in every chosen table of the stream."""
    for table, relationship in stream.makes:
        if account.wants(table):
            sources = [document] if relationship is None else related(document, relationship)
            for source in sources:
                if relationship is None or table.has_key(source):
                    news = partial(_news, table, ledgers[table.name])
                    yield from account.store(table, source, news)


def _news(table: Table, ledger: Ledger, row: Json) -> bool:
    return ledger.news(table.key_of(row), row)


def _deletions(account: Account, stream: Stream, ledgers: dict[str, Ledger]) -> Iterator[Operation]:
    """Mark what a full listing no longer shows."""
    for table, _ in stream.makes:
        if account.wants(table):
            for key in ledgers[table.name].forget_unseen():
                account.deleted[table.name] += 1
                keys = dict(zip(table.key, json.loads(key), strict=True))
                yield Delete(table.name, {"account_id": account.id, **keys})


def _filter(account: Account, stream: Stream, partition: str, since: str | None) -> dict[str, str]:
    """The `filter` parameter: the part of the listing and what changed since the watermark."""
    conditions = [partition] if partition else []
    if since is not None:
        bound = account.back(since) - OVERLAP
        conditions.append(f"{stream.since}({stream.cursor},{written(bound)})")
    return {"filter": ",".join(conditions)} if conditions else {}


def _changed_at(stream: Stream, document: Json) -> str | None:
    return moment(dig(document, ("attributes", stream.cursor))) if stream.cursor else None


def _later(newest: str | None, changed_at: str | None, now: datetime) -> str | None:
    """The later of two times; one that lies ahead of Klaviyo's clock moves nothing."""
    if changed_at is None or changed_at > written(now):
        return newest
    return changed_at if newest is None else max(newest, changed_at)
