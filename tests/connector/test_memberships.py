"""Who is in which list and segment, and whose e-mail is suppressed."""

from datetime import timedelta
from typing import Any

import pytest

from api import ContractError
from models import Delete
from tests.connector.scripted import DAY, ScriptedAccount, ScriptedRun, resource, run

LISTS, MEMBERS = "/api/lists", "/api/lists/L/profiles"
TABLES = "list_profile"
LONG_AGO, TODAY = "2026-10-01T12:00:00+00:00", "2026-11-20T16:30:00+00:00"


@pytest.fixture(name="news")
def _news(account: ScriptedAccount) -> ScriptedAccount:
    """An account with a list, L, of two people, a and b."""
    account.documents[LISTS] = [resource("list", "L", name="News", updated=LONG_AGO)]
    account.documents[MEMBERS] = [member("a"), member("b")]
    return account


def member(id_: str, joined: str | None = LONG_AGO) -> Any:
    """Somebody in a list, as the list shows them."""
    return resource("profile", id_, joined_group_at=joined)


def people(done: ScriptedRun) -> list[str]:
    """Who was written as a member."""
    return [row["profile_id"] for row in done.rows("list_profile")]


def left(done: ScriptedRun) -> list[str]:
    """Who was deleted as a member."""
    return [keys["profile_id"] for keys in done.deleted("list_profile")]


def filters(account: ScriptedAccount, path: str = MEMBERS) -> list[str]:
    """The filters that a path was asked with."""
    return [one.params.get("filter", "") for one in account.requests_to(path)]


class TestMembers:
    """Lists; segments are the same."""

    def test_everybody_is_listed_first_and_then_only_who_joined(
        self, news: ScriptedAccount
    ) -> None:
        """The second question begins an hour before the first sync, and finds nobody new."""
        first = run(tables=TABLES)
        second = run(first.state, tables=TABLES)
        assert people(first) == ["a", "b"]
        assert {row["list_id"] for row in first.rows("list_profile")} == {"L"}
        assert people(second) == []
        since = "greater-or-equal(joined_group_at,2026-11-20T16:00:00.000000Z)"
        assert filters(news) == ["", since]

    def test_the_list_itself_comes_along(self, news: ScriptedAccount) -> None:
        """Members of a list that nobody can name would be of no use."""
        assert [row["id"] for row in run(tables=TABLES).rows("list")] == ["L"]
        assert {one.path for one in news.requests} == {"/api/accounts", LISTS, MEMBERS}

    def test_only_the_time_of_joining_is_asked_for(self, news: ScriptedAccount) -> None:
        """The people themselves are another table, and a page of them is a hundred times larger."""
        run(tables=TABLES)
        (asked,) = news.requests_to(MEMBERS)
        assert asked.params == {
            "fields[profile]": "joined_group_at",
            "sort": "joined_group_at",
            "page[size]": "100",
        }

    def test_who_joined_is_written_again_for_an_hour_only(self, news: ScriptedAccount) -> None:
        """As long as Klaviyo may still show late that they had left and joined once more."""
        first = run(tables=TABLES)
        news.documents[MEMBERS].append(member("c", TODAY))
        second = run(first.state, tables=TABLES)
        news.now += timedelta(hours=2)
        third = run(second.state, tables=TABLES)
        fourth = run(third.state, tables=TABLES)
        assert people(second) == people(third) == ["c"]
        assert people(fourth) == []

    def test_who_left_is_deleted_the_next_day(self, news: ScriptedAccount) -> None:
        """And not sooner: only a full comparison can tell. Nobody else is written or deleted."""
        first = run(tables=TABLES)
        del news.documents[MEMBERS][0]
        second = run(first.state, tables=TABLES)
        news.now += DAY
        third = run(second.state, tables=TABLES)
        news.now += DAY
        fourth = run(third.state, tables=TABLES)
        assert [left(one) for one in (second, third, fourth)] == [[], ["a"], []]
        assert [people(one) for one in (second, third, fourth)] == [[], [], []]

    def test_a_large_list_is_compared_within_a_week(
        self, news: ScriptedAccount, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """On one of seven days it is listed wholly."""
        monkeypatch.setattr("state.membership_index.MAX_DAILY_SIZE", 1)
        done = run(tables=TABLES)
        del news.documents[MEMBERS][0]
        found = []
        for _ in range(7):
            news.now += DAY
            done = run(done.state, tables=TABLES)
            found += left(done)
        assert found == ["a"]
        assert filters(news).count("") == 2

    def test_who_comes_back_has_the_new_time(self, news: ScriptedAccount) -> None:
        """Left and joined again between two syncs: the row is written anew."""
        first = run(tables=TABLES)
        news.now += DAY
        news.documents[MEMBERS][0] = member("a", "2026-11-21T10:00:00+00:00")
        second = run(first.state, tables=TABLES)
        (row,) = second.rows("list_profile")
        assert (row["profile_id"], row["joined_group_at"]) == ("a", "2026-11-21T10:00:00.000000Z")
        assert left(second) == []

    def test_who_came_back_and_is_shown_late_has_the_new_time(self, news: ScriptedAccount) -> None:
        """Left and joined again before a sync, but listed so behind it only."""
        first = run(tables=TABLES)
        news.documents[MEMBERS][0] = member("a", TODAY)
        (row,) = run(first.state, tables=TABLES).rows(TABLES)
        assert (row["profile_id"], row["joined_group_at"]) == ("a", "2026-11-20T16:30:00.000000Z")

    def test_a_comparison_also_finds_whom_klaviyo_showed_late(self, news: ScriptedAccount) -> None:
        """Somebody who joined long ago, or at no known time, and was not listed then."""
        first = run(tables=TABLES)
        news.documents[MEMBERS] += [member("late"), member("legacy", None)]
        news.now += DAY
        assert people(run(first.state, tables=TABLES)) == ["late", "legacy"]

    def test_a_list_that_is_deleted_takes_its_people_along(self, news: ScriptedAccount) -> None:
        """Its rows are deleted on the day on which the list is; it is not asked for again."""
        first = run(tables=TABLES)
        news.documents[LISTS].clear()
        news.fail_with(MEMBERS, 404, "Not found.")
        second = run(first.state, tables=TABLES)
        news.now += DAY
        third = run(second.state, tables=TABLES)
        assert second.error is third.error is None
        assert [left(second), left(third)] == [[], ["a", "b"]]
        assert third.deleted("list")
        assert len(filters(news)) == 2
        tables = next(iter(third.state["accounts"].values()))["tables"]
        assert tables.get("list_profile", {}) == tables["roster"].get("groups", {}) == {}

    def test_somebody_without_an_id_is_refused_by_name(self, news: ScriptedAccount) -> None:
        """S2: the others are written, and `sync_error` says what is missing."""
        news.documents[MEMBERS].insert(0, {"type": "profile", "attributes": {}})
        done = run(tables=TABLES)
        assert people(done) == ["a", "b"]
        (error,) = done.rows("sync_error")
        assert error["reason"] == "list_profile without profile_id"

    def test_people_beyond_what_the_state_can_hold_are_a_warning(
        self, news: ScriptedAccount, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """They are all written, but the warning says of which list nobody is deleted."""
        monkeypatch.setattr("sync.MAX_INDEX_LENGTH", 100)
        monkeypatch.setattr("state.membership_index.MIN_CHANGES_TO_PACK", 10)
        news.documents[MEMBERS] = [member(f"{number:026}") for number in range(40)]
        first = run(tables=TABLES)
        news.now += DAY
        news.documents[MEMBERS] = [member("new", "2026-11-21T10:00:00+00:00")]
        second = run(first.state, tables=TABLES)
        assert len(people(first)) == 40
        assert people(second) == ["new"]
        assert left(second) == []
        for done in (first, second):
            assert done.error is None
            (warning,) = done.warnings
            assert "nobody who leaves L is deleted" in warning
        news.now += DAY
        news.documents[LISTS].clear()
        assert run(second.state, tables=TABLES).warnings == []

    def test_an_account_that_left_keeps_its_share_of_the_state(
        self, news: ScriptedAccount, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its people are remembered for when it comes back, and Fivetran limits all state."""
        monkeypatch.setattr("state.membership_index.MIN_CHANGES_TO_PACK", 10)
        news.documents[MEMBERS] = [member(f"{number:026}") for number in range(40)]
        left_one = run(tables=TABLES, api_key="pk_of_another")
        (alone,) = (one["tables"]["roster"] for one in left_one.state["accounts"].values())
        monkeypatch.setattr("sync.MAX_INDEX_LENGTH", len(alone["people"]) * 3 // 2)
        assert run(tables=TABLES).warnings == []
        (warning,) = run(left_one.state, tables=TABLES).warnings
        assert "nobody who leaves L is deleted" in warning

    @pytest.mark.parametrize("concurrency", ["1", "8"])
    @pytest.mark.parametrize("status", [400, 500])
    def test_a_list_that_fails_does_not_keep_the_others(
        self, news: ScriptedAccount, status: int, concurrency: str
    ) -> None:
        """Everybody else arrives, then the sync fails and names the list; nobody is deleted."""
        names = [f"L{number}" for number in range(12)]
        news.documents[LISTS] = [resource("list", name) for name in names]
        for name in names:
            news.documents[f"/api/lists/{name}/profiles"] = [member("a")]
        first = run(tables=TABLES)
        for name in names:
            news.documents[f"/api/lists/{name}/profiles"].append(member("b"))
        news.fail_with("/api/lists/L3/profiles", status, "This list is too large.")
        news.now += DAY
        second = run(first.state, tables=TABLES, concurrency=concurrency)
        assert "/api/lists/L3/profiles" in str(second.error)
        assert {row["list_id"] for row in second.rows(TABLES)} == {*names} - {"L3"}
        assert left(second) == second.warnings == []
        news.responses.clear()
        third = run(second.state, tables=TABLES)
        assert [row["list_id"] for row in third.rows(TABLES)] == ["L3"]

    def test_each_list_that_fails_is_told_once(self, news: ScriptedAccount) -> None:
        """The first as the error, the others as warnings."""
        news.documents[LISTS] = [resource("list", name) for name in "LMN"]
        for name in "LN":
            news.fail_with(f"/api/lists/{name}/profiles", 400)
        done = run(tables=TABLES, concurrency="1")
        assert isinstance(done.error, ContractError)
        assert "/api/lists/L/" in str(done.error)
        (warning,) = done.warnings
        assert "/api/lists/N/" in warning

    def test_many_who_left_are_deleted_between_checkpoints(
        self, news: ScriptedAccount, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """However many they are, the loader need not hold them all in memory."""
        monkeypatch.setattr("sync.ROWS_BETWEEN_CHECKPOINTS", 100)
        news.documents[MEMBERS] = [member(str(number)) for number in range(350)]
        first = run(tables=TABLES)
        news.documents[MEMBERS] = []
        news.now += DAY
        second = run(first.state, tables=TABLES)
        at = [place for place, one in enumerate(second.operations) if isinstance(one, Delete)]
        assert len(at) == 350
        assert at[-1] - at[0] == 349 + 3  # checkpoints


SUPPRESSIONS = "profile_suppression"
PROFILES = "/api/profiles"


def suppressed(id_: str, *reasons: str, lists: tuple[str, ...] = ()) -> Any:
    """Somebody whose mail is suppressed, everywhere for these reasons and in these lists."""
    marketing = {
        "suppression": [{"reason": reason, "timestamp": LONG_AGO} for reason in reasons],
        "list_suppressions": [
            {"list_id": one, "reason": "UNSUBSCRIBE", "timestamp": LONG_AGO} for one in lists
        ],
    }
    return resource("profile", id_, subscriptions={"email": {"marketing": marketing}})


def keys(done: ScriptedRun) -> set[tuple[str, str, str]]:
    """Which suppressions were written."""
    return {(r["profile_id"], r["scope"], r["reason"]) for r in done.rows(SUPPRESSIONS)}


class TestSuppressions:
    """Everywhere, and in single lists."""

    def test_each_reason_and_each_list_is_a_row(self, account: ScriptedAccount) -> None:
        """Somebody may have bounced and have left; and have left one list only."""
        account.documents[PROFILES] = [
            suppressed("a", "HARD_BOUNCE", "UNSUBSCRIBE"),
            suppressed("b", lists=("L", "M")),
        ]
        done = run(tables=SUPPRESSIONS)
        assert keys(done) == {
            ("a", "global", "HARD_BOUNCE"),
            ("a", "global", "UNSUBSCRIBE"),
            ("b", "L", "UNSUBSCRIBE"),
            ("b", "M", "UNSUBSCRIBE"),
        }
        assert done.rows(SUPPRESSIONS)[0]["suppressed_at"] == "2026-10-01T12:00:00.000000Z"

    def test_klaviyo_itself_finds_them(self, account: ScriptedAccount) -> None:
        """Two questions by the time of suppression; never a look through all profiles."""
        first = run(tables=SUPPRESSIONS, concurrency="1")  # in order
        run(first.state, tables=SUPPRESSIONS, concurrency="1")
        marketing = "subscriptions.email.marketing"
        assert filters(account, PROFILES) == [
            f"greater-or-equal({marketing}.{name}.timestamp,{since})"
            for since in ("2000-01-01T00:00:00Z", "2026-11-20T16:00:00.000000Z")
            for name in ("suppression", "list_suppressions")
        ]

    def test_a_lifted_one_is_deleted_the_next_day(self, account: ScriptedAccount) -> None:
        """Whole keys are deleted, and what still holds is not written again."""
        account.documents[PROFILES] = [suppressed("a", "UNSUBSCRIBE", "HARD_BOUNCE", lists=("L",))]
        first = run(tables=SUPPRESSIONS)
        account.documents[PROFILES] = [suppressed("a", "HARD_BOUNCE")]
        account.now += DAY
        second = run(first.state, tables=SUPPRESSIONS)
        gone = [list(one.values())[1:] for one in second.deleted(SUPPRESSIONS)]
        assert sorted(gone) == [["a", "L", "UNSUBSCRIBE"], ["a", "global", "UNSUBSCRIBE"]]
        assert keys(second) == set()

    @pytest.mark.parametrize("junk", [None, 5, "x", {}, [None, 5, "x", {}]])
    def test_what_is_no_suppression_makes_no_row(self, account: ScriptedAccount, junk: Any) -> None:
        """V1: whatever stands in its place, the sync goes on."""
        document = suppressed("a")
        document["attributes"]["subscriptions"]["email"]["marketing"]["suppression"] = junk
        account.documents[PROFILES] = [document, suppressed("b", "UNSUBSCRIBE")]
        done = run(tables=SUPPRESSIONS)
        assert done.error is None
        assert keys(done) == {("b", "global", "UNSUBSCRIBE")}
