"""Large objects are read by jobs of Bulk API 2.0: the same rows, whatever becomes of the job."""

from typing import Any

import pytest

from simplyload.errors import SourceError
from simplyload.sources.salesforce import jobs
from tests.salesforce.conftest import Reader, Warehouse, warnings
from tests.salesforce.fake import DAY, FakeSalesforce
from tests.web_source import waiting_tables

BY_JOB: dict[str, Any] = {"objects": ["Account"], "bulk_rows": 1}


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let an answer have four rows; give the pauses between looks, which take no time."""
    monkeypatch.setattr("simplyload.sources.salesforce.jobs.PART", 4)
    pauses: list[float] = []
    monkeypatch.setattr("simplyload.sources.salesforce.jobs.time.sleep", pauses.append)
    return pauses


def test_sf24_sf26_sf27_sf28_a_job_gives_the_cells_of_a_query(
    fake: FakeSalesforce, warehouse: Warehouse
) -> None:
    """Line ends, quotes, long and foreign text, numbers in text, NULL: both ways, cell by cell."""
    for text in ('a\nb\r\nc, "d"', "x" * 131_072, "ãñõ 漢字 😀", "01234", "null", None, "1e5"):
        fake.create("Account", Name=text, Description=text, NumberOfEmployees=7)
    for _ in range(30):
        fake.create("Account")
    warehouse.settings = BY_JOB
    warehouse.sync()
    assert len(fake.paths("/results?")) == 10
    warehouse.assert_equal()
    by_job = warehouse.live("Account")
    warehouse.settings = {"objects": ["Account"]}
    warehouse.pipeline().backfill("account")
    warehouse.sync()
    for id_, row in warehouse.live("Account").items():
        assert {**row, "_seq": 0, "_synced_at": 0} == {**by_job[id_], "_seq": 0, "_synced_at": 0}


def test_sf16_sf37_only_large_objects_are_read_by_jobs(fake: FakeSalesforce) -> None:
    """One of fewer rows than `bulk_rows` costs no job; compound fields and files are in neither."""
    for _ in range(5):
        fake.create("Account")
    fake.create("Attachment")
    settings = {"objects": ["Account", "Attachment"], "bulk_rows": 3}
    reader = Reader(fake, settings)
    reader.read()
    reader.assert_equal()
    created = fake.paths("jobs/query {")
    assert len(created) == 1
    assert "FROM Account WHERE IsDeleted = false" in created[0]


def test_a_job_is_deleted_once_it_is_read(fake: FakeSalesforce) -> None:
    """Its results are not left at Salesforce for seven days."""
    fake.create("Account")
    Reader(fake, BY_JOB).read()
    assert fake.jobs == {}


def test_what_changes_while_a_job_runs_arrives_after_it(
    fake: FakeSalesforce, small_parts: list[float]
) -> None:
    """A job gives rows as they were at its begin: changes and deletions since then follow."""
    ids = [fake.create("Account") for _ in range(6)]
    fake.job_looks = 3
    reader = Reader(fake, BY_JOB)

    def change(path: str) -> None:
        if path.endswith("/results"):
            fake.now += 30
            fake.update(ids[0])
            if not fake.records["Account"][ids[1]]["IsDeleted"]:
                fake.delete(ids[1])

    fake.on_request = change
    reader.read()
    fake.on_request = None
    reader.read()
    reader.assert_equal()
    assert small_parts == [1, 2, 4]


@pytest.mark.parametrize("batches", range(1, 6))
def test_a_kill_while_a_job_is_read_goes_on_with_it(fake: FakeSalesforce, batches: int) -> None:
    """The position has the job and its locator: another process reads the rest, in one job."""
    for _ in range(14):
        fake.create("Account")
    reader = Reader(fake, BY_JOB)
    reader.read(batches=batches)
    assert warnings(reader.read(after=DAY)) == ""
    reader.assert_equal()
    assert len(fake.paths("jobs/query {")) == 1
    assert fake.jobs == {}


@pytest.mark.parametrize("batches", range(1, 4))
def test_sf10_a_deletion_wins_over_a_job_that_began_before_it(
    fake: FakeSalesforce, batches: int
) -> None:
    """A record that only the job of a backfill has, and that is gone meanwhile, is no row."""
    for _ in range(6):
        fake.create("Account")
    reader = Reader(fake, BY_JOB)
    reader.read()
    reader.state = reader.source().backfill(reader.state, "account", None)
    created: list[str] = []

    def create(path: str) -> None:
        if path.endswith("jobs/query") and not created:
            created.append(fake.create("Account"))

    fake.on_request = create
    reader.read(batches=batches)
    fake.purge(created[0])
    reader.read()
    reader.assert_equal()


@pytest.mark.parametrize("state", ["Failed", "Aborted"])
def test_sf35_a_job_that_fails_is_replaced_by_queries(fake: FakeSalesforce, state: str) -> None:
    """The object is read by queries, with a warning; the job is deleted."""
    for _ in range(3):
        fake.create("Account")
    fake.job_state = state
    reader = Reader(fake, BY_JOB)
    batches = reader.read()
    assert f"ended as {state}" in warnings(batches)
    assert waiting_tables(batches) == {}
    reader.assert_equal()
    assert fake.jobs == {}


def test_sf18_where_no_job_is_left_for_today_queries_go_on(fake: FakeSalesforce) -> None:
    """A daily limit of jobs, or an object that jobs do not support, is no reason to stop."""
    fake.create("Account")
    fake.fail("jobs/query", 400, "LIMIT_EXCEEDED", message="Max bulk v2 query jobs exceeded")
    reader = Reader(fake, BY_JOB)
    assert "Max bulk v2 query jobs" in warnings(reader.read())
    reader.assert_equal()


@pytest.mark.parametrize("after", [0, 1, 2])
def test_sf19_a_part_that_is_not_found_has_all_rows_read_again(
    fake: FakeSalesforce, after: int
) -> None:
    """`null` is the last locator; where a part answers 404, all rows are read by queries."""
    for _ in range(11):
        fake.create("Account")
    fake.fail("/results", 404, "NOT_FOUND", after=after, times=9)
    reader = Reader(fake, BY_JOB)
    assert "NOT_FOUND" in warnings(reader.read())
    reader.assert_equal()


def test_sf19_a_job_with_other_rows_than_it_counts_is_not_believed(
    fake: FakeSalesforce, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows that were read are those that the job has, or it is read again by queries."""
    for _ in range(6):
        fake.create("Account")
    monkeypatch.setattr(jobs, "count_job", lambda *_: 7)
    reader = Reader(fake, BY_JOB)
    assert "has 7 rows and gives 6" in warnings(reader.read())
    reader.assert_equal()


def test_sf22_a_session_that_expires_while_a_job_runs_is_renewed(fake: FakeSalesforce) -> None:
    """A job outlives its session: looks at it and its parts go on with a new one."""
    for _ in range(10):
        fake.create("Account")
    fake.job_looks = 2
    requests = 0

    def expire(_path: str) -> None:
        nonlocal requests
        requests += 1
        if requests % 3 == 0:
            fake.expire()

    fake.on_request = expire
    reader = Reader(fake, BY_JOB)
    assert warnings(reader.read()) == ""
    reader.assert_equal()
    assert fake.logins > 3


def test_a_job_that_takes_too_long_is_left_to_the_next_run(
    fake: FakeSalesforce, small_parts: list[float]
) -> None:
    """After an hour the run fails with a sentence; the next one goes on with the same job."""
    fake.create("Account")
    fake.job_looks = 10**6
    reader = Reader(fake, BY_JOB)
    with pytest.raises(SourceError, match="not complete after an hour"):
        reader.read()
    assert sum(small_parts) > 3600
    fake.job_looks = 0
    [job] = fake.jobs
    fake.requests.clear()
    reader.read()
    reader.assert_equal()
    assert f"jobs/query/{job}/results" in str(fake.requests)
