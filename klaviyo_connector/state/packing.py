"""Packs the large parts of a state into fewer characters. Pure.

    plain      {"rows": {"key": {"2026-11-01": "V/RNB6xo", "2026-11-03": "H/hieNwg"}}}
    shortened  {"rows": {"key": ["2026-11-01", "V/RN    H/hi"]}}
    packed     {"packed": "c$~?a0ZuV..."}    the shortened JSON, compressed

A part below `MIN_PACKED_SIZE` stays plain, so most states can be read by eye.
"""

from datetime import date
from functools import cache
from typing import Any

import msgspec

from state.compression import compress, decompress

MIN_PACKED_SIZE = 100_000  # characters of the plain part
# Six bits each: a change goes unnoticed in one of 16.7 million, until the row's next change.
DIGEST_LENGTH = 4
NO_DIGEST = " " * DIGEST_LENGTH


def pack(part: Any) -> Any:
    """The part as it is, or packed if it is large."""
    plain = msgspec.json.encode(part)
    if len(plain) < MIN_PACKED_SIZE:
        return part
    return {"packed": compress(msgspec.json.encode(_pack_digests(part)).decode())}


def unpack(part: Any) -> Any:
    """The part that was given to `pack`, with short digests. Raises ValueError if it is damaged."""
    if not isinstance(part, dict) or not isinstance(part.get("packed"), str):
        return part
    content = msgspec.json.decode(decompress(part["packed"]), type=dict[str, Any])
    try:
        return _unpack_digests(content)
    except OverflowError as error:  # no day
        raise ValueError(part["packed"][:20]) from error


def _pack_digests(part: Any) -> Any:
    changed = {name: value for name, value in part.items() if name not in ("rows", "detailed")}
    if rows := part.get("rows"):
        changed["rows"] = {key: _cut_digests(digests) for key, digests in rows.items()}
    if details := part.get("detailed"):
        changed["detailed"] = {id_: [_cut(digest), keys] for id_, (digest, keys) in details.items()}
    return changed


def _cut_digests(digests: Any) -> Any:
    """Cut digests, by key or by day; a dense range of days as its start and one text of digests."""
    if isinstance(digests, str):  # of the account's own row
        return _cut(digests)
    short = {key: _cut(digest) for key, digest in digests.items()}
    is_column = all(map(_is_day, short)) and all(
        len(digest) == DIGEST_LENGTH for digest in short.values()
    )
    if not short or not is_column:
        return short
    first, last = min(short), max(short)
    texts = [NO_DIGEST] * (_ordinal(last) - _ordinal(first) + 1)
    for day, digest in short.items():
        texts[_ordinal(day) - _ordinal(first)] = digest
    return [first, "".join(texts)]


def _cut(digest: str) -> str:
    """The digest cut to its short form; the number of recipients behind it stays."""
    head, colon, size = digest.partition(":")
    return head[:DIGEST_LENGTH] + colon + size


@cache
def _ordinal(day: str) -> int:
    return date.fromisoformat(day).toordinal()


@cache
def _day(ordinal: int) -> str:
    return date.fromordinal(ordinal).isoformat()


def _is_day(key: str) -> bool:
    return len(key) == 10 and key[:1].isdigit()


def _unpack_digests(part: dict[str, Any]) -> Any:
    rows = part.get("rows")
    if not isinstance(rows, dict):
        return part
    return {**part, "rows": {key: _split_digests(digests) for key, digests in rows.items()}}


def _split_digests(digests: Any) -> Any:
    if not isinstance(digests, list):
        return digests
    first, text = msgspec.convert(digests, tuple[date, str])
    pieces = [text[at : at + DIGEST_LENGTH] for at in range(0, len(text), DIGEST_LENGTH)]
    days = enumerate(pieces, first.toordinal())
    return {_day(day): piece for day, piece in days if piece != NO_DIGEST}
