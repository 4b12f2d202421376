"""Salesforce's objects as describe declares them, and the tables that they become.

A column has the field's API name in lower case, so that a query written with Salesforce's spelling
needs no quotes in any destination. One table gives its type:

    boolean                   flag
    int, long                 integer
    double, currency, percent number: the API's own values are doubles
    date                      day
    datetime                  time in UTC
    anything else             text as sent: id, reference, string, picklist, multipicklist,
                              textarea, phone, url, email, time, combobox, anyType, ...

Left out are compound fields (address, location), whose parts are fields of their own, base64, of
which a query gives no content, and IsDeleted, which is the destination's `_deleted`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any, Literal

import pyarrow as pa

from simplyload.changes import Table
from simplyload.errors import ConfigurationError
from simplyload.sources.salesforce.client import Client, RefusedError
from simplyload.sources.salesforce.settings import SalesforceSettings

Type = Literal["text", "integer", "number", "flag", "day", "time"]

ARROW: Mapping[Type, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "flag": pa.bool_(),
    "day": pa.date32(),
    "time": pa.timestamp("us", tz="UTC"),
}
TYPES: Mapping[str, Type] = {
    "boolean": "flag",
    "int": "integer",
    "long": "integer",
    "double": "number",
    "currency": "number",
    "percent": "number",
    "date": "day",
    "datetime": "time",
}
LEFT_OUT: Mapping[str, str] = {
    "address": "its parts are columns",
    "location": "its parts are columns",
    "base64": "a query gives no content",
}
CURSORS = ("SystemModstamp", "LastModifiedDate", "CreatedDate")
DELETED = "IsDeleted"
# Objects by the end of their name of which no scan by id is possible.
_ELSEWHERE = {
    "__x": "its rows are in another system (an external object)",
    "__b": "a big object takes no query in the order of ids",
}


@dataclass(frozen=True, kw_only=True)
class Declared:
    """An object: its fields with their types, and how its changes are found.

    `cursor` is the field that every change of a row sets, None where there is none. A `replicated`
    object has a log of deletions. `references` are the objects to which a field may refer.
    """

    name: str
    prefix: str = ""
    fields: Mapping[str, Type]
    cursor: str | None
    has_deleted: bool
    is_replicated: bool
    has_formulas: bool
    left_out: Mapping[str, str]
    references: Mapping[str, tuple[str, ...]]

    @cached_property
    def table(self) -> Table:
        """The table of the destination."""
        columns = [(name.lower(), ARROW[kind]) for name, kind in self.fields.items()]
        name = self.name.lower()
        return Table(name=name, key=("id",), schema=pa.schema(columns), source_name=self.name)

    @property
    def selected_fields(self) -> list[str]:
        """The fields that a query of whole rows selects."""
        return [*self.fields, *([DELETED] if self.has_deleted else [])]

    @property
    def present(self) -> list[str]:
        """The condition of rows that are not in the recycle bin."""
        return [f"{DELETED} = false"] if self.has_deleted else []


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """The org's objects at one moment: those that are read, and why others are not.

    `prefixes` has the object of each key prefix, which a renamed object keeps.
    """

    objects: list[Declared]
    refused: Mapping[str, str]
    others: list[str]
    prefixes: Mapping[str, str]

    def get(self, table: str) -> Declared:
        """Return an object by its API name or that of its table; ConfigurationError without one."""
        for sobject in self.objects:
            if sobject.name.lower() == table.lower():
                return sobject
        names = ", ".join(sobject.name for sobject in self.objects)
        raise ConfigurationError(f"there is no object {table} in `objects`; there are {names}")


def read_catalog(client: Client, settings: SalesforceSettings) -> Catalog:
    """Describe the chosen objects; ConfigurationError where patterns choose none."""
    known = {sobject["name"]: sobject for sobject in client.get("sobjects")["sobjects"]}
    chosen, refused = _choose(known, settings)
    objects = []
    for name in chosen:
        try:
            objects.append(describe(client, name))
        except RefusedError as error:
            refused[name] = str(error)
    if not objects and not refused:
        raise ConfigurationError(
            f"{', '.join(settings.objects)} chooses no object of this org that can be read: run"
            " `simplyload discover`, and look at the rights of the user"
        )
    return Catalog(
        objects=objects,
        refused=refused,
        others=[name for name in known if name not in chosen and name not in refused],
        prefixes={
            sobject["keyPrefix"]: name
            for name, sobject in known.items()
            if sobject.get("keyPrefix")
        },
    )


def describe(client: Client, name: str) -> Declared:
    """Describe one object; RefusedError where its rows cannot be read one after the other."""
    found = client.get(f"sobjects/{name}/describe")
    fields = {description["name"]: description for description in found["fields"]}
    if not (fields.get("Id", {}).get("filterable") and fields["Id"].get("sortable", True)):
        raise RefusedError(f"{name} has no Id to read it by: leave it out of `objects`.")
    left_out = {
        field: LEFT_OUT[description["type"]]
        for field, description in fields.items()
        if description["type"] in LEFT_OUT
    }
    kept = {
        f: description for f, description in fields.items() if f not in left_out and f != DELETED
    }
    return Declared(
        name=found["name"],
        prefix=found.get("keyPrefix") or "",
        fields={
            field: TYPES.get(description["type"], "text") for field, description in kept.items()
        },
        cursor=next((c for c in CURSORS if fields.get(c, {}).get("filterable")), None),
        has_deleted=bool(fields.get(DELETED, {}).get("filterable")),
        is_replicated=bool(found.get("replicateable")),
        has_formulas=any(description.get("calculated") for description in kept.values()),
        left_out=left_out,
        references={
            field: tuple(description["referenceTo"])
            for field, description in kept.items()
            if description.get("referenceTo") and description.get("filterable")
        },
    )


def _choose(
    known: Mapping[str, Mapping[str, Any]], settings: SalesforceSettings
) -> tuple[list[str], dict[str, str]]:
    """Return the chosen objects that can be read, and why others that are named cannot.

    A pattern leaves out silently what cannot be read.
    """
    chosen: dict[str, None] = {}
    refused: dict[str, str] = {}
    for pattern in settings.objects:
        matching = [
            n for n in known if _matches(n, [pattern]) and not _matches(n, settings.exclude)
        ]
        is_name = not {"*", "?"} & set(pattern)
        if is_name and not matching and not _matches(pattern, settings.exclude):
            refused[pattern] = _explain_absence(pattern, known)
        for name in matching:
            reason = _explain_refusal(name, known[name])
            if reason is None:
                chosen[name] = None
            elif is_name:
                refused[name] = f"{name}: {reason}; leave it out of `objects`."
    return list(chosen), refused


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name.lower(), pattern.lower()) for pattern in patterns)


def _explain_refusal(name: str, known: Mapping[str, Any]) -> str | None:
    if name[-3:] in _ELSEWHERE:
        return _ELSEWHERE[name[-3:]]
    return None if known.get("queryable") else "Salesforce lets no query read it"


def _explain_absence(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, known, n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    return (
        f"Salesforce shows no object {name} to this user{hint}: correct its API name, or give the"
        " user the right to read it."
    )
