"""Load Postgres, Stripe, Salesforce and Klaviyo into DuckDB and fakesnow, and join them.

`make load-demo ALL=1` runs it. All four are simulated on this machine and know the same customers.
dbt builds the models in DuckDB; fakesnow runs the SQL that dbt compiled, and must give the same.
"""

import argparse
import logging
import os
import shutil
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any, Literal

import psycopg2
import yaml
from psycopg2.extensions import make_dsn, parse_dsn
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as RichTable

from simplyload.cli import main as run_command
from simplyload.demo.sandbox import API_KEY, read_orders, run_sandbox
from simplyload.demo.server import run_server
from simplyload.demo.shop import DATABASE, SETUP, fill_shop
from simplyload.errors import SimplyLoadError
from simplyload.testing.server import serve
from tests.core.fake_snowflake import run_fake
from tests.core.snowflake_server import Server
from tests.salesforce.fake import CLIENT_ID, CLIENT_SECRET, FakeSalesforce, SalesforceHandler
from tests.stripe.fake import KEY, FakeStripe, StripeHandler
from tour.customers import fill_salesforce, fill_stripe, read_shop_orders
from tour.page import NOTE, format_cell, render
from tour.warehouses import (
    MODELS,
    build_by_dbt,
    build_on_fakesnow,
    read_from_duckdb,
    read_from_fakesnow,
)

REPOSITORY = Path(__file__).parents[2]
DEFAULT_FOLDER = REPOSITORY / "build" / "load-demo-all"
MARK = ".tour"  # in a folder that a tour made, and may remove
WIDE = 110  # characters, for all columns
BEGIN = (
    "Four systems start on this machine: a shop in PostgreSQL, and accounts of Klaviyo, Stripe and"
    " Salesforce that are simulated."
)
CHECKED = ("shop", "payments", "crm")  # Klaviyo's would be one more sync of the whole account


def main() -> int:
    """Run the tour; give 0 only if both warehouses give the same, and it is not empty."""
    options, began = _read_options(), monotonic()
    folder, console = options.folder.resolve(), Console()
    if not options.dbt.exists():
        raise SimplyLoadError(
            f"{options.dbt} is missing: run `make load-demo ALL=1`, or name it with --dbt"
        )
    _empty(folder)
    console.print(BEGIN)
    same = _load_and_build(folder, options.dbt)
    rows = read_from_duckdb(folder, MODELS[-1])
    verdict = (
        "In fakesnow, a Snowflake of this machine, the same SQL gives"
        f" {'the same, cell by cell' if same else 'OTHER ROWS'}."
    )
    (folder / "revenue.html").write_text(render(rows, verdict))
    console.print(to_table(rows, console.width), NOTE, verdict, sep="\n", markup=False)
    console.print(f"{monotonic() - began:.0f} s; the page is {folder / 'revenue.html'}")
    return 0 if same and any(row["attributed_revenue"] and row["paid"] for row in rows) else 1


def _load_and_build(folder: Path, dbt: Path) -> bool:
    """Fill both warehouses and build the models in both; tell whether they are the same."""
    with run_sources(folder) as sources, run_fake() as address:
        server = Server(address)
        settings = server.settings()
        _load(folder, "duckdb", sources, {"type": "duckdb", "path": "warehouse.duckdb"})
        _announce("dbt build")
        build_by_dbt(dbt, folder)
        _load(folder, "fakesnow", sources, _snowflake(settings))
        _announce("the SQL that dbt compiled, in fakesnow")
        build_on_fakesnow(server, settings, folder)
        return all(
            read_from_duckdb(folder, model) == read_from_fakesnow(server, settings, model)
            for model in MODELS
        )


def _empty(folder: Path) -> None:
    """Begin with an empty folder; remove what an earlier tour left, and nothing else."""
    mark = folder / MARK
    try:
        if folder.exists() and (mark.exists() or folder == DEFAULT_FOLDER):
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise SimplyLoadError(f"{folder} holds other files: name a new one with --folder")
        mark.touch()
    except OSError as error:
        raise SimplyLoadError(f"{error}: name another folder with --folder") from None


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tour", description=__doc__)
    parser.add_argument("--folder", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--dbt", type=Path, default=REPOSITORY / ".venv-dbt" / "bin" / "dbt")
    return parser.parse_args()


@contextmanager
def run_sources(folder: Path) -> Iterator[Mapping[str, Any]]:
    """Start the four systems with the same customers; yield the section `sources`."""
    with ExitStack() as stack:
        url = stack.enter_context(run_sandbox(REPOSITORY, datetime.now(UTC).date()))
        server = stack.enter_context(run_server(folder / "postgres"))
        stripe = stack.enter_context(serve(FakeStripe(), StripeHandler))
        salesforce = stack.enter_context(serve(FakeSalesforce(), SalesforceHandler))
        with closing(psycopg2.connect(server)) as connection:
            connection.autocommit = True
            connection.cursor().execute(f"create database {DATABASE}")
        shop = make_dsn(server, dbname=DATABASE)
        with closing(psycopg2.connect(shop)) as connection, connection:
            cursor = connection.cursor()
            fill_shop(cursor, read_orders(url))
            cursor.execute(SETUP)
            orders = read_shop_orders(cursor)
        fill_stripe(stripe, orders)
        fill_salesforce(salesforce, orders)
        os.environ["KLAVIYO_BASE_URL"] = url
        yield _sources(parse_dsn(server)["port"], stripe.address, salesforce.address)


def _sources(port: str, stripe: str, salesforce: str) -> Mapping[str, Any]:
    return {
        "shop": {
            "type": "postgres", "host": "127.0.0.1", "port": int(port), "database": DATABASE,
            "user": "simplyload", "password": "a password of your own", "tables": ["public.*"],
            "publication": "simplyload_shop",
        },
        "klaviyo": {
            "type": "klaviyo", "connector": str(REPOSITORY / "klaviyo_connector"),
            "api_key": API_KEY, "tables": ["metric", "campaign", "event", "event_attribution"],
        },
        "payments": {"type": "stripe", "api_key": KEY, "base_url": stripe,
                     "tables": ["customers", "charges", "refunds"]},
        "crm": {"type": "salesforce", "login_url": salesforce, "client_id": CLIENT_ID,
                "client_secret": CLIENT_SECRET, "objects": ["Account", "Contact"]},
    }  # fmt: skip


def _snowflake(settings: Any) -> dict[str, Any]:
    values: dict[str, Any] = settings.model_dump(mode="json", exclude_none=True)
    return {**values, "private_key": settings.private_key.get_secret_value()}


def _load(
    folder: Path, name: str, sources: Mapping[str, Any], destination: Mapping[str, Any]
) -> None:
    """Run `simplyload sync` and `simplyload check` as a user does."""
    file = folder / f"{name}.yml"
    shop = {**sources["shop"], "slot": f"simplyload_{name}"}  # each loader reads by its own
    written = {
        "sources": {**sources, "shop": shop},
        "destination": destination,
        "log": f"{name}_log",
    }
    file.write_text(yaml.safe_dump(written, sort_keys=False))
    for command in (["sync"], ["check", "--select", *CHECKED]):
        _announce(" ".join(("simplyload", *command, "--config", file.name)))
        if run_command([*command, "--config", str(file)]):
            raise SimplyLoadError(f"simplyload {command[0]} into {name} failed: see above")


def _announce(command: str) -> None:
    """Say what runs, as a shell shows it."""
    Console().print(f"\n$ {command}", markup=False, highlight=False)


def to_table(rows: list[dict[str, Any]], width: int) -> RichTable:
    """Give the rows as a table; where it is narrow without what the page has beside."""
    left_out = ("industry", "customers") if width < WIDE else ()
    table = RichTable(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.title = "attributed revenue, payments and CRM"
    names = [name for name in rows[0] if name not in left_out]
    for name in names:
        is_text = isinstance(rows[0][name], str)
        justify: Literal["left", "right"] = "left" if is_text else "right"
        table.add_column(name.replace("_", "\n"), justify=justify, no_wrap=not is_text)
    for row in rows:
        table.add_row(*(format_cell(row[name]) for name in names))
    return table


if __name__ == "__main__":
    logging.disable(logging.WARNING)  # each request to fakesnow, and what it does not know
    warnings.simplefilter("ignore")
    try:
        sys.exit(main())
    except SimplyLoadError as error:
        sys.exit(f"tour: {error}")
