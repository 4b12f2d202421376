"""The promises of the design, each against a real sandbox over real HTTP."""

import random
from collections.abc import Iterator
from typing import Any

import pytest

from tests.loader import KilledError, Loader
from tests.sandbox_server import KEY, Sandbox, running_sandbox

NOW = "2026-11-16T15:00:00+00:00"
SMALL: dict[str, Any] = {"campaigns": 60, "profiles": 300, "seed": 5, "now": NOW, "no_limits": True}
TEN_DAYS = 10 * 86_400
PEOPLE = "profile,profile_suppression,list_profile,segment_profile,template"
FREE: dict[str, Any] = {"suppression": [], "list_suppressions": []}
STATISTICS = "recipients delivered opens_unique clicks_unique conversions conversion_value".split()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A small account without rate limits."""
    with running_sandbox(**SMALL) as sandbox:
        yield sandbox


def loader(sandbox: Sandbox, **configuration: str) -> Loader:
    """A connection to the sandbox."""
    return Loader(sandbox.url, {"api_key": KEY, **configuration})


def ids(resources: list[dict[str, Any]]) -> set[str]:
    """The ids of some resources."""
    return {resource["id"] for resource in resources}


def campaigns(sandbox: Sandbox) -> set[str]:
    """Every campaign Klaviyo knows: those of the archive are listed apart."""
    listed = [
        sandbox.all("/api/campaigns", filter=f"equals(archived,{x})") for x in ("true", "false")
    ]
    return ids(listed[0]) | ids(listed[1])


class TestComplete:
    """Promise 1: everything that stands in Klaviyo stands in the warehouse, once."""

    def test_every_listed_record_arrives(self, sandbox: Sandbox) -> None:
        """Campaigns of the archive, messages, flows, lists, segments, tags, forms: none is lost."""
        synced = loader(sandbox).sync()
        assert campaigns(sandbox) == {row["id"] for row in synced.rows("campaign")}
        listings = {
            "campaign_message": "/api/campaign-messages", "metric": "/api/metrics",
            "list": "/api/lists", "segment": "/api/segments", "tag": "/api/tags",
            "tag_group": "/api/tag-groups", "form": "/api/forms",
            "mapped_metric": "/api/mapped-metrics", "custom_metric": "/api/custom-metrics",
        }  # fmt: skip
        for table, path in listings.items():
            assert ids(sandbox.all(path)) == {row["id"] for row in synced.rows(table)}, table

    def test_every_channel_and_every_message_has_its_numbers(self, sandbox: Sandbox) -> None:
        """Each message that was sent, over whichever channel, has a row of results."""
        synced = loader(sandbox).sync()
        sent = {row["id"] for row in synced.rows("campaign_message") if row["status"] == "sent"}
        reported = {row["campaign_message_id"] for row in synced.rows("campaign_performance")}
        assert sent <= reported
        channels = {row["send_channel"] for row in synced.rows("campaign_performance")}
        assert {"email", "sms", "push-notification", "whatsapp"} == channels

    def test_every_event_arrives(self, sandbox: Sandbox) -> None:
        """Each event of the account arrives, those dated ahead of its clock too."""
        synced = loader(sandbox, tables="event,event_attribution").sync()
        listed = sandbox.all("/api/events", **{"page[size]": 1000})
        assert ids(listed) == {row["id"] for row in synced.rows("event")}
        assert any(row["is_future"] for row in synced.rows("event"))
        assert synced.rows("event_attribution")

    def test_everybody_arrives(self, sandbox: Sandbox) -> None:
        """Each profile, each member of each list and segment, each suppression, each template."""
        synced = loader(sandbox, tables=PEOPLE).sync()
        listed = sandbox.all("/api/profiles", **{"additional-fields[profile]": "subscriptions"})
        assert ids(listed) == {row["id"] for row in synced.rows("profile")}
        assert ids(sandbox.all("/api/templates")) == {row["id"] for row in synced.rows("template")}
        for kind in ("list", "segment"):
            members = {
                (group["id"], one["id"])
                for group in sandbox.all(f"/api/{kind}s")
                for one in sandbox.all(f"/api/{kind}s/{group['id']}/profiles")
            }
            rows = synced.rows(f"{kind}_profile")
            assert members == {(row[f"{kind}_id"], row["profile_id"]) for row in rows}
        marketing = [one["attributes"]["subscriptions"]["email"]["marketing"] for one in listed]
        barred = [len(one["suppression"]) + len(one["list_suppressions"]) for one in marketing]
        assert sum(barred) == len(synced.rows("profile_suppression")) > 0
        scopes = {row["scope"] for row in synced.rows("profile_suppression")}
        assert len(scopes) > 1 > len(scopes - {"global"} - ids(sandbox.all("/api/lists")))


class TestIncremental:
    """Promise 3: many syncs give the same tables as one."""

    def test_a_second_sync_of_unchanged_data_writes_nothing(self, sandbox: Sandbox) -> None:
        """Nothing changed: no row is written again, and fewer requests are made."""
        synced = loader(sandbox).sync()
        first = synced.requests
        synced.sync()
        assert set(synced.written) == {"sync_report"}
        assert not synced.deleted
        assert synced.requests < first

    def test_people_of_an_unchanged_account_cost_the_fewest_requests(
        self, sandbox: Sandbox
    ) -> None:
        """One for profiles, two for suppressions, one for each list and segment; no row."""
        synced = loader(sandbox, tables=PEOPLE).sync()
        groups = len(synced.rows("list")) + len(synced.rows("segment"))
        synced.sync()
        assert set(synced.written) == {"sync_report"}
        assert not synced.deleted
        listings = len(("account", "metric", "list", "segment", "template"))
        assert synced.requests == listings + 1 + 2 + groups

    def test_incremental_syncs_equal_one_full_sync(self, sandbox: Sandbox) -> None:
        """After days of syncs the tables are those of a first sync at the end.

        Meanwhile people come, change, join and leave; one is erased, one may be written to again.
        """
        grown = loader(sandbox, tables="all").sync()
        erased, freed = (row["profile_id"] for row in grown.rows("profile_suppression")[:2])
        sandbox.edit("profile", erased, None)
        sandbox.edit("profile", freed, {"subscriptions": {"email": {"marketing": FREE}}})
        for _ in range(3):
            sandbox.advance(TEN_DAYS // 3)
            grown.sync()
        full = loader(sandbox, tables="all").sync()
        assert erased not in {row["id"] for row in grown.rows("profile")}
        apart = {"campaign_performance_daily"}  # its rows are of the days on which they were taken
        assert without(full.content(), apart) == without(grown.content(), apart)

    def test_a_deleted_record_is_marked_within_a_day(self, sandbox: Sandbox) -> None:
        """What Klaviyo no longer lists is deleted, and nothing else is."""
        synced = loader(sandbox).sync()
        gone = synced.rows("tag")[0]["id"]
        sandbox.edit("tag", gone, None)
        sandbox.advance(86_400)
        synced.sync()
        assert gone not in {row["id"] for row in synced.rows("tag")}
        assert synced.deleted["tag"] == 1
        assert synced.deleted["campaign"] == 0


def without(tables: dict[str, Any], names: set[str]) -> dict[str, Any]:
    """The tables but some."""
    return {name: rows for name, rows in tables.items() if name not in names}


class TestEqual:
    """Promise 2: the numbers are Klaviyo's own, and stay so when Klaviyo restates them."""

    def test_numbers_equal_klaviyos_report_after_restatement(self, sandbox: Sandbox) -> None:
        """Ten days on, every campaign and flow day equals Klaviyo's report to the digit."""
        synced = loader(sandbox).sync()
        before = synced.content()["campaign_performance"]
        sandbox.advance(TEN_DAYS)
        synced.sync()
        assert before != synced.content()["campaign_performance"]
        for start, end in (("2025-10-01", "2026-03-31"), ("2026-04-01", "2026-11-30")):
            for result in campaign_report(sandbox, start, end):
                assert_same(result, synced.rows("campaign_performance"))

    def test_a_snapshot_is_kept_of_every_day_on_which_numbers_moved(self, sandbox: Sandbox) -> None:
        """The latest snapshot of a row is the row; a day on which nothing moved adds none."""
        synced = loader(sandbox).sync()
        first = len(synced.rows("campaign_performance_daily"))
        assert first == len(synced.rows("campaign_performance"))
        sandbox.advance(TEN_DAYS)
        synced.sync()
        moved = synced.written["campaign_performance"]
        assert moved > 0
        assert len(synced.rows("campaign_performance_daily")) == first + moved


def campaign_report(sandbox: Sandbox, start: str, end: str) -> list[dict[str, Any]]:
    """Klaviyo's own answer for the sends of some days."""
    revenue = next(
        one
        for one in sandbox.all("/api/mapped-metrics", include="metric")
        if one["id"] == "revenue"
    )
    document = sandbox.report(
        "campaign-values-report",
        statistics=STATISTICS,
        timeframe={"start": f"{start}T00:00:00", "end": f"{end}T23:59:59"},
        conversion_metric_id=revenue["relationships"]["metric"]["data"]["id"],
        group_by=["campaign_id", "campaign_message_id", "send_channel", "variation"],
    )
    results: list[dict[str, Any]] = document["data"]["attributes"]["results"]
    assert results
    return results


def assert_same(result: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    """One row has the groupings of a result, and its statistics."""
    (row,) = [
        row
        for row in rows
        if all((value or "") == row[name] for name, value in result["groupings"].items())
    ]
    assert result["statistics"] == {name: row[name] for name in result["statistics"]}


class TestLimits:
    """Promise 4: Klaviyo's limits are never overrun by us."""

    def test_a_limited_account_is_never_asked_too_fast(self) -> None:
        """Seconds and minutes that Klaviyo limits are kept to: no answer is a 429."""
        tables = "flow,list,segment,form,tag,message_metric_daily,inbox_provider_daily"
        with running_sandbox(**{**SMALL, "no_limits": False}) as sandbox:
            synced = loader(sandbox, tables=tables).sync()
            assert {200} == {asked["status"] for asked in sandbox.log()}
        assert synced.rows("message_metric_daily")


class TestKilled:
    """Promise 1, whatever kills the process."""

    def test_a_sync_killed_anywhere_resumes_without_loss_or_doubles(self, sandbox: Sandbox) -> None:
        """Killed at six random points, the tables end as those of an undisturbed sync."""
        chosen = {"tables": "all"}
        whole = loader(sandbox, **chosen).sync()
        length = sum(whole.written.values())
        killed = loader(sandbox, **chosen)
        dice = random.Random(5)
        for _ in range(6):
            with pytest.raises(KilledError):
                killed.sync(die_after=dice.randrange(length // 8))
        killed.sync()
        assert whole.content() == killed.content()
