"""The steps from an account to a dashboard: sync, build, draw, summarise. Each fails loudly."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import duckdb

from scripts import fivetran_debug
from scripts.command import CommandError

ROOT = Path(__file__).parent.parent
DBT = ROOT / ".venv-dbt" / "bin" / "dbt"
DBT_PROJECT = ROOT / "dbt_project"
CONNECTOR = ROOT / "klaviyo_connector"
_CONNECTOR_LINE = re.compile(r"^[\d:.]+ \w+ +\S+ connector (.*)")
_FAILURE_LINE = re.compile(r"SYNC FAILED|Error: |WARNING|SEVERE")


class StepError(CommandError):
    """A step failed; the message says which, and what it printed stands above it."""


@dataclass(frozen=True)
class Place:
    """The folder that one account's sync, warehouse and dashboard are kept in."""

    folder: Path
    warehouse: Path
    dashboard: Path

    @property
    def project(self) -> Path:
        """The copy of the connector that is run; its `files/` hold raw tables and state."""
        return self.folder / "connector"

    @property
    def raw(self) -> Path:
        """The DuckDB file that the sync loads into."""
        return self.project / "files" / "warehouse.db"


@contextmanager
def step(title: str) -> Iterator[None]:
    """Announce a step and say how long it took; a failed one is never called done."""
    print(f"\n=== {title}", flush=True)
    began = monotonic()
    yield
    print(f"    done in {monotonic() - began:.1f} s", flush=True)


def sync(place: Place, configuration: Mapping[str, str], environment: Mapping[str, str]) -> None:
    """Run the real `fivetran debug` on the connector; state and tables of earlier runs stay.

    What the connector says is shown; the SDK's whole log, which repeats the state at every
    checkpoint, goes to `sync.log` and is shown from its first error on.
    """
    ignored = shutil.ignore_patterns("files", "crash-reports", "__pycache__")
    shutil.copytree(CONNECTOR, place.project, dirs_exist_ok=True, ignore=ignored)
    inherited = _handed_down(fivetran_debug.environment(place.folder / "home"))
    command = fivetran_debug.command(place.project)
    with (
        (place.folder / "sync.log").open("w") as log,
        subprocess.Popen(
            command,
            env={**inherited, **environment},
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        if process.stdin and process.stdout:
            process.stdin.write(json.dumps(configuration))
            process.stdin.close()
            for line in process.stdout:
                log.write(line)
                _show(line)
    _check("The sync", process.returncode)


def _show(line: str) -> None:
    """Print a line of the SDK's log if the connector wrote it, or if it tells of a failure."""
    said = _CONNECTOR_LINE.search(line)
    if said:
        print(f"    {said.group(1)}", flush=True)
    elif _FAILURE_LINE.search(line):
        print(f"    {line.strip()}", flush=True)


def _handed_down(environment: Mapping[str, str]) -> dict[str, str]:
    """What a program gets of our environment: all but the key, which goes as configuration.

    An empty variable counts as not set; dbt would take it at its word.
    """
    return {
        name: value for name, value in environment.items() if value and name != "KLAVIYO_API_KEY"
    }


def _check_files(place: Place) -> None:
    """See that both files are databases that nobody else holds; dbt would say so in a traceback."""
    if not place.raw.exists():
        raise StepError(f"{place.raw} is missing: sync first.")
    for file, is_read in ((place.raw, True), (place.warehouse, False)):
        try:
            duckdb.connect(str(file), read_only=is_read).close()
        except duckdb.Error as error:
            reason = str(error).splitlines()[0]
            raise StepError(
                f"{file} cannot be opened: end what holds it, or move it away. {reason}"
            ) from None


def build(
    place: Place, environment: Mapping[str, str], *, target: str = "duckdb", strict: bool = False
) -> None:
    """Build and test the dbt models on what was synced; `strict` lets no warning pass."""
    place.warehouse.parent.mkdir(parents=True, exist_ok=True)
    local = {
        "KLAVIYO_RAW_DUCKDB": str(place.raw),
        "KLAVIYO_RAW_DATABASE": "raw",  # its alias in profiles.yml
        "KLAVIYO_RAW_SCHEMA": fivetran_debug.SCHEMA,
        "KLAVIYO_WAREHOUSE": str(place.warehouse),
    }
    if target == "duckdb":
        _check_files(place)
    project = ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
    flags = ["--quiet", *(["--warn-error"] if strict else [])]
    command = [str(DBT), *flags, "build", *project, "--target", target]
    where = local if target == "duckdb" else {}
    inherited = _handed_down(os.environ)
    _run("The dbt build", command, {**inherited, **where, "DO_NOT_TRACK": "1", **environment})


def draw(place: Place) -> None:
    """Write the dashboard."""
    command = [sys.executable, "-m", "looker", "preview"]
    places = ["--warehouse", str(place.warehouse), "--output", str(place.dashboard)]
    _run("The dashboard", command + places, dict(os.environ))


def _run(title: str, command: list[str], environment: Mapping[str, str]) -> None:
    try:
        code = subprocess.run(command, env=dict(environment), cwd=ROOT, check=False).returncode
    except OSError:
        raise StepError(f"{title} failed: {command[0]} cannot be run; `make` installs it") from None
    _check(title, code)


def _check(title: str, code: int) -> None:
    if code:
        raise StepError(f"{title} failed (exit code {code}); the reason stands above.")


LAST_30_DAYS = """
    with latest as (select max(data_to) as day from klaviyo.klaviyo__data_health)
    select
        send_channel,
        message_type,
        sum(recipients) as recipients,
        sum(opens_unique) / nullif(sum(open_tracked_delivered), 0) as open_rate,
        sum(clicks_unique) / nullif(sum(click_tracked_delivered), 0) as click_rate,
        sum(conversions) as conversions,
        sum(conversion_value) as revenue
    from klaviyo.klaviyo__message_performance, latest
    where sent_on > latest.day - 30 and sent_on <= latest.day
    group by all
    order by revenue desc
"""


def summary(place: Place) -> str:
    """A short table of what was sent in the last 30 days of data."""
    with duckdb.connect(str(place.warehouse), read_only=True) as warehouse:
        rows = warehouse.sql(LAST_30_DAYS).fetchall()
    lines = [
        f"{'last 30 days':<28}{'recipients':>12}{'open':>8}{'click':>8}{'orders':>8}{'revenue':>14}"
    ]
    for channel, kind, recipients, opened, clicked, orders, revenue in rows:
        lines.append(
            f"{f'{kind}, {channel}':<28}{recipients:>12,}{_percent(opened):>8}"
            f"{_percent(clicked):>8}{orders:>8,}{revenue:>14,.2f}"
        )
    return "\n".join(lines)


def _percent(fraction: float | None) -> str:
    return "-" if fraction is None else f"{fraction:.1%}"
