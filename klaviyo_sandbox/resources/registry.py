"""The table of all resource types and endpoints, collected from the modules beside this one.

To add a listed resource, add one module that holds a ``ResourceType``: it is found by itself.
"""

from __future__ import annotations

import importlib
import pkgutil

from klaviyo_sandbox import resources
from klaviyo_sandbox.catalog.model import Company
from klaviyo_sandbox.jsonapi import Json
from klaviyo_sandbox.resources.declaration import REPORT, Endpoint, ResourceType


def _collect_types() -> dict[str, ResourceType]:
    """Return every resource type that a module beside this one declares, by name."""
    names = [found.name for found in pkgutil.iter_modules(resources.__path__)]
    modules = [
        importlib.import_module(f"{resources.__name__}.{name}")
        for name in names
        if name != "registry"
    ]
    return {
        value.name: value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, ResourceType)
    }


RESOURCE_TYPES = _collect_types()
_REPORTS = {
    "campaign": ("values",),
    "flow": ("values", "series"),
    "form": ("values", "series"),
    "segment": ("values", "series"),
}
ENDPOINTS: tuple[Endpoint, ...] = (
    *(endpoint for declared in RESOURCE_TYPES.values() for endpoint in declared.endpoints),
    *(
        Endpoint(f"/api/{name}s", name, REPORT, f"{subject}s:read")
        for subject, forms in _REPORTS.items()
        for name in (f"{subject}-{form}-report" for form in forms)
    ),
)


def build_resources(company: Company, resource_type: str, now: int) -> list[Json]:
    """Return the resources of a type that exist at ``now``; KeyError for an unknown type."""
    build = RESOURCE_TYPES[resource_type].build
    if build is None:
        raise KeyError(resource_type)
    return build(company, now)


def find_endpoint(path: str) -> tuple[Endpoint, str] | None:
    """Return the endpoint at a path and the id in it; None if there is none."""
    for endpoint in ENDPOINTS:
        match = endpoint.pattern.fullmatch(path)
        if match is not None:
            return endpoint, match.groupdict().get("id", "")
    return None
