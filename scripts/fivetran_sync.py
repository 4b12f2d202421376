"""Start a sync of a Fivetran connection and wait for its end.

exit codes:
  0  the sync succeeded
  1  the sync failed
  2  an option or setting is missing or malformed
  3  the sync did not begin or did not end in time
  4  Fivetran refuses the API key, or knows no such group or connection
  5  the connection is paused, or its set-up is not finished
"""

import argparse
import base64
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field, SecretStr

from scripts.command import CommandError, Settings, UsageError, command
from scripts.fivetran_api import (
    Deadline,
    DeadlineExceededError,
    FivetranClient,
    NotFoundError,
    add_jitter,
)

START_TIMEOUT = 300.0  # seconds within which a triggered sync must begin
NEVER = datetime.min.replace(tzinfo=UTC)

Connection = Mapping[str, Any]


class NotReadyError(CommandError):
    """The connection cannot sync until a person acts."""

    code = 5


def _decode_key(secret: SecretStr) -> tuple[str, str]:
    """Decode an API key, which Fivetran shows as base64 of `key:secret`, into both parts."""
    key, _, password = (
        base64.b64decode(secret.get_secret_value(), validate=True).decode().partition(":")
    )
    return key, password


def _validate_key(secret: SecretStr) -> SecretStr:
    with suppress(ValueError):
        if all(_decode_key(secret)):
            return secret
    raise ValueError("it must be base64 of key:secret")


class FivetranSettings(Settings):
    """The API key, and how long to wait for Fivetran."""

    fivetran_api_key: Annotated[SecretStr, AfterValidator(_validate_key)]
    fivetran_timeout: float = Field(7200, gt=0)  # seconds

    def connect(self) -> FivetranClient:
        """Make a client with this key; its deadline begins now."""
        return FivetranClient(*_decode_key(self.fivetran_api_key), Deadline(self.fivetran_timeout))


class SyncSettings(FivetranSettings):
    """Which connection to sync, and how often to poll it."""

    fivetran_connection: str
    fivetran_group: str = ""
    fivetran_poll_interval: float = Field(15, ge=1)  # seconds


def run(settings: SyncSettings) -> None:
    """Sync the connection that the settings name."""
    fivetran = settings.connect()
    connection = find_connection(fivetran, settings.fivetran_connection, settings.fivetran_group)
    sync(fivetran, connection, settings.fivetran_poll_interval)


def find_connection(fivetran: FivetranClient, connection: str, group: str = "") -> str:
    """Find the id of the connection with this id or name, in the group with this id or name."""
    parameters = {"group_id": _find_group(fivetran, group)} if group else {}
    ids = [
        str(item["id"])
        for item in fivetran.list_items("/connections", **parameters)
        if connection in (item["id"], item["schema"])
    ]
    if not ids:
        where = f" in the group {group!r}" if group else ""
        raise NotFoundError(f"Fivetran has no connection {connection!r}{where}: --list shows all.")
    if len(ids) > 1:
        raise UsageError(f"{len(ids)} connections are named {connection!r}: add --group.")
    return ids[0]


def _find_group(fivetran: FivetranClient, group: str) -> str:
    for item in fivetran.list_items("/groups"):
        if group in (item["id"], item["name"]):
            return str(item["id"])
    raise NotFoundError(f"Fivetran has no group {group!r}: --list shows all.")


def sync(fivetran: FivetranClient, connection: str, interval: float) -> None:
    """Start a sync of the connection with this id, or join a running one, and wait for its end.

    A sync has no id of its own. It has ended when `succeeded_at` or `failed_at` changes:

        before            start     scheduled     syncing        end
        succeeded_at 8:00   |-----------|------------|------------|  succeeded_at 9:00  -> success
        failed_at    7:00                                            failed_at    9:00  -> failure
    """
    print(f"https://fivetran.com/dashboard/connections/{connection}/status", flush=True)
    path = f"/connections/{connection}"
    before = _require_ready(fivetran.get(path))
    if before["status"]["sync_state"] == "syncing":
        print("A sync is running already: waiting for that one.", flush=True)
    else:
        _start_sync(fivetran, path)
    began, state = time.monotonic(), ""
    while not _has_succeeded(before, now := fivetran.get(path)):
        state = _report_state(state, now, time.monotonic() - began)
        if _needs_restart(_require_ready(now)):
            _start_sync(fivetran, path)
        fivetran.deadline.sleep(add_jitter(interval), "The end of the sync")
    _report_state(state, now, time.monotonic() - began)
    print("The sync succeeded.", flush=True)


def _start_sync(fivetran: FivetranClient, path: str) -> None:
    fivetran.post(f"{path}/sync", {"force": False})  # true would end a running sync


def _require_ready(connection: Connection) -> Connection:
    """Return the connection; NotReadyError if it waits for a person."""
    status = connection["status"]
    if status["setup_state"] != "connected":
        raise NotReadyError(
            f"The connection's set-up is {status['setup_state']}: finish it at the address above."
        )
    if connection["paused"] or status["sync_state"] == "paused":
        raise NotReadyError("The connection is paused: enable it at the address above.")
    return connection


def _report_state(last: str, connection: Connection, elapsed: float) -> str:
    """Print the state if it changed; DeadlineExceededError if the sync does not begin."""
    status = connection["status"]
    until = status.get("rescheduled_for")
    state = f"rescheduled for {until}" if until else str(status["sync_state"])
    if state != last:
        print(f"{elapsed:6.0f} s  {state}", flush=True)
    elif state == "scheduled" and elapsed > START_TIMEOUT:
        raise DeadlineExceededError(
            f"No sync began within {START_TIMEOUT:g} s: see the address above."
        )
    return state


def _needs_restart(connection: Connection) -> bool:
    """Whether a rescheduled sync is due on a connection that only this command starts."""
    until = _parse_time(connection["status"].get("rescheduled_for"))
    return connection["schedule_type"] == "manual" and NEVER < until <= datetime.now(UTC)


def _parse_time(text: str | None) -> datetime:
    return datetime.fromisoformat(text) if text else NEVER


def _has_succeeded(before: Connection, now: Connection) -> bool:
    """Whether a sync has succeeded since `before`; CommandError if one has failed after that."""
    succeeded, failed = _parse_time(now["succeeded_at"]), _parse_time(now["failed_at"])
    # Both can change between two polls; the later one is the outcome.
    if failed > _parse_time(before["failed_at"]) and failed >= succeeded:
        reasons = [task["message"] for task in now["status"].get("tasks", ())]
        raise CommandError(f"The sync failed: {'; '.join(reasons) or 'see the address above'}")
    return succeeded > _parse_time(before["succeeded_at"])


def print_connections(fivetran: FivetranClient) -> None:
    """Print every group and its connections."""
    for group in fivetran.list_items("/groups"):
        print(f"{group['name']} ({group['id']})")
        for item in fivetran.list_items("/connections", group_id=group["id"]):
            state = item["status"]["sync_state"]
            print(f"    {item['schema']} ({item['id']}), {item['service']}, {state}")


@command
def main(arguments: Sequence[str] | None = None) -> None:
    """List the connections, print what would be done, or sync."""
    options = vars(_build_parser().parse_args(arguments))
    if options.pop("list"):
        settings = FivetranSettings.read(fivetran_timeout=options["fivetran_timeout"])
        print_connections(settings.connect())
    elif options.pop("dry_run"):
        plan = SyncSettings.read(**options)
        group = f" of the group {plan.fivetran_group}" if plan.fivetran_group else ""
        seconds = f"for at most {plan.fivetran_timeout:g} s"
        print(f"Would sync {plan.fivetran_connection}{group} and wait {seconds}.", end=" ")
        print("No request was sent.")
    else:
        run(SyncSettings.read(**options))


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        ".venv/bin/python -m scripts.fivetran_sync",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="FIVETRAN_API_KEY, base64 of key:secret, comes from the environment or .env; so may "
        "FIVETRAN_GROUP,\nFIVETRAN_CONNECTION, FIVETRAN_POLL_INTERVAL and FIVETRAN_TIMEOUT.",
    )

    def add_setting(*flags: str, name: str, metavar: str, text: str) -> None:
        parser.add_argument(*flags, dest=f"fivetran_{name}", metavar=metavar, help=text)

    add_setting(
        "--group", name="group", metavar="GROUP", text="id or name of the group (destination)"
    )
    add_setting(
        "--connection",
        "--connector",
        name="connection",
        metavar="CONNECTION",
        text="id or name of the connection",
    )
    add_setting(
        "--poll-interval", name="poll_interval", metavar="S", text="seconds between polls (15)"
    )
    add_setting("--timeout", name="timeout", metavar="S", text="seconds until it gives up (7200)")
    parser.add_argument("--list", action="store_true", help="only list groups and connections")
    parser.add_argument(
        "--dry-run", action="store_true", help="check the settings, send no request"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
