"""LookML as Looker runs it: fields of a view become one SQL query, which DuckDB answers."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import duckdb
import lkml
import sqlglot

from looker import lookml, semantic
from looker.generated import FOLDER

REFINEMENTS = FOLDER / "lookml" / "refinements"
DIALECTS = ["bigquery", "postgres"]  # what the SQL in the views is read as

Field = dict[str, Any]


@dataclass(frozen=True)
class View:
    """A view, its refinements included."""

    name: str
    table: str
    content: dict[str, Any]

    @cached_property
    def dimensions(self) -> dict[str, Field]:
        """Dimensions by name, and so each timeframe of a dimension group."""
        plain = {field["name"]: field for field in self.content["dimensions"]}
        groups = {
            f"{group['name']}_{timeframe}": {**group, "timeframe": timeframe}
            for group in self.content.get("dimension_groups", ())
            for timeframe in group["timeframes"]
        }
        return plain | groups

    @cached_property
    def measures(self) -> dict[str, Field]:
        """Measures by name."""
        return {field["name"]: field for field in self.content["measures"]}

    def ask(
        self,
        warehouse: duckdb.DuckDBPyConnection,
        fields: Sequence[str],
        where: str = "true",
        dialect: str = "bigquery",
    ) -> list[dict[str, Any]]:
        """The rows of a query for these fields. A measure's required fields group it, unseen."""
        required = {
            name
            for field in fields
            for name in self.measures.get(field, {}).get("required_fields", ())
        }
        grouped = sorted({field for field in fields if field in self.dimensions} | required)
        select = ", ".join(f"{self._sql(field, dialect)} AS {field}" for field in fields)
        group = ", ".join(self._sql(field, dialect) for field in grouped)
        sql = f"SELECT {select} FROM {self.table} AS {self.name} WHERE {where}"
        if grouped:
            sql += f" GROUP BY {group}"
        cursor = warehouse.sql(sql)
        return [dict(zip(fields, row, strict=True)) for row in cursor.fetchall()]

    def _sql(self, name: str, dialect: str) -> str:
        """DuckDB's SQL of a field, every field that it refers to written out."""
        field = self.measures.get(name) or self.dimensions[name]
        written_out = re.sub(
            r"\$\{(\w+)\}",
            lambda found: self.name if found[1] == "TABLE" else f"({self._sql(found[1], dialect)})",
            field["sql"],
        )
        sql = sqlglot.transpile(written_out, read=dialect, write="duckdb")[0]
        if field["type"] == "sum":
            return f"SUM({sql})"
        if field.get("timeframe", "date") == "date":
            return sql
        return f"CAST(DATE_TRUNC('{field['timeframe']}', {sql}) AS DATE)"


def views(schema: str) -> dict[str, View]:
    """The views as generated now, refined by hand, over the marts of a schema; by name."""
    found = {}
    for path, text in lookml.files(semantic.load()):
        for content in lkml.load(text).get("views", ()) if path.startswith("views/") else ():
            for refinement in _refinements(content["name"]):
                for kind, fields in refinement.items():
                    if isinstance(fields, list):
                        content[kind] = [*content.get(kind, []), *fields]
            table = content["sql_table_name"].replace("@{SCHEMA}", schema)
            found[content["name"]] = View(content["name"], table, content)
    return found


def _refinements(view: str) -> list[dict[str, Any]]:
    files = sorted(REFINEMENTS.glob("*.lkml"))
    parts = [part for file in files for part in lkml.load(file.read_text()).get("views", ())]
    return [part for part in parts if part["name"] == f"+{view}"]
