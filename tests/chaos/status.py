"""H: what Klaviyo answers instead of data."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from api import AuthError, ContractError, CursorError, ScopeError, TransientError
from asking import Asking, Clock, QuotaSpentError

from tests.chaos.row import Case, Row, quick
from tests.chaos.striking import (
    ACCOUNTS,
    AGGREGATE,
    EVENTS,
    OFTEN,
    PAGED,
    REPORT,
    SEGMENTS,
    lasting,
    passing,
)
from tests.chaos.trial import EVERYTHING, KEY, Clean, DebuggedOnSandbox, OnSandbox, difference
from tests.sandbox_server import running_sandbox

MINUTES = 60.0
FAILING = ("500", "502", "503", "504", "524")
BROKEN = ("html200", "empty", "list200", "object200", "errors200")


def retry_after(wish: Any, least: float, most: float) -> Case:
    """Klaviyo's wish is waited out, and hardly more, before the same is asked again."""

    def happen(trial: OnSandbox) -> None:
        trial.fault("429", times=1, after=2, retry_after=wish)
        trial.sync()
        assert least <= max(trial.waits) <= most

    return quick(Case(f"Retry-After {wish}", happen))


def spent_quota(trial: OnSandbox) -> None:
    """Reports that Klaviyo refuses until tomorrow are warned of, and asked for by then."""
    trial.fault("429", retry_after=40_000, path=REPORT)
    trial.sync()
    (warning,) = trial.loader.warnings
    assert "quota" in warning
    trial.sandbox.clear_faults()
    trial.sandbox.advance(86_400)
    trial.renew_truth()
    trial.sync()
    forget_snapshots(trial)


def forget_snapshots(trial: OnSandbox) -> None:
    """Leave out the table whose rows are of the days on which a sync saw them."""
    tables = dict(trial.clean.tables)
    tables["campaign_performance_daily"] = trial.found()["campaign_performance_daily"]
    trial.clean = Clean(tables, trial.clean.calls, trial.clean.records)


def every_second_call(trial: OnSandbox) -> None:
    """However often it is throttled, waits do not run away, even with chance at its longest."""
    trial.fault("429", every=2, retry_after=1)
    trial.sync()
    refused = sum(one["status"] == 429 for one in trial.sandbox.log())
    assert max(trial.waits) <= 2  # a second was asked for, up to a second is chance
    assert sum(trial.waits) <= 2.1 * refused


def well_paced(trial: OnSandbox) -> None:
    """Two real minutes: nothing is refused, and 80 % of what is allowed is asked."""
    allowed = 2 * 150  # requests for metrics

    def ask(asking: Asking) -> None:
        ends = time.monotonic() + 2 * MINUTES
        while time.monotonic() < ends:
            asking.get("/api/metrics")

    with (
        running_sandbox(campaigns=2, profiles=10) as limited,
        pytest.MonkeyPatch.context() as patch,
        ThreadPoolExecutor(4) as pool,
    ):
        patch.setenv("KLAVIYO_BASE_URL", limited.url)
        patch.setattr("asking.Clock", Clock)  # here everybody waits
        list(pool.map(ask, [Asking(KEY)] * 4))
        statuses = [one["status"] for one in limited.log()]
    assert set(statuses) == {200}
    assert len(statuses) >= 0.8 * allowed
    trial.sync()


def storm(name: str) -> Case:
    """Two minutes in which nothing is answered, then all is well."""

    def happen(trial: OnSandbox) -> None:
        trial.fault(name, after=3)

        def clear_up() -> None:
            if sum(trial.waits) >= 2 * MINUTES:
                trial.sandbox.clear_faults()

        trial.meanwhile = clear_up
        error = trial.attempt()  # no question is asked more than six times
        if error is not None:
            assert type(error) is TransientError
            trial.recover()

    return Case(f"{name} for two minutes", happen)


def history(path: str, name: str, error: Any) -> Case:
    """All the windows of a first sync are asked for again, not the latest alone."""

    def happen(trial: OnSandbox) -> None:
        trial.begin_anew()
        trial.fault(name, path=path, after=1)
        trial.sync(error)
        trial.recover()

    at = path.removeprefix("/api/").removesuffix("$")
    return Case(f"{name} in a first sync at {at}", happen)


def one_way_out(path: str, after: int) -> Case:
    """After a 401 nothing more is asked: a key does not mend itself. Another key goes on."""

    def happen(trial: OnSandbox) -> None:
        trial.fault("401", path=path, after=after)
        trial.sync(AuthError, "rejected the API key: check api_key")
        statuses = [one["status"] for one in trial.sandbox.log()]
        assert statuses.count(401) == 1
        trial.loader.configuration = {**EVERYTHING, "api_key": "pk_rotated_key"}
        trial.recover()

    return quick(Case(f"401 after {after} at {path.strip('$') or 'once'}", happen))


def one_scope(path: str, scope: str, tables: str) -> Case:
    """Its tables are skipped with one warning that names the scope; the others are whole."""

    def happen(trial: OnSandbox) -> None:
        apart = tables.split(", ")
        known = trial.known(apart[0])
        trial.fault("403scope", path=path)
        trial.sync()
        (warning,) = trial.loader.warnings
        assert scope in warning
        assert f"skipped {tables};" in warning
        whole = {name: rows for name, rows in trial.clean.tables.items() if name not in apart}
        rest = {name: rows for name, rows in trial.found().items() if name not in apart}
        assert difference(whole, rest) == (0, 0, 0)
        assert known == trial.known(apart[0])
        trial.recover()

    return quick(Case(scope, happen))


def no_scope(trial: OnSandbox) -> None:
    """Without any scope there is nothing to sync, and that is no success."""
    trial.fault("403scope", path="/api/(?!accounts)")
    trial.sync(ScopeError, r"campaigns:read.*events:read")
    trial.recover()


def refused_filter(trial: OnSandbox) -> None:
    """A refused filter is not asked again; Klaviyo's words are passed on."""
    trial.fault("filter400", path=SEGMENTS)
    trial.sync(ContractError, r"/api/segments: Klaviyo answered 400 \(Bad filter\.\)")
    asked = [one for one in trial.sandbox.log() if one["path"] == "/api/segments"]
    assert len(asked) == 1
    trial.recover()


def deleted_meanwhile(trial: OnSandbox) -> None:
    """A message that is gone when its variations are asked for: only what they tell is missing."""
    trial.begin_anew()
    trial.fault("404", path="/api/campaign-messages/[^/]+/campaign-variations$", times=1)
    trial.sync()
    (gone,) = [one["path"] for one in trial.sandbox.log() if one["status"] == 404]
    variations = trial.clean.tables["campaign_variation"]
    left = [row for row in variations if row["campaign_message_id"] not in gone]
    assert len(left) < len(variations)
    messages = [
        {**row, "channel": None} if row["id"] in gone else row
        for row in trial.clean.tables["campaign_message"]
    ]
    told = {"campaign_variation": left, "campaign_message": messages}
    trial.clean = Clean({**trial.clean.tables, **told}, trial.clean.calls, trial.clean.records)


def bad_key(trial: DebuggedOnSandbox) -> None:
    """The real process ends at once, in one line, and another key goes on."""
    trial.sandbox.fault("401")
    trial.sync(1, "Klaviyo rejected the API key: check api_key")
    assert len(trial.sandbox.log()) == 1
    trial.sandbox.clear_faults()
    trial.sync()


ROWS = [
    Row(
        "H1",
        "429 with Retry-After as seconds, 0, a date, junk, negative, an hour, or without",
        "at least what was asked for, at most a second more; over 15 minutes: exit 1 and when to"
        " retry; without: full jitter, up to 60 s",
        [
            *(passing("429", str(one), **OFTEN, retry_after=one) for one in (1, 0, "soon", -5)),
            quick(passing("429", "date", **OFTEN, retry_after="date")),
            passing("429", "none", **OFTEN, retry_after="none"),
            retry_after(7, 7, 8),
            retry_after("date", 2, 3),
            retry_after(0, 0, 2),
            *lasting("429", TransientError, label="none", retry_after="none"),
            *lasting(
                "429",
                QuotaSpentError,
                EVENTS,
                SEGMENTS,
                ACCOUNTS,
                label="3600",
                says="retry in 60 minutes or later",
                retry_after=3600,
            ),
            quick(Case("quota of reports spent", spent_quota)),
        ],
        "Airbyte: dates not read (code); tap-klaviyo: header ignored, 3 tries",
    ),
    Row(
        "H2",
        "429 to every second call",
        "no wait runs away: each is what Klaviyo asked for and a second at most",
        [quick(Case("all through", every_second_call))],
    ),
    Row(
        "H3",
        "Klaviyo counts requests by the second and by the minute",
        "no 429, at 80 % or more of the allowed rate; bursts: test_allowance.py",
        [Case("metrics for two minutes", well_paced)],
    ),
    Row(
        "H4",
        "500, 502, 503, 504, 524: now and then, or for two minutes",
        "at most 6 attempts a call; waits spread by full jitter (test_asking.py)",
        [
            quick(passing("503", **OFTEN)),
            *(passing(one, **OFTEN) for one in FAILING if one != "503"),
            *map(storm, FAILING),
        ],
    ),
    Row(
        "H5",
        "5xx for ever",
        "exit 1 within 10 minutes a question; what was finished is kept",
        [
            *(case for one in FAILING for case in lasting(one, TransientError)),
            quick(history(REPORT, "500", TransientError)),
            history(AGGREGATE, "500", TransientError),
        ],
    ),
    Row(
        "H6",
        "401 at the start or midway, then another key",
        "no retry; the message says what to do; the next sync goes on",
        [
            one_way_out("", 0),
            one_way_out("", 10),
            one_way_out("/api/segments$", 0),
            Case("in fivetran debug", bad_key, stage="debug"),
        ],
        "Airbyte: exit 1, good message; tap-klaviyo: not run",
    ),
    Row(
        "H7",
        "403 for a missing scope on one table or all; a firewall's 403 in HTML",
        "skipped with one warning that names the scope, exit 0; all: exit 1; HTML: asked again",
        [
            one_scope(EVENTS, "events:read", "event, event_attribution"),
            one_scope("/api/forms$", "forms:read", "form, form_daily"),
            quick(Case("no scope at all", no_scope)),
            quick(passing("html403", **OFTEN)),
            *lasting("html403", TransientError),
        ],
        "Airbyte: fails; tap-klaviyo: not run",
    ),
    Row(
        "H8",
        "400: the cursor or the filter is refused",
        "cursor: listed again, three times at most; filter: exit 1 with Klaviyo's words",
        [
            quick(passing("cursor400", times=2, every=9)),
            *lasting("cursor400", CursorError, EVENTS, SEGMENTS),
            quick(Case("filter", refused_filter)),
        ],
    ),
    Row(
        "H9",
        "404: a record is deleted between its listing and its details",
        "its details are missing, all else is whole",
        [quick(Case("message", deleted_meanwhile))],
    ),
    Row(
        "H10",
        "200 with HTML, nothing, a list, an empty object, errors, no links or no data",
        "asked again, then exit 1; never the end of the data",
        [
            *(passing(one, **OFTEN) for one in BROKEN),
            *(quick(passing(one, **OFTEN, path=PAGED)) for one in ("no_links", "no_data")),
            *(case for one in BROKEN for case in lasting(one, ContractError)),
            *lasting("no_data", ContractError),
            *lasting("no_links", ContractError, EVENTS, SEGMENTS, REPORT, AGGREGATE),
            history(REPORT, "empty", ContractError),
            history(AGGREGATE, "empty", ContractError),
        ],
        "Airbyte: exit 0, 178 of 1,000 lost for good (HTML), 78 (no links);"
        " tap-klaviyo: ok (HTML), KeyError and resumes (no links)",
    ),
]
