"""Who is in which list and segment, and which e-mail addresses are suppressed."""

import json
import os
import re
from datetime import timedelta
from typing import Any

import pytest
from werkzeug import Request, Response

from api import ContractError, TransientError
from models import Delete, Truncate
from tests.connector.scripted import (
    DAY,
    KEY,
    ScriptedAccount,
    ScriptedRun,
    resource,
    run,
    run_deferring,
)
from tests.loader import Loader

LISTS, MEMBERS = "/api/lists", "/api/lists/L/profiles"
TABLES = "list_profile"
LONG_AGO, TODAY = "2026-10-01T12:00:00+00:00", "2026-11-20T16:30:00+00:00"


@pytest.fixture(name="list_account")
def _list_account(account: ScriptedAccount) -> ScriptedAccount:
    """An account with a list, L, of two people, a and b."""
    account.documents[LISTS] = [resource("list", "L", name="News", updated=LONG_AGO)]
    account.documents[MEMBERS] = [member("a"), member("b")]
    return account


def member(id_: str, joined: str | None = LONG_AGO) -> Any:
    """A member of a list, as the list shows them."""
    return resource("profile", id_, joined_group_at=joined)


def list_joined(done: ScriptedRun) -> list[str]:
    """The people written as members."""
    return [row["profile_id"] for row in done.rows("list_profile")]


def deleted_members(done: ScriptedRun) -> list[str]:
    """The people deleted as members."""
    return [keys["profile_id"] for keys in done.deleted_keys("list_profile")]


def put_too_many_members(account: ScriptedAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the list have 40 people, more than the state can hold."""
    monkeypatch.setattr("sync.MAX_INDEX_LENGTH", 100)
    monkeypatch.setattr("state.membership_index.MIN_CHANGES_TO_PACK", 10)
    account.documents[MEMBERS] = [member(f"{number:026}") for number in range(40)]


def filters(account: ScriptedAccount, path: str = MEMBERS) -> list[str]:
    """The filters of the requests to a path."""
    return [request.params.get("filter", "") for request in account.requests_to(path)]


class TestMembers:
    """The members of lists; those of segments are the same."""

    def test_a_later_sync_requests_only_who_joined(self, list_account: ScriptedAccount) -> None:
        """It begins an hour before the last sync, and writes no member again."""
        first = run(tables=TABLES)
        second = run(first.state, tables=TABLES)
        assert list_joined(first) == ["a", "b"]
        assert {row["list_id"] for row in first.rows("list_profile")} == {"L"}
        assert list_joined(second) == []
        since = "greater-or-equal(joined_group_at,2026-11-20T16:00:00.000000Z)"
        assert filters(list_account) == ["", since]

    def test_the_list_is_synced_too(self, list_account: ScriptedAccount) -> None:
        """Members of a list without a name would be of no use; nothing else is requested."""
        first = run(tables=TABLES)
        assert [row["id"] for row in first.rows("list")] == ["L"]
        list_account.requests.clear()
        run(first.state, tables=TABLES)
        assert {request.path for request in list_account.requests} == {
            "/api/accounts",
            LISTS,
            MEMBERS,
        }

    def test_only_the_time_of_joining_is_requested(self, list_account: ScriptedAccount) -> None:
        """Profiles are another table, and a page of them is a hundred times larger."""
        run(tables=TABLES)
        (request,) = list_account.requests_to(MEMBERS)
        assert request.params == {
            "fields[profile]": "joined_group_at",
            "sort": "joined_group_at",
            "page[size]": "100",
        }

    def test_a_new_member_is_written_again_for_an_hour_only(
        self, list_account: ScriptedAccount
    ) -> None:
        """Until then Klaviyo may still show that they left and joined again."""
        first = run(tables=TABLES)
        list_account.documents[MEMBERS].append(member("c", TODAY))
        second = run(first.state, tables=TABLES)
        list_account.now += timedelta(hours=2)
        third = run(second.state, tables=TABLES)
        fourth = run(third.state, tables=TABLES)
        assert list_joined(second) == list_joined(third) == ["c"]
        assert list_joined(fourth) == []

    def test_who_left_is_deleted_the_next_day(self, list_account: ScriptedAccount) -> None:
        """Only the daily comparison can tell; no other member is written or deleted."""
        first = run(tables=TABLES)
        del list_account.documents[MEMBERS][0]
        second = run(first.state, tables=TABLES)
        list_account.now += DAY
        third = run(second.state, tables=TABLES)
        list_account.now += DAY
        fourth = run(third.state, tables=TABLES)
        assert [deleted_members(result) for result in (second, third, fourth)] == [[], ["a"], []]
        assert [list_joined(result) for result in (second, third, fourth)] == [[], [], []]

    @pytest.mark.parametrize("people", [1, 2, 10, 30])
    @pytest.mark.parametrize("answer", ["empty", "cut"])
    def test_one_short_answer_takes_nobody_out_of_a_list(
        self, list_account: ScriptedAccount, people: int, answer: str
    ) -> None:
        """A list of any size that is suddenly empty, or shorter, is read a second time."""
        members = [member(f"p{number:02}") for number in range(people)]
        list_account.documents[MEMBERS] = members
        state = run(tables=TABLES).state
        kept = members[: people // 2] if answer == "cut" else []
        body = json.dumps({"data": kept, "links": {"next": None}})
        list_account.now += DAY
        short = iter([Response(body)])
        list_account.responses[MEMBERS] = lambda _: next(short, None)
        second = run(state, tables=TABLES)
        assert (deleted_members(second), second.warnings) == ([], [])
        list_account.now += DAY
        list_account.responses[MEMBERS] = lambda _: Response(body)
        third = run(second.state, tables=TABLES)
        assert len(deleted_members(third)) == people - len(kept)

    def test_no_one_leaves_a_segment_that_klaviyo_is_computing(
        self, account: ScriptedAccount
    ) -> None:
        """A changed segment lists no one for a while; who left is deleted once it is computed."""
        segment, members = "/api/segments/S", "/api/segments/S/profiles"
        account.documents["/api/segments"] = [resource("segment", "S", updated=LONG_AGO)]
        account.documents[members] = [member(f"p{number}") for number in range(9)]
        done = run(tables="segment_profile")
        listed = account.documents.pop(members)
        account.now += DAY
        account.answer_record(segment, resource("segment", "S", is_processing=True))
        done = run(done.state, tables="segment_profile")
        assert done.deleted_keys("segment_profile") == []
        (warning,) = done.warnings
        assert warning == (
            "segment_profile: Klaviyo is still computing who is in S, so no one is deleted from it;"
            " the next sync compares again"
        )
        account.answer_record(segment, resource("segment", "S", is_processing=False))
        account.documents[members] = listed[:5]
        done = run(done.state, tables="segment_profile")
        assert [keys["profile_id"] for keys in done.deleted_keys("segment_profile")] == [
            "p5", "p6", "p7", "p8",
        ]  # fmt: skip
        assert done.rows("segment_profile") == []

    def test_a_segment_without_its_own_path_is_compared(self, account: ScriptedAccount) -> None:
        """Klaviyo deleted it since it was listed, so there is nothing to wait for."""
        account.documents["/api/segments"] = [resource("segment", "S", updated=LONG_AGO)]
        account.documents["/api/segments/S/profiles"] = [member("a")]
        first = run(tables="segment_profile")
        del account.documents["/api/segments/S/profiles"][0]
        account.now += DAY
        account.fail_with("/api/segments/S", 404)
        second = run(first.state, tables="segment_profile")
        assert [keys["profile_id"] for keys in second.deleted_keys("segment_profile")] == ["a"]

    def test_a_large_list_is_compared_within_a_week(
        self, list_account: ScriptedAccount, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """On one of seven days it is read wholly, twice since half of its people are missing."""
        monkeypatch.setattr("state.membership_index.MAX_DAILY_SIZE", 1)
        done = run(tables=TABLES)
        del list_account.documents[MEMBERS][0]
        found = []
        for _ in range(7):
            list_account.now += DAY
            done = run(done.state, tables=TABLES)
            found += deleted_members(done)
        assert found == ["a"]
        assert filters(list_account).count("") == 3

    def test_who_joins_again_has_the_new_time(self, list_account: ScriptedAccount) -> None:
        """Left and joined again between two syncs: the row is written again."""
        first = run(tables=TABLES)
        list_account.now += DAY
        list_account.documents[MEMBERS][0] = member("a", "2026-11-21T10:00:00+00:00")
        second = run(first.state, tables=TABLES)
        (row,) = second.rows("list_profile")
        assert (row["profile_id"], row["joined_group_at"]) == ("a", "2026-11-21T10:00:00.000000Z")
        assert deleted_members(second) == []

    def test_who_joins_again_and_is_listed_late_has_the_new_time(
        self, list_account: ScriptedAccount
    ) -> None:
        """They joined again before the last sync, which did not list it yet."""
        first = run(tables=TABLES)
        list_account.documents[MEMBERS][0] = member("a", TODAY)
        (row,) = run(first.state, tables=TABLES).rows(TABLES)
        assert (row["profile_id"], row["joined_group_at"]) == ("a", "2026-11-20T16:30:00.000000Z")

    def test_a_comparison_finds_members_that_were_listed_late(
        self, list_account: ScriptedAccount
    ) -> None:
        """They joined long ago, or at no known time, and were not listed then."""
        first = run(tables=TABLES)
        list_account.documents[MEMBERS] += [member("late"), member("legacy", None)]
        list_account.now += DAY
        assert list_joined(run(first.state, tables=TABLES)) == ["late", "legacy"]

    def test_the_members_of_a_deleted_list_are_deleted(self, list_account: ScriptedAccount) -> None:
        """On the day on which the list is; its members are not requested again."""
        first = run(tables=TABLES)
        list_account.documents[LISTS].clear()
        list_account.fail_with(MEMBERS, 404, "Not found.")
        second = run(first.state, tables=TABLES)
        list_account.now += DAY
        third = run(second.state, tables=TABLES)
        assert second.error is third.error is None
        assert [deleted_members(second), deleted_members(third)] == [[], ["a", "b"]]
        assert third.deleted_keys("list")
        assert len(filters(list_account)) == 2
        tables = next(iter(third.state["accounts"].values()))["tables"]
        assert tables.get("list_profile", {}) == tables["roster"].get("groups", {}) == {}

    @pytest.mark.parametrize("lists", [1, 3])
    def test_members_whose_path_does_not_exist_keep_their_rows(
        self, list_account: ScriptedAccount, lists: int
    ) -> None:
        """Lists that are still listed, and none of which has members, are no deleted lists."""
        names = [f"L{number}" for number in range(lists)]
        list_account.documents[LISTS] = [resource("list", name, updated=LONG_AGO) for name in names]
        for name in names:
            list_account.documents[f"{LISTS}/{name}/profiles"] = [member("a")]
        done = run(tables=TABLES)
        assert len(list_joined(done)) == lists
        for name in names:
            list_account.fail_with(f"{LISTS}/{name}/profiles", 404, "Not found.")
        for _ in range(2):
            list_account.now += DAY
            done = run(done.state, tables=TABLES)
            assert isinstance(done.error, ContractError)
            assert f"({lists}), though Klaviyo lists it" in str(done.error)
            assert deleted_members(done) == []
        del list_account.responses[f"{LISTS}/L0/profiles"]
        assert run(done.state, tables=TABLES).error is None

    def test_a_list_whose_members_are_not_found_is_named_and_keeps_them(
        self, list_account: ScriptedAccount
    ) -> None:
        """Beside a list that is read, each sync warns of one whose path stays missing."""
        list_account.documents[LISTS] = [resource("list", name, updated=LONG_AGO) for name in "ZL"]
        list_account.documents[f"{LISTS}/Z/profiles"] = [member("z")]
        done = run(tables=TABLES)
        list_account.fail_with(f"{LISTS}/Z/profiles", 404, "Not found.")
        for _ in range(8):
            list_account.now += DAY
            done = run(done.state, tables=TABLES)
            assert done.error is None
            assert deleted_members(done) == []
            (warning,) = done.warnings
            assert "lists list Z: known members stay" in warning

    @pytest.mark.parametrize("nulls", ["first", "last"])
    def test_members_without_a_time_of_joining_are_found_beyond_one_cursor(
        self, list_account: ScriptedAccount, monkeypatch: pytest.MonkeyPatch, nulls: str
    ) -> None:
        """No filter by that time finds them, wherever Klaviyo sorts them."""
        monkeypatch.setattr("streams.keyset.MAX_CURSOR_PAGES", 2)
        timed = [member(f"t{n}", f"2026-01-{n + 1:02}T00:00:00+00:00") for n in range(9)]
        untimed = [member("x", None), member("y", None), member("z", None)]
        everyone = untimed + timed if nulls == "first" else timed + untimed

        def respond(request: Request) -> Response:
            (since,) = re.findall(r",(.+)\)", request.args.get("filter", "")) or [""]
            times = [(record["attributes"]["joined_group_at"] or "", record) for record in everyone]
            found = [record for time, record in times if time >= since]
            if request.args["sort"].startswith("-"):
                found.reverse()
            start = int(request.args.get("page[cursor]", 0))
            following = f"x?page[cursor]={start + 2}" if start + 2 < len(found) else None
            page = {"data": found[start : start + 2], "links": {"next": following}}
            return Response(json.dumps(page))

        list_account.responses[MEMBERS] = respond
        assert {*list_joined(run(tables=TABLES))} == {record["id"] for record in everyone}

    def test_a_member_without_an_id_is_rejected(self, list_account: ScriptedAccount) -> None:
        """The others are written, and `sync_error` says what is missing."""
        list_account.documents[MEMBERS].insert(0, {"type": "profile", "attributes": {}})
        done = run(tables=TABLES)
        assert list_joined(done) == ["a", "b"]
        (error,) = done.rows("sync_error")
        assert error["reason"] == "list_profile without profile_id"

    def test_members_beyond_the_size_of_the_state_are_a_warning(
        self, list_account: ScriptedAccount, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """All are written; the warning names the list from which no member is deleted."""
        put_too_many_members(list_account, monkeypatch)
        first = run(tables=TABLES)
        list_account.now += DAY
        list_account.documents[MEMBERS] = [member("new", "2026-11-21T10:00:00+00:00")]
        second = run(first.state, tables=TABLES)
        assert len(list_joined(first)) == 40
        assert list_joined(second) == ["new"]
        assert deleted_members(second) == []
        for done in (first, second):
            assert done.error is None
            (warning,) = done.warnings
            assert "people who leave L are not deleted" in warning
        list_account.now += DAY
        list_account.documents[LISTS].clear()
        assert run(second.state, tables=TABLES).warnings == []

    def test_members_beyond_the_state_are_written_again_weekly(
        self, list_account: ScriptedAccount, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Where the loader can defer a truncate: who left is gone a week later, and only they."""
        url = os.environ["KLAVIYO_BASE_URL"]
        loader = Loader(url, {"api_key": KEY, "tables": TABLES}, defers_truncate=True)
        put_too_many_members(list_account, monkeypatch)
        loader.sync()
        (warning,) = loader.warnings
        assert "those who leave L are deleted once a week" in warning
        list_account.documents[MEMBERS] = list_account.documents[MEMBERS][1:]
        for days, expected, written in ((1, 40, 0), (5, 40, 0), (1, 39, 39), (1, 39, 0)):
            list_account.now += days * DAY
            loader.sync()
            assert len(loader.rows(TABLES)) == expected
            assert loader.written[TABLES] == written
        list_account.documents[LISTS].clear()
        list_account.now += DAY
        assert loader.sync().rows(TABLES) == []
        assert loader.warnings == []

    @pytest.mark.parametrize("status", [400, 403, 500])
    def test_a_failed_refill_deletes_nobody(
        self, list_account: ScriptedAccount, monkeypatch: pytest.MonkeyPatch, status: int
    ) -> None:
        """The sync fails, so the loader does not truncate; the next one fills the table again."""
        put_too_many_members(list_account, monkeypatch)
        state = run(tables=TABLES).state
        list_account.now += 7 * DAY
        list_account.fail_with(MEMBERS, status, "No.")
        failed = run_deferring(state, tables=TABLES)
        assert Truncate(TABLES, deferred=True) in failed.operations
        assert failed.error is not None
        list_account.responses.clear()
        again = run_deferring(failed.state, tables=TABLES)
        assert again.error is None
        assert Truncate(TABLES, deferred=True) in again.operations
        assert len(list_joined(again)) == 40

    def test_a_false_empty_listing_is_read_again_before_a_refill(
        self, list_account: ScriptedAccount, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The members that the second reading shows are written, so they stay."""
        put_too_many_members(list_account, monkeypatch)
        state = run(tables=TABLES).state
        list_account.now += 7 * DAY
        empty = iter([Response('{"data": [], "links": {"next": null}}')])
        list_account.responses[MEMBERS] = lambda _: next(empty, None)
        done = run_deferring(state, tables=TABLES)
        assert len(list_account.requests_to(MEMBERS)) == 3
        assert len(list_joined(done)) == 40

    @pytest.mark.parametrize("keys", [f"{KEY},pk_of_another", KEY])
    def test_a_table_of_several_accounts_is_not_truncated(
        self, list_account: ScriptedAccount, monkeypatch: pytest.MonkeyPatch, keys: str
    ) -> None:
        """A truncate would take the rows of every account, also of one without a key now."""
        put_too_many_members(list_account, monkeypatch)
        state = run(tables=TABLES, api_key=f"{KEY},pk_of_another").state
        list_account.now += 7 * DAY
        done = run_deferring(state, tables=TABLES, api_key=keys)
        assert not [operation for operation in done.operations if isinstance(operation, Truncate)]
        assert "people who leave L are not deleted" in done.warnings[0]

    def test_an_account_without_a_key_keeps_its_share_of_the_state(
        self, list_account: ScriptedAccount, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its members stay in the state, whose size Fivetran limits."""
        monkeypatch.setattr("state.membership_index.MIN_CHANGES_TO_PACK", 10)
        list_account.documents[MEMBERS] = [member(f"{number:026}") for number in range(40)]
        another = run(tables=TABLES, api_key="pk_of_another")
        (alone,) = (account["tables"]["roster"] for account in another.state["accounts"].values())
        monkeypatch.setattr("sync.MAX_INDEX_LENGTH", len(alone["people"]) * 3 // 2)
        assert run(tables=TABLES).warnings == []
        (warning,) = run(another.state, tables=TABLES).warnings
        assert "people who leave L are not deleted" in warning

    @pytest.mark.parametrize("concurrency", ["1", "8"])
    @pytest.mark.parametrize("status", [400, 500])
    def test_a_list_that_fails_does_not_block_the_others(
        self, list_account: ScriptedAccount, status: int, concurrency: str
    ) -> None:
        """The sync fails in the end and names the list; no member is deleted."""
        names = [f"L{number}" for number in range(12)]
        list_account.documents[LISTS] = [resource("list", name) for name in names]
        for name in names:
            list_account.documents[f"/api/lists/{name}/profiles"] = [member("a")]
        first = run(tables=TABLES)
        for name in names:
            list_account.documents[f"/api/lists/{name}/profiles"].append(member("b"))
        list_account.fail_with("/api/lists/L3/profiles", status, "This list is too large.")
        list_account.now += DAY
        second = run(first.state, tables=TABLES, concurrency=concurrency)
        assert "/api/lists/L3/profiles" in str(second.error)
        assert {row["list_id"] for row in second.rows(TABLES)} == {*names} - {"L3"}
        assert deleted_members(second) == second.warnings == []
        list_account.responses.clear()
        third = run(second.state, tables=TABLES)
        assert [row["list_id"] for row in third.rows(TABLES)] == ["L3"]

    def test_each_list_that_fails_is_named_once(self, list_account: ScriptedAccount) -> None:
        """The first is the error, the others are warnings."""
        list_account.documents[LISTS] = [resource("list", name) for name in "LMN"]
        for name in "LN":
            list_account.fail_with(f"/api/lists/{name}/profiles", 400)
        done = run(tables=TABLES, concurrency="1")
        assert isinstance(done.error, ContractError)
        assert "/api/lists/L/" in str(done.error)
        (warning,) = done.warnings
        assert "/api/lists/N/" in warning

    def test_when_two_lists_are_down_no_more_is_requested(
        self, list_account: ScriptedAccount
    ) -> None:
        """Two consecutive unanswered listings mean that Klaviyo is down."""
        list_account.documents[LISTS] = [resource("list", name) for name in "LMN"]
        for name in "LM":
            list_account.fail_with(f"/api/lists/{name}/profiles", 503)
        done = run(tables=TABLES, concurrency="1")
        assert isinstance(done.error, TransientError)
        assert "/api/lists/L/" in str(done.error)
        assert list_account.requests_to("/api/lists/N/profiles") == []

    def test_many_deletions_have_checkpoints_between_them(
        self, list_account: ScriptedAccount, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """However many leave, the loader need not hold them all in memory."""
        monkeypatch.setattr("sync.ROWS_BETWEEN_CHECKPOINTS", 100)
        list_account.documents[MEMBERS] = [member(str(number)) for number in range(3600)]
        first = run(tables=TABLES)
        del list_account.documents[MEMBERS][:350]
        list_account.now += DAY
        second = run(first.state, tables=TABLES)
        at = [
            place
            for place, operation in enumerate(second.operations)
            if isinstance(operation, Delete)
        ]
        assert len(at) == 350
        assert at[-1] - at[0] == 349 + 3  # checkpoints


SUPPRESSIONS = "profile_suppression"
PROFILES = "/api/profiles"


def suppressed_profile(id_: str, *reasons: str, lists: tuple[str, ...] = ()) -> Any:
    """A profile that is suppressed everywhere for some reasons, and in some lists."""
    marketing = {
        "suppression": [{"reason": reason, "timestamp": LONG_AGO} for reason in reasons],
        "list_suppressions": [
            {"list_id": list_id, "reason": "UNSUBSCRIBE", "timestamp": LONG_AGO}
            for list_id in lists
        ],
    }
    return resource("profile", id_, subscriptions={"email": {"marketing": marketing}})


def suppressions(done: ScriptedRun) -> set[tuple[str, str, str]]:
    """The keys of the written suppressions."""
    return {(r["profile_id"], r["scope"], r["reason"]) for r in done.rows(SUPPRESSIONS)}


class TestSuppressions:
    """Suppressed e-mail, everywhere and in single lists."""

    def test_each_reason_and_each_list_is_a_row(self, account: ScriptedAccount) -> None:
        """A person may have bounced and unsubscribed, or have left one list only."""
        account.documents[PROFILES] = [
            suppressed_profile("a", "HARD_BOUNCE", "UNSUBSCRIBE"),
            suppressed_profile("b", lists=("L", "M")),
        ]
        done = run(tables=SUPPRESSIONS)
        assert suppressions(done) == {
            ("a", "global", "HARD_BOUNCE"),
            ("a", "global", "UNSUBSCRIBE"),
            ("b", "L", "UNSUBSCRIBE"),
            ("b", "M", "UNSUBSCRIBE"),
        }
        assert done.rows(SUPPRESSIONS)[0]["suppressed_at"] == "2026-10-01T12:00:00.000000Z"

    def test_suppressed_profiles_are_found_by_filters(self, account: ScriptedAccount) -> None:
        """Two requests by the time of suppression; profiles are never all listed."""
        first = run(tables=SUPPRESSIONS, concurrency="1")  # in order
        run(first.state, tables=SUPPRESSIONS, concurrency="1")
        marketing = "subscriptions.email.marketing"
        assert filters(account, PROFILES) == [
            f"greater-or-equal({marketing}.{name}.timestamp,{since})"
            for since in ("2000-01-01T00:00:00Z", "2026-11-20T16:00:00.000000Z")
            for name in ("suppression", "list_suppressions")
        ]

    def test_a_lifted_suppression_is_deleted_the_next_day(self, account: ScriptedAccount) -> None:
        """Whole keys are deleted; other suppressions are not written again."""
        account.documents[PROFILES] = [
            suppressed_profile("a", "UNSUBSCRIBE", "HARD_BOUNCE", lists=("L",))
        ]
        first = run(tables=SUPPRESSIONS)
        account.documents[PROFILES] = [suppressed_profile("a", "HARD_BOUNCE")]
        account.now += DAY
        second = run(first.state, tables=SUPPRESSIONS)
        gone = [list(keys.values())[1:] for keys in second.deleted_keys(SUPPRESSIONS)]
        assert sorted(gone) == [["a", "L", "UNSUBSCRIBE"], ["a", "global", "UNSUBSCRIBE"]]
        assert suppressions(second) == set()

    def test_a_malformed_suppression_makes_no_row(self, account: ScriptedAccount) -> None:
        """Any JSON in its place, and the sync goes on."""
        cases: list[Any] = [None, 5, "x", {}, [None, 5, "x", {}]]
        for junk in cases:
            document = suppressed_profile(str(junk))
            document["attributes"]["subscriptions"]["email"]["marketing"]["suppression"] = junk
            account.documents[PROFILES].append(document)
        account.documents[PROFILES].append(suppressed_profile("b", "UNSUBSCRIBE"))
        done = run(tables=SUPPRESSIONS)
        assert done.error is None
        assert suppressions(done) == {("b", "global", "UNSUBSCRIBE")}
