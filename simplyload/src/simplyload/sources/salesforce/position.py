"""The position of a Salesforce source: what is read of each object, and up to when."""

from typing import Literal

from pydantic import Field

from simplyload.sources.position import Part, StreamPosition


class Scan(Part):
    """A read of all ids under way: of whole rows, or of ids alone.

    Rows have `seq` as their `_seq`, so that those with a smaller one are gone at its end.
    `accept`: however few rows it finds. A `large` object is read by a `job`, up to its `locator`.
    """

    seq: int
    begun: int
    whole: bool
    accept: bool = False
    large: bool = False
    job: str = ""
    locator: str = ""
    after: str = ""
    rows: int = 0


class ObjectPosition(Part):
    """One object. Times are in seconds since 1970, by Salesforce's clock.

    Changes are read up to `at`. An unfinished read goes from there to `until`, and has read the
    ids up to `after`. Deletions are read up to `deleted_at`; `gap`: some could not be. `copied` is
    the begin of the last read of whole rows, `scanned` of all ids, which found `rows`. `fields` are
    those of the last run with their types, `lost` those that were there before.
    """

    prefix: str = ""
    fields: dict[str, str] = Field(default_factory=dict)
    lost: list[str] = Field(default_factory=list)
    at: int | None = None
    until: int | None = None
    after: str = ""
    deleted_at: int | None = None
    gap: bool = False
    again: Literal["", "checked", "accepted"] = ""  # by new fields, or by the user's order
    copied: int | None = None
    scanned: int = 0
    rows: int = 0
    scan: Scan | None = None


class Position(StreamPosition):
    """The state of a stream. `merged` names winners of merges with children still to read."""

    org: str = ""
    objects: dict[str, ObjectPosition] = Field(default_factory=dict)
    merged: dict[str, list[str]] = Field(default_factory=dict)

    def find_or_add(self, name: str) -> ObjectPosition:
        """Return the position of an object, a new one for an unknown object."""
        return self.objects.setdefault(name, ObjectPosition())
