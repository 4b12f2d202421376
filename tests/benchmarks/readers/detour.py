"""Leads clients that know only Klaviyo's address and an old revision to the sandbox.

Those here speak 2024-10-15, which was sunset on 2026-10-15: as they are, Klaviyo owes them no
answer. Their requests are let through in today's revision, whose events are the same.
"""

from typing import Any

import requests
from read import REVISION

KLAVIYO = "https://a.klaviyo.com"


def detour(url: str) -> None:
    """Send every request that is meant for Klaviyo to the sandbox, in the revision it speaks."""
    send = requests.Session.send

    def redirected(session: requests.Session, request: Any, **more: Any) -> requests.Response:
        request.url = request.url.replace(KLAVIYO, url)
        request.headers["revision"] = REVISION
        return send(session, request, **more)

    requests.Session.send = redirected  # type: ignore[assignment,method-assign]
