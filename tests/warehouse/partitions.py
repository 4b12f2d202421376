"""How BigQuery keeps a table, and what it asks of queries of one with `require_partition_filter`.

It asks for a condition that it can weigh before it reads a row: about the partitioning column alone
(cloud.google.com/bigquery/docs/querying-partitioned-tables). Whatever is uncertain counts as none:
OR, IS NOT NULL, a condition of an outer query, a variable that is NULL.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache

from sqlglot import exp, parse_one

COMPARISONS = (exp.EQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.In, exp.Between)


@dataclass(frozen=True)
class Layout:
    """What the statement that made a table says of its storage."""

    partitions: str  # an expression of one column
    column: str
    clusters: tuple[str, ...]
    filter_required: bool


@cache
def layout(ddl: str) -> Layout:
    """The layout of a table that is partitioned."""
    properties = parse_one(ddl, dialect="bigquery").args["properties"]
    partitions = properties.find(exp.PartitionedByProperty).this
    clusters = properties.find(exp.ClusterProperty)
    options = properties.find_all(exp.Property)
    return Layout(
        partitions=partitions.sql("bigquery").lower(),
        column=partitions.find(exp.Column).name,
        clusters=tuple(column.name for column in clusters.expressions),
        filter_required=any(
            one.name == "require_partition_filter" and one.args.get("value") == exp.true()
            for one in options
        ),
    )


def unfiltered(query: str, tables: Mapping[str, str], variables: Collection[str]) -> set[str]:
    """The tables that `query` reads without the condition that BigQuery asks for.

    `tables` are those that require one, with their partitioning columns; `variables` are those of
    the script that are not NULL.
    """
    read = parse_one(query, dialect="bigquery").find_all(exp.Table)
    named = ((".".join(part.name for part in table.parts), table) for table in read)
    return {
        name
        for name, table in named
        if name in tables
        and not any(_weighs(one, tables[name], variables) for one in _conditions(table))
    }


def _conditions(table: exp.Table) -> list[exp.Expr]:
    """What must all be true of a row of the table, by the query that reads it."""
    select = table.parent_select
    where = select.args.get("where") if select else None
    if where is None:
        return []
    return list(where.this.flatten()) if isinstance(where.this, exp.And) else [where.this]


def _weighs(condition: exp.Expr, column: str, variables: Collection[str]) -> bool:
    """Whether a condition compares the column with what is known before the query runs."""
    names = {one.name for one in condition.find_all(exp.Column)}
    return (
        isinstance(condition, COMPARISONS)
        and column in names <= {column, *variables}
        and condition.find(exp.Select) is None
    )
