"""`python -m scripts.export`: the same rows from every engine, in a file and in S3."""

import csv
import hashlib
import io
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any
from unittest import mock

import boto3
import duckdb
import google.auth
import psycopg
import pytest
from google.auth.credentials import AnonymousCredentials
from moto import mock_aws

from scripts import export
from scripts.warehouse import WarehouseSettings, open_warehouse
from tests.warehouse.bigquery import PROJECT, run_bigquery
from tests.warehouse.engines import run_postgres

MART = "klaviyo__campaign_extract"
TODAY = r"\d{4}-\d\d-\d\d"
ROWS: list[tuple[Any, ...]] = [
    ("2026-11-01", "c1", "Plain", 1.5, 12, True, "2026-11-01T09:30:00Z"),
    ("2026-11-02", "c2", 'Comma, "quote"\nand line', 0.1, 9_007_199_254_740_993, False, None),
    ("2026-11-03", "c3", "Grüße – 50 % 🎉", None, 0, None, "2026-11-03T23:59:59.123456Z"),
    ("2026-11-04", "c4", "", 0.0, -3, True, "2026-03-29T01:30:00+01:00"),
]
FORMULAS = ['=HYPERLINK("http://evil.example","x")', "+1", "-1", "@SUM(1)", "\t=1", "\r=1"]
FORMULAS += ["\uff1d1+1", "\uff0b1", "\uff0d1", "\uff20SUM(1)"]  # in full width
TABLE = """
create table {schema}.klaviyo__campaign_extract (
    date date, campaign_id text, campaign_name text, open_rate double precision,
    recipients bigint, is_archived boolean, send_time timestamp with time zone
)
"""


@pytest.fixture(scope="module", name="duckdb_file")
def _duckdb_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DuckDB file with the mart, and with one that has no day."""
    file = tmp_path_factory.mktemp("duckdb") / "warehouse.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("create schema klaviyo")
        connection.execute(TABLE.format(schema="klaviyo"))
        marks = ", ".join("?" * len(ROWS[0]))
        connection.executemany(f"insert into klaviyo.{MART} values ({marks})", ROWS)
        connection.execute("create table klaviyo.klaviyo__data_health as select 'a' as account_id")
    return file


@pytest.fixture(scope="module", name="postgres")
def _postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """The settings of a real Postgres with the same mart."""
    with run_postgres(tmp_path_factory.mktemp("postgres")) as postgres:
        with psycopg.connect(postgres.uri) as connection:
            connection.execute("create schema marts")
            connection.execute(TABLE.format(schema="marts"))
            marks = ", ".join(["%s"] * len(ROWS[0]))
            connection.cursor().executemany(f"insert into marts.{MART} values ({marks})", ROWS)
        yield {"DBT_TARGET": "postgres", "PG_SCHEMA": "marts", **postgres.environment}


@pytest.fixture(name="bigquery")
def _bigquery(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Mapping[str, str]]:
    """The settings of a BigQuery emulator with the same mart."""
    anonymous = (AnonymousCredentials(), PROJECT)  # type: ignore[no-untyped-call]
    monkeypatch.setattr(google.auth, "default", lambda *_, **__: anonymous)
    with run_bigquery(tmp_path) as bigquery:
        selects = " union all ".join(f"select {_format_googlesql(row)}" for row in ROWS)
        bigquery.sql.run(f"create table `{PROJECT}`.`klaviyo`.`{MART}` as {selects}")
        settings = {"DBT_TARGET": "bigquery", "BQ_PROJECT": PROJECT, "BQ_DATASET": "klaviyo"}
        yield {**settings, "BIGQUERY_EMULATOR_HOST": bigquery.url}


def _format_googlesql(row: Sequence[Any]) -> str:
    """Format a row as the columns of a GoogleSQL query."""
    names = "date campaign_id campaign_name open_rate recipients is_archived send_time".split()
    kinds = "date string string float64 int64 bool timestamp".split()
    return ", ".join(
        f"cast({'null' if value is None else json.dumps(value, ensure_ascii=False)} as {kind})"
        f" as {name}"
        for name, kind, value in zip(names, kinds, row, strict=True)
    )


@pytest.fixture(autouse=True)
def _set_warehouse(monkeypatch: pytest.MonkeyPatch, duckdb_file: Path) -> None:
    monkeypatch.setenv("KLAVIYO_WAREHOUSE", str(duckdb_file))


@pytest.fixture(name="bucket")
def _bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A bucket `archive` in a simulated S3."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "hush-hush")
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="archive")
        yield s3


def export_csv(file: Path, *options: str) -> str:
    """Export to a CSV file and return its content."""
    assert export.main(["--output", str(file), *options]) == 0
    return file.read_text()


def read_campaign_ids(content: str) -> list[str]:
    """Read the campaign ids of a CSV file, in order."""
    return [row["campaign_id"] for row in csv.DictReader(content.splitlines(keepends=True))]


def get_error(capsys: pytest.CaptureFixture[str], code: int, *arguments: str) -> str:
    """Run the command, which must fail with this exit code; return its one-line error."""
    assert export.main(list(arguments)) == code
    err = capsys.readouterr().err
    assert "hush-hush" not in err
    [line] = err.split("\n")[1:-1]
    return line


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_file_equals_the_mart(duckdb_file: Path, tmp_path: Path, suffix: str) -> None:
    """Nulls, empty strings, quotes, large numbers and times are read back as the mart has them."""
    file = tmp_path / f"out.{suffix}"
    assert export.main(["--output", str(file)]) == 0
    with duckdb.connect(str(duckdb_file), read_only=True) as connection:
        mart = connection.sql(f"from klaviyo.{MART}")
        types = dict(zip(mart.columns, map(str, mart.types), strict=True))
        as_csv = f"read_csv('{file}', columns = {types}, allow_quoted_nulls = false)"
        reader = as_csv if suffix == "csv" else f"'{file}'"
        assert connection.sql(f"from {reader}").fetchall() == mart.fetchall()


def test_a_spreadsheet_runs_no_text_as_a_formula(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """In CSV such a text begins with an apostrophe; numbers and Parquet stay as they are."""
    warehouse = tmp_path / "formulas.duckdb"
    rows = [
        (f"2026-11-{n:02}", "c", text, -0.5, -n, None, None) for n, text in enumerate(FORMULAS, 1)
    ]
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("create schema klaviyo")
        connection.execute(TABLE.format(schema="klaviyo"))
        connection.executemany(f"insert into klaviyo.{MART} values (?, ?, ?, ?, ?, ?, ?)", rows)
    monkeypatch.setenv("KLAVIYO_WAREHOUSE", str(warehouse))
    export_csv(tmp_path / "out.csv")
    content = (tmp_path / "out.csv").read_bytes().decode()
    read = list(csv.DictReader(io.StringIO(content, newline="")))
    assert [row["campaign_name"] for row in read] == [f"'{text}" for text in FORMULAS]
    assert [row["open_rate"] for row in read] == ["-0.5"] * len(FORMULAS)
    assert [row["recipients"] for row in read] == [str(-n) for n, _ in enumerate(FORMULAS, 1)]
    assert export.main(["--output", str(tmp_path / "out.parquet")]) == 0
    names = duckdb.read_parquet(str(tmp_path / "out.parquet")).project("campaign_name").fetchall()
    assert [name for (name,) in names] == FORMULAS


def test_what_an_earlier_run_wrote_becomes_private(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A command takes its folders and `.env` from other users, and its own files."""
    monkeypatch.chdir(tmp_path)
    for folder in ("build", "data"):
        Path(folder).mkdir(mode=0o755)
    Path(".env").write_text("KLAVIYO_API_KEY=\n")
    before = os.umask(0o022)
    try:
        assert export.main([]) == 0
        assert os.umask(0o022) == 0o022  # the caller's own is back
    finally:
        os.umask(before)
    [file] = Path("data").iterdir()
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (*Path().iterdir(), file)}
    assert modes == {Path("build"): 0o700, Path("data"): 0o700, Path(".env"): 0o600, file: 0o600}


def test_a_path_with_an_apostrophe_works(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of the file, of the temporary files beside it, and of a folder for temporary files."""
    folder = tmp_path / "the client's"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    for suffix in ("csv", "parquet"):
        file = folder / f"it's.{suffix}"
        assert export.main(["--output", str(file)]) == 0
        assert file.exists()
    with open_warehouse(WarehouseSettings.read()) as warehouse:
        export.copy_marts(warehouse, {MART: None}, folder / "copy's.duckdb")


@pytest.mark.parametrize("engine", ["", "postgres", "bigquery"])
def test_a_mart_is_copied_as_sums(
    engine: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A mart with a row for each person leaves the warehouse as sums by what the page shows."""
    for name, value in request.getfixturevalue(engine).items() if engine else ():
        monkeypatch.setenv(name, value)
    with open_warehouse(WarehouseSettings.read()) as warehouse:
        sums = {MART: export.Sums(["is_archived"], ["recipients"], "date")}
        export.copy_marts(warehouse, sums, tmp_path / "copy.duckdb")
    with duckdb.connect(str(tmp_path / "copy.duckdb")) as connection:
        rows = connection.execute(f"from klaviyo.{MART} order by recipients").fetchall()
    assert rows == [
        (None, date(2026, 11, 3), 0),
        (True, date(2026, 11, 4), 9),
        (False, date(2026, 11, 2), 9_007_199_254_740_993),
    ]


@pytest.mark.parametrize("engine", ["postgres", "bigquery"])
def test_every_engine_exports_the_same_bytes(
    engine: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Postgres and BigQuery export the same bytes as DuckDB."""
    from_duckdb = export_csv(tmp_path / "duckdb.csv")
    for name, value in request.getfixturevalue(engine).items():
        monkeypatch.setenv(name, value)
    assert export_csv(tmp_path / "other.csv") == from_duckdb
    assert len(read_campaign_ids(from_duckdb)) == len(ROWS)


def test_range_excludes_its_end(tmp_path: Path, subtests: pytest.Subtests) -> None:
    """A range includes its start and excludes its end, so adjacent exports share no row."""
    cases: list[tuple[list[str], list[str]]] = [
        (["--start", "2026-11-02", "--end", "2026-11-04"], ["c2", "c3"]),
        (["--end", "2026-11-02"], ["c1"]),
        (["--start", "2026-11-03"], ["c3", "c4"]),
        (["--limit", "1"], ["c1"]),
        (["--start", "2027-01-01"], []),
    ]
    for options, ids in cases:
        with subtests.test(options=options):
            assert read_campaign_ids(export_csv(tmp_path / "out.csv", *options)) == ids


def test_dry_run_prints_the_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A dry run prints the rows as CSV, and writes and uploads nothing."""
    options = ["--dry-run", "--upload-s3", "s3://archive/a.csv"]
    assert export.main(options) == 0
    assert read_campaign_ids(capsys.readouterr().out) == ["c1", "c2", "c3", "c4"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "name"),
    [
        (["--format", "parquet"], rf"{MART}_on_{TODAY}.parquet"),
        (["--start", "2026-11-02"], rf"{MART}_from_2026-11-02_on_{TODAY}.csv"),
        (
            ["--start", "2026-11-02", "--end", "2026-11-04", "--limit", "1"],
            rf"{MART}_from_2026-11-02_to_2026-11-04_first_1.csv",
        ),
        (["klaviyo__data_health"], rf"klaviyo__data_health_on_{TODAY}.csv"),
    ],
)
def test_default_file_name_identifies_the_rows(
    tmp_path: Path, options: list[str], name: str
) -> None:
    """The default name contains mart, bounds and limit, and no other file remains in the folder."""
    assert export.main(options) == 0
    [file] = (tmp_path / "data").iterdir()
    assert re.fullmatch(name, file.name)


def test_upload_has_checksum_and_metadata(
    bucket: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The object equals the file, its metadata describe the rows, and its address is printed."""
    days = ["--start", "2026-11-02", "--end", "2026-11-04"]
    content = export_csv(
        tmp_path / "out.csv", *days, "--upload-s3", "s3://archive/daily/{start}_{end}.csv"
    )
    assert capsys.readouterr().out.endswith("s3://archive/daily/2026-11-02_2026-11-04.csv\n")
    stored = bucket.get_object(
        Bucket="archive", Key="daily/2026-11-02_2026-11-04.csv", ChecksumMode="ENABLED"
    )
    assert stored["Body"].read().decode() == content
    assert stored["ChecksumSHA256"]
    assert stored["Metadata"] == {
        "rows": "2",
        "start": "2026-11-02",
        "end": "2026-11-04",
        "sha256": hashlib.sha256(content.encode()).hexdigest(),
    }


@pytest.mark.usefixtures("bucket")
def test_failed_upload(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A failed upload exits with 1, prints the reason and keeps the file."""
    file = tmp_path / "out.csv"
    options = ("--output", str(file), "--upload-s3", "s3://nowhere/a.csv")
    line = get_error(capsys, 1, *options)
    assert "s3://nowhere/a.csv failed" in line
    assert "NoSuchBucket" in line
    assert file.exists()


def test_invalid_options_are_refused_before_writing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, subtests: pytest.Subtests
) -> None:
    """Options that do not fit the mart exit with 2, and nothing is written."""
    cases: list[tuple[list[str], str]] = [
        (
            ["klaviyo__campaigns"],
            "There is no mart klaviyo__campaigns here, but klaviyo__campaign_ext",
        ),
        (["klaviyo__data_health", "--start", "2026-01-01"], "klaviyo__data_health has no day"),
        (["--start", "2026-02-01", "--end", "2026-02-01"], "--end 2026-02-01 must come after"),
        (["--upload-s3", "https://archive/a.csv"], "https://archive/a.csv is no address in S3"),
        (["--upload-s3", "s3://archive"], "s3://archive is no address in S3"),
        (["--upload-s3", "s3://archive/{start}.csv"], "'start' is not given"),
        (["--upload-s3", "s3://archive/{day}.csv"], "known: mart, start, end"),
    ]
    for arguments, line in cases:
        with subtests.test(arguments=arguments):
            assert line in get_error(capsys, 2, *arguments)
            assert not list(tmp_path.rglob("*.csv"))


def test_unreachable_warehouse(
    capsys: pytest.CaptureFixture[str], subtests: pytest.Subtests
) -> None:
    """The one-line error names the setting, or has the engine's own message."""
    cases: list[tuple[dict[str, str], int, str]] = [
        ({"KLAVIYO_WAREHOUSE": "none.duckdb"}, 1, "none.duckdb is missing: sync first"),
        ({"DBT_TARGET": "postgres", "PG_PORT": "9"}, 1, "The postgres warehouse failed: conn"),
        ({"DBT_TARGET": "postgres", "PG_PORT": "nine"}, 2, "PG_PORT: Input should be a valid int"),
        ({"DBT_TARGET": "bigquery"}, 2, "BQ_PROJECT is not set"),
        ({"DBT_TARGET": "oracle"}, 2, "DBT_TARGET: Input should be 'duckdb', 'postgres' or"),
    ]
    for environment, code, line in cases:
        with subtests.test(line), mock.patch.dict(os.environ, environment):
            assert line in get_error(capsys, code)


def test_unwritable_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that cannot be written exits with 1, and the error begins with its path."""
    (tmp_path / "file").touch()
    for file in (tmp_path / "file" / "out.csv", Path("/proc/out.csv")):
        line = get_error(capsys, 1, "--output", str(file))
        assert line.startswith(f"{file} cannot be written: ")


def test_settings_equal_those_of_dbt() -> None:
    """Names and defaults of the warehouse settings equal those in dbt's profiles.yml."""
    profiles = (Path(export.__file__).parents[1] / "dbt_project" / "profiles.yml").read_text()
    in_dbt = dict(re.findall(r"env_var\('(\w+)', (?:\(.+?\) ~ )?'([^']*)'\)", profiles))
    ours = {name.upper(): field for name, field in WarehouseSettings.model_fields.items()}
    for name, default in in_dbt.items():
        # What dbt reads is not what it builds, and commands do not read Snowflake.
        if name in ours:
            assert str(ours[name].default).replace("**********", "") == default
