"""Decodes pages of JSON at twice the speed, where all that they hold can be stored as it is. Pure.

The type of a page follows from the declaration of the tables that it fills: structs with what their
columns read, and msgspec skips the rest. The type admits only what every column can store: integers
of 64 bits, no very long text, no deep nesting. msgspec itself refuses lone surrogates and infinite
numbers. So a value of a clean page that has its column's type already needs no conversion.

    JSON    {"id": "e1", "attributes": {"uuid": "u1", "event_properties": {"$value": 9.5}}, ...}
    record  id                attributes.uuid   attributes.event_properties: a dictionary
    row     id                uuid              properties and, out of it, value

Any other page is parsed whole and converted value by value (converters.py). Both ways make the same
rows.
"""

import re
from codecs import utf_8_decode
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from operator import attrgetter
from typing import Annotated, Any

from msgspec import UNSET, DecodeError, Meta, Struct, defstruct, structs
from msgspec.json import Decoder

from models import Column, Row, Table
from tables import jsonapi
from tables.converters import CONVERTERS, DIGITS, LONG_MAX
from tables.jsonapi import Json, get_path

Path = tuple[str, ...]
Place = tuple[Path, Any]  # a path in a document, and the type of the value there
Text = Annotated[str, Meta(max_length=DIGITS)]
Long = Annotated[int, Meta(ge=-LONG_MAX - 1, le=LONG_MAX)]
Scalar: Any = Text | Long | float | bool | None
# Objects in objects. msgspec unfolds each level, so one more doubles the 0.05 s of a decoder.
LEVELS = 6
# The type of a value that a column of a clean page stores as it is; a time is always converted.
STORED_TYPES = {"STRING": str, "LONG": int, "DOUBLE": float, "BOOLEAN": bool, "JSON": dict}
ColumnPlan = tuple[str, type | None, Callable[[Any], Any]]  # name, stored type, converter


def _nest(levels: int) -> Any:
    """The type of JSON with at most that number of levels of objects, each perhaps in a list."""
    if levels == 0:
        return Scalar
    value: Any = Scalar | dict[Text, _nest(levels - 1)]  # type: ignore[misc]
    return value | list[value]


NestedJson = _nest(LEVELS)

UTF8_CHUNK = 2**14  # bytes


class Record(Struct, gc=False):
    """An object of a clean page. Its members are attributes, and items as in a dictionary."""

    def __getitem__(self, name: str) -> Any:
        try:
            return getattr(self, _to_identifier(name))
        except AttributeError:
            raise KeyError(name) from None


class TypedPage(dict[str, Any]):
    """A page whose `data` are records."""


@cache
def typed_decoder(
    table: Table, related: tuple[tuple[str, Table], ...]
) -> Callable[[bytes], TypedPage | None]:
    """A function that decodes a page of records, or returns None if the page is not clean.

    `related` pairs a relationship of the records with the table that its resources fill. A record
    has these resources in place of the pointers to them.
    """
    decoder = Decoder(_page_type(table, related))
    names = [_to_identifier(name) for name, _ in related]

    def decode(content: bytes) -> TypedPage | None:
        try:
            page: Any = decoder.decode(content)
            _check_utf8(content)  # msgspec does not check what it skips
        except (DecodeError, UnicodeDecodeError, RecursionError):
            return None
        has_nul = b"\\" in content and b"\\u0000" in content
        if has_nul or page.errors is not UNSET:
            return None
        _resolve(page, names)
        return TypedPage(data=page.data, links=page.links)

    return decode


def _page_type(table: Table, related: tuple[tuple[str, Table], ...]) -> Any:
    """The struct of a page, with what the columns of these tables need and nothing else."""
    identity: list[Place] = [(("type",), Text), (("id",), Text)]
    places = [
        *identity,
        *(place for _, related_table in related for place in _list_paths(related_table)),
    ]
    resources: Any = list[_record_type(places)]  # type: ignore[misc]
    pointers = [(("relationships", name, "data"), resources | None) for name, _ in related]
    records: Any = list[_record_type([*_list_paths(table), *pointers])]  # type: ignore[misc]
    return defstruct(
        "Page",
        [
            ("data", records),
            ("links", dict[str, Any]),
            ("included", resources, []),
            ("errors", Any, UNSET),
        ],
    )


def _check_utf8(content: bytes) -> None:
    """Raise UnicodeDecodeError for invalid UTF-8. It decodes in chunks, to need less memory."""
    view, position = memoryview(content), 0
    while position < len(view):
        end = position + UTF8_CHUNK
        position += utf_8_decode(view[position:end], "strict", end >= len(view))[1]


def _resolve(page: Any, relationships: list[str]) -> None:
    """Put the included resources in the place of the pointers to them."""
    included = {(item.type, item.id): item for item in page.included}
    for record in page.data:
        for name in relationships:
            relationship = getattr(record.relationships, name)
            if relationship.data:
                found = [
                    included.get((identifier.type, identifier.id), identifier)
                    for identifier in relationship.data
                ]
                structs.force_setattr(relationship, "data", found)


def _list_paths(table: Table) -> Iterable[Place]:
    """Where the columns of a table find their values."""
    for name, column in table.columns.items():
        if column.fallback is not None:
            raise ValueError(f"{table.name}.{name}: a clean page has one place for each column")
        is_id = name in table.key and len(column.path) == 1
        yield column.path, Text if is_id else NestedJson if column.type == "JSON" else Scalar


def _record_type(places: Iterable[Place], *, is_frozen: bool = False) -> Any:
    """The type of an object with values at these places; only an id is required."""
    below: dict[str, dict[Path, Any]] = defaultdict(dict)
    for (name, *path), kind in places:
        below[name][tuple(path)] = kind
    fields: list[Any] = []
    for name, found in below.items():
        if found.get(()) is Text:
            fields.append((_to_identifier(name), Text))
        elif () in found:  # what columns read within a JSON column is in that column
            fields.append((_to_identifier(name), found[()], None))
        else:
            kind = _record_type(found.items(), is_frozen=True)
            # An attribute may be null in place of an object, and so may a relationship's data. A
            # relationship may not whose resources are put in the place of the pointers.
            never_null = name in ("attributes", "relationships") or ("data",) in found
            fields.append((_to_identifier(name), kind if never_null else kind | None, kind()))
    rename = {_to_identifier(name): name for name in below}
    return defstruct(
        "Object", fields, bases=(Record,), rename=rename, kw_only=True, frozen=is_frozen, gc=False
    )


@cache
def _to_identifier(name: str) -> str:
    """Convert a JSON member's name to a Python identifier."""
    return re.sub(r"\W", "_", name)


def documents(page: Json) -> Sequence[Any]:
    """The records of a clean page, or the documents of another one."""
    return page["data"] if isinstance(page, TypedPage) else [*jsonapi.documents(page)]


def related_resources(records: Iterable[Any], relationship: str) -> Iterator[Any]:
    """Each resource of one relationship of records or documents, with these as its `owner`."""
    name = _to_identifier(relationship)
    for record in records:
        if isinstance(record, Record):
            relationships: Any = record["relationships"]
            for resource in getattr(relationships, name).data or ():
                yield structs.replace(resource, owner=record)
        else:
            yield from jsonapi.related_resources(record, relationship)


def values_at(page: Json, path: Path) -> list[Any]:
    """The value at a path of each document of a page."""
    if isinstance(page, TypedPage):
        return [*map(attrgetter(".".join(map(_to_identifier, path))), page["data"])]
    return [get_path(record, path) for record in page["data"]]


class RecordMapper:
    """Makes the rows of one table of records."""

    def __init__(self, table: Table) -> None:
        json_columns = {
            column.path: name for name, column in table.columns.items() if column.type == "JSON"
        }
        paths: list[Path] = []
        self._columns: list[ColumnPlan] = []  # outside of JSON columns
        containers: dict[tuple[str, Path], dict[str, ColumnPlan]] = defaultdict(dict)
        for name, column in table.columns.items():
            path, plan = column.path, _plan(name, column)
            outer = next(
                (outer for outer in json_columns if outer == path[: len(outer)] != path), None
            )
            if outer is None:
                paths.append(path)
                self._columns.append(plan)
            else:
                containers[json_columns[outer], path[len(outer) : -1]][path[-1]] = plan
        self._containers = [(*place, members) for place, members in containers.items()]
        self._get_all = attrgetter(*(".".join(map(_to_identifier, path)) for path in paths))
        self._paths = paths
        self._empty_row = dict.fromkeys(("account_id", *table.columns))

    def rows(
        self, records: Iterable[Record], constants: Row, type_mismatches: Counter[str]
    ) -> list[Row]:
        """The rows that `Table.row` makes of the same JSON, with the values that all have."""
        empty_row, columns, containers = (
            self._empty_row | constants,
            self._columns,
            self._containers,
        )
        rows = []
        for record in records:
            row = empty_row.copy()
            for (name, stored, convert), value in zip(columns, self._values(record), strict=True):
                if type(value) is stored:
                    row[name] = value
                elif value is not None:
                    _convert(row, name, convert, value, type_mismatches)
            for column, path, members in containers:
                for key, value in _items(row[column], path):
                    if key in members:
                        name, stored, convert = members[key]
                        if type(value) is stored:
                            row[name] = value
                        elif value is not None:
                            _convert(row, name, convert, value, type_mismatches)
            rows.append(row)
        return rows

    def _values(self, record: Record) -> Iterable[Any]:
        """The values of the columns outside of JSON columns."""
        try:
            return self._get_all(record)
        except AttributeError:  # a null in place of an object
            return [get_path(record, path) for path in self._paths]


def _items(document: Json, path: Path) -> Iterable[tuple[str, Any]]:
    """The members of the object or list at a path within a JSON column."""
    container = get_path(document, path) if path else document
    if isinstance(container, list):
        return ((str(position), value) for position, value in enumerate(container))
    return container.items() if isinstance(container, dict) else ()


def _plan(name: str, column: Column) -> ColumnPlan:
    return name, STORED_TYPES.get(column.type), CONVERTERS[column.type]


def _convert(
    row: Row, name: str, convert: Callable[[Any], Any], value: Any, type_mismatches: Counter[str]
) -> None:
    """Store a value of another type than its column's, as `Table.row` does."""
    row[name] = converted = convert(value)
    if converted is None and value != "":
        type_mismatches[name] += 1


record_mapper = cache(RecordMapper)
