"""The compatibility views are the five source tables of the public package fivetran/dbt_klaviyo.

The names and types are those that version 1.4.1 of the package reads.
"""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

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
def _views(dbt_build: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the shops' compatibility views."""
    with duckdb.connect(str(dbt_build / "warehouse.duckdb"), read_only=True) as connection:
        connection.execute(f"attach '{dbt_build / 'raw.db'}' as raw (read_only)")
        connection.execute("set schema = 'klaviyo_compatibility'")
        yield connection


def test_each_view_has_the_columns_and_types_of_the_package(
    views: duckdb.DuckDBPyConnection,
) -> None:
    """Each view has the columns of the package's contract with their types, and account_id."""
    columns = {
        view: dict(views.sql(f"select column_name, column_type from (describe {view})").fetchall())
        for view in CONTRACT
    }

    assert columns == {
        view: {"account_id": TEXT}
        | {name: kind for kind, names in types.items() for name in names.split()}
        for view, types in CONTRACT.items()
    }


def test_an_order_joins_the_event_and_campaign_of_its_attribution(
    views: duckdb.DuckDBPyConnection,
) -> None:
    """The package finds the attributed event by the id in the JSON, and its campaign there."""
    orders = views.sql(
        """
        select orders.id, orders.type, orders.property_value, touches.campaign_id
        from event as orders
        left join event as touches
            on touches.id
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
