"""Asks again when asking again helps: patience with Klaviyo, within a budget."""

import logging
import random
import re
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from api import ContractError, CursorError, Klaviyo, Limits, TransientError, next_cursor

ATTEMPTS = 6
LONGEST_BACKOFF = 60.0  # seconds
SECONDS_WORTH_TELLING = 2.0
PATIENCE = 600.0  # seconds that one question may wait for Klaviyo to recover
LONGEST_WAIT = 900.0  # seconds; a longer Retry-After means a spent daily quota, not a busy minute
REPEATS = 3  # one repeated page is a hiccup; a cursor seen this often is a loop
_ID = re.compile(r"(?<=^/api/)([^/]+)/[^/]+")  # limits hold for an endpoint, not for one record
log = logging.getLogger("klaviyo")


def _holding(path: str, answer: Any, *lists: str) -> Any:
    """The answer, if it has these lists: one that lacks them is no empty one."""
    if not all(isinstance(answer.get(name), list) for name in lists):
        raise TransientError(f"{path}: the answer lacks {' or '.join(lists)}", broken=True)
    return answer


def _turned(page: Callable[[str | None], Any], cursor: str | None) -> tuple[Any, str | None]:
    """A page and the cursor behind it; a link without a cursor makes the page a broken one."""
    answer = page(cursor)
    return answer, next_cursor(answer)


class QuotaSpentError(TransientError):
    """Klaviyo asks to come back later than a sync should wait."""

    def __init__(self, path: str, seconds: float) -> None:
        super().__init__(
            f"{path}: Klaviyo's quota is used up; retry in {seconds / 60:.0f} minutes or later",
            seconds,
            throttled=True,
        )


# Answers tell the limit of a minute, not that of a second. In every tier of Klaviyo's (2, 15, 60,
# 150, 750 or 3,500 a minute) a second allows a twentieth of the minute's, and at least one.
SECONDS_OF_A_MINUTE = 20


@dataclass
class Pace:
    """When an endpoint may be asked again; it paces only what Klaviyo limits."""

    apart: float = 0.0  # seconds between two questions
    free_at: float = 0.0

    def take(self) -> float:
        """Take the next turn; seconds until it comes."""
        now = time.monotonic()
        turn = max(now, self.free_at)
        self.free_at = turn + self.apart
        return turn - now

    def learn(self, limits: Limits) -> None:
        """Take from an answer how fast to go, and whether its minute is used up."""
        if limits.limit is not None:
            self.apart = 1 / max(1.0, limits.limit / SECONDS_OF_A_MINUTE)
            self.free_at = max(self.free_at, time.monotonic() + self.apart)
        if limits.remaining == 0 and limits.reset is not None:
            wait = min(limits.reset, LONGEST_BACKOFF)
            self.free_at = max(self.free_at, time.monotonic() + wait)


class Asking:
    """One account's questions, each asked until it is answered or hopeless. Safe for threads."""

    def __init__(self, key: str) -> None:
        self._key, self._local, self._lock = key, threading.local(), threading.Lock()
        self._paces: dict[str, Pace] = defaultdict(Pace)
        self.requests = self.throttled = 0
        self.waited = 0.0  # seconds

    @property
    def client(self) -> Klaviyo:
        """The connection of the thread that asks."""
        if not hasattr(self._local, "client"):
            self._local.client = Klaviyo(self._key)
        client: Klaviyo = self._local.client
        return client

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """One document."""
        return self._insist(path, lambda: self.client.get(path, params))

    def pages(
        self,
        path: str,
        params: Mapping[str, str],
        *,
        paged: bool = True,
        attempts: int = ATTEMPTS,
    ) -> Iterator[Any]:
        """Each page of a listing; begins again when Klaviyo forgets a cursor."""

        def page(cursor: str | None) -> Any:
            answer = self.client.get(
                path, {**params, **({"page[cursor]": cursor} if cursor else {})}
            )
            if not isinstance(answer["data"], list) or (paged and "next" not in answer["links"]):
                raise TransientError(f"{path}: the page lacks its data or next link", broken=True)
            return answer

        for attempt in range(1, REPEATS + 1):
            try:
                yield from self._turn(path, page, attempts)
            except CursorError:
                if attempt == REPEATS:
                    raise
                log.warning("%s: Klaviyo forgot the page cursor; listing again", path)
            else:
                return

    def report(self, path: str, body: Any) -> Iterator[Any]:
        """Each page of a report's attributes."""

        def page(cursor: str | None) -> Any:
            answer = self.client.post(path, body, {"page_cursor": cursor} if cursor else None)
            return _holding(path, answer, "results")

        yield from self._turn(path, page)

    def aggregate(self, path: str, body: Any) -> Iterator[Any]:
        """Each page of metric aggregates, whose cursor goes into the body."""

        def page(cursor: str | None) -> Any:
            attributes = {**body["attributes"], **({"page_cursor": cursor} if cursor else {})}
            answer = self.client.post(path, {**body, "attributes": attributes})
            return _holding(path, answer, "data", "dates")

        yield from self._turn(path, page)

    def _turn(
        self, path: str, page: Callable[[str | None], Any], attempts: int = ATTEMPTS
    ) -> Iterator[Any]:
        """Turn pages until there is no next one, or until they run in a circle."""
        asked: Counter[str] = Counter()
        cursor: str | None = None
        while True:
            answer, following = self._insist(path, partial(_turned, page, cursor), attempts)
            yield answer
            if following is None:
                return
            asked[following] += 1
            if asked[following] >= REPEATS:
                raise ContractError(f"{path}: Klaviyo's paging runs in a circle")
            cursor = following

    def _insist(self, path: str, question: Callable[[], Any], attempts: int = ATTEMPTS) -> Any:
        """Ask until answered; what stays wrong is raised, named by its remedy."""
        endpoint = _ID.sub(r"\1/{id}", path)
        tries, failures, waited = 0, 0, 0.0
        while True:
            self._hold(endpoint)
            try:
                return self._once(endpoint, question)
            except TransientError as error:
                tries += 1
                failures += not error.throttled
                wait = self._wait(path, error, tries)
                waited += wait
                if failures >= attempts or waited > PATIENCE:
                    raise ContractError(str(error)) if error.broken else error from None
                log.info("%s; asking again in %.1f s", error, wait)
                self._sleep(wait)

    def _once(self, endpoint: str, question: Callable[[], Any]) -> Any:
        try:
            return question()
        finally:
            with self._lock:
                self.requests += 1
                self._paces[endpoint].learn(self.client.limits)

    def _hold(self, endpoint: str) -> None:
        """Wait for this question's turn in Klaviyo's limits."""
        with self._lock:
            wait = self._paces[endpoint].take()
        if wait > SECONDS_WORTH_TELLING:
            log.info("%s: waiting %.0f s for Klaviyo's rate limit", endpoint, wait)
        if wait > 0:
            self._sleep(wait)

    def _wait(self, path: str, error: TransientError, tries: int) -> float:
        """Seconds to wait: what Klaviyo asked for, and full jitter so that clients spread out."""
        with self._lock:
            self.throttled += error.throttled
        asked = error.retry_after
        if asked is not None and asked > LONGEST_WAIT:
            raise QuotaSpentError(path, asked) from None
        grown = tries if asked is None else tries - 1
        return (asked or 0.0) + random.uniform(0, min(LONGEST_BACKOFF, 2.0**grown))  # noqa: S311

    def _sleep(self, seconds: float) -> None:
        with self._lock:
            self.waited += seconds
        time.sleep(seconds)
