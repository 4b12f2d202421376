"""How a resource type is declared: its attributes, relationships, endpoints and builder.

Sources of every declaration: the official client klaviyo-api 25.0.0 (revision 2026-10-15) for page
sizes, filters, rates and scopes; Klaviyo's OpenAPI 2026-07-15 (and its beta, for the campaigns
shape of 2026-10-15) for attributes, relationships, sorts and includes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

from klaviyo_sandbox.catalog.model import Company
from klaviyo_sandbox.jsonapi import Json

Shape = Literal["list", "one", "related", "identifiers", "report"]
Builder = Callable[[Company, int], list[Json]]


@dataclass(frozen=True)
class Rate:
    """Requests allowed per second (burst), per minute (steady) and per day of the account."""

    burst: int
    steady: int
    daily: int | None = None


# Klaviyo's tiers: developers.klaviyo.com, "Rate limits, status codes, and errors".
XS, S, M, L, XL = Rate(1, 15), Rate(3, 60), Rate(10, 150), Rate(75, 750), Rate(350, 3500)
REPORT = Rate(1, 2, 225)


@dataclass(frozen=True)
class Page:
    """Items per page; ``maximum`` is None where the client cannot choose the size."""

    size: int
    maximum: int | None = None


@dataclass(frozen=True)
class Filter:
    """The type of a filter's value and the operators it allows."""

    type: Literal["string", "boolean", "date-time", "number", "none"]
    operators: tuple[str, ...]


def string_filter(*operators: str) -> Filter:
    """Return a filter on a string."""
    return Filter("string", operators)


COMPARISONS = ("greater-or-equal", "greater-than", "less-or-equal", "less-than")
TIME_RANGE = Filter("date-time", COMPARISONS)
TIME_OR_RANGE = Filter("date-time", ("equals", *COMPARISONS))
TIME_AFTER = Filter("date-time", ("greater-than",))
TIME_BETWEEN = Filter("date-time", ("greater-than", "less-than"))
FLAG = Filter("boolean", ("equals",))
PRESENT = Filter("none", ("has",))
ANY = string_filter("any")
ANY_OR_EQUALS = string_filter("any", "equals")
EQUALS = string_filter("equals")
CONTAINS = string_filter("contains")
NAME = string_filter("contains", "ends-with", "equals", "starts-with")
CREATED_AND_UPDATED = {"created": TIME_OR_RANGE, "updated": TIME_OR_RANGE}
ID_NAME_AND_TIMES = {"id": ANY, "name": NAME} | CREATED_AND_UPDATED
TITLE = {"id": ANY_OR_EQUALS, "name": string_filter("any", "contains", "equals")}

# Without a filter on ``archived`` only unarchived resources are listed, as clients of older
# revisions report; what 2026-10-15 does is not documented.
UNARCHIVED = {"archived": "equals(archived,false)"}
CREATED_ID_NAME_UPDATED = "created id name updated"


@dataclass(frozen=True)
class Endpoint:
    """One path and the parameters it takes.

    ``resource_type`` is the type of the resources in the response. ``additional`` attributes are
    shown on request, ``always`` are those that other endpoints hide. ``slow_rates`` gives the rate
    that applies when an additional attribute is requested. ``default_filters`` apply when the
    request has no filter on that field; a filter on one of ``required_filters`` must be there.
    ``page_links`` says so where Klaviyo was recorded to link
    to pages that it does not take a cursor for, or the other way round. ``has_strict_times``
    refuses filters on a time that is in the future or is not the one sorted by.
    """

    path: str
    resource_type: str
    rate: Rate
    scopes: str
    page: Page | None = None
    sort: str = ""
    filters: dict[str, Filter] = field(default_factory=dict)
    include: str = ""
    additional: str = ""
    always: str = ""
    slow_rates: dict[str, Rate] = field(default_factory=dict)
    default_filters: dict[str, str] = field(default_factory=dict)
    required_filters: str = ""
    page_links: bool | None = None
    has_strict_times: bool = False

    @property
    def has_page_links(self) -> bool:
        """Whether the response links to other pages, with null where there is none."""
        return self.page is not None if self.page_links is None else self.page_links

    @property
    def shape(self) -> Shape:
        """The form of the response, which the path and the type determine."""
        if self.resource_type.endswith(("-report", "-aggregate")):
            return "report"
        if "/relationships/" in self.path:
            return "identifiers"
        if self.path.endswith("{id}"):
            return "one"
        return "related" if "{id}" in self.path else "list"

    @property
    def method(self) -> str:
        """The one HTTP method of this endpoint."""
        return "POST" if self.shape == "report" else "GET"

    @property
    def relationship(self) -> str:
        """The relationship that a related or identifiers endpoint follows."""
        return self.path.rpartition("/")[2]

    @property
    def owner(self) -> str:
        """The resource type whose ``{id}`` is in the path."""
        return to_singular(self.path.split("/")[2])

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The path as a regular expression with the group ``id``."""
        return re.compile(self.path.replace("{id}", "(?P<id>[^/]+)") + "/?")


def to_singular(plural: str) -> str:
    """Return the name of a resource type from its name in paths."""
    return f"{plural[:-3]}y" if plural.endswith("ies") else plural.removesuffix("s")


def relationship_endpoints(
    path: str, resource_type: str, rate: Rate, scopes: str, **parameters: Any
) -> tuple[Endpoint, Endpoint]:
    """Return the two endpoints of a relationship: the related resources, and their identifiers."""
    owner, relationship = path.rsplit("/", 1)
    related = Endpoint(path, resource_type, rate, scopes, **parameters)
    identifiers = f"{owner}/relationships/{relationship}"
    return related, replace(related, path=identifiers, include="", additional="")


@dataclass(frozen=True, kw_only=True)
class ResourceType:
    """A type of resource, with everything the sandbox knows of it.

    ``relationships`` maps a name to the type at its other end, with ``*`` for a to-many one.
    ``shown`` names the relationships that have data without an include, by default the to-one
    ones; ``left_out`` those that are absent where they lead nowhere. ``path_name`` is the name in
    paths where it is no plural. ``field_paths`` locates the
    sort and filter fields that are no plain attribute. ``malformed_id`` is the error of an id that
    does not match ``id_pattern``. ``build`` returns the resources that exist at a moment; None for
    those of the simulation.
    """

    name: str
    attributes: str = ""
    additional: str = ""
    relationships: Mapping[str, str] = field(default_factory=dict)
    shown: str | None = None
    left_out: str = ""
    field_paths: Mapping[str, str] = field(default_factory=dict)
    id_pattern: str = ""
    malformed_id: tuple[str, str] = ("/data/id", "Invalid ID: '{id}'")
    endpoints: tuple[Endpoint, ...] = ()
    build: Builder | None = None
    path_name: str = ""

    @property
    def plural(self) -> str:
        """The name in paths."""
        if self.path_name:
            return self.path_name
        return f"{self.name[:-1]}ies" if self.name.endswith("y") else f"{self.name}s"

    @cached_property
    def all_attributes(self) -> frozenset[str]:
        """Every attribute, those of ``additional-fields`` too."""
        return frozenset([*self.attributes.split(), *self.additional.split()])

    def field_path(self, name: str) -> str:
        """Return the dotted path of a sort or filter field within the resource."""
        return "id" if name == "id" else self.field_paths.get(name, f"attributes.{name}")

    def has_data(self, relationship: str) -> bool:
        """Whether the relationship has data without an include."""
        if self.shown is not None:
            return relationship in self.shown.split()
        return not self.is_to_many(relationship)

    def is_to_many(self, relationship: str) -> bool:
        """Whether the relationship leads to any number of resources."""
        return self.relationships[relationship].endswith("*")


def in_definition(*names: str) -> dict[str, str]:
    """Return the paths of fields below the attribute ``definition``."""
    return {name: f"attributes.definition.{name}" for name in names}
