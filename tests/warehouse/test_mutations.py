"""The BigQuery of the tests changes rows and columns, and rolls back, as BigQuery does."""

from decimal import Decimal

import pytest

from tests.warehouse.googlesql import GoogleSQL, RaisedError, SqlError
from tests.warehouse.mutations import RefusedError

ORDERS = "`project`.`shop`.`orders`"


@pytest.fixture(name="sql")
def make_sql() -> GoogleSQL:
    """A table with two rows."""
    sql = GoogleSQL()
    sql.run(f"create table if not exists {ORDERS} (id int64, total numeric(10, 2), note string)")
    sql.run(f"insert into {ORDERS} (id, total) values (1, 1.005), (2, null)")
    return sql


def read(sql: GoogleSQL) -> list[tuple[object, ...]]:
    """The rows of the table."""
    return sql.run(f"select id, total, note from {ORDERS} order by id").values


def test_values_get_the_declared_type(sql: GoogleSQL) -> None:
    """A NUMERIC with a scale rounds what it takes, and a column that is not named is NULL."""
    assert read(sql) == [(1, Decimal("1.01"), None), (2, None, None)]


def test_the_first_clause_of_a_merge_that_fits_counts(sql: GoogleSQL) -> None:
    """A row is updated, deleted or inserted by one clause, and each is counted once."""
    sql.run(
        f"merge into {ORDERS} as t using (select 1 as id, 'x' as note union all select 2, 'gone'"
        " union all select 3, 'new') as s on t.id = s.id"
        " when matched and s.note = 'gone' then delete"
        " when matched then update set note = s.note"
        " when not matched then insert (id, note) values (s.id, s.note)"
    )
    assert sql.row_count == 3
    assert read(sql) == [(1, Decimal("1.01"), "x"), (3, None, "new")]


def test_a_merge_with_two_rows_for_one_is_refused(sql: GoogleSQL) -> None:
    """Which of the two would count is not known, so BigQuery refuses the statement."""
    with pytest.raises(RefusedError, match="at most one source row"):
        sql.run(
            f"merge into {ORDERS} as t using (select 1 as id union all select 1) as s"
            " on t.id = s.id when matched then update set note = 'x'"
        )


@pytest.mark.parametrize("end", ["raise using message = 'stop';", "select 1 / 0;", ""])
def test_a_transaction_that_does_not_commit_changes_nothing(sql: GoogleSQL, end: str) -> None:
    """An error, a RAISE and the end of the script roll back what came before."""
    script = f"begin transaction; update {ORDERS} set note = 'lost' where id = 1; {end}"
    if end:
        with pytest.raises((RaisedError, SqlError)):
            sql.run(script)
    else:
        sql.run(script)
    assert read(sql)[0] == (1, Decimal("1.01"), None)


def test_a_script_counts_the_rows_of_its_statements(sql: GoogleSQL) -> None:
    """@@row_count is the number of rows that the last statement changed."""
    found = sql.run(
        f"declare n int64; begin transaction; update {ORDERS} set note = 'x' where id < 9;"
        " set n = @@row_count; commit transaction; select n"
    )
    assert found.values == [(2,)]


def test_ddl_in_a_transaction_is_refused(sql: GoogleSQL) -> None:
    """BigQuery permits there only what concerns temporary tables."""
    with pytest.raises(NotImplementedError, match="DDL in a transaction"):
        sql.run(f"begin transaction; alter table {ORDERS} add column x int64; commit transaction;")


@pytest.mark.parametrize(
    ("kind", "is_permitted"),
    [("numeric(12, 2)", True), ("bignumeric", True), ("numeric(10, 3)", False), ("string", False)],
)
def test_a_type_changes_only_where_every_value_fits(
    sql: GoogleSQL, kind: str, *, is_permitted: bool
) -> None:
    """A decimal may have more digits on both sides of the point, and becomes no text."""
    statement = f"alter table {ORDERS} alter column total set data type {kind}"
    if is_permitted:
        sql.run(statement)
        assert read(sql)[0][1] == Decimal("1.01")
    else:
        with pytest.raises(RefusedError, match="SET DATA TYPE"):
            sql.run(statement)


def test_columns_are_added_once_and_renamed(sql: GoogleSQL) -> None:
    """A column that is there stays as it is, and rows keep their values under a new name."""
    sql.run(f"alter table {ORDERS} add column if not exists note int64, add column more int64")
    sql.run(f"alter table {ORDERS} rename column id to number")
    assert sql.run(f"select number, more from {ORDERS} where number = 1").values == [(1, None)]
