"""Sends Klaviyo one request and returns its JSON, or raises an error named by its remedy.

No retries, no paging, no Fivetran. What can go wrong, by what to do about it:

KlaviyoError
├─ TransientError      retry, within the budget
├─ AuthError           stop; the user must change the key
├─ ScopeError          skip these tables and say so
├─ ContractError       stop; the response breaks Klaviyo's contract
│  ├─ CursorError        start this listing again, a few times
│  ├─ GoneError          this record is deleted
│  ├─ TooLargeError      request a smaller page
│  └─ RefusedError       this request is refused; another one may be answered
└─ ConfigurationError  stop before any request; the user must change a setting
"""

import json
import math
import os
import re
import socket
import ssl
import sys
import threading
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs

import msgspec
import requests
import urllib3

# A document may have a thousand levels; msgspec and json count them with Python's own calls.
sys.setrecursionlimit(max(sys.getrecursionlimit(), 3_000))

REVISION = "2026-10-15"
KLAVIYO = "https://a.klaviyo.com"
HEADERS = {
    "revision": REVISION,
    # Without it Klaviyo answers for a retired revision silently in the form of a later one.
    "X-Klaviyo-Revision-Fall-Forward-Opt-Out": "1",
    "Accept": "application/vnd.api+json",
    "Accept-Encoding": "gzip",  # what `_decompress` reads
}
CONNECT_TIMEOUT = 10.0  # seconds
# Seconds for a whole exchange: a timeout per read alone never ends a slowly dripping body.
REQUEST_DEADLINE = 60.0
BODY_LIMIT = 64 * 2**20  # bytes after decompression; the largest page seen is under 6 MB
MAX_QUOTE = 300  # characters of Klaviyo's own words in a message
_PROXY = re.compile(r"http://[^\s/]+/?", re.ASCII | re.IGNORECASE)
_REFUSED_TUNNEL = re.compile(r"Tunnel connection failed: (4\d\d)")
_QUOTA = re.compile(r"(\d{1,9})\s*;\s*w=(\d{1,9})", re.ASCII)
LOOPBACK = re.compile(r"https?://(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?", re.ASCII)
# Cloudflare sends 104 and 520 to 524 if Klaviyo's server does not answer.
RETRYABLE_STATUSES = {104, 408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524}
Decode = Callable[[bytes], Any]


class KlaviyoError(Exception):
    """The failure of one request. The message is safe to log: no query, header or content."""


class TransientError(KlaviyoError):
    """A retry may help. `retry_after` is the wait that Klaviyo asks for, in seconds.

    `broken` means that the response itself is malformed: if every retry is too, Klaviyo breaks its
    contract.
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


class ContractError(KlaviyoError):
    """The response breaks Klaviyo's contract; a retry does not help."""


class CursorError(ContractError):
    """Klaviyo no longer knows the page cursor."""


class GoneError(ContractError):
    """There is no record at this path, or it is deleted."""


class TooLargeError(ContractError):
    """The response exceeds BODY_LIMIT; a smaller page may not."""


class RefusedError(ContractError):
    """Klaviyo refuses the request (400), and may accept a request for less.

    `reasons` are all that the answer names; the message may be cut.
    """

    def __init__(self, message: str, reasons: str = "") -> None:
        super().__init__(message)
        self.reasons = reasons


class ConfigurationError(KlaviyoError):
    """A setting or state that cannot work."""


def base_url() -> str:
    """Klaviyo's address, or the loopback sandbox named by KLAVIYO_BASE_URL."""
    url = os.environ.get("KLAVIYO_BASE_URL", "").strip().rstrip("/")
    if not url:
        return KLAVIYO
    if not LOOPBACK.fullmatch(url):  # matched, not parsed: URL parsers disagree on hosts
        raise ConfigurationError(
            "KLAVIYO_BASE_URL may only name a sandbox on this machine, such as"
            " http://127.0.0.1:8765; unset it to reach Klaviyo"
        )
    return url


def find_proxy(url: str) -> str | None:
    """The proxy that the environment names for `url`, in HTTPS_PROXY and NO_PROXY.

    It only tunnels (CONNECT): what passes it is encrypted. A sandbox on this machine has none.
    """
    proxy = os.environ.get("https_proxy") or os.environ.get("HTTPS_PROXY")
    if not proxy or url != KLAVIYO or requests.utils.should_bypass_proxies(url, no_proxy=None):
        return None
    address = proxy if "://" in proxy else f"http://{proxy}"
    if not _PROXY.fullmatch(address):  # it may hold a password, so it is not repeated
        raise ConfigurationError("HTTPS_PROXY must have the form http://proxy.example:3128")
    return address


def find_certificates() -> str | None:
    """The file or folder of authorities that REQUESTS_CA_BUNDLE names."""
    path = os.environ.get("REQUESTS_CA_BUNDLE")
    if path and not Path(path).exists():
        raise ConfigurationError(f"REQUESTS_CA_BUNDLE: there is no file {path}")
    return path or None


class _KeyAuth(requests.auth.AuthBase):
    """Puts the key into the Authorization header; `auth` takes precedence over a .netrc."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Klaviyo-API-Key {self._key}"
        return request

    def __repr__(self) -> str:
        return "Klaviyo-API-Key ***"


@dataclass(frozen=True)
class RateLimitHeaders:
    """What the RateLimit-* headers of one response say.

    `quotas` are pairs of requests and seconds. `remaining` and `reset` (seconds) speak of the first
    quota alone, which is that of the second. Recorded on 2026-09-04: `RateLimit-Limit:
    350, 350;w=1, 3500;w=60`, `RateLimit-Remaining: 349`, `RateLimit-Reset: 0`.
    """

    quotas: tuple[tuple[float, float], ...] = ()
    remaining: float | None = None
    reset: float | None = None


@dataclass(eq=False)
class KlaviyoClient:
    """An HTTP client for one account. Not thread-safe: each thread needs its own.

    `now` is Klaviyo's time and `rate_limit` its rate limit headers, both of the last response.
    """

    key: str = field(repr=False)
    url: str = field(default_factory=base_url)
    deadline: float = REQUEST_DEADLINE
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    rate_limit: RateLimitHeaders = field(default_factory=RateLimitHeaders)

    def __post_init__(self) -> None:
        self._session = requests.Session()
        self._session.trust_env = False  # no .netrc
        self._certificates = find_certificates() if self.url == KLAVIYO else None
        if proxy := find_proxy(self.url):
            self._session.proxies = {"https": proxy}
        self._session.auth = _KeyAuth(self.key)
        self._session.headers.update(HEADERS)
        self._adapter = _AbortableAdapter()
        self._session.mount(self.url, self._adapter)

    def get(
        self, path: str, params: Mapping[str, str] | None = None, decode: Decode | None = None
    ) -> Any:
        """The document at `path`, with its `data` and `links`.

        `decode` may decode it to the same faster, or return None.
        """
        body = self._request("GET", path, params, None, decode)
        if not isinstance(body.get("data"), list | dict) or not isinstance(body.get("links"), dict):
            raise TransientError(f"{path}: the answer lacks data or links", broken=True)
        return body

    def post(self, path: str, body: Any, params: Mapping[str, str] | None = None) -> Any:
        """The attributes of the report that `body` requests, and its `links`."""
        response = self._request("POST", path, params, {"data": body})
        data = response["data"] if isinstance(response.get("data"), dict) else {}
        attributes, links = data.get("attributes"), response.get("links")
        if not isinstance(attributes, dict) or not isinstance(links, dict):
            raise TransientError(f"{path}: the answer lacks data or links", broken=True)
        return {**attributes, "links": links}

    def abort(self) -> None:
        """Cut the exchange in progress; safe from any thread."""
        self._adapter.abort()

    def _request(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        body: Any,
        decode: Decode | None = None,
    ) -> Any:
        self.rate_limit = RateLimitHeaders()
        payload = None if body is None else msgspec.json.encode(body)
        response, content = self._send(method, path, params, payload)
        self._read_headers(response.headers)
        if response.headers.get("Content-Encoding", "").lower() in ("gzip", "x-gzip"):
            content = _decompress(path, content)
        if response.status_code != requests.codes.ok:  # an error may quote the request
            content = content.replace(self.key.encode(), b"***")
        _raise_for_status(path, response.status_code, response.headers, content)
        return _parse_document(path, content, decode)

    def _send(
        self, method: str, path: str, params: Mapping[str, str] | None, payload: bytes | None
    ) -> tuple[requests.Response, bytes]:
        """The response and its body, which has to be complete within the deadline."""
        with _Deadline(self.deadline, self._adapter) as deadline:
            try:
                response = self._session.request(
                    method,
                    self.url + path,
                    params=params,
                    data=payload,
                    stream=True,
                    allow_redirects=False,
                    timeout=(CONNECT_TIMEOUT, self.deadline),
                    verify=self._certificates,  # None: those that requests trusts
                    headers={"Content-Type": "application/vnd.api+json"} if payload else None,
                )
                content = _read_body(path, response)
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
                raise _transport_error(self.url, path, error, deadline) from None
        if deadline.has_passed:  # a cut connection can look like the end of a body
            raise deadline.error(path)
        return response, content

    def _read_headers(self, headers: Mapping[str, str]) -> None:
        """Read Klaviyo's clock, since this machine's may be wrong, and its rate limits."""
        self.now = _parse_http_date(headers.get("Date")) or datetime.now(UTC)
        self.rate_limit = RateLimitHeaders(
            parse_quotas(headers.get("RateLimit-Limit") or ""),
            _parse_number(headers.get("RateLimit-Remaining")),
            _parse_number(headers.get("RateLimit-Reset")),
        )


def parse_quotas(limit: str) -> tuple[tuple[float, float], ...]:
    """The quotas of a RateLimit-Limit header; a plain number without windows is a second's."""
    windows = tuple((float(n), float(seconds)) for n, seconds in _QUOTA.findall(limit))
    plain = _parse_number(limit)
    return windows or (((plain, 1.0),) if plain is not None else ())


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


def _read_body(path: str, response: requests.Response) -> bytes:
    """The body, still compressed. Raises TooLargeError if it exceeds BODY_LIMIT.

    It is read in one piece: requests and urllib3 copy the parts of a stream several times.
    """
    parts, size = [], 0
    while part := response.raw.read(BODY_LIMIT + 1 - size, decode_content=False):
        parts.append(part)
        size += len(part)
    if size > BODY_LIMIT:
        response.close()
        raise _too_large(path)
    return b"".join(parts)


def _decompress(path: str, body: bytes) -> bytes:
    """What gzip holds. Raises TooLargeError if it exceeds BODY_LIMIT.

    It may be several members, one after the other (RFC 1952, 2.2). Other bytes behind a member are
    ignored, as by urllib3.
    """
    content, rest = b"", body
    while True:
        member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        try:
            content += member.decompress(rest, BODY_LIMIT + 1 - len(content))
        except zlib.error:
            if rest is not body:
                return content
            raise TransientError(f"{path}: Klaviyo's answer is no gzip", broken=True) from None
        if len(content) > BODY_LIMIT:
            raise _too_large(path)
        if not member.eof:
            raise TransientError(f"{path}: Klaviyo's answer ends early", broken=True)
        rest = member.unused_data
        if not rest:
            return content


def _too_large(path: str) -> TooLargeError:
    return TooLargeError(f"{path}: Klaviyo's answer is larger than {BODY_LIMIT >> 20} MiB")


def _parse_document(path: str, content: bytes, decode: Decode | None) -> Any:
    """The JSON object of a successful response."""
    body = (decode and decode(content)) or _parse_json(content)
    if not isinstance(body, dict) or "errors" in body:
        raise TransientError(f"{path}: Klaviyo's answer is not a JSON document", broken=True)
    return body


def _raise_for_status(path: str, status: int, headers: Mapping[str, str], content: bytes) -> None:
    """Raise the error of a failed request, named by its remedy."""
    if status == 200:
        return
    body = _parse_json(content)
    detail = _error_details(body)
    said = f"{path}: Klaviyo answered {status}{f' ({detail[:MAX_QUOTE]})' if detail else ''}"
    is_challenge = status == 403 and body is None  # HTML instead of JSON: Cloudflare's challenge
    if status in RETRYABLE_STATUSES or is_challenge:
        wait = _parse_retry_after(headers)
        if wait is None and status == 429:
            wait = _parse_wait(detail)
        raise TransientError(said, wait, throttled=status == 429)
    if status == 401:
        raise AuthError(
            "Klaviyo rejected the API key: check api_key, or make a new private key in Klaviyo"
            " under Settings > API keys"
        )
    if status == 403:
        raise ScopeError(said)
    if status in (400, 410) and "cursor" in detail.lower():
        raise CursorError(said)
    if status in (404, 410) and "revision" in detail.lower():
        # As seen live: "revision date requested is before the earliest available".
        raise ContractError(f"{said}; {REVISION} is not served there: update the connector")
    if status == 400:
        raise RefusedError(said, detail)
    raise GoneError(said) if status in (404, 410) else ContractError(said)


def _parse_json(content: bytes) -> Any:
    """The JSON value, or None. json accepts what msgspec refuses: NaN and lone surrogates.

    Both keep each digit of an integer; orjson makes one beyond 64 bits a float.
    """
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return json.loads(content, parse_int=_parse_integer)
    except (ValueError, RecursionError):
        return None


def _parse_integer(digits: str) -> int | str:
    """An integer; text if it has more digits than Python parses, so that no page is lost."""
    try:
        return int(digits)
    except ValueError:
        return digits


def _error_details(body: Any) -> str:
    """Klaviyo's descriptions of the errors in an answer, each once."""
    errors = body.get("errors") if isinstance(body, dict) else None
    listed = errors if isinstance(errors, list) else []
    found = (error.get("detail") for error in listed if isinstance(error, dict))
    details = (" ".join(str(detail).split()) for detail in found if detail is not None)
    return "; ".join(dict.fromkeys(details))


def _parse_retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds from now; the header has seconds or a date. None if it has neither."""
    seconds = _parse_number(headers.get("Retry-After"))
    if seconds is None:
        until = _parse_http_date(headers.get("Retry-After"))
        sent_at = _parse_http_date(headers.get("Date"))  # by Klaviyo's clock: ours may be wrong
        seconds = (until - sent_at).total_seconds() if until and sent_at else None
    return None if seconds is None else max(seconds, 0.0)


def _parse_wait(detail: str) -> float | None:
    """Seconds as a 429 says them in words: one seen live has no Retry-After (klaviyo_facts.md)."""
    found = re.search(r"available in (\d+(?:\.\d+)?) second", detail)
    return float(found[1]) if found else None


def _parse_http_date(value: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(value or "")
        return date.astimezone(UTC) if date.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _parse_number(value: str | None) -> float | None:
    try:
        number = float(value or "nan")
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _transport_error(url: str, path: str, error: Exception, deadline: "_Deadline") -> KlaviyoError:
    """The error for a failed exchange. The cause's own message may hold the URL and is left out."""
    if _is_untrusted_certificate(error):
        return ContractError(
            f"{path}: the certificate of Klaviyo's server cannot be trusted; is something between"
            " this machine and Klaviyo opening the connection? Name the authority of a company's"
            " own network in REQUESTS_CA_BUNDLE"
        )
    # The read timeout is as long as the deadline, and may come a moment before it.
    if deadline.has_passed or isinstance(error, requests.ReadTimeout):
        return deadline.error(path)
    if refused := _REFUSED_TUNNEL.search(str(error)):
        return ConfigurationError(
            f"the proxy of HTTPS_PROXY refused a connection to Klaviyo ({refused[1]}): check its"
            " address, user and password, and that it allows a.klaviyo.com, port 443"
        )
    reason = f"{path}: the connection to {url} failed ({type(error).__name__})"
    return TransientError(reason if url == KLAVIYO else f"{reason}; is the sandbox running?")


def _is_untrusted_certificate(error: BaseException | None) -> bool:
    """Whether a certificate is refused; an interrupted handshake may succeed in a retry."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        reasons = [cause for cause in (*error.args, getattr(error, "reason", None)) if cause]
        nested = next((cause for cause in reasons if isinstance(cause, Exception)), None)
        error = nested or error.__cause__ or error.__context__
    return False


class _Deadline:
    """Aborts an exchange that takes too long, however steadily its bytes arrive."""

    def __init__(self, seconds: float, adapter: "_AbortableAdapter") -> None:
        self.seconds, self.has_passed, self._adapter = seconds, False, adapter
        self._timer = threading.Timer(seconds, self._abort)
        self._timer.daemon = True

    def error(self, path: str) -> TransientError:
        """The error for an aborted exchange."""
        return TransientError(f"{path}: no whole answer within {self.seconds:.0f} seconds")

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def _abort(self) -> None:
        self.has_passed = True
        self._adapter.abort()


class _AbortableAdapter(requests.adapters.HTTPAdapter):
    """An adapter whose open connection another thread can cut."""

    def __init__(self) -> None:
        self._sockets: list[Any] = []
        super().__init__(pool_connections=1, pool_maxsize=1)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Give the pools connection classes that register their socket."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._make_pool_classes()

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        """Give the pools behind a proxy the same classes."""
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = self._make_pool_classes()
        return manager

    def _make_pool_classes(self) -> dict[str, type[urllib3.HTTPConnectionPool]]:
        sockets = self._sockets

        class Http(urllib3.connection.HTTPConnection):
            def connect(self) -> None:
                super().connect()
                sockets[:] = [self.sock]

        class Https(urllib3.connection.HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                # Before the tunnel and the handshake, which may take for ever too.
                sock = super()._new_conn()
                sockets[:] = [sock]
                return sock

            def connect(self) -> None:
                super().connect()
                sockets[:] = [self.sock]

        class HttpPool(urllib3.HTTPConnectionPool):
            ConnectionCls = Http

        class HttpsPool(urllib3.HTTPSConnectionPool):
            ConnectionCls = Https

        return {"http": HttpPool, "https": HttpsPool}

    def abort(self) -> None:
        """Cut the connection in use: a blocked read fails at once."""
        for sock in self._sockets:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
