"""Fixtures: a shop with a configuration that reads it, a process that stays, a webhook."""

import json
import os
import signal
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

import pytest
import requests
from psycopg2.extensions import parse_dsn

from simplyload.demo.server import free_port
from simplyload.testing.processes import Forked
from tests.cli.conftest import REPOSITORY, Workspace
from tests.conftest import connect

PATIENCE = 20.0
Found = TypeVar("Found")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the tests of Dagster where none would run: it takes a second to import."""
    is_left_out = "not chaos" in config.option.markexpr
    return True if is_left_out and collection_path.name == "test_dagster.py" else None


def wait_until(look: Callable[[], Found], what: str) -> Found:
    """Look again and again until there is something; fail with what was waited for."""
    end = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < end, what
        time.sleep(0.05)
    return found


@dataclass
class Shop:
    """A database with a table, and one that has no key; a folder with a configuration."""

    dsn: str
    user: str
    workspace: Workspace
    port: int
    _process: Forked | None = None
    _shown: str = ""

    def execute(self, statement: str) -> None:
        """Execute a statement at the source."""
        with closing(connect(self.dsn)) as owner:
            owner.cursor().execute(statement)

    def configure(self, **sections: Any) -> None:
        """Write a configuration that copies the shop into DuckDB, with further sections."""
        parts = parse_dsn(self.dsn)
        source = {
            "type": "postgres",
            "mode": "copy",
            "user": self.user,
            "password": "${SHOP_PASSWORD}",
            "host": parts["host"],
            "port": int(parts["port"]),
            "database": parts["dbname"],
        }
        base = {"sources": {"shop": source}, "destination": {"type": "duckdb"}, "log": "log"}
        self.workspace.write(base | sections)

    @contextmanager
    def run_sync(self, every: str = "0.3s") -> Iterator[Forked]:
        """Run `sync --every` while the block runs."""
        with self.workspace.start("sync", "--every", every) as process:
            self._process = process
            try:
                yield process
            finally:
                process.send_signal(signal.SIGTERM)
                self._shown = "".join(process.wait()[1:])
                self._process = None

    def disconnect(self) -> None:
        """Let the server refuse SimplyLoad's role."""
        self.execute(f"alter role {self.user} nologin")
        self.execute(
            f"select pg_terminate_backend(pid) from pg_stat_activity where usename = '{self.user}'"
        )

    def connect(self) -> None:
        """Let the server accept SimplyLoad's role again."""
        self.execute(f"alter role {self.user} login")

    @property
    def output(self) -> str:
        """What the process printed, or the last one did."""
        return "".join(self._process.read()[1:]) if self._process else self._shown

    def get(self, path: str, **headers: str) -> requests.Response:
        """Ask the process that stays."""
        return requests.get(f"http://127.0.0.1:{self.port}{path}", headers=headers, timeout=5)

    def wait_for_runs(self, number: int) -> None:
        """Wait until a number of runs has ended."""
        before = self.output.count('"done"')
        wait_until(lambda: self.output.count('"done"') >= before + number, self.output)

    def health(self, code: int) -> dict[str, Any]:
        """Wait until the health has a code, and give what it says."""

        def look() -> dict[str, Any]:
            try:
                answer = self.get("/healthz")
            except requests.ConnectionError:
                return {}
            return dict(answer.json()) if answer.status_code == code else {}

        return wait_until(look, f"/healthz answers {code}: {self.output}")


@pytest.fixture
def shop(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Give a shop of seven orders whose password is a secret; commands in this process read it."""
    source = str(REPOSITORY / "simplyload" / "src")
    path = os.pathsep.join([os.environ.get("PYTHONPATH", ""), source])
    monkeypatch.setenv("SHOP_PASSWORD", f"canary{uuid.uuid4().hex}")
    monkeypatch.setenv("SIMPLYLOAD_CONFIG", str(tmp_path / "simplyload.yml"))
    workspace = Workspace(tmp_path, os.environ | {"PYTHONPATH": path})
    shop = Shop(database, f"reader_{uuid.uuid4().hex[:12]}", workspace, free_port())
    shop.execute(f"create role {shop.user} login in role pg_read_all_data")
    shop.execute("create table orders (id int primary key, note text)")
    shop.execute("insert into orders select n, 'a note' from generate_series(1, 7) n")
    shop.execute("create table no_key (id int not null)")
    return shop


@dataclass
class Webhook:
    """A receiver of messages; its address is a secret."""

    address: str
    codes: list[int] = field(default_factory=list)  # of the next answers; then 200
    texts: list[str] = field(default_factory=list)  # as they were accepted
    refused: int = 0

    def wait_for(self, number: int) -> list[str]:
        """Wait for a number of messages; give all."""
        wait_until(lambda: len(self.texts) >= number, f"{number} messages, not {self.texts}")
        return self.texts


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    """Receive messages on this machine."""

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            code = hook.codes.pop(0) if hook.codes else 200
            is_right = self.path == path and set(body) == {"text"}
            if code == 200 and is_right:
                hook.texts.append(body["text"])
            else:
                hook.refused += 1
            self.send_response(code if is_right else 404)
            self.send_header("Location", "/elsewhere")  # which a redirection would lead to
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    path = f"/services/canary{uuid.uuid4().hex}"
    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        hook = Webhook(f"http://127.0.0.1:{server.server_port}{path}")
        Thread(target=server.serve_forever, daemon=True).start()
        yield hook
        server.shutdown()
