"""How BigQuery stores a table, and the filter that `require_partition_filter` demands of a query.

The filter compares the partitioning column with values that are known before the query reads a row
(cloud.google.com/bigquery/docs/querying-partitioned-tables). OR, IS NOT NULL, a condition of an
outer query or a variable that is NULL do not count.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache

from sqlglot import exp, parse_one

COMPARISONS = (exp.EQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.In, exp.Between)


@dataclass(frozen=True)
class Layout:
    """The storage of a table, as the statement that creates it declares it."""

    partitions: str  # an expression of one column
    column: str
    clusters: tuple[str, ...]
    filter_required: bool


@cache
def parse_layout(ddl: str) -> Layout:
    """Parse the statement that creates a partitioned table."""
    properties = parse_one(ddl, dialect="bigquery").args["properties"]
    partitions = properties.find(exp.PartitionedByProperty).this
    clusters = properties.find(exp.ClusterProperty)
    options = properties.find_all(exp.Property)
    return Layout(
        partitions=partitions.sql("bigquery").lower(),
        column=partitions.find(exp.Column).name,
        clusters=tuple(column.name for column in clusters.expressions),
        filter_required=any(
            option.name == "require_partition_filter" and option.args.get("value") == exp.true()
            for option in options
        ),
    )


def find_unfiltered(query: str, tables: Mapping[str, str], variables: Collection[str]) -> set[str]:
    """The tables that `query` reads without the partition filter that they require.

    `tables` are the tables that require one, with their partitioning columns; `variables` are the
    variables of the script that are not NULL.
    """
    read = parse_one(query, dialect="bigquery").find_all(exp.Table)
    named = ((".".join(part.name for part in table.parts), table) for table in read)
    return {
        name
        for name, table in named
        if name in tables
        and not any(
            _filters_partitions(condition, tables[name], variables)
            for condition in _and_conditions(table)
        )
    }


def _and_conditions(table: exp.Table) -> list[exp.Expr]:
    """The conditions, joined by AND, of the query that reads a table."""
    select = table.parent_select
    where = select.args.get("where") if select else None
    if where is None:
        return []
    return list(where.this.flatten()) if isinstance(where.this, exp.And) else [where.this]


def _filters_partitions(condition: exp.Expr, column: str, variables: Collection[str]) -> bool:
    """Whether a condition compares the column only with values known before the query runs."""
    names = {reference.name for reference in condition.find_all(exp.Column)}
    return (
        isinstance(condition, COMPARISONS)
        and column in names <= {column, *variables}
        and condition.find(exp.Select) is None
    )
