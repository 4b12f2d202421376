"""The simulated Klaviyo account of the demonstration: a process, and the orders that it shows."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import requests

from simplyload.demo.shop import Order, parse_orders
from simplyload.errors import ConfigurationError, SourceError

API_KEY = "pk_sandbox_demo"
SIZE = ("--campaigns", "40", "--profiles", "250")
READY = "sandbox ready on "
REVISION = "2026-10-15"


@contextmanager
def running_sandbox(repository: Path, epoch: date) -> Iterator[str]:
    """Run a sandbox whose account is built around a day; yield its address.

    Its clock is this hour, so a second demonstration in the same hour finds nothing new there.
    """
    if not (repository / "klaviyo_sandbox" / "__main__.py").is_file():
        raise ConfigurationError(
            f"{repository} has no klaviyo_sandbox: run the demonstration in the folder of the"
            " repository klaviyo-warehouse, or name it with --repository"
        )
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    times = ["--epoch", epoch.isoformat(), "--now", now.isoformat()]
    command = [sys.executable, "-m", "klaviyo_sandbox", "--port", "0", "--no-limits", *times, *SIZE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=repository) as process:
        try:
            # The first line is the address; after an error there is none, and the reason is above.
            line = process.stdout.readline() if process.stdout else ""
            if not line.startswith(READY):
                raise SourceError("the sandbox did not start; the reason is printed above")
            yield line.removeprefix(READY).strip()
        finally:
            process.terminate()


def read_orders(url: str) -> list[Order]:
    """Read every order that the account shows, by plain requests."""
    metrics = _get(f"{url}/api/metrics").json()["data"]
    [metric] = [one["id"] for one in metrics if one["attributes"]["name"] == "Placed Order"]
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
