"""Fivetran's REST API (https://fivetran.com/docs/rest-api), as far as a sync needs it."""

import random
import time
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

import requests
from urllib3.util import Retry

from scripts.command import CommandError

API = "https://api.fivetran.com/v1"
TRY_AGAIN = {429, 500, 502, 503, 504}
LONGEST_PAUSE = 60.0  # seconds before another try, unless Fivetran names its own
FIRST_TRIES = 6  # half a minute; whoever was never answered is offline, not unlucky


class TooLateError(CommandError):
    """The deadline has passed."""

    code = 3


class NotFoundError(CommandError):
    """The key is refused, or there is no such group or connection."""

    code = 4


class Deadline:
    """The end of our patience."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def sleep(self, seconds: float, awaited: str) -> None:
        """Wait; fail at once if the deadline would pass meanwhile."""
        if time.monotonic() + seconds > self._end:
            raise TooLateError(f"{awaited} did not come within {self._seconds:g} s (--timeout).")
        time.sleep(seconds)


class Fivetran:
    """Fivetran's REST API. What is refused for the moment is asked again until the deadline.

    So is what gets no answer, once there was one.
    """

    def __init__(self, key: str, secret: str, deadline: Deadline) -> None:
        self._session = requests.Session()
        self._session.auth = (key, secret)
        self._session.headers["Accept"] = "application/json;version=2"
        self.deadline = deadline
        self._has_answered = False

    def get(self, path: str, **parameters: str) -> dict[str, Any]:
        """The data at a path."""
        return self._ask("GET", path, params=parameters)

    def post(self, path: str, body: Mapping[str, Any]) -> None:
        """Ask for something to be done."""
        self._ask("POST", path, json=body)

    def items(self, path: str, **parameters: str) -> Iterator[dict[str, Any]]:
        """The items of every page of a listing."""
        cursor: str | None = ""
        while cursor is not None:
            page = self.get(path, **parameters, **({"cursor": cursor} if cursor else {}))
            yield from page["items"]
            cursor = page.get("next_cursor")

    def _ask(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        for attempt in count():
            answer = self._try(method, path, **more)
            self._has_answered |= answer is not None
            if answer is not None and answer.status_code not in TRY_AGAIN:
                return _data(answer, path)
            if not self._has_answered and attempt + 1 == FIRST_TRIES:
                raise CommandError(f"Fivetran cannot be reached: is {API} open from here?")
            pause = _pause(answer, attempt)
            reason = "cannot be reached" if answer is None else f"says {answer.status_code}"
            print(f"Fivetran {reason} ({path}): trying again in {pause:.0f} s", flush=True)
            self.deadline.sleep(pause, f"Fivetran's answer to {path}")
        raise AssertionError  # count() has no end

    def _try(self, method: str, path: str, **more: Any) -> requests.Response | None:
        """One answer, whatever its status; None if the network gave none."""
        try:
            return self._session.request(
                method, API + path, timeout=30, allow_redirects=False, **more
            )
        except (requests.ConnectionError, requests.Timeout):
            return None


def _pause(answer: requests.Response | None, attempt: int) -> float:
    """Seconds until the next try: as Fivetran says, else about twice as long each time."""
    if answer is not None and "Retry-After" in answer.headers:
        return Retry().parse_retry_after(answer.headers["Retry-After"])
    return about(min(2.0**attempt, LONGEST_PAUSE))


def about(seconds: float) -> float:
    """The same give or take a fifth, so that many of us do not ask in step."""
    return seconds * random.uniform(0.8, 1.2)  # noqa: S311 - no secret


def _data(answer: requests.Response, path: str) -> dict[str, Any]:
    """The data of an answer, or the error that tells what to do."""
    if answer.status_code in (401, 403):
        raise NotFoundError(
            "Fivetran refused FIVETRAN_API_KEY: make a key at"
            " https://fivetran.com/dashboard/user/api-config that may manage the connection."
        )
    if answer.status_code == 404:
        raise NotFoundError(f"Fivetran knows no {path}: --list shows all groups and connections.")
    if answer.status_code >= 300:
        raise CommandError(f"Fivetran answered {answer.status_code} to {path}: {answer.text:.300}")
    return dict(answer.json().get("data", {}))
