"""Tells a deleted record from a path that does not exist: Klaviyo answers 404 to both.

Each list has a path of its own to its members, each form one to its versions. One of them is not
found if its record was deleted since it was listed, or is so new that not all of Klaviyo's servers
have it. If none is found, the records are listed again:

    forms' paths    F1   F2   F3    listed again
                    404  200  404                   F1 and F3 are deleted
                    404  404  404   nothing         all three are deleted
                    404  404  404   F2              no form has such a path: an error
"""

from collections.abc import Iterator

from api import ContractError, GoneError
from streams.context import AccountContext
from streams.registry import find_resource
from tables.jsonapi import documents


class OwnPaths:
    """The paths of one kind that the records of a stream have, as one sync finds them."""

    def __init__(self, context: AccountContext, owners: str) -> None:
        self._context, self._owners = context, owners
        self._missing: dict[str, GoneError] = {}  # by the id of the record
        self._is_any_found = False

    def found(self) -> None:
        """Record that the path of some record exists."""
        self._is_any_found = True

    def missing(self, id_: str, error: GoneError) -> None:
        """Record that the path of one record is not found."""
        self._missing[id_] = error

    def require(self, *, at_least: int = 1) -> None:
        """Raise ContractError if the path does not exist. `at_least` so many have to be missing."""
        if self._is_any_found or len(self._missing) < at_least:
            return
        for id_ in self._list_again():
            if id_ in self._missing:
                raise ContractError(
                    f"{self._missing[id_]}, as at the path of every {self._owners} asked for"
                    f" ({len(self._missing)}), though Klaviyo lists it: update the connector; no"
                    " row is deleted"
                )

    def _list_again(self) -> Iterator[str]:
        stream = find_resource(self._owners)
        for path in (stream.path, *stream.other_paths):
            for partition in stream.partitions:
                condition = {"filter": partition} if partition else {}
                for page in self._context.session.pages(path, {**stream.params, **condition}):
                    yield from (str(one.get("id")) for one in documents(page))
