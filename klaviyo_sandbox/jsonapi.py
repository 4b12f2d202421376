"""JSON:API resource objects, times in ISO 8601, and a condition that segments and flows share."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo
from typing import Any

Json = dict[str, Any]


def to_iso(at: int) -> str:
    """Return the moment ``at`` as Klaviyo writes it: ISO 8601 with +00:00."""
    return datetime.fromtimestamp(at, UTC).isoformat()


def parse_iso(text: str, zone: tzinfo = UTC) -> float:
    """Return the epoch seconds of an ISO 8601 datetime, in ``zone`` if it has no offset."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()


def latest_iso(now: int, first: int, *later: int | None) -> str:
    """Return the last of the moments that are not after ``now``; ``first`` never is."""
    return to_iso(max([first, *(at for at in later if at is not None and at <= now)]))


def resource(type_: str, id_: str, attributes: Json, **relationships: Any) -> Json:
    """Return a resource object; each relationship is a result of ``to_one`` or ``to_many``."""
    related = {
        name.replace("_", "-"): {"data": data}
        for name, data in relationships.items()
        if data is not None
    }
    return {"type": type_, "id": id_, "attributes": attributes, "relationships": related}


def to_one(type_: str, id_: str | None) -> Json | None:
    """Return a to-one relationship; None where there is no resource."""
    return None if id_ is None else {"type": type_, "id": id_}


def to_many(type_: str, ids: Iterable[str]) -> list[Json]:
    """Return a to-many relationship."""
    return [{"type": type_, "id": id_} for id_ in ids]


def metric_condition(metric_id: str, count: Json, timeframe: Json) -> Json:
    """Return the condition that a profile has a number of events of a metric in a timeframe."""
    return {
        "type": "profile-metric",
        "metric_id": metric_id,
        "measurement": "count",
        "measurement_filter": count,
        "timeframe_filter": timeframe,
        "metric_filters": None,
    }
