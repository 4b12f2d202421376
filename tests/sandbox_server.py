"""The sandbox as a server in a process of its own, for tests that need an account.

with run_sandbox(events=50_000, now="2026-11-21T12:00:00Z") as sandbox:
    page = sandbox.get("/api/events")
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests

from scripts import sandbox as launcher

REPOSITORY = launcher.ROOT
KEY = "pk_sandbox_key"
REVISION = "2026-10-15"
TIMEOUT = 60


@dataclass(eq=False)
class Sandbox:
    """A running sandbox; ``url`` has no slash at its end."""

    url: str
    process: subprocess.Popen[str]
    session: requests.Session = field(default_factory=requests.Session)

    @property
    def headers(self) -> dict[str, str]:
        """The headers of every request to the API."""
        return {
            "Authorization": f"Klaviyo-API-Key {KEY}",
            "revision": REVISION,
            "Content-Type": "application/vnd.api+json",
        }

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        """Return the API's response, whatever its status."""
        headers = self.headers | options.pop("headers", {})
        url = path if path.startswith("http") else self.url + path
        options = {"allow_redirects": False, "timeout": TIMEOUT} | options
        return self.session.request(method, url, headers=headers, **options)

    def get(self, path: str, **parameters: Any) -> dict[str, Any]:
        """Return the document at ``path``; AssertionError if it is not 200."""
        response = self.request("GET", path, params=parameters)
        assert response.status_code == requests.codes.ok, response.text
        document: dict[str, Any] = response.json()
        return document

    def pages(self, path: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Yield every page of a listing."""
        page = self.get(path, **parameters)
        yield page
        while page["links"].get("next"):
            page = self.get(page["links"]["next"])
            yield page

    def all(self, path: str, **parameters: Any) -> list[dict[str, Any]]:
        """Return the resources of every page of a listing."""
        return [record for page in self.pages(path, **parameters) for record in page["data"]]

    def report(self, resource_type: str, **attributes: Any) -> dict[str, Any]:
        """Return the document of a report or of a metric aggregate, such as flow-series-report."""
        response = self.request(
            "POST", f"/api/{resource_type}s", json=build_body(resource_type, attributes)
        )
        assert response.status_code == requests.codes.ok, response.text
        document: dict[str, Any] = response.json()
        return document

    def admin(self, method: str = "GET", path: str = "", /, **body: Any) -> dict[str, Any]:
        """Return the response of an ``/admin`` endpoint, by default the sandbox's state."""
        url = f"{self.url}/admin{path}"
        response = self.session.request(method, url, json=body or None, timeout=TIMEOUT)
        assert response.status_code == requests.codes.ok, response.text
        document: dict[str, Any] = response.json()
        return document

    def move_to(self, now: str) -> None:
        """Set the account's clock, ISO 8601."""
        self.admin("POST", "/clock", now=now)

    def advance(self, seconds: int) -> None:
        """Move the account's clock forward."""
        self.admin("POST", "/clock", advance_seconds=seconds)

    def fault(self, name: str, **settings: Any) -> None:
        """Set a fault; klaviyo_sandbox/http/faults.py lists them."""
        self.admin("POST", "/fault", name=name, **settings)

    def clear_faults(self) -> None:
        """Clear every fault."""
        self.admin("DELETE", "/fault")

    def edit(self, resource_type: str, id_: str, changes: Mapping[str, Any] | None) -> None:
        """Change attributes of a resource, or delete it (None)."""
        self.admin("POST", "/edit", type=resource_type, id=id_, changes=changes)

    def erase(self, profile_id: str, *, after_seconds: int = 0) -> None:
        """Erase a person; their events are redacted some seconds later."""
        self.admin("POST", "/erase", profile=profile_id, after_seconds=after_seconds)

    def merge(self, profile_id: str, into: str, *, after_seconds: int = 0) -> None:
        """Merge a profile into another; its events follow some seconds later."""
        self.admin("POST", "/merge", profile=profile_id, into=into, after_seconds=after_seconds)

    def move_credit(self, event_id: str, touch_id: str | None, *, after_seconds: int = 0) -> None:
        """Credit the message of the event `touch_id` (None: no message) with an event."""
        body = {"event": event_id, "attributed_event": touch_id}
        self.admin("POST", "/credit", **body, after_seconds=after_seconds)

    def change_settings(self, **settings: str) -> None:
        """Change the account's timezone or currency."""
        self.admin("POST", "/settings", **settings)

    def map_metric(self, role: str, metric_id: str | None) -> None:
        """Give a role, such as revenue, to another metric or to none."""
        self.admin("POST", "/map", role=role, metric_id=metric_id)

    def reset(self) -> None:
        """Return to the first state: clock, edits, faults, counted rate limits, requests.

        It takes milliseconds, so the tests of a module can share one sandbox.
        """
        self.admin("POST", "/reset")

    def log(self) -> list[dict[str, Any]]:
        """Return every request to the API since the start or the last reset."""
        log: list[dict[str, Any]] = self.admin("GET", "/requests")["requests"]
        return log

    def reset_requests(self) -> None:
        """Forget the requests so far."""
        self.admin("POST", "/requests/reset")


def build_body(resource_type: str, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON:API body of a POST request."""
    return {"data": {"type": resource_type, "attributes": attributes}}


def start(**options: Any) -> Sandbox:
    """Start a sandbox on a free port and wait until it serves.

    Options are those of the command line: ``latency_ms=5``, ``no_limits=True``,
    ``api_key=["pk_one", "pk_two@8:events:read"]`` (the second opens the account of seed 8).
    """
    return Sandbox(*launcher.start(*_command_line(options)))


def _command_line(options: Mapping[str, Any]) -> Iterator[str]:
    for name, value in options.items():
        flag = f"--{name.replace('_', '-')}"
        for part in value if isinstance(value, list) else [value]:
            if part is True:
                yield flag
            elif part is not False and part is not None:
                yield from (flag, str(part))


def stop(sandbox: Sandbox) -> None:
    """Stop the process."""
    sandbox.session.close()
    sandbox.process.kill()
    sandbox.process.communicate()


@contextmanager
def run_sandbox(**options: Any) -> Iterator[Sandbox]:
    """Run a sandbox for the length of a with-block; see ``start`` for the options."""
    sandbox = start(**options)
    try:
        yield sandbox
    finally:
        stop(sandbox)
