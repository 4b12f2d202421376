"""A loopback proxy in front of a sandbox that alters chosen answers, and answers repeats itself.

with serve(sandbox.url, answers={}, alter=lambda exchange: ...) as url:
    requests.get(f"{url}/api/metrics", ...)
"""

import copy
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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
    document: Any


Alteration = Callable[[Exchange], object]


class AlteringProxy(ThreadingHTTPServer):
    """Sends a request on unless `answers` has its answer; alters a copy of the answer."""

    daemon_threads = True

    def __init__(self, target: str, answers: dict[str, Exchange], alter: Alteration) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target, self.answers, self.alter = target, answers, alter

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def answer(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Exchange:
        """The altered answer to a request."""
        request = f"{method} {unquote(path)} {body.decode()}"
        if request not in self.answers:
            response = requests.request(
                method, self.target + path, data=body, headers=headers, timeout=TIMEOUT
            )
            kept = {name: response.headers[name] for name in FORWARDED if name in response.headers}
            self.answers[request] = Exchange(
                request, response.status_code, kept, response.json()
            )
        exchange = copy.deepcopy(self.answers[request])
        self.alter(exchange)
        return exchange


class _Handler(BaseHTTPRequestHandler):
    server: AlteringProxy
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:  # noqa: N802 - the name that http.server calls
        self._respond(b"")

    def do_POST(self) -> None:  # noqa: N802 - as above
        self._respond(self.rfile.read(int(self.headers["content-length"])))

    def _respond(self, body: bytes) -> None:
        names = ("authorization", "revision", "content-type")
        headers = {name: self.headers[name] for name in names if name in self.headers}
        exchange = self.server.answer(self.command, self.path, body, headers)
        content = json.dumps(exchange.document).encode()
        self.send_response_only(exchange.status)
        for name, value in exchange.headers.items():
            self.send_header(name, value)
        self.send_header("content-type", "application/vnd.api+json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@contextmanager
def serve(target: str, answers: dict[str, Exchange], alter: Alteration) -> Iterator[str]:
    """Run a proxy until the block ends; yield its address."""
    proxy = AlteringProxy(target, answers, alter)
    thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield proxy.url
    finally:
        proxy.shutdown()
        thread.join()
        proxy.server_close()
