"""Logins, sessions, rights, the limit of requests: what cannot be read is named, never empty."""

from contextlib import closing
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from pydantic import ValidationError

from simplyload.errors import ConfigurationError, LimitError, SourceError
from tests.salesforce.conftest import (
    Reader,
    Warehouse,
    make_settings,
    make_source,
)
from tests.salesforce.fake import CLIENT_SECRET, REFRESH_TOKEN, FakeSalesforce
from tests.web_source import waiting_tables


def test_a_login_by_refresh_token(fake: FakeSalesforce) -> None:
    """A refresh token opens a session like client credentials do."""
    fake.create("Account")
    reader = Reader(fake, {"objects": ["Account"], "refresh_token": REFRESH_TOKEN})
    reader.read()
    reader.assert_equal()
    assert fake.logins == 1


def test_a_login_by_a_signed_assertion(fake: FakeSalesforce) -> None:
    """The JWT bearer flow signs with the app's key, which the org's certificate verifies."""
    key = rsa.generate_private_key(65537, 2048)
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    fake.public_key = public.decode()
    fake.create("Account")
    own = {"private_key": text, "username": "simplyload@example.com"}
    reader = Reader(fake, {"objects": ["Account"], **own})
    reader.read()
    reader.assert_equal()
    reader.settings["private_key"] = text.replace("PRIVATE", "BROKEN")
    with pytest.raises(ConfigurationError, match="no RSA key in the PEM format") as error:
        reader.read()
    assert text[40:80] not in str(error.value)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"client_id": "wrong"}, "invalid_client_id: client identifier invalid.*look at client_id"),
        ({"client_secret": "also wrong"}, "invalid client credentials \\*\\*\\*"),
        ({"refresh_token": "old"}, "invalid_grant.*look at login_url .a sandbox has its own"),
    ],
)
def test_sf32_a_refused_login_names_the_address_and_the_remedy(
    fake: FakeSalesforce, settings: dict[str, Any], said: str
) -> None:
    """The sentence has login_url, Salesforce's reason and what to look at, and no secret."""
    reader = Reader(fake, settings)
    with pytest.raises(SourceError, match=f"{fake.address} refuses the login.*{said}"):
        reader.read()


def test_sf32_another_org_into_the_same_tables_is_refused(fake: FakeSalesforce) -> None:
    """The state has the org's id: a sandbox is not loaded over production, a reset accepts it."""
    fake.create("Account")
    reader = Reader(fake, {"objects": ["Account"]})
    reader.read()
    fake.org = "00D7z000000OTHEREAA"
    with pytest.raises(ConfigurationError, match=r"rows of the org 00D5g.*leads to 00D7z"):
        reader.read()
    with closing(make_source(fake, **reader.settings)) as source:
        reader.state = source.reset(reader.state)
    reader.read()
    reader.assert_equal()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"login_url": "http://acme.my.salesforce.com"}, "must be https"),
        ({"client_secret": None}, "client_secret is missing"),
        ({"private_key": "x"}, "private_key needs username"),
        ({"objects": []}, "at least 1 item"),
        ({"objects": ["Account; Contact"]}, "should match pattern"),
        ({"api_share": 0}, "greater than 0"),
    ],
)
def test_r35_a_wrong_setting_is_named(
    fake: FakeSalesforce, settings: dict[str, Any], said: str
) -> None:
    """A setting that cannot be right is refused before anything is read."""
    with pytest.raises(ValidationError, match=said):
        make_settings(fake, **settings)


def test_patterns_that_choose_nothing_are_an_error(fake: FakeSalesforce) -> None:
    """A selection that matches no object is not a run without data."""
    with pytest.raises(ConfigurationError, match=r"Zzz\* chooses no object of this org"):
        Reader(fake, {"objects": ["Zzz*"]}).read()


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("after", range(9))
def test_sf22_a_session_that_expires_is_renewed_and_the_query_goes_on(
    fake: FakeSalesforce, after: int
) -> None:
    """Whatever request meets INVALID_SESSION_ID, it is sent again: no row is lost or doubled."""
    for _ in range(10):
        fake.create("Account")
    requests = 0

    def expire(_path: str) -> None:
        nonlocal requests
        requests += 1
        if requests == after + 1:
            fake.expire()

    fake.on_request = expire
    reader = Reader(fake, {"objects": ["Account"]})
    reader.read()
    reader.assert_equal()
    rows = [row for part in reader.parts for row in part.rows.to_pylist() if row["_op"] == "U"]
    assert (len(rows), fake.logins) == (10, 2 if requests > after else 1)


def test_sf22_a_session_that_is_never_accepted_is_no_endless_loop(fake: FakeSalesforce) -> None:
    """A second INVALID_SESSION_ID of one request fails the run with the permission to give."""
    fake.on_request = lambda _path: fake.expire()
    with pytest.raises(SourceError, match="API Enabled"):
        Reader(fake).read()
    assert fake.logins == 2


def test_sf23_sf45_no_locator_and_no_header_of_a_query_is_used(fake: FakeSalesforce) -> None:
    """Each page is a query of its own: neither open cursors nor custom headers matter."""
    for _ in range(9):
        fake.create("Account")
    fake.batch = 2
    reader = Reader(fake, {"objects": ["Account"]})
    reader.read()
    reader.assert_equal()
    assert fake.paths("/01g") == []


def test_r27_sf31_the_source_stops_at_its_share_and_goes_on_later(
    fake: FakeSalesforce, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It sends no request more, says so in one sentence, keeps what it has, and goes on later."""
    monkeypatch.setattr("simplyload.sources.salesforce.client.PAGE", 3)
    for _ in range(20):
        fake.create("Account")
    warehouse.settings = {"objects": ["Account", "Contact"], "api_share": 0.5}
    fake.used, fake.limit = 44, 100
    with pytest.raises(LimitError, match=r"has used 50 of 100 API requests .* stops at 50%"):
        warehouse.sync(max_changes=3)
    assert fake.used == 50
    loaded = len(warehouse.live("Account"))
    assert 0 < loaded < 20
    with pytest.raises(LimitError):
        warehouse.sync()
    assert (fake.used, fake.logins) == (51, 2)  # the first answer of a run tells
    fake.used = 0
    warehouse.sync()
    warehouse.assert_equal()


def test_sf31_a_limit_that_others_used_up_is_no_matter_of_the_login(
    fake: FakeSalesforce, waits: list[float]
) -> None:
    """403 REQUEST_LIMIT_EXCEEDED ends the run at once, with a sentence and without a new login."""
    fake.used = fake.limit = 100
    with pytest.raises(LimitError, match=r"no API requests left .TotalRequests Limit exceeded"):
        Reader(fake, {"api_share": 1}).read()
    assert (fake.logins, waits) == (1, [])


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (429, "TOO_MANY_REQUESTS", "slow down"),
        (500, "UNKNOWN_EXCEPTION", "an unexpected error"),
        (503, "SERVER_UNAVAILABLE", "server busy"),
        (400, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access"),
        (403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit"),
    ],
)
def test_r28_what_passes_is_waited_for(
    fake: FakeSalesforce, waits: list[float], status: int, code: str, message: str
) -> None:
    """A full limit, a fault, a lock, too many at once: tried again with growing waits."""
    fake.create("Account")
    reader = Reader(fake, {"objects": ["Account"]})
    fake.fail("SELECT", status, code, message=message, times=4)
    reader.read()
    reader.assert_equal()
    assert len(waits) >= 3
    assert waits[-1] > waits[0]
    fake.create("Account")
    fake.fail("SELECT", status, code, message=message, times=99)
    state = reader.state
    with pytest.raises(SourceError, match=r"again and again.*the next run goes on"):
        reader.read()
    assert reader.state == state
    fake.faults.clear()
    reader.read()
    reader.assert_equal()


def test_r28_a_login_waits_too(fake: FakeSalesforce, waits: list[float]) -> None:
    """The token endpoint may be busy for a moment."""
    fake.fail("oauth2/token", 503, times=3)
    Reader(fake).read()
    assert len(waits) >= 2


@pytest.mark.parametrize("status", [200, 502])
def test_an_answer_that_is_no_json_fails_with_a_sentence(
    fake: FakeSalesforce, waits: list[float], status: int
) -> None:
    """A page of a proxy is not taken for an empty answer."""
    fake.fail("SELECT", status, times=99)
    fake.faults[0].body = "<html>maintenance</html>"
    reader = Reader(fake, {"objects": ["Account"]})
    if status == 200:
        assert "has no rows" in waiting_tables(reader.read())["account"]
    else:
        with pytest.raises(SourceError, match="a query of Account with 502 again and again"):
            reader.read()
        assert waits


def test_one_object_that_cannot_be_read_keeps_no_other_back(
    fake: FakeSalesforce, warehouse: Warehouse
) -> None:
    """It waits with Salesforce's reason, the exit code is 1, the others load; later it is whole."""
    for name in ("Account", "Contact"):
        fake.create(name)
    warehouse.settings["objects"] = ["Account", "Contact"]
    warehouse.sync()
    gone = next(iter(fake.records["Account"]))
    fake.purge(gone)
    fake.create("Account")
    fake.create("Contact")
    fake.fail("FROM Account", 400, "INSUFFICIENT_ACCESS", message="no access", times=99)
    result = warehouse.sync()
    assert "INSUFFICIENT_ACCESS" in result.stopped["account"]
    assert result.exit_code == 1
    warehouse.assert_equal("Contact")
    fake.faults.clear()
    assert warehouse.sync().stopped == {}
    warehouse.assert_equal()


def test_r33_no_secret_is_in_a_message_or_the_state(fake: FakeSalesforce) -> None:
    """Secrets and tokens that Salesforce repeats are masked; the state has none."""
    reader = Reader(fake, {"objects": ["Account"]})
    reader.read()
    [token] = fake.tokens
    fake.fail("SELECT", 400, "BAD", message=f"{CLIENT_SECRET} is in a message", times=9)
    said = waiting_tables(reader.read())["account"]
    assert "*** is in a message" in said
    assert not any(secret in f"{said} {reader.state}" for secret in (CLIENT_SECRET, token))
    assert CLIENT_SECRET not in repr(make_settings(fake))


def test_validate_and_discover_say_what_is_read_how(fake: FakeSalesforce) -> None:
    """Each object has its line: how it is read, or the reason; so has what is not chosen."""
    settings = {"objects": ["Account", "Invoice__c", "AccountShare", "Nonsense"]}
    with closing(make_source(fake, **settings)) as source:
        findings = {finding.subject: finding for finding in source.validate()}
        assert "of 100000 API requests" in findings["login"].message
        assert findings["Nonsense"].level == "error"
        assert findings["Account"].message.startswith("it can be read; changes by SystemModstamp")
        assert "has formulas" in findings["Invoice__c"].message
        assert "no log of deletions" in findings["AccountShare"].message
        found = {discovery.table.source_name: discovery for discovery in source.discover()}
    assert found["Account"].cursor_candidates == ["SystemModstamp"]
    assert found["Contact"].warnings == ["not in `objects`"]
    assert found.keys() >= fake.shapes.keys()


def test_backfill_from_a_day_reads_what_changed_since(fake: FakeSalesforce) -> None:
    """`--from` goes by the stamp; a whole one reads every row; a stampless object takes no day."""
    fake.create("Account")
    reader = Reader(fake, {"objects": ["Account", "RecordActionHistory"]})
    reader.read(after=9000)
    recent = fake.create("Account")
    reader.read()
    reader.parts.clear()
    with closing(make_source(fake, **reader.settings)) as source:
        day = "2026-11-18T12:00:00"
        reader.state = source.backfill(reader.state, "Account", day)
        for wrong in (("Account", "yesterday"), ("recordactionhistory", day), ("Lead", None)):
            with pytest.raises(ConfigurationError):
                source.backfill(reader.state, *wrong)
    reader.read()
    assert reader.live("Account").keys() == {recent}
