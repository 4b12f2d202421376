"""What the setup form tests: that the key works, and that it has each scope the tables need."""

from collections.abc import Callable, Iterator, Mapping

from asking import Asking
from configuration import read
from events import PATH as EVENTS_PATH
from events import SCOPE as EVENTS_SCOPE
from models import Table
from profiles import PATH as PROFILES_PATH
from profiles import SCOPE as PROFILES_SCOPE
from streams import (
    EVENT,
    EVENT_ATTRIBUTION,
    LIST_PROFILE,
    PROFILE,
    PROFILE_SUPPRESSION,
    SEGMENT_PROFILE,
    STREAMS,
)

Check = Callable[[Mapping[str, object]], None]  # raises a KlaviyoError that says what is wrong


def checks() -> Iterator[tuple[str, str, Check]]:
    """Each check with its name and label."""
    yield "api_key_is_valid", "The API key is valid", _key
    for scope, (path, tables) in _scopes().items():
        name = f"can_read_{scope.partition(':')[0]}"
        yield name, f"The API key has the scope {scope}", _scope(path, tables)


def _scopes() -> dict[str, tuple[str, list[Table]]]:
    """For each scope a question that needs it, and the tables that come with it."""
    scopes: dict[str, tuple[str, list[Table]]] = {}
    for stream in STREAMS:
        _, tables = scopes.setdefault(stream.scope, (stream.path, []))
        tables += [table for table, _ in stream.makes]
    people = [PROFILE, PROFILE_SUPPRESSION, LIST_PROFILE, SEGMENT_PROFILE]
    return {
        **scopes,
        EVENTS_SCOPE: (EVENTS_PATH, [EVENT, EVENT_ATTRIBUTION]),
        PROFILES_SCOPE: (PROFILES_PATH, people),
    }


def _key(configuration: Mapping[str, object]) -> None:
    for key in read(configuration).api_keys:
        Asking(key).get("/api/accounts")


def _scope(path: str, tables: list[Table]) -> Check:
    def check(configuration: Mapping[str, object]) -> None:
        settings = read(configuration)
        if any(table.name in settings.tables for table in tables):
            for key in settings.api_keys:
                Asking(key).get(path)

    return check
