"""Sync a simulated Klaviyo account into `build/dashboard.html`, without a network or an API key.

With `--target postgres` the tables and marts are in the database of PG_HOST and so on, too.

exit codes:
  0  the dashboard is written
  1  a step failed
  2  an option is malformed, and nothing was done
"""

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from klaviyo_sandbox.account import CAMPAIGNS
from klaviyo_sandbox.simulation.history import PROFILES
from scripts import load_postgres, pipeline, sandbox, steps
from scripts.command import CommandError, argument_type, command, positive_int
from scripts.warehouse import open_warehouse

WORKSPACE = steps.Workspace(
    steps.ROOT / "build" / "demo",
    steps.ROOT / "build" / "warehouse.duckdb",
    steps.ROOT / "build" / "dashboard.html",
)
API_KEY = "pk_sandbox_demo"
# People by tables: the loader of `fivetran debug` takes minutes for the events of more.
PROFILES_BY_TABLES = {"reporting": PROFILES, "all": 500}
# Of these few, so that what to do next has a finding about people.
UNENGAGED_BY_TABLES = {"reporting": 0, "all": 0.15}
MAX_ACCOUNT_AGE = timedelta(days=50)  # the sandbox simulates 60 days past an account's epoch


@command
def main(arguments: Sequence[str] | None = None) -> None:
    """Run every step; the exit code is 0 only if every step succeeds."""
    options = _build_parser().parse_args(arguments)
    options.profiles = options.profiles or PROFILES_BY_TABLES[options.tables]
    if options.target == "postgres":
        _check_postgres()
    account = f"{options.campaigns}-{options.profiles}-{options.tables}"
    epoch_file = WORKSPACE.folder / f"epoch-{account}.txt"
    epoch = _choose_epoch(epoch_file, options.now.date())
    # The stack ends the sandbox after the sync, but lets both steps be logged on their own.
    with ExitStack() as stack:
        with steps.log_step("Starting a simulated Klaviyo account (sandbox data)"):
            url = stack.enter_context(sandbox.serve(*_sandbox_options(epoch, options)))
            # After the start: an account that cannot be simulated must not delete the last demo.
            _prepare_workspace(epoch_file, epoch)
        with steps.log_step("Syncing it with `fivetran debug`"):
            configuration = {"api_key": API_KEY, "tables": options.tables}
            steps.sync(WORKSPACE, configuration, {"KLAVIYO_BASE_URL": url})
    build = _build_in_postgres if options.target == "postgres" else _build_here
    workspace = build(options.tables)
    with steps.log_step("Drawing the dashboard"):
        steps.draw(workspace)
    print(f"\n{steps.summarize(workspace)}\n")
    print("This is sandbox data: a simulated Klaviyo account, not a real one.")
    print(f"`make open` opens the dashboard: {workspace.dashboard.as_uri()}")


def _build_here(tables: str) -> steps.Workspace:
    with steps.log_step("Building and testing the warehouse models with dbt"):
        steps.build(WORKSPACE, {"KLAVIYO_TABLES": tables}, strict=True)
    return WORKSPACE


def _build_in_postgres(tables: str) -> steps.Workspace:
    """Load the raw tables into Postgres and build there; return a workspace with copied marts."""
    settings = _read_postgres_settings()
    schema = settings.klaviyo_raw_schema
    with steps.log_step("Loading the raw tables into Postgres"):
        load_postgres.copy_tables(WORKSPACE.raw, settings)
    with steps.log_step("Building and testing the warehouse models with dbt on Postgres"):
        names = {"KLAVIYO_TABLES": tables, "KLAVIYO_RAW_SCHEMA": schema}
        steps.build(WORKSPACE, names, target="postgres", strict=True)
    return pipeline.copy_marts_here(settings, WORKSPACE)


def _read_postgres_settings() -> load_postgres.RawSettings:
    """The settings of Postgres; by default the raw tables have a schema of their own."""
    schema = os.environ.get("KLAVIYO_RAW_SCHEMA", "klaviyo_raw")
    return load_postgres.RawSettings.read(dbt_target="postgres", klaviyo_raw_schema=schema)


def _check_postgres() -> None:
    """End the demo before it begins if the server cannot be reached."""
    try:
        with open_warehouse(_read_postgres_settings()):
            pass
    except CommandError as error:
        raise CommandError(
            f"{error}. PG_HOST, PG_PORT, PG_USER and PG_PASSWORD name a server that runs;"
            " `docker compose up -d postgres` starts one, whose PG_PASSWORD is demo."
        ) from None


def _choose_epoch(epoch_file: Path, today: date) -> date:
    """Reuse the epoch of the last demo's account, so that its state still fits, or start today."""
    last = date.fromisoformat(epoch_file.read_text()) if epoch_file.exists() else today
    return last if timedelta(0) <= today - last <= MAX_ACCOUNT_AGE else today


def _prepare_workspace(epoch_file: Path, epoch: date) -> None:
    """Delete what the last demo left unless it is of the same account, epoch and tables."""
    if not epoch_file.exists() or epoch_file.read_text() != epoch.isoformat():
        shutil.rmtree(epoch_file.parent, ignore_errors=True)
        WORKSPACE.warehouse.unlink(missing_ok=True)  # incremental models would keep its events
        epoch_file.parent.mkdir(parents=True)
        epoch_file.write_text(epoch.isoformat())


def _sandbox_options(epoch: date, options: argparse.Namespace) -> list[str]:
    size = ["--campaigns", str(options.campaigns), "--profiles", str(options.profiles)]
    size += ["--unengaged", str(UNENGAGED_BY_TABLES[options.tables])]
    times = ["--epoch", epoch.isoformat(), "--now", options.now.isoformat()]
    return ["--seed", "7", *times, *size, "--no-limits"]


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        ".venv/bin/python -m scripts.demo",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="`make demo` installs what it needs and runs it.",
    )
    this_hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    parser.add_argument(
        "--now",
        type=argument_type(
            "a time such as 2026-11-16T15:00:00+00:00",
            lambda text: datetime.fromisoformat(text).astimezone(UTC),
        ),
        default=this_hour,
        metavar="TIME",
        help="the simulated account's clock; default: this hour, so that a second run in the same"
        " hour finds nothing changed",
    )
    parser.add_argument(
        "--target",
        choices=["duckdb", "postgres"],
        default="duckdb",
        help="where the marts are built (%(default)s); PG_... configure Postgres",
    )
    parser.add_argument(
        "--tables",
        choices=[*PROFILES_BY_TABLES],
        default="reporting",
        help="the tables that are synced; only `all`, with people and events, fills every page of"
        " the dashboard (%(default)s)",
    )
    parser.add_argument(
        "--campaigns",
        type=positive_int,
        default=CAMPAIGNS,
        metavar="N",
        help="number of campaigns in the simulated account (%(default)s)",
    )
    parser.add_argument(
        "--profiles",
        type=positive_int,
        metavar="N",
        help=f"number of profiles in it ({PROFILES}; {PROFILES_BY_TABLES['all']} for all tables)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
