"""Our own `sync.sync`: every column of every row, without the SDK's loader."""

import gc
import json
import os
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from read import KEY

sys.path.insert(0, str(Path(__file__).parents[3] / "klaviyo_connector"))

import sync
from models import Upsert, Upserts
from streams import REPORTING


def events(url: str, concurrency: str) -> Iterator[int]:
    """Yield each event; the rows of `event_attribution` are made but not counted."""
    tables = "event,event_attribution"
    return _rows(url, ["event"], tables=tables, concurrency=concurrency)


def profiles(url: str, concurrency: str) -> Iterator[int]:
    """Yield each person, with the consents."""
    return _rows(url, ["profile"], tables="profile", concurrency=concurrency)


def members(url: str, concurrency: str) -> Iterator[int]:
    """Yield each member of each list and segment; the rows of these are made but not counted."""
    tables = ["list_profile", "segment_profile"]
    return _rows(url, tables, tables=",".join(tables), concurrency=concurrency)


def campaigns(url: str) -> Iterator[int]:
    """Yield each campaign."""
    return _rows(url, ["campaign"], tables="campaign")


def changes(url: str, state: str) -> Iterator[int]:
    """Yield each row that a sync of `reporting` writes, after the one that left the state file."""
    return _rows(url, REPORTING, state=json.loads(Path(state).read_text()))


def _rows(url: str, counted: Collection[str], state: Any = None, **settings: str) -> Iterator[int]:
    os.environ["KLAVIYO_BASE_URL"] = url
    gc.set_threshold(50_000)  # as connector.update does
    for operation in sync.sync({"api_key": KEY, **settings}, state or {}):
        if isinstance(operation, Upserts) and operation.table in counted:
            yield len(operation.rows)
        elif isinstance(operation, Upsert) and operation.table in counted:
            yield 1
