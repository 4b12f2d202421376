"""The door to Fivetran: the schema, the sync, the setup form and its tests. All else is elsewhere.

`fivetran debug klaviyo_connector` runs it here, `fivetran deploy` in Fivetran's cloud.
"""

import logging
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

# An installed package with the name of one of our modules must not come before it.
sys.path.insert(0, str(Path(__file__).parent))

import checks
from api import KlaviyoError
from configuration import FIELDS
from fivetran_connector_sdk import ConfigurationForm, Connector, Test, form_field
from fivetran_connector_sdk import Logging as log
from fivetran_connector_sdk import Operations as op
from models import Checkpoint, Delete, Operation, Upsert
from streams import TABLES
from sync import sync


def schema(configuration: dict[str, str]) -> list[dict[str, Any]]:  # noqa: ARG001 - the SDK's form
    """Every table with its key and every column with its type, whatever is chosen to sync."""
    return [
        {"table": table.name, "primary_key": table.primary_key, "columns": table.types}
        for table in TABLES.values()
    ]


def update(configuration: dict[str, str], state: dict[str, Any]) -> None:
    """Replay one sync to Fivetran; its errors end it in one line that says what to do."""
    try:
        with closing(sync(configuration, state)) as operations:  # its threads end with it
            for operation in operations:
                replay(operation)
    except KlaviyoError as error:
        op.error(str(error))


def replay(operation: Operation) -> None:
    """Hand one operation to the SDK."""
    if isinstance(operation, Upsert):
        op.upsert(operation.table, operation.row)
    elif isinstance(operation, Delete):
        op.delete(operation.table, operation.keys)
    elif isinstance(operation, Checkpoint):
        op.checkpoint(operation.state)
    else:
        op.warning(operation.message)


def configuration_form() -> ConfigurationForm:
    """The setup form: one field per configuration key, one test for the key and one per scope."""
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
    for name, label, check in checks.checks():
        form.add_test(label=label, func=_setup_test(name, check))
    return form


def _setup_test(name: str, check: Callable[[dict[str, str]], None]) -> Callable[..., Any]:
    """A check in the form that the SDK calls by its name."""

    def test(configuration: dict[str, str]) -> Any:
        try:
            check(configuration)
        except KlaviyoError as error:
            return Test.failure(str(error))
        return Test.success()

    test.__name__ = name
    return test


class _ToFivetran(logging.Handler):
    """Our modules log as any Python code does; Fivetran wants its own logger."""

    def emit(self, record: logging.LogRecord) -> None:
        """Pass one message on."""
        say = log.warning if record.levelno >= logging.WARNING else log.info
        say(record.getMessage())


logging.getLogger("klaviyo").setLevel(logging.INFO)
logging.getLogger("klaviyo").handlers = [_ToFivetran()]
logging.getLogger("klaviyo").propagate = False

connector = Connector(update=update, schema=schema, configuration_form=configuration_form)

if __name__ == "__main__":
    connector.debug()
