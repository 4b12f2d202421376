"""The shop of the demonstration: its tables, its first rows, and what its administrator sets up."""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg2.extensions import cursor as Cursor  # noqa: N812
from psycopg2.extras import Json, execute_values

DATABASE = "shop"

SCHEMA = """
create type order_status as enum ('placed', 'paid', 'shipped', 'cancelled');

create table customers (
    id bigint primary key,
    klaviyo_profile_id text,
    email text not null,
    name text,
    tags text[] not null default '{}',
    address jsonb,
    created_at timestamptz not null default now()
);

create table products (
    id bigint primary key,
    name text not null,
    price numeric(10, 2) not null,
    weight real,
    description text not null,
    attributes jsonb not null default '{}',
    updated_at timestamptz not null default now()
);
-- A text over 2 kB is beside the row: an update that leaves it as it is does not send it.
alter table products alter column description set storage external;

create table orders (
    id bigint primary key,
    customer_id bigint not null references customers on update cascade,
    status order_status not null default 'placed',
    total numeric(12, 2) not null,
    currency char(3) not null default 'USD',
    note text,
    placed_at timestamptz not null
);

create table order_items (
    order_id bigint references orders on delete cascade,
    line integer,
    product_id bigint not null references products,
    quantity integer not null,
    unit_price numeric(10, 2) not null,
    primary key (order_id, line)
);

create table carts (
    id uuid primary key default gen_random_uuid(),
    customer_id bigint not null,
    products bigint[] not null,
    updated_at timestamp not null default localtimestamp
);
"""

# The same statements as in README.md, section "Set up Postgres".
SETUP = """
create role simplyload login replication password 'a password of your own';
grant usage on schema public to simplyload;
grant select on all tables in schema public to simplyload;
alter default privileges in schema public grant select on tables to simplyload;
create publication simplyload_shop for table customers, products, orders, order_items, carts;
"""


@dataclass(frozen=True, kw_only=True)
class Order:
    """An order that Klaviyo knows too: the shop has it under the same id."""

    id: int
    placed_at: datetime
    profile_id: str
    email: str
    lines: Sequence[tuple[int, str, int, float]]  # product id, name, quantity, unit price


def fill_shop(cursor: Cursor, known: Sequence[Order], seed: int = 7) -> None:
    """Create the tables in an empty database and fill them.

    The shop has the orders that Klaviyo knows, and as many again from its counter, which Klaviyo
    does not know.
    """
    rng = random.Random(seed)
    cursor.execute(SCHEMA)
    customers = _customers(known, rng)
    products = _products(known, rng)
    orders, items = _orders(known, customers, products, rng)
    for table, columns, rows in (
        ("customers", "id, klaviyo_profile_id, email, name, tags, address", customers),
        ("products", "id, name, price, weight, description, attributes", products),
        ("orders", "id, customer_id, status, total, note, placed_at", orders),
        ("order_items", "order_id, line, product_id, quantity, unit_price", items),
    ):
        execute_values(cursor, f"insert into {table} ({columns}) values %s", rows)
    cursor.execute(
        "insert into carts (customer_id, products) select id, '{}' from customers limit 50"
    )


def describe_product(name: str, rng: random.Random) -> str:
    """Return a text of 3 to 9 kB: too large to be stored in the row."""
    words = ["soap", "of", "juniper", "and", "sea", "salt", "made", "by", "hand", name.lower()]
    return " ".join(rng.choices(words, k=rng.randint(700, 1_600)))


def _customers(known: Sequence[Order], rng: random.Random) -> list[tuple[Any, ...]]:
    people: dict[tuple[str | None, str], None] = dict.fromkeys(
        (order.profile_id, order.email) for order in known
    )
    people |= dict.fromkeys((None, f"counter{n}@shop.example") for n in range(len(people)))
    return [
        (
            number,
            profile_id,
            email,
            email.partition("@")[0].title(),
            rng.sample(["vip", "wholesale", "newsletter", 'says "hi"', ""], k=rng.randint(0, 3)),
            Json(
                {
                    "city": rng.choice(["Łódź", "Chicago", None]),
                    "zip": f"{rng.randint(0, 99999):05}",
                }
            ),
        )
        for number, (profile_id, email) in enumerate(people, 1)
    ]


def _products(known: Sequence[Order], rng: random.Random) -> list[tuple[Any, ...]]:
    catalogue = {line[0]: (line[1], line[3]) for order in known for line in order.lines}
    return [
        (
            id_,
            name,
            price,
            rng.choice([None, 0.1, 0.25, 1.5]),
            describe_product(name, rng),
            Json({"colour": rng.choice(["sand", "moss"]), "stock": rng.randint(0, 500)}),
        )
        for id_, (name, price) in catalogue.items()
    ]


def _orders(
    known: Sequence[Order],
    customers: Sequence[tuple[Any, ...]],
    products: Sequence[tuple[Any, ...]],
    rng: random.Random,
) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    by_profile = {row[1]: row[0] for row in customers if row[1]}
    orders, items = [], []
    for order in [*known, *_counter_orders(known, products, rng)]:
        customer = by_profile.get(order.profile_id, customers[-1][0])
        total = sum(quantity * price for _, _, quantity, price in order.lines)
        status = rng.choice(["placed", "paid", "shipped"])
        note = rng.choice([None, "", "gift"])
        orders.append((order.id, customer, status, round(total, 2), note, order.placed_at))
        items += [
            (order.id, number, id_, quantity, price)
            for number, (id_, _, quantity, price) in enumerate(order.lines, 1)
        ]
    return orders, items


def _counter_orders(
    known: Sequence[Order], products: Sequence[tuple[Any, ...]], rng: random.Random
) -> Iterator[Order]:
    for number in range(1, len(known) + 1):
        lines = [(row[0], row[1], rng.randint(1, 4), row[2]) for row in rng.sample(products, k=2)]
        yield Order(
            id=number,
            placed_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=37 * number),
            profile_id="",
            email="",
            lines=lines,
        )


def parse_orders(page: str) -> tuple[list[Order], str | None]:
    """Return the orders of a page of Klaviyo's events with their profiles, and the next page."""
    document = json.loads(page)
    emails = {
        profile["id"]: profile["attributes"]["email"] for profile in document.get("included", ())
    }
    return [_parse_order(event, emails) for event in document["data"]], document["links"]["next"]


def _parse_order(event: Any, emails: dict[str, str | None]) -> Order:
    properties = event["attributes"]["event_properties"]
    profile = event["relationships"]["profile"]["data"]["id"]
    lines = [
        (int(item["ProductID"]), item["ProductName"], item["Quantity"], item["ItemPrice"])
        for item in properties["Items"]
    ]
    return Order(
        id=int(properties["OrderId"]),
        placed_at=datetime.fromisoformat(event["attributes"]["datetime"]),
        profile_id=profile,
        email=emails.get(profile) or f"{profile}@unknown.example",
        lines=lines,
    )
