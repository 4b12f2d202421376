"""T: faults on the way between the connector and Klaviyo."""

import itertools
import socket
import ssl
from datetime import UTC, datetime
from typing import Any

import pytest
import trustme

from api import ContractError, TransientError
from tests.chaos.fault_patterns import EVENTS
from tests.chaos.runs import SandboxRun, measure
from tests.raw_server import EMPTY_RESPONSE, serve

ATTEMPTS = 6  # of one request
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def measure_gzip_bomb(run: SandboxRun) -> None:
    """A body that is not unpacked takes no memory."""
    run.sandbox.fault("bomb", path=EVENTS, megabytes=200)
    [peak] = measure("read_bomb", run.loader.url)
    assert peak < 300, f"{peak:.0f} MB"
    run.recover()


def refuse_connections(run: SandboxRun) -> None:
    """Close the port for a whole sync: its waits are within the budget of ten minutes."""
    url = run.loader.url
    with serve(EMPTY_RESPONSE) as server:
        run.loader.url = server.url
    run.sync(TransientError, "connection to .* failed .*; is the sandbox running")
    assert sum(run.waits) <= 600
    run.loader.url = url
    run.recover()


def fail_connections(run: SandboxRun, reason: str, times: int) -> None:
    """Let the first connections be "refused", or have "no name"."""
    look_up, lookups = socket.getaddrinfo, itertools.count()
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    def getaddrinfo(*args: Any, **options: Any) -> Any:
        if next(lookups) >= times:
            return look_up(*args, **options)
        if reason == "no name":
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return look_up("127.0.0.1", port, type=socket.SOCK_STREAM)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("urllib3.util.connection.socket.getaddrinfo", getaddrinfo)
        if times == ATTEMPTS:
            run.sync(TransientError, "connection to .* failed")
        run.sync()
    assert len(run.waits) >= 3


def show_certificate(run: SandboxRun, fault: str) -> None:
    """Show a certificate that cannot be trusted: the server gets one connection, and no key."""
    authority, url = trustme.CA(), run.loader.url
    certificate = {
        "self-signed": trustme.CA().issue_cert("127.0.0.1"),
        "of another host": authority.issue_cert("klaviyo.example"),
        "expired": authority.issue_cert("127.0.0.1", not_after=LONG_AGO),
    }[fault]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    with (
        serve(EMPTY_RESPONSE, context) as server,
        authority.cert_pem.tempfile() as trusted,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", trusted)
        run.loader.url = server.url
        run.sync(ContractError, "the certificate .* cannot be trusted")
        assert server.connections == 1
    run.loader.url = url
    run.recover()


def redirect(run: SandboxRun, location: str) -> None:
    """Redirect every request: the other host gets no connection, Klaviyo no second request."""
    with serve(EMPTY_RESPONSE) as other:
        location = location.format(other=other.url, own=run.loader.url)
        run.sandbox.fault("redirect", location=location)
        run.sync(ContractError, "302")
        assert other.connections == 0
    assert len(run.sandbox.log()) == 1
    run.recover()
