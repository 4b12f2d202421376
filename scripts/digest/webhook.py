"""Posts a message to Slack or any other service that takes Slack's JSON at a webhook.

The address is a secret: who has it can post. No output names more of it than its host.
"""

import ipaddress
from collections.abc import Iterator
from typing import Annotated
from urllib.parse import urlsplit

import requests
from pydantic import AfterValidator, SecretStr
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from scripts.command import CommandError, Settings

# https://docs.slack.dev/reference/block-kit/blocks/section-block and .../header-block
SECTION_LENGTH, HEADER_LENGTH = 3000, 150
MAX_BLOCKS = 50
TIMEOUT = 30  # seconds
# What the service asks to repeat, and has not posted.
RETRIES = Retry(3, status_forcelist=[429, 503], allowed_methods=["POST"], backoff_factor=1)


def _validate_address(address: SecretStr) -> SecretStr:
    """Accept https, and http to this machine. The error does not hold the address."""
    url = urlsplit(address.get_secret_value())
    if not address or (
        url.hostname and (url.scheme == "https" or _is_local(url.scheme, url.hostname))
    ):
        return address
    raise ValueError("it must be an address that begins with https://")


def _is_local(scheme: str, host: str) -> bool:
    try:
        return scheme == "http" and ipaddress.ip_address(host).is_loopback
    except ValueError:
        return scheme == "http" and host == "localhost"


Webhook = Annotated[SecretStr, AfterValidator(_validate_address)]


class AlertSettings(Settings):
    """The webhook that gets alerts; without one there are none."""

    digest_webhook: Webhook = SecretStr("")

    def alert(self, title: str, text: str) -> None:
        """Post an alert, if there is a webhook."""
        if self.digest_webhook:
            post(self.digest_webhook, title, text)


def post(webhook: SecretStr, title: str, text: str, link: str = "") -> None:
    """Post a message with a link to the dashboard; CommandError if the service does not take it."""
    host = urlsplit(webhook.get_secret_value()).hostname
    with requests.Session() as session:
        for scheme in ("https://", "http://"):
            session.mount(scheme, HTTPAdapter(max_retries=RETRIES))
        try:
            response = session.post(
                webhook.get_secret_value(),
                json=build_payload(title, text, link),
                timeout=TIMEOUT,
                allow_redirects=False,
            )
        except requests.RequestException as error:  # its text has the address
            reason = type(error).__name__
            raise CommandError(f"The webhook at {host} cannot be reached: {reason}.") from None
    if response.status_code // 100 != 2:
        raise CommandError(
            f"The webhook at {host} answered {response.status_code}: {response.text[:100]}."
            " Create a new webhook there and set DIGEST_WEBHOOK."
        )
    print(f"Posted to {host}", flush=True)


def build_payload(title: str, text: str, link: str = "") -> dict[str, object]:
    """Build Slack's JSON: blocks of letters of one width, and the same as `text` for others."""
    header = {"type": "plain_text", "text": title[:HEADER_LENGTH]}
    parts = [f"```{part}```" for part in _split(_escape(text).replace("```", "'''"))]
    parts += [f"<{_escape(link)}|Open the dashboard>"] if link else []
    sections = [{"type": "section", "text": {"type": "mrkdwn", "text": part}} for part in parts]
    blocks = [{"type": "header", "text": header}, *sections]
    return {"text": "\n\n".join(filter(None, (title, text, link))), "blocks": blocks[:MAX_BLOCKS]}


def _escape(text: str) -> str:
    """Escape what is markup to Slack, such as a mention of everyone in a campaign's name."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _split(text: str) -> Iterator[str]:
    """Split at line breaks into parts that fit into a section."""
    part, limit = "", SECTION_LENGTH - len("``````")
    for line in text.strip().splitlines(keepends=True):
        if len(part) + len(line) > limit:
            yield part.rstrip()
            part = ""
        part += line[:limit]
    yield part.rstrip()
