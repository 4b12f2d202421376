"""The simulated Klaviyo account of the demonstration: a process, and the orders that it shows."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlparse
from urllib.request import url2pathname

import requests

from simplyload.demo.shop import Order, parse_orders
from simplyload.errors import ConfigurationError, SourceError

API_KEY = "pk_sandbox_demo"
SIZE = ("--campaigns", "40", "--profiles", "250")
READY = "sandbox ready on "
REVISION = "2026-10-15"


@contextmanager
def run_sandbox(repository: Path, epoch: date) -> Iterator[str]:
    """Run a sandbox whose account is built around a day; yield its address."""
    options = ["--port", "0", "--no-limits", *choose_times(epoch, datetime.now(UTC)), *SIZE]
    command = [sys.executable, "-m", "klaviyo_sandbox", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=repository) as process:
        try:
            # The first line is the address; after an error there is none, and the reason is above.
            line = process.stdout.readline() if process.stdout else ""
            if not line.startswith(READY):
                raise SourceError("the sandbox did not start; the reason is printed above")
            yield line.removeprefix(READY).strip()
        finally:
            process.terminate()


def choose_times(epoch: date, now: datetime) -> list[str]:
    """Return the account's times: its clock is the beginning of this day, and its zone UTC.

    The connector reads some tables once in a day of the account: if the account changed within a
    day, those would differ from it until the next one.
    """
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return ["--epoch", epoch.isoformat(), "--now", day.isoformat(), "--timezone", "UTC"]


def find_repository(named: Path | None) -> Path:
    """Find the folder with klaviyo_sandbox: as named, around this one, or what pip installed."""
    for folder in [named] if named else _list_places():
        if (folder / "klaviyo_sandbox" / "__main__.py").is_file():
            return folder.resolve()
    raise ConfigurationError(
        "the demonstration needs the repository klaviyo-warehouse: run it there, or name its folder"
        " with --repository"
    )


def _list_places() -> list[Path]:
    try:
        installed = metadata.distribution("simplyload").read_text("direct_url.json")
    except metadata.PackageNotFoundError:  # it runs from its source
        installed = None
    origin = Path(url2pathname(urlparse(json.loads(installed or "{}").get("url", "")).path))
    return [Path.cwd(), *Path.cwd().parents, *origin.parents]


def read_orders(url: str) -> list[Order]:
    """Read every order that the account shows, by plain requests."""
    metrics = _get(f"{url}/api/metrics").json()["data"]
    [metric] = [
        metric["id"] for metric in metrics if metric["attributes"]["name"] == "Placed Order"
    ]
    query = {
        "filter": f'equals(metric_id,"{metric}")',
        "include": "profile",
        "page[size]": "1000",
    }
    orders, page = parse_orders(_get(f"{url}/api/events", query).text)
    while page:
        more, page = parse_orders(_get(page).text)
        orders += more
    return orders


def _get(url: str, query: Any = None) -> requests.Response:
    headers = {"Authorization": f"Klaviyo-API-Key {API_KEY}", "revision": REVISION}
    response = requests.get(url, query, headers=headers, timeout=30)
    response.raise_for_status()
    return response
