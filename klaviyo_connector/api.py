"""Asks Klaviyo one question and returns its JSON, or raises an error named by its remedy.

No retry, no paging, no Fivetran. What can go wrong, by what to do about it:

KlaviyoError
├─ TransientError      ask again, within the budget
├─ AuthError           stop; the user must change the key
├─ ScopeError          skip these tables and say so
├─ CursorError         start this listing again
├─ ContractError       stop; Klaviyo answered what its contract excludes
│  └─ GoneError          this one record was deleted meanwhile
└─ ConfigurationError  stop before any request; the user must change a setting
"""

import json
import math
import os
import re
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Self
from urllib.parse import parse_qs

import orjson
import requests
import urllib3

REVISION = "2026-10-15"
KLAVIYO = "https://a.klaviyo.com"
CONNECT_TIMEOUT = 10.0  # seconds
REQUEST_DEADLINE = (
    60.0  # seconds for a whole exchange; a per-read timeout lets a dripping body hang
)
BODY_LIMIT = 64 * 2**20  # bytes after decompression; the largest page seen is under 6 MB
CHUNK = 2**18
LOOPBACK = re.compile(r"https?://(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?", re.ASCII)
# 104 and 520-524 are Cloudflare's words for a server that did not answer.
PASSING = {104, 408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524}


class KlaviyoError(Exception):
    """What went wrong with one question, in words fit for a log: no query, header or content."""


class TransientError(KlaviyoError):
    """Asking again may help. `retry_after` is Klaviyo's wish in seconds.

    `broken` says that the answer itself was wrong: if it stays so, Klaviyo broke its contract.
    """

    def __init__(
        self,
        message: str,
        retry_after: float | None = None,
        *,
        throttled: bool = False,
        broken: bool = False,
    ) -> None:
        super().__init__(message)
        self.retry_after, self.throttled, self.broken = retry_after, throttled, broken


class AuthError(KlaviyoError):
    """Klaviyo does not accept the key."""


class ScopeError(KlaviyoError):
    """The key may not read this."""


class CursorError(KlaviyoError):
    """Klaviyo no longer knows the page cursor."""


class ContractError(KlaviyoError):
    """Klaviyo's answer is not one its contract allows; asking again would not help."""


class GoneError(ContractError):
    """There is nothing at this address, or no longer."""


class ConfigurationError(KlaviyoError):
    """A setting that cannot work, found before any request."""


def base_url() -> str:
    """Klaviyo's address, or the loopback sandbox named by KLAVIYO_BASE_URL."""
    url = os.environ.get("KLAVIYO_BASE_URL", "").strip().rstrip("/")
    if not url:
        return KLAVIYO
    if not LOOPBACK.fullmatch(url):  # matched, not parsed: parsers disagree on what a host is
        raise ConfigurationError(
            "KLAVIYO_BASE_URL may only name a sandbox on this machine, such as"
            " http://127.0.0.1:8765; unset it to reach Klaviyo"
        )
    return url


class _KeyAuth(requests.auth.AuthBase):
    """The key's only way out; as `auth` it also keeps a .netrc from replacing it."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Klaviyo-API-Key {self._key}"
        return request

    def __repr__(self) -> str:
        return "Klaviyo-API-Key ***"


@dataclass(frozen=True)
class Limits:
    """What one answer said of the steady limit: requests a minute, left, seconds to its end."""

    limit: float | None = None
    remaining: float | None = None
    reset: float | None = None


@dataclass(eq=False)
class Klaviyo:
    """One account's door. Not for several threads at once: make one per thread."""

    key: str = field(repr=False)
    url: str = field(default_factory=base_url)
    deadline: float = REQUEST_DEADLINE
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy, .netrc or certificate store from outside
        self._session.auth = _KeyAuth(self.key)
        self._session.headers.update({"revision": REVISION, "Accept": "application/vnd.api+json"})
        self._watched = _WatchedAdapter()
        self._session.mount(self.url, self._watched)

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """The document at `path`; `data` and `links` are there."""
        body = self._ask("GET", path, params, None)
        if not isinstance(body.get("data"), list | dict) or not isinstance(body.get("links"), dict):
            raise TransientError(f"{path}: the answer lacks data or links", broken=True)
        return body

    def post(self, path: str, body: Any, params: Mapping[str, str] | None = None) -> Any:
        """The attributes of the report that `body` asks for, and its `links`."""
        answer = self._ask("POST", path, params, {"data": body})
        data = answer["data"] if isinstance(answer.get("data"), dict) else {}
        attributes, links = data.get("attributes"), answer.get("links")
        if not isinstance(attributes, dict) or not isinstance(links, dict):
            raise TransientError(f"{path}: the answer lacks data or links", broken=True)
        return {**attributes, "links": links}

    def hang_up(self) -> None:
        """Cut the exchange in progress, from any thread."""
        self._watched.abort()

    def _ask(self, method: str, path: str, params: Mapping[str, str] | None, body: Any) -> Any:
        self.limits = Limits()
        sent = None if body is None else orjson.dumps(body)
        with _Deadline(self.deadline, self._watched) as deadline:
            try:
                answer = self._session.request(
                    method,
                    self.url + path,
                    params=params,
                    data=sent,
                    stream=True,
                    allow_redirects=False,
                    timeout=(CONNECT_TIMEOUT, self.deadline),
                    headers={"Content-Type": "application/vnd.api+json"} if sent else None,
                )
                content = _read(path, answer)
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
                raise _transport_error(self.url, path, error, deadline) from None
        if deadline.passed:  # a cut connection can look like the end of a body
            raise deadline.error(path)
        self._note(answer.headers)
        if answer.status_code != requests.codes.ok:  # an error may quote what was asked
            content = content.replace(self.key.encode(), b"***")
        return _judge(path, answer.status_code, answer.headers, content)

    def _note(self, headers: Mapping[str, str]) -> None:
        """Take Klaviyo's clock for ours: this machine's may be wrong."""
        self.now = _date(headers.get("Date")) or datetime.now(UTC)
        names = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
        self.limits = Limits(*(_number(headers.get(name)) for name in names))


def next_cursor(path: str, body: Any) -> str | None:
    """The cursor of the next page. Only the cursor is taken from the link, never its address."""
    link = body["links"].get("next")
    if not link:
        return None
    query = parse_qs(str(link).partition("?")[2])
    cursor = query.get("page[cursor]") or query.get("page_cursor")
    if not cursor:
        raise TransientError(f"{path}: the link to the next page holds no cursor", broken=True)
    return cursor[0]


def _read(path: str, answer: requests.Response) -> bytes:
    """The body, decompressed, up to BODY_LIMIT."""
    parts, size = [], 0
    for part in answer.iter_content(CHUNK):
        parts.append(part)
        size += len(part)
        if size > BODY_LIMIT:
            answer.close()
            raise ContractError(f"{path}: Klaviyo's answer is larger than {BODY_LIMIT >> 20} MiB")
    return b"".join(parts)


def _judge(path: str, status: int, headers: Mapping[str, str], content: bytes) -> Any:
    """The body of a good answer, or the error that says what to do about a bad one."""
    body = _parsed(content)
    if status == 200 and isinstance(body, dict) and "errors" not in body:
        return body
    if status == 200:
        raise TransientError(f"{path}: Klaviyo's answer is not a JSON document", broken=True)
    detail = _detail(body)
    said = f"{path}: Klaviyo answered {status}{f' ({detail})' if detail else ''}"
    if status in PASSING or (status == 403 and body is None):  # 403 in HTML: Cloudflare's challenge
        raise TransientError(said, _retry_after(headers), throttled=status == 429)
    if status == 401:
        raise AuthError(
            "Klaviyo rejected the API key: check api_key, or make a new private key in Klaviyo"
            " under Settings > API keys"
        )
    if status == 403:
        raise ScopeError(said)
    if status in (400, 410) and "cursor" in detail.lower():
        raise CursorError(said)
    raise GoneError(said) if status in (404, 410) else ContractError(said)


def _parsed(content: bytes) -> Any:
    """JSON, or None. orjson is strict (no NaN, no lone surrogates): json takes what it refuses."""
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(content, parse_int=_whole)
    except (ValueError, RecursionError):
        return None


def _whole(digits: str) -> int | str:
    """A whole number; one of more digits than Python reads stays text, or its page is lost."""
    try:
        return int(digits)
    except ValueError:
        return digits


def _detail(body: Any) -> str:
    """Klaviyo's own words for an error, shortened."""
    try:
        return " ".join(str(body["errors"][0]["detail"]).split())[:300]
    except (KeyError, IndexError, TypeError):
        return ""


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds from now, whether the header holds seconds or a date; None when it holds neither."""
    seconds = _number(headers.get("Retry-After"))
    if seconds is None:
        until = _date(headers.get("Retry-After"))
        said_at = _date(headers.get("Date"))  # by its clock, since ours may be wrong
        seconds = (until - said_at).total_seconds() if until and said_at else None
    return None if seconds is None else max(seconds, 0.0)


def _date(value: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(value or "")
        return date.astimezone(UTC) if date.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _number(value: str | None) -> float | None:
    try:
        number = float(value or "nan")
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _transport_error(url: str, path: str, error: Exception, deadline: "_Deadline") -> KlaviyoError:
    """What a failed exchange means. The cause's own words stay out: they may hold the address."""
    if _is_certificate(error):
        return ContractError(
            f"{path}: the certificate of Klaviyo's server cannot be trusted; is something between"
            " this machine and Klaviyo opening the connection?"
        )
    if deadline.passed:
        return deadline.error(path)
    reason = f"{path}: the connection to {url} failed ({type(error).__name__})"
    return TransientError(reason if url == KLAVIYO else f"{reason}; is the sandbox running?")


def _is_certificate(error: BaseException | None) -> bool:
    """Whether a certificate was refused; a handshake that merely broke off may work next time."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        reasons = [cause for cause in (*error.args, getattr(error, "reason", None)) if cause]
        nested = next((cause for cause in reasons if isinstance(cause, Exception)), None)
        error = nested or error.__cause__ or error.__context__
    return False


class _Deadline:
    """Ends an exchange that takes too long, however steadily its bytes drip in."""

    def __init__(self, seconds: float, adapter: "_WatchedAdapter") -> None:
        self.seconds, self.passed, self._adapter = seconds, False, adapter
        self._timer = threading.Timer(seconds, self._pass)
        self._timer.daemon = True

    def error(self, path: str) -> TransientError:
        """What an exchange that was ended means."""
        return TransientError(f"{path}: no whole answer within {self.seconds:.0f} seconds")

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def _pass(self) -> None:
        self.passed = True
        self._adapter.abort()


class _WatchedAdapter(requests.adapters.HTTPAdapter):
    """An adapter whose open connections can be cut from another thread."""

    def __init__(self) -> None:
        self._sockets: list[Any] = []
        super().__init__(pool_connections=1, pool_maxsize=1)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Give the pools connection classes that remember their socket here."""
        super().init_poolmanager(*args, **kwargs)
        sockets = self._sockets

        class Http(urllib3.connection.HTTPConnection):
            def connect(self) -> None:
                super().connect()
                sockets[:] = [self.sock]

        class Https(urllib3.connection.HTTPSConnection):
            def connect(self) -> None:
                super().connect()
                sockets[:] = [self.sock]

        class HttpPool(urllib3.HTTPConnectionPool):
            ConnectionCls = Http

        class HttpsPool(urllib3.HTTPSConnectionPool):
            ConnectionCls = Https

        self.poolmanager.pool_classes_by_scheme = {"http": HttpPool, "https": HttpsPool}

    def abort(self) -> None:
        """Cut the connection in use: a blocked read then fails at once."""
        for sock in self._sockets:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
