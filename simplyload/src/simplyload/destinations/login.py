"""What signing in to a warehouse has in common: its driver is an extra, and http is for tests."""

from importlib import import_module
from typing import Any

from simplyload.errors import ConfigurationError

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def import_driver(kind: str, module: str, package: str) -> Any:
    """Import the driver of a type of destination, which is in the extra of the same name."""
    try:
        return import_module(module)
    except ModuleNotFoundError:
        raise ConfigurationError(
            f"destination.type: {kind} needs the package {package}: run "
            f"pip install 'simplyload[{kind}]'"
        ) from None
