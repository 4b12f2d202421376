"""A server that gives the answers of another one again, so that a simulated account costs nothing.

A fake computes each page, with the speed of Python, while the tool that is measured waits for it.
The first request goes to the fake; an equal one, whoever sends it, gets the answer from memory.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import requests

# Of one connection, or of a body that is passed on as it was read.
LEFT_OUT = {"connection", "content-encoding", "content-length", "keep-alive", "transfer-encoding"}
TIMEOUT = 300


@dataclass(frozen=True)
class Answer:
    """What a request is answered with."""

    status: int
    headers: list[tuple[str, str]]
    content: bytes


@dataclass
class Recording:
    """The answers of a server by method, path and content, and how often each was needed."""

    server: str
    address: str = ""
    asked: int = 0
    answers: dict[tuple[str, str, bytes], Answer] = field(default_factory=dict)

    def find(self, method: str, path: str, content: bytes, headers: dict[str, str]) -> Answer:
        """Return the answer that is known, or ask the server."""
        key = (method, path, content)
        self.asked += 1
        if key not in self.answers or self.answers[key].status >= 300:
            self.answers[key] = self._ask(method, path, content, headers)
        return self.answers[key]

    def _ask(self, method: str, path: str, content: bytes, headers: dict[str, str]) -> Answer:
        """Ask the server; links to it become links to this one."""
        sent = {name: value for name, value in headers.items() if name.lower() not in LEFT_OUT}
        sent |= {"Host": self.server.partition("//")[2], "Accept-Encoding": "identity"}
        url = self.server + path
        response = requests.request(method, url, data=content, headers=sent, timeout=TIMEOUT)
        body = response.content.replace(self.server.encode(), self.address.encode())
        kept = [
            (name, value)
            for name, value in response.headers.items()
            if name.lower() not in LEFT_OUT
        ]
        return Answer(response.status_code, kept, body)


class _Handler(BaseHTTPRequestHandler):
    """Answers from the recording."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet
    recording: Recording

    def _answer(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = self.recording.find(self.command, self.path, content, dict(self.headers.items()))
        self.send_response_only(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    do_GET = do_POST = do_DELETE = do_PATCH = _answer  # noqa: N815 - names of the library

    def log_message(self, *_: object) -> None:
        """Be silent."""


@contextmanager
def serve_recording(server: str) -> Iterator[Recording]:
    """Answer on a free port of 127.0.0.1."""
    recording = Recording(server)
    handler = type("Bound", (_Handler,), {"recording": recording})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as front:
        recording.address = f"http://127.0.0.1:{front.server_port}"
        Thread(target=front.serve_forever, daemon=True).start()
        try:
            yield recording
        finally:
            front.shutdown()
