"""Tickets of a help desk: an example of a source of your own, which passes `simplyload.testing`."""

from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from typing import Annotated

import pyarrow as pa
from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr

from simplyload.changes import Batch, State, Table
from simplyload.sources.base import BaseSource
from simplyload.sources.cells import to_cells
from simplyload.sources.gathered import Gathered
from simplyload.sources.position import StreamPosition
from simplyload.sources.web import Api, check_address

TYPES: dict[str, pa.DataType] = {"number": pa.int64(), "text": pa.string()}


class DeskSettings(BaseModel):
    """What stands beside `type` in simplyload.yml."""

    model_config = ConfigDict(extra="forbid")
    url: Annotated[str, AfterValidator(check_address)]
    token: SecretStr


class DeskPosition(StreamPosition):
    """Tickets are read up to a version, with these columns; `ids` is a hash of all ids."""

    version: int = 0
    columns: list[str] = []
    ids: str = ""


class Desk(BaseSource[DeskSettings]):
    """Each change of a ticket gives it a new, higher version; nothing tells of deleted ones."""

    Settings = DeskSettings

    def __init__(self, settings: DeskSettings, stream: str) -> None:
        super().__init__(settings, stream)
        self._api = Api(settings.url, settings.token)

    def tables(self) -> list[Table]:
        """Give the one table, with the columns that the desk has now."""
        columns = [pa.field(name, TYPES[kind]) for name, kind in self._api.get("columns").items()]
        return [Table(name="tickets", key=("id",), schema=pa.schema(columns))]

    def read(self, state: State) -> Iterator[Batch]:
        """Yield changed tickets page by page, then what the list of all ids lacks."""
        [table] = self.tables()
        position = DeskPosition.from_state(state)
        rows = Gathered(position)
        if position.columns != table.schema.names:  # old tickets have values of new columns too
            position.columns, position.version = table.schema.names, 0
        while page := self._api.get("tickets", after=position.version):
            for ticket in page:
                rows.put(table, {"id": ticket["id"]}, partial(to_cells, table, ticket))
            position.version = page[-1]["version"]
            yield rows.batch()
        ids = self._api.get("ids")
        if (digest := sha256(repr(ids).encode()).hexdigest()) != position.ids:
            rows.list_keys(table, [{"id": id_} for id_ in ids])
            position.ids = digest
            yield rows.batch()

    def close(self) -> None:
        """End the connections."""
        self._api.close()
