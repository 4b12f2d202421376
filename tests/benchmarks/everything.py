"""`make bench EVERYTHING=1`: a sync of all tables of a shop with a large catalogue and many codes.

The first sync, one that follows at once, and one of the next day, which reads every daily listing
again and finds the catalogue and the codes unchanged. Seconds and memory are those of this process,
which runs the sync and drops its rows; the sandbox is another process, without rate limits.
"""

import argparse
import gc
import json
import os
import sys
import time
from collections.abc import Sequence
from typing import Any

from scripts.command import command, positive_int
from tests.benchmarks.measure import MB
from tests.sandbox_server import KEY, REPOSITORY, Sandbox, run_sandbox

sys.path.insert(0, str(REPOSITORY / "klaviyo_connector"))
sys.path.insert(0, str(REPOSITORY / "tests" / "benchmarks" / "readers"))

from read import peak

import sync
from models import Checkpoint, Upsert, Upserts

NOW = "2026-11-16T15:00:00Z"
DAY = 86_400


@command
def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    options = _parser().parse_args(arguments)
    sizes = {
        "catalog_items": options.catalog_items,
        "coupon_codes": options.coupon_codes,
        "profiles": options.profiles,
    }
    gc.set_threshold(50_000)  # as connector.update does
    print(f"{'all tables':<24}    rows  requests   wall s    CPU s  peak MB  state MB")
    with run_sandbox(**sizes, now=NOW, no_limits=True) as sandbox:
        state = _measure("first sync", sandbox, {})
        state = _measure("at once again", sandbox, state)
        sandbox.advance(DAY)
        _measure("a day later", sandbox, state)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("make bench EVERYTHING=1", description=__doc__)
    parser.add_argument("--catalog-items", type=positive_int, default=30_000, metavar="N")
    parser.add_argument("--coupon-codes", type=positive_int, default=100_000, metavar="N")
    parser.add_argument("--profiles", type=positive_int, default=1_000, metavar="N")
    return parser


def _measure(name: str, sandbox: Sandbox, state: Any) -> Any:
    """Run a sync, print what it took, and return the state of its last checkpoint."""
    os.environ["KLAVIYO_BASE_URL"] = sandbox.url
    sandbox.reset_requests()
    rows, wall, cpu = 0, time.perf_counter(), time.process_time()
    for operation in sync.sync({"api_key": KEY, "tables": "all"}, state):
        rows += (
            len(operation.rows) if isinstance(operation, Upserts) else isinstance(operation, Upsert)
        )
        if isinstance(operation, Checkpoint):
            state = operation.state
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(
        f"{name:<24}{rows:>8,}{len(sandbox.log()):>10,}{wall:>9.1f}{cpu:>9.1f}"
        f"{peak() / MB:>9.0f}{len(json.dumps(state)) / MB:>10.2f}"
    )
    return state


if __name__ == "__main__":
    sys.exit(main())
