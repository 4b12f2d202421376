"""From Klaviyo to the inbox: sync, build the marts, draw the dashboard, archive, send the digest.

On the target duckdb `fivetran debug` syncs on this machine; on the others Fivetran does.
All settings are checked before the first step; the first failure ends the run with its exit code.

exit codes:
  0  every step did what it says
  1  a step failed
  2  an option or setting is missing or malformed, and nothing was done
  3, 4, 5  the sync failed as scripts.fivetran_sync says
"""

import argparse
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator

from looker import declaration, semantic
from looker.errors import LookerError
from looker.warehouse import HEALTH
from scripts import configuration, digest, export, fivetran_sync, mail, steps, warehouse
from scripts.command import CommandError, Settings, SettingsError, command, expected
from scripts.fivetran_sync import SyncSettings
from scripts.results import Period
from scripts.warehouse import TARGETS, WarehouseSettings

FOLDER = Path("build", "account")


class BuildSettings(Settings):
    """What dbt builds besides the marts; it would refuse another word too, but after the sync."""

    klaviyo_compatibility: Annotated[Literal["true", "false"], BeforeValidator(str.lower)] = "false"


def _dated(mart: str) -> str:
    """A mart of dbt's whose rows have a day, since the archive is of a period."""
    dated = [name for name, columns in semantic.load().columns.items() if export.day_of(columns)]
    if mart not in dated:
        raise ValueError(f"{mart} is none of dbt's marts by day: {', '.join(dated)}")
    return mart


class ArchiveSettings(Settings):
    """What is archived; without an address it stays in `data/`."""

    archive_mart: Annotated[str, AfterValidator(_dated)] = export.DEFAULT
    archive_format: Literal["csv", "parquet"] = "csv"
    archive_s3: str = ""


@dataclass(frozen=True)
class Run:
    """What every step knows: where things are, and which days are archived and reported."""

    warehouse: WarehouseSettings
    place: steps.Place
    period: Period
    environment: Mapping[str, str]

    @property
    def is_local(self) -> bool:
        """Whether all of it happens on this machine."""
        return self.warehouse.dbt_target == "duckdb"


@dataclass(frozen=True)
class Step:
    """A step that has all it needs. `settings` show no secret."""

    title: str
    settings: Mapping[str, str]
    run: Callable[[], None]


def _sync(run: Run) -> Step:
    if run.is_local:
        given = configuration.read()
        sync = partial(steps.sync, run.place, given, {})
        return Step("Syncing with `fivetran debug`", configuration.shown(given), sync)
    settings = SyncSettings.read()
    return Step("Syncing with Fivetran", settings.shown(), partial(fivetran_sync.run, settings))


def _build(run: Run) -> Step:
    target = run.warehouse.dbt_target
    build = partial(steps.build, run.place, run.environment, target=target)
    shown = configuration.tables() | BuildSettings.read().shown() | run.warehouse.shown()
    return Step(f"Building and testing the marts with dbt on {target}", shown, build)


def _dashboard(run: Run) -> Step:
    def draw() -> None:
        place = run.place if run.is_local else copied(run)
        steps.draw(place)
        print(f"\n{steps.summary(place)}")

    return Step(f"Drawing {run.place.dashboard}", {}, draw)


def copied(run: Run) -> steps.Place:
    """The place with a copy of the marts that the dashboard reads, for it reads DuckDB."""
    place = replace(run.place, warehouse=run.place.folder / "copied_marts.duckdb")
    with warehouse.opened(run.warehouse) as source:
        export.copy(source, _marts(), place.warehouse)
    return place


def _marts() -> set[str]:
    semantics = semantic.load()
    tiles = declaration.load(semantics).tiles
    return {HEALTH, *(semantics.model(tile.model).table for tile in tiles)}


def _archive(run: Run) -> Step:
    settings = ArchiveSettings.read()
    extract = export.Extract(settings.archive_mart, run.period.start, run.period.end)
    address = export.filled_in(settings.archive_s3, extract)

    def archive() -> None:
        with warehouse.opened(run.warehouse) as source:
            export.run(source, extract, extract.file(settings.archive_format), address)

    return Step(f"Archiving {settings.archive_mart}", settings.shown(), archive)


def _digest(run: Run) -> Step:
    settings = mail.read()

    def send() -> None:
        settings.send(digest.compose(run.warehouse, run.period, settings.digest_link))

    return Step(f"Sending the digest of {run.period}", settings.shown(), send)


STEPS: Mapping[str, Callable[[Run], Step]] = {
    "sync": _sync,
    "build": _build,
    "dashboard": _dashboard,
    "archive": _archive,
    "digest": _digest,
}


def planned(run: Run, skipped: Sequence[str]) -> dict[str, Step]:
    """The steps by name; SettingsError names all that any of them lacks."""
    plan, problems = {}, run.warehouse.problems()
    for name, prepare in STEPS.items():
        if name in skipped:
            continue
        try:
            plan[name] = prepare(run)
        except SettingsError as error:
            problems += error.problems
    if problems:
        raise SettingsError(list(dict.fromkeys(problems)))
    return plan


def carry_out(plan: Mapping[str, Step]) -> None:
    """Run one step after the other; the first that fails is the last, and all are accounted for."""
    names = list(plan)
    for number, (name, step) in enumerate(plan.items()):
        try:
            with steps.step(f"{number + 1}/{len(plan)} {step.title}"):
                step.run()
        except (CommandError, LookerError, OSError):
            print(f"\nDone: {_list(names[:number])}. Failed: {name}.", end=" ")
            print(f"Not done: {_list(names[number + 1 :])}.", flush=True)
            raise
    print(f"\nDone: {_list(names)}.")


def _list(names: Sequence[str]) -> str:
    return ", ".join(names) or "nothing"


@command
def main(arguments: Sequence[str] | None = None) -> None:
    """Plan, and carry the plan out."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=options.log_level.upper())
    place = _place(options.folder)
    settings = WarehouseSettings.read(dbt_target=options.target, klaviyo_warehouse=place.warehouse)
    environment = {"DBT_LOG_LEVEL": options.log_level}
    plan = planned(Run(settings, place, digest.period(options), environment), options.skip)
    if not options.dry_run:
        carry_out(plan)
        return
    for name, step in plan.items():
        print(f"{name}: {step.title}")
        for setting, value in step.settings.items():
            print(f"    {setting}={value}")


def _folder(text: str) -> Path:
    folder = Path(text).resolve()
    if not next(each for each in (folder, *folder.parents) if each.exists()).is_dir():
        raise ValueError(text)
    return folder


def _place(given: Path | None) -> steps.Place:
    """Everything in the folder that is given; else in FOLDER, but the marts where settings say."""
    folder = given or FOLDER.resolve()
    marts = "" if given else os.environ.get("KLAVIYO_WAREHOUSE")
    file = Path(marts or folder / "warehouse.duckdb").resolve()
    return steps.Place(folder, file, folder / "dashboard.html")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        ".venv/bin/python -m scripts.pipeline",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=".env.example explains every setting.",
    )
    add = parser.add_argument
    add("--skip", action="append", default=[], choices=STEPS, help="leave a step out; repeatable")
    digest.add_period(parser)
    add("--target", choices=TARGETS, help="dbt's target: where the marts are (DBT_TARGET)")
    folder = expected("a folder, or where one can be made", _folder)
    add("--folder", type=folder, help=f"for all that stays on this machine ({FOLDER})")
    add("--dry-run", action="store_true", help="show the steps with their settings, do nothing")
    add("--log-level", choices=["debug", "info", "warn", "error"], default="warn")
    return parser


if __name__ == "__main__":
    sys.exit(main())
