"""What stands between us and the server: TLS with its certificates, a pooler."""

import shutil
import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from psycopg2.extensions import parse_dsn

from simplyload.destinations.postgres import PostgresDestination, PostgresTargetSettings
from simplyload.errors import DestinationError, SourceError
from simplyload.sources.postgres.settings import PostgresSettings
from simplyload.sources.postgres.source import PostgresSource

Run = Callable[[str], list[Any]]
Settings = Callable[..., PostgresSettings]
Ask = Callable[[PostgresSettings, str], Any]

# The wheel's server has no TLS: a proxy before it ends the TLS of libpq.
SSL_REQUEST, STARTUP_3 = 80877103, 196608


@contextmanager
def _proxy(target: int, serve: Callable[[socket.socket], socket.socket | None]) -> Iterator[int]:
    """Listen on a port; each connection that `serve` lets in is carried to the target port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def carry(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=handle, args=[client], daemon=True).start()

    def handle(client: socket.socket) -> None:
        with suppress(OSError):
            if (served := serve(client)) is None:
                client.close()
                return
            server = socket.create_connection(("127.0.0.1", target))
            threading.Thread(target=carry, args=[served, server], daemon=True).start()
            carry(server, served)

    threading.Thread(target=accept, daemon=True).start()
    yield listener.getsockname()[1]
    listener.close()


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(
        [shutil.which("openssl") or "openssl", *arguments],
        cwd=folder,
        check=True,
        capture_output=True,
    )


def _make_authority(folder: Path, name: str) -> None:
    _openssl(
        folder,
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "1",
        "-subj",
        f"/CN={name}",
        "-keyout",
        f"{name}.key",
        "-out",
        f"{name}.crt",
    )


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with the authorities `ours` and `other`, and `ours`' word for localhost."""
    folder = tmp_path_factory.mktemp("tls")
    _make_authority(folder, "ours")
    _make_authority(folder, "other")
    _openssl(
        folder,
        "req",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-subj",
        "/CN=localhost",
        "-keyout",
        "server.key",
        "-out",
        "server.csr",
    )
    (folder / "san").write_text("subjectAltName=DNS:localhost")
    _openssl(
        folder,
        "x509",
        "-req",
        "-in",
        "server.csr",
        "-CA",
        "ours.crt",
        "-CAkey",
        "ours.key",
        "-days",
        "1",
        "-extfile",
        "san",
        "-out",
        "server.crt",
    )
    return folder


@pytest.fixture
def tls_port(database: str, certificates: Path) -> Iterator[int]:
    """Give a port where the server answers by TLS only."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.crt", certificates / "server.key")

    def serve(client: socket.socket) -> socket.socket | None:
        while True:
            _, request = struct.unpack("!ii", client.recv(8, socket.MSG_WAITALL))
            if request == SSL_REQUEST:
                client.sendall(b"S")
                return context.wrap_socket(client, server_side=True)
            if request == STARTUP_3:
                return None
            client.sendall(b"N")

    with _proxy(int(parse_dsn(database)["port"]), serve) as port:
        yield port


def test_a50_all_connections_verify_the_server(
    settings: Settings, certificates: Path, tls_port: int, replication_role: str, ask: Ask
) -> None:
    """With `verify-full` each kind takes the right certificate, and neither another nor none."""
    secure = settings(
        user=replication_role,
        host="localhost",
        port=tls_port,
        sslmode="verify-full",
        sslrootcert=str(certificates / "ours.crt"),
    )
    assert ask(secure, "select 7::text") == "7"
    for change in (
        {"sslrootcert": str(certificates / "other.crt")},
        {"host": "127.0.0.1"},
        {"sslmode": "disable"},
        {"port": settings().port},
    ):
        with pytest.raises(SourceError):
            ask(secure.model_copy(update=change), "select 7")
    with pytest.raises(SourceError, match="SSL"):
        ask(settings(sslmode="require"), "select 7")


def test_a50_the_destination_verifies_the_server(
    settings: Settings, certificates: Path, tls_port: int
) -> None:
    """With `verify-full` a Postgres destination takes the right certificate alone."""
    place = settings().model_dump(include={"database"})
    right = {
        **place,
        "user": "postgres",
        "host": "localhost",
        "port": tls_port,
        "sslmode": "verify-full",
        "sslrootcert": str(certificates / "ours.crt"),
    }

    def check(**change: Any) -> None:
        target = PostgresTargetSettings.model_validate(right | change)
        with closing(PostgresDestination(target)) as destination:
            destination.check()

    check()
    for change in (
        {"sslrootcert": str(certificates / "other.crt")},
        {"host": "127.0.0.1"},
        {"sslmode": "disable"},
        {"port": settings().port},
    ):
        with pytest.raises(DestinationError, match="cannot be reached"):
            check(**change)


def test_a20_a_pooler_is_named_and_the_own_host_is_the_remedy(
    database: str, run: Run, settings: Settings
) -> None:
    """Behind a pooler `validate` says what to set; with the own host replication works."""
    run("create table t (id int primary key)")

    def serve(client: socket.socket) -> socket.socket | None:
        head = client.recv(65536, socket.MSG_PEEK)
        if b"\0replication\0" not in head:
            return client
        message = b"SFATAL\0C08P01\0Munsupported startup parameter: replication\0\0"
        client.sendall(b"E" + struct.pack("!i", len(message) + 4) + message)
        return None

    def findings(options: PostgresSettings) -> list[tuple[str, str, str]]:
        with closing(PostgresSource(options, "shop")) as source:
            return [(found.level, found.subject, found.remedy) for found in source.validate()]

    with _proxy(int(parse_dsn(database)["port"]), serve) as port:
        pooled = settings(mode="cdc", user="postgres", port=port, sslmode="disable")
        [(level, remedy)] = [
            (level, remedy)
            for level, subject, remedy in findings(pooled)
            if subject == "replication connection"
        ]
        assert (level, "replication_host" in remedy) == ("error", True)
        direct = {"replication_host": "127.0.0.1", "replication_port": settings().port}
        assert ("ok", "stream", "") in findings(pooled.model_copy(update=direct))
