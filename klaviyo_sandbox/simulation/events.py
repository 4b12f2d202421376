"""The events as the API shows them: found in the ledger, written as documents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from klaviyo_sandbox.catalog.model import Company
from klaviyo_sandbox.simulation.event_table import SPACED, Content, Table, contents, credit
from klaviyo_sandbox.simulation.population import Floats, Ints, People
from klaviyo_sandbox.simulation.properties import PropertyWriter, Row

# Numbers are spread over 44 bits by an odd factor: ids look random, stay unique, lead back.
ID_FACTOR: Final = 0x9E3779B97F5
ID_SIZE: Final = 1 << 44
ID_INVERSE: Final = pow(ID_FACTOR, -1, ID_SIZE)


def event_id(number: int) -> str:
    """Return the id of the event with this number."""
    return f"{number * ID_FACTOR % ID_SIZE:011x}"


def attribution_id(number: int) -> str:
    """Return the id of the attribution of the event with this number."""
    return f"{(number + 1) * 0xD1342543DE82EF95_9E3779B97F4A7C15 % (1 << 128):032x}"


class Events:
    """The ledger's columns, one position per event, and what the API shows of them."""

    def __init__(self, company: Company, people: People, table: Table, baskets: Ints) -> None:
        self.contents: list[Content] = contents(company)
        self.at: Ints = _column(table, "at")
        self.seen: Ints = _column(table, "seen")
        self.metric: Ints = _column(table, "metric")
        self.person: Ints = _column(table, "person")
        self.variation: Ints = _column(table, "variation")
        self.group: Ints = _column(table, "group")
        self.sent: Ints = _column(table, "sent")
        self.value: Floats = _column(table, "value")
        self.detail: Ints = _column(table, "detail")
        self.mark: Ints = _column(table, "mark")
        self.touch: Ints = credit(company, table)
        self.metric_codes = {metric.id: code for code, metric in enumerate(company.metrics)}
        self._first_seen = self.seen.copy()
        self._people = {id_: number for number, id_ in enumerate(people.ids)}
        self._metric_links = _links("metric", [metric.id for metric in company.metrics])
        self._profile_links = _links("profile", people.ids)
        self._properties = PropertyWriter(company, people, self.contents, baskets)

    def __len__(self) -> int:
        return len(self.at)

    def visible(self, now: int) -> int:
        """Return how many events are to be seen at ``now``."""
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
        keep = self.seen[window] <= now
        if metric_id is not None:
            keep &= self.metric[window] == self.metric_codes.get(metric_id, -2)
        if profile_id is not None:
            keep &= self.person[window] == self._people.get(profile_id, -2)
        if has_metric is not None:
            keep &= (self.metric[window] >= 0) == has_metric
        if has_profile is not None:
            keep &= (self.person[window] >= 0) == has_profile
        return np.flatnonzero(keep) + first

    def row(self, id_: str) -> int | None:
        """Return the number of the event with this id, visible or not; None if there is none."""
        try:
            number = int(id_, 16) * ID_INVERSE % ID_SIZE
        except ValueError:
            return None
        return number if number < len(self) and event_id(number) == id_ else None

    def show(self, id_: str, since: float | None) -> None:
        """Show an event from a moment on, whenever it happened (None: never).

        KeyError if there is no such event.
        """
        row = self.row(id_)
        if row is None:
            raise KeyError(f"there is no event {id_}")
        self.seen[row] = np.iinfo(np.int64).max if since is None else since

    def forget_edits(self) -> None:
        """Show every event when it was first to be shown."""
        self.seen[:] = self._first_seen

    def documents(self, rows: Ints) -> list[dict[str, Any]]:
        """Return the ``event`` resources of the rows."""
        moments = np.datetime_as_string(self.at[rows].astype("datetime64[s]")).tolist()
        seconds, touches = self.at[rows].tolist(), self.touch[rows].tolist()
        credits_ = [
            [{"type": "attribution", "id": attribution_id(number)}] if touch >= 0 else []
            for number, touch in zip(rows.tolist(), touches, strict=True)
        ]
        return [
            self._document(*parts)
            for parts in zip(self._rows(rows), seconds, moments, credits_, strict=True)
        ]

    def properties(self, rows: Ints) -> list[dict[str, Any]]:
        """Return the ``event_properties`` of the rows."""
        return [self._properties.write(row) for row in self._rows(rows)]

    def _rows(self, rows: Ints) -> Iterator[Row]:
        columns: tuple[npt.NDArray[Any], ...] = (self.metric, self.person, self.variation)
        columns += (self.sent, self.value, self.detail, self.mark)
        values = (column[rows].tolist() for column in columns)
        return map(Row._make, zip(rows.tolist(), *values, strict=True))

    def _document(
        self, row: Row, at: int, moment: str, credits_: list[dict[str, str]]
    ) -> dict[str, Any]:
        id_ = event_id(row.number)
        if row.mark & SPACED:  # as Klaviyo now and then does (met by Estuary, July 2026)
            moment = moment.replace("T", " ")
        return {
            "type": "event",
            "id": id_,
            "attributes": {
                "timestamp": at,
                "event_properties": self._properties.write(row),
                "datetime": f"{moment}+00:00",
                "uuid": f"{at:08x}-{id_[:4]}-11f0-8001-{id_:0>12}",
            },
            "relationships": {
                "profile": self._profile_links[row.person],
                "metric": self._metric_links[row.metric],
                "attributions": {"data": credits_},
            },
        }

    def attributions(self, rows: Ints) -> list[dict[str, Any]]:
        """Return the ``attribution`` resources of those of the rows that are credited."""
        credited = rows[self.touch[rows] >= 0]
        touches = self.touch[credited]
        variations = self.variation[touches].tolist()
        return [
            _attribution(number, touch, self.contents[variation])
            for number, touch, variation in zip(
                credited.tolist(), touches.tolist(), variations, strict=True
            )
        ]


def _column(table: Table, name: str) -> npt.NDArray[Any]:
    return np.ascontiguousarray(table[name])


def _links(type_: str, ids: list[str]) -> list[dict[str, Any]]:
    """Return relationships by number; the last one serves number -1, which is none."""
    return [{"data": {"type": type_, "id": id_}} for id_ in ids] + [{"data": None}]


def _attribution(number: int, touch: int, content: Content) -> dict[str, Any]:
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
