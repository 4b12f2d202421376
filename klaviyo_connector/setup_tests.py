"""The tests of the setup form: the key is valid, and has each scope that the tables need."""

from collections.abc import Callable, Iterator, Mapping

from configuration import parse_configuration
from models import Table
from session import KlaviyoSession
from streams.catalog import ACCOUNTS
from streams.registry import scopes

SetupTest = Callable[[Mapping[str, object]], None]  # raises a KlaviyoError that says what is wrong


def setup_tests() -> Iterator[tuple[str, str, SetupTest]]:
    """Each setup test with its name and label; none for a scope that is optional."""
    yield "api_key_is_valid", "The API key is valid", check_api_keys
    for scope, (path, tables) in scopes(is_optional=False).items():
        name = f"can_read_{scope.partition(':')[0].replace('-', '_')}"
        yield name, f"The API key has the scope {scope}", make_scope_test(path, tables)


def check_api_keys(configuration: Mapping[str, object]) -> None:
    """Read the account of every key."""
    for key in parse_configuration(configuration).api_keys:
        KlaviyoSession(key).get(ACCOUNTS.path)


def make_scope_test(path: str, tables: list[Table]) -> SetupTest:
    """A test that reads `path` with every key, if any of `tables` is chosen."""

    def check_scope(configuration: Mapping[str, object]) -> None:
        settings = parse_configuration(configuration)
        if any(table.name in settings.tables for table in tables):
            for key in settings.api_keys:
                KlaviyoSession(key).get(path)

    return check_scope
