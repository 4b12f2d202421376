"""The sandbox's packages keep their order, and a new resource type needs one module only."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from klaviyo_sandbox import resources
from klaviyo_sandbox.resources import registry
from tests.sandbox_server import REPOSITORY

ORDER = ("clock jsonapi catalog simulation resources account reports api http __main__").split()
GIFT_CARD = """
from klaviyo_sandbox.catalog.seeding import SeededRandom
from klaviyo_sandbox.jsonapi import resource
from klaviyo_sandbox.resources.declaration import Endpoint, Page, ResourceType, S

GIFT_CARD = ResourceType(
    name="gift-card",
    attributes="description",
    build=lambda company, now: [
        resource("gift-card", SeededRandom(company.seed).short_id("c", 1), {"description": "10%"})
    ],
    endpoints=(Endpoint("/api/gift-cards", "gift-card", S, "gift-cards:read", Page(20, 100)),),
)
"""


def test_packages_import_only_earlier_ones() -> None:
    """A package imports only packages before it in the order of the README."""
    package = Path(REPOSITORY) / "klaviyo_sandbox"
    offenders = []
    for path in package.rglob("*.py"):
        own = path.relative_to(package).parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            for name in names:
                top, *rest = name.split(".")
                if top == "klaviyo_sandbox" and rest and ORDER.index(rest[0]) > ORDER.index(own):
                    offenders.append((str(path.relative_to(package)), name))
    assert offenders == []


def test_resource_type_needs_one_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module with a ResourceType in the resources package is found without a registration."""
    (tmp_path / "gift_cards.py").write_text(GIFT_CARD)
    monkeypatch.setattr(resources, "__path__", [*resources.__path__, str(tmp_path)])
    try:
        types = registry._collect_types()
    finally:
        sys.modules.pop(f"{resources.__name__}.gift_cards", None)
    assert set(types) - set(registry.RESOURCE_TYPES) == {"gift-card"}
    assert types["gift-card"].endpoints[0].path == "/api/gift-cards"
