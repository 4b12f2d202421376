"""Runs LookML as Looker does: fields of a view become one SQL query, here on DuckDB."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import duckdb
import lkml
import sqlglot

from looker import declaration, lookml_views, semantic
from looker.codegen import FOLDER

REFINEMENTS = FOLDER / "lookml" / "refinements"
DIALECTS = ["bigquery", "postgres"]  # of the SQL in the views
NAMES_OF_TIME = {"day_of_week": "DAYNAME", "week_of_year": "WEEKOFYEAR", "month_name": "MONTHNAME"}

Field = dict[str, Any]


@dataclass(frozen=True)
class View:
    """A view with its refinements."""

    name: str
    table: str
    content: dict[str, Any]

    @cached_property
    def dimensions(self) -> dict[str, Field]:
        """Dimensions by name, with each timeframe of a dimension group."""
        plain = {field["name"]: field for field in self.content["dimensions"]}
        groups = {
            f"{group['name']}_{timeframe}": {**group, "timeframe": timeframe}
            for group in self.content.get("dimension_groups", ())
            for timeframe in group["timeframes"]
        }
        return plain | groups

    @cached_property
    def measures(self) -> dict[str, Field]:
        """Measures by name, without the comparisons."""
        fields = {field["name"]: field for field in self.content["measures"]}
        return {name: fields[name] for name in fields if name not in self.comparisons}

    @cached_property
    def comparisons(self) -> dict[str, Field]:
        """The measures that only Looker can compute: those of an earlier period, by name."""
        measures = self.content["measures"]
        return {
            measure["name"]: measure
            for measure in measures
            if measure["type"] == "period_over_period"
        }

    def query(
        self,
        warehouse: duckdb.DuckDBPyConnection,
        fields: Sequence[str],
        where: str = "true",
        dialect: str = "bigquery",
    ) -> list[dict[str, Any]]:
        """The rows of a query for these fields, grouped by required dimensions as well."""
        required = {
            name
            for field in fields
            for name in self.measures.get(field, {}).get("required_fields", ())
            if name in self.dimensions
        }
        grouped = sorted({field for field in fields if field in self.dimensions} | required)
        select = ", ".join(f"{self.expand(field, dialect)} AS {field}" for field in fields)
        group = ", ".join(self.expand(field, dialect) for field in grouped)
        sql = f"SELECT {select} FROM {self.table} AS {self.name} WHERE {where}"
        if grouped:
            sql += f" GROUP BY {group}"
        cursor = warehouse.sql(sql)
        return [dict(zip(fields, row, strict=True)) for row in cursor.fetchall()]

    def expand(self, name: str, dialect: str = "bigquery") -> str:
        """DuckDB's SQL of a field, with the fields it refers to substituted."""
        field = self.measures.get(name) or self.dimensions[name]
        if field["type"] == "count":
            return "COUNT(*)"
        expanded = re.sub(
            r"\$\{(\w+)\}",
            lambda match: (
                self.name if match[1] == "TABLE" else f"({self.expand(match[1], dialect)})"
            ),
            field["sql"],
        )
        sql = sqlglot.transpile(expanded, read=dialect, write="duckdb")[0]
        if field["type"] == "sum":
            return f"SUM({sql})"
        if field["type"] == "count_distinct":
            return f"COUNT(DISTINCT {sql})"
        timeframe = field.get("timeframe", "date")
        if timeframe == "date":
            return sql
        if timeframe in NAMES_OF_TIME:
            return f"{NAMES_OF_TIME[timeframe]}({sql})"
        return f"CAST(DATE_TRUNC('{timeframe}', {sql}) AS DATE)"


def join_sql(view: View, joins: Sequence[Field], views: Mapping[str, View]) -> str:
    """The FROM clause of an explore with these joins."""
    parts = [f"{view.table} AS {view.name}"]
    for join in joins:
        condition = re.sub(
            r"\$\{(\w+)\.(\w+)\}",
            lambda field: views[field[1]].expand(field[2]),
            join["sql_on"],
        )
        parts.append(f"LEFT JOIN {views[join['name']].table} AS {join['name']} ON {condition}")
    return " ".join(parts)


@cache
def build_views(schema: str) -> Mapping[str, View]:
    """The generated views with the committed refinements, on the marts of a schema, by name."""
    return {
        content["name"]: View(
            content["name"], content["sql_table_name"].replace("@{SCHEMA}", schema), content
        )
        for content in _read_views()
    }


@cache
def _read_views() -> list[dict[str, Any]]:
    semantics = semantic.load()
    views = []
    for path, text in lookml_views.generate_files(semantics, declaration.load(semantics)):
        for content in lkml.load(text).get("views", ()) if path.startswith("views/") else ():
            for refinement in _read_refinements(content["name"]):
                for kind, fields in refinement.items():
                    if isinstance(fields, list):
                        content[kind] = [*content.get(kind, []), *fields]
            views.append(content)
    return views


def _read_refinements(name: str) -> list[dict[str, Any]]:
    return [content for content in _read_all_refinements() if content["name"] == f"+{name}"]


@cache
def _read_all_refinements() -> list[dict[str, Any]]:
    files = sorted(REFINEMENTS.glob("*.lkml"))
    return [view for file in files for view in lkml.load(file.read_text()).get("views", ())]
