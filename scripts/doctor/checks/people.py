"""Facts about people: members, suppressions, consent."""

from scripts.doctor import questions
from scripts.doctor.answers import Answer, UndeterminableError
from scripts.doctor.facts import Finding, fact, find_share, is_refused, require
from streams.catalog import PROFILE_SUPPRESSIONS
from tables.converters import to_utc_datetime
from tables.jsonapi import get_path

GLOBAL, OF_LISTS = (listing.entries for listing in PROFILE_SUPPRESSIONS.listings)


@fact(
    "member-joined",
    "The people of a list are listed with the time at which they joined",
    expected="every person",
    asks=[questions.LIST_MEMBERS],
)
def check_member_joined(members: Answer) -> Finding:
    """The cursor of members, by which the connector finds who is new."""
    return _find_entries(members, ("attributes", "joined_group_at"))


@fact(
    "suppressions",
    "A filter finds the people whose e-mail is suppressed",
    expected="every person listed has a suppression",
    asks=[questions.SUPPRESSED],
)
def check_suppressions(people: Answer) -> Finding:
    """Otherwise all profiles would have to be read."""
    return _find_entries(people, GLOBAL)


@fact(
    "list-suppressions",
    "A filter finds the people whose e-mail a list suppresses",
    expected="every person listed has a suppression of a list",
    asks=[questions.SUPPRESSED_IN_LISTS],
)
def check_list_suppressions(people: Answer) -> Finding:
    """Otherwise all profiles would have to be read."""
    return _find_entries(people, OF_LISTS)


def _find_entries(people: Answer, path: tuple[str, ...]) -> Finding:
    """A fact that holds where Klaviyo accepts the filter, and everybody listed has a value."""
    if is_refused(people):
        return Finding(holds=False, seen="refused")
    return find_share(people.records, lambda person: bool(get_path(person, path)), "people listed")


@fact(
    "profiles-by-created",
    "Profiles are listed in the order of `created`, from a given time on",
    expected="in order, all later",
    asks=[questions.CONSENTS, questions.LATER_PROFILES],
)
def check_profiles_by_created(profiles: Answer, later: Answer) -> Finding:
    """A long listing continues with a new cursor from the last person's time."""
    if is_refused(later):
        return Finding(holds=False, seen="refused")
    path = ("attributes", "created")
    times = [to_utc_datetime(get_path(record, path)) or "" for record in later.records]
    require(times, "person created since")
    is_later = min(times) > questions.find_middle(profiles.records)
    order = "in order" if times == sorted(times) else "not in order"
    return Finding(
        is_later and times == sorted(times),
        f"{len(times)} people {order}, {'all' if is_later else 'not all'} later",
    )


@fact(
    "consent-rate",
    "Consent does not lower the rate limit of profiles, predictions do",
    expected="the same quotas with consent, lower ones with predictions",
    asks=[questions.LATER_PROFILES, questions.CONSENTS, questions.PREDICTIONS],
)
def check_consent_rate(profiles: Answer, consents: Answer, predictions: Answer) -> Finding:
    """Consent is always requested, predictions only on request."""
    plain, consent, predicted = (
        tuple(requests for requests, _ in answer.limits.quotas)
        for answer in (profiles, consents, predictions)
        if answer.content
    )
    if not (plain and consent and predicted):
        raise UndeterminableError("the answers have no such headers")
    holds = plain == consent and all(map(float.__lt__, predicted, plain))
    return Finding(
        holds, f"{plain[-1]:.0f} a minute, {consent[-1]:.0f} and {predicted[-1]:.0f} with them"
    )
