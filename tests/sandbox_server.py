"""The sandbox as a real server in a process of its own, for any test that needs an account.

with running_sandbox(events=50_000, now="2026-11-21T12:00:00Z") as sandbox:
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
        """What every request to the API carries."""
        return {
            "Authorization": f"Klaviyo-API-Key {KEY}",
            "revision": REVISION,
            "Content-Type": "application/vnd.api+json",
        }

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        """Return the API's answer, whatever its status."""
        headers = self.headers | more.pop("headers", {})
        url = path if path.startswith("http") else self.url + path
        more = {"allow_redirects": False, "timeout": TIMEOUT} | more
        return self.session.request(method, url, headers=headers, **more)

    def get(self, path: str, **parameters: Any) -> dict[str, Any]:
        """Return the document at ``path``; AssertionError if it is not 200."""
        answer = self.ask("GET", path, params=parameters)
        assert answer.status_code == requests.codes.ok, answer.text
        document: dict[str, Any] = answer.json()
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
        return [each for page in self.pages(path, **parameters) for each in page["data"]]

    def report(self, kind: str, **attributes: Any) -> dict[str, Any]:
        """Return the document of a report or of a metric aggregate, such as flow-series-report."""
        answer = self.ask("POST", f"/api/{kind}s", json=body(kind, attributes))
        assert answer.status_code == requests.codes.ok, answer.text
        document: dict[str, Any] = answer.json()
        return document

    def admin(self, method: str = "GET", path: str = "", /, **given: Any) -> dict[str, Any]:
        """Ask the admin's door."""
        url = f"{self.url}/admin{path}"
        answer = self.session.request(method, url, json=given or None, timeout=TIMEOUT)
        assert answer.status_code == requests.codes.ok, answer.text
        document: dict[str, Any] = answer.json()
        return document

    def move_to(self, now: str) -> None:
        """Set the account's clock, ISO 8601."""
        self.admin("POST", "/clock", now=now)

    def advance(self, seconds: int) -> None:
        """Move the account's clock on."""
        self.admin("POST", "/clock", advance_seconds=seconds)

    def fault(self, name: str, **settings: Any) -> None:
        """Set a fault; klaviyo_sandbox/http/faults.py lists them."""
        self.admin("POST", "/fault", name=name, **settings)

    def clear_faults(self) -> None:
        """Unset every fault."""
        self.admin("DELETE", "/fault")

    def edit(self, kind: str, id_: str, changes: Mapping[str, Any] | None) -> None:
        """Change attributes of a resource, or delete it (None)."""
        self.admin("POST", "/edit", type=kind, id=id_, changes=changes)

    def reset(self) -> None:
        """Undo every edit, turn the clock back, unset faults and forget requests."""
        self.admin("POST", "/reset")

    def log(self) -> list[dict[str, Any]]:
        """Return every request to the API since the start or the last reset."""
        found: list[dict[str, Any]] = self.admin("GET", "/requests")["requests"]
        return found

    def reset_requests(self) -> None:
        """Forget the requests so far."""
        self.admin("POST", "/requests/reset")


def body(kind: str, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON:API body of a question."""
    return {"data": {"type": kind, "attributes": attributes}}


def start(**options: Any) -> Sandbox:
    """Start a sandbox on a free port and wait until it serves.

    Options are those of the command line: ``latency_ms=5``, ``no_limits=True``,
    ``api_key=["pk_one", "pk_two@8:events:read"]`` (the second opens the account of seed 8).
    """
    return Sandbox(*launcher.start(*_flags(options)))


def _flags(options: Mapping[str, Any]) -> Iterator[str]:
    for name, value in options.items():
        flag = f"--{name.replace('_', '-')}"
        for each in value if isinstance(value, list) else [value]:
            if each is True:
                yield flag
            elif each is not False and each is not None:
                yield from (flag, str(each))


def stop(sandbox: Sandbox) -> None:
    """End the process."""
    sandbox.session.close()
    sandbox.process.kill()
    sandbox.process.communicate()


@contextmanager
def running_sandbox(**options: Any) -> Iterator[Sandbox]:
    """Run a sandbox for the length of a with-block; see ``start`` for the options."""
    sandbox = start(**options)
    try:
        yield sandbox
    finally:
        stop(sandbox)
