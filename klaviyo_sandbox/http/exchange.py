"""One HTTP exchange: the request, the response, and the socket that carries them."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, cast

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from klaviyo_sandbox.api.errors import ApiError
from klaviyo_sandbox.jsonapi import Json

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

TRANSPORT = "klaviyo_sandbox.transport"
JSON_API = "application/vnd.api+json"


class Protocol(HttpToolsProtocol):
    """Uvicorn's protocol, which also gives the application its transport.

    A fault breaks the rules of HTTP, which ASGI does not allow.
    """

    def on_message_begin(self) -> None:
        """Put the transport into the scope of the request that begins."""
        super().on_message_begin()
        self.scope["extensions"] = {TRANSPORT: {"transport": self.transport}}


@dataclass(frozen=True)
class Request:
    """A complete request; header names are in lower case."""

    method: str
    path: str
    query: bytes
    headers: dict[str, str]
    body: bytes

    @property
    def origin(self) -> str:
        """The scheme and host that the client used, for links back to it."""
        return f"http://{self.headers.get('host', '127.0.0.1')}"


@dataclass
class Response:
    """A response that is not sent yet; ``records`` counts the resources in its body."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    records: int = 0

    @classmethod
    def from_document(
        cls, status: int, document: Json, headers: dict[str, str] | None = None
    ) -> Response:
        """Return a JSON:API response."""
        data = document.get("data")
        records = len(data) if isinstance(data, list) else 0
        body = orjson.dumps(document)
        return cls(status, body, {"content-type": JSON_API, **(headers or {})}, records)

    @classmethod
    def from_error(cls, error: ApiError) -> Response:
        """Return the response of an error; a 429 has Retry-After and no content type."""
        response = cls.from_document(error.status, error.document(), error.headers)
        if error.status == HTTPStatus.TOO_MANY_REQUESTS:
            del response.headers["content-type"]
        return response

    def encode_head(self, extra_headers: dict[str, str]) -> bytes:
        """Return the status line and headers as they go over the socket."""
        lines = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in {**self.headers, **extra_headers}.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class Exchange:
    """The client's connection, for one request and its response."""

    def __init__(self, scope: Message, receive: Receive, send: Send) -> None:
        self.scope, self.receive, self._send = scope, receive, send
        extension = scope["extensions"][TRANSPORT]
        self.transport = cast("asyncio.Transport", extension["transport"])

    async def read_request(self) -> Request:
        """Read the whole request."""
        # ASGI delivers a body in parts (asgi.readthedocs.io, "HTTP request").
        body, has_more = b"", True
        while has_more:
            message = await self.receive()
            body += message.get("body", b"")
            has_more = message.get("more_body", False)
        scope = self.scope
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        return Request(scope["method"], scope["path"], scope["query_string"], headers, body)

    async def send(self, response: Response) -> None:
        """Send a response by the rules of HTTP."""
        headers = {**response.headers, "content-length": str(len(response.body))}
        raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": response.status, "headers": raw})
        await self._send({"type": "http.response.body", "body": response.body})

    async def wait_for_disconnect(self) -> None:
        """Send nothing more until the client disconnects."""
        while (await self.receive())["type"] != "http.disconnect":
            pass

    async def write_and_close(self, *pieces: bytes, pause: float = 0) -> None:
        """Write the pieces as they are, with a pause after each, and close the connection."""
        for piece in pieces:
            if self.transport.is_closing():
                break
            self.transport.write(piece)
            if pause:
                await asyncio.sleep(pause)
        self.transport.close()
        await self.wait_for_disconnect()

    async def reset(self) -> None:
        """Reset the connection: the client's socket reports ECONNRESET."""
        raw: socket.socket = self.transport.get_extra_info("socket")
        # With a linger time of zero, closing sends RST instead of FIN.
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()
        await self.wait_for_disconnect()
