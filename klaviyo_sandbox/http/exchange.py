"""One HTTP exchange: the request as read, the response to be, and the socket under both."""

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
    """Uvicorn's protocol, which also hands the application its transport.

    A fault has to break the rules of HTTP, and ASGI cannot.
    """

    def on_message_begin(self) -> None:
        """Put the transport into the scope of the request that begins."""
        super().on_message_begin()
        self.scope["extensions"] = {TRANSPORT: {"transport": self.transport}}


@dataclass(frozen=True)
class Request:
    """A request read to its end; header names are in lower case."""

    method: str
    path: str
    query: bytes
    headers: dict[str, str]
    body: bytes

    @property
    def origin(self) -> str:
        """The scheme and host the client used, which links must lead back to."""
        return f"http://{self.headers.get('host', '127.0.0.1')}"


@dataclass
class Response:
    """An answer not yet sent."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    records: int = 0  # in the body, if it lists any

    @classmethod
    def of(cls, status: int, document: Json, headers: dict[str, str] | None = None) -> Response:
        """Return a JSON:API answer."""
        data = document.get("data")
        records = len(data) if isinstance(data, list) else 0
        body = orjson.dumps(document)
        return cls(status, body, {"content-type": JSON_API, **(headers or {})}, records)

    @classmethod
    def refusing(cls, error: ApiError) -> Response:
        """Return the answer that an error is."""
        return cls.of(error.status, error.document(), error.headers)

    def head(self, more: dict[str, str]) -> bytes:
        """Return the status line and headers as they go over the socket."""
        lines = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in {**self.headers, **more}.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class Wire:
    """The client's connection, for one exchange."""

    def __init__(self, scope: Message, receive: Receive, send: Send) -> None:
        self.scope, self.receive, self._send = scope, receive, send
        extension = scope["extensions"][TRANSPORT]
        self.transport = cast("asyncio.Transport", extension["transport"])

    async def request(self) -> Request:
        """Read the request to its end."""
        body, more = b"", True
        while more:
            message = await self.receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        scope = self.scope
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        return Request(scope["method"], scope["path"], scope["query_string"], headers, body)

    async def send(self, response: Response) -> None:
        """Send a response as HTTP wants it."""
        headers = {**response.headers, "content-length": str(len(response.body))}
        raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": response.status, "headers": raw})
        await self._send({"type": "http.response.body", "body": response.body})

    async def hold(self) -> None:
        """Say no more, until the client hangs up."""
        while (await self.receive())["type"] != "http.disconnect":
            pass

    async def break_off(self, *pieces: bytes, pause: float = 0) -> None:
        """Write the pieces as they are, pausing after each, and close the connection."""
        for piece in pieces:
            if self.transport.is_closing():
                break
            self.transport.write(piece)
            if pause:
                await asyncio.sleep(pause)
        self.transport.close()
        await self.hold()

    async def reset(self) -> None:
        """Tear the connection down, so that the client is told it was reset."""
        raw: socket.socket = self.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()
        await self.hold()
