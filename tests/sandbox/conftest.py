"""One small sandbox for all tests that only read it, and what they want to know of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sandbox_server import Sandbox, running_sandbox

NOON = "2026-11-21T12:00:00+00:00"


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """A small account without limits, whose clock nobody may move."""
    with running_sandbox(no_limits=True, now=NOON, campaigns=80, profiles=400) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def metric_ids(sandbox: Sandbox) -> dict[str, str]:
    """The id of every metric by its name."""
    metrics = sandbox.all("/api/metrics")
    return {metric["attributes"]["name"]: metric["id"] for metric in metrics}
