"""Klaviyo's answers, and the one place that says that an answer has another form than documented.

`read` and the properties of an Answer check what they return, and raise MalformedError. So any
other error of an examination is a fault of ours, and ends the command with its traceback.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import msgspec

from api import KlaviyoError, RateLimitHeaders, ScopeError
from session import QuotaSpentError
from tables.jsonapi import Json, documents, get_path

Number = int | float | None
Value = TypeVar("Value")


class UndeterminableError(Exception):
    """An account cannot show a fact; the message says why."""


class MalformedError(UndeterminableError):
    """An answer has another form than documented and recorded; the message names the place."""


class ReportRow(msgspec.Struct):
    """A result of a report; in a series a statistic has a number for each day."""

    groupings: dict[str, str | None]
    statistics: dict[str, Number | list[Number]]


class AggregateGroup(msgspec.Struct):
    """A group of an aggregate, with a number for each day."""

    dimensions: list[Any]
    measurements: dict[str, list[Number]]


@dataclass(frozen=True)
class Answer:
    """Klaviyo's answer to a question: a document, or the reason why there is none."""

    document: Json = None
    error: KlaviyoError | UndeterminableError | None = None
    limits: RateLimitHeaders = field(default_factory=RateLimitHeaders)

    @property
    def content(self) -> Json:
        """The document. Raises UndeterminableError with the reason where there is none."""
        if self.error is not None:
            raise UndeterminableError(explain(self.error))
        return self.document

    @cached_property
    def records(self) -> list[dict[str, Any]]:
        """The records of a listing, each with its `related` resources."""
        self._require("data", list[dict[str, Any]])
        return list(documents(self.content))

    @property
    def links(self) -> dict[str, str | None]:
        """The links to other pages."""
        return self._require("links", dict[str, str | None])

    @property
    def has_more(self) -> bool:
        """Whether there is a next page."""
        return bool(self.links.get("next"))

    @property
    def results(self) -> list[ReportRow]:
        """The results on the first page of a report."""
        return self._require("results", list[ReportRow])

    @property
    def groups(self) -> list[AggregateGroup]:
        """The groups on the first page of an aggregate."""
        return self._require("data", list[AggregateGroup])

    @property
    def series_days(self) -> list[str]:
        """The days of a series."""
        return self._require("date_times", list[str])

    @property
    def dates(self) -> list[str]:
        """The days of an aggregate."""
        return self._require("dates", list[str])

    def _require(self, name: str, kind: type[Value]) -> Value:
        return require_value(self.content, (name,), kind)


def read(source: Json, path: Sequence[str], kind: type[Value]) -> Value | None:
    """The value at a path, None where there is none; MalformedError if it is of another kind."""
    value = get_path(source, path)
    return None if value is None else require_value(source, path, kind)


def require_value(source: Json, path: Sequence[str], kind: type[Value]) -> Value:
    """The value at a path; MalformedError where there is none of this kind."""
    try:
        return msgspec.convert(get_path(source, path), kind)
    except msgspec.ValidationError:
        raise MalformedError(f"an answer of another form ({'/'.join(path)})") from None


def pair_days(days: Sequence[str], values: Sequence[Value]) -> list[tuple[str, Value]]:
    """Each day of a series with its value; MalformedError where one of them has no other."""
    if len(days) != len(values):
        raise MalformedError("an answer of another form (days without a number)")
    return list(zip(days, values, strict=True))


def explain(error: Exception) -> str:
    """Why a request has no document, without Klaviyo's own words: they may hold an id."""
    if isinstance(error, UndeterminableError):
        return str(error)
    if isinstance(error, ScopeError):
        return "the key lacks the scope"
    if isinstance(error, QuotaSpentError):
        return "the day's quota of this report is used up"
    return f"the request failed ({type(error).__name__})"
