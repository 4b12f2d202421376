"""Company networks: a proxy and a private certificate authority, both of them real."""

import base64
import json
import os
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
import trustme
from pytest_httpserver import HTTPServer

from api import ConfigurationError, ContractError, KlaviyoClient, KlaviyoError, TransientError
from tests.connect_proxy import ConnectProxy, tunnel_to
from tests.raw_server import Connection, RawServer, serve

KEY = "pk_0123456789abcdef"
PATH = "/api/metrics"
GOOD = json.dumps({"data": [], "links": {"self": "", "next": None}}).encode()
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(GOOD), GOOD)
PASSWORD = "hush-hush"
VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """No proxy and no bundle yet, and a .netrc with a login for every host."""
    for name in (*VARIABLES, *map(str.lower, VARIABLES), "REQUESTS_CA_BUNDLE", "KLAVIYO_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    netrc = tmp_path / ".netrc"
    netrc.write_text("default login somebody password something\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    return monkeypatch


@pytest.fixture(name="authority")
def _authority(tmp_path: Path) -> tuple[trustme.CA, Path]:
    """A private certificate authority, and its certificate as a file."""
    authority, file = trustme.CA(), tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    return authority, file


@pytest.fixture(name="klaviyo")
def _klaviyo(authority: tuple[trustme.CA, Path]) -> Iterator[RawServer]:
    """A server in Klaviyo's place, with a certificate of the authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority[0].issue_cert("a.klaviyo.com").configure_cert(context)
    with serve(RESPONSE, context) as server:
        yield server


@pytest.fixture(name="proxy")
def _proxy(klaviyo: RawServer) -> Iterator[ConnectProxy]:
    """A proxy that leads to the server."""
    with tunnel_to(("127.0.0.1", klaviyo.server_address[1])) as proxy:
        yield proxy


def error_of(client: KlaviyoClient) -> KlaviyoError:
    """The error that a request ends with."""
    with pytest.raises(KlaviyoError) as error:
        client.get(PATH)
    assert PASSWORD not in f"{error.value!r} {error.value.__dict__}"
    return error.value


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy"])
def test_proxy_sees_a_tunnel_and_never_the_key(
    environment: pytest.MonkeyPatch,
    authority: tuple[trustme.CA, Path],
    klaviyo: RawServer,
    proxy: ConnectProxy,
    name: str,
) -> None:
    """It receives one CONNECT with its own login; Klaviyo alone receives the key, and no login."""
    environment.setenv(name, f"http://me:{PASSWORD}@{proxy.address}")
    environment.setenv("REQUESTS_CA_BUNDLE", str(authority[1]))
    assert KlaviyoClient(KEY).get(PATH) == json.loads(GOOD)
    (head,) = proxy.heads
    assert head.startswith("CONNECT a.klaviyo.com:443 HTTP/1.")
    login = base64.b64encode(f"me:{PASSWORD}".encode()).decode()
    assert f"Proxy-Authorization: Basic {login}" in head
    for secret in (KEY, base64.b64encode(KEY.encode()).decode(), "Klaviyo-API-Key"):
        assert secret.encode() not in proxy.seen
    (request,) = klaviyo.requests
    assert f"Authorization: Klaviyo-API-Key {KEY}\r\n".encode() in request
    assert b"Proxy-Authorization" not in request
    assert b"Basic" not in request


def test_proxy_without_the_private_authority_names_the_setting(
    environment: pytest.MonkeyPatch, klaviyo: RawServer, proxy: ConnectProxy
) -> None:
    """A proxy that opens connections is noticed before any request."""
    environment.setenv("HTTPS_PROXY", proxy.address)
    error = error_of(KlaviyoClient(KEY))
    assert type(error) is ContractError
    assert "REQUESTS_CA_BUNDLE" in str(error)
    assert klaviyo.requests == []


@pytest.mark.parametrize("excluded", ["a.klaviyo.com", ".klaviyo.com", "*"])
def test_proxy_is_not_used_for_a_host_of_no_proxy(
    environment: pytest.MonkeyPatch,
    authority: tuple[trustme.CA, Path],
    klaviyo: RawServer,
    proxy: ConnectProxy,
    excluded: str,
) -> None:
    """The connection is a direct one; only the lookup of Klaviyo's name is replaced here."""
    environment.setenv("HTTPS_PROXY", f"http://{proxy.address}")
    environment.setenv("NO_PROXY", excluded)
    environment.setenv("REQUESTS_CA_BUNDLE", str(authority[1]))
    here = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", klaviyo.server_address)]
    environment.setattr(socket, "getaddrinfo", lambda *_, **__: here)
    assert KlaviyoClient(KEY).get(PATH) == json.loads(GOOD)
    assert len(klaviyo.requests) == 1
    assert proxy.heads == []


def test_proxy_is_never_used_for_a_sandbox(
    environment: pytest.MonkeyPatch, server: HTTPServer, proxy: ConnectProxy
) -> None:
    """A loopback address is reached directly, whatever the environment names."""
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"):
        environment.setenv(name, f"http://{proxy.address}")
        environment.setenv(name.lower(), f"http://{proxy.address}")
    environment.setenv("REQUESTS_CA_BUNDLE", "/nowhere.pem")
    environment.setenv("KLAVIYO_BASE_URL", server.url_for("").rstrip("/"))
    server.expect_request(PATH).respond_with_data(GOOD)
    assert KlaviyoClient(KEY).get(PATH) == json.loads(GOOD)
    assert proxy.heads == []


@pytest.mark.parametrize("status", ["407 Proxy Authentication Required", "403 Forbidden"])
def test_proxy_that_refuses_is_named_with_the_remedy(
    environment: pytest.MonkeyPatch, status: str
) -> None:
    """No retry would help: the sync ends with the setting's name, without its password."""
    with tunnel_to(("127.0.0.1", 9), status) as proxy:
        environment.setenv("HTTPS_PROXY", f"http://me:{PASSWORD}@{proxy.address}")
        error = error_of(KlaviyoClient(KEY))
    assert type(error) is ConfigurationError
    assert f"the proxy of HTTPS_PROXY refused a connection to Klaviyo ({status[:3]})" in str(error)
    assert KEY not in proxy.seen.decode()


def test_proxy_that_never_answers_ends_at_the_deadline(environment: pytest.MonkeyPatch) -> None:
    """Before the tunnel is open too, a request takes no longer than its deadline."""
    drip = b"HTTP/1.1 200 OK\r\nX: " + b"x" * 10_000
    with serve(lambda connection: Connection.drip(connection, drip)) as silent:
        environment.setenv("HTTPS_PROXY", silent.url)
        error = error_of(KlaviyoClient(KEY, deadline=0.5))
    assert type(error) is TransientError
    assert "no whole answer within" in str(error)


@pytest.mark.usefixtures("environment")
def test_proxy_settings_that_cannot_work_are_refused(subtests: pytest.Subtests) -> None:
    """Before any connection; the error names the setting and repeats no password."""
    for name, value in [
        ("HTTPS_PROXY", f"socks5://me:{PASSWORD}@127.0.0.1:1080"),
        ("HTTPS_PROXY", f"https://me:{PASSWORD}@127.0.0.1:3128"),
        ("HTTPS_PROXY", "http://"),
        ("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem"),
    ]:
        with subtests.test(value), mock.patch.dict(os.environ, {name: value}):
            with pytest.raises(ConfigurationError, match=name) as error:
                KlaviyoClient(KEY)
            assert PASSWORD not in str(error.value)
