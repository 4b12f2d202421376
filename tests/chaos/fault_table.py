"""The fault table: what goes wrong, the rule that holds then, and each way to inject it.

To add a fault, add a `fault` to its section; to add a way to inject it, add a `case` to the fault.
"""

import json
import math
import signal
from datetime import timedelta
from typing import Any

import pytest

import api
from api import ContractError, CursorError, TooLargeError, TransientError
from session import QuotaSpentError
from tables.converters import CUT, DIGITS, TEXT_LENGTH
from tests.chaos.fault_case import Fault, FaultCase, case, fault, quick
from tests.chaos.fault_patterns import (
    ACCOUNTS,
    AGGREGATE,
    EVENTS,
    INTERMITTENT,
    PAGED,
    REPORT,
    SEGMENTS,
    in_debug,
    in_first_sync,
    persistent,
    transient,
)
from tests.chaos.injections import moving_data, odd_values, process, responses, security, transport
from tests.chaos.injections.odd_values import (
    LONG_NUMBER,
    events,
    nested_objects,
    no_number,
    odd,
    odd_datetime,
)
from tests.chaos.runs import KEY, SHORT_DEADLINE

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
MEGABYTE = 2**20
WHEN = "2026-11-20 16:00:00+00:00"  # an hour before noon in New York
FAILURES = ("500", "502", "503", "504", "524")
NO_DOCUMENT = ("html200", "empty", "list200", "object200", "errors200")
SHOWN_AT_ONCE = "/api/(campaigns|events|metrics|segments)$"
KILL, CHECKPOINTING = process.SELF_KILL, process.CHECKPOINTING
NO_PAST_TIME = "is no past time .*restore"
ADDRESS = "KLAVIYO_BASE_URL may only name a"
SCOPES = "events:read", "forms:read"
BOMB: dict[str, Any] = {"message": "larger than 64 MiB", "megabytes": 200}
OF_FORMS = "form", "form_daily", "form_version", "form_version_daily"

PROCESS = [
    fault(
        "P1",
        "kill -9 at random moments, again and again",
        "the next run completes the tables; a kill costs at most the rows between two checkpoints",
        [case(f"6 kills, seed {seed}", process.kill_at_random, 6, seed) for seed in range(20)],
    ),
    fault(
        "P2",
        "kill -9 between a row and its checkpoint, or right after the checkpoint",
        "rows since the checkpoint are read again, none is twice in the warehouse",
        case("before", process.kill_at_checkpoint, KILL + CHECKPOINTING),
        case("after", process.kill_at_checkpoint, CHECKPOINTING + KILL),
    ),
    fault(
        "P3",
        "SIGTERM or SIGINT at the beginning or after a checkpoint",
        "the exit code is not 0; rows and state of the last checkpoint are kept",
        case("SIGTERM at beginning", process.send_signal, signal.SIGTERM, process.UPDATE),
        case("SIGTERM at checkpoint", process.send_signal, signal.SIGTERM, process.CHECKPOINT),
        case("SIGINT at beginning", process.send_signal, signal.SIGINT, process.UPDATE),
        case("SIGINT at checkpoint", process.send_signal, signal.SIGINT, process.CHECKPOINT),
    ),
    fault(
        "P4",
        "a kill after each operation in turn, while a dozen events of one second span four pages",
        "none of them is missed",
        quick(case("each operation", process.kill_on_a_tie)),
        rivals="not run (textbook connector: 2 lost)",
    ),
    fault(
        "P5",
        "the state is missing, empty, cut short, of another version, of another type, with unknown"
        " keys, with watermarks in 1970 or 2999, with any value altered",
        "missing, empty, unknown keys, 1970: exit 0; else exit 1 in one line before any harm. A"
        " watermark ahead is refused, not pulled back: that would hide what is between",
        case("missing", process.edit_state, lambda _: None),
        case("empty", process.edit_state, lambda _: {}),
        case("unknown keys", process.edit_state, lambda state: {**state, "what": "is this"}),
        case("in 1970", process.set_watermarks, "1970-01-01T00:00:00.000000Z"),
        case("in 2999", process.set_watermarks, "2999-01-01T00:00:00.000000Z", NO_PAST_TIME),
        case("no time", process.set_watermarks, "yesterday", "damaged.*restore"),
        case("newer", process.edit_state, lambda s: {**s, "version": 2}, "version 2.*restore"),
        case("older", process.edit_state, lambda s: {**s, "version": 0}, "version 0.*restore"),
        case("foreign", process.edit_state, lambda _: {"cursor": 7}, "no version.*restore"),
        case("with holes", process.edit_state, lambda _: {"version": 1}, "damaged.*restore"),
        case("any value", process.damage_any_value),
        case("cut short", process.edit_state, lambda s: json.dumps(s)[:99], "invalid state"),
    ),
    fault(
        "P6",
        "the warehouse is locked by another process; the disk is full; the loader fails",
        "exit 1, and the next run completes the tables",
        case("locked", process.lock_warehouse),
        case("full", process.fill_disk),
        case("loader", process.fail_loader),
    ),
    fault(
        "P7",
        "a million events in one sync",
        "less than 300 MB, and at most a fifth more than after the first 300,000",
        case("events", process.read_a_million_events),
    ),
]

TRANSPORT = [
    fault(
        "T1",
        "the connection is reset, before or in the response",
        "the request is retried",
        quick(transient("reset", **INTERMITTENT)),
        persistent("reset", TransientError),
    ),
    fault(
        "T2",
        "the response ends early, in each of HTTP's framings",
        "the request is retried; a short page is never taken for a complete one",
        quick(transient("truncated", "gzip", **INTERMITTENT, framing="gzip")),
        [
            transient("truncated", framing, **INTERMITTENT, framing=framing)
            for framing in ("close", "length", "chunked")
        ],
        persistent("truncated", TransientError, label="length", framing="length"),
        persistent("truncated", TransientError, label="chunked", framing="chunked"),
        persistent("truncated", ContractError, label="close", framing="close"),
        persistent("truncated", ContractError, label="gzip", framing="gzip"),
        rivals="Airbyte: exit 0, 178 of 1,000 lost for good; tap-klaviyo: ok",
    ),
    fault(
        "T3",
        "headers or body arrive byte by byte without end",
        f"the request is abandoned at its deadline (60 s; {SHORT_DEADLINE:.0f} s here) and retried",
        transient("slow", "body", times=1, after=2, head=False),
        transient("slow", "head", times=1, after=2, head=True),
        persistent("slow", TransientError, EVENTS, ACCOUNTS, label="body", head=False),
        persistent("slow", TransientError, EVENTS, REPORT, label="head", head=True),
        rivals="Airbyte: hangs (60 s limit); tap-klaviyo: not run",
    ),
    fault(
        "T4",
        "no response; a refused connection; a host name that is not found",
        "the request is tried up to 6 times within 10 minutes, then exit 1",
        transient("stall", times=1, after=2),
        persistent("stall", TransientError, EVENTS, ACCOUNTS, REPORT),
        case("refused three times", transport.fail_connections, "refused", 3),
        case("no name three times", transport.fail_connections, "no name", 3),
        case("refused for ever", transport.refuse_connections),
        case("no name for ever", transport.fail_connections, "no name", 6),
    ),
    fault(
        "T5",
        f"a body of more than {api.BODY_LIMIT >> 20} MiB in a small gzip",
        "it is not unpacked beyond that: exit 1 at once, in less than 300 MB",
        persistent("bomb", TooLargeError, ACCOUNTS, SEGMENTS, EVENTS, **BOMB),
        persistent("bomb", ContractError, REPORT, AGGREGATE, **BOMB),
        case("memory", transport.measure_gzip_bomb),
    ),
    fault(
        "T6",
        "a certificate that is self-signed, of another host or expired",
        "exit 1 after one attempt; the message names the certificate",
        case("self-signed", transport.show_certificate, "self-signed"),
        case("of another host", transport.show_certificate, "of another host"),
        case("expired", transport.show_certificate, "expired"),
    ),
    fault(
        "T7",
        "a redirect to the same host, another one or plain HTTP",
        "it is not followed: exit 1, and the other host gets no connection",
        case("redirect to another host", transport.redirect, "{other}/api/accounts"),
        case("redirect to the same host", transport.redirect, "{own}/api/lists"),
        case("redirect to plain HTTP", transport.redirect, "http://a.klaviyo.com/api/accounts"),
        persistent("redirect", ContractError),
    ),
]

RESPONSES = [
    fault(
        "H1",
        "429 with Retry-After as seconds, 0, a date, junk, negative, an hour, or without",
        "the wait is at least what was asked for, at most a second more; over 15 minutes: exit 1"
        " and when to retry; without: full jitter, up to 60 s",
        [
            transient("429", str(value), **INTERMITTENT, retry_after=value)
            for value in (1, 0, "soon", -5, "none")
        ],
        transient("429", "date", **INTERMITTENT, retry_after="date"),
        case("Retry-After 7", responses.retry_after, 7, 7, 8),
        case("Retry-After 0", responses.retry_after, 0, 0, 2),
        quick(
            case("Retry-After date", responses.retry_after, "date", 2, 3),
            case("quota of reports spent", responses.spend_report_quota),
        ),
        persistent("429", TransientError, label="none", retry_after="none"),
        persistent(
            *("429", QuotaSpentError, EVENTS, SEGMENTS, ACCOUNTS),
            label="3600",
            message="retry in 60 minutes or later",
            retry_after=3600,
        ),
        rivals="Airbyte: dates not read (code); tap-klaviyo: header ignored, 3 tries",
    ),
    fault(
        "H2",
        "429 to every second request",
        "no wait grows: each is what Klaviyo asked for and a second at most",
        case("all through", responses.throttle_every_second_request),
    ),
    fault(
        "H3",
        "Klaviyo limits requests by the second and by the minute",
        "no 429, at 80 % or more of the allowed rate; bursts: tests of the rate limiter",
        case("metrics for two minutes", responses.limit_requests),
    ),
    fault(
        "H4",
        "500, 502, 503, 504, 524: now and then, or for two minutes",
        "at most 6 attempts a request; waits have full jitter (tests of the retries)",
        [transient(failure, **INTERMITTENT) for failure in FAILURES],
        [
            case(f"{failure} for two minutes", responses.fail_for_two_minutes, failure)
            for failure in FAILURES
        ],
    ),
    fault(
        "H5",
        "5xx for ever",
        "exit 1 within 10 minutes a request; what was completed is kept",
        *(persistent(failure, TransientError) for failure in FAILURES),
        quick(in_first_sync("500", TransientError, REPORT)),
        in_first_sync("500", TransientError, AGGREGATE),
    ),
    fault(
        "H6",
        "401 at the start or later, then another key",
        "no retry; the message says what to do; the next sync resumes",
        case("401 after 0 at once", responses.reject_key, "", 0),
        quick(case("401 after 10 at once", responses.reject_key, "", 10)),
        case("401 after 0 at /api/segments", responses.reject_key, SEGMENTS, 0),
        case("in fivetran debug", responses.reject_key_of_debug),
        rivals="Airbyte: exit 1, good message; tap-klaviyo: not run",
    ),
    fault(
        "H7",
        "403 for a missing scope on one table or all; a firewall's 403 in HTML",
        "skipped with one warning that names the scope, exit 0; all: exit 1; HTML: retried",
        quick(
            case(SCOPES[0], responses.lack_scope, EVENTS, SCOPES[0], "event", "event_attribution"),
        ),
        case("no scope at all", responses.lack_all_scopes),
        transient("html403", **INTERMITTENT),
        case(SCOPES[1], responses.lack_scope, "/api/forms$", SCOPES[1], *OF_FORMS),
        persistent("html403", TransientError),
        rivals="Airbyte: fails; tap-klaviyo: not run",
    ),
    fault(
        "H8",
        "400: the cursor or the filter is refused",
        "cursor: the listing is read again, three times at most; filter: exit 1 with Klaviyo's"
        " detail",
        quick(transient("cursor400", times=2, every=9)),
        case("filter", responses.refuse_filter),
        persistent("cursor400", CursorError, EVENTS, SEGMENTS),
    ),
    fault(
        "H9",
        "404: a record is deleted between its listing and its details",
        "its details are missing, all else is complete",
        quick(case("message", responses.delete_before_details)),
    ),
    fault(
        "H10",
        "200 with HTML, nothing, a list, an empty object, errors, no links or no data",
        "the request is retried, then exit 1; never the end of the data",
        [transient(body, **INTERMITTENT) for body in NO_DOCUMENT],
        quick(transient("no_links", **INTERMITTENT, path=PAGED)),
        transient("no_data", **INTERMITTENT, path=PAGED),
        *(persistent(body, ContractError) for body in (*NO_DOCUMENT, "no_data")),
        persistent("no_links", ContractError, EVENTS, SEGMENTS, REPORT, AGGREGATE),
        in_first_sync("empty", ContractError, REPORT, AGGREGATE),
        rivals="Airbyte: exit 0, 178 of 1,000 lost for good (HTML), 78 (no links);"
        " tap-klaviyo: ok (HTML), KeyError and resumes (no links)",
    ),
    fault(
        "H11",
        "400: a report has no values for its metric, or a metric of events does not exist",
        "the values are NULL, with one warning, until the results are requested again (flows: for a"
        " year); the other metrics' events arrive, then exit 1",
        case("values", responses.refuse_values),
        case("metric", responses.refuse_metric),
    ),
    fault(
        "H12",
        "500 to every page that holds a certain event",
        "all other events arrive; sync_error names the second of this one; it arrives within a day"
        " once pages hold it",
        case("an event", responses.fail_at_event),
    ),
]

MOVING_DATA = [
    fault(
        "D1",
        "a page twice; an empty page that leads on",
        "nothing is missed, and there is no warning",
        transient("duplicate_page", "events", **INTERMITTENT, path=EVENTS),
        transient("duplicate_page", "segments", times=1, after=1, path=SEGMENTS),
        quick(transient("empty_page", **INTERMITTENT, path=PAGED)),
        case("empty page first of all", moving_data.send_empty_first_page),
    ),
    fault(
        "D2",
        "the next page is always the same",
        "exit 1 at the third repeat",
        persistent("loop", ContractError, EVENTS, SEGMENTS),
        # The first page of the second window leads to itself without a cursor.
        quick(
            persistent(
                *("loop", ContractError, EVENTS),
                label="later",
                message="in a circle|holds no cursor",
                after=1,
            )
        ),
        rivals="Airbyte: hangs, 1,158 calls in 60 s; tap-klaviyo: hangs, 11,849 calls in 60 s",
    ),
    fault(
        "D3",
        "records are renamed and deleted between two pages of their listing",
        "the newest version wins by the next sync",
        case("segments", moving_data.change_between_pages),
    ),
    fault(
        "D4",
        "pages are unsorted, whatever order was asked for",
        "nothing is taken for read that was not",
        transient("unsorted", path=SHOWN_AT_ONCE),
        quick(case("across pages", moving_data.unsort_across_pages)),
    ),
    fault(
        "D5",
        "an event becomes visible 110 minutes, 4 or 6.9 days after it happened",
        "it arrives by the next sync (110 minutes) or within a day; the bound is 7 days",
        case("110 minutes", moving_data.delay_event, 110 * MINUTE, 2 * MINUTE),
        case("4 days", moving_data.delay_event, 4 * DAY, DAY),
        case("6.9 days", moving_data.delay_event, 6.9 * DAY, DAY),
        case(
            *("7 days, after the daily look back", moving_data.delay_event),
            *(7 * DAY - 2 * MINUTE, DAY),
        ),
        rivals="Airbyte: 5 lost (no lookback); tap-klaviyo: 5 lost",
    ),
    fault(
        "D6",
        "events dated a second to a year ahead, then ordinary ones",
        "all are stored; no watermark passes Klaviyo's clock",
        case("weeks", moving_data.date_events_weeks_ahead),
        quick(case("a year", moving_data.date_events_a_year_ahead)),
        rivals="Airbyte: ok; tap-klaviyo: 20 lost, bookmark 30 days ahead",
    ),
    fault(
        "D7",
        "Klaviyo's clock is wrong by an hour or a day, then right; this machine's is always wrong",
        "Klaviyo's Date header is the clock; two days after it is right nothing is missing. While"
        " it is ahead a sync may fail",
        [
            case(f"{seconds:+} s", moving_data.shift_clock, seconds)
            for seconds in (-86_400, -3_600, 3_600, 86_400)
        ],
    ),
    fault(
        "D8",
        "the machine's time zone is New York, Kolkata or Kiritimati; leap seconds and odd days:"
        " tests of the values",
        "the warehouse is the same, row for row",
        [
            case(zone, moving_data.set_time_zone, zone)
            for zone in ("America/New_York", "Asia/Kolkata", "Pacific/Kiritimati")
        ],
        rivals="tap-klaviyo: shifts times (code)",
    ),
    fault(
        "D9",
        "campaigns and flows are archived; tags, lists, templates, forms and profiles deleted",
        "archived ones say so; deleted ones, their members and links are deleted within a day",
        case("archived and deleted", moving_data.archive_and_delete),
    ),
    fault(
        "D10",
        "any history of additions, changes, deletions, erasures, merges, moved credits, other"
        " revenue metrics and time zones, late and early events, odd and empty pages, kills and"
        " re-syncs",
        "the warehouse equals the account, and many syncs equal one; 400 histories",
        tested_by="tests/chaos/test_any_order.py::test_any_history_ends_equal",
    ),
    fault(
        "D11",
        "a cursor is cut off after some pages: a firewall's 403 from there on",
        "a new cursor starts before that; a cursor that goes too deep: exit 1",
        case("a new one before", moving_data.cut_cursors, 2),
        case("too deep", moving_data.cut_cursors, 1_000, TransientError),
    ),
    fault(
        "D12",
        "a last page whose links have no `next` instead of null",
        "it ends the listing",
        transient("only_self"),
    ),
    fault(
        "D13",
        "one answer to a listing of everything is empty: 200, and a last page",
        "it is read again before many rows are deleted; what a short listing deletes is back a day"
        " later",
        case("each daily listing", moving_data.send_empty_listings),
    ),
]

VALUES = [
    fault(
        "V1",
        "NaN, Infinity, 1e400, 2^53+1, 2^63, 2^70, 5,000 digits, -0.0, '007', 't', 'NaN', ''",
        "a number or NULL in a column of numbers; text as it is; the rest of the row is unchanged",
        events(
            "numbers",
            nan=no_number(math.nan),
            inf=no_number(-math.inf),
            huge=no_number(10**400, str(10**400)),
            t=no_number("t", "t"),
            empty=no_number("", ""),
            word=no_number("NaN", "NaN"),
            no=no_number(None),
            digits=odd({"$value": "007"}, value=7.0),
            long=odd({"$value": 2**53 + 1}, value=float(2**53 + 1)),
            longer=odd({"$value": 2**63}, value=float(2**63)),
            longest=odd({"$value": 2**70}, value=float(2**70)),
            zero=odd({"$value": -0.0}, value=0.0),
            thousands=odd(
                {"$message": LONG_NUMBER}, message_id="1" + "0" * (DIGITS - 1 - len(CUT)) + CUT
            ),
            text=odd({"$message": "007"}, message_id="007"),
            number=odd({"$message": 2**70}, message_id=str(2**70)),
        ),
        rivals="not run (textbook connector: one integer over 2^63 spoils the column)",
    ),
    fault(
        "V2",
        "joined emoji, right-to-left text, NUL, lone surrogates, a megabyte of text",
        "stored; what cannot be is replaced by U+FFFD; JSON stays valid JSON",
        events(
            "texts",
            emoji=odd({"Subject": "👩‍👩‍👧 שלום"}, subject="👩‍👩‍👧 שלום"),
            nul=odd({"Subject": "a\0b", "x\0": "\0"}, subject="a\ufffdb"),
            lone=odd({"Subject": "a\ud800b", "\udfff": "\ud800"}, subject="a\ufffdb"),
            long=odd({"Subject": "ä" * MEGABYTE}, subject="ä" * MEGABYTE),
        ),
        rivals="Airbyte and tap-klaviyo: a lone surrogate is passed on",
    ),
    fault(
        "V3",
        "10 to 100,000 levels of nesting, 300 properties, 4,000 items, a text of 17 MB",
        "stored up to Klaviyo's own limits; deeper levels are null, longer text is cut and marked",
        events(
            "sizes",
            ten=odd({"deep": nested_objects(10)}),
            wide=odd({f"p{n}": n for n in range(300)}),
            items=odd({"list": list(range(4_000))}),
            fat=odd({"URL": "x" * 17_000_000}, url="x" * (TEXT_LENGTH - len(CUT)) + CUT),
            thousand=odd({"deep": nested_objects(900)}),
        ),
        case("100,000 levels", odd_values.nest_too_deep),
    ),
    fault(
        "V4",
        "times with Z, an offset, a space, milli- to nanoseconds, without a zone, empty, junk",
        "one instant, or NULL and kept in the JSON",
        events(
            "times",
            z=odd_datetime("2026-11-20T16:00:00Z", WHEN),
            offset=odd_datetime("2026-11-20T11:00:00-05:00", WHEN),
            space=odd_datetime("2026-11-20 16:00:00+00:00", WHEN),
            millis=odd_datetime("2026-11-20T16:00:00.000Z", WHEN),
            nanos=odd_datetime("2026-11-20T16:00:00.000000000Z", WHEN),
            naive=odd_datetime("2026-11-20T16:00:00", WHEN),
            leap=odd_datetime("2026-11-20T15:59:60Z", "2026-11-20 15:59:59+00:00"),
            old=odd_datetime("2000-02-29T00:00:00Z", "2000-02-29 00:00:00+00:00"),
            empty=odd_datetime("", None),
            junk=odd_datetime("soon", None),
            number=odd_datetime(1_795_190_400, None),
        ),
    ),
    fault(
        "V5",
        "money: 1234567.89, 0.1, 99999999999999.98, '1234567.89'",
        "kept to the cent",
        events(
            "amounts",
            usual=odd({"$value": 1234567.89}, value=1234567.89),
            tenth=odd({"$value": 0.1}, value=0.1),
            large=odd({"$value": 99999999999999.98}, value=99999999999999.98),
            text=odd({"$value": "1234567.89"}, value=1234567.89),
        ),
    ),
    fault(
        "S1",
        "an attribute is new, is gone, or has another type",
        "the sync goes on; a column of another type is NULL, one warning counts them, and the JSON"
        " column keeps the value",
        events(
            "attributes",
            r"another type .*: timestamp \d, uuid \d, url \d, is_bot_click \d;",
            new=odd({"Novel": {"a": 1}}, sent={"novelty": [1, 2]}),
            gone=odd(sent={"datetime": None, "timestamp": None}, datetime=None),
            object=odd(sent={"timestamp": {"now": 1}}, timestamp=None),
            text=odd(sent={"timestamp": "1795190400"}, timestamp=1795190400),
            list=odd({"URL": {"a": 1}}, sent={"uuid": ["a"]}, uuid=None, url=None),
            truth=odd({"Bot Click": "yes"}, is_bot_click=None),
        ),
    ),
    fault(
        "S2",
        "properties named in other scripts, with spaces, 300 letters, `select`, `_fivetran_synced`",
        "no column is made of data",
        case("names", odd_values.name_properties_oddly),
    ),
    fault(
        "S3",
        "ids that are null, no text, or there twice; entries that are no records",
        "skipped and counted in sync_error; more than 1 % of a table: exit 1",
        case("some", odd_values.omit_some_ids),
        case("many", odd_values.omit_many_ids),
    ),
    fault(
        "S4",
        "two results of a report share a key: a message was renamed, or for no reason",
        "renamed: the report is requested again without names; no reason: exit 1",
        transient("shared_key", path="reports$"),
        persistent(
            *("shared_key", ContractError, REPORT),
            message="two results have the same",
            always=True,
        ),
    ),
]

SECURITY = [
    fault(
        "X1",
        "the key, in a good sync, a failing one, a response that quotes it, a crash of our code",
        "in no output, state, table, crash report or package (searched for in every case)",
        case("packed", security.package_connector),
        case("quoted", security.quote_key),
        case("crash", security.crash, KEY),
        case("crash with two keys", security.crash, f"{KEY}, {security.OTHER_KEY}"),
        in_debug("500", "html403", "redirect"),
    ),
    fault(
        "X2",
        "e-mail addresses and phone numbers of people",
        "in no output, state or table about syncs (searched for in every case)",
        in_debug("no_data"),
    ),
    fault(
        "X3",
        "links.next on another host, by any spelling",
        "the other host gets no connection; every page comes from Klaviyo",
        case("another host", security.lead_elsewhere, "http://{address}"),
        quick(case("user info", security.lead_elsewhere, "http://a.klaviyo.com@{address}")),
        case("no scheme", security.lead_elsewhere, "//{address}"),
        case("https", security.lead_elsewhere, "https://{address}"),
        case("IPv6", security.lead_elsewhere, "http://[::1]:9"),
        case("up and down", security.lead_elsewhere, "http://{address}/../.."),
        case("10 kB", security.lead_elsewhere, "http://{address}/" + "x" * 10_000),
        rivals="Airbyte and tap-klaviyo: send the key there, exit 0, 78 to 206 lost",
    ),
    fault(
        "X4",
        "the environment has a .netrc, proxies, a certificate bundle and SSLKEYLOGFILE",
        "a sandbox is reached without it; for Klaviyo, tests/connector/test_proxy.py",
        case("all of them", security.set_hostile_environment),
    ),
    fault(
        "X5",
        "settings that are empty, malformed or unknown; an address that is not of this machine",
        "exit 1 before any connection; one line names the setting, and not the key",
        [
            security.wrong(name, message, **{setting: value})
            for name, setting, value, message in (
                ("empty key", "api_key", "", "api_key is empty: enter"),
                ("spaced key", "api_key", f"{KEY} {security.OTHER_KEY}", "api_key is malformed"),
                ("Bearer", "api_key", f"Bearer {KEY}", "api_key is malformed: .* begins with pk_"),
                ("table", "tables", "campaigns", "tables: unknown table 'campaigns'; "),
                ("date", "start_date", "yesterday", "start_date must be a past date such"),
                ("number", "concurrency", "many", "concurrency must be a whole number"),
            )
        ],
        security.wrong("broken key", "api_key is malformed", api_key=f"{KEY}\r\nX-Evil: 1"),
        security.wrong("unknown", "unknown configuration key 'apikey'; known", apikey=KEY),
        [
            security.wrong(f"address {url.split('/')[2]}", ADDRESS, url=url)
            for url in (
                "http://169.254.169.254/",
                "http://klaviyo.invalid",
                "http://127.0.0.1@evil.example",
            )
        ],
    ),
    fault(
        "X6",
        "settings that would change a filter",
        "they are refused; a filter holds only times and Klaviyo's ids",
        case("start_date", security.inject_filter, "start_date", "2026-01-01),or(equals(id,1)"),
        quick(
            case(
                *("event_metrics", security.inject_filter),
                *("event_metrics", 'Placed Order"),or(equals(id,"1"'),
            )
        ),
    ),
    fault(
        "X7",
        "keys, states, data and tests are in the connector's folder when it is packaged",
        "the package holds the connector's files alone",
        tested_by="tests/test_package.py::test_package_holds_only_the_connector",
    ),
]

SECTIONS = {
    "The process": PROCESS,
    "Transport": TRANSPORT,
    "HTTP status": RESPONSES,
    "Pagination and moving data": MOVING_DATA,
    "Values and schema": VALUES,
    "Security": SECURITY,
}
FAULTS: list[Fault] = [row for section in SECTIONS.values() for row in section]


def params() -> list[Any]:
    """Each case with its fault, as pytest takes it; `make test` runs the quick ones."""
    return [
        pytest.param(row, item, id=row.case_id(item), marks=_marks(item))
        for row in FAULTS
        for item in row.cases
    ]


def _marks(item: FaultCase) -> list[pytest.MarkDecorator]:
    return [] if item.quick else [pytest.mark.chaos]
