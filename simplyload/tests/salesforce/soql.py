"""A subset of SOQL that is really evaluated: SELECT, FROM, WHERE, ORDER BY, LIMIT.

https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/ is the reference: names
are matched without case, a comparison with null is true for no value but null, `IN` takes a list,
times are compared as instants.
"""

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

_TOKEN = re.compile(
    r"\s*(?P<text>'(?:[^'\\]|\\.)*')|\s*(?P<time>\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d))"
    r"|\s*(?P<day>\d{4}-\d\d-\d\d)|\s*(?P<number>-?\d+(?:\.\d+)?)|\s*(?P<word>\w+)"
    r"|\s*(?P<sign><=|>=|!=|[=<>(),])"
)
_SIGNS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
Record = Mapping[str, Any]
Test = Callable[[Record], bool]


class MalformedError(ValueError):
    """A query that is none."""


class UnknownFieldError(ValueError):
    """A field that the object has not, or that the user may not see."""


@dataclass
class Query:
    """A parsed query."""

    fields: list[str]
    name: str
    test: Test = lambda _: True
    order: list[str] = field(default_factory=list)
    limit: int | None = None

    def run(self, records: Iterable[Record]) -> list[dict[str, Any]]:
        """Give the selected fields of the records that the condition is true for, in order."""
        found = [record for record in records if self.test(record)]
        for name in reversed(self.order):
            found.sort(
                key=lambda record: (_get(record, name) is not None, _comparable(_get(record, name)))
            )
        return [
            {name: _get(record, name) for name in self.fields} for record in found[: self.limit]
        ]


def parse(soql: str) -> Query:
    """Parse a query; MalformedError where it is none."""
    return _Parser(soql).query()


class _Parser:
    def __init__(self, soql: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        place = 0
        while place < len(soql.rstrip()):
            found = _TOKEN.match(soql, place)
            if not found:
                raise MalformedError(f"unexpected token: {soql[place : place + 20]}")
            self._tokens.append((str(found.lastgroup), found[0].strip()))
            place = found.end()

    def query(self) -> Query:
        self._word("SELECT")
        fields = self._names()
        self._word("FROM")
        query = Query(fields, self._take("word"))
        if self._is_next("WHERE"):
            query.test = self._any()
        if self._is_next("ORDER"):
            self._word("BY")
            query.order = self._names()
        if self._is_next("LIMIT"):
            query.limit = int(self._take("number"))
        if self._tokens:
            raise MalformedError(f"unexpected token: {self._tokens[0][1]}")
        return query

    def _any(self) -> Test:
        tests = [self._all()]
        while self._is_next("OR"):
            tests.append(self._all())
        return lambda record: any(test(record) for test in tests)

    def _all(self) -> Test:
        tests = [self._one()]
        while self._is_next("AND"):
            tests.append(self._one())
        return lambda record: all(test(record) for test in tests)

    def _one(self) -> Test:
        if self._is_next("("):
            test = self._any()
            self._word(")")
            return test
        name = self._take("word")
        if self._is_next("IN"):
            self._word("(")
            values = [self._value()]
            while self._is_next(","):
                values.append(self._value())
            self._word(")")
            return lambda record: _comparable(_get(record, name)) in values
        sign, value = self._take("sign"), self._value()
        return lambda record: _compare(sign, _comparable(_get(record, name)), value)

    def _value(self) -> Any:
        kind, token = self._tokens.pop(0)
        if kind == "text":
            return re.sub(r"\\(.)", r"\1", token[1:-1])
        if kind == "time":
            return _instant(token)
        if kind == "number":
            return float(token)
        if kind == "word" and token.lower() in {"true", "false", "null"}:
            return {"true": True, "false": False, "null": None}[token.lower()]
        if kind == "day":
            return token
        raise MalformedError(f"unexpected token: {token}")

    def _names(self) -> list[str]:
        names = [self._take("word")]
        while self._is_next(","):
            names.append(self._take("word"))
        return names

    def _is_next(self, token: str) -> bool:
        if self._tokens and self._tokens[0][1].upper() == token:
            self._tokens.pop(0)
            return True
        return False

    def _word(self, token: str) -> None:
        if not self._is_next(token):
            raise MalformedError(f"expecting {token}")

    def _take(self, kind: str) -> str:
        if not self._tokens or self._tokens[0][0] != kind:
            raise MalformedError(f"unexpected token: {self._tokens[:1]}")
        return self._tokens.pop(0)[1]


def _get(record: Record, name: str) -> Any:
    for known, value in record.items():
        if known.lower() == name.lower():
            return value
    raise UnknownFieldError(name)


def _comparable(value: Any) -> Any:
    """Give an instant for a time; anything else as it is."""
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+\+0000", value):
        return _instant(value)
    return "" if value is None else value


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _compare(sign: str, one: Any, other: Any) -> bool:
    if other is None:
        return bool((one == "") == (sign == "="))
    return one != "" and _SIGNS[sign](one, other)


def chunks(found: Sequence[Any], size: int) -> list[Sequence[Any]]:
    """Give the parts of a list, each of at most that many."""
    return [found[n : n + size] for n in range(0, len(found), size)] or [[]]
