"""Puts ids into paths and filters. An id may hold any character: a coupon's is its name."""

import json
from urllib.parse import quote

ID_PLACEHOLDER = "{id}"


def fill_path(path: str, id_: str) -> str:
    """The path with an id in place of `{id}`."""
    return path.replace(ID_PLACEHOLDER, quote(id_, safe=""))


def fill_filter(condition: str, id_: str) -> str:
    """The filter with an id as quoted text in place of `{id}`."""
    return condition.replace(ID_PLACEHOLDER, json.dumps(id_, ensure_ascii=False))
