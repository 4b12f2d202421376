"""The sandbox's company is believable, complete and the same for the same seed."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, date, datetime
from itertools import accumulate, pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from klaviyo_sandbox.catalog.builder import build_company
from klaviyo_sandbox.catalog.copy import BLACK_FRIDAY
from klaviyo_sandbox.catalog.model import Company
from klaviyo_sandbox.catalog.plan import Revenue
from klaviyo_sandbox.clock import DAY, FUTURE, HISTORY
from klaviyo_sandbox.resources.registry import RESOURCE_TYPES, build_resources

EPOCH = date(2026, 11, 20)
NOON = int(datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp())
CLOCKS = (NOON - HISTORY - 60 * DAY, NOON - 200 * DAY, NOON, NOON + FUTURE + 60 * DAY)
CAMPAIGNS = 320
CHANNELS = ("email", "sms", "push", "whatsapp")
BUILT_TYPES = [name for name, declared in RESOURCE_TYPES.items() if declared.build]
ULID = r"0[0-9A-HJKMNP-TV-Z]{25}"
ID_PATTERNS = {
    "campaign": ULID,
    "campaign-message": ULID,
    "list": r"\w{6}",
    "metric": r"\w{6}",
    "flow": r"\w{6}",
    "flow-action": r"\d{8}",
    "tag": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
}


@pytest.fixture(name="company", scope="module")
def _company() -> Company:
    return build_company(7, EPOCH, CAMPAIGNS)


def list_subjects(company: Company) -> list[str]:
    """Return the subject of every variation of every message."""
    of_campaigns = [v for c in company.campaigns for m in c.messages for v in m.variations]
    of_flows = [v for flow in company.flows for m in flow.messages for v in m.variations]
    return [variation.subject for variation in (*of_campaigns, *of_flows)]


def test_same_seed_gives_same_company(company: Company) -> None:
    """A seed and a day determine everything."""
    assert build_company(7, EPOCH, CAMPAIGNS) == company


def test_another_seed_gives_another_company(company: Company) -> None:
    """Accounts of different seeds share no campaign, so several can be synced as one."""
    other = build_company(8, EPOCH, CAMPAIGNS)
    ids = {campaign.id for campaign in company.campaigns}
    assert company.account_id != other.account_id
    assert ids.isdisjoint(campaign.id for campaign in other.campaigns)


def test_number_of_campaigns_is_exact() -> None:
    """The number of campaigns is that of the option, however small or large."""
    counts = (0, 1, 10, 60, 1_562)
    assert [len(build_company(7, EPOCH, count).campaigns) for count in counts] == list(counts)


def test_every_channel_has_every_status(company: Company) -> None:
    """On the epoch every channel has sent, cancelled, archived and draft campaigns."""
    found = Counter[tuple[str, str]]()
    for campaign in company.campaigns:
        message = campaign.messages[-1]
        if campaign.created <= NOON:
            found[message.channel, campaign.status(message, NOON)] += 1
            is_archived = campaign.archived_at is not None and campaign.archived_at <= NOON
            found[message.channel, "archived"] += is_archived
    statuses = ("sent", "cancelled", "archived", "draft")
    missing = {(channel, status) for channel in CHANNELS for status in statuses} - set(+found)
    assert missing == set()


def test_every_kind_of_send_exists(company: Company) -> None:
    """There are scheduled sends, content tests, local-time sends and canvas campaigns."""
    visible = [c for c in company.campaigns if c.created <= NOON]
    messages = [(campaign, m) for campaign in visible for m in campaign.messages]
    assert "scheduled" in {campaign.status(m, NOON) for campaign, m in messages}
    assert {1, 2, 3} == {len(m.variations) for _, m in messages}
    assert {m.strategy for _, m in messages} == {
        "static", "content_variation", "local_timezone", "send_time_optimization",
        "ab_send_time_test",
    }  # fmt: skip
    assert any(len(c.messages) > 2 and len(c.audiences) > 1 for c in visible)


def test_variations_have_send_times_of_their_own(company: Company) -> None:
    """Klaviyo plans no time for the message itself where its strategy chooses or tests times."""
    for message in build_resources(company, "campaign-message", NOON):
        definition = message["attributes"]["definition"]
        options = definition["send_options"]
        has_times = options["send_strategy"] in ("send_time_optimization", "ab_send_time_test")
        is_planned = definition["status"] != "draft"
        times = options["send_times"] or {}
        variations = {v["id"] for v in message["relationships"]["campaign-variations"]["data"]}
        assert (options["send_time"] is None) == (has_times or not is_planned)
        assert set(times) == (variations if has_times and is_planned else set())
        if options["send_strategy"] == "ab_send_time_test" and is_planned:
            assert len(set(times.values())) == len(variations) > 1


def test_revenue_metrics_are_as_asked_for(subtests: pytest.Subtests) -> None:
    """An account has one metric called Placed Order, two of different stores, or none."""
    cases: list[tuple[Revenue, list[str], bool]] = [
        ("mapped", ["Shopify"], True),
        ("unmapped", ["Shopify"], False),
        ("twice", ["WooCommerce", "Shopify"], False),
        ("none", [], False),
    ]
    for revenue, names, is_mapped in cases:
        with subtests.test(revenue=revenue):
            company = build_company(7, EPOCH, 1, revenue=revenue)
            metrics = [
                resource["attributes"] for resource in build_resources(company, "metric", NOON)
            ]
            stores = [m["integration"]["name"] for m in metrics if m["name"] == "Placed Order"]
            (mapped,) = (
                m for m in build_resources(company, "mapped-metric", NOON) if m["id"] == "revenue"
            )
            assert stores == names
            assert ("metric" in mapped.get("relationships", {})) == is_mapped


def test_variations_share_all_recipients(company: Company) -> None:
    """The shares of a message's variations sum to one."""
    for campaign in company.campaigns:
        for message in campaign.messages:
            assert sum(v.share for v in message.variations) == pytest.approx(1)


def test_sends_are_in_the_daytime(company: Company) -> None:
    """Campaigns are sent between 7 in the morning and 10 in the evening, in winter and summer."""
    zone = ZoneInfo(company.timezone)
    sends = [m.send_at for c in company.campaigns for m in c.messages if m.send_at]
    assert all(7 <= datetime.fromtimestamp(at, zone).hour < 22 for at in sends)
    assert min(sends) < NOON - 390 * DAY
    assert max(sends) > NOON + 45 * DAY


def test_black_friday_is_on_black_friday(company: Company) -> None:
    """The year's largest sale is on the day after Thanksgiving, in the past and in the future."""
    zone = ZoneInfo(company.timezone)
    days = {
        datetime.fromtimestamp(campaign.messages[0].send_at or 0, zone).date()
        for campaign in company.campaigns
        if campaign.theme is BLACK_FRIDAY and "Black Friday: doors open" in campaign.name
    }
    assert days == {date(2025, 11, 28), date(2026, 11, 27)}


def test_status_and_updated_follow_the_clock(company: Company) -> None:
    """A scheduled message is sent when its time comes, and its time of update says so."""
    message = next(
        m
        for campaign in company.campaigns
        for m in campaign.messages
        if campaign.created <= NOON and campaign.status(m, NOON) == "scheduled"
    )
    assert message.scheduled_at
    assert message.send_at
    assert message.sent_at
    moments = (message.created, message.scheduled_at, message.send_at, message.sent_at)
    shown = [get_attributes(company, "campaign-message", message.id, now) for now in moments]
    statuses = [attributes["definition"]["status"] for attributes in shown]
    assert statuses == ["draft", "scheduled", "sending", "sent"]
    assert all(a["updated"] < b["updated"] for a, b in pairwise(shown))


def test_no_placeholder_is_left(company: Company) -> None:
    """No name, subject or text shows a placeholder of the copy."""
    texts = [c.name for c in company.campaigns] + list_subjects(company)
    texts += [v.body for c in company.campaigns for m in c.messages for v in m.variations]
    assert not [text for text in texts if re.search(r"\$[a-z]", text)]


def test_subjects_hold_difficult_characters(company: Company) -> None:
    """Subjects hold template tags, emoji, foreign letters, quotes and markup characters."""
    patterns = (r"\{\{ first_name\|default:'there' \}\}", "✨", "Łódź", '"', "<b>", "&", "“")
    subjects = "\n".join(list_subjects(company))
    assert [pattern for pattern in patterns if not re.search(pattern, subjects)] == []


def test_campaign_names_are_unique(company: Company) -> None:
    """No two campaigns have the same name."""
    assert len({campaign.name for campaign in company.campaigns}) == CAMPAIGNS


def test_actions_lead_from_the_trigger_to_each_message(company: Company) -> None:
    """The waits of a flow's actions, in order, add up to each message's delay."""
    for flow in company.flows:
        next_ids = [action.next_id for action in flow.actions]
        assert next_ids == [*(action.id for action in flow.actions[1:]), None]
        elapsed = accumulate(action.delay for action in flow.actions)
        delays = {
            action.message_id: delay
            for action, delay in zip(flow.actions, elapsed, strict=True)
            if action.message_id
        }
        assert delays == {message.id: message.delay for message in flow.messages}


def test_flows_of_every_status_exist(company: Company) -> None:
    """There is a live flow, a draft one, an archived one and a content test."""
    shown = [resource["attributes"] for resource in build_resources(company, "flow", NOON)]
    statuses = {(attributes["status"], attributes["archived"]) for attributes in shown}
    assert {("live", False), ("draft", False), ("draft", True)} == statuses
    assert any(len(m.variations) > 1 for flow in company.flows for m in flow.messages)


def test_no_resource_is_from_the_future(company: Company) -> None:
    """At any clock, no resource was created or updated later than now."""
    names = {"created", "created_at", "updated", "updated_at"}
    offenders = [
        (now, resource["type"], resource["id"], name)
        for now in CLOCKS
        for resource_type in BUILT_TYPES
        for resource in build_resources(company, resource_type, now)
        for name in names & set(resource["attributes"])
        if datetime.fromisoformat(resource["attributes"][name]).timestamp() > now
    ]
    assert offenders == []


WITHOUT_RESOURCES = {"brand-logo", "brand-button", "brand-social-group", "brand-email-default"}


def test_ids_are_unique_and_permanent(company: Company) -> None:
    """No id occurs twice, and a resource does not disappear as time passes."""
    for resource_type in BUILT_TYPES:
        earlier = [
            resource["id"] for resource in build_resources(company, resource_type, CLOCKS[1])
        ]
        later = [resource["id"] for resource in build_resources(company, resource_type, CLOCKS[3])]
        assert len(later) == len(set(later)), resource_type
        assert set(earlier) <= set(later), resource_type
        assert later or resource_type in WITHOUT_RESOURCES, resource_type


def test_every_relationship_leads_to_a_resource(company: Company) -> None:
    """At any clock, every related resource and every group of an audience exists."""
    for now in CLOCKS:
        shown = {name: build_resources(company, name, now) for name in BUILT_TYPES}
        existing = {(name, resource["id"]) for name, found in shown.items() for resource in found}
        related = {
            key for found in shown.values() for resource in found for key in list_related(resource)
        }
        assert related <= existing
        groups = {id_ for name, id_ in existing if name in {"list", "segment"}}
        for audience in shown["campaign-audience"]:
            definition = audience["attributes"]["definition"]
            assert {*definition["included"], *definition["excluded"]} <= groups


def test_ids_look_like_klaviyos(company: Company) -> None:
    """Ids have the form of Klaviyo's: ULIDs, six letters and digits, numbers, UUIDs."""
    offenders = [
        (resource_type, resource["id"])
        for resource_type, pattern in ID_PATTERNS.items()
        for resource in build_resources(company, resource_type, NOON)
        if not re.fullmatch(pattern, resource["id"])
    ]
    assert offenders == []


def get_attributes(company: Company, resource_type: str, id_: str, now: int) -> dict[str, Any]:
    """Return the attributes of one resource at a moment."""
    attributes: dict[str, Any] = next(
        resource["attributes"]
        for resource in build_resources(company, resource_type, now)
        if resource["id"] == id_
    )
    return attributes


def list_related(resource: dict[str, Any]) -> set[tuple[str, str]]:
    """Return the type and id of every resource that the relationships lead to."""
    related = [relation["data"] for relation in resource.get("relationships", {}).values()]
    flat = [pointer for data in related for pointer in (data if isinstance(data, list) else [data])]
    return {(pointer["type"], pointer["id"]) for pointer in flat}
