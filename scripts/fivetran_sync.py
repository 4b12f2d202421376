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
from scripts.fivetran_api import Deadline, Fivetran, NotFoundError, TooLateError, about

GRACE = 300.0  # seconds in which a sync that was asked for has to begin
NEVER = datetime.min.replace(tzinfo=UTC)

Connection = Mapping[str, Any]


class NotReadyError(CommandError):
    """The connection does not sync until a person has done something."""

    code = 5


def _parts(secret: SecretStr) -> tuple[str, str]:
    """The name and the secret of an API key, which Fivetran shows as base64 of both."""
    name, _, password = (
        base64.b64decode(secret.get_secret_value(), validate=True).decode().partition(":")
    )
    return name, password


def _is_key(secret: SecretStr) -> SecretStr:
    with suppress(ValueError):
        if all(_parts(secret)):
            return secret
    raise ValueError("it must be base64 of key:secret")


class FivetranSettings(Settings):
    """The key, and for how long its user is willing to wait."""

    fivetran_api_key: Annotated[SecretStr, AfterValidator(_is_key)]
    fivetran_timeout: float = Field(7200, gt=0)  # seconds

    def open(self) -> Fivetran:
        """The API, asked with this key, from now to the deadline."""
        return Fivetran(*_parts(self.fivetran_api_key), Deadline(self.fivetran_timeout))


class SyncSettings(FivetranSettings):
    """Which connection is synced, and how often we look."""

    fivetran_connection: str
    fivetran_group: str = ""
    fivetran_poll_interval: float = Field(15, ge=1)  # seconds


def run(settings: SyncSettings) -> None:
    """Sync the connection that the settings name."""
    fivetran = settings.open()
    connection = find(fivetran, settings.fivetran_connection, settings.fivetran_group)
    sync(fivetran, connection, settings.fivetran_poll_interval)


def find(fivetran: Fivetran, connection: str, group: str = "") -> str:
    """The id of the connection with this id or name, in the group with this id or name."""
    parameters = {"group_id": _group(fivetran, group)} if group else {}
    found = [
        str(one["id"])
        for one in fivetran.items("/connections", **parameters)
        if connection in (one["id"], one["schema"])
    ]
    if not found:
        where = f" in the group {group!r}" if group else ""
        raise NotFoundError(f"Fivetran has no connection {connection!r}{where}: --list shows all.")
    if len(found) > 1:
        raise UsageError(f"{len(found)} connections are named {connection!r}: add --group.")
    return found[0]


def _group(fivetran: Fivetran, group: str) -> str:
    for one in fivetran.items("/groups"):
        if group in (one["id"], one["name"]):
            return str(one["id"])
    raise NotFoundError(f"Fivetran has no group {group!r}: --list shows all.")


def sync(fivetran: Fivetran, connection: str, interval: float) -> None:
    """Start a sync of the connection with this id, or join the one that runs, and see it end.

    A sync has no id of its own: it has ended when `succeeded_at` or `failed_at` has moved.
    """
    print(f"https://fivetran.com/dashboard/connections/{connection}/status", flush=True)
    path = f"/connections/{connection}"
    before = _ready(fivetran.get(path))
    if before["status"]["sync_state"] == "syncing":
        print("A sync is running already: waiting for that one.", flush=True)
    else:
        _start(fivetran, path)
    began, state = time.monotonic(), ""
    while not _has_succeeded(before, now := fivetran.get(path)):
        state = _say(state, now, time.monotonic() - began)
        if _must_be_restarted(_ready(now)):
            _start(fivetran, path)
        fivetran.deadline.sleep(about(interval), "The end of the sync")
    _say(state, now, time.monotonic() - began)
    print("The sync succeeded.", flush=True)


def _start(fivetran: Fivetran, path: str) -> None:
    fivetran.post(f"{path}/sync", {"force": False})  # true would kill a sync that runs


def _ready(connection: Connection) -> Connection:
    """The connection, unless it waits for a person."""
    status = connection["status"]
    if status["setup_state"] != "connected":
        raise NotReadyError(
            f"The connection's set-up is {status['setup_state']}: finish it at the address above."
        )
    if connection["paused"] or status["sync_state"] == "paused":
        raise NotReadyError("The connection is paused: enable it at the address above.")
    return connection


def _say(last: str, connection: Connection, elapsed: float) -> str:
    """Print the state unless it is the last one; TooLateError if the sync does not begin."""
    status = connection["status"]
    until = status.get("rescheduled_for")
    state = f"rescheduled for {until}" if until else str(status["sync_state"])
    if state != last:
        print(f"{elapsed:6.0f} s  {state}", flush=True)
    elif state == "scheduled" and elapsed > GRACE:
        raise TooLateError(f"No sync began within {GRACE:g} s: see the address above.")
    return state


def _must_be_restarted(connection: Connection) -> bool:
    """Whether the sync was put off until now and nobody but us will start it."""
    until = _moment(connection["status"].get("rescheduled_for"))
    return connection["schedule_type"] == "manual" and NEVER < until <= datetime.now(UTC)


def _moment(text: str | None) -> datetime:
    return datetime.fromisoformat(text) if text else NEVER


def _has_succeeded(before: Connection, now: Connection) -> bool:
    """Whether a sync has succeeded meanwhile; CommandError if one has failed since."""
    succeeded, failed = _moment(now["succeeded_at"]), _moment(now["failed_at"])
    if failed > _moment(before["failed_at"]) and failed >= succeeded:
        reasons = [task["message"] for task in now["status"].get("tasks", ())]
        raise CommandError(f"The sync failed: {'; '.join(reasons) or 'see the address above'}")
    return succeeded > _moment(before["succeeded_at"])


def show(fivetran: Fivetran) -> None:
    """Print every group and its connections."""
    for group in fivetran.items("/groups"):
        print(f"{group['name']} ({group['id']})")
        for one in fivetran.items("/connections", group_id=group["id"]):
            state = one["status"]["sync_state"]
            print(f"    {one['schema']} ({one['id']}), {one['service']}, {state}")


@command
def main(arguments: Sequence[str] | None = None) -> None:
    """List the connections, say what would be done, or do it."""
    given = vars(_parser().parse_args(arguments))
    if given.pop("list"):
        show(FivetranSettings.read(fivetran_timeout=given["fivetran_timeout"]).open())
    elif given.pop("dry_run"):
        settings = SyncSettings.read(**given)
        seconds = f"for at most {settings.fivetran_timeout:g} s"
        print(f"Would sync {settings.fivetran_connection} and wait {seconds}. Nothing was asked.")
    else:
        run(SyncSettings.read(**given))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        ".venv/bin/python -m scripts.fivetran_sync",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="FIVETRAN_API_KEY, base64 of key:secret, comes from the environment or .env; so may "
        "FIVETRAN_GROUP,\nFIVETRAN_CONNECTION, FIVETRAN_POLL_INTERVAL and FIVETRAN_TIMEOUT.",
    )

    def setting(*flags: str, name: str, metavar: str, text: str) -> None:
        parser.add_argument(*flags, dest=f"fivetran_{name}", metavar=metavar, help=text)

    setting("--group", name="group", metavar="GROUP", text="id or name of the group (destination)")
    setting(
        "--connection",
        "--connector",
        name="connection",
        metavar="CONNECTION",
        text="id or name of the connection",
    )
    setting("--poll-interval", name="poll_interval", metavar="S", text="seconds between looks (15)")
    setting("--timeout", name="timeout", metavar="S", text="seconds until we give up (7200)")
    parser.add_argument("--list", action="store_true", help="list groups and connections only")
    parser.add_argument("--dry-run", action="store_true", help="check the settings, ask nothing")
    return parser


if __name__ == "__main__":
    sys.exit(main())
