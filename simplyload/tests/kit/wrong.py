"""Classes that are no source, and tables that no destination can hold."""

from dataclasses import replace

import pyarrow as pa

from examples.desk import Desk, DeskSettings
from simplyload.changes import Table
from simplyload.sources.base import BaseSource


class NotASource:
    """It has settings and tables alone."""

    Settings = DeskSettings

    def __init__(self, settings: DeskSettings, stream: str) -> None:
        self.settings, self.stream = settings, stream

    def tables(self) -> list[Table]:
        """List none."""
        return []


class Unfinished(BaseSource[DeskSettings]):
    """It lacks what each source has to write."""

    Settings = DeskSettings


class Alone(Desk):
    """It takes no stream."""

    def __init__(self, settings: DeskSettings) -> None:
        super().__init__(settings, "alone")


class Keyless(Desk):
    """Its table has no key."""

    def tables(self) -> list[Table]:
        """Forget the key."""
        return [replace(table, key=()) for table in super().tables()]


class Timed(Desk):
    """It declares a time of day."""

    def tables(self) -> list[Table]:
        """Add the column."""
        more = pa.field("at", pa.time64("us"))
        return [replace(table, schema=table.schema.append(more)) for table in super().tables()]
