"""Destinations that are wrong on purpose: the comparison of a pair must notice each."""

from dataclasses import dataclass
from typing import Any

import duckdb

from simplyload.destinations.destination import Lease, Load, LoadResult
from simplyload.destinations.duckdb import DuckDBDestination

# What is done to each table right after a load is committed, by the fault.
FAULTS = {
    "loses rows": "delete from {0} where _seq = (select max(_seq) from {0} where not _deleted)",
    "loads twice": "insert into {0} select * from {0} where _seq = (select max(_seq) from {0})",
}


@dataclass
class Faulty:
    """A DuckDB file in which each load leaves one row too few, or too many."""

    inner: DuckDBDestination
    fault: str

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def load(self, lease: Lease, load: Load) -> LoadResult:
        """Commit the load, then spoil each of its tables."""
        result = self.inner.load(lease, load)
        self.inner.close()
        with duckdb.connect(str(self.inner._settings.path)) as target:  # noqa: SLF001
            for staged in load.staged:
                target.execute(FAULTS[self.fault].format(f"{load.schema}.{staged.table.name}"))
        return result
