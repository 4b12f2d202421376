"""Listings of records: no change is missed, and nothing that is listed is deleted."""

import json
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from werkzeug import Request, Response

from api import ContractError, TransientError
from tests.connector.scripted import DAY, KEY, NOON, ScriptedAccount, ScriptedRun, resource, run

CAMPAIGNS, TAGS, FORMS, FLOWS = "/api/campaigns", "/api/tags", "/api/forms", "/api/flows"
MESSAGES = "/api/campaign-messages"


def form(id_: str, minutes_ago: float = 60, name: str = "Pop-up") -> Any:
    """A form that was changed some minutes before noon."""
    changed = (NOON - timedelta(minutes=minutes_ago)).isoformat()
    return resource("form", id_, name=name, updated_at=changed)


def ids(sync: ScriptedRun, table: str = "form") -> list[str]:
    """The ids of the rows written to a table, in order."""
    return [row["id"] for row in sync.rows(table)]


def last_filter(account: ScriptedAccount) -> str | None:
    """The filter of the last listing of forms."""
    return account.requests_to(FORMS)[-1].params.get("filter")


class TestChanges:
    """New and changed records are written."""

    def test_every_record_of_every_page_arrives(self, account: ScriptedAccount) -> None:
        """A first sync lists everything, however many pages there are."""
        account.page_size = 2
        account.documents[FORMS] = [form(str(n)) for n in range(5)]
        assert ids(run(tables="form")) == ["0", "1", "2", "3", "4"]

    def test_a_later_sync_lists_from_the_watermark_with_an_overlap(
        self, account: ScriptedAccount
    ) -> None:
        """The bound is inclusive and an hour before the newest change."""
        account.documents[FORMS] = [form("a", 90), form("b", 30)]
        first = run(tables="form")
        run(first.state, tables="form")
        assert account.requests_to(FORMS)[0].params.get("filter") is None
        assert last_filter(account) == "greater-or-equal(updated_at,2026-11-20T15:30:00.000000Z)"

    @pytest.mark.parametrize("minutes_ago", [30, 30.5, 75], ids=["tie", "earlier", "late"])
    def test_a_late_change_is_not_missed(
        self, account: ScriptedAccount, minutes_ago: float
    ) -> None:
        """A change in the watermark's second, or listed up to an hour late, arrives."""
        account.documents[FORMS] = [form("a", 30)]
        first = run(tables="form")
        account.documents[FORMS].append(form("b", minutes_ago))
        assert ids(run(first.state, tables="form")) == ["b"]

    def test_an_unchanged_record_is_not_written_again(self, account: ScriptedAccount) -> None:
        """Fivetran bills written rows: only changes are written."""
        account.documents[FORMS] = [form("a", 30), form("b", 30)]
        first = run(tables="form")
        account.documents[FORMS] = [form("a", 30), form("b", 5, "Fly-out")]
        second = run(first.state, tables="form")
        assert [(row["id"], row["name"]) for row in second.rows("form")] == [("b", "Fly-out")]

    def test_a_future_change_does_not_move_the_watermark(self, account: ScriptedAccount) -> None:
        """A record from the future is written, and what comes before it is not missed."""
        account.documents[FORMS] = [form("a", 30), form("future", -60 * 24 * 30)]
        first = run(tables="form")
        assert ids(first) == ["a", "future"]
        account.documents[FORMS].append(form("b", 20))
        assert ids(run(first.state, tables="form")) == ["b"]

    def test_a_change_before_klaviyo_does_not_move_the_watermark(
        self, account: ScriptedAccount
    ) -> None:
        """A record of the year 1 is written, and the next sync succeeds."""
        account.documents[FORMS] = [resource("form", "a", updated_at="0001-01-01T00:00:00+00:00")]
        first = run(tables="form")
        second = run(first.state, tables="form")
        assert ids(first) == ["a"]
        assert (first.error, second.error) == (None, None)

    def test_archived_campaigns_and_flows_arrive(self, account: ScriptedAccount) -> None:
        """Klaviyo lists archived records only under a filter: both partitions are requested."""
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
    """A listing that fails midway, or is unsorted, loses nothing."""

    def test_an_unsorted_listing_that_fails_midway_loses_nothing(
        self, account: ScriptedAccount
    ) -> None:
        """The newest record came first, then Klaviyo went down: the rest still arrives."""
        account.documents[FORMS] = [form("known", 300)]
        first = run(tables="form")
        account.page_size = 1
        account.documents[FORMS] = [form("newest", 1), form("older", 240)]
        account.responses[FORMS] = fail_after_the_first_page
        broken = run(first.state, tables="form")
        assert isinstance(broken.error, TransientError)
        del account.responses[FORMS]
        again = run(broken.state or first.state, tables="form")
        assert {"newest", "older"} <= {*ids(broken), *ids(again)}
        assert "older" in ids(again)

    def test_a_listing_that_fails_midway_deletes_nothing(self, account: ScriptedAccount) -> None:
        """Records behind the broken page are unseen, not deleted."""
        account.page_size = 1
        account.documents[TAGS] = [resource("tag", "a"), resource("tag", "b")]
        first = run(tables="tag")
        account.responses[TAGS] = fail_after_the_first_page
        broken = run(first.state, tables="tag")
        assert broken.error
        assert broken.deleted_keys("tag") == []
        del account.responses[TAGS]
        assert run(broken.state or first.state, tables="tag").deleted_keys("tag") == []

    def test_a_record_without_an_id_is_rejected(self, account: ScriptedAccount) -> None:
        """It is a row of sync_error, and the records around it arrive."""
        junk: list[Any] = [None, 7, "text", [], {}, {"id": None}, {"id": {"a": 1}}]
        account.documents[TAGS] = [resource("tag", "a"), *junk, resource("tag", "b")]
        done = run(tables="tag")
        assert done.error is None
        assert ids(done, "tag") == ["a", "b"]
        errors = [(row["table_name"], row["reason"]) for row in done.rows("sync_error")]
        assert errors == [("tag", "tag without id")] * len(junk)

    def test_a_rejected_record_is_not_repeated(self, account: ScriptedAccount) -> None:
        """Sync_error says which table and why, and nothing of the record's content."""
        secret = {"type": "tag", "attributes": {"name": "ada@example.com"}}
        account.documents[TAGS] = [secret]
        done = run(tables="tag")
        assert len(done.rows("sync_error")) == 1
        assert "ada" not in repr(done.operations)

    def test_a_malformed_inclusion_does_not_end_the_sync(self, account: ScriptedAccount) -> None:
        """Resources beside the page's data may be malformed too."""
        account.documents[CAMPAIGNS] = [resource("campaign", "c", {"tags": ["t"]})]
        without_id: list[Any] = [{}, {"type": "tag"}, {"type": "tag", "id": ["x"]}]
        account.included[CAMPAIGNS] = [None, "text", *without_id, {"type": {}, "id": "x"}]
        done = run(tables="campaign,campaign_tag")
        assert done.error is None
        assert [row["tag_id"] for row in done.rows("campaign_tag")] == ["t"]

    def test_deep_and_odd_attributes_do_not_end_the_sync(self, account: ScriptedAccount) -> None:
        """Nesting, NaN, surrogates and huge numbers become storable."""
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

    def test_a_document_nested_deeper_than_python_writes_is_stored(
        self, account: ScriptedAccount
    ) -> None:
        """A definition of 1,000 levels is cut, and does not end the sync."""
        document = json.dumps({"data": [resource("campaign-message", "m", definition="deep")]})
        deep = document.replace('"deep"', '{"in":' * 1_000 + "1" + "}" * 1_000)
        body = f'{deep[:-1]}, "links": {{"next": null}}}}'
        account.responses[MESSAGES] = lambda _: Response(body)
        done = run(tables="campaign_message")
        assert done.error is None
        assert ids(done, "campaign_message") == ["m"]


class TestDeletions:
    """What Klaviyo no longer lists is deleted, and nothing else."""

    def test_a_full_refresh_deletes_what_is_missing(self, account: ScriptedAccount) -> None:
        """The key that is no longer listed is deleted, once."""
        account.documents[TAGS] = [resource("tag", "a"), resource("tag", "b")]
        first = run(tables="tag")
        account.documents[TAGS].pop(0)
        second = run(first.state, tables="tag")
        third = run(second.state, tables="tag")
        (key,) = second.deleted_keys("tag")
        assert key["id"] == "a"
        assert set(key) == {"account_id", "id"}
        assert third.deleted_keys("tag") == []

    def test_an_incremental_listing_deletes_nothing(self, account: ScriptedAccount) -> None:
        """An unchanged record is not listed and not deleted; the next full refresh decides."""
        account.documents[FORMS] = [form("a", 600), form("b", 30)]
        first = run(tables="form")
        account.documents[FORMS].pop(0)
        same_day = run(first.state, tables="form")
        assert same_day.deleted_keys("form") == []
        account.now += DAY
        next_day = run(same_day.state, tables="form")
        assert [key["id"] for key in next_day.deleted_keys("form")] == ["a"]

    def test_a_missing_related_resource_is_deleted(self, account: ScriptedAccount) -> None:
        """The row of a tag that is taken off a campaign is deleted, the campaign is not."""
        account.documents[CAMPAIGNS] = [resource("campaign", "c", {"tags": ["spring", "sale"]})]
        first = run(tables="campaign,campaign_tag")
        account.documents[CAMPAIGNS] = [resource("campaign", "c", {"tags": ["sale"]})]
        account.now += DAY
        second = run(first.state, tables="campaign,campaign_tag")
        assert [key["tag_id"] for key in second.deleted_keys("campaign_tag")] == ["spring"]
        assert second.deleted_keys("campaign") == []

    def test_a_record_that_comes_back_is_written_again(self, account: ScriptedAccount) -> None:
        """A deleted record that is listed again, unchanged, is a row again."""
        account.documents[TAGS] = [resource("tag", "a")]
        first = run(tables="tag")
        account.documents[TAGS] = []
        second = run(first.state, tables="tag")
        account.documents[TAGS] = [resource("tag", "a")]
        assert ids(run(second.state, tables="tag"), "tag") == ["a"]

    @pytest.mark.parametrize("archived", [True, False])
    def test_a_record_that_moves_between_partitions_is_not_deleted(
        self, account: ScriptedAccount, *, archived: bool
    ) -> None:
        """It is archived, or unarchived, between the requests for either."""
        campaign = resource("campaign", "c", definition={"archived": archived})
        account.documents[CAMPAIGNS] = [campaign]
        first = run(tables="campaign")
        requests = count(1)

        def move_at_the_second_request(_: Request) -> None:
            if next(requests) == 2:
                campaign["attributes"]["definition"]["archived"] = not archived

        account.responses[CAMPAIGNS] = move_at_the_second_request
        account.now += DAY
        second = run(first.state, tables="campaign")
        assert second.deleted_keys("campaign") == []
        assert [row["is_archived"] for row in second.rows("campaign")] == [not archived]

    def test_an_empty_listing_deletes_all_rows(self, account: ScriptedAccount) -> None:
        """An account may have lost all its tags; a broken response is no empty listing."""
        account.documents[TAGS] = [resource("tag", "a")]
        first = run(tables="tag")
        account.responses[TAGS] = lambda _: Response('{"data": []}')
        broken = run(first.state, tables="tag")
        assert isinstance(broken.error, ContractError)
        assert broken.deleted_keys("tag") == []
        account.responses.clear()
        account.documents[TAGS] = []
        assert len(run(first.state, tables="tag").deleted_keys("tag")) == 1

    def test_a_table_that_is_not_chosen_is_left_alone(self, account: ScriptedAccount) -> None:
        """Leaving a table out neither writes nor deletes its rows."""
        account.documents[CAMPAIGNS] = [resource("campaign", "c", {"tags": ["sale"]})]
        first = run(tables="campaign,campaign_tag")
        account.now += DAY
        account.documents[CAMPAIGNS] = [resource("campaign", "d")]
        second = run(first.state, tables="campaign")
        assert second.rows("campaign_tag") == second.deleted_keys("campaign_tag") == []


class TestForms:
    """The forms in which Klaviyo answers."""

    def test_a_campaign_of_another_revision_is_a_contract_error(
        self, account: ScriptedAccount
    ) -> None:
        """Until 2026 its name was an attribute: such a campaign is no row without a name."""
        account.documents[CAMPAIGNS] = [resource("campaign", "c", name="Sale", archived=False)]
        done = run(tables="campaign")
        assert isinstance(done.error, ContractError)
        assert "/api/campaigns: a record without definition" in str(done.error)
        assert done.rows("campaign") == []

    def test_a_category_is_text_or_an_object(self, account: ScriptedAccount) -> None:
        """Klaviyo answers both for the integrations of metrics of one account."""
        account.documents["/api/metrics"] = [
            resource("metric", id_, name=id_, integration={"name": "X", "category": category})
            for id_, category in (
                ("text", "API"),
                ("object", {"id": 15, "category": "Advertising"}),
            )
        ]
        rows = {
            row["id"]: row["integration_category"] for row in run(tables="metric").rows("metric")
        }
        assert rows == {"text": "API", "object": "Advertising"}

    def test_a_segment_that_klaviyo_is_computing_has_no_number(
        self, account: ScriptedAccount
    ) -> None:
        """Its own path answers 0 people until then (recorded), which is no count."""
        account.documents["/api/segments"] = [
            resource("segment", id_, updated="2026-10-01T12:00:00+00:00") for id_ in "AB"
        ]
        for id_, people, is_processing in (("A", 0, True), ("B", 7, False)):
            counted = resource("segment", id_, profile_count=people, is_processing=is_processing)
            account.answer_record(f"/api/segments/{id_}", counted)
        done = run(tables="segment_profile_count_daily")
        counts = [row["profile_count"] for row in done.rows("segment_profile_count_daily")]
        assert counts == [None, 7]


class TestDetails:
    """A relationship that only a record's own address shows."""

    VARIATIONS = f"{MESSAGES}/m/campaign-variations"

    def put_message(self, account: ScriptedAccount, name: str = "Sale") -> None:
        """Let the account have one message with two variations."""
        changed = NOON.isoformat()
        account.documents[MESSAGES] = [
            resource("campaign-message", "m", definition={"name": name}, updated=changed)
        ]
        account.documents[self.VARIATIONS] = [
            resource(
                "campaign-variation", id_, definition={"details": {"subject": f"{name} {id_}"}}
            )
            for id_ in ("A", "B")
        ]

    def test_variations_are_requested_when_their_message_changed(
        self, account: ScriptedAccount
    ) -> None:
        """One request per changed message; an unchanged one costs none and loses nothing."""
        self.put_message(account)
        tables = "campaign_message,campaign_variation"
        first = run(tables=tables)
        account.now += DAY
        second = run(first.state, tables=tables)
        self.put_message(account, "Last call")
        third = run(second.state, tables=tables)
        assert ids(first, "campaign_variation") == ids(third, "campaign_variation") == ["A", "B"]
        assert second.rows("campaign_variation") == second.deleted_keys("campaign_variation") == []
        assert len(account.requests_to(self.VARIATIONS)) == 2

    def test_variations_are_included_in_the_listing(self, account: ScriptedAccount) -> None:
        """A message whose variations are listed with it costs no request of its own."""
        self.put_message(account)
        listed = account.documents.pop(self.VARIATIONS)
        (message,) = account.documents[MESSAGES]
        pointers = [{"type": "campaign-variation", "id": id_} for id_ in "AB"]
        message["relationships"] = {"campaign-variations": {"data": pointers}}
        tables = "campaign_message,campaign_variation"
        account.included[MESSAGES] = listed
        done = run(tables=tables)
        assert ids(done, "campaign_variation") == ["A", "B"]
        assert "campaign-variations" in account.requests_to(MESSAGES)[0].params["include"]
        account.included[MESSAGES] = []  # pointers alone are no details
        account.documents[self.VARIATIONS] = listed
        assert ids(run(tables=tables), "campaign_variation") == ["A", "B"]
        assert len(account.requests_to(self.VARIATIONS)) == 1

    def test_a_refused_include_is_tried_once_a_sync(self, account: ScriptedAccount) -> None:
        """Where Klaviyo answers it with 400, each changed message's own path is requested."""
        self.put_message(account)
        account.responses[MESSAGES] = lambda request: (
            Response('{"errors": [{"detail": "Invalid include."}]}', 400)
            if "campaign-variations" in request.args["include"]
            else None
        )
        done = run(tables="campaign_message,campaign_variation")
        assert done.error is None
        assert ids(done, "campaign_variation") == ["A", "B"]
        includes = [request.params["include"] for request in account.requests_to(MESSAGES)]
        assert includes == ["campaign,campaign-variations", "campaign"]

    @pytest.mark.parametrize("is_included", [True, False])
    def test_send_time_is_the_earliest_of_send_times(
        self, account: ScriptedAccount, *, is_included: bool
    ) -> None:
        """Where Klaviyo plans a time for each variation, each of them has its own."""
        self.put_message(account)
        times = {"B": "2026-11-03T18:00:00+00:00", "A": "2026-11-03T15:30:00+00:00"}
        (message,) = account.documents[MESSAGES]
        options = {"send_time": None, "send_strategy": "ab_send_time_test", "send_times": times}
        message["attributes"]["definition"] = {"send_options": options}
        if is_included:
            account.included[MESSAGES] = account.documents.pop(self.VARIATIONS)
            pointers = [{"type": "campaign-variation", "id": id_} for id_ in "AB"]
            message["relationships"] = {"campaign-variations": {"data": pointers}}
        done = run(tables="campaign_message,campaign_variation")
        (row,) = done.rows("campaign_message")
        assert row["send_time"] == "2026-11-03T15:30:00.000000Z"
        assert row["send_times"] == times
        own = {row["id"]: row["send_time"] for row in done.rows("campaign_variation")}
        assert own == {"A": "2026-11-03T15:30:00.000000Z", "B": "2026-11-03T18:00:00.000000Z"}

    def test_one_send_time_is_that_of_the_message(self, account: ScriptedAccount) -> None:
        """Its variations have none of their own."""
        self.put_message(account)
        options = {"send_time": "2026-11-03T15:30:00+00:00", "send_times": None}
        (message,) = account.documents[MESSAGES]
        message["attributes"]["definition"] = {"send_options": options}
        done = run(tables="campaign_message,campaign_variation")
        (row,) = done.rows("campaign_message")
        assert (row["send_time"], row["send_times"]) == ("2026-11-03T15:30:00.000000Z", None)
        assert {row["send_time"] for row in done.rows("campaign_variation")} == {None}

    def test_details_of_an_unknown_table_are_requested_again(
        self, account: ScriptedAccount
    ) -> None:
        """Another version of the connector may fill further tables from the same record."""
        self.put_message(account)
        state = run(tables="campaign_message,campaign_variation").state
        stream = state["accounts"][f"of-{KEY}"]["tables"]["campaign_message"]
        stream["rows"]["form"] = {}
        stream["detailed"]["m"][1]["form"] = []
        second = run(state, tables="campaign_message,campaign_variation")
        assert second.error is None
        assert len(account.requests_to(self.VARIATIONS)) == 2

    def test_a_message_deleted_meanwhile_is_no_error(self, account: ScriptedAccount) -> None:
        """Listed and then deleted: its row stays until the next full refresh."""
        self.put_message(account)
        account.fail_with(self.VARIATIONS, 404, "Not found.")
        done = run(tables="campaign_message,campaign_variation")
        assert done.error is None
        assert ids(done, "campaign_message") == ["m"]

    def test_variations_that_are_not_found_are_requested_again(
        self, account: ScriptedAccount
    ) -> None:
        """A transient 404 at the address of a new message does not lose its variations."""
        self.put_message(account)
        account.fail_with(self.VARIATIONS, 404, "Not found.")
        first = run(tables="campaign_message,campaign_variation")
        account.responses.clear()
        account.now += DAY
        second = run(first.state, tables="campaign_message,campaign_variation")
        assert ids(second, "campaign_variation") == ["A", "B"]

    def test_variations_that_are_no_longer_found_stay(self, account: ScriptedAccount) -> None:
        """A changed message that is still listed keeps them, and a warning names it."""
        self.put_message(account)
        state = run(tables="campaign_message,campaign_variation").state
        self.put_message(account, "Last call")
        account.fail_with(self.VARIATIONS, 404, "Not found.")
        for _ in range(2):
            account.now += DAY
            done = run(state, tables="campaign_message,campaign_variation")
            state = done.state
            assert done.error is None
            assert done.deleted_keys("campaign_variation") == []
            (warning,) = done.warnings
            assert "lists campaign_message m: known rows stay" in warning
        account.documents[self.VARIATIONS].pop()
        account.responses.clear()
        account.now += DAY
        done = run(state, tables="campaign_message,campaign_variation")
        assert ids(done, "campaign_variation") == ["A"]
        assert len(done.deleted_keys("campaign_variation")) == 1


def test_a_form_that_is_deleted_while_it_is_read_loses_its_versions(
    account: ScriptedAccount,
) -> None:
    """The same sync deletes them without a warning, and the next one of the day asks nothing."""
    forms = account.documents["/api/forms"] = [
        resource("form", id_, created_at=NOON.isoformat(), updated_at=NOON.isoformat())
        for id_ in ("F1", "F2")
    ]
    paths = [f"/api/forms/{form['id']}/form-versions" for form in forms]
    for path, version in zip(paths, ("V1", "V2"), strict=True):
        account.documents[path] = [resource("form-version", version)]
    first = run(tables="form,form_version")

    def delete_form(_: Request) -> Response:
        del forms[1:]
        return Response(json.dumps({"errors": [{"detail": "Not found."}]}), 404)

    account.responses[paths[1]] = delete_form
    account.now += DAY
    second = run(first.state, tables="form,form_version")
    assert (second.error, second.warnings) == (None, [])
    assert [row["id"] for row in second.deleted_keys("form_version")] == ["V2"]
    account.requests.clear()
    third = run(second.state, tables="form,form_version")
    assert third.deleted_keys("form_version") == []
    assert account.requests_to(paths[0]) == []


def fail_after_the_first_page(request: Request) -> Response | None:
    """A 503 for requests that carry a cursor."""
    return Response("", 503) if "page[cursor]" in request.args else None
