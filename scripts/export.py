"""Write a mart to a CSV or Parquet file and, with --upload-s3, copy the file to S3.

exit codes:
  0  the file is written and, with --upload-s3, uploaded
  1  the warehouse or the upload failed
  2  an option or setting is missing or malformed, or the packages that it needs are missing
"""

import argparse
import json
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import duckdb

from scripts import clouds
from scripts.command import CommandError, UsageError, argument_type, command, iso_date, positive_int
from scripts.duckdb_sql import defuse_formulas, quote
from scripts.warehouse import TARGETS, Warehouse, WarehouseSettings, open_warehouse

DEFAULT_MART = "klaviyo__campaign_extract"
DAY_COLUMNS = ("date", "sent_on")  # the marts' names for the column with the day
FORMATS = ("csv", "parquet")


@dataclass(frozen=True)
class Sums:
    """The sums of a mart's columns by others, with the latest day of each group."""

    by: Collection[str]
    columns: Collection[str]
    day: str

    def build_query(self, relation: str) -> str:
        """Build the query, in the SQL that DuckDB, Postgres and BigQuery have in common."""
        terms = dict.fromkeys(self.by, "{0}") | dict.fromkeys(self.columns, "sum({0}) as {0}")
        select = ", ".join(
            terms.get(name, "max({0}) as {0}").format(name) for name in self.list_names()
        )
        by = ", ".join(self.by)
        return f"select {select} from {relation} group by {by} order by {by}"  # noqa: S608 - names of dbt's models

    def list_names(self) -> list[str]:
        """The columns of the result, in order."""
        return list(dict.fromkeys((*self.by, self.day, *self.columns)))


@dataclass(frozen=True)
class Extract:
    """The rows of a mart from `start` up to, but not including, `end`; at most `limit`."""

    mart: str = DEFAULT_MART
    start: date | None = None
    end: date | None = None
    limit: int | None = None

    def build_query(self, relation: str, columns: Mapping[str, str]) -> str:
        """Build the query, in the SQL that DuckDB, Postgres and BigQuery have in common."""
        if self.start and self.end and self.start >= self.end:
            raise UsageError(f"--end {self.end} must come after --start {self.start}.")
        day = find_day_column(columns)
        if day is None and (self.start or self.end):
            raise UsageError(f"{self.mart} has no day: leave out --start and --end.")
        first, limit = next(iter(columns)), "" if self.limit is None else f" limit {self.limit}"
        bounds = [f"{day} >= date '{self.start}'"] if self.start else []
        bounds += [f"{day} < date '{self.end}'"] if self.end else []
        where = f" where {' and '.join(bounds)}" if bounds else ""
        # The order makes --limit repeatable, and the files of all engines equal.
        order = f"{day}, {first}" if day else first
        return f"select * from {relation}{where} order by {order}{limit}"  # noqa: S608 - names that the warehouse listed

    def default_file(self, suffix: str) -> Path:
        """The default path; its name says which rows the file holds.

        Without both bounds the rows depend on the day of the export, so the name has that day.
        """
        today = None if self.start and self.end else datetime.now(UTC).date()
        bounds = {"from": self.start, "to": self.end, "first": self.limit, "on": today}
        parts = [f"{name}_{bound}" for name, bound in bounds.items() if bound]
        return Path("data", f"{'_'.join([self.mart, *parts])}.{suffix}")


def find_day_column(columns: Iterable[str]) -> str | None:
    """Find the column that holds the day of a mart's rows, if it has one."""
    return next((name for name in DAY_COLUMNS if name in columns), None)


def write_extract(warehouse: Warehouse, extract: Extract, file: Path) -> int:
    """Write the rows to a file and return their number; `file` appears only when it is complete.

    In CSV a text that a spreadsheet would run as a formula begins with an apostrophe.
    DuckDB writes every file, so the same rows from any engine give the same bytes.
    """
    with _make_folder_beside(file) as folder, duckdb.connect() as writer:
        writer.execute("set timezone = 'UTC'")
        relation, count = _fetch_rows(warehouse, extract, Path(folder))
        rows, complete = writer.sql(f"from {relation}"), Path(folder, file.name)
        if file.suffix == ".parquet":
            rows.write_parquet(str(complete), compression="zstd")
        else:
            defuse_formulas(rows).write_csv(str(complete))
        complete.replace(file)
    return count


def _make_folder_beside(file: Path) -> TemporaryDirectory[str]:
    """Make a temporary folder on the file's own disk, from which a rename is atomic."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return TemporaryDirectory(dir=file.parent, prefix=".export-")
    except OSError as error:
        raise CommandError(f"{file} cannot be written: {error.strerror}") from None


def copy_marts(warehouse: Warehouse, marts: Mapping[str, Sums | None], file: Path) -> None:
    """Copy marts, whole or as sums, into a new DuckDB file, in the schema that dbt uses there."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    with TemporaryDirectory() as folder, duckdb.connect(str(file)) as writer:
        writer.execute("create schema klaviyo")
        for mart, sums in marts.items():
            rows, _ = _fetch_rows(warehouse, Extract(mart), Path(folder), sums)
            writer.execute(f"create table klaviyo.{mart} as from {rows}")


def _fetch_rows(
    warehouse: Warehouse, extract: Extract, folder: Path, sums: Sums | None = None
) -> tuple[str, int]:
    """Fetch the rows into a file of the folder; return a DuckDB relation of them and their number.

    Numbers and times pass as JSON text, so no engine's own types change a digit.
    """
    columns, relation = warehouse.columns(extract.mart), warehouse.mart(extract.mart)
    if sums:
        columns = {name: columns[name] for name in sums.list_names()}
    query = sums.build_query(relation) if sums else extract.build_query(relation, columns)
    lines, count = folder / f"{extract.mart}.json", 0
    with lines.open("w") as output:
        for row in warehouse.query(query):
            output.write(json.dumps(dict(zip(columns, row, strict=True)), default=str) + "\n")
            count += 1
    return f"read_json({quote(lines)}, format = 'newline_delimited', columns = {columns})", count


def upload(file: Path, address: str, rows: int, extract: Extract) -> None:
    """Copy the file to `s3://bucket/key`, with a checksum that S3 verifies."""
    from scripts import s3  # noqa: PLC0415 - `make demo` does not install its client

    bucket, key = parse_s3_address(address)
    bounds = {"start": str(extract.start or ""), "end": str(extract.end or "")}
    s3.upload(file, bucket, key, {"rows": str(rows), **bounds})
    print(address)


def parse_s3_address(address: str) -> tuple[str, str]:
    """Split an address in S3 into bucket and key."""
    url = urlsplit(address)
    if url.scheme != "s3" or not url.netloc or not url.path.strip("/"):
        raise UsageError(f"{address} is no address in S3: s3://bucket/prefix/{{start}}_{{end}}.csv")
    return url.netloc, url.path.lstrip("/")


def format_s3_address(template: str, extract: Extract) -> str:
    """Fill in `{mart}`, `{start}` and `{end}`; an address is valid, and can be uploaded to."""
    # Values that are not set are left out, so that a template cannot print "None" into an address.
    values = {"mart": extract.mart, "start": extract.start, "end": extract.end}
    try:
        address = template.format_map({name: value for name, value in values.items() if value})
    except (LookupError, ValueError, AttributeError) as error:
        raise UsageError(f"{template}: {error} is not given; known: mart, start, end.") from None
    if address:
        parse_s3_address(address)
        clouds.require("S3", "boto3")
    return address


@command
def main(arguments: Sequence[str] | None = None) -> None:
    """Export the rows, or print them with --dry-run."""
    options = _build_parser().parse_args(arguments)
    settings = WarehouseSettings.read(dbt_target=options.target)
    extract = Extract(options.mart, options.start, options.end, options.limit)
    address = format_s3_address(options.upload_s3 or "", extract)
    with open_warehouse(settings) as warehouse:
        if options.dry_run:
            print_rows(warehouse, extract)
        else:
            file = options.output or extract.default_file(options.format)
            export(warehouse, extract, file, address)


def export(warehouse: Warehouse, extract: Extract, file: Path, address: str = "") -> None:
    """Write the file and, with an address, upload it."""
    rows = write_extract(warehouse, extract, file)
    print(f"{file}: {rows:,} rows of {extract.mart}")
    if address:
        upload(file, address, rows, extract)


def print_rows(warehouse: Warehouse, extract: Extract) -> None:
    """Print the rows as CSV."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "rows.csv")
        write_extract(warehouse, extract, file)
        print(file.read_text(), end="")


def _parse_file(text: str) -> Path:
    """Parse a path whose suffix is one of the formats."""
    file = Path(text)
    if file.suffix.removeprefix(".") not in FORMATS:
        raise ValueError(text)
    return file


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        ".venv/bin/python -m scripts.export",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="The warehouse is that of DBT_TARGET; KLAVIYO_WAREHOUSE, PG_... or BQ_... configure"
        " it.\nAWS_... configure S3. The environment or .env has all of them.",
    )
    add = parser.add_argument
    add("mart", nargs="?", default=DEFAULT_MART, help="name of the mart (%(default)s)")
    add("--start", type=iso_date, metavar="DAY", help="first day, such as 2026-01-31")
    add("--end", type=iso_date, metavar="DAY", help="day after the last one")
    add("--limit", type=positive_int, metavar="N", help="maximum number of rows")
    file = argument_type("a file that ends in .csv or .parquet", _parse_file)
    add_output = parser.add_mutually_exclusive_group().add_argument
    add_output("--format", choices=FORMATS, default="csv", help="format of the file (%(default)s)")
    add_output(
        "--output", type=file, metavar="FILE", help="default: data/MART_from_START_to_END.csv"
    )
    add(
        "--upload-s3",
        metavar="ADDRESS",
        help="upload to an address such as s3://bucket/prefix/{start}_{end}.csv",
    )
    add("--target", choices=TARGETS, help="dbt's target: where the marts are (DBT_TARGET)")
    add("--dry-run", action="store_true", help="print the rows, write and upload nothing")
    return parser


if __name__ == "__main__":
    sys.exit(main())
