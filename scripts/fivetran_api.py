"""Client of Fivetran's REST API (https://fivetran.com/docs/rest-api), as far as a sync needs it."""

import random
import time
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

import requests
from urllib3.util import Retry

from scripts.command import CommandError

API = "https://api.fivetran.com/v1"
RETRYABLE_STATUSES = {429, 500, 502, 503, 504}
MAX_BACKOFF = 60.0  # seconds; Fivetran's own Retry-After may be longer
MAX_FIRST_ATTEMPTS = 6  # half a minute; without any response until then, this machine is offline


class DeadlineExceededError(CommandError):
    """The deadline has passed."""

    code = 3


class NotFoundError(CommandError):
    """The API key is refused, or there is no such group or connection."""

    code = 4


class Deadline:
    """The time at which waiting ends."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def sleep(self, seconds: float, awaited: str) -> None:
        """Sleep; raise at once if the deadline would pass during the sleep."""
        if time.monotonic() + seconds > self._end:
            raise DeadlineExceededError(
                f"{awaited} did not come within {self._seconds:g} s (--timeout)."
            )
        time.sleep(seconds)


class FivetranClient:
    """Fivetran's REST API. Retries rate limits and server errors until the deadline.

    Network errors are retried until the deadline too, once Fivetran has responded.
    """

    def __init__(self, key: str, secret: str, deadline: Deadline) -> None:
        self._session = requests.Session()
        self._session.auth = (key, secret)
        self._session.headers["Accept"] = "application/json;version=2"
        self.deadline = deadline
        self._has_responded = False

    def get(self, path: str, **parameters: str) -> dict[str, Any]:
        """Get the data at a path."""
        return self._request_with_retries("GET", path, params=parameters)

    def post(self, path: str, body: Mapping[str, Any]) -> None:
        """Post a body to a path."""
        self._request_with_retries("POST", path, json=body)

    def list_items(self, path: str, **parameters: str) -> Iterator[dict[str, Any]]:
        """Yield the items of every page of a listing."""
        cursor: str | None = ""
        while cursor is not None:
            page = self.get(path, **parameters, **({"cursor": cursor} if cursor else {}))
            yield from page["items"]
            cursor = page.get("next_cursor")

    def _request_with_retries(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        for attempt in count():
            response = self._attempt(method, path, **options)
            self._has_responded |= response is not None
            if response is not None and response.status_code not in RETRYABLE_STATUSES:
                return _parse_response(response, path)
            # A later outage is retried: during it the sync continues in Fivetran.
            if not self._has_responded and attempt + 1 == MAX_FIRST_ATTEMPTS:
                raise CommandError(f"Fivetran cannot be reached: is {API} open from here?")
            backoff = _choose_backoff(response, attempt)
            reason = "cannot be reached" if response is None else f"says {response.status_code}"
            print(f"Fivetran {reason} ({path}): trying again in {backoff:.0f} s", flush=True)
            self.deadline.sleep(backoff, f"Fivetran's answer to {path}")
        raise AssertionError  # count() has no end

    def _attempt(self, method: str, path: str, **options: Any) -> requests.Response | None:
        """Send one request; return its response, whatever the status, or None without one."""
        # No redirects: the key goes to Fivetran's own host only.
        try:
            return self._session.request(
                method, API + path, timeout=30, allow_redirects=False, **options
            )
        except (requests.ConnectionError, requests.Timeout):
            return None


def _choose_backoff(response: requests.Response | None, attempt: int) -> float:
    """Seconds until the next attempt: Fivetran's Retry-After, else exponential with jitter."""
    if response is not None and "Retry-After" in response.headers:
        return Retry().parse_retry_after(response.headers["Retry-After"])
    return add_jitter(min(2.0**attempt, MAX_BACKOFF))


def add_jitter(seconds: float) -> float:
    """Vary a duration by up to a fifth, so that many clients do not send requests in step."""
    return seconds * random.uniform(0.8, 1.2)  # noqa: S311 - no secret


def _parse_response(response: requests.Response, path: str) -> dict[str, Any]:
    """Return the data of a response, or raise the error that names the remedy."""
    if response.status_code in (401, 403):
        raise NotFoundError(
            "Fivetran refused FIVETRAN_API_KEY: make a key at"
            " https://fivetran.com/dashboard/user/api-config that may manage the connection."
        )
    if response.status_code == 404:
        raise NotFoundError(f"Fivetran knows no {path}: --list shows all groups and connections.")
    if response.status_code >= 300:
        raise CommandError(
            f"Fivetran answered {response.status_code} to {path}: {response.text:.300}"
        )
    return dict(response.json().get("data", {}))
