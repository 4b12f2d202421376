"""Start a sandbox: ``python -m klaviyo_sandbox --port 8080``."""

from __future__ import annotations

import argparse
import gc
import socket
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import NoReturn, TypeVar, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import uvicorn

from klaviyo_sandbox.account import CAMPAIGNS, Account
from klaviyo_sandbox.catalog.builder import COUPON_CODES, CURRENCY, TIMEZONE
from klaviyo_sandbox.catalog.plan import Revenue
from klaviyo_sandbox.http.app import App, Key
from klaviyo_sandbox.http.exchange import Protocol
from klaviyo_sandbox.http.faults import NAMES
from klaviyo_sandbox.jsonapi import parse_iso
from klaviyo_sandbox.simulation.history import PROFILES

HOST = "127.0.0.1"
OBJECTS_BETWEEN_COLLECTIONS = 200_000


class Server(uvicorn.Server):
    """A server that prints its address when it is ready."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to serve and print the address."""
        await super().startup(sockets)
        if sockets:
            print(f"sandbox ready on http://{HOST}:{sockets[0].getsockname()[1]}", flush=True)


def main() -> None:
    """Build the accounts that the command line describes and serve them until stopped."""
    options = _build_parser().parse_args()
    listener = _listen(options.port)
    try:
        app = _build_app(options)
    except (ValueError, OverflowError) as error:
        _fail(str(error))
    # The accounts are never freed, and pages are many objects without cycles: Python's default
    # number of garbage collections costs a third of the speed.
    gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    config = uvicorn.Config(
        app,
        http=Protocol,
        lifespan="off",
        log_level="warning",
        access_log=False,
        date_header=False,  # the app sends the account's clock
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    Server(config).run(sockets=[listener])


def _build_app(options: argparse.Namespace) -> App:
    """Return the application with its accounts; ValueError says what cannot be built."""
    now = int(time.time()) if options.now is None else options.now
    keys = {
        name: Key(options.seed if seed is None else seed, scopes)
        for name, seed, scopes in options.api_key
    }
    return App(
        _build_accounts(options, now, [key.seed for key in keys.values()] or [options.seed]),
        keys=keys or None,
        is_limited=not options.no_limits,
        latency=options.latency_ms / 1_000,
        compresses=options.gzip,
        faults=options.fault,
    )


def _build_accounts(
    options: argparse.Namespace, now: int, seeds: Sequence[int]
) -> dict[int, Account]:
    return {
        seed: Account(
            seed=seed,
            epoch=options.epoch or datetime.fromtimestamp(now, UTC).date(),
            now=now,
            campaigns=options.campaigns,
            profiles=options.profiles,
            events=options.events,
            own_message_ids=options.own_message_ids,
            timezone=options.timezone,
            currency=options.currency,
            revenue=options.revenue,
            catalog_items=options.catalog_items,
            coupon_codes=options.coupon_codes,
            unengaged=options.unengaged,
        )
        for seed in dict.fromkeys(seeds)
    }


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "klaviyo_sandbox",
        description="A simulated Klaviyo account: made-up people and numbers behind Klaviyo's API.",
    )
    _add_account_options(parser.add_argument_group("the account").add_argument)
    _add_server_options(parser.add_argument_group("the server").add_argument)
    return parser


def _add_account_options(add: Callable[..., argparse.Action]) -> None:
    add(
        "--seed",
        type=integer,
        default=7,
        metavar="N",
        help="determines everything that ever happens in it; default: %(default)s",
    )
    add("--now", type=iso_time, metavar="TIME", help="its clock, ISO 8601; default: this moment")
    add(
        "--epoch",
        type=iso_date,
        metavar="DATE",
        help="the day it is built around; default: --now's",
    )
    add(
        "--campaigns",
        type=count,
        default=CAMPAIGNS,
        metavar="N",
        help="the exact number of campaigns; default: %(default)s",
    )
    add(
        "--profiles",
        type=count,
        metavar="N",
        help=f"the number of people; default: {PROFILES}, or what --events needs",
    )
    add(
        "--events",
        type=count,
        metavar="N",
        help="the exact number of events visible at noon of the epoch, UTC; default: as many as the"
        " people cause",
    )
    add(
        "--own-message-ids",
        action="store_true",
        help="campaign reports name each message by its own id; default: the message of a campaign"
        " that has only one is named by the campaign's id, as live answers do",
    )
    add(
        "--timezone",
        type=zone,
        default=TIMEZONE,
        metavar="NAME",
        help="its time zone, in which campaigns are sent and reports count; default: %(default)s",
    )
    add("--currency", default=CURRENCY, metavar="CODE", help="default: %(default)s")
    add(
        "--revenue",
        default="mapped",
        choices=get_args(Revenue),
        help="its revenue metric: mapped to one, unmapped, unmapped and twice there (of a former"
        " store too), or none; default: %(default)s",
    )

    add(
        "--catalog-items",
        type=count,
        default=0,
        metavar="N",
        help="the number of products in the catalogue; default: those that are sold",
    )
    add(
        "--coupon-codes",
        type=count,
        default=COUPON_CODES,
        metavar="N",
        help="the number of coupon codes; default: %(default)s",
    )
    add(
        "--unengaged",
        type=share,
        default=0,
        metavar="SHARE",
        help="the share of people who never open or click, such as 0.15; default: only those who do"
        " not by chance",
    )


def _add_server_options(add: Callable[..., argparse.Action]) -> None:
    add("--port", type=integer, default=8080, help="0 takes a free port; default: %(default)s")
    add(
        "--api-key",
        type=key,
        action="append",
        default=[],
        metavar="KEY[@SEED][:SCOPE,...]",
        help="accept this key only; it opens the account of SEED (default: --seed's) with these"
        " scopes (default: all). Keys with several seeds give the sandbox several accounts with"
        " equal options. Default: any key that begins with pk_",
    )
    add("--no-limits", action="store_true", help="no rate limits, no daily quota")
    add("--latency-ms", type=count, default=0, metavar="N", help="added to every response")
    add("--gzip", action="store_true", help="compress responses, as Klaviyo does")
    add(
        "--fault",
        action="append",
        default=[],
        choices=NAMES,
        metavar="NAME",
        help=f"applies to every request; one of {', '.join(NAMES)}",
    )


Value = TypeVar("Value")


def _argument_type(form: str, parse: Callable[[str], Value]) -> Callable[[str], Value]:
    """Make a type for argparse from `parse`. Its error says that the text is not `form`."""

    def parse_option(text: str) -> Value:
        try:
            return parse(text)
        except (ValueError, OverflowError):
            raise argparse.ArgumentTypeError(f"{text!r} is not {form}") from None

    return parse_option


def _parse_zone(text: str) -> str:
    try:
        return ZoneInfo(text).key
    except (ZoneInfoNotFoundError, OSError):  # OSError: of a folder, such as Europe
        raise ValueError(text) from None


def _parse_count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError(text)
    return number


def _parse_share(text: str) -> float:
    number = float(text)
    if not 0 <= number <= 1:
        raise ValueError(text)
    return number


iso_time = _argument_type(
    "a time such as 2026-11-16T15:00:00Z in ISO 8601", lambda text: int(parse_iso(text))
)
iso_date = _argument_type("a day such as 2026-11-16", date.fromisoformat)
zone = _argument_type("a time zone such as Europe/Paris", _parse_zone)
integer = _argument_type("a whole number", int)
count = _argument_type("a whole number from 0 on", _parse_count)
share = _argument_type("a number from 0 to 1", _parse_share)


def key(text: str) -> tuple[str, int | None, frozenset[str] | None]:
    """Return a key, the seed of its account and its scopes; None for what is not given."""
    name_and_seed, colon, scopes = text.partition(":")
    name, at, seed = name_and_seed.partition("@")
    if not name.startswith("pk_"):
        raise argparse.ArgumentTypeError(
            "Klaviyo's private keys begin with pk_, as in pk_sandbox@7"
        )
    return name, integer(seed) if at else None, frozenset(scopes.split(",")) if colon else None


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port), reuse_port=False)
    except (OSError, OverflowError) as error:
        _fail(f"port {port} cannot be used: {error}. Choose another with --port.")


def _fail(text: str) -> NoReturn:
    sys.exit(f"klaviyo_sandbox: {text}")


if __name__ == "__main__":
    main()
