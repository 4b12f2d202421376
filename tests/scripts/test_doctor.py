"""The doctor judges each fact by Klaviyo's answers; its report names nothing of the account."""

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, get_args
from unittest.mock import Mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.doctor.__main__ import main
from scripts.doctor.answers import Answer
from scripts.doctor.checks import FACTS
from scripts.doctor.examination import Examination, Result
from scripts.doctor.facts import Verdict
from scripts.doctor.questions import LISTINGS, REPORTS
from session import KlaviyoSession
from streams import REPORTING, TABLES
from tests import altering_proxy, secret_scan
from tests.altering_proxy import Alteration, AlteringProxy, Answers, Exchange
from tests.fake_clock import FakeClock
from tests.sandbox_server import KEY, Sandbox, run_sandbox

ROOT = Path(__file__).parents[2]
NOW = "2026-11-21T12:00:00Z"
IDS = [fact.id for fact in FACTS]
MARK = re.compile(r"\(\?([^)]*)\)")
# Members of Klaviyo's documents that the checks read.
MEMBERS = (
    "id attributes relationships data definition groupings statistics measurements dimensions"
    " campaign_id event_properties subscriptions created 0"
).split()
WORDS = ("email", "self", "next", "prev")  # Klaviyo's and ours


@pytest.fixture(scope="module", name="sandbox")
def _sandbox() -> Iterator[Sandbox]:
    """An account with everything that the facts are about, and Klaviyo's rate limits."""
    with run_sandbox(now=NOW, events=20_000) as sandbox:
        yield sandbox


@dataclass(frozen=True)
class Recording:
    """The sandbox's answers to an examination at the pace of its rate limits, and what it shows."""

    answers: Answers
    results: dict[str, Result]


def run_examination(proxy: AlteringProxy) -> dict[str, Result]:
    """Examine the account behind a proxy; the results by fact."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KLAVIYO_BASE_URL", proxy.url)
        examination = Examination(KlaviyoSession(KEY), TABLES, lambda _: None)
        return {result.fact.id: result for result in examination.results()}


@pytest.fixture(scope="module", name="recording")
def _recording(sandbox: Sandbox) -> Recording:
    """One examination in real time; with its answers, later ones take no time."""
    answers: Answers = {}
    with altering_proxy.serve(sandbox.url, answers) as proxy:
        results = run_examination(proxy)
    for exchange in answers.values():
        shorten(exchange)
    return Recording(answers, results)


def shorten(exchange: Exchange) -> None:
    """Cut a long page: 201 events show as well as 1000 that a page holds more than 200."""
    document = json.loads(exchange.content)
    if isinstance(document.get("data"), list):
        most = 201 if "page[size]=1000" in exchange.request else 40
        document["data"] = document["data"][:most]
    exchange.content = json.dumps(document).encode()


def count_questions(tables: Collection[str]) -> int:
    """The requests of an examination of an account of which these tables are synced."""
    questions = {question for fact in FACTS for question in fact.asks}
    return sum(question.is_asked(tables) for question in questions)


def find_differing(results: Mapping[str, Result]) -> set[str]:
    """The facts that differ."""
    return {id_ for id_, result in results.items() if result.differs}


# ---------------------------------------------------------------- each fact, flipped once


def refuse(exchange: Exchange) -> None:
    """Answer as Klaviyo answers a wrong request."""
    exchange.status, exchange.document = 400, {"errors": [{"detail": "Invalid input."}]}


def accept(exchange: Exchange) -> None:
    """Answer with an empty listing."""
    exchange.status, exchange.document = 200, {"data": [], "links": {"self": "", "next": None}}


def throttle(exchange: Exchange) -> None:
    """Answer 429 without telling when to come back."""
    exchange.status, exchange.document = 429, {"errors": [{"detail": "Throttled."}]}


def set_header(name: str, value: str) -> Alteration:
    """Alter a header."""
    return lambda exchange: exchange.headers.update({name: value})


def set_link(name: str, link: str | None) -> Alteration:
    """Alter a link."""
    return lambda exchange: exchange.document["links"].update({name: link})


def drop_link(exchange: Exchange) -> None:
    """Leave the link to the next page out."""
    del exchange.document["links"]["next"]


def set_value(path: str, value: object) -> Alteration:
    """Alter a value; a function of the old value gives the new one."""

    def alter(exchange: Exchange) -> None:
        container: Any = exchange.document
        *steps, last = (int(step) if step.isdigit() else step for step in path.split("/"))
        for step in steps:
            container = container[step]
        container[last] = value(container[last]) if callable(value) else value

    return alter


def add_action_without_message_id(exchange: Exchange) -> None:
    """Give a flow an action whose message has no id."""
    pointer = {"type": "flow-action", "id": "1"}
    definition = {"type": "send-email", "data": {"message": {"name": ""}}}
    flow = exchange.document["data"][0]
    flow["relationships"]["flow-actions"]["data"].append(pointer)
    exchange.document["included"].append({**pointer, "attributes": {"definition": definition}})


def rename_flow_messages(exchange: Exchange) -> None:
    """Give each message of an action another id than the report's."""
    text = json.dumps(exchange.document)
    exchange.document = json.loads(re.sub(r'"message": \{"id": "', r"\g<0>x", text))


def rename_text_messages(exchange: Exchange) -> None:
    """Call text messages SMS, as Klaviyo did until July 2026."""
    for metric in exchange.document["data"]:
        attributes = metric["attributes"]
        attributes["name"] = re.sub("Text Messag(e|ing)", "SMS", attributes["name"])


def name_message_in_event(exchange: Exchange) -> None:
    """Let an event name a campaign's message where it names the campaign."""
    record = exchange.document["data"][0]
    if exchange.request.startswith("GET /api/events"):
        record["attributes"]["event_properties"]["$message"] = "message"
    else:
        record["id"] = "message"


def rename_cohort(exchange: Exchange) -> None:
    """Write the cohort's key without its prefix."""
    properties = exchange.document["data"][0]["attributes"]["event_properties"]
    properties["$message_send_cohort"] = properties.pop("$_cohort$message_send_cohort")


def clear_send_time(exchange: Exchange) -> None:
    """Let a sent message have neither a time nor times."""
    for message in exchange.document["data"]:
        message["attributes"]["definition"]["send_options"] = {"send_time": None}


def rename_reported_message(exchange: Exchange) -> None:
    """Give a campaign with one result another message id than its own."""
    rows = exchange.document["data"]["attributes"]["results"]
    campaigns = [row["groupings"]["campaign_id"] for row in rows]
    row = next(row for row in rows if campaigns.count(row["groupings"]["campaign_id"]) == 1)
    row["groupings"]["campaign_message_id"] = "another"


def clear_counts(exchange: Exchange) -> None:
    """Count nothing on any day."""
    for group in exchange.document["data"]["attributes"]["data"]:
        group["measurements"]["count"] = [0 for _ in group["measurements"]["count"]]


def add_day_before(exchange: Exchange) -> None:
    """Answer the day before the asked ones too."""
    aggregate = exchange.document["data"]["attributes"]
    first = datetime.fromisoformat(aggregate["dates"][0])
    aggregate["dates"].insert(0, (first - timedelta(days=1)).isoformat())
    for group in aggregate["data"]:
        for series in group["measurements"].values():
            series.insert(0, 0)


def count_no_opens(exchange: Exchange) -> None:
    """Count no person who opens on any day."""
    series = exchange.document["data"]["attributes"]
    for row in series["results"]:
        row["statistics"]["opens_unique"] = [0.0 for _ in series["date_times"]]


def drop_first_day(exchange: Exchange) -> None:
    """Leave the first day of a series out."""
    series = exchange.document["data"]["attributes"]
    del series["date_times"][0]
    for row in series["results"]:
        row["statistics"] = {name: days[1:] for name, days in row["statistics"].items()}


def add_opens(exchange: Exchange) -> None:
    """Count each opening of a flow message, not each person."""
    for row in exchange.document["data"]["attributes"]["results"]:
        row["statistics"]["opens"] = (row["statistics"]["opens"] or 0.0) + 1.0


RESULT = "data/attributes/results/0"
CAMPAIGNS = r"GET /api/campaigns\?(?!.*filter)"
METRICS, ROLES = "GET /api/metrics ", "GET /api/mapped-metrics"
MESSAGES = r"GET /api/campaign-messages\?.*sort=-updated"
FLOWS = r"GET /api/flows\?(?!.*filter)"
EVENTS = r"events\?page\[size\]=1000&sort=-datetime "
EMAILS = r"GET /api/events\?page\[size\]=1000&sort=-datetime&filter=equals\(metric_id,\S*\) "
CAMPAIGN_REPORT = "POST /api/campaign-values-reports .*variation_name"
CAMPAIGN_TOTALS = "POST /api/campaign-values-reports (?!.*variation_name)"
FLOW_REPORT = "POST /api/flow-values-reports"
FLOW_DAYS = "POST /api/flow-series-reports .*T23:59:59"
MESSAGE_DAYS = r'POST /api/metric-aggregates .*"\$message".*"America/New_York"'
FLIPS: dict[str, tuple[str, Alteration]] = {
    "rate-limit-windows": ("GET /api/accounts", set_header("ratelimit-limit", "15")),
    "rate-limit-remaining": (METRICS, set_header("ratelimit-remaining", "149")),
    "report-quota": (
        "segment-series",
        set_header("ratelimit-limit", "1, 1;w=1, 2;w=60, 100;w=86400"),
    ),
    "daily-quota": ("form-series", throttle),
    "unknown-record": ("GET /api/lists/NOPE01/profiles", accept),
    "forgotten-cursor": ("forgotten", refuse),
    "listings-accepted": ("GET /api/forms", refuse),
    "column-types": (r"GET /api/tags\?include", set_value("data/0/attributes/name", {})),
    "campaign-form": (CAMPAIGNS, set_value("data/0/attributes/definition", None)),
    "archived-campaigns": (
        CAMPAIGNS,
        set_value("data/0/attributes/definition/archived", value=True),
    ),
    "archived-flows": (FLOWS, set_value("data/0/attributes/archived", value=True)),
    "page-link": (EVENTS, set_link("next", "/api?page[offset]=2")),
    "last-page": ("GET /api/tag-groups", drop_link),
    "unpaged-links": (ROLES, set_link("next", None)),
    "message-variations": (
        MESSAGES,
        set_value("data/0/relationships/campaign-variations", {"data": []}),
    ),
    "message-send-times": (MESSAGES, clear_send_time),
    "flow-message-ids": (FLOWS, add_action_without_message_id),
    "metric-integration": (METRICS, set_value("data/0/attributes/integration/category", 7)),
    "text-message-names": (METRICS, rename_text_messages),
    "unmapped-roles": (ROLES, set_value("data/1/relationships", {"metric": {"data": None}})),
    "custom-metrics": (
        "GET /api/custom-metrics",
        set_value("data/0/attributes/definition", {"metric_groups": []}),
    ),
    "list-profile-count": (
        "profile_count",
        set_value("data/attributes/profile_count", None),
    ),
    "member-joined": (
        r"GET /api/lists/\w+/profiles\?",
        set_value("data/0/attributes/joined_group_at", None),
    ),
    "suppressions": (
        r"greater-or-equal\(subscriptions.email.marketing.suppression",
        set_value("data/0/attributes/subscriptions/email/marketing/suppression", []),
    ),
    "list-suppressions": (
        r"greater-or-equal\(subscriptions.email.marketing.list_suppressions",
        set_value("data/0/attributes/subscriptions/email/marketing/list_suppressions", []),
    ),
    "profiles-by-created": (r"greater-than\(created", set_value("data", lambda old: old[::-1])),
    "consent-rate": (
        r"GET /api/profiles\?additional-fields\[profile\]=subscriptions&page\[size\]=100&sort=upd",
        set_header("ratelimit-limit", "10, 10;w=1, 150;w=60"),
    ),
    "events-page-size": (EVENTS, set_value("data", lambda old: old[:200])),
    "future-filter": (r"GET /api/events.*greater-or-equal\(datetime", accept),
    "event-campaign": (f"{EMAILS}|{MESSAGES}", name_message_in_event),
    "event-cohorts": (EMAILS, rename_cohort),
    "event-credits": ("include=attributions", set_value("included/0/relationships", {})),
    "events-of-gone-people": (r"any\(id", accept),
    "reports-accepted": ("form-series", refuse),
    "aggregates-accepted": ("Inbox Provider", refuse),
    "money-refusal": (CAMPAIGN_TOTALS, refuse),
    "report-message-ids": (CAMPAIGN_REPORT, rename_reported_message),
    "report-zeros": (CAMPAIGN_REPORT, set_value(f"{RESULT}/statistics/opens", None)),
    "report-floats": (CAMPAIGN_REPORT, set_value(f"{RESULT}/statistics/clicks", int)),
    "report-variations": (
        CAMPAIGN_TOTALS,
        set_value(f"{RESULT}/statistics/recipients", lambda old: old + 1.0),
    ),
    "report-pages": (CAMPAIGN_REPORT, set_link("next", "/api?page[cursor]=2")),
    "flow-report-message-ids": (FLOWS, rename_flow_messages),
    "flow-days-add-up": (
        FLOW_REPORT,
        set_value(f"{RESULT}/statistics/delivered", lambda old: old + 1.0),
    ),
    "flow-uniques": (FLOW_DAYS, count_no_opens),
    "flow-opens": (FLOW_REPORT, add_opens),
    "series-days": (
        FLOW_DAYS,
        set_value("data/attributes/date_times/0", lambda old: f"{old[:10]}T00:00:00-05:00"),
    ),
    "last-7-days": ("last_7_days", drop_first_day),
    "form-versions-add-up": (
        "POST /api/form-series-reports .*form_version_id",
        set_value(f"{RESULT}/statistics/viewed_form/0", lambda old: old + 1),
    ),
    "series-zone": (MESSAGE_DAYS, clear_counts),
    "aggregate-dates": (
        MESSAGE_DAYS,
        set_value("data/attributes/dates/0", lambda old: f"{old[:10]}T12:00:00+00:00"),
    ),
    "aggregate-bounds": (MESSAGE_DAYS, add_day_before),
    "aggregate-dimensions": (
        r'"\$attributed_channel"',
        set_value("data/attributes/data/0/dimensions", []),
    ),
}


def test_sandbox_confirms_what_it_can_show(recording: Recording) -> None:
    """Every fact is confirmed on the sandbox, or its account has nothing that could show it."""
    results = recording.results
    assert list(results) == IDS
    assert find_differing(results) == set()
    undeterminable = {
        id_ for id_, result in results.items() if result.verdict == "not determinable"
    }
    assert undeterminable <= RARE.keys()


def examine(
    sandbox: Sandbox, recording: Recording, where: str, alter: Alteration
) -> dict[str, Result]:
    """Examine the recorded account with some answers altered; waits take no time."""
    with (
        pytest.MonkeyPatch.context() as patch,
        altering_proxy.serve(sandbox.url, recording.answers, where, alter) as proxy,
    ):
        patch.setattr("session.Clock", FakeClock)
        results = run_examination(proxy)
    assert proxy.altered
    return results


def test_fact_differs_alone(
    sandbox: Sandbox, recording: Recording, subtests: pytest.Subtests
) -> None:
    """An answer that contradicts a fact makes that fact differ, and no other."""
    for id_ in IDS:
        with subtests.test(id_):
            assert find_differing(examine(sandbox, recording, *FLIPS[id_])) == {id_}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(MEMBERS), inner, max_size=4)
    ),
    max_leaves=8,
)


@settings(max_examples=40)
@given(
    st.dictionaries(st.sampled_from(("data", "results", "dates", "date_times", "included")), JSON)
)
def test_no_form_of_answer_ends_an_examination(document: dict[str, Any]) -> None:
    """Whatever JSON Klaviyo answers, each fact gets a verdict and a reason."""
    for fact in FACTS:
        verdict, seen = fact.judge([Answer({**document, "links": {}}) for _ in fact.asks])
        assert verdict in get_args(Verdict)
        assert seen


def test_an_own_error_ends_an_examination(
    sandbox: Sandbox, recording: Recording, subtests: pytest.Subtests
) -> None:
    """A fault of ours in a question, an answer or a check is raised, not called Klaviyo's."""
    for function, mistake in {
        "scripts.doctor.questions.format_utc": TypeError,
        "scripts.doctor.answers.documents": KeyError,
        "scripts.doctor.checks.people.to_utc_datetime": AttributeError,
        "scripts.doctor.checks.reports.related_resources": ValueError,
    }.items():
        with subtests.test(function), pytest.MonkeyPatch.context() as patch:
            patch.setattr(function, Mock(side_effect=mistake("our own mistake")))
            with pytest.raises(mistake, match="our own mistake"):
                examine(sandbox, recording, "GET", lambda _: None)


def spend_quota(exchange: Exchange) -> None:
    """Answer that the quota of a day is used up."""
    throttle(exchange)
    exchange.headers["retry-after"] = "40000"


def refuse_money(exchange: Exchange) -> None:
    """Refuse the statistics of money, as recorded."""
    detail = "Passed in conversion metric does not support querying for values data"
    exchange.status, exchange.document = 400, {"errors": [{"detail": detail}]}


def erase_people(exchange: Exchange) -> None:
    """Erase everybody, and redact their addresses."""
    if "any(id" in exchange.request:
        accept(exchange)
    else:
        exchange.document = json.loads(json.dumps(exchange.document).replace("@", ""))


def set_several_times(exchange: Exchange) -> None:
    """Let sent messages have several times in place of one."""
    times = {"send_time": None, "send_times": {"v1": NOW}}
    for message in exchange.document["data"]:
        message["attributes"]["definition"]["send_options"] = times


RARE: dict[str, tuple[str, Alteration]] = {
    "daily-quota": (FLOW_REPORT, spend_quota),
    "events-of-gone-people": (r"sort=-datetime |any\(id", erase_people),
    "message-send-times": (MESSAGES, set_several_times),
    "money-refusal": (CAMPAIGN_TOTALS, refuse_money),
    "report-pages": (CAMPAIGN_REPORT, set_link("next", "/api?page_cursor=2")),
}


def test_rare_fact_is_confirmed_where_it_shows(
    sandbox: Sandbox, recording: Recording, subtests: pytest.Subtests
) -> None:
    """What the sandbox's account cannot show is confirmed on an account that can."""
    for id_, alteration in RARE.items():
        with subtests.test(id_):
            results = examine(sandbox, recording, *alteration)
            assert results[id_].verdict == "confirmed"
            assert find_differing(results) <= find_differing(recording.results)


# ---------------------------------------------------------------- the command


@pytest.fixture(name="run")
def _run(
    sandbox: Sandbox, recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], int]]:
    """Run the command on the recorded account; waits take no time."""
    monkeypatch.setattr("session.Clock", FakeClock)
    with altering_proxy.serve(sandbox.url, recording.answers) as proxy:
        monkeypatch.setenv("KLAVIYO_BASE_URL", proxy.url)

        def run(keys: str) -> int:
            monkeypatch.setenv("KLAVIYO_API_KEY", keys)
            return main([])

        yield run


def forbid(exchange: Exchange) -> None:
    """Answer that the key lacks the scope."""
    exchange.status, exchange.document = 403, {"errors": [{"detail": "Missing scope."}]}


def fail(exchange: Exchange) -> None:
    """Answer that the server failed."""
    exchange.status, exchange.document = 500, {"errors": [{"detail": "A server error occurred."}]}


FAILING: dict[str, set[str]] = {
    "GET /api/(segments|forms)\\?": {"listings-accepted", "column-types"},
    "POST /api/form-series-reports": {"reports-accepted"},
    "Inbox Provider": {"aggregates-accepted"},
}


def test_a_request_without_an_answer_confirms_nothing(
    sandbox: Sandbox, recording: Recording, subtests: pytest.Subtests
) -> None:
    """Where some requests of a fact fail, it is not determinable, and the report says which."""
    for request, facts in FAILING.items():
        with subtests.test(request):
            results = examine(sandbox, recording, request, fail)
            assert find_differing(results) == set()
            named = {id_ for id_ in results if results[id_].seen.startswith("not answered: ")}
            assert named == facts
            assert all(results[id_].verdict == "not determinable" for id_ in named)


def test_only_listings_that_were_asked_for_are_counted(
    sandbox: Sandbox, recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table that is not synced, or needs a scope, is no listing that Klaviyo did not accept."""
    monkeypatch.setattr("session.Clock", FakeClock)
    with altering_proxy.serve(sandbox.url, recording.answers, "GET /api/webhooks", forbid) as proxy:
        monkeypatch.setenv("KLAVIYO_BASE_URL", proxy.url)
        examination = Examination(KlaviyoSession(KEY), REPORTING, lambda _: None)
        results = {result.fact.id: result for result in examination.results()}
    asked = sum(question.is_asked(REPORTING) for question in LISTINGS.values()) - 1
    assert results["listings-accepted"].verdict == "confirmed"
    assert results["listings-accepted"].seen == f"{asked} of {asked} accepted"


def test_no_account_is_an_error_without_a_traceback(
    sandbox: Sandbox,
    recording: Recording,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An answer without any account ends the command with 1 and says so."""
    with altering_proxy.serve(sandbox.url, recording.answers, "/api/accounts", accept) as proxy:
        monkeypatch.setenv("KLAVIYO_BASE_URL", proxy.url)
        monkeypatch.setenv("KLAVIYO_API_KEY", KEY)
        assert main([]) == 1
    assert "account 1 of 1: nothing is listed: the account" in capsys.readouterr().err


def find_texts(value: Any) -> Iterator[str]:
    """Every text and every number of a document, however deep."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from find_texts(item)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def test_report_names_nothing_of_the_account(
    run: Callable[[str], int], recording: Recording, tmp_path: Path
) -> None:
    """No id, name or address that Klaviyo answered is in the file, nor the key in any form."""
    run(KEY)
    report = (tmp_path / "build" / "doctor.md").read_text()
    own = " ".join([*IDS, *(f"{fact.sentence} {fact.expected}" for fact in FACTS), *WORDS])
    documents = [json.loads(exchange.content) for exchange in recording.answers.values()]
    texts = {text for document in documents for text in find_texts(document)}
    assert len(texts) > 10_000
    words = set(re.findall(r"\w+", report)) - set(re.findall(r"\w+", own))
    assert {text for text in texts if text in words and not text.isdigit()} == set()
    found = {text for text in texts if len(text) > 5 and text in report and text not in own}
    assert found == set()
    assert secret_scan.find_leaks({"doctor.md": report.encode()}, secret_scan.key_forms(KEY)) == []


def test_progress_and_table_are_printed(
    run: Callable[[str], int], recording: Recording, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each request is shown as it is sent, then every fact with its verdict; never the key."""
    code = run(KEY)
    out, err = capsys.readouterr()
    numbers = [str(number) for number in range(1, count_questions(REPORTING) + 1)]
    assert re.findall(r"^\[ ?(\d+)/", out, re.MULTILINE) == numbers
    assert re.findall(r"^([\w-]+): ", out, re.MULTILINE) == IDS
    differing = find_differing(recording.results)
    assert code == (1 if differing else 0)
    assert all(id_ in err for id_ in differing)
    assert (
        secret_scan.find_leaks(
            {"out": out.encode(), "err": err.encode()}, secret_scan.key_forms(KEY)
        )
        == []
    )


def test_only_reads(run: Callable[[str], int], recording: Recording) -> None:
    """Every request is a GET, a report or an aggregate, and each report is asked twice at most."""
    run(KEY)
    posts = [request.split()[1] for request in recording.answers if request.startswith("POST ")]
    reports = [path for path in posts if path.endswith("-reports")]
    others = {path for path in posts if path not in reports}
    assert others == {"/api/metric-aggregates"}
    assert max(map(reports.count, reports)) == 2
    assert all(request.startswith(("GET ", "POST ")) for request in recording.answers)


def test_keys_of_one_account_are_examined_once(
    run: Callable[[str], int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A second key of the same account adds nothing to the file."""
    run(f"{KEY},{KEY}_2")
    assert "the same account" in capsys.readouterr().out
    assert "## Account 1 of 1: " in (tmp_path / "build" / "doctor.md").read_text()


@pytest.mark.parametrize(
    ("keys", "url", "reason"),
    [
        ("", "", "KLAVIYO_API_KEY is not set"),
        ("klaviyo", "", "KLAVIYO_API_KEY is malformed"),
        (KEY, "https://example.com", "KLAVIYO_BASE_URL may only name a sandbox"),
    ],
)
def test_bad_setting_is_named(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    keys: str,
    url: str,
    reason: str,
) -> None:
    """A missing or malformed setting ends the command with 2 before any request."""
    monkeypatch.setenv("KLAVIYO_API_KEY", keys)
    monkeypatch.setenv("KLAVIYO_BASE_URL", url)
    assert main([]) == 2
    assert reason in capsys.readouterr().err


def test_rejected_key_is_named_by_its_position(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A key that Klaviyo rejects ends the command with 2; nothing is written."""
    keys = ["pk_good_key@7:accounts:read", "pk_other"]
    with run_sandbox(campaigns=2, profiles=20, no_limits=True, api_key=keys[:1]) as sandbox:
        monkeypatch.setenv("KLAVIYO_BASE_URL", sandbox.url)
        monkeypatch.setenv("KLAVIYO_API_KEY", "pk_good_key,pk_other")
        assert main([]) == 2
    out, err = capsys.readouterr()
    assert "KLAVIYO_API_KEY: account 2 of 2: Klaviyo rejected the API key" in err
    # With the scope of accounts alone, nothing else can be determined.
    assert "the key lacks the scope" in out
    assert not (tmp_path / "build").exists()


def test_facts_and_their_marks_agree() -> None:
    """docs/klaviyo_facts.md marks unproven facts by their id, and lists each with its sentence."""
    text = (ROOT / "docs" / "klaviyo_facts.md").read_text()
    listed = dict(re.findall(r"^- (.+) \(\? ([\w-]+)\)$", text, re.MULTILINE))
    assert listed == {fact.sentence: fact.id for fact in FACTS}
    assert {mark.strip() for mark in MARK.findall(text)} == set(IDS)
    few, most = count_questions(REPORTING), count_questions(TABLES)
    assert f"sends {few} requests that only read, {most} if all tables are synced" in text
    assert f"requests {len(REPORTS)}: at most" in text
