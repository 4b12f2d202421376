"""Decoder of pgoutput, the server's own logical decoding output, in protocol version 1.

In this version the server sends whole, committed transactions in commit order (`streaming` would
send open ones, with the subtransactions that are rolled back later). Values stay the bytes of the
server's text form. Format: PostgreSQL documentation, "Logical Replication Message Formats".
"""

from collections.abc import Callable
from enum import Enum
from struct import Struct
from typing import Final, NamedTuple, TypeAlias


class Unsent(Enum):
    """The value of a TOASTed column that an UPDATE did not change: the server does not send it."""

    UNSENT = "u"


UNSENT: Final = Unsent.UNSENT

Value: TypeAlias = bytes | Unsent | None
Row: TypeAlias = list[Value]


class Begin(NamedTuple):
    """A transaction begins; it committed at `commit_lsn`."""

    commit_lsn: int
    xid: int


class Commit(NamedTuple):
    """A transaction is complete; reading goes on from `end_lsn`."""

    commit_lsn: int
    end_lsn: int


class RelationColumn(NamedTuple):
    """A column as it was when the change was made."""

    name: str
    is_key: bool
    type_oid: int
    typmod: int


class Relation(NamedTuple):
    """The shape of a table, sent before its first change and before its first change of shape."""

    oid: int
    schema: str
    name: str
    identity: str
    columns: tuple[RelationColumn, ...]


class Insert(NamedTuple):
    """A row was inserted."""

    oid: int
    new: Row


class Update(NamedTuple):
    """A row was updated. `old` is the whole old row under REPLICA IDENTITY FULL, else its key.

    `old` is None where the key is unchanged. `is_whole`: every value of the new row was sent.
    """

    oid: int
    old: Row | None
    new: Row
    is_whole: bool


class Delete(NamedTuple):
    """A row was deleted: `old` holds its key, or all of it under REPLICA IDENTITY FULL."""

    oid: int
    old: Row


class Truncate(NamedTuple):
    """Tables were truncated together; those reached by CASCADE are listed too."""

    oids: tuple[int, ...]


Message: TypeAlias = Begin | Commit | Relation | Insert | Update | Delete | Truncate

_BEGIN = Struct("!xQqI").unpack_from
_COMMIT = Struct("!xBQQ").unpack_from
_INT16 = Struct("!H").unpack_from
_INT32 = Struct("!I").unpack_from
_COLUMN_TYPE = Struct("!Ii").unpack_from
_TRUNCATE = Struct("!xIB").unpack_from

_KEY = 1  # flag of a Relation's column


def decode(payload: bytes) -> Message | None:
    """Decode one message; None for a kind that carries no row (origin, type, logical message)."""
    kind = payload[0]
    if kind == 73:  # I, and from its sixth byte the new row
        return Insert(_INT32(payload, 1)[0], _read_row(payload, 6)[0])
    if kind == 85:  # U
        return _decode_update(payload)
    decoder = _DECODERS.get(kind)
    return decoder(payload) if decoder else None


def _decode_delete(payload: bytes) -> Delete:
    return Delete(_INT32(payload, 1)[0], _read_row(payload, 6)[0])


def _decode_begin(payload: bytes) -> Begin:
    commit_lsn, _, xid = _BEGIN(payload)
    return Begin(commit_lsn, xid)


def _decode_commit(payload: bytes) -> Commit:
    _, commit_lsn, end_lsn = _COMMIT(payload)
    return Commit(commit_lsn, end_lsn)


def _decode_truncate(payload: bytes) -> Truncate:
    count, _ = _TRUNCATE(payload)
    return Truncate(tuple(_INT32(payload, 6 + 4 * index)[0] for index in range(count)))


def _decode_update(payload: bytes) -> Update:
    oid = _INT32(payload, 1)[0]
    if payload[5] == 78:  # N: the new row alone
        new, _, is_whole = _read_row(payload, 6)
        return Update(oid, None, new, is_whole)
    old, at, _ = _read_row(payload, 6)
    new, _, is_whole = _read_row(payload, at + 1)
    return Update(oid, old, new, is_whole)


def _decode_relation(payload: bytes) -> Relation:
    schema, at = _read_string(payload, 5)
    name, at = _read_string(payload, at)
    identity, count = chr(payload[at]), _INT16(payload, at + 1)[0]
    at += 3
    columns = []
    for _ in range(count):
        is_key = bool(payload[at] & _KEY)
        column, at = _read_string(payload, at + 1)
        columns.append(RelationColumn(column, is_key, *_COLUMN_TYPE(payload, at)))
        at += 8
    # The server sends pg_catalog as an empty string.
    schema = schema or "pg_catalog"
    return Relation(_INT32(payload, 1)[0], schema, name, identity, tuple(columns))


def _read_string(payload: bytes, at: int) -> tuple[str, int]:
    end = payload.index(0, at)
    return payload[at:end].decode(), end + 1


def _read_row(payload: bytes, at: int) -> tuple[Row, int, bool]:
    """Read a row: its values, the place of what follows, and whether all values were sent."""
    values: Row = []
    append = values.append
    is_whole = True
    count = _INT16(payload, at)[0]
    at += 2
    for _ in range(count):
        kind = payload[at]
        if kind == 116:  # t, in text form
            start = at + 5
            at = start + _INT32(payload, at + 1)[0]
            append(payload[start:at])
            continue
        at += 1
        if kind == 110:  # n
            append(None)
        else:
            append(UNSENT)
            is_whole = False
    return values, at, is_whole


_DECODERS: dict[int, Callable[[bytes], Message]] = {
    ord("B"): _decode_begin,
    ord("C"): _decode_commit,
    ord("D"): _decode_delete,
    ord("R"): _decode_relation,
    ord("T"): _decode_truncate,
}
