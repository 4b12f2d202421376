"""The guarantees of the README, each against a real sandbox over real HTTP."""

import copy
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from tests.loader import SNAPSHOT_TABLES, KilledError, Loader
from tests.sandbox_server import KEY, Sandbox, run_sandbox

NOW = "2026-11-16T15:00:00+00:00"
SMALL: dict[str, Any] = {"campaigns": 40, "profiles": 150, "seed": 5, "now": NOW}
TEN_DAYS = 10 * 86_400
PEOPLE = "profile,profile_suppression,list_profile,segment_profile,template"
SUBSCRIBED: dict[str, Any] = {"suppression": [], "list_suppressions": []}
STATISTICS = "recipients delivered opens_unique clicks_unique conversions conversion_value".split()
LISTINGS = {
    "campaign_message": "/api/campaign-messages", "metric": "/api/metrics", "list": "/api/lists",
    "segment": "/api/segments", "tag": "/api/tags", "tag_group": "/api/tag-groups",
    "form": "/api/forms", "mapped_metric": "/api/mapped-metrics",
    "custom_metric": "/api/custom-metrics",
}  # fmt: skip


@pytest.fixture(scope="module", name="server")
def _server() -> Iterator[Sandbox]:
    """A small account without rate limits, whose state the tests share: see `sandbox`."""
    with run_sandbox(**SMALL, no_limits=True) as sandbox:
        yield sandbox


@pytest.fixture(scope="module", name="first_syncs")
def _first_syncs(server: Sandbox) -> dict[str, Loader]:
    """A connection after its first sync, by the setting `tables`."""
    return {tables: connect(server, tables).sync() for tables in ("reporting", "all")}


@pytest.fixture
def sandbox(server: Sandbox) -> Sandbox:
    """The account as it was at first."""
    server.reset()
    return server


@pytest.fixture
def reporting(first_syncs: dict[str, Loader], sandbox: Sandbox) -> Loader:  # noqa: ARG001 - reset
    """A connection of the tables `reporting`, after its first sync."""
    return copy.deepcopy(first_syncs["reporting"])


@pytest.fixture
def everything(first_syncs: dict[str, Loader], sandbox: Sandbox) -> Loader:  # noqa: ARG001 - reset
    """A connection of all tables, after its first sync."""
    return copy.deepcopy(first_syncs["all"])


def connect(sandbox: Sandbox, tables: str) -> Loader:
    """A new connection to the sandbox."""
    return Loader(sandbox.url, {"api_key": KEY, "tables": tables})


def list_ids(sandbox: Sandbox, path: str, **parameters: Any) -> set[str]:
    """The ids that a listing shows."""
    return {document["id"] for document in sandbox.all(path, **parameters)}


def stored_ids(connection: Loader, table: str) -> set[str]:
    """The ids that a table holds."""
    return {row["id"] for row in connection.rows(table)}


class TestComplete:
    """Promise 1: every record that Klaviyo shows is in the warehouse, once."""

    def test_every_listed_record_arrives(self, sandbox: Sandbox, reporting: Loader) -> None:
        """Campaigns, archived ones too, messages, lists, segments, tags, forms: none is lost."""
        partitions = [f"equals(archived,{archived})" for archived in ("true", "false")]
        campaigns = [list_ids(sandbox, "/api/campaigns", filter=part) for part in partitions]
        assert set.union(*campaigns) == stored_ids(reporting, "campaign")
        for table, path in LISTINGS.items():
            assert list_ids(sandbox, path) == stored_ids(reporting, table), table

    def test_every_sent_message_has_its_numbers(self, reporting: Loader) -> None:
        """Each sent message, on any channel, has results under its own or its campaign's id."""
        sent = [row for row in reporting.rows("campaign_message") if row["status"] == "sent"]
        reported = reporting.rows("campaign_performance")
        named = {row["campaign_message_id"] for row in reported}
        assert [row for row in sent if named.isdisjoint({row["id"], row["campaign_id"]})] == []
        channels = {row["send_channel"] for row in reported}
        assert {"email", "sms", "push-notification", "whatsapp"} == channels

    def test_every_event_arrives(self, sandbox: Sandbox, everything: Loader) -> None:
        """Each event of the account arrives, those dated ahead of its clock too."""
        listed = list_ids(sandbox, "/api/events", **{"page[size]": 1000})
        assert listed == stored_ids(everything, "event")
        assert any(row["is_future"] for row in everything.rows("event"))
        assert everything.rows("event_attribution")

    def test_every_person_arrives(self, sandbox: Sandbox, everything: Loader) -> None:
        """Each profile, each member of each list and segment, each suppression, each template."""
        profiles = sandbox.all("/api/profiles", **{"additional-fields[profile]": "subscriptions"})
        assert {document["id"] for document in profiles} == stored_ids(everything, "profile")
        assert list_ids(sandbox, "/api/templates") == stored_ids(everything, "template")
        for kind in ("list", "segment"):
            members = {
                (group, profile)
                for group in list_ids(sandbox, f"/api/{kind}s")
                for profile in list_ids(sandbox, f"/api/{kind}s/{group}/profiles")
            }
            rows = everything.rows(f"{kind}_profile")
            assert members == {(row[f"{kind}_id"], row["profile_id"]) for row in rows}
        email = [
            profile["attributes"]["subscriptions"]["email"]["marketing"] for profile in profiles
        ]
        suppressions = sum(len(e["suppression"]) + len(e["list_suppressions"]) for e in email)
        rows = everything.rows("profile_suppression")
        assert suppressions == len(rows) > 0
        scopes = {row["scope"] for row in rows}
        assert len(scopes) > 1 > len(scopes - {"global"} - list_ids(sandbox, "/api/lists"))


class TestIncremental:
    """Promise 3: many syncs give the same tables as one."""

    def test_sync_of_unchanged_data_writes_nothing(self, reporting: Loader) -> None:
        """Nothing changed: no row is written again, and fewer requests are made."""
        first = reporting.requests
        reporting.sync()
        assert set(reporting.written) == {"sync_report"}
        assert not reporting.deleted
        assert reporting.requests < first

    def test_sync_of_unchanged_people_makes_the_fewest_requests(self, sandbox: Sandbox) -> None:
        """One for profiles, two for suppressions, one for each list and segment; no row."""
        connection = connect(sandbox, PEOPLE).sync()
        groups = len(connection.rows("list")) + len(connection.rows("segment"))
        connection.sync()
        assert set(connection.written) == {"sync_report"}
        assert not connection.deleted
        listings = len(("account", "list", "segment", "template"))
        assert connection.requests == listings + 1 + 2 + groups

    def test_incremental_syncs_equal_one_full_sync(
        self, sandbox: Sandbox, everything: Loader
    ) -> None:
        """After days of syncs the tables are those of a first sync at the end.

        Meanwhile people subscribe, change, join and leave; one is deleted, one is unsuppressed.
        """
        suppressed = everything.rows("profile_suppression")[:2]
        deleted, unsuppressed = (row["profile_id"] for row in suppressed)
        sandbox.edit("profile", deleted, None)
        sandbox.edit(
            "profile", unsuppressed, {"subscriptions": {"email": {"marketing": SUBSCRIBED}}}
        )
        for _ in range(3):
            sandbox.advance(TEN_DAYS // 3)
            everything.sync()
        assert deleted not in stored_ids(everything, "profile")
        full = connect(sandbox, "all").sync().content()
        without: dict[str, Any] = {table: {} for table in SNAPSHOT_TABLES}
        assert full | without == everything.content() | without

    def test_deleted_record_is_deleted_within_a_day(
        self, sandbox: Sandbox, reporting: Loader
    ) -> None:
        """What Klaviyo no longer lists is deleted, and nothing else is."""
        tag = reporting.rows("tag")[0]["id"]
        sandbox.edit("tag", tag, None)
        sandbox.advance(86_400)
        reporting.sync()
        assert tag not in stored_ids(reporting, "tag")
        assert reporting.deleted["tag"] == 1
        assert reporting.deleted["campaign"] == 0


class TestEqual:
    """Promise 2: the numbers are Klaviyo's own, and stay so when Klaviyo restates them."""

    def test_numbers_equal_klaviyos_report_after_restatement(
        self, sandbox: Sandbox, reporting: Loader
    ) -> None:
        """Ten days later, every campaign's numbers equal Klaviyo's report to the digit."""
        before = reporting.content()["campaign_performance"]
        sandbox.advance(TEN_DAYS)
        reporting.sync()
        assert before != reporting.content()["campaign_performance"]
        for start, end in (("2025-10-01", "2026-03-31"), ("2026-04-01", "2026-11-30")):
            for result in read_campaign_report(sandbox, start, end):
                assert_stored(result, reporting.rows("campaign_performance"))

    def test_people_of_a_period_equal_klaviyos_report(
        self, sandbox: Sandbox, reporting: Loader
    ) -> None:
        """Each period's numbers equal Klaviyo's report for its days, also ten days later."""
        sandbox.advance(TEN_DAYS)
        reporting.sync()
        rows = reporting.rows("flow_performance_period")
        periods = {(row["period_kind"], row["period_start"], row["period_end"]) for row in rows}
        assert ("month", "2026-10-01", "2026-10-31") in periods
        assert ("last_30_days", "2026-10-28", "2026-11-26") in periods
        for kind, start, end in periods:
            own = [
                row for row in rows if (row["period_kind"], row["period_start"]) == (kind, start)
            ]
            results = [
                result
                for result in read_flow_report(sandbox, start, end)
                if any(result["statistics"].values())
            ]
            assert len(own) == len(results)
            for result in results:
                assert_stored(result, own)

    def test_versions_add_up_to_their_form(self, reporting: Loader) -> None:
        """Views, submits and closes of a form's versions are its own, on each day."""
        forms, versions = reporting.rows("form_daily"), reporting.rows("form_version_daily")
        assert sum_by_form(versions) == sum_by_form(forms)
        ids = ({row[name] for row in versions} for name in ("form_version_id", "form_id"))
        assert len(next(ids)) > len(next(ids))


def sum_by_form(rows: list[dict[str, Any]]) -> dict[tuple[str, str], Counter[str]]:
    """The counts of visits of each form and day."""
    sums: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for row in rows:
        counts = ("viewed_form", "submits", "closed_form", "qualified_form")
        sums[row["form_id"], row["date"]].update({name: row[name] for name in counts})
    return sums


def read_flow_report(sandbox: Sandbox, start: str, end: str) -> list[dict[str, Any]]:
    """Klaviyo's own report of the flow messages sent on some days."""
    metrics = {row["attributes"]["name"]: row["id"] for row in sandbox.all("/api/metrics")}
    document = sandbox.report(
        "flow-values-report",
        statistics=STATISTICS,
        timeframe={"start": f"{start}T00:00:00+00:00", "end": f"{end}T23:59:59+00:00"},
        conversion_metric_id=metrics["Placed Order"],
        group_by=["flow_id", "flow_message_id", "send_channel", "variation"],
    )
    results: list[dict[str, Any]] = document["data"]["attributes"]["results"]
    return results


def read_campaign_report(sandbox: Sandbox, start: str, end: str) -> list[dict[str, Any]]:
    """Klaviyo's own report of the campaigns sent on some days."""
    mapped = sandbox.all("/api/mapped-metrics", include="metric")
    revenue = next(document for document in mapped if document["id"] == "revenue")
    document = sandbox.report(
        "campaign-values-report",
        statistics=STATISTICS,
        timeframe={"start": f"{start}T00:00:00Z", "end": f"{end}T23:59:59Z"},
        conversion_metric_id=revenue["relationships"]["metric"]["data"]["id"],
        group_by=["campaign_id", "campaign_message_id", "send_channel", "variation"],
    )
    results: list[dict[str, Any]] = document["data"]["attributes"]["results"]
    assert results
    return results


def assert_stored(result: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    """One row has the groupings of a result, and its statistics."""
    key = result["groupings"].items()
    (row,) = [row for row in rows if all((value or "") == row[name] for name, value in key)]
    assert result["statistics"] == {name: row[name] for name in result["statistics"]}


class TestKilled:
    """Promise 1, whatever kills the process."""

    def test_killed_sync_resumes_without_loss_or_duplicates(
        self, sandbox: Sandbox, everything: Loader
    ) -> None:
        """Killed at three random points, the tables end as those of an undisturbed sync."""
        length = sum(everything.written.values())
        killed = connect(sandbox, "all")
        dice = random.Random(5)
        for _ in range(3):
            with pytest.raises(KilledError):
                killed.sync(die_after=dice.randrange(length // 4))
        killed.sync()
        assert everything.content() == killed.content()
