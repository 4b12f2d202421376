"""The dashboard as one page, in Looker and in Data Studio."""

import argparse
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from dotenv import dotenv_values

from looker import codegen, data_studio, declaration, preview, semantic
from looker.errors import LookerError
from looker.private import keep_files_private
from looker.warehouse import Warehouse


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code: 1 for a failure, 2 for a malformed option."""
    options = _build_parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except (LookerError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return status


def _build(_: argparse.Namespace) -> int:
    for path in codegen.build(semantic.load()):
        print(f"looker/{path}")
    return 0


def _check(_: argparse.Namespace) -> int:
    differences = list(codegen.check(semantic.load()))
    sys.stdout.writelines(differences)
    if differences:
        print("looker/ is out of date: run `.venv/bin/python -m looker build`.", file=sys.stderr)
    return 1 if differences else 0


def _print_link(options: argparse.Namespace) -> int:
    semantics = semantic.load()
    dashboard = declaration.load(semantics)
    template = data_studio.load(options.template)
    marts = data_studio.MartLocation(
        options.project, options.dataset, options.billing_project or options.project
    )
    today = datetime.now(UTC).date()
    template.check(semantics.columns, today)
    address = data_studio.build_link(
        template, marts, dashboard.title, semantics.model(dashboard.model).table
    )
    for line in template.find_warnings(today):
        print(line, file=sys.stderr)
    print(address)
    return 0


def _write_preview(options: argparse.Namespace) -> int:
    semantics = semantic.load()
    dashboard = declaration.load(semantics)
    with Warehouse(options.warehouse) as warehouse:
        html = preview.render(warehouse, semantics, dashboard, datetime.now(UTC))
    with keep_files_private():
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(html)
    print(f"{options.output} ({len(html.encode()) / 1e6:.1f} MB)")
    return 0


def _read_setting(name: str) -> str | None:
    """A setting of the environment, or else of `.env`; an empty value counts as not set."""
    return os.environ.get(name) or dotenv_values(".env").get(name)


def _google_name(kind: str) -> Callable[[str], str]:
    """The type of an option that is a name of Google's."""

    def parse(text: str) -> str:
        try:
            return data_studio.check_name(kind, text)
        except LookerError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parse


def _existing_file(text: str) -> Path:
    if not Path(text).is_file():
        raise argparse.ArgumentTypeError(f"{text!r} is not a file")
    return Path(text)


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=".venv/bin/python -m looker", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    build = commands.add_parser(
        "build", help="write the files generated from dbt and dashboard.yml: LookML, documents"
    )
    build.set_defaults(run=_build)
    check = commands.add_parser(
        "check", help="fail if a generated file differs from the committed one"
    )
    check.set_defaults(run=_check)
    link = commands.add_parser("link", help="print the address of a Data Studio report")
    project, dataset = _google_name("project"), _google_name("dataset")
    link.add_argument(
        "--project", type=project, required=True, help="Google Cloud project of the marts"
    )
    link.add_argument(
        "--dataset", type=dataset, required=True, help="BigQuery dataset of the marts"
    )
    link.add_argument(
        "--billing-project",
        type=lambda text: text and project(text),
        help="project that pays for queries; default, also of an empty text: the same",
    )
    link.add_argument(
        "--template", type=_existing_file, default=data_studio.TEMPLATE, help="default: %(default)s"
    )
    link.set_defaults(run=_print_link)
    page = commands.add_parser("preview", help="write the dashboard to one HTML file")
    page.add_argument(
        "--warehouse",
        type=Path,
        default=_read_setting("KLAVIYO_WAREHOUSE") or "build/warehouse.duckdb",
        help="DuckDB file with the marts; default: KLAVIYO_WAREHOUSE, now %(default)s",
    )
    page.add_argument(
        "-o", "--output", type=Path, default="build/dashboard.html", help="default: %(default)s"
    )
    page.set_defaults(run=_write_preview)
    return parser


if __name__ == "__main__":
    sys.exit(main())
