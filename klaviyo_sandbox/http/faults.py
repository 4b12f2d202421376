"""What can go wrong between a client and Klaviyo, made to happen on request.

Three families. A *reply* stands in for the answer; a *change* alters the true answer's document;
a *transmission* sends the true answer badly. Each fault strikes requests whose path matches its
regular expression, and their query string another, ``query``: ``times`` often (null: always),
after sparing the first ``after`` of them, and then every ``every``-th.

    429           too many requests; retry_after: seconds (1), "date", "none" or any junk
    500 502 503 504 524   the server's or a proxy's failure
    401           the key is rejected
    403scope      the key lacks the endpoint's scope
    html403       a firewall's page
    html200       a page that says 200
    empty         200 without a body
    errors200     200 with an error document
    list200       200 with a JSON list
    object200     200 with an empty JSON object
    404           the object is not there
    filter400     the filter is refused
    cursor400     the page's cursor is refused (strikes only requests that carry one)
    redirect      302 to another host; location
    bomb          200 MB in a small gzip; megabytes
    loop          links.next leads to the same page, always
    duplicate_page  the same, once
    empty_page    a page without data that leads to the same page, once
    no_links      a page without links
    no_data       a page without data
    unsorted      a page whose first item comes last
    foreign_next  links.next on another host; host
    poison        500 in place of a page that holds one of some records; ids
    clock         the Date header is wrong; seconds (3600)
    truncated     half of the body; framing: length, chunked, close or gzip
    slow          drips; pause in seconds (0.5), bytes at a time (1), head (false: body only)
    stall         nothing is ever said
    reset         the connection is reset
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.utils import formatdate, parsedate_to_datetime
from functools import cache
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import orjson

from klaviyo_sandbox.api import errors
from klaviyo_sandbox.http.exchange import JSON_API, Request, Response, Wire
from klaviyo_sandbox.jsonapi import Json
from klaviyo_sandbox.resources.declaration import route

FOREIGN_HOST = "https://klaviyo.invalid"
MEGABYTE = 1 << 20

Answer = Callable[[Request], Response]


@dataclass
class Fault:
    """A fault that is set, and how many requests it has met."""

    name: str
    path: str = ""
    query: str = ""
    times: int | None = None
    after: int = 0
    every: int = 1
    options: dict[str, Any] = field(default_factory=dict)
    met: int = 0
    struck: int = 0

    def strikes(self, request: Request) -> bool:
        """Whether this request is one to be struck; counts it."""
        if not re.search(self.path, request.path) or self.times == self.struck:
            return False
        if not re.search(self.query, request.query.decode("latin-1")):
            return False
        if self.name == "cursor400" and b"cursor" not in request.query:
            return False
        self.met += 1
        strikes = self.met > self.after and (self.met - self.after - 1) % self.every == 0
        self.struck += strikes
        return strikes


class Faults:
    """The faults that are set, and their doing; ``now`` gives the account's time."""

    def __init__(self, now: Callable[[], int]) -> None:
        self.now = now
        self.active: list[Fault] = []

    def add(self, name: str, **settings: Any) -> None:
        """Set a fault; ValueError if there is none of that name or a setting is wrong."""
        if name not in NAMES:
            raise ValueError(f"there is no fault {name!r}; there are {', '.join(NAMES)}")
        own = {key: settings.pop(key) for key in OWN_SETTINGS if key in settings}
        own.setdefault("times", 1 if name in ONCE else None)
        try:
            re.compile(own.get("path", "") + own.get("query", ""))
        except re.error as error:
            raise ValueError(f"path or query is no regular expression: {error}") from None
        self.active.append(Fault(name, **own, options=settings))

    def clear(self) -> None:
        """Unset every fault."""
        self.active.clear()

    async def exchange(self, request: Request, wire: Wire, answer: Answer) -> int:
        """Answer a request over its wire, struck by the first fault that strikes it.

        Returns the status that was sent, 0 if none was.
        """
        fault = next((fault for fault in self.active if fault.strikes(request)), None)
        if fault is None:
            response = answer(request)
            await wire.send(response)
            return response.status
        if fault.name in REPLIES:
            response = REPLIES[fault.name](fault, request, self.now())
            response.headers.setdefault("date", formatdate(self.now(), usegmt=True))
        else:
            response = answer(request)
        if fault.name in CHANGES and response.status == HTTPStatus.OK:
            response = _changed(response, fault)
        send = TRANSMISSIONS.get(fault.name, _whole)
        await send(fault, response, wire)
        return 0 if fault.name in SILENT else response.status


def _changed(response: Response, fault: Fault) -> Response:
    document = orjson.loads(response.body)
    try:
        CHANGES[fault.name](document, fault)
    except errors.ApiError as error:
        return Response.of(error.status, error.document(), response.headers)
    response.body = orjson.dumps(document)
    return response


async def _whole(_fault: Fault, response: Response, wire: Wire) -> None:
    await wire.send(response)


def _html(status: int, text: str) -> Response:
    html = f"<!DOCTYPE html><html><head><title>{text}</title></head><body>{text}</body></html>"
    return Response(status, html.encode(), {"content-type": "text/html; charset=utf-8"})


def _throttled(fault: Fault, _request: Request, now: int) -> Response:
    retry_after = fault.options.get("retry_after", 1)
    if retry_after == "date":
        retry_after = formatdate(now + fault.options.get("seconds", 2), usegmt=True)
    return Response.refusing(errors.throttled(None if retry_after == "none" else retry_after))


def _failing(fault: Fault, _request: Request, _now: int) -> Response:
    if fault.name == "500":
        return Response.refusing(errors.server_error())
    return _html(int(fault.name), f"{fault.name} from a proxy")


def _unscoped(_fault: Fault, request: Request, _now: int) -> Response:
    found = route(request.path)
    return Response.refusing(errors.missing_scope(found[0].scopes if found else "unknown"))


def _redirect(fault: Fault, request: Request, _now: int) -> Response:
    location = fault.options.get("location", FOREIGN_HOST + request.path)
    return Response(302, b"", {"location": location})


def _bomb(fault: Fault, _request: Request, _now: int) -> Response:
    headers = {"content-type": JSON_API, "content-encoding": "gzip"}
    return Response(200, _blanks(fault.options.get("megabytes", 200)), headers)


@cache
def _blanks(megabytes: int) -> bytes:
    """Return so many megabytes of blanks, then ``{}``, as gzip."""
    packer = zlib.compressobj(wbits=31)
    packed = [packer.compress(b" " * MEGABYTE) for _ in range(megabytes)]
    return b"".join([*packed, packer.compress(b"{}"), packer.flush()])


REPLIES: dict[str, Callable[[Fault, Request, int], Response]] = {
    "429": _throttled,
    **dict.fromkeys(("500", "502", "503", "504", "524"), _failing),
    "401": lambda *_: Response.refusing(errors.wrong_key()),
    "403scope": _unscoped,
    "html403": lambda *_: _html(403, "Access denied"),
    "html200": lambda *_: _html(200, "We will be right back"),
    "empty": lambda *_: Response(200, b"", {"content-type": JSON_API}),
    "errors200": lambda *_: Response.of(200, errors.server_error().document()),
    "list200": lambda *_: Response(200, b"[]", {"content-type": JSON_API}),
    "object200": lambda *_: Response(200, b"{}", {"content-type": JSON_API}),
    "404": lambda _fault, request, _now: Response.refusing(errors.not_found(request.path)),
    "filter400": lambda *_: Response.refusing(errors.invalid_parameter("filter", "Bad filter.")),
    "cursor400": lambda *_: Response.refusing(errors.invalid_cursor()),
    "redirect": _redirect,
    "bomb": _bomb,
}


def _to_itself(document: Json, _fault: Fault) -> None:
    document["links"]["next"] = document["links"]["self"]


def _empty_page(document: Json, _fault: Fault) -> None:
    document["links"]["next"] = document["links"]["self"]
    document["data"] = []


def _unsorted(document: Json, _fault: Fault) -> None:
    document["data"] = document["data"][1:] + document["data"][:1]


def _foreign_next(document: Json, fault: Fault) -> None:
    links = document["links"]
    if links.get("next"):
        parts = urlsplit(links["next"])
        links["next"] = f"{fault.options.get('host', FOREIGN_HOST)}{parts.path}?{parts.query}"


def _poison(document: Json, fault: Fault) -> None:
    listed = document["data"] if isinstance(document["data"], list) else [document["data"]]
    if not {one["id"] for one in listed}.isdisjoint(fault.options.get("ids", ())):
        raise errors.server_error()


CHANGES: dict[str, Callable[[Json, Fault], object]] = {
    "loop": _to_itself,
    "duplicate_page": _to_itself,
    "empty_page": _empty_page,
    "no_links": lambda document, _fault: document.pop("links"),
    "no_data": lambda document, _fault: document.pop("data"),
    "unsorted": _unsorted,
    "foreign_next": _foreign_next,
    "poison": _poison,
}


async def _truncated(fault: Fault, response: Response, wire: Wire) -> None:
    framing, body = fault.options.get("framing", "length"), response.body
    headers = {
        "length": {"content-length": str(len(body))},
        "chunked": {"transfer-encoding": "chunked"},
        "close": {"connection": "close"},
        "gzip": {"connection": "close", "content-encoding": "gzip"},
    }[framing]
    body = gzip.compress(body) if framing == "gzip" else body
    half = body[: len(body) // 2]
    if framing == "chunked":
        half = b"%x\r\n%b\r\n" % (len(half), half)
    await wire.break_off(response.head(headers), half)


async def _misdated(fault: Fault, response: Response, wire: Wire) -> None:
    told = parsedate_to_datetime(response.headers["date"]).timestamp()
    response.headers["date"] = formatdate(told + fault.options.get("seconds", 3600), usegmt=True)
    await wire.send(response)


async def _slow(fault: Fault, response: Response, wire: Wire) -> None:
    options, slowly = fault.options, response.body
    head = response.head({"content-length": str(len(response.body))})
    if options.get("head"):
        head, slowly = b"", head + slowly
    size = options.get("bytes", 1)
    pieces = (slowly[at : at + size] for at in range(0, len(slowly), size))
    await wire.break_off(head, *pieces, pause=options.get("pause", 0.5))


TRANSMISSIONS: dict[str, Callable[[Fault, Response, Wire], Awaitable[None]]] = {
    "truncated": _truncated,
    "clock": _misdated,
    "slow": _slow,
    "stall": lambda _fault, _response, wire: wire.hold(),
    "reset": lambda _fault, _response, wire: wire.reset(),
}
NAMES = (*REPLIES, *CHANGES, *TRANSMISSIONS)
ONCE = ("duplicate_page", "empty_page")
SILENT = ("stall", "reset")
OWN_SETTINGS = ("path", "query", "times", "after", "every")
