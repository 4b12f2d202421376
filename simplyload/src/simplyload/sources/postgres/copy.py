"""Copy a table in chunks of its key, each a short statement; resumable after every few of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from simplyload.changes import Changes, Rejected
from simplyload.errors import ConfigurationError
from simplyload.sources.postgres.connection import Reader, identifier, literal
from simplyload.sources.postgres.discover import SourceTable
from simplyload.sources.postgres.pages import PAGE_BYTES, Scan, changes, truncate_before
from simplyload.sources.postgres.state import CopyState

# Pages of a unit of work, unless they are wide: what is loaded at once. DuckDB writes rows twice,
# to its log and to the table, unless a load fills a row group (122,880 rows).
UNIT_PAGES = 3


@dataclass(frozen=True, kw_only=True)
class Copied:
    """A chunk of rows and the state after it; None once the copy is complete.

    `goes_on` says that the next chunk belongs to the same unit of work.
    """

    changes: Sequence[Changes]
    rejected: Sequence[Rejected] = ()
    state: CopyState | None
    goes_on: bool = False


def copy_table(
    reader: Reader, table: SourceTable, state: CopyState, chunk_rows: int
) -> Iterator[Copied]:
    """Read the rows in key order, all with the copy's `_seq`.

    No snapshot spans the copy: changes made meanwhile are read afterwards, by stream or poll. It
    ends with a truncation of what has a smaller `_seq`, so that rows that no longer exist are
    marked deleted and no row is missing at any time before.
    """
    count = size = 0
    for page in _scan(table, state).pages(reader, chunk_rows, state.after):
        state = replace(state, after=page.last)
        rows = changes(table, page, state.seq, carried=state.columns)
        count, size = count + 1, size + rows.rows.nbytes
        goes_on = count < UNIT_PAGES and size < PAGE_BYTES
        count, size = (count, size) if goes_on else (0, 0)
        yield Copied(changes=[rows], rejected=page.rejected, state=state, goes_on=goes_on)
    is_whole = state.since is None and state.columns is None
    yield Copied(changes=[truncate_before(table, state.seq)] if is_whole else [], state=None)


def _scan(table: SourceTable, state: CopyState) -> Scan:
    columns = [
        column
        for column in table.columns
        if state.columns is None or column.name in {*state.columns, *table.key}
    ]
    if state.since is None:
        return Scan(table=table, columns=columns, order=table.key)
    if table.cursor is None:
        raise ConfigurationError(f"cursors: {table.source_name} has none to read from a value on.")
    bound = f"{identifier(table.cursor)} >= {literal(state.since)}"
    return Scan(table=table, columns=columns, order=(table.cursor, *table.key), conditions=[bound])
