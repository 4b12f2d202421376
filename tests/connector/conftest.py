"""Fixtures for the connector's parts."""

import pytest
from pytest_httpserver import HTTPServer
from werkzeug.serving import WSGIRequestHandler

from tests.connector import scripted
from tests.connector.scripted import ScriptedAccount
from tests.fake_clock import FakeClock


@pytest.fixture
def server(httpserver_ipv4: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> HTTPServer:
    """A real HTTP server in Klaviyo's place."""
    monkeypatch.setenv("KLAVIYO_BASE_URL", httpserver_ipv4.url_for("").rstrip("/"))
    return httpserver_ipv4


@pytest.fixture
def account(server: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> ScriptedAccount:
    """An empty account whose clock stands at noon in New York; nobody waits for it."""
    account = ScriptedAccount()
    scripted.serve(server, account)
    monkeypatch.setattr(
        WSGIRequestHandler, "date_time_string", lambda *_: scripted.http_time(account)
    )
    monkeypatch.setattr("asking.Clock", FakeClock)
    return account
