"""Hypothesis strategies for any JSON, and whether a column can store a value."""

import json
import math
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from hypothesis import strategies as st

TEXT = st.text(st.characters(exclude_categories=()))  # lone surrogates and NUL included
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXT
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=10
)


def is_storable(kind: str, value: Any) -> bool:
    """Whether the loader accepts a value for a column of this type and stores it unaltered."""
    checks: dict[str, Callable[[], Any]] = {
        "STRING": lambda: isinstance(value, str) and _is_clean(value),
        "LONG": lambda: type(value) is int and -(2**63) <= value < 2**63,
        "DOUBLE": lambda: type(value) is float and math.isfinite(value),
        "BOOLEAN": lambda: type(value) is bool,
        "UTC_DATETIME": lambda: value.endswith("Z") and datetime.fromisoformat(value),
        "NAIVE_DATE": lambda: date.fromisoformat(value).isoformat() == value,
        "JSON": lambda: isinstance(value, dict | list) and _is_valid_json(value),
    }
    return value is None or bool(checks[kind]())


def _is_clean(text: str) -> bool:
    """Whether text has no NUL and nothing that UTF-8 cannot encode."""
    return "\0" not in text and text.encode().decode() == text


def _is_valid_json(value: Any) -> bool:
    """Whether DuckDB, Postgres jsonb and BigQuery read it: no NaN, NUL or lone surrogate."""
    return _is_clean(json.dumps(value, allow_nan=False, ensure_ascii=False)) and "\\u0000" not in (
        json.dumps(value)
    )
