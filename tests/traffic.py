"""Records the requests that a client sends, and their answers."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import requests
from urllib3 import HTTPResponse

from tests.sandbox.klaviyo_contract import Exchange


@contextmanager
def record_exchanges() -> Iterator[list[Exchange]]:
    """Collect every exchange with an API that a requests session of this process makes."""
    exchanges: list[Exchange] = []
    send = requests.Session.send

    def send_and_record(
        session: requests.Session, request: requests.PreparedRequest, **options: Any
    ) -> requests.Response:
        response = send(session, request, **options)
        url, body = str(request.url), request.body
        if "/api/" in url:
            sent = body.encode() if isinstance(body, str) else body
            told = response.headers.get("content-type", "")
            answer = response.status_code, response.content, told
            exchanges.append(Exchange(str(request.method), url, request.headers, sent, *answer))
            # The content is read, and the client reads the body itself.
            response.raw = HTTPResponse(io.BytesIO(response.content), preload_content=False)
            response.headers.pop("content-encoding", None)
        return response

    with mock.patch.object(requests.Session, "send", send_and_record):
        yield exchanges
