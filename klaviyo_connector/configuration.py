"""Reads the configuration by value and refuses what cannot work, before any request."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from api import ConfigurationError
from streams import REPORTING, TABLES

FIELDS = (  # key, label and description in the setup form
    (
        "api_key",
        "Private API key",
        "A private Klaviyo API key (pk_...). Several accounts: separate their keys with commas.",
    ),
    (
        "start_date",
        "Start date",
        "The first day to sync, such as 2024-01-31. Empty: everything Klaviyo has.",
    ),
    (
        "tables",
        "Tables",
        "Names separated by commas, `all`, or `reporting` (the default: no events or people).",
    ),
    (
        "conversion_metrics",
        "Conversion metrics",
        "Names or ids of the metrics that count as conversions. Empty: the account's revenue.",
    ),
    (
        "event_metrics",
        "Event metrics",
        "Names of the metrics whose events are synced when the table `event` is. Empty: all.",
    ),
    ("concurrency", "Threads", "How many requests run side by side: 1 to 32, by default 8."),
)
KEYS = tuple(name for name, _, _ in FIELDS)
_KEY = re.compile(r"pk_[A-Za-z0-9_-]{4,200}", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
PREDICTIONS = "predictive_analytics"
NEEDS = {"list_profile": "list", "segment_profile": "segment", PREDICTIONS: "profile"}
MOST_THREADS = 32
EARLIEST = date(1990, 1, 1)  # Klaviyo accepts no event before (OpenAPI, `time` of an event)


class Secret(str):
    """A key that crash reports and tracebacks, which show variables, do not show."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


@dataclass(frozen=True)
class Configuration:
    """What the user chose. `start_date` None: everything Klaviyo has."""

    api_keys: tuple[str, ...]  # Secrets
    start_date: date | None
    tables: frozenset[str]
    conversion_metrics: tuple[str, ...]
    event_metrics: tuple[str, ...]
    concurrency: int


def read(given: Mapping[str, object]) -> Configuration:
    """The configuration, or a ConfigurationError that names the key and the remedy."""
    for name, value in given.items():
        if name not in KEYS:
            raise ConfigurationError(
                f"unknown configuration key {quoted(name)}; known: {', '.join(KEYS)}"
            )
        if not isinstance(value, str):
            raise ConfigurationError(f"{name} must be text: Fivetran configuration is all strings")
    texts = {name: str(given.get(name, "")) for name in KEYS}
    return Configuration(
        api_keys=_api_keys(texts["api_key"]),
        start_date=_start_date(texts["start_date"].strip()),
        tables=_tables(_items(texts["tables"])),
        conversion_metrics=_items(texts["conversion_metrics"]),
        event_metrics=_items(texts["event_metrics"]),
        concurrency=_concurrency(texts["concurrency"].strip()),
    )


def quoted(name: str) -> str:
    """A name to repeat in an error, unless a key was put in its place."""
    return "'***'" if "pk_" in name.lower() else repr(name[:60])


def _items(text: str) -> tuple[str, ...]:
    """The parts of a comma list, in order, once each."""
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def _api_keys(text: str) -> tuple[Secret, ...]:
    keys = _items(text) if text.isprintable() else ("?",)
    if not keys:
        raise ConfigurationError("api_key is empty: enter a private Klaviyo API key (pk_...)")
    if not all(_KEY.fullmatch(key) for key in keys):
        raise ConfigurationError(
            "api_key is malformed: a private Klaviyo key begins with pk_, and only letters, digits,"
            " - and _ follow, four or more; separate several with commas"
        )
    return tuple(map(Secret, keys))


def _start_date(text: str) -> date | None:
    if not text:
        return None
    try:
        start = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        start = None
    if start is None or not EARLIEST <= start <= datetime.now(UTC).date() + timedelta(days=1):
        raise ConfigurationError("start_date must be a past date such as 2024-01-31, from 1990 on")
    return start


def _tables(chosen: tuple[str, ...]) -> frozenset[str]:
    """The tables to sync: names from the list, `reporting` (the default) and `all` for the sets.

    `predictive_analytics` is no table and so not in `all`, but a part of `profile`.
    """
    sets = {"reporting": REPORTING, "all": tuple(TABLES), PREDICTIONS: (PREDICTIONS,)}
    unknown = [name for name in chosen if name not in sets and name not in TABLES]
    if unknown:
        known = ", ".join(("reporting", "all", PREDICTIONS, *TABLES))
        raise ConfigurationError(
            f"tables: unknown table {quoted(unknown[0])}; separate names by commas; known: {known}"
        )
    tables = {table for name in chosen or ("reporting",) for table in sets.get(name, (name,))}
    needed = {NEEDS[name] for name in tables & NEEDS.keys()}
    return frozenset(tables | needed | {"account", "sync_report", "sync_error"})


def _concurrency(text: str) -> int:
    if not text:
        return 8
    if not (re.fullmatch(r"\d{1,2}", text, re.ASCII) and 1 <= int(text) <= MOST_THREADS):
        raise ConfigurationError(f"concurrency must be a whole number from 1 to {MOST_THREADS}")
    return int(text)
