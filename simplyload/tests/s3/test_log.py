"""The change log and the destination `parquet` in a bucket do what they do in a folder."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from simplyload.destinations.duckdb import DuckDBSettings
from simplyload.destinations.parquet import ParquetDestination, ParquetSettings
from simplyload.destinations.snowflake_script import write_script
from simplyload.errors import FencedError, SimplyLoadError
from simplyload.log import ChangeLog
from simplyload.replay import replay
from simplyload.store import Store
from simplyload.testing.memory import live_rows
from tests.core.conftest import Target
from tests.core.scripted import ScriptedSource, changes, random_changes, upsert
from tests.core.test_catalog import INT32, column, table, whole
from tests.core.test_protocol import assert_stale_is_fenced
from tests.s3.conftest import ON_GCS, BucketTarget, Place, bucket_target

BATCHES = [changes(*random_changes(seed=3, length=60)[n : n + 10]) for n in range(0, 60, 10)]
ONE, TWO = changes(upsert(1, {"id": 1, "a": "x"})), changes(upsert(2, {"id": 2, "a": "y"}))


@pytest.mark.slow
def test_r32_replay_from_a_bucket_rebuilds_a_destination(
    duckdb_target: Target, place: Place, tmp_path: Path
) -> None:
    """A log in a bucket rebuilds a DuckDB file cell by cell; then the next run goes on."""
    target = replace(duckdb_target, log=ChangeLog(place.store()))
    target.pipeline(ScriptedSource(BATCHES[:5]), max_changes=10).run_once()
    settings = DuckDBSettings(path=tmp_path / "rebuilt.duckdb")
    log = ChangeLog(place.elsewhere("another").store())
    rebuilt = replace(target, settings=settings, log=log)
    assert replay(log, "shop", rebuilt.destination()) == 5
    assert rebuilt.live() == target.live() == live_rows(BATCHES[:5])
    assert replay(log, "shop", rebuilt.destination()) == 0
    rebuilt.pipeline(ScriptedSource(BATCHES)).run_once()
    assert rebuilt.live() == live_rows(BATCHES)


def test_a_bucket_has_the_layout_of_a_folder_and_this_machine_keeps_nothing(
    target: BucketTarget, place: Place
) -> None:
    """Objects are named <stream>/<table>/dt=/h=/<load>.parquet; no row stays on this machine."""
    target.pipeline(ScriptedSource(BATCHES[:2]), max_changes=10).run_once()
    names = {key for key in place.objects() if key.endswith(".parquet")}
    layout = r"(log|files)/shop/orders/dt=\d{4}-\d\d-\d\d/h=\d\d/0000000001-00000[12]-0\.parquet"
    assert len(names) == 4
    assert all(re.fullmatch(layout, name) for name in names)
    assert [path.name for path in place.scratch.rglob("*") if path.is_file()] == [".lock"]


@pytest.mark.slow
def test_r32_a_lake_in_a_bucket_is_rebuilt_from_its_log(target: BucketTarget, place: Place) -> None:
    """A second lake, in another part of the bucket, has the same rows, and a folder has too."""
    target.pipeline(ScriptedSource(BATCHES[:5]), max_changes=10).run_once()
    other = bucket_target(replace(place, prefix=f"{place.prefix}/other"))
    assert replay(target.log, "shop", other.destination()) == 5
    assert other.live() == target.live() == live_rows(BATCHES[:5])
    folder = ParquetSettings(path=place.scratch / "folder")
    local = Target("parquet", folder, target.query, target.log)
    assert replay(target.log, "shop", local.destination()) == 5
    assert local.live() == live_rows(BATCHES[:5])
    target.pipeline(ScriptedSource(BATCHES)).run_once()
    assert target.live() == live_rows(BATCHES)


@pytest.mark.slow
def test_a_file_that_the_bucket_lacks_is_named(target: BucketTarget, place: Place) -> None:
    """A replay without a file of the log says which one, and loads nothing."""
    target.pipeline(ScriptedSource(BATCHES[:2]), max_changes=10).run_once()
    name = target.log.entries("shop")[1].names[0]
    place.store().delete([name])
    other = bucket_target(replace(place, prefix=f"{place.prefix}/other"))
    with pytest.raises(SimplyLoadError, match=re.escape(f"lacks {name}, which retention")):
        replay(target.log, "shop", other.destination())
    assert other.destination().read_state("shop") is None


@pytest.mark.parametrize(
    ("folder", "content", "what"),
    [
        (".commits", None, "is gone, which no command of simplyload removes"),
        (".commits", b'{"epoch": 1, ', "is damaged"),
        ("orders", None, "is gone, which no command of simplyload removes"),
        ("orders", b"", "is damaged"),
        ("orders", b"PAR1", "is damaged"),
    ],
)
def test_a_damaged_lake_in_a_bucket_is_named_by_its_object(
    target: BucketTarget, place: Place, folder: str, content: bytes | None, what: str
) -> None:
    """A lost, empty or cut entry or file is an error of what prints SQL, of what compares rows and
    of `clean`, which would take the files of a lost entry for those of no load.
    """
    target.pipeline(ScriptedSource(BATCHES[:3]), max_changes=10).run_once()
    name = place.store("files").names(f"shop/{folder}")[1]
    place.store("files").delete([name])
    if content is not None:
        place.store("files").write(name, content)
    lake = target.destination()
    assert isinstance(lake, ParquetDestination)
    with pytest.raises(SimplyLoadError, match=f"{re.escape(name)} {what}"):
        list(write_script(lake, "shop", "shop"))
    with pytest.raises(SimplyLoadError, match=f"{re.escape(name)} {what}"):
        target.live()
    if folder == ".commits":
        with pytest.raises(SimplyLoadError, match=f"{re.escape(name)} {what}"):
            lake.drop_orphans("shop", datetime.now(UTC))


@pytest.mark.slow
def test_r3_a_stale_worker_is_fenced(target: BucketTarget, place: Place) -> None:
    """A worker on another machine takes the lease: the first one commits nothing more."""
    assert_stale_is_fenced(target, bucket_target(place.elsewhere("another")))


@pytest.mark.slow
@ON_GCS
def test_snowflake_is_loaded_from_a_log_in_a_bucket_of_google(
    snowflake_target: Target, place: Place
) -> None:
    """Files of the log are put into Snowflake's own stage, which needs no right on the bucket."""
    target = replace(snowflake_target, log=ChangeLog(place.store()))
    target.pipeline(ScriptedSource(BATCHES[:2]), max_changes=10).run_once()
    assert target.live() == live_rows(BATCHES[:2])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["folder", "s3", "gcs"])
def test_r3_a_commit_that_arrives_late_is_refused(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit sent before another worker took over, and done after, changes nothing.

    The other worker has removed the files that this commit names.
    """
    if kind != "folder":
        place: Place = request.getfixturevalue(f"{kind}_place")
        target: Target = bucket_target(place)
        other: Target = bucket_target(place.elsewhere("another"))
    else:
        settings = ParquetSettings(path=tmp_path / "lake")
        log = ChangeLog(tmp_path / "log")
        target = Target("parquet", settings, bucket_target, log)  # type: ignore[arg-type]
        other = replace(target, log=ChangeLog(tmp_path / "another"))
    destination = target.destination()
    store: Store = destination._store  # type: ignore[attr-defined]  # noqa: SLF001
    write, late = store.write_if_absent, iter([True])

    def write_late(name: str, content: bytes) -> bool:
        if b'"load_id": "' in content and next(late, False):
            assert other.pipeline(ScriptedSource([])).clean()
        return write(name, content)

    monkeypatch.setattr(store, "write_if_absent", write_late)
    pipeline = target.pipeline(ScriptedSource([ONE]))
    pipeline._destination = destination  # noqa: SLF001
    with pytest.raises(FencedError):
        pipeline.run_once()
    assert target.destination().read_state("shop") is None
    assert target.pipeline(ScriptedSource([ONE, TWO])).run_once().loads == 1
    assert set(target.live()) == {(1,), (2,)}


def test_a_lake_from_before_leases_were_entries_goes_on(tmp_path: Path) -> None:
    """Commits without an epoch are read, and the next load has a higher one."""
    settings = ParquetSettings(path=tmp_path / "lake")
    target = Target("parquet", settings, bucket_target, ChangeLog(tmp_path / "log"))  # type: ignore[arg-type]
    folder = tmp_path / "lake" / "shop" / ".commits"
    folder.mkdir(parents=True)
    for number in (1, 2):
        load = f'"load_id": "0000000007-00000{number}"'
        content = f'{{{load}, "state": {{"n": {number}}}, "files": {{}}, "rejected": []}}'
        (folder / f"000000000{number}.json").write_text(content)
    destination = target.destination()
    assert destination.read_state("shop") == {"n": 2}
    assert destination.acquire("shop").epoch == 8
    assert target.destination().list_committed("shop") == ["0000000007-000001", "0000000007-000002"]
    assert target.destination().read_state("shop") == {"n": 2}


@pytest.mark.parametrize("lost", ["nothing", "a file"])
def test_a_stopped_table_has_what_it_missed_from_the_bucket(
    duckdb_target: Target, place: Place, lost: str
) -> None:
    """After the remedy the changes of the log are loaded; where one is lost the table waits."""
    target = replace(duckdb_target, log=ChangeLog(place.store()))
    source = ScriptedSource([whole(table(), 1, id=1), whole(table(x=INT32), 2, id=2, x=5)])
    assert target.pipeline(source, max_changes=1, schema="freeze").run_once().exit_code == 1
    if lost == "a file":
        place.store().delete(target.log.entries("shop")[1].names)
    result = target.pipeline(source).run_once()
    assert result.exit_code == int(lost == "a file")
    if lost == "a file":
        assert "`simplyload backfill shop.orders`" in result.stopped["orders"]
    else:
        assert column(target, "x") == [None, 5]


@pytest.mark.slow
def test_all_loads_are_listed_from_a_few_entries(target: BucketTarget, place: Place) -> None:
    """The ids of a lake's loads are those of its log, also beyond what one entry names."""
    batches = [changes(upsert(n, {"id": n, "a": "x"})) for n in range(1, 10)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("simplyload.destinations.parquet._RECENT", 2)
        for number in (4, 5, 9):
            target.pipeline(ScriptedSource(batches[:number]), max_changes=1).run_once()
    loads = [entry.load_id for entry in target.log.entries("shop")]
    assert len(loads) == 9
    assert target.destination().list_committed("shop") == loads
    assert place.elsewhere("another").store("files").names("shop/.staged") == []
