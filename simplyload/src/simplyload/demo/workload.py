"""The workload of the demonstration: transactions such as a shop makes, one after another."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing

import psycopg2
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from simplyload.demo.shop import describe_product

Operation = Callable[[Cursor, random.Random], None]


class Workload:
    """Runs transactions in a thread; every kind occurs, in an order that the seed gives."""

    def __init__(self, dsn: str, seed: int, transactions: int = 400, pause: float = 0.01) -> None:
        self.done: Counter[str] = Counter()
        self._dsn = dsn
        self._rng = random.Random(seed)
        self._transactions = transactions
        self._pause = pause  # seconds after each, so that they last as long as a first copy
        self._error: psycopg2.Error | None = None
        self._thread = threading.Thread(target=self._run, name="workload")

    def start(self) -> None:
        """Begin; the transactions run beside whatever the caller does."""
        self._thread.start()

    def wait(self) -> None:
        """Wait for the last transaction; raise its error if one failed."""
        self._thread.join()
        if self._error:
            raise self._error

    def _run(self) -> None:
        operations = [*OPERATIONS, *self._rng.choices(OPERATIONS, k=self._transactions)]
        operations = operations[: self._transactions]
        self._rng.shuffle(operations)
        try:
            with closing(psycopg2.connect(self._dsn)) as connection:
                for operation in operations:
                    with connection, connection.cursor() as cursor:
                        operation(cursor, self._rng)
                    self.done[operation.__name__] += 1
                    time.sleep(self._pause)
        except psycopg2.Error as error:
            self._error = error


def insert_order(cursor: Cursor, rng: random.Random) -> None:
    """Write an order and its items in one transaction."""
    cursor.execute(
        "insert into orders (id, customer_id, total, placed_at)"
        " select (select max(id) + 1 from orders), id, 0, clock_timestamp()"
        " from customers order by random() limit 1 returning id"
    )
    [order] = cursor.fetchone() or [None]
    cursor.execute(
        "insert into order_items select %s, row_number() over (), id, %s, price"
        " from (select * from products order by random() limit %s) as chosen",
        [order, rng.randint(1, 3), rng.randint(1, 4)],
    )
    cursor.execute(
        "update orders set total = (select coalesce(sum(quantity * unit_price), 0)"
        " from order_items where order_id = orders.id) where id = %s",
        [order],
    )


def change_status(cursor: Cursor, rng: random.Random) -> None:
    """Update one column of a few rows."""
    status = rng.choice(["paid", "shipped", "cancelled"])
    cursor.execute(
        "update orders set status = %s, note = null"
        " where id in (select id from orders order by random() limit %s)",
        [status, rng.randint(1, 5)],
    )


def change_price(cursor: Cursor, rng: random.Random) -> None:
    """Update a small column of a large row: its description is not sent again."""
    cursor.execute(
        "update products set price = price + %s, updated_at = clock_timestamp()"
        " where id = (select id from products order by random() limit 1)",
        [rng.choice(["0.01", "1.10", "-0.01"])],
    )


def rewrite_description(cursor: Cursor, rng: random.Random) -> None:
    """Update the large column itself."""
    cursor.execute(
        "update products set description = %s"
        " where id = (select id from products order by random() limit 1)",
        [describe_product("new", rng)],
    )


def change_attributes(cursor: Cursor, rng: random.Random) -> None:
    """Update a jsonb and an array."""
    cursor.execute(
        "update customers set address = address || jsonb_build_object('floor', %s::int),"
        " tags = array_append(tags, 'seen') where id ="
        " (select id from customers order by random() limit 1)",
        [rng.randint(0, 40)],
    )


def delete_order(cursor: Cursor, rng: random.Random) -> None:
    """Delete an order of the counter and, by its foreign key, its items."""
    cursor.execute(
        "delete from orders where id ="
        " (select id from orders where id < 10000 order by random() limit %s)",
        [rng.randint(1, 1)],
    )


def change_key(cursor: Cursor, rng: random.Random) -> None:
    """Change a customer's key; the orders follow."""
    cursor.execute(
        "update customers set id = (select max(id) from customers) + %s"
        " where id = (select id from customers order by random() limit 1)",
        [rng.randint(1, 9)],
    )


def empty_carts(cursor: Cursor, rng: random.Random) -> None:
    """Truncate a table and fill it in the same transaction."""
    cursor.execute("truncate carts")
    cursor.execute(
        "insert into carts (customer_id, products)"
        " select id, array[%s, null] from customers order by random() limit %s",
        [rng.randint(1, 9), rng.randint(0, 20)],
    )


def add_column(cursor: Cursor, _: random.Random) -> None:
    """Add a column whose default fills the old rows without a change of any row."""
    cursor.execute(
        "alter table customers add column if not exists points integer not null default 100"
    )


OPERATIONS: tuple[Operation, ...] = (
    insert_order,
    change_status,
    change_price,
    rewrite_description,
    change_attributes,
    delete_order,
    change_key,
    empty_carts,
    add_column,
)
