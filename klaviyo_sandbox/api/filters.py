"""Klaviyo's filter grammar: ``operator(field,value)``, joined by commas or ``and(...)``.

Strings stand in quotes; datetimes, numbers and booleans bare; lists in square brackets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, tzinfo
from functools import partial
from typing import Any, NamedTuple

from klaviyo_sandbox.api.errors import invalid_parameter
from klaviyo_sandbox.jsonapi import seconds
from klaviyo_sandbox.resources.declaration import Filter

TOKEN = re.compile(
    r"""\s*(?:(?P<mark>[(),\[\]])|"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>(?:[^'\\]|\\.)*)'"""
    r"""|(?P<word>[^(),\[\]"']+))\s*"""
)


class Word(str):
    """A value that stood without quotes."""

    __slots__ = ()


class Condition(NamedTuple):
    """One condition; ``value`` is a string, number, boolean, tuple of those, or None for has."""

    operator: str
    field: str
    value: Any


def parse(text: str) -> list[Condition]:
    """Return the conditions in ``text``, untyped; ValueError if it is no filter."""
    tokens = list(_tokens(text))
    conditions = list(_conditions(tokens))
    if tokens:
        raise ValueError(f"unexpected {tokens[0]!r}")
    return conditions


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    """Yield (kind, text): kind is the mark itself, ``text`` for quoted, ``word`` for bare."""
    at = 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"unexpected {text[at]!r}")
        at = match.end()
        if match["mark"]:
            yield match["mark"], match["mark"]
        elif match["word"] is not None:
            yield "word", match["word"].strip()
        else:
            quoted = match["double"] if match["double"] is not None else match["single"]
            yield "text", re.sub(r"\\(.)", r"\1", quoted)


def _take(tokens: list[tuple[str, str]], *kinds: str) -> str:
    if not tokens or tokens[0][0] not in kinds:
        found = repr(tokens[0][1]) if tokens else "the end"
        raise ValueError(f"expected {' or '.join(kinds)}, found {found}")
    return tokens.pop(0)[1]


def _conditions(tokens: list[tuple[str, str]]) -> Iterator[Condition]:
    while True:
        operator = _take(tokens, "word")
        _take(tokens, "(")
        if operator == "and":
            yield from _conditions(tokens)
        else:
            name = _take(tokens, "word", "text")
            value = _value(tokens) if _take_comma(tokens) else None
            yield Condition(operator, name, value)
        _take(tokens, ")")
        if not _take_comma(tokens):
            return


def _take_comma(tokens: list[tuple[str, str]]) -> bool:
    found = bool(tokens) and tokens[0][0] == ","
    if found:
        tokens.pop(0)
    return found


def _value(tokens: list[tuple[str, str]]) -> str | tuple[str, ...]:
    if tokens and tokens[0][0] == "[":
        tokens.pop(0)
        values = [_scalar(tokens)]
        while _take_comma(tokens):
            values.append(_scalar(tokens))
        _take(tokens, "]")
        return tuple(values)
    return _scalar(tokens)


def _scalar(tokens: list[tuple[str, str]]) -> str:
    bare = bool(tokens) and tokens[0][0] == "word"
    value = _take(tokens, "word", "text")
    return Word(value) if bare else value


def _string(value: str) -> str:
    if isinstance(value, Word):
        raise ValueError("a string must stand in quotes")  # noqa: TRY004 the user's mistake
    return value


def _boolean(value: str) -> bool:
    if value not in {"true", "false"}:
        raise ValueError("a boolean is true or false")
    return value == "true"


TYPES: dict[str, Callable[[str], Any]] = {"string": _string, "boolean": _boolean, "number": float}


def read(text: str, allowed: Mapping[str, Filter], zone: tzinfo = UTC) -> list[Condition]:
    """Return the typed conditions of a request's ``filter``; datetimes become epoch seconds."""
    try:
        conditions = parse(text)
    except ValueError as error:
        raise invalid_parameter("filter", f"Invalid filter provided: {error}.") from None
    return [_typed(condition, allowed, zone) for condition in conditions]


def _typed(condition: Condition, allowed: Mapping[str, Filter], zone: tzinfo) -> Condition:
    operator, name, value = condition
    if name not in allowed:
        raise invalid_parameter("filter", f"'{name}' is not a valid filter field.")
    rule = allowed[name]
    if operator not in rule.operators:
        raise invalid_parameter("filter", f"'{operator}' is not a valid operator for '{name}'.")
    wants_list = operator in {"any", "contains-any", "contains-all"}
    if wants_list != isinstance(value, tuple) or (value is None) != (rule.type == "none"):
        raise invalid_parameter("filter", f"'{operator}' got an invalid value for '{name}'.")
    if value is None:
        return condition
    try:
        convert = TYPES.get(rule.type, partial(seconds, zone=zone))
        typed = tuple(map(convert, value)) if isinstance(value, tuple) else convert(value)
    except ValueError:
        detail = f"Invalid value for '{name}': expected a {rule.type}."
        raise invalid_parameter("filter", detail) from None
    return Condition(operator, name, typed)


TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "equals": lambda found, asked: found == asked,
    "any": lambda found, asked: found in asked,
    "contains": lambda found, asked: asked in found,
    "starts-with": lambda found, asked: found.startswith(asked),
    "ends-with": lambda found, asked: found.endswith(asked),
    "greater-than": lambda found, asked: found > asked,
    "greater-or-equal": lambda found, asked: found >= asked,
    "less-than": lambda found, asked: found < asked,
    "less-or-equal": lambda found, asked: found <= asked,
}


def holds(condition: Condition, found: list[Any], rule: Filter) -> bool:
    """Whether any of the values ``found`` at the field's place in a resource passes."""
    test = TESTS[condition.operator]
    if rule.type == "date-time":
        found = [seconds(value) for value in found if value]
    return any(test(value, condition.value) for value in found if value is not None)
