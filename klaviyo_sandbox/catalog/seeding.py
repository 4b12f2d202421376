"""Ids and random choices that depend only on the seed and a key."""

from __future__ import annotations

from hashlib import blake2b
from random import Random
from uuid import UUID

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class SeededRandom:
    """Random values of one seed: the same key always gives the same value.

    A key names the resource, such as ``("list", "Newsletter")``, so a reference to it needs only
    its name.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def number(self, *key: object) -> int:
        """Return 128 random bits."""
        # Not hash(): Python salts it differently in every process (PYTHONHASHSEED).
        text = "/".join(map(str, (self.seed, *key)))
        return int.from_bytes(blake2b(text.encode(), digest_size=16).digest())

    def random(self, *key: object) -> Random:
        """Return a random generator for the key."""
        return Random(self.number(*key))

    def short_id(self, *key: object) -> str:
        """Return an id as of lists, metrics and flows: six letters and digits."""
        return _digits(self.number(*key), _BASE62, 6)

    def integer_id(self, *key: object) -> str:
        """Return an id as of flow actions and form versions: eight digits."""
        return str(10_000_000 + self.number(*key) % 90_000_000)

    def ulid(self, at: int, *key: object) -> str:
        """Return an id as of campaigns: it sorts by the time ``at``."""
        return ulid(at * 1_000, self.number(*key))

    def uuid(self, *key: object) -> str:
        """Return an id as of tags."""
        return str(UUID(int=self.number(*key), version=4))


def ulid(milliseconds: int, number: int) -> str:
    """Return the 26 characters of a ULID: its time, and the number's lowest 80 bits."""
    return _digits(milliseconds, _CROCKFORD, 10) + _digits(number, _CROCKFORD, 16)


def _digits(number: int, alphabet: str, length: int) -> str:
    """Return the lowest ``length`` digits of ``number``, written in ``alphabet``."""
    digits = ""
    while len(digits) < length:
        number, digit = divmod(number, len(alphabet))
        digits = alphabet[digit] + digits
    return digits
