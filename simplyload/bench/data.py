"""The source of the benchmarks: orders of a shop, twelve columns a row."""

from contextlib import closing

import psycopg2

CREATE = """
create table {table} (
    id bigint primary key, customer_id int, status text, email text, amount numeric(12,2),
    quantity int, paid boolean, created_at timestamptz, updated_at timestamptz, code uuid,
    payload jsonb, note text
)
"""
FILL = """
insert into {table}
select n, n % 50000, (array['new', 'paid', 'sent', 'returned'])[n % 4 + 1],
    'customer' || n % 50000 || '@example.com', n % 100000 / 100.0, n % 9 + 1, n % 3 > 0,
    timestamptz '2025-01-01 00:00+00' + n * interval '20 seconds',
    timestamptz '2025-01-02 00:00+00' + n * interval '20 seconds',
    md5(n::text)::uuid, jsonb_build_object('source', n % 7, 'tags', array['a', 'b']),
    'note ' || md5((n * 7)::text)
from generate_series({first}, {last}) n
"""
# One change in five is an insert, one a delete; each transaction has 1,000.
CHANGE = """
update {table} set status = 'sent', amount = amount + 1, updated_at = now()
where id between {first} and {first} + 599;
delete from {table} where id between {first} + 600 and {first} + 799;
insert into {table} select id + 1000000000, customer_id, status, email, amount, quantity, paid,
    created_at, now(), code, payload, note from {table}
    where id between {first} and {first} + 199
"""
CHANGES_A_TRANSACTION = 1000


def make_orders(dsn: str, table: str, rows: int) -> None:
    """Create a table and fill it, with an index on what polling looks at; keep one that exists."""
    with closing(psycopg2.connect(dsn)) as connection, closing(connection.cursor()) as cursor:
        cursor.execute("select to_regclass(%s) is not null", [table])
        if cursor.fetchone() == (True,):
            return
    execute(
        dsn,
        CREATE.format(table=table),
        FILL.format(table=table, first=1, last=rows),
        f"create index on {table} (updated_at)",
        f"vacuum analyze {table}",
    )


def change_orders(dsn: str, table: str, count: int) -> None:
    """Commit changes, a thousand a transaction."""
    for first in range(1, count, CHANGES_A_TRANSACTION):
        execute(dsn, CHANGE.format(table=table, first=first))


def touch_orders(dsn: str, table: str, count: int) -> None:
    """Change rows that are spread over the table."""
    execute(
        dsn,
        f"update {table} set status = 'returned', updated_at = now() where id in"
        f" (select id from {table} where id % 997 = 1 order by id limit {count})",
    )


def execute(dsn: str, *statements: str) -> None:
    """Execute statements, each in a transaction of its own."""
    with closing(psycopg2.connect(dsn)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
