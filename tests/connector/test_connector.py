"""What connector.py hands to Fivetran's SDK."""

import gc
import importlib
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import configuration
import models
from api import TransientError
from models import Checkpoint, Delete, Operation, Truncate, Upsert, Upserts
from streams import TABLES
from tests.connector.scripted import KEY, ScriptedAccount

Call = tuple[Any, ...]


@pytest.fixture(name="connector")
def _connector(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module, freshly imported; what its import changes in the process is undone."""
    return import_connector(monkeypatch)


def import_connector(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Import the module again; what its import changes in the process is undone."""
    logger = logging.getLogger("klaviyo")
    for name in ("handlers", "propagate", "level"):
        monkeypatch.setattr(logger, name, getattr(logger, name))
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "connector", raising=False)
    return importlib.import_module("connector")


@pytest.fixture
def calls(connector: Any, monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """The calls of the SDK's operations, in order."""
    calls: list[Call] = []

    def recorder(name: str) -> Callable[..., None]:
        return lambda *arguments: calls.append((name, *arguments))

    for name in ("upsert", "delete", "truncate", "checkpoint", "warning", "error"):
        monkeypatch.setattr(connector.op, name, recorder(name))
    return calls


def failing_sync(*operations: Operation) -> Callable[..., Iterator[Operation]]:
    """A sync that yields operations and then fails with an error of Klaviyo's."""

    def sync(*_: Any) -> Iterator[Operation]:
        yield from operations
        raise TransientError("/api/forms: Klaviyo is down")

    return sync


def test_the_schema_declares_every_table_column_and_key(connector: Any) -> None:
    """Whatever is chosen, so that a table that is chosen later has its declared types."""
    declared = {
        declaration["table"]: declaration for declaration in connector.schema({"tables": "form"})
    }
    assert declared.keys() == TABLES.keys()
    for name, table in TABLES.items():
        assert declared[name]["primary_key"] == table.primary_key
        assert declared[name]["columns"] == table.types


def test_every_operation_is_replayed_in_order(connector: Any, calls: list[Call]) -> None:
    """Klaviyo's error at the end is the SDK's error: the sync fails in one line."""
    connector.sync = failing_sync(
        Truncate("form"),
        Upsert("form", {"id": "a"}),
        Upserts("event", [{"id": "e1"}, {"id": "e2"}]),
        Delete("form", {"id": "b"}),
        models.Warning("careful"),
        Checkpoint({"version": 1}),
    )
    connector.update({"api_key": KEY}, {})
    assert calls == [
        ("truncate", "form"),
        ("upsert", "form", {"id": "a"}),
        ("upsert", "event", {"id": "e1"}),
        ("upsert", "event", {"id": "e2"}),
        ("delete", "form", {"id": "b"}),
        ("warning", "careful"),
        ("checkpoint", {"version": 1}),
        ("error", "/api/forms: Klaviyo is down"),
    ]


def test_a_truncate_is_deferred_where_the_sdk_can_do_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK's own signature decides, and the sync is given what it decides."""
    calls: list[Any] = []

    def truncate(table: str, *, schema: str | None = None, deferred: bool = False) -> None:
        calls.append((table, schema, deferred))

    def sync(*_: Any, defers_truncate: bool = False) -> Iterator[Operation]:
        yield Truncate("list_profile", deferred=defers_truncate)

    for expected in (False, True):
        connector = import_connector(monkeypatch)
        monkeypatch.setattr(connector.op, "truncate", truncate)  # from here on it is that of 3.1
        monkeypatch.setattr(connector, "sync", sync)
        connector.update({"api_key": KEY}, {})
        assert calls.pop() == ("list_profile", None, expected)


def test_an_error_of_our_own_is_a_crash(connector: Any, calls: list[Call]) -> None:
    """Only errors of Klaviyo's and of settings become one line; a bug keeps its traceback."""

    def fail(_: Operation) -> None:
        raise TypeError("our own mistake")

    connector.sync, connector.replay = failing_sync(models.Warning("careful")), fail
    with pytest.raises(TypeError, match="our own mistake"):
        connector.update({"api_key": KEY}, {})
    assert calls == []


def test_garbage_is_collected_rarely_only_during_a_sync(connector: Any, calls: list[Call]) -> None:
    """The threshold of the process is restored, even after an error."""
    original, before = gc.get_threshold(), (701, 11, 12)
    during: list[int] = []
    connector.replay = lambda _: during.append(gc.get_threshold()[0])
    connector.sync = failing_sync(models.Warning("careful"))
    gc.set_threshold(*before)
    try:
        connector.update({"api_key": KEY}, {})
        assert during == [connector.GC_THRESHOLD]
        assert gc.get_threshold() == before
    finally:
        gc.set_threshold(*original)
    assert [name for name, _ in calls] == ["error"]


def test_the_log_goes_to_fivetran(connector: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fivetran shows progress and retries as they happen."""
    lines: list[Call] = []
    for level in ("info", "warning"):
        record = lambda line, level=level: lines.append((level, line))  # noqa: E731 - a line each
        monkeypatch.setattr(connector.log, level, record)
    logger = logging.getLogger("klaviyo")
    logger.info("%s rows", 5)
    logger.warning("listing again")
    assert lines == [("info", "5 rows"), ("warning", "listing again")]


class TestForm:
    """The setup form and its tests."""

    def test_each_setup_test_passes_with_every_scope(
        self, connector: Any, account: ScriptedAccount
    ) -> None:
        """The key and each scope of the chosen tables are tried with one request each."""
        failures = run_setup_tests(connector, {"api_key": KEY, "tables": "all"})
        assert [name for name, failure in failures.items() if failure] == []
        assert {"api_key_is_valid", "can_read_campaigns", "can_read_events"} <= failures.keys()
        assert len(account.requests) == len(failures)

    def test_a_scope_is_tried_only_where_a_chosen_table_needs_it(
        self, connector: Any, account: ScriptedAccount
    ) -> None:
        """A key may be as narrow as the tables."""
        run_setup_tests(connector, {"api_key": KEY, "tables": "form"})
        assert [request.path for request in account.requests] == ["/api/accounts", "/api/forms"]

    def test_a_failing_setup_test_names_what_is_missing(
        self, connector: Any, account: ScriptedAccount
    ) -> None:
        """The message says what the key lacks, before the connection is saved."""
        account.fail_with("/api/forms", 403, "You do not have permission.")
        failures = run_setup_tests(connector, {"api_key": KEY, "tables": "form"})
        ((name, failure),) = [(name, failure) for name, failure in failures.items() if failure]
        assert name == "can_read_forms"
        assert "/api/forms" in failure

    def test_only_the_api_key_is_required(self, connector: Any) -> None:
        """Every setting has a field."""
        fields = connector.configuration_form()._fields
        assert [field.name for field in fields] == list(configuration.KEYS)
        assert [field.name for field in fields if field.required] == ["api_key"]


def run_setup_tests(connector: Any, configuration: dict[str, str]) -> dict[str, str]:
    """The failure of each test of the setup form, empty where it passes."""
    tests = [test for _, test in connector.configuration_form()._tests]
    return {test.__name__: test(configuration).failure or "" for test in tests}
