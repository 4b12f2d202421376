"""Asks again when asking again helps: patience with Klaviyo, within a budget."""

import logging
import random
import re
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any
from weakref import WeakSet

from allowance import Allowance
from api import ContractError, CursorError, Klaviyo, KlaviyoError, TransientError, next_cursor

ATTEMPTS = 6
LONGEST_BACKOFF = 60.0  # seconds
SECONDS_WORTH_TELLING = 2.0
# Seconds that one question may wait. A longer Retry-After is a spent quota's, not a busy minute's.
PATIENCE = 900.0
REPEATS = 3  # one repeated page is a hiccup; a cursor seen this often is a loop
_ID = re.compile(r"(?<=^/api/)([^/]+)/[^/]+")
log = logging.getLogger("klaviyo")


def _endpoint(path: str, params: Mapping[str, str]) -> str:
    """What Klaviyo's limits hold for: not one record, but apart for what is costly to answer."""
    more = ",".join(value for name, value in params.items() if name.startswith("additional-fields"))
    return _ID.sub(r"\1/{id}", path) + (f" with {more}" if more else "")


def _holding(path: str, answer: Any, *lists: str) -> Any:
    """The answer, if it has these lists: one that lacks them is no empty one."""
    if not all(isinstance(answer.get(name), list) for name in lists):
        raise TransientError(f"{path}: the answer lacks {' or '.join(lists)}", broken=True)
    return answer


def _turned(
    endpoint: str, page: Callable[[str | None], Any], cursor: str | None
) -> tuple[Any, str | None]:
    """A page and the cursor behind it; a link without a cursor makes the page a broken one."""
    answer = page(cursor)
    return answer, next_cursor(endpoint, answer)


class QuotaSpentError(TransientError):
    """Klaviyo asks to come back later than a sync should wait."""

    def __init__(self, endpoint: str, seconds: float) -> None:
        super().__init__(
            f"{endpoint}: Klaviyo's quota is used up; retry in {seconds / 60:.0f} minutes or later",
            seconds,
            throttled=True,
        )


class StoppedError(KlaviyoError):
    """The sync is over; nobody waits for the answer."""


class Clock:
    """Time that only goes forward, and waits that another thread can end."""

    def __init__(self) -> None:
        self._stopped = threading.Event()

    def now(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        """Let time pass; StoppedError once the clock is stopped."""
        if self._stopped.wait(seconds):
            raise StoppedError("the sync was stopped")

    def stop(self) -> None:
        """End every wait, also those to come."""
        self._stopped.set()


class Asking:
    """One account's questions, each asked until it is answered or hopeless. Safe for threads."""

    def __init__(self, key: str) -> None:
        self._key, self._local, self._lock = key, threading.local(), threading.Lock()
        self._clock = Clock()
        self._clients = WeakSet[Klaviyo]()  # those of living threads
        self._allowances: dict[str, Allowance] = defaultdict(Allowance)  # by endpoint
        self.requests = self.throttled = 0
        self.waited = 0.0  # seconds

    @property
    def client(self) -> Klaviyo:
        """The connection of the thread that asks."""
        if not hasattr(self._local, "client"):
            self._local.client = Klaviyo(self._key)
            self._clients.add(self._local.client)
        client: Klaviyo = self._local.client
        return client

    def stop(self) -> None:
        """End every question at once, also those to come, with StoppedError."""
        self._clock.stop()
        for client in list(self._clients):
            client.hang_up()

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """One document."""
        endpoint = _endpoint(path, params or {})
        return self._insist(endpoint, lambda: self.client.get(path, params))

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
                yield from self._turn(_endpoint(path, params), page, attempts)
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
        self, endpoint: str, page: Callable[[str | None], Any], attempts: int = ATTEMPTS
    ) -> Iterator[Any]:
        """Turn pages until there is no next one, or until they run in a circle."""
        asked: Counter[str] = Counter()
        cursor: str | None = None
        while True:
            answer, following = self._insist(
                endpoint, partial(_turned, endpoint, page, cursor), attempts
            )
            yield answer
            if following is None:
                return
            asked[following] += 1
            if asked[following] >= REPEATS:
                raise ContractError(f"{endpoint}: Klaviyo's paging runs in a circle")
            cursor = following

    def _insist(self, endpoint: str, question: Callable[[], Any], attempts: int = ATTEMPTS) -> Any:
        """Ask until answered; what stays wrong is raised, named by its remedy."""
        with self._lock:
            allowance = self._allowances[endpoint]
        tries, failures, waited = 0, 0, 0.0
        while True:
            self._hold(endpoint, allowance)
            try:
                return self._once(question, allowance)
            except TransientError as error:
                tries += 1
                failures += not error.throttled
                wait = self._wait(endpoint, error, tries)
                waited += wait
                if failures >= attempts or waited > PATIENCE:
                    raise ContractError(str(error)) if error.broken else error from None
                log.info("%s; asking again in %.1f s", error, wait)
                self._sleep(wait)

    def _hold(self, endpoint: str, allowance: Allowance) -> None:
        """Wait until Klaviyo's limits allow one more request."""
        while True:
            with self._lock:
                wait = allowance.take(self._clock.now())
            if wait > SECONDS_WORTH_TELLING:
                log.info("%s: waiting %.0f s for Klaviyo's rate limit", endpoint, wait)
            self._sleep(wait)
            if not wait:
                return

    def _once(self, question: Callable[[], Any], allowance: Allowance) -> Any:
        try:
            return question()
        except TransientError as error:
            if error.throttled and error.retry_after is not None:
                with self._lock:
                    allowance.close(error.retry_after, self._clock.now())
            raise
        finally:
            with self._lock:
                self.requests += 1
                allowance.learn(self.client.limits, self._clock.now())

    def _wait(self, endpoint: str, error: TransientError, tries: int) -> float:
        """Seconds to wait: what Klaviyo asked for and up to one more, or ever longer full jitter.

        Either way chance spreads out those who wait.
        """
        with self._lock:
            self.throttled += error.throttled
        asked = error.retry_after
        if asked:
            wait = asked + random.uniform(0, 1)  # noqa: S311 - no secret
            if wait > PATIENCE:
                raise QuotaSpentError(endpoint, asked) from None
            return wait
        grown = tries if asked is None else tries - 1  # 0: at once, but not for ever
        return random.uniform(0, min(LONGEST_BACKOFF, 2.0**grown))  # noqa: S311 - no secret

    def _sleep(self, seconds: float) -> None:
        with self._lock:
            self.waited += seconds
        self._clock.wait(seconds)
