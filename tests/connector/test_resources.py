"""Tables that mirror Klaviyo's listings: nothing new is missed, nothing kept is deleted."""

import json
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from werkzeug import Request, Response

from api import ContractError, TransientError
from tests.connector.scripted import DAY, NOON, ScriptedAccount, ScriptedRun, resource, run

CAMPAIGNS, TAGS, FORMS, FLOWS = "/api/campaigns", "/api/tags", "/api/forms", "/api/flows"
MESSAGES = "/api/campaign-messages"


def form(id_: str, minutes_ago: float = 60, name: str = "Pop-up") -> Any:
    """A form that was changed some minutes before noon."""
    changed = (NOON - timedelta(minutes=minutes_ago)).isoformat()
    return resource("form", id_, name=name, updated_at=changed)


def ids(sync: ScriptedRun, table: str = "form") -> list[str]:
    """The ids of the rows written to a table, in order."""
    return [row["id"] for row in sync.rows(table)]


def bound(account: ScriptedAccount) -> str | None:
    """The filter of the last listing of forms."""
    return account.requests_to(FORMS)[-1].params.get("filter")


class TestNew:
    """What is new or changed is written."""

    def test_every_record_of_every_page_arrives(self, account: ScriptedAccount) -> None:
        """A first sync lists everything, however many pages there are."""
        account.page_size = 2
        account.documents[FORMS] = [form(str(n)) for n in range(5)]
        assert ids(run(tables="form")) == ["0", "1", "2", "3", "4"]

    def test_a_later_sync_asks_from_the_watermark_with_an_overlap(
        self, account: ScriptedAccount
    ) -> None:
        """The bound is inclusive and an hour before the newest change that was seen."""
        account.documents[FORMS] = [form("a", 90), form("b", 30)]
        first = run(tables="form")
        run(first.state, tables="form")
        assert account.requests_to(FORMS)[0].params.get("filter") is None
        assert bound(account) == "greater-or-equal(updated_at,2026-11-20T15:30:00.000000Z)"

    @pytest.mark.parametrize("minutes_ago", [30, 30.5, 75], ids=["tie", "earlier", "late"])
    def test_what_shows_up_late_is_not_missed(
        self, account: ScriptedAccount, minutes_ago: float
    ) -> None:
        """P4, D5: changes in the watermark's own second, or shown up to an hour late, arrive."""
        account.documents[FORMS] = [form("a", 30)]
        first = run(tables="form")
        account.documents[FORMS].append(form("b", minutes_ago))
        assert ids(run(first.state, tables="form")) == ["b"]

    def test_an_unchanged_record_is_not_written_again(self, account: ScriptedAccount) -> None:
        """Rows written are billed: only what changed is news."""
        account.documents[FORMS] = [form("a", 30), form("b", 30)]
        first = run(tables="form")
        account.documents[FORMS] = [form("a", 30), form("b", 5, "Fly-out")]
        second = run(first.state, tables="form")
        assert [(row["id"], row["name"]) for row in second.rows("form")] == [("b", "Fly-out")]

    def test_a_change_dated_ahead_does_not_move_the_watermark(
        self, account: ScriptedAccount
    ) -> None:
        """D6: a record from the future is written, and what comes before it is not missed."""
        account.documents[FORMS] = [form("a", 30), form("future", -60 * 24 * 30)]
        first = run(tables="form")
        assert ids(first) == ["a", "future"]
        account.documents[FORMS].append(form("b", 20))
        assert ids(run(first.state, tables="form")) == ["b"]

    def test_a_change_dated_before_klaviyo_does_not_move_the_watermark(
        self, account: ScriptedAccount
    ) -> None:
        """V4: a record of the year 1 is written, and the next syncs go on as ever."""
        account.documents[FORMS] = [resource("form", "a", updated_at="0001-01-01T00:00:00+00:00")]
        first = run(tables="form")
        second = run(first.state, tables="form")
        assert ids(first) == ["a"]
        assert (first.error, second.error) == (None, None)

    def test_archived_campaigns_and_flows_are_mirrored(self, account: ScriptedAccount) -> None:
        """Klaviyo shows what is archived only when asked for it: both parts are asked for."""
        account.documents[CAMPAIGNS] = [
            resource("campaign", "live", definition={"archived": False}),
            resource("campaign", "old", definition={"archived": True}),
        ]
        account.documents[FLOWS] = [
            resource("flow", "live", archived=False),
            resource("flow", "old", archived=True),
        ]
        done = run(tables="campaign,flow")
        assert ids(done, "campaign") == ids(done, "flow") == ["live", "old"]
        assert [row["is_archived"] for row in done.rows("campaign")] == [False, True]


class TestBroken:
    """A listing that fails midway, or comes in the wrong order, loses nothing."""

    def test_an_unsorted_listing_that_fails_midway_loses_nothing(
        self, account: ScriptedAccount
    ) -> None:
        """D4: the newest came first, then Klaviyo went down: the rest is still asked for."""
        account.documents[FORMS] = [form("known", 300)]
        first = run(tables="form")
        account.page_size = 1
        account.documents[FORMS] = [form("newest", 1), form("older", 240)]
        account.responses[FORMS] = failing_from_the_second_page
        broken = run(first.state, tables="form")
        assert isinstance(broken.error, TransientError)
        del account.responses[FORMS]
        again = run(broken.state or first.state, tables="form")
        assert {"newest", "older"} <= {*ids(broken), *ids(again)}
        assert "older" in ids(again)

    def test_nothing_is_deleted_when_a_listing_fails_midway(self, account: ScriptedAccount) -> None:
        """What lies behind the broken page is not gone, only unseen."""
        account.page_size = 1
        account.documents[TAGS] = [resource("tag", "a"), resource("tag", "b")]
        first = run(tables="tag")
        account.responses[TAGS] = failing_from_the_second_page
        broken = run(first.state, tables="tag")
        assert broken.error
        assert broken.deleted("tag") == []
        del account.responses[TAGS]
        assert run(broken.state or first.state, tables="tag").deleted("tag") == []

    @pytest.mark.parametrize("junk", [None, 7, "text", [], {}, {"id": None}, {"id": {"a": 1}}])
    def test_a_record_without_an_id_is_noted_and_skipped(
        self, account: ScriptedAccount, junk: Any
    ) -> None:
        """S3: it goes to sync_error, and the records around it arrive."""
        account.documents[TAGS] = [resource("tag", "a"), junk, resource("tag", "b")]
        done = run(tables="tag")
        assert done.error is None
        assert ids(done, "tag") == ["a", "b"]
        (error,) = done.rows("sync_error")
        assert error["table_name"] == "tag"
        assert error["reason"] == "tag without id"

    def test_a_refused_record_is_not_repeated(self, account: ScriptedAccount) -> None:
        """X2: sync_error says which table and why, and nothing of the record's content."""
        secret = {"type": "tag", "attributes": {"name": "ada@example.com"}}
        account.documents[TAGS] = [secret]
        done = run(tables="tag")
        assert len(done.rows("sync_error")) == 1
        assert "ada" not in repr(done.operations)

    @pytest.mark.parametrize(
        "junk",
        [None, "text", {}, {"type": "tag"}, {"type": "tag", "id": ["x"]}, {"type": {}, "id": "x"}],
    )
    def test_a_malformed_inclusion_does_not_end_the_sync(
        self, account: ScriptedAccount, junk: Any
    ) -> None:
        """S3: what is included beside a page is not trusted either."""
        account.documents[CAMPAIGNS] = [resource("campaign", "c", {"tags": ["t"]})]
        account.included[CAMPAIGNS] = [junk]
        done = run(tables="campaign,campaign_tag")
        assert done.error is None
        assert [row["tag_id"] for row in done.rows("campaign_tag")] == ["t"]

    def test_deep_and_odd_attributes_do_not_end_the_sync(self, account: ScriptedAccount) -> None:
        """V2, V3: nesting, NaN, surrogates and huge numbers in a definition become storable."""
        definition: Any = {"name": "\ud800", "n": float("nan"), "long": 10**30}
        for _ in range(400):
            definition = {"deeper": definition}
        account.documents[MESSAGES] = [resource("campaign-message", "m", definition=definition)]
        account.documents["/api/segments"] = [resource("segment", "s", definition=definition)]
        done = run(tables="campaign_message,campaign_variation,segment")
        assert done.error is None
        assert ids(done, "campaign_message") == ["m"]
        assert ids(done, "segment") == ["s"]
        json.dumps([done.rows("segment"), done.state], allow_nan=False).encode()

    def test_what_is_nested_deeper_than_python_writes_is_stored(
        self, account: ScriptedAccount
    ) -> None:
        """V3: a definition of 1,000 levels is cut, and does not end the sync."""
        message = json.dumps({"data": [resource("campaign-message", "m", definition="deep")]})
        deep = message.replace('"deep"', '{"in":' * 1_000 + "1" + "}" * 1_000)
        body = f'{deep[:-1]}, "links": {{"next": null}}}}'
        account.responses[MESSAGES] = lambda _: Response(body)
        done = run(tables="campaign_message")
        assert done.error is None
        assert ids(done, "campaign_message") == ["m"]


class TestGone:
    """What Klaviyo no longer lists is deleted, and nothing else."""

    def test_a_full_listing_finds_what_is_gone(self, account: ScriptedAccount) -> None:
        """D9: the key that is no longer listed is deleted, once."""
        account.documents[TAGS] = [resource("tag", "a"), resource("tag", "b")]
        first = run(tables="tag")
        account.documents[TAGS].pop(0)
        second = run(first.state, tables="tag")
        third = run(second.state, tables="tag")
        (key,) = second.deleted("tag")
        assert key["id"] == "a"
        assert set(key) == {"account_id", "id"}
        assert third.deleted("tag") == []

    def test_an_incremental_listing_deletes_nothing(self, account: ScriptedAccount) -> None:
        """What did not change is not listed that time, and not gone; the day after it is found."""
        account.documents[FORMS] = [form("a", 600), form("b", 30)]
        first = run(tables="form")
        account.documents[FORMS].pop(0)
        same_day = run(first.state, tables="form")
        assert same_day.deleted("form") == []
        account.now += DAY
        assert [key["id"] for key in run(same_day.state, tables="form").deleted("form")] == ["a"]

    def test_a_part_that_is_gone_is_deleted(self, account: ScriptedAccount) -> None:
        """A tag taken off a campaign goes, the campaign stays."""
        account.documents[CAMPAIGNS] = [resource("campaign", "c", {"tags": ["spring", "sale"]})]
        first = run(tables="campaign,campaign_tag")
        account.documents[CAMPAIGNS] = [resource("campaign", "c", {"tags": ["sale"]})]
        account.now += DAY
        second = run(first.state, tables="campaign,campaign_tag")
        assert [key["tag_id"] for key in second.deleted("campaign_tag")] == ["spring"]
        assert second.deleted("campaign") == []

    def test_a_record_that_comes_back_is_written_again(self, account: ScriptedAccount) -> None:
        """What was deleted and shows up again, unchanged, stands again."""
        account.documents[TAGS] = [resource("tag", "a")]
        first = run(tables="tag")
        account.documents[TAGS] = []
        second = run(first.state, tables="tag")
        account.documents[TAGS] = [resource("tag", "a")]
        assert ids(run(second.state, tables="tag"), "tag") == ["a"]

    @pytest.mark.parametrize("archived", [True, False])
    def test_what_moves_while_it_is_listed_is_not_gone(
        self, account: ScriptedAccount, *, archived: bool
    ) -> None:
        """Archived, or taken from the archive, between the questions for either."""
        campaign = resource("campaign", "c", definition={"archived": archived})
        account.documents[CAMPAIGNS] = [campaign]
        first = run(tables="campaign")
        asked = count(1)

        def moved_at_the_second_question(_: Request) -> None:
            if next(asked) == 2:
                campaign["attributes"]["definition"]["archived"] = not archived

        account.responses[CAMPAIGNS] = moved_at_the_second_question
        account.now += DAY
        second = run(first.state, tables="campaign")
        assert second.deleted("campaign") == []
        assert [row["is_archived"] for row in second.rows("campaign")] == [not archived]

    def test_an_empty_listing_is_believed(self, account: ScriptedAccount) -> None:
        """An account may have lost all its tags; a broken answer is never taken for that."""
        account.documents[TAGS] = [resource("tag", "a")]
        first = run(tables="tag")
        account.responses[TAGS] = lambda _: Response('{"data": []}')
        broken = run(first.state, tables="tag")
        assert isinstance(broken.error, ContractError)
        assert broken.deleted("tag") == []
        account.responses.clear()
        account.documents[TAGS] = []
        assert len(run(first.state, tables="tag").deleted("tag")) == 1

    def test_a_table_that_is_not_chosen_is_left_alone(self, account: ScriptedAccount) -> None:
        """Leaving a table out neither writes nor deletes its rows."""
        account.documents[CAMPAIGNS] = [resource("campaign", "c", {"tags": ["sale"]})]
        first = run(tables="campaign,campaign_tag")
        account.now += DAY
        account.documents[CAMPAIGNS] = [resource("campaign", "d")]
        second = run(first.state, tables="campaign")
        assert second.rows("campaign_tag") == second.deleted("campaign_tag") == []


class TestDetails:
    """What Klaviyo shows only at a record's own address."""

    VARIATIONS = f"{MESSAGES}/m/campaign-variations"

    def message(self, account: ScriptedAccount, name: str = "Sale") -> None:
        """One message with two variations."""
        changed = NOON.isoformat()
        account.documents[MESSAGES] = [
            resource("campaign-message", "m", definition={"name": name}, updated=changed)
        ]
        account.documents[self.VARIATIONS] = [
            resource(
                "campaign-variation", one, definition={"details": {"subject": f"{name} {one}"}}
            )
            for one in ("A", "B")
        ]

    def test_a_message_is_asked_for_its_variations_when_it_changed(
        self, account: ScriptedAccount
    ) -> None:
        """One question per changed message; an unchanged one costs none and loses nothing."""
        self.message(account)
        tables = "campaign_message,campaign_variation"
        first = run(tables=tables)
        account.now += DAY
        second = run(first.state, tables=tables)
        self.message(account, "Last call")
        third = run(second.state, tables=tables)
        assert ids(first, "campaign_variation") == ids(third, "campaign_variation") == ["A", "B"]
        assert second.rows("campaign_variation") == second.deleted("campaign_variation") == []
        assert len(account.requests_to(self.VARIATIONS)) == 2

    def test_a_message_deleted_meanwhile_is_no_error(self, account: ScriptedAccount) -> None:
        """H9: listed a moment ago and then gone: its row stands until the next full listing."""
        self.message(account)
        account.fail_with(self.VARIATIONS, 404, "Not found.")
        done = run(tables="campaign_message,campaign_variation")
        assert done.error is None
        assert ids(done, "campaign_message") == ["m"]

    def test_a_message_that_is_not_known_everywhere_yet_is_asked_again(
        self, account: ScriptedAccount
    ) -> None:
        """S1: a passing 404 at the address of a new message does not cost its variations."""
        self.message(account)
        account.fail_with(self.VARIATIONS, 404, "Not found.")
        first = run(tables="campaign_message,campaign_variation")
        account.responses.clear()
        account.now += DAY
        second = run(first.state, tables="campaign_message,campaign_variation")
        assert ids(second, "campaign_variation") == ["A", "B"]


def failing_from_the_second_page(request: Request) -> Response | None:
    """An answer to requests that carry a cursor."""
    return Response("", 503) if "page[cursor]" in request.args else None
