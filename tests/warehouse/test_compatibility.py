"""Who used the public package fivetran/dbt_klaviyo keeps its five source tables.

The names and types are what that package, in version 1.4.1, asks of its source.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.warehouse import dbt

TEXT, TIME, FLAG, NUMBER = "VARCHAR", "TIMESTAMP WITH TIME ZONE", "BOOLEAN", "DOUBLE"
CONTRACT = {
    "event": {
        TEXT: "id person_id metric_id campaign_id flow_id flow_message_id _variation type uuid"
        " property_attribution",
        NUMBER: "property_value",
        TIME: "timestamp datetime _fivetran_synced",
        FLAG: "_fivetran_deleted",
    },
    "campaign": {
        TEXT: "id name campaign_type subject from_email from_name email_template_id status"
        " status_id status_label",
        TIME: "created updated send_time sent_at scheduled _fivetran_synced",
        FLAG: "archived _fivetran_deleted",
    },
    "flow": {
        TEXT: "id name status trigger_type",
        TIME: "created updated _fivetran_synced",
        FLAG: "archived _fivetran_deleted",
    },
    "metric": {
        TEXT: "id name integration_id integration_name integration_category",
        TIME: "created updated _fivetran_synced",
        FLAG: "_fivetran_deleted",
    },
    "person": {
        TEXT: "id address_1 address_2 city country email first_name last_name organization"
        " phone_number region timezone title zip",
        NUMBER: "latitude longitude",
        TIME: "created updated last_event_date _fivetran_synced",
        FLAG: "_fivetran_deleted",
    },
}


@pytest.fixture(scope="module", name="views")
def _views(
    built: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The shop's warehouse, built with the views that have to be asked for."""
    folder = tmp_path_factory.mktemp("compatible")
    environment = {
        "KLAVIYO_COMPATIBILITY": "True",
        "KLAVIYO_TABLES": "all",
        "KLAVIYO_RAW_DUCKDB": str(built / "raw.db"),
        "KLAVIYO_WAREHOUSE": str(shutil.copy(built / "warehouse.duckdb", folder)),
    }
    run = dbt.run_on(folder, environment, "build", "--select", "path:models/compatibility")
    assert run.returncode == 0, run.stdout
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as connection:
        connection.execute(f"attach '{built / 'raw.db'}' as raw (read_only)")
        connection.execute("set schema = 'klaviyo_compatibility'")
        yield connection


@pytest.mark.parametrize("table", CONTRACT)
def test_each_table_has_the_names_and_types_of_the_package(
    views: duckdb.DuckDBPyConnection, table: str
) -> None:
    """Every column of the package's contract is there with its type; account_id comes on top."""
    columns = views.sql(f"select column_name, column_type from (describe {table})").fetchall()
    expected = {name: kind for kind, names in CONTRACT[table].items() for name in names.split()}

    assert dict(columns) == {"account_id": TEXT} | expected


def test_an_order_leads_to_the_event_that_earned_its_credit(
    views: duckdb.DuckDBPyConnection,
) -> None:
    """The package reads the credited event from JSON, and the campaign from that event."""
    orders = views.sql(
        """
        select orders.id, orders.type, orders.property_value, parents.campaign_id
        from event as orders
        left join event as parents
            on parents.id
            = (orders.property_attribution ->> '$.relationships."attributed-event".data.id')
        where orders.type in ('Placed Order', 'Refunded Order') and orders.person_id = 'ann'
        order by orders.timestamp
        """
    ).fetchall()

    assert orders == [
        ("sold", "Placed Order", 30.0, "before"),
        ("buyA", "Placed Order", 1000.0, "launch"),
        ("back", "Refunded Order", 100.0, "launch"),
        ("ahead", "Placed Order", 1.0, None),
    ]


def test_the_views_have_to_be_asked_for(warehouse: Path) -> None:
    """Nobody else finds five more tables in the warehouse."""
    assert not dbt.query(
        warehouse,
        "select 1 from information_schema.schemata where schema_name = 'klaviyo_compatibility'",
    )


def test_another_word_than_true_or_false_is_refused(built: Path, tmp_path: Path) -> None:
    """Whoever asks for the views in other words is told so, before anything is built."""
    settings = {"KLAVIYO_COMPATIBILITY": "yes", "KLAVIYO_RAW_DUCKDB": str(built / "raw.db")}
    warehouse = {"KLAVIYO_WAREHOUSE": str(tmp_path / "warehouse.duckdb")}
    run = dbt.run_on(tmp_path, settings | warehouse, "build")

    assert run.returncode != 0
    assert "KLAVIYO_COMPATIBILITY: true or false, not 'yes'" in run.stdout
    assert "START" not in run.stdout
