"""Parses the configuration and refuses invalid values before any request."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches

from api import ConfigurationError
from streams.catalog import PREDICTIONS, PROFILE
from streams.metric_names import split_parts
from streams.registry import ALWAYS_SYNCED, SETS, TABLES, required_tables

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
        "Names, `catalog`, `people`, `all`, or `reporting` (the default: no events or people).",
    ),
    (
        "conversion_metrics",
        "Conversion metrics",
        "Names or ids of what counts as conversion, separated by commas. Empty: revenue.",
    ),
    (
        "event_metrics",
        "Event metrics",
        "Names or ids of the metrics of the table `event`, separated by commas. Empty: all.",
    ),
    (
        "reread_events_from",
        "Re-read events from",
        "A day such as 2026-01-31: all events since then are read again, once for each value.",
    ),
    ("concurrency", "Threads", "How many requests run side by side: 1 to 32, by default 8."),
)
KEYS = tuple(name for name, _, _ in FIELDS)
_KEY = re.compile(r"pk_[A-Za-z0-9_-]{4,200}", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
# A value of the setting `tables`, and the table that is synced with it.
REQUIRED_TABLES = {**dict(required_tables()), PREDICTIONS: PROFILE.name}
MAX_THREADS = 32
DEFAULT_THREADS = 8
EARLIEST = date(1990, 1, 1)  # Klaviyo accepts no event before (OpenAPI, `time` of an event)


class Secret(str):
    """A key that crash reports and tracebacks, which print variables, show as ***."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


@dataclass(frozen=True)
class Configuration:
    """The parsed settings. `start_date` None: everything Klaviyo has.

    Settings of metrics are parts of names: whether a comma separates two depends on the account.
    """

    api_keys: tuple[str, ...]  # Secrets
    start_date: date | None
    tables: frozenset[str]
    conversion_metrics: tuple[str, ...]
    event_metrics: tuple[str, ...]
    concurrency: int
    reread_events_from: date | None = None


def parse_configuration(raw: Mapping[str, object]) -> Configuration:
    """The typed configuration. Raises ConfigurationError with the key's name and the remedy."""
    for name, value in raw.items():
        if name not in KEYS:
            raise ConfigurationError(
                f"unknown configuration key {quote(name)}; known: {', '.join(KEYS)}"
            )
        if not isinstance(value, str):
            raise ConfigurationError(f"{name} must be text: Fivetran configuration is all strings")
    texts = {name: str(raw.get(name, "")) for name in KEYS}
    return Configuration(
        api_keys=_parse_api_keys(texts["api_key"]),
        start_date=_parse_day("start_date", texts["start_date"].strip()),
        tables=_parse_tables(_split_list(texts["tables"])),
        conversion_metrics=split_parts(texts["conversion_metrics"]),
        event_metrics=split_parts(texts["event_metrics"]),
        concurrency=_parse_concurrency(texts["concurrency"].strip()),
        reread_events_from=_parse_day("reread_events_from", texts["reread_events_from"].strip()),
    )


def quote(name: str) -> str:
    """A name as an error may quote it; *** if it may be a key in the wrong field."""
    return "'***'" if "pk_" in name.lower() else repr(name[:60])


def _split_list(text: str) -> tuple[str, ...]:
    """The parts of a comma-separated list, in order and without duplicates."""
    return tuple(dict.fromkeys(split_parts(text)))


def _parse_api_keys(text: str) -> tuple[Secret, ...]:
    keys = _split_list(text) if text.isprintable() else ("?",)
    if not keys:
        raise ConfigurationError("api_key is empty: enter a private Klaviyo API key (pk_...)")
    if not all(_KEY.fullmatch(key) for key in keys):
        raise ConfigurationError(
            "api_key is malformed: a private Klaviyo key begins with pk_, and only letters, digits,"
            " - and _ follow, four or more; separate several with commas"
        )
    return tuple(map(Secret, keys))


def _parse_day(name: str, text: str) -> date | None:
    if not text:
        return None
    try:
        start = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        start = None
    if start is None or not EARLIEST <= start <= datetime.now(UTC).date() + timedelta(days=1):
        raise ConfigurationError(f"{name} must be a past date such as 2024-01-31, from 1990 on")
    return start


def _parse_tables(chosen: tuple[str, ...]) -> frozenset[str]:
    """The tables to sync: names of tables and of sets (`reporting` is the default).

    `predictive_analytics` is not a table and not in `all`: it adds columns to `profile`.
    """
    sets = {**SETS, PREDICTIONS: (PREDICTIONS,)}
    unknown = [name for name in chosen if name not in sets and name not in TABLES]
    if unknown:
        nearest = get_close_matches(unknown[0].lower(), (*sets, *TABLES), n=1)
        suggestion = f"did you mean {nearest[0]}? " if nearest else ""
        raise ConfigurationError(
            f"tables: unknown table {quote(unknown[0])}; {suggestion}Separate names by commas;"
            " docs/tables.md lists them"
        )
    tables = {table for name in chosen or ("reporting",) for table in sets.get(name, (name,))}
    required = {REQUIRED_TABLES[name] for name in tables & REQUIRED_TABLES.keys()}
    return frozenset(tables | required | {table.name for table in ALWAYS_SYNCED})


def _parse_concurrency(text: str) -> int:
    if not text:
        return DEFAULT_THREADS
    if not (re.fullmatch(r"\d{1,2}", text, re.ASCII) and 1 <= int(text) <= MAX_THREADS):
        raise ConfigurationError(f"concurrency must be a whole number from 1 to {MAX_THREADS}")
    return int(text)
