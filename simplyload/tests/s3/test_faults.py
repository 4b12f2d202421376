"""R22: an object store that fails, hangs or forbids loses nothing, and shows only whole files."""

import os
import random
import time
from collections import Counter
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Literal
from urllib.parse import unquote

import pytest

from simplyload.changes import Changes
from simplyload.errors import DestinationError, LogError, SimplyLoadError
from simplyload.log import ChangeLog
from simplyload.object_store import PART_BYTES
from simplyload.replay import replay
from simplyload.testing.memory import live_rows
from tests.conftest import full_disk
from tests.core.conftest import Target
from tests.core.scripted import ScriptedSource, changes, random_changes, upsert
from tests.s3.conftest import Place, bucket_target
from tests.s3.proxy import Fault, Proxy, Request

BATCHES = [changes(*random_changes(seed=3, length=40)[n : n + 10]) for n in range(0, 40, 10)]


def large() -> list[Changes]:
    """Give a batch of random bytes whose file is uploaded in parts."""
    rows = (upsert(n, {"id": n, "a": os.urandom(5_000).hex()}) for n in range(3_000))
    return [changes(*rows)]


@pytest.mark.parametrize("outcome", ["refused", "done"])
def test_r22_a_server_that_fails_now_and_then_is_asked_again(
    place: Place, proxy: Proxy, outcome: str
) -> None:
    """With many a request answered 500 or 503, done or not, a run loads each row once."""
    chooser, tries = random.Random(7), Counter[tuple[str, str]]()

    def rule(request: Request) -> Fault | None:
        tries[request.path, request.headers.get("content-length", "")] += 1
        status, code = chooser.choice([(500, "InternalError"), (503, "SlowDown")])
        seldom = tries[request.path, request.headers.get("content-length", "")] < 4
        fails = seldom and chooser.random() < 0.3
        return Fault(status=status, code=code, is_done=outcome == "done") if fails else None

    proxy.rule = rule
    target = bucket_target(place.through(proxy))
    target.pipeline(ScriptedSource(BATCHES), max_changes=10).run_once()
    assert bucket_target(place).live() == live_rows(BATCHES)
    assert len(target.log.entries("shop")) == len(BATCHES)


@pytest.mark.slow
@pytest.mark.usefixtures("impatient")
def test_r22_a_server_that_fails_for_long_ends_the_run_with_a_remedy(
    place: Place, proxy: Proxy
) -> None:
    """After some attempts the run says what fails; nothing of it is kept; the next goes on."""
    target = bucket_target(place.through(proxy))
    target.pipeline(ScriptedSource(BATCHES[:2])).run_once()
    proxy.rule = lambda request: Fault(status=500, code="InternalError") if request.writes else None
    with pytest.raises(SimplyLoadError, match=r"fails \((500 )?InternalError\)") as error:
        target.pipeline(ScriptedSource(BATCHES)).run_once()
    assert "canary" not in str(error.value)
    assert bucket_target(place).live() == live_rows(BATCHES[:2])
    proxy.rule = lambda _request: None
    target.pipeline(ScriptedSource(BATCHES)).run_once()
    assert bucket_target(place).live() == live_rows(BATCHES)


@pytest.mark.slow
def test_r22_a_slow_server_is_waited_for(place: Place, proxy: Proxy) -> None:
    """A server that takes its time with each request is slow and no fault."""
    proxy.rule = lambda _request: Fault(seconds=0.1)
    target = bucket_target(place.through(proxy))
    target.pipeline(ScriptedSource(BATCHES[:2])).run_once()
    assert bucket_target(place).live() == live_rows(BATCHES[:2])


@pytest.mark.usefixtures("impatient")
def test_r22_a_server_that_hangs_is_given_up(
    duckdb_target: Target, place: Place, proxy: Proxy
) -> None:
    """A request without an answer ends after `timeout`, by the name of what hangs."""
    duckdb_target.log = ChangeLog(replace(place.through(proxy), timeout="PT1S").store())
    proxy.rule = lambda request: Fault(seconds=20) if request.writes else None
    began = time.monotonic()
    with pytest.raises(LogError, match=r"does not answer \(ReadTimeout(Error)?\)"):
        duckdb_target.pipeline(ScriptedSource(BATCHES)).run_once()
    assert time.monotonic() - began < 15


# fake-gcs-server appends bytes that it has already; Google ignores them, as it documents.
@pytest.mark.parametrize(
    ("place", "is_done"), [("s3", False), ("s3", True), ("gcs", False)], indirect=["place"]
)
def test_r22_a_part_that_fails_is_sent_again(
    place: Place, proxy: Proxy, tmp_path: Path, *, is_done: bool
) -> None:
    """A large file is there byte by byte where a part of it failed, or its answer was lost."""
    faults = [Fault(status=503, code="SlowDown", is_done=is_done)]
    proxy.rule = lambda request: faults.pop() if request.part == 2 and faults else None
    (tmp_path / "large").write_bytes(content := os.urandom(PART_BYTES * 2 + 1))
    place.through(proxy).store().copy(tmp_path / "large", "large")
    assert faults == []
    assert place.read("log/large") == content


@pytest.mark.slow
@pytest.mark.parametrize("part", ["log", pytest.param("files", marks=pytest.mark.chaos)])
def test_r22_a_right_lost_in_the_middle_of_an_upload(place: Place, proxy: Proxy, part: str) -> None:
    """403 at the second part: the upload is aborted, no object is seen, and the next run loads."""
    batches = large()
    proxy.rule = lambda request: (
        Fault(status=403, code="AccessDenied")
        if request.part == 2 and f"/{part}/" in unquote(request.path)
        else None
    )
    target = bucket_target(place.through(proxy))
    error = LogError if part == "log" else DestinationError
    with pytest.raises(error, match=r"grant \S+(PutObject|create and \S+) to the credentials"):
        target.pipeline(ScriptedSource(batches)).run_once()
    assert [key for key in place.objects() if f"{part}/shop/orders" in key] == []
    assert place.uploads() == []
    assert target.destination().read_state("shop") is None
    proxy.rule = lambda _request: None
    target.pipeline(ScriptedSource(batches)).run_once()
    assert bucket_target(place).live() == live_rows(batches)
    [name] = target.log.entries("shop")[0].names
    assert any(call.part for call in proxy.requests)
    assert len(place.read(f"log/{name}")) > PART_BYTES
    other = bucket_target(replace(place, prefix=f"{place.prefix}/other"))
    replay(target.log, "shop", other.destination())
    assert other.live() == live_rows(batches)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("damage", "message"),
    [("cut", r"does not answer \("), ("flip", "what arrived is not what was sent: run again")],
)
def test_r22_what_arrives_damaged_is_no_file(
    place: Place, proxy: Proxy, tmp_path: Path, damage: Literal["cut", "flip"], message: str
) -> None:
    """An object whose bytes are lost or changed on the way is refused, and leaves no copy here."""
    place.store().write("shop/a.parquet", os.urandom(1_000_000))
    proxy.rule = lambda request: Fault(damage=damage) if "a.parquet" in request.path else None
    store = place.through(proxy).store()
    with pytest.raises(LogError, match=message):
        store.fetch(["shop/a.parquet"], tmp_path / "copies")
    with pytest.raises(LogError, match=message):
        store.read("shop/a.parquet")
    assert [*(tmp_path / "copies").rglob("*.parquet")] == []


def test_r22_a_cut_answer_is_requested_again(place: Place, proxy: Proxy, tmp_path: Path) -> None:
    """An object, its end and a copy of it are whole where each answer was cut off at first."""
    content = os.urandom(1_000_000) + b"\x08\0\0\0PAR1"
    place.store().write("a.parquet", content)
    store = place.through(proxy).store()
    faults: list[Fault] = []
    proxy.rule = lambda request: faults.pop() if "a.parquet" in request.path and faults else None
    faults[:] = [Fault(damage="cut")] * 2
    assert store.read("a.parquet") == content
    faults[:] = [Fault(damage="cut")] * 2
    [footer] = store.open_footers(["a.parquet"])
    assert isinstance(footer, BytesIO)
    assert content.endswith(footer.read())
    faults[:] = [Fault(damage="cut")] * 2
    [path] = store.fetch(["a.parquet"], tmp_path)
    assert (path.read_bytes(), faults) == (content, [])


def test_a_full_disk_for_a_copy_is_named(place: Place, tmp_path: Path) -> None:
    """Where this machine has no room for a copy, the error names the folder and TMPDIR."""
    place.store().write("shop/a.parquet", os.urandom(1_000_000))
    message = r"/copies cannot hold a copy of shop/a.parquet \(File too large\).*set TMPDIR"
    with full_disk(100_000), pytest.raises(LogError, match=message):
        place.store().fetch(["shop/a.parquet"], tmp_path / "copies")
    assert [*(tmp_path / "copies").rglob("*.parquet")] == []
