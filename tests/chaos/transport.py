"""T: what goes wrong on the way."""

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import api
import pytest
import trustme
from api import ContractError, TransientError

from tests.chaos.row import Case, Row, quick
from tests.chaos.striking import ACCOUNTS, EVENTS, OFTEN, REPORT, lasting, passing
from tests.chaos.trial import DEADLINE, OnSandbox, printed_by
from tests.raw_server import serve

BOMBED = """
import sys
import api
from read import peak
try:
    api.Klaviyo(sys.argv[1]).get("/api/events")
except api.ContractError:
    print(peak() / 2**20)
"""
NOTHING = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
FRAMINGS = ("length", "chunked", "close", "gzip")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def held(trial: OnSandbox) -> None:
    """What is not unpacked takes no memory."""
    trial.fault("bomb", path=EVENTS, megabytes=200)
    [peak] = printed_by(BOMBED, trial.loader.url)
    assert peak < 300, f"{peak:.0f} MB"
    trial.recover()


def refused_at_first(trial: OnSandbox) -> None:
    """Nobody listens until the third wait is over; then everything is passed on to the sandbox."""
    address = trial.loader.url.removeprefix("http://").split(":")
    closed = socket.create_server(("127.0.0.1", 0))
    port = closed.getsockname()[1]
    closed.close()
    trial.loader.url = f"http://127.0.0.1:{port}"

    def listen_at_last() -> None:
        if len(trial.waits) == 3:
            _relay(port, (address[0], int(address[1])))

    trial.meanwhile = listen_at_last
    trial.sync()
    assert len(trial.waits) >= 3


def _relay(port: int, target: tuple[str, int]) -> None:
    """Pass every connection to a port on to the target, both ways."""

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):  # one side has hung up
            while data := source.recv(1 << 16):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def accept(server: socket.socket) -> None:
        while True:
            near = server.accept()[0]
            far = socket.create_connection(target)
            for pair in ((near, far), (far, near)):
                threading.Thread(target=pump, args=pair, daemon=True).start()

    server = socket.create_server(("127.0.0.1", port))
    threading.Thread(target=accept, args=(server,), daemon=True).start()


def unresolved(times: int) -> Callable[[OnSandbox], None]:
    """The name is not found so many times."""

    def happen(trial: OnSandbox) -> None:
        left = [None] * times
        look_up = socket.getaddrinfo

        def look_up_in_vain(*given: Any, **named: Any) -> Any:
            if left:
                left.pop()
                raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
            return look_up(*given, **named)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("urllib3.util.connection.socket.getaddrinfo", look_up_in_vain)
            if times > 5:
                trial.sync(TransientError, "connection to .* failed")
                left.clear()
            trial.sync()

    return happen


def nobody_listens(trial: OnSandbox) -> None:
    """The address stays closed for a whole sync: given up within the budget."""
    url = trial.loader.url
    with serve(NOTHING) as raw:
        trial.loader.url = raw.url
    trial.sync(TransientError, "connection to .* failed .*; is the sandbox running")
    assert sum(trial.waits) <= 600
    trial.loader.url = url
    trial.recover()


def certificate(fault: str) -> Case:
    """A server whose certificate cannot be trusted is asked once, and never shown the key."""

    def happen(trial: OnSandbox) -> None:
        authority, url = trustme.CA(), trial.loader.url
        shown = {
            "self-signed": trustme.CA().issue_cert("127.0.0.1"),
            "of another host": authority.issue_cert("klaviyo.example"),
            "expired": authority.issue_cert("127.0.0.1", not_after=LONG_AGO),
        }[fault]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        shown.configure_cert(context)
        with serve(NOTHING, context) as raw, authority.cert_pem.tempfile() as trusted:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", trusted)
                trial.loader.url = raw.url
                trial.sync(ContractError, "the certificate .* cannot be trusted")
            assert raw.connections == 1
        trial.loader.url = url
        trial.recover()

    return Case(fault, happen)


def redirected(label: str, location: str) -> Case:
    """Whoever the answer points to hears nothing."""

    def happen(trial: OnSandbox) -> None:
        with serve(NOTHING) as other:
            place = location.format(other=other.url, own=trial.loader.url)
            trial.fault("redirect", location=place)
            trial.sync(ContractError, "302")
            assert other.connections == 0
        assert len(trial.sandbox.log()) == 1
        trial.recover()

    return Case(f"redirect to {label}", happen)


ROWS = [
    Row(
        "T1",
        "the connection is reset, before or in the answer",
        "asked again",
        [
            quick(passing("reset", **OFTEN)),
            *lasting("reset", TransientError),
        ],
    ),
    Row(
        "T2",
        "the answer ends early, in each of HTTP's framings",
        "asked again; a short page is never taken for a whole one",
        [
            *(quick(passing("truncated", one, **OFTEN, framing=one)) for one in FRAMINGS),
            *lasting("truncated", TransientError, label="length", framing="length"),
            *lasting("truncated", TransientError, label="chunked", framing="chunked"),
            *lasting("truncated", ContractError, label="close", framing="close"),
            *lasting("truncated", ContractError, label="gzip", framing="gzip"),
        ],
        "Airbyte: exit 0, 178 of 1,000 lost for good; tap-klaviyo: ok",
    ),
    Row(
        "T3",
        "headers or body drip without end",
        f"abandoned at the deadline (60 s; {DEADLINE:.0f} s here), then asked again",
        [
            quick(passing("slow", "body", times=1, after=2, head=False)),
            passing("slow", "head", times=1, after=2, head=True),
            *lasting("slow", TransientError, EVENTS, ACCOUNTS, label="body", head=False),
            *lasting("slow", TransientError, EVENTS, REPORT, label="head", head=True),
        ],
        "Airbyte: hangs (60 s limit); tap-klaviyo: not run",
    ),
    Row(
        "T4",
        "nothing is said; the connection is refused; the name is not found",
        "asked again up to 6 times within 10 minutes, then exit 1",
        [
            passing("stall", times=1, after=2),
            *lasting("stall", TransientError, EVENTS, ACCOUNTS, REPORT),
            quick(Case("refused three times", refused_at_first)),
            Case("refused for ever", nobody_listens),
            quick(Case("no name three times", unresolved(3))),
            Case("no name for ever", unresolved(6)),
        ],
    ),
    Row(
        "T5",
        f"a body of more than {api.BODY_LIMIT >> 20} MiB in a small gzip",
        "not unpacked beyond that: exit 1 at once, in less than 300 MB",
        [
            *lasting("bomb", ContractError, says="larger than 64 MiB", megabytes=200),
            Case("memory", held),
        ],
    ),
    Row(
        "T6",
        "a certificate that is self-signed, of another host or expired",
        "exit 1 after one attempt; the message names the certificate",
        [certificate(one) for one in ("self-signed", "of another host", "expired")],
    ),
    Row(
        "T7",
        "a redirect to the same host, another one or plain HTTP",
        "not followed: exit 1, and the other host gets no connection",
        [
            quick(redirected("another host", "{other}/api/accounts")),
            redirected("the same host", "{own}/api/lists"),
            redirected("plain HTTP", "http://a.klaviyo.com/api/accounts"),
            *lasting("redirect", ContractError),
        ],
    ),
]
