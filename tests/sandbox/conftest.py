"""The sandboxes that the tests share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.sandbox_server import Sandbox, run_sandbox

NOON = "2026-11-21T12:00:00+00:00"
SMALL: dict[str, Any] = {"campaigns": 40, "profiles": 60, "no_limits": True, "now": NOON}


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """A small account without limits, for tests that only read it."""
    with run_sandbox(no_limits=True, now=NOON, campaigns=80, profiles=400) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def shared_sandbox() -> Iterator[Sandbox]:
    """A smaller account for the tests of a module that change it."""
    with run_sandbox(**SMALL) as sandbox:
        yield sandbox


@pytest.fixture
def fresh_sandbox(shared_sandbox: Sandbox) -> Sandbox:
    """The module's account in its first state."""
    shared_sandbox.reset()
    return shared_sandbox


@pytest.fixture(scope="session")
def metric_ids(sandbox: Sandbox) -> dict[str, str]:
    """The id of every metric by its name."""
    metrics = sandbox.all("/api/metrics")
    return {metric["attributes"]["name"]: metric["id"] for metric in metrics}
