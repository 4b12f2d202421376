"""Syncs the tables that mirror Klaviyo's lists: new, changed and deleted records."""

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from account import Account, recalling
from api import GoneError
from models import Json, Ledger, Operation, Row, Table, dig, digest, related, resolved
from streams import Stream
from values import json_value, moment, written

# Klaviyo's listings lag behind its writes, and its clock has second granularity.
OVERLAP = timedelta(hours=1)


def sync_listing(account: Account, stream: Stream) -> Iterator[Operation]:
    """Write what changed since the last sync; once a day list everything and find what is gone.

        watermark-1h     watermark            now
        |--- asked again ---|--- first time ---|

    The watermark moves at the end only: Klaviyo sometimes answers unsorted, whatever `sort` asks.
    What was in none of the partitions may have moved meanwhile into one that had been listed.
    """
    mirror = Mirror(account, stream)
    for partition in stream.partitions:
        yield from mirror.read(partition)
    if mirror.everything:
        for partition in stream.partitions[:-1] if mirror.misses_some() else ():
            yield from mirror.read(partition)
        yield from mirror.deletions()
    mirror.remember(finished=True)
    yield account.memory.checkpoint()


class Mirror:
    """One listing during one sync: what stands in the warehouse, and what was seen of it."""

    def __init__(self, account: Account, stream: Stream) -> None:
        self.account, self.stream = account, stream
        self.tables = [table for table, _ in stream.makes if account.wants(table)]
        account.begin(stream.name, [table.name for table, _ in stream.makes], "rows")
        self.memory: Row = account.memory.of(stream.name)
        self.today = account.today.isoformat()
        self.everything = stream.cursor is None or self.memory.get("listed_on") != self.today
        with recalling(stream.name):
            rows = self.memory.get("rows", {})
            self.ledgers = {t.name: Ledger(rows.get(t.name, {})) for t, _ in stream.makes}
            self.detailed: dict[str, Any] = dict(self.memory.get("detailed", {}))
        self.touched: dict[str, list[str]] = defaultdict(list)  # keys of one document's rows
        self.listed: set[str] = set()
        self.newest: str | None = self.memory.get("watermark")

    def read(self, partition: str) -> Iterator[Operation]:
        """The rows of one part of the listing."""
        params = {**self.stream.params, **self._filter(partition)}
        for page in self.account.asking.pages(self.stream.path, params, paged=self.stream.paged):
            for document in resolved(page):
                self.account.tell(f"listing {self.stream.name}")
                yield from self._document(document)
            self.remember()
            yield self.account.memory.checkpoint()

    def _filter(self, partition: str) -> dict[str, str]:
        """The `filter` parameter: the part of the listing and what changed since the watermark."""
        conditions = [partition] if partition else []
        watermark = None if self.everything else self.memory.get("watermark")
        if watermark is not None:
            with recalling(self.stream.name):
                bound = written(self.account.back(watermark) - OVERLAP)
            conditions.append(f"{self.stream.since}({self.stream.cursor},{bound})")
        return {"filter": ",".join(conditions)} if conditions else {}

    def _document(self, document: Json) -> Iterator[Operation]:
        """The rows of one document in every chosen table of the stream."""
        self.account.learn(self.stream.name, document)
        self.listed.add(str(document.get("id")))
        self._note_change(document)
        if self.stream.details is None:
            yield from self._rows(document)
        elif not self._stands(document):
            yield from self._with_details(document)

    def _rows(self, document: Json) -> Iterator[Operation]:
        for table, relationship in self.stream.makes:
            if table not in self.tables:
                continue
            if relationship is None:
                yield from self._store(table, document)
                continue
            for child in related(document, relationship):
                if table.has_key(child):
                    yield from self._store(table, child)

    def _store(self, table: Table, source: Json) -> Iterator[Operation]:
        def news(row: Row) -> bool:
            key = table.key_of(row)
            self.touched[table.name].append(key)
            return self.ledgers[table.name].news(key, row)

        yield from self.account.store(table, source, news)

    def _stands(self, document: Json) -> bool:
        """Whether a document and its details were written as they are; marks its rows as seen."""
        with recalling(self.stream.name):
            mark, keys = self.detailed.get(str(document.get("id")), (None, {}))
            if mark != _mark(document):
                return False
            for name, seen in keys.items():
                self.ledgers[name].seen.update(seen)
        return True

    def _with_details(self, document: Json) -> Iterator[Operation]:
        """The rows of a document and of what only its own address shows.

        Where there is nothing, the document was deleted meanwhile, or is so new that its address
        is not known everywhere yet: it is asked for again the next time.
        """
        relationship, path = self.stream.details or ("", "")
        id_, mark = str(document.get("id")), _mark(document)
        self.touched.clear()
        try:
            pages = self.account.asking.pages(path.format(id=id_), {}, paged=False)
            details = [child for page in pages for child in page["data"]]
        except GoneError:
            details, mark = [], ""
        related_ = {**document["related"], relationship: details}
        yield from self._rows({**document, "related": related_})
        self.detailed[id_] = [mark, {name: list(keys) for name, keys in self.touched.items()}]

    def _note_change(self, document: Json) -> None:
        """Move the watermark; a time that lies ahead of Klaviyo's clock moves nothing."""
        if self.stream.cursor is not None:
            changed_at = moment(dig(document, ("attributes", self.stream.cursor)))
            if changed_at is not None and changed_at <= written(self.account.now):
                self.newest = max(changed_at, self.newest or "")

    def misses_some(self) -> bool:
        """Whether something stands in the warehouse that was not listed."""
        ledgers = [self.ledgers[table.name] for table in self.tables]
        return any(ledger.known.keys() - ledger.seen for ledger in ledgers)

    def deletions(self) -> Iterator[Operation]:
        """Mark what a full listing no longer shows, and forget it."""
        self.detailed = {id_: known for id_, known in self.detailed.items() if id_ in self.listed}
        for table in self.tables:
            for key in self.ledgers[table.name].forget_unseen():
                with recalling(self.stream.name):
                    row = dict(zip(table.key, json.loads(key), strict=True))
                yield self.account.delete(table, row)

    def remember(self, *, finished: bool = False) -> None:
        """Put what was written into memory; the watermark only once the listing is finished."""
        listed = {"watermark": self.newest, "listed_on": self.today if self.everything else None}
        known = {name: self.memory.get(name) for name in listed}
        self.account.memory.tables[self.stream.name] = {
            **known,
            **({name: value for name, value in listed.items() if value} if finished else {}),
            "rows": {name: dict(ledger.known) for name, ledger in self.ledgers.items()},
            "detailed": dict(self.detailed),
        }


def _mark(document: Json) -> str:
    """What differs once a document changed; its status is part of it, sent or not."""
    return digest(json_value(document.get("attributes")))
