"""The sandbox's company: believable, complete and the same for the same seed."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, date, datetime
from itertools import accumulate, pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from klaviyo_sandbox.catalog.builder import build
from klaviyo_sandbox.catalog.copy import BLACK_FRIDAY
from klaviyo_sandbox.catalog.model import Company
from klaviyo_sandbox.clock import DAY, FUTURE, HISTORY
from klaviyo_sandbox.resources.registry import resources

EPOCH = date(2026, 11, 20)
NOON = int(datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp())
CLOCKS = (NOON - HISTORY - 60 * DAY, NOON - 200 * DAY, NOON, NOON + FUTURE + 60 * DAY)
CAMPAIGNS = 320
KINDS = (
    "account campaign campaign-message campaign-variation campaign-audience flow flow-action"
    " flow-message list segment tag tag-group metric mapped-metric custom-metric form"
    " form-version template"
).split()


@pytest.fixture(name="company", scope="module")
def _company() -> Company:
    return build(7, EPOCH, CAMPAIGNS)


def _subjects(company: Company) -> list[str]:
    of_campaigns = [v for c in company.campaigns for m in c.messages for v in m.variations]
    of_flows = [v for flow in company.flows for m in flow.messages for v in m.variations]
    return [variation.subject for variation in (*of_campaigns, *of_flows)]


def test_same_seed_gives_same_company(company: Company) -> None:
    """A seed and a day fix everything, whenever and wherever it is built."""
    assert build(7, EPOCH, CAMPAIGNS) == company


def test_another_seed_gives_another_company(company: Company) -> None:
    """Accounts of different seeds share no campaign, so several can be synced as one."""
    other = build(8, EPOCH, CAMPAIGNS)
    ids = {campaign.id for campaign in company.campaigns}
    assert company.account_id != other.account_id
    assert ids.isdisjoint(campaign.id for campaign in other.campaigns)


@pytest.mark.parametrize("count", [0, 1, 10, 60, 1_562])
def test_has_exactly_the_campaigns_asked_for(count: int) -> None:
    """The number of campaigns is what the flag says, however small or large."""
    assert len(build(7, EPOCH, count).campaigns) == count


@pytest.mark.parametrize("channel", ["email", "sms", "push", "whatsapp"])
def test_every_channel_has_every_end(company: Company, channel: str) -> None:
    """On the epoch every channel has sent, cancelled, archived and draft campaigns."""
    seen = Counter[str]()
    for campaign in company.campaigns:
        message = campaign.messages[-1]
        if campaign.created <= NOON and message.channel == channel:
            seen[campaign.status(message, NOON)] += 1
            is_archived = campaign.archived_at is not None and campaign.archived_at <= NOON
            seen["archived"] += is_archived
    assert not {"sent", "cancelled", "archived", "draft"} - set(+seen)


def test_some_are_scheduled_tested_and_many_sided(company: Company) -> None:
    """There are scheduled sends, content tests, local-time sends and canvas campaigns."""
    visible = [c for c in company.campaigns if c.created <= NOON]
    messages = [(campaign, m) for campaign in visible for m in campaign.messages]
    assert "scheduled" in {campaign.status(m, NOON) for campaign, m in messages}
    assert {1, 2, 3} == {len(m.variations) for _, m in messages}
    assert {"static", "content_variation", "local_timezone"} == {m.strategy for _, m in messages}
    assert any(len(c.messages) > 2 and len(c.audiences) > 1 for c in visible)


def test_variations_share_out_all_recipients(company: Company) -> None:
    """The shares of a message's variations sum to one."""
    for campaign in company.campaigns:
        for message in campaign.messages:
            assert sum(v.share for v in message.variations) == pytest.approx(1)


def test_sends_stand_in_the_company_s_day(company: Company) -> None:
    """Campaigns go out between 7 in the morning and 10 in the evening, in winter as in summer."""
    zone = ZoneInfo(company.timezone)
    sends = [m.send_at for c in company.campaigns for m in c.messages if m.send_at]
    assert all(7 <= datetime.fromtimestamp(at, zone).hour < 22 for at in sends)
    assert min(sends) < NOON - 390 * DAY
    assert max(sends) > NOON + 45 * DAY


def test_black_friday_is_on_black_friday(company: Company) -> None:
    """The year's largest sale stands on the day after Thanksgiving, past and to come."""
    zone = ZoneInfo(company.timezone)
    days = {
        datetime.fromtimestamp(campaign.messages[0].send_at or 0, zone).date()
        for campaign in company.campaigns
        if campaign.theme is BLACK_FRIDAY and "Black Friday: doors open" in campaign.name
    }
    assert days == {date(2025, 11, 28), date(2026, 11, 27)}


def test_state_and_updated_follow_the_clock(company: Company) -> None:
    """A scheduled message is sent when its time comes, and says that it was updated."""
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
    shown = [_attributes(company, "campaign-message", message.id, now) for now in moments]
    states = [attributes["definition"]["status"] for attributes in shown]
    assert states == ["draft", "scheduled", "sending", "sent"]
    assert all(a["updated"] < b["updated"] for a, b in pairwise(shown))


def test_nothing_is_left_to_fill_in(company: Company) -> None:
    """No name, subject or text shows a placeholder of ours."""
    texts = [c.name for c in company.campaigns] + _subjects(company)
    texts += [v.body for c in company.campaigns for m in c.messages for v in m.variations]
    assert not [text for text in texts if re.search(r"\$[a-z]", text)]


@pytest.mark.parametrize(
    "pattern",
    [r"\{\{ first_name\|default:'there' \}\}", "✨", "Łódź", '"', "<b>", "&", "“"],
)
def test_subjects_hold_what_breaks_careless_software(company: Company, pattern: str) -> None:
    """Subjects hold template tags, emoji, foreign letters, quotes and markup characters."""
    assert any(re.search(pattern, subject) for subject in _subjects(company))


def test_names_are_told_apart(company: Company) -> None:
    """No two campaigns have the same name."""
    assert len({campaign.name for campaign in company.campaigns}) == CAMPAIGNS


def test_actions_lead_from_the_trigger_to_each_message(company: Company) -> None:
    """Following a flow's actions, their waits add up to each message's delay."""
    for flow in company.flows:
        followers = [action.next_id for action in flow.actions]
        assert followers == [*(action.id for action in flow.actions[1:]), None]
        passed = accumulate(action.delay for action in flow.actions)
        reached = {
            action.message_id: after
            for action, after in zip(flow.actions, passed, strict=True)
            if action.message_id
        }
        assert reached == {message.id: message.delay for message in flow.messages}


def test_flows_of_every_state_exist(company: Company) -> None:
    """There is a live flow, a draft one, an archived one and a content test."""
    shown = [each["attributes"] for each in resources(company, "flow", NOON)]
    states = {(attributes["status"], attributes["archived"]) for attributes in shown}
    assert {("live", False), ("draft", False), ("draft", True)} == states
    assert any(len(m.variations) > 1 for flow in company.flows for m in flow.messages)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("now", CLOCKS)
def test_nothing_comes_from_the_future(company: Company, kind: str, now: int) -> None:
    """A resource is shown only once it exists, and updated no later than now."""
    for each in resources(company, kind, now):
        for name, value in each["attributes"].items():
            if name in {"created", "created_at", "updated", "updated_at"}:
                moment = datetime.fromisoformat(value).timestamp()
                assert moment <= now


@pytest.mark.parametrize("kind", KINDS)
def test_ids_are_unique_and_kept(company: Company, kind: str) -> None:
    """No id stands twice, and what exists does not go away when time passes."""
    earlier = [each["id"] for each in resources(company, kind, CLOCKS[1])]
    later = [each["id"] for each in resources(company, kind, CLOCKS[3])]
    assert len(later) == len(set(later))
    assert set(earlier) <= set(later)


@pytest.mark.parametrize("now", CLOCKS)
def test_every_relationship_leads_somewhere(company: Company, now: int) -> None:
    """Every related resource exists at the same moment, and so do audiences' groups."""
    shown = {kind: resources(company, kind, now) for kind in KINDS}
    known = {(kind, each["id"]) for kind, found in shown.items() for each in found}
    assert {target for found in shown.values() for r in found for target in _targets(r)} <= known
    groups = {key for kind, key in known if kind in {"list", "segment"}}
    for audience in shown["campaign-audience"]:
        definition = audience["attributes"]["definition"]
        assert {*definition["included"], *definition["excluded"]} <= groups


@pytest.mark.parametrize(
    ("kind", "pattern"),
    [
        ("campaign", r"0[0-9A-HJKMNP-TV-Z]{25}"),
        ("campaign-message", r"0[0-9A-HJKMNP-TV-Z]{25}"),
        ("list", r"\w{6}"),
        ("metric", r"\w{6}"),
        ("flow", r"\w{6}"),
        ("flow-action", r"\d{8}"),
        ("tag", r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    ],
)
def test_ids_look_like_klaviyo_s(company: Company, kind: str, pattern: str) -> None:
    """Ids have the form of Klaviyo's: ULIDs, six letters and digits, numbers, UUIDs."""
    for each in resources(company, kind, NOON):
        assert re.fullmatch(pattern, each["id"])


def _attributes(company: Company, kind: str, key: str, now: int) -> dict[str, Any]:
    found: dict[str, Any] = next(
        each["attributes"] for each in resources(company, kind, now) if each["id"] == key
    )
    return found


def _targets(resource: dict[str, Any]) -> set[tuple[str, str]]:
    related = [relation["data"] for relation in resource.get("relationships", {}).values()]
    flat = [one for data in related for one in (data if isinstance(data, list) else [data])]
    return {(one["type"], one["id"]) for one in flat}
