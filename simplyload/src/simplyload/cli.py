"""The command line. Results go to standard output, progress and errors to standard error."""

import json
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, CycloptsError, Parameter
from rich.console import Console

from simplyload.checks import check_destination, check_log, compare, validate_stream
from simplyload.config import Configuration, read_configuration, schema_of
from simplyload.destinations.destination import Stopped
from simplyload.destinations.parquet import ParquetSettings
from simplyload.destinations.snowflake_login import NO_GCS, SnowflakeSettings
from simplyload.destinations.snowflake_script import LoadScript, write_script
from simplyload.destinations.snowflake_setup import bucket_sql, setup_sql
from simplyload.engine import Pipeline
from simplyload.errors import (
    AlreadyRunningError,
    ConfigurationError,
    LimitError,
    SimplyLoadError,
)
from simplyload.observe import make_table, open_display
from simplyload.parallel import run_parallel
from simplyload.replay import replay as replay_log
from simplyload.run import Outcome, open_pipelines, run_streams
from simplyload.sources.source import Finding
from simplyload.store import GcsAddress, S3Address
from simplyload.streams import open_destination, open_lake, open_log, open_sources, select_streams

EXIT_CODES = """
exit codes:
  0   done (after SIGTERM or Ctrl-C too: it ends at a commit; after a second signal it rolls back
      the load that it is in)
  1   a stream failed, a table stopped, or check found a difference
  2   the configuration or command line is wrong; nothing was done
  69  a limit of the source is used up (Salesforce): what is complete is loaded
  75  another run is active or took over: the data may be old
"""
USAGE_ERROR = 2
GOES_ON_LATER = (LimitError.exit_code, AlreadyRunningError.exit_code)

app = App(
    name="simplyload",
    help="Replicate databases and SaaS into DuckDB, Postgres, Snowflake, BigQuery, files.",
    help_epilogue=EXIT_CODES,
    help_format="plaintext",
)
checkpoint = App(name="checkpoint", help="Show or reset the position of a stream.")
app.command(checkpoint)
setup = App(name="setup", help="Print what an administrator runs once for a destination.")
app.command(setup)


@Parameter(name="*")
@dataclass(kw_only=True)
class Options:
    """What every command accepts.

    Parameters
    ----------
    config
        The configuration; without it the file that SIMPLYLOAD_CONFIG names, or simplyload.yml.
    set_
        A setting that overrides the file, such as destination.path=x.duckdb; repeatable.
    select
        Streams, which are sources by their name; without it all.

    """

    config: Path | None = None
    set_: Annotated[list[str] | None, Parameter(name="--set", negative="")] = None
    select: Annotated[list[str] | None, Parameter(consume_multiple=True, negative="")] = None

    def read(self) -> tuple[Configuration, list[str]]:
        """Read the configuration and the names of the chosen streams."""
        configuration = read_configuration(self.config, self.set_ or ())
        if self.select == []:
            raise ConfigurationError(
                f"--select takes streams: {', '.join(configuration.sources)}; without it all run"
            )
        return configuration, select_streams(configuration, self.select or ())


DEFAULTS = Options()


@app.command
def config(options: Options = DEFAULTS) -> None:
    """Print the configuration as YAML: all values that count, secrets masked."""
    configuration, _ = options.read()
    print(configuration.as_yaml(), end="")


@app.command
def discover(options: Options = DEFAULTS) -> None:
    """List what the sources have: tables, keys, candidates for a cursor, sizes, warnings."""
    show(
        {
            "stream": name,
            "table": found.table.source_name or found.table.name,
            "key": ", ".join(found.table.key),
            "columns": len(found.table.schema),
            "mode": found.mode,
            "cursor candidates": ", ".join(found.cursor_candidates),
            "rows (about)": found.estimated_rows,
            "bytes": found.bytes,
            "warnings": "; ".join(found.warnings),
        }
        for name, source in open_sources(*options.read())
        for found in source.discover()
    )


@app.command
def validate(options: Options = DEFAULTS) -> int:
    """Check sources and destination: connections, rights, keys, settings. Change nothing."""
    configuration, names = options.read()
    found: list[tuple[str, Finding]] = []
    with closing(open_destination(configuration)) as destination:
        schemas = {name: schema_of(configuration.sources[name], name) for name in names}
        found.append(("", check_destination(destination, schemas)))
        found.append(("", check_log(open_log(configuration))))
        there = destination if found[0][1].level == "ok" else None
        for name, source in open_sources(configuration, names):
            found += [(name, finding) for finding in validate_stream(source, there, schemas[name])]
    show({"stream": name, **vars(finding)} for name, finding in found)
    return int(any(finding.level == "error" for _, finding in found))


@app.command
def sync(
    options: Options = DEFAULTS,
    *,
    once: Annotated[bool, Parameter(negative="")] = False,
    every: timedelta | None = None,
    parallel: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Load what is new, once or at an interval.

    Parameters
    ----------
    once
        Read until nothing is left, then end (the default).
    every
        Stay and repeat at this interval, such as 30s, 5m or 1h.
    parallel
        Run each stream in a process of its own, so that a slow or failing one keeps no other back.

    """
    if once and every is not None:
        raise ConfigurationError("--once and --every exclude each other: leave out one")
    if every is not None and every <= timedelta():
        raise ConfigurationError("--every takes a time above zero, such as 30s, 5m or 1h")
    if parallel:
        with open_display() as display:
            outcomes = run_parallel(options.read, display, every)
        return _show_outcomes(outcomes)
    configuration, names = options.read()
    return _sync(configuration, names, every)


def _sync(configuration: Configuration, names: Sequence[str], every: timedelta | None) -> int:
    with open_display() as display:
        outcomes = run_streams(configuration, names, display, every)
    return _show_outcomes(outcomes)


def combine_exit_codes(codes: Iterable[int]) -> int:
    """Return the code of all streams: a failure is not hidden by one that goes on later by itself.

    An orchestrator may skip the codes of the latter.
    """
    return max(codes, key=lambda code: (code not in {0, *GOES_ON_LATER}, code))


def _show_outcomes(outcomes: Sequence[Outcome]) -> int:
    """Print what each stream did; return the exit code."""
    show([outcome.as_row() for outcome in outcomes])
    for outcome in outcomes:
        if outcome.error:
            print(f"simplyload: stream {outcome.stream}: {outcome.error}", file=sys.stderr)
    return combine_exit_codes([outcome.exit_code for outcome in outcomes])


@app.command
def backfill(
    table: str,
    options: Options = DEFAULTS,
    *,
    from_: Annotated[str | None, Parameter(name="--from")] = None,
) -> int:
    """Read a table again and load what differs; its rows stay visible meanwhile.

    Parameters
    ----------
    table
        The stream and the table, such as shop.orders; orders alone where there is one stream.
    from_
        The value of the cursor column from which to read; without it the whole table.

    """
    configuration, _ = options.read()
    name, _, rest = table.partition(".")
    if name not in configuration.sources and len(configuration.sources) == 1:
        (name,), rest = configuration.sources, table
    table = rest
    if not table:
        raise ConfigurationError("backfill takes a stream and a table, such as shop.orders")
    select_streams(configuration, [name])
    with one_pipeline(configuration, name) as pipeline:
        pipeline.backfill(table, from_)
    return _sync(configuration, [name], None)


@app.command
def replay(options: Options = DEFAULTS) -> int:
    """Rebuild the destination from the change log, without the sources.

    The destination is empty, or holds the first loads of this log: it goes on where it ended. To
    build another one beside the present one: --set destination.path=new.duckdb.
    """
    configuration, names = options.read()
    log, rows = open_log(configuration), []
    if not log.store.exists():
        lacks = "is no folder" if isinstance(configuration.log, Path) else "has no object"
        raise ConfigurationError(f"log: {configuration.log} {lacks}: name the log of the loads")
    for name in names:
        with closing(open_destination(configuration)) as destination:
            loads = replay_log(
                log,
                name,
                destination,
                schema=schema_of(configuration.sources[name], name),
                remove=configuration.pipeline.deletes == "remove",
            )
            stopped = {stop.table: stop.message for stop in destination.list_stopped(name)}
        rows.append({"stream": name, "loads": loads, "stopped": stopped})
    show(rows)
    return int(any(row["stopped"] for row in rows))


@checkpoint.command(name="show")
def show_checkpoint(options: Options = DEFAULTS) -> None:
    """Print each stream's newest load and the state after it."""
    configuration, names = options.read()
    with closing(open_destination(configuration)) as destination:
        for name in names:
            state = destination.read_state(name)
            loads = [] if state is None else destination.list_committed(name)
            row = {"stream": name, "loads": len(loads), "newest": loads[-1] if loads else ""}
            print(json.dumps({**row, "state": state}, default=str))


@checkpoint.command(name="reset")
def reset_checkpoint(stream: str, options: Options = DEFAULTS) -> None:
    """Forget a stream's position: the next sync reads everything again. No row is removed."""
    configuration, _ = options.read()
    select_streams(configuration, [stream])
    with one_pipeline(configuration, stream) as pipeline:
        pipeline.reset()
    print(f"stream {stream}: the next sync reads everything again", file=sys.stderr)


@setup.command(name="snowflake")
def setup_snowflake(
    options: Options = DEFAULTS,
    *,
    database: str = "SIMPLYLOAD",
    aws_role: str = "arn:aws:iam::<account>:role/<role that may read the bucket>",
) -> None:
    """Print the SQL that makes role, user, warehouse and database; change nothing.

    With the destination `parquet` in a bucket: the SQL that lets Snowflake read it, for those who
    run what `simplyload sql` prints. With `destination.stage`: also what lets it read that bucket.

    Parameters
    ----------
    database
        For a bucket: the database into which it is loaded.
    aws_role
        For a bucket: the role of AWS by which Snowflake reads it.

    """
    for option, value in (("--database", database), ("--aws-role", aws_role)):
        if not value.strip():
            raise ConfigurationError(f"{option} is empty: give a name, or leave it out")
    configuration, _ = options.read()
    destination = configuration.destination
    _refuse_gcs(destination)
    if isinstance(destination, SnowflakeSettings):
        print(setup_sql(destination, aws_role))
    elif isinstance(destination, ParquetSettings) and isinstance(destination.path, S3Address):
        print(bucket_sql(str(destination.path), database, aws_role))
    else:
        raise ConfigurationError(
            f"destination.type: it is {destination.type}; set snowflake, or parquet with a path"
            " s3://bucket/prefix that Snowflake is to read"
        )


def _refuse_gcs(destination: Any) -> None:
    if isinstance(destination, ParquetSettings) and isinstance(destination.path, GcsAddress):
        raise ConfigurationError(f"destination.path: {NO_GCS}: set s3://bucket/prefix")


@app.command(name="sql")
def print_sql(options: Options = DEFAULTS, *, after: str = "") -> int:
    """Print the SQL by which Snowflake loads what is in your bucket; change nothing.

    For the destination `parquet`: run `simplyload setup snowflake` once, `simplyload sync` as
    often as you like, and then this. Each load is copied, merged and committed in order.

    Parameters
    ----------
    after
        The last load that Snowflake has, as stream/load: the output before ends with it. Without it
        all loads are printed. It is for one stream: --select.

    """
    configuration, names = options.read()
    if not isinstance(configuration.destination, ParquetSettings):
        raise ConfigurationError(
            f"destination.type: it is {configuration.destination.type}, which `simplyload sync`"
            " loads itself; set parquet to have files and SQL instead"
        )
    _refuse_gcs(configuration.destination)
    if after and len(names) > 1:
        raise ConfigurationError("--after is the load of one stream: choose it with --select")
    lake = open_lake(configuration, configuration.destination)
    if not any(lake.list_committed(name) for name in names):
        raise ConfigurationError(
            f"destination.path: {configuration.destination.path} holds no load of"
            f" {', '.join(names)}: run `simplyload sync` first, or set the path that it loads into"
        )
    stopped = [
        _print_scripts(
            name, write_script(lake, name, schema_of(configuration.sources[name], name), after)
        )
        for name in names
    ]
    return int(any(stopped))


def _print_scripts(stream: str, scripts: Iterable[LoadScript]) -> bool:
    """Print the statements of a stream's loads; tell whether a table stopped, also before them."""
    stopped: list[Stopped] = []
    newest, is_new = "", False
    for script in scripts:
        newest, is_new = script.load_id, bool(script.statements)
        stopped += script.stopped
        if is_new:
            _print_script(script)
    if not is_new:
        print(f"-- {stream}: no new load")
        _print_next(stream, newest)
    for stop in stopped:
        print(f"simplyload: {stop.table}: {stop.message}", file=sys.stderr)
    return bool(stopped)


def _print_script(script: LoadScript) -> None:
    print(f"-- {script.stream}: load {script.load_id}, of {script.committed_at}")
    for statement in script.statements:
        print(f"{statement};")
    _print_next(script.stream, script.load_id)


def _print_next(stream: str, newest: str) -> None:
    """Print how the next output begins after this one, and an empty line."""
    command = f"simplyload sql --select {stream} --after {stream}/{newest}"
    print(f"-- next time: {command}\n" if newest else "")


@app.command
def clean(
    options: Options = DEFAULTS,
    *,
    keep_days: int | None = None,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    drop_slot: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Remove what dead runs left behind and what `retention` says, and name it.

    Parameters
    ----------
    keep_days
        Remove older files of the change log too, whatever `retention` says; replay then has no
        complete history.
    dry_run
        Only name the files that would be removed.
    drop_slot
        Remove the replication slot and the publication of a stream that ends for good: a slot that
        nothing reads makes the database keep its write-ahead log until the disk is full.

    """
    if keep_days is not None and keep_days < 0:
        raise ConfigurationError("--keep-days takes a number of days from 0 on")
    configuration, names = options.read()
    if keep_days is None and configuration.retention is not None:
        keep_days = configuration.retention.days
    key, rows = "would be removed" if dry_run else "removed", []
    for name in names:
        with one_pipeline(configuration, name) as pipeline:
            found = pipeline.clean(keep_days, dry_run=dry_run)
        rows += [{"stream": name, key: item} for item in found]
    if drop_slot and not dry_run:
        for name, source in open_sources(configuration, names):
            rows += [{"stream": name, "removed": item} for item in source.drop()]
    show(rows)


@app.command
def demo(
    *,
    folder: Path = Path("build/load-demo"),
    repository: Path | None = None,
) -> int:
    """Load a shop in PostgreSQL and a simulated Klaviyo account into DuckDB, and compare.

    It needs the package extra `demo`, and no account. A second one loads what changed since.

    Parameters
    ----------
    folder
        Where servers, configuration, change log and warehouse are kept.
    repository
        The folder with klaviyo_sandbox and klaviyo_connector, if this was not installed from it.

    """
    # The server's wheel falls back to /tmp where a login sets no XDG_RUNTIME_DIR: no fault here.
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")
    try:
        from simplyload.demo.demo import run_demo  # noqa: PLC0415 - needs an extra
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"demo needs the package {error.name}: pip install 'simplyload[demo]'"
        ) from None
    return run_demo(folder, repository)


@contextmanager
def one_pipeline(configuration: Configuration, name: str) -> Iterator[Pipeline]:
    """Open the pipeline of one stream."""
    with open_display() as display, ExitStack() as stack:
        [pipeline] = open_pipelines(configuration, [name], display, stack)
        yield pipeline


@app.command
def check(
    options: Options = DEFAULTS,
    *,
    reconcile: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Compare the destination with the sources: keys, NULLs, duplicates, columns, every cell.

    Rows that a source gives once, such as Klaviyo's of one day, are counted as `kept`; a table of
    such rows alone is `not compared`.

    What changes at the source meanwhile shows as a difference: run `sync` first, and again.

    Parameters
    ----------
    reconcile
        For large tables: compare counts and hashes that both databases compute by ranges of the
        key, read the rows of ranges that differ alone, and name the keys.

    """
    configuration, names = options.read()
    rows = []
    for name, found in compare(configuration, names, by_range=reconcile):
        rows.append({"stream": name, "equal": found.verdict, **vars(found)})
    show(rows)
    return int(any(row["equal"] == "no" for row in rows))


def show(rows: Iterable[Mapping[str, Any]]) -> None:
    """Print rows as a table on a terminal, elsewhere one line of JSON each.

    A column without a value is left out of the table, which is wide enough.
    """
    if not sys.stdout.isatty():
        for row in rows:
            print(json.dumps(row, default=str, ensure_ascii=False), flush=True)
        return
    cells = [{name: _format_cell(value) for name, value in row.items()} for row in rows]
    names = [name for name in cells[0] if any(row[name] for row in cells)] if cells else []
    table = make_table(name.replace("_", " ") for name in names)
    for row in cells:
        table.add_row(*(row[name] for name in names))
    Console().print(table, markup=False)


def _format_cell(value: Any) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Mapping):
        return "\n".join(f"{name}: {part}" for name, part in value.items())
    if isinstance(value, list | tuple):
        return "\n".join(map(str, value))
    return "" if value is None else str(value)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the exit code. An error with a remedy is one line, not a traceback."""
    try:
        result = app(arguments, exit_on_error=False, print_error=True, result_action="return_value")
    except CycloptsError:
        return USAGE_ERROR
    except SimplyLoadError as error:
        print(f"simplyload: {error}", file=sys.stderr)
        return error.exit_code
    return result if isinstance(result, int) else 0


if __name__ == "__main__":
    sys.exit(main())
