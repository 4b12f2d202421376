"""The BigQuery of the tests refuses a query that names no partitions, as BigQuery does."""

import pytest

from tests.warehouse.googlesql import FilterMissingError, GoogleSQL

TABLE = """
create table `project.shop.orders`
partition by date_trunc(month, month) cluster by id
options(require_partition_filter=true) as
select '1' as id, date '2026-11-01' as month
"""
WEIGHED = [
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
    """One table of orders that requires a filter."""
    sql = GoogleSQL()
    sql.run(TABLE)
    return sql


def script(query: str) -> str:
    """A query with variables, one of which is NULL."""
    return f"declare since date default date '2026-11-01'; declare unknown date; {query};"


@pytest.mark.parametrize("condition", WEIGHED)
def test_a_query_that_names_partitions_is_answered(sql: GoogleSQL, condition: str) -> None:
    """A comparison with what is known beforehand will do, alone or beside others."""
    query = script(f"select id from `project.shop.orders` as orders where {condition}")

    assert sql.run(query).values == [("1",)]


@pytest.mark.parametrize("condition", REFUSED)
def test_a_query_that_does_not_is_refused(sql: GoogleSQL, condition: str) -> None:
    """No condition, one on other columns, or one that only reading would decide, will not do."""
    read = f"(select * from `project.shop.orders` as orders where {condition})"
    query = f"select id from {read} where month >= date '1960-01-01'"

    for statement in (query, f"create view `project.shop.recent` as {query}"):
        with pytest.raises(FilterMissingError, match="column\\(s\\) 'month'"):
            sql.run(script(statement))


def test_a_merge_is_held_to_the_same(sql: GoogleSQL) -> None:
    """What a merge replaces must be known beforehand too, and may not be nothing."""
    merge = """
        merge into `project.shop.orders` as target using (select * from `project.shop.news`) as news
        on false
        when not matched by source and target.month in unnest({months}) then delete
        when not matched then insert (id, month) values (id, month)
    """
    sql.run("create table `project.shop.news` as select '2' as id, date '2026-11-01' as month")

    with pytest.raises(FilterMissingError):
        sql.run(script(merge.format(months="[unknown]")))
    sql.run(script(merge.format(months="[since]")))
    everything = "select id from `project.shop.orders` where month >= date '1960-01-01'"
    assert sql.run(everything).values == [("2",)]
