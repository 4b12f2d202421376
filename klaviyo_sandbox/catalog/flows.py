"""Turns the planned flows into chains of actions: wait, send, wait, send."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from klaviyo_sandbox.catalog.campaigns import opening
from klaviyo_sandbox.catalog.model import Flow, FlowAction, FlowMessage, Variation
from klaviyo_sandbox.catalog.plan import FLOWS, FlowPlan, Step
from klaviyo_sandbox.catalog.seeding import Draw
from klaviyo_sandbox.clock import DAY, HOUR

# Channel to the type of its sending action, as in Klaviyo's flow definitions.
SENDING = {
    "email": "send-email",
    "sms": "send-sms",
    "push": "send-mobile-push",
    "whatsapp": "send-whatsapp",
}


def make_flows(draw: Draw, today: int) -> tuple[Flow, ...]:
    """Return the company's flows; ``today`` is the epoch's midnight."""
    flows = [_flow(draw, flow, today) for flow in FLOWS]
    return tuple(sorted(flows, key=lambda flow: (flow.created, flow.id)))


def _flow(draw: Draw, flow: FlowPlan, today: int) -> Flow:
    live_from = None if flow.live_days is None else today - flow.live_days * DAY
    created = (today - 12 * DAY if live_from is None else live_from - 6 * DAY) + 15 * HOUR
    archived_at = None if flow.archived_days is None else today - flow.archived_days * DAY
    by_list = flow.trigger_type == "Added to List"
    return Flow(
        id=draw.short_id("flow", flow.name),
        name=flow.name,
        trigger_type=flow.trigger_type,
        trigger=draw.short_id("list", flow.trigger) if by_list else flow.trigger,
        exit_metric=flow.exit_metric,
        reentry_days=flow.reentry_days,
        live_from=live_from,
        archived_at=archived_at,
        created=created,
        updated=created + 2 * DAY,
        tag_ids=(draw.uuid("tag", "Automation"),),
        actions=_chained(list(_actions(draw, flow, created))),
        messages=tuple(_message(draw, flow, step, created) for step in flow.steps),
    )


def _chained(actions: list[FlowAction]) -> tuple[FlowAction, ...]:
    linked = [replace(action, next_id=after.id) for action, after in pairwise(actions)]
    return (*linked, actions[-1])


def _actions(draw: Draw, flow: FlowPlan, created: int) -> Iterator[FlowAction]:
    """Yield a wait before each step that does not follow at once, and the step's sending."""
    passed = 0
    for step in flow.steps:
        waiting = FlowAction(
            id=draw.integer_id("wait", flow.name, step.name),
            type="time-delay",
            message_id=None,
            next_id=None,
            delay=step.after - passed,
            created=created,
            updated=created + DAY,
        )
        if waiting.delay:
            yield waiting
        yield replace(
            waiting,
            id=draw.integer_id("send", flow.name, step.name),
            type="ab-test" if len(step.subjects) > 1 else SENDING[step.channel],
            message_id=draw.short_id("flow message", flow.name, step.name),
            delay=0,
        )
        passed = step.after


def _message(draw: Draw, flow: FlowPlan, step: Step, created: int) -> FlowMessage:
    return FlowMessage(
        id=draw.short_id("flow message", flow.name, step.name),
        action_id=draw.integer_id("send", flow.name, step.name),
        name=step.name,
        channel=step.channel,
        theme=step.theme,
        variations=tuple(_variations(draw, flow, step)),
        delay=step.after,
        created=created,
        updated=created + DAY,
    )


def _variations(draw: Draw, flow: FlowPlan, step: Step) -> Iterator[Variation]:
    is_email = step.channel == "email"
    subjects = step.subjects or (opening(step.text),)
    for number, subject in enumerate(subjects):
        yield Variation(
            id=draw.short_id("flow variation", flow.name, step.name, number),
            name=f"Variation {'AB'[number]}" if len(subjects) > 1 else "Original",
            subject=subject,
            preview=step.text if is_email else "",
            body="" if is_email else step.text,
            template_id=draw.short_id("template", step.theme.name) if is_email else None,
            share=1 / len(subjects),
            appeal=1.0 + 0.12 * number,
        )
