"""Serve the metrics to an assistant, over the Model Context Protocol on standard input and output.

The server only reads: declared metrics by declared dimensions, no SQL, and nothing of people.
docs/mcp.md shows how an assistant starts it.

exit codes:
  0  the client ended the session
  2  an option or setting is missing or malformed, or the packages that it needs are missing
"""

import argparse
import sys
from collections.abc import Sequence

from scripts.command import SettingsError, command
from scripts.mcp.server import build_server
from scripts.warehouse import TARGETS, WarehouseSettings


@command
def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until the client closes standard input."""
    options = _build_parser().parse_args(arguments)
    settings = WarehouseSettings.read(dbt_target=options.target)
    if settings.problems():
        raise SettingsError(settings.problems())
    build_server(settings).run()


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        ".venv/bin/python -m scripts.mcp",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="The warehouse is that of DBT_TARGET; KLAVIYO_WAREHOUSE, PG_... or BQ_... configure"
        " it.\nThe environment or .env has all of them.",
    )
    parser.add_argument("--target", choices=TARGETS, help="where the marts are (DBT_TARGET)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
