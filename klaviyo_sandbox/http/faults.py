"""Failures between a client and Klaviyo, caused on request.

There are three families. A *reply* replaces the response, an *alteration* changes its document,
and a *transmission* sends it badly. A fault applies to the requests whose path matches its regular
expression ``path`` and whose query string matches ``query``: it spares the first ``after`` of
them, then applies to every ``every``-th, at most ``times`` times (null: always).

    429           too many requests; retry_after: seconds (1), "date", "none" or any junk
    500 502 503 504 524   the failure of the server or of a proxy
    401           the key is rejected
    403scope      the key lacks the endpoint's scope
    html403       the page of a firewall
    html200       an HTML page with status 200
    empty         200 without a body
    errors200     200 with an error document
    list200       200 with a JSON list
    object200     200 with an empty JSON object
    404           the resource does not exist
    filter400     the filter is refused
    values400     the report's metric has no values (applies only to requests for conversion_value)
    metric400     a metric of events does not exist (applies only to requests for one metric)
    variations400  a listing of messages with their variations is refused (applies only to these)
    cursor400     the page's cursor is refused (applies only to requests that carry one)
    deep_cursor   the page of a firewall instead of those after the first 1,850 of one cursor; pages
    redirect      302 to another host; location
    bomb          200 MB in a small gzip; megabytes
    loop          links.next leads to the same page, always
    duplicate_page  links.next leads to the same page, once
    empty_page    a page without data that leads to the same page, once
    empty_listing    a page without data that ends the listing, once
    only_self     the last page of a listing, whose links have no next instead of null
    no_links      a page without links
    no_data       a page without data
    unsorted      a page whose first item is the last one
    shared_key    a report's first result is two results of different names, where it has names;
                  always: true where it has none, too, also of an aggregate
    foreign_next  links.next on another host; host
    poison        500 instead of a page that holds one of some records; ids
    clock         the Date header is wrong; seconds (3600)
    truncated     half of the body; framing: length, chunked, close or gzip
    slow          drips; pause in seconds (0.5), bytes at a time (1), head (false: body only)
    stall         nothing is ever sent
    reset         the connection is reset
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from email.utils import formatdate, parsedate_to_datetime
from functools import cache
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_plus, urlsplit

import orjson

from klaviyo_sandbox.api import errors
from klaviyo_sandbox.http.exchange import JSON_API, Exchange, Request, Response
from klaviyo_sandbox.jsonapi import Json
from klaviyo_sandbox.resources.registry import find_endpoint

CURSOR = re.compile(r"&?page(?:%5B|\[)cursor(?:%5D|\])=[^&]*")
LAST_PAGE = 1_850  # of one cursor: seen live near 183,000 people, a hundred on a page
FOREIGN_HOST = "https://klaviyo.invalid"
MEGABYTE = 1 << 20
# As a live account answered (singer-io and Airbyte handle the same text).
NO_VALUES = "Passed in conversion metric does not support querying for values data"

Respond = Callable[[Request], Response]


# What the requests have that some faults need: a first page has no cursor that could be refused.
TARGETS: dict[str, Callable[[Request], bool]] = {
    "cursor400": lambda request: b"cursor" in request.query,
    "values400": lambda request: b'"conversion_value"' in request.body,
    "metric400": lambda request: bool(_filtered_metrics(request)),
    "variations400": lambda request: (
        request.path == "/api/campaign-messages" and b"campaign-variations" in request.query
    ),
}


def _filtered_metrics(request: Request) -> list[str]:
    return re.findall(r'equals\(metric_id,"([^"]*)"', unquote_plus(request.query.decode("latin-1")))


@dataclass
class Fault:
    """A fault that is set, with the numbers of requests that it matched and was applied to."""

    name: str
    path: str = ""
    query: str = ""
    times: int | None = None
    after: int = 0
    every: int = 1
    options: dict[str, Any] = field(default_factory=dict)
    matched: int = 0
    applied: int = 0
    depths: dict[str, int] = field(default_factory=dict)

    def record(self, request: Request) -> bool:
        """Count a request if it matches; return whether the fault applies to it."""
        if not self._matches(request):
            return False
        last_page = int(self.options.get("pages", LAST_PAGE))
        if self.name == "deep_cursor" and self._count_pages(request) <= last_page:
            return False
        self.matched += 1
        applies = self.matched > self.after and (self.matched - self.after - 1) % self.every == 0
        self.applied += applies
        return applies

    def _matches(self, request: Request) -> bool:
        if not re.search(self.path, request.path) or self.times == self.applied:
            return False
        is_target = TARGETS.get(self.name)
        return bool(re.search(self.query, request.query.decode("latin-1"))) and (
            is_target is None or is_target(request)
        )

    def _count_pages(self, request: Request) -> int:
        """Count the pages of a listing since its first one, which has no cursor."""
        query = request.query.decode("latin-1")
        listing = f"{request.path}?{CURSOR.sub('', query)}"
        depth = self.depths.get(listing, 1) + 1 if CURSOR.search(query) else 1
        self.depths[listing] = depth
        return depth


class Faults:
    """The faults that are set; ``now`` gives the account's time, ``initial`` the first ones."""

    def __init__(self, now: Callable[[], int], *, initial: Sequence[str] = ()) -> None:
        self.now, self.initial = now, initial
        self.active: list[Fault] = []
        self.reset()

    def add(self, name: str, **settings: Any) -> None:
        """Set a fault; ValueError if there is no such fault or a setting is wrong."""
        if name not in NAMES:
            raise ValueError(f"there is no fault {name!r}; there are {', '.join(NAMES)}")
        shared = {key: settings.pop(key) for key in SHARED_SETTINGS if key in settings}
        shared.setdefault("times", 1 if name in ONCE else None)
        try:
            re.compile(shared.get("path", "") + shared.get("query", ""))
        except re.error as error:
            raise ValueError(f"path or query is not a regular expression: {error}") from None
        self.active.append(Fault(name, **shared, options=settings))

    def clear(self) -> None:
        """Clear every fault."""
        self.active.clear()

    def reset(self) -> None:
        """Set the initial faults and no others."""
        self.clear()
        for name in self.initial:
            self.add(name)

    async def serve(self, request: Request, exchange: Exchange, respond: Respond) -> int:
        """Send the response to a request, as the first fault that applies to it alters it.

        Returns the status that was sent, 0 if none was.
        """
        fault = next((fault for fault in self.active if fault.record(request)), None)
        if fault is None:
            response = respond(request)
            await exchange.send(response)
            return response.status
        if fault.name in REPLIES:
            response = REPLIES[fault.name](fault, request, self.now())
            response.headers.setdefault("date", formatdate(self.now(), usegmt=True))
        else:
            response = respond(request)
        # An error response has no page to alter.
        if fault.name in ALTERATIONS and response.status == HTTPStatus.OK:
            response = _alter(response, fault)
        if fault.name in TRANSMISSIONS:
            await TRANSMISSIONS[fault.name](fault, response, exchange)
        else:
            await exchange.send(response)
        return 0 if fault.name in SILENT else response.status


def _alter(response: Response, fault: Fault) -> Response:
    document = orjson.loads(response.body)
    try:
        ALTERATIONS[fault.name](document, fault)
    except errors.ApiError as error:
        return Response.from_document(error.status, error.document(), response.headers)
    response.body = orjson.dumps(document)
    return response


def _build_html(status: int, text: str) -> Response:
    html = f"<!DOCTYPE html><html><head><title>{text}</title></head><body>{text}</body></html>"
    return Response(status, html.encode(), {"content-type": "text/html; charset=utf-8"})


def _reply_throttled(fault: Fault, _request: Request, now: int) -> Response:
    retry_after = fault.options.get("retry_after", 1)
    if retry_after == "date":
        retry_after = formatdate(now + fault.options.get("seconds", 2), usegmt=True)
    return Response.from_error(
        errors.too_many_requests(None if retry_after == "none" else retry_after)
    )


def _reply_server_error(fault: Fault, _request: Request, _now: int) -> Response:
    if fault.name == "500":
        return Response.from_error(errors.server_error())
    return _build_html(int(fault.name), f"{fault.name} from a proxy")


def _reply_missing_scope(_fault: Fault, request: Request, _now: int) -> Response:
    found = find_endpoint(request.path)
    return Response.from_error(errors.missing_scope(found[0].scopes if found else "unknown"))


def _reply_redirect(fault: Fault, request: Request, _now: int) -> Response:
    location = fault.options.get("location", FOREIGN_HOST + request.path)
    return Response(302, b"", {"location": location})


def _reply_bomb(fault: Fault, _request: Request, _now: int) -> Response:
    headers = {"content-type": JSON_API, "content-encoding": "gzip"}
    return Response(200, _compress_blanks(fault.options.get("megabytes", 200)), headers)


@cache
def _compress_blanks(megabytes: int) -> bytes:
    """Return ``megabytes`` of blanks, then ``{}``, as gzip."""
    # wbits 31 writes gzip; megabyte by megabyte, so that the unpacked body is never in memory.
    packer = zlib.compressobj(wbits=31)
    packed = [packer.compress(b" " * MEGABYTE) for _ in range(megabytes)]
    return b"".join([*packed, packer.compress(b"{}"), packer.flush()])


def _reply_unknown_metric(_fault: Fault, request: Request, _now: int) -> Response:
    return Response.from_error(errors.unknown_metrics(_filtered_metrics(request)))


REPLIES: dict[str, Callable[[Fault, Request, int], Response]] = {
    "429": _reply_throttled,
    **dict.fromkeys(("500", "502", "503", "504", "524"), _reply_server_error),
    "401": lambda *_: Response.from_error(errors.wrong_key()),
    "403scope": _reply_missing_scope,
    "html403": lambda *_: _build_html(403, "Access denied"),
    "html200": lambda *_: _build_html(200, "We will be right back"),
    "empty": lambda *_: Response(200, b"", {"content-type": JSON_API}),
    "errors200": lambda *_: Response.from_document(200, errors.server_error().document()),
    "list200": lambda *_: Response(200, b"[]", {"content-type": JSON_API}),
    "object200": lambda *_: Response(200, b"{}", {"content-type": JSON_API}),
    "404": lambda _fault, request, _now: Response.from_error(errors.not_found(request.path)),
    "filter400": lambda *_: Response.from_error(errors.invalid_parameter("filter", "Bad filter.")),
    "values400": lambda *_: Response.from_error(
        errors.invalid_body("/data/attributes/conversion_metric_id", NO_VALUES)
    ),
    "metric400": _reply_unknown_metric,
    "variations400": lambda *_: Response.from_error(
        errors.invalid_parameter("include", "'campaign-variations' is not a valid include.")
    ),
    "cursor400": lambda *_: Response.from_error(errors.invalid_cursor()),
    "deep_cursor": lambda *_: _build_html(403, "Access denied"),
    "redirect": _reply_redirect,
    "bomb": _reply_bomb,
}


def _repeat_page(document: Json, _fault: Fault) -> None:
    document["links"]["next"] = document["links"]["self"]


def _empty_page(document: Json, _fault: Fault) -> None:
    document["links"]["next"] = document["links"]["self"]
    document["data"] = []


def _end_listing(document: Json, _fault: Fault) -> None:
    document["links"]["next"] = None
    document["data"] = []


def _leave_self_alone(document: Json, _fault: Fault) -> None:
    if document["links"].get("next") is None:
        document["links"] = {"self": document["links"]["self"]}


def _move_first_item_to_end(document: Json, _fault: Fault) -> None:
    if isinstance(document["data"], list):
        document["data"] = document["data"][1:] + document["data"][:1]


def _redirect_next_page(document: Json, fault: Fault) -> None:
    links = document["links"]
    if links.get("next"):
        parts = urlsplit(links["next"])
        links["next"] = f"{fault.options.get('host', FOREIGN_HOST)}{parts.path}?{parts.query}"


def _split_first_result(document: Json, fault: Fault) -> None:
    """Make two results of one: the other has an older name and, of each statistic, the half.

    Groups of an aggregate have no names, and a listing has no results.
    """
    results, key, values = _find_results(document)
    first = results[0] if results else {}
    names = [name for name in first.get(key, ()) if name.endswith("_name")]
    if not first or not (names or fault.options.get("always")):
        return
    second = {key: first[key], values: {name: _halve(of) for name, of in first[values].items()}}
    if names:
        second[key] = first[key] | dict.fromkeys(names, "Older name")
    results.insert(1, second)


def _find_results(document: Json) -> tuple[list[Json], str, str]:
    """Return the results of a report or an aggregate, and where each has its key and values."""
    data = document["data"]
    attributes = data.get("attributes", {}) if isinstance(data, dict) else {}
    if "dates" in attributes:
        return attributes["data"], "dimensions", "measurements"
    return attributes.get("results", []), "groupings", "statistics"


def _halve(value: Any) -> Any:
    if isinstance(value, list):
        return [_halve(part) for part in value]
    return value and value // 2


def _fail_on_poison(document: Json, fault: Fault) -> None:
    listed = document["data"] if isinstance(document["data"], list) else [document["data"]]
    if not {record["id"] for record in listed}.isdisjoint(fault.options.get("ids", ())):
        raise errors.server_error()


ALTERATIONS: dict[str, Callable[[Json, Fault], object]] = {
    "loop": _repeat_page,
    "duplicate_page": _repeat_page,
    "empty_page": _empty_page,
    "empty_listing": _end_listing,
    "only_self": _leave_self_alone,
    "no_links": lambda document, _fault: document.pop("links"),
    "no_data": lambda document, _fault: document.pop("data"),
    "unsorted": _move_first_item_to_end,
    "shared_key": _split_first_result,
    "foreign_next": _redirect_next_page,
    "poison": _fail_on_poison,
}


async def _send_half(fault: Fault, response: Response, exchange: Exchange) -> None:
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
        # One whole chunk without the last, empty one that ends a body (RFC 9112, section 7.1).
        half = b"%x\r\n%b\r\n" % (len(half), half)
    await exchange.write_and_close(response.encode_head(headers), half)


async def _send_wrong_date(fault: Fault, response: Response, exchange: Exchange) -> None:
    true = parsedate_to_datetime(response.headers["date"]).timestamp()
    response.headers["date"] = formatdate(true + fault.options.get("seconds", 3600), usegmt=True)
    await exchange.send(response)


async def _send_slowly(fault: Fault, response: Response, exchange: Exchange) -> None:
    options, slow_part = fault.options, response.body
    head = response.encode_head({"content-length": str(len(response.body))})
    if options.get("head"):
        head, slow_part = b"", head + slow_part
    size = options.get("bytes", 1)
    pieces = (slow_part[at : at + size] for at in range(0, len(slow_part), size))
    await exchange.write_and_close(head, *pieces, pause=options.get("pause", 0.5))


TRANSMISSIONS: dict[str, Callable[[Fault, Response, Exchange], Awaitable[None]]] = {
    "truncated": _send_half,
    "clock": _send_wrong_date,
    "slow": _send_slowly,
    "stall": lambda _fault, _response, exchange: exchange.wait_for_disconnect(),
    "reset": lambda _fault, _response, exchange: exchange.reset(),
}
NAMES = (*REPLIES, *ALTERATIONS, *TRANSMISSIONS)
ONCE = ("duplicate_page", "empty_page", "empty_listing")
SILENT = ("stall", "reset")
SHARED_SETTINGS = ("path", "query", "times", "after", "every")
