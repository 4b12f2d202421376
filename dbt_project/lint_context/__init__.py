"""What dbt gives to Jinja, so that sqlfluff renders the project's macros without dbt.

sqlfluff puts every name of this package into the Jinja context. DBT_TARGET selects the engine, as
for dbt itself. A dbt macro that is missing here fails the lint as an undefined variable.
"""

import datetime as dt
import os
import re
from collections import defaultdict
from types import SimpleNamespace
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context

target = SimpleNamespace(type=os.environ.get("DBT_TARGET", "duckdb"))
on_bigquery = target.type == "bigquery"
on_snowflake = target.type == "snowflake"
execute = True
modules = SimpleNamespace(datetime=dt, re=re)
flags = SimpleNamespace(WHICH="compile")
graph = {
    "sources": defaultdict(lambda: {"columns": {}}),
    "metrics": {
        "open_rate": {
            "name": "open_rate",
            "type": "ratio",
            "type_params": {
                "numerator": {"name": "opens_unique"},
                "denominator": {"name": "open_tracked_delivered"},
            },
            "config": {"meta": {"klaviyo": "open_rate"}},
        }
    },
}


class Adapter:
    """Finds the variant of a macro for the engine."""

    @pass_context
    def dispatch(self, context: Context, name: str) -> Any:
        """The project's own variant for the engine, or its default."""
        return context.get(f"{target.type}__{name}") or context[f"default__{name}"]


adapter = Adapter()
dbt = SimpleNamespace(
    type_boolean=lambda: "bool" if on_bigquery else "boolean",
    type_int=lambda: "int64" if on_bigquery else "int",
    type_bigint=lambda: "int64" if on_bigquery else "bigint",
    type_string=lambda: "string" if on_bigquery else "text",
    date_trunc=lambda part, date: (
        f"date_trunc({date}, {part})" if on_bigquery else f"date_trunc('{part}', {date})"
    ),
    string_literal=lambda text: f"'{text}'",
    escape_single_quotes=lambda text: text.replace("'", "\\'" if on_bigquery else "''"),
    hash=lambda text: f"to_hex(md5({text}))" if on_bigquery else f"md5({text})",
    listagg=lambda text, delimiter, order_by: (
        f"listagg({text}, {delimiter}) within group ({order_by})"
        if on_snowflake
        else f"string_agg({text}, {delimiter} {order_by})"
    ),
    split_part=lambda text, delimiter, number: f"split_part({text}, {delimiter}, {number})",
)


def var(_: str, default: Any) -> Any:
    """No project sets a variable."""
    return default


def env_var(name: str, default: str) -> str:
    """A setting's default, but all tables: their SQL is linted too."""
    return "all" if name == "KLAVIYO_TABLES" else default
