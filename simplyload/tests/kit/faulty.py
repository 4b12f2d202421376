"""Sources with one fault each, of which the kit has to find every one."""

from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa

from examples.desk import Desk, DeskPosition
from simplyload.changes import DELETE, OP, TRUNCATE, Batch, Changes, State
from simplyload.errors import SourceError


class Hasty(Desk):
    """Its first batch has the position of the whole read already."""

    def read(self, state: State) -> Iterator[Batch]:
        """Give pages with the last position."""
        batches = list(super().read(state))
        for batch in batches:
            yield replace(batch, state=batches[-1].state)


class Leaky(Desk):
    """Its errors have the token."""

    def read(self, state: State) -> Iterator[Batch]:
        """Repeat what the request was."""
        try:
            yield from super().read(state)
        except SourceError as error:
            raise SourceError(f"{error} {self.settings.token.get_secret_value()}") from None


class Crashing(Desk):
    """A request that fails ends it with an error of its own."""

    def read(self, state: State) -> Iterator[Batch]:
        """Fail with what no run expects."""
        try:
            yield from super().read(state)
        except SourceError as error:
            raise LookupError(str(error)) from None


class Blind(Desk):
    """It finds no row that is gone."""

    def read(self, state: State) -> Iterator[Batch]:
        """Leave out the list of all ids."""
        for batch in super().read(state):
            ops = {op for part in batch.changes for op in part.rows[OP].to_pylist()}
            yield replace(batch, changes=()) if {DELETE, TRUNCATE} & ops else batch


class Restless(Desk):
    """It lists all ids whatever happened."""

    def read(self, state: State) -> Iterator[Batch]:
        """Forget what the ids were."""
        return super().read({**state, "ids": ""})


class Forgetful(Desk):
    """It begins to count again after a reset."""

    def reset(self, state: State) -> State:  # noqa: ARG002
        """Give the first position."""
        return {}


class Rigid(Desk):
    """It reads no old row for a new column."""

    def read(self, state: State) -> Iterator[Batch]:
        """Take the columns for known."""
        [table] = self.tables()
        position = DeskPosition.from_state(state)
        position.columns = table.schema.names
        return super().read(position.as_state())


class Dropping(Desk):
    """It says of a row that it rejects that it is gone."""

    def read(self, state: State) -> Iterator[Batch]:
        """Delete the rows that are rejected."""
        for batch in super().read(state):
            keys = {rejection.key["id"] for rejection in batch.rejected}
            yield replace(batch, changes=[_delete(part, keys) for part in batch.changes])


def _delete(part: Changes, keys: set[int]) -> Changes:
    rows = [{**row, OP: DELETE} if row["id"] in keys else row for row in part.rows.to_pylist()]
    return replace(part, rows=pa.Table.from_pylist(rows, schema=part.rows.schema))
