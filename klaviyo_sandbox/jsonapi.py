"""How resources are written: the words of JSON:API, moments, and a phrase several kinds share."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo
from typing import Any

Json = dict[str, Any]


def iso(at: int) -> str:
    """Return the moment ``at`` as Klaviyo writes it: ISO 8601 with +00:00."""
    return datetime.fromtimestamp(at, UTC).isoformat()


def seconds(text: str, zone: tzinfo = UTC) -> float:
    """Return the epoch seconds of an ISO 8601 datetime, in ``zone`` if it has no offset."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()


def resource(kind: str, key: str, attributes: Json, **relationships: Any) -> Json:
    """Return a resource; each relationship holds what ``one`` or ``many`` returned."""
    related = {
        name.replace("_", "-"): {"data": data}
        for name, data in relationships.items()
        if data is not None
    }
    return {"type": kind, "id": key, "attributes": attributes, "relationships": related}


def one(kind: str, key: str | None) -> Json | None:
    """Return a to-one relationship; None where there is no resource."""
    return None if key is None else {"type": kind, "id": key}


def many(kind: str, keys: Iterable[str]) -> list[Json]:
    """Return a to-many relationship."""
    return [{"type": kind, "id": key} for key in keys]


def latest(now: int, first: int, *later: int | None) -> str:
    """Return the last of the moments that have come; the first always has."""
    return iso(max([first, *(at for at in later if at is not None and at <= now)]))


def happened(metric_id: str, count: Json, timeframe: Json) -> Json:
    """Return the condition that someone did a metric's thing so many times within a time."""
    return {
        "type": "profile-metric",
        "metric_id": metric_id,
        "measurement": "count",
        "measurement_filter": count,
        "timeframe_filter": timeframe,
        "metric_filters": None,
    }
