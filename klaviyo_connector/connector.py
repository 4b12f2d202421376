"""The entry point for Fivetran: the schema, the sync, the setup form and its tests.

`fivetran debug klaviyo_connector` runs it on this machine, `fivetran deploy` in Fivetran's cloud.
"""

import gc
import inspect
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

# The SDK puts our folder last on the path, behind installed packages with the same names.
sys.path.insert(0, str(Path(__file__).parent))

from fivetran_connector_sdk import ConfigurationForm, Connector, Test, form_field
from fivetran_connector_sdk import Logging as log
from fivetran_connector_sdk import Operations as op

from api import KlaviyoError
from configuration import FIELDS
from models import Checkpoint, Delete, Operation, Truncate, Upsert, Upserts
from setup_tests import SetupTest, setup_tests
from streams import TABLES
from sync import sync

# Pages and rows hold no reference cycles. With Python's default of 700 the collector takes an
# eighth of the time of a sync and finds nothing.
GC_THRESHOLD = 50_000
# The SDK can defer a truncate from 3.1 on, by its changelog.
_DEFERS_TRUNCATE = "deferred" in inspect.signature(op.truncate).parameters
SYNC_OPTIONS = {"defers_truncate": True} if _DEFERS_TRUNCATE else {}


def schema(configuration: dict[str, str]) -> list[dict[str, Any]]:  # noqa: ARG001 - the SDK's form
    """Every table with its key and every column with its type, chosen or not."""
    return [
        {"table": table.name, "primary_key": table.primary_key, "columns": table.types}
        for table in TABLES.values()
    ]


def update(configuration: dict[str, str], state: dict[str, Any]) -> None:
    """Replay one sync to Fivetran. A KlaviyoError ends it with one line that names the remedy."""
    try:
        operations = sync(configuration, state, **SYNC_OPTIONS)
        with collect_garbage_rarely(), closing(operations):
            for operation in operations:
                replay(operation)
    except KlaviyoError as error:
        op.error(str(error))


@contextmanager
def collect_garbage_rarely() -> Iterator[None]:
    """Raise the threshold of Python's garbage collector for the length of a sync."""
    before = gc.get_threshold()
    gc.set_threshold(GC_THRESHOLD)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def replay(operation: Operation) -> None:
    """Hand one operation to the SDK."""
    if isinstance(operation, Upsert):
        op.upsert(operation.table, operation.row)
    elif isinstance(operation, Upserts):
        for row in operation.rows:
            op.upsert(operation.table, row)
    elif isinstance(operation, Delete):
        op.delete(operation.table, operation.keys)
    elif isinstance(operation, Truncate):
        # Of a re-sync at once, also where the SDK can defer it to the end of a sync: the next sync
        # continues from the checkpoint of one that failed and does not truncate again.
        op.truncate(operation.table, **({"deferred": True} if operation.deferred else {}))
    elif isinstance(operation, Checkpoint):
        op.checkpoint(operation.state)
    else:
        op.warning(operation.message)


def configuration_form() -> ConfigurationForm:
    """The setup form: a field for each configuration key, a test for the key and for each scope."""
    form = ConfigurationForm()
    for name, label, description in FIELDS:
        kind = (
            form_field.TextField.password if name == "api_key" else form_field.TextField.plain_text
        )
        form.add_field(
            form_field.TextField(
                name, label, kind, description=description, required=name == "api_key"
            )
        )
    for name, label, test in setup_tests():
        form.add_test(label=label, func=_adapt_setup_test(name, test))
    return form


def _adapt_setup_test(name: str, setup_test: SetupTest) -> Callable[..., Any]:
    """A setup test in the form that the SDK calls, under its name."""

    def test(configuration: dict[str, str]) -> Any:
        try:
            setup_test(configuration)
        except KlaviyoError as error:
            return Test.failure(str(error))
        return Test.success()

    test.__name__ = name
    return test


class _FivetranHandler(logging.Handler):
    """Forwards the records of Python's logging to Fivetran's logger."""

    def emit(self, record: logging.LogRecord) -> None:
        """Forward one record."""
        write = log.warning if record.levelno >= logging.WARNING else log.info
        write(record.getMessage())


logging.getLogger("klaviyo").setLevel(logging.INFO)
logging.getLogger("klaviyo").handlers = [_FivetranHandler()]
logging.getLogger("klaviyo").propagate = False

connector = Connector(update=update, schema=schema, configuration_form=configuration_form)

if __name__ == "__main__":
    connector.debug()
