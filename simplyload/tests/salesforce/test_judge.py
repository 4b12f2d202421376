"""simple-salesforce judges the fake: it reads it as it reads Salesforce."""

import csv
import io
from datetime import UTC, datetime
from typing import Any

import pytest
from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce

from tests.salesforce.conftest import Reader, assert_same
from tests.salesforce.fake import CLIENT_ID, CLIENT_SECRET, FakeSalesforce


class _ToFake(HTTPAdapter):
    """Sends what is meant for https://acme.my.salesforce.com to the fake."""

    def __init__(self, fake: FakeSalesforce) -> None:
        super().__init__()
        self._fake = fake

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        """Send a request to the fake's address."""
        path = str(request.url).split("/", 3)[3]
        request.url = f"{self._fake.address}/{path}"
        return super().send(request, *args, **kwargs)


@pytest.fixture
def client(fake: FakeSalesforce) -> Any:
    """Log simple-salesforce in at the fake by client credentials."""
    session = Session()
    session.mount("https://", _ToFake(fake))
    return Salesforce(
        consumer_key=CLIENT_ID,
        consumer_secret=CLIENT_SECRET,
        domain="acme.my",
        session=session,
        version="67.0",
    )


def test_j4_the_usual_client_and_simplyload_give_the_same_rows(
    fake: FakeSalesforce, client: Any
) -> None:
    """simple-salesforce follows the fake's locators and gives what SimplyLoad loads."""
    for _ in range(12):
        account = fake.create("Account")
        fake.create("Contact", AccountId=account)
    fake.create("Task", IsArchived=True)
    fake.batch = 5
    reader = Reader(fake)
    reader.read()
    for name in ("Account", "Contact", "Task"):
        fields = [field["name"] for field in getattr(client, name).describe()["fields"]]
        soql = f"SELECT {', '.join(fields)} FROM {name}"
        answer = client.query_all(soql, include_deleted=True)
        assert answer["totalSize"] == len(answer["records"]) > 0
        for record in answer["records"]:
            del record["attributes"]
            assert dict(record) == fake.present(name)[record["Id"]]
        assert_same(reader.live(name), fake, name)
    usage = client.api_usage["api-usage"]
    assert (usage.used, usage.total) == (fake.used, fake.limit)


def test_j4_the_usual_client_sees_deletions_as_the_fake_has_them(
    fake: FakeSalesforce, client: Any
) -> None:
    """A query hides a deleted record, queryAll has it with IsDeleted, the log names it."""
    gone, _ = fake.create("Account"), fake.create("Account")
    fake.now += 300
    fake.delete(gone)
    fake.now += 300
    soql = "SELECT Id, IsDeleted FROM Account"
    assert client.query_all(soql)["totalSize"] == 1
    every = client.query_all(soql, include_deleted=True)["records"]
    assert {record["Id"] for record in every if record["IsDeleted"]} == {gone}
    start, end = (datetime.fromtimestamp(fake.now - ago, UTC) for ago in (600, 0))
    log = client.Account.deleted(start, end)
    assert [deletion["id"] for deletion in log["deletedRecords"]] == [gone]
    assert {sobject["name"] for sobject in client.describe()["sobjects"]} == set(fake.shapes)


def test_j4_the_usual_client_reads_jobs_of_the_fake(fake: FakeSalesforce, client: Any) -> None:
    """Its CSV, part by part by the fake's locators, has the values that queryAll gives."""
    for _ in range(7):
        fake.create("Account")
    fake.delete(fake.create("Account", Name="gone"))
    parts = client.bulk2.Account.query_all("SELECT Id, Name, IsDeleted FROM Account", max_records=3)
    rows = [row for part in parts for row in csv.DictReader(io.StringIO(part, newline=""))]
    found = client.query_all("SELECT Id, Name, IsDeleted FROM Account", include_deleted=True)
    assert {(row["Id"], row["Name"], row["IsDeleted"] == "true") for row in rows} == {
        (record["Id"], record["Name"] or "", record["IsDeleted"]) for record in found["records"]
    }
    assert len(rows) == 8


def test_sf22_a_locator_dies_with_its_session(fake: FakeSalesforce, client: Any) -> None:
    """The usual client asks a new session for the dead locator: SimplyLoad never does."""
    # https://github.com/airbytehq/airbyte/issues/84302
    for _ in range(6):
        fake.create("Account")
    fake.batch = 4
    first = client.query("SELECT Id FROM Account")
    fake.expire()
    with pytest.raises(Exception, match="INVALID_QUERY_LOCATOR"):
        client.query_more(first["nextRecordsUrl"], identifier_is_url=True)
