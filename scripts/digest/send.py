"""Sends a digest by SMTP, Amazon SES or a webhook.

Of an e-mail each recipient gets a copy, which discloses no other address.
"""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.utils import formatdate, make_msgid, parseaddr
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, SecretStr

from scripts import clouds
from scripts.command import CommandError, Settings
from scripts.digest import webhook

Transport = Literal["smtp", "ses", "webhook"]
TRANSPORTS: tuple[Transport, ...] = get_args(Transport)


def _validate_addresses(text: str) -> str:
    for address in text.split(","):
        if "@" not in parseaddr(address)[1]:
            raise ValueError(f"{address.strip()!r} is no e-mail address")
    return text


class TransportSettings(Settings):
    """Which service sends the digest."""

    digest_by: Transport = "smtp"


class DigestSettings(TransportSettings):
    """The dashboard's address for a link, and the webhook that gets the digest too."""

    digest_link: str = ""
    digest_webhook: webhook.Webhook = SecretStr("")

    def send(self, message: EmailMessage) -> None:
        """Send the message, and post it to the webhook; CommandError if it cannot arrive."""
        self.send_mail(message)
        if self.digest_webhook:
            text = message.get_body(("plain",))
            content = text.get_content() if text else ""
            webhook.post(self.digest_webhook, message["Subject"], content, self.digest_link)

    def send_mail(self, message: EmailMessage) -> None:
        """Send the message to each recipient, if there are recipients."""


class WebhookSettings(DigestSettings):
    """A webhook alone, without e-mails."""

    digest_webhook: webhook.Webhook


class MailSettings(DigestSettings):
    """The sender, and the recipients, separated by commas."""

    digest_from: Annotated[str, AfterValidator(_validate_addresses)]
    digest_to: Annotated[str, AfterValidator(_validate_addresses)]

    def address_copies(self, message: EmailMessage) -> Iterator[EmailMessage]:
        """Address the message to each recipient in turn. The same object is changed each time."""
        for recipient in self.digest_to.split(","):
            for name in ("From", "To", "Date", "Message-ID"):
                del message[name]
            message["From"] = self.digest_from
            message["To"] = recipient.strip()
            message["Date"] = formatdate()
            message["Message-ID"] = make_msgid(domain=parseaddr(self.digest_from)[1].split("@")[1])
            yield message


class SmtpSettings(MailSettings):
    """The mail server. Without encryption no password is sent: the network could read it."""

    smtp_host: str
    smtp_port: int = 587
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")

    def send_mail(self, message: EmailMessage) -> None:
        """Send by the mail server."""
        try:
            with self._connect() as server:
                for copy in self.address_copies(message):
                    server.send_message(copy)
                    print(f"Sent to {copy['To']} by {self.smtp_host}", flush=True)
        except (smtplib.SMTPException, OSError) as error:
            raise CommandError(f"{self.smtp_host}:{self.smtp_port} did not send: {error}") from None

    @contextmanager
    def _connect(self) -> Iterator[smtplib.SMTP]:
        tls = ssl.create_default_context()
        if self.smtp_security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self.smtp_host, self.smtp_port, timeout=60, context=tls
            )
        else:
            server = smtplib.SMTP(self.smtp_host, self.smtp_port, timeout=60)
        with server:
            if self.smtp_security == "starttls":
                server.starttls(context=tls)
            if self.smtp_user and self.smtp_security != "none":
                server.login(self.smtp_user, self.smtp_password.get_secret_value())
            yield server


def read_digest_settings(**overrides: str | None) -> DigestSettings:
    """Read the settings of the chosen transport; `overrides` come from the command line."""
    # The transport first: only its own settings are required.
    transport = TransportSettings.read(digest_by=overrides.get("digest_by")).digest_by
    return _choose_settings(transport).read(**overrides)


def _choose_settings(transport: Transport) -> type[DigestSettings]:
    if transport == "ses":
        clouds.require("Amazon SES", "boto3")
        from scripts.digest import ses  # noqa: PLC0415 - `make demo` does not install its client

        return ses.SesSettings
    return WebhookSettings if transport == "webhook" else SmtpSettings
