"""Reads YAML by libyaml, which is quicker than PyYAML's own parser."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import yaml

from looker.errors import LookerError

Value = TypeVar("Value")


def parse_yaml(text: str) -> Any:
    """The content of a document; of plain types alone, as `yaml.safe_load`."""
    return yaml.load(text, yaml.CSafeLoader)


def read_yaml(path: Path) -> Any:
    """The content of a file."""
    return parse_yaml(path.read_text())


def construct(kind: Callable[..., Value], content: Any, path: Path) -> Value:
    """The value that an object of a file declares; LookerError for names that `kind` does not have.

    Only the names are checked here: a TypeError of our own stays one.
    """
    try:
        inspect.signature(kind).bind(**content)
    except TypeError as error:
        raise LookerError(f"{path.name}: {error}.") from None
    return kind(**content)
