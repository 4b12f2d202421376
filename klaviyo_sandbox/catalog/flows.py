"""Builds the planned flows as chains of actions: wait, send, wait, send."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from klaviyo_sandbox.catalog.campaigns import first_words
from klaviyo_sandbox.catalog.model import Flow, FlowAction, FlowMessage, Variation
from klaviyo_sandbox.catalog.plan import FLOWS, FlowPlan, Step
from klaviyo_sandbox.catalog.seeding import SeededRandom
from klaviyo_sandbox.clock import DAY, HOUR

# The type of a channel's send action, as in Klaviyo's flow definitions.
SEND_ACTION_TYPES = {
    "email": "send-email",
    "sms": "send-sms",
    "push": "send-mobile-push",
    "whatsapp": "send-whatsapp",
}


def build_flows(seeded: SeededRandom, today: int) -> tuple[Flow, ...]:
    """Return the company's flows; ``today`` is the epoch's midnight."""
    flows = [_build_flow(seeded, flow, today) for flow in FLOWS]
    return tuple(sorted(flows, key=lambda flow: (flow.created, flow.id)))


def _build_flow(seeded: SeededRandom, flow: FlowPlan, today: int) -> Flow:
    live_from = None if flow.live_days is None else today - flow.live_days * DAY
    created = (today - 12 * DAY if live_from is None else live_from - 6 * DAY) + 15 * HOUR
    archived_at = None if flow.archived_days is None else today - flow.archived_days * DAY
    by_list = flow.trigger_type == "Added to List"
    return Flow(
        id=seeded.short_id("flow", flow.name),
        name=flow.name,
        trigger_type=flow.trigger_type,
        trigger=seeded.short_id("list", flow.trigger) if by_list else flow.trigger,
        exit_metric=flow.exit_metric,
        reentry_days=flow.reentry_days,
        live_from=live_from,
        archived_at=archived_at,
        created=created,
        updated=created + 2 * DAY,
        tag_ids=(seeded.uuid("tag", "Automation"),),
        actions=_chain(list(_build_actions(seeded, flow, created))),
        messages=tuple(_build_message(seeded, flow, step, created) for step in flow.steps),
    )


def _chain(actions: list[FlowAction]) -> tuple[FlowAction, ...]:
    linked = [replace(action, next_id=after.id) for action, after in pairwise(actions)]
    return (*linked, actions[-1])


def _build_actions(seeded: SeededRandom, flow: FlowPlan, created: int) -> Iterator[FlowAction]:
    """Yield a wait before each step with a delay, and the step's send action."""
    elapsed = 0
    for step in flow.steps:
        # Steps count from the trigger, waits from the step before: a wait is the difference.
        wait = FlowAction(
            id=seeded.integer_id("wait", flow.name, step.name),
            type="time-delay",
            message_id=None,
            next_id=None,
            delay=step.after - elapsed,
            created=created,
            updated=created + DAY,
        )
        if wait.delay:
            yield wait
        yield replace(
            wait,
            id=seeded.integer_id("send", flow.name, step.name),
            type="ab-test" if len(step.subjects) > 1 else SEND_ACTION_TYPES[step.channel],
            message_id=seeded.short_id("flow message", flow.name, step.name),
            delay=0,
        )
        elapsed = step.after


def _build_message(seeded: SeededRandom, flow: FlowPlan, step: Step, created: int) -> FlowMessage:
    return FlowMessage(
        id=seeded.short_id("flow message", flow.name, step.name),
        action_id=seeded.integer_id("send", flow.name, step.name),
        name=step.name,
        channel=step.channel,
        theme=step.theme,
        variations=tuple(_build_variations(seeded, flow, step)),
        delay=step.after,
        created=created,
        updated=created + DAY,
    )


def _build_variations(seeded: SeededRandom, flow: FlowPlan, step: Step) -> Iterator[Variation]:
    is_email = step.channel == "email"
    subjects = step.subjects or (first_words(step.text),)
    for number, subject in enumerate(subjects):
        yield Variation(
            id=seeded.short_id("flow variation", flow.name, step.name, number),
            name=f"Variation {'AB'[number]}" if len(subjects) > 1 else "Original",
            subject=subject,
            preview=step.text if is_email else "",
            body="" if is_email else step.text,
            template_id=seeded.short_id("template", step.theme.name) if is_email else None,
            share=1 / len(subjects),
            appeal=1.0 + 0.12 * number,
        )
