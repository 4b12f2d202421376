"""The BigQuery of the tests requires partition filters, as BigQuery does."""

import pytest

from tests.warehouse.googlesql import FilterMissingError, GoogleSQL

TABLE = """
create table `project.shop.orders`
partition by date_trunc(month, month) cluster by id
options(require_partition_filter=true) as
select '1' as id, date '2026-11-01' as month
"""
ACCEPTED = [
    "month >= date '1960-01-01'",
    "orders.month = date '2026-11-01' and id = '1'",
    "month between date_sub(date '2026-11-20', interval 1 month) and since",
    "date_trunc(month, month) in unnest([since])",
]
REFUSED = [
    "true",
    "id = '1'",
    "month is not null",
    "month >= date '1960-01-01' or id = '1'",
    "month >= (select date '2026-11-01')",
    "cast(month as string) >= id",
    "month >= unknown",
]


@pytest.fixture(name="sql")
def _sql() -> GoogleSQL:
    """A table of orders that requires a partition filter."""
    sql = GoogleSQL()
    sql.run(TABLE)
    return sql


def with_variables(query: str) -> str:
    """A script of the query and two variables, one of which is NULL."""
    return f"declare since date default date '2026-11-01'; declare unknown date; {query};"


def test_a_filter_of_partitions_is_accepted(sql: GoogleSQL) -> None:
    """A comparison of the partitioning column with known values is enough, alone or with others."""
    for condition in ACCEPTED:
        query = f"select id from `project.shop.orders` as orders where {condition}"
        assert sql.run(with_variables(query)).values == [("1",)], condition


def test_a_query_without_a_filter_of_partitions_is_refused(sql: GoogleSQL) -> None:
    """No condition, one on other columns, or one that depends on the rows read, is an error."""
    for condition in REFUSED:
        read = f"(select * from `project.shop.orders` as orders where {condition})"
        query = f"select id from {read} where month >= date '1960-01-01'"
        for statement in (query, f"create view `project.shop.recent` as {query}"):
            with pytest.raises(FilterMissingError, match="column\\(s\\) 'month'"):
                sql.run(with_variables(statement))


def test_a_merge_needs_a_filter_of_partitions(sql: GoogleSQL) -> None:
    """A merge replaces partitions that are known before it runs, and at least one."""
    merge = """
        merge into `project.shop.orders` as target using (select * from `project.shop.news`) as news
        on false
        when not matched by source and target.month in unnest({months}) then delete
        when not matched then insert (id, month) values (id, month)
    """
    sql.run("create table `project.shop.news` as select '2' as id, date '2026-11-01' as month")

    with pytest.raises(FilterMissingError):
        sql.run(with_variables(merge.format(months="[unknown]")))
    sql.run(with_variables(merge.format(months="[since]")))
    everything = "select id from `project.shop.orders` where month >= date '1960-01-01'"
    assert sql.run(everything).values == [("2",)]
