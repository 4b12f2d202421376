"""`python -m looker preview`: write the dashboard to one HTML file."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from looker import declaration, preview, semantic
from looker.errors import LookerError
from looker.warehouse import Warehouse


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 when it did what it says."""
    options = _parser().parse_args(arguments)
    try:
        semantics = semantic.load()
        dashboard = declaration.load(semantics)
        with Warehouse(options.warehouse) as warehouse:
            html = preview.render(warehouse, semantics, dashboard, datetime.now(UTC))
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(html)
    except (LookerError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{options.output} ({len(html.encode()) / 1e6:.1f} MB)")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m looker")
    commands = parser.add_subparsers(required=True, metavar="command")
    page = commands.add_parser("preview", help="write the dashboard to one HTML file")
    page.add_argument("--warehouse", type=Path, default=Path("build/warehouse.duckdb"))
    page.add_argument("-o", "--output", type=Path, default=Path("build/dashboard.html"))
    return parser


if __name__ == "__main__":
    sys.exit(main())
