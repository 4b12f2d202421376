"""A mail server for tests that keeps what it gets."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

PASSWORD = "hush-hush"


class Inbox:
    """What arrived. It takes no mail to `nobody@...`."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.logins: list[bytes] = []

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _: list[str]
    ) -> str:
        """Take or refuse a recipient."""
        if address.startswith("nobody@"):
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
        """Let in whoever knows the password."""
        self.logins.append(login.password)
        return AuthResult(success=login.password == PASSWORD.encode(), handled=False)


@contextmanager
def serving(inbox: Inbox, **options: Any) -> Iterator[dict[str, str]]:
    """Run the server; gives the settings that lead to it."""
    server = Controller(inbox, "127.0.0.1", port=_free_port(), **options)
    server.start()
    try:
        yield {"SMTP_HOST": "localhost", "SMTP_PORT": str(server.port)}
    finally:
        server.stop()


def _free_port() -> int:
    """A port that nobody listens on; aiosmtpd cannot be asked to find one."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port
