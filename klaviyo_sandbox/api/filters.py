"""Klaviyo's filter grammar: ``operator(field,value)``, joined by commas or ``and(...)``.

    filter     = condition *( "," condition )
    condition  = "and(" filter ")" | operator "(" field [ "," value ] ")"
    value      = scalar | "[" scalar *( "," scalar ) "]"

Strings are quoted; datetimes, numbers and booleans are not. Source: Klaviyo's guide
on filtering (developers.klaviyo.com).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from klaviyo_sandbox.api.errors import invalid_parameter
from klaviyo_sandbox.jsonapi import parse_iso
from klaviyo_sandbox.resources.declaration import Filter

TOKEN = re.compile(
    r"""\s*(?:(?P<mark>[(),\[\]])|"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>(?:[^'\\]|\\.)*)'"""
    r"""|(?P<word>[^(),\[\]"']+))\s*"""
)
Token = tuple[str, str]


class Unquoted(str):
    """A value without quotes in the filter."""

    __slots__ = ()


class Condition(NamedTuple):
    """One condition; ``value`` is a string, number, boolean, tuple of those, or None for has."""

    operator: str
    field: str
    value: Any


def parse(text: str) -> list[Condition]:
    """Return the conditions in ``text``, untyped; ValueError if it is not a filter."""
    tokens = list(_tokenize(text))
    conditions = list(_parse_conditions(tokens))
    if tokens:
        raise ValueError(f"unexpected {tokens[0]!r}")
    return conditions


def _tokenize(text: str) -> Iterator[Token]:
    """Yield (kind, text): the kind is the mark itself, ``text`` if quoted, ``word`` if not."""
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


def _take(tokens: list[Token], *kinds: str) -> str:
    """Remove the next token and return its text; ValueError if it is of another kind."""
    if not tokens or tokens[0][0] not in kinds:
        found = repr(tokens[0][1]) if tokens else "the end"
        raise ValueError(f"expected {' or '.join(kinds)}, found {found}")
    return tokens.pop(0)[1]


def _take_comma(tokens: list[Token]) -> bool:
    """Remove the next token if it is a comma, and return whether it was."""
    found = bool(tokens) and tokens[0][0] == ","
    if found:
        tokens.pop(0)
    return found


def _parse_conditions(tokens: list[Token]) -> Iterator[Condition]:
    while True:
        operator = _take(tokens, "word")
        _take(tokens, "(")
        if operator == "and":  # and(...) holds a whole filter, so the grammar is recursive
            yield from _parse_conditions(tokens)
        else:
            name = _take(tokens, "word", "text")
            value = _parse_value(tokens) if _take_comma(tokens) else None
            yield Condition(operator, name, value)
        _take(tokens, ")")
        if not _take_comma(tokens):
            return


def _parse_value(tokens: list[Token]) -> str | tuple[str, ...]:
    if tokens and tokens[0][0] == "[":
        tokens.pop(0)
        values = [_parse_scalar(tokens)]
        while _take_comma(tokens):
            values.append(_parse_scalar(tokens))
        _take(tokens, "]")
        return tuple(values)
    return _parse_scalar(tokens)


def _parse_scalar(tokens: list[Token]) -> str:
    is_unquoted = bool(tokens) and tokens[0][0] == "word"
    value = _take(tokens, "word", "text")
    return Unquoted(value) if is_unquoted else value


def _to_string(value: str) -> str:
    if isinstance(value, Unquoted):
        raise ValueError("a string must be quoted")  # noqa: TRY004 the user's mistake
    return value


def _to_boolean(value: str) -> bool:
    if value not in {"true", "false"}:
        raise ValueError("a boolean is true or false")
    return value == "true"


CONVERTERS: dict[str, Callable[[str], Any]] = {
    "string": _to_string,
    "boolean": _to_boolean,
    "number": float,
}


def parse_conditions(text: str, allowed: Mapping[str, Filter]) -> list[Condition]:
    """Return the typed conditions of a request's ``filter``; datetimes become epoch seconds."""
    try:
        conditions = parse(text)
    except ValueError as error:
        raise invalid_parameter("filter", f"Invalid filter provided: {error}.") from None
    return [_convert(condition, allowed) for condition in conditions]


def _convert(condition: Condition, allowed: Mapping[str, Filter]) -> Condition:
    """Return the condition with a typed value, checked against what the endpoint allows."""
    operator, name, value = condition
    if name not in allowed:
        raise invalid_parameter("filter", f"'{name}' is not a valid filter field.")
    rule = allowed[name]
    if operator not in rule.operators:
        detail = f"'{operator}' is not an allowed filter operator for {name}.  "
        detail += f"Allowed operators are {', '.join(rule.operators)}"
        raise invalid_parameter("filter", detail)
    # A list is required exactly for the list operators, and a value for all but has().
    wants_list = operator in {"any", "contains-any", "contains-all"}
    if wants_list != isinstance(value, tuple) or (value is None) != (rule.type == "none"):
        raise invalid_parameter("filter", f"'{operator}' got an invalid value for '{name}'.")
    if value is None:
        return condition
    try:
        convert = CONVERTERS.get(rule.type, parse_iso)
        typed = tuple(map(convert, value)) if isinstance(value, tuple) else convert(value)
    except ValueError:
        detail = f"Invalid value for '{name}': expected a {rule.type}."
        raise invalid_parameter("filter", detail) from None
    return Condition(operator, name, typed)


OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "equals": lambda value, wanted: value == wanted,
    "any": lambda value, wanted: value in wanted,
    "contains": lambda value, wanted: wanted in value,
    "starts-with": lambda value, wanted: value.startswith(wanted),
    "ends-with": lambda value, wanted: value.endswith(wanted),
    "greater-than": lambda value, wanted: value > wanted,
    "greater-or-equal": lambda value, wanted: value >= wanted,
    "less-than": lambda value, wanted: value < wanted,
    "less-or-equal": lambda value, wanted: value <= wanted,
}


def matches(condition: Condition, values: list[Any], rule: Filter) -> bool:
    """Whether any of a resource's ``values`` at the condition's field meets it."""
    compare = OPERATORS[condition.operator]
    if rule.type == "date-time":
        values = [parse_iso(value) for value in values if value]
    return any(compare(value, condition.value) for value in values if value is not None)
