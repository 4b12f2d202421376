"""`make demo`: a simulated Klaviyo account to `build/dashboard.html`, on this machine alone."""

import argparse
import shutil
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from klaviyo_sandbox.account import CAMPAIGNS
from klaviyo_sandbox.simulation.history import PROFILES
from scripts import sandbox, steps
from scripts.command import command, count, expected

PLACE = steps.Place(
    steps.ROOT / "build" / "demo",
    steps.ROOT / "build" / "warehouse.duckdb",
    steps.ROOT / "build" / "dashboard.html",
)
KEY = "pk_sandbox_demo"
STORY = timedelta(days=50)  # the simulated account is written 60 days past its epoch


@command
def main(arguments: Sequence[str] | None = None) -> None:
    """Run every step; the exit code is 0 only if all of them did what they say."""
    options = _parser().parse_args(arguments)
    note = _note(PLACE.folder, options)
    epoch = _epoch(note, options.now.date())
    with ExitStack() as running:
        with steps.step("Starting a simulated Klaviyo account (sandbox data)"):
            url = running.enter_context(sandbox.running(*_account(epoch, options)))
            _keep(note, epoch)  # only now: the last demo outlives an account that cannot be built
        with steps.step("Syncing it with `fivetran debug`"):
            steps.sync(PLACE, {"api_key": KEY}, {"KLAVIYO_BASE_URL": url})
    with steps.step("Building and testing the warehouse models with dbt"):
        steps.build(PLACE, {"KLAVIYO_TABLES": "reporting"}, strict=True)
    with steps.step("Drawing the dashboard"):
        steps.draw(PLACE)
    print(f"\n{steps.summary(PLACE)}\n")
    print("This is sandbox data: a simulated Klaviyo account, not a real one.")
    print(f"Open {PLACE.dashboard.relative_to(steps.ROOT)} in a browser.")


def _note(folder: Path, options: argparse.Namespace) -> Path:
    """The file that tells the epoch of the last demo's account; one of another size has none."""
    return folder / f"epoch-{options.campaigns}-{options.profiles}.txt"


def _epoch(note: Path, today: date) -> date:
    """The epoch of the last demo's account while its story lasts, or of a new one."""
    last = date.fromisoformat(note.read_text()) if note.exists() else today
    return last if timedelta(0) <= today - last <= STORY else today


def _keep(note: Path, epoch: date) -> None:
    """Begin anew unless the account is that of the last demo."""
    if not note.exists() or note.read_text() != epoch.isoformat():
        shutil.rmtree(note.parent, ignore_errors=True)
        note.parent.mkdir(parents=True)
        note.write_text(epoch.isoformat())


def _account(epoch: date, options: argparse.Namespace) -> list[str]:
    """The sandbox's options."""
    size = ["--campaigns", str(options.campaigns), "--profiles", str(options.profiles)]
    times = ["--epoch", epoch.isoformat(), "--now", options.now.isoformat()]
    return ["--seed", "7", *times, *size, "--no-limits"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("make demo", description=__doc__)
    this_hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    parser.add_argument(
        "--now",
        type=expected(
            "a time such as 2026-11-16T15:00:00+00:00",
            lambda text: datetime.fromisoformat(text).astimezone(UTC),
        ),
        default=this_hour,
        help="the simulated account's clock; default: this hour, so that a second run in the same"
        " hour finds nothing changed",
    )
    for name, default in (("campaigns", CAMPAIGNS), ("profiles", PROFILES)):
        parser.add_argument(
            f"--{name}", type=count, default=default, help="in the simulated account: %(default)s"
        )
    return parser


if __name__ == "__main__":
    sys.exit(main())
