"""Streams side by side: a slow, failing or killed one keeps no other back."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from simplyload.cli import main
from simplyload.testing.processes import fork_context
from simplyload.testing.server import Fault, serve
from tests.cli.processes import run_command
from tests.kit.fake_desk import TOKEN, DeskHandler, FakeDesk

PATIENCE = 60.0  # seconds
CHANGES = 15  # of a first read: 7 tickets, 7 keys and a truncate, which Parquet files all keep
MORE = 10  # of a read after one more ticket: itself, 8 keys, a truncate


@pytest.fixture(autouse=True)
def _start_forkserver() -> None:
    """Let workers be forked from what other tests fork from too."""
    fork_context()


@dataclass
class WaitingDesk(FakeDesk):
    """A desk that answers once another one was read to its end."""

    other: "WaitingDesk | None" = None
    is_read: threading.Event = field(default_factory=threading.Event)

    def answer(self, path: str, params: Any) -> Any:
        """Answer, after the other desk."""
        if path == "ids":
            self.is_read.set()
        elif self.other is not None:
            assert self.other.is_read.wait(PATIENCE)
        return super().answer(path, params)


@pytest.fixture
def desks() -> Iterator[list[WaitingDesk]]:
    """Yield two desks with some tickets."""
    with ExitStack() as stack:
        found = [stack.enter_context(serve(WaitingDesk(), DeskHandler)) for _ in range(2)]
        for desk in found:
            for number in range(7):
                desk.put(title=f"ticket {number}")
        yield found


def write(folder: Path, desks: list[WaitingDesk], **more: Any) -> Path:
    """Write a configuration with a stream for each desk."""
    names = ("one", "two")
    sources = {
        name: {"type": "examples.desk:Desk", "url": desk.address, "token": TOKEN}
        for name, desk in zip(names, desks, strict=True)
    }
    sources["one"] |= more.pop("one", {})
    base = {"destination": {"type": "parquet", "path": "lake"}, "log": "log"}
    file = folder / "simplyload.yml"
    file.write_text(yaml.safe_dump({"sources": sources, **base, **more}))
    return file


def sync(file: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    """Load side by side; give the exit code, and what it printed by stream."""
    code = main(["sync", "--parallel", "--config", str(file)])
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return code, {row["stream"]: row for row in rows}


def fail(file: Path, mode: list[str]) -> tuple[dict[str, Any], str]:
    """Load while a stream fails; give what was printed by stream, and standard error."""
    path = os.pathsep.join(filter(None, sys.path))
    words = ["sync", *mode, "--config", str(file)]
    ended = run_command(words, file.parent, {**os.environ, "PYTHONPATH": path})
    assert ended.code == 1
    return {row["stream"]: row for row in ended.rows}, ended.err


@pytest.mark.slow
def test_a_slow_stream_keeps_no_other_back(
    desks: list[WaitingDesk], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first stream answers only once the second one is read: in turn they would never end."""
    desks[0].other = desks[1]
    code, rows = sync(write(tmp_path, desks), capsys)
    assert code == 0
    assert {name: row["rows"] for name, row in rows.items()} == {"one": CHANGES, "two": CHANGES}
    assert main(["check", "--config", str(tmp_path / "simplyload.yml")]) == 0


def test_a_failing_stream_keeps_no_other_back(
    desks: list[WaitingDesk], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One source refuses its token: its row says so, the other is loaded, the code is 1."""
    desks[0].faults.append(Fault("", 401, {}, times=99))
    code, rows = sync(write(tmp_path, desks), capsys)
    assert code == 1
    assert "refuses the token" in rows["one"]["error"]
    assert (rows["two"]["error"], rows["two"]["rows"]) == ("", CHANGES)


@pytest.mark.slow
@pytest.mark.parametrize("mode", [[], ["--parallel"]], ids=["in turn", "parallel"])
def test_a_bug_in_a_source_keeps_no_other_back(
    desks: list[WaitingDesk], tmp_path: Path, mode: list[str]
) -> None:
    """Standard error has the traceback, the row of the stream says so, the other is loaded."""
    file = write(tmp_path, desks, one={"type": "tests.kit.unlucky:Buggy"})
    rows, err = fail(file, mode)
    assert rows["one"]["error"] == "ZeroDivisionError: standard error has the traceback"
    assert rows["two"]["rows"] == CHANGES
    assert "unlucky.py" in err


@pytest.mark.parametrize("mode", [[], ["--parallel"]], ids=["in turn", "parallel"])
def test_a_position_that_is_no_json_is_named(
    desks: list[WaitingDesk], tmp_path: Path, mode: list[str]
) -> None:
    """A Decimal in it ends the stream with its place and the remedy, without a traceback."""
    file = write(tmp_path, desks, one={"type": "tests.kit.unlucky:Exact"})
    rows, err = fail(file, mode)
    assert "The source of one gives a position that is no JSON" in rows["one"]["error"]
    assert "state.top[0].at is a Decimal. Write it as text" in rows["one"]["error"]
    assert rows["two"]["rows"] == CHANGES
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"type": "tests.kit.unlucky:Exact", "wrong": "nan"}, "state.top[0].at is nan."),
        ({"type": "tests.kit.unlucky:Exact", "wrong": "infinity"}, "state.top[0].at is -inf."),
        (
            {"type": "tests.kit.unlucky:Exact", "wrong": "long"},
            "state.top[0].at is a number of more than 1,000 digits.",
        ),
        ({"type": "tests.kit.unlucky:Listed"}, "state is a list. Give a dict"),
    ],
)
def test_a_position_that_would_not_be_read_again_is_refused(
    source: dict[str, Any],
    message: str,
    desks: list[WaitingDesk],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """No number that JSON lacks or Python does not read, and no list, is committed as a position:
    a stream with it would never go on.
    """
    code, rows = sync(write(tmp_path, desks, one=source), capsys)
    assert code == 1
    assert message in rows["one"]["error"]
    assert (rows["one"]["loads"], rows["two"]["rows"]) == (0, CHANGES)


@pytest.mark.slow
def test_a_killed_process_keeps_no_other_back(
    desks: list[WaitingDesk], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A source takes its process with it: its row names the signal, the other is loaded."""
    file = write(tmp_path, desks, one={"type": "tests.kit.unlucky:Unlucky"})
    code, rows = sync(file, capsys)
    assert code == 1
    assert "signal 9" in rows["one"]["error"]
    assert rows["two"]["rows"] == CHANGES


def test_one_duckdb_file_takes_one_process(
    desks: list[WaitingDesk], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """DuckDB locks its file: the error says what to do, before anything is read."""
    file = write(tmp_path, desks, destination={"type": "duckdb", "path": "x.duckdb"})
    assert main(["sync", "--parallel", "--config", str(file)]) == 2
    assert "--parallel: one process at a time writes a DuckDB file" in capsys.readouterr().err


@contextmanager
def run_parallel_sync(
    folder: Path, desks: list[WaitingDesk]
) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run `sync --parallel --every 1s` until both desks are loaded; yield it, and its port."""
    port = 20_000 + os.getpid() % 20_000
    file = write(folder, desks, metrics={"port": port})
    command = [sys.executable, "-m", "simplyload", "sync", "--parallel", "--every", "1s"]
    started = subprocess.Popen(
        [*command, "--config", str(file)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        await_rows(port, CHANGES)
        yield started, port
    finally:
        started.kill()


@pytest.mark.slow
def test_it_stays_shows_all_metrics_and_ends_at_a_signal(
    desks: list[WaitingDesk], tmp_path: Path
) -> None:
    """One port has the metrics of both; a killed worker is started again; SIGTERM ends all."""
    with run_parallel_sync(tmp_path, desks) as (started, port):
        os.kill(list_workers(started.pid)[0], signal.SIGKILL)
        for desk in desks:
            desk.put(title="one more")
        await_rows(port, CHANGES + MORE)
        children = list_workers(started.pid)
        started.send_signal(signal.SIGTERM)
        out, err = started.communicate(timeout=PATIENCE)
    assert started.returncode == 0, err
    assert {json.loads(line)["stream"] for line in out.splitlines()} == {"one", "two"}
    assert "ended unexpectedly (signal 9)" in err
    assert [child for child in children if Path(f"/proc/{child}").exists()] == []


STARTING = """
import multiprocessing, time
from pathlib import Path
from examples.desk import Desk
if multiprocessing.parent_process():
    Path(__file__).with_suffix(".began").touch()
    time.sleep(30)
"""


def test_ctrl_c_while_workers_start_shows_no_traceback(
    desks: list[WaitingDesk], tmp_path: Path
) -> None:
    """A terminal sends it to every process of the command, whichever first: one alone takes it."""
    (tmp_path / "starting.py").write_text(STARTING)
    file = write(tmp_path, desks, one={"type": "starting:Desk"})
    path = os.pathsep.join(filter(None, [*sys.path, str(tmp_path)]))
    started = subprocess.Popen(
        [sys.executable, "-m", "simplyload", "sync", "--parallel", "--config", str(file)],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    end = time.monotonic() + PATIENCE
    while not (tmp_path / "starting.began").exists():
        assert time.monotonic() < end
        time.sleep(0.05)
    for worker in list_workers(started.pid):
        os.kill(worker, signal.SIGINT)
    time.sleep(0.5)  # for a traceback
    os.kill(started.pid, signal.SIGINT)
    _, err = started.communicate(timeout=PATIENCE)
    assert (started.returncode, "Traceback" in err) == (0, False), err


@pytest.mark.chaos
def test_workers_end_with_their_parent(desks: list[WaitingDesk], tmp_path: Path) -> None:
    """Where the command itself is killed, no worker goes on by itself."""
    with run_parallel_sync(tmp_path, desks) as (started, _):
        children = list_workers(started.pid)
        assert len(children) == 2
        started.kill()
        started.wait()
        end = time.monotonic() + PATIENCE
        while any(Path(f"/proc/{child}").exists() for child in children):
            assert time.monotonic() < end
            time.sleep(0.1)


def list_workers(pid: int) -> list[int]:
    """List the workers of a process, which are children of the one that forks them."""
    [server] = [child for child in list_children(pid) if b"forkserver" in read_command(child)]
    return sorted(list_children(server))


def list_children(pid: int) -> set[int]:
    """List what the threads of a process have started."""
    found: set[int] = set()
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):  # a thread that has just ended
            found |= set(map(int, (task / "children").read_text().split()))
    return found


def read_command(pid: int) -> bytes:
    """Give the command line of a process."""
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def await_rows(port: int, wanted: int) -> None:
    """Wait until the metrics show this number of loaded rows for each stream."""
    end, found = time.monotonic() + PATIENCE, {}
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                lines = answer.read().decode().splitlines()
        except OSError:
            lines = []
        found = {
            line.partition('stream="')[2].partition('"')[0]: float(line.rpartition(" ")[2])
            for line in lines
            if line.startswith("simplyload_rows_total{")
        }
        if found == {"one": wanted, "two": wanted}:
            return
        time.sleep(0.1)
    raise AssertionError(found)
