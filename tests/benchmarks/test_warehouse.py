"""The account that `make bench WAREHOUSE=1` builds the models on."""

from pathlib import Path

import duckdb

from tests.benchmarks import warehouse
from tests.fivetran import SCHEMA
from tests.warehouse import raw


def test_sync_writes_events_with_attributions_and_a_report(tmp_path: Path) -> None:
    """One event in 50 is an order, one order in two attributed; the report has the first time.

    An attribution has the time of its event.
    """
    file = raw.write(tmp_path / "raw.db", warehouse.ACCOUNT)
    warehouse._sync(file, 20_000, 0, 20_000, "2026-11-20T09:00:00Z")
    with duckdb.connect(str(file), read_only=True) as connection:
        found = connection.sql(
            f"""
            select count(*), count(value),
                (
                    select count(*) from {SCHEMA}.event_attribution as credit
                    join {SCHEMA}.event on event.id = credit.event_id
                        and event.datetime = credit.event_datetime
                ),
                min(datetime) = (select min(min_event_at) from {SCHEMA}.sync_report)
            from {SCHEMA}.event
            """
        ).fetchone()

    assert found == (20_000, 400, 200, True)
