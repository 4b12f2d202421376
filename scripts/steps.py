"""The steps from an account to a dashboard: sync, build, draw, summarize.

A failed step raises a StepError that names it.
"""

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

# A line of the SDK's log is `time level icon origin message`; ours have the origin `connector`.
CONNECTOR_LINE = re.compile(r"^[\d:.]+ \w+ +\S+ connector (.*)")
STATE = re.compile(r'\{"version": \d+, "accounts": .*')
FAILURE_LINE = re.compile(r"SYNC FAILED|Error: |WARNING|SEVERE")


class StepError(CommandError):
    """A step failed. The message names the step; its output is printed above."""


@dataclass(frozen=True)
class Workspace:
    """The files of one account's sync, warehouse and dashboard on this machine."""

    folder: Path
    warehouse: Path
    dashboard: Path

    @property
    def project(self) -> Path:
        """The copy of the connector that runs; its `files/` hold the raw tables and the state."""
        return self.folder / "connector"

    @property
    def raw(self) -> Path:
        """The DuckDB file that the sync loads into."""
        return self.project / "files" / "warehouse.db"


@contextmanager
def log_step(title: str) -> Iterator[None]:
    """Print the title of a step, and its duration once it succeeds."""
    print(f"\n=== {title}", flush=True)
    began = monotonic()
    yield
    print(f"    done in {monotonic() - began:.1f} s", flush=True)


def sync(
    workspace: Workspace, configuration: Mapping[str, str], environment: Mapping[str, str]
) -> None:
    """Run the real `fivetran debug` on the connector; it continues from the last run's state.

    The connector's messages are printed. The log of the SDK, without the state that it repeats at
    every checkpoint, goes to `sync.log`; its warnings and errors are printed too.
    """
    # A copy per account, since `fivetran debug` keeps the state in `files/` beside the code.
    ignored = shutil.ignore_patterns("files", "crash-reports", "__pycache__")
    shutil.copytree(CONNECTOR, workspace.project, dirs_exist_ok=True, ignore=ignored)
    inherited = _filter_environment(fivetran_debug.build_environment(workspace.folder / "home"))
    command = fivetran_debug.build_command(workspace.project)
    with (
        (workspace.folder / "sync.log").open("w") as log,
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
                log.write(STATE.sub("(the state, left out here)", line))
                _print_log_line(line)
    _raise_for_exit_code("The sync", process.returncode)


def _print_log_line(line: str) -> None:
    """Print a line of the SDK's log if the connector wrote it, or if it reports a failure."""
    from_connector = CONNECTOR_LINE.search(line)
    if from_connector:
        print(f"    {from_connector.group(1)}", flush=True)
    elif FAILURE_LINE.search(line):
        print(f"    {line.strip()}", flush=True)


def _filter_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that a child process inherits: all but the API key and the empty ones.

    The API key goes as configuration. An empty variable counts as not set; dbt would use it.
    """
    return {
        name: value for name, value in environment.items() if value and name != "KLAVIYO_API_KEY"
    }


def _check_files(workspace: Workspace) -> None:
    """Check that no other process holds either database; dbt would report it in a traceback."""
    if not workspace.raw.exists():
        raise StepError(f"{workspace.raw} is missing: sync first.")
    for file, is_read_only in ((workspace.raw, True), (workspace.warehouse, False)):
        try:
            duckdb.connect(str(file), read_only=is_read_only).close()
        except duckdb.Error as error:
            reason = str(error).splitlines()[0]
            raise StepError(
                f"{file} cannot be opened: end what holds it, or move it away. {reason}"
            ) from None


def build(
    workspace: Workspace,
    environment: Mapping[str, str],
    *,
    target: str = "duckdb",
    strict: bool = False,
) -> None:
    """Build the dbt models and run their data tests; with `strict` a warning fails the build."""
    workspace.warehouse.parent.mkdir(parents=True, exist_ok=True)
    # On another target these variables are the user's own, and describe that target.
    local = {}
    if target == "duckdb":
        _check_files(workspace)
        local = {
            "KLAVIYO_RAW_DUCKDB": str(workspace.raw),
            "KLAVIYO_RAW_DATABASE": "raw",  # its alias in profiles.yml
            "KLAVIYO_RAW_SCHEMA": fivetran_debug.SCHEMA,
            "KLAVIYO_WAREHOUSE": str(workspace.warehouse),
        }
    project = ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
    flags = ["--warn-error"] if strict else []
    # Unit tests test the SQL with rows of their own: they belong to development (docs.getdbt.com).
    build = ["build", "--exclude-resource-type", "unit_test"]
    command = [str(DBT), *flags, *build, *project, "--target", target]
    inherited = _filter_environment(os.environ)
    # --quiet would leave out warnings, too.
    quiet = {"DO_NOT_TRACK": "1", "DBT_LOG_LEVEL": "warn"}
    _run("The dbt build", command, {**inherited, **local, **quiet, **environment})


def draw(workspace: Workspace) -> None:
    """Write the dashboard."""
    command = [sys.executable, "-m", "looker", "preview"]
    files = ["--warehouse", str(workspace.warehouse), "--output", str(workspace.dashboard)]
    _run("The dashboard", command + files, dict(os.environ))


def _run(title: str, command: list[str], environment: Mapping[str, str]) -> None:
    try:
        code = subprocess.run(command, env=dict(environment), cwd=ROOT, check=False).returncode
    except OSError:
        raise StepError(f"{title} failed: {command[0]} cannot be run; `make` installs it") from None
    _raise_for_exit_code(title, code)


def _raise_for_exit_code(title: str, code: int) -> None:
    if code:
        raise StepError(f"{title} failed (exit code {code}); the reason is printed above.")


LAST_30_DAYS_QUERY = """
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


def summarize(workspace: Workspace) -> str:
    """Format a short table of the sends in the last 30 days of data."""
    with duckdb.connect(str(workspace.warehouse), read_only=True) as warehouse:
        rows = warehouse.sql(LAST_30_DAYS_QUERY).fetchall()
    lines = [
        f"{'last 30 days':<28}{'recipients':>12}{'open':>8}{'click':>8}{'orders':>8}{'revenue':>14}"
    ]
    for channel, kind, recipients, opened, clicked, orders, revenue in rows:
        lines.append(
            f"{f'{kind}, {channel}':<28}{recipients:>12,}{_format_percent(opened):>8}"
            f"{_format_percent(clicked):>8}{orders:>8,}{revenue:>14,.2f}"
        )
    return "\n".join(lines)


def _format_percent(fraction: float | None) -> str:
    return "-" if fraction is None else f"{fraction:.1%}"
