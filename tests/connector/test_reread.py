"""Events that are read again: those of people who disappear, and all since a date."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from werkzeug import Request, Response

from api import ScopeError
from tests.connector.scripted import DAY, ScriptedAccount, ScriptedRun, resource, run

EVENTS, PROFILES = "/api/events", "/api/profiles"
TABLES = "profile,event"
OLD, RECENT = "2026-06-01T12:00:00+00:00", "2026-11-20T16:30:00+00:00"
PERSON = re.compile(r'equals\(profile_id,"(\w+)"\)')


@pytest.fixture(name="people")
def _people(account: ScriptedAccount) -> ScriptedAccount:
    """Profiles a, b and c with an event each; only b changed lately."""
    account.documents["/api/metrics"] = [resource("metric", "m1", name="Placed Order")]
    account.documents[PROFILES] = [person("a"), person("b", RECENT), person("c")]
    account.documents[EVENTS] = [event("e1", "a"), event("e2", "b"), event("e3", "c")]
    account.responses[EVENTS] = answer_by_person(account)
    return account


def person(id_: str, updated: str = OLD) -> Any:
    """A profile."""
    return resource("profile", id_, created=OLD, updated=updated)


def event(id_: str, owner: str, metric: str = "m1", happened: str = OLD) -> Any:
    """An event, of months ago by default."""
    return resource("event", id_, {"profile": owner, "metric": metric}, datetime=happened)


def answer_by_person(
    account: ScriptedAccount, **answers: list[Any] | int
) -> Callable[[Request], Response | None]:
    """Answer requests for a person's events: those of the account, others, or a status."""

    def respond(request: Request) -> Response | None:
        found = PERSON.search(request.args.get("filter", ""))
        if found is None:
            return None
        of_person = [
            document
            for document in account.documents[EVENTS]
            if document["relationships"]["profile"]["data"]["id"] == found[1]
        ]
        answer = answers.get(found[1], of_person)
        if isinstance(answer, int):
            return Response(json.dumps({"errors": [{"detail": "no such profile"}]}), answer)
        return Response(json.dumps({"data": answer, "links": {"next": None}}))

    return respond


def people_read(account: ScriptedAccount) -> list[str]:
    """The people whose events were requested since the list of requests was cleared."""
    found = (
        PERSON.search(request.params.get("filter", "")) for request in account.requests_to(EVENTS)
    )
    return sorted(match[1] for match in found if match)


def sync_a_day_later(account: ScriptedAccount, before: ScriptedRun, **changed: str) -> ScriptedRun:
    """A sync of the next day, with a list of its requests alone."""
    account.now += DAY
    account.requests.clear()
    return run(before.state, **{"tables": TABLES, **changed})


def delete_profile(account: ScriptedAccount, id_: str) -> None:
    """Let a profile disappear."""
    account.documents[PROFILES] = [
        document for document in account.documents[PROFILES] if document["id"] != id_
    ]


def list_pending(done: ScriptedRun) -> dict[str, list[Any]]:
    """The people in the state whose events are to be read again."""
    (account,) = done.state["accounts"].values()
    people: dict[str, list[Any]] = account["tables"].get("reread", {}).get("people", {})
    return people


@pytest.mark.slow
def test_events_are_read_four_times(people: ScriptedAccount) -> None:
    """On the day a person is missed and 1, 7 and 30 days later; then the person is forgotten."""
    done = run(tables=TABLES)
    delete_profile(people, "a")
    days = []
    for day in range(40):
        done = sync_a_day_later(people, done)
        days += [day] if people_read(people) else []
        assert people_read(people) in ([], ["a"])
    assert days == [0, 1, 7, 30]
    assert list_pending(done) == {}


def test_a_pause_leaves_out_no_read_that_is_due(people: ScriptedAccount) -> None:
    """After a pause the events are read once, whatever reads were missed."""
    first = run(tables=TABLES)
    delete_profile(people, "a")
    second = sync_a_day_later(people, first)
    people.now += timedelta(days=9)
    third = sync_a_day_later(people, second)
    assert people_read(people) == ["a"]
    assert [entry[2] for entry in list_pending(third).values()] == [3]


def test_events_under_another_id_name_the_survivor(people: ScriptedAccount) -> None:
    """While the old id still resolves, the survivor alone is read, although it did not change."""
    first = run(tables=TABLES)
    delete_profile(people, "a")
    people.documents[EVENTS][0] = event("e1", "c")
    people.responses[EVENTS] = answer_by_person(people, a=[event("e1", "c")])
    second = sync_a_day_later(people, first)
    assert people_read(people) == ["a", "c"]
    assert {row["id"]: row["profile_id"] for row in second.rows("event")} == {"e1": "c", "e3": "c"}


def test_without_events_the_survivor_is_among_the_changed(people: ScriptedAccount) -> None:
    """Only profiles that changed since the person was still there are read."""
    first = run(tables=TABLES)
    delete_profile(people, "a")
    people.documents[EVENTS][0] = event("e1", "b")
    second = sync_a_day_later(people, first)
    assert people_read(people) == ["a", "b"]
    assert {row["id"]: row["profile_id"] for row in second.rows("event")} == {"e1": "b", "e2": "b"}


def test_a_bounded_number_of_profiles_is_read(
    people: ScriptedAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The survivor is sought among the profiles that changed last."""
    monkeypatch.setattr("streams.reread.MAX_CANDIDATES", 3)
    people.documents[PROFILES] += [
        person(f"p{n}", f"2026-11-20T16:{n:02}:00+00:00") for n in range(10, 20)
    ]
    people.documents[EVENTS].pop(0)
    first = run(tables=TABLES)
    delete_profile(people, "a")
    sync_a_day_later(people, first)
    assert people_read(people) == ["a", "b", "p18", "p19"]


@pytest.mark.parametrize("status", [400, 404])
def test_a_refused_person_does_not_fail_the_sync(people: ScriptedAccount, status: int) -> None:
    """An id that Klaviyo does not accept any more has no events; a 400 is a warning."""
    first = run(tables=TABLES)
    delete_profile(people, "a")
    people.responses[EVENTS] = answer_by_person(people, a=status)
    second = sync_a_day_later(people, first)
    assert second.error is None
    assert people_read(people) == ["a", "b"]
    assert ("no such profile" in "".join(second.warnings)) == (status == 400)


def test_a_failed_read_is_repeated(people: ScriptedAccount) -> None:
    """If Klaviyo does not answer, the next sync reads the person's events."""
    first = run(tables=TABLES)
    delete_profile(people, "a")
    people.responses[EVENTS] = answer_by_person(people, a=500)
    second = sync_a_day_later(people, first)
    assert second.error is not None
    assert [entry[2] for entry in list_pending(second).values()] == [0]
    people.responses[EVENTS] = answer_by_person(people)
    third = sync_a_day_later(people, second)
    assert [row["id"] for row in third.rows("event") if row["profile_id"] == "a"] == ["e1"]
    assert [entry[2] for entry in list_pending(third).values()] == [2]


def test_a_key_without_the_scope_of_events_reads_none(people: ScriptedAccount) -> None:
    """The scope counts as missing, and people who disappear wait until the key has it."""
    first = run(tables=TABLES)
    delete_profile(people, "a")
    people.fail_with(EVENTS, 403)
    second = sync_a_day_later(people, first)
    assert second.error is None
    assert people_read(people) == []
    assert [entry[2] for entry in list_pending(second).values()] == [0]
    assert isinstance(run(tables="event").error, ScopeError)


def test_more_people_than_the_state_holds_are_named_in_a_warning(
    people: ScriptedAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The warning has the setting that reads all events again."""
    monkeypatch.setattr("streams.deleted_profiles.MAX_PENDING", 1)
    first = run(tables=TABLES)
    delete_profile(people, "a")
    delete_profile(people, "c")
    second = sync_a_day_later(people, first)
    assert len(list_pending(second)) == 1
    (warning,) = second.warnings
    assert "reread_events_from" in warning


def test_events_that_were_never_synced_are_not_written(people: ScriptedAccount) -> None:
    """Of a person's events those of the chosen metrics are written."""
    people.documents["/api/metrics"].append(resource("metric", "m2", name="Active on Site"))
    people.documents[EVENTS].append(event("e4", "a", "m2"))
    first = run(tables=TABLES, event_metrics="Placed Order")
    delete_profile(people, "a")
    second = sync_a_day_later(people, first, event_metrics="Placed Order")
    assert [row["id"] for row in second.rows("event") if row["profile_id"] == "a"] == ["e1"]


@pytest.mark.parametrize(
    "chosen_later",
    [{"reread_events_from": "2026-01-01"}, {"tables": f"{TABLES},event_attribution"}],
    ids=lambda settings: next(iter(settings)),
)
def test_events_of_a_metric_that_is_no_longer_chosen_are_read_again(
    people: ScriptedAccount, chosen_later: dict[str, str]
) -> None:
    """Whatever a later setting lets the sync read again, the warehouse still has their rows."""
    people.documents["/api/metrics"].append(resource("metric", "m2", name="Active on Site"))
    people.documents[EVENTS] += [event("e4", "a", "m2"), event("e5", "c", "m2")]
    first = run(tables=TABLES)
    settings = {"event_metrics": "Placed Order", **chosen_later}
    second = sync_a_day_later(people, first, **settings)
    delete_profile(people, "a")
    third = sync_a_day_later(people, second, **settings)
    written = [row["id"] for row in third.rows("event") if row["profile_id"] == "a"]
    assert written == ["e1", "e4"]


def test_a_state_of_an_earlier_version_says_what_was_synced(people: ScriptedAccount) -> None:
    """Events that happened before a metric was left out are read again, later ones are not."""
    people.documents["/api/metrics"].append(resource("metric", "m2", name="Active on Site"))
    people.documents[EVENTS].append(event("e4", "a", "m2"))
    state = run(tables=TABLES).state
    (account,) = state["accounts"].values()
    del account["tables"]["reread"]
    later = f"{people.now + timedelta(hours=1):%Y-%m-%dT%H:%M:%S+00:00}"
    people.documents[EVENTS].append(event("e5", "a", "m2", later))
    delete_profile(people, "a")
    people.now += DAY
    done = run(state, tables=TABLES, event_metrics="Placed Order")
    written = {row["id"] for row in done.rows("event") if row["profile_id"] == "a"}
    assert written == {"e1", "e4"}


def test_people_who_disappear_while_events_are_left_out_are_read_later(
    people: ScriptedAccount,
) -> None:
    """Their events are read by the first sync that has a table of events again, however late."""
    first = run(tables=TABLES)
    delete_profile(people, "a")
    second = sync_a_day_later(people, first, tables="profile")
    people.now += timedelta(days=60)
    third = sync_a_day_later(people, second, tables="profile")
    assert people.requests_to(EVENTS) == []
    fourth = sync_a_day_later(people, third)
    assert people_read(people) == ["a"]
    assert "e1" in {row["id"] for row in fourth.rows("event")}
    assert list_pending(fourth) == {}


def test_a_person_is_not_remembered_where_events_were_never_synced(
    people: ScriptedAccount,
) -> None:
    """There is nothing of theirs to read again."""
    first = run(tables="profile")
    delete_profile(people, "a")
    assert list_pending(sync_a_day_later(people, first, tables="profile")) == {}


@pytest.mark.parametrize("zone", ["Pacific/Honolulu", "Pacific/Kiritimati"])
def test_the_first_day_is_read_again_after_a_change_of_the_zone(
    people: ScriptedAccount, zone: str
) -> None:
    """The first day began earlier, or later, than it does in the zone of today."""
    start = {"start_date": "2026-06-01"}
    people.documents[EVENTS] = [event("e1", "a", happened="2026-06-01T04:30:00+00:00")]
    first = run(tables=TABLES, **start)
    assert [row["id"] for row in first.rows("event")] == ["e1"]
    people.timezone = zone
    second = sync_a_day_later(people, first, **start)
    delete_profile(people, "a")
    third = sync_a_day_later(people, second, **start)
    assert [row["id"] for row in third.rows("event")] == ["e1"]


def test_reread_events_from_is_followed_once_for_each_value(people: ScriptedAccount) -> None:
    """Events since that day are written again by one sync; another value does it again."""
    first = run(tables=TABLES)
    since = {"reread_events_from": "2026-05-01"}
    runs = [sync_a_day_later(people, first, **since)]
    runs.append(sync_a_day_later(people, runs[-1], **since))
    runs.append(sync_a_day_later(people, runs[-1], reread_events_from="2026-05-02"))
    runs.append(sync_a_day_later(people, runs[-1], reread_events_from="2026-07-01"))
    assert [len(result.rows("event")) for result in runs] == [3, 0, 3, 0]


@pytest.mark.usefixtures("people")
def test_an_interrupted_first_sync_reads_again_what_it_read_since_that_day() -> None:
    """Times that were read beyond the watermark are read again, although the history has gaps."""
    state = run(tables="event").state
    (account,) = state["accounts"].values()
    account["tables"]["event"] = {
        "": {
            "watermark": "2026-03-01T00:00:00Z",
            "cold": "2026-03-01T00:00:00Z",
            "done": [["2026-04-01T00:00:00Z", "2026-08-01T00:00:00Z"]],
        }
    }
    assert run(state, tables="event").rows("event") == []
    done = run(state, tables="event", reread_events_from="2026-05-15")
    assert [row["id"] for row in done.rows("event")] == ["e1", "e2", "e3"]
