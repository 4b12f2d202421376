"""The relationship ``flow-triggers``, which lists, segments and metrics share."""

from __future__ import annotations

from typing import Any

from klaviyo_sandbox.catalog.model import Company
from klaviyo_sandbox.jsonapi import to_many


def find_triggered_flows(company: Company, now: int, trigger: str) -> Any:
    """Return the relationship to the flows that exist at ``now`` and start from the trigger."""
    flows = [flow for flow in company.flows if flow.created <= now]
    return to_many("flow", (flow.id for flow in flows if flow.trigger == trigger))
