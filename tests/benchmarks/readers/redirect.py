"""Redirects clients that know only Klaviyo's address and an old revision to the sandbox.

They use revision 2024-10-15, which Klaviyo ended on 2026-10-15. Their requests are sent in today's
revision, whose events are the same.
"""

from typing import Any

import requests
from read import REVISION

KLAVIYO = "https://a.klaviyo.com"


def redirect_to(url: str) -> None:
    """Send every request for Klaviyo to the sandbox at `url`, in today's revision."""
    send = requests.Session.send

    def send_redirected(session: requests.Session, request: Any, **more: Any) -> requests.Response:
        request.url = request.url.replace(KLAVIYO, url)
        request.headers["revision"] = REVISION
        return send(session, request, **more)

    requests.Session.send = send_redirected  # type: ignore[assignment,method-assign]
