"""Finds the clients of S3, Amazon SES and BigQuery, which `make demo` does not install."""

import sys
from importlib import import_module
from pathlib import Path

from scripts.command import SettingsError

ROOT = Path(__file__).parent.parent


def require(service: str, package: str) -> None:
    """Raise a SettingsError with the remedy if the client of a service is not installed."""
    if problems := find_missing(service, package):
        raise SettingsError(problems)


def find_missing(service: str, package: str) -> list[str]:
    """A sentence with the remedy if the client of a service is not installed."""
    try:
        import_module(package)
    except ModuleNotFoundError as error:
        return [f"{service} needs packages that are not installed ({error.name}): {_remedy()}"]
    return []


def _remedy() -> str:
    """How to install the clients in the environment that runs, one of the Makefile's or another."""
    environment = Path(sys.prefix)
    if environment in (ROOT / ".venv", ROOT / ".venv-scripts"):
        return f"run `make {environment.name}/.clouds`"
    return f"run `{sys.executable} -m pip install -r {ROOT / 'requirements' / 'clouds.txt'}`"
