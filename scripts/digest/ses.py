"""Sends e-mails by Amazon SES. `make pipeline` installs its client, `make demo` does not."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any, Self

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from scripts.command import CommandError, Settings
from scripts.digest.send import MailSettings

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client


class RegionSettings(Settings):
    """The region of Amazon SES, as boto3 finds it: in the environment or in ~/.aws/config."""

    aws_default_region: str

    @classmethod
    def read(cls, **overrides: Any) -> Self:
        """Read the settings, with the region that boto3 finds."""
        return super().read(aws_default_region=boto3.Session().region_name, **overrides)


class SesSettings(MailSettings, RegionSettings):
    """Amazon SES. boto3 finds the credentials: AWS_ACCESS_KEY_ID and so on."""

    def send_mail(self, message: EmailMessage) -> None:
        """Send by SES, within the account's send rate."""
        with connect_ses(self) as client:
            rate = client.get_account()["SendQuota"]["MaxSendRate"]  # e-mails per second
            for copy in self.address_copies(message):
                client.send_email(Content={"Raw": {"Data": copy.as_bytes()}})
                print(f"Sent to {copy['To']} by SES", flush=True)
                time.sleep(1 / rate)


@contextmanager
def connect_ses(region: RegionSettings) -> "Iterator[SESV2Client]":
    """Open a client of Amazon SES; its errors become CommandErrors."""
    try:
        yield boto3.client(
            "sesv2", region.aws_default_region, config=Config(retries={"mode": "standard"})
        )
    except (BotoCoreError, ClientError) as error:
        raise CommandError(f"SES: {error}") from None


def verify_domain(domain: str, *, is_dry_run: bool) -> None:
    """Register the domain as an SES identity with DKIM, unless it is one; print its DNS records."""
    with connect_ses(RegionSettings.read()) as client:
        try:
            dkim = client.get_email_identity(EmailIdentity=domain)["DkimAttributes"]
            print(f"{domain} is an identity already.")
        except client.exceptions.NotFoundException:
            if is_dry_run:
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
