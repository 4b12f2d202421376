"""Readers whose memory is measured, each in a process of its own.

    python -m tests.chaos.measured READER

It prints numbers: rows, and megabytes of memory. KLAVIYO_BASE_URL names the sandbox.
"""

import sys

from read import KEY, peak

import sync
from api import ContractError, KlaviyoClient
from models import Upserts

MEGABYTE = 2**20
# The allocator's pools fill until then: 92 MB after 100,000 events, 107 after 300,000, 113 after a
# million.
EARLY = 300_000


def read_bomb() -> list[float]:
    """The peak after a response that is too large to be unpacked."""
    try:
        KlaviyoClient(KEY).get("/api/events")
    except ContractError:
        return [peak() / MEGABYTE]
    sys.exit("the response is no bomb")


def read_events() -> list[float]:
    """The number of all events, the peak after the first ones and the one in the end."""
    rows, early = 0, 0
    for operation in sync.sync({"api_key": KEY, "tables": "event"}, {}):
        rows += len(operation.rows) if isinstance(operation, Upserts) else 0
        if not early and rows >= EARLY:
            early = peak()
    return [rows, early / MEGABYTE, peak() / MEGABYTE]


if __name__ == "__main__":
    readers = {reader.__name__: reader for reader in (read_bomb, read_events)}
    print(*readers[sys.argv[1]]())
