r"""A loopback server of raw bytes: for responses that no correct HTTP server sends.

with serve(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort") as server:
    requests.get(server.url)
"""

import socket
import socketserver
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

EMPTY_RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
PAUSE = 0.02  # seconds between two dripped bytes


@dataclass(frozen=True)
class Connection:
    """One accepted connection, whose request has been read."""

    sock: socket.socket
    stopped: threading.Event

    def send(self, data: bytes) -> None:
        """Send all of it at once."""
        self.sock.sendall(data)

    def drip(self, data: bytes) -> None:
        """Send it byte by byte, then the last byte without end."""
        while not self.stopped.wait(PAUSE):
            self.send(data[:1])
            data = data[1:] or data

    def hold(self) -> None:
        """Send nothing until the server ends."""
        self.stopped.wait()

    def reset(self) -> None:
        """Close with a reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


Answer = bytes | Callable[[Connection], None]


class RawServer(socketserver.ThreadingTCPServer):
    """Sends every connection the same response; counts them and keeps their requests."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, answer: Answer, tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer, self.tls = answer, tls
        self.stopped = threading.Event()
        self.connections = 0
        self.requests: list[bytes] = []

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.server_address[1]}"


class _Handler(socketserver.BaseRequestHandler):
    server: RawServer

    def handle(self) -> None:
        """Read one request and respond; a client that disconnects is no error."""
        self.server.connections += 1
        with suppress(OSError):
            if self.server.tls is not None:
                self.request = self.server.tls.wrap_socket(self.request, server_side=True)
            self.server.requests.append(self.request.recv(2**16))
            answer, connection = self.server.answer, Connection(self.request, self.server.stopped)
            if isinstance(answer, bytes):
                connection.send(answer)
            else:
                answer(connection)


@contextmanager
def serve(answer: Answer, tls: ssl.SSLContext | None = None) -> Iterator[RawServer]:
    """Run a server until the block ends."""
    server = RawServer(answer, tls)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.stopped.set()
        server.shutdown()
        thread.join()
        server.server_close()
