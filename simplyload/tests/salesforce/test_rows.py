"""What a row holds: every type, every character, every object that can be read."""

from contextlib import closing
from typing import Any

import pytest

from tests.salesforce.conftest import Reader, Warehouse, count, make_source, warnings
from tests.salesforce.fake import DAY, FakeSalesforce
from tests.salesforce.shapes import TEXTS, Field
from tests.web_source import waiting_tables


def test_sf27_sf42_cells_have_the_types_of_describe_in_the_destination(
    fake: FakeSalesforce, warehouse: Warehouse
) -> None:
    """Text that looks like a number or null stays text, a picklist its label; days go to 4000."""
    for _ in range(40):
        fake.create("Account", NumberOfEmployees=5)
    for text in TEXTS:
        fake.create("Account", Name=text, Industry=text)
    warehouse.sync()
    warehouse.assert_equal("Account")
    types = {
        row["column_name"]: row["data_type"] for row in warehouse.query("from duckdb_columns()")
    }
    assert types["name"] == types["tags__c"] == types["opens__c"] == "VARCHAR"
    assert types["annualrevenue"] == types["share__c"] == "DOUBLE"
    assert (types["numberofemployees"], types["isactive__c"]) == ("BIGINT", "BOOLEAN")
    assert (types["since__c"], types["lastcall__c"]) == ("DATE", "TIMESTAMP WITH TIME ZONE")


@pytest.mark.parametrize(
    "text", ['a\nb\r\nc, "d"', "x" * 131_072, "ãñõ 漢字 😀", "'; SELECT", "\\", " "]
)
def test_sf24_sf26_text_arrives_as_it_is(
    fake: FakeSalesforce, warehouse: Warehouse, text: str
) -> None:
    """Line ends, quotes, 131,072 characters and every alphabet are cell-exact."""
    id_ = fake.create("Account", Description=text)
    warehouse.sync()
    assert warehouse.row("account", id_)["description"] == text


def test_sf28_what_is_empty_is_null_in_every_type(fake: FakeSalesforce) -> None:
    """No text, no number, no day, no time is NULL; a checkbox without a tick is false."""
    names = ("Name", "AnnualRevenue", "NumberOfEmployees", "Since__c", "LastCall__c")
    id_ = fake.create("Account", **dict.fromkeys(names), IsActive__c=False)
    reader = Reader(fake)
    reader.read()
    row = reader.live("Account")[id_]
    assert [row[name.lower()] for name in names] == [None] * 5
    assert row["isactive__c"] is False


def test_sf16_sf39_compound_and_binary_fields_are_left_out_and_their_parts_kept(
    fake: FakeSalesforce,
) -> None:
    """No query selects BillingAddress or Body; the parts of an address are columns; it is said."""
    id_ = fake.create("Account", BillingCity="Köln")
    fake.create("Attachment")
    reader = Reader(fake, {"objects": ["Account", "Attachment"]})
    reader.read()
    reader.assert_equal()
    row = reader.live("Account")[id_]
    assert row["billingcity"] == "Köln"
    assert not {"billingaddress", "isdeleted"} & row.keys()
    assert not any("BillingAddress" in path or "Body" in path for path in fake.paths("SELECT"))
    with closing(make_source(fake, **reader.settings)) as source:
        notes = {
            discovery.table.source_name: "; ".join(discovery.warnings)
            for discovery in source.discover()
        }
    assert "BillingAddress is left out: its parts are columns" in notes["Account"]
    assert "Body is left out: a query gives no content" in notes["Attachment"]


def test_sf17_a_reference_is_its_id_and_discover_says_to_what(fake: FakeSalesforce) -> None:
    """WhoId is text, whatever it refers to; discover lists the objects that it may be."""
    contact = fake.create("Contact")
    task = fake.create("Task", WhoId=contact)
    reader = Reader(fake)
    reader.read()
    assert reader.live("Task")[task]["whoid"] == contact
    with closing(make_source(fake)) as source:
        [found] = [discovery for discovery in source.discover() if discovery.table.name == "task"]
    assert "WhoId refers to Contact or Lead" in found.warnings


def test_a_table_has_names_that_need_no_quotes(fake: FakeSalesforce, warehouse: Warehouse) -> None:
    """Salesforce's spelling works in a query as it is; the object's own name is in the catalog."""
    fake.create("Invoice__c", Net__c=100)
    warehouse.sync()
    [row] = warehouse.query("select Id, Net__c, Gross__c from crm.Invoice__c")
    assert (row["net__c"], row["gross__c"]) == (100, 119)


@pytest.mark.parametrize("bulk_rows", [1, 100])
def test_archived_activities_are_rows_like_any_other(fake: FakeSalesforce, bulk_rows: int) -> None:
    """A query hides tasks that were archived after a year; here they stay, also after a scan."""
    older = fake.create("Task", IsArchived=True)
    old, new = fake.create("Task"), fake.create("Task")
    reader = Reader(fake, {"objects": ["Task"], "bulk_rows": bulk_rows})
    reader.read()
    reader.assert_equal()
    fake.update(old, stamped=False, IsArchived=True)
    reader.read(after=DAY + 1)
    assert reader.live("Task").keys() == {older, old, new}


@pytest.mark.parametrize(
    ("name", "cursor"),
    [("AccountHistory", "CreatedDate"), ("AccountShare", "LastModifiedDate")],
)
def test_sf33_the_stamp_is_the_best_that_describe_offers(
    fake: FakeSalesforce, name: str, cursor: str
) -> None:
    """Without SystemModstamp changes are found by the next best; hard deletes by a scan of ids."""
    first = fake.create(name)
    reader = Reader(fake, {"objects": [name]})
    reader.read()
    fake.now += 600
    fake.create(name)
    fake.requests.clear()
    reader.read()
    reader.assert_equal()
    assert any(f"{cursor} >= " in path for path in fake.paths("SELECT"))
    fake.purge(first)
    reader.read(after=DAY + 1)
    reader.assert_equal()


def test_sf33_a_stamp_that_cannot_be_filtered_is_none(fake: FakeSalesforce) -> None:
    """Of a field that no condition may name, no query has one: the next best is used."""
    for field in fake.shapes["Contact"].fields:
        field.filterable &= field.name not in {"SystemModstamp", "LastModifiedDate"}
    reader = Reader(fake, {"objects": ["Contact"]})
    reader.read()
    fake.create("Contact")
    reader.read()
    reader.assert_equal()
    assert any("CreatedDate >= " in path for path in fake.paths("SELECT"))


def test_sf33_an_object_without_a_stamp_is_read_whole_once_a_day(fake: FakeSalesforce) -> None:
    """It costs a read of all rows a day and nothing in between; discover says so."""
    changed = fake.create("RecordActionHistory")
    gone = fake.create("RecordActionHistory")
    reader = Reader(fake, {"objects": ["RecordActionHistory"]})
    reader.read()
    fake.update(changed, State="new")
    del fake.records["RecordActionHistory"][gone]
    assert count(reader.read(), "RecordActionHistory") == 0
    reader.read(after=DAY)
    reader.assert_equal()
    with closing(make_source(fake, **reader.settings)) as source:
        assert "no stamp: read whole" in source.discover()[0].warnings


def test_sf36_a_query_longer_than_an_address_is_sent_in_a_body(fake: FakeSalesforce) -> None:
    """An object of 800 fields is read whole, by composite requests of one query each."""
    for number in range(800):
        fake.add_field("Account", Field(f"A_rather_long_name_of_a_field_{number}__c"), str(number))
    fake.create("Account")
    reader = Reader(fake, {"objects": ["Account"]})
    reader.read()
    reader.assert_equal()
    fake.create("Account")
    reader.read()
    reader.assert_equal()
    assert len(fake.paths("/composite ")) >= 2


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("bulk_rows", [0, 100_000])
def test_sf36_fields_that_no_query_holds_are_read_in_groups(
    fake: FakeSalesforce, bulk_rows: int
) -> None:
    """2,500 fields, 110,000 characters: all cells are there, also of rows that change meanwhile."""
    for number in range(2500):
        name = f"A_rather_long_name_of_a_field_number_{number:04}__c"
        fake.add_field("Account", Field(name), str(number))
    accounts = [fake.create("Account", **{name: "first"}) for _ in range(7)]
    reader = Reader(fake, {"objects": ["Account"], "bulk_rows": bulk_rows})
    fake.on_request = Meddler(fake, accounts, name).work
    reader.read()
    assert len(accounts) < 4  # the others changed between requests
    fake.on_request = None
    reader.read()
    reader.assert_equal()
    assert fake.paths("/jobs") == []


class Meddler:
    """Changes or deletes a record with each query, so also between two groups of fields."""

    def __init__(self, fake: FakeSalesforce, ids: list[str], field: str) -> None:
        self._fake, self._ids, self._field = fake, ids, field

    def work(self, path: str) -> None:
        """Change a field of the first group and one of the last, or delete."""
        if path == "queryAll" and self._ids:
            id_ = self._ids.pop()
            if len(self._ids) % 3:
                values: dict[str, Any] = {"Name": "changed", self._field: "changed"}
                self._fake.update(id_, **values)
            else:
                self._fake.delete(id_)


@pytest.mark.usefixtures("small_pages")
def test_sf37_rows_are_read_in_the_order_of_ids_page_by_page(fake: FakeSalesforce) -> None:
    """No locator, no chunks by the server: each page is a query that begins after the last id."""
    for _ in range(10):
        fake.create("Contact")
    reader = Reader(fake, {"objects": ["Contact"]})
    reader.read()
    reader.assert_equal()
    pages = [path for path in fake.paths("SELECT") if "SystemModstamp >=" not in path]
    assert len(pages) == 4
    assert all("ORDER BY Id LIMIT 3" in path for path in pages)
    assert sum("Id > '003" in path for path in pages) == 3


def test_an_answer_with_fewer_rows_than_asked_for_is_no_end(fake: FakeSalesforce) -> None:
    """The server gives fewer wide rows at a time and says that it is not done: all arrive."""
    for _ in range(11):
        fake.create("Account")
    fake.batch = 4
    reader = Reader(fake, {"objects": ["Account"]})
    reader.read()
    reader.assert_equal()


def test_objects_are_chosen_by_name_or_pattern_and_refused_with_the_reason(
    fake: FakeSalesforce,
) -> None:
    """A name that cannot be read is named with the reason and the nearest name; others load."""
    names = ["account", "Contct", "Order__x", "Log__b", "Note__e"]
    fake.create("Account")
    reader = Reader(fake, {"objects": names})
    said = waiting_tables(reader.read())
    assert reader.live("Account").keys() == fake.present("Account").keys()
    assert "did you mean Contact?" in said["contct"]
    assert "external object" in said["order__x"]
    assert "big object" in said["log__b"]
    assert "Salesforce lets no query read it; leave it out" in said["note__e"]
    every = Reader(fake, {"objects": ["*"], "exclude": ["*History", "task"]})
    assert waiting_tables(every.read()) == {}
    tables = {part.table.source_name for part in every.parts}
    assert tables == {"Account", "Contact", "Invoice__c", "Attachment", "AccountShare"}


def test_r29_a_value_of_another_form_is_rejected_alone(
    fake: FakeSalesforce, warehouse: Warehouse
) -> None:
    """A number sent as text is in `rejected`; other rows load, also the one that was before it."""
    fake.create("Account", NumberOfEmployees="many")
    good = fake.create("Account")
    result = warehouse.sync()
    assert result.rejected == 1
    assert warehouse.live("Account").keys() == {good}
    [row] = warehouse.query("from _simplyload.rejected")
    assert "integer" in str(row)
    name = warehouse.row("account", good)["name"]
    fake.update(good, stamped=False, NumberOfEmployees="many", Name="new")
    warehouse.pipeline().backfill("account")
    assert warehouse.sync().rejected == 2
    assert warehouse.live("Account")[good]["name"] == name


def test_sf14_fields_that_vanish_are_named_and_keep_their_values(
    fake: FakeSalesforce, warehouse: Warehouse
) -> None:
    """A field that the user may not see any more is warned of in every run, until it is back."""
    id_ = fake.create("Account", Industry="Shoes")
    warehouse.sync()
    fake.shapes["Account"].hidden.add("Industry")
    fake.update(id_, Name="new", Industry="Hats")
    for _ in range(2):
        [warning] = warehouse.sync().warnings
        assert "no field Industry of Account" in warning
    row = warehouse.row("account", id_)
    assert (row["name"], row["industry"]) == ("new", "Shoes")
    fake.shapes["Account"].hidden.clear()
    assert warehouse.sync().warnings == []
    warehouse.assert_equal("Account")
    fake.drop_field("Account", "Industry")
    assert warehouse.sync().warnings
    warehouse.pipeline().backfill("Account")
    warehouse.sync()
    assert warehouse.sync().warnings == []
    assert warehouse.row("account", id_)["industry"] == "Hats"


def test_sf20_sf43_a_new_field_has_its_values_in_old_rows_too(
    fake: FakeSalesforce, warehouse: Warehouse
) -> None:
    """No stamp tells that old rows have a value in a new field: the object is read whole again."""
    fake.create("Account")
    warehouse.sync()
    fake.add_field("Account", Field("CurrencyIsoCode", "picklist"), "EUR")
    fake.create("Account")
    warehouse.sync()
    warehouse.assert_equal()
    assert {row["currencyisocode"] for row in warehouse.live("Account").values()} >= {"EUR"}
    assert warehouse.sync().changes == 0


def test_sf21_a_renamed_field_is_a_new_column_and_the_old_one_stays(
    fake: FakeSalesforce, warehouse: Warehouse
) -> None:
    """It is dropped and added: the old column keeps its values, the new one has all of them."""
    id_ = fake.create("Invoice__c", Net__c=7)
    fake.add_field("Invoice__c", Field("Old__c"), "x")
    warehouse.sync()
    fake.drop_field("Invoice__c", "Old__c")
    fake.add_field("Invoice__c", Field("New__c"), "x")
    assert "no field Old__c of Invoice__c" in warehouse.sync().warnings[0]
    row = warehouse.row("invoice__c", id_)
    assert (row["old__c"], row["new__c"]) == ("x", "x")
    warehouse.assert_equal()


def test_sf21_a_renamed_object_is_named_with_its_new_name(fake: FakeSalesforce) -> None:
    """It waits, and the sentence has both names, since the key prefix is the same."""
    fake.create("Invoice__c")
    reader = Reader(fake)
    reader.read()
    fake.rename("Invoice__c", "Bill__c")
    said = waiting_tables(reader.read())
    assert "Invoice__c is named Bill__c now" in said["invoice__c"]
    assert "write Bill__c in `objects`" in said["invoice__c"]


def test_sf20_a_field_that_is_deleted_between_describe_and_query_stops_nothing(
    fake: FakeSalesforce,
) -> None:
    """INVALID_FIELD leads to a new describe, and the object is read in the same run."""
    for _ in range(3):
        fake.create("Account")
    reader = Reader(fake, {"objects": ["Account"]})

    def drop(path: str) -> None:
        if "query" in path:
            fake.drop_field("Account", "Industry")

    fake.on_request = drop
    batches = reader.read()
    assert waiting_tables(batches) == {}
    assert "no field Industry" in warnings(batches)
    reader.assert_equal()
