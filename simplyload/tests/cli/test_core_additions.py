"""What load-cli adds to the core: names of the metadata, and what stays of a source that fails."""

import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest
from pydantic import ValidationError

from simplyload.catalog import Names
from simplyload.changes import Batch, State
from simplyload.checks import check_destination, validate_stream
from simplyload.destinations.postgres import PostgresDestination
from simplyload.errors import DestinationError, SourceError
from tests.core.conftest import Target
from tests.core.conftest import bigquery_server as bigquery_server  # noqa: PLC0414
from tests.core.conftest import bigquery_target as bigquery_target  # noqa: PLC0414
from tests.core.conftest import duckdb_target as duckdb_target  # noqa: PLC0414
from tests.core.conftest import postgres_target as postgres_target  # noqa: PLC0414
from tests.core.conftest import snowflake_server as snowflake_server  # noqa: PLC0414
from tests.core.conftest import snowflake_target as snowflake_target  # noqa: PLC0414
from tests.core.conftest import sql_target as sql_target  # noqa: PLC0414 - a fixture
from tests.core.scripted import ORDERS, ScriptedSource, changes, delete, truncate, upsert


def test_the_metadata_has_the_names_that_models_expect(sql_target: Target) -> None:
    """With `names`, tables are created, merged, marked and scanned under the chosen names."""
    names = Names(deleted="_fivetran_deleted", synced_at="_fivetran_synced")
    sql_target.settings = sql_target.settings.model_copy(update={"names": names})
    parts = [
        changes(upsert(1, {"id": 1, "a": "x"}), upsert(1, {"id": 2})),
        changes(upsert(2, {"id": 1, "a": "y"}), delete(2, 2)),
        changes(truncate(3), upsert(3, {"id": 3})),
    ]
    sql_target.pipeline(ScriptedSource(parts), max_changes=1).run_once()
    rows = sql_target.rows()
    assert {"_fivetran_deleted", "_fivetran_synced"} <= set(rows[0])
    assert not {"_deleted", "_synced_at"} & set(rows[0])
    assert [(row["id"], row["_fivetran_deleted"]) for row in rows] == [
        (1, True),
        (2, True),
        (3, False),
    ]
    assert list(sql_target.live()) == [(3,)]


@pytest.mark.parametrize("own", [{"deleted": "a"}, {"synced_at": "A"}])
def test_a_column_with_a_chosen_name_of_the_metadata_stops_its_table(
    sql_target: Target, own: dict[str, str]
) -> None:
    """The table is named with the remedy, nothing of it is made; others load; then it has all."""
    sql_target.settings = sql_target.settings.model_copy(update={"names": Names(**own)})
    other = replace(ORDERS, name="customers", schema=ORDERS.schema.remove(1))
    both = [changes(upsert(1, {"id": 1, "a": "x"})), changes(upsert(1, {"id": 1}), table=other)]
    result = sql_target.pipeline(ScriptedSource([both])).run_once()
    assert (
        "Column a of orders has a name that `destination.names` gives" in result.stopped["orders"]
    )
    assert len(sql_target.rows("customers")) == 1
    assert sql_target.tables("shop") == ["customers"]
    new = Names(**dict.fromkeys(own, "own"))
    sql_target.settings = sql_target.settings.model_copy(update={"names": new})
    [old] = own.values()
    sql_target.execute(f'ALTER TABLE shop.customers RENAME COLUMN "{old}" TO own')
    again = ScriptedSource([both, changes(upsert(2, {"id": 2}))])
    assert sql_target.pipeline(again).run_once().stopped == {}
    assert [row["a"] for row in sql_target.rows()] == ["x", None]


@pytest.mark.parametrize(
    ("before", "after", "lacks"),
    [
        ({}, {"deleted": "gone"}, "deleted"),
        ({"synced_at": "at"}, {}, "synced_at"),
        ({"deleted": "gone"}, {"deleted": "_synced_at", "synced_at": "at"}, "synced_at"),
    ],
)
def test_other_names_of_the_metadata_than_a_table_has_are_refused(
    sql_target: Target, before: dict[str, str], after: dict[str, str], lacks: str
) -> None:
    """A load, a comparison and `validate` name the setting and the remedy, and no row changes."""
    steps = [changes(upsert(1, {"id": 1, "a": "x"})), changes(delete(2, 1))]
    settings = sql_target.settings
    sql_target.settings = settings.model_copy(update={"names": Names(**before)})
    sql_target.pipeline(ScriptedSource(steps[:1])).run_once()
    rows = sql_target.rows()
    sql_target.settings = settings.model_copy(update={"names": Names(**after)})
    refusal = f"orders .* `destination.names` calls {lacks}: set `names` as it was"
    with pytest.raises(DestinationError, match=refusal):
        sql_target.pipeline(ScriptedSource(steps)).run_once()
    with pytest.raises(DestinationError, match=refusal):
        sql_target.live()
    with closing(sql_target.destination()) as destination:
        [found] = validate_stream(ScriptedSource(steps), destination, "shop")
    assert (found.level, "set `names` as it was" in found.message) == ("error", True)
    assert sql_target.rows() == rows
    sql_target.settings = settings.model_copy(update={"names": Names(**before)})
    sql_target.pipeline(ScriptedSource(steps)).run_once()
    assert sql_target.live() == {}


@pytest.mark.parametrize("own", [{"deleted": "_SEQ"}, {"deleted": "x", "synced_at": "X"}])
def test_names_of_the_metadata_are_apart(own: dict[str, str]) -> None:
    """Two columns of one name, also in another case, are refused with the configuration."""
    with pytest.raises(ValidationError, match="names of their own"):
        Names(**own)


def test_a_role_that_may_create_nothing_gets_the_statement(postgres_target: Target) -> None:
    """Validate and the first sync name the right that is missing, and the owner's SQL grants it."""
    user, owner = f"loader_{uuid.uuid4().hex[:12]}", postgres_target.settings.user
    postgres_target.execute(f"CREATE ROLE {user} LOGIN")
    postgres_target.settings = postgres_target.settings.model_copy(update={"user": user})
    source = ScriptedSource([changes(upsert(1, {"id": 1}))])
    with closing(postgres_target.destination()) as destination:
        found = check_destination(destination, {"shop": "shop"})
    assert found.level == "error"
    with pytest.raises(DestinationError, match="may not create schemas") as caught:
        postgres_target.pipeline(source).run_once()
    assert str(caught.value) == found.message
    postgres_target.execute(found.message.partition("run ")[2].rstrip(";"))
    assert postgres_target.pipeline(source).run_once().loads == 1
    postgres_target.execute(f"REASSIGN OWNED BY {user} TO {owner}")
    postgres_target.execute(f"DROP OWNED BY {user}; DROP ROLE {user}")


def test_r33_a_refusal_of_postgres_repeats_no_statement(postgres_target: Target) -> None:
    """The statement has values of rows: the error has the server's reason alone, in one line."""
    settings = postgres_target.settings
    with (
        closing(PostgresDestination(settings)) as destination,
        pytest.raises(DestinationError) as caught,
    ):
        destination._run("SELECT 1 / 0 WHERE 'ann@example.org' <> 'x'")  # noqa: SLF001
    assert str(caught.value) == "Postgres refuses: division by zero"


class FailingSource(ScriptedSource):
    """Fails after its last batch."""

    def read(self, state: State) -> Iterator[Batch]:
        """Yield the batches, then raise."""
        yield from super().read(state)
        raise SourceError("the source is away")


@pytest.mark.parametrize("ends_within_a_unit", [False, True])
def test_what_a_failing_source_gave_completely_is_loaded(
    duckdb_target: Target, *, ends_within_a_unit: bool
) -> None:
    """A source that fails between units of work keeps them; within one, all is read again."""
    parts = [changes(upsert(1, {"id": 1})), changes(upsert(2, {"id": 2}))]
    batches = [Batch(changes=[part], state={"n": n}) for n, part in enumerate(parts, 1)]
    if ends_within_a_unit:
        batches[-1] = replace(batches[-1], state=None)
    with pytest.raises(SourceError, match="the source is away"):
        duckdb_target.pipeline(FailingSource(batches), max_changes=10).run_once()
    kept = [] if ends_within_a_unit else [(1,), (2,)]
    assert sorted(duckdb_target.live()) == kept
