"""What a table is, and how Klaviyo's JSON becomes its rows. Pure: no HTTP, no Fivetran.

`TABLES` is the contract with the warehouse: every column declared and typed, every key beginning
with `account_id`, every row complete. A column names the place in Klaviyo's JSON that fills it.
"""

import hashlib
import json
import re
from base64 import b64encode
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from values import CONVERTERS

Json = Any
Row = dict[str, Any]
State = dict[str, Any]


@dataclass(frozen=True)
class Upsert:
    """Write one complete row: columns it leaves out would become NULL."""

    table: str
    row: Row


@dataclass(frozen=True)
class Delete:
    """Mark the row with these key values as deleted."""

    table: str
    keys: Row


@dataclass(frozen=True)
class Checkpoint:
    """Everything before this is safe to keep; a later sync resumes from `state`."""

    state: State


@dataclass(frozen=True)
class Warning:
    """Something the user should know that did not stop the sync."""

    message: str


Operation = Upsert | Delete | Checkpoint | Warning


class UnstorableError(Exception):
    """A record without a key cannot become a row; it goes to `sync_error` instead."""


@dataclass(frozen=True)
class Column:
    """One column: its Fivetran type and the place in the source document that fills it."""

    type: str
    path: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """One raw table. `key` follows `account_id`; rows carry all of `columns` plus `synced_at`."""

    name: str
    grain: str
    key: tuple[str, ...]
    columns: Mapping[str, Column]
    reporting: bool = True

    @property
    def primary_key(self) -> list[str]:
        """The key as Fivetran and dbt see it."""
        return ["account_id", *self.key]

    @property
    def types(self) -> dict[str, str]:
        """Every column of the stored table with its Fivetran type."""
        own = {name: column.type for name, column in self.columns.items()}
        return {"account_id": "STRING", **own, "synced_at": "UTC_DATETIME"}

    @cached_property
    def _plan(self) -> dict[tuple[str, ...], list[tuple[str, str, Callable[[Any], Any]]]]:
        """The columns by the container that holds them, which is then looked up once a row."""
        plan = defaultdict(list)
        for name, one in self.columns.items():
            plan[one.path[:-1]].append((name, one.path[-1], CONVERTERS[one.type]))
        return dict(plan)

    @cached_property
    def _blank(self) -> Row:
        return dict.fromkeys(("account_id", *self.columns))

    def row(self, account_id: str, source: Json, unfit: Counter[str] | None = None) -> Row:
        """The row for one source document, without `synced_at`.

        A value of another type than its column's is NULL there, and counted in `unfit`.
        """
        row = self._blank | {"account_id": account_id}
        for path, columns in self._plan.items():
            container = dig(source, path)
            if isinstance(container, list):
                container = {str(position): one for position, one in enumerate(container)}
            if isinstance(container, dict):
                for name, key, convert in columns:
                    value = container.get(key)
                    if value is not None:
                        row[name] = fitting = convert(value)
                        if fitting is None and unfit is not None and value != "":
                            unfit[name] += 1
        for name in self.key:
            if row[name] is None:
                raise UnstorableError(f"{self.name} without {name}")
        return row

    def has_key(self, source: Json) -> bool:
        """Whether a related resource is one of this table's: a flow's delay is no message."""
        return any(dig(source, self.columns[name].path) is not None for name in self.key)

    def key_of(self, row: Row) -> str:
        """The key within one account as one string."""
        return json.dumps([row[name] for name in self.key], separators=(",", ":"))


def dig(source: Json, path: Sequence[str]) -> Json:
    """The value at a path of keys and list positions, or None where it breaks off."""
    for step in path:
        if isinstance(source, dict):
            source = source.get(step)
        elif isinstance(source, list) and step.isdigit() and int(step) < len(source):
            source = source[int(step)]
        else:
            return None
    return source


def digest(value: Any) -> str:
    """Eight characters that change when the value does."""
    body = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return b64encode(hashlib.blake2b(body.encode(), digest_size=6).digest()).decode()


def resolved(page: Json) -> Iterator[Json]:
    """The documents of a page, each relationship holding the included resource it points to."""
    included = {_identity(one): one for one in _objects(page.get("included"))}
    for one in page["data"]:
        document = one if isinstance(one, dict) else {}  # no record: refused for want of a key
        links = document.get("relationships")
        names = links if isinstance(links, dict) else {}
        related = {name: _full(link, included) for name, link in names.items()}
        yield {**document, "related": related}


def _full(relationship: Json, included: Mapping[tuple[str, str], Json]) -> Json:
    """What a relationship points to, or the pointer itself where that was not included."""
    pointer = relationship.get("data") if isinstance(relationship, dict) else None
    if isinstance(pointer, dict):
        return included.get(_identity(pointer), pointer)
    if isinstance(pointer, list):
        return [included.get(_identity(one), one) for one in _objects(pointer)]
    return None


def _objects(value: Json) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _identity(resource: dict[str, Any]) -> tuple[str, str]:
    return str(resource.get("type")), str(resource.get("id"))


def related(source: Json, name: str) -> Iterator[Json]:
    """Each resource of one relationship of a resolved document, with its owner at hand."""
    children = dig(source, ("related", name)) or []
    for child in _objects(children if isinstance(children, list) else [children]):
        yield {**child, "owner": source}


def make_table(name: str, grain: str, key: str, columns: str, *, reporting: bool = True) -> Table:
    """A table from lines of `column TYPE path.in.the.document`."""
    cells = [line.split(maxsplit=2) for line in columns.strip().splitlines()]
    parsed = {cell[0]: Column(cell[1], tuple(cell[2].split("/"))) for cell in cells}
    return Table(name, grain, tuple(key.split()), parsed, reporting)


_MARK = re.compile(r"[A-Za-z0-9+/]{8}(:\d{1,18})?")  # a digest, and how much the row counted


class Ledger:
    """Which rows of a table stand in the warehouse: key to digest.

    A row that did not change is not written again (Fivetran bills rows written), and a key that a
    full listing no longer shows is gone.
    """

    def __init__(self, known: Mapping[str, str]) -> None:
        """Raises a ValueError or TypeError where `known` is not what a ledger holds."""
        self.known = dict(known)
        self.seen: set[str] = set()
        if not all(map(_MARK.fullmatch, self.known.values())):
            raise ValueError("a row's mark is no digest")

    def news(self, key: str, row: Row, size: int = 0, *, whole: bool = True) -> bool:
        """Whether `row` differs from what stands under `key`; remembers it.

        Of several rows for one key that of the greatest `size` is the whole one. A smaller row is
        no news, unless it is this sync's first and from an answer that is `whole`.
        """
        held = key in self.seen or not whole
        self.seen.add(key)
        known, _, stands = self.known.get(key, "").partition(":")
        if held and size < int(stands or 0):
            return False
        mark = digest(row)
        self.known[key] = f"{mark}:{size}" if size else mark
        return mark != known

    def forget_unseen(self, among: Callable[[str], bool] = lambda _: True) -> list[str]:
        """The keys `among` those known that were not seen; they are forgotten here."""
        gone = [key for key in self.known if key not in self.seen and among(key)]
        for key in gone:
            del self.known[key]
        return gone
