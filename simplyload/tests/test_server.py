"""The PostgreSQL server of the tests and of the demonstration."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from simplyload.demo.server import run_server
from simplyload.errors import SimplyLoadError
from tests.conftest import connect

# A demonstration that is killed while it has a slot; its server goes on, or ends at once.
KILLED = """
import os, signal, sys
from pathlib import Path
import psycopg2
from simplyload.demo.server import run_server

with run_server(Path(sys.argv[1])) as dsn:
    cursor = psycopg2.connect(dsn).cursor()
    cursor.execute("select pg_create_logical_replication_slot('s', 'pgoutput')")
    if sys.argv[2] == "both":
        os.kill(int((Path(sys.argv[1]) / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_server_decodes_logically(database: str) -> None:
    """A new database of the server can create a logical replication slot."""
    with closing(psycopg2.connect(database)) as connection:
        cursor = connection.cursor()
        cursor.execute("select pg_create_logical_replication_slot('s', 'pgoutput')")
        cursor.execute("select plugin from pg_replication_slots where slot_name = 's'")
        assert cursor.fetchall() == [("pgoutput",)]


@pytest.mark.slow
@pytest.mark.parametrize("killed", ["both", pytest.param("program", marks=pytest.mark.chaos)])
def test_a_server_starts_again_after_a_kill_with_a_slot(tmp_path: Path, killed: str) -> None:
    """The next demonstration starts in the folder of a killed one, slot and all, and stops it."""
    folder = tmp_path / "data"
    program = [sys.executable, "-c", KILLED, str(folder), killed]
    assert subprocess.run(program, check=False).returncode == -9
    with run_server(folder) as dsn, closing(connect(dsn)) as connection:
        cursor = connection.cursor()
        cursor.execute("select slot_name from pg_replication_slots")
        assert cursor.fetchall() == [("s",)]
    assert not (folder / "postmaster.pid").exists()


@pytest.mark.slow
def test_a_folder_that_no_server_starts_in_is_named_with_the_remedy(tmp_path: Path) -> None:
    """Where the files are damaged, the error says which command removes them."""
    folder = tmp_path / "data"
    with run_server(folder):
        pass
    (folder / "global" / "pg_control").unlink()
    with pytest.raises(SimplyLoadError, match=f"rm -r '{folder}'"), run_server(folder):
        pass
