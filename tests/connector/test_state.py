"""What a sync resumes from: parsed once, typed, and refused where it is damaged."""

import json
import re
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api import ConfigurationError
from models import Upsert
from state.state import (
    MIGRATIONS,
    AccountState,
    MembershipState,
    State,
    dump_checkpoint,
    parse_state,
)
from streams import TABLES
from streams.content import CONTENT_STREAMS
from streams.shop import SHOP_STREAMS
from tests.connector.scripted import KEY, ScriptedAccount, ScriptedRun, resource, run
from tests.sandbox_server import KEY as SANDBOX_KEY
from tests.sandbox_server import Sandbox, run_sandbox

FOLDER = Path(__file__).parent
ARCHITECTURE = FOLDER.parents[1] / "ARCHITECTURE.md"
STORED = {  # states that the connector wrote before they were typed
    name: json.loads((FOLDER / "data" / f"state_v1_{name}.json").read_text())
    for name in ("all_tables", "killed")
}
SANDBOX: dict[str, Any] = {"seed": 5, "now": "2026-11-16T15:00:00+00:00", "no_limits": True}
ACCOUNT_ID = "HWRml9"  # of that sandbox
WRONG_VALUES: list[Any] = [None, True, 7, -1, 1.5, "x", [], ["x"], {}, {"x": "y"}]
Place = tuple[str | int, ...]  # keys and positions that lead to a value of a state


def dump(account: AccountState) -> Any:
    """The state with one account, as a loader stores it."""
    return json.loads(json.dumps(dump_checkpoint(account.checkpoint()).state, allow_nan=False))


def contents(state: State) -> dict[str, dict[str, Any]]:
    """Everything that each account remembers, in a form that can be compared."""
    return {
        account_id: vars(account) | {"index": account.index.to_json()}
        for account_id, account in state.accounts.items()
    }


def replace_at(state: Any, place: Place, value: Any) -> Any:
    """The state with another value at one place; the given one is not changed."""
    if not place:
        return value
    step, *rest = place
    changed = state.copy()
    changed[step] = replace_at(state[step], (*rest,), value) if rest else value
    return changed


def refusal(state: Any) -> str:
    """The error with which a state is refused; empty where it is accepted."""
    try:
        parsed = parse_state(state, TABLES)
    except ConfigurationError as error:
        return str(error)
    for account in parsed.accounts.values():
        dump(account)  # what is accepted can be written
    return ""


def is_remedy(error: str) -> bool:
    """Whether an error is one line that says what is wrong with the state and what to do."""
    is_named = "damaged" in error or "version" in error
    return is_named and "restore the state or reset" in error and "\n" not in error


NEWER_STREAMS = (*CONTENT_STREAMS, *SHOP_STREAMS)  # than the stored states


class TestVersion1:
    """Both stored states are read; what they hold is not requested or written again."""

    @pytest.mark.parametrize("name", STORED)
    def test_a_stored_state_is_written_without_a_change(self, name: str) -> None:
        """A checkpoint of a stored state parses to an equal state."""
        stored = parse_state(STORED[name], TABLES)
        (account,) = stored.accounts.values()
        assert account.resources
        assert account.reports
        assert account.events
        assert contents(parse_state(dump(account), TABLES)) == contents(stored)

    def test_a_sync_resumes_where_a_throttled_one_ended(self) -> None:
        """Of all tables only events of the lookback, a new profile and two leavers are written.

        The state is of 18 November: resources and reports are of that day, events and people of
        two days before. Tables and columns that are newer than the state are backfilled, and the
        sandbox restates flows: since then it counts their opens and clicks as people, and answers
        0.0 for what a channel does not count. Its flow emails set a link parameter now, and two of
        its metrics of text messages have other names, so other ids.
        """
        with run_sandbox(**SANDBOX, campaigns=3, profiles=25) as sandbox:
            sandbox.advance(2 * 86_400)
            done = resume(sandbox, STORED["all_tables"], "all,predictive_analytics")
            lookback = events_since(sandbox, "2026-11-09T14:59:50Z")
        assert written_ids(done, "event") == Counter(event["id"] for event in lookback)
        newer = {table.name for stream in NEWER_STREAMS for table in stream.tables}
        newer |= {"flow_utm_parameter", "form_version_daily"}
        assert [table for table in newer if not done.rows(table)] == []
        assert {table: len(done.rows(table)) for table in TABLES if done.rows(table)} == {
            table: len(done.rows(table)) for table in newer
        } | {
            "event": len(lookback),
            "profile": 1,
            "metric": 2,
            "message_metric_daily": 3,
            "campaign_message": 1,
            "campaign_variation": 1,
            "list_tag": 6,
            "segment_tag": 3,
            "flow_action": 14,
            "flow_message": 14,
            "flow_performance": 16,
            "flow_performance_period": 78,
            "flow_performance_daily": 62,
            "sync_report": len(done.rows("sync_report")),
        }
        assert {
            table: len(done.deleted_keys(table)) for table in TABLES if done.deleted_keys(table)
        } == {
            "metric": 2,
            "segment_profile": 2,
        }

    def test_a_sync_resumes_where_a_killed_one_ended(self) -> None:
        """Events that are covered are not requested again, and a closed quota stays closed."""
        state = STORED["killed"]["accounts"][ACCOUNT_ID]["tables"]["event"][""]
        covered = [[datetime.fromisoformat(time) for time in span] for span in state["done"]]
        with run_sandbox(**SANDBOX, campaigns=14, profiles=80) as sandbox:
            tables = "list,segment_daily,campaign_performance,event,event_attribution"
            done = resume(sandbox, STORED["killed"], tables)
            requested = {entry["path"] for entry in sandbox.log()}
            events = events_since(sandbox, "2026-09-21T22:12:07Z")  # a week before the watermark
        times = {
            event["id"]: datetime.fromisoformat(event["attributes"]["datetime"]) for event in events
        }
        unread = [i for i, at in times.items() if not any(a <= at < b for a, b in covered)]
        assert 0 < len(unread) < len(events)
        assert written_ids(done, "event") == Counter(unread)
        written = {
            operation.table for operation in done.operations if isinstance(operation, Upsert)
        }
        assert written == {"event", "event_attribution", "sync_report"}
        assert "/api/campaigns" in requested
        assert "/api/segment-series-reports" not in requested

    def test_a_listing_of_nobody_keeps_its_size(self) -> None:
        """After a rollback the first release reads the state, and it cannot read one without."""
        member_state = MembershipState(watermark=datetime(2026, 11, 1, tzinfo=UTC))
        account = AccountState("a", memberships={"list_profile": {"L": member_state}})
        listing = dump(account)["accounts"]["a"]["tables"]["list_profile"]["L"]
        assert listing == {"watermark": "2026-11-01T00:00:00Z", "size": 0, "compared_on": None}

    def test_the_example_in_architecture_is_a_state(self) -> None:
        """ARCHITECTURE.md shows what a checkpoint writes, key for key."""
        (example,) = re.findall(r"```jsonc\n(.*?)```", ARCHITECTURE.read_text(), re.DOTALL)
        state = json.loads(re.sub(r"//.*", "", example))
        parsed = parse_state(state, TABLES)
        (account,) = parsed.accounts.values()
        assert {**dump(account), "filled": sorted(parsed.filled)} == state


def resume(sandbox: Sandbox, state: Any, tables: str) -> ScriptedRun:
    """One sync of the sandbox that resumes from a state."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KLAVIYO_BASE_URL", sandbox.url)
        done = run(state, api_key=SANDBOX_KEY, tables=tables, start_date="2026-06-01")
    assert done.error is None
    return done


def events_since(sandbox: Sandbox, time: str) -> list[dict[str, Any]]:
    """The account's events since a time."""
    return sandbox.all("/api/events", filter=f"greater-or-equal(datetime,{time})", sort="datetime")


def written_ids(done: ScriptedRun, table: str) -> Counter[str]:
    """How often a sync wrote each id."""
    return Counter(row["id"] for row in done.rows(table))


class TestVersions:
    """A state of another version."""

    def test_a_state_of_an_unknown_version_is_refused(self) -> None:
        """A newer connector's state, or one without a version: one line with the remedy."""
        states = [
            [], "text", 7, {"version": 1}, {"accounts": {}}, {"cursor": "2026-01-01"},
            *({"version": version, "accounts": {}} for version in ("1", None, 1.5, 2, 0, -1)),
        ]  # fmt: skip
        errors = [refusal(state) for state in states]
        assert [state for state, e in zip(states, errors, strict=True) if not is_remedy(e)] == []
        assert "version 2, this connector knows 1" in refusal({"version": 2, "accounts": {}})

    def test_an_old_state_is_migrated_version_by_version(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A migration makes the state of the next version; several are applied in turn."""

        def from_minus_1(state: Any) -> Any:
            return {"version": 0, "account": state["account_name"], "since": state["since"]}

        def from_0(state: Any) -> Any:
            forms = {"watermark": state["since"]}
            accounts = {state["account"]: {"tables": {"form": forms}}}
            return {"version": 1, "accounts": accounts}

        monkeypatch.setitem(MIGRATIONS, -1, from_minus_1)
        monkeypatch.setitem(MIGRATIONS, 0, from_0)
        old = {"version": -1, "account_name": "a", "since": "2026-11-01T00:00:00Z"}
        state = parse_state(old, TABLES)
        since = state.accounts["a"].resources["form"].watermark
        assert since == datetime(2026, 11, 1, tzinfo=UTC)
        assert state.json["version"] == 1
        assert old["version"] == -1

    @pytest.mark.usefixtures("full_account")
    def test_the_state_of_a_newer_stream_survives(self) -> None:
        """A connector that does not know a stream hands its state on as it is."""
        newer = {"watermark": None, "pages": [1, {"cursor": "x"}], "flag": False}
        state = run(tables="all").state
        state["accounts"][f"of-{KEY}"]["tables"] |= {"newer_stream": newer}
        state["accounts"][f"of-{KEY}"] |= {"newer_part": 1}
        done = run(state | {"newer_part": 1}, tables="all")
        assert done.error is None
        assert done.state["accounts"][f"of-{KEY}"]["tables"]["newer_stream"] == newer
        assert done.rows("form") == done.rows("list_profile") == []

    @pytest.mark.usefixtures("full_account")
    def test_the_state_of_an_account_without_a_key_survives(self) -> None:
        """Its key may come back: then the sync goes on where it ended."""
        state = run(tables="form", api_key="pk_another_account").state
        (other,) = state["accounts"]
        both = run(state, tables="form").state
        assert both["accounts"][other] == state["accounts"][other]
        assert len(both["accounts"]) == 2


class TestDamage:
    """A damaged state is refused in one line with the remedy, or does no harm."""

    @pytest.mark.slow
    @pytest.mark.parametrize(
        "name",
        [
            pytest.param(name, marks=[pytest.mark.chaos] if name == "killed" else [])
            for name in STORED
        ],
    )
    def test_a_wrong_value_anywhere_is_refused_or_harmless(
        self, account: ScriptedAccount, name: str
    ) -> None:
        """No value of a stored state can be replaced so that parsing or a sync crashes."""
        account.account_id = ACCOUNT_ID
        state, refused, offenders = STORED[name], 0, list[tuple[Place, Any, str]]()
        for value in WRONG_VALUES:
            harmless: list[Place] = []
            for place in places(state):
                error = refusal(replace_at(state, place, value))
                if error and not is_remedy(error):
                    offenders.append((place, value, error))
                elif error:
                    refused += 1
                elif len(place) > 2:
                    harmless.append(place)
            # All of them in one sync; only the innermost, which the outer ones would remove.
            damaged = state
            for place in harmless:
                if not any(other[: len(place)] == place for other in harmless if other != place):
                    damaged = replace_at(damaged, place, value)
            assert run(damaged, tables="all").error is None
        assert offenders == []
        assert refused > 500

    def test_a_value_that_makes_no_sense_is_refused(self) -> None:
        """A text that is no time, day, number or packed index is damage too."""
        tables: Place = ("accounts", ACCOUNT_ID, "tables")
        report = ("campaign_performance", "windows", "fxuMLc")
        damage: list[tuple[Place, Any]] = [
            (("form", "watermark"), "yesterday"),
            (("form", "watermark"), "2026-11-01T00:00:00"),
            (("form", "watermark"), "0001-01-01T00:00:00Z"),
            (("event", "", "cold"), "0001-01-01T00:00:00Z"),
            (("event", "", "done"), [["9999-12-31T00:00:00Z", "9999-12-31T23:59:59Z"]]),
            (("form", "listed_on"), "2026-02-30"),
            (("form", "rows", "form"), {"no key": "jL0Dnl7c"}),
            (("form", "rows", "form"), {'["a"]': "no digest"}),
            (("form", "rows", "unknown_table"), {'["a"]': "jL0Dnl7c"}),
            (("campaign_message", "detailed"), {"a": ["x", {"unknown_table": []}]}),
            (("profile_suppression", "global", "watermark"), "yesterday"),
            (("event", "", "done"), [["2026-11-01", "2026-11-02"]]),
            (("event", "", "done"), [["2026-11-01T00:00:00", "2026-11-02T00:00:00"]]),
            (("roster", "people"), "not packed"),
            (("roster", "groups"), {"a": ["list_profile", "L"]}),
            (("roster", "groups"), {"0": ["list_profile"]}),
            (("roster", "groups"), {"0": ["list_profile", "L"]}),
            (("roster", "untracked"), [["profile_suppression", "global", "global"]]),
            ((*report, "pending"), [["x", "y"]]),
            ((*report, "pending"), [["2026-11-01"]]),
            ((*report, "history_on"), "soon"),
            ((*report, "deep_on"), "0001-01-01"),
            ((*report, "former_zones"), ["Mars/Olympus"]),
            ((*report, "former_zones"), ["America"]),
            ((*report, "rows"), {'["a"]': {"": "jL0Dnl7c"}}),
            ((*report, "rows"), {'["a","b","c","d","e"]': {"2026-02-30": "jL0Dnl7c"}}),
            ((*report, "rows"), {'["a","b","c","d","e"]': {"": "jL0Dnl7c:-1"}}),
        ]
        states = [
            replace_at(STORED["all_tables"], tables + place, value) for place, value in damage
        ]
        pairs = zip(damage, map(refusal, states), strict=True)
        assert [(damaged, error) for damaged, error in pairs if not is_remedy(error)] == []

    def test_a_damaged_state_is_named_and_nothing_is_requested(
        self, account: ScriptedAccount
    ) -> None:
        """The error names the damaged part; no request is sent and no operation is yielded."""
        state = {"version": 1, "accounts": {"a": {"tables": {"form": {"watermark": 7}}}}}
        done = run(state)
        assert isinstance(done.error, ConfigurationError)
        assert "the state of form is damaged: restore the state or reset" in str(done.error)
        assert done.operations == []
        assert account.requests == []

    @pytest.mark.usefixtures("full_account")
    def test_a_watermark_in_the_future_is_refused(self, subtests: pytest.Subtests) -> None:
        """It would skip everything until then, so nothing is written."""
        state = run(tables="all").state
        later_than_any_clock = "2999-01-01T00:00:00.000000Z"
        for place in (("form",), ("event", ""), ("profile", ""), ("list_profile", "x")):
            with subtests.test(table=place[0]):
                path = ("accounts", f"of-{KEY}", "tables", *place, "watermark")
                done = run(replace_at(state, path, later_than_any_clock), tables="all")
                assert isinstance(done.error, ConfigurationError)
                assert f"watermark of {place[0]} is no past time" in str(done.error)
                assert not [row for row in done.operations if isinstance(row, Upsert)]

    def test_a_clock_that_goes_back_is_no_damaged_state(self, account: ScriptedAccount) -> None:
        """The error names the clocks to correct; with the right time the state serves again."""
        account.now = datetime.now(UTC)
        first = run(tables="event")
        account.now -= timedelta(days=2)
        wrong = run(first.state, tables="event")
        assert isinstance(wrong.error, ConfigurationError)
        assert "correct the clock of this machine, or of the proxy" in str(wrong.error)
        assert "reset" not in str(wrong.error)
        account.now = datetime.now(UTC)
        assert run(wrong.state or first.state, tables="event").error is None

    @pytest.mark.parametrize("state", [None, {}])
    @pytest.mark.usefixtures("full_account")
    def test_no_state_is_a_first_sync(self, state: Any) -> None:
        """Without a state everything is requested."""
        assert [row["id"] for row in run(state, tables="form").rows("form")] == ["fo"]

    @pytest.mark.slow
    def test_watermarks_of_1970_request_everything_again(
        self, full_account: ScriptedAccount
    ) -> None:
        """Unchanged rows are recognised; what appeared in between is written."""
        state = run(tables="all").state
        long_ago = re.sub(
            r'("(watermark|cold)": ")[^"]+', r"\g<1>1970-01-01T00:00:00.000000Z", json.dumps(state)
        )
        full_account.documents["/api/lists/x/profiles"].append(
            resource("profile", "q", joined_group_at="2026-10-01T00:00:00+00:00")
        )
        done = run(json.loads(long_ago), tables="all")
        assert done.error is None
        assert [row["profile_id"] for row in done.rows("list_profile")] == ["p", "q"]
        assert done.rows("form") == done.deleted_keys("list_profile") == []


def places(value: Any, place: Place = ()) -> Iterator[Place]:
    """Every place of a state; of inner values of one shape in one container only the first."""
    yield place
    if not isinstance(value, dict | list):
        return
    shapes: set[str] = set()
    for step, child in value.items() if isinstance(value, dict) else enumerate(value):
        if shape(child) not in shapes or len(place) <= 3:
            shapes.add(shape(child))
            yield from places(child, (*place, step))


def shape(value: Any) -> str:
    """Which values a value is made of, whatever they are called and however many they are."""
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return f"{type(value).__name__}{sorted({shape(part) for part in inner})}"
    return type(value).__name__


class TestOwnErrors:
    """An error of the connector's own is a crash with its traceback, never advice to reset."""

    @pytest.mark.parametrize("api_key", [KEY, f"{KEY},pk_another_account"], ids=["one", "two"])
    @pytest.mark.usefixtures("full_account")
    def test_a_type_error_in_parsing_a_response_is_raised_as_it_is(
        self, api_key: str, subtests: pytest.Subtests
    ) -> None:
        """Neither a stream nor a thread turns it into a fault of the state or of Klaviyo."""

        def parse_wrongly(*_: Any) -> Any:
            raise TypeError("our own mistake")

        for module, function, table in [
            ("resources", "documents", "form"),
            ("reports", "_require_object", "campaign_performance"),
            ("events", "documents", "event"),
            ("profiles", "documents", "profile"),
            ("memberships", "documents", "list_profile"),
        ]:
            state = run(tables=table, api_key=api_key).state
            for known in (None, state):
                with subtests.test(table, known=bool(known)), pytest.MonkeyPatch.context() as patch:
                    patch.setattr(f"streams.{module}.{function}", parse_wrongly)
                    with pytest.raises(TypeError, match="our own mistake") as error:
                        run(known, tables=table, api_key=api_key)
                    frames = {Path(frame.filename).name for frame in traceback.extract_tb(error.tb)}
                    assert f"{module}.py" in frames
                    assert error.value.__cause__ is None

    @pytest.mark.parametrize("mistake", [TypeError, KeyError, AttributeError])
    def test_an_error_in_parsing_the_state_is_raised_as_it_is(
        self, monkeypatch: pytest.MonkeyPatch, mistake: type[Exception]
    ) -> None:
        """A bug of the parser is no damage: resetting the connection would not help."""

        def check_wrongly(*_: Any) -> Any:
            raise mistake("our own mistake")

        monkeypatch.setattr("state.state._check_resource_keys", check_wrongly)
        with pytest.raises(mistake, match="our own mistake"):
            parse_state(STORED["killed"], TABLES)


def test_a_table_of_people_is_parsed_by_its_key() -> None:
    """The members of a new kind of group keep their watermarks, whatever their table is called."""
    tables = {**TABLES, "team_profile": replace(TABLES["list_profile"], name="team_profile")}
    known = {"T1": {"watermark": "2026-11-16T15:00:00Z", "size": 3, "compared_on": "2026-11-16"}}
    raw = {"version": 1, "accounts": {"A": {"tables": {"team_profile": known}}}}
    groups = parse_state(raw, tables).accounts["A"].memberships["team_profile"]
    assert {name: group.size for name, group in groups.items()} == {"T1": 3}
