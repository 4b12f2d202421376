"""Tells a deleted record from a path that does not exist: Klaviyo answers 404 to both.

Each list has a path of its own to its members, each form one to its versions. One of them is not
found if its record was deleted since it was listed, or is so new that not all of Klaviyo's servers
have it. If any is missing, the records are listed again:

    forms' paths    F1   F2   F3    listed again
                    404  200  404   F3         F1 is deleted; a warning names F3
                    404  404  404   nothing    all three are deleted
                    404  404  404   F2         no form has such a path: an error
"""

from collections.abc import Iterator

from api import ContractError, GoneError
from models import Operation, Warning
from streams.context import AccountContext
from streams.registry import find_resource
from tables.jsonapi import documents

MAX_NAMES = 10  # in a warning


class RecordPaths:
    """The endpoints that each record of a stream has, and which of them one sync finds missing."""

    def __init__(self, context: AccountContext, owners: str) -> None:
        self._context, self._owners = context, owners
        self._missing: dict[str, GoneError] = {}  # by the id of the record
        self._deleted: set[str] = set()
        self._is_any_found = False

    @property
    def is_complete(self) -> bool:
        """Whether every path is found but those of deleted records."""
        return self._missing.keys() <= self._deleted

    def record_found(self) -> None:
        """Record that the path of some record exists."""
        self._is_any_found = True

    def record_missing(self, id_: str, error: GoneError) -> None:
        """Record that the path of one record is not found."""
        self._missing[id_] = error

    def check(
        self, consequence: str, *, at_least: int = 1, refills: bool = False
    ) -> Iterator[Operation]:
        """Warn of listed records whose path is missing, with the consequence of it.

        Raise ContractError if no path is found, and `at_least` that number of records are listed.
        Also raise it in a refill, which deletes the rows that are not written.
        """
        listed = self._list_missing_again()
        self._deleted = self._missing.keys() - listed
        if not listed:
            return
        error, remedy = self._missing[listed[0]], "otherwise update the connector"
        if refills or (not self._is_any_found and len(listed) >= at_least):
            extent = "some" if self._is_any_found else "every"
            raise ContractError(
                f"{error}, as at the path of {extent} {self._owners} asked for"
                f" ({len(self._missing)}), though Klaviyo lists it; no row is deleted: the next"
                f" sync tries again, which suffices for a record just made; {remedy}"
            )
        more = f" and {len(listed) - MAX_NAMES} more" if len(listed) > MAX_NAMES else ""
        names = ", ".join(listed[:MAX_NAMES]) + more
        yield Warning(
            f"{error}, though Klaviyo lists {self._owners} {names}: {consequence}; the next sync"
            f" tries again, which suffices for a record just made; {remedy}"
        )

    def _list_missing_again(self) -> list[str]:
        """The records without a path that Klaviyo still lists."""
        left = set(self._missing)
        for id_ in self._list_again() if left else ():
            left.discard(id_)
            if not left:
                break
        return [id_ for id_ in self._missing if id_ not in left]

    def _list_again(self) -> Iterator[str]:
        stream = find_resource(self._owners)
        for path in (stream.path, *stream.other_paths):
            for partition in stream.partitions:
                condition = {"filter": partition} if partition else {}
                for page in self._context.session.pages(path, {**stream.params, **condition}):
                    yield from (str(record.get("id")) for record in documents(page))
