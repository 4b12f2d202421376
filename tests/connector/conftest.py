"""Fixtures for the connector's parts."""

import pytest
from pytest_httpserver import HTTPServer


@pytest.fixture
def server(httpserver_ipv4: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> HTTPServer:
    """A real HTTP server in Klaviyo's place."""
    monkeypatch.setenv("KLAVIYO_BASE_URL", httpserver_ipv4.url_for("").rstrip("/"))
    return httpserver_ipv4
