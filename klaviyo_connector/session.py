"""A retrying, rate-limited, paging session with Klaviyo for one account. Thread-safe."""

import logging
import random
import re
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Any, Protocol
from weakref import WeakSet

from api import (
    ContractError,
    CursorError,
    Decode,
    KlaviyoClient,
    KlaviyoError,
    TransientError,
    next_cursor,
)
from rate_limit import RateLimiter

MAX_ATTEMPTS = 6  # with the backoff between them: half a minute on average, a minute at most
MAX_BACKOFF = 60.0  # seconds
# Seconds that one request may wait in all. A longer Retry-After is that of a spent daily quota.
MAX_TOTAL_WAIT = 900.0
MIN_LOGGED_WAIT = 2.0  # seconds
MAX_CURSOR_REPEATS = 3  # one repeated page is a passing fault; a cursor seen this often is a loop
_ID = re.compile(r"(?<=^/api/)([^/]+)/[^/]+")
log = logging.getLogger("klaviyo")


class QuotaSpentError(TransientError):
    """Klaviyo's quota, or our share of it, allows a request only later than a sync should wait."""

    def __init__(self, endpoint: str, seconds: float, limit: str = "Klaviyo's quota") -> None:
        minutes = ceil(seconds / 60)
        super().__init__(
            f"{endpoint}: {limit} is used up; retry in {minutes} minutes or later",
            seconds,
            throttled=True,
        )


class StoppedError(KlaviyoError):
    """The sync has ended, and every request with it."""


class Clock:
    """A monotonic clock whose waits another thread can end."""

    def __init__(self) -> None:
        self._stopped = threading.Event()

    def now(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        """Let time pass. Raises StoppedError once the clock is stopped."""
        if self._stopped.wait(seconds):
            raise StoppedError("the sync was stopped")

    def stop(self) -> None:
        """End every wait, including later ones."""
        self._stopped.set()


class Paginator(Protocol):
    """How one kind of endpoint takes a cursor and what its pages hold."""

    endpoint: str  # what a rate limit applies to

    def fetch(self, client: KlaviyoClient, cursor: str | None) -> Any:
        """One page. Raises TransientError if it is incomplete."""
        ...


@dataclass
class ListPaginator:
    """A listing: the cursor is a query parameter. The path of one record is a page of it alone.

    Klaviyo's OpenAPI requires only the link `self`. Recorded on 2026-09-04: a last page ends with
    `"next": null`, a listing without pages has `self` alone. Links without either are broken.
    """

    path: str
    params: Mapping[str, str]
    decode: Decode | None = None
    endpoint: str = field(init=False)

    def __post_init__(self) -> None:
        self.endpoint = rate_limited_endpoint(self.path, self.params)

    def fetch(self, client: KlaviyoClient, cursor: str | None) -> Any:
        """A page with `data` and `links`."""
        params = {**self.params, **({"page[cursor]": cursor} if cursor else {})}
        page = client.get(self.path, params, self.decode)
        if isinstance(page["data"], dict) and "id" in page["data"]:
            page = {**page, "data": [page["data"]]}
        if not isinstance(page["data"], list) or not {"self", "next"} & page["links"].keys():
            raise TransientError(f"{self.path}: the page lacks its data or links", broken=True)
        return page


@dataclass
class ReportPaginator:
    """A report: the cursor is a query parameter of the POST."""

    endpoint: str
    body: Any

    def fetch(self, client: KlaviyoClient, cursor: str | None) -> Any:
        """A page of the report's attributes, with `results`."""
        page = client.post(self.endpoint, self.body, {"page_cursor": cursor} if cursor else None)
        return _require_lists(self.endpoint, page, "results")


@dataclass
class AggregatePaginator:
    """Metric aggregates: the cursor is an attribute in the body."""

    endpoint: str
    body: Any

    def fetch(self, client: KlaviyoClient, cursor: str | None) -> Any:
        """A page of the aggregate's attributes, with `data` and `dates`."""
        attributes = {
            **self.body["attributes"],
            **({"page_cursor": cursor} if cursor else {}),
        }
        # The cursor of a report is a parameter of the query, this one an attribute (OpenAPI).
        page = client.post(self.endpoint, {**self.body, "attributes": attributes})
        return _require_lists(self.endpoint, page, "data", "dates")


def rate_limited_endpoint(path: str, params: Mapping[str, str]) -> str:
    """The unit of a rate limit: a path without ids, plus the fields that lower the limit."""
    fields = [value for name, value in params.items() if name.startswith("additional-fields")]
    return _ID.sub(r"\1/{id}", path) + (f" with {','.join(fields)}" if fields else "")


def _require_lists(path: str, page: Any, *names: str) -> Any:
    """The page, if it has these lists: a page without them is broken, not empty."""
    if not all(isinstance(page.get(name), list) for name in names):
        raise TransientError(f"{path}: the answer lacks {' or '.join(names)}", broken=True)
    return page


class KlaviyoSession:
    """The requests of one account, each retried until it is answered or its budget is spent."""

    def __init__(self, key: str) -> None:
        self._key, self._local, self._lock = key, threading.local(), threading.Lock()
        self._clock = Clock()
        self._clients = WeakSet[KlaviyoClient]()  # those of living threads
        self._limiters: dict[str, RateLimiter] = defaultdict(RateLimiter)  # by endpoint
        self.requests = self.throttled = 0
        self.waited = 0.0  # seconds

    @property
    def client(self) -> KlaviyoClient:
        """The client of the current thread."""
        if not hasattr(self._local, "client"):
            self._local.client = KlaviyoClient(self._key)
            self._clients.add(self._local.client)
        client: KlaviyoClient = self._local.client
        return client

    def daily_quota(self, endpoint: str) -> float | None:
        """The requests a day that Klaviyo allows of an endpoint, once a response states it."""
        with self._lock:
            return self._limiters[endpoint].daily_quota

    def stop(self) -> None:
        """End every request at once, including later ones, with StoppedError."""
        self._clock.stop()
        for client in list(self._clients):
            client.abort()

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """One document."""
        endpoint = rate_limited_endpoint(path, params or {})
        return self._request_with_retries(endpoint, lambda: self.client.get(path, params))

    def pages(
        self,
        path: str,
        params: Mapping[str, str],
        *,
        attempts: int = MAX_ATTEMPTS,
        decode: Decode | None = None,
    ) -> Iterator[Any]:
        """Each page of a listing, which starts over if Klaviyo no longer knows the cursor."""
        for attempt in range(1, MAX_CURSOR_REPEATS + 1):
            try:
                yield from self._paginate(ListPaginator(path, params, decode), attempts)
            except CursorError:
                if attempt == MAX_CURSOR_REPEATS:
                    raise
                log.warning("%s: Klaviyo forgot the page cursor; listing again", path)
            else:
                return

    def report(self, path: str, body: Any) -> Iterator[Any]:
        """Each page of a report's attributes."""
        return self._paginate(ReportPaginator(path, body))

    def aggregate(self, path: str, body: Any) -> Iterator[Any]:
        """Each page of a metric aggregate's attributes."""
        return self._paginate(AggregatePaginator(path, body))

    def _paginate(self, paginator: Paginator, attempts: int = MAX_ATTEMPTS) -> Iterator[Any]:
        """Follow cursors until there is no next page. Raises ContractError if they loop."""
        seen: Counter[str] = Counter()
        cursor: str | None = None

        def fetch() -> tuple[Any, str | None]:
            # Parsed within the retries: a next link without a cursor is a broken page.
            page = paginator.fetch(self.client, cursor)
            return page, next_cursor(paginator.endpoint, page)

        while True:
            page, following = self._request_with_retries(paginator.endpoint, fetch, attempts)
            yield page
            if following is None:
                return
            seen[following] += 1
            if seen[following] >= MAX_CURSOR_REPEATS:
                raise ContractError(f"{paginator.endpoint}: Klaviyo's paging runs in a circle")
            cursor = following

    def _request_with_retries(
        self, endpoint: str, send: Callable[[], Any], attempts: int = MAX_ATTEMPTS
    ) -> Any:
        """Send until there is a response. Raises the last error, by its remedy.

        A throttled request does not count as an attempt: it is limited by the total wait alone.
        """
        with self._lock:
            limiter = self._limiters[endpoint]
        tries, failures, waited = 0, 0, 0.0
        while True:
            self._acquire(endpoint, limiter)
            try:
                return self._attempt(send, limiter)
            except TransientError as error:
                tries += 1
                failures += not error.throttled
                wait = self._compute_backoff(endpoint, error, tries)
                waited += wait
                if failures >= attempts or waited > MAX_TOTAL_WAIT:
                    # A response that is malformed at every attempt is a change of the contract.
                    raise ContractError(str(error)) if error.broken else error from None
                log.info("%s; retrying in %.1f s", error, wait)
                self._sleep(wait)

    def _acquire(self, endpoint: str, limiter: RateLimiter) -> None:
        """Wait until the rate limits allow one more request."""
        while True:
            with self._lock:
                wait = limiter.acquire(self._clock.now())
            if wait > MIN_LOGGED_WAIT:
                log.info("%s: waiting %.0f s for Klaviyo's rate limit", endpoint, wait)
            self._sleep(wait)
            if not wait:
                return

    def _attempt(self, send: Callable[[], Any], limiter: RateLimiter) -> Any:
        """Send once, count it, and adapt the rate limiter to the response."""
        pause: float | None = None
        try:
            return send()
        except TransientError as error:
            pause = error.retry_after if error.throttled else None
            raise
        finally:
            with self._lock:
                self.requests += 1
                limiter.update_from_headers(self.client.rate_limit, self._clock.now())
                if pause is not None:  # a 429 may have no other header
                    limiter.pause(pause, self._clock.now())

    def _compute_backoff(self, endpoint: str, error: TransientError, tries: int) -> float:
        """Seconds until the next attempt: Retry-After plus up to a second, or full jitter.

        Both are random, so that waiting threads do not all retry at the same moment.
        """
        with self._lock:
            self.throttled += error.throttled
        if error.retry_after:
            wait = error.retry_after + random.uniform(0, 1)  # noqa: S311 - no secret
            if wait <= MAX_TOTAL_WAIT:
                return wait
            if error.throttled:
                raise QuotaSpentError(endpoint, error.retry_after) from None
            minutes = ceil(error.retry_after / 60)
            message = f"{error}; retry in {minutes} minutes or later"
            raise TransientError(message, error.retry_after) from None
        # Retry-After: 0 means now. Its first backoff is below a second, and later ones grow.
        exponent = tries if error.retry_after is None else tries - 1
        return random.uniform(0, min(MAX_BACKOFF, 2.0**exponent))  # noqa: S311 - no secret

    def _sleep(self, seconds: float) -> None:
        with self._lock:
            self.waited += seconds
        self._clock.wait(seconds)
