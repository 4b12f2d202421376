"""A proxy before an object store that records requests, and answers some of them with a fault."""

import http.client
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Request:
    """A request: `GET`, the path with its query, the headers in lower case."""

    method: str
    path: str
    headers: dict[str, str]

    @property
    def is_part(self) -> bool:
        """Whether it uploads a part of a large object."""
        return self.method == "PUT" and "partNumber=" in self.path

    @property
    def makes_object(self) -> bool:
        """Whether it says how an object is to be kept."""
        begins_parts = self.method == "POST" and self.path.endswith("?uploads")
        return begins_parts or (self.method == "PUT" and not self.is_part)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What happens to a request: an answer of our own, before or after the server did it."""

    status: int = 0
    code: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    is_done: bool = False  # the server did it, and its answer is lost
    seconds: float = 0.0


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
            text = f"<Error><Code>{fault.code}</Code><Message>canary</Message></Error>"
            answer = (fault.status, dict(fault.headers), text.encode() if fault.code else b"")
        self._answer(*answer)

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
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
def running_proxy(upstream: str) -> Iterator[Proxy]:
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
