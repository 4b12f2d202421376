"""Imports of packages that only some users need: of Amazon and of BigQuery."""

from collections.abc import Iterator
from contextlib import contextmanager

from scripts.command import CommandError


@contextmanager
def required_for(service: str) -> Iterator[None]:
    """Turn a failed import into a CommandError that names the service and the remedy."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise CommandError(
            f"{service} needs packages that are not installed ({error.name}):"
            " run `make .venv/.clouds`."
        ) from None
