r"""Print the connector's configuration, JSON, from the environment and `.env`.

Each key of the configuration is a variable: KLAVIYO_API_KEY, KLAVIYO_TABLES and so on. Deploy with
it, and the API key is never written to disk:

    .venv/bin/fivetran deploy klaviyo_connector \
        --configuration <(.venv/bin/python -m scripts.configuration)

exit codes:
  0  the configuration is printed
  2  a setting is missing, or the connector refuses it
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

# The connector's modules import each other flat, as Fivetran runs them.
sys.path.insert(0, str(Path(__file__).parent.parent / "klaviyo_connector"))

import configuration as connector
from api import ConfigurationError
from scripts.command import SettingsError, command


def read_configuration() -> dict[str, str]:
    """Read the keys that are set; SettingsError if the connector refuses one."""
    configuration = {name: os.environ.get(_variable(name), "") for name in connector.KEYS}
    if not configuration["api_key"]:
        raise SettingsError([f"{_variable('api_key')} is not set"])
    _validate(configuration)
    return {name: value for name, value in configuration.items() if value}


def read_tables_as_env() -> dict[str, str]:
    """Read KLAVIYO_TABLES, by variable. dbt reads it too, and needs no API key."""
    name = _variable("tables")
    tables = os.environ.get(name, "")
    _validate({"api_key": "pk_not_used", "tables": tables})
    return {name: tables or "reporting"}


def _validate(configuration: Mapping[str, str]) -> None:
    """Validate with the connector's own parser, whose message begins with the key."""
    try:
        connector.parse_configuration(configuration)
    except ConfigurationError as error:
        key = str(error).split(" ")[0].rstrip(":")
        raise SettingsError([f"{_variable(key)}{str(error).removeprefix(key)}"]) from None


def as_env(configuration: Mapping[str, str]) -> dict[str, str]:
    """The configuration by environment variable, with the API key masked."""
    return {_variable(name): value for name, value in {**configuration, "api_key": "***"}.items()}


def _variable(key: str) -> str:
    return f"KLAVIYO_{key.upper()}"


@command
def main(arguments: Sequence[str] | None = None) -> None:
    """Print the configuration."""
    argparse.ArgumentParser(
        ".venv/bin/python -m scripts.configuration",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).parse_args(arguments)
    print(json.dumps(read_configuration()))


if __name__ == "__main__":
    sys.exit(main())
