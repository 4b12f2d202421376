"""Facts about events and their credits."""

from typing import Any

from scripts.doctor import questions
from scripts.doctor.answers import Answer, UndeterminableError, read
from scripts.doctor.facts import Finding, fact, find_share, is_refused
from scripts.doctor.questions import MOST_IDS, read_id
from tables.jsonapi import Json, get_path

PROPERTIES = ("attributes", "event_properties")
CAMPAIGN = ("relationships", "campaign", "data", "id")
PERSON = ("relationships", "profile", "data", "id")
SMALL_PAGE = 200  # the documented maximum of older revisions
COHORT_KEYS = ("$_cohort$message_send_cohort", "$_cohort$variation_send_cohort")
OLD_COHORT_KEYS = ("$message_send_cohort", "$variation_send_cohort")


@fact(
    "events-page-size",
    "A page of events holds up to 1000 records",
    expected="more than 200",
    asks=[questions.EVENTS],
)
def check_events_page_size(events: Answer) -> Finding:
    """Though the text of the documentation says 200."""
    if is_refused(events):
        return Finding(holds=False, seen="refused")
    count = len(events.records)
    if count <= SMALL_PAGE and not events.has_more:
        raise UndeterminableError(f"the account has {count} events")
    return Finding(count > SMALL_PAGE, f"{count} events on a page")


@fact(
    "future-filter",
    "A filter by a time in the future is refused",
    expected="400",
    asks=[questions.FUTURE_EVENTS],
)
def check_future_filter(events: Answer) -> Finding:
    """The last window has no end, and no window begins in the future."""
    if not is_refused(events):
        _ = events.content
    return Finding(is_refused(events), "400" if is_refused(events) else "200")


@fact(
    "event-campaign",
    "`$message` of a campaign's event is the campaign's id",
    expected="every event of a listed campaign",
    asks=[questions.RECEIVED_EMAILS, questions.MESSAGES],
)
def check_event_campaign(events: Answer, messages: Answer) -> Finding:
    """`event.campaign_id` is set from it."""
    campaign_ids = {read(record, CAMPAIGN, str) for record in messages.records}
    message_ids = {read_id(record) for record in messages.records}
    named = [
        id_
        for record in events.records
        if (id_ := read(record, (*PROPERTIES, "$message"), str))
        and not get_path(record, (*PROPERTIES, "$flow"))
    ]
    return find_share(
        [id_ for id_ in named if id_ in campaign_ids | message_ids],
        lambda id_: id_ in campaign_ids,
        "events of listed campaigns",
    )


@fact(
    "event-cohorts",
    "An event names its cohort by `$_cohort$message_send_cohort`",
    expected="every event with a cohort",
    asks=[questions.RECEIVED_EMAILS],
)
def check_event_cohorts(events: Answer) -> Finding:
    """`event.send_cohort` is read from it."""
    found = [set(_read_properties(record)) for record in events.records]
    return find_share(
        [keys for keys in found if keys & {*COHORT_KEYS, *OLD_COHORT_KEYS}],
        lambda keys: not keys & {*OLD_COHORT_KEYS},
        "events with a cohort",
    )


@fact(
    "event-credits",
    "`include=attributions` returns the credits of events",
    expected="a campaign or a flow in every credit",
    asks=[questions.CREDITED_EVENTS],
)
def check_event_credits(events: Answer) -> Finding:
    """The rows of `event_attribution`."""
    if is_refused(events):
        return Finding(holds=False, seen="refused")
    named = [
        credit
        for event in events.records
        for credit in read(event, ("related", "attributions"), list[Any]) or ()
    ]
    return find_share(named, _names_sender, "credits of a campaign or flow")


def _names_sender(credit: Json) -> bool:
    paths = [("relationships", name, "data", "id") for name in ("campaign", "flow")]
    return any(get_path(credit, path) for path in paths)


@fact(
    "events-of-gone-people",
    "Events of erased people are redacted, and those of merged people belong to the survivor",
    expected="no event of a person who is gone holds an address",
    asks=[questions.EVENTS, questions.PEOPLE_OF_EVENTS],
)
def check_events_of_gone_people(events: Answer, people: Answer) -> Finding:
    """The connector reads a person's events again when the person is gone."""
    profile_ids = dict.fromkeys(read(record, PERSON, str) for record in events.records)
    requested = {*[id_ for id_ in profile_ids if id_][:MOST_IDS]}
    gone = requested - {read_id(record) for record in people.records}
    redacted = [record for record in events.records if read(record, PERSON, str) in gone]
    if not redacted:
        raise UndeterminableError(f"all of {len(requested)} people of the events exist")
    return find_share(
        redacted,
        lambda event: not _has_address(event),
        f"events of {len(gone)} gone people redacted",
    )


def _has_address(event: Json) -> bool:
    return any("@" in str(value) for value in _read_properties(event).values())


def _read_properties(event: Json) -> dict[str, Any]:
    return read(event, PROPERTIES, dict[str, Any]) or {}
