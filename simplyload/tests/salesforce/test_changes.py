"""Changes, deletions, merges, formulas: what a later run brings."""

import random
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import pytest

from simplyload.changes import Batch
from tests.salesforce.conftest import OBJECTS, Reader, Warehouse, count, make_source
from tests.salesforce.fake import DAY, FakeSalesforce
from tests.salesforce.shapes import Field
from tests.web_source import waiting_tables


def test_sf01_a_row_that_becomes_visible_late_is_not_lost(fake: FakeSalesforce) -> None:
    """Stamps are read up to five minutes ago, and the position is that bound, not the newest."""
    reader = Reader(fake, {"objects": ["Account"]})
    reader.read()
    late = fake.create("Account")
    fake.delay(late, 250)
    fake.now += 2
    fake.create("Account")
    reader.read(after=2)
    reader.read(after=400)
    reader.assert_equal()
    assert late in reader.live("Account")


@pytest.mark.usefixtures("small_pages")
def test_sf02_many_rows_of_one_stamp_are_read_once_each(fake: FakeSalesforce) -> None:
    """A bulk load gives 40 rows one stamp, in pages of 3: none is read twice, none is lost."""
    reader = Reader(fake, {"objects": ["Account"]})
    reader.read()
    for _ in range(40):
        fake.create("Account")
    batches = reader.read()
    assert count(batches, "Account") == 40
    reader.assert_equal()
    assert count(reader.read(), "Account") == 0


def test_sf03_a_row_at_the_bound_of_two_reads_is_read_once(fake: FakeSalesforce) -> None:
    """Windows are half-open and contiguous, in UTC with a zone: each change arrives once."""
    reader = Reader(fake, {"objects": ["Account"]})
    reader.read()
    seen = 0
    for _ in range(20):
        fake.create("Account")  # one every 100 seconds, a bound every 100 seconds
        seen += count(reader.read(after=100), "Account")
    seen += count(reader.read(), "Account")
    assert seen == 20
    reader.assert_equal()
    assert all("Z AND" in path for path in fake.paths("SystemModstamp >="))


@pytest.mark.usefixtures("small_pages")
def test_changes_of_a_long_time_are_read_in_parts_where_a_query_takes_too_long(
    fake: FakeSalesforce,
) -> None:
    """QUERY_TIMEOUT halves the window, from its begin; what cannot be halved waits."""
    reader = Reader(fake, {"objects": ["Account"], "delete_scan": "P9D"})
    reader.read()
    for _ in range(30):
        fake.now += 600
        fake.create("Account")
    fake.slow = 3600
    assert waiting_tables(reader.read()) == {}
    reader.assert_equal()
    fake.create("Account")
    fake.slow = 0
    assert "QUERY_TIMEOUT" in waiting_tables(reader.read())["account"]


def test_a_run_ends_though_the_clock_goes_on(fake: FakeSalesforce) -> None:
    """Requests take time, in which new rows are stamped: a run reads up to its begin, and ends."""
    reader = Reader(fake, {"objects": ["Account", "Contact"]})
    reader.read()
    fake.step = 30
    fake.on_request = lambda _path: fake.create("Account")
    reader.read()
    assert len(fake.paths()) < 30


def test_sf04_an_object_that_is_added_later_is_read_whole(fake: FakeSalesforce) -> None:
    """Whatever was read of other objects, a new one is copied from its oldest row."""
    old = fake.create("Contact")
    fake.now += 3000 * DAY
    fake.create("Account")
    reader = Reader(fake, {"objects": ["Account"]})
    reader.read()
    reader.settings["objects"] = ["Account", "Contact"]
    reader.read()
    assert old in reader.live("Contact")
    reader.assert_equal()


def test_a_run_without_changes_gives_no_row_and_commits_nothing(
    fake: FakeSalesforce, warehouse: Warehouse
) -> None:
    """An idle run makes no load, and of requests one, and three for each object."""
    for name in OBJECTS[:3]:
        fake.create(name)
    warehouse.settings["objects"] = OBJECTS[:3]
    warehouse.sync()
    fake.requests.clear()
    result = warehouse.sync()
    assert (result.loads, result.changes) == (0, 0)
    assert len(fake.requests) == 1 + 3 * 3


def test_an_idle_position_is_kept_once_a_day(fake: FakeSalesforce) -> None:
    """The log of deletions reaches back 14 days: a quiet object is no gap."""
    reader = Reader(fake, {"objects": ["Account"], "delete_scan": "P300D"})
    reader.read()
    kept = [any(batch.keep for batch in reader.read(after=DAY // 2 + 1)) for _ in range(8)]
    assert sum(kept) == 4


def test_r27_sf09_a_deleted_record_is_marked_and_keeps_its_values(
    fake: FakeSalesforce, warehouse: Warehouse
) -> None:
    """One of three goes to the recycle bin: its row is `_deleted`, with the last values."""
    gone, *_ = (fake.create("Account", Name=f"n{n}") for n in range(3))
    warehouse.sync()
    fake.update(gone, Name="last")
    fake.delete(gone)
    warehouse.sync()
    row = warehouse.row("account", gone)
    assert (row["_deleted"], row["name"]) == (True, "last")
    warehouse.assert_equal()


def test_r27_sf10_a_record_that_left_the_recycle_bin_between_runs_is_gone(
    fake: FakeSalesforce, warehouse: Warehouse
) -> None:
    """No query shows it any more: the log of deletions names it, in the next run."""
    gone, stays = fake.create("Account", Name="x"), fake.create("Account")
    warehouse.sync()
    fake.delete(gone)
    fake.purge(gone)
    warehouse.sync()
    row = warehouse.row("account", gone)
    assert (row["_deleted"], row["name"]) == (True, "x")
    assert warehouse.live("Account").keys() == {stays}
    assert warehouse.sync().changes == 0


@pytest.mark.parametrize("behind", [0, 90, 700])
def test_sf10_the_log_is_read_on_from_where_it_says_that_it_is_complete(
    fake: FakeSalesforce, behind: int
) -> None:
    """`latestDateCovered` is the next begin: a deletion that the log lists late is not lost."""
    fake.log_behind = behind
    ids = [fake.create("Contact") for _ in range(12)]
    reader = Reader(fake, {"objects": ["Contact"], "delete_scan": "P300D"})
    reader.read()
    for id_ in ids[:10]:
        fake.purge(id_)
        reader.read(after=70)
    reader.read(after=900)
    reader.assert_equal()


@pytest.mark.parametrize("refuses", [True, False])
@pytest.mark.parametrize("days", [3, 16])
def test_r27_sf10_what_the_log_does_not_reach_back_to_is_found_by_a_scan(
    fake: FakeSalesforce, days: int, *, refuses: bool
) -> None:
    """After 16 days, or with a log that was purged, all ids are read at once; nothing fails."""
    fake.refuses_old_log = refuses
    gone = fake.create("Contact")
    for _ in range(4):
        fake.create("Contact")
    reader = Reader(fake, {"objects": ["Contact"], "delete_scan": "P300D"})
    reader.read()
    fake.purge(gone)
    fake.now += days * DAY
    fake.log_from = fake.now - DAY
    assert waiting_tables(reader.read()) == {}
    reader.assert_equal()
    fake.requests.clear()
    reader.read()
    assert not [path for path in fake.paths("SELECT Id FROM") if "IN (" not in path]


def test_sf10_a_deletion_that_nothing_tells_of_is_found_within_a_day(
    fake: FakeSalesforce, warehouse: Warehouse
) -> None:
    """The log does not have it, the bin neither: the daily scan of ids is the truth."""
    gone, stays = fake.create("Contact"), fake.create("Contact")
    warehouse.sync()
    del fake.records["Contact"][gone]
    warehouse.sync()
    assert gone in warehouse.live("Contact")
    warehouse.sync(after=DAY)
    warehouse.assert_equal()
    assert warehouse.live("Contact").keys() == {stays}


def test_a_scan_of_ids_reads_no_values(fake: FakeSalesforce) -> None:
    """It costs a request for 2,000 rows: each carries its id alone, and one for the log."""
    for _ in range(5):
        fake.create("Contact")
    reader = Reader(fake, {"objects": ["Contact"]})
    reader.read()
    fake.requests.clear()
    rows = _upserts(reader.read(after=DAY))
    assert [row["_cols"] for row in rows] == [["id"]] * 5
    assert len(fake.paths("SELECT Id FROM")) == 1


def _upserts(batches: Sequence[Batch]) -> list[dict[str, Any]]:
    parts = [part for batch in batches for part in batch.changes]
    return [row for part in parts for row in part.rows.to_pylist() if row["_op"] == "U"]


@pytest.mark.parametrize(("stamped", "purged"), [(True, False), (False, False), (False, True)])
def test_r27_a_restored_record_is_back(
    fake: FakeSalesforce, warehouse: Warehouse, *, stamped: bool, purged: bool
) -> None:
    """Undelete brings the row back with its values; without a new stamp, with the next scan."""
    id_ = fake.create("Account", Name="x")
    warehouse.sync()
    fake.delete(id_)
    warehouse.sync()
    assert warehouse.row("account", id_)["_deleted"]
    fake.undelete(id_, stamped=stamped)
    fake.log_from = fake.now if purged else 0
    warehouse.sync(after=600 if stamped else DAY)
    assert warehouse.row("account", id_)["name"] == "x"
    warehouse.assert_equal()


def test_a_record_that_was_deleted_and_restored_between_runs_stays(fake: FakeSalesforce) -> None:
    """The log names it still: it is looked at before it is taken as gone."""
    id_ = fake.create("Account")
    reader = Reader(fake, {"objects": ["Account"]})
    reader.read()
    fake.now += 600
    fake.delete(id_)
    fake.now += 60
    fake.undelete(id_)
    for after in (1, 100, 600):
        reader.read(after=after)
        assert id_ in reader.live("Account")
    reader.assert_equal()


@pytest.mark.parametrize(("purged", "stamped"), [(False, True), (False, False), (True, True)])
def test_r27_sf13_a_merge_leaves_the_winner_with_the_children(
    fake: FakeSalesforce, warehouse: Warehouse, *, purged: bool, stamped: bool
) -> None:
    """The loser is deleted, with MasterRecordId while it is in the bin; its contacts have moved."""
    winner, loser = fake.create("Account", Name="A"), fake.create("Account", Name="B")
    contact = fake.create("Contact", AccountId=loser)
    warehouse.sync()
    fake.merge(winner, loser, stamped=stamped)
    if purged:
        fake.purge(loser)
    warehouse.sync()
    row = warehouse.row("account", loser)
    assert (row["_deleted"], row["name"]) == (True, "B")
    assert row["masterrecordid"] == (None if purged else winner)
    assert warehouse.live("Contact")[contact]["accountid"] == winner
    warehouse.assert_equal()
    assert warehouse.sync().changes == 0


@pytest.mark.parametrize(
    "batches",
    [
        pytest.param(number, marks=() if number % 3 == 1 else pytest.mark.chaos)
        for number in range(1, 12)
    ],
)
def test_sf13_children_of_a_merge_are_read_also_after_a_kill(
    fake: FakeSalesforce, batches: int
) -> None:
    """The position keeps the winners until what refers to them is read."""
    winner, loser = fake.create("Account"), fake.create("Account")
    fake.create("Contact", AccountId=loser)
    reader = Reader(fake)
    reader.read()
    fake.merge(winner, loser, stamped=False)
    reader.read(batches=batches)
    reader.read()
    reader.assert_equal()


def test_r27_sf05_sf07_formulas_are_read_again_on_a_schedule(
    fake: FakeSalesforce, warehouse: Warehouse
) -> None:
    """A formula that changes without a stamp is right after the refresh, and no cell is lost."""
    rate = [1.19]
    fake.add_field(
        "Invoice__c", Field("Tax__c", "currency", lambda record: (record["Net__c"] or 0) * rate[0])
    )
    fake.create("Invoice__c", Net__c=100)
    warehouse.settings["refresh_formulas"] = "PT6H"
    warehouse.sync()
    warehouse.assert_equal()
    rate[0] = 1.07
    assert warehouse.sync().changes == 0
    warehouse.sync(after=6 * 3600)
    warehouse.assert_equal()


def test_r27_only_objects_with_formulas_are_read_whole_again(fake: FakeSalesforce) -> None:
    """The refresh costs nothing where describe shows no calculated field."""
    fake.create("Account")
    fake.create("Invoice__c")
    settings = {"refresh_formulas": "PT6H", "delete_scan": "P300D"}
    reader = Reader(fake, {"objects": ["Account", "Invoice__c"], **settings})
    reader.read()
    batches = reader.read(after=6 * 3600)
    assert (count(batches, "Account"), count(batches, "Invoice__c")) == (0, 1)


def test_a_scan_that_finds_few_rows_deletes_nothing(fake: FakeSalesforce) -> None:
    """A user that lost sight of most rows looks like deletions: the object waits and says so."""
    ids = [fake.create("Contact") for _ in range(30)]
    reader = Reader(fake, {"objects": ["Contact"]})
    reader.read()
    for id_ in ids[:20]:
        fake.delay(id_, 300 * DAY)
    said = waiting_tables(reader.read(after=DAY))
    assert "shows 10 rows of Contact, and 30 were there before" in said["contact"]
    assert len(reader.live("Contact")) == 30
    for id_ in ids[:20]:
        del fake.records["Contact"][id_]
    with closing(make_source(fake, **reader.settings)) as source:
        reader.state = source.backfill(reader.state, "contact", None)
    assert waiting_tables(reader.read()) == {}
    reader.assert_equal()


@pytest.mark.slow
@pytest.mark.parametrize(
    "seed", [0, 1, *(pytest.param(n, marks=pytest.mark.chaos) for n in (2, 3))]
)
@pytest.mark.usefixtures("small_pages")
def test_r27_any_history_leads_to_what_a_new_copy_gives(fake: FakeSalesforce, seed: int) -> None:
    """Random changes, deletions, merges, kills and pauses: the tables are those of a fresh copy."""
    chooser = random.Random(seed)
    reader = Reader(fake)
    for _ in range(40):
        for _ in range(chooser.randrange(4)):
            change(fake, chooser)
        after = chooser.choice([1, 100, 600, 5000, DAY])
        reader.read(after=after, batches=chooser.choice([None, None, 1, 3]))
    reader.read(after=DAY)
    reader.assert_equal()
    fresh = Reader(fake)
    fresh.read()
    fresh.assert_equal()


def change(fake: FakeSalesforce, chooser: random.Random) -> None:
    """Change something: create, update, delete, purge, restore, merge."""
    fake.now += chooser.randrange(3)
    records = {id_: record for name in OBJECTS for id_, record in fake.records[name].items()}
    live = [id_ for id_, record in records.items() if not record["IsDeleted"]]
    binned = sorted(records.keys() - set(live))
    accounts = [id_ for id_ in live if id_.startswith("001")]
    what = chooser.choice(["create", "create", "update", "delete", "purge", "restore", "merge"])
    if what == "create":
        fake.create(chooser.choice(OBJECTS))
    elif what == "update" and live:
        fake.update(chooser.choice(live))
    elif what == "delete" and live:
        fake.delete(chooser.choice(live))
    elif what == "purge" and binned:
        fake.purge(chooser.choice(binned))
    elif what == "restore" and binned:
        fake.undelete(chooser.choice(binned))
    elif what == "merge" and len(accounts) > 1:
        fake.merge(*chooser.sample(accounts, 2), stamped=chooser.random() < 0.5)
