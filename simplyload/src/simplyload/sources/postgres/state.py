"""The state of a Postgres source: how far each table is, as JSON in the destination."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError

from simplyload.changes import State
from simplyload.errors import SourceError
from simplyload.sources.postgres.types import Origin

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, kw_only=True)
class CopyState:
    """A copy that is under way: it continues after the position of the last row copied.

    With `since` only rows from that cursor value are read, with `columns` only those columns; rows
    that no longer exist are then left alone. A `seq` of 0 is given when the copy begins.
    """

    __pydantic_config__ = _STRICT

    seq: int = 0
    after: tuple[str, ...] = ()
    since: str | None = None
    columns: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Fence:
    """A watermark, and the transactions that were open when it was read.

    Those that had an id are below `xmax`, `open` identifies those that had none too. Once all of
    them have ended, whatever may still appear below the watermark has appeared.
    """

    __pydantic_config__ = _STRICT

    watermark: str | None = None
    open: tuple[str, ...] = ()
    xmax: int = 0


@dataclass(frozen=True, kw_only=True)
class PollProgress:
    """A poll that is under way: it continues after a position, `nulls` in the pass over NULLs.

    `xmin` is the oldest transaction that this poll may not see, `newest` its newest cursor value.
    """

    __pydantic_config__ = _STRICT

    xmin: int
    after: tuple[str, ...] = ()
    newest: str | None = None
    nulls: bool = False


@dataclass(frozen=True, kw_only=True)
class PollState:
    """Where poll reads from. Cursor values are the server's text, and the server compares them.

    `lower` is the watermark below which nothing new can appear (None: anywhere); `xmin` the oldest
    transaction that the last complete poll may not have seen, `scanned` that the last copy or scan
    of all keys may not have seen.
    """

    __pydantic_config__ = _STRICT

    cursor: str
    xmin: int
    scanned: int = 0
    lower: str | None = None
    fence: Fence = Fence()
    progress: PollProgress | None = None


@dataclass(frozen=True, kw_only=True)
class TableState:
    """One table: what it looked like when it was read, its last `_seq`, and what is under way.

    `oid` knows it under another name too. `checked` is the server's time, in seconds, at which all
    its keys were last read. The stream keeps the `origins` of the columns that it follows itself.
    """

    __pydantic_config__ = _STRICT

    key: tuple[str, ...]
    columns: Mapping[str, str]
    origins: Mapping[str, Origin] = field(default_factory=dict)
    oid: int = 0
    streamed: bool = False
    seq: int = 0
    copy: CopyState | None = None
    poll: PollState | None = None
    checked: float | None = None


@dataclass(frozen=True, kw_only=True)
class SourceState:
    """All tables of a source, and the server whose transaction ids and LSNs they refer to.

    `stream` is the position of the replication stream, which alone reads it.
    """

    __pydantic_config__ = _STRICT

    version: Literal[1] = 1
    mode: Literal["cdc", "poll"]
    system: int
    timeline: int
    stream: Mapping[str, Any] | None = None
    tables: Mapping[str, TableState] = field(default_factory=dict)

    def with_table(self, name: str, table: TableState) -> "SourceState":
        """Return the state with one table replaced."""
        return replace(self, tables={**self.tables, name: table})

    def dump(self) -> State:
        """Return the JSON object that the destination keeps."""
        dumped: State = _ADAPTER.dump_python(self, mode="json")
        return dumped


_ADAPTER = TypeAdapter(SourceState)


def load_state(state: State) -> SourceState | None:
    """Read a committed state, None for an empty one; damage is named by its place."""
    if not state:
        return None
    try:
        return _ADAPTER.validate_python(dict(state))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise SourceError(
            f"The committed state is damaged or of another version at {place}: {first['msg']}."
            " Run the version that wrote it, or `simplyload checkpoint reset` to copy again."
        ) from error
