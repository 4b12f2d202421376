"""Compresses JSON text with many of Klaviyo's ids. Pure.

An id is a ULID: 26 characters of base 32, which hold 48 bits of time and 80 random ones. The ids
leave the text and are stored once each, in order, as differences of times and random bytes. In the
text remains how many ids further in that order each one is:

    {"01KS4B5T38...": 1, "01KSGQ4RSR...": 3}   ->   {"+": 1, "+": 3}      + is the next id

Measured: 16 characters for an id, 20 by zlib alone.
"""

import re
import zlib
from base64 import b32hexencode, b85decode, b85encode
from itertools import accumulate, pairwise

HEADER = b"\x01"  # the first release of version 1 wrote plain zlib, which begins with an x
ULID = re.compile(r"\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b")
# Neither can be in JSON text.
NEXT_ID = "\x01"
OTHER_ID = "\x02"  # with the distance and another one behind it
_REFERENCE = re.compile(r"\x01|\x02(-?\d+)\x02")
_CROCKFORD, _BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ", "0123456789ABCDEFGHIJKLMNOPQRSTUV"
_TO_BASE32 = str.maketrans(_CROCKFORD, _BASE32)
_TO_CROCKFORD = str.maketrans(_BASE32, _CROCKFORD)
_TIME_BYTES, _RANDOM_BYTES = 6, 10
_RANDOM_BITS = 8 * _RANDOM_BYTES


def compress(text: str) -> str:
    """The text in fewer characters, none of which JSON escapes."""
    ids = sorted(set(ULID.findall(text)))
    numbers = [int(id_.translate(_TO_BASE32), 32) for id_ in ids]
    times = [number >> _RANDOM_BITS for number in numbers]
    steps = [later - earlier for earlier, later in pairwise([0, *times])]
    random = b"".join((n % 2**_RANDOM_BITS).to_bytes(_RANDOM_BYTES, "big") for n in numbers)
    parts = [zlib.compress(_replace_ids(text, ids).encode()), zlib.compress(_dump_steps(steps))]
    lengths = b"".join(len(part).to_bytes(4, "big") for part in parts)
    return b85encode(HEADER + lengths + b"".join(parts) + random).decode()


def decompress(text: str) -> str:
    """The text that was given to `compress`. Raises ValueError if it is damaged."""
    content = b85decode(text)
    try:
        if not content.startswith(HEADER):
            return zlib.decompress(content).decode()
        ends = [int.from_bytes(content[at : at + 4], "big") for at in (1, 5)]
        first, second, third = accumulate([9, *ends])
        steps = _load_steps(zlib.decompress(content[second:third]))
        return _resolve(
            zlib.decompress(content[first:second]).decode(), _ids(steps, content[third:])
        )
    except (zlib.error, IndexError, OverflowError) as error:
        raise ValueError(text[:20]) from error


def _dump_steps(steps: list[int]) -> bytes:
    """First the highest byte of each number, last the lowest: zeros together compress to little."""
    numbers = b"".join(step.to_bytes(_TIME_BYTES, "big") for step in steps)
    return b"".join(numbers[place::_TIME_BYTES] for place in range(_TIME_BYTES))


def _load_steps(planes: bytes) -> list[int]:
    count = len(planes) // _TIME_BYTES
    digits = zip(*(planes[n * count : (n + 1) * count] for n in range(_TIME_BYTES)), strict=True)
    return [int.from_bytes(digit, "big") for digit in digits]


def _replace_ids(text: str, ids: list[str]) -> str:
    """The text with references instead of ids."""
    positions = {id_: position for position, id_ in enumerate(ids)}
    previous = -1

    def reference(match: re.Match[str]) -> str:
        nonlocal previous
        distance = positions[match[0]] - previous
        previous += distance
        return NEXT_ID if distance == 1 else f"{OTHER_ID}{distance}{OTHER_ID}"

    return ULID.sub(reference, text)


def _resolve(text: str, ids: list[str]) -> str:
    """The text with ids instead of references."""
    position = -1

    def resolve(match: re.Match[str]) -> str:
        nonlocal position
        position += int(match[1] or 1)
        return ids[position]

    return _REFERENCE.sub(resolve, text)


def _ids(steps: list[int], random: bytes) -> list[str]:
    if len(random) != len(steps) * _RANDOM_BYTES:
        raise ValueError("ids without their random bytes")
    starts = range(0, len(random), _RANDOM_BYTES)
    numbers = (
        time << _RANDOM_BITS | int.from_bytes(random[at : at + _RANDOM_BYTES], "big")
        for time, at in zip(accumulate(steps), starts, strict=True)
    )
    # 20 bytes are 32 digits, of which a ULID has the last 26.
    digits = (b32hexencode(number.to_bytes(20, "big"))[-26:].decode() for number in numbers)
    return [digit.translate(_TO_CROCKFORD) for digit in digits]
