"""A bucket keeps what a folder keeps: complete files by name, and one winner of several writers."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from simplyload.errors import LogError
from simplyload.store import LocalStore, Store
from tests.s3.conftest import Place
from tests.s3.proxy import Fault, Proxy


@pytest.fixture(params=["folder", "s3", "gcs"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Give each kind of store, empty."""
    if request.param == "folder":
        return LocalStore(tmp_path / "store")
    place: Place = request.getfixturevalue(f"{request.param}_place")
    return place.store()


def test_a_store_keeps_files_by_name(store: Store) -> None:
    """Files are listed, read, replaced, renamed and deleted by name; one that is absent says so."""
    assert not store.exists()
    for name in ("ä b%2E/2", "ä b%2E/1", "ä b/3"):
        store.write(name, name.encode())
    assert store.exists()
    assert store.names("ä b%2E") == ["ä b%2E/1", "ä b%2E/2"]
    assert store.names("ä b%2E", after="ä b%2E/1") == ["ä b%2E/2"]
    store.write("ä b%2E/1", b"new")
    store.rename("ä b%2E/2", "ä b%2E/4")
    store.rename("ä b%2E/2", "ä b%2E/4")
    assert store.read_all(["ä b%2E/1", "ä b%2E/4"]) == [b"new", "ä b%2E/2".encode()]
    now = datetime.now(UTC)
    assert store.names_before("ä b", now - timedelta(hours=1)) == []
    assert store.names_before("ä b", now + timedelta(hours=1)) == ["ä b/3"]
    store.delete(["ä b/3", "ä b/3"])
    with pytest.raises(FileNotFoundError) as absent:
        store.read("ä b/3")
    assert store.names("ä b") == []
    assert str(absent.value.filename).endswith("ä b/3")


def test_a_store_gives_large_files_back_as_they_were(store: Store, tmp_path: Path) -> None:
    """A file of several parts is moved to its name, and read again here, byte by byte."""
    content = bytes(range(256)) * 80_000
    file = tmp_path / "store" / "new.parquet"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content)
    moved = store.move(file, "shop/orders/dt=2026-11-27/h=09/1.parquet")
    assert moved.parts[-5:] == ("shop", "orders", "dt=2026-11-27", "h=09", "1.parquet")
    assert moved.read_bytes() == content
    store.copy(moved, "shop/orders/dt=2026-11-27/h=09/2.parquet")
    assert store.names("shop")[1:] == ["shop/orders/dt=2026-11-27/h=09/2.parquet"]
    for path in store.fetch(store.names("shop"), tmp_path / "fetched"):
        assert path.read_bytes() == content
    with pytest.raises(FileNotFoundError):
        store.fetch(["shop/absent"], tmp_path / "fetched")


@pytest.mark.parametrize("columns", [3, 2_000])
def test_metadata_is_read_from_the_end_of_a_file(
    store: Store, tmp_path: Path, columns: int
) -> None:
    """A Parquet file's metadata, short or long, is that which the whole file has."""
    table = pa.table({f"column {number}": range(3) for number in range(columns)})
    file = tmp_path / "one.parquet"
    pq.write_table(table, file)
    store.copy(file, "a/one.parquet")
    [end] = store.open_footers(["a/one.parquet"])
    assert pq.read_metadata(end).equals(pq.read_metadata(file))


def test_one_of_several_writers_wins(store: Store) -> None:
    """Of workers that write a name at once only if absent, one succeeds, and its content stays."""
    for number in range(5):
        contents = [f"{number} {worker}".encode() for worker in range(8)]
        with ThreadPoolExecutor(8) as pool:
            name = f"leases/{number}"
            won = list(
                pool.map(lambda content, name=name: store.write_if_absent(name, content), contents)
            )
        assert won.count(True) == 1
        assert store.read(name) == contents[won.index(True)]


def test_a_write_whose_answer_was_lost_is_known_as_its_own(place: Place, proxy: Proxy) -> None:
    """A conditional write that was done, though its answer was an error, succeeds when repeated."""
    faults = [Fault(status=500, code="InternalError", is_done=True)]
    proxy.rule = lambda request: faults.pop() if request.writes and faults else None
    store = place.through(proxy).store()
    assert store.write_if_absent("leases/1", b"mine")
    assert not store.write_if_absent("leases/1", b"another's")
    assert store.read("leases/1") == b"mine"


def test_a_conflict_is_tried_again(place: Place, proxy: Proxy) -> None:
    """A server that cannot decide at this moment (409) is asked again, and the write is done."""
    faults = [Fault(status=409, code="ConditionalRequestConflict")] * 2
    proxy.rule = lambda request: faults.pop() if request.writes and faults else None
    assert place.through(proxy).store().write_if_absent("leases/1", b"mine")


def test_a_server_that_ignores_the_condition_is_refused(place: Place, proxy: Proxy) -> None:
    """Where two writers of one name both succeed, the check says so, and leaves nothing behind."""
    ignored = Fault(status=200)
    proxy.rule = lambda request: ignored if request.is_conditional else None
    with pytest.raises(LogError, match="two workers would overwrite each other"):
        place.through(proxy).store().check(exclusive=True)
    place.store().check(exclusive=True)
    assert place.objects() == set()
