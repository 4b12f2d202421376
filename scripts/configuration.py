r"""Print the connector's configuration, JSON, as the environment and `.env` have it.

KLAVIYO_API_KEY, KLAVIYO_TABLES and so on: each key of the configuration in capitals. For a deploy
that leaves no key on the disk:

    .venv/bin/fivetran deploy klaviyo_connector \
        --configuration <(.venv/bin/python -m scripts.configuration)
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "klaviyo_connector"))

import configuration as connector
from api import ConfigurationError

from scripts.command import SettingsError, command


def read() -> dict[str, str]:
    """The keys that are set; SettingsError if the connector would refuse one."""
    given = {name: os.environ.get(_variable(name), "") for name in connector.KEYS}
    if not given["api_key"]:
        raise SettingsError([f"{_variable('api_key')} is not set"])
    _check(given)
    return {name: value for name, value in given.items() if value}


def tables() -> dict[str, str]:
    """The tables by variable, for dbt, which reads it too and needs no key."""
    name = _variable("tables")
    chosen = os.environ.get(name, "")
    _check({"api_key": "pk_not_asked_for", "tables": chosen})
    return {name: chosen or "reporting"}


def _check(given: Mapping[str, str]) -> None:
    """Let the connector say what it refuses; its message begins with the key."""
    try:
        connector.read(given)
    except ConfigurationError as error:
        key = str(error).split(" ")[0].rstrip(":")
        raise SettingsError([f"{_variable(key)}{str(error).removeprefix(key)}"]) from None


def shown(given: Mapping[str, str]) -> dict[str, str]:
    """The configuration by variable, without the key."""
    return {_variable(name): value for name, value in {**given, "api_key": "***"}.items()}


def _variable(key: str) -> str:
    return f"KLAVIYO_{key.upper()}"


@command
def main(arguments: Sequence[str] | None = None) -> None:
    """Print it."""
    argparse.ArgumentParser(
        ".venv/bin/python -m scripts.configuration",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).parse_args(arguments)
    print(json.dumps(read()))


if __name__ == "__main__":
    sys.exit(main())
