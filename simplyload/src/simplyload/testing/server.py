"""What fakes of APIs share: a server on 127.0.0.1 with their clock, and faults to come."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol, TypeVar


@dataclass
class Fault:
    """Answers to the next requests of this path: a status, or a body instead."""

    path: str
    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)
    times: int = 1
    after: int = 0  # requests that pass before


class Fake(Protocol):
    """What a fake has: a clock in seconds since 1970, its address, the faults to come."""

    now: int
    address: str
    faults: list[Fault]


SomeFake = TypeVar("SomeFake", bound=Fake)


class Handler(BaseHTTPRequestHandler, ABC):
    """Answers the requests of a connection; a subclass knows how its fake answers."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet: a second one would wait for an answer
    fake: Any

    @abstractmethod
    def answer(self, content: bytes) -> None:
        """Answer a request that has this content."""

    @abstractmethod
    def send(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        """Answer with a body as the fake writes it."""

    def do_GET(self) -> None:
        """Answer a request without content."""
        self.answer(b"")

    def do_DELETE(self) -> None:
        """Answer a request without content."""
        self.answer(b"")

    def do_POST(self) -> None:
        """Answer a request with content."""
        self.answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def fail(self, is_meant: Callable[[str], bool]) -> bool:
        """Answer with the first fault that is due and whose path is meant, if there is one."""
        for fault in list(self.fake.faults):
            if is_meant(fault.path):
                fault.after -= 1
                if fault.after >= 0:
                    continue
                fault.times -= 1
                if fault.times <= 0:
                    self.fake.faults.remove(fault)
                self.send(fault.status, fault.body, fault.headers)
                return True
        return False

    def send_content(self, status: int, content: bytes, headers: Mapping[str, str]) -> None:
        """Answer with bytes."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return the fake's clock."""
        return formatdate(self.fake.now if timestamp is None else timestamp, usegmt=True)

    def log_message(self, *_: Any) -> None:
        """Be silent."""


@contextmanager
def serve(fake: SomeFake, handler: type[Handler]) -> Iterator[SomeFake]:
    """Answer on a free port of 127.0.0.1."""
    bound = type("Bound", (handler,), {"fake": fake})
    with ThreadingHTTPServer(("127.0.0.1", 0), bound) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True, args=(0.05,))
        thread.start()
        fake.address = f"http://127.0.0.1:{server.server_port}"
        try:
            yield fake
        finally:  # also of a test that fails: each server that goes on slows all later tests
            server.shutdown()
            thread.join()
