"""A mail server for tests that keeps the messages it receives."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

PASSWORD = "hush-hush"
UNKNOWN_RECIPIENT = "unknown@example.com"


class Inbox:
    """The received messages, with their recipients and the passwords of their logins."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.passwords: list[bytes] = []

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _: list[str]
    ) -> str:
        """Accept every recipient but UNKNOWN_RECIPIENT."""
        if address == UNKNOWN_RECIPIENT:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - as above
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Keep a message."""
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        self.recipients.append(envelope.rcpt_tos)
        return "250 OK"

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, login: Any
    ) -> AuthResult:
        """Accept a login with PASSWORD."""
        self.passwords.append(login.password)
        return AuthResult(success=login.password == PASSWORD.encode(), handled=False)


@contextmanager
def serve(inbox: Inbox, **options: Any) -> Iterator[dict[str, str]]:
    """Run the server; yield the settings that lead to it."""
    server = Controller(inbox, "127.0.0.1", port=_find_free_port(), **options)
    server.start()
    try:
        yield {"SMTP_HOST": "localhost", "SMTP_PORT": str(server.port)}
    finally:
        server.stop()


def _find_free_port() -> int:
    """Find a free port; aiosmtpd cannot choose one itself."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
