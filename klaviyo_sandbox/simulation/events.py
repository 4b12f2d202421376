"""The events as the API shows them: selected from the event table, rendered as resources."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from klaviyo_sandbox.catalog.model import Company
from klaviyo_sandbox.simulation.event_table import (
    SPACE_IN_DATE,
    Content,
    Rows,
    attribute_touches,
    message_contents,
)
from klaviyo_sandbox.simulation.population import Bools, Floats, Ints, People
from klaviyo_sandbox.simulation.properties import EventRow, PropertyRenderer

# An odd factor permutes the numbers below 2**44: ids look random, are unique, and multiplying by
# the factor's inverse gives the number again.
ID_FACTOR: Final = 0x9E3779B97F5
ID_SIZE: Final = 1 << 44
ID_INVERSE: Final = pow(ID_FACTOR, -1, ID_SIZE)
NEVER_SEEN: Final = np.iinfo(np.int64).max


def event_id(number: int) -> str:
    """Return the id of the event with this number."""
    return f"{number * ID_FACTOR % ID_SIZE:011x}"


def attribution_id(number: int) -> str:
    """Return the id of the attribution of the event with this number."""
    return f"{(number + 1) * 0xD1342543DE82EF95_9E3779B97F4A7C15 % (1 << 128):032x}"


class EventStore:
    """The columns of the event table, one position per event, and their resources."""

    def __init__(self, company: Company, people: People, table: Rows, baskets: Ints) -> None:
        self.contents: list[Content] = message_contents(company)
        self.at: Ints = _column(table, "at")
        self.seen: Ints = _column(table, "seen")
        self.metric: Ints = _column(table, "metric")
        self.person: Ints = _column(table, "person")
        self.variation: Ints = _column(table, "variation")
        self.group: Ints = _column(table, "group")
        self.sent: Ints = _column(table, "sent")
        self.value: Floats = _column(table, "value")
        self.detail: Ints = _column(table, "detail")
        self.flags: Ints = _column(table, "flags")
        self.touch: Ints = attribute_touches(company, table)
        self.metric_codes = {metric.id: code for code, metric in enumerate(company.metrics)}
        self.owner: Ints = self.person.copy()  # whose events they are, which a merge changes
        self.is_redacted: Bools = np.zeros(len(table), bool)
        self.is_edited = False
        self._first_seen, self._first_touch = self.seen.copy(), self.touch.copy()
        self._people = {id_: number for number, id_ in enumerate(people.ids)}
        # Relationships are rendered once per metric and person, not once per event.
        self._metric_links = _links("metric", [metric.id for metric in company.metrics])
        self._profile_links = _links("profile", people.ids)
        self._properties = PropertyRenderer(company, people, self.contents, baskets)

    def __len__(self) -> int:
        return len(self.at)

    def count_visible(self, now: int) -> int:
        """Return how many events are visible at ``now``."""
        return int(np.count_nonzero(self.seen <= now))

    def query(  # noqa: PLR0913 - one argument per filter of the endpoint
        self,
        *,
        now: int,
        metric_id: str | None = None,
        profile_id: str | None = None,
        since: int | None = None,
        before: int | None = None,
        has_metric: bool | None = None,
        has_profile: bool | None = None,
    ) -> Ints:
        """Return the numbers, ascending, of the visible events with since <= at < before."""
        first = 0 if since is None else int(np.searchsorted(self.at, since))
        last = len(self) if before is None else int(np.searchsorted(self.at, before))
        window = slice(first, last)
        selected = self.seen[window] <= now
        # -2 matches no row: -1 is the row without a metric or person.
        if metric_id is not None:
            selected &= self.metric[window] == self.metric_codes.get(metric_id, -2)
        if profile_id is not None:
            selected &= self.owner[window] == self._people.get(profile_id, -2)
        if has_metric is not None:
            selected &= (self.metric[window] >= 0) == has_metric
        if has_profile is not None:
            selected &= (self.owner[window] >= 0) == has_profile
        return np.flatnonzero(selected) + first

    def find_row(self, id_: str) -> int | None:
        """Return the number of the event with this id, visible or not; None if there is none."""
        try:
            number = int(id_, 16) * ID_INVERSE % ID_SIZE
        except ValueError:
            return None
        return number if number < len(self) and event_id(number) == id_ else None

    def set_visible_from(self, id_: str, moment: float | None) -> None:
        """Show an event from a moment on, whatever its date (None: never).

        KeyError if there is no such event.
        """
        self.seen[self.require_row(id_)] = NEVER_SEEN if moment is None else moment
        self.is_edited = True

    def require_row(self, id_: str) -> int:
        """Return the number of the event with this id; KeyError if there is none."""
        row = self.find_row(id_)
        if row is None:
            raise KeyError(f"there is no event {id_}")
        return row

    def redact(self, profile_id: str) -> None:
        """Redact what the events of an erased person say of the person."""
        self.is_redacted[self.owner == self._people[profile_id]] = True
        self.is_edited = True

    def move_to_profile(self, profile_id: str, survivor_id: str) -> None:
        """Give the events of one profile to another."""
        self.owner[self.owner == self._people[profile_id]] = self._people[survivor_id]
        self.is_edited = True

    def credit(self, row: int, touch: int) -> None:
        """Credit the message of another event with an event (touch -1: no message)."""
        self.touch[row] = touch
        self.is_edited = True

    def undo_edits(self) -> None:
        """Return every event to its original moment, person and touch."""
        self.seen[:], self.touch[:] = self._first_seen, self._first_touch
        self.owner[:], self.is_redacted[:] = self.person, False
        self.is_edited = False

    def documents(self, rows: Ints) -> list[dict[str, Any]]:
        """Return the ``event`` resources of the rows."""
        # numpy formats all dates at once, many times faster than datetime one by one.
        dates = np.datetime_as_string(self.at[rows].astype("datetime64[s]")).tolist()
        times, touches = self.at[rows].tolist(), self.touch[rows].tolist()
        attributions = [
            [{"type": "attribution", "id": attribution_id(number)}] if touch >= 0 else []
            for number, touch in zip(rows.tolist(), touches, strict=True)
        ]
        return [
            self._render_event(*parts)
            for parts in zip(self._iterate(rows), times, dates, attributions, strict=True)
        ]

    def properties(self, rows: Ints) -> list[dict[str, Any]]:
        """Return the ``event_properties`` of the rows."""
        return [self._properties.render(row) for row in self._iterate(rows)]

    def _iterate(self, rows: Ints) -> Iterator[EventRow]:
        columns: tuple[npt.NDArray[Any], ...] = (self.metric, self.person, self.variation)
        columns += (self.sent, self.value, self.detail, self.flags, self.owner, self.is_redacted)
        values = (column[rows].tolist() for column in columns)
        return map(EventRow._make, zip(rows.tolist(), *values, strict=True))

    def _render_event(
        self, row: EventRow, at: int, date: str, attributions: list[dict[str, str]]
    ) -> dict[str, Any]:
        id_ = event_id(row.number)
        if row.flags & SPACE_IN_DATE:  # Klaviyo sends such dates now and then (Estuary, July 2026)
            date = date.replace("T", " ")
        return {
            "type": "event",
            "id": id_,
            "attributes": {
                "timestamp": at,
                "event_properties": self._properties.render(row),
                "datetime": f"{date}+00:00",
                "uuid": f"{at:08x}-{id_[:4]}-11f0-8001-{id_:0>12}",
            },
            "relationships": {
                "profile": self._profile_links[row.owner],
                "metric": self._metric_links[row.metric],
                "attributions": {"data": attributions},
            },
        }

    def attributions(self, rows: Ints) -> list[dict[str, Any]]:
        """Return the ``attribution`` resources of the rows that have one."""
        attributed = rows[self.touch[rows] >= 0]
        touches = self.touch[attributed]
        variations = self.variation[touches].tolist()
        return [
            _render_attribution(number, touch, self.contents[variation])
            for number, touch, variation in zip(
                attributed.tolist(), touches.tolist(), variations, strict=True
            )
        ]


def _column(table: Rows, name: str) -> npt.NDArray[Any]:
    return np.ascontiguousarray(table[name])


def _links(type_: str, ids: list[str]) -> list[dict[str, Any]]:
    """Return relationships by number; the last one is for number -1, which is none."""
    return [{"data": {"type": type_, "id": id_}} for id_ in ids] + [{"data": None}]


def _render_attribution(number: int, touch: int, content: Content) -> dict[str, Any]:
    links = {"event": ("event", event_id(number)), "attributed-event": ("event", event_id(touch))}
    if content.campaign is not None:
        links["campaign"] = ("campaign", content.campaign.id)
        links["campaign-message"] = ("campaign-message", content.message.id)
    if content.flow is not None:
        links["flow"] = ("flow", content.flow.id)
        links["flow-message"] = ("flow-message", content.message.id)
        # Klaviyo's schema types a flow message's variation as a flow message.
        links["flow-message-variation"] = ("flow-message", content.variation.id)
    return {
        "type": "attribution",
        "id": attribution_id(number),
        "relationships": {
            name: {"data": {"type": type_, "id": id_}} for name, (type_, id_) in links.items()
        },
    }
