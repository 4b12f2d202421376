"""Sync, build and check the marts, draw the dashboard, archive a mart and send the digest.

On the target duckdb the sync is `fivetran debug` on this machine, on the others Fivetran's own.
With `--loader simplyload` it is SimplyLoad on this machine, into DuckDB or Postgres.
All settings, and the packages that they need, are checked before the first step; the first failure
ends the run with its exit code.
DIGEST_WEBHOOK gets an alert of a failed step, old data and numbers that differ from Klaviyo's.

exit codes:
  0  every step succeeded
  1  a step failed
  2  an option or setting is missing or malformed, or the packages that it needs are missing;
     nothing was done
  3, 4, 5  the sync failed; see scripts.fivetran_sync --help
"""

import argparse
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BeforeValidator

from looker import declaration, preview, semantic
from looker.errors import LookerError
from looker.warehouse import HEALTH, Extract
from scripts import configuration, export, fivetran_sync, health, steps
from scripts.command import CommandError, Settings, SettingsError, argument_type, command
from scripts.digest import build_digest
from scripts.digest.period import Period, add_period_options, choose_period
from scripts.digest.send import read_digest_settings
from scripts.digest.webhook import AlertSettings
from scripts.fivetran_sync import SyncSettings
from scripts.warehouse import TARGETS, WarehouseSettings, open_warehouse

DEFAULT_FOLDER = Path("build", "account")


class BuildSettings(Settings):
    """What dbt builds besides the marts. dbt validates it too, but only after the sync."""

    klaviyo_compatibility: Annotated[Literal["true", "false"], BeforeValidator(str.lower)] = "false"


def _validate_mart(mart: str) -> str:
    """Accept a mart whose rows have a day, since the archive holds the rows of a period."""
    marts = [
        name for name, columns in semantic.load().columns.items() if export.find_day_column(columns)
    ]
    if mart not in marts:
        raise ValueError(f"{mart} is none of dbt's marts by day: {', '.join(marts)}")
    return mart


class ArchiveSettings(Settings):
    """Which mart is archived; without an address in S3 the file is only in `data/`."""

    archive_mart: Annotated[str, AfterValidator(_validate_mart)] = export.DEFAULT_MART
    archive_format: Literal["csv", "parquet"] = "csv"
    archive_s3: str = ""


@dataclass(frozen=True)
class RunContext:
    """What every step knows: the warehouse, the workspace, and the days to archive and report."""

    warehouse: WarehouseSettings
    workspace: steps.Workspace
    period: Period
    environment: Mapping[str, str]

    @property
    def is_local(self) -> bool:
        """Whether the sync and the warehouse are on this machine."""
        return self.warehouse.dbt_target == "duckdb"


@dataclass(frozen=True)
class Step:
    """A step with all settings that it needs. `settings` are for display, secrets masked."""

    title: str
    settings: Mapping[str, str]
    run: Callable[[], None]


class RawSettings(Settings):
    """Where SimplyLoad puts the raw tables in Postgres; dbt reads it too."""

    klaviyo_raw_schema: str = "klaviyo"


def _plan_load(context: RunContext) -> Step:
    """Plan a sync by SimplyLoad, into the DuckDB file of the workspace or into Postgres."""
    keys = configuration.read_configuration()
    source, environment = dict(keys), {"KLAVIYO_API_KEY": keys["api_key"]}
    source["api_key"] = "${KLAVIYO_API_KEY}"
    if context.is_local:
        destination: dict[str, object] = {"type": "duckdb", "path": str(context.workspace.raw)}
    else:
        settings = context.warehouse
        destination = {"type": "postgres", "password": "${PG_PASSWORD}"}
        destination |= {"host": settings.pg_host, "port": settings.pg_port}
        destination |= {"user": settings.pg_user, "database": settings.pg_database}
        environment["PG_PASSWORD"] = settings.pg_password.get_secret_value()
        source["schema"] = RawSettings.read().klaviyo_raw_schema
    load = partial(steps.load, context.workspace, source, destination, environment)
    return Step("Syncing with SimplyLoad", configuration.as_env(keys), load)


def _plan_sync(context: RunContext) -> Step:
    if context.workspace.loader == "simplyload":
        return _plan_load(context)
    if context.is_local:
        keys = configuration.read_configuration()
        sync = partial(steps.sync, context.workspace, keys, {})
        return Step("Syncing with `fivetran debug`", configuration.as_env(keys), sync)
    settings = SyncSettings.read()
    return Step("Syncing with Fivetran", settings.as_env(), partial(fivetran_sync.run, settings))


def _plan_build(context: RunContext) -> Step:
    target = context.warehouse.dbt_target
    build = partial(steps.build, context.workspace, context.environment, target=target)
    tables = configuration.read_tables_as_env()
    env = tables | BuildSettings.read().as_env() | context.warehouse.as_env()
    return Step(f"Building and testing the marts with dbt on {target}", env, build)


def _plan_health(context: RunContext) -> Step:
    alerts = AlertSettings.read()

    def check() -> None:
        problems = health.find_problems(context.warehouse)
        print("\n".join(problems) or "    The data are current, and no number differs.")
        if problems:
            alerts.alert("Klaviyo data: look at the data health", "\n".join(problems))

    return Step("Checking the data health", alerts.as_env(), check)


def _plan_dashboard(context: RunContext) -> Step:
    def draw() -> None:
        workspace = context.workspace
        if not context.is_local:
            workspace = copy_marts_here(context.warehouse, workspace)
        steps.draw(workspace)
        print(f"\n{steps.summarize(workspace)}")

    return Step(f"Drawing {context.workspace.dashboard}", {}, draw)


def copy_marts_here(settings: WarehouseSettings, workspace: steps.Workspace) -> steps.Workspace:
    """Copy the dashboard's marts into a DuckDB file, which the dashboard reads; return its place.

    The copy is a file of its own, so it never replaces marts that dbt built on this machine.
    """
    file = workspace.folder / "copied_marts.duckdb"
    with open_warehouse(settings) as warehouse:
        export.copy_marts(warehouse, _list_dashboard_marts(), file)
    return replace(workspace, warehouse=file)


def _list_dashboard_marts() -> dict[str, export.Sums | None]:
    """The marts of the dashboard: whole, or as sums where it shows no days, as of people."""
    semantics = semantic.load()
    dashboard = declaration.load(semantics)
    whole = {HEALTH, semantics.model(dashboard.people.model).table}
    whole |= {semantics.model(tile.model).table for tile in dashboard.tiles if tile.days}
    marts: dict[str, export.Sums | None] = dict.fromkeys(sorted(whole))
    for model in dashboard.models(semantics):
        extract = preview.build_extract(dashboard, semantics, model, date.min)
        summed = not extract.is_dated and model.table not in whole
        marts[model.table] = _build_sums(extract) if summed else None
    return marts


def _build_sums(extract: Extract) -> export.Sums:
    currency = ["currency"] if "currency" in extract.model.dimensions else []
    by = dict.fromkeys((*extract.dimensions, *currency))
    return export.Sums(by, [metric.column for metric in extract.sums], extract.model.date)


def _plan_archive(context: RunContext) -> Step:
    settings = ArchiveSettings.read()
    extract = export.Extract(settings.archive_mart, context.period.start, context.period.end)
    address = export.format_s3_address(settings.archive_s3, extract)

    def archive() -> None:
        with open_warehouse(context.warehouse) as warehouse:
            file = extract.default_file(settings.archive_format)
            export.export(warehouse, extract, file, address)

    return Step(f"Archiving {settings.archive_mart}", settings.as_env(), archive)


def _plan_digest(context: RunContext) -> Step:
    settings = read_digest_settings()

    def send() -> None:
        settings.send(build_digest(context.warehouse, context.period, settings.digest_link))

    return Step(f"Sending the digest of {context.period}", settings.as_env(), send)


STEPS: Mapping[str, Callable[[RunContext], Step]] = {
    "sync": _plan_sync,
    "build": _plan_build,
    "health": _plan_health,
    "dashboard": _plan_dashboard,
    "archive": _plan_archive,
    "digest": _plan_digest,
}
WRITERS = ("sync", "build")  # by other programs, which have their own clients of the warehouse


def plan_steps(context: RunContext, skip: Sequence[str]) -> dict[str, Step]:
    """Plan the steps by name; SettingsError names every problem of every step."""
    is_read = any(name not in skip for name in STEPS if name not in WRITERS)
    plan, problems = {}, context.warehouse.problems(is_read=is_read)
    # Problems are collected, so that one run names the missing settings of every step.
    for name, plan_step in STEPS.items():
        if name in skip:
            continue
        try:
            plan[name] = plan_step(context)
        except SettingsError as error:
            problems += error.problems
    if problems:
        raise SettingsError(list(dict.fromkeys(problems)))
    return plan


def run_steps(plan: Mapping[str, Step], alerts: AlertSettings) -> None:
    """Run the steps in order up to the first failure; print, and alert, which were done."""
    names = list(plan)
    for number, (name, step) in enumerate(plan.items()):
        try:
            with steps.log_step(f"{number + 1}/{len(plan)} {step.title}"):
                step.run()
        # These are the errors that end a command in one line; any other is a bug with a traceback.
        except (CommandError, LookerError, OSError) as error:
            outcome = (
                f"Done: {_join_names(names[:number])}. Failed: {name}."
                f" Not done: {_join_names(names[number + 1 :])}."
            )
            print(f"\n{outcome}", flush=True)
            _alert_of_failure(alerts, name, f"{error}\n\n{outcome}")
            raise
    print(f"\nDone: {_join_names(names)}.")


def _alert_of_failure(alerts: AlertSettings, name: str, text: str) -> None:
    """Alert of a failed step; if that fails too, say so, and let the step's error be the last."""
    try:
        alerts.alert(f"Klaviyo pipeline: {name} failed", text)
    except CommandError as error:
        print(error, file=sys.stderr)


def _join_names(names: Sequence[str]) -> str:
    return ", ".join(names) or "nothing"


@command
def main(arguments: Sequence[str] | None = None) -> None:
    """Plan the steps, and run them or print the plan."""
    options = _build_parser().parse_args(arguments)
    logging.basicConfig(level=options.log_level.upper())
    workspace = replace(_choose_workspace(options.folder), loader=options.loader)
    settings = WarehouseSettings.read(
        dbt_target=options.target, klaviyo_warehouse=workspace.warehouse
    )
    if options.loader == "simplyload" and settings.dbt_target == "bigquery":
        raise SettingsError(["SimplyLoad loads into duckdb or postgres: choose one as --target"])
    environment = {"DBT_LOG_LEVEL": options.log_level}
    context = RunContext(settings, workspace, choose_period(options), environment)
    plan = plan_steps(context, options.skip)
    if not options.dry_run:
        run_steps(plan, AlertSettings.read())
        return
    for name, step in plan.items():
        print(f"{name}: {step.title}")
        for setting, value in step.settings.items():
            print(f"    {setting}={value}")


def _parse_folder(text: str) -> Path:
    """Parse a path that is a folder, or that can become one."""
    folder = Path(text).resolve()
    if not next(path for path in (folder, *folder.parents) if path.exists()).is_dir():
        raise ValueError(text)
    return folder


def _choose_workspace(folder: Path | None) -> steps.Workspace:
    """The workspace in `folder`; without one DEFAULT_FOLDER and the marts of KLAVIYO_WAREHOUSE."""
    marts = "" if folder else os.environ.get("KLAVIYO_WAREHOUSE")
    folder = folder or DEFAULT_FOLDER.resolve()
    file = Path(marts or folder / "warehouse.duckdb").resolve()
    return steps.Workspace(folder, file, folder / "dashboard.html")


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        ".venv/bin/python -m scripts.pipeline",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=".env.example explains every setting.",
    )
    add = parser.add_argument
    add("--skip", action="append", default=[], choices=STEPS, help="skip a step; repeatable")
    add_period_options(parser)
    add("--target", choices=TARGETS, help="dbt's target: where the marts are (DBT_TARGET)")
    folder = argument_type("a folder, or where one can be made", _parse_folder)
    add("--folder", type=folder, help=f"folder for the files on this machine ({DEFAULT_FOLDER})")
    add(
        "--loader",
        choices=get_args(steps.Loader),
        default="fivetran",
        help="what runs the connector (%(default)s)",
    )
    add("--dry-run", action="store_true", help="print the steps with their settings, run nothing")
    add(
        "--log-level",
        choices=["debug", "info", "warn", "error"],
        default="warn",
        help="of dbt and of libraries",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
