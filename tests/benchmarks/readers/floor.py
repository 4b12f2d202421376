"""The floors: fetch every page of a listing and parse it, nothing else.

The parser says with which client: `json` and `orjson` with requests, `msgspec` with http.client.
"""

import json
import zlib
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

import msgspec
import orjson
import requests
from read import HEADERS

PARSERS: dict[str, Callable[[bytes], Any]] = {
    "json": json.loads,
    "orjson": orjson.loads,
    "msgspec": msgspec.json.decode,
}
EVENTS = "/api/events?page%5Bsize%5D=1000&sort=datetime&include=attributions"
PROFILES = (
    "/api/profiles?additional-fields%5Bprofile%5D=subscriptions&page%5Bsize%5D=100&sort=updated"
)
MEMBERS = "profiles?fields%5Bprofile%5D=joined_group_at&sort=joined_group_at&page%5Bsize%5D=100"


def events(url: str, parser: str, most_pages: str = "") -> Iterator[int]:
    """Yield the events of each page."""
    pages = _pages(_fetcher(url, parser), EVENTS)
    return _count(islice(pages, int(most_pages) if most_pages else None))


def profiles(url: str, parser: str) -> Iterator[int]:
    """Yield the people of each page, with their consents."""
    return _count(_pages(_fetcher(url, parser), PROFILES))


def members(url: str, parser: str) -> Iterator[int]:
    """Yield the people of each page of each list and segment."""
    fetch = _fetcher(url, parser)
    for kind in ("lists", "segments"):
        for page in _pages(fetch, f"/api/{kind}"):
            for group in page["data"]:
                yield from _count(_pages(fetch, f"/api/{kind}/{group['id']}/{MEMBERS}"))


def _count(pages: Iterator[Any]) -> Iterator[int]:
    return (len(page["data"]) for page in pages)


def _pages(fetch: Callable[[str], Any], link: str | None) -> Iterator[Any]:
    while link:
        page = fetch(link)
        yield page
        link = page["links"]["next"]


def _fetcher(url: str, parser: str) -> Callable[[str], Any]:
    """A function that requests a page and parses it."""
    parse = PARSERS[parser]
    get = _bare_client(url) if parser == "msgspec" else _requests_client(url)
    return lambda link: parse(get(link))


def _requests_client(url: str) -> Callable[[str], bytes]:
    session = requests.Session()
    session.headers.update(HEADERS)
    return lambda link: session.get(link if link.startswith("http") else url + link).content


def _bare_client(url: str) -> Callable[[str], bytes]:
    connection = HTTPConnection(urlsplit(url).netloc)
    headers = {**HEADERS, "Accept-Encoding": "gzip"}

    def get(link: str) -> bytes:
        connection.request("GET", link, headers=headers)
        response = connection.getresponse()
        content = response.read()
        is_gzip = response.headers.get("Content-Encoding") == "gzip"
        return zlib.decompress(content, wbits=zlib.MAX_WBITS | 16) if is_gzip else content

    return get
