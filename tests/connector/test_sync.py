"""A whole sync: complete rows, safe checkpoints, and errors that name the remedy."""

import copy
import json
import os
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug import Response

import sync
from api import AuthError, ContractError, ScopeError, TransientError
from models import Checkpoint, Delete, Truncate, Upsert
from state.state import parse_state
from streams import TABLES
from tests.connector.scripted import DAY, KEY, NOON, ScriptedAccount, ScriptedRun, resource, run
from tests.loader import KilledError, Loader

FLOW_REPORT = "/api/flow-values-reports"
OTHER = "pk_another_account"
EMPTY = {"inbox_provider_daily", "sync_error"}  # nothing in the full account fills them


def make_events_old(full_account: ScriptedAccount) -> None:
    """Let all events have happened before any lookback."""
    for event in full_account.documents["/api/events"]:
        event["attributes"]["datetime"] = "2026-10-01T12:00:00+00:00"


def checkpoints(done: ScriptedRun) -> list[Checkpoint]:
    """The checkpoints of a sync."""
    return [operation for operation in done.operations if isinstance(operation, Checkpoint)]


class TestRows:
    """The operations that the loader gets."""

    @pytest.mark.usefixtures("full_account")
    def test_every_row_is_complete(self) -> None:
        """Exactly the declared columns: one that an upsert leaves out would become NULL."""
        done = run(tables="all")
        upserts = [operation for operation in done.operations if isinstance(operation, Upsert)]
        assert done.error is None
        for upsert in upserts:
            assert list(upsert.row) == list(TABLES[upsert.table].types), upsert.table
        for table in TABLES.keys() - EMPTY:
            assert any(upsert.table == table for upsert in upserts), table

    def test_no_key_holds_null(self, full_account: ScriptedAccount) -> None:
        """One NULL in a key would fail the whole load, in upserts and deletes."""
        first = run(tables="all")
        full_account.documents.clear()
        full_account.documents["/api/metrics"] = [resource("metric", "PO", name="Placed Order")]
        full_account.now += DAY
        second = run(first.state, tables="all")
        assert second.error is None
        deletes = [operation for operation in second.operations if isinstance(operation, Delete)]
        assert {delete.table for delete in deletes} >= {"campaign", "campaign_tag", "flow_message"}
        for delete in deletes:
            assert list(delete.keys) == TABLES[delete.table].primary_key
            assert None not in delete.keys.values()
        for upsert in (
            operation for operation in first.operations if isinstance(operation, Upsert)
        ):
            key = [upsert.row[name] for name in TABLES[upsert.table].primary_key]
            assert None not in key, upsert.table

    def test_sync_report_counts_rows_and_requests(self, full_account: ScriptedAccount) -> None:
        """Per table the written rows and its requests; together all requests."""
        done = run()
        reports = {row["table_name"]: row for row in done.rows("sync_report")}
        assert len({row["sync_id"] for row in reports.values()}) == 1
        for name, row in reports.items():
            if name != "sync_report":
                assert row["rows_written"] == len(done.rows(name)), name
        assert sum(row["requests"] for row in reports.values()) == len(full_account.requests)

    def test_sync_report_has_the_waits_of_a_table(self, account: ScriptedAccount) -> None:
        """A throttled response, and the seconds until the next request, are in the table's row."""
        throttled = Response('{"errors": []}', 429, {"Retry-After": "30"})
        answers = iter([throttled])
        account.responses["/api/tags"] = lambda _: next(answers, None)
        reports = {row["table_name"]: row for row in run(tables="tag").rows("sync_report")}
        assert [reports["tag"]["throttled"], reports["account"]["throttled"]] == [1, 0]
        assert 30 <= reports["tag"]["seconds_waited"] < 32

    @pytest.mark.usefixtures("full_account")
    def test_no_operation_holds_the_api_key(self) -> None:
        """Not a row, a state or a warning."""
        done = run(tables="all")
        assert KEY not in repr(done.operations).replace(f"of-{KEY}", "")


class TestCheckpoints:
    """Where a killed sync resumes."""

    def test_there_is_a_checkpoint_every_thousand_rows(self, account: ScriptedAccount) -> None:
        """The loader holds the rows between in memory: a thousand and those of a page."""
        account.page_size = 100
        account.documents["/api/tags"] = [resource("tag", str(n)) for n in range(2_500)]
        done, rows = run(tables="tag"), [0]
        for operation in done.operations:
            rows[-1] += 1
            if isinstance(operation, Checkpoint):
                rows.append(0)
        assert 1_000 < rows[0] <= 1_100
        assert 1_000 < rows[1] <= 1_100
        assert isinstance(done.operations[-1], Checkpoint)

    def test_a_checkpoint_covers_every_row_before_it(self, account: ScriptedAccount) -> None:
        """Of both accounts, and beside a failure: a row that no state knows is never deleted."""
        account.page_size = 700
        account.documents["/api/tags"] = [resource("tag", str(n)) for n in range(1_700)]
        account.documents["/api/flows"] = [
            resource("flow", "f", {"flow-actions": [str(n) for n in range(1_200)]})
        ]
        account.documents["/api/campaign-messages"] = [
            resource("campaign-message", i) for i in "ab"
        ]
        account.fail_with("/api/campaign-messages/b/campaign-variations", 400)
        tables = ["tag", "flow_action", "campaign_message"]
        done = run(api_key=f"{KEY},{OTHER}", tables=",".join(tables))
        written: Counter[str] = Counter()
        for operation in done.operations:
            if isinstance(operation, Upsert):
                written[operation.table] += 1
            elif isinstance(operation, Checkpoint):
                states = [account["tables"] for account in operation.state["accounts"].values()]
                for name in tables:
                    stream = name.removesuffix("_action")
                    known = [state[stream]["rows"][name] for state in states if stream in state]
                    assert sum(map(len, known)) == written[name]
        assert (written["tag"], written["flow_action"]) == (3_400, 2_400)
        assert isinstance(done.error, ContractError)

    def test_a_flow_deleted_after_a_kill_leaves_no_row(
        self, account: ScriptedAccount, subtests: pytest.Subtests
    ) -> None:
        """The sync is killed in the midst of a large flow."""
        actions = [str(n) for n in range(1_200)]
        configuration = {"api_key": KEY, "tables": "flow,flow_action"}
        for killed_after in range(50, 1_201, 230):
            with subtests.test(killed_after=killed_after):
                account.documents["/api/flows"] = [resource("flow", "f", {"flow-actions": actions})]
                connection = Loader(os.environ["KLAVIYO_BASE_URL"], configuration)
                with pytest.raises(KilledError):
                    connection.sync(die_after=killed_after)
                account.documents.clear()
                connection.sync()
                assert connection.rows("flow") == connection.rows("flow_action") == []

    def test_a_state_that_was_handed_out_is_never_changed(self, account: ScriptedAccount) -> None:
        """A loader may store a state long after its checkpoint."""
        account.page_size = 5_000
        account.documents["/api/metrics"] = [resource("metric", str(n)) for n in range(1_500)]
        account.documents["/api/tags"] = [resource("tag", str(n)) for n in range(1_500)]
        state: Any = {}
        seen = [
            (operation.state, copy.deepcopy(operation.state))
            for operation in sync.sync({"api_key": KEY, "tables": "metric,tag"}, state)
            if isinstance(operation, Checkpoint)
        ]
        assert len(seen) >= 3
        assert all(state == as_given for state, as_given in seen)
        assert state == {}

    @pytest.mark.usefixtures("full_account")
    def test_a_state_is_plain_json(self) -> None:
        """What is stored as JSON and parsed again is the state of the checkpoint."""
        done = run(tables="all")
        last = checkpoints(done)[-1].state
        assert json.loads(json.dumps(last, allow_nan=False)) == last
        assert last["version"] == 1
        assert list(last["accounts"]) == [f"of-{KEY}"]
        assert parse_state(last, TABLES).json == last

    def test_streams_before_a_failure_are_kept(self, full_account: ScriptedAccount) -> None:
        """Events are down: the listings before them are not written again."""
        full_account.fail_with("/api/events", 503)
        first = run(tables="form,event")
        assert first.error
        assert first.rows("form")
        full_account.responses.clear()
        assert run(first.state, tables="form,event").rows("form") == []


SHARED_STREAMS = [  # pairs of tables that one stream fills
    ("campaign", "campaign_tag"),
    ("campaign_message", "campaign_variation"),
    ("flow", "flow_message"),
    ("campaign_performance", "campaign_performance_daily"),
    ("list", "list_tag"),
    ("segment", "segment_tag"),
    ("event", "event_attribution"),
]


class TestChosenTables:
    """Tables that are chosen later, or left out for a while."""

    def test_a_table_chosen_later_is_backfilled(
        self, full_account: ScriptedAccount, subtests: pytest.Subtests
    ) -> None:
        """However long ago its stream was read for another table."""
        for first, later in [*SHARED_STREAMS, *((b, a) for a, b in SHARED_STREAMS)]:
            with subtests.test(first=first, later=later):
                full_account.now = NOON
                settings = {"api_key": KEY, "tables": first}
                connection = Loader(os.environ["KLAVIYO_BASE_URL"], settings).sync()
                full_account.now += 60 * DAY
                connection.configuration = {"api_key": KEY, "tables": f"{first},{later}"}
                connection.sync()
                at_once = Loader(connection.url, connection.configuration).sync().content()
                assert connection.content()[later] == at_once[later]
                connection.sync()
                assert connection.written[first] == connection.written[later] == 0

    def test_a_table_left_out_for_a_while_keeps_its_rows(
        self, full_account: ScriptedAccount, subtests: pytest.Subtests
    ) -> None:
        """Records deleted meanwhile are deleted; the others are not written again."""
        kept, deleted = (resource("campaign", id_, {"tags": ["t"]}, definition={}) for id_ in "cd")
        for between in ("campaign", "campaign_tag", "form", "flow_performance"):
            with subtests.test(between):
                full_account.documents["/api/campaigns"] = [deleted, kept]
                state = run(tables="campaign,campaign_tag").state
                full_account.documents["/api/campaigns"] = [kept]
                for tables in (between, "campaign,campaign_tag"):
                    full_account.now += DAY
                    done = run(state, tables=tables)
                    state = done.state
                found = {row.table for row in done.operations if isinstance(row, Delete)}
                assert found == {"campaign", "campaign_tag"} - {between}
                assert done.rows("campaign") == done.rows("campaign_tag") == []

    def test_events_left_out_for_a_while_are_not_backfilled(
        self, full_account: ScriptedAccount
    ) -> None:
        """Their watermark still holds for the tables chosen when they were read."""
        make_events_old(full_account)
        state = run(tables="event").state
        state = run(state, tables="form").state
        full_account.now += 60 * DAY
        assert run(state, tables="event").rows("event") == []

    def test_a_state_without_chosen_tables_resumes(self, full_account: ScriptedAccount) -> None:
        """An early version of the connector did not store them."""
        make_events_old(full_account)
        state = run(tables="all").state
        del state["accounts"][f"of-{KEY}"]["chosen"]
        full_account.now += 60 * DAY
        done = run(state, tables="all")
        assert done.rows("event") == done.rows("campaign") == []


def truncated_tables(done: ScriptedRun) -> set[str]:
    """The tables that a sync truncated."""
    return {operation.table for operation in done.operations if isinstance(operation, Truncate)}


class TestScopes:
    """An API key without some scopes."""

    def test_a_missing_scope_skips_its_tables_with_one_warning(
        self, full_account: ScriptedAccount, subtests: pytest.Subtests
    ) -> None:
        """It names scope, tables and remedy; every other table arrives; the sync succeeds."""
        cases: list[tuple[str, str, list[str]]] = [
            (
                "/api/forms",
                "forms:read",
                ["form", "form_daily", "form_version", "form_version_daily"],
            ),
            (
                "/api/segments",
                "segments:read",
                [
                    "segment",
                    "segment_daily",
                    "segment_profile",
                    "segment_profile_count_daily",
                    "segment_tag",
                ],
            ),
            (
                "/api/lists",
                "lists:read",
                ["list", "list_profile", "list_profile_count_daily", "list_tag"],
            ),
            ("/api/profiles", "profiles:read", ["profile", "profile_suppression"]),
            ("/api/events", "events:read", ["event", "event_attribution"]),
            ("/api/tags", "tags:read", ["tag"]),
        ]
        for path, scope, skipped in cases:
            with subtests.test(scope=scope):
                full_account.fail_with(path, 403, "You do not have permission.")
                done = run(tables="all")
                del full_account.responses[path]
                assert done.error is None
                (warning,) = done.warnings
                assert scope in warning
                assert f"skipped {', '.join(skipped)}; add the scope to the key" in warning
                for table in TABLES.keys() - EMPTY:
                    assert bool(done.rows(table)) == (table not in skipped), table

    def test_a_skipped_table_is_backfilled_with_the_scope(
        self, full_account: ScriptedAccount
    ) -> None:
        """Nothing is deleted meanwhile, and later all of it arrives."""
        first = run(tables="form,list")
        full_account.fail_with("/api/forms", 403)
        second = run(first.state, tables="form,list")
        full_account.responses.clear()
        full_account.now += DAY
        late = resource("form", "new", updated_at="2026-11-10T00:00:00+00:00")
        full_account.documents["/api/forms"].append(late)
        third = run(second.state, tables="form,list")
        assert second.deleted_keys("form") == third.deleted_keys("form") == []
        assert [row["id"] for row in third.rows("form")] == ["new"]

    def test_without_metrics_the_reports_are_skipped(self, full_account: ScriptedAccount) -> None:
        """They need a conversion metric; the warning names them, chosen by name or not."""
        full_account.fail_with("/api/metrics", 403)
        full_account.fail_with("/api/mapped-metrics", 403)
        for conversion_metrics in ("", "Placed Order"):
            done = run(tables="campaign_performance,form", conversion_metrics=conversion_metrics)
            assert done.error is None
            (warning,) = done.warnings
            assert "metrics:read" in warning
            assert "campaign_performance" in warning
            assert done.rows("form")

    def test_a_scope_that_no_chosen_table_needs_is_no_warning(
        self, full_account: ScriptedAccount
    ) -> None:
        """Campaigns only tell the first day of an aggregate, which arrives without them."""
        full_account.fail_with("/api/campaigns", 403)
        done = run(tables="message_metric_daily")
        assert (done.error, done.warnings) == (None, [])
        assert done.rows("message_metric_daily")

    def test_a_report_without_its_scope_is_skipped(self, full_account: ScriptedAccount) -> None:
        """Reports are refused apart from listings; the others arrive."""
        full_account.fail_with("/api/flow-values-reports", 403)
        flows = "flow_performance,flow_performance_daily,flow_performance_period"
        done = run(tables=f"campaign_performance,{flows}")
        assert done.error is None
        (warning,) = done.warnings
        assert f"flows:read: skipped {flows.replace(',', ', ')};" in warning
        assert done.rows("campaign_performance")

    @pytest.mark.parametrize("tables", ["reporting", "form", "event"])
    def test_a_key_that_may_read_nothing_fails_the_sync(
        self, full_account: ScriptedAccount, tables: str
    ) -> None:
        """A sync that writes no chosen table is no success."""
        for path in [*full_account.documents, *full_account.reports, "/api/events"]:
            if tables == "reporting" or tables in path:
                full_account.fail_with(path, 403)
        done = run(tables=tables)
        assert isinstance(done.error, ScopeError)


class TestErrors:
    """Syncs that fail."""

    def test_a_rejected_key_stops_at_once(self, full_account: ScriptedAccount) -> None:
        """One request, one line, no row."""
        full_account.fail_with("/api/accounts", 401)
        done = run()
        assert isinstance(done.error, AuthError)
        assert "api_key" in str(done.error)
        assert len(full_account.requests) == 1
        assert not [operation for operation in done.operations if isinstance(operation, Upsert)]

    def test_a_key_revoked_midway_stops_there(self, full_account: ScriptedAccount) -> None:
        """Not one request more."""
        full_account.fail_with("/api/flows", 401)
        done = run()
        assert isinstance(done.error, AuthError)
        assert full_account.requests[-1].path == "/api/flows"
        assert len(full_account.requests_to("/api/flows")) == 1

    @pytest.mark.parametrize("path", ["/api/lists", "/api/lists/x/profiles", FLOW_REPORT])
    @pytest.mark.parametrize("detail", ["something is wrong", "Invalid cursor provided."])
    def test_a_broken_endpoint_does_not_block_the_others(
        self, full_account: ScriptedAccount, path: str, detail: str
    ) -> None:
        """The rest arrives; then the sync fails with the endpoint's name.

        A cursor that Klaviyo forgets at every attempt is such a fault.
        """
        full_account.fail_with(path, 400, detail)
        done = run(tables="reporting,segment_profile,list_profile,event")
        assert isinstance(done.error, ContractError)
        assert path in str(done.error)
        for table in ("campaign", "form", "tag", "campaign_performance", "event", "sync_report"):
            assert done.rows(table), table
        assert done.rows("segment_profile")

    def test_an_endpoint_that_is_down_does_not_block_the_others(
        self, full_account: ScriptedAccount
    ) -> None:
        """Every later stream arrives, profiles and events too; then the sync fails."""
        full_account.fail_with("/api/forms", 503)
        done = run(tables="all")
        assert isinstance(done.error, TransientError)
        assert "/api/forms" in str(done.error)
        for table in TABLES.keys() - EMPTY - {"form", "form_version"}:
            assert done.rows(table), table

    @pytest.mark.parametrize("setting", ["conversion_metrics", "event_metrics"])
    def test_a_chosen_metric_is_not_unknown_where_metrics_are_down(
        self, full_account: ScriptedAccount, setting: str
    ) -> None:
        """The error names what failed first; streams without a metric arrive."""
        full_account.fail_with("/api/metrics", 503)
        done = run(tables="all", **{setting: "Placed Order"})
        assert isinstance(done.error, TransientError)
        assert "/api/metrics" in str(done.error)
        assert done.rows("form")
        assert done.rows("profile")

    def test_when_klaviyo_is_down_no_more_is_requested(self, full_account: ScriptedAccount) -> None:
        """Two consecutive unanswered endpoints end the sync: each takes minutes of retries."""
        down = ["/api/tags", "/api/tag-groups", "/api/forms", "/api/events"]
        first = run(tables="all")
        for path in down:
            full_account.fail_with(path, 503)
        full_account.requests.clear()
        full_account.now += DAY
        done = run(first.state, tables="all")
        assert isinstance(done.error, TransientError)
        assert "/api/tags" in str(done.error)
        (warning,) = done.warnings
        assert "/api/tag-groups" in warning
        assert [len(full_account.requests_to(path)) for path in down] == [6, 6, 0, 0]
        assert full_account.requests_to("/api/campaigns")

    @pytest.mark.parametrize(("bad", "fails"), [(10, False), (11, True)], ids=["few", "many"])
    def test_many_rejected_records_fail_the_sync(
        self, full_account: ScriptedAccount, *, bad: int, fails: bool
    ) -> None:
        """More than ten and one in a hundred is no accident; the others are kept."""
        full_account.documents["/api/forms"] += [{"type": "form"}] * bad
        full_account.documents["/api/forms"] += [resource("form", str(n)) for n in range(1_050)]
        done = run(tables="form,list")
        assert len(done.rows("form")) == 1_051
        assert len(done.rows("sync_error")) == bad
        assert done.rows("list")
        assert isinstance(done.error, ContractError) == fails
        assert not fails or "form: 11 of 1,062 records cannot be stored" in str(done.error)

    def test_an_account_without_id_or_time_zone_ends_the_sync(
        self, server: Any, monkeypatch: pytest.MonkeyPatch, subtests: pytest.Subtests
    ) -> None:
        """Keys and days would be wrong, so nothing is written."""
        monkeypatch.setattr("session.MAX_ATTEMPTS", 1)
        zones: list[Any] = [{"timezone": zone} for zone in (None, "Mars/Olympus", "America")]
        nameless = [{**id_, "attributes": {"timezone": "UTC"}} for id_ in ({}, {"id": None})]
        cases: list[Any] = [None, "text", {}, {"id": "a"}, *nameless]
        for document in [*cases, *({"id": "a", "attributes": zone} for zone in zones)]:
            with subtests.test(document=document):
                server.clear()
                content = {"data": [document], "links": {}}
                server.expect_request("/api/accounts").respond_with_json(content)
                done = run()
                assert isinstance(done.error, ContractError)
                assert "/api/accounts" in str(done.error)


class TestManyAccounts:
    """Several API keys in one connection."""

    KEYS = f"{KEY},{OTHER}"

    def test_each_account_is_requested_with_its_own_key(
        self, full_account: ScriptedAccount
    ) -> None:
        """Rows and state of each have its own id, and the state of both is resumed."""
        done = run(api_key=self.KEYS, tables="form")
        assert {request.key for request in full_account.requests} == {KEY, OTHER}
        assert {row["account_id"] for row in done.rows("form")} == {f"of-{KEY}", f"of-{OTHER}"}
        assert set(done.state["accounts"]) == {f"of-{KEY}", f"of-{OTHER}"}
        again = run(done.state, api_key=self.KEYS, tables="form")
        assert again.rows("form") == []

    def test_a_failing_account_does_not_block_the_other(
        self, full_account: ScriptedAccount
    ) -> None:
        """The sync fails in the end; the other account's rows and state are kept."""
        full_account.responses["/api/accounts"] = lambda request: (
            None if OTHER in request.headers["Authorization"] else Response("{}", 401)
        )
        done = run(api_key=self.KEYS, tables="form")
        assert isinstance(done.error, AuthError)
        assert [row["account_id"] for row in done.rows("form")] == [f"of-{OTHER}"]
        assert list(done.state["accounts"]) == [f"of-{OTHER}"]
        (warning,) = done.warnings
        assert "account 1 of 2" in warning
        assert KEY not in warning

    @pytest.mark.usefixtures("full_account")
    def test_accounts_are_synced_in_parallel(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """No account waits for another: each goes on only once both have begun."""
        both_begun = threading.Barrier(2)

        def plan_runs(*_: Any) -> Iterator[Any]:
            both_begun.wait(timeout=20)
            return iter(())

        monkeypatch.setattr(sync, "_plan_runs", plan_runs)
        assert len(run(api_key=self.KEYS).rows("account")) == 2

    def test_a_warning_names_its_account(self, full_account: ScriptedAccount) -> None:
        """It says which of the keys lacks the scope."""
        full_account.responses["/api/forms"] = lambda request: (
            Response("{}", 403) if OTHER in request.headers["Authorization"] else None
        )
        done = run(api_key=self.KEYS, tables="form,list")
        (warning,) = done.warnings
        assert warning.startswith("account 2 of 2: the API key lacks the scope forms:read")
        assert [row["account_id"] for row in done.rows("form")] == [f"of-{KEY}"]

    def test_a_table_that_one_account_cannot_read_is_not_truncated(
        self, full_account: ScriptedAccount
    ) -> None:
        """A truncate takes the rows of all accounts: it waits for each scope and says so."""
        full_account.responses["/api/forms"] = lambda request: (
            Response("{}", 403) if OTHER in request.headers["Authorization"] else None
        )
        first = run({}, api_key=self.KEYS, tables="form,list")
        assert any(
            warning.startswith("form: not emptied by this re-sync") for warning in first.warnings
        )
        full_account.responses.clear()
        second = run(first.state, api_key=self.KEYS, tables="form,list")
        assert (truncated_tables(first), truncated_tables(second)) == ({"list"}, {"form"})
        assert [row["account_id"] for row in first.rows("form")] == [f"of-{KEY}"]
        assert len(second.rows("form")) == 2

    def test_a_key_that_is_rejected_later_stops_its_account_alone(
        self, full_account: ScriptedAccount
    ) -> None:
        """While tables are to be truncated too; nothing is truncated until it works again."""
        full_account.responses["/api/forms"] = lambda request: (
            Response("{}", 401) if OTHER in request.headers["Authorization"] else None
        )
        first = run({}, api_key=self.KEYS, tables="form,list")
        assert isinstance(first.error, AuthError)
        assert truncated_tables(first) == set()
        assert [row["account_id"] for row in first.rows("form")] == [f"of-{KEY}"]
        full_account.responses.clear()
        second = run(first.state, api_key=self.KEYS, tables="form,list")
        assert truncated_tables(second) == {"form", "list"}

    def test_two_keys_of_one_account_are_one_sync(self, full_account: ScriptedAccount) -> None:
        """Its rows are written once, and a warning names the superfluous key."""
        whole = resource("account", "a", timezone="UTC")
        body = json.dumps({"data": [whole], "links": {"next": None}})
        full_account.responses["/api/accounts"] = lambda _: Response(body)
        done = run(api_key=self.KEYS, tables="form")
        assert done.error is None
        assert len(done.rows("form")) == 1
        (warning,) = done.warnings
        assert "account 2 of 2" in warning
        assert "the same account" in warning
