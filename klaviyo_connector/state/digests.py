"""Which rows are in the warehouse, and which of them change. Pure."""

import hashlib
import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any

MAX_PLAUSIBLE_DELETIONS = 10
MAX_PLAUSIBLE_SHARE = 0.1
Digests = Mapping[str, str]  # key of a row to the digest of its content


def needs_second_listing(missing: int, known: int) -> bool:
    """Whether a listing is read twice before the rows that it lacks are deleted.

    A false empty answer, or one that is cut, would delete what is still there.
    """
    return missing > known * MAX_PLAUSIBLE_SHARE


def is_mass_deletion(gone: int, known: int) -> bool:
    """Whether enough rows are deleted that the user should know."""
    return gone > MAX_PLAUSIBLE_DELETIONS and needs_second_listing(gone, known)


def digest(value: Any) -> str:
    """Eight characters that change when the value does."""
    body = json.dumps(value, sort_keys=True, separators=(",", ":"))
    # 48 bits: one changed row in 2 ** 48 counts as unchanged.
    return b64encode(hashlib.blake2b(body.encode(), digest_size=6).digest()).decode()


def is_same(known: str | None, new: str) -> bool:
    """Whether a digest equals the known one; the state may hold only its first characters."""
    return bool(known) and new.startswith(known or "")


class RowDigests:
    """The rows of one table that are in the warehouse, as key and digest.

    An unchanged row is not written again (Fivetran bills rows written), and a row that a full
    listing does not show is deleted.
    """

    def __init__(self, digests: Digests) -> None:
        self.digests = dict(digests)
        self.seen: set[str] = set()

    def record_change(self, key: str, row: Mapping[str, Any]) -> bool:
        """Record `row` as written under `key`; return whether it differs from the one before."""
        self.seen.add(key)
        new = digest(row)
        changed = not is_same(self.digests.get(key), new)
        self.digests[key] = new
        return changed

    def find_missing(self, among: Callable[[str], bool] = lambda _: True) -> list[str]:
        """The written keys, of those that `among` selects, that this sync did not see."""
        return [key for key in self.digests if key not in self.seen and among(key)]

    def pop_missing(self, among: Callable[[str], bool] = lambda _: True) -> list[str]:
        """The same keys; they no longer count as written, since the caller deletes their rows."""
        gone = self.find_missing(among)
        for key in gone:
            del self.digests[key]
        return gone


class LargestRows:
    """Selects the complete one of several rows for one key: the row with the largest size.

    Windows of a report may cut a send in two. Then each of them has a part of the recipients, and
    one window at most has them all:

        sent        |--- Sunday: 60 ---|--- Monday: 40 ---|
        window 1    ...----------------|                       60: a part
        window 2    |---------------------------------...     100: the complete row
    """

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self.sizes = dict(sizes)
        self._seen: set[str] = set()

    def record_size(self, key: str, size: int, *, window_is_complete: bool) -> bool:
        """Record the size of a row if it may replace the one written; return whether it may.

        A smaller row may, if it is the first of this sync and from a complete window: then Klaviyo
        counts fewer recipients than before.
        """
        is_authoritative = window_is_complete and key not in self._seen
        self._seen.add(key)
        if size < self.sizes.get(key, 0) and not is_authoritative:
            return False
        self.sizes[key] = size
        return True
