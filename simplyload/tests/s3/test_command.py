"""The command line with log and lake in a bucket, on a Postgres source: sync, check, replay."""

import os
import re
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from psycopg2.extensions import parse_dsn

from simplyload.errors import LogError
from simplyload.s3_store import S3Settings, S3Store
from simplyload.store import S3Address
from tests.cli.processes import run_command
from tests.conftest import connect
from tests.s3.conftest import BUCKET, Place
from tests.s3.server import secret_of


@pytest.fixture
def folder(database: str, place: Place, tmp_path: Path) -> Path:
    """Give a folder with a configuration, and a source with a table."""
    with closing(connect(database)) as connection:
        cursor = connection.cursor()
        cursor.execute("create table orders (id int primary key, total numeric(9, 2), note text)")
        cursor.execute("insert into orders select n, n * 1.5, 'ä' from generate_series(1, 500) n")
        cursor.execute("create publication simplyload_shop for table orders")
    dsn = parse_dsn(database)
    source = {"type": "postgres", "host": dsn["host"], "port": int(dsn["port"])}
    source |= {"database": dsn["dbname"], "user": dsn["user"], "tables": ["public.orders"]}
    values = {
        "sources": {"shop": source},
        "destination": {"type": "parquet", "path": f"{place.address}/files"},
        "log": f"{place.address}/log",
        place.section: {"endpoint": place.endpoint},
        "metrics": {"textfile": "metrics.prom"},
        "retention": "P30D",
    }
    (tmp_path / "simplyload.yml").write_text(yaml.safe_dump(values))
    return tmp_path


def run(folder: Path, *arguments: str) -> list[dict[str, Any]]:
    """Run a command that must succeed and show no secret; give its lines."""
    environment = os.environ | {"TMPDIR": str(folder)}
    done = run_command(arguments, folder, environment)
    assert done.code == 0, done.err
    assert secret_of("owner") not in done.out + done.err
    return done.rows


def assert_sql_names_files(folder: Path, place: Place) -> None:
    """What `simplyload sql` prints has files that are there; of Google's bucket it is refused."""
    printed = run_command(["sql"], folder, os.environ)
    files = re.findall(r"FILES = \('(.*?)'\)", printed.out)
    assert {f"files/{name}" for name in files} <= place.objects()
    assert len(files) == printed.out.count("MERGE INTO")
    assert (printed.code, len(files) >= 2) == ((2, False) if place.scheme == "gs" else (0, True))


@pytest.mark.slow
def test_the_commands_work_with_a_bucket(database: str, folder: Path, place: Place) -> None:
    """What is synced into a bucket equals the source; so does a DuckDB file that is replayed."""
    assert {row["level"] for row in run(folder, "validate")} <= {"ok", "warning"}
    assert run(folder, "sync")[0]["rows"] >= 500
    with closing(connect(database)) as connection:
        connection.cursor().execute("update orders set total = 0 where id < 10")
        connection.cursor().execute("delete from orders where id > 490")
    assert run(folder, "sync")[0]["error"] == ""
    assert [row["equal"] for row in run(folder, "check")] == ["yes"]
    elsewhere = ("--set", "destination.type=duckdb", "--set", "destination.path=new.duckdb")
    assert run(folder, "replay", *elsewhere)[0]["loads"] >= 2
    [checked] = run(folder, "check", *elsewhere)
    assert (checked["equal"], checked["source_rows"]) == ("yes", 490)
    assert run(folder, "checkpoint", "show")[0]["loads"] >= 2
    assert_sql_names_files(folder, place)
    assert run(folder, "clean", "--dry-run") == run(folder, "clean") == []
    assert "simplyload_last_success" in (folder / "metrics.prom").read_text()
    assert "log/shop/.status.json" in place.objects()
    [scratch] = folder.glob("simplyload-*")
    assert scratch.stat().st_mode & 0o777 == 0o700
    assert {path.name for path in scratch.rglob("*") if path.is_file()} == {".lock"}


def test_a_folder_of_another_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where others can write the folder for rows on this machine, a run ends with the remedy."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / f"simplyload-{os.getuid()}").mkdir()
    (tmp_path / f"simplyload-{os.getuid()}").chmod(0o777)
    store = S3Store(S3Address(BUCKET, "x"), S3Settings(), "log", LogError)
    with pytest.raises(LogError, match="set TMPDIR to a folder of your own"):
        _ = store.scratch
