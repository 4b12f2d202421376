"""Start a sandbox: ``python -m klaviyo_sandbox --port 8080``."""

from __future__ import annotations

import argparse
import gc
import socket
import sys
import time
from datetime import UTC, date, datetime
from typing import NoReturn

import uvicorn

from klaviyo_sandbox.account import CAMPAIGNS, PROFILES, Account
from klaviyo_sandbox.door.app import App, Keys
from klaviyo_sandbox.door.faults import NAMES
from klaviyo_sandbox.door.limits import Limits
from klaviyo_sandbox.door.wire import Protocol
from klaviyo_sandbox.jsonapi import seconds

HOST = "127.0.0.1"
OBJECTS_BETWEEN_COLLECTIONS = 200_000


class Server(uvicorn.Server):
    """A server that says when it serves."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve and print the address."""
        await super().startup(sockets)
        if sockets:
            print(f"sandbox ready on http://{HOST}:{sockets[0].getsockname()[1]}", flush=True)


def main() -> None:
    """Build the account that the command line asks for and serve it until stopped."""
    options = _parser().parse_args()
    listener = _listen(options.port)
    now = int(time.time()) if options.now is None else options.now
    epoch = options.epoch or datetime.fromtimestamp(now, UTC).date()
    try:
        account = Account(
            seed=options.seed,
            epoch=epoch,
            now=now,
            campaigns=options.campaigns,
            profiles=options.profiles,
            events=options.events,
        )
    except ValueError as error:
        _fail(str(error))
    # The account stays, and pages are many objects without cycles: looking for cycles as often as
    # Python does by itself costs a third of the speed.
    gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    app = App(
        account,
        keys=_keys(options.api_key),
        limits=None if options.no_limits else Limits(account.company.timezone),
        latency=options.latency_ms / 1_000,
    )
    for name in options.fault:
        app.faults.add(name)
    config = uvicorn.Config(
        app,
        http=Protocol,
        lifespan="off",
        log_level="warning",
        access_log=False,
        date_header=False,  # the account's clock is not ours
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    Server(config).run(sockets=[listener])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("klaviyo_sandbox", description="A simulated Klaviyo account.")
    add = parser.add_argument
    add("--port", type=int, default=8080, help="0 takes a free one; default: %(default)s")
    add("--seed", type=int, default=7, help="the same seed gives the same company")
    add("--now", type=_moment, help="the account's clock, ISO 8601; default: this moment")
    add("--epoch", type=_day, help="the day the account is built around; default: that of --now")
    add("--events", type=_count, help="exactly so many visible at noon of the epoch, UTC")
    add("--profiles", type=_count, help=f"people; default: {PROFILES}, or what --events needs")
    add("--campaigns", type=_count, default=CAMPAIGNS, help="default: %(default)s")
    add("--latency-ms", type=_count, default=0, help="added to every answer")
    add(
        "--fault",
        action="append",
        default=[],
        choices=NAMES,
        metavar="NAME",
        help=f"strikes every request; one of {', '.join(NAMES)}",
    )
    add("--no-limits", action="store_true", help="no rate limits, no daily quota")
    add(
        "--api-key",
        action="append",
        metavar="KEY[:SCOPE,...]",
        help="accept this key only, with these scopes only; may be given more than once",
    )
    return parser


def _moment(text: str) -> int:
    return int(seconds(text))


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError(text)
    return number


def _keys(given: list[str] | None) -> Keys | None:
    if given is None:
        return None
    parts = (text.partition(":") for text in given)
    return {key: frozenset(scopes.split(",")) if colon else None for key, colon, scopes in parts}


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port), reuse_port=False)
    except (OSError, OverflowError) as error:
        _fail(f"port {port} cannot be used: {error}. Choose another with --port.")


def _fail(text: str) -> NoReturn:
    sys.exit(f"klaviyo_sandbox: {text}")


if __name__ == "__main__":
    main()
