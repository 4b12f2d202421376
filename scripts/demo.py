"""`make demo`: a simulated Klaviyo account to `build/dashboard.html`, on this machine alone."""

import argparse
import shutil
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from klaviyo_sandbox.account import CAMPAIGNS
from klaviyo_sandbox.people.history import PROFILES
from scripts import sandbox, steps
from scripts.command import command

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
    with ExitStack() as running:
        with steps.step("Starting a simulated Klaviyo account (sandbox data)"):
            url = running.enter_context(sandbox.running(*_account(PLACE.folder, options)))
        with steps.step("Syncing it with `fivetran debug`"):
            steps.sync(PLACE, {"api_key": KEY}, {"KLAVIYO_BASE_URL": url})
    with steps.step("Building and testing the warehouse models with dbt"):
        steps.build(PLACE, {"KLAVIYO_TABLES": "reporting"}, strict=True)
    with steps.step("Drawing the dashboard"):
        steps.draw(PLACE)
    print(f"\n{steps.summary(PLACE)}\n")
    print("This is sandbox data: a simulated Klaviyo account, not a real one.")
    print(f"Open {PLACE.dashboard.relative_to(steps.ROOT)} in a browser.")


def _account(folder: Path, options: argparse.Namespace) -> list[str]:
    """The sandbox's options: the account of the last demo while its story lasts, or a new one."""
    size = ["--campaigns", str(options.campaigns), "--profiles", str(options.profiles)]
    note = folder / f"epoch-{options.campaigns}-{options.profiles}.txt"  # another size, another one
    epoch = date.fromisoformat(note.read_text()) if note.exists() else None
    if epoch is None or not epoch <= options.now.date() <= epoch + STORY:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        epoch = options.now.date()
        note.write_text(epoch.isoformat())
    times = ["--epoch", epoch.isoformat(), "--now", options.now.isoformat()]
    return ["--seed", "7", *times, *size, "--no-limits"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("make demo", description=__doc__)
    this_hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    parser.add_argument(
        "--now",
        type=lambda text: datetime.fromisoformat(text).astimezone(UTC),
        default=this_hour,
        help="the simulated account's clock; default: this hour, so that a second run in the same"
        " hour finds nothing changed",
    )
    for name, default in (("campaigns", CAMPAIGNS), ("profiles", PROFILES)):
        parser.add_argument(
            f"--{name}", type=int, default=default, help="in the simulated account: %(default)s"
        )
    return parser


if __name__ == "__main__":
    sys.exit(main())
