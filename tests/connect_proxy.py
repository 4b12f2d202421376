"""A real CONNECT proxy on this machine, which leads every tunnel to one server.

with tunnel_to(("127.0.0.1", 8443)) as proxy:
    requests.get("https://a.klaviyo.com", proxies={"https": proxy.url})
    proxy.heads, proxy.seen
"""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

CHUNK = 2**16


class ConnectProxy(socketserver.ThreadingTCPServer):
    """Records the head of each request, and every byte that passes in either direction."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, target: tuple[str, int], status: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target, self.status = target, status
        self.heads: list[str] = []
        self.seen = b""

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.server_address[1]}"


class _Handler(socketserver.BaseRequestHandler):
    server: ConnectProxy

    def handle(self) -> None:
        """Answer one request, and open a tunnel if the answer is 200."""
        head = self.request.recv(CHUNK)
        self.server.heads.append(head.decode())
        self.server.seen += head
        self.request.sendall(f"HTTP/1.1 {self.server.status}\r\n\r\n".encode())
        if self.server.status.startswith("200"):
            with socket.create_connection(self.server.target) as target:
                back = threading.Thread(target=self._pipe, args=(target, self.request))
                back.start()
                self._pipe(self.request, target)
                back.join()

    def _pipe(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(CHUNK):
                self.server.seen += data
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)


@contextmanager
def tunnel_to(
    target: tuple[str, int], status: str = "200 Connection established"
) -> Iterator[ConnectProxy]:
    """Run a proxy until the block ends; a status other than 200 refuses every tunnel."""
    proxy = ConnectProxy(target, status)
    thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield proxy
    finally:
        proxy.shutdown()
        thread.join()
        proxy.server_close()
