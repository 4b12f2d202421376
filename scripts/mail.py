"""Sends e-mails, by SMTP or by Amazon SES, one to each recipient so that none sees the others."""

import smtplib
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.utils import formatdate, make_msgid, parseaddr
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, get_args

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import AfterValidator, SecretStr

from scripts.command import CommandError, Settings

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client

Way = Literal["smtp", "ses"]
WAYS: tuple[Way, ...] = get_args(Way)


def _addresses(text: str) -> str:
    for address in text.split(","):
        if "@" not in parseaddr(address)[1]:
            raise ValueError(f"{address.strip()!r} is no e-mail address")
    return text


class WaySettings(Settings):
    """How e-mails are sent."""

    digest_by: Way = "smtp"


class MailSettings(WaySettings):
    """From whom and to whom, separated by commas; and where the dashboard is, for a link."""

    digest_from: Annotated[str, AfterValidator(_addresses)]
    digest_to: Annotated[str, AfterValidator(_addresses)]
    digest_link: str = ""

    def send(self, message: EmailMessage) -> None:
        """Send the message to each recipient; CommandError if one of them cannot get it."""
        raise NotImplementedError

    def copies(self, message: EmailMessage) -> Iterator[EmailMessage]:
        """The message as it goes to each recipient."""
        for recipient in self.digest_to.split(","):
            for name in ("From", "To", "Date", "Message-ID"):
                del message[name]
            message["From"] = self.digest_from
            message["To"] = recipient.strip()
            message["Date"] = formatdate()
            message["Message-ID"] = make_msgid(domain=parseaddr(self.digest_from)[1].split("@")[1])
            yield message


class SmtpSettings(MailSettings):
    """The mail server. Without encryption there is no password: it could be read on the way."""

    smtp_host: str
    smtp_port: int = 587
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")

    def send(self, message: EmailMessage) -> None:
        """Send by the mail server."""
        try:
            with self._server() as server:
                for copy in self.copies(message):
                    server.send_message(copy)
                    print(f"Sent to {copy['To']} by {self.smtp_host}", flush=True)
        except (smtplib.SMTPException, OSError) as error:
            raise CommandError(f"{self.smtp_host}:{self.smtp_port} did not send: {error}") from None

    @contextmanager
    def _server(self) -> Iterator[smtplib.SMTP]:
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


class Region(Settings):
    """Where Amazon SES is asked: as boto3 finds it, in the environment or in ~/.aws/config."""

    aws_default_region: str

    @classmethod
    def read(cls, **given: Any) -> Self:
        """The settings, with the region as boto3 finds it."""
        return super().read(aws_default_region=boto3.Session().region_name, **given)


class SesSettings(MailSettings, Region):
    """Amazon SES; boto3 finds the key: AWS_ACCESS_KEY_ID and so on."""

    def send(self, message: EmailMessage) -> None:
        """Send by SES, no faster than the account may."""
        with ses(self) as client:
            rate = client.get_account()["SendQuota"]["MaxSendRate"]  # mails a second
            for copy in self.copies(message):
                client.send_email(Content={"Raw": {"Data": copy.as_bytes()}})
                print(f"Sent to {copy['To']} by SES", flush=True)
                time.sleep(1 / rate)


def read(**given: str | None) -> MailSettings:
    """The settings of the way that is chosen; `given` are those of the command line."""
    ways: dict[Way, type[MailSettings]] = {"smtp": SmtpSettings, "ses": SesSettings}
    return ways[WaySettings.read(digest_by=given.get("digest_by")).digest_by].read(**given)


@contextmanager
def ses(region: Region) -> "Iterator[SESV2Client]":
    """A client of Amazon SES; what it refuses is a CommandError."""
    try:
        yield boto3.client(
            "sesv2", region.aws_default_region, config=Config(retries={"mode": "standard"})
        )
    except (BotoCoreError, ClientError) as error:
        raise CommandError(f"SES: {error}") from None


def verify_domain(domain: str, *, is_dry: bool) -> None:
    """Make the domain an identity that signs with DKIM, unless it is one, and print its records."""
    with ses(Region.read()) as client:
        try:
            dkim = client.get_email_identity(EmailIdentity=domain)["DkimAttributes"]
            print(f"{domain} is an identity already.")
        except client.exceptions.NotFoundException:
            if is_dry:
                print(f"Would make {domain} an identity that signs with DKIM, keys of 2048 bits.")
                return
            dkim = client.create_email_identity(
                EmailIdentity=domain,
                DkimSigningAttributes={"NextSigningKeyLength": "RSA_2048_BIT"},
            )["DkimAttributes"]
            print(f"{domain} is an identity now.")
    print(f"DKIM: {dkim['Status']}. Records for its DNS:")
    for token in dkim["Tokens"]:
        print(f"{token}._domainkey.{domain} CNAME {token}.dkim.amazonses.com")
