"""Facts about listings of records: campaigns, flows, metrics, lists."""

from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

from models import Table, UnstorableError
from scripts.doctor import questions
from scripts.doctor.answers import Answer, UndeterminableError, read
from scripts.doctor.facts import (
    Finding,
    fact,
    find_refusals,
    find_share,
    is_refused,
    require,
    require_answers,
)
from streams.catalog import CAMPAIGNS, EVENTS, FLOWS, PROFILES
from streams.declarations import Stream
from streams.registry import STREAMS
from tables.jsonapi import Json, get_path, related_resources

RESOURCES = [stream for stream in STREAMS if stream.name in questions.LISTINGS]
TYPED: dict[questions.Question, Stream] = {
    **dict(zip(questions.LISTINGS.values(), RESOURCES, strict=True)),
    questions.CAMPAIGNS: CAMPAIGNS,
    questions.FLOWS: FLOWS,
    questions.EVENTS: EVENTS,
    questions.CONSENTS: PROFILES,
}
NAME = ("attributes", "name")


@fact(
    "listings-accepted",
    "Klaviyo accepts each listing as the connector requests it",
    expected="every listing accepted",
    asks=list(questions.LISTINGS.values()),
)
def check_listings_accepted(*listings: Answer) -> Finding:
    """Includes, page sizes, sort fields and filters of every stream."""
    return find_refusals(list(questions.LISTINGS), listings)


@fact(
    "column-types",
    "Every value fits the type of its column",
    expected="no value of another type, no record without key",
    asks=list(TYPED),
)
def check_column_types(*answers: Answer) -> Finding:
    """A value that does not fit is NULL in the warehouse."""
    records, misfits = 0, Counter[str]()
    for stream, answer in zip(TYPED.values(), answers, strict=True):
        for document in answer.records if answer.error is None else ():
            records += 1
            for table, source in _row_sources(stream, document):
                misfits.update(_find_misfits(table, source))
    require(range(records), "records")
    if not misfits:
        require_answers(
            {question.title: answer for question, answer in zip(TYPED, answers, strict=True)}
        )
    columns = f" ({', '.join(sorted(misfits)[:5])})" if misfits else ""
    return Finding(not misfits, f"{misfits.total()} misfits in {records} records{columns}")


def _row_sources(stream: Stream, document: Json) -> Iterator[tuple[Table, Json]]:
    """Each row that a record fills, as its table and source document."""
    yield stream.table, document
    for relationship, table in stream.related:
        for resource in related_resources(document, relationship):
            if table.has_key(resource):
                yield table, resource


def _find_misfits(table: Table, source: Json) -> Counter[str]:
    mismatches = Counter[str]()
    try:
        table.row("", source, mismatches)
    except UnstorableError:
        mismatches["key"] += 1
    return Counter({f"{table.name}.{name}": count for name, count in mismatches.items()})


@fact(
    "campaign-form",
    "Under revision 2026-10-15 a campaign has a `definition`",
    expected="every campaign",
    asks=[questions.CAMPAIGNS],
)
def check_campaign_form(campaigns: Answer) -> Finding:
    """The form of 2024 has `name` among the attributes and no definition."""
    return find_share(
        campaigns.records,
        lambda campaign: isinstance(get_path(campaign, ("attributes", "definition")), dict),
        "campaigns with a definition",
    )


@fact(
    "archived-campaigns",
    "A listing of campaigns without a filter has no archived ones",
    expected="none; a request of their own returns them",
    asks=[questions.CAMPAIGNS, questions.ARCHIVED_CAMPAIGNS],
)
def check_archived_campaigns(campaigns: Answer, archived: Answer) -> Finding:
    """The connector requests both kinds."""
    return _find_archived(campaigns, archived, ("attributes", "definition", "archived"))


@fact(
    "archived-flows",
    "A listing of flows without a filter has no archived ones",
    expected="none; a request of their own returns them",
    asks=[questions.FLOWS, questions.ARCHIVED_FLOWS],
)
def check_archived_flows(flows: Answer, archived: Answer) -> Finding:
    """The connector requests both kinds."""
    return _find_archived(flows, archived, ("attributes", "archived"))


def _find_archived(every: Answer, archived: Answer, path: tuple[str, ...]) -> Finding:
    """How many archived records the listing without a filter holds, of those due on its page.

    Both listings begin with the record that changed first.
    """
    changed = ("attributes", "updated_at" if len(path) > 2 else "updated")
    times = [str(get_path(record, changed)) for record in every.records]
    latest = max(times, default="") if every.has_more else "~"  # after every time
    due = [record for record in archived.records if str(get_path(record, changed)) <= latest]
    require(due, "archived record that is due on the page")
    found = sum(get_path(record, path) is True for record in every.records)
    return Finding(not found, f"{found} of {len(due)} archived ones")


@fact(
    "page-link",
    "The link to the next page holds `page[cursor]`",
    expected="page[cursor] in links.next",
    asks=[questions.EVENTS],
)
def check_page_link(page: Answer) -> Finding:
    """Only the cursor of the link is used."""
    require(page.records if page.has_more else [], "second page of events")
    query = parse_qs(urlsplit(page.links["next"] or "").query)
    return Finding("page[cursor]" in query, f"{len(query)} parameters in links.next")


@fact(
    "last-page",
    "The last page of a listing ends with `next: null`",
    expected="next: null",
    asks=[questions.TAG_GROUPS],
)
def check_last_page(tag_groups: Answer) -> Finding:
    """The connector also accepts `self` alone as the end."""
    if tag_groups.has_more:
        raise UndeterminableError("the account has more than 25 tag groups")
    return Finding("next" in tag_groups.links, _describe_links(tag_groups))


@fact(
    "unpaged-links",
    "A listing without pages has the link `self` alone",
    expected="self",
    asks=[questions.MAPPED_METRICS],
)
def check_unpaged_links(roles: Answer) -> Finding:
    """A connector that waits for `next` would call it broken."""
    return Finding(roles.links.keys() == {"self"}, _describe_links(roles))


def _describe_links(answer: Answer) -> str:
    names = [name for name in ("self", "next", "prev") if name in answer.links]
    return ", ".join(names) or "no links"


@fact(
    "message-variations",
    "Campaign messages include their variations",
    expected="accepted, every message with a variation",
    asks=[questions.MESSAGES],
)
def check_message_variations(messages: Answer) -> Finding:
    """Without it each changed message costs one more request."""
    if is_refused(messages):
        return Finding(holds=False, seen="refused")
    return find_share(
        messages.records,
        lambda message: bool(
            get_path(message, ("related", "campaign-variations", "0", "attributes"))
        ),
        "messages with a variation",
    )


@fact(
    "message-send-times",
    "A sent message without `send_time` has `send_times`",
    expected="every one",
    asks=[questions.MESSAGES],
)
def check_message_send_times(messages: Answer) -> Finding:
    """Smart send time and tests of the send time."""
    options = [
        read(record, ("attributes", "definition", "send_options"), dict[str, Any]) or {}
        for record in messages.records
        if str(get_path(record, ("attributes", "definition", "status"))).lower() == "sent"
    ]
    return find_share(
        [option for option in options if not option.get("send_time")],
        lambda option: bool(option.get("send_times")),
        "sent messages with send_times alone",
    )


@fact(
    "flow-message-ids",
    "A flow's action that sends names its message's id",
    expected="every action with a message",
    asks=[questions.FLOWS],
)
def check_flow_message_ids(flows: Answer) -> Finding:
    """The key of `flow_message`."""
    path = ("attributes", "definition", "data", "message")
    actions = [
        action for flow in flows.records for action in related_resources(flow, "flow-actions")
    ]
    return find_share(
        [message for action in actions if (message := read(action, path, dict[str, Any]))],
        lambda message: bool(message.get("id")),
        "messages of flows with an id",
    )


@fact(
    "metric-integration",
    "A metric's integration has its category as text or as an object",
    expected="one of the two",
    asks=[questions.METRICS],
)
def check_metric_integration(metrics: Answer) -> Finding:
    """Recorded both ways."""
    path = ("attributes", "integration", "category")
    found = [get_path(record, path) for record in metrics.records]
    return find_share(
        [category for category in found if category is not None],
        lambda value: isinstance(
            get_path(value, ("category",)) if isinstance(value, dict) else value, str
        ),
        "metrics with a category",
    )


@fact(
    "text-message-names",
    "Klaviyo's metrics of text messages are no longer called SMS",
    expected="none called SMS",
    asks=[questions.METRICS],
)
def check_text_message_names(metrics: Answer) -> Finding:
    """The connector finds them by name."""
    names = [
        str(get_path(record, NAME))
        for record in metrics.records
        if get_path(record, ("attributes", "integration", "name")) == "Klaviyo"
    ]
    texts = [name for name in names if "SMS" in name or "Text Messag" in name]
    require(texts, "metric of text messages")
    old = [name for name in texts if "SMS" in name]
    return Finding(not old, f"{len(old)} of {len(texts)} metrics of text messages")


@fact(
    "unmapped-roles",
    "A mapped metric that maps none has no relationships",
    expected="none",
    asks=[questions.MAPPED_METRICS],
)
def check_unmapped_roles(roles: Answer) -> Finding:
    """Recorded without `relationships` at all."""
    empty = [
        record
        for record in roles.records
        if not any(get_path(record, ("related", name)) for name in ("metric", "custom-metric"))
    ]
    return find_share(empty, lambda role: not role.get("relationships"), "empty ones without any")


@fact(
    "custom-metrics",
    "A custom metric names its method and its metrics",
    expected="every custom metric",
    asks=[questions.CUSTOM_METRICS],
)
def check_custom_metrics(metrics: Answer) -> Finding:
    """The columns of `custom_metric`."""

    def is_defined(metric: Json) -> bool:
        definition = get_path(metric, ("attributes", "definition"))
        return isinstance(definition, dict) and {"aggregation_method", "metric_groups"} <= (
            definition.keys()
        )

    return find_share(metrics.records, is_defined, "custom metrics defined")


@fact(
    "list-profile-count",
    "A list has its number of people on request",
    expected="a whole number",
    asks=[questions.LIST_COUNT],
)
def check_list_profile_count(one_list: Answer) -> Finding:
    """Only for one list at a time, and once a second."""
    if is_refused(one_list):
        return Finding(holds=False, seen="refused")
    count = read(one_list.content, ("data", "attributes", "profile_count"), int)
    return Finding(count is not None, "none" if count is None else "a number")
