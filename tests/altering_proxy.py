"""A loopback proxy in front of a sandbox: it alters chosen answers, and answers repeats itself.

with serve(sandbox.url, {}, where="GET /api/metrics ", alter=lambda exchange: ...) as proxy:
    requests.get(f"{proxy.url}/api/metrics", ...)
"""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import requests

TIMEOUT = 60
# Of an answer, what the connector reads.
FORWARDED = ("date", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset", "retry-after")


@dataclass
class Exchange:
    """A request, as `GET /path?query body` with its brackets readable, and the answer to it."""

    request: str
    status: int
    headers: dict[str, str]
    content: bytes
    document: Any = None  # the content, while an alteration works on it


Answers = dict[str, Exchange]  # by request
Alteration = Callable[[Exchange], object]


class AlteringProxy(ThreadingHTTPServer):
    """Sends a request on unless `answers` has its answer; alters those whose request matches."""

    daemon_threads = True

    def __init__(self, target: str, answers: Answers, where: str, alter: Alteration) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target, self.answers = target, answers
        self.where, self.alter = re.compile(where), alter
        self.altered = 0

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def answer(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Exchange:
        """The answer to a request, altered or not."""
        request = f"{method} {unquote(path)} {body.decode()}"
        if request not in self.answers:
            response = requests.request(
                method, self.target + path, data=body, headers=headers, timeout=TIMEOUT
            )
            kept = {name: response.headers[name] for name in FORWARDED if name in response.headers}
            self.answers[request] = Exchange(request, response.status_code, kept, response.content)
        exchange = self.answers[request]
        return self._alter(exchange) if self.where.search(request) else exchange

    def _alter(self, exchange: Exchange) -> Exchange:
        self.altered += 1
        copy = replace(
            exchange, headers={**exchange.headers}, document=json.loads(exchange.content)
        )
        self.alter(copy)
        return replace(copy, content=json.dumps(copy.document).encode())


class _Handler(BaseHTTPRequestHandler):
    server: AlteringProxy
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet: two would wait for a delayed acknowledgement

    def do_GET(self) -> None:
        self._respond(b"")

    def do_POST(self) -> None:
        self._respond(self.rfile.read(int(self.headers["content-length"])))

    def _respond(self, body: bytes) -> None:
        names = ("authorization", "revision", "content-type")
        headers = {name: self.headers[name] for name in names if name in self.headers}
        exchange = self.server.answer(self.command, self.path, body, headers)
        self.send_response_only(exchange.status)
        for name, value in exchange.headers.items():
            self.send_header(name, value)
        self.send_header("content-type", "application/vnd.api+json")
        self.send_header("content-length", str(len(exchange.content)))
        self.end_headers()
        self.wfile.write(exchange.content)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


NOWHERE = "(?!)"


@contextmanager
def serve(
    target: str, answers: Answers, where: str = NOWHERE, alter: Alteration = id
) -> Iterator[AlteringProxy]:
    """Run a proxy until the block ends."""
    proxy = AlteringProxy(target, answers, where, alter)
    thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield proxy
    finally:
        proxy.shutdown()
        thread.join()
        proxy.server_close()
