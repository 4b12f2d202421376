"""Holds requests and answers to Klaviyo's OpenAPI, by the library openapi-core.

``data/klaviyo_openapi.json`` is trimmed from Klaviyo's documents by trim_openapi.py. openapi-core
leaves three things to us: it accepts any query parameter, it gives a missing header its default,
and a filter is one text to it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from jsonschema.exceptions import best_match
from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.exceptions import OpenAPIError
from werkzeug.datastructures import Headers, ImmutableMultiDict

from klaviyo_sandbox.api import filters
from klaviyo_sandbox.api.filters import Condition
from klaviyo_sandbox.resources.registry import find_endpoint

Json = dict[str, Any]
SPECIFICATION = Path(__file__).parent / "data" / "klaviyo_openapi.json"
HOST = "https://a.klaviyo.com"
JSON_API = "application/vnd.api+json"


@dataclass(frozen=True)
class Exchange:
    """A request and its answer, in the form that openapi-core reads."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None = None
    status: int = 0
    answer: bytes = b""
    content_type: str = JSON_API

    @property
    def path(self) -> str:
        """The path of the request."""
        return urlsplit(self.url).path

    @property
    def parameters(self) -> RequestParameters:
        """The parameters; those of the path are found by openapi-core."""
        query = parse_qsl(urlsplit(self.url).query, keep_blank_values=True)
        return RequestParameters(
            query=ImmutableMultiDict(query), header=Headers(list(self.headers.items()))
        )


@dataclass
class _Request:
    """The request of an exchange, to Klaviyo's own host."""

    exchange: Exchange

    def __post_init__(self) -> None:
        self.parameters = self.exchange.parameters
        self.host_url, self.path = HOST, self.exchange.path
        self.full_url_pattern = f"{HOST}{self.path}"
        self.method = self.exchange.method.lower()
        self.body = self.exchange.body
        self.content_type = self.exchange.headers.get("Content-Type", "")


@dataclass
class _Response:
    """The answer of an exchange."""

    exchange: Exchange

    def __post_init__(self) -> None:
        self.status_code, self.data = self.exchange.status, self.exchange.answer
        self.content_type, self.headers = self.exchange.content_type, Headers()


@cache
def load_documents() -> dict[str, Json]:
    """Return Klaviyo's documents by revision."""
    documents: dict[str, Json] = json.loads(SPECIFICATION.read_text())
    return documents


@cache
def _load_contracts() -> dict[str, tuple[OpenAPI, Json]]:
    """Return the contract and the declared operation of each path."""
    # Klaviyo's document itself is not validated here: None skips it.
    config = Config(
        extra_format_validators={"date-time": _is_datetime},
        spec_validator_cls=None,  # type: ignore[arg-type]
    )
    return {
        path: (contract, next(iter(operations.values())))
        for document in load_documents().values()
        for contract in [OpenAPI.from_dict(document, config=config)]
        for path, operations in document["paths"].items()
    }


def list_paths() -> set[str]:
    """Return the paths of the operations in the documents."""
    return set(_load_contracts())


def find_schema(path: str) -> Json:
    """Return the schema of the answer at a path, with all schemas of its document."""
    (document,) = (document for document in load_documents().values() if path in document["paths"])
    operation = next(iter(document["paths"][path].values()))
    schema: Json = operation["responses"]["200"]["content"][JSON_API]["schema"]
    return {**schema, "components": document["components"]}


def _is_datetime(value: object) -> bool:
    """Whether a text is a date-time of RFC 3339: it has an offset."""
    try:
        return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def validate_request(exchange: Exchange) -> list[str]:
    """Return what the OpenAPI finds wrong with a request."""
    found = find_endpoint(exchange.path)
    if found is None:
        return [f"{exchange.path}: not in the OpenAPI"]
    contract, operation = _load_contracts()[found[0].path]
    declared = {parameter["name"] for parameter in operation["parameters"]}
    names = exchange.parameters.query
    errors = [f"{name}: not declared" for name in names if name not in declared]
    required = [parameter for parameter in operation["parameters"] if parameter["in"] == "header"]
    errors += [
        f"{parameter['name']}: missing"
        for parameter in required
        if parameter["name"] not in exchange.headers
    ]
    errors += _validate_filter(names.get("filter"), operation.get("x-klaviyo-filters", {}))
    try:
        contract.validate_request(_Request(exchange))
    except OpenAPIError as error:
        errors.append(_describe(error))
    return [f"{exchange.method} {exchange.url}: {error}" for error in errors]


def validate_answer(exchange: Exchange) -> list[str]:
    """Return what the OpenAPI finds wrong with an answer."""
    found = find_endpoint(exchange.path)
    if found is None:
        return [f"{exchange.path}: not in the OpenAPI"]
    contract, _ = _load_contracts()[found[0].path]
    try:
        contract.validate_response(_Request(exchange), _Response(exchange))
    except OpenAPIError as error:
        return [f"{exchange.method} {exchange.url}: {_describe(error)}"]
    return []


def _describe(error: BaseException) -> str:
    """Return an error with its causes, the innermost of which says what is wrong where."""
    causes = [f"{type(error).__name__}"]
    # Of alternatives the one that fits best says more than that none fits.
    found = best_match(getattr(error, "schema_errors", None) or ())
    causes += [f"{found.json_path}: {found.message}"[:300]] if found else []
    if error.__cause__ is not None:
        causes.append(_describe(error.__cause__))
    return "; ".join(causes)


def _validate_filter(text: str | None, declared: Json) -> Iterator[str]:
    """Yield what is wrong with a filter by ``x-klaviyo-filters``: fields, operators and times."""
    for condition in filters.parse(text) if text else ():
        rule = declared.get(condition.field)
        if rule is None:
            yield f"filter: {condition.field} is not declared"
        elif condition.operator not in _allowed_operators(rule, condition):
            yield f"filter: {condition.operator} is not declared for {condition.field}"
        elif rule.get("value", {}).get("format") == "date-time" and not _is_datetime(
            condition.value
        ):
            yield f"filter: {condition.value} is not a date-time"


def _allowed_operators(rule: Json, condition: Condition) -> list[str]:
    """Return the operators declared for the kind of value: none, one, or a list."""
    kinds = {type(None): "none", tuple: "list"}
    allowed: list[str] = rule["operators"].get(kinds.get(type(condition.value), "single"), [])
    return allowed
