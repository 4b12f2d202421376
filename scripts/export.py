"""Write a mart to a CSV or Parquet file, and keep a copy in S3 if asked to.

exit codes:
  0  the file is written and, if asked, uploaded
  1  the warehouse or the upload failed
  2  an option or setting is missing or malformed
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import boto3
import duckdb
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from scripts import warehouse
from scripts.command import CommandError, UsageError, command, count, day, expected
from scripts.warehouse import TARGETS, Warehouse, WarehouseSettings

DEFAULT = "klaviyo__campaign_extract"
DAYS = ("date", "sent_on")  # what the marts call their day
FORMATS = ("csv", "parquet")


@dataclass(frozen=True)
class Extract:
    """Which rows: those of a mart from `start` until the day before `end`, at most `limit`."""

    mart: str = DEFAULT
    start: date | None = None
    end: date | None = None
    limit: int | None = None

    def sql(self, relation: str, columns: Mapping[str, str]) -> str:
        """The query, in the SQL that DuckDB, Postgres and BigQuery have in common."""
        if self.start and self.end and self.start >= self.end:
            raise UsageError(f"--end {self.end} must come after --start {self.start}.")
        by = day_of(columns)
        if by is None and (self.start or self.end):
            raise UsageError(f"{self.mart} has no day: leave out --start and --end.")
        first, limit = next(iter(columns)), "" if self.limit is None else f" limit {self.limit}"
        bounds = [f"{by} >= date '{self.start}'"] if self.start else []
        bounds += [f"{by} < date '{self.end}'"] if self.end else []
        where = f" where {' and '.join(bounds)}" if bounds else ""
        order = f"{by}, {first}" if by else first
        return f"select * from {relation}{where} order by {order}{limit}"  # noqa: S608 - names that the warehouse listed

    def file(self, suffix: str) -> Path:
        """Where the rows go if nobody says where: the name says which they are.

        Those of an open span depend on the day of the export.
        """
        today = None if self.start and self.end else datetime.now(UTC).date()
        bounds = {"from": self.start, "to": self.end, "first": self.limit, "on": today}
        parts = [f"{name}_{bound}" for name, bound in bounds.items() if bound]
        return Path("data", f"{'_'.join([self.mart, *parts])}.{suffix}")


def day_of(columns: Iterable[str]) -> str | None:
    """The column of a mart that holds its day, if it has one."""
    return next((name for name in DAYS if name in columns), None)


def write(source: Warehouse, extract: Extract, file: Path) -> int:
    """Write the rows to a file and give their number; `file` appears only when it is whole.

    DuckDB writes every file, so that rows look the same whichever engine they come from.
    """
    with _folder_beside(file) as folder, duckdb.connect() as writer:
        writer.execute("set timezone = 'UTC'")
        rows, count = _fetched(source, extract, Path(folder))
        done = Path(folder, file.name)
        options = "parquet, compression zstd" if file.suffix == ".parquet" else "csv, header"
        writer.execute(f"copy (from {rows}) to '{done}' (format {options})")
        done.replace(file)
    return count


def _folder_beside(file: Path) -> TemporaryDirectory[str]:
    """A folder from which a whole file can be put in its place."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return TemporaryDirectory(dir=file.parent, prefix=".export-")
    except OSError as error:
        raise CommandError(f"{file} cannot be written: {error.strerror}") from None


def copy(source: Warehouse, marts: Iterable[str], file: Path) -> None:
    """Copy whole marts into a new DuckDB file, in the schema that dbt builds them in there."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    with TemporaryDirectory() as folder, duckdb.connect(str(file)) as writer:
        writer.execute("create schema klaviyo")
        for mart in marts:
            rows, _ = _fetched(source, Extract(mart), Path(folder))
            writer.execute(f"create table klaviyo.{mart} as from {rows}")


def _fetched(source: Warehouse, extract: Extract, folder: Path) -> tuple[str, int]:
    """The rows as a relation of DuckDB, kept in the folder, and their number."""
    columns = source.columns(extract.mart)
    lines, count = folder / f"{extract.mart}.json", 0
    with lines.open("w") as written:
        for row in source.query(extract.sql(source.mart(extract.mart), columns)):
            written.write(json.dumps(dict(zip(columns, row, strict=True)), default=str) + "\n")
            count += 1
    return f"read_json('{lines}', format = 'newline_delimited', columns = {columns})", count


def upload(file: Path, address: str, rows: int, extract: Extract) -> None:
    """Copy the file to `s3://bucket/key`; S3 refuses what does not arrive as it was sent."""
    bucket, key = parts(address)
    with file.open("rb") as content:
        sha256 = hashlib.file_digest(content, "sha256").hexdigest()
    metadata = {
        "rows": str(rows),
        "start": str(extract.start or ""),
        "end": str(extract.end or ""),
        "sha256": sha256,
    }
    try:
        s3 = boto3.client("s3", config=Config(retries={"mode": "standard", "max_attempts": 5}))
        s3.upload_file(
            str(file), bucket, key, {"ChecksumAlgorithm": "SHA256", "Metadata": metadata}
        )
    except (Boto3Error, BotoCoreError, ClientError) as error:
        raise CommandError(f"The upload to {address} failed; {file} is kept: {error}") from None
    print(address)


def parts(address: str) -> tuple[str, str]:
    """Bucket and key of an address in S3."""
    url = urlsplit(address)
    if url.scheme != "s3" or not url.netloc or not url.path.strip("/"):
        raise UsageError(f"{address} is no address in S3: s3://bucket/prefix/{{start}}_{{end}}.csv")
    return url.netloc, url.path.lstrip("/")


def filled_in(address: str, extract: Extract) -> str:
    """The address in S3, if there is one, with `{mart}`, `{start}` and `{end}` filled in."""
    values = {"mart": extract.mart, "start": extract.start, "end": extract.end}
    try:
        filled = address.format_map({name: value for name, value in values.items() if value})
    except (LookupError, ValueError, AttributeError) as error:
        raise UsageError(f"{address}: {error} is not given; known: mart, start, end.") from None
    if filled:
        parts(filled)
    return filled


@command
def main(arguments: Sequence[str] | None = None) -> None:
    """Write, and upload if asked to."""
    options = _parser().parse_args(arguments)
    settings = WarehouseSettings.read(dbt_target=options.target)
    extract = Extract(options.mart, options.start, options.end, options.limit)
    address = filled_in(options.upload_s3 or "", extract)
    with warehouse.opened(settings) as source:
        if options.dry_run:
            show(source, extract)
        else:
            run(source, extract, options.output or extract.file(options.format), address)


def run(source: Warehouse, extract: Extract, file: Path, address: str = "") -> None:
    """Write the file and, where there is an address, upload it."""
    rows = write(source, extract, file)
    print(f"{file}: {rows:,} rows of {extract.mart}")
    if address:
        upload(file, address, rows, extract)


def show(source: Warehouse, extract: Extract) -> None:
    """Print the rows as CSV instead of writing them."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "rows.csv")
        write(source, extract, file)
        print(file.read_text(), end="")


def _named(text: str) -> Path:
    """A file whose name tells its format."""
    file = Path(text)
    if file.suffix.removeprefix(".") not in FORMATS:
        raise ValueError(text)
    return file


_file = expected("a file that ends in .csv or .parquet", _named)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        ".venv/bin/python -m scripts.export",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="The warehouse is that of DBT_TARGET: KLAVIYO_WAREHOUSE, PG_... or BQ_... say where"
        " it is.\nAWS_... say how S3 is reached. All may stand in .env.",
    )
    add = parser.add_argument
    add("mart", nargs="?", default=DEFAULT, help="name of the mart (%(default)s)")
    add("--start", type=day, metavar="DAY", help="first day, such as 2026-01-31")
    add("--end", type=day, metavar="DAY", help="the day after the last one")
    add("--limit", type=count, metavar="N", help="write at most so many rows")
    file = parser.add_mutually_exclusive_group().add_argument
    file("--format", choices=FORMATS, default="csv", help="of the file (%(default)s)")
    file("--output", type=_file, metavar="FILE", help="(data/MART_from_START_to_END.csv)")
    add("--upload-s3", metavar="ADDRESS", help="such as s3://bucket/prefix/{start}_{end}.csv")
    add("--target", choices=TARGETS, help="dbt's target: where the marts are (DBT_TARGET)")
    add("--dry-run", action="store_true", help="print the rows, write and upload nothing")
    return parser


if __name__ == "__main__":
    sys.exit(main())
