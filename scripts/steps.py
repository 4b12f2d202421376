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
from typing import Any, Literal, TextIO

import duckdb
import yaml

from scripts import fivetran_debug, parsed_project
from scripts.command import CommandError

ROOT = Path(__file__).parent.parent
DBT = ROOT / ".venv-dbt" / "bin" / "dbt"
SIMPLYLOAD = ROOT / ".venv-load" / "bin" / "simplyload"
# What the dbt models call them, as Fivetran does.
METADATA_NAMES = {"deleted": "_fivetran_deleted", "synced_at": "_fivetran_synced"}
DBT_PROJECT = ROOT / "dbt_project"
CONNECTOR = ROOT / "klaviyo_connector"

Loader = Literal["fivetran", "simplyload"]

# A line of the SDK's log is `time level icon origin message`; ours have the origin `connector`.
CONNECTOR_LINE = re.compile(r"^[\d:.]+ \w+ +\S+ connector (.*)")
STATE = re.compile(r'\{"version": \d+, "accounts": .*')
# A node of dbt has ended, such as `3 of 252 OK created sql view model ...`; a hook is no node.
DBT_RESULT = re.compile(r"\d+ of (\d+) (?!START|OK hook)")
DBT_PROGRESS = 50  # nodes
LEVELS = ("debug", "info", "warn", "error")
FAILURE_LINE = re.compile(r"SYNC FAILED|Error: |WARNING|SEVERE")


class StepError(CommandError):
    """A step failed. The message names the step; its output is printed above."""


@dataclass(frozen=True)
class Workspace:
    """The files of one account's sync, warehouse and dashboard on this machine."""

    folder: Path
    warehouse: Path
    dashboard: Path
    loader: Loader = "fivetran"

    @property
    def project(self) -> Path:
        """The copy of the connector that runs; its `files/` hold the raw tables and the state."""
        return self.folder / "connector"

    @property
    def raw(self) -> Path:
        """The DuckDB file that the sync loads into."""
        if self.loader == "simplyload":
            return self.folder / "simplyload" / "raw.duckdb"
        return self.project / "files" / "warehouse.db"

    @property
    def raw_schema(self) -> str:
        """Its schema with the raw tables."""
        return "klaviyo" if self.loader == "simplyload" else fivetran_debug.SCHEMA


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
    log_file = workspace.folder / "sync.log"
    print(f"    its log: {os.path.relpath(log_file)}", flush=True)
    with log_file.open("w") as log:
        code = _debug_connector(
            workspace.project, json.dumps(configuration), {**inherited, **environment}, log
        )
    _raise_for_exit_code("The sync", code)


def _debug_connector(
    project: Path, configuration: str, environment: Mapping[str, str], log: TextIO
) -> int:
    """Run `fivetran debug` with the configuration on its input; return its exit code."""
    with subprocess.Popen(
        fivetran_debug.build_command(project),
        env=environment,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        if process.stdin and process.stdout:
            process.stdin.write(configuration)
            process.stdin.close()
            for line in process.stdout:
                log.write(STATE.sub("(the state, left out here)", line))
                _print_log_line(line)
    return process.returncode


def load(
    workspace: Workspace,
    source: Mapping[str, str],
    destination: Mapping[str, Any],
    environment: Mapping[str, str],
) -> None:
    """Run SimplyLoad on the connector's own sync; it continues from what the destination holds.

    Secrets are only in the environment: source and destination refer to them as `${NAME}`.
    """
    folder = workspace.folder / "simplyload"
    folder.mkdir(parents=True, exist_ok=True)
    written = {
        "sources": {"klaviyo": {"type": "klaviyo", "connector": str(CONNECTOR), **source}},
        "destination": {**destination, "names": METADATA_NAMES},
        "log": "log",
    }
    file = folder / "simplyload.yml"
    file.write_text(yaml.safe_dump(written, sort_keys=False))
    command = [str(SIMPLYLOAD), "sync", "--config", str(file)]
    _run("The sync", command, {**_filter_environment(os.environ), **environment})


def _print_log_line(line: str) -> None:
    """Print a line of the SDK's log if the connector wrote it, or if it reports a failure."""
    from_connector = CONNECTOR_LINE.search(line)
    if from_connector:
        print(f"    {from_connector.group(1)}", flush=True)
    elif FAILURE_LINE.search(line):
        print(f"    {line.strip()}", flush=True)


def _filter_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that a child process inherits: all but the API key and the empty ones.

    The API key goes as configuration. An empty variable counts as not set; dbt would use it. dbt
    reads `.env` itself too, with the key and the empty ones: what is filled in is here already.
    """
    kept = {
        name: value for name, value in environment.items() if value and name != "KLAVIYO_API_KEY"
    }
    return {**kept, "PYTHON_DOTENV_DISABLED": "1"}


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
            "KLAVIYO_RAW_SCHEMA": workspace.raw_schema,
            "KLAVIYO_WAREHOUSE": str(workspace.warehouse),
        }
    project = ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
    flags = ["--log-format", "json", *(["--warn-error"] if strict else [])]
    # Unit tests test the SQL with rows of their own: they belong to development (docs.getdbt.com).
    build = ["build", "--exclude-resource-type", "unit_test"]
    least = environment.get("DBT_LOG_LEVEL", "warn")
    # Its progress is at level info.
    quiet = {"DO_NOT_TRACK": "1", "DBT_LOG_LEVEL": "debug" if least == "debug" else "info"}
    settings = {**_filter_environment(os.environ), **environment, **local, **quiet}
    with parsed_project.reuse_if_same(DBT_PROJECT, target, settings) as reuse:
        command = [str(DBT), *flags, reuse, *build, *project, "--target", target]
        _run_dbt(command, settings, least)


def _run_dbt(command: list[str], environment: Mapping[str, str], least: str) -> None:
    """Run dbt; print its messages from a level on, and its progress at intervals."""
    folder = environment.get("DBT_LOG_PATH") or DBT_PROJECT / "logs"
    print(f"    its log: {os.path.relpath(Path(folder) / 'dbt.log')}", flush=True)
    done = 0
    try:
        process = subprocess.Popen(
            command, env=dict(environment), cwd=ROOT, text=True, stdout=subprocess.PIPE
        )
    except OSError:
        raise StepError(
            f"The dbt build failed: {command[0]} cannot be run; `make` installs it"
        ) from None
    with process:
        for line in process.stdout or ():
            level, message = _parse_dbt_line(line)
            if level not in LEVELS or LEVELS.index(level) >= LEVELS.index(least):
                print(f"    {message}", flush=True)
            elif result := DBT_RESULT.match(message):
                done += 1
                total = int(result.group(1))
                if done % DBT_PROGRESS == 0 or done == total:
                    print(f"    {done} of {total} models and tests", flush=True)
    _raise_for_exit_code("The dbt build", process.returncode)


def _parse_dbt_line(line: str) -> tuple[str, str]:
    """The level and the text of a line of dbt's log; a line that is no JSON has no level."""
    try:
        info = json.loads(line)["info"]
    except (ValueError, LookupError, TypeError):
        return "", line.rstrip()
    return info["level"], info["msg"]


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
        replace(send_channel, '-notification', '') as send_channel,
        message_type || 's' as message_type,
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
