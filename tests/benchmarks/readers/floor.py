"""The floors: fetch every page of the event list and parse it, nothing else."""

import json
import zlib
from collections.abc import Iterator
from http.client import HTTPConnection
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

import msgspec
import orjson
import requests
from read import HEADERS

PARSERS = {"json": json.loads, "orjson": orjson.loads}
FIRST_PAGE = "/api/events?page%5Bsize%5D=1000&sort=datetime&include=attributions"


def events(url: str, parser: str, most_pages: str = "") -> Iterator[int]:
    """Yield the events of each page."""
    for page in islice(_pages(url, PARSERS[parser]), int(most_pages) if most_pages else None):
        yield len(page["data"])


def bare_events(url: str) -> Iterator[int]:
    """Yield the events of each page, by msgspec and http.client."""
    connection = HTTPConnection(urlsplit(url).netloc)
    headers = {**HEADERS, "Accept-Encoding": "gzip"}
    link: str | None = FIRST_PAGE
    while link:
        connection.request("GET", link, headers=headers)
        response = connection.getresponse()
        content = response.read()
        if response.headers.get("Content-Encoding") == "gzip":
            content = zlib.decompress(content, wbits=zlib.MAX_WBITS | 16)
        page = msgspec.json.decode(content)
        yield len(page["data"])
        link = page["links"]["next"]


def _pages(url: str, parse: Any) -> Iterator[Any]:
    session = requests.Session()
    session.headers.update(HEADERS)
    link: str | None = url + FIRST_PAGE
    while link:
        page = parse(session.get(link).content)
        yield page
        link = page["links"]["next"]
