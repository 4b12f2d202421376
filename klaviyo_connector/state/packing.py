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
MARK_LENGTH = 4
NO_MARK = " " * MARK_LENGTH


def pack(part: Any) -> Any:
    """The part as it is, or packed if it is large."""
    plain = msgspec.json.encode(part)
    if len(plain) < MIN_PACKED_SIZE:
        return part
    return {"packed": compress(msgspec.json.encode(_shorten(part)).decode())}


def unpack(part: Any) -> Any:
    """The part that was given to `pack`, with short digests. Raises ValueError if it is damaged."""
    if not isinstance(part, dict) or not isinstance(part.get("packed"), str):
        return part
    content = msgspec.json.decode(decompress(part["packed"]), type=dict[str, Any])
    try:
        return _lengthen(content)
    except OverflowError as error:  # no day
        raise ValueError(part["packed"][:20]) from error


def _shorten(part: Any) -> Any:
    changed = {name: one for name, one in part.items() if name not in ("rows", "detailed")}
    if rows := part.get("rows"):
        changed["rows"] = {key: _shorten_marks(marks) for key, marks in rows.items()}
    if details := part.get("detailed"):
        changed["detailed"] = {id_: [_cut(mark), keys] for id_, (mark, keys) in details.items()}
    return changed


def _shorten_marks(marks: Any) -> Any:
    """Marks by key or by day; of many days, the first one and the marks in a row."""
    if isinstance(marks, str):  # of the account's own row
        return _cut(marks)
    short = {key: _cut(mark) for key, mark in marks.items()}
    is_column = all(map(_is_day, short)) and all(len(m) == MARK_LENGTH for m in short.values())
    if not short or not is_column:
        return short
    first, last = min(short), max(short)
    texts = [NO_MARK] * (_ordinal(last) - _ordinal(first) + 1)
    for day, mark in short.items():
        texts[_ordinal(day) - _ordinal(first)] = mark
    return [first, "".join(texts)]


def _cut(mark: str) -> str:
    """A mark with a shorter digest; what follows the digest stays."""
    digest, colon, size = mark.partition(":")
    return digest[:MARK_LENGTH] + colon + size


@cache
def _ordinal(day: str) -> int:
    return date.fromisoformat(day).toordinal()


@cache
def _day(ordinal: int) -> str:
    return date.fromordinal(ordinal).isoformat()


def _is_day(key: str) -> bool:
    return len(key) == 10 and key[:1].isdigit()


def _lengthen(part: dict[str, Any]) -> Any:
    rows = part.get("rows")
    if not isinstance(rows, dict):
        return part
    return {**part, "rows": {key: _lengthen_marks(marks) for key, marks in rows.items()}}


def _lengthen_marks(marks: Any) -> Any:
    if not isinstance(marks, list):
        return marks
    first, text = msgspec.convert(marks, tuple[date, str])
    pieces = [text[at : at + MARK_LENGTH] for at in range(0, len(text), MARK_LENGTH)]
    days = enumerate(pieces, first.toordinal())
    return {_day(day): piece for day, piece in days if piece != NO_MARK}
