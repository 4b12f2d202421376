"""Listings that belong to a record, are read once a day, or add a snapshot each day."""

import copy
import re
from collections.abc import Iterator
from typing import Any

import pytest

from api import ContractError
from streams.content import CONTENT_STREAMS
from streams.shop import SHOP_STREAMS
from tests.loader import SNAPSHOT_TABLES, Loader, Tables
from tests.sandbox_server import KEY, Sandbox, run_sandbox

DAY = 86_400
# Rows that belong to a record of another table, with that record's type in the sandbox.
OWNED = {
    "list_tag": ("list", "list_id"),
    "segment_tag": ("segment", "segment_id"),
    "flow_utm_parameter": ("flow", "flow_id"),
    "catalog_category_item": ("catalog-item", "catalog_item_id"),
}
TABLES = [table.name for stream in (*CONTENT_STREAMS, *SHOP_STREAMS) for table in stream.tables]
TABLES += OWNED.keys() - {*TABLES}
DAILY = {stream.path for stream in (*CONTENT_STREAMS, *SHOP_STREAMS) if stream.is_daily}
# Each table's type in the sandbox, where a row is one resource of it.
TYPES = {
    "coupon": "coupon",
    "coupon_code": "coupon-code",
    "catalog_item": "catalog-item",
    "catalog_variant": "catalog-variant",
    "catalog_category": "catalog-category",
    "review": "review",
    "form_version": "form-version",
    "image": "image",
    "web_feed": "web-feed",
    "universal_content": "template-universal-content",
    "webhook": "webhook",
    "push_token": "push-token",
    "data_source": "data-source",
    "custom_object_type": "object-type",
    "custom_object_record": "object-record",
    "text_message_sender": "text-messaging-sender",
    "brand": "brand-color",
}


@pytest.fixture(scope="module", name="server")
def _server() -> Iterator[Sandbox]:
    options: dict[str, Any] = {"campaigns": 2, "profiles": 60, "no_limits": True}
    with run_sandbox(**options, now="2026-11-16T15:00:00Z") as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(server: Sandbox) -> Sandbox:
    """The sandbox without changes of other tests."""
    server.reset()
    server.clear_faults()
    return server


@pytest.fixture(scope="module", name="first_sync")
def _first_sync(server: Sandbox) -> Loader:
    server.reset()
    return Loader(server.url, {"api_key": KEY, "tables": ",".join(TABLES)}).sync()


@pytest.fixture
def connection(first_sync: Loader, sandbox: Sandbox) -> Loader:  # noqa: ARG001 - reset
    """A connection to every table of content and shop, after its first sync."""
    return copy.deepcopy(first_sync)


def list_requested_paths(sandbox: Sandbox, connection: Loader) -> set[str]:
    """The paths that the next sync requests."""
    sandbox.reset_requests()
    connection.sync()
    return {entry["path"] for entry in sandbox.log()}


def test_every_table_has_its_rows_and_loses_a_deleted_one(
    sandbox: Sandbox, connection: Loader
) -> None:
    """A record that Klaviyo deletes is deleted the next day, in each table, and no other row."""
    assert [table for table in TABLES if not connection.tables.get(table)] == []
    before = {table: len(connection.tables[table]) for table in TYPES}
    ids = {table: list(connection.tables[table].values())[-1]["id"] for table in TYPES}
    ids["catalog_item"] = next(iter(connection.tables["catalog_item"].values()))["id"]
    for table, type_ in TYPES.items():
        if table not in ("coupon", "custom_object_type", "catalog_category"):
            sandbox.edit(type_, ids[table], None)
    sandbox.advance(DAY)
    connection.sync()
    lost = {table: before[table] - len(connection.tables[table]) for table in TYPES}
    kept = {"coupon": 0, "custom_object_type": 0, "catalog_category": 0}
    # Products are deleted with their three variants.
    assert lost == dict.fromkeys(TYPES, 1) | kept | {"catalog_variant": 4}
    assert current(connection) == current(Loader(sandbox.url, connection.configuration).sync())


def test_rows_of_a_deleted_owner_are_deleted(sandbox: Sandbox, connection: Loader) -> None:
    """With a list its tags, with a flow its link parameters, with a product its categories."""
    before = {table: len(rows(connection, table)) for table in OWNED}
    for table, (type_, column) in OWNED.items():
        sandbox.edit(type_, rows(connection, table)[0][column], None)
    sandbox.advance(DAY)
    connection.sync()
    assert [table for table in OWNED if len(rows(connection, table)) >= before[table]] == []
    assert current(connection) == current(Loader(sandbox.url, connection.configuration).sync())


def test_a_variant_names_its_product(connection: Loader) -> None:
    """Klaviyo's listing of variants does not, so they are included in that of products."""
    products = {row["id"] for row in rows(connection, "catalog_item")}
    assert {row["catalog_item_id"] for row in rows(connection, "catalog_variant")} == products


def test_hidden_images_are_listed_too(sandbox: Sandbox, connection: Loader) -> None:
    """Klaviyo lists them on request only; an image that is hidden later keeps its row."""
    hidden = [row["is_hidden"] for row in rows(connection, "image")]
    sandbox.edit("image", rows(connection, "image")[0]["id"], {"hidden": True})
    sandbox.advance(DAY)
    connection.sync()
    assert connection.deleted["image"] == 0
    after = [row["is_hidden"] for row in rows(connection, "image")]
    assert (len(after), sum(after)) == (len(hidden), sum(hidden) + 1)
    assert sum(hidden) == 1


def test_the_rows_of_a_deleted_parent_are_deleted(sandbox: Sandbox, connection: Loader) -> None:
    """Klaviyo no longer lists the codes of a coupon that is gone."""
    (_, gone), (_, kept) = sorted((row["id"], row["id"]) for row in rows(connection, "coupon"))
    sandbox.edit("coupon", gone, None)
    sandbox.advance(DAY)
    connection.sync()
    assert {row["coupon_id"] for row in rows(connection, "coupon_code")} == {kept}


def test_a_daily_listing_is_requested_once_a_day(sandbox: Sandbox, connection: Loader) -> None:
    """A second sync of the day requests none of them, the first of the next day all."""
    roots = {path for path in DAILY if "{id}" not in path}
    assert list_requested_paths(sandbox, connection) & roots == set()
    sandbox.advance(DAY)
    assert list_requested_paths(sandbox, connection) >= roots
    assert connection.written["catalog_item"] == 0


def test_the_listings_of_records_wait_for_these_records(sandbox: Sandbox) -> None:
    """If coupons cannot be listed, their codes are read by the next sync, not the next day."""
    connection = Loader(sandbox.url, {"api_key": KEY, "tables": "coupon_code"})
    sandbox.fault("404", path="/api/coupons")
    with pytest.raises(Exception, match="/api/coupons"):
        connection.sync()
    sandbox.clear_faults()
    connection.sync()
    assert len(rows(connection, "coupon_code")) == 300


@pytest.mark.parametrize(
    "path", ["/api/coupons$", "/api/catalog-categories$", "/api/object-types$", "/api/forms$"]
)
def test_one_empty_answer_deletes_nothing(sandbox: Sandbox, connection: Loader, path: str) -> None:
    """Records that all vanish at once are listed again, so nothing of theirs is deleted either."""
    sandbox.advance(DAY)
    sandbox.fault("empty_listing", path=path, times=1)
    connection.sync()
    assert connection.deleted == {}


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/api/coupon-codes$", "WELCOME10"),
        ("/api/catalog-categories/.*/items$", ""),
        ("/api/forms/.*/form-versions$", ""),
    ],
)
def test_one_empty_answer_for_one_record_deletes_nothing(
    sandbox: Sandbox, connection: Loader, path: str, query: str
) -> None:
    """The listing of one of many records is read again where its rows are missing."""
    sandbox.advance(DAY)
    sandbox.fault("empty_listing", path=path, query=query, times=1)
    connection.sync()
    assert connection.deleted == {}
    (fault,) = sandbox.admin()["faults"]
    assert fault["applied"] == 1


def test_a_listing_that_is_missing_once_keeps_its_rows(
    sandbox: Sandbox, connection: Loader
) -> None:
    """A 404 for the listing of a record deletes nothing, and the next sync reads it again."""
    sandbox.advance(DAY)
    sandbox.fault("404", path="/api/catalog-categories/.*/relationships/items", times=1)
    connection.sync()
    assert connection.deleted == {}
    paths = list_requested_paths(sandbox, connection)
    assert [path for path in paths if path.endswith("/relationships/items")] != []


@pytest.mark.parametrize(
    "path",
    [
        "/api/forms/.+/form-versions",
        "/api/coupon-codes",
        "/api/catalog-categories/.+/relationships/items",
        "/api/object-types/.+/object-records",
        "/api/lists/[^/]+$",
    ],
)
def test_a_path_that_no_record_has_fails_and_keeps_the_rows(
    sandbox: Sandbox, connection: Loader, path: str
) -> None:
    """Records that Klaviyo still lists are not deleted, however many of their paths are not found.

    The sync fails by name; once the path is answered, it is read.
    """
    sandbox.advance(DAY)
    sandbox.fault("404", path=path)
    for _ in range(2):
        with pytest.raises(ContractError, match=r"next sync tries again.* otherwise update"):
            connection.sync()
        assert connection.deleted == {}
    sandbox.clear_faults()
    connection.sync()
    assert connection.deleted == {}


def test_a_record_whose_own_path_stays_missing_is_named(
    sandbox: Sandbox, connection: Loader
) -> None:
    """Each sync warns of a listed form whose versions are not found, and deletes no version."""
    broken, other = (form["id"] for form in sandbox.all("/api/forms")[:2])
    kept = dict(connection.tables["form_version"])
    sandbox.fault("404", path=f"/api/forms/{broken}/form-versions")
    for _ in range(2):
        sandbox.advance(DAY)
        connection.sync()
        (warning,) = (text for text in connection.warnings if broken in text)
        assert f"lists form {broken}: no row of form_version is deleted" in warning
        assert other not in warning
        assert connection.tables["form_version"] == kept


def test_usage_of_earlier_days_is_kept(sandbox: Sandbox, connection: Loader) -> None:
    """Each day adds a row per kind of usage; a full re-sync deletes none."""
    sandbox.advance(DAY)
    connection.sync()
    connection.state = {}
    connection.sync()
    days = {row["date"] for row in rows(connection, "billing_usage_daily")}
    assert days == {"2026-11-16", "2026-11-17"}


def test_people_of_each_list_and_segment_are_counted_once_a_day(
    sandbox: Sandbox, connection: Loader
) -> None:
    """Every day has each group's own number, asked at its own path; a second sync asks nothing."""
    for kind in ("list", "segment"):
        counts = {
            row[f"{kind}_id"]: row["profile_count"]
            for row in rows(connection, f"{kind}_profile_count_daily")
        }
        assert counts == {
            group["id"]: len(sandbox.all(f"/api/{kind}s/{group['id']}/relationships/profiles"))
            for group in sandbox.all(f"/api/{kind}s")
        }
    by_group = re.compile(r"/api/(list|segment)s/\w+$")
    assert not any(map(by_group.match, list_requested_paths(sandbox, connection)))
    sandbox.advance(DAY)
    group = rows(connection, "list_profile_count_daily")[0]["list_id"]
    sandbox.edit("list", group, None)
    connection.sync()
    days = [
        row["date"]
        for row in rows(connection, "list_profile_count_daily")
        if row["list_id"] == group
    ]
    assert days == ["2026-11-16"]  # a deleted list keeps its days


def rows(connection: Loader, table: str) -> list[dict[str, Any]]:
    """The rows of a table."""
    return list(connection.tables.get(table, {}).values())


def current(connection: Loader) -> Tables:
    """The rows that a sync of today reads; those of earlier days are kept beside them."""
    return {
        name: table for name, table in connection.content().items() if name not in SNAPSHOT_TABLES
    }
