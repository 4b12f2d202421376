"""The dashboard as one page, in Looker and in Data Studio."""

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from dotenv import dotenv_values

from looker import declaration, generated, preview, semantic, studio
from looker.errors import LookerError
from looker.warehouse import Warehouse


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 when it did what it says."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except (LookerError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return status


def _build(_: argparse.Namespace) -> int:
    for path in generated.build(semantic.load()):
        print(f"looker/{path}")
    return 0


def _check(_: argparse.Namespace) -> int:
    differences = list(generated.check(semantic.load()))
    sys.stdout.writelines(differences)
    if differences:
        print("looker/ is out of date: run `.venv/bin/python -m looker build`.", file=sys.stderr)
    return 1 if differences else 0


def _link(options: argparse.Namespace) -> int:
    semantics = semantic.load()
    dashboard = declaration.load(semantics)
    template = studio.load(options.template)
    marts = studio.Marts(
        options.project, options.dataset, options.billing_project or options.project
    )
    today = datetime.now(UTC).date()
    template.check(semantics.columns, today)
    address = studio.link(template, marts, dashboard.title, semantics.model(dashboard.model).table)
    for line in template.remarks(today):
        print(line, file=sys.stderr)
    print(address)
    return 0


def _preview(options: argparse.Namespace) -> int:
    semantics = semantic.load()
    dashboard = declaration.load(semantics)
    with Warehouse(options.warehouse) as warehouse:
        html = preview.render(warehouse, semantics, dashboard, datetime.now(UTC))
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(html)
    print(f"{options.output} ({len(html.encode()) / 1e6:.1f} MB)")
    return 0


def _setting(name: str) -> str | None:
    """A setting in the environment or, where that has none, in `.env`; an empty one is none."""
    return os.environ.get(name) or dotenv_values(".env").get(name)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=".venv/bin/python -m looker", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    build = commands.add_parser(
        "build", help="write what is generated from dbt and dashboard.yml: LookML, documents"
    )
    build.set_defaults(run=_build)
    check = commands.add_parser("check", help="fail if what is generated is not as committed")
    check.set_defaults(run=_check)
    link = commands.add_parser("link", help="print the address of a Data Studio report")
    link.add_argument("--project", required=True, help="Google Cloud project of the marts")
    link.add_argument("--dataset", required=True, help="BigQuery dataset of the marts")
    link.add_argument("--billing-project", help="project that pays for reading; default: the same")
    link.add_argument("--template", type=Path, default=studio.TEMPLATE, help="default: %(default)s")
    link.set_defaults(run=_link)
    page = commands.add_parser("preview", help="write the dashboard to one HTML file")
    page.add_argument(
        "--warehouse",
        type=Path,
        default=_setting("KLAVIYO_WAREHOUSE") or "build/warehouse.duckdb",
        help="DuckDB file with the marts; default: KLAVIYO_WAREHOUSE, now %(default)s",
    )
    page.add_argument(
        "-o", "--output", type=Path, default="build/dashboard.html", help="default: %(default)s"
    )
    page.set_defaults(run=_preview)
    return parser


if __name__ == "__main__":
    sys.exit(main())
