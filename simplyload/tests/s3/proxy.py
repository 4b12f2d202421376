"""A proxy before an object store that records requests, and answers some of them with a fault."""

import http.client
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Literal
from urllib.parse import urlsplit

from simplyload.object_store import PART_BYTES


@dataclass(frozen=True)
class Request:
    """A request: `GET`, the path with its query, the headers in lower case."""

    method: str
    path: str
    headers: dict[str, str]

    @property
    def is_of_google(self) -> bool:
        """Whether it is in the protocol of Google Cloud Storage."""
        return "/storage/v1/" in self.path or "/upload/resumable/" in self.path

    @property
    def writes(self) -> bool:
        """Whether it writes an object or a part of one."""
        return self.method in ("PUT", "POST")

    @property
    def is_conditional(self) -> bool:
        """Whether it writes only what is absent."""
        return "if-none-match" in self.headers or "ifGenerationMatch=0" in self.path

    @property
    def part(self) -> int:
        """Which part of a large object it uploads; 0 for none."""
        number = re.search(r"partNumber=(\d+)", self.path)
        begin = re.match(r"bytes (\d+)-", self.headers.get("content-range", ""))
        if self.method != "PUT":
            return 0
        return int(number[1]) if number else int(begin[1]) // PART_BYTES + 1 if begin else 0

    @property
    def makes_object(self) -> bool:
        """Whether it says S3 how an object is to be kept."""
        begins_parts = self.method == "POST" and self.path.endswith("?uploads")
        return begins_parts or (self.method == "PUT" and not self.part)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What happens to a request: an answer of our own, before or after the server did it."""

    status: int = 0
    code: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    is_done: bool = False  # the server did it, and its answer is lost
    seconds: float = 0.0
    damage: Literal["", "cut", "flip"] = ""  # the answer ends in its middle, or a byte is another


@dataclass
class Proxy:
    """The address, what was asked, and the rule that gives a fault for a request."""

    address: str = ""
    requests: list[Request] = field(default_factory=list)
    rule: Callable[[Request], Fault | None] = lambda _request: None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def handle_one_request(self) -> None:
        """Do without a client that went away."""
        try:
            super().handle_one_request()
        except OSError:
            self.close_connection = True

    def forward(self) -> None:
        """Answer a request, by the fault that the rule gives or by the server."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers)
        with self.server.lock:
            self.server.proxy.requests.append(request)
            fault = self.server.proxy.rule(request) or Fault()
        time.sleep(fault.seconds)
        if not fault.status or fault.is_done:
            answer = _ask(self.server.upstream, request, body)
        if fault.status:
            answer = (fault.status, dict(fault.headers), _write_error(request, fault))
        self._answer(*answer, damage=fault.damage)

    def _answer(self, status: int, headers: dict[str, str], body: bytes, damage: str = "") -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        half = len(body) // 2
        if damage == "flip":
            body = body[:half] + bytes([body[half] ^ 1]) + body[half + 1 :]
        if damage == "cut":
            body, self.close_connection = body[:half], True
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


for _method in ("GET", "PUT", "POST", "DELETE", "HEAD"):
    setattr(_Handler, f"do_{_method}", _Handler.forward)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, upstream: str, proxy: Proxy) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream, self.proxy, self.lock = upstream, proxy, Lock()


@contextmanager
def run_proxy(upstream: str) -> Iterator[Proxy]:
    """Stand before a server on a port of 127.0.0.1."""
    proxy = Proxy()
    server = _Server(upstream, proxy)
    proxy.address = f"http://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()


def _write_error(request: Request, fault: Fault) -> bytes:
    """Give the body of an answer with a fault, as the protocol has it; it repeats a secret."""
    if not request.is_of_google:
        text = f"<Error><Code>{fault.code}</Code><Message>canary</Message></Error>"
        return text.encode() if fault.code else b""
    reason = {"reason": fault.code, "message": "canary"}
    error = {"code": fault.status, "message": "canary", "errors": [reason]}
    return json.dumps({"error": error} if fault.code else {}).encode()


def _ask(upstream: str, request: Request, body: bytes) -> tuple[int, dict[str, str], bytes]:
    """Pass on a request as it was signed: with the host that the client named."""
    connection = http.client.HTTPConnection(urlsplit(upstream).netloc, timeout=60)
    connection.putrequest(request.method, request.path, skip_host=True, skip_accept_encoding=True)
    for name, value in request.headers.items():
        if name not in ("expect", "connection"):
            connection.putheader(name, value)
    connection.endheaders(body)
    found = connection.getresponse()
    content = found.read()
    passed = {
        name: value
        for name, value in found.getheaders()
        if name.lower() not in ("transfer-encoding", "connection", "date", "server")
    }
    connection.close()
    return found.status, passed, content
